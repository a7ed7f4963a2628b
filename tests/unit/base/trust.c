/* A file is believed when nobody else can have had a hand in what its path leads to. */
#include "base/trust.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>

#define MALLORY 61001

static char root[PATH_MAX];
static struct trust_fault fault;

/* root/a/b/file, all ours. */
static void setup(void) {
    const char *base = getenv("TMPDIR");
    char template[128];
    umask(022);
    unsetenv("HOME");
    snprintf(template, sizeof template, "%s/earshot-trust-XXXXXX", base ? base : "/tmp");
    cr_assert_not_null(mkdtemp(template));
    cr_assert_not_null(realpath(template, root));
    cr_assert_eq(chdir(root), 0);
    cr_assert_eq(mkdir("a", 0755) | mkdir("a/b", 0755) | mkdir("other", 0755), 0);
    close(open("a/b/file", O_CREAT | O_WRONLY, 0644));
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *where) {
    (void)status, (void)type, (void)where;
    return remove(path);
}

static void teardown(void) {
    cr_assert_eq(chdir("/"), 0);
    cr_expect_eq(nftw(root, remove_entry, 8, FTW_DEPTH | FTW_PHYS), 0);
}

TestSuite(trust, .init = setup, .fini = teardown);

static const char *at(const char *path) {
    static char whole[PATH_MAX + 64];
    snprintf(whole, sizeof whole, "%s/%s", root, path);
    return whole;
}

static int open_at(const char *path, int flags) {
    int fd = trust_open(path, flags, &fault);
    if (fd < 0)
        return fd;
    close(fd);
    return 0;
}

static void is_believed(const char *path) {
    cr_expect_eq(open_at(path, O_RDONLY), 0, "%s: %s", path, fault.at);
    cr_expect_eq(open_at(at(path), O_RDONLY), 0, "%s: %s", at(path), fault.at);
}

static void is_faulty(const char *path, enum trust_why why, const char *where) {
    cr_expect_eq(open_at(at(path), O_RDONLY), TRUST_FAULTY, "%s", path);
    cr_expect_eq(fault.why, why, "%s: %d", path, (int)fault.why);
    cr_expect_str_eq(fault.at, at(where));
}

static void link_to(const char *target, const char *path) {
    cr_assert_eq(symlink(target, path), 0);
}

static void give(const char *path) {
    cr_assert_eq(lchown(path, MALLORY, MALLORY), 0);
}

#define NEEDS_ROOT()                                                                               \
    do {                                                                                           \
        if (geteuid() != 0)                                                                        \
            cr_skip_test("SKIPPED: needs a second user, and so root");                             \
    } while (0)

Test(trust, 01_a_file_of_ours) {
    is_believed("a/b/file");
    is_believed("a/./b//file");
    is_believed("a/b/../b/file");
}

Test(trust, 02_the_file_itself) {
    chmod("a/b/file", 0646);
    is_faulty("a/b/file", TRUST_WRITABLE, "a/b/file");
    is_faulty("a/b", TRUST_IS_DIRECTORY, "a/b");
    mkfifo("a/b/fifo", 0600);
    is_faulty("a/b/fifo", TRUST_NO_FILE, "a/b/fifo");
}

Test(trust, 03_every_directory_above_it) {
    chmod("a", 0757);
    is_faulty("a/b/file", TRUST_DIRECTORY, "a");
    chmod("a", 0755);
    chmod("a/b", 0757);
    is_faulty("a/b/file", TRUST_DIRECTORY, "a/b");
}

Test(trust, 04_what_is_ours_in_a_sticky_one_stays) {
    chmod("a", 01777);
    is_believed("a/b/file");
}

Test(trust, 05_links_of_ours_are_followed) {
    link_to("a/b", "relative");
    link_to(at("a"), "absolute");
    link_to("../a/b/file", "other/end");
    link_to("end", "other/chain");
    is_believed("relative/file");
    is_believed("absolute/b/file");
    is_believed("other/end");
    is_believed("other/chain");
}

Test(trust, 06_a_link_in_the_middle_lies_in_a_directory_too) {
    link_to("../a/b", "other/link");
    is_believed("other/link/file");
    chmod("other", 0757);
    is_faulty("other/link/file", TRUST_DIRECTORY, "other");
    chmod("other", 0755);
    mkdir("open", 0755);
    link_to(at("other/link"), "open/first");
    link_to(at("open/first"), "second");
    is_believed("second/file");
    chmod("open", 0757);
    is_faulty("second/file", TRUST_DIRECTORY, "open");
}

Test(trust, 07_where_a_link_leads_is_looked_at_as_well) {
    link_to("../a/b", "other/link");
    chmod("a", 0757);
    is_faulty("other/link/file", TRUST_DIRECTORY, "other/../a");
}

Test(trust, 08_links_in_a_circle) {
    link_to("two", "one");
    link_to("one", "two");
    cr_expect_eq(open_at(at("one"), O_RDONLY), -ELOOP);
    cr_expect_eq(open_at(at("one/file"), O_RDONLY), -ELOOP);
}

Test(trust, 09_what_is_not_there) {
    chmod("a", 0757);
    cr_expect_eq(open_at(at("a/none"), O_RDONLY), -ENOENT, "nobody has put one there");
    cr_expect_eq(open_at(at("a/none/file"), O_RDONLY), -ENOENT);
    cr_expect_eq(open_at(at("a/b/file/x"), O_RDONLY), -ENOTDIR);
    cr_expect_eq(open_at("", O_RDONLY), -ENOENT);
}

Test(trust, 10_made_where_nobody_else_could_have_made_it) {
    struct stat st;
    chmod("a", 0757);
    cr_expect_eq(open_at(at("a/new"), O_WRONLY | O_CREAT), TRUST_FAULTY);
    cr_expect_neq(access("a/new", F_OK), 0);
    chmod("a", 0755);
    cr_expect_eq(open_at(at("a/new"), O_WRONLY | O_CREAT), 0);
    cr_assert_eq(stat("a/new", &st), 0);
    cr_expect_eq(st.st_mode & 0777, 0600);
}

Test(trust, 11_below_the_home_directory_the_walk_begins_there) {
    chmod("a", 0757);
    setenv("HOME", at("a/b"), 1);
    cr_expect_eq(open_at(at("a/b/file"), O_RDONLY), 0);
    link_to("../../other", "a/b/out");
    link_to(at("a/b/file"), "other/back");
    cr_expect_eq(open_at(at("a/b/out/back"), O_RDONLY), TRUST_FAULTY, "through `a`, by ..");
    chmod("a/b", 0757);
    is_faulty("a/b/file", TRUST_DIRECTORY, "a/b");
}

Test(trust, 12_of_another_user) {
    NEEDS_ROOT();
    give("a");
    is_faulty("a/b/file", TRUST_DIRECTORY, "a");
    cr_assert_eq(lchown("a", 0, 0), 0);
    give("a/b/file");
    is_faulty("a/b/file", TRUST_OWNER, "a/b/file");
    chmod("other", 01777);
    link_to("../a/b", "other/link");
    give("other/link");
    close(open("a/b/ours", O_CREAT | O_WRONLY, 0644));
    is_faulty("other/link/ours", TRUST_LINK, "other/link");
}

Test(trust, 13_a_group_with_others_in_it) {
    NEEDS_ROOT();
    chmod("a", 0775);
    is_faulty("a/b/file", TRUST_DIRECTORY, "a");
}

/*
 * Users and groups as a test wants them: what stands here is called instead of the C library's.
 * "us" is who runs the test, under a uid that is not root's.
 */
#define US 61003
#define GROUP 61004

static struct passwd people[3];
static char *members[2];
static struct group group = {.gr_name = (char *)"us", .gr_gid = GROUP, .gr_mem = members};
static size_t n_people, next_person;
static int directory_error = ENOENT;

int getpwuid_r(uid_t uid, struct passwd *entry, char *buffer, size_t size, struct passwd **found) {
    (void)buffer, (void)size;
    *found = NULL;
    for (size_t i = 0; i < n_people && !*found; i++)
        if (people[i].pw_uid == uid)
            *entry = people[i], *found = entry;
    return 0;
}

int getgrgid_r(gid_t gid, struct group *entry, char *buffer, size_t size, struct group **found) {
    (void)buffer, (void)size;
    *entry = group;
    *found = gid == group.gr_gid ? entry : NULL;
    return 0;
}

void setpwent(void) {
    next_person = 0;
}

void endpwent(void) {
}

int getpwent_r(struct passwd *entry, char *buffer, size_t size, struct passwd **found) {
    (void)buffer, (void)size;
    *found = NULL;
    if (next_person == n_people)
        return directory_error;
    *entry = people[next_person++];
    *found = entry;
    return 0;
}

static void person(const char *name, uid_t uid, gid_t gid) {
    people[n_people++] = (struct passwd){
        .pw_name = (char *)name, .pw_uid = uid, .pw_gid = gid, .pw_dir = (char *)"/nonexistent"};
}

/* root/a/b/file is ours, and the group may write it. */
static void become_us(void) {
    NEEDS_ROOT();
    person("us", US, GROUP);
    cr_assert_eq(chown("a/b/file", US, GROUP) | chown("a/b", US, GROUP) | chmod("a/b/file", 0664),
                 0);
    cr_assert_eq(chmod(root, 0755) | seteuid(US), 0);
}

Test(trust, 17_a_group_of_ones_own) {
    become_us();
    is_believed("a/b/file");
    person("other", US + 1, GROUP + 1);
    person("alias", US, GROUP);
    is_believed("a/b/file");
    cr_assert_eq(seteuid(0), 0);
}

Test(trust, 18_a_group_that_is_the_first_of_another) {
    become_us();
    person("mallory", US + 1, GROUP);
    is_faulty("a/b/file", TRUST_WRITABLE, "a/b/file");
    cr_assert_eq(seteuid(0), 0);
}

Test(trust, 19_a_group_with_a_member) {
    become_us();
    members[0] = (char *)"mallory";
    is_faulty("a/b/file", TRUST_WRITABLE, "a/b/file");
    members[0] = (char *)"us";
    is_believed("a/b/file");
    cr_assert_eq(seteuid(0), 0);
}

Test(trust, 20_whose_group_it_is_cannot_be_told) {
    become_us();
    directory_error = EIO;
    is_faulty("a/b/file", TRUST_WRITABLE, "a/b/file");
    cr_assert_eq(seteuid(0), 0);
}

static int reach(const char *path, uid_t other) {
    int fd = trust_reach(path, other, &fault);
    if (fd < 0)
        return fd;
    close(fd);
    return 0;
}

Test(trust, 14_the_way_to_a_directory) {
    chmod("a/b", 0757);
    cr_expect_eq(reach(at("a/b"), (uid_t)-1), 0, "itself is looked at by who asks");
    cr_expect_eq(reach(at("a/b/"), (uid_t)-1), 0);
    cr_expect_eq(reach(at("a/none"), (uid_t)-1), -ENOENT);
    cr_expect_eq(reach(at("a/b/file"), (uid_t)-1), -ENOTDIR);
    chmod("a", 0757);
    cr_expect_eq(reach(at("a/b"), (uid_t)-1), TRUST_FAULTY);
}

Test(trust, 15_who_is_believed_besides) {
    NEEDS_ROOT();
    give("a");
    cr_expect_eq(reach(at("a/b"), (uid_t)-1), TRUST_FAULTY);
    cr_expect_eq(reach(at("a/b"), MALLORY + 1), TRUST_FAULTY);
    cr_expect_eq(reach(at("a/b"), MALLORY), 0);
}

Test(trust, 16_the_sentence) {
    char text[3 * PATH_MAX];
    chmod("a", 0757);
    is_faulty("a/b/file", TRUST_DIRECTORY, "a");
    trust_text(&fault, "the file", text, sizeof text);
    cr_expect_not_null(strstr(text, "the file can be replaced"));
    cr_expect_not_null(strstr(text, "chmod go-w /"));
}
