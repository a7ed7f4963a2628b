/* The hub under test: a child process in a rendezvous directory of its own. */
#pragma once

#include <limits.h>
#include <sys/types.h>

#include "bench/bench.h"

#define HUB_DIR_SIZE 64

struct hub {
    pid_t pid; /* 0 when there is none */
    char dir[HUB_DIR_SIZE];
};

/* Starts earshotd, which lies beside this program, and waits until it answers. */
int hub_start(struct bench *bench, struct hub *hub);

/* The same with a store, in the hub's directory. */
int hub_start_durable(struct bench *bench, struct hub *hub);

/* Without a store, and open to all users of the machine. */
int hub_start_open(struct bench *bench, struct hub *hub);

/* Stops it, waits for its end and removes its directory; safe on the zero state. */
void hub_stop(struct hub *hub);

/* The setup and teardown of a scenario whose state is a hub without a store, and nothing else. */
int hub_setup(struct bench *bench, const struct scenario *scenario, unsigned sides, void **state);
void hub_teardown(void *state);

/* The path of a program that was built beside this one; 0 or BENCH_FAILED. */
int hub_program(struct bench *bench, char path[PATH_MAX], const char *name);

/*
 * In a child: becomes the program argv[0], which writes to the log in the hub's directory and gets
 * the signal when its parent dies.
 */
_Noreturn void hub_exec(const struct hub *hub, const char *const *argv, int death_signal);

struct hub_memory {
    size_t rss, private_dirty; /* bytes, from /proc/PID/smaps_rollup */
};

int hub_memory(struct bench *bench, const struct hub *hub, struct hub_memory *memory);

/* The context switches of all threads of the hub since they began, wanted or not. */
int hub_switches(struct bench *bench, const struct hub *hub, unsigned long *n);
