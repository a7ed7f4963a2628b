/*
 * The bare limit of queues: one process between one queue that all clients send to and a queue for
 * each of them. It takes what is there, gathers it per recipient up to a full batch, and waits
 * where a recipient's queue is full.
 */
#include <errno.h>
#include <stdlib.h>

#include "bench/bare.h"
#include "bench/flood/router.h"

#define DRAIN_MAX 16 /* batches taken before what was gathered is sent */

struct relay_outbox {
    size_t n;
    struct bare_batch batch;
};

/* The relay's own. */
struct relay_state {
    struct router_shared *shared;
    unsigned n_clients, n_touched;
    unsigned touched[ROUTER_CLIENTS_MAX];
    struct relay_outbox *outboxes[ROUTER_CLIENTS_MAX];
};

static void relay_flush(struct relay_state *state, unsigned to) {
    struct relay_outbox *outbox = state->outboxes[to];
    outbox->batch.mtype = (long)to + 1;
    if (outbox->n > 0)
        bare_send(state->shared->ids[1 + to], &outbox->batch, outbox->n);
    outbox->n = 0;
}

static void relay_add(struct relay_state *state, unsigned to, const char *text, size_t n) {
    struct relay_outbox *outbox = state->outboxes[to];
    if (!outbox)
        outbox = state->outboxes[to] = calloc(1, sizeof *outbox);
    if (!outbox)
        abort();
    if (outbox->n == 0)
        state->touched[state->n_touched++] = to;
    if (bare_append(&outbox->batch, &outbox->n, (uint16_t)to, text, n))
        return;
    relay_flush(state, to);
    bare_append(&outbox->batch, &outbox->n, (uint16_t)to, text, n);
}

static void relay_route(struct relay_state *state, const struct bare_batch *batch, size_t n) {
    struct bare_frame frame;
    for (size_t at = 0; at < n;) {
        const char *text = bare_next(batch, &at, &frame);
        if (frame.to != ROUTER_TO_ROOM)
            relay_add(state, frame.to, text, frame.n);
        for (unsigned i = 0; frame.to == ROUTER_TO_ROOM && i < state->n_clients; i++)
            if (atomic_load_explicit(&state->shared->in_room[i], memory_order_relaxed))
                relay_add(state, i, text, frame.n);
    }
}

static void queues_relay(struct router *router) {
    static struct relay_state state;
    struct bare_batch batch;
    size_t n;
    state.shared = router->own;
    state.n_clients = router->n_clients;
    while (bare_receive(state.shared->ids[0], &batch, &n)) {
        relay_route(&state, &batch, n);
        for (int i = 0; i < DRAIN_MAX && bare_try_receive(state.shared->ids[0], &batch, &n); i++)
            relay_route(&state, &batch, n);
        for (unsigned i = 0; i < state.n_touched; i++)
            relay_flush(&state, state.touched[i]);
        state.n_touched = 0;
    }
}

static int queues_start(struct bench *bench, struct router *router) {
    router->own = shared_new(sizeof(struct router_shared));
    return router->own ? router_start_relay(bench, router, queues_relay) : -ENOMEM;
}

static void queues_stop(struct router *router) {
    router_stop_relay(router);
    shared_free(router->own, sizeof(struct router_shared));
}

/* A client's own: what it gathers, and what it took and where it is in it. */
struct queue_client {
    const struct router_shared *shared;
    struct bare_batch out, in;
    size_t n_out, n_in, at;
};

static int queues_enter(struct client *client) {
    struct queue_client *own = client->own = calloc(1, sizeof *own);
    if (!own)
        return CLIENT_FAILED;
    own->shared = client->router->own;
    own->out.mtype = BARE_HUB_MTYPE;
    return CLIENT_OK;
}

static int queues_flush(struct client *client) {
    struct queue_client *own = client->own;
    bool sent = own->n_out == 0 || bare_send(own->shared->ids[0], &own->out, own->n_out);
    own->n_out = 0;
    return sent ? CLIENT_OK : CLIENT_CUT_OFF;
}

/* At once while there is room, else a full batch, as soon as there is room. */
static int queues_send(struct client *client, int to, const struct load *load) {
    struct queue_client *own = client->own;
    bool gathering = own->n_out > 0;
    if (!bare_append(&own->out, &own->n_out, (uint16_t)to, load->text, load->n)) {
        int r = queues_flush(client);
        if (r != CLIENT_OK)
            return r;
        bare_append(&own->out, &own->n_out, (uint16_t)to, load->text, load->n);
        gathering = false;
    }
    if (!client->bulk && !gathering && bare_try_send(own->shared->ids[0], &own->out, own->n_out))
        own->n_out = 0;
    return CLIENT_OK;
}

static int queues_receive(struct client *client, const char **text, size_t *n) {
    struct queue_client *own = client->own;
    struct bare_frame frame;
    if (own->at == own->n_in) {
        if (!bare_receive(own->shared->ids[1 + client->index], &own->in, &own->n_in))
            return CLIENT_CUT_OFF;
        own->at = 0;
    }
    *text = bare_next(&own->in, &own->at, &frame);
    *n = frame.n;
    return CLIENT_OK;
}

const struct router_kind router_queues = {
    .name = "bare queues",
    .start = queues_start,
    .stop = queues_stop,
    .open = queues_enter,
    .join = router_join_relay,
    .send = queues_send,
    .flush = queues_flush,
    .receive = queues_receive,
};
