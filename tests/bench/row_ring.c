/* A file through a bare ring, beside cp: same file, same file system, warm cache, none synced. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "bench/bare_ring.h"

#define MIB (1024 * 1024)
#define QUICK_SHARE 8 /* --quick copies so much less */

enum { CP, RING };

struct ring_bench {
    char dir[PATH_MAX / 2], from[PATH_MAX], to[PATH_MAX];
    uint64_t n_bytes;
};

static void random_fill(unsigned char *bytes, size_t n, uint64_t *state) {
    for (size_t i = 0; i + 8 <= n; i += 8) { // xorshift64
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        memcpy(bytes + i, state, 8);
    }
}

static int make_source(struct bench *bench, const struct ring_bench *ring) {
    FILE *file = fopen(ring->from, "we");
    unsigned char *block = malloc(MIB);
    uint64_t state = 88172645463325252U;
    bool ok = file && block;
    for (uint64_t n = 0; ok && n < ring->n_bytes; n += MIB) {
        random_fill(block, MIB, &state);
        ok = fwrite(block, MIB, 1, file) == 1;
    }
    free(block);
    if (file && fclose(file) != 0)
        ok = false;
    return ok ? 0 : bench_fail(bench, "%s: %s", ring->from, strerror(errno));
}

static int setup(struct bench *bench, const struct scenario *scenario, unsigned sides,
                 void **state) {
    (void)sides;
    struct ring_bench *ring = calloc(1, sizeof *ring);
    const char *base = getenv("TMPDIR");
    if (!ring)
        return -ENOMEM;
    *state = ring;
    ring->n_bytes = *(const uint64_t *)scenario->params / (bench->options.quick ? QUICK_SHARE : 1);
    snprintf(ring->dir, sizeof ring->dir, "%s/earshot-bench-XXXXXX", base ? base : "/tmp");
    if (!mkdtemp(ring->dir)) {
        ring->dir[0] = '\0';
        return bench_fail(bench, "mkdtemp: %s", strerror(errno));
    }
    snprintf(ring->from, sizeof ring->from, "%s/from", ring->dir);
    snprintf(ring->to, sizeof ring->to, "%s/to", ring->dir);
    return make_source(bench, ring);
}

static void teardown(void *state) {
    struct ring_bench *ring = state;
    if (!ring)
        return;
    unlink(ring->from);
    unlink(ring->to);
    if (ring->dir[0])
        rmdir(ring->dir);
    free(ring);
}

static int copy_by_cp(struct bench *bench, struct ring_bench *ring, double *seconds) {
    char *argv[] = {"cp", ring->from, ring->to, NULL};
    pid_t pid;
    int status = 0;
    mono_time start = mono_now();
    int r = posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ);
    if (r != 0)
        return bench_fail(bench, "cp: %s", strerror(r));
    if (waitpid(pid, &status, 0) != pid || status != 0)
        return bench_fail(bench, "cp has failed");
    *seconds = (double)(mono_now().ns - start.ns) / (double)NS_PER_S;
    return 0;
}

static int copy_by_ring(struct bench *bench, struct ring_bench *ring, double *seconds) {
    const struct ring_layout layout = {RING_N_SLOTS, RING_SLOT_BYTES};
    struct ring_copy *copy = ring_copy_new(ring->from, ring->to, layout);
    if (!copy)
        return -ENOMEM;
    int r = ring_copy_run(bench, copy, seconds);
    shared_free(copy, sizeof *copy);
    return r;
}

static int measure(struct bench *bench, const struct scenario *scenario, void *state, unsigned side,
                   double *value) {
    (void)scenario;
    struct ring_bench *ring = state;
    double seconds = 0;
    int r = side == CP ? copy_by_cp(bench, ring, &seconds) : copy_by_ring(bench, ring, &seconds);
    unlink(ring->to);
    *value = seconds > 0 ? (double)ring->n_bytes / 1e6 / seconds : 0;
    return r;
}

#define RING_GOAL                                                                                  \
    { .has_ratio = true, .ratio = 0.9 }

static const struct row rows_64m[] = {
    {"ring-64m", "64 MiB through a bare ring, verified", RING, CP, RING_GOAL},
};
static const struct row rows_1g[] = {
    {"ring-1g", "1 GiB through a bare ring, verified", RING, CP, RING_GOAL},
};

#define RING_SCENARIO(rows_, n_mib_)                                                               \
    {                                                                                              \
        .unit = "MB/s", .more_is_better = true, .sides = {"cp", "ring"}, .rows = rows_,            \
        .n_rows = ARRAY_LEN(rows_), .params = &(const uint64_t){(uint64_t)(n_mib_)*MIB},           \
        .setup = setup, .measure = measure, .teardown = teardown                                   \
    }

static const struct scenario scenarios[] = {
    RING_SCENARIO(rows_64m, 64),
    RING_SCENARIO(rows_1g, 1024),
};

const struct scenario_list row_ring = {scenarios, ARRAY_LEN(scenarios)};
