#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
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
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    path[0] = '\0';
    if (state && state[0] == '/')
        return rendezvous_put_path(path, state, "/earshot");
    if (home && home[0] == '/')
        return rendezvous_put_path(path, home, "/.local/state/earshot");
    return 0;
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
    CLEANUP_CLOSE int fd = open(made, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0 || dprintf(fd, "%s\n", dir) < 0 || rename(made, path) < 0)
        return error_errno();
    return 0;
}

static int put_fallback(char path[PATH_MAX]) {
    char name[32];
    snprintf(name, sizeof name, "/earshot-%u", (unsigned)geteuid());
    return rendezvous_put_path(path, "/tmp", name);
}

int rendezvous_private_place(char path[PATH_MAX]) {
    const char *named = runtime_dir();
    return named ? rendezvous_put_path(path, named, "/earshot") : put_fallback(path);
}

int rendezvous_locate_private(char path[PATH_MAX]) {
    char login[32], usual[64], other[PATH_MAX];
    const char *named = runtime_dir();
    snprintf(login, sizeof login, "/run/user/%u", (unsigned)geteuid());
    snprintf(usual, sizeof usual, "%s/earshot", login);
    bool is_usual = !named || strcmp(named, login) == 0;
    int r = rendezvous_private_place(path);
    if (r < 0 || rendezvous_is_ours(path))
        return r;
    if (is_usual && rendezvous_is_ours(usual))
        return rendezvous_put_path(path, usual, "");
    if (is_usual && put_fallback(other) == 0 && rendezvous_is_ours(other))
        return put_fallback(path);
    if (read_note(other) && rendezvous_is_ours(other))
        return rendezvous_put_path(path, other, "");
    return 0;
}
