/*
 * Floods: senders send as fast as they can, and nobody holds them back. Pairs of processes, or one
 * sender and a room. Until all that was sent has been received, or nothing comes any more.
 */
#include <errno.h>

#include "bench/flood/flood.h"

#define FLOOD_S 0.7
#define ROOM_S 0.5
#define SENDER_S 10 /* a sender may hang on a router that stands still */
#define QUIET_S 3   /* and nothing more is expected after so long without anything */
#define SETTLE_S 12 /* what is still on its way then is late */

struct flood_params {
    unsigned n_pairs, n_room; /* one of the two */
    bool bulk;
};

static double seconds_of(const struct bench *bench, double usual) {
    if (bench->options.duration_s > 0)
        return bench->options.duration_s;
    return bench->options.quick ? usual / 2 : usual;
}

static void add_pairs(struct flood *flood, const struct flood_params *params) {
    for (unsigned i = 0; i < params->n_pairs; i++)
        flood_add(flood, &(struct flood_member){
                             .role = flood_sink, .from = params->n_pairs + i, .listens = true});
    for (unsigned i = 0; i < params->n_pairs; i++)
        flood_add(flood,
                  &(struct flood_member){.role = flood_source, .to = (int)i, .bulk = params->bulk});
}

static void add_room(struct flood *flood, const struct flood_params *params) {
    struct flood_member member = {
        .role = flood_sink, .from = params->n_room, .listens = true, .joins = true};
    for (unsigned i = 0; i < params->n_room; i++)
        flood_add(flood, &member);
    flood_add(flood, &(struct flood_member){.role = flood_source,
                                            .to = ROUTER_ROOM,
                                            .bulk = params->bulk,
                                            .joins = flood->router.kind->sender_joins});
}

/* Each message is due `copies` times. */
static int flood_all(struct bench *bench, struct flood *flood, double seconds, unsigned copies,
                     struct contest_result *result) {
    mono_time last;
    int r = flood_start(bench, flood);
    mono_time begin = mono_now();
    flood_next_turn(flood);
    if (r == 0)
        r = flood_wait(bench, flood, seconds);
    atomic_store(&flood->stop, 1);
    if (r == 0)
        r = flood_await_sources(bench, flood, SENDER_S);
    uint64_t n_due = flood_sent(flood) * copies;
    if (r == 0)
        r = flood_settle(bench, flood, n_due, QUIET_S, SETTLE_S, &last);
    if (r != 0)
        return r;
    result->values[0] = (double)flood_received(flood) * NS_PER_S / (double)(last.ns - begin.ns);
    result->values[1] = (double)flood->memory.peak / (1024 * 1024);
    flood_judge(flood, n_due, result);
    return 0;
}

static int measure_pairs(struct bench *bench, const struct contest *contest,
                         const struct router_kind *kind, const struct contest_result *subject,
                         struct contest_result *result) {
    const struct flood_params *params = contest->params;
    struct flood *flood = NULL;
    (void)subject;
    int r = flood_open(bench, &flood, kind, 2 * params->n_pairs, false);
    if (r == 0) {
        add_pairs(flood, params);
        r = flood_all(bench, flood, seconds_of(bench, FLOOD_S), 1, result);
    }
    flood_close(flood);
    return r;
}

static int measure_room(struct bench *bench, const struct contest *contest,
                        const struct router_kind *kind, const struct contest_result *subject,
                        struct contest_result *result) {
    const struct flood_params *params = contest->params;
    struct flood *flood = NULL;
    (void)subject;
    int r = flood_open(bench, &flood, kind, params->n_room + 1, false);
    if (r == 0) {
        add_room(flood, params);
        r = flood_all(bench, flood, seconds_of(bench, ROOM_S), params->n_room, result);
    }
    flood_close(flood);
    return r;
}

#define FLOOD_FIGURE(name_, title_, unit_)                                                         \
    { .name = name_, .title = title_, .unit = unit_, .more_is_better = true, .beside = NO_FIGURE }
#define MEMORY_FIGURE(name_, title_)                                                               \
    { .name = name_, .title = title_, .unit = "MiB", .beside = NO_FIGURE }

static const struct figure bulk_16[] = {
    FLOOD_FIGURE("flood-bulk-16", "16 pairs, in bulk", "msg/s")};
static const struct figure single_16[] = {
    FLOOD_FIGURE("flood-single-16", "16 pairs, one at a time", "msg/s")};
static const struct figure bulk_1[] = {FLOOD_FIGURE("flood-bulk-1", "1 pair, in bulk", "msg/s")};
static const struct figure room_100[] = {
    FLOOD_FIGURE("flood-room-100", "room of 100, in bulk", "deliveries/s"),
    MEMORY_FIGURE("flood-room-100-memory", "most memory of the router and its segments")};
static const struct figure room_1000[] = {
    FLOOD_FIGURE("flood-room-1000", "room of 1000, in bulk", "deliveries/s"),
    MEMORY_FIGURE("flood-room-1000-memory", "most memory of the router and its segments")};

#define FLOOD_CONTEST(figures_, measure_, ...)                                                     \
    {                                                                                              \
        .figures = figures_, .n_figures = ARRAY_LEN(figures_), .entrants = contest_everybody,      \
        .params = &(const struct flood_params){__VA_ARGS__}, .measure = measure_                   \
    }

static const struct contest contests[] = {
    FLOOD_CONTEST(bulk_16, measure_pairs, .n_pairs = 16, .bulk = true),
    FLOOD_CONTEST(single_16, measure_pairs, .n_pairs = 16),
    FLOOD_CONTEST(bulk_1, measure_pairs, .n_pairs = 1, .bulk = true),
    FLOOD_CONTEST(room_100, measure_room, .n_room = 100, .bulk = true),
    FLOOD_CONTEST(room_1000, measure_room, .n_room = 1000, .bulk = true),
};

const struct contest_list row_flood = {contests, ARRAY_LEN(contests)};
