#include "base/trust.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/error.h"
#include "base/home.h"
#include "base/macro.h"

#define TRUST_LINKS_MAX 40    /* as the kernel */
#define TRUST_ENTRY_SIZE 4096 /* of the user or group database; what is longer is not believed */
#define TRUST_USERS_MAX 65536 /* of more it is not asked whose first group a group is */
#define TRUST_NOBODY ((uid_t)-1)

struct trust_walk {
    uid_t root, other;
    int dir;             /* where the walk is: a directory (O_PATH) */
    char at[PATH_MAX];   /* its path, as it was come to */
    char rest[PATH_MAX]; /* what is left of the path */
    unsigned n_links;
    bool has_fault;
    struct trust_fault *fault; /* the first one */
};

static void trust_append(char path[PATH_MAX], const char *name) {
    size_t n = strlen(path);
    const char *slash = n > 0 && path[n - 1] != '/' && *name ? "/" : "";
    snprintf(path + n, PATH_MAX - n, "%s%s", slash, name);
}

static void trust_blame(struct trust_walk *walk, enum trust_why why, uid_t uid, const char *name) {
    if (walk->has_fault)
        return;
    walk->has_fault = true;
    walk->fault->why = why;
    walk->fault->uid = uid;
    memcpy(walk->fault->at, walk->at, sizeof walk->at);
    trust_append(walk->fault->at, name);
}

static bool trust_is_ours(const struct trust_walk *walk, uid_t uid) {
    return uid == 0 || uid == walk->root || uid == geteuid() ||
           (uid == walk->other && uid != TRUST_NOBODY);
}

/* An access list lets more than one group write, and the mode shows the most that any may. */
static bool trust_has_list(int fd) {
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return getxattr(path, "system.posix_acl_access", NULL, 0) > 0;
}

/*
 * Whether it is the first group of another user, of which the group database says nothing. What a
 * directory service does not list is not seen; its administrator decides who has which group.
 */
static bool trust_is_first_of_others(gid_t gid, uid_t uid) {
    struct passwd entry, *user;
    char buffer[TRUST_ENTRY_SIZE];
    unsigned n = 0;
    bool has_others = false;
    int r;
    setpwent();
    while (!has_others && (r = getpwent_r(&entry, buffer, sizeof buffer, &user)) == 0)
        has_others = (user->pw_gid == gid && user->pw_uid != uid) || ++n > TRUST_USERS_MAX;
    endpwent();
    return has_others || r != ENOENT;
}

/* Whether the group has the name of this user's login, is the user's first, and has nobody else. */
static bool trust_is_group_of(gid_t gid, uid_t uid) {
    struct passwd entry, *user = NULL;
    struct group row, *group = NULL;
    char of_user[TRUST_ENTRY_SIZE], of_group[TRUST_ENTRY_SIZE];
    if (getpwuid_r(uid, &entry, of_user, sizeof of_user, &user) != 0 || !user ||
        user->pw_uid == 0 || user->pw_gid != gid)
        return false;
    if (getgrgid_r(gid, &row, of_group, sizeof of_group, &group) != 0 || !group ||
        strcmp(group->gr_name, user->pw_name) != 0)
        return false;
    for (char *const *member = group->gr_mem; *member; member++)
        if (strcmp(*member, user->pw_name) != 0)
            return false;
    return !trust_is_first_of_others(gid, uid);
}

/*
 * Many systems give each user a group of the same name with nobody else in it, and a umask that
 * lets the group write: that is nobody else. Not so root's: others often are in that.
 */
static bool trust_lets_others_write(const struct trust_walk *walk, int fd, const struct stat *st) {
    if (st->st_mode & S_IWOTH)
        return true;
    if (!(st->st_mode & S_IWGRP))
        return false;
    bool is_own = trust_is_group_of(st->st_gid, geteuid()) ||
                  (walk->other != TRUST_NOBODY && trust_is_group_of(st->st_gid, walk->other));
    return !is_own || trust_has_list(fd);
}

/* What is ours in a sticky directory, such as /tmp, only we can take away: its owner is asked. */
static void trust_judge_directory(struct trust_walk *walk, int fd, const struct stat *st,
                                  const char *name) {
    if (!trust_is_ours(walk, st->st_uid) ||
        (!(st->st_mode & S_ISVTX) && trust_lets_others_write(walk, fd, st)))
        trust_blame(walk, TRUST_DIRECTORY, st->st_uid, name);
}

static void trust_judge_file(struct trust_walk *walk, int fd, const struct stat *st,
                             const char *name) {
    if (S_ISDIR(st->st_mode))
        trust_blame(walk, TRUST_IS_DIRECTORY, st->st_uid, name);
    else if (!S_ISREG(st->st_mode))
        trust_blame(walk, TRUST_NO_FILE, st->st_uid, name);
    else if (!trust_is_ours(walk, st->st_uid))
        trust_blame(walk, TRUST_OWNER, st->st_uid, name);
    else if (trust_lets_others_write(walk, fd, st))
        trust_blame(walk, TRUST_WRITABLE, st->st_uid, name);
}

static void trust_move_to(struct trust_walk *walk, int dir, const char *name) {
    if (walk->dir >= 0)
        close(walk->dir);
    walk->dir = dir;
    trust_append(walk->at, name);
}

/* Whether the rest of the path leads into the home directory by its name, which is stored. */
static bool trust_home(const struct trust_walk *walk, char home[PATH_MAX]) {
    size_t n = home_of_user(home) == 0 ? strlen(home) : 0;
    while (n > 1 && home[n - 1] == '/')
        n--;
    home[n] = '\0';
    return n > 1 && strncmp(walk->rest, home, n) == 0 && walk->rest[n] == '/';
}

/* The rest of the path is absolute. */
static int trust_start(struct trust_walk *walk) {
    struct stat st;
    char home[PATH_MAX];
    bool is_home = trust_home(walk, home);
    const char *start = is_home ? home : "/";
    int dir = open(start, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0)
        return error_errno();
    walk->at[0] = '\0';
    trust_move_to(walk, dir, start);
    if (is_home)
        memmove(walk->rest, walk->rest + strlen(home), strlen(walk->rest + strlen(home)) + 1);
    if (fstat(dir, &st) < 0)
        return error_errno();
    trust_judge_directory(walk, dir, &st, "");
    return 0;
}

static int trust_begin(struct trust_walk *walk, const char *path) {
    struct stat st;
    size_t n = 0;
    walk->root = stat("/", &st) == 0 ? st.st_uid : 0;
    if (path[0] != '/') {
        if (!getcwd(walk->rest, sizeof walk->rest))
            return error_errno();
        n = strlen(walk->rest);
    }
    if (path[0] == '\0')
        return -ENOENT;
    if (n + strlen(path) + 2 > sizeof walk->rest)
        return -ENAMETOOLONG;
    snprintf(walk->rest + n, sizeof walk->rest - n, "%s%s", n > 0 ? "/" : "", path);
    return trust_start(walk);
}

/* Takes the next name off the rest; false when there is none. */
static bool trust_next(struct trust_walk *walk, char name[NAME_MAX + 2]) {
    const char *from = walk->rest + strspn(walk->rest, "/");
    size_t n = strcspn(from, "/");
    snprintf(name, NAME_MAX + 2, "%.*s", (int)n, from);
    memmove(walk->rest, from + n, strlen(from + n) + 1);
    return n > 0;
}

static bool trust_is_last(const struct trust_walk *walk) {
    return walk->rest[strspn(walk->rest, "/")] == '\0';
}

/* The rest of the path is behind what the link says. */
static int trust_follow(struct trust_walk *walk, int link, const char *name) {
    char target[PATH_MAX];
    struct stat st;
    ssize_t n = readlinkat(link, "", target, sizeof target);
    if (n < 0 || fstat(link, &st) < 0)
        return error_errno();
    if (++walk->n_links > TRUST_LINKS_MAX)
        return -ELOOP;
    size_t n_rest = strlen(walk->rest);
    if ((size_t)n + n_rest + 1 > sizeof walk->rest)
        return -ENAMETOOLONG;
    if (!trust_is_ours(walk, st.st_uid))
        trust_blame(walk, TRUST_LINK, st.st_uid, name);
    memmove(walk->rest + n, walk->rest, n_rest + 1);
    memcpy(walk->rest, target, (size_t)n);
    return n > 0 && target[0] == '/' ? trust_start(walk) : 0;
}

/*
 * One name on the way: a directory, or a link. As a directory first, because that mounts what is
 * mounted when somebody comes. The last name of all may be missing, or no directory: 1 then.
 */
static int trust_step(struct trust_walk *walk, const char *name) {
    struct stat st;
    bool is_last = trust_is_last(walk);
    int flags = O_PATH | O_NOFOLLOW | O_CLOEXEC;
    int fd = openat(walk->dir, name, flags | O_DIRECTORY);
    if (fd < 0 && errno == ENOTDIR)
        fd = openat(walk->dir, name, flags);
    if (fd < 0)
        return is_last && errno == ENOENT ? 1 : error_errno();
    int r = fstat(fd, &st) < 0 ? error_errno() : 0;
    if (r == 0 && S_ISDIR(st.st_mode)) {
        if (!is_last)
            trust_judge_directory(walk, fd, &st, name);
        trust_move_to(walk, fd, name);
        return 0;
    }
    if (r == 0 && S_ISLNK(st.st_mode))
        r = trust_follow(walk, fd, name);
    else if (r == 0)
        r = is_last ? 1 : -ENOTDIR;
    close(fd);
    return r;
}

/* In its directory, where it is no link. */
static int trust_open_last(struct trust_walk *walk, const char *name, int flags) {
    struct stat st;
    if (walk->has_fault && (flags & O_CREAT))
        return TRUST_FAULTY;
    int fd = openat(walk->dir, name, flags | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0600);
    if (fd < 0)
        return error_errno();
    int r = fstat(fd, &st) < 0 ? error_errno() : 0;
    if (r == 0)
        trust_judge_file(walk, fd, &st, name);
    if (r == 0 && !walk->has_fault)
        return fd;
    close(fd);
    return r < 0 ? r : TRUST_FAULTY;
}

/* As far as directories lead; the name that is left, or "" when that is all. */
static int trust_walk(struct trust_walk *walk, const char *path, char name[NAME_MAX + 2]) {
    int r = trust_begin(walk, path);
    while (r == 0 && trust_next(walk, name))
        r = strcmp(name, ".") == 0 ? 0 : trust_step(walk, name);
    if (r == 0)
        name[0] = '\0';
    return r > 0 ? 0 : r;
}

int trust_open(const char *path, int flags, struct trust_fault *fault) {
    char name[NAME_MAX + 2];
    struct trust_walk walk = {.dir = -1, .other = TRUST_NOBODY, .fault = fault};
    int r = trust_walk(&walk, path, name);
    if (r == 0 && name[0] == '\0') {
        trust_blame(&walk, TRUST_IS_DIRECTORY, geteuid(), "");
        r = TRUST_FAULTY;
    } else if (r == 0) {
        r = trust_open_last(&walk, name, flags);
    }
    if (walk.dir >= 0)
        close(walk.dir);
    return r;
}

int trust_reach(const char *path, uid_t other, struct trust_fault *fault) {
    char name[NAME_MAX + 2];
    struct trust_walk walk = {.dir = -1, .other = other, .fault = fault};
    int r = trust_walk(&walk, path, name);
    if (r == 0 && name[0] != '\0')
        r = faccessat(walk.dir, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0 ? -ENOTDIR : error_errno();
    if (r == 0 && !walk.has_fault)
        return walk.dir;
    if (walk.dir >= 0)
        close(walk.dir);
    return r < 0 ? r : TRUST_FAULTY;
}

void trust_text(const struct trust_fault *fault, const char *path, char *text, size_t size) {
    const char *at = fault->at;
    switch (fault->why) {
    case TRUST_IS_DIRECTORY:
        snprintf(text, size, "%s is a directory, and should be a file", path);
        break;
    case TRUST_NO_FILE:
        snprintf(text, size, "%s is no regular file; put the file itself there", path);
        break;
    case TRUST_OWNER:
        snprintf(
            text, size,
            "%s can be written by others: it belongs to uid %u, and must belong to you or root",
            path, (unsigned)fault->uid);
        break;
    case TRUST_WRITABLE:
        snprintf(text, size,
                 "%s can be written by others; it must be writable by nobody but you or root: "
                 "chmod go-w %s",
                 path, at);
        break;
    case TRUST_LINK:
        snprintf(
            text, size,
            "%s can be replaced, and so be written by others: %s is a link of uid %u, and must "
            "belong to you or root",
            path, at, (unsigned)fault->uid);
        break;
    case TRUST_DIRECTORY:
        snprintf(text, size,
                 "%s can be replaced, and so be written by others, who may write to the directory "
                 "%s; it must belong to you or root, and be writable by nobody else: chmod go-w %s",
                 path, at, at);
        break;
    }
}
