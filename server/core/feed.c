/*
 * Feeding: how a session gets what it could not get at once.
 *
 * A session that is behind hears nothing directly. It has a place in the log, feed_next: it has
 * everything before that, and nothing from there on. Whenever its outbox has room, the messages
 * that are for it are taken from the log, from that place on; what the log in memory does not hold
 * any more is read from the store, outside the lock, and handed in by core_fed(). When nothing
 * for it lies behind the place, it is behind no longer, and hears directly again. So order is
 * kept, nothing is given twice, and the memory that a laggard needs is its outbox.
 *
 * A session that does not know LINEs falls behind with each message, for only here its frames are
 * made for one session, and not once for all.
 *
 * Every session begins behind, and held until it says READY: what its handle has not received yet
 * comes first, and the rooms that it joins meanwhile begin at the same place.
 */

#include <stdlib.h>
#include <utlist.h>

#include "base/error.h"
#include "core/internal.h"
#include "core/room/room.h"

#define FEED_UPTO 28 /* chunks in the outbox */

static uint64_t least_of(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

/* Own messages from before do not come back, unless the client says where it had stopped. */
static bool is_own(const struct session *session, const struct record *record) {
    bool to_itself = !conv_is_room(record->conv) && record->to == record->from;
    if (record->from != session->handle->number)
        return false;
    if (record->link == session->link && record->link)
        return true;
    return !(session->abilities & ABILITY_AFTER) && record->seq <= session->joined_seq &&
           !to_itself;
}

static bool is_for(const struct session *session, const struct record *record) {
    if (is_own(session, record))
        return false;
    if (conv_is_room(record->conv)) {
        const struct listening *listening = listening_of(session, record->to);
        return listening && record->seq > listening->after &&
               room_shows(session->user, listening->room, record);
    }
    return (session->abilities & ABILITY_LISTEN) &&
           conv_has(record->conv, session->handle->number) && record->seq > session->direct_after;
}

/* The newest message that may be for the session. */
static uint64_t last_for(const struct session *session) {
    uint64_t last = session->abilities & ABILITY_LISTEN ? session->handle->last_direct : 0;
    for (unsigned i = 0; i < session->n_listenings; i++)
        if (session->listenings[i].room->last_seq > last)
            last = session->listenings[i].room->last_seq;
    return last;
}

/* From the first message on that any of its conversations may have for it. */
static uint64_t first_for(const struct session *session) {
    uint64_t after = session->abilities & ABILITY_LISTEN ? session->direct_after : UINT64_MAX;
    for (unsigned i = 0; i < session->n_listenings; i++)
        if (session->listenings[i].after < after)
            after = session->listenings[i].after;
    return after == UINT64_MAX ? after : after + 1;
}

/* Forgotten; or the second copy of a message whose first one everybody gets from the log. */
static bool is_passed_over(const struct core *core, const struct session *session,
                           const struct log_entry *entry) {
    return forget_has(core, session->handle->number, &entry->record) ||
           (entry->copy_of != 0 && entry->copy_of >= core->log.first_seq);
}

/* False: the outbox is out of memory; it is tried again from this message on. */
static bool feed_one(struct core *core, struct session *session, const struct record *record) {
    struct encoded encoded;
    struct names names;
    uint8_t flags = (record->flags & FRAME_WANT_RECEIPT) |
                    (record->seq <= session->joined_seq ? FRAME_LATE : 0);
    bool is_new = encoded_is_for(session, record);
    if (record->kind == KIND_REACT && !(session->abilities & ABILITY_REACTS))
        return true;
    if ((record->flags & (RECORD_REMOVED | RECORD_PAST)) || !is_for(session, record) ||
        !names_of(core, session->user, record, &names) || !record_is_sendable(record))
        return true;
    (is_new ? encode_message : encode_old_message)(core, record, &names, flags, &encoded);
    if (!session_append(core, session, &encoded))
        return false;
    core->counters.deliveries++;
    core_spend_slice(core, 4 + (is_new ? 0 : (unsigned)(encoded.n / ENCODED_PER_LOOK)));
    return true;
}

/* An idle outbox takes one message, however little memory there is: it is sent at once. */
static bool feed_has_room(const struct core *core, const struct session *session, unsigned n_max) {
    struct outbox_address address = session_address(core, session);
    return outbox_is_idle(&session->outbox) ||
           outbox_takes_messages(&session->outbox, &address, FRAME_TEXT_RESERVE, n_max);
}

/* Whether something of this session's is among what an ephemeral hub's log has let go of. */
static bool has_lost(const struct session *session) {
    const struct handle *handle = session->handle;
    uint64_t next = session->feed_next, after = session->direct_after;
    if (session->abilities & ABILITY_LISTEN) {
        if (handle->lost_to >= next && handle->lost_to > after)
            return true;
        if ((session->abilities & ABILITY_AFTER) && handle->lost_from >= next &&
            handle->lost_from > after)
            return true;
    }
    for (unsigned i = 0; i < session->n_listenings; i++) {
        const struct listening *listening = &session->listenings[i];
        if (listening->room->lost >= next && listening->room->lost > listening->after)
            return true;
    }
    return false;
}

static void feed_miss(struct core *core, struct session *session) {
    uint64_t n = core->log.first_seq - session->feed_next;
    bool lost = has_lost(session);
    session->feed_next = core->log.first_seq;
    if (!lost)
        return;
    core->counters.missed += n;
    session_answer(core, session, &(struct frame){.type = FRAME_MISSED, .missed = {n}});
}

static void feed_from_log(struct core *core, struct session *session) {
    struct log_place place = log_find(&core->log, session->feed_next);
    while (feed_has_room(core, session, FEED_UPTO) && core->slice > 0) {
        const struct log_entry *entry = log_next(&place);
        core_spend_slice(core, 1);
        if (!entry) {
            session->behind = false;
            return;
        }
        if (!is_passed_over(core, session, entry) && !feed_one(core, session, &entry->record)) {
            if (!session->outbox.head) /* nothing will be sent, after which feeding would go on */
                session_break(core, session);
            return;
        }
        session->feed_next = entry->record.seq + 1;
    }
}

void feed_step(struct core *core, struct session *session) {
    if (session->dead || !feed_is_due(session) || !outbox_is_low(&session->outbox))
        return;
    run_close(core);
    core_spend_slice(core, 16 + session->n_listenings / 4);
    if (session->feed_next > last_for(session)) {
        session->behind = false;
        return;
    }
    if (session->feed_next < core->log.first_seq) {
        if (core->config.durable) {
            ask_feed(core, session);
            return;
        }
        feed_miss(core, session);
    }
    feed_from_log(core, session);
}

void core_fed(struct core *core, const struct ask *ask, const struct record *records, size_t n,
              uint64_t upto, const char *reason) {
    struct session *session = core_session(core, ask->session);
    if (!session)
        return;
    session->is_asking = false;
    if (ask->view != session->view) { /* it hears other conversations by now: ask anew */
        session_touch(core, session);
        return;
    }
    if (reason) { /* it joins anew, and asks again */
        session_break(core, session);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        if (records[i].seq < session->feed_next)
            continue;
        if (!feed_has_room(core, session, OUTBOX_CHUNKS_MAX) ||
            !feed_one(core, session, &records[i])) {
            session_touch(core, session);
            return;
        }
        session->feed_next = records[i].seq + 1;
    }
    /* After a kill the hub leaves numbers out; the store was read beyond its newest message. */
    if (n == 0 && ask->stored > upto)
        upto = ask->stored;
    if (upto >= session->feed_next)
        session->feed_next = upto + 1;
    session_touch(core, session);
}

void feed_begin(struct core *core, struct session *session, uint64_t after) {
    const struct handle *handle = session->handle;
    bool resumes = (session->abilities & ABILITY_AFTER) != 0;
    if (after > core->seq)
        after = 0; /* a number of another hub's log: all of this one is new to it */
    session->view++;
    session->held = session->behind = true;
    session->joined_seq = core->seq;
    session->direct_after = resumes ? after : handle->direct;
    session->rooms_after = resumes ? after : handle->rooms;
}

void feed_fall_back(struct session *session, uint64_t seq) {
    session->feed_next = session->behind ? least_of(session->feed_next, seq) : seq;
    session->behind = true;
    session->view++; /* the answer to a question under way would begin too late */
}

/*
 * What an earlier session of the handle has taken may be heard of only now: its last words lie in
 * another lane than the new one's HELLO. What came since that HELLO is for both.
 */
static void catch_up_with_handle(struct session *session) {
    const struct handle *handle = session->handle;
    if (session->abilities & ABILITY_AFTER)
        return;
    uint64_t direct = least_of(handle->direct, session->joined_seq);
    uint64_t rooms = least_of(handle->rooms, session->joined_seq);
    if (direct > session->direct_after)
        session->direct_after = direct;
    for (unsigned i = 0; i < session->n_listenings; i++)
        if (rooms > session->listenings[i].after)
            session->listenings[i].after = rooms;
}

void feed_ready(struct core *core, struct session *session) {
    if (session->held) {
        catch_up_with_handle(session);
        session->held = false;
        session->feed_next = first_for(session);
    }
    session_touch(core, session);
}

/*
 * TAKEN may be about what it got under another handle, or before it lost the hub: it does not count
 * for messages that it is still to be fed.
 */
static uint64_t taken_upto(const struct session *session, uint64_t seq, uint64_t began_after) {
    uint64_t fed = session->held ? 0 : session->feed_next - 1;
    uint64_t max = fed > began_after ? fed : began_after;
    return session->behind && seq > max ? max : seq;
}

static bool feed_advance(uint64_t *place, uint64_t seq) {
    bool moves = seq > *place;
    if (moves)
        *place = seq;
    return moves;
}

/* The session began after unread messages; another one of the handle is to get these. */
static bool feed_leaps(uint64_t place, uint64_t seq, uint64_t began_after) {
    return seq > began_after && place < began_after;
}

static uint64_t newest_in_rooms(const struct handle *handle) {
    const struct membership *membership;
    uint64_t newest = 0;
    DL_FOREACH2(handle->memberships, membership, next_of_handle) {
        if (membership->joined && membership->room->last_seq > newest)
            newest = membership->room->last_seq;
    }
    return newest;
}

void feed_taken(struct core *core, struct session *session, uint64_t seq, uint64_t read) {
    struct handle *handle = session->handle;
    unsigned both = ABILITY_LISTEN | ABILITY_ALL_ROOMS;
    bool moved = false;
    if (seq > core->seq || read > core->seq)
        return; /* it speaks of another log, which was here before this one */
    if ((session->abilities & ABILITY_LISTEN) &&
        !(feed_leaps(handle->direct, seq, session->direct_after) &&
          handle->last_direct > handle->direct))
        moved |= feed_advance(&handle->direct, taken_upto(session, seq, session->direct_after));
    if ((session->abilities & both) == both &&
        !(feed_leaps(handle->rooms, seq, session->rooms_after) &&
          newest_in_rooms(handle) > handle->rooms))
        moved |= feed_advance(&handle->rooms, taken_upto(session, seq, session->rooms_after));
    read = taken_upto(session, read, session->direct_after);
    moved |= feed_advance(&handle->read, read);
    if (!(session->abilities & ABILITY_READS))
        unread_settle(core, handle, read);
    if (moved)
        persist_position(core, handle);
}
