/* What leaves the core: outboxes are taken, sent and given back; and who gets more meanwhile. */

#include <utlist.h>

#include "base/error.h"
#include "core/internal.h"

static void session_defer(struct core *core, struct session *session) {
    session_unlist(core, session);
    session_enlist(core, session, LIST_DEFERRED);
}

void core_retry_deferred(struct core *core) {
    struct session *session;
    while ((session = session_take_listed(core, LIST_DEFERRED)))
        session_touch(core, session);
}

/* With MORE at its end it cannot be deferred: its outbox waits for READY, which answers MORE. */
static struct delivery delivery_to(struct core *core, struct session *session) {
    struct outbox *outbox = &session->outbox;
    struct chunk *chunks = outbox_take(outbox);
    struct delivery delivery = {.session = session,
                                .msqid = session->seat->msqid,
                                .road = outbox->by_channel ? session->seat->road : NULL,
                                .chunks = chunks,
                                .may_defer =
                                    session->n_deferred < DEFERRED_MAX && !outbox->has_marked,
                                .close_reserve = outbox->reserve_open};
    outbox->reserve_open = false;
    session_weigh(session);
    offer_note_sent(core, session);
    return delivery;
}

/* Before its outbox is taken. False: it was broken, and has been ended. */
static bool session_goes_on(struct core *core, struct session *session) {
    if (!session->broken)
        ack_put_due(core, session);
    session_unlist(core, session);
    if (!session->broken)
        return true;
    core_end(core, session);
    return false;
}

/*
 * Steps: a session whose outbox has room gets more of the log or of a list. They come after what is
 * to be sent, but a part of each round is theirs: a crowd that always has something to be sent does
 * not put them off. Who has steps has them before it is sent to, or what it is answered meanwhile
 * would put them off for ever.
 */

#define TAKE_SLICE 4000 /* of core_spend_slice(): about so many looks at something, or 0.4 ms */
#define SLICE_NS 100    /* of each of them */
#define STEPS_PART 8    /* one in so many of a round */

static bool session_has_steps(const struct session *session) {
    return !session->broken && outbox_is_low(&session->outbox) &&
           (feed_is_due(session) || session->listings || offer_is_due(session));
}

/* Whether there is more for it, once its outbox has room. */
static bool session_has_more(const struct session *session) {
    return session->behind || session->listings || offer_is_due(session);
}

static void do_steps(struct core *core, struct session *session) {
    unsigned before = core->slice;
    offer_step(core, session);
    feed_step(core, session);
    pace_settle(core, session);
    if (!session->broken)
        listing_step(core, session);
    core_spend_time(core, session->user, (int64_t)(before - core->slice) * SLICE_NS);
}

static size_t touched_max(const struct core *core, size_t max) {
    return core->turns[LIST_STEPS] ? max - max / STEPS_PART : max;
}

size_t core_take(struct core *core, struct delivery *deliveries, size_t max) {
    struct session *session;
    size_t n = 0;
    run_close(core);
    core->wants_flush = false;
    while (n < touched_max(core, max) && (session = session_take_listed(core, LIST_TOUCHED))) {
        if (!session->broken && (session->outbox.in_flight || session->outbox.stuck))
            continue; /* core_returned() or READY touches it again */
        if (session_has_steps(session))
            session_enlist(core, session, LIST_STEPS);
        else if (session_goes_on(core, session) && outbox_is_sendable(&session->outbox))
            deliveries[n++] = delivery_to(core, session);
    }
    core->slice = TAKE_SLICE;
    while (n < max && core->slice > 0 && (session = session_take_listed(core, LIST_STEPS))) {
        do_steps(core, session);
        if (!session_goes_on(core, session))
            continue;
        if (outbox_is_sendable(&session->outbox))
            deliveries[n++] = delivery_to(core, session);
        else if (session_has_steps(session))
            session_enlist(core, session, LIST_STEPS);
    }
    core->steps_due.ns = n == 0 && core->turns[LIST_STEPS] ? core->now.ns : 0;
    return n;
}

/*
 * It reads nothing, and its user has no memory left. If only messages wait in its outbox, they are
 * dropped, and it is fed with them from the log later; anything else could not be made again, so
 * the session ends.
 */
static void session_shed(struct core *core, struct session *session) {
    uint64_t seq = outbox_first_seq(&session->outbox);
    if (seq == 0) {
        core_end(core, session);
        return;
    }
    outbox_clear(&session->outbox, &core->pool);
    session_weigh(session);
    feed_fall_back(session, seq);
}

/* What was restored may take all of a user's memory: his only session must not end for that. */
static bool session_is_last(const struct session *session) {
    return session->n_weighed <= 1 && session->user->account.used[ACCOUNT_SESSIONS] <= 1;
}

/* Until there is memory again: of his sessions that read nothing, the largest outbox first. */
static void user_shed(struct core *core, struct user *user) {
    struct session *session;
    while (account_left(&user->account, ACCOUNT_MEMORY) == 0 &&
           (session = user_largest_hoarder(user)) && !session_is_last(session))
        session_shed(core, session);
}

static void release_sent(struct core *core, struct delivery *delivery) {
    unsigned n = 0;
    if (delivery->sent)
        outbox_note_sent(&delivery->session->outbox, delivery->sent);
    for (; delivery->sent; n++) {
        struct chunk *chunk = delivery->sent;
        delivery->sent = chunk->next;
        chunk_release(&core->pool, chunk);
    }
    core->counters.batches_out += n;
    if (delivery->road)
        core_channel_moved(core, delivery->session, n);
}

static void session_returned(struct core *core, struct delivery *delivery) {
    struct session *session = delivery->session;
    struct outbox *outbox = &session->outbox;
    bool has_taken = delivery->sent != NULL;
    release_sent(core, delivery);
    outbox_return(outbox, delivery->chunks, delivery->full);
    session_weigh(session);
    if (has_taken)
        pace_note_taken(core, session);
    outbox->reserve_open = delivery->reserve_opened;
    session->n_deferred = delivery->deferred ? (uint8_t)(session->n_deferred + 1) : 0;
    if (session->dead) /* it ended while its outbox was in flight */
        session_free(core, session);
    else if (delivery->gone)
        core_end(core, session);
    else if (delivery->deferred)
        session_defer(core, session);
    else if (outbox_is_sendable(outbox) || session_has_more(session) || ack_is_due(session))
        session_touch(core, session); /* memory may have been short for the acknowledgement */
}

void core_returned(struct core *core, struct delivery *deliveries, size_t n) {
    for (size_t i = 0; i < n; i++) {
        struct user *user = deliveries[i].session->user;
        session_returned(core, &deliveries[i]);
        user_shed(core, user);
    }
}
