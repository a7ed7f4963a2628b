/*
 * Somebody changes the destination while it is written to: moves what is made away and puts links
 * and directories in its place. Whatever becomes of the transfer, nothing is written elsewhere.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

#include "files/remove.h"
#include "unit/files/hand.h"

TestSuite(sink_attacked, .init = hand_begin, .fini = hand_end);

#define N_ROUNDS 150
#define N_KEPT 100 /* each round leaves a name, which the next ones must pass by */
#define N_ROUNDS_MAX 20000

static atomic_bool is_over;
static atomic_uint n_swaps;
static char targets[2][PATH_MAX];

/* Puts a link to somewhere outside in the place of this, for a moment. */
static void swap(const char *name) {
    static unsigned n;
    const char *target = targets[n++ % 2];
    char away[64];
    snprintf(away, sizeof away, "away-%zu", strlen(name));
    if (renameat(hand.to, name, hand.to, away) < 0)
        return;
    atomic_fetch_add(&n_swaps, 1);
    if (symlinkat(target, hand.to, name) == 0)
        unlinkat(hand.to, name, 0);
    renameat(hand.to, away, hand.to, name);
}

static void *attack(void *unused) {
    (void)unused;
    while (!is_over) {
        swap("tree.part");
        swap("tree.part/a");
        swap("tree.part/a/b");
        swap("file.part");
        swap("file");
        swap("tree");
    }
    return NULL;
}

static void make_tree(void) {
    make_directory(in_from("tree"));
    make_directory(in_from("tree/a"));
    make_directory(in_from("tree/a/b"));
    for (unsigned i = 0; i < 10; i++) {
        char name[32];
        snprintf(name, sizeof name, "tree/a/b/%u", i);
        make_file(in_from(name), 100, i);
        snprintf(name, sizeof name, "tree/a/%u", i);
        make_file(in_from(name), 100, i);
    }
    make_file(in_from("file"), 3 * HAND_SLOT, 1);
}

static bool is_expected(struct handed handed) {
    switch (handed.opened != 0 ? handed.opened : handed.sink) {
    case 0:
    case TRANSFER_DISTURBED:
    case TRANSFER_NO_NAME:
    case TRANSFER_DAMAGED:
        return true;
    default: /* what a call says of a directory that has gone */
        return handed.opened == -ENOENT || handed.opened == -ENOTDIR || handed.opened == -ELOOP;
    }
}

Test(sink_attacked, 01_swapped_directories_and_links) {
    pthread_t attacker;
    make_tree();
    make_file(in_outside("9"), 7, 1); /* a name that is in the tree, too */
    make_directory(in_outside("empty"));
    snprintf(targets[0], PATH_MAX, "%s", in_outside(""));
    snprintf(targets[1], PATH_MAX, "%s", in_outside("empty"));
    hand.options.is_unsynced = true;
    cr_assert_eq(pthread_create(&attacker, NULL, attack, NULL), 0);
    for (unsigned i = 0; i < N_ROUNDS || (n_swaps < N_ROUNDS && i < N_ROUNDS_MAX); i++) {
        struct handed handed = hand_over(i % 2 ? "tree" : "file");
        cr_expect(is_expected(handed), "%d %d", handed.opened, handed.sink);
        if (i % N_KEPT == N_KEPT - 1)
            (void)remove_below(hand.to);
        sched_yield();
    }
    is_over = true;
    pthread_join(attacker, NULL);
    cr_expect_geq(n_swaps, N_ROUNDS);
    cr_expect_eq(count_entries(in_outside("")), 2);
    cr_expect_eq(count_entries(in_outside("empty")), 0);
    cr_expect_eq(status_of(in_outside("9")).st_size, 7);
    cr_expect_eq(count_entries(hand.top), 3);
}

Test(sink_attacked, 02_a_part_that_was_replaced_does_not_get_the_name) {
    struct source *source;
    struct sink *sink;
    struct handed handed = {0};
    make_file(in_from("file"), 100, 1);
    open_both("file", &source, &sink);
    cr_assert_eq(rename(in_to("file.part"), in_to("elsewhere")), 0);
    make_file(in_to("file.part"), 5, 2);
    cr_expect_not(move_items(source, sink, SIZE_MAX, &handed));
    cr_expect_eq(handed.sink, TRANSFER_DISTURBED);
    sink_free(sink);
    source_free(source);
    cr_expect_not(is_there(in_to("file")));
    cr_expect_eq(status_of(in_to("file.part")).st_size, 5, "it is not ours to remove");
}

Test(sink_attacked, 03_a_part_that_was_removed) {
    struct source *source;
    struct sink *sink;
    struct handed handed = {0};
    make_file(in_from("file"), 100, 1);
    open_both("file", &source, &sink);
    cr_assert_eq(unlink(in_to("file.part")), 0);
    cr_expect_not(move_items(source, sink, SIZE_MAX, &handed));
    cr_expect_eq(handed.sink, TRANSFER_DISTURBED);
    sink_free(sink);
    source_free(source);
    cr_expect_eq(count_entries(in_to("")), 0);
}

/* --- at the worst moment: just after a call, or just before it --- */

static const char *victim;  /* the next call for this name is disturbed */
static const char *to_link; /* and a link to this put there; NULL: another directory */

/* Where it was there is something else now. */
static void replace(int dir, const char *name) {
    cr_assert_eq(renameat(dir, name, hand.to, "away"), 0);
    if (to_link)
        cr_assert_eq(symlinkat(to_link, dir, name), 0);
    else
        cr_assert_eq(renameat(AT_FDCWD, in_outside("full"), dir, name), 0);
    victim = NULL;
}

static bool is_victim(const char *name) {
    return victim && strcmp(name, victim) == 0;
}

/* Instead of the C library's. */
int mkdirat(int dir, const char *name, mode_t mode) {
    int r = (int)syscall(SYS_mkdirat, dir, name, mode);
    if (is_victim(name))
        replace(dir, name);
    return r;
}

int renameat2(int from, const char *old, int to, const char *new, unsigned flags) {
    if (is_victim(old))
        replace(from, old);
    return (int)syscall(SYS_renameat2, from, old, to, new, flags);
}

/* A directory outside: empty, or with a file in it. */
static void disturb(const char *name, const char *link) {
    if (!is_there(in_outside("full"))) {
        make_directory(in_outside("empty"));
        make_directory(in_outside("full"));
        make_file(in_outside("full/x"), 7, 1);
    }
    snprintf(targets[0], PATH_MAX, "%s", link ? in_outside(link) : "");
    to_link = link ? targets[0] : NULL;
    victim = name;
}

static void expect_disturbed(const char *what) {
    struct handed handed = hand_over(what);
    cr_expect_null(victim, "it was disturbed");
    cr_expect_eq(handed.opened != 0 ? handed.opened : handed.sink, TRANSFER_DISTURBED);
    cr_expect_eq(count_entries(in_outside("empty")), 0);
    unlinkat(hand.to, "away", AT_REMOVEDIR);
    unlinkat(hand.to, "away", 0);
}

Test(sink_attacked, 04_a_link_in_the_place_of_a_new_directory) {
    make_tree();
    disturb("tree.part", "empty");
    expect_disturbed("tree");
    cr_assert_eq(unlinkat(hand.to, "tree.part", 0), 0);
    disturb("a", "empty");
    expect_disturbed("tree");
    cr_expect_eq(count_entries(in_outside("full")), 1);
}

Test(sink_attacked, 05_another_directory_in_the_place_of_a_new_one) {
    make_tree();
    disturb("tree.part", NULL);
    expect_disturbed("tree");
    cr_expect_eq(count_entries(in_to("tree.part")), 1, "it is left as it was");
}

Test(sink_attacked, 06_another_file_just_before_it_gets_its_name) {
    make_tree();
    disturb("file.part", "full/x");
    expect_disturbed("file");
    cr_expect_eq(status_of(in_outside("full/x")).st_size, 7);
}
