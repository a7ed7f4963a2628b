#include "base/clock.h"

#include <criterion/criterion.h>

Test(clock, 01_milliseconds_are_added) {
    mono_time t = mono_add_ms((mono_time){5}, 2000);
    cr_assert_eq(t.ns, 2 * NS_PER_S + 5);
    cr_assert_eq(mono_add_ms(t, -2000).ns, 5);
}

Test(clock, 02_what_is_left_is_rounded_up) {
    const mono_time zero = {0};
    cr_assert_eq(mono_ms_until(zero, zero), 0);
    cr_assert_eq(mono_ms_until(zero, (mono_time){1}), 1, "so that a poll never wakes too early");
    cr_assert_eq(mono_ms_until(zero, (mono_time){NS_PER_MS}), 1);
    cr_assert_eq(mono_ms_until(zero, (mono_time){NS_PER_MS + 1}), 2);
}

Test(clock, 03_what_is_past_is_not_positive) {
    const mono_time zero = {0};
    cr_assert_eq(mono_ms_until((mono_time){3 * NS_PER_MS}, zero), -3);
    cr_assert_eq(mono_ms_until((mono_time){1}, zero), 0);
}

Test(clock, 04_monotonic_time_does_not_go_back) {
    mono_time last = mono_now();
    for (int i = 0; i < 1000; i++) {
        mono_time now = mono_now();
        cr_assert_geq(now.ns, last.ns);
        last = now;
    }
}

Test(clock, 05_wall_time_is_that_of_the_system) {
    int64_t before = (int64_t)time(NULL) - 1; /* time(2) may lag by a tick */
    int64_t now = wall_now().ms / 1000;
    int64_t after = (int64_t)time(NULL) + 1;
    cr_assert(before <= now && now <= after);
}
