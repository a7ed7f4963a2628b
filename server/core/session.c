/* What leaves the core: answers, deliveries, and which mailboxes have something to be sent. */

#include <utlist.h>

#include "base/error.h"
#include "core/internal.h"

void session_touch(struct core *core, struct session *session) {
    if (session->list || session->dead)
        return;
    session->list = &core->touched;
    DL_APPEND2(core->touched, session, prev_touched, next_touched);
}

void session_unlist(struct session *session) {
    if (session->list)
        DL_DELETE2(*session->list, session, prev_touched, next_touched);
    session->list = NULL;
}

static void defer(struct core *core, struct session *session) {
    session_unlist(session);
    session->list = &core->deferred;
    DL_APPEND2(core->deferred, session, prev_touched, next_touched);
}

void core_retry_deferred(struct core *core) {
    while (core->deferred) {
        struct session *session = core->deferred;
        session_unlist(session);
        session_touch(core, session);
    }
}

bool session_put(struct core *core, struct session *session, const struct frame *frame) {
    struct outbox_address address = {session->number, session->pid, core->config.batch};
    run_close(core);
    struct bytes bytes = encode(frame);
    struct encoded encoded = {.frames = bytes.data, .n = bytes.n};
    bool fits = outbox_append(&session->outbox, &core->pool, &address, &encoded) == 0;
    if (fits)
        session_touch(core, session);
    return fits;
}

void session_answer(struct core *core, struct session *session, const struct frame *frame) {
    if (!session->dead && outbox_takes_answers(&session->outbox) &&
        !session_put(core, session, frame))
        session_break(core, session);
}

void session_break(struct core *core, struct session *session) {
    session->broken = true;
    session_touch(core, session);
}

void session_done(struct core *core, struct session *session, uint32_t request) {
    session_answer(core, session, &(struct frame){.type = FRAME_DONE, .done = {request}});
}

void session_fail(struct core *core, struct session *session, uint32_t request, enum fail_code code,
                  const char *reason) {
    core->counters.refused++;
    session_answer(
        core, session,
        &(struct frame){.type = FRAME_FAIL, .fail = {request, (uint16_t)code, bytes_of(reason)}});
}

void core_say_bye(struct core *core) {
    for (uint32_t slot = 0; slot < core->n_slots; slot++)
        if (core->slots[slot])
            session_answer(core, core->slots[slot], &(struct frame){.type = FRAME_BYE});
}

/* What is marked with MORE already is not put off: READY would be waited for. */
static struct delivery delivery_to(struct session *session) {
    struct outbox *outbox = &session->outbox;
    struct chunk *chunks = outbox_take(outbox);
    struct delivery delivery = {.session = session,
                                .msqid = session->seat->msqid,
                                .chunks = chunks,
                                .may_defer =
                                    session->n_deferred < DEFERRED_MAX && !outbox->has_marked,
                                .close_reserve = outbox->reserve_open};
    outbox->reserve_open = false;
    return delivery;
}

size_t core_take(struct core *core, struct delivery *deliveries, size_t max) {
    size_t n = 0;
    run_close(core);
    while (n < max && core->touched) {
        struct session *session = core->touched;
        session_unlist(session);
        if (!session->broken && (session->outbox.in_flight || session->outbox.stuck))
            continue; /* core_returned() or READY touches it again */
        if (!session->broken)
            feed_step(core, session);
        if (!session->broken)
            ack_put_due(core, session);
        if (session->broken) {
            core_end(core, session);
            continue;
        }
        if (!outbox_is_sendable(&session->outbox))
            continue;
        deliveries[n++] = delivery_to(session);
    }
    return n;
}

static void release_sent(struct core *core, struct delivery *delivery) {
    while (delivery->sent) {
        struct chunk *chunk = delivery->sent;
        delivery->sent = chunk->next;
        core->counters.batches_out++;
        chunk_release(&core->pool, chunk);
    }
}

static void returned(struct core *core, struct delivery *delivery) {
    struct session *session = delivery->session;
    struct outbox *outbox = &session->outbox;
    release_sent(core, delivery);
    outbox_return(outbox, delivery->chunks, delivery->full);
    outbox->reserve_open = delivery->reserve_opened;
    session->n_deferred = delivery->deferred ? session->n_deferred + 1 : 0;
    if (session->dead) /* it ended while its outbox was in flight */
        session_free(core, session);
    else if (delivery->gone)
        core_end(core, session);
    else if (delivery->deferred)
        defer(core, session);
    else if (outbox_is_sendable(outbox) || session->behind)
        session_touch(core, session);
}

void core_returned(struct core *core, struct delivery *deliveries, size_t n) {
    for (size_t i = 0; i < n; i++)
        returned(core, &deliveries[i]);
}
