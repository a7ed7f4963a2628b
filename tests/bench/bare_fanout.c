/*
 * Fan-out: one sender floods, the relay copies every message for each member and gathers what one
 * member gets up to a full batch. It waits where a mailbox is full, which is the fastest way while
 * all members read.
 */
#include <errno.h>
#include <stdlib.h>

#include "bench/bare.h"

enum { RELAY, SENDER, FIRST_MEMBER };

struct fanout {
    unsigned n_members, n_bytes, n_messages;
    int inbox;
    int *mailboxes;
    struct crowd_credit credit;
    struct span *spans; /* by worker */
};

struct fanout_outbox {
    size_t n;
    struct bare_batch batch;
};

static void outbox_flush(const struct fanout *fanout, struct fanout_outbox *outbox,
                         unsigned member) {
    outbox->batch.mtype = (long)member + 1;
    if (outbox->n > 0)
        bare_send(fanout->mailboxes[member], &outbox->batch, outbox->n);
    outbox->n = 0;
}

/* Copies every message of a batch for one member. */
static void outbox_add(const struct fanout *fanout, struct fanout_outbox *outbox, unsigned member,
                       const struct bare_batch *in, size_t n) {
    struct bare_frame frame;
    for (size_t at = 0; at < n;) {
        const char *text = bare_next(in, &at, &frame);
        if (bare_append(&outbox->batch, &outbox->n, 0, text, frame.n))
            continue;
        outbox_flush(fanout, outbox, member);
        bare_append(&outbox->batch, &outbox->n, 0, text, frame.n);
    }
}

static int relay(struct crew_arena *arena, const struct fanout *fanout) {
    struct fanout_outbox *outboxes = calloc(fanout->n_members, sizeof *outboxes);
    struct bare_batch in;
    size_t n;
    if (!outboxes)
        return crew_fail(arena, "out of memory");
    crew_joined(arena);
    while (bare_receive(fanout->inbox, &in, &n)) {
        do {
            for (unsigned i = 0; i < fanout->n_members; i++)
                outbox_add(fanout, &outboxes[i], i, &in, n);
        } while (bare_try_receive(fanout->inbox, &in, &n));
        for (unsigned i = 0; i < fanout->n_members; i++)
            outbox_flush(fanout, &outboxes[i], i);
    }
    free(outboxes);
    return 0;
}

/* As in the batching relay: at once while there is room, else a full batch. */
static bool hand_over(const struct fanout *fanout, struct bare_batch *out, size_t *n,
                      const struct load *load) {
    bool gathering = *n > 0;
    if (!bare_append(out, n, 0, load->text, load->n)) {
        if (!bare_send(fanout->inbox, out, *n))
            return false;
        *n = 0;
        bare_append(out, n, 0, load->text, load->n);
        gathering = false;
    }
    if (!gathering && bare_try_send(fanout->inbox, out, *n))
        *n = 0;
    return true;
}

static int flood(struct crew_arena *arena, struct fanout *fanout) {
    struct bare_batch out = {.mtype = BARE_HUB_MTYPE};
    struct load load;
    size_t n = 0;
    load_init(&load, SENDER, fanout->n_bytes);
    const unsigned window = credit_window(fanout->n_bytes);
    crew_ready(arena);
    fanout->spans[SENDER].first_ns = mono_now().ns;
    for (unsigned i = 0; i < fanout->n_messages; i++) {
        if (!credit_left(&fanout->credit.credit, i, window)) {
            if (n > 0)
                bare_send(fanout->inbox, &out, n);
            n = 0;
            credit_await(&fanout->credit.credit, i, window);
        }
        if (!hand_over(fanout, &out, &n, &load))
            return crew_fail(arena, "the relay's queue is gone");
        load_next(&load);
    }
    if (n > 0)
        bare_send(fanout->inbox, &out, n);
    crew_done(arena);
    return 0;
}

static int attend(struct crew_arena *arena, struct fanout *fanout, unsigned index) {
    struct bare_batch batch;
    struct bare_frame frame;
    struct load expected;
    size_t n;
    load_init(&expected, SENDER, fanout->n_bytes);
    crew_ready(arena);
    while (expected.number < fanout->n_messages) {
        if (!bare_receive(fanout->mailboxes[index - FIRST_MEMBER], &batch, &n))
            return crew_fail(arena, "the mailbox is gone");
        for (size_t at = 0; at < n;) {
            const char *text = bare_next(&batch, &at, &frame);
            if (load_check(&expected, arena, text, frame.n) != 0)
                return 1;
            crowd_credit_give(&fanout->credit, expected.number);
        }
    }
    fanout->spans[index].last_ns = mono_now().ns;
    crew_done(arena);
    return 0;
}

static int work(struct crew_arena *arena, unsigned index, void *arg) {
    if (index == RELAY)
        return relay(arena, arg);
    return index == SENDER ? flood(arena, arg) : attend(arena, arg, index);
}

static int measure(struct bench *bench, struct fanout *fanout) {
    struct crew crew = {0};
    unsigned n_workers = FIRST_MEMBER + fanout->n_members;
    int r = crew_start(bench, &crew, n_workers, work, fanout);
    if (r == 0)
        r = crew_await_ready(bench, &crew, n_workers);
    if (r == 0) {
        crew_go(&crew);
        r = crew_await_done(bench, &crew, n_workers - 1);
    }
    crew_stop(&crew);
    return r;
}

static int measure_with_queues(struct bench *bench, struct fanout *fanout) {
    int r = bare_queues_new(bench, &fanout->inbox, 1);
    if (r != 0)
        return r;
    r = bare_queues_new(bench, fanout->mailboxes, fanout->n_members);
    if (r == 0) {
        r = measure(bench, fanout);
        bare_queues_remove(fanout->mailboxes, fanout->n_members);
    }
    bare_queues_remove(&fanout->inbox, 1);
    return r;
}

int bare_fanout(struct bench *bench, unsigned n_members, unsigned n_bytes, unsigned n_messages,
                double *per_second) {
    size_t n_spans = FIRST_MEMBER + n_members;
    struct fanout *fanout = shared_new(sizeof *fanout);
    struct span *spans = shared_new(n_spans * sizeof *spans);
    CLEANUP_FREE int *mailboxes = calloc(n_members, sizeof *mailboxes);
    int r = -ENOMEM;
    if (fanout && spans && mailboxes) {
        *fanout = (struct fanout){.n_members = n_members,
                                  .n_bytes = n_bytes,
                                  .n_messages = n_messages,
                                  .mailboxes = mailboxes,
                                  .credit.n_members = n_members,
                                  .credit.step = credit_step(n_bytes),
                                  .spans = spans};
        r = measure_with_queues(bench, fanout);
    }
    if (r == 0)
        *per_second = (double)n_members * n_messages / spans_seconds(spans, (unsigned)n_spans);
    shared_free(spans, n_spans * sizeof *spans);
    shared_free(fanout, sizeof *fanout);
    return r;
}
