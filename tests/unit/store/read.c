/* Reading: what comes next, pages, and what is visible; against a naive model. */
#include <sqlite3.h>

#include <stdlib.h>

#include "unit/store/shelf.h"

TestSuite(store_read, .init = shelf_begin, .fini = shelf_end);

#define AB conv_of_pair(ALICE, BOB)
#define AC conv_of_pair(ALICE, CAROL)
#define BC conv_of_pair(BOB, CAROL)
#define R1 conv_of_room(1)
#define R2 conv_of_room(2)

static uint64_t read_next(const struct store_view *view, unsigned n_max) {
    uint64_t upto = 0;
    int r = store_read(shelf.reader, view, n_max, &upto, see, NULL);
    cr_assert_eq(r, 0, "%d: %s", r, store_reader_error(shelf.reader));
    return upto;
}

static void read_page(const struct store_view *view, struct store_page page) {
    int r = store_history(shelf.reader, view, &page, see, NULL);
    cr_assert_eq(r, 0, "%d: %s", r, store_reader_error(shelf.reader));
}

static void fill(void) {
    say(AB, ALICE, "ab1");
    say(R1, BOB, "r2");
    say(BC, BOB, "bc3");
    say(AC, CAROL, "ac4");
    say(R2, CAROL, "r5");
    say(AB, BOB, "ab6");
    say(R1, ALICE, "r7");
    say(BC, CAROL, "bc8");
}

Test(store_read, 01_conversations_are_merged_in_order) {
    fill();
    struct store_source rooms[] = {{R1, 0}, {R2, 5}};
    struct store_view view = view_of(ALICE, rooms, 2);
    cr_assert_eq(read_next(&view, 100), 8);
    expect_seen("ab1|r2|ac4|ab6|r7");
    view.direct_after = 1;
    rooms[0].after = 2;
    rooms[1].after = 4;
    cr_assert_eq(read_next(&view, 3), 6);
    expect_seen("ac4|r5|ab6");
    view.direct = false;
    cr_assert_eq(read_next(&view, 3), 8);
    expect_seen("r5|r7");
    view = view_of(DAVE, NULL, 0);
    cr_assert_eq(read_next(&view, 3), 8);
    expect_seen("");
}

Test(store_read, 02_reading_on_meets_each_message_once) {
    fill();
    struct store_source rooms[] = {{R1, 0}};
    struct store_view view = view_of(BOB, rooms, 1);
    for (uint64_t upto = 0; upto < 8; view.direct_after = rooms[0].after = upto)
        upto = read_next(&view, 2);
    expect_seen("ab1|r2|bc3|ab6|r7|bc8");
}

Test(store_read, 03_the_visitor_can_end_it) {
    fill();
    uint64_t upto = 0;
    struct store_view view = view_of(BOB, NULL, 0);
    struct store_page page = {.n_max = 9};
    seen.end_after = 2;
    seen.end_with = 42;
    cr_assert_eq(store_read(shelf.reader, &view, 9, &upto, see, NULL), 42);
    cr_assert_eq(upto, 2, "the third message was refused");
    expect_seen("ab1|bc3");
    seen.end_after = 1;
    seen.end_with = -5;
    cr_assert_eq(store_history(shelf.reader, &view, &page, see, NULL), -5);
    expect_seen("ab1");
    cr_assert_eq(read_next(&view, 9), 8);
    expect_seen("ab1|bc3|ab6|bc8");
}

Test(store_read, 04_pages) {
    fill();
    struct store_source rooms[] = {{R1, 0}, {R2, 0}};
    struct store_view view = view_of(ALICE, rooms, 2);
    read_page(&view, (struct store_page){.n_max = 3});
    expect_seen("r5|ab6|r7");
    read_page(&view, (struct store_page){.n_max = 3, .before = 5});
    expect_seen("ab1|r2|ac4");
    read_page(&view, (struct store_page){.n_max = 3, .before = 1});
    expect_seen("");
    read_page(&view, (struct store_page){.n_max = 3, .after = 1});
    expect_seen("r2|ac4|r5");
    read_page(&view, (struct store_page){.n_max = 9, .after = 1, .before = 6});
    expect_seen("r2|ac4|r5");
    read_page(&view, (struct store_page){.conv = AB, .n_max = 9, .after = 1, .before = 6});
    expect_seen("");
    read_page(&view, (struct store_page){.conv = AB, .n_max = 3});
    expect_seen("ab1|ab6");
    read_page(&view, (struct store_page){.conv = R1, .n_max = 1});
    expect_seen("r7");
    read_page(&view, (struct store_page){.conv = R1, .n_max = 1, .before = 7});
    expect_seen("r2");
    read_page(&view, (struct store_page){.conv = AB, .n_max = 9, .after = 1});
    expect_seen("ab6");
    read_page(&view, (struct store_page){.n_max = 0});
    expect_seen("");
}

Test(store_read, 05_nothing_outside_of_the_view) {
    fill();
    struct store_source rooms[] = {{R2, 0}};
    struct store_view view = view_of(ALICE, rooms, 1);
    read_page(&view, (struct store_page){.conv = BC, .n_max = 9});
    read_page(&view, (struct store_page){.conv = R1, .n_max = 9});
    expect_seen("");
    view.direct = false;
    read_page(&view, (struct store_page){.conv = AB, .n_max = 9});
    expect_seen("");
}

Test(store_read, 06_the_afters_of_the_view_bound_its_pages) {
    fill();
    struct store_source rooms[] = {{R1, 2}};
    struct store_view view = view_of(ALICE, rooms, 1);
    view.direct_after = 4;
    read_page(&view, (struct store_page){.n_max = 9});
    expect_seen("ab6|r7");
    read_page(&view, (struct store_page){.n_max = 9, .after = 1});
    expect_seen("ab6|r7");
    read_page(&view, (struct store_page){.conv = R1, .n_max = 9});
    expect_seen("r7");
}

Test(store_read, 07_one_forgets_and_the_other_remembers) {
    fill();
    struct store_view alice = view_of(ALICE, NULL, 0), bob = view_of(BOB, NULL, 0);
    forget(ALICE, AB, 5);
    read_next(&alice, 9);
    expect_seen("ac4|ab6");
    read_page(&alice, (struct store_page){.n_max = 9});
    expect_seen("ac4|ab6");
    read_page(&alice, (struct store_page){.conv = AB, .n_max = 9});
    expect_seen("ab6");
    forget(ALICE, AB, 3);
    read_page(&alice, (struct store_page){.conv = AB, .n_max = 9, .before = 6});
    expect_seen("");
    index_all();
    shelf_reopen();
    read_next(&bob, 9);
    expect_seen("ab1|bc3|ab6|bc8");
    read_next(&alice, 9);
    expect_seen("ac4|ab6");
}

static unsigned n_messages(void) {
    struct store_stats stats;
    store_stats(shelf.store, &stats);
    return (unsigned)stats.n_messages;
}

Test(store_read, 08_what_both_forgot_is_deleted) {
    fill();
    index_all();
    forget(ALICE, AB, 6);
    forget(BOB, AB, 1);
    index_all();
    cr_assert_eq(n_messages(), 7);
    cr_assert_not(is_there(1, ALICE));
    forget(CAROL, AB, 9); /* is none of the two */
    index_all();
    cr_assert_eq(n_messages(), 7);
    forget(BOB, AB, 6);
    index_all();
    cr_assert_eq(n_messages(), 6);
    struct store_view bob = view_of(BOB, NULL, 0);
    say(AB, BOB, "ab9");
    read_next(&bob, 9);
    expect_seen("bc3|bc8|ab9");
}

Test(store_read, 09_one_s_own_notes_can_be_forgotten) {
    struct store_view alice = view_of(ALICE, NULL, 0);
    say(conv_of_pair(ALICE, ALICE), ALICE, "note");
    read_next(&alice, 9);
    expect_seen("note");
    forget(ALICE, conv_of_pair(ALICE, ALICE), 1);
    index_all();
    cr_assert_eq(n_messages(), 0);
    read_next(&alice, 9);
    expect_seen("");
}

Test(store_read, 10_all_of_a_long_conversation_is_forgotten_in_steps) {
    cr_assert_eq(store_begin(shelf.store), 0);
    for (int i = 0; i < 2000; i++)
        put(AB, ALICE, "again and again");
    cr_assert_eq(store_commit(shelf.store), 0);
    forget(ALICE, AB, 1500);
    forget(BOB, AB, 2000);
    shelf_reopen();
    index_all();
    cr_assert_eq(n_messages(), 500);
    struct store_view alice = view_of(ALICE, NULL, 0);
    search(&alice, "again");
    cr_assert_eq(seen.n, 50);
    cr_assert_eq(seen.seqs[0], 2000);
}

/* Random conversations against a list. */

#define HANDLES 6
#define ROOMS 4
#define STEPS 600

static struct {
    uint64_t seq;
    conv_number conv;
} log_of_all[STEPS + 1];
static unsigned n_log;
static uint64_t forgotten[HANDLES + 1][HANDLES + 1];

static bool is_visible(const struct store_view *view, unsigned i, bool afters) {
    conv_number conv = log_of_all[i].conv;
    uint64_t seq = log_of_all[i].seq;
    for (size_t j = 0; j < view->n_rooms; j++)
        if (view->rooms[j].conv == conv && (!afters || seq > view->rooms[j].after))
            return true;
    return view->direct && conv_has(conv, view->handle) && (!afters || seq > view->direct_after) &&
           seq > forgotten[view->handle][conv_other(conv, view->handle)];
}

static unsigned below(unsigned n) {
    return (unsigned)random() % n;
}

static void step_at_random(void) {
    uint32_t a = 1 + below(HANDLES), b = 1 + below(HANDLES);
    conv_number conv = below(2) ? conv_of_pair(a, b) : conv_of_room(1 + below(ROOMS));
    if (below(20) == 0) {
        uint64_t upto = below((unsigned)shelf.seq + 1);
        forget(a, conv_of_pair(a, b), upto);
        if (upto > forgotten[a][b])
            forgotten[a][b] = upto;
        return;
    }
    shelf.seq += below(3); /* gaps */
    say(conv, a, "x");
    log_of_all[n_log].conv = conv;
    log_of_all[n_log++].seq = shelf.seq;
}

static void compare_read(const struct store_view *view, unsigned n_max) {
    uint64_t upto = 0, want_upto = log_of_all[n_log - 1].seq;
    unsigned n = 0;
    seen.n = 0;
    cr_assert_eq(store_read(shelf.reader, view, n_max, &upto, see, NULL), 0);
    for (unsigned i = 0; i < n_log && n < n_max; i++)
        if (is_visible(view, i, true)) {
            cr_assert_lt(n, seen.n);
            cr_assert_eq(seen.seqs[n++], log_of_all[i].seq);
            if (n == n_max)
                want_upto = log_of_all[i].seq;
        }
    cr_assert_eq(seen.n, n);
    cr_assert_eq(upto, want_upto);
}

static void compare_page(const struct store_view *view, struct store_page page) {
    unsigned n = 0;
    seen.n = 0;
    read_page(view, page);
    for (unsigned i = n_log; i-- > 0 && n < page.n_max;)
        if ((page.before == 0 || log_of_all[i].seq < page.before) && is_visible(view, i, true) &&
            (page.conv == 0 || page.conv == log_of_all[i].conv)) {
            cr_assert_lt(n, seen.n);
            cr_assert_eq(seen.seqs[seen.n - ++n], log_of_all[i].seq);
        }
    cr_assert_eq(seen.n, n);
}

static void compare_at_random(void) {
    struct store_source rooms[ROOMS];
    size_t n_rooms = 0;
    for (uint32_t i = 1; i <= ROOMS; i++)
        if (below(2))
            rooms[n_rooms++] = (struct store_source){conv_of_room(i), below((unsigned)shelf.seq)};
    struct store_view view = view_of(1 + below(HANDLES), rooms, n_rooms);
    view.direct = below(4) > 0;
    view.direct_after = below(2) ? below((unsigned)shelf.seq) : 0;
    compare_read(&view, 1 + below(40));
    uint32_t a = 1 + below(HANDLES), b = 1 + below(HANDLES);
    conv_number convs[] = {0, conv_of_pair(a, b), conv_of_room(1 + below(ROOMS))};
    compare_page(&view, (struct store_page){.conv = convs[below(3)],
                                            .before = below((unsigned)shelf.seq),
                                            .n_max = 1 + below(40)});
}

Test(store_read, 11_random_conversations_are_as_a_naive_model_says) {
    srandom(4711);
    say(R1, ALICE, "x");
    log_of_all[n_log].conv = R1;
    log_of_all[n_log++].seq = shelf.seq;
    for (unsigned i = 1; i < STEPS; i++) {
        step_at_random();
        if (i % 3 == 0)
            compare_at_random();
    }
}

static int end_at_once(void *arg, const struct record *record) {
    (void)record;
    return *(int *)arg;
}

/* An id that is none, in the middle. */
Test(store_read, 20_a_damaged_message_is_passed_over) {
    sqlite3 *db;
    fill();
    index_all();
    cr_assert_eq(store_reader_passed_over(shelf.reader), 0);
    cr_assert_eq(sqlite3_open(shelf_path("earshot.db"), &db), SQLITE_OK);
    cr_assert_eq(sqlite3_exec(db, "UPDATE message SET id = zeroblob(seq) WHERE seq IN (2, 6)", NULL,
                              NULL, NULL),
                 SQLITE_OK);
    sqlite3_close(db);
    struct store_source rooms[] = {{R1, 0}};
    struct store_view view = view_of(ALICE, rooms, 1);
    read_next(&view, 9);
    expect_seen("ab1|ac4|r7");
    read_page(&view, (struct store_page){.n_max = 9});
    expect_seen("ab1|ac4|r7");
    search(&view, "ab6");
    expect_seen("");
    search(&view, "ab");
    expect_seen("ab1");
    cr_assert_gt(store_reader_passed_over(shelf.reader), 0);
    shelf_reopen();
    cr_assert_str_empty(shelf.info.set_aside);
    int end_with = 9;
    struct store_page page = {.n_max = 9};
    cr_assert_eq(store_history(shelf.reader, &view, &page, end_at_once, &end_with), 9);
}

/* Replies. */

static uint64_t reply(conv_number conv, uint32_t from, uint64_t thread, uint16_t n,
                      const char *text) {
    struct record record = record_of(++shelf.seq, conv, from, text);
    record.thread = record.reply_to = id_of(thread);
    record.n = n;
    cr_assert_eq(store_begin(shelf.store), 0);
    cr_assert_eq(store_put_message(shelf.store, &record, NULL), 0);
    cr_assert_eq(store_commit(shelf.store), 0);
    return shelf.seq;
}

static void find(const struct store_view *view, struct store_find wanted) {
    if (wanted.n_max == 0)
        wanted.n_max = 100;
    int r = store_find(shelf.reader, view, &wanted, see, NULL);
    cr_assert_eq(r, 0, "%d: %s", r, store_reader_error(shelf.reader));
}

static uint16_t last_n(conv_number conv) {
    uint16_t n = 1;
    cr_assert_eq(store_last_n(shelf.store, conv, &n), 0);
    return n;
}

Test(store_read, 20_a_thread_is_what_it_began_with_and_its_replies) {
    struct store_source rooms[] = {{R1, 0}};
    struct store_view view = view_of(ALICE, rooms, 1), strangers = view_of(DAVE, NULL, 0);
    uint64_t root = say(R1, BOB, "root");
    say(R1, CAROL, "between");
    reply(R1, CAROL, root, 10, "one");
    say(AB, ALICE, "elsewhere");
    uint64_t two = reply(R1, BOB, root, 11, "two");
    find(&view, (struct store_find){.id = id_of(root), .is_thread = true});
    expect_seen("root|one|two");
    find(&view, (struct store_find){.id = id_of(root), .is_thread = true, .n_max = 2});
    expect_seen("one|two");
    find(&view, (struct store_find){.id = id_of(root), .is_thread = true, .before = two});
    expect_seen("root|one");
    find(&view, (struct store_find){.id = id_of(root), .is_thread = true, .conv = AB});
    expect_seen("");
    find(&view, (struct store_find){.id = id_of(root)});
    expect_seen("root");
    find(&view, (struct store_find){.id = id_of(two)});
    expect_seen("two");
    find(&strangers, (struct store_find){.id = id_of(root), .is_thread = true});
    expect_seen("");
    rooms[0].after = root;
    find(&view, (struct store_find){.id = id_of(root), .is_thread = true});
    expect_seen("one|two");
}

Test(store_read, 21_numbers_are_of_a_conversation) {
    uint64_t root = say(R1, BOB, "root");
    cr_assert_eq(last_n(R1), 0);
    reply(R1, CAROL, root, 9999, "one");
    reply(R1, CAROL, root, 10, "two");
    cr_assert_eq(last_n(R1), 10);
    cr_assert_eq(last_n(AB), 0);
}

Test(store_read, 22_what_was_forgotten_is_not_found) {
    struct store_view view = view_of(ALICE, NULL, 0);
    uint64_t root = say(AB, BOB, "root");
    uint64_t one = reply(AB, ALICE, root, 10, "one");
    find(&view, (struct store_find){.id = id_of(root), .is_thread = true});
    expect_seen("root|one");
    forget(ALICE, AB, root);
    find(&view, (struct store_find){.id = id_of(root), .is_thread = true});
    expect_seen("one");
    forget(ALICE, AB, one);
    find(&view, (struct store_find){.id = id_of(root), .is_thread = true});
    expect_seen("");
}

static int count_found(void *arg, const struct record *record) {
    (void)record;
    ++*(unsigned *)arg;
    return 0;
}

/* Two users may have used one id: then it is the reader who tells them apart. */
Test(store_read, 23_an_id_of_two_users) {
    struct store_source rooms[] = {{R1, 0}};
    struct store_view view = view_of(ALICE, rooms, 1);
    uint64_t root = say(R1, BOB, "root");
    struct record forged = record_of(++shelf.seq, R1, CAROL, "forged");
    forged.id = forged.thread = forged.reply_to = id_of(root);
    cr_assert_eq(store_begin(shelf.store), 0);
    cr_assert_eq(store_put_message(shelf.store, &forged, NULL), 0);
    cr_assert_eq(store_commit(shelf.store), 0);
    for (unsigned is_thread = 0; is_thread < 2; is_thread++) {
        struct store_find wanted = {.id = id_of(root), .is_thread = is_thread, .n_max = 9};
        unsigned n = 0;
        cr_assert_eq(store_find(shelf.reader, &view, &wanted, count_found, &n), 0);
        cr_assert_eq(n, 2, "each of them once");
    }
}
