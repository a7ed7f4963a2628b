/*
 * A reader that is stopped (SIGSTOP) while 200,000 messages for it are sent, and then goes on: how
 * long a trip of two others takes meanwhile, what the router keeps for it in memory, and whether it
 * gets everything.
 */
#include <signal.h>

#include "bench/flood/flood.h"

#define N_MESSAGES 200000
#define LIVE_TURNS 2 /* to a live reader, so that a log of bounded size is full before */
#define LIVE_S 4     /* so long each may take */
#define STOP_S 1.5   /* at least so long the reader is stopped, and at most */
#define STOP_MAX_S 3
#define QUIET_S 0.7
#define SETTLE_S 10

enum { PHASE_QUIET, PHASE_LIVE, PHASE_STOPPED, PHASE_AFTER };
enum { ECHO, PING, READER, SENDER };
enum { FIGURE_P99, FIGURE_LONGEST, FIGURE_QUIET_P99, FIGURE_MEMORY };

static void stopped_add_members(struct flood *flood) {
    flood_add(flood, &(struct flood_member){.role = flood_echo, .to = PING, .listens = true});
    flood_add(flood, &(struct flood_member){.role = flood_ping, .to = ECHO, .listens = true});
    flood_add(flood, &(struct flood_member){.role = flood_sink, .from = SENDER, .listens = true});
    flood_add(flood,
              &(struct flood_member){
                  .role = flood_source, .to = READER, .bulk = true, .n_per_turn = N_MESSAGES});
}

/* Nothing, and then a flood to a reader who reads. */
static int stopped_before(struct bench *bench, struct flood *flood) {
    mono_time last;
    int r = flood_wait(bench, flood, QUIET_S);
    atomic_store(&flood->phase, PHASE_LIVE);
    for (unsigned turn = 0; r == 0 && turn < LIVE_TURNS; turn++) {
        flood_next_turn(flood);
        r = flood_await_turn(bench, flood, SENDER, LIVE_S);
        if (r == 0)
            r = flood_settle(bench, flood, flood_sent(flood), 1, LIVE_S, &last);
    }
    return r;
}

static int stopped_meanwhile(struct bench *bench, struct flood *flood, double *growth) {
    struct router_memory before = {0}, after = {0};
    mono_time begin = mono_now();
    int r = router_memory(bench, &flood->router, &before);
    kill(flood->crew.pids[READER], SIGSTOP);
    atomic_store(&flood->phase, PHASE_STOPPED);
    flood_next_turn(flood);
    if (r == 0)
        r = flood_await_turn(bench, flood, SENDER, STOP_MAX_S);
    int64_t ms = (int64_t)(STOP_S * 1000) - (mono_now().ns - begin.ns) / NS_PER_MS;
    if (r == 0 && ms > 0)
        r = flood_wait(bench, flood, (double)ms / 1000);
    if (r == 0)
        r = router_memory(bench, &flood->router, &after);
    *growth = ((double)after.now - (double)before.now) / (1024 * 1024);
    return r;
}

static int stopped_after(struct bench *bench, struct flood *flood) {
    mono_time last;
    atomic_store(&flood->phase, PHASE_AFTER);
    kill(flood->crew.pids[READER], SIGCONT);
    int r = flood_await_turn(bench, flood, SENDER, SETTLE_S);
    return r == 0 ? flood_settle(bench, flood, flood_sent(flood), 1.5, SETTLE_S, &last) : r;
}

static int stopped_phases(struct bench *bench, struct flood *flood, struct contest_result *result) {
    int r = flood_start(bench, flood);
    if (r == 0)
        r = stopped_before(bench, flood);
    if (r == 0)
        r = stopped_meanwhile(bench, flood, &result->values[FIGURE_MEMORY]);
    if (r == 0)
        r = stopped_after(bench, flood);
    if (r == 0)
        r = flood_percentile(bench, flood, PHASE_STOPPED, 0.99, &result->values[FIGURE_P99]);
    if (r == 0)
        r = flood_percentile(bench, flood, PHASE_STOPPED, 1, &result->values[FIGURE_LONGEST]);
    if (r == 0)
        r = flood_percentile(bench, flood, PHASE_QUIET, 0.99, &result->values[FIGURE_QUIET_P99]);
    flood_judge(flood, flood_sent(flood), result);
    return r;
}

static int stopped_measure(struct bench *bench, const struct contest *contest,
                           const struct router_kind *kind, const struct contest_result *subject,
                           struct contest_result *result) {
    struct flood *flood = NULL;
    (void)contest, (void)subject;
    int r = flood_open(bench, &flood, kind, SENDER + 1, false);
    if (r == 0) {
        stopped_add_members(flood);
        r = stopped_phases(bench, flood, result);
    }
    flood_close(flood);
    return r;
}

#define STOPPED_FIGURES(figures_, name_, how_)                                                     \
    static const struct figure figures_[] = {                                                      \
        {name_, "a reader stopped under 200,000 messages" how_ ": p99 of two others", "us", false, \
         FIGURE_QUIET_P99},                                                                        \
        {name_ "-longest", "the longest that the two wait", "us", false, NO_FIGURE},               \
        {name_ "-quiet", "p99 of the two before", "us", false, NO_FIGURE},                         \
        {name_ "-memory", "the router's memory grows by", "MiB", false, NO_FIGURE},                \
    };

STOPPED_FIGURES(stopped_figures, "stopped-reader", "")
STOPPED_FIGURES(stored_figures, "stopped-reader-stored", ", a hub with a store")

static const struct router_kind *const stored[] = {&router_earshot_stored, &router_nats, NULL};

static const struct contest contests[] = {
    {.figures = stopped_figures,
     .n_figures = ARRAY_LEN(stopped_figures),
     .entrants = contest_everybody,
     .measure = stopped_measure},
    {.figures = stored_figures,
     .n_figures = ARRAY_LEN(stored_figures),
     .entrants = stored,
     .measure = stopped_measure},
};

const struct contest_list row_stopped = {contests, ARRAY_LEN(contests)};
