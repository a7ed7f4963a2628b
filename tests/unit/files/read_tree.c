/* Several who take one directory together: what is read of it, and what each of them gets. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/macro.h"
#include "files/read_group.h"
#include "unit/files/hand.h"

#define N_TAKERS 3
#define CAPACITY ((size_t)64 * 1024)
#define LARGE_BYTES (40 * CAPACITY + 77) /* more than is kept in memory */
#define N_SMALL 90
#define SMALL_BYTES 1500

struct tree_taker {
    struct source *offered, *source;
    struct sink *sink;
    unsigned char slot[CAPACITY];
    int result;
    bool is_over;
    unsigned n_skipped, seed;
    char skipped[64];
};

static struct read_pool pool;
static struct tree_taker takers[N_TAKERS];

static void taker_note_skipped(void *context, const char *path, enum source_skip why, int error) {
    struct tree_taker *taker = context;
    (void)error;
    taker->n_skipped++;
    snprintf(taker->skipped, sizeof taker->skipped, "%d %s", (int)why, path);
}

static void taker_offer(struct tree_taker *taker, const char *name) {
    struct source_options options = {.pool = &pool};
    *taker = (struct tree_taker){0};
    cr_assert_eq(source_open(&taker->offered, in_from(name), &options), 0);
}

static void taker_accept(struct tree_taker *taker) {
    struct source_options options = {.skipped = taker_note_skipped, .context = taker};
    cr_assert_eq(source_again(&taker->source, taker->offered, &options), 0);
    cr_assert_eq(sink_open(&taker->sink, source_offer(taker->source), &hand.options), 0);
}

static bool taker_step(struct tree_taker *taker) {
    struct item item;
    if (taker->is_over)
        return false;
    taker->result = source_next(taker->source, taker->slot, CAPACITY, &item);
    if (taker->result == 0)
        cr_assert_eq((taker->result = sink_put(taker->sink, &item)), 0, "%s: %d",
                     sink_where(taker->sink), taker->result);
    taker->is_over = taker->result != 0 || item.kind == ITEM_END;
    return !taker->is_over;
}

static void taker_finish(struct tree_taker *taker) {
    while (taker_step(taker)) {
    }
}

static void taker_expect(const struct tree_taker *taker, const char *name) {
    struct item_totals sent = source_totals(taker->source), got = sink_totals(taker->sink);
    cr_assert_eq(taker->result, 0, "%d", taker->result);
    cr_expect_arr_eq(&sent, &got, sizeof sent);
    cr_expect(digest_equal(source_digest(taker->source), sink_digest(taker->sink)));
    expect_equal(in_from(name), in_to(sink_name(taker->sink)));
}

static void taker_close(struct tree_taker *taker) {
    source_free(taker->source);
    sink_free(taker->sink);
    source_free(taker->offered);
    *taker = (struct tree_taker){0};
}

static void all_open(void) {
    for (unsigned i = 0; i < N_TAKERS; i++)
        taker_offer(&takers[i], "tree");
    for (unsigned i = 0; i < N_TAKERS; i++)
        taker_accept(&takers[i]);
}

static void all_step(unsigned first, unsigned end, size_t n) {
    while (n-- > 0 && !takers[first].is_over)
        for (unsigned i = first; i < end; i++)
            (void)taker_step(&takers[i]);
}

static void all_end(void) {
    for (unsigned i = 0; i < N_TAKERS; i++)
        taker_close(&takers[i]);
    cr_expect_null(pool.groups, "every group is gone");
}

/* A large file in the middle of small ones, directories in directories, an empty one, a link. */
static void make_tree(void) {
    char name[64];
    make_directory(in_from("tree"));
    make_directory(in_from("tree/few"));
    make_directory(in_from("tree/few/empty"));
    make_directory(in_from("tree/many"));
    make_directory(in_from("tree/many/deep"));
    make_file(in_from("tree/few/nothing"), 0, 1);
    make_file(in_from("tree/large"), LARGE_BYTES, 1);
    make_file(in_from("tree/zz"), LARGE_BYTES, 2);
    cr_assert_eq(symlink("large", in_from("tree/link")), 0);
    for (unsigned i = 0; i < N_SMALL; i++) {
        snprintf(name, sizeof name, "tree/many/%s%u", i % 2 ? "" : "deep/", i);
        make_file(in_from(name), SMALL_BYTES, i);
    }
}

static void tree_begin_test(void) {
    hand_begin();
    make_tree();
}

TestSuite(read_tree, .init = tree_begin_test, .fini = hand_end, .timeout = 60);

#define ALL_BYTES ((uint64_t)2 * LARGE_BYTES + (uint64_t)N_SMALL * SMALL_BYTES)
#define READ_BESIDE ((uint64_t)8192) /* of other files, as /proc/self/io */

static uint64_t tree_bytes_read(void) {
    unsigned long long n = 0;
    FILE *file = fopen("/proc/self/io", "re");
    cr_assert(file && fscanf(file, "rchar: %llu", &n) == 1);
    fclose(file);
    return n;
}

static void expect_read_up_to(uint64_t before, uint64_t bytes, const char *what) {
    uint64_t n = tree_bytes_read() - before;
    cr_expect_leq(n, bytes + READ_BESIDE, "%s: %ju bytes", what, (uintmax_t)n);
}

Test(read_tree, 01_three_at_once_read_it_once) {
    all_open();
    uint64_t before = tree_bytes_read();
    all_step(0, N_TAKERS, SIZE_MAX);
    expect_read_up_to(before, ALL_BYTES, "three");
    for (unsigned i = 0; i < N_TAKERS; i++)
        taker_expect(&takers[i], "tree");
    all_end();
}

Test(read_tree, 02_one_alone) {
    taker_offer(&takers[0], "tree");
    taker_accept(&takers[0]);
    taker_finish(&takers[0]);
    taker_expect(&takers[0], "tree");
    all_end();
}

/* Wherever it was stopped, it goes on alone from there, and the others do not wait for it. */
Test(read_tree, 03_who_is_stopped_goes_on_alone_from_where_it_was) {
    static const size_t places[] = {1, 9, 43, 46, 150, 280, 315};
    for (size_t p = 0; p < ARRAY_LEN(places); p++) {
        all_open();
        all_step(0, N_TAKERS, places[p]);
        all_step(0, 2, SIZE_MAX);
        taker_finish(&takers[2]);
        for (unsigned i = 0; i < N_TAKERS; i++)
            taker_expect(&takers[i], "tree");
        all_end();
    }
}

Test(read_tree, 04_who_leaves_holds_nobody_back) {
    all_open();
    all_step(0, N_TAKERS, 6);
    uint64_t before = tree_bytes_read();
    taker_close(&takers[2]);
    all_step(0, 2, SIZE_MAX);
    expect_read_up_to(before, ALL_BYTES, "two");
    for (unsigned i = 0; i < 2; i++)
        taker_expect(&takers[i], "tree");
    all_end();
}

/* What belongs to the offer that began it is used by the others as long as they are there. */
Test(read_tree, 05_who_began_it_leaves) {
    all_open();
    all_step(0, N_TAKERS, 6);
    taker_close(&takers[0]);
    all_step(1, N_TAKERS, 40);
    taker_close(&takers[1]);
    taker_finish(&takers[2]);
    taker_expect(&takers[2], "tree");
    all_end();
}

Test(read_tree, 06_one_declines) {
    all_open();
    taker_close(&takers[1]);
    uint64_t before = tree_bytes_read();
    bool more = true;
    while (more) {
        more = taker_step(&takers[0]);
        more |= taker_step(&takers[2]);
    }
    expect_read_up_to(before, ALL_BYTES, "the two others");
    taker_expect(&takers[0], "tree");
    taker_expect(&takers[2], "tree");
    all_end();
}

Test(read_tree, 07_who_comes_late_gets_what_is_there_then) {
    all_open();
    all_step(0, 2, SIZE_MAX);
    for (unsigned i = 0; i < 2; i++)
        taker_expect(&takers[i], "tree");
    add_bytes(in_from("tree/many/1"), 3, "new", 3);
    make_file(in_from("tree/many/new"), 10, 1);
    taker_finish(&takers[2]);
    taker_expect(&takers[2], "tree");
    all_end();
}

Test(read_tree, 08_who_is_stopped_sees_what_happened_meanwhile) {
    all_open();
    all_step(0, N_TAKERS, 20); /* in the first large file */
    all_step(0, 2, SIZE_MAX);
    make_file(in_from("tree/a_is_behind_it"), 10, 1);
    make_file(in_from("tree/many/a_new_one"), 10, 1);
    cr_assert_eq(unlink(in_from("tree/many/1")), 0);
    cr_assert_eq(rename(in_from("tree/large"), in_outside("large")), 0); /* it stays open */
    taker_finish(&takers[2]);
    cr_assert_eq(takers[2].result, 0);
    const char *name = sink_name(takers[2].sink);
    char path[256];
    snprintf(path, sizeof path, "%s/large", name);
    expect_same_content(in_outside("large"), in_to(path));
    snprintf(path, sizeof path, "%s/many/a_new_one", name);
    cr_expect(is_there(in_to(path)));
    snprintf(path, sizeof path, "%s/a_is_behind_it", name);
    cr_expect_not(is_there(in_to(path)));
    all_end();
}

Test(read_tree, 09_a_directory_that_it_is_in_vanishes) {
    all_open();
    while (taker_step(&takers[0]) && source_totals(takers[0].source).n_bytes < LARGE_BYTES) {
    }
    for (unsigned i = 0; i < 20; i++)
        (void)taker_step(&takers[0]);
    for (unsigned i = 0; i < 30; i++)
        all_step(1, N_TAKERS, 1);
    taker_close(&takers[1]);
    taker_close(&takers[2]); /* so the first one is alone from its next piece on */
    cr_assert_eq(rename(in_from("tree/many"), in_outside("many")), 0);
    taker_finish(&takers[0]);
    cr_expect_eq(takers[0].result, 0);
    all_end();
}

/* Each is told once, by itself. */
Test(read_tree, 10_all_are_told_what_is_left_out) {
    all_open();
    cr_assert_eq(mkfifo(in_from("tree/many/pipe"), 0600), 0);
    all_step(0, N_TAKERS, SIZE_MAX);
    for (unsigned i = 0; i < N_TAKERS; i++) {
        cr_expect_eq(takers[i].result, 0);
        cr_expect_eq(takers[i].n_skipped, 1);
        cr_expect_str_eq(takers[i].skipped, "0 many/pipe");
        cr_expect_eq(source_totals(takers[i].source).n_skipped, 1);
    }
    all_end();
}

Test(read_tree, 11_more_is_left_out_than_a_piece_can_tell) {
    char name[64];
    all_open();
    for (unsigned i = 0; i < 600; i++) {
        snprintf(name, sizeof name, "tree/many/pipe%u", i);
        cr_assert_eq(mkfifo(in_from(name), 0600), 0);
    }
    all_step(0, N_TAKERS, SIZE_MAX);
    for (unsigned i = 0; i < N_TAKERS; i++) {
        cr_expect_eq(takers[i].result, 0);
        cr_expect_eq(takers[i].n_skipped, 600, "%u", takers[i].n_skipped);
    }
    all_end();
}

Test(read_tree, 12_a_file_is_written_to_while_it_is_read) {
    all_open();
    all_step(0, N_TAKERS, 12);
    cr_assert_eq(truncate(in_from("tree/large"), 10), 0);
    all_step(0, N_TAKERS, SIZE_MAX);
    for (unsigned i = 0; i < N_TAKERS; i++) {
        cr_expect_eq(takers[i].result, 0);
        cr_expect_eq(takers[i].n_skipped, 1);
        cr_expect_str_eq(takers[i].skipped, "4 large");
        cr_expect_eq(source_totals(takers[i].source).n_bytes, ALL_BYTES - LARGE_BYTES);
    }
    all_end();
}

/*
 * One offer was made before a file was put into the directory by somebody else, the others after
 * that: who takes the first one must not get it from them.
 */
Test(read_tree, 13_what_an_offer_does_not_know_is_not_had_through_another) {
    cr_assert_eq(chmod(in_from("tree"), 0777), 0);
    make_file(in_outside("private"), 10, 1);
    cr_assert_eq(chmod(in_outside("private"), 0600), 0);
    taker_offer(&takers[0], "tree");
    cr_assert_eq(rename(in_outside("private"), in_from("tree/private")), 0);
    taker_offer(&takers[1], "tree");
    taker_offer(&takers[2], "tree");
    for (unsigned i = N_TAKERS; i-- > 0;)
        taker_accept(&takers[i]);
    for (unsigned i = 1; i < N_TAKERS; i++)
        (void)taker_step(&takers[i]); /* they begin */
    for (bool goes_on = true; goes_on;) {
        goes_on = false;
        for (unsigned i = 0; i < N_TAKERS; i++)
            goes_on |= taker_step(&takers[i]);
    }
    cr_expect_eq(takers[0].n_skipped, 1);
    char path[256];
    snprintf(path, sizeof path, "%s/private", sink_name(takers[0].sink));
    cr_expect_not(is_there(in_to(path)));
    for (unsigned i = 1; i < N_TAKERS; i++) {
        snprintf(path, sizeof path, "%s/private", sink_name(takers[i].sink));
        cr_expect(is_there(in_to(path)));
    }
    all_end();
}

/* --- at the same time --- */

static void *taker_run(void *arg) {
    struct tree_taker *taker = arg;
    while (taker_step(taker)) {
        taker->seed = taker->seed * 1103515245 + 12345;
        if (taker->seed % 41 == 0)
            nanosleep(&(struct timespec){.tv_nsec = taker->seed % 300000}, NULL);
    }
    return NULL;
}

Test(read_tree, 14_each_in_its_own_thread) {
    pthread_t threads[N_TAKERS];
    for (unsigned round = 0; round < 3; round++) {
        all_open();
        for (unsigned i = 0; i < N_TAKERS; i++) {
            takers[i].seed = round * N_TAKERS + i;
            cr_assert_eq(pthread_create(&threads[i], NULL, taker_run, &takers[i]), 0);
        }
        for (unsigned i = 0; i < N_TAKERS; i++)
            pthread_join(threads[i], NULL);
        for (unsigned i = 0; i < N_TAKERS; i++)
            taker_expect(&takers[i], "tree");
        all_end();
    }
}
