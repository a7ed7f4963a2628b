/*
 * The ids of a user's latest messages and their sequence numbers, so that a message sent again
 * is recognised. Bounded: two generations of up to RECENT_MAX ids; when the younger is full, the
 * older is forgotten. So at least the last RECENT_MAX ids are known.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/uuid.h"

#define RECENT_MAX 32768

struct recent_set {
    struct recent_entry *entries; /* open addressing; seq 0 is a free place */
    size_t size;                  /* a power of two, at least twice n */
    size_t n;
    uint64_t seed;
};

struct recent {
    struct recent_set young, old;
};

/* The seed should be a number that no client can guess. */
void recent_init(struct recent *recent, uint64_t seed);
void recent_deinit(struct recent *recent);

/* The sequence number of this id; 0 when it is not known. */
uint64_t recent_find(const struct recent *recent, const struct uuid *id);

/* Notes an id that is not known yet; seq > 0. Returns 0 or -ENOMEM. */
int recent_add(struct recent *recent, const struct uuid *id, uint64_t seq);
