/* Deliveries as the hub's threads make them: several at once, and other things happen meanwhile. */
#include <string.h>

#include "semantic/semantic.h"

#define TAKE_MAX 8

static struct delivery held[N_HELD_MAX];
static unsigned n_held;

/* The mailbox is full: MORE lies at its end. */
static void deliver_stop(struct client *client, struct delivery *delivery) {
    if (delivery->may_defer && chance_one_in(2)) {
        delivery->deferred = true;
        return;
    }
    delivery->full = true;
    delivery->reserve_opened = chance_one_in(4);
    if (client)
        client->owes_ready = true;
}

static void deliver_send(struct delivery *delivery, bool all) {
    struct client *client = client_of_number(delivery->session->number);
    unsigned n_fit = all ? UINT32_MAX : chance_below(6);
    if (client && client->is_full && !all)
        n_fit = 0;
    if (!all && chance_one_in(2000))
        delivery->gone = true;
    while (delivery->chunks && !delivery->gone) {
        struct chunk *chunk = delivery->chunks;
        if (n_fit-- == 0) {
            deliver_stop(client, delivery);
            break;
        }
        if (client)
            receive_batch(client, chunk);
        delivery->chunks = chunk->next;
        chunk->next = delivery->sent;
        delivery->sent = chunk;
    }
}

void deliver_return(unsigned max) {
    while (n_held > 0 && max-- > 0) {
        unsigned at = chance_below(n_held);
        struct delivery delivery = held[at];
        held[at] = held[--n_held];
        core_returned(&core, &delivery, 1);
    }
}

void deliver_some(size_t max) {
    struct delivery taken[TAKE_MAX];
    if (max > N_HELD_MAX - n_held)
        max = N_HELD_MAX - n_held;
    if (max > TAKE_MAX)
        max = TAKE_MAX;
    core_retry_deferred(&core);
    size_t n = max > 0 ? core_take(&core, taken, max) : 0;
    for (size_t i = 0; i < n; i++) {
        deliver_send(&taken[i], false);
        held[n_held++] = taken[i];
    }
}

void deliver_all(void) {
    struct delivery taken[TAKE_MAX];
    size_t n;
    deliver_return(N_HELD_MAX);
    core_retry_deferred(&core);
    while ((n = core_take(&core, taken, TAKE_MAX)) > 0) {
        for (size_t i = 0; i < n; i++)
            deliver_send(&taken[i], true);
        core_returned(&core, taken, n);
    }
}
