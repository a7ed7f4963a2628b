/*
 * The ring: a circular bounded buffer between two processes that do not trust each other, in a
 * System V segment (ipc/shm.h). One producer, who creates it, and one consumer. It moves slots of
 * bytes in order and knows nothing of files. Why it is right stands at the top of ring.c.
 *
 * One thread uses one side. Waiting costs no processor time; it ends when the peer signals,
 * cancels or dies (noticed within RING_TICK_MS and a bit), at the deadline, or when the caller's
 * stop flag is set (at once when a signal comes to the waiting thread as well).
 *
 *   producer                                    consumer
 *   ring_create(...), offers shmid and layout
 *                                               ring_attach(...), and says so
 *   ring_watch(pid of the consumer)
 *   ring_producer_acquire, fill, commit   ...   ring_consumer_acquire, copy, release
 *   ring_producer_commit_end                    gets RING_END, checks, ring_consumer_finish
 *   ring_producer_await: the consumer's result
 *   ring_close                                  ring_close
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/clock.h"

#define RING_N_SLOTS 8
#define RING_SLOT_BYTES (256 * 1024)
#define RING_N_SLOTS_MIN 2
#define RING_N_SLOTS_MAX 64
#define RING_SLOT_BYTES_MAX (4 * 1024 * 1024)

/* How often a waiting side looks whether its peer lives, in milliseconds. */
#define RING_TICK_MS 100

/* Deadlines: not at all, and for ever. */
#define RING_NOW ((mono_time){0})
#define RING_FOREVER ((mono_time){INT64_MAX})

/* Both sides must use the same: it goes with the offer and is never read from the segment. */
struct ring_layout {
    uint32_t n_slots;
    uint32_t slot_bytes; /* a multiple of the page size */
};

/* Whether a ring may have this layout: ask before using what a peer has sent. */
bool ring_layout_is_valid(struct ring_layout layout);

/* The size of its segment in bytes, 0 when the layout is not valid. */
size_t ring_size(struct ring_layout layout);

/* What a slot carries. */
enum ring_kind {
    RING_DATA = 1, /* 1 to slot_bytes bytes */
    RING_HOLE,     /* this many zeros, none of which is here: 1 to RING_HOLE_MAX */
    RING_RECORD,   /* 1 to slot_bytes bytes that mean something to the layer above */
    RING_END,      /* the last slot: a status and up to RING_END_BYTES_MAX bytes, as a digest */
};

#define RING_HOLE_MAX ((uint64_t)INT64_MAX)
#define RING_END_BYTES_MAX 256

/* How acquire and await end. TIMEOUT, STOPPED and NO_MEMORY may go by, the others are final. */
enum ring_outcome {
    RING_OK = 0,
    RING_TIMEOUT,        /* the deadline is past and the peer has done nothing: it stalls */
    RING_STOPPED,        /* our own stop flag is set */
    RING_PEER_CANCELLED, /* ring_peer_code() tells with what; what is still in the ring is void */
    RING_PEER_DEAD,      /* and everything that it had committed is used up */
    RING_PEER_BROKEN,    /* it wrote what no honest peer writes */
    RING_NO_MEMORY,      /* producer: the pages of the next slot could not be had */
};

const char *ring_outcome_text(enum ring_outcome outcome);

enum ring_side { RING_PRODUCER = 1, RING_CONSUMER };

struct ring_memory;

/* One side of a ring, in private memory. Its fields are the ring's own; zeroed means closed. */
struct ring {
    enum ring_side side;
    int shmid;
    int peer_pidfd;             /* -1: nobody is watched */
    struct ring_memory *memory; /* the segment; ring_memory.h */
    unsigned char *slots;       /* in it */
    struct ring_layout layout;
    uint64_t position;       /* slots that we have committed, or released */
    uint64_t peer_position;  /* the same of the peer, last seen and in range */
    uint32_t n_touched;      /* producer: slots whose pages are there */
    uint64_t mapped;         /* consumer: a bit for each place whose pages are mapped */
    uint32_t bell;           /* the value of our bell */
    bool is_holding;         /* a slot is acquired */
    bool is_ended;           /* RING_END was committed, or seen */
    bool is_done;            /* our last word is said: end, result or cancel */
    enum ring_outcome final; /* RING_OK while there is none */
    uint32_t peer_code;
    const atomic_bool *stop;
};

/*
 * Producer: creates the segment for this owner with the pages of the first slot, and gives it away
 * as shm_create does. The pages of the others are made, charged to us too, when they are first
 * acquired, while the consumer is at work already. Nobody is watched yet. Returns 0, -errno or an
 * enum shm_outcome: TOO_LARGE, NO_ID, NO_PAGES, NO_FILES, NO_MEMORY, DENIED.
 */
int ring_create(struct ring *ring, struct ring_layout layout, uid_t owner);

/*
 * Consumer: attaches the segment, checks that it is one that the sender's uid has made for us
 * with this layout (which must be valid), and watches the process that created it, which must be
 * alive and attached. creator_pid may be 0: any process of that uid. Returns 0, -errno or an enum
 * shm_outcome: GONE, DENIED, NO_MEMORY, UNEXPECTED.
 */
int ring_attach(struct ring *ring, int shmid, struct ring_layout layout, uid_t creator,
                pid_t creator_pid);

/*
 * From now on waiting ends when this process dies. Returns 0 or -errno; -ESRCH: it is dead. The
 * producer's own check that a consumer came is ring_is_met.
 */
int ring_watch(struct ring *ring, pid_t peer);

/* Whether the watched process is dead; for who waits for something else meanwhile. */
bool ring_peer_is_dead(const struct ring *ring);

/* Whether somebody besides us is attached now. */
bool ring_is_met(const struct ring *ring);

/* Acquire and await return RING_STOPPED while *stop is true. NULL: none. It outlives the ring. */
void ring_set_stop(struct ring *ring, const atomic_bool *stop);

/*
 * Detaches. Who has neither ended, nor given the result, nor cancelled, cancels by this with
 * RING_CODE_CLOSED, so that the peer does not wait. Safe on the zero state and twice.
 */
void ring_close(struct ring *ring);

/* --- producer --- */

/*
 * The next free slot: *data has layout.slot_bytes bytes to write to. Acquiring again what is not
 * committed gives the same slot. Outcomes: all of enum ring_outcome.
 */
int ring_producer_acquire(struct ring *ring, mono_time deadline, void **data);

/* Hands over the acquired slot with n bytes in it: RING_DATA or RING_RECORD. */
void ring_producer_commit(struct ring *ring, enum ring_kind kind, size_t n);

/* Hands over the acquired slot as a hole. */
void ring_producer_commit_hole(struct ring *ring, uint64_t n);

/* Hands over the acquired slot as the end, with n bytes in it; nothing may follow. */
void ring_producer_commit_end(struct ring *ring, uint32_t status, size_t n);

/*
 * After the end: waits for the result of the consumer (any number that it chose). Outcomes: all.
 */
int ring_producer_await(struct ring *ring, mono_time deadline, uint32_t *result);

/* --- consumer --- */

/* A slot as it was found: checked, and in private memory except for the bytes. */
struct ring_item {
    enum ring_kind kind;
    uint32_t n;       /* bytes at `data` */
    const void *data; /* the peer may change them at any time: read each byte once, or copy first */
    uint64_t hole;    /* RING_HOLE: zeros */
    uint32_t status;  /* RING_END */
};

/*
 * The next slot that was handed over; the one before must have been released. After RING_END
 * there is none: do not ask. Outcomes: all of enum ring_outcome.
 */
int ring_consumer_acquire(struct ring *ring, mono_time deadline, struct ring_item *item);

/* Gives the acquired slot back. */
void ring_consumer_release(struct ring *ring);

/* Tells the producer the result, once, after the end. To end earlier there is ring_cancel. */
void ring_consumer_finish(struct ring *ring, uint32_t result);

/* --- both --- */

/* What a peer sees of somebody who just closes. */
#define RING_CODE_CLOSED UINT32_MAX

/* Ends it for both; the peer gets RING_PEER_CANCELLED with this code, which is not 0. */
void ring_cancel(struct ring *ring, uint32_t code);

/* The peer's code, after RING_PEER_CANCELLED. */
static inline uint32_t ring_peer_code(const struct ring *ring) {
    return ring->peer_code;
}

/* Slots that are handed over and not given back, as far as the peer's index can be believed. */
uint32_t ring_fill(const struct ring *ring);

/* What can be seen of a ring from outside; only as true as its two users are honest. */
struct ring_view {
    struct ring_layout layout;
    uint32_t fill;
    uint64_t n_produced, n_consumed; /* slots */
    bool producer_waits, consumer_waits;
};

/* Whether this size is one of a ring's segment: they carry a mark (ring.c). */
bool ring_size_is_marked(size_t size);

/*
 * Removes what a producer of our uid left behind that was killed within the few microseconds
 * between the creation of a segment and its removal. ring_create calls it. Returns how many, or
 * -errno.
 */
int ring_sweep(void);

/*
 * Looks into the ring of others: those that our uid created or owns, or any when we are root.
 * Returns 0, -errno or an enum shm_outcome; UNEXPECTED: it is no ring, or makes no sense.
 */
int ring_look(int shmid, struct ring_view *view);
