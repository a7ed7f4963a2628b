/*
 * From frames to events: the strings of a frame are copied, NUL-terminated, into a store that
 * lives until the next event. Pure: no system call, no link.
 */
#pragma once

#include <stddef.h>

#include "lib/earshot.h"
#include "proto/frame.h"
#include "proto/name.h"
#include "proto/reaction.h"

/* What came before the message of the past that they are to. */
struct event_reactions {
    uint64_t seq; /* of that */
    size_t n, used;
    char *bytes; /* NULL: none have come yet */
    struct earshot_reaction all[REACTION_KINDS_MAX];
};

struct event_store {
    char *bytes;
    size_t size, used;
    pid_t *pids;
    size_t n_pids_max;
    struct earshot_account account;
    struct event_reactions reactions;
};

/* What the LINEs behind an ORIGIN, to the end of the batch, have in common. */
struct event_lines {
    struct frame_origin origin; /* nobody: from.n is 0. Its names lie in the batch */
    struct earshot_event event;
    char from[NAME_BYTES_MAX + 1], to[NAME_BYTES_MAX + 1];
};

void event_store_deinit(struct event_store *store);

/* Whether it is a message of now, or what became of one. */
static inline bool event_is_message(const struct earshot_event *event) {
    return event->type == EARSHOT_EVENT_MESSAGE || event->type == EARSHOT_EVENT_EDITED ||
           event->type == EARSHOT_EVENT_REMOVED || event->type == EARSHOT_EVENT_REACTION;
}

/*
 * Each fills the event; 0 or -ENOMEM. `handle` is one's own: it tells the other party of a
 * direct message.
 */
int event_from_message(struct event_store *store, struct earshot_event *event,
                       const struct frame_message *message, uint8_t flags, struct bytes handle);
/* One of a kind that mend_is(). */
int event_from_mend(struct event_store *store, struct earshot_event *event,
                    const struct frame_message *message, uint8_t flags, struct bytes handle);
/* A message of the past, in answer to this request. */
int event_from_past(struct event_store *store, struct earshot_event *event,
                    const struct frame_message *message, uint32_t request, struct bytes handle);
/* A KIND_REACT of the past is kept for the message that follows. 0 or -ENOMEM. */
int event_keep_reaction(struct event_store *store, const struct frame_message *message);
/* One of them; the event's names are those of `lines`. */
void event_begin_lines(struct event_lines *lines, const struct frame_origin *origin);
void event_end_lines(struct event_lines *lines);
int event_from_line(struct event_store *store, struct earshot_event *event,
                    const struct event_lines *lines, const struct frame_line *line, uint8_t flags,
                    struct bytes handle);
int event_from_state(struct event_store *store, struct earshot_event *event,
                     const struct frame_state *state);
int event_from_fail(struct event_store *store, struct earshot_event *event,
                    const struct frame_fail *fail);
int event_from_user(struct event_store *store, struct earshot_event *event,
                    const struct frame_user *user);
int event_from_room(struct event_store *store, struct earshot_event *event,
                    const struct frame_room *room);
int event_from_laid(struct event_store *store, struct earshot_event *event,
                    const struct frame_laid *laid);
int event_from_about(struct event_store *store, struct earshot_event *event,
                     const struct frame_about *about);
int event_from_pinned(struct event_store *store, struct earshot_event *event,
                      const struct frame_pinned *pinned);
int event_from_counter(struct event_store *store, struct earshot_event *event,
                       const struct frame_counter *counter);
int event_from_object(struct event_store *store, struct earshot_event *event,
                      const struct frame_object *object);
int event_from_unread(struct event_store *store, struct earshot_event *event,
                      const struct frame_count *count);
int event_from_account(struct event_store *store, struct earshot_event *event,
                       const struct frame_account *account);
int event_from_claimed(struct event_store *store, struct earshot_event *event,
                       const struct frame_claimed *claimed);
int event_from_seen(struct event_store *store, struct earshot_event *event,
                    const struct frame_read *read);
int event_from_news(struct event_store *store, struct earshot_event *event,
                    const struct frame_news *news);
