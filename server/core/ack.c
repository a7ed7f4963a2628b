/*
 * Acknowledgements. A sender that waits gets its ACK at once; for the others the hub notes only
 * the last message and tells "all up to this one" with the next batch that goes there anyway, or
 * ACK_DELAY_MS later: so a conversation costs no extra wake-ups and a flood no extra messages.
 * While a sender is held (pace.c) it is noted only.
 */

#include <utlist.h>

#include "core/internal.h"

static void put_ack(struct core *core, struct session *session, const struct uuid *id, uint64_t seq,
                    uint8_t flags) {
    session_answer(core, session,
                   &(struct frame){.type = FRAME_ACK, .flags = flags, .ack = {*id, seq}});
}

static void ack_enlist(struct core *core, struct session *session) {
    DL_APPEND2(core->acks, session, prev_ack, next_ack);
    if (core->acks_due.ns == 0)
        core->acks_due = mono_add_ms(core->now, ACK_DELAY_MS);
}

static void ack_unlist(struct core *core, struct session *session) {
    DL_DELETE2(core->acks, session, prev_ack, next_ack);
}

void ack_cancel(struct core *core, struct session *session) {
    if (session->ack_due && !session_is_held(session))
        ack_unlist(core, session);
    session->ack_due = false;
}

bool ack_is_due(const struct session *session) {
    return session->ack_due && !session_is_held(session);
}

void ack_put_due(struct core *core, struct session *session) {
    if (!ack_is_due(session) || !session_takes_answer(core, session, FRAME_TEXT_RESERVE))
        return;
    ack_cancel(core, session);
    put_ack(core, session, &session->ack_id, session->ack_seq, FRAME_UP_TO);
    session_unlist(core, session); /* put_ack() listed it; the caller is sending for it already */
}

void ack_hold(struct core *core, struct session *session) {
    if (session->ack_due)
        ack_unlist(core, session);
}

void ack_resume(struct core *core, struct session *session) {
    if (!session->ack_due)
        return;
    ack_enlist(core, session);
    session_touch(core, session);
}

static void ack_note(struct core *core, struct session *session, const struct uuid *id,
                     uint64_t seq) {
    if (session->ack_due && seq < session->ack_seq) /* a repeated one must not hide later ones */
        put_ack(core, session, &session->ack_id, session->ack_seq, FRAME_UP_TO);
    session->ack_id = *id;
    session->ack_seq = seq;
    if (session->ack_due)
        return;
    session->ack_due = true;
    if (!session_is_held(session))
        ack_enlist(core, session);
}

void ack_stored(struct core *core, struct session *session, const struct uuid *id, uint64_t seq,
                unsigned flags) {
    if ((flags & FRAME_WANT_SEQ) && session->outbox.n_chunks < OUTBOX_CHUNKS_MAX)
        put_ack(core, session, id, seq, 0);
    else
        ack_note(core, session, id, seq);
    if ((flags & FRAME_ACK_NOW) && !session_is_held(session))
        session_touch(core, session);
}

void ack_tick(struct core *core) {
    struct session *session;
    core->acks_due.ns = 0;
    DL_FOREACH2(core->acks, session, next_ack) {
        session_touch(core, session);
    }
}
