/*
 * A flood to a hub with a store, acknowledged when it is on the disk; beside SQLite alone with the
 * same rows, the same two indexes, and as many rows in each commit as the hub had. Both leave the
 * full-text indexes for later: the hub fills them when no commit waits.
 */
#include <stdio.h>

#include "bench/bare_store.h"
#include "bench/flood/flood.h"
#include "bench/peer.h"

#define N_PAIRS 16
#define FLOOD_S 0.7
#define SENDER_S 60
#define SETTLE_S 20

enum { FIGURE_RATE, FIGURE_GROUP, FIGURE_ROWS };
enum { COUNTER = 2 * N_PAIRS };

/* Asks how many commits there were; once in each turn. */
static int stored_count(struct client *client, struct flood *flood) {
    struct flood_slot *slot = &flood->slots[client->index];
    for (unsigned turn = 1;; turn++) {
        uint64_t n = 0;
        flood_await_next(flood, turn);
        int r = router_earshot_counter(client, "commits", &n);
        if (r != CLIENT_OK)
            return r;
        atomic_store(&slot->n, n);
        atomic_store(&slot->turn, turn);
    }
}

static void stored_add_members(struct flood *flood) {
    for (unsigned i = 0; i < N_PAIRS; i++)
        flood_add(flood,
                  &(struct flood_member){.role = flood_sink, .from = N_PAIRS + i, .listens = true});
    for (unsigned i = 0; i < N_PAIRS; i++)
        flood_add(flood, &(struct flood_member){.role = flood_source, .to = (int)i, .bulk = true});
    flood_add(flood, &(struct flood_member){.role = stored_count});
}

static int stored_count_commits(struct bench *bench, struct flood *flood, uint64_t *n) {
    int r = flood_await_turn(bench, flood, COUNTER, SENDER_S);
    *n = atomic_load(&flood->slots[COUNTER].n);
    return r;
}

static int stored_flood(struct bench *bench, struct flood *flood, struct contest_result *result) {
    double seconds = bench->options.duration_s > 0 ? bench->options.duration_s : FLOOD_S;
    uint64_t before = 0, after = 0;
    mono_time begin = mono_now(), last;
    flood_next_turn(flood);
    int r = stored_count_commits(bench, flood, &before);
    if (r == 0)
        r = flood_wait(bench, flood, seconds);
    atomic_store(&flood->stop, 1);
    if (r == 0)
        r = flood_await_sources(bench, flood, SENDER_S);
    int64_t ns = mono_now().ns - begin.ns;
    uint64_t n_sent = flood_sent(flood);
    if (r == 0)
        r = flood_settle(bench, flood, n_sent, 1.5, SETTLE_S, &last);
    flood_next_turn(flood);
    if (r == 0)
        r = stored_count_commits(bench, flood, &after);
    result->values[FIGURE_RATE] = (double)n_sent * NS_PER_S / (double)ns;
    result->values[FIGURE_GROUP] =
        after > before ? (double)n_sent / (double)(after - before) : (double)n_sent;
    result->values[FIGURE_ROWS] = (double)n_sent;
    flood_judge(flood, n_sent, result);
    return r;
}

static int stored_measure_hub(struct bench *bench, const struct router_kind *kind,
                              struct contest_result *result) {
    struct flood *flood = NULL;
    int r = flood_open(bench, &flood, kind, 2 * N_PAIRS + 1, false);
    if (r == 0) {
        stored_add_members(flood);
        r = flood_start(bench, flood);
    }
    if (r == 0)
        r = stored_flood(bench, flood, result);
    flood_close(flood);
    return r;
}

static const struct router_kind bare_sqlite = {.name = "bare SQLite"};

static int stored_measure(struct bench *bench, const struct contest *contest,
                          const struct router_kind *kind, const struct contest_result *subject,
                          struct contest_result *result) {
    (void)contest;
    if (kind != &bare_sqlite)
        return stored_measure_hub(bench, kind, result);
    result->values[FIGURE_GROUP] = subject->values[FIGURE_GROUP];
    result->values[FIGURE_ROWS] = subject->values[FIGURE_ROWS];
    return bare_store_inserts(bench, chatter_flood, (unsigned)subject->values[FIGURE_ROWS],
                              (unsigned)subject->values[FIGURE_GROUP] + 1,
                              &result->values[FIGURE_RATE]);
}

static const struct figure stored_figures[] = {
    {"flood-stored-16", "16 pairs, in bulk, acknowledged when on the disk", "msg/s", true,
     NO_FIGURE},
    {"flood-stored-16-group", "rows in each commit", "rows", true, NO_FIGURE},
};

static const struct router_kind *const stored[] = {&router_earshot_stored, &bare_sqlite, NULL};

static const struct contest contests[] = {{
    .figures = stored_figures,
    .n_figures = ARRAY_LEN(stored_figures),
    .entrants = stored,
    .measure = stored_measure,
}};

const struct contest_list row_stored = {contests, ARRAY_LEN(contests)};
