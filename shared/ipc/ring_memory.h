/*
 * What lies in a ring's segment: a header, then the slots, each on a page boundary. Only the two
 * halves of the ring (ring.c, ring_segment.c) and the tests of its walls include this. Who may
 * write what, and when, stands at the top of ring.c.
 */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#include "ipc/ring.h"

#define RING_MAGIC UINT32_C(0x45615231)
#define RING_LINE_BYTES 128 /* two cache lines: neighbours are fetched in pairs */
#define RING_HEAD_BYTES 64

/* What one side says, on lines of its own; the other side only reads it. */
struct ring_line {
    _Alignas(RING_LINE_BYTES) _Atomic uint64_t position; /* slots committed, or released */
    _Atomic uint64_t waits;  /* sleeps until the other side is at this position; 0: awake */
    _Atomic uint64_t result; /* of the consumer: RING_RESULT_IS_SET and the number */
    _Atomic uint32_t bell;   /* a futex: counts what the other side may wait for */
    _Atomic uint32_t cancel; /* not 0: why */
};

#define RING_RESULT_IS_SET (UINT64_C(1) << 32)

/* What a slot carries; the producer writes it. */
struct ring_head {
    _Alignas(RING_HEAD_BYTES) _Atomic uint32_t kind;
    _Atomic uint32_t n;     /* bytes in the slot */
    _Atomic uint64_t value; /* zeros of a hole, status of an end */
};

struct ring_memory {
    _Atomic uint32_t magic, n_slots, slot_bytes; /* for those who look; neither side reads it */
    struct ring_line producer, consumer;
    struct ring_head heads[RING_N_SLOTS_MAX];
};

/* Shared between processes, so never with a lock hidden in a library. */
_Static_assert(ATOMIC_INT_LOCK_FREE == 2 && ATOMIC_LLONG_LOCK_FREE == 2,
               "the ring needs lock-free atomics of 32 and 64 bits");
_Static_assert(sizeof(struct ring_line) == RING_LINE_BYTES, "a side writes to its own lines");
