/* A file through a bare ring: one process reads, the other writes, both take the digest. */
#pragma once

#include <limits.h>
#include <stdatomic.h>
#include <stdint.h>

#include "bench/load.h"
#include "ipc/ring.h"

struct ring_copy {
    char from[PATH_MAX], to[PATH_MAX]; /* `to` does not exist */
    struct ring_layout layout;
    atomic_uint is_offered; /* shmid is there */
    int shmid;
    pid_t producer;
    struct span span;
};

/* Runs it in two processes; stores the seconds from the offer to the verified end. */
int ring_copy_run(struct bench *bench, struct ring_copy *copy, double *seconds);

/* One like it with these paths, in memory that the two share; freed by shared_free. */
struct ring_copy *ring_copy_new(const char *from, const char *to, struct ring_layout layout);
