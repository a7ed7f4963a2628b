#include "base/size.h"

#include <criterion/criterion.h>

static void is(uint64_t bytes, const char *expected) {
    char text[SIZE_TEXT];
    size_text(bytes, text);
    cr_assert_str_eq(text, expected);
}

Test(size, 01_bytes) {
    is(0, "0 bytes");
    is(1, "1 byte");
    is(1023, "1023 bytes");
}

Test(size, 02_a_digit_behind_the_point_where_it_tells_something) {
    is(1024, "1.0 KiB");
    is(1536, "1.5 KiB");
    is(17 * 1024 + 100, "17 KiB");
}

Test(size, 03_never_four_digits) {
    is(999 * 1024, "999 KiB");
    is(1000 * 1024, "1.0 MiB");
    is((uint64_t)10 << 30, "10 GiB");
    is(UINT64_MAX, "16 EiB");
}
