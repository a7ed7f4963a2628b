#include "lib/source.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "unit/lib/hand.h"

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
    cr_expect_eq(source_open(&source, address.sun_path, NULL), SOURCE_NO_FILE);
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
    cr_expect_eq(pull_all(), SOURCE_CHANGED);
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
    expect_changed();
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
    cr_expect_eq(pull_all(), SOURCE_CHANGED);
    cr_expect_str_eq(source_where(source), "b");
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
    cr_expect_eq(pull_all(), 0);
    cr_expect_str_eq(hand.skipped, "1 a");
    cr_expect_eq(hand.n_skipped, 1);
    source_free(source);
    cr_assert_eq(seteuid(0), 0);
}

/* --- resuming --- */

static struct digest digest_of(const void *data, size_t n) {
    struct digest_state *state = digest_new();
    digest_add(state, data, n);
    struct digest digest = digest_value(state);
    digest_free(state);
    return digest;
}

Test(source, 14_goes_on_behind_what_is_there) {
    add_bytes(in_from("file"), 0, "0123456789", 10);
    open_source("file");
    cr_assert_eq(source_resume(source, 4, digest_of("0123", 4)), 0);
    struct record record;
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
    cr_expect_eq(source_resume(source, 4, digest_of("012x", 4)), SOURCE_DIFFERS);
    cr_expect_eq(source_resume(source, 11, digest_of("0123456789x", 11)), SOURCE_DIFFERS);
    cr_expect_eq(source_resume(source, UINT64_MAX, digest_of("", 0)), SOURCE_DIFFERS);
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
    cr_assert_eq(source_resume(source, 10, digest_of("0123456789", 10)), 0);
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
    cr_expect_eq(next(), SOURCE_STOPPED);
    source_free(source);
    make_directory(in_from("tree"));
    make_file(in_from("tree/a"), 1, 1);
    cr_expect_eq(source_open(&source, in_from("tree"), &hand.source_options), SOURCE_STOPPED);
}

Test(source, 20_a_record_needs_its_room) {
    make_file(in_from("file"), 10, 1);
    open_source("file");
    hand.capacity = 10;
    cr_expect_eq(next(), SOURCE_TOO_SMALL);
    source_free(source);
}

Test(source, 21_a_pipe_is_not_waited_for_unless_one_may, .timeout = 10) {
    hand.source_options.no_wait = true;
    cr_assert_eq(mkfifo(in_from("pipe"), 0600), 0);
    cr_assert_eq(symlink("pipe", in_from("link")), 0);
    cr_expect_eq(source_open(&source, in_from("pipe"), &hand.source_options), SOURCE_NO_FILE);
    cr_expect_eq(source_open(&source, in_from("link"), &hand.source_options), SOURCE_NO_FILE);
    make_file(in_from("file"), 1, 1);
    open_source("file");
    source_free(source);
}
