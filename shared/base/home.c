#include "base/home.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/macro.h"

#define HOME_ENTRY_SIZE 4096 /* of the user database; what is longer is not believed */

static int home_put(char path[PATH_MAX], const char *dir, const char *below) {
    int n = snprintf(path, PATH_MAX, "%s%s", dir, below);
    if (n < PATH_MAX)
        return 0;
    path[0] = '\0';
    return -ENAMETOOLONG;
}

static bool home_is_ours(const char *dir) {
    struct stat status;
    return dir && dir[0] == '/' && stat(dir, &status) == 0 && S_ISDIR(status.st_mode) &&
           status.st_uid == geteuid();
}

/* In a user namespace root is a stranger, but still owns "/". */
static bool home_is_nobody_elses(const struct stat *status) {
    struct stat root;
    return status->st_uid == geteuid() || status->st_uid == 0 ||
           (stat("/", &root) == 0 && status->st_uid == root.st_uid);
}

int home_of_user(char path[PATH_MAX]) {
    struct passwd entry, *user = NULL;
    char buffer[HOME_ENTRY_SIZE];
    const char *home = getenv("HOME");
    path[0] = '\0';
    if (home_is_ours(home))
        return home_put(path, home, "");
    if (getpwuid_r(geteuid(), &entry, buffer, sizeof buffer, &user) != 0 || !user ||
        !home_is_ours(user->pw_dir))
        return 0;
    return home_put(path, user->pw_dir, "");
}

/* It, or the nearest directory above it that is there. What is no directory shows when it is used.
 */
static bool home_may_hold(const char *dir) {
    char path[PATH_MAX];
    struct stat status;
    if (home_put(path, dir, "") < 0)
        return true;
    while (stat(path, &status) < 0) {
        char *slash = strrchr(path, '/');
        if (errno != ENOENT)
            return errno == ENOTDIR;
        slash[slash == path] = '\0';
    }
    return home_is_nobody_elses(&status);
}

int home_base(char path[PATH_MAX], const char *variable, const char *below) {
    char home[PATH_MAX];
    const char *base = getenv(variable);
    if (base && base[0] == '/' && home_may_hold(base))
        return home_put(path, base, "");
    path[0] = '\0';
    int r = home_of_user(home);
    return r == 0 && home[0] ? home_put(path, home, below) : r;
}

/* Enters a directory, made if it is missing: *at is it then. */
static int home_enter(int *at, const char *name) {
    struct stat status;
    const int flags = O_PATH | O_DIRECTORY | O_CLOEXEC;
    int fd = openat(*at, name, flags);
    if (fd < 0 && errno == ENOENT) {
        if (fstat(*at, &status) < 0)
            return error_errno();
        if (!home_is_nobody_elses(&status))
            return HOME_OF_OTHERS;
        if (mkdirat(*at, name, 0700) < 0 && errno != EEXIST)
            return error_errno();
        fd = openat(*at, name, flags);
    }
    if (fd < 0)
        return error_errno();
    close(*at);
    *at = fd;
    return 0;
}

int home_make(const char *dir) {
    char path[PATH_MAX], *rest = path;
    if (dir[0] == '\0')
        return -ENOENT;
    int r = home_put(path, dir, "");
    if (r < 0)
        return r;
    CLEANUP_CLOSE int at = open(dir[0] == '/' ? "/" : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (at < 0)
        return error_errno();
    for (char *name; r == 0 && (name = strsep(&rest, "/")) != NULL;)
        if (*name)
            r = home_enter(&at, name);
    return r;
}
