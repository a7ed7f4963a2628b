#include "files/extent.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/error.h"
#include "base/macro.h"
#include "files/digest.h"
#include "files/item.h"

#define SUM_BUFFER_BYTES (256 * 1024)

static uint64_t extent_least(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

/* Where the next data begins; past the last of them there is a hole up to the end. */
static int extent_find_data(struct extent *extent, uint64_t *data) {
    off_t found = lseek(extent->fd, (off_t)extent->position, SEEK_DATA);
    if (found >= 0)
        *data = extent_least((uint64_t)found, extent->end);
    else if (errno == ENXIO)
        *data = extent->end;
    else
        return error_errno();
    return 0;
}

/* Notes how far the data reach that begin here. */
static int extent_find_hole(struct extent *extent) {
    off_t found = lseek(extent->fd, (off_t)extent->position, SEEK_HOLE);
    if (found < 0 && errno != ENXIO)
        return error_errno();
    extent->data_end = found < 0 ? extent->end : extent_least((uint64_t)found, extent->end);
    return 0;
}

static int extent_find(struct extent *extent, uint64_t *hole) {
    uint64_t data;
    int r = extent_find_data(extent, &data);
    if (r == -EINVAL) { /* this file system cannot tell */
        extent->is_sparse = false;
        return 0;
    }
    if (r < 0)
        return r;
    *hole = extent_least(data - extent->position, ITEM_HOLE_MAX);
    return *hole > 0 ? 0 : extent_find_hole(extent);
}

int extent_next(struct extent *extent, void *buffer, size_t capacity, size_t *n, uint64_t *hole) {
    *n = 0;
    *hole = 0;
    if (extent_is_done(extent))
        return 0;
    if (extent->is_sparse && extent->position >= extent->data_end) {
        int r = extent_find(extent, hole);
        if (r < 0)
            return r;
        extent->position += *hole;
        if (*hole > 0)
            return 0;
    }
    uint64_t end = extent->is_sparse ? extent->data_end : extent->end;
    size_t wanted = (size_t)extent_least(capacity, end - extent->position);
    ssize_t got;
    do
        got = pread(extent->fd, buffer, wanted, (off_t)extent->position);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return error_errno();
    *n = (size_t)got;
    extent->position += *n;
    return 0;
}

int extent_sum(int fd, uint64_t n, const struct stat *status, const atomic_bool *stop,
               struct digest_state *sum) {
    CLEANUP_FREE void *buffer = malloc(SUM_BUFFER_BYTES);
    struct extent extent = extent_of(fd, 0, n, extent_has_holes(status));
    if (!buffer)
        return -ENOMEM;
    while (!extent_is_done(&extent)) {
        size_t got;
        uint64_t hole;
        int r = extent_next(&extent, buffer, SUM_BUFFER_BYTES, &got, &hole);
        if (r < 0)
            return r;
        if (stop && *stop)
            return EXTENT_STOPPED;
        if (got == 0 && hole == 0)
            return EXTENT_SHORT;
        digest_add(sum, buffer, got);
        digest_add_zeros(sum, hole);
    }
    return 0;
}
