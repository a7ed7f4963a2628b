/* What programs of the user keep is nobody else's to write, and nothing there makes them wait. */
#include "cli/kept.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>

static char dir[] = "/tmp/earshot-kept-XXXXXX", path[PATH_MAX];

static void make(void) {
    cr_assert(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/file", dir);
}

static void clear(void) {
    unlink(path);
    cr_expect_eq(rmdir(dir), 0, "nothing else is left: %s", strerror(errno));
}

TestSuite(kept, .init = make, .fini = clear);

static void write_words(void *arg, FILE *out) {
    fputs(arg, out);
}

static void has(const char *text) {
    char line[64] = "";
    struct stat status;
    FILE *in = kept_open(path, NULL);
    cr_assert(in);
    cr_expect_eq(fread(line, 1, sizeof line - 1, in), strlen(text));
    cr_expect_str_eq(line, text);
    cr_expect_eq(fstat(fileno(in), &status), 0);
    cr_expect_eq(status.st_mode & 07777, 0600U);
    fclose(in);
}

Test(kept, 01_what_is_added_and_written_anew) {
    char *why;
    cr_expect_null(kept_open(path, &why));
    cr_expect_null(why, "nothing is wrong with a file that is not there");
    cr_expect_eq(kept_append(path, "one\n"), 0);
    cr_expect_eq(kept_append(path, "two\n"), 0);
    has("one\ntwo\n");
    char words[] = "three\n";
    kept_renew(path, write_words, words);
    has("three\n");
}

Test(kept, 02_what_others_may_write_is_not_believed) {
    char *why, words[] = "mine\n";
    cr_expect_eq(kept_append(path, "theirs\n"), 0);
    cr_expect_eq(chmod(path, 0666), 0);
    cr_expect_null(kept_open(path, &why));
    cr_assert(why);
    cr_expect(strstr(why, "can be written by others"), "%s", why);
    free(why);
    cr_expect_eq(kept_append(path, "more\n"), -EPERM);
    kept_renew(path, write_words, words);
    has("mine\n");
}

Test(kept, 03_a_pipe_makes_nobody_wait) {
    char words[] = "mine\n";
    cr_expect_eq(mkfifo(path, 0600), 0);
    cr_expect_null(kept_open(path, NULL));
    cr_expect_lt(kept_append(path, "more\n"), 0);
    kept_renew(path, write_words, words);
    has("mine\n");
}

Test(kept, 04_a_link_is_replaced_and_not_what_it_leads_to) {
    char words[] = "mine\n", other[PATH_MAX + 16], line[16] = "";
    snprintf(other, sizeof other, "%s.other", path);
    cr_expect_eq(kept_append(other, "other\n"), 0);
    cr_expect_eq(symlink(other, path), 0);
    kept_renew(path, write_words, words);
    has("mine\n");
    FILE *in = fopen(other, "re");
    cr_assert(in);
    cr_expect(fgets(line, sizeof line, in));
    cr_expect_str_eq(line, "other\n");
    fclose(in);
    unlink(other);
}

Test(kept, 05_where_nothing_can_be_written_nothing_is) {
    char nowhere[PATH_MAX + 16], words[] = "mine\n";
    snprintf(nowhere, sizeof nowhere, "%s/none/file", dir);
    cr_expect_eq(kept_append(nowhere, "more\n"), -ENOENT);
    kept_renew(nowhere, write_words, words);
}
