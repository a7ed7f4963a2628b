/* Lines of the log that a user can cause: one of each uid and kind a minute, and no count is lost.
 */

#include "io/tell.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MINUTE (TELL_EVERY_MS * NS_PER_MS)

static mono_time now = {1000 * NS_PER_S};

static bool may(uid_t uid) {
    return tell_may_at(TELL_REFUSED, uid, now);
}

/* What it writes itself, in a file that stands in for standard error. */
static char written[8 << 20];
static int saved = -1;
static FILE *file;

static void catch_begin(void) {
    file = tmpfile();
    cr_assert_not_null(file);
    saved = dup(STDERR_FILENO);
    dup2(fileno(file), STDERR_FILENO);
}

static void catch_end(void) {
    dup2(saved, STDERR_FILENO);
    close(saved);
    rewind(file);
    written[fread(written, 1, sizeof written - 1, file)] = '\0';
    fclose(file);
}

Test(tell, 01_one_line_of_each_uid_and_kind_a_minute) {
    cr_assert(may(1));
    cr_assert_not(may(1));
    cr_assert(may(2));
    cr_assert(tell_may_at(TELL_LANE, 1, now));
    now.ns += MINUTE - 1;
    cr_assert_not(may(1));
    now.ns += 1;
    catch_begin();
    cr_assert(may(1));
    catch_end();
    cr_assert_not_null(strstr(written, "uid 1: 2 more refused joins"));
    cr_assert_null(strstr(written, "uid 2"));
}

Test(tell, 02_what_was_left_out_is_told_at_the_end_once) {
    may(1);
    for (int i = 0; i < 100; i++)
        may(1);
    catch_begin();
    tell_rest_at(now);
    catch_end();
    cr_assert_not_null(strstr(written, "uid 1: 100 more"));
    cr_assert_not(may(1), "another minute has begun");
    catch_begin();
    tell_rest_at(now);
    catch_end();
    cr_assert_not_null(strstr(written, "uid 1: 1 more"));
    catch_begin();
    tell_rest_at(now);
    catch_end();
    cr_assert_str_empty(written);
}

Test(tell, 03_very_many_users_are_counted_together) {
    unsigned n_told = 0, n_users = 10 * TELL_ENTRIES_MAX;
    for (uid_t uid = 0; uid < n_users; uid++)
        n_told += may(uid);
    cr_assert_eq(n_told, TELL_ENTRIES_MAX);
    catch_begin();
    tell_rest_at(now);
    catch_end();
    char wanted[64];
    snprintf(wanted, sizeof wanted, "%u more lines about refused joins of other users",
             n_users - n_told);
    cr_assert_not_null(strstr(written, wanted));
    cr_assert_not(may(n_users), "still within the minute");
    now.ns += MINUTE;
    cr_assert(may(n_users), "their places are free again");
}

Test(tell, 04_no_count_is_lost_among_any_users) {
    unsigned long n = 0, n_told = 0;
    srand(7);
    catch_begin();
    for (int i = 0; i < 20000; i++, n++) {
        now.ns += MINUTE / 500;
        n_told += tell_may_at((enum tell_kind)(rand() % TELL_KIND_END), (uid_t)(rand() % 100), now);
    }
    tell_rest_at(now);
    catch_end();
    for (const char *line = written; (line = strstr(line, " more ")); line++) {
        const char *digits = line;
        while (digits > written && digits[-1] >= '0' && digits[-1] <= '9')
            digits--;
        n_told += strtoul(digits, NULL, 10);
    }
    cr_assert_eq(n_told, n);
}
