#include "proto/fail.h"

#include <criterion/criterion.h>
#include <string.h>

Test(fail, 01_scripts_rely_on_these) {
    static const struct {
        enum fail_code code;
        const char *name;
        int exit_code;
    } promised[] = {
        {FAIL_NO_USER, "no-user", 67},
        {FAIL_NO_ROOM, "no-room", 67},
        {FAIL_BUSY, "busy", 75},
        {FAIL_HANDLE_TAKEN, "handle-taken", 77},
        {FAIL_LOGIN_RESERVED, "login-reserved", 77},
        {FAIL_BAD_NAME, "bad-name", 64},
        {FAIL_BAD_TEXT, "bad-text", 65},
        {FAIL_VERSION, "version", 69},
        {FAIL_NOT_MEMBER, "not-member", 77},
        {FAIL_NO_HUB, "no-hub", 69},
        {FAIL_NOT_TRUSTED, "not-trusted", 77},
        {FAIL_TIMED_OUT, "timed-out", 75},
        {FAIL_INTERNAL, "internal", 1},
    };
    for (size_t i = 0; i < sizeof promised / sizeof promised[0]; i++) {
        cr_assert_str_eq(fail_name(promised[i].code), promised[i].name);
        cr_assert_eq(fail_exit_code(promised[i].code), promised[i].exit_code);
    }
}

Test(fail, 02_every_code_is_complete_and_unlike_the_others) {
    for (unsigned code = 1; code < FAIL_END; code++) {
        cr_assert_str_neq(fail_name(code), "unknown", "code %u", code);
        cr_assert_gt(fail_exit_code(code), 0);
        cr_assert_lt(fail_exit_code(code), 128);
        cr_assert_str_neq(fail_text(code), "it failed", "code %u", code);
        for (unsigned other = 1; other < code; other++)
            cr_assert_str_neq(fail_name(code), fail_name(other));
    }
}

Test(fail, 03_numbers_outside_the_table) {
    static const unsigned outside[] = {FAIL_NONE, FAIL_END, FAIL_END + 1, 65535, ~0u};
    for (size_t i = 0; i < sizeof outside / sizeof outside[0]; i++) {
        cr_assert_str_eq(fail_name(outside[i]), "unknown");
        cr_assert_eq(fail_exit_code(outside[i]), 1);
        cr_assert_str_eq(fail_text(outside[i]), "it failed");
    }
}
