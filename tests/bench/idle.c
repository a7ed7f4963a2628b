#include "bench/idle.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bench/peer.h"

static int sit(struct crew_arena *arena, unsigned index, void *arg) {
    struct peer peer;
    struct earshot_event event;
    char handle[PEER_NAME_SIZE];
    snprintf(handle, sizeof handle, "idle-%u", index % PEER_CROWD_HANDLES);
    if (peer_open(&peer, arena, arg, handle, EARSHOT_LISTEN) != 0)
        return 1;
    crew_joined(arena);
    if (peer_receive(&peer, &event) == 0)
        crew_fail(arena, "violation: an idle session got a message");
    peer_close(&peer);
    return 1;
}

int idle_start(struct bench *bench, struct idle *idle, const struct hub *hub, unsigned n) {
    *idle = (struct idle){0};
    if (n == 0)
        return 0;
    idle->dir = shared_new(sizeof *idle->dir);
    if (!idle->dir)
        return -ENOMEM;
    memcpy(*idle->dir, hub->dir, sizeof *idle->dir);
    int r = crew_start(bench, &idle->crew, n, sit, idle->dir);
    return r == 0 ? crew_await_ready(bench, &idle->crew, n) : r;
}

void idle_stop(struct idle *idle) {
    if (idle->crew.arena)
        crew_stop(&idle->crew);
    shared_free(idle->dir, sizeof *idle->dir);
    *idle = (struct idle){0};
}
