/*
 * How long a trip takes for two who say little, while 16 pairs of the same user, or of another one,
 * flood in bulk; beside the same two while all is quiet.
 */
#include <pwd.h>
#include <unistd.h>

#include "bench/flood/flood.h"

#define N_PAIRS 16
#define WARM_S 0.2
#define QUIET_S 0.8
#define LOAD_S 1.4

enum { PHASE_WARM, PHASE_QUIET, PHASE_LOAD };
enum { FIGURE_P99, FIGURE_P50, FIGURE_QUIET_P99, FIGURE_QUIET_P50 };

static const struct {
    unsigned phase;
    double share;
} percentiles[] = {
    [FIGURE_P99] = {PHASE_LOAD, 0.99},
    [FIGURE_P50] = {PHASE_LOAD, 0.5},
    [FIGURE_QUIET_P99] = {PHASE_QUIET, 0.99},
    [FIGURE_QUIET_P50] = {PHASE_QUIET, 0.5},
};

struct quiet_params {
    bool other_user;
};

static const char *quiet_obstacle(void) {
    return geteuid() == 0 ? NULL : "only root can act as several users";
}

/* Some servers let nobody in who has no login; and every Debian has these two. */
static uid_t quiet_uid(const char *login, uid_t otherwise) {
    const struct passwd *entry = getpwnam(login);
    return entry ? entry->pw_uid : otherwise;
}

static void quiet_add_members(struct flood *flood, bool other_user) {
    const uid_t quiet = other_user ? quiet_uid("nobody", 61002) : 0;
    const uid_t loud = other_user ? quiet_uid("daemon", 61001) : 0;
    unsigned echo = flood_add(
        flood, &(struct flood_member){.role = flood_echo, .to = 1, .listens = true, .uid = quiet});
    flood_add(flood, &(struct flood_member){
                         .role = flood_ping, .to = (int)echo, .listens = true, .uid = quiet});
    for (unsigned i = 0; i < N_PAIRS; i++)
        flood_add(flood,
                  &(struct flood_member){
                      .role = flood_sink, .from = 2 + N_PAIRS + i, .listens = true, .uid = loud});
    for (unsigned i = 0; i < N_PAIRS; i++)
        flood_add(flood, &(struct flood_member){
                             .role = flood_source, .to = (int)(2 + i), .bulk = true, .uid = loud});
}

static int quiet_phase(struct bench *bench, struct flood *flood, unsigned phase, double seconds) {
    atomic_store(&flood->phase, phase);
    return flood_wait(bench, flood, seconds);
}

static int quiet_phases(struct bench *bench, struct flood *flood) {
    int r = flood_start(bench, flood);
    if (r == 0)
        r = quiet_phase(bench, flood, PHASE_WARM, WARM_S);
    if (r == 0)
        r = quiet_phase(bench, flood, PHASE_QUIET, QUIET_S);
    flood_next_turn(flood);
    if (r == 0)
        r = quiet_phase(bench, flood, PHASE_WARM, WARM_S);
    double load_s = bench->options.duration_s > 0 ? 2 * bench->options.duration_s : LOAD_S;
    if (r == 0)
        r = quiet_phase(bench, flood, PHASE_LOAD, load_s);
    atomic_store(&flood->stop, 1);
    return r;
}

static int quiet_measure(struct bench *bench, const struct contest *contest,
                         const struct router_kind *kind, const struct contest_result *subject,
                         struct contest_result *result) {
    const struct quiet_params *params = contest->params;
    struct flood *flood = NULL;
    (void)subject;
    int r = flood_open(bench, &flood, kind, 2 + 2 * N_PAIRS, params->other_user);
    if (r == 0) {
        quiet_add_members(flood, params->other_user);
        r = quiet_phases(bench, flood);
    }
    for (size_t i = 0; r == 0 && i < ARRAY_LEN(percentiles); i++)
        r = flood_percentile(bench, flood, percentiles[i].phase, percentiles[i].share,
                             &result->values[i]);
    flood_close(flood);
    return r;
}

#define QUIET_FIGURES(figures_, name_, who_)                                                       \
    static const struct figure figures_[] = {                                                      \
        {name_, "a quiet pair while 16 pairs of " who_ " flood: p99", "us", false,                 \
         FIGURE_QUIET_P99},                                                                        \
        {name_ "-p50", "the same, p50", "us", false, FIGURE_QUIET_P50},                            \
        {name_ "-quiet", "the same pair while all is quiet: p99", "us", false, NO_FIGURE},         \
        {name_ "-quiet-p50", "the same, p50", "us", false, NO_FIGURE},                             \
    };

QUIET_FIGURES(same_figures, "quiet-under-flood", "the same user")
QUIET_FIGURES(other_figures, "quiet-under-flood-other", "another user")

/* A server of another project knows no users: one row is enough for them. */
static const struct router_kind *const without_peers[] = {&router_earshot, &router_rings,
                                                          &router_queues, NULL};

static const struct contest contests[] = {
    {.figures = same_figures,
     .n_figures = ARRAY_LEN(same_figures),
     .entrants = without_peers,
     .params = &(const struct quiet_params){false},
     .measure = quiet_measure},
    {.figures = other_figures,
     .n_figures = ARRAY_LEN(other_figures),
     .entrants = contest_everybody,
     .obstacle = quiet_obstacle,
     .params = &(const struct quiet_params){true},
     .measure = quiet_measure},
};

const struct contest_list row_quiet = {contests, ARRAY_LEN(contests)};
