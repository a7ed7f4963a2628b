/* What was interrupted goes on, and what cannot go on starts anew. */
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#include "unit/files/hand.h"

TestSuite(sink_resume, .init = hand_begin, .fini = hand_end);

#define N_SLOTS 6

static void interrupt_after(size_t n_slots) {
    hand_over_partly("file", 1 + n_slots); /* and the entry before them */
    cr_assert_eq(status_of(in_to("file.part")).st_size, (off_t)(n_slots * HAND_SLOT));
}

static void expect_whole(const char *name) {
    expect_equal(in_from("file"), in_to(name));
    cr_expect_eq(listxattr(in_to(name), NULL, 0), 0, "the mark is gone");
}

Test(sink_resume, 01_goes_on_where_it_stopped) {
    make_file(in_from("file"), N_SLOTS * HAND_SLOT + 5, 1);
    interrupt_after(2);
    struct handed handed = hand_over("file");
    cr_expect(handed.is_resumed);
    cr_expect_str_eq(handed.name, "file");
    cr_expect_eq(handed.totals.n_bytes, N_SLOTS * HAND_SLOT + 5);
    expect_whole("file");
    cr_expect_eq(count_entries(in_to("")), 1);
}

Test(sink_resume, 02_only_the_end_was_missing) {
    make_file(in_from("file"), N_SLOTS * HAND_SLOT, 1);
    interrupt_after(N_SLOTS);
    cr_expect(hand_over("file").is_resumed);
    expect_whole("file");
}

Test(sink_resume, 03_holes_are_resumed) {
    make_file(in_from("file"), HAND_SLOT, 1);
    add_bytes(in_from("file"), 100 << 20, "middle", 6);
    add_bytes(in_from("file"), 200 << 20, "end", 3);
    hand_over_partly("file", 4); /* entry, data, hole, data */
    struct handed handed = hand_over("file");
    cr_expect(handed.is_resumed);
    expect_whole("file");
}

Test(sink_resume, 04_a_changed_source_starts_anew) {
    make_file(in_from("file"), N_SLOTS * HAND_SLOT, 1);
    interrupt_after(2);
    cr_assert_eq(unlink(in_from("file")), 0);
    make_file(in_from("file"), N_SLOTS * HAND_SLOT, 2);
    struct source *source;
    struct sink *sink;
    open_both("file", &source, &sink);
    cr_expect(sink_prefix(sink).is_changed);
    cr_expect_eq(sink_prefix(sink).offset, 0);
    sink_free(sink);
    source_free(source);
    cr_expect(is_there(in_to("file.part")), "nobody has said yet that it is of no use");
    struct handed handed = hand_over("file");
    cr_expect_not(handed.is_resumed);
    cr_expect_str_eq(handed.name, "file");
    expect_whole("file");
    cr_expect_eq(count_entries(in_to("")), 1);
}

/* Size and time are the same, the content is not: the digests tell. */
Test(sink_resume, 05_a_changed_part_starts_anew) {
    make_file(in_from("file"), N_SLOTS * HAND_SLOT, 1);
    interrupt_after(3);
    add_bytes(in_to("file.part"), 1000, "\x01\x02\x03", 3);
    struct handed handed = hand_over("file");
    cr_expect_not(handed.is_resumed);
    cr_expect_str_eq(handed.name, "file");
    expect_whole("file");
    cr_expect_eq(count_entries(in_to("")), 1);
}

Test(sink_resume, 06_a_part_of_another_sender_is_not_ours_to_use) {
    make_file(in_from("file"), N_SLOTS * HAND_SLOT, 1);
    interrupt_after(2);
    hand.options.from++;
    cr_expect_not(hand_over("file").is_resumed);
    expect_whole("file");
    cr_expect_eq(status_of(in_to("file.part")).st_size, 2 * HAND_SLOT, "it waits for its sender");
}

Test(sink_resume, 07_a_part_with_a_second_link_is_not_used) {
    make_file(in_from("file"), N_SLOTS * HAND_SLOT, 1);
    interrupt_after(2);
    cr_assert_eq(link(in_to("file.part"), in_outside("link")), 0);
    cr_expect_not(hand_over("file").is_resumed);
    expect_whole("file");
    cr_expect_eq(status_of(in_outside("link")).st_size, 2 * HAND_SLOT);
}

Test(sink_resume, 08_the_name_is_taken_meanwhile) {
    make_file(in_from("file"), N_SLOTS * HAND_SLOT, 1);
    interrupt_after(2);
    make_file(in_to("file"), 3, 1);
    struct handed handed = hand_over("file");
    cr_expect(handed.is_resumed);
    cr_expect_str_eq(handed.name, "file (2)");
    cr_expect(handed.is_renamed);
    expect_whole("file (2)");
    cr_expect_eq(status_of(in_to("file")).st_size, 3);
}

static void make_tree(void) {
    make_directory(in_from("tree"));
    make_directory(in_from("tree/a"));
    make_file(in_from("tree/a/1"), 10, 1);
    make_file(in_from("tree/b"), 10, 2);
}

Test(sink_resume, 09_a_tree_leaves_nothing) {
    make_tree();
    hand_over_partly("tree", 5);
    cr_expect_eq(count_entries(in_to("")), 0);
    expect_handed("tree");
}

/* As after kill -9: what there was of the tree stays. */
static void leave_tree(void) {
    struct source *source;
    struct sink *sink;
    struct handed handed = {0};
    pid_t child = fork();
    if (child == 0) {
        open_both("tree", &source, &sink);
        move_items(source, sink, 5, &handed);
        _exit(0);
    }
    siginfo_t info;
    cr_assert_eq(waitid(P_PID, (id_t)child, &info, WEXITED), 0);
    cr_assert(is_there(in_to("tree.part/a/1")));
}

Test(sink_resume, 10_a_tree_of_somebody_killed_starts_anew) {
    make_tree();
    leave_tree();
    cr_assert_eq(chmod(in_to("tree.part/a"), 0), 0);
    expect_handed("tree");
    cr_expect_eq(count_entries(in_to("")), 1);
}

Test(sink_resume, 11_a_directory_of_others_is_not_emptied) {
    make_tree();
    make_directory(in_to("tree.part"));
    make_file(in_to("tree.part/precious"), 10, 1);
    expect_handed("tree");
    cr_expect(is_there(in_to("tree.part/precious")));
}

/* --- what came is of no use, what was there is --- */

static void expect_kept(struct sink *sink) {
    cr_expect_str_eq(sink_kept_name(sink), "file.part");
    sink_free(sink);
    cr_expect_eq(status_of(in_to("file.part")).st_size, 2 * HAND_SLOT);
}

static struct sink *open_interrupted(void) {
    struct source *source;
    struct sink *sink;
    make_file(in_from("file"), N_SLOTS * HAND_SLOT, 1);
    interrupt_after(2);
    open_both("file", &source, &sink);
    source_free(source);
    cr_assert_eq(sink_prefix(sink).offset, 2 * HAND_SLOT);
    return sink;
}

static struct record_entry rest_of(uint64_t size) {
    struct record_entry entry = entry_of(ENTRY_FILE, "", size);
    entry.start = 2 * HAND_SLOT;
    return entry;
}

Test(sink_resume, 12_more_than_is_allowed_keeps_the_part) {
    struct sink *sink = open_interrupted();
    uint64_t much = UINT64_C(1) << 40;
    cr_expect_eq(put_entry(sink, rest_of(much)), TRANSFER_TOO_MUCH);
    expect_kept(sink);
    cr_expect(hand_over("file").is_resumed, "and it goes on there");
    expect_whole("file");
}

Test(sink_resume, 12_nonsense_keeps_the_part) {
    struct sink *sink = open_interrupted();
    cr_expect_eq(put_entry(sink, entry_of(ENTRY_DIRECTORY, "", 0)), TRANSFER_MALFORMED);
    expect_kept(sink);
    cr_expect(hand_over("file").is_resumed);
    expect_whole("file");
}

Test(sink_resume, 12_what_is_damaged_behind_it_is_taken_away) {
    struct sink *sink = open_interrupted();
    cr_assert_eq(put_entry(sink, rest_of(2 * HAND_SLOT + 9)), 0);
    cr_assert_eq(put_data(sink, "something", 9), 0);
    cr_expect_eq(put_entry_end(sink, "else", 4), TRANSFER_MALFORMED);
    expect_kept(sink);
}

/* --- file systems of other kinds --- */

static void mount_on_destination(const char *kind, const char *options) {
    if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount("none", in_to(""), kind, 0, options) < 0)
        cr_skip_test("mounting is not permitted here");
    close(hand.to);
    hand.to = open(in_to(""), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cr_assert(hand.to >= 0);
    hand.options.dir = hand.to;
}

static void unmount(void) {
    cr_assert_eq(umount2(in_to(""), MNT_DETACH), 0);
}

Test(sink_resume, 12_a_full_disk_keeps_the_part) {
    make_file(in_from("file"), N_SLOTS * HAND_SLOT, 1);
    mount_on_destination("tmpfs", "size=768k");
    struct handed handed = hand_over("file");
    cr_expect_eq(handed.sink, TRANSFER_NO_SPACE);
    cr_expect_gt(status_of(in_to("file.part")).st_size, HAND_SLOT);
    cr_assert_eq(mount("none", in_to(""), "tmpfs", MS_REMOUNT, "size=16m"), 0);
    handed = hand_over("file");
    cr_expect_eq(handed.sink, 0);
    cr_expect(handed.is_resumed);
    expect_whole("file");
    unmount();
}

Test(sink_resume, 13_a_tree_that_does_not_fit_leaves_nothing) {
    make_tree();
    make_file(in_from("tree/c"), 2 * HAND_SLOT, 1);
    mount_on_destination("tmpfs", "size=256k");
    cr_expect_eq(hand_over("tree").sink, TRANSFER_NO_SPACE);
    cr_expect_eq(count_entries(in_to("")), 0);
    unmount();
}

/* ramfs keeps no attributes: nothing can be marked. */
Test(sink_resume, 14_without_marks_the_content_tells) {
    make_file(in_from("file"), N_SLOTS * HAND_SLOT, 1);
    mount_on_destination("ramfs", "");
    interrupt_after(2);
    struct handed handed = hand_over("file");
    cr_expect(handed.is_resumed);
    expect_whole("file");
    unmount();
}

Test(sink_resume, 15_without_marks_another_content_is_left_alone) {
    make_file(in_from("file"), N_SLOTS * HAND_SLOT, 1);
    mount_on_destination("ramfs", "");
    make_file(in_to("file.part"), HAND_SLOT, 7);
    cr_assert_eq(chmod(in_to("file.part"), 0600), 0);
    struct handed handed = hand_over("file");
    cr_expect_not(handed.is_resumed);
    cr_expect_str_eq(handed.name, "file");
    cr_expect_eq(status_of(in_to("file.part")).st_size, HAND_SLOT);
    cr_expect_eq(count_entries(in_to("")), 2);
    expect_whole("file");
    unmount();
}
