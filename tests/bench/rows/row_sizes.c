/*
 * How long a file of each size takes by message and through shared memory, from the offer until
 * the sender knows that it is there, synced and under its name. Up to EARSHOT_POST_MAX a message
 * is what `put` sends; beyond, the file is cut into messages, which no program does: these times
 * show why. scripts/draw-crossing makes a picture of it.
 */
#include <errno.h>
#include <stdlib.h>

#include "bench/crew.h"
#include "bench/handover.h"
#include "lib/earshot.h"

enum { MESSAGE, SHARED };

struct message_sizes {
    struct hub hub;
    struct copies copies;
};

static int setup(struct bench *bench, const struct scenario *scenario, unsigned sides,
                 void **state) {
    struct message_sizes *sizes = calloc(1, sizeof *sizes);
    (void)sides;
    if (!sizes)
        return -ENOMEM;
    *state = sizes;
    int r = copies_open(bench, &sizes->copies, *(const uint64_t *)scenario->params);
    return r == 0 ? hub_start_durable(bench, &sizes->hub) : r;
}

static void teardown(void *state) {
    struct message_sizes *sizes = state;
    if (!sizes)
        return;
    hub_stop(&sizes->hub);
    copies_close(&sizes->copies);
    free(sizes);
}

static enum handover_way way_of(unsigned side, uint64_t n_bytes) {
    if (side == SHARED)
        return HANDOVER_RING;
    return n_bytes <= EARSHOT_POST_MAX ? HANDOVER_MESSAGE : HANDOVER_PIECES;
}

/* Small ones often, so that the median means something. */
static unsigned n_times_of(const struct bench *bench, uint64_t n_bytes) {
    if (n_bytes >= MIB)
        return 1;
    return bench->options.quick ? 5 : 25;
}

static int measure(struct bench *bench, const struct scenario *scenario, void *state, unsigned side,
                   double *value) {
    struct message_sizes *sizes = state;
    uint64_t n_bytes = sizes->copies.n_bytes;
    struct handover_result result = {0};
    struct handover *handover = handover_new(&sizes->hub, &sizes->copies, way_of(side, n_bytes), 1,
                                             n_times_of(bench, n_bytes));
    (void)scenario;
    if (!handover)
        return -ENOMEM;
    int r = copies_clear(bench, &sizes->copies);
    if (r == 0)
        r = handover_run(bench, handover, &result);
    shared_free(handover, sizeof *handover);
    *value = result.from_offer * 1000;
    return r;
}

#define SIZE_ROW(n_)                                                                               \
    {                                                                                              \
        "size-" #n_, "" #n_ " bytes through shared memory, beside a message", SHARED, MESSAGE, {   \
            0                                                                                      \
        }                                                                                          \
    }

#define SIZE_SCENARIO(n_, is_long_, max_rounds_)                                                   \
    {                                                                                              \
        .unit = "ms", .sides = {"message", "shared memory"},                                       \
        .rows = (const struct row[]){SIZE_ROW(n_)}, .n_rows = 1, .params = &(const uint64_t){n_},  \
        .is_long = is_long_, .max_rounds = max_rounds_, .setup = setup, .measure = measure,        \
        .teardown = teardown                                                                       \
    }

static const struct scenario scenarios[] = {
    SIZE_SCENARIO(1, false, 0),         SIZE_SCENARIO(16, false, 0),
    SIZE_SCENARIO(256, false, 0),       SIZE_SCENARIO(1024, false, 0),
    SIZE_SCENARIO(4096, false, 0),      SIZE_SCENARIO(8192, false, 0),
    SIZE_SCENARIO(16384, false, 0),     SIZE_SCENARIO(32768, false, 0),
    SIZE_SCENARIO(65536, false, 0),     SIZE_SCENARIO(131072, false, 0),
    SIZE_SCENARIO(262144, false, 0),    SIZE_SCENARIO(1048576, false, 0),
    SIZE_SCENARIO(4194304, true, 0),    SIZE_SCENARIO(16777216, true, 3),
    SIZE_SCENARIO(67108864, true, 3),   SIZE_SCENARIO(268435456, true, 1),
    SIZE_SCENARIO(1073741824, true, 1),
};

const struct scenario_list row_sizes = {scenarios, ARRAY_LEN(scenarios)};
