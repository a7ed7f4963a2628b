#include "proto/head.h"

#include <criterion/criterion.h>
#include <string.h>

static void expect_line(int priority, const char *title, const char *wanted) {
    char line[HEAD_BYTES_MAX + 5];
    struct head head = {priority, bytes_of(title)}, back;
    size_t n = head_put(line, &head);
    cr_assert(bytes_equal((struct bytes){line, n}, bytes_of(wanted)), "%s", title);
    memcpy(line + n, "text\n", 5);
    struct bytes text = {line, n + 5};
    cr_assert(head_take(&back, &text));
    cr_assert_eq(back.priority, priority);
    cr_assert(bytes_equal(back.title, bytes_of(title)), "%s", title);
    cr_assert(bytes_equal(text, bytes_of("text\n")));
}

Test(head, 01_what_is_put_is_taken) {
    expect_line(HEAD_HIGH, "The disk is full", "[high] The disk is full\n");
    expect_line(HEAD_DEFAULT, "The disk is full", "The disk is full\n");
    expect_line(HEAD_MAX, "", "[max]\n");
    expect_line(HEAD_MIN, " ", "[min]  \n");
    expect_line(HEAD_LOW, "[high] x", "[low] [high] x\n");
    expect_line(HEAD_DEFAULT, "[high] x", "[default] [high] x\n");
    expect_line(HEAD_DEFAULT, "[", "[default] [\n");
    expect_line(HEAD_DEFAULT, "", "\n");
}

Test(head, 02_the_longest_fits) {
    char title[HEAD_TITLE_MAX + 2];
    memset(title, '[', sizeof title);
    title[HEAD_TITLE_MAX + 1] = '\0';
    cr_assert_not(head_title_is_valid(bytes_of(title)));
    title[HEAD_TITLE_MAX] = '\0';
    cr_assert(head_title_is_valid(bytes_of(title)));
    char line[HEAD_BYTES_MAX];
    struct head head = {HEAD_DEFAULT, bytes_of(title)};
    cr_assert_leq(head_put(line, &head), sizeof line);
    cr_assert_not(head_title_is_valid(bytes_of("two\nlines")));
}

static void expect_text(const char *whole, int priority, const char *title, const char *rest) {
    struct bytes text = bytes_of(whole);
    struct head head;
    cr_assert(head_take(&head, &text), "%s", whole);
    cr_assert_eq(head.priority, priority, "%s", whole);
    cr_assert(bytes_equal(head.title, bytes_of(title)), "%s", whole);
    cr_assert(bytes_equal(text, bytes_of(rest)), "%s", whole);
}

Test(head, 03_what_others_may_send) {
    expect_text("[high]x\ny", HEAD_DEFAULT, "[high]x", "y");
    expect_text("[highest] x\ny", HEAD_DEFAULT, "[highest] x", "y");
    expect_text("[]\n", HEAD_DEFAULT, "[]", "");
    expect_text("[\n]", HEAD_DEFAULT, "[", "]");
    expect_text("[low] \n", HEAD_LOW, "", "");
    struct head head;
    struct bytes text = bytes_of("no line feed");
    cr_assert_not(head_take(&head, &text));
    cr_assert_eq(text.n, strlen("no line feed"));
    text = (struct bytes){0};
    cr_assert_not(head_take(&head, &text));
    char whole[2 * HEAD_BYTES_MAX];
    memset(whole, 'x', sizeof whole);
    whole[HEAD_TITLE_MAX + 1] = '\n';
    text = (struct bytes){whole, sizeof whole};
    cr_assert_not(head_take(&head, &text), "too long a title");
    whole[HEAD_TITLE_MAX] = '\n';
    cr_assert(head_take(&head, &text));
}
