#include "base/cursor.h"

#include <criterion/criterion.h>

Test(cursor, 01_numbers_come_back_as_they_went) {
    uint8_t buffer[15];
    struct cursor_out out = cursor_out_of(buffer, sizeof buffer);
    cursor_put_u8(&out, UINT8_MAX);
    cursor_put_u16(&out, UINT16_MAX - 1);
    cursor_put_u32(&out, UINT32_MAX - 2);
    cursor_put_u64(&out, UINT64_MAX - 3);
    cr_assert(!out.bad);
    cr_assert_eq(cursor_out_used(&out), 15);
    cr_assert_eq(cursor_out_left(&out), 0);

    struct cursor_in in = cursor_in_of(buffer, sizeof buffer);
    cr_assert_eq(cursor_take_u8(&in), UINT8_MAX);
    cr_assert_eq(cursor_take_u16(&in), UINT16_MAX - 1);
    cr_assert_eq(cursor_take_u32(&in), UINT32_MAX - 2);
    cr_assert_eq(cursor_take_u64(&in), UINT64_MAX - 3);
    cr_assert(!in.bad);
    cr_assert_eq(cursor_in_left(&in), 0);
}

Test(cursor, 02_a_short_read_moves_nothing_and_stays_bad) {
    const uint8_t buffer[3] = {1, 2, 3};
    struct cursor_in in = cursor_in_of(buffer, sizeof buffer);
    cr_assert_eq(cursor_take_u32(&in), 0);
    cr_assert(in.bad);
    cr_assert_eq(cursor_in_left(&in), 3);
    cr_assert_eq(cursor_take_u8(&in), 0, "a bad cursor yields zero although a byte is there");
    cr_assert_null(cursor_take(&in, 0));
    cr_assert_eq(cursor_in_left(&in), 3);
}

Test(cursor, 03_a_long_write_moves_nothing_and_stays_bad) {
    uint8_t buffer[4] = {9, 9, 9, 9};
    struct cursor_out out = cursor_out_of(buffer, 3);
    cursor_put_u16(&out, 0);
    cursor_put_u16(&out, 0);
    cr_assert(out.bad);
    cr_assert_eq(cursor_out_used(&out), 2);
    cursor_put_u8(&out, 1);
    cr_assert_eq(cursor_out_used(&out), 2);
    cr_assert_eq(buffer[2], 9);
    cr_assert_eq(buffer[3], 9);
}

Test(cursor, 04_bytes_are_views_of_the_buffer) {
    const uint8_t buffer[4] = {1, 2, 3, 4};
    struct cursor_in in = cursor_in_of(buffer, sizeof buffer);
    cr_assert_eq(cursor_take(&in, 3), buffer);
    cr_assert_eq(cursor_take(&in, 1), buffer + 3);
    cr_assert_eq(cursor_take(&in, 0), buffer + 4, "nothing can be taken at the end");
    cr_assert(!in.bad);
    cr_assert_null(cursor_take(&in, 1));
}

Test(cursor, 05_a_huge_length_does_not_wrap_around) {
    uint8_t buffer[4] = {0};
    struct cursor_in in = cursor_in_of(buffer, sizeof buffer);
    cursor_take_u8(&in);
    cr_assert_null(cursor_take(&in, SIZE_MAX));
    struct cursor_out out = cursor_out_of(buffer, sizeof buffer);
    cursor_put_u8(&out, 0);
    cursor_put(&out, buffer, SIZE_MAX);
    cr_assert(out.bad);
    cr_assert_eq(cursor_out_used(&out), 1);
}

Test(cursor, 06_writing_nothing_needs_no_data) {
    uint8_t buffer[1];
    struct cursor_out out = cursor_out_of(buffer, 0);
    cursor_put(&out, NULL, 0);
    cr_assert(!out.bad);
    cr_assert_eq(cursor_out_used(&out), 0);
}
