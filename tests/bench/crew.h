/*
 * A crew: worker processes that are forked, wait until all are ready, start together, and are
 * gone afterwards. They share an arena with the parent, in which a worker that finds something
 * wrong says so.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>

#include "bench/bench.h"

struct crew_arena {
    atomic_uint n_expected; /* workers */
    atomic_uint n_ready, n_done;
    atomic_uint go, leave;       /* gates: 0 closed, 1 open */
    atomic_uint claimed, failed; /* the first one that fails claims the text, then sets failed */
    char failure[BENCH_TEXT_SIZE];
};

struct crew {
    struct crew_arena *arena;
    pid_t *pids; /* 0 where a worker has been waited for */
    unsigned n;
};

/* What a worker does; its result is the exit code of the process. */
typedef int (*crew_main)(struct crew_arena *arena, unsigned index, void *arg);

/* Forks n workers. `arg` should lie in memory from shared_new() if they write to it. */
int crew_start(struct bench *bench, struct crew *crew, unsigned n, crew_main main, void *arg);

/* The same, so many at a time: the next ones are forked when all before are ready. */
int crew_start_in_steps(struct bench *bench, struct crew *crew, unsigned n, unsigned n_step,
                        crew_main main, void *arg);

/* The parent's view: these wait, and fail when a worker fails or dies, or when it takes long. */
int crew_await_ready(struct bench *bench, struct crew *crew, unsigned n);
int crew_await_done(struct bench *bench, struct crew *crew, unsigned n);
int crew_await_exit(struct bench *bench, struct crew *crew);
/* Does not wait; thoroughly: also for who died silently, which takes a call for each worker. */
int crew_check(struct bench *bench, struct crew *crew, bool thoroughly);
void crew_go(struct crew *crew);
void crew_leave(struct crew *crew);

/* Kills who is left, and frees; safe on the zero state. */
void crew_stop(struct crew *crew);

/* The common run: all get ready, go, are done, leave and exit. */
int crew_run(struct bench *bench, struct crew *crew);

/* The worker's view. */
void crew_ready(struct crew_arena *arena);  /* returns when the parent says go */
void crew_joined(struct crew_arena *arena); /* counts as ready without waiting */
void crew_done(struct crew_arena *arena);   /* returns when the parent says leave */
int crew_fail(struct crew_arena *arena, const char *format, ...) PRINTF_LIKE(2, 3); /* 1 */

/* In a child of `parent`, with whom it dies: what the parent did about signals is undone. */
void crew_become_worker(pid_t parent);

/* Memory that this process and those forked later share; zeroed. NULL when there is none. */
void *shared_new(size_t n);
void shared_free(void *memory, size_t n);

/* futex(2) on shared memory. */
void futex_wait(atomic_uint *word, unsigned value, int timeout_ms);
void futex_wake_all(atomic_uint *word);

/* Set by SIGINT and SIGTERM; everything that waits gives up then. */
void interrupt_install(void);
bool interrupt_came(void);
