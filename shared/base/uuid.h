/*
 * Identifiers: UUIDs (RFC 9562).
 *
 * What is kept gets one of version 7 (section 5.7): the time in milliseconds, then 74 random bits.
 * The time in front is there for the store: ids that are made at about the same
 * time lie side by side in its index, so that a thousand new ones touch a few of its pages and not
 * a thousand. Nothing relies on it: with a wrong clock, or ids of another kind, only the index gets
 * slower. The ids of one moment are not counted up (section 6.2 would allow it): who sees one
 * cannot tell the next one of the same sender, so nobody can use it first.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/chacha.h"
#include "base/clock.h"

#define UUID_TEXT_SIZE 37      /* 36 characters and the NUL */
#define UUID_TIME_BYTES 6      /* of an id of version 7, at its begin; */
#define UUID_RANDOM_BYTES 10   /* the rest */
#define UUID_SOURCE_IDS_MAX 64 /* in stock */
#define UUID_SOURCE_FILLS 16   /* of the stock from one seed of the kernel's */

struct uuid {
    uint8_t b[16];
};

/*
 * Random bits in stock, so that an id costs no system call; zero it, and it fills itself. Not for
 * several threads at once. A child that was forked does not give out what its parent will. With
 * each stock comes the seed of the next one, so what was given out cannot be made again from here.
 */
struct uuid_source {
    uint8_t random[UUID_SOURCE_IDS_MAX][UUID_RANDOM_BYTES];
    uint8_t seed[CHACHA_KEY_BYTES];
    unsigned n_left;
    unsigned n_fills; /* that may be made from the seed */
    unsigned n_forks; /* of this process's ancestors, when they were taken */
};

/* Of version 7, made at `now`. */
struct uuid uuid_next(struct uuid_source *source, wall_time now);

/* Of version 4, without a source: random from end to end. */
struct uuid uuid_random(void);

/* Milliseconds since 1970 that one of version 7 begins with; of any other one, some number. */
int64_t uuid_ms(const struct uuid *id);

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
