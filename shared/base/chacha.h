/*
 * Random bytes from a seed: ChaCha with 12 rounds (D. J. Bernstein, "ChaCha, a variant of
 * Salsa20", 2008). Who has seen any number of them cannot tell another one without the seed.
 */
#pragma once

#include <stdint.h>

#define CHACHA_KEY_BYTES 32
#define CHACHA_BLOCK_BYTES 64

/* The blocks number `first` and on under this key, n of them: they make up for n * 64 bytes. */
void chacha_blocks(const uint8_t key[CHACHA_KEY_BYTES], uint32_t first, unsigned n, uint8_t *out);
