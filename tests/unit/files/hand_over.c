/* What is received is what was sent. */
#include <stdio.h>
#include <string.h>

#include "base/macro.h"
#include "unit/files/hand.h"

TestSuite(hand_over, .init = hand_begin, .fini = hand_end);

Test(hand_over, 01_files_of_every_size) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    const size_t sizes[] = {0,
                            1,
                            page - 1,
                            page,
                            page + 1,
                            HAND_SLOT - 1,
                            HAND_SLOT,
                            HAND_SLOT + 1,
                            8 * HAND_SLOT - 1,
                            8 * HAND_SLOT,
                            8 * HAND_SLOT + 1};
    for (unsigned i = 0; i < ARRAY_LEN(sizes); i++) {
        char name[32];
        snprintf(name, sizeof name, "file-%zu", sizes[i]);
        make_file(in_from(name), sizes[i], i);
        expect_handed(name);
    }
}

Test(hand_over, 02_a_small_slot_does) {
    hand.capacity = RECORD_TOP_BYTES_MAX;
    make_file(in_from("file"), 10000, 1);
    expect_handed("file");
}

/* Data at the beginning, in the middle and at the end, or nowhere. */
static void make_sparse(const char *name, off_t size, bool is_empty) {
    int fd = open(in_from(name), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    cr_assert_eq(ftruncate(fd, size), 0);
    if (!is_empty) {
        cr_assert_eq(pwrite(fd, "begin", 5, 0), 5);
        cr_assert_eq(pwrite(fd, "middle", 6, size / 2), 6);
        cr_assert_eq(pwrite(fd, "end", 3, size - 3), 3);
    }
    close(fd);
}

Test(hand_over, 03_holes_stay_holes) {
    make_sparse("4-GiB-and-1", ((off_t)4 << 30) + 1, false);
    make_sparse("10-GiB", (off_t)10 << 30, false);
    make_sparse("nothing-but-a-hole", 1 << 20, true);
    expect_handed("4-GiB-and-1");
    expect_handed("10-GiB");
    expect_handed("nothing-but-a-hole");
    cr_expect_lt(status_of(in_to("10-GiB")).st_blocks, 1000);
}

Test(hand_over, 04_modes_and_times) {
    make_file(in_from("secret"), 10, 1);
    cr_assert_eq(chmod(in_from("secret"), 0400), 0);
    make_file(in_from("script"), 10, 1);
    cr_assert_eq(chmod(in_from("script"), 0755), 0);
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = -5, .tv_nsec = 7}};
    cr_assert_eq(utimensat(AT_FDCWD, in_from("script"), times, 0), 0);
    expect_handed("secret");
    expect_handed("script");
}

static void make_tree(unsigned n_files) {
    make_directory(in_from("tree"));
    for (unsigned i = 0; i < n_files; i++) {
        char name[64];
        snprintf(name, sizeof name, "tree/%u", i / 100);
        if (i % 100 == 0)
            make_directory(in_from(name));
        snprintf(name, sizeof name, "tree/%u/%u", i / 100, i);
        make_file(in_from(name), i % 97, i);
    }
}

Test(hand_over, 05_a_tree_of_10000_files) {
    make_tree(10000);
    expect_handed("tree");
}

Test(hand_over, 06_directories_that_keep_everybody_out) {
    make_directory(in_from("tree"));
    make_directory(in_from("tree/a"));
    make_file(in_from("tree/a/file"), 5, 1);
    make_directory(in_from("tree/empty"));
    cr_assert_eq(chmod(in_from("tree/a"), 0500), 0);
    cr_assert_eq(chmod(in_from("tree/empty"), 0700), 0);
    cr_assert_eq(chmod(in_from("tree"), 0500), 0);
    expect_handed("tree");
    cr_assert_eq(chmod(in_from("tree"), 0700), 0);
}

Test(hand_over, 07_every_byte_in_the_names_of_a_tree) {
    make_directory(in_from("tree"));
    for (int byte = 1; byte < 256; byte++) {
        char name[32];
        if (byte == '/')
            continue;
        snprintf(name, sizeof name, "tree/%c%d", byte, byte);
        make_file(in_from(name), 3, (unsigned)byte);
    }
    make_file(in_from("tree/..."), 3, 0);
    make_file(in_from("tree/-rf"), 3, 0);
    make_directory(in_from("tree/a\nb"));
    make_file(in_from("tree/a\nb/\xff\xfe"), 3, 0);
    make_directory(in_from("tree/a"));
    make_file(in_from("tree/a/sorts before a\\nb, but its content after"), 0, 0);
    expect_handed("tree");
}

Test(hand_over, 08_links_are_links) {
    make_directory(in_from("tree"));
    make_directory(in_from("tree/directory"));
    cr_assert_eq(symlink("directory", in_from("tree/to-directory")), 0);
    cr_assert_eq(symlink("/etc/passwd", in_from("tree/absolute")), 0);
    cr_assert_eq(symlink("../../outside", in_from("tree/directory/up")), 0);
    cr_assert_eq(symlink("nowhere \xff\n", in_from("tree/broken")), 0);
    expect_handed("tree");
}

Test(hand_over, 09_the_path_itself_is_followed) {
    make_file(in_from("file"), 100, 1);
    cr_assert_eq(symlink("file", in_from("link")), 0);
    struct handed handed = hand_over("link");
    cr_expect_str_eq(handed.name, "link");
    expect_equal(in_from("file"), in_to("link"));
}

Test(hand_over, 10_what_is_special_is_skipped_and_named) {
    make_directory(in_from("tree"));
    make_file(in_from("tree/file"), 5, 1);
    cr_assert_eq(mkfifo(in_from("tree/pipe"), 0600), 0);
    struct handed handed = hand_over("tree");
    cr_assert_str_eq(handed.name, "tree");
    cr_expect_eq(handed.totals.n_skipped, 1);
    cr_expect_eq(handed.totals.n_files, 1);
    cr_expect_eq(hand.n_skipped, 0, "the source has told of it");
    cr_expect_eq(count_entries(in_to("tree")), 1);
}

Test(hand_over, 11_the_digest_is_that_of_the_content) {
    add_bytes(in_from("file"), 0, "earshot\n", 8);
    struct handed handed = hand_over("file");
    char text[DIGEST_TEXT_MAX];
    digest_text(text, handed.digest);
    struct digest_state *state = digest_new();
    digest_add(state, "earshot\n", 8);
    cr_expect(digest_equal(handed.digest, digest_value(state)));
    digest_free(state);
    add_bytes(in_from("empty"), 0, "", 0);
    digest_text(text, hand_over("empty").digest);
    cr_expect_str_eq(text, "99aa06d3014798d86001c324468d497f"); /* xxh128sum of nothing */
}

Test(hand_over, 12_a_deep_tree) {
    char path[3 * ENTRY_DEPTH_MAX] = "tree";
    make_directory(in_from(path));
    for (unsigned i = 0; i < ENTRY_DEPTH_MAX; i++) {
        size_t n = strlen(path);
        memcpy(path + n, "/d", 3);
        make_directory(in_from(path));
    }
    expect_handed("tree");
    memcpy(path + strlen(path), "/e", 3);
    make_directory(in_from(path));
    struct handed handed = hand_over("tree");
    cr_expect_eq(handed.totals.n_skipped, 1);
    cr_expect_eq(handed.totals.n_directories, ENTRY_DEPTH_MAX + 1);
}
