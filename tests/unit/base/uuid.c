#include "base/uuid.h"

#include <criterion/criterion.h>

static const wall_time noon = {INT64_C(1714564800123)};

static int64_t stamp_of(const struct uuid *id) {
    int64_t ms = 0;
    for (int i = 0; i < 6; i++)
        ms = ms << 8 | id->b[i];
    return ms;
}

static int compare(const struct uuid *a, const struct uuid *b) {
    return memcmp(a->b, b->b, sizeof a->b);
}

Test(uuid, 01_carries_time_version_and_variant) {
    struct uuid_source source = {0};
    struct uuid id = uuid_next(&source, noon);
    cr_assert_eq(stamp_of(&id), noon.ms);
    cr_assert_eq(id.b[6] >> 4, 7);
    cr_assert_eq(id.b[8] >> 6, 2);
    cr_assert(!uuid_is_nil(&id));
}

Test(uuid, 02_grows_within_one_millisecond) {
    struct uuid_source source = {0};
    struct uuid last = uuid_next(&source, noon);
    for (int i = 0; i < 100000; i++) {
        struct uuid id = uuid_next(&source, noon);
        cr_assert_lt(compare(&last, &id), 0);
        last = id;
    }
    cr_assert_eq(stamp_of(&last), noon.ms);
}

Test(uuid, 03_grows_when_the_clock_is_set_back) {
    struct uuid_source source = {0};
    struct uuid before = uuid_next(&source, noon);
    struct uuid after = uuid_next(&source, (wall_time){noon.ms - 3600000});
    cr_assert_lt(compare(&before, &after), 0);
    cr_assert_eq(stamp_of(&after), noon.ms);
}

Test(uuid, 04_grows_with_the_clock) {
    struct uuid_source source = {0};
    struct uuid before = uuid_next(&source, noon);
    struct uuid after = uuid_next(&source, (wall_time){noon.ms + 1});
    cr_assert_lt(compare(&before, &after), 0);
    cr_assert_eq(stamp_of(&after), noon.ms + 1);
}

Test(uuid, 05_the_counter_carries_across_all_its_bytes) {
    struct uuid_source source = {.seeded = true, .last_ms = noon.ms, .head = 0x0fff};
    source.tail = UINT64_C(0x1fffffffffffffff);
    struct uuid before = uuid_next(&source, noon);
    struct uuid after = uuid_next(&source, noon);
    cr_assert_lt(compare(&before, &after), 0);
    cr_assert_eq(after.b[6], 0x7f);
    cr_assert_eq(after.b[8] >> 6, 2);
}

Test(uuid, 06_two_sources_differ) {
    struct uuid_source one = {0};
    struct uuid_source two = {0};
    struct uuid a = uuid_next(&one, noon);
    struct uuid b = uuid_next(&two, noon);
    cr_assert(!uuid_equal(&a, &b));
}

Test(uuid, 07_random_ones_are_of_version_4) {
    struct uuid a = uuid_random();
    struct uuid b = uuid_random();
    cr_assert_eq(a.b[6] >> 4, 4);
    cr_assert_eq(a.b[8] >> 6, 2);
    cr_assert(!uuid_equal(&a, &b));
}

Test(uuid, 08_text_form_round_trip) {
    struct uuid id = uuid_random();
    struct uuid back;
    char text[UUID_TEXT_SIZE];
    uuid_format(&id, text);
    cr_assert_eq(strlen(text), UUID_TEXT_SIZE - 1);
    cr_assert(uuid_from_text(&back, text));
    cr_assert(uuid_equal(&id, &back));
    cr_assert(uuid_from_text(&back, "00000000-0000-0000-0000-000000000000"));
    cr_assert(uuid_is_nil(&back));
}

Test(uuid, 09_text_form_is_lower_case_and_read_in_either) {
    struct uuid id;
    char text[UUID_TEXT_SIZE];
    cr_assert(uuid_from_text(&id, "01ABCDEF-0000-7000-8000-0000000000FF"));
    uuid_format(&id, text);
    cr_assert_str_eq(text, "01abcdef-0000-7000-8000-0000000000ff");
}

Test(uuid, 10_refuses_what_is_none) {
    static const char *const bad[] = {
        "",
        "01abcdef",
        "01abcdef-0000-7000-8000-0000000000f",
        "01abcdef-0000-7000-8000-0000000000fff",
        "01abcdef-0000-7000-8000-0000000000fg",
        "01abcdef00007000800000000000000000ff",
        " 01abcdef-0000-7000-8000-0000000000ff",
    };
    struct uuid id;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        cr_assert(!uuid_from_text(&id, bad[i]), "%s", bad[i]);
}
