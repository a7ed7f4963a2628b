/* One `earshot send` from fork to exit, beside a program that does nothing and a bare msgsnd. */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "bench/bare.h"
#include "bench/hub.h"
#include "bench/peer.h"
#include "bench/samples.h"
#include "bench/sides.h"

#define COMMAND_TEXT 120
#define COMMAND_TO "bench-command"

enum { BARE, EARSHOT };

/* The one that the commands write to. */
struct command_reader {
    char dir[HUB_DIR_SIZE];
    unsigned n_messages;
};

static int read_all(struct crew_arena *arena, unsigned index, void *arg) {
    const struct command_reader *reader = arg;
    struct peer peer;
    struct load expected;
    (void)index;
    load_init(&expected, 0, COMMAND_TEXT);
    if (peer_open(&peer, arena, reader->dir, COMMAND_TO, EARSHOT_LISTEN) != 0)
        return 1;
    crew_joined(arena);
    while (expected.number < reader->n_messages)
        if (peer_expect(&peer, &expected) != 0)
            return 1;
    peer_close(&peer);
    return 0;
}

static int run(struct bench *bench, const char *program, char *const argv[]) {
    int status = 0;
    pid_t pid;
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    int r = posix_spawn(&pid, program, &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (r != 0)
        return bench_fail(bench, "%s: %s", program, strerror(r));
    if (waitpid(pid, &status, 0) != pid || status != 0)
        return bench_fail(bench, "%s ended with status %#x", program, (unsigned)status);
    return 0;
}

static int run_earshot(struct bench *bench, const struct hub *hub, const char *wait,
                       struct samples *samples, unsigned n) {
    char program[PATH_MAX], dir[HUB_DIR_SIZE], to[] = COMMAND_TO, state[16];
    struct load load;
    int r = hub_program(bench, program, "earshot");
    memcpy(dir, hub->dir, sizeof dir);
    snprintf(state, sizeof state, "%s", wait);
    load_init(&load, 0, COMMAND_TEXT);
    char *argv[] = {program, "--hub", dir, "send", "--wait", state, to, load.text, NULL};
    for (unsigned i = 0; i < n && r == 0; i++) {
        mono_time start = mono_now();
        r = run(bench, program, argv);
        samples_add(samples, start);
        load_next(&load);
    }
    return r;
}

static int measure_earshot(struct bench *bench, const struct hub *hub, const char *wait,
                           struct samples *samples, unsigned n) {
    struct crew crew = {0};
    struct command_reader *reader = shared_new(sizeof *reader);
    if (!reader)
        return -ENOMEM;
    memcpy(reader->dir, hub->dir, sizeof reader->dir);
    reader->n_messages = n;
    int r = crew_start(bench, &crew, 1, read_all, reader);
    if (r == 0)
        r = crew_await_ready(bench, &crew, 1);
    if (r == 0)
        r = run_earshot(bench, hub, wait, samples, n);
    if (r == 0)
        r = crew_await_exit(bench, &crew);
    crew_stop(&crew);
    shared_free(reader, sizeof *reader);
    return r;
}

int command_of_hub(struct bench *bench, const struct hub *hub, const char *wait, unsigned n,
                   double *ms) {
    struct samples samples;
    if (samples_init(&samples, n) != 0)
        return -ENOMEM;
    int r = measure_earshot(bench, hub, wait, &samples, n);
    *ms = samples_median_us(&samples) / 1000;
    samples_deinit(&samples);
    return r;
}

static int measure_bare(struct bench *bench, struct samples *samples, unsigned n) {
    char program[] = "/bin/true";
    char *argv[] = {program, NULL};
    struct bare_batch batch = {.mtype = BARE_HUB_MTYPE};
    struct load load;
    int id;
    int r = bare_queues_new(bench, &id, 1);
    if (r != 0)
        return r;
    load_init(&load, 0, COMMAND_TEXT);
    for (unsigned i = 0; i < n && r == 0; i++) {
        size_t used = 0;
        mono_time start = mono_now();
        r = run(bench, program, argv);
        bare_append(&batch, &used, 0, load.text, load.n);
        bare_try_send(id, &batch, used);
        samples_add(samples, start);
        bare_try_receive(id, &batch, &used);
    }
    bare_queues_remove(&id, 1);
    return r;
}

static int measure(struct bench *bench, const struct scenario *scenario, void *state, unsigned side,
                   double *value) {
    (void)scenario;
    struct samples samples;
    unsigned n = bench->options.quick ? 20 : 200;
    if (samples_init(&samples, n) != 0)
        return -ENOMEM;
    int r = side == BARE ? measure_bare(bench, &samples, n)
                         : measure_earshot(bench, state, "sent", &samples, n);
    *value = samples_median_us(&samples) / 1000;
    samples_deinit(&samples);
    return r;
}

static const struct row rows[] = {
    {"command-send", "earshot send --wait sent", EARSHOT, BARE, {.has_value = true, .value = 3}}};

static const struct scenario scenarios[] = {{
    .unit = "ms",
    .sides = {"/bin/true and msgsnd", "earshot"},
    .rows = rows,
    .n_rows = ARRAY_LEN(rows),
    .setup = hub_setup,
    .measure = measure,
    .teardown = hub_teardown,
}};

const struct scenario_list row_command = {scenarios, ARRAY_LEN(scenarios)};
