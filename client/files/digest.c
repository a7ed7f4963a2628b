#include "files/digest.h"

#include <stdlib.h>
#include <xxhash.h>

#include "base/error.h"

/*
 * The library may have been built for the least of processors only. Some builds of it for x86 also
 * bring versions for the vector units that the processor has: they take half as long. Where they
 * are missing, the symbol is NULL.
 */
#if defined(__x86_64__) && __has_include(<xxh_x86dispatch.h>)
#define XXH_DISPATCH_DISABLE_REPLACE
#include <xxh_x86dispatch.h>
#pragma weak XXH3_128bits_update_dispatch
#else
#define XXH3_128bits_update_dispatch ((XXH_errorcode(*)(XXH3_state_t *, const void *, size_t))NULL)
#endif

_Static_assert(sizeof(XXH128_canonical_t) == DIGEST_BYTES, "a digest is in the canonical form");

struct digest_state {
    XXH3_state_t *hash;
};

void digest_text(char text[DIGEST_TEXT_MAX], struct digest digest) {
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < DIGEST_BYTES; i++) {
        text[2 * i] = digits[digest.bytes[i] >> 4];
        text[2 * i + 1] = digits[digest.bytes[i] & 15];
    }
    text[2 * DIGEST_BYTES] = '\0';
}

struct digest_state *digest_new(void) {
    struct digest_state *state = malloc(sizeof *state);
    if (!state)
        return NULL;
    state->hash = XXH3_createState(); /* aligned as the vector units want it */
    if (!state->hash) {
        free(state);
        return NULL;
    }
    digest_reset(state);
    return state;
}

void digest_free(struct digest_state *state) {
    if (!state)
        return;
    XXH3_freeState(state->hash);
    free(state);
}

void digest_reset(struct digest_state *state) {
    XXH_errorcode result = XXH3_128bits_reset(state->hash);
    assert(result == XXH_OK);
}

void digest_copy(struct digest_state *state, const struct digest_state *from) {
    XXH3_copyState(state->hash, from->hash);
}

void digest_add(struct digest_state *state, const void *data, size_t n) {
    XXH_errorcode result = XXH3_128bits_update_dispatch != NULL
                               ? XXH3_128bits_update_dispatch(state->hash, data, n)
                               : XXH3_128bits_update(state->hash, data, n);
    assert(result == XXH_OK);
}

void digest_add_zeros(struct digest_state *state, uint64_t n) {
    static const unsigned char zeros[16 * 1024];
    while (n > 0) {
        size_t part = n < sizeof zeros ? (size_t)n : sizeof zeros;
        digest_add(state, zeros, part);
        n -= part;
    }
}

static struct digest digest_of_hash(XXH128_hash_t hash) {
    XXH128_canonical_t canonical;
    struct digest digest;
    XXH128_canonicalFromHash(&canonical, hash);
    memcpy(digest.bytes, canonical.digest, sizeof digest.bytes);
    return digest;
}

struct digest digest_value(const struct digest_state *state) {
    return digest_of_hash(XXH3_128bits_digest(state->hash));
}

struct digest digest_of(const void *data, size_t n) {
    return digest_of_hash(XXH3_128bits(data, n));
}
