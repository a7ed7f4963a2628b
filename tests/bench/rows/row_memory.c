/* What an idle session costs the hub: its memory with many, less its memory with one. */
#include <errno.h>
#include <stdlib.h>

#include "bench/idle.h"

enum { RSS, PRIVATE_DIRTY };

struct memory {
    double private_dirty; /* found by the measurement of RSS that stands before it */
};

static double per_session(size_t before, size_t after, unsigned n) {
    return after > before ? (double)(after - before) / n : 0;
}

/* The first session is not counted: with it the hub allocates what it needs only once. */
static int compare(struct bench *bench, const struct hub *hub, struct memory *memory,
                   double *value) {
    struct idle first = {0}, idle = {0};
    struct hub_memory before, after;
    const unsigned n = 1000; /* fewer would be a handle each */
    int r = idle_start(bench, &first, hub, 1);
    if (r == 0)
        r = hub_memory(bench, hub, &before);
    idle_stop(&first);
    if (r == 0)
        r = idle_start(bench, &idle, hub, n);
    if (r == 0)
        r = hub_memory(bench, hub, &after);
    idle_stop(&idle);
    if (r != 0)
        return r;
    *value = per_session(before.rss, after.rss, n);
    memory->private_dirty = per_session(before.private_dirty, after.private_dirty, n);
    return 0;
}

static int measure(struct bench *bench, const struct scenario *scenario, void *state, unsigned side,
                   double *value) {
    (void)scenario;
    struct memory *memory = state;
    struct hub hub = {0};
    if (side == PRIVATE_DIRTY) {
        *value = memory->private_dirty;
        return 0;
    }
    int r = hub_start(bench, &hub);
    if (r == 0)
        r = compare(bench, &hub, memory, value);
    hub_stop(&hub);
    return r;
}

static int setup(struct bench *bench, const struct scenario *scenario, unsigned sides,
                 void **state) {
    (void)bench, (void)scenario, (void)sides;
    *state = calloc(1, sizeof(struct memory));
    return *state ? 0 : -ENOMEM;
}

#define MEMORY_GOAL                                                                                \
    { .has_value = true, .value = 1024 }

static const struct row rows[] = {
    {"memory-idle", "hub memory per idle session", RSS, NO_REFERENCE, MEMORY_GOAL},
    {"memory-idle-dirty", "of it private and dirty", PRIVATE_DIRTY, NO_REFERENCE, MEMORY_GOAL},
};

static const struct scenario scenarios[] = {{
    .unit = "bytes",
    .max_rounds = 3,
    .sides = {"resident", "private and dirty"},
    .rows = rows,
    .n_rows = ARRAY_LEN(rows),
    .setup = setup,
    .measure = measure,
    .teardown = free,
}};

const struct scenario_list row_memory = {scenarios, ARRAY_LEN(scenarios)};
