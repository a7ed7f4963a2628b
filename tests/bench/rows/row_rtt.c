/* The round trip of a direct message, with and without idle sessions, free and on one CPU. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bench/bare.h"
#include "bench/idle.h"
#include "bench/peer.h"
#include "bench/pin.h"
#include "bench/samples.h"
#include "bench/sides.h"

#define RTT_TEXT 120
#define RTT_WARM_UP 200

enum { BARE, FIRST_HUB, N_SIDES = 4 };
static const unsigned n_idle[N_SIDES] = {0, 0, 100, 1000};

enum { PING, PONG };

struct game {
    char dir[HUB_DIR_SIZE];
    unsigned n_trips;
    double p50_us;
};

struct rtt {
    bool pinned;
    cpu_set_t before;
    struct hub hubs[N_SIDES];
    struct idle idle[N_SIDES];
};

static const char *const handles[] = {"bench-ping", "bench-pong"};

static int play_trip(struct peer *peer, unsigned self, struct load *out, struct load *in) {
    if (self == PING && peer_send(peer, handles[PONG], out, 0) != 0)
        return 1;
    if (peer_expect(peer, in) != 0)
        return 1;
    return self == PONG ? peer_send(peer, handles[PING], out, 0) : 0;
}

static int play_trips(struct game *game, struct peer *peer, unsigned self,
                      struct samples *samples) {
    struct load out, in;
    load_init(&out, self, RTT_TEXT);
    load_init(&in, !self, RTT_TEXT);
    crew_ready(peer->arena);
    for (unsigned i = 0; i < game->n_trips + RTT_WARM_UP; i++) {
        mono_time start = mono_now();
        if (play_trip(peer, self, &out, &in) != 0)
            return 1;
        if (i >= RTT_WARM_UP)
            samples_add(samples, start);
    }
    return peer_settle(peer);
}

static int work(struct crew_arena *arena, unsigned index, void *arg) {
    struct game *game = arg;
    struct peer peer;
    struct samples samples;
    if (samples_init(&samples, game->n_trips) != 0)
        return crew_fail(arena, "out of memory");
    if (peer_open(&peer, arena, game->dir, handles[index], EARSHOT_LISTEN) != 0)
        return 1;
    int r = play_trips(game, &peer, index, &samples);
    if (index == PING)
        game->p50_us = samples_median_us(&samples);
    if (r == 0)
        crew_done(arena);
    peer_close(&peer);
    samples_deinit(&samples);
    return r;
}

int rtt_of_hub(struct bench *bench, const struct hub *hub, unsigned n_trips, double *p50_us) {
    struct crew crew = {0};
    struct game *game = shared_new(sizeof *game);
    if (!game)
        return -ENOMEM;
    memcpy(game->dir, hub->dir, sizeof game->dir);
    game->n_trips = n_trips;
    int r = crew_start(bench, &crew, 2, work, game);
    if (r == 0)
        r = crew_run(bench, &crew);
    crew_stop(&crew);
    *p50_us = game->p50_us;
    shared_free(game, sizeof *game);
    return r;
}

static int measure(struct bench *bench, const struct scenario *scenario, void *state, unsigned side,
                   double *value) {
    (void)scenario;
    struct rtt *rtt = state;
    unsigned n_trips = bench->options.quick ? 1000 : 10000;
    if (side == BARE)
        return bare_rtt(bench, n_trips, value);
    return rtt_of_hub(bench, &rtt->hubs[side], n_trips, value);
}

static int setup(struct bench *bench, const struct scenario *scenario, unsigned sides,
                 void **state) {
    struct rtt *rtt = calloc(1, sizeof *rtt);
    if (!rtt)
        return -ENOMEM;
    *state = rtt;
    int r = scenario->params ? pin_to_one(&rtt->before) : 0;
    rtt->pinned = scenario->params && r == 0;
    for (unsigned i = FIRST_HUB; i < N_SIDES && r == 0; i++) {
        if (!(sides & 1u << i))
            continue;
        r = hub_start(bench, &rtt->hubs[i]);
        if (r == 0)
            r = idle_start(bench, &rtt->idle[i], &rtt->hubs[i], n_idle[i]);
    }
    return r;
}

static void teardown(void *state) {
    struct rtt *rtt = state;
    if (!rtt)
        return;
    for (unsigned i = FIRST_HUB; i < N_SIDES; i++) {
        idle_stop(&rtt->idle[i]);
        hub_stop(&rtt->hubs[i]);
    }
    if (rtt->pinned)
        pin_undo(&rtt->before);
    free(rtt);
}

#define RTT_GOAL                                                                                   \
    { .has_ratio = true, .ratio = 1.3 }
#define IDLE_GOAL                                                                                  \
    { .has_ratio = true, .ratio = 1.15 }

static const struct row free_rows[] = {
    {"rtt", "round trip", 1, BARE, RTT_GOAL},
    {"rtt-idle-100", "round trip, 100 idle sessions", 2, BARE, {0}},
    {"rtt-idle-1000", "round trip, 1000 idle sessions", 3, BARE, {0}},
    {"rtt-idle-1000-own", "the same beside none idle", 3, FIRST_HUB, IDLE_GOAL},
};

static const struct row pinned_rows[] = {
    {"rtt-pinned", "round trip on one CPU", 1, BARE, RTT_GOAL},
    {"rtt-pinned-idle-100", "round trip on one CPU, 100 idle", 2, BARE, {0}},
    {"rtt-pinned-idle-1000", "round trip on one CPU, 1000 idle", 3, BARE, {0}},
    {"rtt-pinned-idle-1000-own", "the same beside none idle", 3, FIRST_HUB, IDLE_GOAL},
};

static const bool yes = true;

#define RTT_SCENARIO(rows_, pinned_)                                                               \
    {                                                                                              \
        .unit = "us", .sides = {"bare", "earshot", "earshot, 100 idle", "earshot, 1000 idle"},     \
        .rows = rows_, .n_rows = ARRAY_LEN(rows_), .params = pinned_, .setup = setup,              \
        .measure = measure, .teardown = teardown                                                   \
    }

static const struct scenario scenarios[] = {
    RTT_SCENARIO(free_rows, NULL),
    RTT_SCENARIO(pinned_rows, &yes),
};

const struct scenario_list row_rtt = {scenarios, ARRAY_LEN(scenarios)};
