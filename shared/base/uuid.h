/*
 * Identifiers: random UUIDs (RFC 9562, version 4). Who sees one cannot tell the next one of the
 * same sender, so nobody can use it first.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define UUID_TEXT_SIZE 37      /* 36 characters and the NUL */
#define UUID_SOURCE_IDS_MAX 64 /* that the kernel is asked for at a time */

struct uuid {
    uint8_t b[16];
};

/*
 * Ids in stock, so that one costs no system call; zero it, and it fills itself. Not for several
 * threads at once. A child that was forked does not give out what its parent will.
 */
struct uuid_source {
    struct uuid ids[UUID_SOURCE_IDS_MAX];
    unsigned n_left;
    unsigned n_forks; /* of this process's ancestors, when they were taken */
};

struct uuid uuid_next(struct uuid_source *source);

/* One, without a source. */
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
