#include "base/siphash.h"

#include <criterion/criterion.h>

/* The key 00 01 ... 0f, and the first n of the bytes 00 01 ..., as in the paper (appendix A). */
static uint64_t hash_of(size_t n) {
    uint8_t key[SIPHASH_KEY_BYTES], data[64];
    for (size_t i = 0; i < sizeof key; i++)
        key[i] = (uint8_t)i;
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)i;
    return siphash(key, data, n);
}

Test(siphash, 01_as_published) {
    cr_assert_eq(hash_of(15), UINT64_C(0xa129ca6149be45e5));
    cr_assert_eq(hash_of(0), UINT64_C(0x726fdb47dd0e0e31));
}

Test(siphash, 02_each_byte_counts) {
    uint8_t key[SIPHASH_KEY_BYTES] = {0}, data[24] = {0};
    uint64_t first = siphash(key, data, sizeof data);
    for (size_t i = 0; i < sizeof data; i++) {
        data[i] ^= 1;
        cr_assert_neq(siphash(key, data, sizeof data), first);
        data[i] ^= 1;
    }
    for (size_t i = 0; i < sizeof key; i++) {
        key[i] ^= 0x80;
        cr_assert_neq(siphash(key, data, sizeof data), first);
        key[i] ^= 0x80;
    }
    for (size_t n = 0; n < sizeof data; n++)
        cr_assert_neq(siphash(key, data, n), first);
}
