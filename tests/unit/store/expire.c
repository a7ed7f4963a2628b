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
