#include "base/chacha.h"

#include <criterion/criterion.h>
#include <string.h>

/* J. Strombergson, draft-strombergson-chacha-test-vectors, TC1 with 256 bits and 12 rounds. */
Test(chacha, 01_a_key_of_zeros_gives_what_others_get) {
    static const uint8_t expected[CHACHA_BLOCK_BYTES] = {
        0x9b, 0xf4, 0x9a, 0x6a, 0x07, 0x55, 0xf9, 0x53, 0x81, 0x1f, 0xce, 0x12, 0x5f,
        0x26, 0x83, 0xd5, 0x04, 0x29, 0xc3, 0xbb, 0x49, 0xe0, 0x74, 0x14, 0x7e, 0x00,
        0x89, 0xa5, 0x2e, 0xae, 0x15, 0x5f, 0x05, 0x64, 0xf8, 0x79, 0xd2, 0x7a, 0xe3,
        0xc0, 0x2c, 0xe8, 0x28, 0x34, 0xac, 0xfa, 0x8c, 0x79, 0x3a, 0x62, 0x9f, 0x2c,
        0xa0, 0xde, 0x69, 0x19, 0x61, 0x0b, 0xe8, 0x2f, 0x41, 0x13, 0x26, 0xbe};
    uint8_t key[CHACHA_KEY_BYTES] = {0}, block[CHACHA_BLOCK_BYTES];
    chacha_blocks(key, 0, 1, block);
    cr_assert_arr_eq(block, expected, sizeof expected);
}

Test(chacha, 02_blocks_are_the_same_one_by_one_and_differ) {
    uint8_t key[CHACHA_KEY_BYTES] = {1, 2, 3}, all[3 * CHACHA_BLOCK_BYTES], one[CHACHA_BLOCK_BYTES];
    chacha_blocks(key, 7, 3, all);
    for (uint32_t i = 0; i < 3; i++) {
        chacha_blocks(key, 7 + i, 1, one);
        cr_assert_arr_eq(all + i * sizeof one, one, sizeof one);
    }
    cr_assert_neq(memcmp(all, all + sizeof one, sizeof one), 0);
}
