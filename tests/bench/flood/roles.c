#include <unistd.h>

#include "bench/flood/flood.h"

static const struct flood_member *role_member(const struct client *client,
                                              const struct flood *flood) {
    return &flood->members[client->index];
}

void flood_await_next(struct flood *flood, unsigned turn) {
    for (unsigned now; (now = atomic_load(&flood->turn)) < turn;)
        futex_wait(&flood->turn, now, -1);
}

int flood_sink(struct client *client, struct flood *flood) {
    struct flood_slot *slot = &flood->slots[client->index];
    struct load expected;
    uint64_t n = 0;
    load_init(&expected, role_member(client, flood)->from, FLOOD_TEXT);
    for (;;) {
        const char *text;
        size_t text_n;
        int r = client->router->kind->receive(client, &text, &text_n);
        atomic_store_explicit(&slot->n_missed, client->n_missed, memory_order_relaxed);
        if (r != CLIENT_OK)
            return r;
        int64_t passed = load_compare(&expected, text, text_n);
        if (passed >= 0)
            atomic_store_explicit(&slot->n, ++n, memory_order_relaxed);
        else if (passed == LOAD_DISORDER)
            atomic_fetch_add(&slot->n_disorder, 1);
        else {
            crew_fail(client->arena, "violation: a foreign or damaged message: \"%.*s\"",
                      (int)(text_n < 40 ? text_n : 40), text);
            return CLIENT_FAILED;
        }
    }
}

static int source_turn(struct client *client, struct flood *flood, struct load *load) {
    const struct router_kind *kind = client->router->kind;
    const struct flood_member *member = role_member(client, flood);
    struct flood_slot *slot = &flood->slots[client->index];
    for (unsigned i = 0; member->n_per_turn == 0 || i < member->n_per_turn; i++) {
        if (atomic_load_explicit(&flood->stop, memory_order_relaxed))
            break;
        load_compose(load);
        int r = kind->send(client, member->to, load);
        if (r != CLIENT_OK)
            return r;
        load_next(load);
        atomic_store_explicit(&slot->n, load->number, memory_order_relaxed);
    }
    int r = kind->flush(client);
    return r == CLIENT_OK && kind->settle ? kind->settle(client) : r;
}

int flood_source(struct client *client, struct flood *flood) {
    struct load load;
    int r = CLIENT_OK;
    load_init(&load, client->index, FLOOD_TEXT);
    for (unsigned turn = 1; r == CLIENT_OK; turn++) {
        flood_await_next(flood, turn);
        r = source_turn(client, flood, &load);
        atomic_store(&flood->slots[client->index].turn, turn);
    }
    return r;
}

static int role_receive(struct client *client) {
    const char *text;
    size_t n;
    return client->router->kind->receive(client, &text, &n);
}

int flood_echo(struct client *client, struct flood *flood) {
    const struct router_kind *kind = client->router->kind;
    struct load load;
    int r = CLIENT_OK;
    load_init(&load, client->index, FLOOD_TEXT);
    while (r == CLIENT_OK) {
        r = role_receive(client);
        if (r == CLIENT_OK)
            r = kind->send(client, role_member(client, flood)->to, &load);
        if (r == CLIENT_OK)
            r = kind->flush(client);
    }
    return r;
}

/* A trip counts for the phase in which it began. */
static int role_trip(struct client *client, struct flood *flood, const struct load *load) {
    const struct router_kind *kind = client->router->kind;
    struct flood_samples *samples = &flood->samples[atomic_load(&flood->phase)];
    mono_time begin = mono_now();
    int r = kind->send(client, role_member(client, flood)->to, load);
    if (r == CLIENT_OK)
        r = kind->flush(client);
    if (r == CLIENT_OK)
        r = role_receive(client);
    unsigned n = atomic_load_explicit(&samples->n, memory_order_relaxed);
    if (r != CLIENT_OK || n == FLOOD_SAMPLES)
        return r;
    samples->us[n] = (float)(mono_now().ns - begin.ns) / 1000;
    atomic_store(&samples->n, n + 1);
    return CLIENT_OK;
}

int flood_ping(struct client *client, struct flood *flood) {
    struct load load;
    int r = CLIENT_OK;
    load_init(&load, client->index, FLOOD_TEXT);
    while (r == CLIENT_OK) {
        r = role_trip(client, flood, &load);
        usleep(1000);
    }
    return r;
}

int flood_trips(struct client *client, struct flood *flood) {
    struct load load;
    int r = CLIENT_OK;
    load_init(&load, client->index, FLOOD_TEXT);
    for (unsigned turn = 1; r == CLIENT_OK; turn++) {
        flood_await_next(flood, turn);
        for (unsigned i = 0; r == CLIENT_OK && i < role_member(client, flood)->n_per_turn; i++)
            r = role_trip(client, flood, &load);
        atomic_store(&flood->slots[client->index].turn, turn);
    }
    return r;
}
