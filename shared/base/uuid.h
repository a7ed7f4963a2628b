/*
 * Message identifiers: UUIDs of version 7 (RFC 9562, section 5.7), which sort by the time they
 * were made, so that a database index over them grows at its end. Debian 12's libuuid makes
 * versions 1 and 4 only; it serves here for the random seed and for the text form.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/clock.h"

#define UUID_TEXT_SIZE 37 /* 36 characters and the NUL */

struct uuid {
    uint8_t b[16];
};

/* A source of version 7 UUIDs; zero it, and it seeds itself. Not for several threads at once. */
struct uuid_source {
    int64_t last_ms;
    uint64_t tail; /* the 62 bits behind the variant: random, then counted up */
    uint16_t head; /* the 12 bits behind the version: random */
    bool seeded;
};

/* A new id; strictly greater than the last one of the same source. */
struct uuid uuid_next(struct uuid_source *source, wall_time now);

/* A random id of version 4, for instances and nonces. */
struct uuid uuid_random(void);

void uuid_format(const struct uuid *id, char text[UUID_TEXT_SIZE]);

/* False when `text` is not a UUID. */
bool uuid_from_text(struct uuid *id, const char *text);

static inline bool uuid_equal(const struct uuid *a, const struct uuid *b) {
    return memcmp(a->b, b->b, sizeof a->b) == 0;
}

static inline bool uuid_is_nil(const struct uuid *a) {
    static const struct uuid nil;
    return uuid_equal(a, &nil);
}
