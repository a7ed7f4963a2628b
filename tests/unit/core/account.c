/* One account: stocks are refused and given back, rates wear off. */

#include "core/account.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

static struct account_limits limits;
static struct account account;
static mono_time now;

static void setup(void) {
    now = (mono_time){NS_PER_S};
    account_limits_init(&limits);
    account_init(&account, &limits, 1001, now);
}

TestSuite(account, .init = setup);

Test(account, 01_a_stock_is_refused_beyond_its_limit_and_nothing_is_charged) {
    uint64_t max = limits.max[ACCOUNT_OFFERS];
    cr_assert(account_charge(&account, ACCOUNT_OFFERS, max - 1));
    cr_assert_not(account_charge(&account, ACCOUNT_OFFERS, 2));
    cr_assert_eq(account.used[ACCOUNT_OFFERS], max - 1);
    cr_assert_eq(account.n_refused[ACCOUNT_OFFERS], 1);
    cr_assert(account_charge(&account, ACCOUNT_OFFERS, 1));
    cr_assert_eq(account_left(&account, ACCOUNT_OFFERS), 0);
    account_give_back(&account, ACCOUNT_OFFERS, max);
    account_deinit(&account);
}

Test(account, 02_a_number_that_would_wrap_is_refused) {
    cr_assert(account_charge(&account, ACCOUNT_MEMORY, 1));
    cr_assert_not(account_charge(&account, ACCOUNT_MEMORY, UINT64_MAX));
    cr_assert_eq(account.used[ACCOUNT_MEMORY], 1);
}

Test(account, 03_what_happened_already_may_go_beyond_the_limit) {
    account_spend(&account, ACCOUNT_STORING, limits.max[ACCOUNT_STORING] + 10);
    cr_assert_eq(account_left(&account, ACCOUNT_STORING), 0);
    cr_assert_not(account_charge(&account, ACCOUNT_STORING, 1));
    account_give_back(&account, ACCOUNT_STORING, limits.max[ACCOUNT_STORING] + 10);
    account_deinit(&account);
}

Test(account, 04_a_rate_beyond_its_limit_is_waited_for) {
    account_spend(&account, ACCOUNT_NOTICES, limits.max[ACCOUNT_NOTICES]);
    cr_assert_eq(account_wait_ns(&account, 1), 0, "a burst is free");
    account_spend(&account, ACCOUNT_NOTICES, 100);
    int64_t ns = account_wait_ns(&account, 1);
    cr_assert_gt(ns, 0);
    account_wear_off(&account, (mono_time){now.ns + ns + NS_PER_MS}, 1);
    cr_assert_eq(account_wait_ns(&account, 1), 0, "after the time that was named");
    cr_assert_eq(account.spent[ACCOUNT_NOTICES], limits.max[ACCOUNT_NOTICES] + 100);
}

Test(account, 05_time_is_shared_and_notices_are_not) {
    account_spend(&account, ACCOUNT_TIME, limits.max[ACCOUNT_TIME] + 10 * NS_PER_MS);
    int64_t alone = account_wait_ns(&account, 1);
    cr_assert_float_eq((double)account_wait_ns(&account, 4), 4.0 * (double)alone, NS_PER_MS);
    account_spend(&account, ACCOUNT_NOTICES, limits.max[ACCOUNT_NOTICES] + 200);
    cr_assert_eq(account_wait_ns(&account, 1), account_wait_ns(&account, 2));
}

Test(account, 06_a_debt_is_bounded) {
    account_spend(&account, ACCOUNT_TIME, (uint64_t)(3600 * NS_PER_S));
    now.ns += 1;
    account_wear_off(&account, now, 2);
    cr_assert_leq(account_wait_ns(&account, 2), NS_PER_S);
    now.ns += 2 * NS_PER_S;
    account_wear_off(&account, now, 2);
    cr_assert_eq(account_wait_ns(&account, 2), 0);
}

Test(account, 07_time_that_goes_back_is_no_time) {
    account_spend(&account, ACCOUNT_NOTICES, 100);
    account_wear_off(&account, (mono_time){0}, 1);
    cr_assert_eq(account.used[ACCOUNT_NOTICES], 100);
}

Test(account, 10_it_wears_off_however_often_it_is_looked_at) {
    account_spend(&account, ACCOUNT_LOOKUPS, 64);
    for (int i = 0; i < 100000; i++) { /* a second */
        now.ns += 10000;
        account_wear_off(&account, now, 1);
    }
    cr_assert_leq(account.used[ACCOUNT_LOOKUPS], 1, "%lu",
                  (unsigned long)account.used[ACCOUNT_LOOKUPS]);
}

Test(account, 08_a_refusal_names_the_limit_the_user_and_what_to_do) {
    char reason[256];
    for (int kind = 0; kind < ACCOUNT_KIND_END; kind++) {
        char limit[64];
        snprintf(limit, sizeof limit, "limit_%s", account_name((enum account_kind)kind));
        account_reason(&account, (enum account_kind)kind, reason);
        cr_assert(strstr(reason, limit), "%s", reason);
        cr_assert(strstr(reason, "uid 1001"), "%s", reason);
        cr_assert(strstr(reason, "; "), "%s", reason);
        cr_assert_lt(strlen(reason), 200);
    }
    account_refuse(&account, ACCOUNT_ROOMS, reason);
    cr_assert_eq(account.n_refused[ACCOUNT_ROOMS], 1);
}

Test(account, 09_what_is_not_given_back_is_found, .signal = SIGABRT) {
    cr_assert(account_charge(&account, ACCOUNT_SESSIONS, 1));
    account_deinit(&account);
}

static void pass(int64_t s) {
    now.ns += s * NS_PER_S;
    account_turn(&account, now);
}

static void expect_in(enum account_span span, uint64_t n) {
    uint64_t found = account_used_in(&account, span, now).messages;
    cr_assert_eq(found, n, "%ju, not %ju", (uintmax_t)found, (uintmax_t)n);
}

Test(account, 20_what_was_done_in_a_minute_an_hour_a_day) {
    now.ns = 3600 * 24 * 10 * NS_PER_S;
    account_init(&account, &limits, 1001, now);
    account_note_message(&account, 10);
    pass(1);
    expect_in(ACCOUNT_MINUTE, 1);
    expect_in(ACCOUNT_HOUR, 1);
    expect_in(ACCOUNT_DAY, 1);
    pass(59);
    expect_in(ACCOUNT_MINUTE, 1);
    pass(15);
    expect_in(ACCOUNT_MINUTE, 0);
    expect_in(ACCOUNT_HOUR, 1);
    pass(3600 + 900);
    expect_in(ACCOUNT_HOUR, 0);
    expect_in(ACCOUNT_DAY, 1);
    account_note_message(&account, 5);
    pass(1);
    pass(24 * 3600 + 6 * 3600);
    expect_in(ACCOUNT_DAY, 0);
    cr_assert_eq(account.use.messages, 2);
    cr_assert_eq(account.use.bytes, 15);
}

/* After a long silence, what is new is not taken for old. */
Test(account, 21_silence) {
    account_note_message(&account, 1);
    pass(1);
    now.ns += 1000 * 3600 * NS_PER_S;
    account_note_message(&account, 1);
    expect_in(ACCOUNT_MINUTE, 1);
    expect_in(ACCOUNT_DAY, 1);
}

/* As much in each second, the last minute says so, whenever it is asked. */
Test(account, 22_a_steady_flow) {
    for (int s = 0; s < 200; s++) {
        for (int i = 0; i < 10; i++)
            account_note_message(&account, 1);
        pass(1);
    }
    for (int s = 0; s < 30; s++) {
        uint64_t n = account_used_in(&account, ACCOUNT_MINUTE, now).messages;
        cr_assert(n >= 580 && n <= 620, "%ju", (uintmax_t)n);
        for (int i = 0; i < 10; i++)
            account_note_message(&account, 1);
        pass(1);
    }
}

Test(account, 23_so_many_messages_a_second) {
    account_set_rate(&account, 4);
    for (int i = 0; i < 4; i++)
        account_note_message(&account, 1);
    cr_assert_eq(account_wait_ns(&account, 1), 0, "a second's worth at once");
    account_note_message(&account, 1);
    cr_assert_eq(account_wait_ns(&account, 1), NS_PER_S / 4);
    now.ns += NS_PER_S / 4;
    account_wear_off(&account, now, 1);
    cr_assert_eq(account_wait_ns(&account, 1), 0);
    account_set_rate(&account, 0);
    for (int i = 0; i < 1000; i++)
        account_note_message(&account, 1);
    cr_assert_eq(account_wait_ns(&account, 1), 0);
}
