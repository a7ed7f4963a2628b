/* What a sink makes of honest senders and of others. */
#include "files/sink.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "base/macro.h"
#include "unit/files/hand.h"

TestSuite(sink, .init = hand_begin, .fini = hand_end);

static const char content[] = "0123456789";

/* One small file of 10 bytes; the outcome of the last item. */
static int put_file(struct sink *sink, struct record_entry entry) {
    struct record_entry_end end = {.size = 10};
    struct digest_state *records = digest_new(), *sum = digest_new();
    uint8_t bytes[RECORD_BYTES_MAX];
    digest_add(sum, content, 10);
    end.digest = digest_value(sum);
    struct item_record record = {.type = RECORD_ENTRY, .entry = entry};
    digest_add(records, bytes, record_encode(&record, bytes, sizeof bytes));
    record = (struct item_record){.type = RECORD_ENTRY_END, .entry_end = end};
    digest_add(records, bytes, record_encode(&record, bytes, sizeof bytes));
    record = (struct item_record){
        .type = RECORD_END,
        .end = {.totals = {.n_files = 1, .n_bytes = 10}, .digest = digest_value(records)}};
    size_t n = record_encode(&record, bytes, sizeof bytes);
    digest_free(records);
    digest_free(sum);
    int r = put_entry(sink, entry);
    if (r == 0)
        r = put_data(sink, content, 10);
    if (r == 0)
        r = put_entry_end(sink, content, 10);
    if (r == 0)
        r = sink_put(sink, &(struct item){.kind = ITEM_END, .n = n, .data = bytes});
    return r;
}

static void receive_as(const char *name, const char *wanted) {
    struct sink *sink = open_sink(ENTRY_FILE, name, 10);
    cr_assert_eq(put_file(sink, entry_of(ENTRY_FILE, "", 10)), 0, "%s", name);
    cr_expect_str_eq(sink_name(sink), wanted);
    cr_expect_eq(sink_is_renamed(sink), strcmp(name, wanted) != 0);
    sink_free(sink);
    cr_expect_eq(status_of(in_to(wanted)).st_size, 10);
}

/* --- names --- */

Test(sink, 01_names_that_would_lead_elsewhere) {
    const char *const names[][2] = {{"../outside/x", "_._outside_x"},
                                    {"/etc/x", "_etc_x"},
                                    {"..", "_."},
                                    {".", "_"},
                                    {"", "_ (2)"},
                                    {".profile", "_profile"},
                                    {"-rf", "_rf"},
                                    {"a/../../b", "a_.._.._b"},
                                    {"x\n\x1b]0;y", "x^J^[]0;y"}};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        receive_as(names[i][0], names[i][1]);
    cr_expect_eq(count_entries(in_to("")), ARRAY_LEN(names));
    cr_expect_eq(count_entries(in_outside("")), 0);
}

Test(sink, 02_nothing_is_overwritten) {
    make_file(in_to("a.txt"), 3, 1);
    cr_assert_eq(symlink("../outside/x", in_to("a (2).txt")), 0);
    make_directory(in_to("a (3).txt"));
    receive_as("a.txt", "a (4).txt");
    receive_as("a.txt", "a (5).txt");
    cr_expect_eq(status_of(in_to("a.txt")).st_size, 3);
    cr_expect_not(is_there(in_outside("x")));
}

Test(sink, 03_a_part_of_others_is_left_alone) {
    make_file(in_to("a.part"), 3, 1);
    cr_assert_eq(symlink("../outside/x", in_to("b.part")), 0);
    make_directory(in_to("c.part"));
    cr_assert_eq(mkfifo(in_to("d.part"), 0600), 0);
    receive_as("a", "a");
    receive_as("b", "b");
    receive_as("c", "c");
    receive_as("d", "d");
    cr_expect_eq(status_of(in_to("a.part")).st_size, 3);
    cr_expect_eq(count_entries(in_to("")), 8);
    cr_expect_not(is_there(in_outside("x")));
}

Test(sink, 04_a_name_that_is_taken_meanwhile) {
    struct sink *sink = open_sink(ENTRY_FILE, "a.txt", 10);
    make_file(in_to("a.txt"), 3, 1);
    cr_assert_eq(put_file(sink, entry_of(ENTRY_FILE, "", 10)), 0);
    cr_expect_str_eq(sink_name(sink), "a (2).txt");
    sink_free(sink);
    cr_expect_eq(count_entries(in_to("")), 2);
}

Test(sink, 05_two_at_the_same_time) {
    struct sink *one = open_sink(ENTRY_FILE, "a", 10), *two = open_sink(ENTRY_FILE, "a", 10);
    cr_expect_str_eq(sink_part_name(one), "a.part");
    cr_expect_str_eq(sink_part_name(two), "a (2).part");
    cr_assert_eq(put_file(two, entry_of(ENTRY_FILE, "", 10)), 0);
    cr_assert_eq(put_file(one, entry_of(ENTRY_FILE, "", 10)), 0);
    cr_expect_str_eq(sink_name(two), "a");
    cr_expect_str_eq(sink_name(one), "a (2)");
    sink_free(one);
    sink_free(two);
    cr_expect_eq(count_entries(in_to("")), 2);
}

Test(sink, 06_what_is_unfinished_is_private) {
    struct sink *sink = open_sink(ENTRY_FILE, "a", 10);
    cr_expect_eq(status_of(in_to("a.part")).st_mode, S_IFREG | 0600);
    sink_free(sink);
    cr_expect_not(is_there(in_to("a.part")), "nothing came");
    sink = open_sink(ENTRY_DIRECTORY, "tree", 10);
    cr_expect_eq(status_of(in_to("tree.part")).st_mode, S_IFDIR | 0700);
    sink_free(sink);
    cr_expect_not(is_there(in_to("tree.part")));
}

/* --- modes --- */

static mode_t mode_received(const char *name, mode_t mode) {
    struct record_entry entry = entry_of(ENTRY_FILE, "", 10);
    entry.mode = mode;
    struct sink *sink = open_sink(ENTRY_FILE, name, 10);
    cr_assert_eq(put_file(sink, entry), 0);
    sink_free(sink);
    return status_of(in_to(name)).st_mode & 07777;
}

Test(sink, 07_no_mode_bits_that_were_not_given) {
    cr_expect_eq(mode_received("a", 07777), 0755);
    cr_expect_eq(mode_received("b", 0400), 0400);
    cr_expect_eq(mode_received("c", 0), 0);
    umask(077);
    cr_expect_eq(mode_received("d", 04755), 0700);
    umask(0);
    cr_expect_eq(mode_received("e", 0666), 0666);
}

/* --- senders who lie --- */

static void expect_refused(struct sink *sink, int r, int wanted) {
    cr_expect_eq(r, wanted, "%s",
                 r >= 0 ? transfer_outcome_text((enum transfer_outcome)r) : strerror(-r));
    cr_expect_eq(put_data(sink, "x", 1), TRANSFER_MALFORMED, "nothing more is taken");
    sink_free(sink);
    cr_expect_eq(count_entries(in_to("")), 0, "nothing is left");
}

Test(sink, 08_more_than_was_offered) {
    struct sink *sink = open_sink(ENTRY_FILE, "a", 10);
    cr_assert_eq(put_entry(sink, entry_of(ENTRY_FILE, "", 10)), 0);
    cr_assert_eq(put_data(sink, content, 10), 0);
    expect_refused(sink, put_data(sink, "x", 1), TRANSFER_TOO_MUCH);
    sink = open_sink(ENTRY_FILE, "a", 10);
    cr_assert_eq(put_entry(sink, entry_of(ENTRY_FILE, "", 10)), 0);
    expect_refused(sink, put_hole(sink, 11), TRANSFER_TOO_MUCH);
    sink = open_sink(ENTRY_DIRECTORY, "a", 10);
    cr_assert_eq(put_entry(sink, entry_of(ENTRY_DIRECTORY, "", 0)), 0);
    struct record_entry large = entry_of(ENTRY_FILE, "b", 10 + SINK_GROWTH + 1);
    expect_refused(sink, put_entry(sink, large), TRANSFER_TOO_MUCH);
    hand.options.n_entries_max = 3;
    sink = open_sink(ENTRY_DIRECTORY, "a", 10);
    cr_assert_eq(put_entry(sink, entry_of(ENTRY_DIRECTORY, "", 0)), 0);
    cr_assert_eq(put_entry(sink, entry_of(ENTRY_DIRECTORY, "b", 0)), 0);
    cr_assert_eq(put_entry(sink, entry_of(ENTRY_DIRECTORY, "b/c", 0)), 0);
    cr_assert_eq(put_entry(sink, entry_of(ENTRY_LINK, "b/d", 0)), 0);
    expect_refused(sink, put_entry(sink, entry_of(ENTRY_LINK, "e", 0)), TRANSFER_TOO_MUCH);
}

/* In bytes that nobody has to write. */
static int put_grown(uint64_t offered, uint64_t size) {
    struct sink *sink = open_sink(ENTRY_FILE, "a", offered);
    int r = put_entry(sink, entry_of(ENTRY_FILE, "", size));
    sink_free(sink);
    return r;
}

Test(sink, 09_it_may_have_grown_since) {
    const uint64_t large = UINT64_C(1) << 40;
    cr_expect_eq(put_grown(10, 11), 0);
    cr_expect_eq(put_grown(10, 0), 0, "or have become less");
    cr_expect_eq(put_grown(10, 10 + SINK_GROWTH), 0);
    cr_expect_eq(put_grown(10, 11 + SINK_GROWTH), TRANSFER_TOO_MUCH);
    cr_expect_eq(put_grown(large, 2 * large), 0);
    cr_expect_eq(put_grown(large, 2 * large + 1), TRANSFER_TOO_MUCH);
    hand.options.n_bytes_max = 2 * SINK_GROWTH;
    cr_expect_eq(put_grown(10, 2 * SINK_GROWTH), 0, "as much as somebody asked for");
    cr_expect_eq(put_grown(10, 2 * SINK_GROWTH + 1), TRANSFER_TOO_MUCH);
}

Test(sink, 09_more_than_is_allowed) {
    hand.options.n_bytes_max = 9;
    struct sink *sink = open_sink(ENTRY_FILE, "a", 10);
    expect_refused(sink, put_entry(sink, entry_of(ENTRY_FILE, "", 10)), TRANSFER_TOO_MUCH);
    sink = open_sink(ENTRY_STREAM, "a", ITEM_SIZE_UNKNOWN);
    cr_assert_eq(put_entry(sink, entry_of(ENTRY_STREAM, "", ITEM_SIZE_UNKNOWN)), 0);
    cr_assert_eq(put_data(sink, content, 9), 0);
    expect_refused(sink, put_data(sink, "x", 1), TRANSFER_TOO_MUCH);
}

Test(sink, 10_another_content_than_was_read) {
    struct sink *sink = open_sink(ENTRY_FILE, "a", 10);
    cr_assert_eq(put_entry(sink, entry_of(ENTRY_FILE, "", 10)), 0);
    cr_assert_eq(put_data(sink, "012345678x", 10), 0);
    expect_refused(sink, put_entry_end(sink, content, 10), TRANSFER_DAMAGED);
    sink = open_sink(ENTRY_FILE, "a", 10);
    cr_assert_eq(put_entry(sink, entry_of(ENTRY_FILE, "", 10)), 0);
    cr_assert_eq(put_data(sink, content, 9), 0);
    expect_refused(sink, put_entry_end(sink, content, 9), TRANSFER_MALFORMED);
}

/* The end must tell what really came. */
Test(sink, 11_wrong_totals) {
    struct sink *sink = open_sink(ENTRY_FILE, "a", 10);
    cr_assert_eq(put_entry(sink, entry_of(ENTRY_FILE, "", 10)), 0);
    cr_assert_eq(put_data(sink, content, 10), 0);
    cr_assert_eq(put_entry_end(sink, content, 10), 0);
    uint8_t bytes[RECORD_END_BYTES_MAX];
    struct item_record record = {.type = RECORD_END,
                                 .end = {.totals = {.n_files = 1, .n_bytes = 10}}};
    size_t n = record_encode(&record, bytes, sizeof bytes);
    struct item item = {.kind = ITEM_END, .n = n, .data = bytes};
    expect_refused(sink, sink_put(sink, &item), TRANSFER_DAMAGED);
}

Test(sink, 12_items_out_of_order) {
    struct sink *sink = open_sink(ENTRY_FILE, "a", 10);
    expect_refused(sink, put_data(sink, "x", 1), TRANSFER_MALFORMED);
    sink = open_sink(ENTRY_FILE, "a", 10);
    expect_refused(sink, put_hole(sink, 1), TRANSFER_MALFORMED);
    sink = open_sink(ENTRY_FILE, "a", 10);
    expect_refused(sink, put_entry_end(sink, "", 0), TRANSFER_MALFORMED);
    sink = open_sink(ENTRY_FILE, "a", 10);
    cr_assert_eq(put_entry(sink, entry_of(ENTRY_FILE, "", 10)), 0);
    expect_refused(sink, put_entry(sink, entry_of(ENTRY_FILE, "", 10)), TRANSFER_MALFORMED);
    sink = open_sink(ENTRY_FILE, "a", 10);
    cr_assert_eq(put_entry(sink, entry_of(ENTRY_FILE, "", 10)), 0);
    expect_refused(sink, put_data(sink, "", 0), TRANSFER_MALFORMED);
    sink = open_sink(ENTRY_FILE, "a", UINT32_MAX);
    cr_assert_eq(put_entry(sink, entry_of(ENTRY_FILE, "", UINT32_MAX)), 0);
    expect_refused(sink, put_hole(sink, ITEM_HOLE_MAX + 1), TRANSFER_MALFORMED);
    sink = open_sink(ENTRY_FILE, "a", 10);
    expect_refused(sink, sink_put(sink, &(struct item){.kind = (enum item_kind)77}),
                   TRANSFER_MALFORMED);
    sink = open_sink(ENTRY_FILE, "a", 10);
    struct item large = {.kind = ITEM_RECORD, .n = RECORD_BYTES_MAX + 1, .data = hand.slot};
    expect_refused(sink, sink_put(sink, &large), TRANSFER_MALFORMED);
}

Test(sink, 13_another_top_than_was_offered) {
    const struct record_entry wrong[] = {
        entry_of(ENTRY_FILE, "b", 10), entry_of(ENTRY_DIRECTORY, "", 0),
        entry_of(ENTRY_LINK, "b", 0), entry_of(ENTRY_STREAM, "", ITEM_SIZE_UNKNOWN)};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct sink *sink = open_sink(ENTRY_FILE, "a", 10);
        expect_refused(sink, put_entry(sink, wrong[i]), TRANSFER_MALFORMED);
    }
    struct record_entry entry = entry_of(ENTRY_FILE, "", 10);
    entry.start = 5;
    struct sink *sink = open_sink(ENTRY_FILE, "a", 10);
    expect_refused(sink, put_entry(sink, entry), TRANSFER_MALFORMED);
}

Test(sink, 13_a_void_file_of_a_tree) {
    struct sink *sink = open_sink(ENTRY_DIRECTORY, "tree", 10);
    cr_assert_eq(put_entry(sink, entry_of(ENTRY_DIRECTORY, "", 0)), 0);
    cr_assert_eq(put_entry(sink, entry_of(ENTRY_FILE, "a", 10)), 0);
    cr_assert_eq(put_data(sink, content, 5), 0);
    cr_expect_eq(put_void(sink), 0);
    cr_expect_not(is_there(in_to("tree.part/a")), "it is not kept");
    cr_expect_eq(sink_totals(sink).n_bytes, 0);
    cr_expect_eq(sink_totals(sink).n_files, 0);
    cr_expect_eq(put_void(sink), TRANSFER_MALFORMED, "nothing is under way");
    sink_free(sink);
    sink = open_sink(ENTRY_FILE, "a", 10);
    cr_assert_eq(put_entry(sink, entry_of(ENTRY_FILE, "", 10)), 0);
    expect_refused(sink, put_void(sink), TRANSFER_MALFORMED);
}

/* --- trees of senders who lie --- */

static struct sink *open_tree(void) {
    struct sink *sink = open_sink(ENTRY_DIRECTORY, "tree", 1000);
    cr_assert_eq(put_entry(sink, entry_of(ENTRY_DIRECTORY, "", 0)), 0);
    return sink;
}

Test(sink, 14_a_link_is_no_way_out) {
    struct sink *sink = open_tree();
    struct record_entry link = entry_of(ENTRY_LINK, "way", 0);
    char target[PATH_MAX];
    snprintf(target, sizeof target, "%s", in_outside(""));
    link.target = bytes_of(target);
    cr_assert_eq(put_entry(sink, link), 0);
    expect_refused(sink, put_entry(sink, entry_of(ENTRY_FILE, "way/x", 0)), TRANSFER_MALFORMED);
    sink = open_tree();
    cr_assert_eq(put_entry(sink, link), 0);
    expect_refused(sink, put_entry(sink, entry_of(ENTRY_FILE, "way", 0)), TRANSFER_NO_NAME);
    sink = open_tree();
    cr_assert_eq(put_entry(sink, link), 0);
    expect_refused(sink, put_entry(sink, entry_of(ENTRY_DIRECTORY, "way", 0)), TRANSFER_NO_NAME);
    cr_expect_eq(count_entries(in_outside("")), 0);
}

Test(sink, 15_paths_that_are_not_in_the_tree) {
    const char *const paths[] = {"nowhere/x", "a/b/c"};
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        struct sink *sink = open_tree();
        cr_assert_eq(put_entry(sink, entry_of(ENTRY_DIRECTORY, "a", 0)), 0);
        expect_refused(sink, put_entry(sink, entry_of(ENTRY_LINK, paths[i], 0)),
                       TRANSFER_MALFORMED);
    }
    struct sink *sink = open_tree();
    cr_assert_eq(put_entry(sink, entry_of(ENTRY_DIRECTORY, "a", 0)), 0);
    cr_assert_eq(put_entry(sink, entry_of(ENTRY_DIRECTORY, "ab", 0)), 0);
    cr_assert_eq(put_entry(sink, entry_of(ENTRY_LINK, "ab/x", 0)), 0);
    expect_refused(sink, put_entry(sink, entry_of(ENTRY_LINK, "a/x", 0)), TRANSFER_MALFORMED);
}

/* The decoder refuses them; so they are written into an encoded record. */
Test(sink, 16_a_corpus_of_traversals) {
    const char *const paths[] = {"..",     "../x",    "a/../../x", "/x",   "./x", "x/",
                                 "a//x",   ".",       "a/.",       "a/..", "//x", "../outside/x",
                                 "/tmp/x", "a/../..", "../..",     "x/./", "/",   "..//outside"};
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        uint8_t bytes[RECORD_BYTES_MAX];
        struct sink *sink = open_tree();
        cr_assert_eq(put_entry(sink, entry_of(ENTRY_DIRECTORY, "a", 0)), 0);
        struct item_record record = {.type = RECORD_ENTRY,
                                     .entry = entry_of(ENTRY_LINK, paths[i], 0)};
        size_t n = record_encode(&record, bytes, sizeof bytes);
        struct item item = {.kind = ITEM_RECORD, .n = n, .data = bytes};
        expect_refused(sink, sink_put(sink, &item), TRANSFER_MALFORMED);
    }
    cr_expect_eq(count_entries(in_outside("")), 0);
}

Test(sink, 17_the_same_twice) {
    struct sink *sink = open_tree();
    cr_assert_eq(put_entry(sink, entry_of(ENTRY_FILE, "a", 0)), 0);
    cr_assert_eq(put_entry_end(sink, "", 0), 0);
    expect_refused(sink, put_entry(sink, entry_of(ENTRY_FILE, "a", 0)), TRANSFER_NO_NAME);
    sink = open_tree();
    expect_refused(sink, put_entry(sink, entry_of(ENTRY_DIRECTORY, "", 0)), TRANSFER_MALFORMED);
}

/* --- where it cannot be written --- */

Test(sink, 18_a_limit_on_file_sizes) {
    struct sink *sink = open_sink(ENTRY_FILE, "a", 10);
    signal(SIGXFSZ, SIG_IGN);
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &(struct rlimit){5, 5}), 0);
    cr_assert_eq(put_entry(sink, entry_of(ENTRY_FILE, "", 10)), 0);
    cr_expect_eq(put_data(sink, content, 10), TRANSFER_TOO_LARGE);
    sink_free(sink);
    cr_expect_eq(status_of(in_to("a.part")).st_size, 5, "it can be resumed");
}

Test(sink, 19_a_destination_of_others) {
    if (geteuid() != 0)
        cr_skip_test("only root can make a directory of others, and be somebody else");
    cr_assert_eq(seteuid(65534), 0);
    struct item_offer offer = {.kind = ENTRY_FILE, .name = "a", .size = 10};
    struct sink *sink;
    cr_expect_eq(sink_open(&sink, &offer, &hand.options), TRANSFER_UNWRITABLE);
    cr_expect_null(sink);
    cr_assert_eq(seteuid(0), 0);
    cr_expect_eq(count_entries(in_to("")), 0);
}

/* --- to a pipe --- */

Test(sink, 20_a_stream_goes_to_a_descriptor) {
    int ends[2];
    char bytes[64];
    cr_assert_eq(pipe(ends), 0);
    struct item_offer offer = {.kind = ENTRY_FILE, .name = "a", .size = 20};
    struct sink *sink;
    cr_assert_eq(sink_open_stream(&sink, &offer, ends[1], &hand.options), 0);
    cr_assert_eq(put_entry(sink, entry_of(ENTRY_FILE, "", 20)), 0);
    cr_assert_eq(put_data(sink, content, 10), 0);
    cr_assert_eq(put_hole(sink, 10), 0);
    cr_assert_eq(put_entry_end(sink, "0123456789\0\0\0\0\0\0\0\0\0\0", 20), 0);
    cr_expect_eq(read(ends[0], bytes, sizeof bytes), 20);
    cr_expect_arr_eq(bytes, "0123456789\0\0\0\0\0\0\0\0\0\0", 20);
    cr_expect_null(sink_name(sink));
    sink_free(sink);
    cr_expect_geq(fcntl(ends[1], F_GETFD), 0, "it is the caller's");
    close(ends[0]);
    close(ends[1]);
}

Test(sink, 21_a_reader_that_goes) {
    int ends[2];
    signal(SIGPIPE, SIG_IGN);
    cr_assert_eq(pipe(ends), 0);
    close(ends[0]);
    struct item_offer offer = {.kind = ENTRY_STREAM, .name = "a", .size = ITEM_SIZE_UNKNOWN};
    struct sink *sink;
    cr_assert_eq(sink_open_stream(&sink, &offer, ends[1], &hand.options), 0);
    cr_assert_eq(put_entry(sink, entry_of(ENTRY_STREAM, "", ITEM_SIZE_UNKNOWN)), 0);
    cr_expect_eq(put_data(sink, "x", 1), TRANSFER_READER_GONE);
    sink_free(sink);
    close(ends[1]);
    offer.kind = ENTRY_DIRECTORY;
    cr_expect_eq(sink_open_stream(&sink, &offer, 1, &hand.options), TRANSFER_NO_NAME);
}

Test(sink, 22_stops_when_told) {
    static atomic_bool stop = true;
    hand.options.stop = &stop;
    struct sink *sink = open_sink(ENTRY_FILE, "a", 10);
    cr_expect_eq(put_entry(sink, entry_of(ENTRY_FILE, "", 10)), TRANSFER_CANCELLED);
    sink_free(sink);
}
