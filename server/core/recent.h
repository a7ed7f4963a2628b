/*
 * The ids of a user's latest messages, their sequence numbers and a digest of what they said to
 * whom, so that a message sent again is recognised, and another one under its id, too. Bounded: the
 * last RECENT_MAX ids are known, or as many as there is memory for, but RECENT_ALWAYS at least.
 *
 * Every message is noted, few are ever looked up. So noting only appends to a ring; the index
 * over it is brought up to date when somebody looks.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/record.h"

#define RECENT_MAX 16384
#define RECENT_ALWAYS 4096 /* so many messages a client keeps until they are acknowledged */
#define RECENT_PLACES 4    /* of the index, for each entry of the ring */
#define RECENT_MARKS 1024  /* a power of two */

struct recent_entry {
    struct uuid id;
    uint64_t seq, digest;
};

/* Of what record_is_same() compares. */
uint64_t recent_digest(const struct record *record);
/* Whether it says the same to the same. `conv` 0 fits every target, as there. */
bool recent_is_like(const struct recent_entry *entry, const struct record *record);

struct recent {
    struct recent_entry *ring;
    size_t size;        /* of the ring: a power of two */
    uint64_t n_noted;   /* entry n lies at n modulo size */
    uint32_t *index;    /* places in the ring, plus one; 0 is free. Some are out of date */
    uint64_t n_indexed; /* of the entries noted */
    size_t n_used;      /* places of the index that are not free */
    uint64_t seed;
    uint32_t marks[RECENT_MARKS]; /* pieces of the latest ids, each at its place; 0: none */
};

/* The seed should be a number that no client can guess. */
void recent_init(struct recent *recent, uint64_t seed);
void recent_deinit(struct recent *recent);

/* The latest entry of this id, which is valid until the next one is noted; NULL: it is not known.
 */
const struct recent_entry *recent_find(struct recent *recent, const struct uuid *id);

/*
 * Whether this may be one of the latest few hundred ids, which costs next to nothing: for a message
 * whose sender does not say that it is a repeat. False for a known one is possible.
 */
bool recent_may_know(const struct recent *recent, const struct uuid *id);

/* What it takes, and how much more it would take to know more when the next one is noted. */
size_t recent_bytes(const struct recent *recent);
size_t recent_bytes_wanted(const struct recent *recent);
/* Takes it. Returns 0 or -ENOMEM: then the next one takes the place of the oldest, if there is one.
 */
int recent_grow(struct recent *recent);
/* Another number for one that was noted, if it is known still. */
void recent_change(struct recent *recent, const struct uuid *id, uint64_t seq);
/* Notes an id. Returns 0 or -ENOMEM: there is no place at all. */
int recent_note(struct recent *recent, const struct uuid *id, uint64_t seq, uint64_t digest);
