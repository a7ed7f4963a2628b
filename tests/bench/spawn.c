#include "bench/spawn.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

static int spawn_one(struct crew_arena *arena, const struct spawn_plan *plan, unsigned spawner) {
    int status = 0;
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        _exit(plan->once(plan->arg, spawner));
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        return crew_fail(arena, "a process could not be started");
    return status == 0 ? 0 : crew_fail(arena, "a process could not join (status %#x)", status);
}

int spawn_all(struct crew_arena *arena, struct spawn_plan *plan, unsigned spawner) {
    crew_ready(arena);
    plan->spans[spawner].first_ns = mono_now().ns;
    for (unsigned i = 0; i < plan->n_joins / plan->n_spawners; i++)
        if (spawn_one(arena, plan, spawner) != 0)
            return 1;
    plan->spans[spawner].last_ns = mono_now().ns;
    crew_done(arena);
    return 0;
}

int spawn_measure(struct bench *bench, crew_main work, void *arg, struct spawn_plan *plan,
                  unsigned n_servers, double *per_second) {
    struct crew crew = {0};
    unsigned n = n_servers + plan->n_spawners;
    int r = crew_start(bench, &crew, n, work, arg);
    if (r == 0)
        r = crew_await_ready(bench, &crew, n);
    if (r == 0) {
        crew_go(&crew);
        r = crew_await_done(bench, &crew, plan->n_spawners);
    }
    crew_stop(&crew);
    unsigned n_done = plan->n_joins / plan->n_spawners * plan->n_spawners;
    if (r == 0)
        *per_second = n_done / spans_seconds(plan->spans, plan->n_spawners);
    return r;
}
