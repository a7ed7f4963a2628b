#include "files/source.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "files/left_out.h"
#include "unit/files/hand.h"

TestSuite(source, .init = hand_begin, .fini = hand_end);

static struct source *source;
static struct item item;

static void open_source(const char *name) {
    cr_assert_eq(source_open(&source, in_from(name), &hand.source_options), 0);
}

static int next(void) {
    return source_next(source, hand.slot, hand.capacity, &item);
}

/* Pulls until something else than an item comes. */
static int pull_all(void) {
    int r;
    do
        r = next();
    while (r == 0 && item.kind != ITEM_END);
    return r;
}

Test(source, 01_items_come_in_their_order) {
    make_file(in_from("file"), HAND_SLOT + 10, 1);
    open_source("file");
    cr_expect_str_eq(source_offer(source)->name, "file");
    cr_expect_eq(source_offer(source)->size, HAND_SLOT + 10);
    cr_expect_eq(source_offer(source)->mode, 0644);
    const enum item_kind kinds[] = {ITEM_RECORD, ITEM_DATA, ITEM_DATA, ITEM_RECORD, ITEM_END};
    const size_t sizes[] = {0, HAND_SLOT, 10, 0, 0};
    for (size_t i = 0; i < 5; i++) {
        cr_assert_eq(next(), 0);
        cr_assert_eq(item.kind, kinds[i]);
        cr_assert_eq(item.data, hand.slot);
        if (sizes[i] > 0)
            cr_expect_eq(item.n, sizes[i]);
    }
    cr_expect_eq(source_totals(source).n_bytes, HAND_SLOT + 10);
    source_free(source);
}

Test(source, 02_the_offer_of_a_directory_adds_up) {
    make_directory(in_from("tree"));
    make_directory(in_from("tree/a"));
    make_file(in_from("tree/a/1"), 100, 1);
    make_file(in_from("tree/2"), 23, 1);
    open_source("tree/a/..");
    cr_expect_str_eq(source_offer(source)->name, "tree");
    cr_expect_eq(source_offer(source)->kind, ENTRY_DIRECTORY);
    cr_expect_eq(source_offer(source)->size, 123);
    source_free(source);
    open_source("tree///");
    cr_expect_str_eq(source_offer(source)->name, "tree");
    source_free(source);
}

Test(source, 03_odd_names_are_offered_cleaned) {
    make_file(in_from(".a\n\xff"), 1, 1);
    open_source(".a\n\xff");
    cr_expect_str_eq(source_offer(source)->name, "_a^J<FF>");
    source_free(source);
}

Test(source, 04_what_cannot_be_opened) {
    cr_expect_eq(source_open(&source, in_from("nothing"), NULL), -ENOENT);
    cr_expect_null(source);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%.80s/socket", hand.top);
    cr_assert_eq(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    cr_expect_eq(source_open(&source, address.sun_path, NULL), TRANSFER_NO_FILE);
    close(fd);
}

/* --- changes in the middle --- */

/* Clocks are coarse, and a size may change while the time does not. */
static void set_time(const char *name, struct timespec time) {
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, time};
    cr_assert_eq(utimensat(AT_FDCWD, in_from(name), times, 0), 0);
}

static void begin_large(void) {
    make_file(in_from("file"), 4 * HAND_SLOT, 1);
    open_source("file");
    for (unsigned i = 0; i < 3; i++)
        cr_assert_eq(next(), 0);
}

static void expect_changed(void) {
    cr_expect_eq(pull_all(), TRANSFER_CHANGED);
    cr_expect_str_eq(source_where(source), "file");
    source_free(source);
}

Test(source, 05_a_file_that_grows) {
    begin_large();
    struct timespec before = status_of(in_from("file")).st_mtim;
    add_bytes(in_from("file"), 4 * HAND_SLOT, "more", 4);
    set_time("file", before);
    expect_changed();
}

Test(source, 05_a_file_that_grows_and_is_written_to) {
    begin_large();
    add_bytes(in_from("file"), 4 * HAND_SLOT, "more", 4);
    add_bytes(in_from("file"), 10, "in what was read", 16);
    expect_changed();
}

Test(source, 06_a_file_that_shrinks) {
    begin_large();
    cr_assert_eq(truncate(in_from("file"), 3 * HAND_SLOT), 0);
    expect_changed();
}

Test(source, 07_a_file_that_is_truncated_before_where_we_are) {
    begin_large();
    cr_assert_eq(truncate(in_from("file"), 10), 0);
    expect_changed();
}

Test(source, 08_a_file_that_is_written_to) {
    begin_large();
    struct timespec before = status_of(in_from("file")).st_mtim;
    add_bytes(in_from("file"), 3, "x", 1);
    before.tv_sec--;
    set_time("file", before);
    expect_changed();
}

Test(source, 09_a_file_that_changes_before_it_is_read) {
    make_file(in_from("file"), 10, 1);
    open_source("file");
    add_bytes(in_from("file"), 10, "more", 4);
    cr_expect_eq(source_offer(source)->size, 10);
    cr_expect_eq(pull_all(), 0);
    cr_expect_eq(source_totals(source).n_bytes, 14, "it goes over as it is");
    cr_expect_eq(source_offer(source)->size, 14);
    source_free(source);
}

Test(source, 10_a_sparse_file_that_is_truncated) {
    add_bytes(in_from("file"), 100 << 20, "end", 3);
    open_source("file");
    cr_assert_eq(next(), 0);
    cr_assert_eq(truncate(in_from("file"), 0), 0);
    expect_changed();
}

Test(source, 11_a_file_in_a_tree_that_grows) {
    make_directory(in_from("tree"));
    make_file(in_from("tree/a"), 10, 1);
    make_file(in_from("tree/b"), 10, 1);
    open_source("tree");
    cr_assert_eq(next(), 0);
    add_bytes(in_from("tree/b"), 10, "more", 4);
    cr_expect_eq(pull_all(), 0);
    cr_expect_eq(source_totals(source).n_bytes, 24);
    source_free(source);
}

Test(source, 12_a_file_in_a_tree_that_vanishes) {
    make_directory(in_from("tree"));
    make_file(in_from("tree/a"), 10, 1);
    make_file(in_from("tree/b"), 10, 1);
    open_source("tree");
    for (unsigned i = 0; i < 2; i++)
        cr_assert_eq(next(), 0);
    cr_assert_eq(unlink(in_from("tree/b")), 0);
    cr_expect_eq(pull_all(), 0);
    cr_expect_eq(source_totals(source).n_files, 1);
    cr_expect_eq(source_totals(source).n_skipped, 1);
    cr_expect_str_eq(hand.skipped, "2 b");
    source_free(source);
}

Test(source, 13_what_cannot_be_read_is_skipped_and_named) {
    if (geteuid() != 0)
        cr_skip_test("only root can make what it cannot read, as somebody else");
    make_directory(in_from("tree"));
    make_file(in_from("tree/a"), 10, 1);
    cr_assert_eq(chmod(in_from("tree/a"), 0600), 0);
    cr_assert_eq(chmod(hand.top, 0755), 0);
    cr_assert_eq(seteuid(65534), 0);
    open_source("tree");
    cr_expect_eq(source_offer(source)->size, 0);
    const struct left_out *left_out = source_left_out(source, NULL);
    cr_assert(left_out);
    cr_expect_str_eq(left_out->path, "a");
    cr_expect_eq(left_out->why, SKIP_DENIED);
    cr_expect_eq(left_out->error, EACCES);
    cr_expect_eq(pull_all(), 0);
    cr_expect_eq(source_totals(source).n_skipped, 1);
    cr_expect_eq(hand.n_skipped, 0, "it is told once");
    source_free(source);
    cr_assert_eq(seteuid(0), 0);
}

/* --- resuming --- */

Test(source, 14_goes_on_behind_what_is_there) {
    add_bytes(in_from("file"), 0, "0123456789", 10);
    open_source("file");
    cr_assert_eq(source_resume(source, &(struct item_prefix){4, digest_of("0123", 4), false}), 0);
    struct item_record record;
    cr_assert_eq(next(), 0);
    cr_assert(record_decode(&record, item.data, item.n));
    cr_expect_eq(record.entry.start, 4);
    cr_assert_eq(next(), 0);
    cr_assert_eq(item.n, 6);
    cr_expect_arr_eq(item.data, "456789", 6);
    cr_expect_eq(pull_all(), 0);
    cr_expect(digest_equal(source_digest(source), digest_of("0123456789", 10)));
    cr_expect_eq(source_totals(source).n_bytes, 10);
    source_free(source);
}

Test(source, 15_starts_anew_when_it_differs) {
    add_bytes(in_from("file"), 0, "0123456789", 10);
    open_source("file");
    cr_expect_eq(source_resume(source, &(struct item_prefix){4, digest_of("012x", 4), false}),
                 TRANSFER_DIFFERS);
    cr_expect_eq(
        source_resume(source, &(struct item_prefix){11, digest_of("0123456789x", 11), false}),
        TRANSFER_DIFFERS);
    cr_expect_eq(source_resume(source, &(struct item_prefix){UINT64_MAX, digest_of("", 0), false}),
                 TRANSFER_DIFFERS);
    cr_assert_eq(next(), 0);
    cr_assert_eq(next(), 0);
    cr_expect_eq(item.n, 10);
    cr_expect_eq(pull_all(), 0);
    cr_expect(digest_equal(source_digest(source), digest_of("0123456789", 10)));
    source_free(source);
}

Test(source, 16_all_may_be_there_already) {
    add_bytes(in_from("file"), 0, "0123456789", 10);
    open_source("file");
    cr_assert_eq(
        source_resume(source, &(struct item_prefix){10, digest_of("0123456789", 10), false}), 0);
    cr_assert_eq(next(), 0);
    cr_assert_eq(next(), 0);
    cr_expect_eq(item.kind, ITEM_RECORD);
    cr_assert_eq(next(), 0);
    cr_expect_eq(item.kind, ITEM_END);
    source_free(source);
}

/* --- streams, stopping --- */

Test(source, 17_a_stream_gives_what_is_there) {
    int ends[2];
    cr_assert_eq(pipe(ends), 0);
    cr_assert_eq(source_open_stream(&source, ends[0], "standard input", NULL), 0);
    cr_expect_eq(source_offer(source)->size, ITEM_SIZE_UNKNOWN);
    cr_expect_eq(source_fd(source), ends[0]);
    cr_assert_eq(next(), 0);
    cr_assert_eq(write(ends[1], "one", 3), 3);
    cr_assert_eq(next(), 0);
    cr_expect_eq(item.n, 3);
    cr_assert_eq(write(ends[1], "two", 3), 3);
    close(ends[1]);
    cr_assert_eq(next(), 0);
    cr_expect_arr_eq(item.data, "two", 3);
    cr_expect_eq(pull_all(), 0);
    cr_expect(digest_equal(source_digest(source), digest_of("onetwo", 6)));
    source_free(source);
    cr_expect_eq(fcntl(ends[0], F_GETFD) & ~FD_CLOEXEC, 0, "it is the caller's");
    close(ends[0]);
}

Test(source, 18_a_device_is_a_stream) {
    cr_assert_eq(source_open(&source, "/dev/null", NULL), 0);
    cr_expect_eq(source_offer(source)->kind, ENTRY_STREAM);
    cr_expect_eq(pull_all(), 0);
    cr_expect_eq(source_totals(source).n_bytes, 0);
    source_free(source);
}

Test(source, 19_stops_when_told) {
    static atomic_bool stop;
    hand.source_options.stop = &stop;
    make_file(in_from("file"), 4 * HAND_SLOT, 1);
    open_source("file");
    cr_assert_eq(next(), 0);
    stop = true;
    cr_expect_eq(next(), TRANSFER_CANCELLED);
    source_free(source);
    make_directory(in_from("tree"));
    make_file(in_from("tree/a"), 1, 1);
    cr_expect_eq(source_open(&source, in_from("tree"), &hand.source_options), TRANSFER_CANCELLED);
}

Test(source, 20_a_record_needs_its_room) {
    make_file(in_from("file"), 10, 1);
    open_source("file");
    hand.capacity = 10;
    cr_expect_eq(next(), TRANSFER_TOO_SMALL);
    source_free(source);
}

Test(source, 21_a_pipe_is_not_waited_for_unless_one_may, .timeout = 10) {
    hand.source_options.no_wait = true;
    cr_assert_eq(mkfifo(in_from("pipe"), 0600), 0);
    cr_assert_eq(symlink("pipe", in_from("link")), 0);
    cr_expect_eq(source_open(&source, in_from("pipe"), &hand.source_options), TRANSFER_NO_FILE);
    cr_expect_eq(source_open(&source, in_from("link"), &hand.source_options), TRANSFER_NO_FILE);
    make_file(in_from("file"), 1, 1);
    open_source("file");
    source_free(source);
}

/* --- what was offered --- */

static void expect_content(const void *data, size_t n) {
    cr_expect_eq(pull_all(), 0);
    cr_expect(digest_equal(source_digest(source), digest_of(data, n)));
    source_free(source);
}

Test(source, 22_the_path_is_looked_up_once) {
    add_bytes(in_from("file"), 0, "offered", 7);
    add_bytes(in_outside("private"), 0, "private", 7);
    open_source("file");
    struct source *first = source;
    cr_assert_eq(rename(in_from("file"), in_from("moved")), 0);
    cr_assert_eq(symlink(in_outside("private"), in_from("file")), 0);
    cr_assert_eq(source_again(&source, first, &hand.source_options), 0);
    expect_content("offered", 7);
    add_bytes(in_from("moved"), 7, "!", 1);
    cr_assert_eq(source_again(&source, first, &hand.source_options), 0);
    cr_expect_eq(source_offer(source)->size, 8, "as it is when it is taken");
    expect_content("offered!", 8);
    source_free(first);
}

Test(source, 23_only_the_time_was_set) {
    begin_large();
    struct timespec before = status_of(in_from("file")).st_mtim;
    before.tv_sec--;
    set_time("file", before);
    cr_expect_eq(pull_all(), 0, "the content is what was read");
    source_free(source);
}

#define LARGE_IN_TREE (4 * HAND_SLOT)

/* Up to the middle of the larger one of two files. */
static void begin_tree(void) {
    make_directory(in_from("tree"));
    make_file(in_from("tree/a"), LARGE_IN_TREE, 1);
    make_file(in_from("tree/b"), 10, 1);
    open_source("tree");
    for (unsigned i = 0; i < 4; i++)
        cr_assert_eq(next(), 0);
}

Test(source, 24_a_log_in_a_tree_grows_while_it_is_read) {
    begin_tree();
    add_bytes(in_from("tree/a"), LARGE_IN_TREE, "more", 4);
    cr_expect_eq(pull_all(), 0);
    cr_expect_eq(source_totals(source).n_files, 2);
    cr_expect_eq(source_totals(source).n_bytes, LARGE_IN_TREE + 10, "as it was");
    cr_expect_eq(hand.n_skipped, 0);
    source_free(source);
}

static void expect_void(void) {
    cr_expect_eq(pull_all(), 0, "the others are not concerned");
    cr_expect_eq(source_totals(source).n_files, 1);
    cr_expect_eq(source_totals(source).n_bytes, 10);
    cr_expect_eq(source_totals(source).n_skipped, 1);
    cr_expect_str_eq(hand.skipped, "4 a");
    source_free(source);
}

Test(source, 25_a_file_in_a_tree_shrinks_while_it_is_read) {
    begin_tree();
    cr_assert_eq(truncate(in_from("tree/a"), 10), 0);
    expect_void();
}

Test(source, 26_a_file_in_a_tree_is_written_to_while_it_is_read) {
    begin_tree();
    add_bytes(in_from("tree/a"), 3, "xyz", 3);
    set_time("tree/a", (struct timespec){.tv_sec = 1});
    expect_void();
}

/* --- what has no size --- */

static size_t read_whole(const char *path, char *buffer, size_t size) {
    FILE *file = fopen(path, "re");
    cr_assert(file);
    size_t n = fread(buffer, 1, size, file);
    fclose(file);
    return n;
}

Test(source, 27_a_file_of_proc_is_read_to_its_end) {
    char content[4096];
    size_t n = read_whole("/proc/version", content, sizeof content);
    cr_assert_eq(source_open(&source, "/proc/version", &hand.source_options), 0);
    cr_expect_eq(source_offer(source)->kind, ENTRY_STREAM);
    cr_expect_eq(source_fd(source), -1, "nobody has to wait for it");
    struct source *first = source;
    for (int i = 0; i < 2; i++) {
        cr_assert_eq(source_again(&source, first, &hand.source_options), 0);
        expect_content(content, n);
    }
    source_free(first);
}

Test(source, 28_so_it_is_in_a_tree) {
    cr_assert_eq(source_open(&source, "/proc/sys/kernel/random", &hand.source_options), 0);
    cr_expect_eq(pull_all(), 0);
    cr_expect_gt(source_totals(source).n_files, 2);
    cr_expect_gt(source_totals(source).n_bytes, 2 * 36, "boot_id and uuid");
    source_free(source);
}

Test(source, 29_all_of_a_small_file_at_once) {
    char buffer[10];
    size_t n = 0;
    add_bytes(in_from("file"), 0, "0123456789", 10);
    open_source("file");
    cr_expect_eq(source_snapshot(source, buffer, 9, &n), TRANSFER_TOO_SMALL);
    cr_expect_eq(source_snapshot(source, buffer, 10, &n), 0);
    cr_expect_eq(n, 10);
    cr_expect_arr_eq(buffer, "0123456789", 10);
    source_free(source);
}

/* What cannot be had at once is handed over piece by piece, without opening it again. */
Test(source, 29_what_is_not_small_is_handed_over) {
    char buffer[9];
    size_t n = 0;
    add_bytes(in_from("file"), 0, "0123456789", 10);
    make_directory(in_from("tree"));
    open_source("file");
    cr_expect_eq(source_snapshot(source, buffer, sizeof buffer, &n), TRANSFER_TOO_SMALL);
    cr_assert_eq(unlink(in_from("file")), 0);
    struct source *first = source;
    cr_assert_eq(source_again(&source, first, &hand.source_options), 0);
    expect_content("0123456789", 10);
    source_free(first);
    open_source("tree");
    cr_expect_eq(source_snapshot(source, buffer, sizeof buffer, &n), TRANSFER_NO_FILE);
    cr_expect_eq(pull_all(), 0);
    source_free(source);
}

/* --- others who can write --- */

#define OTHER 65534

static void make_private(const char *name) {
    add_bytes(name, 0, "private", 7);
    cr_assert_eq(chmod(name, 0600), 0);
}

Test(source, 30_where_others_can_write_nothing_is_added) {
    if (geteuid() != 0)
        cr_skip_test("only root can make somebody else's directory");
    make_directory(in_from("tree"));
    make_private(in_from("tree/a"));
    make_private(in_outside("private"));
    make_private(in_outside("public"));
    cr_assert_eq(chmod(in_outside("public"), 0644), 0);
    cr_assert_eq(chown(in_from("tree"), OTHER, OTHER), 0);
    open_source("tree");
    cr_assert_eq(rename(in_from("tree/a"), in_from("tree/z")), 0);
    cr_assert_eq(rename(in_outside("private"), in_from("tree/a")), 0);
    cr_assert_eq(rename(in_outside("public"), in_from("tree/b")), 0);
    cr_expect_eq(pull_all(), 0);
    cr_expect_eq(source_totals(source).n_files, 2, "what was there, and what anybody may read");
    cr_expect_str_eq(hand.skipped, "5 a");
    source_free(source);
}

Test(source, 31_where_only_i_can_write_it_is_as_i_made_it) {
    make_directory(in_from("tree"));
    cr_assert_eq(chmod(in_from("tree"), 0755), 0);
    make_private(in_from("tree/a"));
    open_source("tree");
    make_private(in_outside("b"));
    cr_assert_eq(rename(in_outside("b"), in_from("tree/a")), 0);
    make_private(in_from("tree/c"));
    cr_expect_eq(pull_all(), 0);
    cr_expect_eq(source_totals(source).n_files, 2);
    cr_expect_eq(hand.n_skipped, 0);
    source_free(source);
}

Test(source, 32_a_pipe_is_opened_once, .timeout = 10) {
    cr_assert_eq(mkfifo(in_from("pipe"), 0600), 0);
    int fd = open(in_from("pipe"), O_RDWR | O_CLOEXEC);
    cr_assert_eq(write(fd, "talk", 4), 4);
    hand.source_options.only_files = true;
    cr_expect_eq(source_open(&source, in_from("pipe"), &hand.source_options), TRANSFER_NO_FILE);
    hand.source_options.only_files = false;
    open_source("pipe");
    struct source *first = source;
    close(fd);
    cr_assert_eq(source_again(&source, first, &hand.source_options), 0);
    expect_content("talk", 4);
    source_free(first);
}

/* --- what is mounted when it is used --- */

/*
 * debugfs has such a place: tracing, where tracefs appears, as a home directory does with an
 * automounter. What is below it is an empty directory.
 */
Test(source, 33_what_is_mounted_when_it_is_used) {
    make_directory(in_from("mount"));
    if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount("none", in_from("mount"), "debugfs", 0, "") < 0 ||
        !is_there(in_from("mount/tracing")))
        cr_skip_test("there is nothing here that mounts by itself");
    open_source("mount/tracing");
    cr_assert_eq(next(), 0);
    cr_assert_eq(next(), 0);
    cr_expect_eq(item.kind, ITEM_RECORD, "it is not empty");
    source_free(source);
    cr_assert_eq(umount2(in_from("mount/tracing"), MNT_DETACH), 0, "it was mounted");
    cr_assert_eq(umount2(in_from("mount"), MNT_DETACH), 0);
}
