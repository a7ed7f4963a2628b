/* Short-lived processes, one after another from each of a few spawners, and how fast they go. */
#pragma once

#include "bench/load.h"

#define SPAWNERS_MAX 4

struct spawn_plan {
    unsigned n_spawners, n_joins;             /* n_joins: of all spawners together */
    int (*once)(void *arg, unsigned spawner); /* the life of one process: its exit code */
    void *arg;
    struct span spans[SPAWNERS_MAX];
};

/* The work of one spawner. */
int spawn_all(struct crew_arena *arena, struct spawn_plan *plan, unsigned spawner);

/*
 * Runs a crew of n_servers workers and then the spawners, and stores processes per second. `arg`
 * and the plan lie in shared memory.
 */
int spawn_measure(struct bench *bench, crew_main work, void *arg, struct spawn_plan *plan,
                  unsigned n_servers, double *per_second);
