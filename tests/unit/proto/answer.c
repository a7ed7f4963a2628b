/* What stands before the text of an answer. */
#include "proto/answer.h"

#include <criterion/criterion.h>
#include <string.h>

#include "base/macro.h"
#include "proto/frame.h"

static struct bytes whole(char *line, size_t n, const char *text) {
    memcpy(line + n, text, strlen(text));
    return (struct bytes){line, n + strlen(text)};
}

Test(answer, 01_to_the_hub_it_says_whose) {
    char line[ANSWER_LINE_MAX + 16];
    uint32_t uid = 1;
    struct bytes text = whole(line, answer_put_author(line, UINT32_MAX), "yes\nno");
    cr_assert(answer_take_author(&uid, &text));
    cr_assert_eq(uid, UINT32_MAX);
    cr_assert(bytes_equal(text, bytes_of("yes\nno")));
}

Test(answer, 02_anything_else_is_none) {
    const char *const none[] = {"",     "\n",   "1001",         "a\n",  "-1\n",
                                " 1\n", "1 \n", "4294967296\n", "1a\n", "+1\n"};
    for (size_t i = 0; i < ARRAY_LEN(none); i++) {
        struct bytes text = bytes_of(none[i]);
        uint32_t uid;
        cr_assert_not(answer_take_author(&uid, &text), "%s", none[i]);
        cr_assert_eq(text.n, strlen(none[i]), "it is as it was");
    }
}

Test(answer, 03_from_the_hub_it_says_which_thread_and_number) {
    char line[ANSWER_LINE_MAX + 16];
    struct answer answer = {ANSWER_LAST, uuid_random()}, again;
    struct bytes text = whole(line, answer_put(line, &answer), "yes");
    cr_assert(answer_take(&again, &text));
    cr_assert_eq(again.n, ANSWER_LAST);
    cr_assert(uuid_equal(&again.thread, &answer.thread));
    cr_assert(bytes_equal(text, bytes_of("yes")));
    answer.n = 0;
    text = whole(line, answer_put(line, &answer), "");
    cr_assert(answer_take(&again, &text));
    cr_assert_eq(again.n, 0);
    cr_assert_eq(text.n, 0);
}

Test(answer, 04_what_is_not_known_is_passed_over) {
    struct bytes text = bytes_of("x1 n12  zz n t12 tzz\nyes");
    struct answer answer;
    cr_assert(answer_take(&answer, &text));
    cr_assert_eq(answer.n, 12);
    cr_assert(uuid_is_nil(&answer.thread));
    text = bytes_of("n10000 n-1\n");
    cr_assert(answer_take(&answer, &text));
    cr_assert_eq(answer.n, 0);
    text = bytes_of("no line");
    cr_assert_not(answer_take(&answer, &text));
}

Test(answer, 05_only_texts_are_answers) {
    cr_assert(body_is_valid(KIND_TEXT | KIND_ANSWER, bytes_of("1\nx")));
    cr_assert(body_is_valid(KIND_NOTICE | KIND_HEADED | KIND_ANSWER, bytes_of("1\nx\ny")));
    cr_assert_not(body_is_valid(KIND_FILE | KIND_ANSWER, bytes_of("1\nx")));
    cr_assert_not(body_is_valid(KIND_EDIT | KIND_ANSWER, bytes_of("1\nx")));
    cr_assert_not(body_is_valid(KIND_REMOVE | KIND_ANSWER, bytes_of("1\nx")));
    cr_assert_not(body_is_valid(KIND_TEXT | KIND_ANSWER | KIND_EDITED, bytes_of("1\nx")));
}
