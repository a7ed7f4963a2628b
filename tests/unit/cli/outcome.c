/* A result becomes the same code, exit code and sentence wherever it is told. */
#include "cli/outcome.h"

#include <errno.h>
#include <string.h>

#include <criterion/criterion.h>

#include "lib/link.h"
#include "proto/fail.h"

static struct earshot the_link;

static void is(struct outcome outcome, int exit_code, const char *code, const char *text) {
    cr_expect_eq(outcome_exit_code(outcome.code), exit_code, "%d", outcome_exit_code(outcome.code));
    cr_expect_str_eq(outcome_name(outcome.code), code);
    cr_expect_str_eq(outcome.text, text);
}

static struct outcome after(int result, enum fail_code code) {
    link_fail(&the_link, result, code, "the sentence");
    return outcome_of(&the_link, result);
}

Test(outcome, 01_what_scripts_rely_on) {
    is(after(EARSHOT_NO_HUB, FAIL_NO_HUB), CLI_NO_HUB, "no-hub", "the sentence");
    is(after(EARSHOT_NOT_PERMITTED, FAIL_NOT_PERMITTED), CLI_NOT_PERMITTED, "not-permitted",
       "the sentence");
    is(after(EARSHOT_NOT_TRUSTED, FAIL_NOT_TRUSTED), CLI_NOT_PERMITTED, "not-trusted",
       "the sentence");
    is(after(EARSHOT_OTHER_VERSION, FAIL_VERSION), CLI_NO_HUB, "version", "the sentence");
    is(after(EARSHOT_OTHER_NAMESPACE, FAIL_OTHER_NAMESPACE), CLI_NO_HUB, "other-namespace",
       "the sentence");
    is(after(EARSHOT_BAD_NAME, FAIL_BAD_NAME), CLI_USAGE, "bad-name", "the sentence");
    is(after(EARSHOT_BAD_TEXT, FAIL_BAD_TEXT), CLI_DATA, "bad-text", "the sentence");
    is(after(EARSHOT_LIMIT, FAIL_LIMIT), CLI_TRY_AGAIN, "limit", "the sentence");
    is(after(EARSHOT_BAD_ARGUMENT, FAIL_BAD_ARGUMENT), CLI_USAGE, "bad-argument", "the sentence");
    is(after(EARSHOT_REFUSED, FAIL_HANDLE_TAKEN), CLI_NOT_PERMITTED, "handle-taken",
       "the sentence");
}

Test(outcome, 02_no_room_now_and_no_answer_in_time_are_two_things) {
    is(after(EARSHOT_AGAIN, FAIL_BUSY), CLI_TRY_AGAIN, "busy", "the sentence");
    is(after(EARSHOT_AGAIN, FAIL_TIMED_OUT), CLI_TRY_AGAIN, "timed-out", "the sentence");
}

Test(outcome, 03_what_the_system_says) {
    struct outcome outcome = after(-ENOMEM, FAIL_NO_HUB);
    is(outcome, CLI_FAILED, "internal", strerror(ENOMEM));
    cr_expect(outcome.is_errno, "what an earlier call said is not told again");
    outcome = after(-ENOMEM, FAIL_INTERNAL);
    is(outcome, CLI_FAILED, "internal", "the sentence");
    cr_expect_not(outcome.is_errno);
    is(outcome_of(NULL, -ENOMEM), CLI_FAILED, "internal", strerror(ENOMEM));
}

Test(outcome, 04_an_event_that_gives_no_reason_has_one) {
    struct earshot_event event = {.type = EARSHOT_EVENT_REFUSED};
    event.failed.code = FAIL_NO_USER;
    event.failed.reason = "";
    is(outcome_of_event(&event), CLI_NO_NAME, "no-user", fail_text(FAIL_NO_USER));
    event.failed.reason = "the hub's own";
    is(outcome_of_event(&event), CLI_NO_NAME, "no-user", "the hub's own");
}

Test(outcome, 05_what_the_system_says_about_a_file) {
    is(outcome_of_file(NULL, -ENOENT, OUTCOME_READ), CLI_DATA, "file", strerror(ENOENT));
    is(outcome_of_file(NULL, -EACCES, OUTCOME_READ), CLI_NOT_PERMITTED, "file", strerror(EACCES));
    is(outcome_of_file(NULL, -EMFILE, OUTCOME_READ), CLI_TRY_AGAIN, "file",
       "Too many open files; each offer needs one, see `ulimit -n`");
    is(outcome_of_file(NULL, -EACCES, OUTCOME_WRITE), CLI_CANNOT_CREATE, "file", strerror(EACCES));
    is(outcome_of_file(NULL, -ENOMEM, OUTCOME_READ), CLI_FAILED, "internal", strerror(ENOMEM));
    after(EARSHOT_REFUSED, FAIL_BAD_TEXT);
    is(outcome_of_file(&the_link, EARSHOT_REFUSED, OUTCOME_READ), CLI_DATA, "file", "the sentence");
    is(outcome_of_file(&the_link, EARSHOT_REFUSED, OUTCOME_WRITE), CLI_DATA, "bad-text",
       "the sentence");
    cr_expect(outcome_of_file(NULL, -ENOENT, OUTCOME_WRITE).is_errno);
}
