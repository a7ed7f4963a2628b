#include "cli/config_trust.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/macro.h"

#define LEVELS_MAX 64 /* directories between the file and the home directory */

static int distrust(char why[CONFIG_WHY_SIZE], const char *format, ...) PRINTF_LIKE(2, 3);

static int distrust(char why[CONFIG_WHY_SIZE], const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(why, CONFIG_WHY_SIZE, format, args);
    va_end(args);
    return CONFIG_NOT_TRUSTED;
}

static bool is_of_ours(const struct stat *st) {
    return st->st_uid == 0 || st->st_uid == geteuid();
}

/*
 * Many systems give each user a group of the same name with nobody else in it, and a umask that
 * lets the group write: that is nobody else. Not so root's: others often are in that.
 */
static bool is_own_group(gid_t gid) {
    const struct passwd *user = getpwuid(geteuid());
    if (!user || user->pw_uid == 0 || user->pw_gid != gid)
        return false;
    CLEANUP_FREE char *login = strdup(user->pw_name);
    const struct group *group = getgrgid(gid);
    if (!login || !group || strcmp(group->gr_name, login) != 0)
        return false;
    for (char *const *member = group->gr_mem; *member; member++)
        if (strcmp(*member, login) != 0)
            return false;
    return true;
}

static bool others_may_write(const struct stat *st) {
    if (st->st_mode & S_IWOTH)
        return true;
    return (st->st_mode & S_IWGRP) && !is_own_group(st->st_gid);
}

static int check_file(int fd, const char *path, char why[CONFIG_WHY_SIZE]) {
    struct stat st;
    if (fstat(fd, &st) < 0)
        return error_errno();
    if (S_ISDIR(st.st_mode))
        return distrust(why, "%s is a directory, and should be a file", path);
    if (!S_ISREG(st.st_mode))
        return distrust(why, "%s is no regular file; put the configuration itself there", path);
    if (!is_of_ours(&st))
        return distrust(why,
                        "%s can be written by others: it belongs to uid %u, and must belong to you "
                        "or root",
                        path, st.st_uid);
    if (others_may_write(&st))
        return distrust(why,
                        "%s can be written by others; it must be writable by nobody but you or "
                        "root: chmod go-w %s",
                        path, path);
    return 0;
}

/* What is ours in a sticky directory, such as /tmp, only we can take away. */
static int check_directory(const struct stat *st, const char *path, const char *dir,
                           char why[CONFIG_WHY_SIZE]) {
    if (is_of_ours(st) && (!others_may_write(st) || (st->st_mode & S_ISVTX)))
        return 0;
    return distrust(why,
                    "%s can be replaced, and so be written by others, who may write to the "
                    "directory %s; it must belong to you or root, and be writable by nobody else: "
                    "chmod go-w %s",
                    path, dir, dir);
}

static bool is_same(const struct stat *a, const struct stat *b) {
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* To the directory above; false at the root. */
static bool go_up(char dir[PATH_MAX]) {
    char *slash = strrchr(dir, '/');
    if (!slash || strcmp(dir, "/") == 0)
        return false;
    slash[slash == dir] = '\0';
    return true;
}

/* How many directories from `dir` on are to be looked at: up to the home directory, else itself. */
static int count_levels(const char *dir) {
    char above[PATH_MAX];
    const char *home = getenv("HOME");
    struct stat at, st;
    if (!home || home[0] != '/' || stat(home, &at) < 0)
        return 1;
    snprintf(above, sizeof above, "%s", dir);
    for (int n = 1; n < LEVELS_MAX; n++) {
        if (stat(above, &st) == 0 && is_same(&st, &at))
            return n;
        if (!go_up(above))
            break;
    }
    return 1;
}

/* Of the file itself, wherever links lead to it. */
static int check_directories(int fd, const char *path, char why[CONFIG_WHY_SIZE]) {
    char link[64], dir[PATH_MAX];
    struct stat st;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    if (!realpath(link, dir) || !go_up(dir))
        return error_errno();
    for (int n = count_levels(dir); n > 0; n--) {
        int r = stat(dir, &st) < 0 ? error_errno() : check_directory(&st, path, dir, why);
        if (r != 0)
            return r;
        go_up(dir);
    }
    return 0;
}

/* A link lies in a directory, too; who may write there can make it lead to another file of ours. */
static int check_link(const char *path, char why[CONFIG_WHY_SIZE]) {
    char dir[PATH_MAX];
    struct stat st;
    if (lstat(path, &st) < 0)
        return error_errno();
    if (!S_ISLNK(st.st_mode))
        return 0;
    const char *slash = strrchr(path, '/');
    if (!slash)
        snprintf(dir, sizeof dir, ".");
    else
        snprintf(dir, sizeof dir, "%.*s", slash == path ? 1 : (int)(slash - path), path);
    if (!is_of_ours(&st))
        return distrust(why, "%s is a link of uid %u, and must belong to you or root", path,
                        st.st_uid);
    return stat(dir, &st) < 0 ? error_errno() : check_directory(&st, path, dir, why);
}

int config_open_trusted(const char *path, char why[CONFIG_WHY_SIZE]) {
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0)
        return error_errno();
    int r = check_file(fd, path, why);
    if (r == 0)
        r = check_directories(fd, path, why);
    if (r == 0)
        r = check_link(path, why);
    if (r == 0)
        return fd;
    close(fd);
    return r;
}
