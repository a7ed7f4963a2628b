/*
 * The outbox: frames on their way to one mailbox.
 *
 * Frames are gathered in chunks, each of which is one batch. Those of a session of its own are
 * written into a message, and what is sent is what lies here. The message begins small and grows
 * with what it holds: one short answer to each of thousands of sessions is not a batch each. What
 * goes to many is referred to (see body.h) and put together when it is sent; a chunk of such parts
 * that is to take other frames becomes a message. An empty outbox owns no memory; what a chunk
 * takes is charged to the account of the user that it is for. Bounded: past OUTBOX_CHUNKS_MAX
 * chunks, or an equal part of what is left to its user, no message is taken; past NOTICES_BYTES_MAX
 * no notice, so that nobody can fill somebody else's; and answers are taken while the account has
 * room for them.
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
 *
 * To a session that uses a channel (channel.c) its batches go through that, and it is stuck while
 * there is no room in the ring; nothing is marked. The road turns behind the chunk that tells so:
 * it ends a flight, and nothing is added to it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/body.h"
#include "proto/batch.h"

#define OUTBOX_CHUNKS_MAX 32
#define OUTBOX_CHUNKS_HIGH 10 /* what is left holds the window of a client, see lib/pending.h */
/* Of a session that does not read: of notices that may be missed, less than feeding waits for, */
#define NOTICES_BYTES_MAX 16384
#define NOTICES_BYTES_MUST 65536 /* and of those that may not */
#define OUTBOX_FLIGHT_MAX 4      /* chunks that are taken at once */
#define CHANNEL_FLIGHT_MAX 8     /* the same for a channel: what fits into its ring */
#define MAILBOX_BATCHES 2        /* batches that fit into an empty mailbox */

/* Whole frames of a body. */
struct chunk_part {
    struct body_share *share;
    uint32_t at; /* in its frames */
    uint16_t n;
    bool has_origin; /* its ORIGIN goes before them */
};

enum chunk_turn { TURN_NONE, TURN_TO_QUEUE, TURN_TO_CHANNEL };

struct chunk {
    struct chunk *next;
    uint64_t session;
    long mtype;
    struct account *payer;
    uint16_t n; /* bytes of the batch */
    uint16_t n_frames;
    uint16_t n_origin;     /* bytes of the last ORIGIN in it; 0: none */
    uint16_t n_notices;    /* bytes of notices in it */
    bool has_more;         /* MORE is its last frame */
    bool has_others;       /* besides messages: it cannot be made from the log again */
    uint8_t turn;          /* enum chunk_turn: SWITCH is its last frame, what follows goes there */
    const uint8_t *origin; /* the last one */
    struct queue_message *message; /* as large as message_class says; NULL: it consists of parts */
    uint8_t message_class;
    struct chunk_part *parts;
    uint16_t n_parts, parts_size;
};

/* The most that a chunk takes. */
#define CHUNK_BYTES_MAX (sizeof(struct chunk) + sizeof(struct queue_message))

#define MESSAGE_CLASSES 3 /* sizes of messages; the last one holds every batch */

union pooled_message {
    union pooled_message *next;
    struct queue_message message; /* or the beginning of it */
};

/* Unused messages and chunks of all outboxes. */
struct chunk_pool {
    struct {
        union pooled_message *unused;
        unsigned n_unused;
    } classes[MESSAGE_CLASSES];
    struct chunk *unused;
    unsigned n_unused;
    size_t n_used; /* chunks */
};

struct outbox {
    struct chunk *head, *tail;
    unsigned n_chunks;
    uint32_t n_notices; /* bytes of notices in these */
    bool in_flight, stuck, ready;
    bool is_mailbox_empty; /* READY has come, nothing was sent since */
    bool has_marked;       /* MORE lies at the end of what is in flight */
    bool reserve_open;     /* the mailbox's reserve was opened to make room for MORE */
    bool by_channel;       /* the next flight goes through the channel */
};

/* Where the frames go: what each batch starts with. */
struct outbox_address {
    uint64_t session;
    long mtype;
    size_t batch; /* bytes per batch */
    struct account *payer;
};

void chunk_pool_deinit(struct chunk_pool *pool);
void chunk_release(struct chunk_pool *pool, struct chunk *chunk);
/* What is sent: its message, or its parts put together in `scratch`. Needs no lock. */
const struct queue_message *chunk_message(const struct chunk *chunk, struct queue_message *scratch);

/* Nothing waits in it, and whoever it is for takes in what comes. */
static inline bool outbox_is_idle(const struct outbox *outbox) {
    return !outbox->head && !outbox->in_flight && !outbox->stuck;
}

/* Whether frames of n bytes fit into the memory that it has: then nothing is charged for them. */
bool outbox_has_room(const struct outbox *outbox, const struct outbox_address *address, size_t n);

/*
 * Whether so many bytes of messages may be added: in a new chunk, if need be, as long as it has
 * fewer than n_max of them; and where that takes memory, as long as it has a fair part of what is
 * left to its user.
 */
bool outbox_takes_messages(const struct outbox *outbox, const struct outbox_address *address,
                           size_t n, unsigned n_max);

/*
 * More is written for it: from the log, or of a list. That begins when the outbox is nearly empty
 * and fills it, for looking through the log costs more the more often it is done; and who is only
 * a little behind has caught up then.
 */
static inline bool outbox_is_low(const struct outbox *outbox) {
    return outbox->n_chunks < 4;
}

/* Whether so much waits in it, or of what its user may have, that its senders should pause. */
bool outbox_is_high(const struct outbox *outbox, const struct outbox_address *address);

static inline bool outbox_is_sendable(const struct outbox *outbox) {
    return outbox->head && !outbox->in_flight && !outbox->stuck;
}

/*
 * Appends frames, filling one batch after the other. Returns 0, or -ENOMEM with none of
 * them appended.
 */
int outbox_append(struct outbox *outbox, struct chunk_pool *pool,
                  const struct outbox_address *address, const struct encoded *encoded);

/* What was appended last is SWITCH: nothing comes behind it in its batch. */
void outbox_turn(struct outbox *outbox, enum chunk_turn turn);

/* Takes so many chunks off the front as go at once, and one way; in flight until returned. */
struct chunk *outbox_take(struct outbox *outbox);

/* Ends the flight: `rest` (NULL: all was sent) goes back to the front, stuck when `full`. */
void outbox_return(struct outbox *outbox, struct chunk *rest, bool full);

/* The flight sent this chunk last: behind it the road may turn. */
void outbox_note_sent(struct outbox *outbox, const struct chunk *last);

/* READY has come: the mailbox is empty. */
void outbox_ready(struct outbox *outbox);
/* There is room in the channel. */
void outbox_has_room_again(struct outbox *outbox);

/*
 * The first of the messages that wait, if nothing else does, and no part of it was sent: then the
 * outbox may be cleared, and filled from the log again. 0: it may not.
 */
uint64_t outbox_first_seq(const struct outbox *outbox);

/* Frees what is waiting. */
void outbox_clear(struct outbox *outbox, struct chunk_pool *pool);
