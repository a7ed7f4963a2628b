/* Whose home it is decides, not what the environment says. */
#include "base/home.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>

#define MALLORY 61001

static char root[PATH_MAX], path[PATH_MAX];

static void setup(void) {
    const char *base = getenv("TMPDIR");
    char template[128];
    snprintf(template, sizeof template, "%s/earshot-home-XXXXXX", base ? base : "/tmp");
    cr_assert_not_null(mkdtemp(template));
    cr_assert_not_null(realpath(template, root));
    cr_assert_eq(chdir(root), 0);
    cr_assert_eq(mkdir("ours", 0755) | mkdir("theirs", 0755), 0);
    unsetenv("XDG_STATE_HOME");
}

static int remove_entry(const char *name, const struct stat *status, int type, struct FTW *where) {
    (void)status, (void)type, (void)where;
    return remove(name);
}

static void teardown(void) {
    cr_assert_eq(chdir("/"), 0);
    cr_expect_eq(nftw(root, remove_entry, 8, FTW_DEPTH | FTW_PHYS), 0);
}

TestSuite(home, .init = setup, .fini = teardown);

static const char *at(const char *name) {
    static char whole[PATH_MAX + 64];
    snprintf(whole, sizeof whole, "%s/%s", root, name);
    return whole;
}

static void set(const char *variable, const char *name) {
    cr_assert_eq(setenv(variable, at(name), 1), 0);
}

static void state_is(const char *wanted) {
    cr_expect_eq(home_base(path, "XDG_STATE_HOME", "/.local/state"), 0);
    cr_expect_str_eq(path, at(wanted));
}

#define NEEDS_ROOT()                                                                               \
    do {                                                                                           \
        if (geteuid() != 0)                                                                        \
            cr_skip_test("SKIPPED: needs a second user, and so root");                             \
        cr_assert_eq(chown("theirs", MALLORY, MALLORY), 0);                                        \
    } while (0)

Test(home, 01_ours) {
    set("HOME", "ours");
    cr_expect_eq(home_of_user(path), 0);
    cr_expect_str_eq(path, at("ours"));
    state_is("ours/.local/state");
    set("XDG_STATE_HOME", "not/there/yet");
    state_is("not/there/yet");
    setenv("XDG_STATE_HOME", "relative", 1);
    state_is("ours/.local/state");
}

Test(home, 02_what_is_none) {
    set("HOME", "none");
    cr_expect_eq(home_of_user(path), 0);
    cr_expect_neq(strcmp(path, at("none")), 0);
    unsetenv("HOME");
    cr_expect_eq(home_of_user(path), 0);
    cr_expect(path[0] == '\0' || path[0] == '/');
}

Test(home, 03_of_another_user) {
    NEEDS_ROOT();
    set("HOME", "theirs");
    cr_expect_eq(home_of_user(path), 0);
    cr_expect_neq(strcmp(path, at("theirs")), 0);
    set("HOME", "ours");
    set("XDG_STATE_HOME", "theirs");
    state_is("ours/.local/state");
    set("XDG_STATE_HOME", "theirs/not/there");
    state_is("ours/.local/state");
}

Test(home, 04_made) {
    struct stat status;
    cr_expect_eq(home_make(at("ours/a//b/c/")), 0);
    cr_expect_eq(home_make(at("ours/a/b/c")), 0);
    cr_expect_eq(home_make("ours/d/../e"), 0);
    cr_assert_eq(stat("ours/a/b/c", &status) | stat("ours/e", &status), 0);
    cr_expect_eq(status.st_mode & 0777, 0700);
    cr_expect_eq(home_make(""), -ENOENT);
    fclose(fopen("ours/file", "w"));
    cr_expect_eq(home_make("ours/file/x"), -ENOTDIR);
    cr_expect_eq(home_make("ours/file"), -ENOTDIR);
}

Test(home, 05_nothing_is_made_in_what_is_theirs) {
    NEEDS_ROOT();
    cr_expect_eq(home_make("theirs"), 0);
    cr_expect_eq(home_make("theirs/a/b"), HOME_OF_OTHERS);
    cr_expect_neq(access("theirs/a", F_OK), 0);
    cr_assert_eq(symlink(at("theirs"), "link"), 0);
    cr_expect_eq(home_make("link/a"), HOME_OF_OTHERS);
}
