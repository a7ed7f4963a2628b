#include "chat/unread.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"
#include "base/text.h"
#include "chat/chat.h"
#include "chat/inquiry.h"
#include "chat/show.h"
#include "cli/hash.h"
#include "cli/words.h"
#include "proto/name.h"

#define UNREAD_ITEMS_MAX 200
#define UNREAD_PROMPT_COLUMNS 40 /* of all that is new, in the prompt */

struct unread_item {
    struct name key;
    char conv[CHAT_NAME_SIZE];
    size_t n, n_mentions; /* since the user was there */
    uint64_t newest;      /* message of the conversation; */
    uint64_t counted;     /* the hub has counted those up to this one, */
    uint64_t seen;        /* and the user has seen up to this one */
    enum unread_level level;
    uint64_t page;     /* /history goes on before this message; 0: at the end */
    UT_hash_handle hh; /* in the order in which they came up */
};

const char *const unread_level_words[] = {
    [UNREAD_DEFAULT] = "default", [UNREAD_EVERY] = "every", [UNREAD_MENTIONS] = "mentions",
    [UNREAD_OFF] = "off",         [UNREAD_MUTE] = "mute",   NULL,
};

bool unread_level_of(const char *word, enum unread_level *level) {
    for (int i = 0; unread_level_words[i]; i++) {
        if (strcmp(unread_level_words[i], word) == 0) {
            *level = (enum unread_level)i;
            return true;
        }
    }
    return false;
}

static void unread_free(struct unread *unread, struct unread_item *item) {
    HASH_DEL(unread->items, item);
    free(item);
}

void unread_deinit(struct unread *unread) {
    while (unread->items)
        unread_free(unread, unread->items);
}

static struct unread_item *unread_find(const struct chat *chat, const char *conv) {
    struct unread_item *item = NULL;
    struct name key;
    if (words_key(&key, conv))
        HASH_FIND(hh, chat->unread.items, key.s, key.n, item);
    return item;
}

/* Others choose how many conversations there are: of those where nothing is new the oldest goes. */
static void unread_make_room(struct unread *unread) {
    struct unread_item *item = unread->items;
    if (HASH_COUNT(item) < UNREAD_ITEMS_MAX)
        return;
    while (item && item->n > 0)
        item = item->hh.next;
    unread_free(unread, item ? item : unread->items);
}

/* As it was remembered of the last time, under the key: a name may be spelled otherwise then. */
static enum unread_level unread_known_level(const struct chat *chat, const struct name *key) {
    const char *word = memory_get(&chat->memory, MEMORY_LEVEL, key->s);
    enum unread_level level;
    return word && unread_level_of(word, &level) ? level : UNREAD_DEFAULT;
}

static struct unread_item *unread_find_or_add(struct chat *chat, const char *conv) {
    struct unread_item *item = unread_find(chat, conv);
    struct name key;
    if (item || !words_key(&key, conv))
        return item;
    item = calloc(1, sizeof *item);
    if (!item)
        return NULL;
    unread_make_room(&chat->unread);
    item->key = key;
    snprintf(item->conv, sizeof item->conv, "%s", conv);
    item->level = unread_known_level(chat, &key);
    HASH_ADD(hh, chat->unread.items, key.s, item->key.n, item);
    return item;
}

void unread_know(struct chat *chat, const char *conv) {
    (void)unread_find_or_add(chat, conv);
}

void unread_forget(struct chat *chat, const char *conv) {
    struct unread_item *item = unread_find(chat, conv);
    if (!item)
        return;
    chat->unread.changed |= item->n > 0;
    unread_free(&chat->unread, item);
}

static void unread_clear(struct chat *chat, struct unread_item *item, uint64_t seen) {
    item->n = item->n_mentions = 0;
    item->seen = seen;
    chat->unread.changed = true;
}

/* The hub is told, and tells the user's other windows. */
void unread_visit(struct chat *chat, const char *conv) {
    struct unread_item *item = unread_find(chat, conv);
    if (!item || item->n == 0)
        return;
    unread_clear(chat, item, item->newest);
    if (chat->view.windowed && earshot_is_joined(chat->link))
        (void)earshot_mark_seen(chat->link, item->conv, item->newest);
}

void unread_counted(struct chat *chat, const struct earshot_event *event) {
    const char *conv = event->unread.conv;
    bool is_room = conv[0] == '#';
    struct unread_item *item =
        !is_room && roster_is_ignored(&chat->roster, conv) ? NULL : unread_find_or_add(chat, conv);
    if (!item || event->unread.seq <= item->seen)
        return;
    if (item->newest > event->unread.seq && item->n > event->unread.unread)
        return; /* more has come meanwhile */
    item->n = event->unread.unread;
    item->n_mentions = is_room ? event->unread.mentions : item->n;
    item->counted = event->unread.seq;
    if (item->newest < item->counted)
        item->newest = item->counted;
    chat->unread.changed = true;
}

void unread_seen(struct chat *chat, const struct earshot_event *event) {
    struct unread_item *item = unread_find(chat, event->unread.conv);
    if (!item || item->n == 0)
        return;
    if (item->newest <= event->unread.seq)
        unread_clear(chat, item, event->unread.seq);
    else
        inquiry_unread(chat, item->conv);
}

void unread_begin_anew(struct chat *chat) {
    for (struct unread_item *item = chat->unread.items; item; item = item->hh.next)
        item->newest = item->counted = item->seen = 0;
    inquiry_unread(chat, NULL);
}

void unread_message(struct chat *chat, const struct earshot_event *event) {
    uint64_t seq = event->message.seq;
    if (show_is_own(chat, event)) {
        unread_visit(chat, event->message.conv);
        return;
    }
    struct unread_item *item = unread_find_or_add(chat, event->message.conv);
    if (!item)
        return;
    if (seq > item->newest)
        item->newest = seq;
    if (seq <= item->counted || seq <= item->seen)
        return;
    item->n++;
    item->n_mentions += show_is_highlight(chat, event);
    chat->unread.changed = true;
}

/* Levels. */

enum unread_level unread_level(const struct chat *chat, const char *conv) {
    const struct unread_item *item = unread_find(chat, conv);
    return item ? item->level : UNREAD_DEFAULT;
}

void unread_set_level(struct chat *chat, const char *conv, enum unread_level level) {
    struct unread_item *item = unread_find_or_add(chat, conv);
    if (!item)
        return;
    item->level = level;
    chat->unread.changed = true;
    memory_set(&chat->memory, MEMORY_LEVEL, item->key.s,
               level == UNREAD_DEFAULT ? NULL : unread_level_words[level]);
}

uint64_t unread_page(const struct chat *chat, const char *conv) {
    const struct unread_item *item = unread_find(chat, conv);
    return item ? item->page : 0;
}

void unread_set_page(struct chat *chat, const char *conv, uint64_t before) {
    struct unread_item *item = unread_find_or_add(chat, conv);
    if (item)
        item->page = before;
}

/* Telling. */

/* Where plain lines go, only what came since the last key is new, and that stands on the screen. */
static bool unread_counts(const struct unread_item *item, const struct unread_item *here) {
    if (item->n == 0 || item == here)
        return false;
    return item->level < UNREAD_OFF || item->n_mentions > 0;
}

const char *unread_next(const struct chat *chat) {
    const struct unread_item *item, *any = NULL, *here = unread_find(chat, chat->target);
    for (item = chat->unread.items; item; item = item->hh.next) {
        if (!unread_counts(item, here))
            continue;
        if (item->n_mentions > 0)
            return item->conv;
        if (!any)
            any = item;
    }
    return any ? any->conv : NULL;
}

const char *unread_direct(const struct chat *chat) {
    const struct unread_item *item, *last = NULL, *here = unread_find(chat, chat->target);
    for (item = chat->unread.items; item; item = item->hh.next)
        if (conv_is_direct(item->conv) && unread_counts(item, here) &&
            (!last || item->newest > last->newest))
            last = item;
    return last ? last->conv : NULL;
}

const char *unread_at(const struct chat *chat, size_t number) {
    const struct unread_item *item = chat->unread.items;
    while (item && --number > 0)
        item = item->hh.next;
    return item ? item->conv : NULL;
}

void unread_prompt(const struct chat *chat, char text[UNREAD_PROMPT_SIZE]) {
    const struct unread_item *item, *here = unread_find(chat, chat->target);
    size_t used = 0, n_more = 0, columns = 0;
    *text = '\0';
    for (item = chat->unread.items; item; item = item->hh.next) {
        char one[CHAT_NAME_SIZE + 32];
        if (!unread_counts(item, here))
            continue;
        int n = snprintf(one, sizeof one, "%s %s%s %zu%s", used == 0 ? " |" : "",
                         conv_sign(item->conv), conv_rest(item->conv), item->n,
                         !conv_is_direct(item->conv) && item->n_mentions > 0 ? "!" : "");
        columns += text_columns(one);
        if (columns > UNREAD_PROMPT_COLUMNS || used + (size_t)n + 16 > UNREAD_PROMPT_SIZE) {
            n_more++;
            continue;
        }
        memcpy(text + used, one, (size_t)n + 1);
        used += (size_t)n;
    }
    if (n_more > 0)
        snprintf(text + used, UNREAD_PROMPT_SIZE - used, "%s +%zu", used == 0 ? " |" : "", n_more);
}

void unread_list(struct chat *chat) {
    const struct unread_item *item, *here = unread_find(chat, chat->target);
    size_t number = 0;
    for (item = chat->unread.items; item; item = item->hh.next) {
        char news[80] = "";
        bool is_here = item == here;
        number++;
        if (item->n_mentions > 0 && !conv_is_direct(item->conv))
            snprintf(news, sizeof news, ": %zu new, %zu for you", item->n, item->n_mentions);
        else if (item->n > 0 && !is_here)
            snprintf(news, sizeof news, ": %zu new", item->n);
        view_note(&chat->view, VIEW_INFO, "%zu %s%s%s%s%s%s", number, conv_sign(item->conv),
                  conv_rest(item->conv), is_here ? ", where you are" : "",
                  item->level == UNREAD_DEFAULT ? "" : ", ",
                  item->level == UNREAD_DEFAULT ? "" : unread_level_words[item->level], news);
    }
    if (number == 0)
        view_note(&chat->view, VIEW_INFO, "no conversation yet");
    else
        view_note(&chat->view, VIEW_INFO,
                  "Alt-1 to Alt-9 goes to one, Alt-A or /next to where something is new");
}
