/* Processes that join and leave, one after another from each of two spawners. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bench/bare.h"
#include "bench/hub.h"
#include "bench/peer.h"
#include "bench/spawn.h"

#define SPAWNERS 2

enum { BARE, EARSHOT };

struct joins {
    char dir[HUB_DIR_SIZE];
    struct crew_arena *arena;
    struct spawn_plan plan;
};

static int join_and_leave(void *arg, unsigned spawner) {
    const struct joins *joins = arg;
    struct peer peer;
    char handle[PEER_NAME_SIZE];
    snprintf(handle, sizeof handle, "bench-join-%u", spawner);
    if (peer_open(&peer, joins->arena, joins->dir, handle, EARSHOT_LISTEN) != 0)
        return 1;
    peer_close(&peer);
    return 0;
}

static int work(struct crew_arena *arena, unsigned index, void *arg) {
    struct joins *joins = arg;
    joins->arena = arena; /* the same address in all workers */
    return spawn_all(arena, &joins->plan, index);
}

static int measure(struct bench *bench, const struct scenario *scenario, void *state, unsigned side,
                   double *value) {
    (void)scenario;
    const struct hub *hub = state;
    unsigned n_joins = bench->options.quick ? 200 : 2000;
    if (side == BARE)
        return bare_joins(bench, SPAWNERS, n_joins, value);
    struct joins *joins = shared_new(sizeof *joins);
    if (!joins)
        return -ENOMEM;
    memcpy(joins->dir, hub->dir, sizeof joins->dir);
    joins->plan = (struct spawn_plan){
        .n_spawners = SPAWNERS, .n_joins = n_joins, .once = join_and_leave, .arg = joins};
    int r = spawn_measure(bench, work, joins, &joins->plan, 0, value);
    shared_free(joins, sizeof *joins);
    return r;
}

static const struct row rows[] = {{"joins", "join and leave", EARSHOT, BARE, {0}}};

static const struct scenario scenarios[] = {{
    .unit = "joins/s",
    .more_is_better = true,
    .sides = {"bare", "earshot"},
    .rows = rows,
    .n_rows = ARRAY_LEN(rows),
    .setup = hub_setup,
    .measure = measure,
    .teardown = hub_teardown,
}};

const struct scenario_list row_joins = {scenarios, ARRAY_LEN(scenarios)};
