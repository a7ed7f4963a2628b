#include "base/siphash.h"

#include <string.h>

struct siphash_state {
    uint64_t a, b, c, d;
};

static uint64_t siphash_turn(uint64_t x, unsigned n) {
    return x << n | x >> (64 - n);
}

static void siphash_rounds(struct siphash_state *s, unsigned n) {
    for (; n > 0; n--) {
        s->a += s->b;
        s->c += s->d;
        s->b = siphash_turn(s->b, 13) ^ s->a;
        s->d = siphash_turn(s->d, 16) ^ s->c;
        s->a = siphash_turn(s->a, 32);
        s->c += s->b;
        s->a += s->d;
        s->b = siphash_turn(s->b, 17) ^ s->c;
        s->d = siphash_turn(s->d, 21) ^ s->a;
        s->c = siphash_turn(s->c, 32);
    }
}

static void siphash_take(struct siphash_state *s, uint64_t word) {
    s->d ^= word;
    siphash_rounds(s, 2);
    s->a ^= word;
}

/* Little-endian, as every machine is that this runs on. */
static uint64_t siphash_word(const uint8_t *at, size_t n) {
    uint64_t word = 0;
    memcpy(&word, at, n);
    return word;
}

uint64_t siphash(const uint8_t key[SIPHASH_KEY_BYTES], const void *data, size_t n) {
    const uint8_t *at = data, *end = at + n - n % 8;
    uint64_t first = siphash_word(key, 8), second = siphash_word(key + 8, 8);
    struct siphash_state s = {
        first ^ UINT64_C(0x736f6d6570736575), second ^ UINT64_C(0x646f72616e646f6d),
        first ^ UINT64_C(0x6c7967656e657261), second ^ UINT64_C(0x7465646279746573)};
    for (; at < end; at += 8)
        siphash_take(&s, siphash_word(at, 8));
    siphash_take(&s, (uint64_t)n << 56 | siphash_word(at, n % 8));
    s.c ^= 0xff;
    siphash_rounds(&s, 4);
    return s.a ^ s.b ^ s.c ^ s.d;
}
