/* Times as they travel: every one arrives. */
#include <criterion/criterion.h>

#include "files/attributes.h"

static void expect_kept(int64_t seconds, long ns, long kept_ns) {
    struct timespec time = {.tv_sec = (time_t)seconds, .tv_nsec = ns};
    struct timespec back = attributes_unpack_time(attributes_pack_time(time));
    cr_expect_eq(back.tv_sec, seconds, "%ld.%09ld", (long)seconds, ns);
    cr_expect_eq(back.tv_nsec, kept_ns, "%ld.%09ld", (long)seconds, ns);
}

Test(attributes, 01_times_come_back) {
    const int64_t seconds[] = {0,          -1,          1,           -2,          1700000000,
                               -315619200, 4611686017,  -4611686018, 13569465600, -13569465600,
                               4611686018, -4611686019, 65535000000, 465779000000};
    for (size_t i = 0; i < sizeof seconds / sizeof *seconds; i++) {
        bool is_far = seconds[i] >= 4611686018 || seconds[i] < -4611686018;
        expect_kept(seconds[i], 0, 0);
        expect_kept(seconds[i], 500000000, 500000000);
        expect_kept(seconds[i], 999999999, is_far ? 999999900 : 999999999);
    }
}

Test(attributes, 02_near_ones_are_nanoseconds) {
    cr_expect_eq(attributes_pack_time((struct timespec){.tv_sec = 1, .tv_nsec = 2}), 1000000002);
    cr_expect_eq(attributes_pack_time((struct timespec){.tv_sec = -2, .tv_nsec = 500000000}),
                 -1500000000);
}

Test(attributes, 03_they_keep_their_order) {
    int64_t last = INT64_MIN;
    for (int64_t s = -20000000000; s < 20000000000; s += 99999989) {
        int64_t packed = attributes_pack_time((struct timespec){.tv_sec = (time_t)s});
        cr_assert_gt(packed, last, "%ld", (long)s);
        last = packed;
    }
}

Test(attributes, 04_every_value_is_a_time) {
    const int64_t values[] = {INT64_MIN, INT64_MIN + 1, INT64_MAX, -1, 0, INT64_C(1) << 62};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        struct timespec time = attributes_unpack_time(values[i]);
        cr_expect(time.tv_nsec >= 0 && time.tv_nsec < 1000000000);
    }
    struct timespec far = {.tv_sec = (time_t)INT64_MAX};
    cr_expect_eq(attributes_pack_time(far), INT64_MAX);
    far.tv_sec = (time_t)INT64_MIN;
    cr_expect_neq(attributes_pack_time(far), ATTRIBUTES_NO_TIME);
}
