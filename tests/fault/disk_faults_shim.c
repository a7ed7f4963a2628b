/*
 * Loaded into the hub by LD_PRELOAD: lets system calls on the files of one directory fail, as the
 * test says. All of them are made by syscall(2), which nobody stands in front of.
 */
#undef _FORTIFY_SOURCE /* its inline variants of these functions are in the way */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "harness/disk.h"

static struct disk_orders *orders;

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("DISK_FAULTS");
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    void *memory =
        fd < 0 ? MAP_FAILED : mmap(NULL, sizeof *orders, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED)
        _exit(126); /* a run without faults would prove nothing */
    close(fd);
    orders = memory;
}

static bool is_inside(const char *path) {
    size_t n = strlen(orders->dir);
    return strncmp(path, orders->dir, n) == 0 && (path[n] == '/' || path[n] == '\0');
}

static bool is_file_inside(int fd) {
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    if (n < 0)
        return false;
    path[n] = '\0';
    return is_inside(path);
}

static bool is_path_inside(int dir, const char *path) {
    return path[0] == '/' ? is_inside(path) : dir != AT_FDCWD && is_file_inside(dir);
}

/* Whether this call is to fail. */
static bool is_hit(void) {
    unsigned n = atomic_fetch_add(&orders->n, 1) + 1;
    const struct disk_fault *fault = &orders->fault;
    bool hit = fault->at != 0 && (n == fault->at || (fault->stays && n > fault->at));
    if (hit)
        errno = fault->error;
    return hit;
}

static bool fails(unsigned kind, int fd) {
    int before = errno;
    bool ours = orders && (orders->fault.kinds & kind) && is_file_inside(fd);
    errno = before;
    return ours && is_hit();
}

static bool name_fails(unsigned kind, int dir, const char *path) {
    int before = errno;
    bool ours = orders && (orders->fault.kinds & kind) && is_path_inside(dir, path);
    errno = before;
    return ours && is_hit();
}

/* Bytes to be written; -1: it fails. */
static ssize_t cut(int fd, size_t n) {
    if (!fails(DISK_WRITE, fd))
        return (ssize_t)n;
    return orders->fault.error == 0 ? (ssize_t)((n + 1) / 2) : -1;
}

static int open_at(int dir, const char *path, int flags, va_list more) {
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0;
    if (name_fails(DISK_OPEN, dir, path))
        return -1;
    return (int)syscall(SYS_openat, dir, path, flags, mode);
}

#define OPEN(name)                                                                                 \
    int name(const char *path, int flags, ...) {                                                   \
        va_list more;                                                                              \
        va_start(more, flags);                                                                     \
        int fd = open_at(AT_FDCWD, path, flags, more);                                             \
        va_end(more);                                                                              \
        return fd;                                                                                 \
    }
OPEN(open)
OPEN(open64)

#define OPENAT(name)                                                                               \
    int name(int dir, const char *path, int flags, ...) {                                          \
        va_list more;                                                                              \
        va_start(more, flags);                                                                     \
        int fd = open_at(dir, path, flags, more);                                                  \
        va_end(more);                                                                              \
        return fd;                                                                                 \
    }
OPENAT(openat)
OPENAT(openat64)

ssize_t read(int fd, void *data, size_t n) {
    return fails(DISK_READ, fd) ? -1 : syscall(SYS_read, fd, data, n);
}

#define PREAD(name)                                                                                \
    ssize_t name(int fd, void *data, size_t n, off_t at) {                                         \
        return fails(DISK_READ, fd) ? -1 : syscall(SYS_pread64, fd, data, n, at);                  \
    }
PREAD(pread)
PREAD(pread64)

ssize_t write(int fd, const void *data, size_t n) {
    ssize_t n_cut = cut(fd, n);
    return n_cut < 0 ? -1 : syscall(SYS_write, fd, data, n_cut);
}

#define PWRITE(name)                                                                               \
    ssize_t name(int fd, const void *data, size_t n, off_t at) {                                   \
        ssize_t n_cut = cut(fd, n);                                                                \
        return n_cut < 0 ? -1 : syscall(SYS_pwrite64, fd, data, n_cut, at);                        \
    }
PWRITE(pwrite)
PWRITE(pwrite64)

int fsync(int fd) {
    return fails(DISK_SYNC, fd) ? -1 : (int)syscall(SYS_fsync, fd);
}

static void hang(int fd) {
    while (orders && atomic_load(&orders->is_hung) && is_file_inside(fd))
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

int fdatasync(int fd) {
    hang(fd);
    return fails(DISK_SYNC, fd) ? -1 : (int)syscall(SYS_fdatasync, fd);
}

#define FTRUNCATE(name)                                                                            \
    int name(int fd, off_t n) {                                                                    \
        return fails(DISK_SIZE, fd) ? -1 : (int)syscall(SYS_ftruncate, fd, n);                     \
    }
FTRUNCATE(ftruncate)
FTRUNCATE(ftruncate64)

/* This one returns the error. */
#define FALLOCATE(name)                                                                            \
    int name(int fd, off_t at, off_t n) {                                                          \
        return fails(DISK_SIZE, fd) || syscall(SYS_fallocate, fd, 0, at, n) < 0 ? errno : 0;       \
    }
FALLOCATE(posix_fallocate)
FALLOCATE(posix_fallocate64)

int unlink(const char *path) {
    return name_fails(DISK_NAMES, AT_FDCWD, path) ? -1
                                                  : (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
}

int unlinkat(int dir, const char *path, int flags) {
    return name_fails(DISK_NAMES, dir, path) ? -1 : (int)syscall(SYS_unlinkat, dir, path, flags);
}

int renameat(int from_dir, const char *from, int to_dir, const char *to) {
    return name_fails(DISK_NAMES, from_dir, from)
               ? -1
               : (int)syscall(SYS_renameat2, from_dir, from, to_dir, to, 0);
}
