/*
 * Two ways for content to come into a slot of a ring: it is read straight into it; or into memory
 * of our own, and from there written past the caches. The first has less to do. But when the two
 * sides run on processors that share no cache, each line of the slot has to be taken away from the
 * other one's, which can take four times as long as all the rest; then the second is faster. Who
 * runs where is not known and may change, so both are tried, the worse one seldom.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"

struct slot_fill {
    size_t slot_bytes;
    void *own;          /* slot_bytes; NULL: there is only the first way */
    int64_t best_ns[2]; /* the shortest of late: straight, past the caches; 0: not known */
    uint32_t n;
    mono_time start;
    bool is_aside; /* this time */
};

/* Without memory, or on a processor where it cannot be done, all goes the first way. */
void slot_fill_init(struct slot_fill *fill, size_t slot_bytes);
void slot_fill_deinit(struct slot_fill *fill);

/* Where the next content is to be read to. */
void *slot_fill_begin(struct slot_fill *fill, void *slot);

/* It is there: n bytes, now in the slot. */
void slot_fill_end(struct slot_fill *fill, void *slot, size_t n);
