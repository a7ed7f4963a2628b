/* What is left out of a tree is told once: by name, or counted by its reason. */
#include "files/left_out.h"

#include <stdio.h>

#include <criterion/criterion.h>

#define N (LEFT_OUT_KEPT_MAX + 500)

static struct left_out_list list;

static const char *path_of(unsigned i) {
    static char path[32];
    snprintf(path, sizeof path, "tree/%u", i);
    return path;
}

static void teardown(void) {
    left_out_free(&list);
}

TestSuite(left_out, .fini = teardown);

Test(left_out, 01_by_name_in_their_order) {
    left_out_add(&list, "b", SKIP_DENIED, 13);
    left_out_add(&list, "a", SKIP_SPECIAL, 0);
    left_out_sort(&list);
    cr_assert_str_eq(list.first->path, "b");
    cr_expect_eq(list.first->error, 13);
    cr_expect_eq(list.n, 2);
    cr_expect(left_out_has(&list, "a"));
    cr_expect_not(left_out_has(&list, "c"));
}

/* Behind them nothing is forgotten, and what is found later is not taken for one of them. */
Test(left_out, 02_many_are_counted_by_reason) {
    for (unsigned i = 0; i < N; i++)
        left_out_add(&list, path_of(i), i % 5 == 0 ? SKIP_DENIED : SKIP_SPECIAL, 0);
    left_out_sort(&list);
    cr_expect_eq(list.n, N);
    cr_expect_eq(list.n_unnamed[SKIP_DENIED], 100);
    cr_expect_eq(list.n_unnamed[SKIP_SPECIAL], 400);
    for (unsigned i = 0; i < N; i++)
        cr_assert(left_out_has(&list, path_of(i)));
    for (unsigned i = N; i < 2 * N; i++)
        cr_assert_not(left_out_has(&list, path_of(i)));
}
