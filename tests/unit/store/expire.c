#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/inside.h"
#include "unit/store/shelf.h"

TestSuite(store_expire, .init = shelf_begin, .fini = shelf_end);

#define R1 conv_of_room(1)

static struct store_stats stats_now(void) {
    struct store_stats stats;
    store_stats(shelf.store, &stats);
    return stats;
}

static unsigned expire_all(int64_t before_ms, uint64_t keep_bytes, unsigned n_max) {
    unsigned n_steps = 0;
    bool more = true;
    for (; more; n_steps++) {
        cr_assert_lt(n_steps, 100000);
        int r = expire(before_ms, keep_bytes, n_max, &more);
        cr_assert_eq(r, 0, "%d: %s", r, store_error(shelf.store));
    }
    return n_steps;
}

static void fill(unsigned n, const char *text) {
    cr_assert_eq(store_begin(shelf.store), 0);
    for (unsigned i = 0; i < n; i++)
        put(R1, BOB, text);
    cr_assert_eq(store_commit(shelf.store), 0);
}

static void expect_found(const char *word, unsigned n, uint64_t newest) {
    struct store_source room = {R1, 0};
    struct store_view view = view_of(ALICE, &room, 1);
    struct store_query query = {.words = bytes_of(word), .n_max = SHELF_SEEN_MAX};
    seen = (struct seen){0};
    cr_assert_eq(store_search(shelf.reader, &view, &query, see, NULL), 0);
    cr_assert_eq(seen.n, n, "%u", seen.n);
    if (n > 0)
        cr_assert_eq(seen.seqs[0], newest);
}

Test(store_expire, 01_old_ones_go_in_steps) {
    bool more;
    fill(1000, "old words");
    index_all();
    cr_assert_eq(expire(401 * 1000, 0, 100, &more), 0);
    cr_assert(more);
    cr_assert_eq(stats_now().n_messages, 900);
    expire_all(401 * 1000, 0, 100);
    cr_assert_eq(stats_now().n_messages, 600);
    cr_assert_not(is_there(400, BOB));
    cr_assert(is_there(401, BOB));
    expect_found("old", 600, 1000);
    expect_found("ord", 600, 1000);
    cr_assert_eq(expire_all(401 * 1000, 0, 100), 1);
    shelf_reopen();
    cr_assert_eq(stats_now().n_messages, 600);
    expire_all(INT64_MAX, 0, 1000000);
    cr_assert_eq(stats_now().n_messages, 0);
    expect_found("old", 0, 0);
    cr_assert_eq(expire_all(INT64_MAX, 0, 100), 1);
}

Test(store_expire, 02_what_is_not_indexed_yet_goes_too) {
    fill(100, "first words");
    index_all();
    fill(100, "second words");
    expire_all(151 * 1000, 0, 33);
    fill(10, "third words");
    expect_found("words", 60, 210);
    expect_found("first", 0, 0);
    expect_found("second", 50, 200);
    expect_found("econ", 50, 200);
}

Test(store_expire, 03_numbers_do_not_come_again) {
    struct store_view view = view_of(ALICE, NULL, 0);
    uint64_t upto = 0;
    fill(10, "words");
    expire_all(INT64_MAX, 0, 100);
    shelf_reopen();
    cr_assert_eq(shelf.info.last_seq, 0);
    cr_assert_eq(store_read(shelf.reader, &view, 9, &upto, see, NULL), 0);
    cr_assert_eq(upto, 10);
    shelf.seq = 10;
    say(R1, BOB, "more words");
    expect_found("words", 1, 11);
}

static void fill_at_random(unsigned n) {
    char text[400];
    srandom(1);
    cr_assert_eq(store_begin(shelf.store), 0);
    for (unsigned i = 0; i < n; i++) {
        size_t length = 0;
        while (length < 200)
            length += (size_t)snprintf(text + length, sizeof text - length, "%lx ",
                                       (unsigned long)random() % 100000);
        put(R1, BOB, text);
    }
    cr_assert_eq(store_commit(shelf.store), 0);
}

Test(store_expire, 04_the_file_shrinks_to_its_bound) {
    fill_at_random(8000);
    index_all();
    shelf_reopen();
    uint64_t before = stats_now().n_bytes, keep = before / 2;
    unsigned n_steps = expire_all(0, keep, 200);
    cr_assert_gt(n_steps, 10);
    shelf_reopen();
    cr_assert_leq(stats_now().n_bytes, keep + STORE_GROW_BYTES, "%ju of %ju",
                  (uintmax_t)stats_now().n_bytes, (uintmax_t)keep);
    cr_assert_geq(stats_now().n_messages, 2800, "%ju", (uintmax_t)stats_now().n_messages);
    uint64_t n_before = stats_now().n_messages;
    n_steps = expire_all(0, keep, 200);
    cr_assert_leq(n_steps, 5);
    cr_assert_eq(stats_now().n_messages, n_before);
    expire_all(0, 1, 200);
    cr_assert_eq(stats_now().n_messages, 0);
}

/* Times of their own, in seconds from TIME_DATED_FROM on. */
static void put_at(const int64_t *seconds, unsigned n) {
    cr_assert_eq(store_begin(shelf.store), 0);
    for (unsigned i = 0; i < n; i++) {
        struct record record = record_of(++shelf.seq, R1, BOB, "words");
        record.at_ms = TIME_DATED_FROM + seconds[i] * 1000;
        cr_assert_eq(store_put_message(shelf.store, &record, NULL), 0);
    }
    cr_assert_eq(store_commit(shelf.store), 0);
}

/* Of what is older than second 500; the clock says second 1000. */
static void expect_left(unsigned n_max, unsigned n_left) {
    struct store_bounds bounds = {.before_ms = TIME_DATED_FROM + 500000,
                                  .now_ms = TIME_DATED_FROM + 1000000};
    bool more = true;
    while (more)
        cr_assert_eq(store_expire(shelf.store, &bounds, n_max, &more), 0);
    cr_assert_eq(stats_now().n_messages, n_left, "%ju of %u left",
                 (uintmax_t)stats_now().n_messages, n_left);
}

#define UNSET (-1600000000) /* in 1970, about */
#define AHEAD 99999999

Test(store_expire, 05_an_age_comes_from_the_place_in_the_log) {
    put_at((const int64_t[]){100, 700, 100, 200, 800}, 5);
    expect_left(2, 4); /* who comes after a young one is young */
}

Test(store_expire, 06_times_that_cannot_be_say_nothing) {
    put_at((const int64_t[]){UNSET, UNSET, AHEAD, 700, UNSET}, 5);
    expect_left(100, 5);
    shelf_close();
    shelf_end();
    shelf_begin();
    put_at((const int64_t[]){UNSET, AHEAD, 100, AHEAD, UNSET, 200, UNSET, UNSET}, 8);
    expect_left(100, 2); /* nobody knows of these when they were written */
}

Test(store_expire, 07_many_of_them_are_looked_beyond) {
    static int64_t seconds[700];
    for (unsigned i = 0; i < 700; i++)
        seconds[i] = i == 650 ? 300 : i > 650 ? 900 : UNSET;
    put_at(seconds, 700);
    expect_left(100, 49);
}

/* Who floods loses the flood, and nobody else anything. */

static void put_of(uint32_t from, unsigned n) {
    static char text[1000];
    memset(text, 'x', sizeof text - 1);
    cr_assert_eq(store_begin(shelf.store), 0);
    for (unsigned i = 0; i < n; i++)
        put(R1, from, text);
    cr_assert_eq(store_commit(shelf.store), 0);
}

struct share {
    uint64_t n_messages[5], n_bytes[5], last_bytes;
};

static int note_share(void *arg, const struct store_usage *usage) {
    struct share *share = arg;
    cr_assert_leq(usage->n_bytes, share->last_bytes, "who has most comes first");
    share->last_bytes = usage->n_bytes;
    share->n_messages[usage->uid - 1000] = usage->n_messages;
    share->n_bytes[usage->uid - 1000] = usage->n_bytes;
    return 0;
}

static struct share shares(void) {
    struct share share = {.last_bytes = UINT64_MAX};
    cr_assert_eq(store_usage(shelf.reader, note_share, &share), 0);
    return share;
}

Test(store_expire, 08_who_has_most_loses_first) {
    put_of(ALICE, 300);
    put_of(BOB, 200);
    put_of(CAROL, 100);
    put_of(DAVE, 5000);
    index_all();
    shelf_reopen(); /* what is in the -wal file does not count */
    uint64_t keep = stats_now().n_bytes / 3;
    expire_all(0, keep, 100);
    struct share share = shares();
    cr_assert_eq(share.n_messages[ALICE], 300);
    cr_assert_eq(share.n_messages[BOB], 200);
    cr_assert_eq(share.n_messages[CAROL], 100);
    cr_assert_gt(share.n_messages[DAVE], 400);
    cr_assert_lt(share.n_messages[DAVE], 3000);
    for (int i = 0; i < 5; i++) { /* floods on */
        put_of(DAVE, 1000);
        index_all();
        expire_all(0, keep, 100);
    }
    share = shares();
    cr_assert_eq(share.n_messages[ALICE] + share.n_messages[BOB] + share.n_messages[CAROL], 600);
    cr_assert_eq(share.n_messages[ALICE] + share.n_messages[BOB] + share.n_messages[CAROL] +
                     share.n_messages[DAVE],
                 stats_now().n_messages);
}

Test(store_expire, 09_what_each_has_is_counted) {
    put_of(ALICE, 3);
    put_of(BOB, 2);
    struct share share = shares();
    cr_assert_eq(share.n_messages[ALICE], 3);
    cr_assert_eq(share.n_bytes[ALICE], 3 * (999 + MESSAGE_OVERHEAD));
    cr_assert_eq(store_begin(shelf.store), 0);
    for (uint32_t from = 1; from < 200; from++) /* more than are gathered at a time */
        put(R1, from % 2 ? CAROL : DAVE, "x");
    store_rollback(shelf.store);
    shelf.seq = 5;
    cr_assert_eq(shares().n_messages[CAROL], 0);
    expire_all(4 * 1000, 0, 2); /* the first three */
    share = shares();
    cr_assert_eq(share.n_messages[ALICE], 0);
    cr_assert_eq(share.n_bytes[BOB], 2 * (999 + MESSAGE_OVERHEAD));
    expire_all(INT64_MAX, 0, 100);
    cr_assert_eq(shares().last_bytes, UINT64_MAX, "nobody is left");
}

static int count_user(void *arg, const struct store_usage *usage) {
    uint64_t *n = arg;
    n[0]++;
    n[1] += usage->n_messages;
    return 0;
}

Test(store_expire, 10_many_users_in_one_transaction) {
    cr_assert_eq(store_begin(shelf.store), 0);
    for (uint32_t from = 1; from <= 3 * STORE_CHARGES; from++) {
        struct record record = record_of(++shelf.seq, R1, from, "x");
        cr_assert_eq(store_put_message(shelf.store, &record, NULL), 0);
        record = record_of(++shelf.seq, R1, 1, "x");
        cr_assert_eq(store_put_message(shelf.store, &record, NULL), 0);
    }
    cr_assert_eq(store_commit(shelf.store), 0);
    uint64_t n_of_all[2] = {0};
    cr_assert_eq(store_usage(shelf.reader, count_user, n_of_all), 0);
    cr_assert_eq(n_of_all[0], 3 * STORE_CHARGES);
    cr_assert_eq(n_of_all[1], 6 * STORE_CHARGES);
}

/* Those of one user are looked for among those of all others. */

static void put_short(uint32_t from, unsigned n) {
    cr_assert_eq(store_begin(shelf.store), 0);
    for (unsigned i = 0; i < n; i++)
        put(R1, from, "x");
    cr_assert_eq(store_commit(shelf.store), 0);
}

static uint64_t half_of_it(void) {
    index_all();
    shelf_reopen(); /* what is in the -wal file does not count */
    return stats_now().n_bytes / 2;
}

static void expect_gone(uint64_t from, uint64_t to, bool are_gone) {
    for (uint64_t seq = from; seq <= to; seq++)
        cr_assert_eq(is_there(seq, DAVE), !are_gone, "%ju", (uintmax_t)seq);
}

static void run_sql(const char *sql) {
    sqlite3 *db;
    cr_assert_eq(sqlite3_open(shelf_path("earshot.db"), &db), SQLITE_OK);
    cr_assert_eq(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK, "%s", sqlite3_errmsg(db));
    sqlite3_close(db);
}

static unsigned step_for_room(uint64_t keep) {
    bool more;
    uint64_t n = stats_now().n_messages;
    cr_assert_eq(expire(0, keep, 10, &more), 0);
    cr_assert(more);
    return (unsigned)(n - stats_now().n_messages);
}

Test(store_expire, 11_his_oldest_go_first_wherever_they_are) {
    put_short(ALICE, 2000);
    put_of(DAVE, 100);
    put_short(BOB, 6000);
    put_of(DAVE, 100);
    put_short(CAROL, 5000);
    put_of(DAVE, 4000);
    uint64_t keep = half_of_it();
    expire_all(0, keep, 512);
    struct share share = shares();
    cr_assert_eq(share.n_messages[ALICE], 2000);
    cr_assert_eq(share.n_messages[BOB], 6000);
    cr_assert_eq(share.n_messages[CAROL], 5000);
    uint64_t n_left = share.n_messages[DAVE];
    cr_assert(n_left > 0 && n_left < 4000, "%ju", (uintmax_t)n_left);
    expect_gone(2001, 2100, true);
    expect_gone(8101, 8200, true);
    expect_gone(13201, 17200 - n_left, true);
    expect_gone(17200 - n_left + 1, 17200, false);
}

Test(store_expire, 12_one_step_looks_at_a_bounded_number) {
    put_short(ALICE, 1000);
    put_of(DAVE, 2000);
    uint64_t keep = half_of_it();
    unsigned n_steps = 0;
    while (step_for_room(keep) == 0)
        n_steps++;
    cr_assert(n_steps > 2 && n_steps < 100, "%u", n_steps);
    expect_gone(1001, 1002, true);
    for (int i = 0; i < 5; i++) /* and does not begin again */
        cr_assert_gt(step_for_room(keep), 0);
}

Test(store_expire, 13_two_who_flood_keep_their_places) {
    put_short(ALICE, 2000);
    for (int i = 0; i < 40; i++) {
        put_of(CAROL, 50);
        put_of(DAVE, 50);
    }
    uint64_t keep = half_of_it();
    while (step_for_room(keep) == 0 || shares().n_messages[CAROL] == 2000 ||
           shares().n_messages[DAVE] == 2000)
        continue;
    for (int i = 0; i < 10; i++)
        cr_assert_gt(step_for_room(keep), 0);
    cr_assert_eq(shares().n_messages[ALICE], 2000);
}

Test(store_expire, 14_who_has_less_than_is_counted) {
    put_of(ALICE, 500);
    put_of(BOB, 500);
    uint64_t keep = half_of_it() * 3 / 2;
    run_sql("INSERT INTO usage VALUES (1004, 9, 999999999)");
    expire_all(0, keep, 10);
    uint64_t n_left = stats_now().n_messages;
    cr_assert(n_left > 0 && n_left < 1000, "%ju", (uintmax_t)n_left);
    cr_assert_eq(shares().n_messages[BOB], 500, "the oldest of all went");
    put_of(DAVE, 1500); /* what comes later is found */
    index_all();
    expire_all(0, keep, 10);
    cr_assert_eq(shares().n_messages[BOB], 500);
    expire_all(0, 1, 512);
    cr_assert_eq(stats_now().n_messages, 0);
}

Test(store_expire, 15_what_a_failed_step_passed_is_found_again) {
    bool more;
    put_short(ALICE, 10);
    put_of(DAVE, 1000);
    uint64_t keep = half_of_it();
    run_sql("CREATE TRIGGER no BEFORE DELETE ON message WHEN old.seq = 12"
            " BEGIN SELECT raise(ABORT, 'no'); END");
    for (int i = 0; i < 3; i++)
        cr_assert_neq(expire(0, keep, 10, &more), 0);
    cr_assert_not(more);
    expect_gone(11, 1010, false);
    run_sql("DROP TRIGGER no");
    expire_all(0, keep, 100);
    uint64_t n_left = shares().n_messages[DAVE];
    cr_assert(n_left > 0 && n_left < 900, "%ju", (uintmax_t)n_left);
    expect_gone(11, 1010 - n_left, true);
    expect_gone(1011 - n_left, 1010, false);
}

Test(store_expire, 16_a_step_ends_when_the_writer_is_called) {
    put_short(ALICE, 1000);
    put_of(DAVE, 4000);
    uint64_t keep = half_of_it();
    bool more = true;
    while (more) {
        uint64_t n = stats_now().n_messages;
        store_call(shelf.store, true);
        cr_assert_eq(expire(0, keep, 512, &more), 0);
        cr_assert_leq(n - stats_now().n_messages, 16);
    }
    struct share share = shares();
    cr_assert_eq(share.n_messages[ALICE], 1000);
    expect_gone(1001, 5000 - share.n_messages[DAVE], true); /* none was passed over */
    expect_gone(5000 - share.n_messages[DAVE] + 1, 5000, false);
}

Test(store_expire, 17_what_is_forgotten_goes_however_often_the_writer_is_called) {
    const conv_number self = conv_of_pair(ALICE, ALICE);
    cr_assert_eq(store_begin(shelf.store), 0);
    for (int i = 0; i < 100; i++)
        put(self, ALICE, "forget me");
    cr_assert_eq(store_commit(shelf.store), 0);
    index_all();
    forget(ALICE, self, 90);
    bool more = true;
    int n_steps = 0;
    for (; more; n_steps++) {
        uint64_t n = stats_now().n_messages;
        store_call(shelf.store, n_steps % 2 == 0);
        cr_assert_eq(store_index(shelf.store, 32, &more), 0);
        cr_assert_leq(n - stats_now().n_messages, n_steps % 2 == 0 ? 16 : 32);
    }
    cr_assert_eq(stats_now().n_messages, 10);
    cr_assert(!is_there(90, ALICE) && is_there(91, ALICE));
}
