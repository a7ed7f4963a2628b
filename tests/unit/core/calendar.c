#include "core/calendar.h"

#include <criterion/criterion.h>

#include "core/record.h"

#define NOW INT64_C(1800000000000) /* a day in 2027 */
#define HOUR INT64_C(3600000)
#define DAY CALENDAR_DAY_MS
#define YEAR (365 * DAY)

static struct calendar calendar;
static mono_time mono;
static int64_t shift_ms; /* of the clock, from what is true */
static int64_t true_ms;

static wall_time wall(void) {
    return (wall_time){true_ms + shift_ms};
}

static void pass(int64_t ms) {
    mono.ns += ms * NS_PER_MS;
    true_ms += ms;
    calendar_observe(&calendar, mono, wall());
}

static int64_t age_now(void) {
    return calendar_age_now(&calendar, wall());
}

/* The hub was away for so long. */
static void restart(int64_t away_ms, int64_t newest_ms) {
    struct calendar_memory memory = calendar.memory;
    true_ms += away_ms;
    mono.ns = 77; /* another boot */
    calendar_begin(&calendar, mono, wall(), &memory, newest_ms);
}

static void setup(void) {
    calendar = (struct calendar){0};
    mono.ns = 5 * NS_PER_S;
    true_ms = NOW;
    shift_ms = 0;
    calendar_begin(&calendar, mono, wall(), &calendar.memory, 0);
    pass(1000);
}

TestSuite(calendar, .init = setup);

static void expect_trouble(bool trouble) {
    cr_assert_eq(calendar_is_trouble(&calendar), trouble);
    if (trouble)
        cr_assert_eq(age_now(), 0);
}

static void expect_right(void) {
    expect_trouble(false);
    cr_assert_eq(age_now(), true_ms);
    cr_assert_eq(calendar_stamp(&calendar, wall()), true_ms);
}

Test(calendar, 01_a_clock_that_goes_on_is_believed) {
    for (int i = 0; i < 1000; i++) {
        pass(HOUR);
        shift_ms += i % 2 ? 100 : -90; /* is put right a little all the time */
        expect_trouble(false);
        cr_assert_leq(age_now(), wall().ms);
    }
    cr_assert(calendar.is_told);
}

Test(calendar, 02_ahead_is_believed_for_what_is_written_and_not_for_age) {
    shift_ms = 2 * YEAR;
    pass(1000);
    expect_trouble(true);
    cr_assert_not(calendar.is_told);
    cr_assert_eq(calendar_stamp(&calendar, wall()), wall().ms);
    shift_ms = 0;
    calendar.is_told = true;
    pass(1000);
    cr_assert_not(calendar.is_told, "that it is over is told, too");
    expect_trouble(false);
    cr_assert_eq(age_now(), true_ms);
}

Test(calendar, 03_until_it_has_been_so_for_a_day) {
    shift_ms = 2 * YEAR;
    for (int hour = 0; hour < 24; hour++) {
        pass(HOUR);
        expect_trouble(true);
    }
    pass(HOUR);
    expect_trouble(false);
    cr_assert_eq(age_now(), wall().ms);
}

Test(calendar, 04_one_start_with_the_clock_ahead_does_no_harm) {
    shift_ms = 2 * YEAR;
    restart(10, NOW);
    expect_trouble(true);
    pass(1500);
    shift_ms = 0;
    restart(10, NOW + 2 * YEAR);
    expect_right();
}

Test(calendar, 05_in_1970_times_go_on_from_what_was_known) {
    pass(HOUR);
    shift_ms = -true_ms;
    pass(HOUR);
    expect_trouble(true);
    cr_assert_eq(calendar_stamp(&calendar, wall()), true_ms);
    for (int i = 0; i < 100; i++)
        pass(HOUR);
    expect_trouble(true); /* for ever */
    cr_assert_eq(calendar_stamp(&calendar, wall()), true_ms);
    shift_ms = 0;
    pass(HOUR);
    expect_right();
}

Test(calendar, 06_in_1970_with_nothing_known) {
    calendar = (struct calendar){0};
    shift_ms = -true_ms;
    restart(0, 0);
    expect_trouble(true);
    int64_t stamp = calendar_stamp(&calendar, wall());
    cr_assert_geq(stamp, CALENDAR_UNSET_MS);
    cr_assert_lt(stamp, TIME_DATED_FROM); /* it says nothing about its age */
    pass(DAY);
    cr_assert_eq(calendar_stamp(&calendar, wall()), stamp + DAY);
    shift_ms = 0;
    restart(1000, stamp);
    cr_assert_eq(calendar_stamp(&calendar, wall()), true_ms);
    expect_trouble(true);
    pass(DAY);
    expect_right();
}

Test(calendar, 07_nights_and_weekends_are_nothing_to_tell) {
    for (int day = 0; day < 30; day++) {
        restart(day % 7 == 5 ? 63 * HOUR : 15 * HOUR, true_ms);
        for (int hour = 0; hour < 9; hour++)
            pass(HOUR);
        expect_trouble(false);
        cr_assert(calendar.is_told);
        cr_assert_gt(age_now(), true_ms - 8 * DAY, "day %d", day);
        cr_assert_leq(age_now(), true_ms);
        cr_assert_eq(calendar_stamp(&calendar, wall()), true_ms);
    }
}

/* What has settled for almost a day does not make a leap believed. */
static void settle_almost(void) {
    restart(16 * HOUR, true_ms);
    for (int hour = 0; hour < 23; hour++)
        pass(HOUR);
}

Test(calendar, 08_doubts_do_not_add_up) {
    settle_almost();
    shift_ms = 2 * YEAR;
    restart(10, true_ms);
    pass(2 * HOUR);
    expect_trouble(true);
    shift_ms = 0;
    settle_almost();
    shift_ms = 2 * YEAR;
    pass(2 * HOUR);
    expect_trouble(true);
}

Test(calendar, 09_back_for_less_than_a_day_is_believed) {
    cr_assert_eq(calendar_stamp(&calendar, wall()), true_ms);
    int64_t before = true_ms;
    shift_ms = -CALENDAR_SLACK_MS / 2;
    pass(1000);
    cr_assert_eq(calendar_stamp(&calendar, wall()), before, "a little: not before the last");
    shift_ms = -20 * HOUR;
    pass(1000);
    expect_trouble(false);
    cr_assert_eq(calendar_stamp(&calendar, wall()), wall().ms);
    shift_ms = -3 * DAY;
    pass(1000);
    expect_trouble(true);
    cr_assert_gt(calendar_stamp(&calendar, wall()), true_ms - DAY);
    pass(DAY);
    pass(HOUR);
    expect_trouble(false);
    cr_assert_eq(calendar_stamp(&calendar, wall()), wall().ms);
}

/* A store that knows nothing of clocks yet: what it holds says something. */
Test(calendar, 10_the_first_start) {
    calendar = (struct calendar){0};
    restart(0, true_ms - 3 * DAY);
    expect_trouble(false);
    cr_assert_eq(age_now(), true_ms - 3 * DAY);
    calendar = (struct calendar){0};
    restart(0, true_ms - YEAR);
    expect_trouble(true);
    calendar = (struct calendar){0};
    restart(0, true_ms + 2 * YEAR); /* written by a clock that was wrong */
    expect_right();
    calendar = (struct calendar){0};
    restart(0, 5000); /* in 1970 */
    expect_right();
}
