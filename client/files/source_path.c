#include "files/source_path.h"

#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/macro.h"

#define PROC_PATH_SIZE 32

static void proc_path(char path[PROC_PATH_SIZE], int fd) {
    snprintf(path, PROC_PATH_SIZE, "/proc/self/fd/%d", fd);
}

int source_path_name(struct filename *name, const char *path, int fd) {
    char proc[PROC_PATH_SIZE];
    CLEANUP_FREE char *copy = strdup(path);
    if (!copy)
        return -ENOMEM;
    const char *base = basename(copy);
    if (strcmp(base, ".") != 0 && strcmp(base, "..") != 0)
        return filename_clean(name, bytes_of(base));
    proc_path(proc, fd);
    CLEANUP_FREE char *real = realpath(proc, NULL);
    if (!real)
        return error_errno();
    return filename_clean(name, bytes_of(basename(real)));
}

static bool path_is_refused(const struct stat *status, const struct source_options *options) {
    return S_ISSOCK(status->st_mode) || (options->no_wait && S_ISFIFO(status->st_mode)) ||
           (options->only_files && !S_ISREG(status->st_mode));
}

/* What `found` is, for reading. Where there is no /proc it is opened by its path and compared. */
static int path_open_found(int found, const char *path, const struct stat *status, int flags) {
    char proc[PROC_PATH_SIZE];
    struct stat now;
    flags |= O_RDONLY | O_NOCTTY | O_CLOEXEC;
    proc_path(proc, found);
    int fd = open(proc, flags);
    if (fd >= 0)
        return fd;
    int r = error_errno();
    if (access("/proc/self/fd", F_OK) == 0)
        return r;
    fd = open(path, flags);
    if (fd < 0)
        return error_errno();
    if (fstat(fd, &now) == 0 && now.st_dev == status->st_dev && now.st_ino == status->st_ino)
        return fd;
    close(fd);
    return -ESTALE;
}

/*
 * First only found, to see what it is: opening a pipe has consequences for its writer, who waits
 * for a reader and is killed when it goes. It is opened once; that waits for a writer, if it may.
 * Whatever else must not make us wait.
 */
static int path_open_no_directory(const char *path, struct stat *status,
                                  const struct source_options *options) {
    int found = open(path, O_PATH | O_CLOEXEC);
    if (found < 0)
        return error_errno();
    int fd = fstat(found, status) < 0 ? error_errno() : 0;
    if (fd == 0 && path_is_refused(status, options))
        fd = -ENXIO;
    else if (fd == 0)
        fd = path_open_found(found, path, status, S_ISFIFO(status->st_mode) ? 0 : O_NONBLOCK);
    close(found);
    return fd;
}

/*
 * A directory is opened by its path: only found (O_PATH), one on which something is to be mounted
 * when it is used, as home directories often are, would stay what is below, which is empty.
 */
int source_path_open(const char *path, struct stat *status, const struct source_options *options) {
    int flags = O_RDONLY | O_DIRECTORY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
    int fd = options->only_files ? -1 : open(path, flags);
    if (fd < 0 && (options->only_files || errno == ENOTDIR))
        return path_open_no_directory(path, status, options);
    if (fd < 0)
        return error_errno();
    if (fstat(fd, status) == 0)
        return fd;
    int r = error_errno();
    close(fd);
    return r;
}
