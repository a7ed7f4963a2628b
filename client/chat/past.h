/*
 * The past: /history, /search, the last lines of a conversation when it is opened, and what waited
 * for the user.
 *
 * While the hub is asked for the last lines, messages of that conversation that come meanwhile are
 * held, so that they stand below the older ones, and none of them twice. What waited is held until
 * no more of it comes, so that only the last screenful of each conversation is shown, and how much
 * there is besides.
 */
#pragma once

#include "chat/chat.h"

/* A copy of a message. */
struct past_message {
    struct earshot_event event;
    char *strings;
    struct earshot_reaction *reactions;
    struct past_message *prev, *next;
};

/* The conversation is being opened: a window shows its last lines, unless it has shown some. */
void past_open(struct chat *chat, const char *conv);

/* Asks for them: of a room, as soon as this window is in it. */
void past_ask(struct chat *chat, const char *conv);

/* It could not be opened: what was held is shown. */
void past_open_failed(struct chat *chat, const char *conv);

/* Whether the message is held. */
bool past_hold(struct chat *chat, const struct earshot_event *event);

/*
 * Asks for the newest message of all, so that the window knows when all that waited is here; the
 * answer (0: there is none of others); and what has come so far, shown or not.
 */
void past_ask_newest(struct chat *chat);
void past_newest(struct chat *chat, uint64_t seq);
void past_reached(struct chat *chat, uint64_t seq);

/* Shows what waited, when all of it is here; and when that may be: milliseconds, or -1. */
void past_show_due(struct chat *chat);
int past_timeout_ms(const struct chat *chat);

/* Asks for `n` messages: the last ones, or those before what was shown last in this way. */
void past_page(struct chat *chat, const char *conv, unsigned n, bool is_end);

/* PAST events of the requests; `held` are those of one request. */
void past_keep(struct past_message **held, const struct earshot_event *event);
void past_free(struct past_message **held);

/* The answer is complete: what is held is shown. */
void past_opened(struct chat *chat, const char *conv, struct past_message **held);
void past_found(struct chat *chat, struct past_message **held);

void past_deinit(struct chat *chat);

/*
 * A page of this conversation had nothing before it: oldest_ms is when its first message was said,
 * 0 if there was none. The hub does not know what it has deleted: so it is told how long, and how
 * much, is kept. `page` stands before the sentence.
 */
void past_tell_beginning(struct chat *chat, const char *conv, int64_t oldest_ms, const char *page);
