#include "chat/attention.h"

#include <stdlib.h>
#include <string.h>

#include "base/macro.h"
#include "chat/chat.h"

#define ATTENTION_IDLE_MS 300000 /* who has pressed no key for so long may be elsewhere */
#define ATTENTION_ITEMS_MAX 8192 /* of the oldest beyond, the sender is not told */
#define ATTENTION_DROPPED 256    /* at a time, for all the others move then */

void attention_deinit(struct attention *attention) {
    free(attention->items);
    *attention = (struct attention){0};
}

/* Forgets the first n. */
static void attention_drop(struct attention *attention, size_t n) {
    attention->n_items -= n;
    memmove(attention->items, attention->items + n, attention->n_items * sizeof *attention->items);
}

static bool attention_make_room(struct attention *attention) {
    if (attention->n_items == ATTENTION_ITEMS_MAX)
        attention_drop(attention, ATTENTION_DROPPED);
    if (attention->n_items < attention->size)
        return true;
    size_t size = attention->size > 0 ? 2 * attention->size : 32;
    struct attention_item *items = reallocarray(attention->items, size, sizeof *items);
    if (!items)
        return false;
    attention->items = items;
    attention->size = size;
    return true;
}

void attention_shown(struct chat *chat, const struct earshot_event *event) {
    struct attention *attention = &chat->attention;
    if (!chat->view.windowed) {
        earshot_mark_read(chat->link, event);
        return;
    }
    if (event->message.seq > attention->written)
        attention->written = event->message.seq;
    if (!event->message.wants_receipt || event->message.file || !attention_make_room(attention))
        return;
    struct attention_item *item = &attention->items[attention->n_items++];
    *item = (struct attention_item){
        .seq = event->message.seq, .link = event->message.link, .uid = event->message.uid};
    memcpy(item->id, event->message.id, sizeof item->id);
}

void attention_flushed(struct chat *chat) {
    chat->attention.visible = chat->attention.written;
}

void attention_look(struct chat *chat) {
    struct attention *attention = &chat->attention;
    attention->looked_at = mono_now();
    attention->is_away = attention->has_line = false;
    attention->read = attention->visible;
    unread_visit(chat, chat->target);
    attention_tell(chat);
}

void attention_leave(struct chat *chat) {
    chat->attention.is_away = true;
    chat->attention.has_line = false;
}

static struct earshot_event attention_event(const struct attention_item *item) {
    struct earshot_event event = {.type = EARSHOT_EVENT_MESSAGE};
    event.message.seq = item->seq;
    event.message.link = item->link;
    event.message.uid = item->uid;
    event.message.wants_receipt = true;
    memcpy(event.message.id, item->id, sizeof event.message.id);
    return event;
}

void attention_tell(struct chat *chat) {
    struct attention *attention = &chat->attention;
    size_t n = 0;
    if (attention->read == attention->told || !earshot_is_joined(chat->link))
        return;
    while (n < attention->n_items && attention->items[n].seq <= attention->read) {
        struct earshot_event event = attention_event(&attention->items[n]);
        if (earshot_mark_read(chat->link, &event) != EARSHOT_OK)
            break; /* with the next key */
        n++;
    }
    bool is_whole = n == attention->n_items || attention->items[n].seq > attention->read;
    attention_drop(attention, n);
    if (!is_whole)
        return;
    struct earshot_event last = {.type = EARSHOT_EVENT_MESSAGE};
    last.message.seq = attention->read;
    earshot_mark_read(chat->link, &last);
    attention->told = attention->read;
}

/* A hub without the log of the last one counts anew. */
void attention_back(struct chat *chat, uint64_t newest) {
    struct attention *attention = &chat->attention;
    if (attention->written > newest) {
        attention_drop(attention, attention->n_items);
        attention->written = attention->visible = attention->read = attention->told = 0;
    }
    attention_tell(chat);
}

bool attention_wants_line(struct chat *chat) {
    struct attention *attention = &chat->attention;
    bool is_idle = mono_ms_until(attention->looked_at, mono_now()) >= ATTENTION_IDLE_MS;
    if (!chat->view.windowed || attention->has_line || !(attention->is_away || is_idle))
        return false;
    attention->has_line = true;
    return true;
}
