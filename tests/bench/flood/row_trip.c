/*
 * One trip to another client and back, all processes on one CPU, and the same with 1,000 idle
 * clients; and what such a client costs in memory. Without the peers the rows rtt-* and memory-*
 * tell this.
 */
#include "bench/flood/flood.h"
#include "bench/pin.h"

#define N_TRIPS 3000
#define N_IDLE 1000
#define TRIPS_S 60

enum { PHASE_WARM, PHASE_COUNTED };
enum { ECHO, TRIPPER };
enum { FIGURE_ALONE, FIGURE_CROWD, FIGURE_MEMORY };

struct trip_result {
    double p50_us, memory_bytes;
};

static void trip_add_members(struct flood *flood, unsigned n_idle) {
    flood_add(flood, &(struct flood_member){.role = flood_echo, .to = TRIPPER, .listens = true});
    flood_add(flood, &(struct flood_member){
                         .role = flood_trips, .to = ECHO, .listens = true, .n_per_turn = N_TRIPS});
    for (unsigned i = 0; i < n_idle; i++)
        flood_add(flood, &(struct flood_member){.role = flood_sink, .listens = true});
}

static int trip_turns(struct bench *bench, struct flood *flood, struct trip_result *result) {
    int r = flood_start(bench, flood);
    for (unsigned phase = PHASE_WARM; r == 0 && phase <= PHASE_COUNTED; phase++) {
        atomic_store(&flood->phase, phase);
        flood_next_turn(flood);
        r = flood_await_turn(bench, flood, TRIPPER, TRIPS_S);
    }
    struct router_memory memory = {0};
    if (r == 0)
        r = router_memory(bench, &flood->router, &memory);
    result->memory_bytes = (double)memory.now;
    return r == 0 ? flood_percentile(bench, flood, PHASE_COUNTED, 0.5, &result->p50_us) : r;
}

static int trip_once(struct bench *bench, const struct router_kind *kind, unsigned n_idle,
                     struct trip_result *result) {
    struct flood *flood = NULL;
    int r = flood_open(bench, &flood, kind, 2 + n_idle, false);
    if (r == 0) {
        trip_add_members(flood, n_idle);
        r = trip_turns(bench, flood, result);
    }
    flood_close(flood);
    return r;
}

static int trip_measure(struct bench *bench, const struct contest *contest,
                        const struct router_kind *kind, const struct contest_result *subject,
                        struct contest_result *result) {
    struct trip_result alone = {0}, crowd = {0};
    cpu_set_t before;
    (void)contest, (void)subject;
    int r = pin_to_one(&before);
    if (r < 0)
        return r;
    r = trip_once(bench, kind, 0, &alone);
    if (r == 0)
        r = trip_once(bench, kind, N_IDLE, &crowd);
    pin_undo(&before);
    result->values[FIGURE_ALONE] = alone.p50_us;
    result->values[FIGURE_CROWD] = crowd.p50_us;
    result->values[FIGURE_MEMORY] = (crowd.memory_bytes - alone.memory_bytes) / N_IDLE / 1024;
    return r;
}

static const struct figure trip_figures[] = {
    {"trip-pinned", "round trip, all processes on one CPU: p50", "us", false, NO_FIGURE},
    {"trip-pinned-1000", "the same with 1,000 idle clients", "us", false, FIGURE_ALONE},
    {"trip-memory", "memory of the router per idle client", "KiB", false, NO_FIGURE},
};

static const struct contest contests[] = {{
    .figures = trip_figures,
    .n_figures = ARRAY_LEN(trip_figures),
    .entrants = contest_everybody,
    .only_with_peers = true,
    .measure = trip_measure,
}};

const struct contest_list row_trip = {contests, ARRAY_LEN(contests)};
