/* A file through a bare ring, beside cp: same file, same file system, warm cache, none synced. */
#include <errno.h>
#include <stdlib.h>

#include "bench/copies.h"

enum { CP, RING };

static int setup(struct bench *bench, const struct scenario *scenario, unsigned sides,
                 void **state) {
    (void)sides;
    uint64_t n_bytes = *(const uint64_t *)scenario->params;
    *state = calloc(1, sizeof(struct copies));
    if (!*state)
        return -ENOMEM;
    return copies_open(bench, *state,
                       bench->options.quick ? n_bytes / COPIES_QUICK_SHARE : n_bytes);
}

static void teardown(void *state) {
    if (state)
        copies_close(state);
    free(state);
}

static int measure(struct bench *bench, const struct scenario *scenario, void *state, unsigned side,
                   double *value) {
    (void)scenario;
    struct copies *copies = state;
    double seconds = 0;
    int r = copies_clear(bench, copies);
    if (r == 0)
        r = side == CP ? copies_by_cp(bench, copies, 1, false, &seconds)
                       : copies_by_ring(bench, copies, &seconds);
    *value = copies_rate(copies, 1, seconds);
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
