/* A stream from one program to another: `earshot pipe`, beside two cats. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bench/copies.h"
#include "bench/hub.h"

enum { CAT, EARSHOT };

struct pipe_bench {
    struct hub hub;
    struct copies copies;
    char program[PATH_MAX];
};

/* $0: what was built, $1: the hub's directory, $2: from, $3: to. */
static char cats[] = "cat <\"$2\" | cat >\"$3\"";
static char pipes[] = "\"$0\" --hub \"$1\" --name taker pipe --from giver >\"$3\" & "
                      "\"$0\" --hub \"$1\" --name giver pipe taker <\"$2\" 2>/dev/null "
                      "|| { kill $!; exit 1; }; wait $!";
/* Who was never here cannot be sent to. */
static char first[] = "\"$0\" --hub \"$1\" --name taker who >/dev/null 2>&1";

static int run(struct bench *bench, struct pipe_bench *pipe, char *script, double *seconds) {
    char shell[] = "/bin/sh", option[] = "-c";
    char *const argv[] = {shell,           option,        script,
                          pipe->program,   pipe->hub.dir, pipe->copies.from,
                          pipe->copies.to, NULL};
    return copies_run(bench, argv, seconds);
}

static int setup(struct bench *bench, const struct scenario *scenario, unsigned sides,
                 void **state) {
    uint64_t n_bytes = *(const uint64_t *)scenario->params;
    struct pipe_bench *pipe = calloc(1, sizeof *pipe);
    double seconds;
    (void)sides;
    if (!pipe)
        return -ENOMEM;
    *state = pipe;
    int r = hub_program(bench, pipe->program, "earshot");
    if (r == 0)
        r = copies_open(bench, &pipe->copies,
                        bench->options.quick ? n_bytes / COPIES_QUICK_SHARE : n_bytes);
    if (r == 0)
        r = hub_start_durable(bench, &pipe->hub);
    return r == 0 ? run(bench, pipe, first, &seconds) : r;
}

static void teardown(void *state) {
    struct pipe_bench *pipe = state;
    if (!pipe)
        return;
    hub_stop(&pipe->hub);
    copies_close(&pipe->copies);
    free(pipe);
}

static int measure(struct bench *bench, const struct scenario *scenario, void *state, unsigned side,
                   double *value) {
    struct pipe_bench *pipe = state;
    double seconds = 0;
    (void)scenario;
    int r = copies_clear(bench, &pipe->copies);
    if (r == 0)
        r = run(bench, pipe, side == CAT ? cats : pipes, &seconds);
    if (r == 0)
        r = copies_check(bench, &pipe->copies);
    *value = copies_rate(&pipe->copies, 1, seconds);
    return r;
}

static const struct row rows[] = {
    {"pipe-1g",
     "1 GiB through `earshot pipe`, from start to exit",
     EARSHOT,
     CAT,
     {.has_ratio = true, .ratio = 0.9}},
};

static const struct scenario scenarios[] = {{
    .unit = "MB/s",
    .more_is_better = true,
    .sides = {"cat | cat", "earshot"},
    .rows = rows,
    .n_rows = ARRAY_LEN(rows),
    .params = &(const uint64_t){(uint64_t)1024 * MIB},
    .setup = setup,
    .measure = measure,
    .teardown = teardown,
}};

const struct scenario_list row_pipe = {scenarios, ARRAY_LEN(scenarios)};
