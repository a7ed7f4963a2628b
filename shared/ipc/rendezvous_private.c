#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/home.h"
#include "base/macro.h"
#include "ipc/rendezvous_record.h"

#define NOTE_NAME "/place" /* in the state directory */

int rendezvous_put_path(char path[PATH_MAX], const char *dir, const char *name) {
    int n = snprintf(path, PATH_MAX, "%s%s", dir, name);
    return n < PATH_MAX ? 0 : -ENAMETOOLONG;
}

static bool is_our_directory(const char *dir) {
    struct stat status;
    return dir[0] == '/' && stat(dir, &status) == 0 && S_ISDIR(status.st_mode) &&
           status.st_uid == geteuid();
}

/* $XDG_RUNTIME_DIR, if it is what the XDG Base Directory Specification says it must be. */
static const char *runtime_dir(void) {
    const char *dir = getenv("XDG_RUNTIME_DIR");
    return dir && is_our_directory(dir) ? dir : NULL;
}

int rendezvous_private_state(char path[PATH_MAX]) {
    char base[PATH_MAX];
    path[0] = '\0';
    int r = home_base(base, "XDG_STATE_HOME", "/.local/state");
    return r == 0 && base[0] ? rendezvous_put_path(path, base, "/earshot") : r;
}

/* Of a file that only this user writes; -1: there is none. */
static int open_note(const char *path) {
    struct stat status;
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (fd >= 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode) &&
        status.st_uid == geteuid() && is_closed_to_others(&status))
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

bool rendezvous_noted(const char *state, char dir[PATH_MAX]) {
    char path[PATH_MAX];
    if (rendezvous_put_path(path, state, NOTE_NAME) < 0)
        return false;
    CLEANUP_CLOSE int fd = open_note(path);
    ssize_t n = fd < 0 ? 0 : read(fd, dir, PATH_MAX - 1);
    if (n <= 1 || dir[0] != '/' || dir[n - 1] != '\n')
        return false;
    dir[n - 1] = '\0';
    return true;
}

/* Of our default state directory. */
static bool read_note(char dir[PATH_MAX]) {
    char state[PATH_MAX];
    return rendezvous_private_state(state) == 0 && state[0] && rendezvous_noted(state, dir);
}

int rendezvous_note(const char *state, const char *dir) {
    char path[PATH_MAX], made[PATH_MAX];
    if (rendezvous_put_path(path, state, NOTE_NAME) < 0 ||
        rendezvous_put_path(made, state, NOTE_NAME ".new") < 0)
        return -ENAMETOOLONG;
    if (unlink(made) < 0 && errno != ENOENT)
        return error_errno();
    CLEANUP_CLOSE int fd = open(made, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0 || dprintf(fd, "%s\n", dir) < 0 || rename(made, path) < 0)
        return error_errno();
    return 0;
}

/* In the order in which they are looked at. */
enum private_place { PRIVATE_NAMED, PRIVATE_USUAL, PRIVATE_TMP, PRIVATE_END };

/* False: in this environment it is none. */
static bool private_put(char path[PATH_MAX], enum private_place which) {
    char usual[64], tmp[64];
    const char *named = runtime_dir();
    snprintf(usual, sizeof usual, "/run/user/%u", (unsigned)geteuid());
    snprintf(tmp, sizeof tmp, "/tmp/earshot-%u", (unsigned)geteuid());
    bool is_usual = !named || strcmp(named, usual) == 0;
    switch (which) {
    case PRIVATE_NAMED:
        return named && rendezvous_put_path(path, named, "/earshot") == 0;
    case PRIVATE_USUAL:
        return is_usual && rendezvous_put_path(path, usual, "/earshot") == 0;
    case PRIVATE_TMP:
        return is_usual && rendezvous_put_path(path, tmp, "") == 0;
    case PRIVATE_END:
        break;
    }
    return false;
}

int rendezvous_private_place(char path[PATH_MAX]) {
    const char *named = runtime_dir();
    if (named)
        return rendezvous_put_path(path, named, "/earshot");
    (void)private_put(path, PRIVATE_TMP);
    return 0;
}

bool rendezvous_is_private_place(const char *dir) {
    char path[PATH_MAX];
    for (enum private_place i = 0; i < PRIVATE_END; i++)
        if (private_put(path, i) && strcmp(path, dir) == 0)
            return true;
    return false;
}

int rendezvous_locate_private(char path[PATH_MAX]) {
    for (enum private_place i = 0; i < PRIVATE_END; i++)
        if (private_put(path, i) && rendezvous_is_ours(path))
            return 0;
    if (read_note(path) && rendezvous_is_ours(path))
        return 0;
    return rendezvous_private_place(path);
}
