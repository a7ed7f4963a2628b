/*
 * A file and copies of it: same file system, warm cache. The directory is made below $TMPDIR, or
 * else /tmp, so that whoever measures chooses the file system.
 */
#pragma once

#include <limits.h>
#include <stdint.h>

#include "bench/bench.h"

#define MIB (1024 * 1024)
#define COPIES_QUICK_SHARE 8 /* with --quick large files are so much smaller */

struct copies {
    char dir[PATH_MAX / 2]; /* empty: there is none */
    char from[PATH_MAX], to[PATH_MAX];
    uint64_t n_bytes;
};

/* Makes the directory and in it a file of random bytes. 0, -errno or BENCH_FAILED. */
int copies_open(struct bench *bench, struct copies *copies, uint64_t n_bytes);

/* Removes both and whatever was copied; safe on the zero state. */
void copies_close(struct copies *copies);

/* Removes the copies and lets the file system write what it still has to, for an equal start. */
int copies_clear(struct bench *bench, const struct copies *copies);

/* Whether `to` has the right size; the content is what the two ends verify. */
int copies_check(struct bench *bench, const struct copies *copies);

/* Runs a command to its end and stores how long it took. */
int copies_run(struct bench *bench, char *const argv[], double *seconds);

/* cp, and sync(1) of the copy afterwards if `synced`; n times to one file each. */
int copies_by_cp(struct bench *bench, struct copies *copies, unsigned n, bool synced,
                 double *seconds);

/* A bare ring with the digests on both ends. */
int copies_by_ring(struct bench *bench, struct copies *copies, double *seconds);

/* Megabytes per second. */
double copies_rate(const struct copies *copies, unsigned n, double seconds);
