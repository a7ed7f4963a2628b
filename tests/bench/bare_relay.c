/*
 * The batching relay: pairs of senders and receivers around one process with one thread per
 * inbound queue. Each thread takes what is there, gathers it per recipient up to a full batch,
 * and sends what it has when its queue is empty. A sender stays on one queue, so the threads
 * need no lock to keep its messages in order.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "bench/bare.h"

#define PAIRS_MAX 16
#define QUEUES_MAX 16
#define DRAIN_MAX 64 /* batches taken before what was gathered is sent */

struct pairs {
    struct throughput params;
    unsigned n_queues;
    int inboxes[QUEUES_MAX], mailboxes[PAIRS_MAX];
    struct credit credits[PAIRS_MAX];
    struct span spans[2 * PAIRS_MAX];
};

struct relay_outbox {
    size_t n;
    struct bare_batch batch;
};

struct relay_thread {
    const struct pairs *pairs;
    int inbox;
    struct relay_outbox outboxes[PAIRS_MAX];
};

static void outbox_flush(struct relay_thread *thread, unsigned to) {
    struct relay_outbox *outbox = &thread->outboxes[to];
    outbox->batch.mtype = BARE_HUB_MTYPE;
    if (outbox->n > 0)
        bare_send(thread->pairs->mailboxes[to], &outbox->batch, outbox->n);
    outbox->n = 0;
}

static void route(struct relay_thread *thread, const struct bare_batch *batch, size_t n) {
    struct bare_frame frame;
    for (size_t at = 0; at < n;) {
        const char *text = bare_next(batch, &at, &frame);
        struct relay_outbox *outbox = &thread->outboxes[frame.to];
        if (bare_append(&outbox->batch, &outbox->n, frame.to, text, frame.n))
            continue;
        outbox_flush(thread, frame.to);
        bare_append(&outbox->batch, &outbox->n, frame.to, text, frame.n);
    }
}

static void *relay(void *arg) {
    struct relay_thread *thread = arg;
    struct bare_batch batch;
    size_t n;
    while (bare_receive(thread->inbox, &batch, &n)) {
        route(thread, &batch, n);
        for (unsigned i = 0; i < DRAIN_MAX && bare_try_receive(thread->inbox, &batch, &n); i++)
            route(thread, &batch, n);
        for (unsigned to = 0; to < thread->pairs->params.n_pairs; to++)
            outbox_flush(thread, to);
    }
    return NULL;
}

static int relay_all(struct crew_arena *arena, const struct pairs *pairs) {
    pthread_t ids[QUEUES_MAX];
    struct relay_thread *threads = calloc(pairs->n_queues, sizeof *threads);
    if (!threads)
        return crew_fail(arena, "out of memory");
    for (unsigned i = 0; i < pairs->n_queues; i++) {
        threads[i].pairs = pairs;
        threads[i].inbox = pairs->inboxes[i];
        if (pthread_create(&ids[i], NULL, relay, &threads[i]) != 0)
            return crew_fail(arena, "pthread_create failed");
    }
    crew_joined(arena);
    for (unsigned i = 0; i < pairs->n_queues; i++)
        pthread_join(ids[i], NULL);
    free(threads);
    return 0;
}

/* Sends at once while there is room, else gathers a full batch and waits for room. */
static bool hand_over(const struct pairs *pairs, unsigned pair, struct relay_outbox *out,
                      const struct load *load) {
    int inbox = pairs->inboxes[pair % pairs->n_queues];
    bool gathering = out->n > 0;
    if (!bare_append(&out->batch, &out->n, (uint16_t)pair, load->text, load->n)) {
        if (!bare_send(inbox, &out->batch, out->n))
            return false;
        out->n = 0;
        bare_append(&out->batch, &out->n, (uint16_t)pair, load->text, load->n);
        gathering = false;
    }
    if (!pairs->params.bulk && !gathering && bare_try_send(inbox, &out->batch, out->n))
        out->n = 0;
    return true;
}

static bool flush(const struct pairs *pairs, unsigned pair, struct relay_outbox *out) {
    bool sent =
        out->n == 0 || bare_send(pairs->inboxes[pair % pairs->n_queues], &out->batch, out->n);
    out->n = 0;
    return sent;
}

static int send_all(struct crew_arena *arena, struct pairs *pairs, unsigned pair) {
    struct relay_outbox out = {.n = 0, .batch.mtype = BARE_HUB_MTYPE};
    struct credit *credit = &pairs->credits[pair];
    const unsigned window = credit_window(pairs->params.n_bytes);
    struct load load;
    load_init(&load, pair, pairs->params.n_bytes);
    crew_ready(arena);
    pairs->spans[pair].first_ns = mono_now().ns;
    for (unsigned i = 0; i < pairs->params.n_messages; i++) {
        if (!credit_left(credit, i, window)) {
            flush(pairs, pair, &out);
            credit_await(credit, i, window);
        }
        if (!hand_over(pairs, pair, &out, &load))
            return crew_fail(arena, "the relay's queue is gone");
        load_next(&load);
    }
    flush(pairs, pair, &out);
    crew_done(arena);
    return 0;
}

static int receive_all(struct crew_arena *arena, struct pairs *pairs, unsigned pair) {
    struct bare_batch batch;
    struct load expected;
    size_t n;
    const unsigned step = credit_step(pairs->params.n_bytes);
    load_init(&expected, pair, pairs->params.n_bytes);
    crew_ready(arena);
    while (expected.number < pairs->params.n_messages) {
        if (!bare_receive(pairs->mailboxes[pair], &batch, &n))
            return crew_fail(arena, "the mailbox is gone");
        struct bare_frame frame;
        for (size_t at = 0; at < n;) {
            const char *text = bare_next(&batch, &at, &frame);
            if (load_check(&expected, arena, text, frame.n) != 0)
                return 1;
            if (expected.number % step == 0)
                credit_give(&pairs->credits[pair], step);
        }
    }
    pairs->spans[pair + PAIRS_MAX].last_ns = mono_now().ns;
    crew_done(arena);
    return 0;
}

static int work(struct crew_arena *arena, unsigned index, void *arg) {
    struct pairs *pairs = arg;
    if (index == 0)
        return relay_all(arena, pairs);
    unsigned pair = (index - 1) / 2;
    return index % 2 ? receive_all(arena, pairs, pair) : send_all(arena, pairs, pair);
}

static int measure(struct bench *bench, struct pairs *pairs) {
    struct crew crew = {0};
    unsigned n_clients = 2 * pairs->params.n_pairs;
    int r = crew_start(bench, &crew, n_clients + 1, work, pairs);
    if (r == 0)
        r = crew_await_ready(bench, &crew, n_clients + 1);
    if (r == 0) {
        crew_go(&crew);
        r = crew_await_done(bench, &crew, n_clients);
    }
    crew_stop(&crew);
    return r;
}

int bare_relay(struct bench *bench, const struct throughput *params, unsigned n_queues,
               double *per_second) {
    struct pairs *pairs = shared_new(sizeof *pairs);
    if (!pairs)
        return -ENOMEM;
    pairs->params = *params;
    pairs->n_queues = n_queues < QUEUES_MAX ? n_queues : QUEUES_MAX;
    int r = bare_queues_new(bench, pairs->inboxes, pairs->n_queues);
    if (r == 0) {
        r = bare_queues_new(bench, pairs->mailboxes, params->n_pairs);
        if (r == 0) {
            r = measure(bench, pairs);
            bare_queues_remove(pairs->mailboxes, params->n_pairs);
        }
        bare_queues_remove(pairs->inboxes, pairs->n_queues);
    }
    if (r == 0)
        *per_second =
            params->n_pairs * params->n_messages / spans_seconds(pairs->spans, 2 * PAIRS_MAX);
    shared_free(pairs, sizeof *pairs);
    return r;
}
