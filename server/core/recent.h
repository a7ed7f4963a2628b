/*
 * The ids of a user's latest messages and their sequence numbers, so that a message sent again
 * is recognised. Bounded: the last RECENT_MAX ids are known.
 *
 * Every message is noted, few are ever looked up. So noting only appends to a ring; the index
 * over it is brought up to date when somebody looks.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/uuid.h"

#define RECENT_MAX 65536

struct recent_entry {
    struct uuid id;
    uint64_t seq;
};

struct recent {
    struct recent_entry *ring;
    size_t size;        /* of the ring: a power of two */
    uint64_t n_noted;   /* entry n lies at n modulo size */
    uint32_t *index;    /* places in the ring, plus one; 0 is free. Some are out of date */
    uint64_t n_indexed; /* of the entries noted */
    size_t n_used;      /* places of the index that are not free */
    uint64_t seed;
};

/* The seed should be a number that no client can guess. */
void recent_init(struct recent *recent, uint64_t seed);
void recent_deinit(struct recent *recent);

/* The sequence number of this id; 0 when it is not known. */
uint64_t recent_find(struct recent *recent, const struct uuid *id);

/* Makes room for the next one: then recent_note() cannot fail. Returns 0 or -ENOMEM. */
int recent_reserve(struct recent *recent);
/* Notes an id. Returns 0 or -ENOMEM. */
int recent_note(struct recent *recent, const struct uuid *id, uint64_t seq);
