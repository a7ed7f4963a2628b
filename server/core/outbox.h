/*
 * The outbox: frames on their way to one mailbox.
 *
 * Frames are gathered in chunks, each of which is a finished batch: what is sent is what lies
 * here, nothing is copied again. Bounded: past OUTBOX_CHUNKS_MAX chunks no message is taken, past
 * OUTBOX_CONTROL_MAX not even an answer. An empty outbox owns no memory.
 *
 *   empty --append--> waiting --take--> in flight --all sent--> empty or waiting
 *                        ^                  |
 *                        +--- READY --- stuck (the mailbox is full; MORE lies at its end)
 *
 * READY says that the mailbox is empty. So if more waits then than fits, only as much is taken as
 * fits, with MORE at its end: the mailbox need not be found full first.
 *
 * One thread at a time sends for a session (in_flight), outside the core's lock. A READY that
 * arrives before that thread has reported "full" is remembered in `ready`, or it would be lost.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "proto/batch.h"

#define OUTBOX_CHUNKS_MAX 32
#define OUTBOX_CONTROL_MAX 64
#define OUTBOX_FLIGHT_MAX 4 /* chunks that are taken at once */
#define MAILBOX_BATCHES 2   /* batches that fit into an empty mailbox */

/* Frames as they go out. */
struct encoded {
    const void *frames;
    size_t n;
    const void *origin; /* the ORIGIN of the LINEs among them; it goes before them in each batch */
    size_t n_origin;    /* 0: there is none */
};

struct chunk {
    struct chunk *next;
    uint16_t n; /* bytes used of message.data */
    uint16_t n_frames;
    uint16_t origin_at, n_origin; /* the last ORIGIN in it; 0: none */
    bool has_more;                /* MORE is its last frame */
    struct queue_message message;
};

/* Unused chunks of all outboxes. */
struct chunk_pool {
    struct chunk *unused;
    unsigned n_unused;
    size_t n_used;
};

struct outbox {
    struct chunk *head, *tail;
    unsigned n_chunks;
    bool in_flight, stuck, ready;
    bool is_mailbox_empty; /* READY has come, nothing was sent since */
    bool has_marked;       /* MORE lies at the end of what is in flight */
    bool reserve_open;     /* the mailbox's reserve was opened to make room for MORE */
};

/* Where the frames go: what each batch starts with. */
struct outbox_address {
    uint64_t session;
    long mtype;
    size_t batch; /* bytes per batch */
};

void chunk_pool_deinit(struct chunk_pool *pool);
void chunk_release(struct chunk_pool *pool, struct chunk *chunk);

static inline bool outbox_takes_messages(const struct outbox *outbox) {
    return outbox->n_chunks < OUTBOX_CHUNKS_MAX;
}

static inline bool outbox_takes_answers(const struct outbox *outbox) {
    return outbox->n_chunks < OUTBOX_CONTROL_MAX;
}

/*
 * More is written for it: from the log, or of a list. That begins when the outbox is nearly empty
 * and fills it, for looking through the log costs more the more often it is done; and who is only
 * a little behind has caught up then.
 */
static inline bool outbox_is_low(const struct outbox *outbox) {
    return outbox->n_chunks < 4;
}

static inline bool outbox_is_sendable(const struct outbox *outbox) {
    return outbox->head && !outbox->in_flight && !outbox->stuck;
}

/*
 * Appends frames, filling one batch after the other. Returns 0, or -ENOMEM with none of
 * them appended.
 */
int outbox_append(struct outbox *outbox, struct chunk_pool *pool,
                  const struct outbox_address *address, const struct encoded *encoded);

/* Takes up to OUTBOX_FLIGHT_MAX chunks off the front; the outbox is in flight until returned. */
struct chunk *outbox_take(struct outbox *outbox);

/* Ends the flight: `rest` (NULL: all was sent) goes back to the front, stuck when `full`. */
void outbox_return(struct outbox *outbox, struct chunk *rest, bool full);

/* READY has come: the mailbox is empty. */
void outbox_ready(struct outbox *outbox);

/* Frees what is waiting. */
void outbox_clear(struct outbox *outbox, struct chunk_pool *pool);
