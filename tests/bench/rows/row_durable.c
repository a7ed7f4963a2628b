/* What the store costs: messages that are acknowledged when they are on the disk. */
#include <errno.h>
#include <stdlib.h>

#include "bench/bare_store.h"
#include "bench/sides.h"

#define PER_COMMIT 512

enum { REFERENCE, DURABLE };

/* Two hubs: one without a store, for what is held against it. */
struct durable {
    struct hub hubs[2];
};

static int setup(struct bench *bench, const struct scenario *scenario, unsigned sides,
                 void **state) {
    (void)scenario, (void)sides;
    struct durable *durable = *state = calloc(1, sizeof *durable);
    if (!durable)
        return -ENOMEM;
    int r = hub_start(bench, &durable->hubs[REFERENCE]);
    return r == 0 ? hub_start_durable(bench, &durable->hubs[DURABLE]) : r;
}

static void teardown(void *state) {
    struct durable *durable = state;
    if (!durable)
        return;
    hub_stop(&durable->hubs[REFERENCE]);
    hub_stop(&durable->hubs[DURABLE]);
    free(durable);
}

static int measure_stored(struct bench *bench, const struct scenario *scenario, void *state,
                          unsigned side, double *value) {
    (void)scenario;
    const struct durable *durable = state;
    struct throughput params = {
        .bulk = true, .acked = true, .n_pairs = 16, .n_bytes = 120, .n_messages = 10000};
    if (bench->options.quick)
        params.n_messages /= 10;
    if (side == REFERENCE)
        return bare_store_inserts(bench, chatter_flood, params.n_pairs * params.n_messages,
                                  PER_COMMIT, value);
    return throughput_of_hub(bench, &durable->hubs[DURABLE], &params, value);
}

static int measure_rtt(struct bench *bench, const struct scenario *scenario, void *state,
                       unsigned side, double *value) {
    (void)scenario;
    const struct durable *durable = state;
    return rtt_of_hub(bench, &durable->hubs[side], bench->options.quick ? 1000 : 10000, value);
}

static int measure_command(struct bench *bench, const struct scenario *scenario, void *state,
                           unsigned side, double *value) {
    (void)scenario;
    const struct durable *durable = state;
    unsigned n = bench->options.quick ? 20 : 200;
    if (side == DURABLE)
        return command_of_hub(bench, &durable->hubs[DURABLE], "stored", n, value);
    int r = bare_store_inserts(bench, chatter_flood, n, 1, value);
    *value = *value > 0 ? 1000 / *value : 0;
    return r;
}

static const struct row stored_rows[] = {{"stored-16x120",
                                          "16 pairs, 120 B, bulk, acknowledged when stored, a "
                                          "credit holds the senders back",
                                          DURABLE,
                                          REFERENCE,
                                          {.has_ratio = true, .ratio = 0.6}}};
static const struct row rtt_rows[] = {{"rtt-stored",
                                       "round trip through a hub with a store",
                                       DURABLE,
                                       REFERENCE,
                                       {.has_ratio = true, .ratio = 1.25}}};
static const struct row command_rows[] = {{"command-send-stored",
                                           "earshot send --wait stored",
                                           DURABLE,
                                           REFERENCE,
                                           {.has_value = true, .value = 5}}};

#define DURABLE_SCENARIO(rows_, unit_, more_, reference_, subject_, measure_)                      \
    {                                                                                              \
        .unit = unit_, .more_is_better = more_, .sides = {reference_, subject_}, .rows = rows_,    \
        .n_rows = ARRAY_LEN(rows_), .setup = setup, .measure = measure_, .teardown = teardown      \
    }

static const struct scenario scenarios[] = {
    DURABLE_SCENARIO(stored_rows, "msgs/s", true, "bare SQLite", "earshot", measure_stored),
    DURABLE_SCENARIO(rtt_rows, "us", false, "ephemeral", "stored", measure_rtt),
    DURABLE_SCENARIO(command_rows, "ms", false, "bare insert", "earshot", measure_command),
};

const struct scenario_list row_durable = {scenarios, ARRAY_LEN(scenarios)};
