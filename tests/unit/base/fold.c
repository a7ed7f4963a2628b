/* What a search takes for the same. */

#include "base/fold.h"

#include <criterion/criterion.h>
#include <string.h>

static void expect_folded(const char *text, const char *wanted) {
    char to[FOLDED_MAX(256)];
    size_t n = text_fold(to, bytes_of(text));
    cr_assert_leq(n, FOLDED_MAX(strlen(text)));
    cr_assert_eq(n, strlen(wanted), "%s: %.*s", text, (int)n, to);
    cr_assert_arr_eq(to, wanted, n, "%s: %.*s", text, (int)n, to);
}

Test(fold, 01_capital_letters) {
    expect_folded("", "");
    expect_folded("Hello, World_9", "hello, world_9");
    expect_folded("ПРИВЕТ", "привет");
    expect_folded("ΣΟΦΙΑ", "σοφια");
    expect_folded("Ⱥ", "ⱥ"); /* two bytes become three */
}

Test(fold, 02_accents) {
    expect_folded("Crème Brûlée", "creme brulee");
    expect_folded("cre\xcc\x80me", "creme");
    expect_folded("Ång\xcc\x8a", "ang");
    expect_folded("ǖ ế", "u e"); /* two accents */
    expect_folded("Ёлка", "елка");
    expect_folded("\xcc\x81", "");
}

Test(fold, 03_marks_that_make_another_letter) {
    expect_folded("が か", "が か");
    expect_folded("한국", "한국");
    expect_folded("สวัสดี", "สวัสดี");
    expect_folded("हिन्दी", "हिन्दी");
}

Test(fold, 04_bytes_that_are_no_text) {
    expect_folded("A\xff\xc3", "a\xff\xc3");
    expect_folded("\xe2\x82", "\xe2\x82");
}

/* No character takes more room than is promised. */
Test(fold, 05_room) {
    for (int32_t c = 0x80; c < 0x110000; c++) {
        char text[4], to[64];
        size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
        text[0] = (char)(n == 2 ? 0xc0 | c >> 6 : n == 3 ? 0xe0 | c >> 12 : 0xf0 | c >> 18);
        for (size_t i = 1; i < n; i++)
            text[i] = (char)(0x80 | (c >> (6 * (int)(n - 1 - i)) & 0x3f));
        cr_assert_leq(text_fold(to, (struct bytes){text, n}), FOLDED_MAX(n), "U+%04X", (unsigned)c);
    }
}
