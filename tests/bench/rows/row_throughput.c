/*
 * Throughput of direct messages between pairs of processes, where a credit holds the senders back
 * to the pace of the receivers.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/bare.h"
#include "bench/hub.h"
#include "bench/peer.h"
#include "bench/sides.h"

#define PAIRS_MAX 16

enum { BARE_ONE, BARE_LANES, EARSHOT };

/* What the processes share. */
struct pairs {
    char dir[HUB_DIR_SIZE];
    struct throughput params;
    struct credit credits[PAIRS_MAX];
    struct span spans[2 * PAIRS_MAX];
};

struct throughput_state {
    struct hub hub;
    unsigned n_lanes; /* inbound queues that the hub uses under this load */
};

static int send_all(struct peer *peer, struct pairs *pairs, unsigned pair, const char *to) {
    struct credit *credit = &pairs->credits[pair];
    const unsigned window = credit_window(pairs->params.n_bytes);
    unsigned flags = pairs->params.bulk ? EARSHOT_CORK : 0;
    struct load load;
    load_init(&load, pair, pairs->params.n_bytes);
    crew_ready(peer->arena);
    pairs->spans[pair].first_ns = mono_now().ns;
    for (unsigned i = 0; i < pairs->params.n_messages; i++) {
        if (!credit_left(credit, i, window)) {
            earshot_flush(peer->link);
            credit_await(credit, i, window);
        }
        if (peer_send(peer, to, &load, flags) != 0)
            return 1;
    }
    int r = peer_settle(peer);
    if (pairs->params.acked) /* until the last one is stored, not only received */
        pairs->spans[pair].last_ns = mono_now().ns;
    return r;
}

static int receive_all(struct peer *peer, struct pairs *pairs, unsigned pair) {
    struct load expected;
    const unsigned step = credit_step(pairs->params.n_bytes);
    load_init(&expected, pair, pairs->params.n_bytes);
    crew_ready(peer->arena);
    while (expected.number < pairs->params.n_messages) {
        if (peer_expect(peer, &expected) != 0)
            return 1;
        if (expected.number % step == 0)
            credit_give(&pairs->credits[pair], step);
    }
    pairs->spans[pair + PAIRS_MAX].last_ns = mono_now().ns;
    return 0;
}

static int work(struct crew_arena *arena, unsigned index, void *arg) {
    struct pairs *pairs = arg;
    unsigned pair = index / 2;
    bool sends = index % 2;
    struct peer peer;
    char from[PEER_NAME_SIZE], to[PEER_NAME_SIZE];
    snprintf(from, sizeof from, "bench-from-%u", pair);
    snprintf(to, sizeof to, "bench-to-%u", pair);
    if (peer_open(&peer, arena, pairs->dir, sends ? from : to, sends ? 0 : EARSHOT_LISTEN) != 0)
        return 1;
    int r = sends ? send_all(&peer, pairs, pair, to) : receive_all(&peer, pairs, pair);
    if (r == 0)
        crew_done(arena);
    peer_close(&peer);
    return r;
}

/* In a worker of its own: how many queues lead into the hub just now. */
static int count_lanes(struct crew_arena *arena, unsigned index, void *arg) {
    struct pairs *pairs = arg;
    struct peer peer;
    unsigned n = 0;
    (void)index;
    if (peer_open(&peer, arena, pairs->dir, "bench-count", 0) != 0 ||
        peer_count_lanes(&peer, &n) != 0)
        return 1;
    pairs->params.n_pairs = n;
    peer_close(&peer);
    return 0;
}

static int ask_lanes(struct bench *bench, const struct hub *hub, unsigned *n_lanes) {
    struct crew crew = {0};
    struct pairs *pairs = shared_new(sizeof *pairs);
    if (!pairs)
        return -ENOMEM;
    memcpy(pairs->dir, hub->dir, sizeof pairs->dir);
    int r = crew_start(bench, &crew, 1, count_lanes, pairs);
    if (r == 0)
        r = crew_await_exit(bench, &crew);
    crew_stop(&crew);
    *n_lanes = pairs->params.n_pairs;
    shared_free(pairs, sizeof *pairs);
    return r;
}

/* As crew_run(), and counts the lanes while all sessions are still there. */
static int run(struct bench *bench, struct throughput_state *state, struct crew *crew) {
    int r = crew_await_ready(bench, crew, crew->n);
    if (r != 0)
        return r;
    crew_go(crew);
    r = crew_await_done(bench, crew, crew->n);
    if (r == 0)
        r = ask_lanes(bench, &state->hub, &state->n_lanes);
    crew_leave(crew);
    return r == 0 ? crew_await_exit(bench, crew) : r;
}

static int measure_with(struct bench *bench, struct throughput_state *state,
                        const struct throughput *params, double *per_second) {
    struct crew crew = {0};
    struct pairs *pairs = shared_new(sizeof *pairs);
    if (!pairs)
        return -ENOMEM;
    memcpy(pairs->dir, state->hub.dir, sizeof pairs->dir);
    pairs->params = *params;
    int r = crew_start(bench, &crew, 2 * params->n_pairs, work, pairs);
    if (r == 0)
        r = run(bench, state, &crew);
    crew_stop(&crew);
    if (r == 0)
        *per_second = (double)params->n_pairs * params->n_messages /
                      spans_seconds(pairs->spans, 2 * PAIRS_MAX);
    shared_free(pairs, sizeof *pairs);
    return r;
}

int throughput_of_hub(struct bench *bench, const struct hub *hub, const struct throughput *params,
                      double *per_second) {
    struct throughput_state state = {.hub = *hub};
    return measure_with(bench, &state, params, per_second);
}

static struct throughput params_of(const struct bench *bench, const struct scenario *scenario) {
    struct throughput params = *(const struct throughput *)scenario->params;
    params.n_messages /= params.n_pairs * (bench->options.quick ? 20 : 1);
    return params;
}

static int measure(struct bench *bench, const struct scenario *scenario, void *state, unsigned side,
                   double *value) {
    struct throughput_state *throughput = state;
    struct throughput params = params_of(bench, scenario);
    if (side == EARSHOT)
        return measure_with(bench, throughput, &params, value);
    return bare_relay(bench, &params, side == BARE_ONE ? 1 : throughput->n_lanes, value);
}

/* One run that does not count tells how many lanes the hub opens under this load. */
static int setup(struct bench *bench, const struct scenario *scenario, unsigned sides,
                 void **state) {
    struct throughput_state *throughput = calloc(1, sizeof *throughput);
    struct throughput params = params_of(bench, scenario);
    double ignored;
    (void)sides;
    if (!throughput)
        return -ENOMEM;
    *state = throughput;
    params.n_messages = params.n_messages / 4 + 1;
    int r = hub_start(bench, &throughput->hub);
    return r == 0 ? measure_with(bench, throughput, &params, &ignored) : r;
}

static void teardown(void *state) {
    struct throughput_state *throughput = state;
    if (!throughput)
        return;
    hub_stop(&throughput->hub);
    free(throughput);
}

/* Nobody does that for those who send in earnest: see flood/row_flood.c. */
#define CREDIT ", a credit holds the senders back"

/* Rows of one scenario: beside the relay that its goal names, and beside the other one. */
#define ROWS(rows_, name_, title_, main_, main_title_, other_, other_title_, ...)                  \
    static const struct row rows_[] = {                                                            \
        {name_, title_ main_title_, EARSHOT, main_, __VA_ARGS__},                                  \
        {name_ "-other", "the same" other_title_, EARSHOT, other_, {0}},                           \
    };
#define SINGLE(rows_, name_, title_, ...)                                                          \
    ROWS(rows_, "single-" name_, title_ ", one at a time" CREDIT, BARE_ONE, "", BARE_LANES,        \
         " beside a relay of as many queues", __VA_ARGS__)
#define BULK(rows_, name_, title_, ...)                                                            \
    ROWS(rows_, "bulk-" name_, title_ ", bulk" CREDIT, BARE_LANES, "", BARE_ONE,                   \
         " beside a relay of one queue", __VA_ARGS__)

SINGLE(single_1_small, "1x120", "1 pair, 120 B", {0})
SINGLE(single_4_small, "4x120", "4 pairs, 120 B", {0})
SINGLE(single_16_small, "16x120", "16 pairs, 120 B", {.has_ratio = true, .ratio = 0.8})
SINGLE(single_1_large, "1x1024", "1 pair, 1 KiB", {0})
SINGLE(single_4_large, "4x1024", "4 pairs, 1 KiB", {0})
SINGLE(single_16_large, "16x1024", "16 pairs, 1 KiB", {0})
BULK(bulk_1_small, "1x120", "1 pair, 120 B", {0})
BULK(bulk_4_small, "4x120", "4 pairs, 120 B", {0})
BULK(bulk_16_small, "16x120", "16 pairs, 120 B",
     {.has_ratio = true, .ratio = 0.5, .has_value = true, .value = 1100000})
BULK(bulk_1_large, "1x1024", "1 pair, 1 KiB", {0})
BULK(bulk_4_large, "4x1024", "4 pairs, 1 KiB", {0})
BULK(bulk_16_large, "16x1024", "16 pairs, 1 KiB", {0})

/* n_messages is of all pairs together. */
#define SCENARIO(rows_, bulk_, n_pairs_, n_bytes_, n_messages_)                                    \
    {                                                                                              \
        .unit = "msg/s", .more_is_better = true,                                                   \
        .sides = {"bare, one queue", "bare, as many queues", "earshot"}, .rows = rows_,            \
        .n_rows = ARRAY_LEN(rows_),                                                                \
        .params = &(const struct throughput){bulk_, false, n_pairs_, n_bytes_, n_messages_},       \
        .setup = setup, .measure = measure, .teardown = teardown                                   \
    }

static const struct scenario scenarios[] = {
    SCENARIO(single_1_small, false, 1, 120, 320000),
    SCENARIO(single_4_small, false, 4, 120, 320000),
    SCENARIO(single_16_small, false, 16, 120, 480000),
    SCENARIO(single_1_large, false, 1, 1024, 80000),
    SCENARIO(single_4_large, false, 4, 1024, 80000),
    SCENARIO(single_16_large, false, 16, 1024, 80000),
    SCENARIO(bulk_1_small, true, 1, 120, 800000),
    SCENARIO(bulk_4_small, true, 4, 120, 800000),
    SCENARIO(bulk_16_small, true, 16, 120, 1600000),
    SCENARIO(bulk_1_large, true, 1, 1024, 160000),
    SCENARIO(bulk_4_large, true, 4, 1024, 160000),
    SCENARIO(bulk_16_large, true, 16, 1024, 160000),
};

const struct scenario_list row_throughput = {scenarios, ARRAY_LEN(scenarios)};
