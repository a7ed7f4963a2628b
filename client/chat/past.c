#include "chat/past.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "chat/event.h"
#include "chat/inquiry.h"
#include "chat/show.h"
#include "cli/hash.h"
#include "cli/words.h"
#include "proto/name.h"

#define PAST_DAY_MS (INT64_C(24) * 60 * 60 * 1000)
#define PAST_LINES 10
/*
 * All that waited is here when the newest message is, or when nothing came for so long: after the
 * first request, while something is missing, and when nobody knows, with little of it and with
 * much.
 */
#define PAST_BEGIN_MS 500
#define PAST_MISSING_MS 1500
#define PAST_QUIET_MS 250
#define PAST_QUIET_MANY_MS 1000
#define PAST_NEWEST 10       /* messages, among which is one that somebody else wrote */
#define PAST_ROWS_BESIDES 10 /* of the terminal, besides what is shown of one conversation */
#define PAST_ROWS_MIN 10
#define PAST_HELD_BYTES_MAX                                                                        \
    (4 * 1024 * 1024) /* of all conversations, but for one message of each */

/* A conversation whose last lines were asked for, or of which something waited. */
struct past_opening {
    struct name key;
    char conv[CHAT_NAME_SIZE];
    struct past_message *before; /* its last lines, from the log */
    struct past_message *held;   /* what came meanwhile: the last screenful, */
    size_t n_held, n_left_out;   /* and how much more there was */
    size_t held_bytes;
    bool is_open; /* its last lines are wanted, and not here yet */
    bool asked, asked_again;
    mono_time due; /* nothing of it comes any more, unless it does before; ns 0: nothing waited */
    UT_hash_handle hh;
};

static char *past_copy_string(char **at, const char *text, size_t n) {
    char *copy = *at;
    memcpy(copy, text, n);
    copy[n] = '\0';
    *at += n + 1;
    return copy;
}

void past_keep(struct past_message **held, const struct earshot_event *event) {
    size_t from = strlen(event->message.from), to = strlen(event->message.to);
    size_t conv = strlen(event->message.conv), text = event->message.text_n;
    size_t title = strlen(event->message.title);
    size_t file = event->message.file ? event->message.file_n : 0;
    struct past_message *message = malloc(sizeof *message);
    char *at = malloc(from + to + conv + title + text + file + 6);
    if (!message || !at) {
        free(message);
        free(at);
        return;
    }
    *message = (struct past_message){.event = *event, .strings = at};
    message->event.message.from = past_copy_string(&at, event->message.from, from);
    message->event.message.to = past_copy_string(&at, event->message.to, to);
    message->event.message.conv = past_copy_string(&at, event->message.conv, conv);
    message->event.message.title = past_copy_string(&at, event->message.title, title);
    message->event.message.text = past_copy_string(&at, event->message.text, text);
    message->reactions = react_copy(event);
    message->event.message.reactions = message->reactions;
    if (!message->reactions)
        message->event.message.n_reactions = 0;
    if (event->message.file)
        message->event.message.file = past_copy_string(&at, event->message.file, file);
    DL_APPEND(*held, message);
}

static void past_free_message(struct past_message **held, struct past_message *message) {
    DL_DELETE(*held, message);
    free(message->strings);
    free(message->reactions);
    free(message);
}

void past_free(struct past_message **held) {
    while (*held)
        past_free_message(held, *held);
}

/* Others choose how many there are. */
static struct past_opening *past_find(const struct chat *chat, const char *conv) {
    struct past_opening *opening = NULL;
    struct name key;
    if (chat->openings && words_key(&key, conv))
        HASH_FIND(hh, chat->openings, key.s, key.n, opening);
    return opening;
}

static void past_free_opening(struct chat *chat, struct past_opening *opening) {
    chat->late.held_bytes -= opening->held_bytes;
    HASH_DEL(chat->openings, opening);
    past_free(&opening->before);
    past_free(&opening->held);
    free(opening);
}

void past_deinit(struct chat *chat) {
    while (chat->openings)
        past_free_opening(chat, chat->openings);
}

static struct past_opening *past_add(struct chat *chat, const char *conv) {
    struct name key;
    struct past_opening *opening = words_key(&key, conv) ? calloc(1, sizeof *opening) : NULL;
    if (!opening)
        return NULL;
    opening->key = key;
    snprintf(opening->conv, sizeof opening->conv, "%s", conv);
    HASH_ADD(hh, chat->openings, key.s, opening->key.n, opening);
    return opening;
}

void past_open(struct chat *chat, const char *conv) {
    struct past_opening *opening = past_find(chat, conv);
    if (!chat->view.windowed || scrollback_has_conv(&chat->scrollback, conv))
        return;
    if (!opening)
        opening = past_add(chat, conv);
    if (opening)
        opening->is_open = true;
}

static void past_request(struct chat *chat, struct past_opening *opening, uint64_t before) {
    uint32_t request = 0;
    int r = earshot_history(chat->link, opening->conv, before, 0, PAST_LINES, &request);
    if (r == EARSHOT_OK)
        inquiry_made(chat, r, request, INQUIRY_OPENED, opening->conv);
    else
        past_open_failed(chat, opening->conv);
}

void past_ask(struct chat *chat, const char *conv) {
    struct past_opening *opening = past_find(chat, conv);
    if (!opening || !opening->is_open || opening->asked)
        return;
    opening->asked = true;
    past_request(chat, opening, 0);
}

static void past_show_before(struct chat *chat, const struct past_opening *opening) {
    uint64_t first = opening->held ? opening->held->event.message.seq : UINT64_MAX;
    const struct past_message *message;
    if (opening->n_left_out > 0) { /* these are not the lines before what is shown */
        view_note(&chat->view, VIEW_INFO, "%zu more in %s%s: /history", opening->n_left_out,
                  conv_sign(opening->conv), conv_rest(opening->conv));
        unread_set_page(chat, opening->conv, first);
        return;
    }
    DL_FOREACH(opening->before, message) {
        struct scrollback_key key = {message->event.message.uid, message->event.message.id};
        if (message->event.message.seq < first && !scrollback_has(&chat->scrollback, key) &&
            !roster_is_ignored(&chat->roster, message->event.message.from))
            show_message(chat, &message->event, SHOW_PAST);
    }
}

/* Ends the opening; the messages held are taken as if they had just come. */
static void past_release(struct chat *chat, struct past_opening *opening) {
    struct past_message *held = opening->held;
    past_show_before(chat, opening);
    opening->held = NULL;
    past_free_opening(chat, opening);
    while (held) {
        event_message(chat, &held->event);
        past_free_message(&held, held);
    }
}

static bool past_is_ready(const struct past_opening *opening) {
    return !opening->is_open && mono_ms_until(mono_now(), opening->due) <= 0;
}

static void past_release_if_ready(struct chat *chat, struct past_opening *opening) {
    if (past_is_ready(opening))
        past_release(chat, opening);
}

void past_show_due(struct chat *chat) {
    struct past_opening *opening, *next;
    HASH_ITER(hh, chat->openings, opening, next) {
        past_release_if_ready(chat, opening);
    }
}

int past_timeout_ms(const struct chat *chat) {
    const struct past_opening *opening;
    int ms = -1;
    for (opening = chat->openings; opening; opening = opening->hh.next) {
        int one = opening->is_open ? -1 : mono_poll_ms(opening->due);
        if (one >= 0 && (ms < 0 || one < ms))
            ms = one;
    }
    return ms;
}

void past_open_failed(struct chat *chat, const char *conv) {
    struct past_opening *opening = past_find(chat, conv);
    if (!opening)
        return;
    opening->is_open = false;
    past_release_if_ready(chat, opening);
}

static size_t past_bytes(const struct earshot_event *event) {
    return event->message.text_n + (event->message.file ? event->message.file_n : 0);
}

static bool past_is_too_much(const struct chat *chat, const struct past_opening *opening) {
    if (!opening->held || !opening->held->next)
        return false;
    return chat->late.held_bytes > PAST_HELD_BYTES_MAX ||
           opening->n_held > view_rows(PAST_ROWS_BESIDES, PAST_ROWS_MIN);
}

static void past_count(struct chat *chat, struct past_opening *opening, size_t bytes) {
    opening->held_bytes += bytes;
    chat->late.held_bytes += bytes;
}

static void past_leave_out(struct chat *chat, struct past_opening *opening) {
    past_count(chat, opening, -past_bytes(&opening->held->event));
    event_pass(chat, &opening->held->event);
    past_free_message(&opening->held, opening->held);
    opening->n_held--;
    opening->n_left_out++;
}

/* Whether more of what waits may come: the newest message has not, nor has time passed. */
static bool past_is_catching_up(const struct chat *chat) {
    const struct past_late *late = &chat->late;
    bool is_there = !late->is_asking && late->reached >= late->newest;
    return !is_there && mono_ms_until(mono_now(), late->until) > 0;
}

static mono_time past_due(const struct chat *chat, const struct past_opening *opening) {
    if (past_is_catching_up(chat))
        return chat->late.until;
    return mono_add_ms(mono_now(), opening->n_left_out > 0 ? PAST_QUIET_MANY_MS : PAST_QUIET_MS);
}

/* Behind the newest message nothing waits. */
static void past_end_waiting(struct chat *chat) {
    struct past_opening *opening;
    bool is_over = chat->late.newest > 0 && chat->late.reached >= chat->late.newest;
    for (opening = chat->openings; opening; opening = opening->hh.next) {
        if (opening->due.ns != 0)
            opening->due = is_over ? mono_now() : past_due(chat, opening);
    }
}

void past_ask_newest(struct chat *chat) {
    uint32_t request = 0;
    if (!chat->view.windowed)
        return;
    int r = earshot_history(chat->link, NULL, 0, 0, PAST_NEWEST, &request);
    chat->late =
        (struct past_late){.reached = chat->late.reached, .held_bytes = chat->late.held_bytes};
    chat->late.is_asking =
        r == EARSHOT_OK && inquiry_made(chat, r, request, INQUIRY_NEWEST, "") != NULL;
    chat->late.until = mono_add_ms(mono_now(), PAST_BEGIN_MS);
}

void past_newest(struct chat *chat, uint64_t seq) {
    chat->late.is_asking = false;
    chat->late.newest = seq;
    past_end_waiting(chat);
}

void past_reached(struct chat *chat, uint64_t seq) {
    chat->late.reached = seq;
    chat->late.until = mono_add_ms(mono_now(), PAST_MISSING_MS);
    if (chat->late.newest > 0 && seq >= chat->late.newest)
        past_end_waiting(chat);
}

bool past_hold(struct chat *chat, const struct earshot_event *event) {
    bool late = event->message.late && chat->view.windowed;
    struct past_opening *opening = past_find(chat, event->message.conv);
    if (!opening && late)
        opening = past_add(chat, event->message.conv);
    if (!opening)
        return false;
    past_keep(&opening->held, event);
    opening->n_held++;
    past_count(chat, opening, past_bytes(event));
    while (past_is_too_much(chat, opening))
        past_leave_out(chat, opening);
    if (late)
        opening->due = past_due(chat, opening);
    return true;
}

/* Whether the answer holds nothing but messages that came meanwhile, and older ones may exist. */
static bool past_has_older(const struct past_message *held, uint64_t first) {
    size_t n = 0;
    for (const struct past_message *message = held; message; message = message->next) {
        if (message->event.message.seq < first)
            return false;
        n++;
    }
    return n == PAST_LINES;
}

void past_opened(struct chat *chat, const char *conv, struct past_message **held) {
    struct past_opening *opening = past_find(chat, conv);
    uint64_t first = opening && opening->held ? opening->held->event.message.seq : UINT64_MAX;
    if (!opening) /* messages were shown already: older lines would stand below them */
        return;
    if (!opening->asked_again && opening->n_left_out == 0 && past_has_older(*held, first)) {
        opening->asked_again = true;
        past_request(chat, opening, first);
        return;
    }
    past_free(&opening->before);
    opening->before = *held;
    *held = NULL;
    opening->is_open = false;
    if (past_is_catching_up(chat))
        opening->due = chat->late.until;
    past_release_if_ready(chat, opening);
}

void past_page(struct chat *chat, const char *conv, unsigned n, bool is_end) {
    uint32_t request = 0;
    uint64_t before = is_end ? 0 : unread_page(chat, conv);
    unsigned limit = n < EARSHOT_PAGE_MAX ? n : EARSHOT_PAGE_MAX;
    int r = earshot_history(chat->link, conv, before, 0, limit, &request);
    inquiry_page(inquiry_made(chat, r, request, INQUIRY_HISTORY, conv), before, n);
}

/* The hub tells the newest first; here it stands at the bottom, next to the prompt. */
void past_found(struct chat *chat, struct past_message **held) {
    while (*held) {
        struct past_message *last = (*held)->prev;
        show_message(chat, &last->event, SHOW_FOUND);
        past_free_message(held, last);
    }
}

void past_tell_beginning(struct chat *chat, const char *about, int64_t oldest_ms,
                         const char *page) {
    char keeping[CHAT_KEEPING_SIZE];
    struct earshot_hub_info hub;
    const char *conv = conv_rest(about), *at = conv_sign(about);
    earshot_hub(chat->link, &hub);
    chat_keeping_text(&hub, keeping);
    int64_t kept_ms = (int64_t)hub.keep_days * PAST_DAY_MS / 10 * 9; /* nearly as old as any */
    bool is_cut = hub.keep_days > 0 && oldest_ms > 0 && wall_now().ms - oldest_ms >= kept_ms;
    if (is_cut)
        view_note(
            &chat->view, VIEW_INFO,
            "%swhat was before in %s%s, if anything, is not kept any more: messages are kept %s",
            page, at, conv, keeping);
    else if (*keeping)
        view_note(&chat->view, VIEW_INFO,
                  "%sthis is the beginning of %s%s, as far as it is kept: %s", page, at, conv,
                  keeping);
    else
        view_note(&chat->view, VIEW_INFO, "%sthis is the beginning of %s%s", page, at, conv);
}
