/* Several who read one file together: what they read of it, and what each of them gets. */
#include "files/read_group.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/macro.h"
#include "unit/files/hand.h"

#define CAPACITY ((size_t)16 * 1024)
#define N_PIECES (3 * READ_GROUP_PIECES)
#define FILE_BYTES (N_PIECES * CAPACITY - 5)
#define N_TAKERS 3

/* One who takes the file: what it was offered as, and what has come of it. */
struct taker {
    struct source *offered, *source;
    int sink;
    struct item item;
    unsigned char slot[HAND_SLOT];
    int result;
    bool is_over;
    unsigned seed; /* of the pauses that it makes */
};

static struct read_pool pool;
static struct taker takers[N_TAKERS];

static void taker_open(struct taker *taker, const char *name, bool is_for_many) {
    struct source_options options = {.pool = &pool, .is_for_many = is_for_many};
    *taker = (struct taker){0};
    cr_assert_eq(source_open(&taker->offered, in_from(name), &options), 0);
}

static void taker_accept(struct taker *taker, unsigned number) {
    char name[32];
    snprintf(name, sizeof name, "copy-%u", number);
    cr_assert_eq(source_again(&taker->source, taker->offered, NULL), 0);
    taker->sink = open(in_to(name), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    cr_assert(taker->sink >= 0);
}

/* Takes one item. False: it is over. */
static bool taker_step(struct taker *taker) {
    struct item *item = &taker->item;
    if (taker->is_over)
        return false;
    taker->result = source_next(taker->source, taker->slot, CAPACITY, item);
    if (taker->result == 0 && item->kind == ITEM_DATA)
        cr_assert_eq(write(taker->sink, item->data, item->n), (ssize_t)item->n);
    if (taker->result == 0 && item->kind == ITEM_HOLE)
        cr_assert_eq(ftruncate(taker->sink, lseek(taker->sink, (off_t)item->hole, SEEK_CUR)), 0);
    taker->is_over = taker->result != 0 || item->kind == ITEM_END;
    return !taker->is_over;
}

static void taker_finish(struct taker *taker) {
    while (taker_step(taker)) {
    }
}

static void taker_expect(const struct taker *taker, unsigned number) {
    char copy[32];
    struct digest digest = source_digest(taker->source);
    snprintf(copy, sizeof copy, "copy-%u", number);
    cr_expect_eq(taker->result, 0, "%u", number);
    expect_same_content(in_from("file"), in_to(copy));
    struct source *alone;
    struct item item;
    cr_assert_eq(source_open(&alone, in_from("file"), NULL), 0);
    do
        cr_assert_eq(source_next(alone, hand.slot, sizeof hand.slot, &item), 0);
    while (item.kind != ITEM_END);
    cr_expect(digest_equal(digest, source_digest(alone)), "%u", number);
    source_free(alone);
}

static void taker_close(struct taker *taker) {
    if (taker->source)
        close(taker->sink);
    source_free(taker->source);
    source_free(taker->offered);
    *taker = (struct taker){0};
}

static void all_open(void) {
    for (unsigned i = 0; i < N_TAKERS; i++) {
        taker_open(&takers[i], "file", false);
        taker_accept(&takers[i], i);
    }
}

/* All of these go on in turn until the first of them is over, or n times. */
static void all_step(unsigned first, unsigned end, size_t n) {
    while (n-- > 0 && !takers[first].is_over)
        for (unsigned i = first; i < end; i++)
            (void)taker_step(&takers[i]);
}

static void all_end(void) {
    for (unsigned i = 0; i < ARRAY_LEN(takers); i++)
        taker_close(&takers[i]);
    cr_expect_null(pool.groups, "every group is gone");
}

static void all_begin(void) {
    hand_begin();
    make_file(in_from("file"), FILE_BYTES, 1);
}

TestSuite(read_group, .init = all_begin, .fini = hand_end, .timeout = 60);

/* What this process has read with any call. */
static uint64_t bytes_read(void) {
    unsigned long long n = 0;
    FILE *file = fopen("/proc/self/io", "re");
    cr_assert(file && fscanf(file, "rchar: %llu", &n) == 1);
    fclose(file);
    return n;
}

#define READ_BESIDE ((uint64_t)8192) /* of other files, as /proc/self/io */

static void expect_read(uint64_t before, unsigned times, const char *what) {
    uint64_t n = bytes_read() - before;
    cr_expect_geq(n, times * FILE_BYTES, "%s: %ju bytes", what, (uintmax_t)n);
    cr_expect_leq(n, times * FILE_BYTES + READ_BESIDE, "%s: %ju bytes", what, (uintmax_t)n);
}

Test(read_group, 01_three_at_once_read_it_once) {
    all_open();
    uint64_t before = bytes_read();
    all_step(0, N_TAKERS, SIZE_MAX);
    expect_read(before, 1, "three");
    for (unsigned i = 0; i < N_TAKERS; i++)
        taker_expect(&takers[i], i);
    all_end();
}

Test(read_group, 02_a_room_reads_it_once) {
    struct taker room;
    taker_open(&room, "file", true);
    for (unsigned i = 0; i < N_TAKERS; i++) {
        takers[i].offered = NULL;
        cr_assert_eq(source_again(&takers[i].source, room.offered, NULL), 0);
        char name[32];
        snprintf(name, sizeof name, "copy-%u", i);
        takers[i].sink = open(in_to(name), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    }
    uint64_t before = bytes_read();
    all_step(0, N_TAKERS, SIZE_MAX);
    expect_read(before, 1, "the room");
    for (unsigned i = 0; i < N_TAKERS; i++)
        taker_expect(&takers[i], i);
    taker_close(&room);
    all_end();
}

Test(read_group, 03_one_alone_has_no_group_to_wait_for) {
    taker_open(&takers[0], "file", false);
    taker_accept(&takers[0], 0);
    uint64_t before = bytes_read();
    taker_finish(&takers[0]);
    expect_read(before, 1, "one");
    taker_expect(&takers[0], 0);
    all_end();
}

Test(read_group, 04_who_is_stopped_is_left_behind) {
    all_open();
    all_step(0, N_TAKERS, 4);
    all_step(0, 2, SIZE_MAX); /* the third takes nothing meanwhile */
    cr_expect_not(takers[2].is_over);
    uint64_t before = bytes_read();
    taker_finish(&takers[2]);
    cr_expect_gt(bytes_read() - before, FILE_BYTES / 2, "and reads by itself");
    for (unsigned i = 0; i < N_TAKERS; i++)
        taker_expect(&takers[i], i);
    all_end();
}

static atomic_uint n_asked;

static bool is_never_starved(void *context) {
    (void)context;
    atomic_fetch_add(&n_asked, 1);
    return false;
}

static void *taker_finish_thread(void *arg) {
    taker_finish(arg);
    return NULL;
}

/* As long as the recipient of who waits has something to do, nobody is left behind. */
Test(read_group, 05_who_is_slow_is_waited_for_as_long_as_it_costs_nothing) {
    struct source_options options = {.is_starved = is_never_starved};
    pthread_t thread;
    for (unsigned i = 0; i < 2; i++) {
        taker_open(&takers[i], "file", false);
        taker_accept(&takers[i], i);
        source_free(takers[i].source);
        cr_assert_eq(source_again(&takers[i].source, takers[i].offered, &options), 0);
    }
    for (unsigned i = 0; i < 2; i++)
        cr_assert(taker_step(&takers[i]) && taker_step(&takers[i]));
    uint64_t before = bytes_read();
    cr_assert_eq(pthread_create(&thread, NULL, taker_finish_thread, &takers[0]), 0);
    while (n_asked < READ_GROUP_HOLD_MS / 2) /* each time for some milliseconds */
        nanosleep(&(struct timespec){.tv_nsec = NS_PER_MS}, NULL);
    taker_finish(&takers[1]);
    pthread_join(thread, NULL);
    uint64_t n = bytes_read() - before;
    cr_expect_leq(n, FILE_BYTES + READ_BESIDE, "%ju bytes", (uintmax_t)n);
    for (unsigned i = 0; i < 2; i++)
        taker_expect(&takers[i], i);
    all_end();
}

/* The one who is to read next has a recipient who takes nothing, too. */
Test(read_group, 05_two_who_are_stopped_hold_nobody_back) {
    struct source_options options = {.is_starved = is_never_starved};
    pthread_t thread;
    all_open();
    source_free(takers[0].source);
    cr_assert_eq(source_again(&takers[0].source, takers[0].offered, &options), 0);
    all_step(0, N_TAKERS, 3);
    cr_assert_eq(pthread_create(&thread, NULL, taker_finish_thread, &takers[0]), 0);
    while (n_asked == 0) /* it waits for the third */
        nanosleep(&(struct timespec){.tv_nsec = NS_PER_MS}, NULL);
    taker_finish(&takers[1]);
    pthread_join(thread, NULL);
    taker_finish(&takers[2]);
    for (unsigned i = 0; i < N_TAKERS; i++)
        taker_expect(&takers[i], i);
    all_end();
}

Test(read_group, 06_who_leaves_holds_nobody_back) {
    all_open();
    all_step(0, N_TAKERS, 4);
    uint64_t before = bytes_read();
    taker_close(&takers[2]); /* cancelled, or its recipient was killed */
    all_step(0, 2, SIZE_MAX);
    cr_expect_leq(bytes_read() - before, FILE_BYTES + READ_BESIDE);
    for (unsigned i = 0; i < 2; i++)
        taker_expect(&takers[i], i);
    all_end();
}

Test(read_group, 07_who_comes_late_reads_alone) {
    all_open();
    all_step(0, 2, N_PIECES - 4);
    uint64_t before = bytes_read();
    taker_finish(&takers[2]);
    expect_read(before, 1, "the late one");
    before = bytes_read();
    all_step(0, 2, SIZE_MAX);
    cr_expect_leq(bytes_read() - before, 8 * CAPACITY, "the others go on together");
    for (unsigned i = 0; i < N_TAKERS; i++)
        taker_expect(&takers[i], i);
    all_end();
}

Test(read_group, 08_who_resumes_reads_alone) {
    struct item_prefix prefix = {.offset = 5 * CAPACITY};
    struct digest_state *sum = digest_new();
    unsigned char *content = malloc(prefix.offset);
    all_open();
    int fd = open(in_from("file"), O_RDONLY | O_CLOEXEC);
    cr_assert_eq(read(fd, content, prefix.offset), (ssize_t)prefix.offset);
    cr_assert_eq(write(takers[1].sink, content, prefix.offset), (ssize_t)prefix.offset);
    digest_add(sum, content, prefix.offset);
    prefix.digest = digest_value(sum);
    cr_assert_eq(source_resume(takers[1].source, &prefix), 0);
    all_step(0, N_TAKERS, SIZE_MAX);
    for (unsigned i = 0; i < N_TAKERS; i++) {
        taker_finish(&takers[i]);
        taker_expect(&takers[i], i);
    }
    digest_free(sum);
    free(content);
    close(fd);
    all_end();
}

Test(read_group, 09_a_file_that_shrinks_fails_for_all) {
    all_open();
    all_step(0, N_TAKERS, 8);
    cr_assert_eq(truncate(in_from("file"), 10 * CAPACITY), 0);
    for (unsigned i = 0; i < N_TAKERS; i++) {
        taker_finish(&takers[i]);
        cr_expect_eq(takers[i].result, TRANSFER_CHANGED);
    }
    all_end();
}

/* Who begins after it was written to does not get what was read before. */
Test(read_group, 10_another_content_is_read_again) {
    all_open();
    all_step(0, 1, 4);
    add_bytes(in_from("file"), 0, "changed", 7);
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = 12345}};
    cr_assert_eq(utimensat(AT_FDCWD, in_from("file"), times, 0), 0);
    source_free(takers[1].source);
    cr_assert_eq(source_again(&takers[1].source, takers[1].offered, NULL), 0);
    taker_finish(&takers[1]);
    taker_expect(&takers[1], 1);
    taker_finish(&takers[0]);
    cr_expect_eq(takers[0].result, TRANSFER_CHANGED);
    all_end();
}

Test(read_group, 11_holes_stay_holes) {
    cr_assert_eq(truncate(in_from("file"), 0), 0);
    add_bytes(in_from("file"), 40 * 4096, "middle", 6);
    cr_assert_eq(truncate(in_from("file"), 400 * 4096), 0);
    all_open();
    all_step(0, N_TAKERS, SIZE_MAX);
    for (unsigned i = 0; i < N_TAKERS; i++)
        taker_expect(&takers[i], i);
    all_end();
}

Test(read_group, 12_of_other_files_there_are_other_groups) {
    make_file(in_from("other"), FILE_BYTES, 2);
    for (unsigned i = 0; i < 2; i++)
        taker_open(&takers[i], i == 0 ? "file" : "other", false);
    uint64_t before = bytes_read();
    taker_accept(&takers[0], 0);
    taker_finish(&takers[0]);
    expect_read(before, 1, "alone");
    taker_expect(&takers[0], 0);
    all_end();
}

/* --- at the same time --- */

static void *taker_run(void *arg) {
    struct taker *taker = arg;
    while (taker_step(taker)) {
        taker->seed = taker->seed * 1103515245 + 12345;
        if (taker->seed % 5 == 0)
            nanosleep(&(struct timespec){.tv_nsec = taker->seed % 300000}, NULL);
    }
    return NULL;
}

Test(read_group, 13_each_in_its_own_thread) {
    pthread_t threads[N_TAKERS];
    for (unsigned round = 0; round < 20; round++) {
        all_open();
        uint64_t before = bytes_read();
        for (unsigned i = 0; i < N_TAKERS; i++) {
            takers[i].seed = round * N_TAKERS + i;
            cr_assert_eq(pthread_create(&threads[i], NULL, taker_run, &takers[i]), 0);
        }
        for (unsigned i = 0; i < N_TAKERS; i++)
            pthread_join(threads[i], NULL);
        cr_expect_leq(bytes_read() - before, N_TAKERS * FILE_BYTES + READ_BESIDE);
        for (unsigned i = 0; i < N_TAKERS; i++)
            taker_expect(&takers[i], i);
        all_end();
    }
}
