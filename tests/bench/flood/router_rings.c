/*
 * The bare limit of shared memory: one segment with two rings for each client, to the relay and
 * from it, and System V messages as bells, which are rung only when the other side sleeps. Nobody's
 * identity is checked and nobody is distrusted; what is left is what the machine allows.
 *
 * No bell is lost: who is about to sleep says so and then looks once more; who has put something
 * into a ring, or taken it out, looks afterwards whether the other one sleeps. Both are
 * sequentially consistent, so one of the two sees the other.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/shm.h>

#include "base/error.h"
#include "bench/bare.h"
#include "bench/flood/router.h"

#define RING_BYTES 65536U
#define BELL_EVERY 32 /* messages of a sender in bulk; and when it flushes, or its ring is full */
#define PASS_MAX 256  /* messages that the relay takes from one ring before it goes to the next */

enum { BELL_READ = 1, BELL_ROOM = 2 };

struct bell_ring {
    _Alignas(64) atomic_uint head; /* bytes ever put in; the writer's */
    _Alignas(64) atomic_uint tail; /* bytes ever taken out; the reader's */
    _Alignas(64) atomic_uint reader_sleeps;
    atomic_uint writer_sleeps;
    _Alignas(64) char bytes[RING_BYTES];
};

struct ring_pair {
    struct bell_ring up, down;
};

/* The segment. */
struct ring_relay {
    struct router_shared shared;
    atomic_uint relay_sleeps;
    struct ring_pair clients[];
};

static void bell_ring(int id, long mtype) {
    struct bare_batch bell;
    bell.mtype = mtype;
    bare_try_send(id, &bell, 0);
}

static void bell_await(int id, long mtype) {
    struct bare_batch bell;
    while (msgrcv(id, &bell, sizeof bell.data, mtype, 0) < 0 && errno == EINTR)
        continue;
}

static unsigned ring_room(struct bell_ring *ring) {
    return RING_BYTES -
           (atomic_load_explicit(&ring->head, memory_order_relaxed) - atomic_load(&ring->tail));
}

static void ring_copy_in(struct bell_ring *ring, unsigned at, const void *from, unsigned n) {
    unsigned place = at % RING_BYTES, first = RING_BYTES - place < n ? RING_BYTES - place : n;
    memcpy(ring->bytes + place, from, first);
    memcpy(ring->bytes, (const char *)from + first, n - first);
}

static void ring_copy_out(const struct bell_ring *ring, unsigned at, void *to, unsigned n) {
    unsigned place = at % RING_BYTES, first = RING_BYTES - place < n ? RING_BYTES - place : n;
    memcpy(to, ring->bytes + place, first);
    memcpy((char *)to + first, ring->bytes, n - first);
}

/* false: there is no room. */
static bool ring_put(struct bell_ring *ring, uint16_t to, const char *text, size_t n) {
    struct bare_frame frame = {(uint16_t)n, to};
    unsigned at = atomic_load_explicit(&ring->head, memory_order_relaxed);
    if (ring_room(ring) < sizeof frame + n)
        return false;
    ring_copy_in(ring, at, &frame, sizeof frame);
    ring_copy_in(ring, at + (unsigned)sizeof frame, text, (unsigned)n);
    atomic_store(&ring->head, at + (unsigned)(sizeof frame + n));
    return true;
}

/* Says that the writer is about to sleep, and looks once more. */
static bool ring_is_full(struct bell_ring *ring, size_t n) {
    if (ring_room(ring) >= sizeof(struct bare_frame) + n)
        return false;
    atomic_store(&ring->writer_sleeps, 1);
    return ring_room(ring) < sizeof(struct bare_frame) + n;
}

/* Whoever waits for room is rung when half of the ring is free. */
static bool ring_writer_is_due(struct bell_ring *ring) {
    return atomic_load(&ring->writer_sleeps) && ring_room(ring) >= RING_BYTES / 2 &&
           atomic_exchange(&ring->writer_sleeps, 0);
}

/* The relay. */

struct rings_state {
    struct ring_relay *relay;
    unsigned n_clients, n_touched;
    unsigned touched[ROUTER_CLIENTS_MAX];
    bool is_touched[ROUTER_CLIENTS_MAX];
};

static void rings_give(struct rings_state *state, unsigned to, const char *text, size_t n) {
    ring_put(&state->relay->clients[to].down, (uint16_t)to, text, n);
    if (!state->is_touched[to])
        state->touched[state->n_touched++] = to;
    state->is_touched[to] = true;
}

static bool rings_give_room(struct rings_state *state, const char *text, size_t n) {
    struct ring_relay *relay = state->relay;
    for (unsigned i = 0; i < state->n_clients; i++)
        if (atomic_load_explicit(&relay->shared.in_room[i], memory_order_relaxed) &&
            ring_is_full(&relay->clients[i].down, n))
            return false;
    for (unsigned i = 0; i < state->n_clients; i++)
        if (atomic_load_explicit(&relay->shared.in_room[i], memory_order_relaxed))
            rings_give(state, i, text, n);
    return true;
}

/* false: a recipient has no room, and its sender waits. */
static bool rings_route(struct rings_state *state, const struct bare_frame *frame,
                        const char *text) {
    if (frame->to == ROUTER_TO_ROOM)
        return rings_give_room(state, text, frame->n);
    if (ring_is_full(&state->relay->clients[frame->to].down, frame->n))
        return false;
    rings_give(state, frame->to, text, frame->n);
    return true;
}

/* Some of what one client sent; whether there was any. */
static bool rings_pass(struct rings_state *state, unsigned from) {
    struct bell_ring *ring = &state->relay->clients[from].up;
    unsigned before = atomic_load_explicit(&ring->tail, memory_order_relaxed), at = before;
    unsigned end = atomic_load(&ring->head);
    for (int i = 0; i < PASS_MAX && at != end; i++) {
        struct bare_frame frame;
        char text[LOAD_TEXT_MAX];
        ring_copy_out(ring, at, &frame, sizeof frame);
        ring_copy_out(ring, at + (unsigned)sizeof frame, text, frame.n);
        if (!rings_route(state, &frame, text))
            break;
        at += (unsigned)sizeof frame + frame.n;
    }
    if (at == before)
        return false;
    atomic_store(&ring->tail, at);
    if (ring_writer_is_due(ring))
        bell_ring(state->relay->shared.ids[1 + from], BELL_ROOM);
    return true;
}

static bool rings_pass_all(struct rings_state *state) {
    bool any = false;
    for (unsigned i = 0; i < state->n_clients; i++)
        any |= rings_pass(state, i);
    for (unsigned i = 0; i < state->n_touched; i++) {
        unsigned to = state->touched[i];
        struct bell_ring *ring = &state->relay->clients[to].down;
        state->is_touched[to] = false;
        if (atomic_load(&ring->reader_sleeps) && atomic_exchange(&ring->reader_sleeps, 0))
            bell_ring(state->relay->shared.ids[1 + to], BELL_READ);
    }
    state->n_touched = 0;
    return any;
}

static void rings_relay(struct router *router) {
    static struct rings_state state;
    state.relay = router->own;
    state.n_clients = router->n_clients;
    for (;;) {
        if (rings_pass_all(&state))
            continue;
        atomic_store(&state.relay->relay_sleeps, 1);
        if (!rings_pass_all(&state))
            bell_await(state.relay->shared.ids[0], 0);
        atomic_store(&state.relay->relay_sleeps, 0);
    }
}

static void relay_wake(struct ring_relay *relay) {
    if (atomic_load(&relay->relay_sleeps) && atomic_exchange(&relay->relay_sleeps, 0))
        bell_ring(relay->shared.ids[0], BELL_READ);
}

/* Its place in the world. */

static struct ring_relay *segment_new(unsigned n_clients) {
    size_t size = sizeof(struct ring_relay) + n_clients * sizeof(struct ring_pair);
    int id = shmget(IPC_PRIVATE, size, 0600);
    if (id < 0)
        return NULL;
    void *memory = shmat(id, NULL, 0);
    shmctl(id, IPC_RMID, NULL);
    return memory == (void *)-1 ? NULL : memory; /* NOLINT: what shmat(2) returns */
}

static int rings_start(struct bench *bench, struct router *router) {
    router->own = segment_new(router->n_clients);
    return router->own ? router_start_relay(bench, router, rings_relay) : error_errno();
}

static void rings_stop(struct router *router) {
    router_stop_relay(router);
    if (router->own)
        shmdt(router->own);
}

/* A client. */

struct ring_client {
    struct ring_relay *relay;
    struct ring_pair *rings;
    int mailbox;
    unsigned n_sent;
    char text[LOAD_TEXT_MAX];
};

static int rings_enter(struct client *client) {
    struct ring_client *own = client->own = calloc(1, sizeof *own);
    if (!own)
        return CLIENT_FAILED;
    own->relay = client->router->own;
    own->rings = &own->relay->clients[client->index];
    own->mailbox = own->relay->shared.ids[1 + client->index];
    memset(own->rings->up.bytes, 0, RING_BYTES); /* a page is not made while it is measured */
    memset(own->rings->down.bytes, 0, RING_BYTES);
    return CLIENT_OK;
}

static int rings_flush(struct client *client) {
    const struct ring_client *own = client->own;
    relay_wake(own->relay);
    return CLIENT_OK;
}

static int rings_send(struct client *client, int to, const struct load *load) {
    struct ring_client *own = client->own;
    while (!ring_put(&own->rings->up, (uint16_t)to, load->text, load->n)) {
        if (!ring_is_full(&own->rings->up, load->n))
            continue;
        relay_wake(own->relay);
        bell_await(own->mailbox, BELL_ROOM);
    }
    if (!client->bulk || ++own->n_sent % BELL_EVERY == 0)
        relay_wake(own->relay);
    return CLIENT_OK;
}

static int rings_receive(struct client *client, const char **text, size_t *n) {
    struct ring_client *own = client->own;
    struct bell_ring *ring = &own->rings->down;
    struct bare_frame frame;
    unsigned at = atomic_load_explicit(&ring->tail, memory_order_relaxed);
    while (atomic_load(&ring->head) == at) {
        atomic_store(&ring->reader_sleeps, 1);
        if (atomic_load(&ring->head) == at)
            bell_await(own->mailbox, BELL_READ);
        atomic_store(&ring->reader_sleeps, 0);
    }
    ring_copy_out(ring, at, &frame, sizeof frame);
    ring_copy_out(ring, at + (unsigned)sizeof frame, own->text, frame.n);
    atomic_store(&ring->tail, at + (unsigned)sizeof frame + frame.n);
    if (ring_writer_is_due(ring))
        relay_wake(own->relay);
    *text = own->text;
    *n = frame.n;
    return CLIENT_OK;
}

const struct router_kind router_rings = {
    .name = "bare shared memory",
    .start = rings_start,
    .stop = rings_stop,
    .open = rings_enter,
    .join = router_join_relay,
    .send = rings_send,
    .flush = rings_flush,
    .receive = rings_receive,
};
