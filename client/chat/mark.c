#include "chat/mark.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "chat/format.h"
#include "cli/words.h"

#define MARK_MAX 64
#define MARK_GATHER_MS 250 /* delivered and read come together, mostly */

static const char *const mark_words[] = {[EARSHOT_SENT] = "",
                                         [EARSHOT_STORED] = "",
                                         [EARSHOT_DELIVERED] = "delivered",
                                         [EARSHOT_READ] = "read"};

static void mark_free(struct chat *chat, struct mark *mark) {
    DL_DELETE(chat->marks, mark);
    chat->n_marks--;
    free(mark->preview);
    free(mark);
}

void mark_deinit(struct chat *chat) {
    while (chat->marks)
        mark_free(chat, chat->marks);
}

bool mark_wants(const struct chat *chat, const char *to) {
    return chat->has_editor && to[0] != '#' && !words_same_name(to, chat->me);
}

/* Another line is the last one now. */
static void mark_leave_end(struct chat *chat) {
    struct mark *mark;
    DL_FOREACH(chat->marks, mark) {
        mark->at_end = false;
    }
}

void mark_sent(struct chat *chat, const struct earshot_message *message, const char *id) {
    mark_leave_end(chat);
    if (!mark_wants(chat, message->to))
        return;
    struct mark *mark = calloc(1, sizeof *mark);
    if (!mark)
        return;
    if (chat->n_marks == MARK_MAX)
        mark_free(chat, chat->marks);
    memcpy(mark->id, id, sizeof mark->id);
    snprintf(mark->to, sizeof mark->to, "%s", message->to);
    mark->preview = format_preview(message->text, message->text_n);
    mark->at_end = view_end_here(&chat->view);
    DL_APPEND(chat->marks, mark);
    chat->n_marks++;
}

static struct mark *mark_find(struct chat *chat, const char *id) {
    struct mark *mark;
    DL_FOREACH(chat->marks, mark) {
        if (strcmp(mark->id, id) == 0)
            return mark;
    }
    return NULL;
}

/* Once for each absence: the handle that was told of last is not told of again. */
static void mark_tell_if_absent(struct chat *chat, const struct mark *mark) {
    if (!chat->here_known || roster_is_here(&chat->roster, mark->to)) {
        if (words_same_name(chat->absent, mark->to))
            *chat->absent = '\0';
        return;
    }
    if (words_same_name(chat->absent, mark->to))
        return;
    snprintf(chat->absent, sizeof chat->absent, "%s", mark->to);
    view_note(&chat->view, VIEW_NEWS, "%s is not here now; it waits for them", mark->to);
}

static void mark_raise_state(struct chat *chat, struct mark *mark, enum earshot_state state) {
    if (state <= mark->state)
        return;
    if (mark->state == EARSHOT_SENT && state == EARSHOT_STORED)
        mark_tell_if_absent(chat, mark);
    mark->state = state;
    if (state < EARSHOT_DELIVERED)
        return;
    if (!chat->marks_changed)
        chat->marks_due = mono_add_ms(mono_now(), MARK_GATHER_MS);
    mark->changed = chat->marks_changed = true;
}

void mark_event(struct chat *chat, const struct earshot_event *event) {
    bool refused = event->type == EARSHOT_EVENT_REFUSED;
    struct mark *mark = mark_find(chat, refused ? event->failed.id : event->state.id), *other,
                *next;
    if (!mark)
        return;
    if (refused) {
        mark_free(chat, mark);
        return;
    }
    DL_FOREACH_SAFE(chat->marks, other, next) {
        if (other == mark)
            break;
        if (event->state.up_to)
            mark_raise_state(chat, other, event->state.state);
    }
    mark_raise_state(chat, mark, event->state.state);
}

void mark_answered(struct chat *chat, const char *conv) {
    struct mark *mark, *next;
    DL_FOREACH_SAFE(chat->marks, mark, next) {
        if (words_same_name(mark->to, conv))
            mark_free(chat, mark);
    }
}

/* Whether a later message to the same handle was read, too: its line is enough for both. */
static bool mark_is_said_later(const struct mark *mark) {
    for (const struct mark *later = mark->next; later; later = later->next)
        if (later->state == EARSHOT_READ && words_same_name(later->to, mark->to))
            return true;
    return false;
}

static void mark_show(struct chat *chat, struct mark *mark) {
    mark->changed = false;
    if (mark->at_end && view_end_mark(&chat->view, mark_words[mark->state]))
        return;
    mark->at_end = false;
    if (mark->state == EARSHOT_READ && !mark_is_said_later(mark))
        view_note(&chat->view, VIEW_NEWS, "%s has read: %s", mark->to, mark->preview);
}

void mark_show_due(struct chat *chat) {
    struct mark *mark, *next;
    if (!chat->marks_changed || mark_timeout_ms(chat) > 0)
        return;
    chat->marks_changed = false;
    DL_FOREACH_SAFE(chat->marks, mark, next) {
        if (mark->changed)
            mark_show(chat, mark);
        if (mark->state == EARSHOT_READ)
            mark_free(chat, mark);
    }
}

int mark_timeout_ms(const struct chat *chat) {
    if (!chat->marks_changed)
        return -1;
    return mono_poll_ms(chat->marks_due);
}
