#include "base/chacha.h"

#include <string.h>

#define DOUBLE_ROUNDS 6

/* A row of the state, four words of 32 bits in the machine's byte order. */
typedef uint32_t chacha_row __attribute__((vector_size(16)));

struct chacha_state {
    chacha_row a, b, c, d;
};

#define ROTATE(row, n) ((row) << (n) | (row) >> (32 - (n)))

/* The four columns at once. */
static inline struct chacha_state quarter_rounds(struct chacha_state s) {
    s.a += s.b, s.d ^= s.a, s.d = ROTATE(s.d, 16);
    s.c += s.d, s.b ^= s.c, s.b = ROTATE(s.b, 12);
    s.a += s.b, s.d ^= s.a, s.d = ROTATE(s.d, 8);
    s.c += s.d, s.b ^= s.c, s.b = ROTATE(s.b, 7);
    return s;
}

#define TURN(row, n)                                                                               \
    __builtin_shufflevector(row, row, (n), ((n) + 1) % 4, ((n) + 2) % 4, ((n) + 3) % 4)

static inline struct chacha_state double_round(struct chacha_state s) {
    s = quarter_rounds(s);
    s = (struct chacha_state){s.a, TURN(s.b, 1), TURN(s.c, 2), TURN(s.d, 3)}; /* its diagonals */
    s = quarter_rounds(s);
    return (struct chacha_state){s.a, TURN(s.b, 3), TURN(s.c, 2), TURN(s.d, 1)};
}

void chacha_blocks(const uint8_t key[CHACHA_KEY_BYTES], uint32_t first, unsigned n, uint8_t *out) {
    static const char constant[] = "expand 32-byte k";
    struct chacha_state begin;
    memcpy(&begin.a, constant, sizeof begin.a);
    memcpy(&begin.b, key, sizeof begin.b);
    memcpy(&begin.c, key + sizeof begin.b, sizeof begin.c);
    for (unsigned i = 0; i < n; i++) {
        begin.d = (chacha_row){first + i, 0, 0, 0};
        struct chacha_state s = begin;
        for (unsigned round = 0; round < DOUBLE_ROUNDS; round++)
            s = double_round(s);
        s = (struct chacha_state){s.a + begin.a, s.b + begin.b, s.c + begin.c, s.d + begin.d};
        memcpy(out + (size_t)i * CHACHA_BLOCK_BYTES, &s, sizeof s);
    }
}
