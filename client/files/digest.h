/*
 * The digest of what passes: XXH3-128 (libxxhash), written as xxh128sum writes it. It finds
 * accidents, not forgers: the sender may send what they like anyway.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define DIGEST_BYTES 16
#define DIGEST_TEXT_MAX (2 * DIGEST_BYTES + 1)

struct digest {
    uint8_t bytes[DIGEST_BYTES]; /* most significant first */
};

static inline bool digest_equal(struct digest a, struct digest b) {
    return memcmp(a.bytes, b.bytes, sizeof a.bytes) == 0;
}

/* 32 lower case hexadecimal digits and a NUL. */
void digest_text(char text[DIGEST_TEXT_MAX], struct digest digest);

/* A digest that is being computed. */
struct digest_state;

/* Of what is all there. */
struct digest digest_of(const void *data, size_t n);

/* NULL when memory is out. Freed by digest_free, which takes NULL, too. */
struct digest_state *digest_new(void);
void digest_free(struct digest_state *state);

/* Begins anew. */
void digest_reset(struct digest_state *state);

/* Goes on from where another one is. */
void digest_copy(struct digest_state *state, const struct digest_state *from);

void digest_add(struct digest_state *state, const void *data, size_t n);
void digest_add_zeros(struct digest_state *state, uint64_t n);

/* The digest of all that was added; more may be added after it. */
struct digest digest_value(const struct digest_state *state);
