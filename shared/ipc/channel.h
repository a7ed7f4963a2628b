/*
 * The channel: shared memory between a busy client and the hub, who do not trust each other.
 *
 * It is one segment (ipc/shm.h) with two batch rings, `up` to the hub and `down` to the client. The
 * client creates it, the hub attaches it. Each ring has one writer and one reader, and carries
 * batches as msgsnd(2) would have taken them, in order. When a session begins to use it, and
 * when it goes back to its queues, stands in shared/README.md. Why it is right: channel.c.
 *
 * Nobody sleeps in here. Whoever has nothing to read, or no room to write, says so, looks once more
 * and sleeps in msgrcv(2) on the queue that is its own; the other side sends an empty batch into
 * that queue, a bell. A queue that is full needs no bell: who reads it is awake, and looks into
 * the rings before it sleeps.
 *
 *   reader                                        writer
 *   while (batch_ring_take(...) == OK) ...        while (batch_ring_put(...) == FULL)
 *   if (batch_ring_reader_sleeps(ring))               if (batch_ring_writer_waits(ring, n))
 *       receive from the queue                            receive from the queue, or come back
 * later after taking:                                 after putting: if
 * (batch_ring_is_writer_due(ring))           if (batch_ring_is_reader_due(ring)) send the writer a
 * bell                        send the reader a bell
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/bytes.h"
#include "proto/batch.h"

#define CHANNEL_RING_BYTES 65536 /* of one ring: several batches, so that both sides can run */
#define BATCH_RECORD_HEAD 4      /* before each batch: u32, its length */

enum batch_ring_outcome {
    BATCH_RING_OK = 0,
    BATCH_RING_EMPTY,
    BATCH_RING_FULL,
    BATCH_RING_BROKEN, /* what the other side has written makes no sense; it stays so */
};

struct batch_ring_memory;

/* One side of one ring. Private; used by one thread at a time. */
struct batch_ring {
    struct batch_ring_memory *memory;
    uint32_t own;  /* position that this side writes: bytes since the beginning, modulo 2^32 */
    uint32_t peer; /* the other side's, as it was seen last */
    bool is_broken;
};

/* All zeros: there is none. */
struct channel {
    int shmid;
    void *memory;
    struct batch_ring up, down;
};

static inline bool channel_is_open(const struct channel *channel) {
    return channel->memory != NULL;
}

/* Bytes of the segment: what is charged for a channel. */
size_t channel_bytes(void);

/* The client's side, for a hub of this uid; its pages are there. Outcomes as shm_create(). */
int channel_create(struct channel *channel, uid_t owner);

/* The hub's side of one that this uid has created. Outcomes as shm_attach(). */
int channel_attach(struct channel *channel, int shmid, uid_t creator);

/* The segment ends with the second side. Safe without one, and twice. */
void channel_close(struct channel *channel);

/* The writer's side: appends one batch. OK, FULL or BROKEN. */
int batch_ring_put(struct batch_ring *ring, const void *batch, size_t n);

/* The reader's side: takes one batch, of at most BATCH_BYTES_MAX bytes. OK, EMPTY or BROKEN. */
int batch_ring_take(struct batch_ring *ring, void *batch, size_t *n);

/*
 * The same for as many whole records as fit into `size` bytes (at least BATCH_RECORD_HEAD +
 * BATCH_BYTES_MAX); *n is how many bytes these are. batch_record_next() takes them apart.
 */
int batch_ring_take_records(struct batch_ring *ring, void *records, size_t size, size_t *n);

/* The batch at *at, which moves on. False: there are no more. For what take_records() gave only. */
bool batch_record_next(const void *records, size_t n, size_t *at, struct bytes *batch);

/* The reader's side: how many bytes the writer has put in and the reader has not taken. */
uint32_t batch_ring_fill(struct batch_ring *ring);

/* The reader says that it sleeps. False: it need not, something is there, and it says nothing. */
bool batch_ring_reader_sleeps(struct batch_ring *ring);
/* It is awake, whoever woke it. */
void batch_ring_reader_wakes(struct batch_ring *ring);
/* The writer says that it waits for room for a batch of n bytes. False: there is room. */
bool batch_ring_writer_waits(struct batch_ring *ring, size_t n);
/* It does not wait any more. */
void batch_ring_writer_goes_on(struct batch_ring *ring);

/* After batch_ring_put(): whether the reader sleeps, and is to get a bell now. True once. */
bool batch_ring_is_reader_due(struct batch_ring *ring);
/* After taking: whether the writer waits, and half of the ring is free. True once. */
bool batch_ring_is_writer_due(struct batch_ring *ring);
