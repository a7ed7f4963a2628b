#include "base/distance.h"

#include <criterion/criterion.h>
#include <stdint.h>
#include <string.h>

static size_t between(const char *a, const char *b) {
    return distance(bytes_of(a), bytes_of(b));
}

Test(distance, 01_known_ones) {
    cr_assert_eq(between("", ""), 0);
    cr_assert_eq(between("", "abc"), 3);
    cr_assert_eq(between("abc", ""), 3);
    cr_assert_eq(between("send", "send"), 0);
    cr_assert_eq(between("sedn", "send"), 2);
    cr_assert_eq(between("kitten", "sitting"), 3);
    cr_assert_eq(between("sitting", "kitten"), 3);
}

Test(distance, 02_the_longest_word) {
    char word[DISTANCE_BYTES_MAX + 1];
    memset(word, 'x', sizeof word);
    struct bytes longest = {word, DISTANCE_BYTES_MAX}, longer = {word, sizeof word};
    cr_assert_eq(distance(bytes_of("y"), longest), DISTANCE_BYTES_MAX);
    cr_assert_eq(distance(bytes_of("x"), longer), SIZE_MAX);
}
