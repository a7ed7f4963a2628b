#include "bench/flood/router.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "bench/bare.h"

const char *client_address(struct client *client, int to, const char *format) {
    if (client->to_text[0] == '\0' || client->to != to) {
        client->to = to;
        if (to == ROUTER_ROOM)
            snprintf(client->to_text, sizeof client->to_text, "room");
        else
            snprintf(client->to_text, sizeof client->to_text, format, to);
    }
    return client->to_text;
}

bool router_program(const struct router_kind *kind, char path[PATH_MAX]) {
    const char *given = getenv("PATH");
    char places[4096];
    snprintf(places, sizeof places, "%s:/usr/local/sbin:/usr/sbin:/sbin", given ? given : "");
    char *rest = places;
    for (char *place; (place = strsep(&rest, ":"));) {
        snprintf(path, PATH_MAX, "%s/%s", place, kind->program);
        if (place[0] == '/' && access(path, X_OK) == 0)
            return true;
    }
    return false;
}

/* The number behind a label of /proc/PID/status, in KiB there. */
static size_t status_bytes(FILE *file, const char *label) {
    char line[256];
    rewind(file);
    while (fgets(line, sizeof line, file))
        if (strncmp(line, label, strlen(label)) == 0)
            return strtoul(line + strlen(label), NULL, 10) * 1024;
    return 0;
}

/* What the segments take that this process made or attached last: proc_sysvipc(5). */
static size_t segments_bytes(pid_t pid) {
    char line[512];
    size_t sum = 0;
    FILE *file = fopen("/proc/sysvipc/shm", "re");
    while (file && fgets(line, sizeof line, file)) {
        unsigned long rss = 0;
        int creator = 0, last = 0;
        if (sscanf(line, "%*d %*d %*o %*u %d %d %*u %*u %*u %*u %*u %*u %*u %*u %lu", &creator,
                   &last, &rss) == 3 &&
            (creator == pid || last == pid))
            sum += rss;
    }
    if (file)
        fclose(file);
    return sum;
}

/* So many bytes stand behind the label in this file of its /proc; 0: it has ended. */
static size_t router_proc(const struct router *router, const char *name, const char *label) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)router->pid, name);
    FILE *file = fopen(path, "re");
    size_t n = file ? status_bytes(file, label) : 0;
    if (file)
        fclose(file);
    return n;
}

/* What `status` says of the present is inexact: the kernel counts it for each processor apart. */
int router_memory(struct bench *bench, const struct router *router, struct router_memory *memory) {
    memory->now = router_proc(router, "smaps_rollup", "Rss:");
    if (memory->now == 0)
        return bench_fail(bench, "%s has ended", router->kind->name);
    size_t most = router_proc(router, "status", "VmHWM:");
    if (router->kind->has_segments)
        memory->now += segments_bytes(router->pid) - router_proc(router, "status", "RssShmem:");
    if (most < memory->now)
        most = memory->now;
    if (memory->peak < most)
        memory->peak = most;
    return 0;
}

static int router_fork(struct router *router, void (*relay)(struct router *router)) {
    pid_t parent = getpid();
    fflush(NULL);
    router->pid = fork();
    if (router->pid < 0)
        return error_errno();
    if (router->pid == 0) {
        crew_become_worker(parent);
        prctl(PR_SET_NAME, "bench-relay");
        relay(router);
        _exit(0);
    }
    return 0;
}

void router_kill(struct router *router) {
    if (router->pid <= 0)
        return;
    kill(router->pid, SIGKILL);
    waitpid(router->pid, NULL, 0);
    router->pid = 0;
}

int router_start_relay(struct bench *bench, struct router *router,
                       void (*relay)(struct router *router)) {
    struct router_shared *shared = router->own;
    unsigned n = 1 + router->n_clients;
    int r = bare_queues_new(bench, shared->ids, n);
    if (r != 0)
        return r;
    shared->n = n;
    for (unsigned i = 0; r == 0 && router->is_open && i < n; i++)
        r = bare_queue_open(shared->ids[i]);
    return r == 0 ? router_fork(router, relay) : r;
}

void router_stop_relay(struct router *router) {
    const struct router_shared *shared = router->own;
    router_kill(router);
    if (shared)
        bare_queues_remove(shared->ids, shared->n);
}

int router_join_relay(struct client *client) {
    struct router_shared *shared = client->router->own;
    atomic_store(&shared->in_room[client->index], true);
    return CLIENT_OK;
}
