/* What goes into the outboxes: answers, notices, messages; and whose are to be sent. */

#include <utlist.h>

#include "base/error.h"
#include "core/internal.h"
#include "core/room/room.h"
#include "proto/line.h"

/*
 * A session waits to be sent to, or for a step. It is gathered with the others of its user, and the
 * users take turns: else whatever goes to thousands of sessions of one user would be sent before
 * the single message of another.
 */

void session_enlist(struct core *core, struct session *session, enum session_list list) {
    struct user *user = session->user;
    struct turn *turn = &user->turns[list];
    session->list = (uint8_t)list;
    if (!turn->sessions)
        DL_APPEND2(core->turns[list], user, turns[list].prev, turns[list].next);
    DL_APPEND2(turn->sessions, session, prev_listed, next_listed);
}

void session_unlist(struct core *core, struct session *session) {
    enum session_list list = (enum session_list)session->list;
    struct user *user = session->user;
    if (list == LIST_NONE)
        return;
    session->list = LIST_NONE;
    DL_DELETE2(user->turns[list].sessions, session, prev_listed, next_listed);
    if (!user->turns[list].sessions)
        DL_DELETE2(core->turns[list], user, turns[list].prev, turns[list].next);
}

struct session *session_take_listed(struct core *core, enum session_list list) {
    struct user *user = core->turns[list];
    if (!user)
        return NULL;
    struct session *session = user->turns[list].sessions;
    session_unlist(core, session);
    if (user->turns[list].sessions) {
        DL_DELETE2(core->turns[list], user, turns[list].prev, turns[list].next);
        DL_APPEND2(core->turns[list], user, turns[list].prev, turns[list].next);
    }
    return session;
}

void session_touch(struct core *core, struct session *session) {
    if (session->list == LIST_NONE && !session->dead)
        session_enlist(core, session, LIST_TOUCHED);
}

/*
 * What waits for the sessions of a user: how many chunks those have that take in what comes, and
 * those that do not, by how many they have. Whoever changes an outbox calls it.
 */

/* n_chunks: at least one. */
static struct session **hoarders_of(struct user *user, unsigned n_chunks) {
    unsigned i = n_chunks - 1;
    return &user->hoarders[i < HOARDERS_MAX ? i : HOARDERS_MAX - 1];
}

void session_weigh(struct session *session) {
    const struct outbox *outbox = &session->outbox;
    struct user *user = session->user;
    if (session->n_weighed == outbox->n_chunks && session->is_hoarder == outbox->stuck)
        return;
    if (!session->is_hoarder)
        user->n_unsent -= session->n_weighed;
    else if (session->n_weighed > 0)
        DL_DELETE2(*hoarders_of(user, session->n_weighed), session, prev_hoarder, next_hoarder);
    session->n_weighed = outbox->n_chunks;
    session->is_hoarder = outbox->stuck;
    if (!session->is_hoarder)
        user->n_unsent += session->n_weighed;
    else if (session->n_weighed > 0)
        DL_APPEND2(*hoarders_of(user, session->n_weighed), session, prev_hoarder, next_hoarder);
}

struct session *user_largest_hoarder(const struct user *user) {
    struct session *largest = NULL, *session;
    for (unsigned i = HOARDERS_MAX; i > 0 && !largest; i--)
        DL_FOREACH2(user->hoarders[i - 1], session, next_hoarder) {
            if (!largest || session->n_weighed > largest->n_weighed)
                largest = session;
            if (i < HOARDERS_MAX) /* they are all alike */
                break;
        }
    return largest;
}

bool session_append(struct core *core, struct session *session, const struct encoded *encoded) {
    struct outbox_address address = session_address(core, session);
    bool fits = outbox_append(&session->outbox, &core->pool, &address, encoded) == 0;
    session_weigh(session);
    if (fits)
        session_touch(core, session);
    return fits;
}

bool session_takes_answer(const struct core *core, const struct session *session, size_t n) {
    const struct outbox *outbox = &session->outbox;
    struct outbox_address address = session_address(core, session);
    return outbox_is_idle(outbox) || outbox_has_room(outbox, &address, n) ||
           account_left(address.payer, ACCOUNT_MEMORY) >= CHUNK_BYTES_MAX;
}

bool session_put(struct core *core, struct session *session, const struct frame *frame) {
    run_close(core);
    struct bytes bytes = encode(frame);
    struct encoded encoded = {.frames = bytes.data, .n = bytes.n, .what = ENCODED_ANSWER};
    return session_takes_answer(core, session, bytes.n) && session_append(core, session, &encoded);
}

void session_answer(struct core *core, struct session *session, const struct frame *frame) {
    if (!session->dead && !session->broken && !session_put(core, session, frame))
        session_break(core, session);
}

#define UNSENT_MAX 64 /* chunks of a user whose memory is short; then they are sent */

/* Memory is short, and sending what waits would give some of it back: what goes to many is sent. */
static void flush_if_short(struct core *core, const struct user *user) {
    const struct account *account = &user->account;
    core->wants_flush |=
        user->n_unsent >= UNSENT_MAX &&
        account_left(account, ACCOUNT_MEMORY) < account->limits->max[ACCOUNT_MEMORY] / 2;
}

/*
 * Whether one more may wait with those of its rule. Only who does not take in what comes is kept to
 * a bound: who does gets all of it before long, and only his memory bounds what waits meanwhile.
 */
static bool session_has_place_for_notice(struct core *core, const struct outbox *outbox,
                                         size_t most) {
    if (outbox->n_notices < most)
        return true;
    if (outbox->stuck)
        return false;
    core->wants_flush |= !outbox->in_flight; /* else it is being sent already */
    return true;
}

/* Notices leave a part of the user's memory free, for his own answers and for what he makes. */
bool session_takes_notice(struct core *core, const struct session *session, enum notice rule,
                          size_t n) {
    const struct outbox *outbox = &session->outbox;
    struct outbox_address address = session_address(core, session);
    size_t most = rule == NOTICE_MAY_BE_MISSED ? NOTICES_BYTES_MAX : NOTICES_BYTES_MUST;
    if (!session_has_place_for_notice(core, outbox, most))
        return false;
    if (outbox_has_room(outbox, &address, n) || outbox_is_idle(outbox))
        return true;
    flush_if_short(core, session->user);
    return session_leaves_memory(session);
}

/* One for each user and delivery, however many of his sessions are told. */
void session_charge_notice(struct core *core, struct user *by, struct user *to) {
    bool is_first = to->delivery != core->delivery;
    work_note_delivery(core, to);
    if (by != to && is_first)
        account_spend(&by->account, ACCOUNT_NOTICES, 1);
}

bool session_tell(struct core *core, struct session *session, enum notice rule,
                  const struct frame *frame) {
    if (session->dead || session->broken)
        return false;
    run_close(core);
    struct bytes bytes = encode(frame);
    struct encoded encoded = {.frames = bytes.data, .n = bytes.n, .what = ENCODED_NOTICE};
    return session_takes_notice(core, session, rule, bytes.n) &&
           session_append(core, session, &encoded);
}

bool session_notify(struct core *core, struct user *by, struct session *session, enum notice rule,
                    const struct frame *frame) {
    if (session->dead || session->broken)
        return false;
    session_charge_notice(core, by, session->user);
    return session_tell(core, session, rule, frame);
}

static void session_fall_behind(struct core *core, struct session *session, uint64_t seq) {
    if (session->behind)
        return;
    session->behind = true;
    session->feed_next = seq;
    session_touch(core, session); /* so that it is fed, even if nothing waits in its outbox */
}

/*
 * Where memory is short, what is to go to many is sent soon; and who does not get it at once is fed
 * when its turn to be sent to comes.
 */
static bool session_take_message(struct core *core, struct session *session,
                                 const struct encoded *encoded, uint64_t seq) {
    struct outbox_address address = session_address(core, session);
    if (session->behind)
        return false;
    flush_if_short(core, session->user);
    if ((session->abilities & encoded->needs) != encoded->needs ||
        !outbox_takes_messages(&session->outbox, &address, encoded->n_origin + encoded->n,
                               OUTBOX_CHUNKS_MAX) ||
        !session_append(core, session, encoded)) {
        session_fall_behind(core, session, seq);
        return false;
    }
    work_note_delivery(core, session->user);
    return true;
}

bool session_deliver(struct core *core, struct session *session, const struct encoded *encoded,
                     uint64_t seq) {
    bool is_delivered = session_take_message(core, session, encoded, seq);
    pace_note_recipient(core, session);
    return is_delivered;
}

/*
 * Where messages go: to all listening sessions of the recipient and of the sender (except the one
 * that sent it), or to all that listen in a room (except that one).
 */

size_t handle_deliver(struct core *core, const struct handle *handle, struct session *from,
                      const struct encoded *encoded, uint64_t seq) {
    struct session *session;
    struct encoded shared = {0};
    bool is_shared = handle->n_listening >= BODY_RECIPIENTS_MIN;
    size_t n = 0;
    work_begin_delivery(core);
    if (is_shared) {
        shared = *encoded;
        encoded_share(&shared, handle->n_listening);
    }
    DL_FOREACH2(handle->sessions, session, next_of_handle) {
        if ((session->abilities & ABILITY_LISTEN) && session != from)
            n += session_deliver(core, session, is_shared ? &shared : encoded, seq);
    }
    encoded_shared(&shared);
    pace_judge(core, from);
    return n;
}

/* Who calls the room otherwise is fed, for what goes to many has one name for it. */
static bool room_deliver_to(struct core *core, const struct room *room, struct session *session,
                            const struct encoded *encoded, uint64_t seq) {
    if (encoded->mends && !room_shows(session->user, room, encoded->mends))
        return false;
    if (!room->has_renamed || !room_is_renamed_for(session->user, room))
        return session_deliver(core, session, encoded, seq);
    session_fall_behind(core, session, seq);
    pace_note_recipient(core, session);
    return false;
}

static size_t room_deliver(struct core *core, struct room *room, struct session *from,
                           const struct encoded *encoded, uint64_t seq) {
    struct encoded shared = *encoded;
    size_t n = 0;
    work_begin_delivery(core);
    encoded_share(&shared, room->n_listeners);
    (void)room_has_renamed(core, room);
    for (unsigned i = 0; i < room->n_listeners; i++)
        if (room->listeners[i] != from)
            n += room_deliver_to(core, room, room->listeners[i], &shared, seq);
    encoded_shared(&shared);
    pace_judge(core, from);
    return n;
}

size_t target_deliver(struct core *core, struct session *from, const struct target *target,
                      const struct encoded *encoded, uint64_t seq) {
    if (target->room)
        return room_deliver(core, target->room, from, encoded, seq);
    size_t n = handle_deliver(core, target->handle, from, encoded, seq);
    if (target->handle != from->handle && from->handle->n_listening > 0)
        n += handle_deliver(core, from->handle, from, encoded, seq);
    return n;
}

/*
 * Runs: consecutive messages of one sender to one room or handle. All recipients get the same
 * frames, so these are gathered and then appended to each outbox at once, instead of message by
 * message to a thousand outboxes that no cache holds. Of a flood to one recipient only the LINE is
 * made for each message; all else is looked at once for each run.
 *
 * A run is closed before anything else may go to a recipient, so that nobody sees another order:
 * before a frame that does not continue it, before any answer, before the outboxes are taken,
 * before a tick, and before a session begins or ends (which may end the room).
 */

void run_close(struct core *core) {
    struct run *run = &core->run;
    struct session *sender = run->sender;
    if (!sender)
        return;
    struct encoded encoded = {.frames = core->frames,
                              .n = run->n,
                              .what = ENCODED_MESSAGE,
                              .origin = run->origin,
                              .n_origin = run->n_origin,
                              .needs = run->needs};
    size_t n_reached = target_deliver(core, sender, &run->target, &encoded, run->seq);
    core->counters.deliveries += n_reached * run->n_messages;
    run->sender = NULL;
}

void core_close_run(struct core *core) {
    run_close(core);
}

unsigned core_n_waiting_for_run(const struct core *core) {
    const struct target *target = &core->run.target;
    if (!core->run.sender)
        return 0;
    return target->room ? target->room->n_listeners : target->handle->n_listening;
}

static size_t run_bytes_max(const struct core *core) {
    return core->config.batch - ENVELOPE_BYTES - FRAME_HEADER_BYTES;
}

static bool run_is_of(const struct run *run, const struct session *sender,
                      const struct target *target) {
    return run->sender == sender && run->target.room == target->room &&
           run->target.handle == target->handle;
}

/* The ORIGIN must be the same; frames without one can stand behind any. */
static bool run_has_origin(const struct run *run, const struct encoded *encoded) {
    return encoded->n_origin == 0 || (encoded->n_origin == run->n_origin &&
                                      memcmp(encoded->origin, run->origin, run->n_origin) == 0);
}

static void run_begin(struct core *core, struct session *sender, const struct target *target,
                      const struct record *record, const struct encoded *encoded) {
    struct run *run = &core->run;
    run->sender = sender;
    run->target = *target;
    run->epoch = core->epoch;
    run->seq = record->seq;
    run->high_seq = record->seq & ~LINE_LOW;
    run->high_at_ms = (uint64_t)record->at_ms & ~LINE_LOW;
    run->n = 0;
    run->n_messages = 0;
    run->needs = 0;
    run->n_origin = encoded->n_origin;
    if (encoded->n_origin > 0)
        memcpy(run->origin, encoded->origin, encoded->n_origin);
    if (encoded->frames != core->frames) /* behind the run that was closed */
        memmove(core->frames, encoded->frames, encoded->n);
}

static void run_note(struct run *run, size_t n, unsigned needs) {
    run->n += n;
    run->needs |= needs;
    run->n_messages++;
}

bool run_go_on(struct core *core, const struct session *sender, const struct target *target,
               const struct record *record) {
    struct run *run = &core->run;
    if (run->n_origin == 0 || !run_is_of(run, sender, target) || run->epoch != core->epoch ||
        run->high_seq != (record->seq & ~LINE_LOW) ||
        run->high_at_ms != ((uint64_t)record->at_ms & ~LINE_LOW))
        return false;
    size_t n = encode_line(core, record, core->frames + run->n,
                           run_bytes_max(core) - run->n_origin - run->n);
    if (n > 0)
        run_note(run, n, encoded_needs(record));
    return n > 0;
}

bool run_add(struct core *core, struct session *sender, const struct target *target,
             const struct record *record, const struct encoded *encoded) {
    struct run *run = &core->run;
    bool is_next = run_is_of(run, sender, target) && run_has_origin(run, encoded);
    size_t n_origin = is_next ? run->n_origin : encoded->n_origin;
    size_t room_left = run_bytes_max(core) - n_origin;
    if (!is_next || run->n + encoded->n > room_left)
        run_close(core);
    if (encoded->n > room_left)
        return false;
    if (!run->sender)
        run_begin(core, sender, target, record, encoded);
    else
        assert(encoded->frames == core->frames + run->n);
    run_note(run, encoded->n, encoded->needs);
    return true;
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
    session->user->account.use.refused++;
    session_answer(
        core, session,
        &(struct frame){.type = FRAME_FAIL, .fail = {request, (uint16_t)code, bytes_of(reason)}});
}

void core_say_bye(struct core *core) {
    pace_end_all(core);
    for (uint32_t slot = 0; slot < core->n_slots; slot++)
        if (core->slots[slot])
            session_answer(core, core->slots[slot], &(struct frame){.type = FRAME_BYE});
}
