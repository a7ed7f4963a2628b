#include "files/snapshot.h"

#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/error.h"
#include "files/item.h"

#define N_TRIES 8
#define COPY_BYTES (16 * 1024)

bool snapshot_is_same(const struct stat *a, const struct stat *b) {
    return a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
           a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static ssize_t snapshot_pread(int fd, void *buffer, size_t n, size_t at) {
    ssize_t got;
    do
        got = pread(fd, buffer, n, (off_t)at);
    while (got < 0 && errno == EINTR);
    return got < 0 ? error_errno() : got;
}

/* Up to its end; where its size is known, that is where it says. */
static int snapshot_read_once(int fd, uint8_t *buffer, size_t capacity, size_t *n, off_t size) {
    uint8_t more;
    for (*n = 0; size <= 0 || *n != (size_t)size;) {
        bool is_full = *n == capacity;
        ssize_t got =
            snapshot_pread(fd, is_full ? &more : buffer + *n, is_full ? 1 : capacity - *n, *n);
        if (got < 0)
            return (int)got;
        if (got == 0)
            return 0;
        if (is_full)
            return TRANSFER_TOO_SMALL;
        *n += (size_t)got;
    }
    return 0;
}

int snapshot_read(int fd, void *buffer, size_t capacity, size_t *n, struct stat *status) {
    for (unsigned i = 0; i < N_TRIES; i++) {
        struct stat before = *status;
        if (before.st_size > (off_t)capacity)
            return TRANSFER_TOO_SMALL;
        int r = snapshot_read_once(fd, buffer, capacity, n, before.st_size);
        if (r != 0)
            return r;
        if (fstat(fd, status) < 0)
            return error_errno();
        if (snapshot_is_same(&before, status))
            return 0;
    }
    return TRANSFER_CHANGED;
}

static int snapshot_write(int fd, const uint8_t *data, size_t n) {
    while (n > 0) {
        ssize_t written = write(fd, data, n);
        if (written < 0 && errno != EINTR)
            return error_errno();
        data += written > 0 ? written : 0;
        n -= written > 0 ? (size_t)written : 0;
    }
    return 0;
}

static int snapshot_copy_to(int fd, size_t n_max, int copy, size_t *n) {
    uint8_t buffer[COPY_BYTES];
    for (*n = 0;;) {
        ssize_t got = snapshot_pread(fd, buffer, sizeof buffer, *n);
        if (got <= 0)
            return (int)got;
        *n += (size_t)got;
        if (*n > n_max)
            return TRANSFER_TOO_SMALL;
        int r = snapshot_write(copy, buffer, (size_t)got);
        if (r < 0)
            return r;
    }
}

int snapshot_copy(int fd, size_t n_max, int *copy, size_t *n) {
    *copy = memfd_create("earshot", MFD_CLOEXEC);
    if (*copy < 0)
        return error_errno();
    int r = snapshot_copy_to(fd, n_max, *copy, n);
    if (r != 0) {
        close(*copy);
        *copy = -1;
    }
    return r;
}
