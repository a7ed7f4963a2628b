/*
 * The conduit: what the batches of a session go through. That is its lane and its mailbox or, while
 * the session is busy, the two rings of a channel (ipc/channel.h), where lane and mailbox only
 * carry bells.
 *
 * Each direction changes at a SWITCH frame of its own, which ends a batch:
 *
 *      down    QUEUE ---> ASKED ---> CHANNEL ---> LEFT ---> QUEUE
 *                             \---> REFUSED -------------->
 *      up      QUEUE -----------------> CHANNEL ----------> QUEUE
 *
 * `down` is read by the thread that reads the mailbox: the link, or its reader (reader.h). That
 * thread alone leaves ASKED and CHANNEL, when the hub's SWITCH comes, and uses the ring only in
 * CHANNEL; the link alone leaves the others. So neither needs a lock, and the link may close the
 * channel in LEFT and REFUSED while the reader waits in the mailbox. All the rest is the link's.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/clock.h"
#include "ipc/channel.h"
#include "lib/inbox.h"

/* Signs within a second that the queues are too small: then the hub is asked for a channel; at the
 * first one by a program that has said EARSHOT_CHANNEL. */
#define CONDUIT_BUSY_N 16
#define CONDUIT_BUSY_MS 1000
#define CONDUIT_REFUSED_MS 60000 /* the hub is not asked again for so long */

enum conduit_state {
    CONDUIT_QUEUE,
    CONDUIT_ASKED,
    CONDUIT_CHANNEL,
    CONDUIT_LEFT,
    CONDUIT_REFUSED,
};

/* All zeros: through queues. */
struct conduit {
    /* Do not change while a channel is there. */
    int mailbox, lane;
    pid_t pid; /* our own */
    uint64_t session;
    int room_fd; /* an eventfd */

    struct channel channel;
    atomic_int down;         /* enum conduit_state */
    atomic_bool awaits_room; /* room_fd is to be raised when there may be room in `up` */

    /* Of the thread that reads the mailbox. */
    struct inbox_batch *held; /* from the mailbox: what is in the ring was sent before it */
    bool is_broken;           /* what the hub sends makes no sense */

    /* The link's. */
    enum conduit_state up;
    bool may_ask; /* this hub knows channels */
    unsigned n_busy;
    mono_time busy_since, ask_at; /* on the coarse clock; ask_at: not before */
};

/* How a batch is waited for. */
enum conduit_wait {
    CONDUIT_NOW,      /* not at all; while there is a channel, without a system call */
    CONDUIT_WAIT,     /* in msgrcv(2) */
    CONDUIT_FOR_ROOM, /* the same; what is in the ring stays there, as far as order permits */
};

/*
 * The next batch. A queue_outcome: a bell, of whomever, counts as OK and ends a wait; EMPTY;
 * INTERRUPTED; GONE when the mailbox was removed and all was taken, or when is_broken is set.
 */
int conduit_receive(struct conduit *conduit, struct inbox_batch *batch, enum conduit_wait how);

/* An empty batch: it only ended a wait. */
bool conduit_is_bell(const struct inbox_batch *batch);

/* Makes a channel for the hub's uid, which is to be told of its shmid. Outcomes as shm_create(). */
int conduit_ask(struct conduit *conduit, uid_t hub);

/* While `up` goes through the channel: a batch into it. OK, FULL, or GONE: the hub is lost. */
int conduit_put(struct conduit *conduit, const void *batch, size_t n);

/*
 * The hub is to ring when there may be room for n bytes again: conduit_receive() returns then, and
 * if `tells`, room_fd becomes readable. False: there is room now.
 */
bool conduit_wait_for_room(struct conduit *conduit, size_t n, bool tells);
/* The thread that reads the mailbox has seen a bell, or will not see any for a while. */
void conduit_tell_room(struct conduit *conduit);

/* The SWITCH that is to end the next batch, an enum switch_to; negative: none. */
int conduit_owes(const struct conduit *conduit);
/* Whether it owes none, and conduit_settle() has nothing to do. */
bool conduit_is_settled(const struct conduit *conduit);
/* It has gone. */
void conduit_switched(struct conduit *conduit);
/* What the hub has refused is given back. */
void conduit_settle(struct conduit *conduit);

/* The session is over, or the channel is. The reader does not run, or does not use it. */
void conduit_close(struct conduit *conduit);
