/* Reads a file from one place to another as data and holes, without reading the holes. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

struct digest_state;

/* The fields are private. */
struct extent {
    int fd;
    bool is_sparse;    /* it is asked where the holes are */
    uint64_t position; /* what is before has been read */
    uint64_t data_end; /* up to here there are no holes */
    uint64_t end;
};

static inline bool extent_has_holes(const struct stat *status) {
    return status->st_blocks < (status->st_size + 511) / 512;
}

/* Reads from `start` up to `end`. `is_sparse`: there may be holes (extent_has_holes). */
static inline struct extent extent_of(int fd, uint64_t start, uint64_t end, bool is_sparse) {
    return (struct extent){fd, is_sparse, start, start, end};
}

static inline bool extent_is_done(const struct extent *extent) {
    return extent->position == extent->end;
}

/*
 * The next piece: n bytes, up to `capacity`, in `buffer`, or a hole of *hole zeros, up to
 * ITEM_HOLE_MAX; the other is 0. Both are 0 at the end, or when the file is too short.
 * Returns 0 or -errno.
 */
int extent_next(struct extent *extent, void *buffer, size_t capacity, size_t *n, uint64_t *hole);

/*
 * Adds the first `n` bytes of a file, of which this is the status, to a sum; `stop` may be NULL.
 * Returns 0, -errno or an outcome.
 */
enum extent_outcome { EXTENT_SHORT = 1, EXTENT_STOPPED };
int extent_sum(int fd, uint64_t n, const struct stat *status, const atomic_bool *stop,
               struct digest_state *sum);
