/*
 * What has its final name is on the disk: it is synced before it is renamed, and when that fails
 * it is not renamed. A tree is synced at once and not file by file, which takes the disk's time
 * for each. The two calls are put in front of the C library here.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

#include "unit/files/hand.h"

#define N_FILES 40

static struct {
    char calls[16]; /* F fsync, S syncfs; f and s when it has its final name already */
    size_t n;
    int error;         /* of the first fsync or syncfs; 0: none */
    unsigned n_synced; /* entries of the tree when it was synced */
} seen;

static void note(char before, char after) {
    if (seen.n == sizeof seen.calls - 1)
        return;
    if (is_there(in_to("file")) || is_there(in_to("tree")))
        seen.calls[seen.n++] = after;
    else
        seen.calls[seen.n++] = before;
}

static bool fails(void) {
    errno = seen.error;
    return seen.error != 0 && seen.n == 1;
}

int fsync(int fd) {
    note('F', 'f');
    return fails() ? -1 : (int)syscall(SYS_fsync, fd);
}

int syncfs(int fd) {
    (void)fd;
    note('S', 's');
    if (is_there(in_to("tree.part")))
        seen.n_synced = count_entries(in_to("tree.part"));
    return fails() ? -1 : 0; /* other tests' files need not wait for the disk */
}

static void begin(void) {
    hand_begin();
    hand.options.is_unsynced = false;
    memset(&seen, 0, sizeof seen);
}

static void make_tree(void) {
    make_directory(in_from("tree"));
    for (unsigned i = 0; i < N_FILES; i++) {
        char name[32];
        snprintf(name, sizeof name, "tree/file-%u", i);
        make_file(in_from(name), 100, i);
    }
}

TestSuite(sink_sync, .init = begin, .fini = hand_end);

Test(sink_sync, a_file_is_synced_then_renamed_then_its_name_synced) {
    make_file(in_from("file"), 1000, 1);
    expect_handed("file");
    cr_expect_str_eq(seen.calls, "Ff");
}

Test(sink_sync, a_whole_tree_is_synced_at_once) {
    make_tree();
    expect_handed("tree");
    cr_expect_str_eq(seen.calls, "Sf");
    cr_expect_eq(seen.n_synced, N_FILES);
}

Test(sink_sync, what_is_not_on_the_disk_gets_no_name) {
    make_file(in_from("file"), 1000, 1);
    make_tree();
    seen.error = EIO;
    cr_expect_eq(hand_over("file").sink, -EIO);
    cr_expect_str_eq(seen.calls, "F");
    cr_expect_not(is_there(in_to("file")));
    memset(&seen, 0, sizeof seen);
    seen.error = ENOSPC;
    cr_expect_eq(hand_over("tree").sink, TRANSFER_NO_SPACE);
    cr_expect_str_eq(seen.calls, "S");
    cr_expect_not(is_there(in_to("tree")) || is_there(in_to("tree.part")));
}
