/* A file from hand to hand, beside cp of the same file to the same directory, and a bare ring. */
#include <errno.h>
#include <stdlib.h>

#include "bench/crew.h"
#include "bench/handover.h"

enum { CP, CP_SYNC, RING, EARSHOT, EARSHOT_FD };

struct transfer {
    struct hub hub;
    struct copies copies;
};

struct params {
    uint64_t n_bytes;
    unsigned n_recipients, n_times;
};

static int setup(struct bench *bench, const struct scenario *scenario, unsigned sides,
                 void **state) {
    const struct params *params = scenario->params;
    bool is_less = bench->options.quick && params->n_bytes >= MIB;
    struct transfer *transfer = calloc(1, sizeof *transfer);
    (void)sides;
    if (!transfer)
        return -ENOMEM;
    *state = transfer;
    int r = copies_open(bench, &transfer->copies,
                        is_less ? params->n_bytes / COPIES_QUICK_SHARE : params->n_bytes);
    return r == 0 ? hub_start_durable(bench, &transfer->hub) : r;
}

static void teardown(void *state) {
    struct transfer *transfer = state;
    if (!transfer)
        return;
    hub_stop(&transfer->hub);
    copies_close(&transfer->copies);
    free(transfer);
}

static int hand_over(struct bench *bench, const struct transfer *transfer,
                     const struct params *params, enum handover_way way,
                     struct handover_result *result) {
    struct handover *handover =
        handover_new(&transfer->hub, &transfer->copies, way, params->n_recipients, params->n_times);
    if (!handover)
        return -ENOMEM;
    int r = copies_clear(bench, &transfer->copies);
    if (r == 0)
        r = handover_run(bench, handover, result);
    shared_free(handover, sizeof *handover);
    return r;
}

static int measure_rate(struct bench *bench, const struct scenario *scenario, void *state,
                        unsigned side, double *value) {
    const struct params *params = scenario->params;
    struct transfer *transfer = state;
    struct copies *copies = &transfer->copies;
    struct handover_result result = {0};
    double seconds = 0;
    int r = copies_clear(bench, copies);
    if (r != 0)
        return r;
    if (side == CP || side == CP_SYNC)
        r = copies_by_cp(bench, copies, params->n_recipients, side == CP_SYNC, &seconds);
    else if (side == RING)
        r = copies_by_ring(bench, copies, &seconds);
    else
        r = hand_over(bench, transfer, params, side == EARSHOT ? HANDOVER_RING : HANDOVER_TO_FD,
                      &result);
    *value = copies_rate(copies, params->n_recipients, seconds + result.from_offer);
    return r;
}

#define RATIO(ratio_)                                                                              \
    { .has_ratio = true, .ratio = ratio_ }

#define TRANSFER_ROWS(name, size)                                                                  \
    {name, size " put and get, synced to the disk", EARSHOT, CP_SYNC, RATIO(0.9)},                 \
        {name "-cp", "the same beside cp, which does not sync", EARSHOT, CP, RATIO(1.0)},          \
        {name "-fd", "the same into an open file, not synced", EARSHOT_FD, CP, RATIO(1.0)}, {      \
        name "-ring", "the same beside a bare ring", EARSHOT_FD, RING, RATIO(0.9)                  \
    }

static const struct row rows_64m[] = {TRANSFER_ROWS("transfer-64m", "64 MiB")};
static const struct row rows_1g[] = {TRANSFER_ROWS("transfer-1g", "1 GiB")};

static const struct row rows_three[] = {
    {"transfer-three", "256 MiB to three at once, synced", EARSHOT, CP_SYNC, RATIO(1.5)},
    {"transfer-three-fd", "the same, not synced", EARSHOT_FD, CP, RATIO(1.5)},
};

#define RATE_SCENARIO(rows_, n_mib_, n_recipients_)                                                \
    {                                                                                              \
        .unit = "MB/s", .more_is_better = true,                                                    \
        .sides = {"cp", "cp and sync", "ring", "earshot", "earshot, not synced"}, .rows = rows_,   \
        .n_rows = ARRAY_LEN(rows_),                                                                \
        .params = &(const struct params){(uint64_t)(n_mib_)*MIB, n_recipients_, 1},                \
        .setup = setup, .measure = measure_rate, .teardown = teardown                              \
    }

/* --- a small file: how long, and with what it has to be compared --- */

enum { SMALL_CP_SYNC, SMALL_MESSAGE, SMALL_RING, SMALL_FD };

static int measure_small(struct bench *bench, const struct scenario *scenario, void *state,
                         unsigned side, double *value) {
    static const enum handover_way ways[] = {[SMALL_MESSAGE] = HANDOVER_MESSAGE,
                                             [SMALL_RING] = HANDOVER_RING,
                                             [SMALL_FD] = HANDOVER_TO_FD};
    struct transfer *transfer = state;
    struct handover_result result = {0};
    double seconds = 0;
    int r = side == SMALL_CP_SYNC
                ? copies_by_cp(bench, &transfer->copies, 1, true, &seconds)
                : hand_over(bench, transfer, scenario->params, ways[side], &result);
    *value = (seconds + result.from_accept) * 1000;
    return r;
}

#define SMALL_GOAL                                                                                 \
    { .has_value = true, .value = 5 }

static const struct row rows_4k[] = {
    {"transfer-4k", "4 KiB as a message, from accept to done", SMALL_MESSAGE, SMALL_CP_SYNC,
     SMALL_GOAL},
    {"transfer-4k-shared", "4 KiB through shared memory", SMALL_RING, SMALL_CP_SYNC, SMALL_GOAL},
    {"transfer-4k-fd", "the same, not synced", SMALL_FD, SMALL_CP_SYNC, SMALL_GOAL},
};

/* --- memory: it must not grow with the file --- */

enum { PEAK_SMALL, PEAK_LARGE };

static int measure_peak(struct bench *bench, const struct scenario *scenario, void *state,
                        unsigned side, double *value) {
    struct transfer *transfer = state;
    struct transfer less = {.hub = transfer->hub};
    struct handover_result result = {0};
    bool is_small = side == PEAK_SMALL;
    int r = is_small ? copies_open(bench, &less.copies, transfer->copies.n_bytes / 16) : 0;
    if (r == 0)
        r = hand_over(bench, is_small ? &less : transfer, scenario->params, HANDOVER_RING, &result);
    copies_close(&less.copies);
    *value = (double)result.peak_bytes / 1024;
    return r;
}

static const struct row rows_memory[] = {
    {"transfer-memory", "most memory of either side with 1 GiB, ring included", PEAK_LARGE,
     PEAK_SMALL, RATIO(1.1)},
};

static const struct scenario scenarios[] = {
    RATE_SCENARIO(rows_64m, 64, 1),
    RATE_SCENARIO(rows_1g, 1024, 1),
    RATE_SCENARIO(rows_three, 256, 3),
    {
        .unit = "ms",
        .sides = {"cp and sync", "message", "shared memory", "shared memory, not synced"},
        .rows = rows_4k,
        .n_rows = ARRAY_LEN(rows_4k),
        .params = &(const struct params){4096, 1, 20},
        .setup = setup,
        .measure = measure_small,
        .teardown = teardown,
    },
    {
        .unit = "KiB",
        .max_rounds = 3,
        .sides = {"64 MiB", "1 GiB"},
        .rows = rows_memory,
        .n_rows = ARRAY_LEN(rows_memory),
        .params = &(const struct params){(uint64_t)1024 * MIB, 1, 1},
        .setup = setup,
        .measure = measure_peak,
        .teardown = teardown,
    },
};

const struct scenario_list row_transfer = {scenarios, ARRAY_LEN(scenarios)};
