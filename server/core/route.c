/*
 * Messages on their way in: whom they are for, whether they are known already, the log, and from
 * there to who listens (outgoing.c).
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>
#include <xxhash.h>

#include "base/text.h"
#include "core/internal.h"
#include "core/past/react.h"
#include "core/room/people.h"

/* A whole message on its way in. */
struct incoming {
    const struct uuid *id, *reply_to;
    uint8_t kind, flags; /* flags of the SEND frame */
    struct bytes to, text;
    struct mend_place place; /* of one that mends */
    struct answer_author author;
};

/*
 * A refusal must arrive: the next ACK covers all messages before it that were not refused. So it
 * goes beyond the outbox's bound, and a session for which there is no memory left is ended: it
 * comes again, and says what it has no answer for.
 */
void route_refuse(struct core *core, struct session *session, const struct uuid *id,
                  enum fail_code code, const char *reason) {
    struct frame frame = {.type = FRAME_REFUSED,
                          .refused = {*id, (uint16_t)code, bytes_of(reason)}};
    core->counters.refused++;
    session->user->account.use.refused++;
    if (!session_put(core, session, &frame))
        core_end(core, session);
}

/* Storing. */

/* In user->recent: it was delivered, but could not be stored. */
#define NOT_STORED (UINT64_C(1) << 63)

#define NO_MEMORY "the hub is out of memory; try again later"
#define NO_NUMBERS "the hub cannot write to its store; try again later"

static conv_number conv_of(const struct session *session, const struct target *target) {
    if (target->room)
        return conv_of_room(target->room->number);
    return target->handle ? conv_of_pair(session->handle->number, target->handle->number) : 0;
}

/* Without a sequence number. `target` may be neither a handle nor a room. */
static struct record make_record(struct core *core, const struct session *session,
                                 const struct target *target, const struct incoming *in) {
    uint32_t to = target->handle ? target->handle->number : 0;
    return (struct record){.at_ms = calendar_stamp(&core->calendar, core->wall),
                           .id = *in->id,
                           .reply_to = *in->reply_to,
                           .link = session->link,
                           .conv = conv_of(session, target),
                           .from = session->handle->number,
                           .to = target->room ? target->room->number : to,
                           .uid = session->user->uid,
                           .kind = in->kind,
                           .flags = in->flags & FRAME_WANT_RECEIPT,
                           .text = in->text};
}

/* The same of what mends a message: it goes to where that one was said, whoever sends it. */
static struct record route_make_record(struct core *core, const struct session *session,
                                       const struct target *target, const struct incoming *in) {
    struct record record = make_record(core, session, target, in);
    record.about = in->place.seq;
    if (in->place.also)
        record.conv = in->place.conv;
    return record;
}

static struct names names_for(const struct session *session, const struct target *target) {
    const struct name *to = target->room ? &target->room->name : &target->handle->name;
    return (struct names){.from = name_bytes(&session->handle->name), .to = name_bytes(to)};
}

/* A session that is behind is fed from the store up to here. */
static void note_newest(struct session *session, const struct target *target, uint64_t seq) {
    if (target->room)
        target->room->last_seq = seq;
    else
        target->handle->last_direct = session->handle->last_direct = seq;
}

/* Most messages go on with a run, and are counted when it is closed. */
static void deliver_message(struct core *core, struct session *session, const struct target *target,
                            const struct record *record) {
    struct encoded encoded;
    /* It may not be for all who listen, as the others of a run are. */
    bool is_for_some = mend_is(record->kind) && target->room && target->room->form != ROOM_OPEN;
    if (!is_for_some && run_go_on(core, session, target, record))
        return;
    if (is_for_some)
        run_close(core);
    struct names names = names_for(session, target);
    encode_message(core, record, &names, record->flags, &encoded);
    encoded.mends = is_for_some ? record : NULL;
    if (is_for_some || !run_add(core, session, target, record, &encoded))
        core->counters.deliveries += target_deliver(core, session, target, &encoded, record->seq);
}

/*
 * So that the id can be noted. As many as a client may have unanswered, and so send again, are
 * known of every user, whatever else he has: or a message would come twice. Without memory for more
 * than these the oldest one is forgotten.
 */
static bool route_reserve_recent(struct user *user) {
    struct recent *recent = &user->recent;
    struct account *account = &user->account;
    size_t n = recent_bytes_wanted(recent);
    bool is_first = recent->size == 0, is_due = recent->size < RECENT_ALWAYS;
    if (n == 0 || (!is_due && account_left(account, ACCOUNT_MEMORY) < n + OTHERS_LEAVE(account)))
        return true;
    if (recent_grow(recent) < 0)
        return !is_first;
    account_spend(account, ACCOUNT_MEMORY, n);
    return true;
}

/* Whether a new message can be taken at all; else the why. */
static enum fail_code route_may_take(struct core *core, struct session *session, char reason[256]) {
    if (!persist_may_number(core)) {
        snprintf(reason, 256, "%s", NO_NUMBERS);
        return FAIL_BUSY;
    }
    if (!persist_may_wait(core, session->user, reason))
        return FAIL_LIMIT;
    if (route_reserve_recent(session->user))
        return FAIL_NONE;
    snprintf(reason, 256, "%s", NO_MEMORY);
    return FAIL_LIMIT;
}

/* What an administrator does to a message between two others is told to both. */
static void route_to_also(struct core *core, struct session *session, const struct target *target,
                          struct handle *also, const struct record *record) {
    struct names names = names_for(session, target);
    struct encoded encoded;
    also->last_direct = record->seq;
    if (also == target->handle || also == session->handle)
        return;
    run_close(core);
    encode_message(core, record, &names, record->flags, &encoded);
    core->counters.deliveries += handle_deliver(core, also, session, &encoded, record->seq);
}

static bool route_is_mail(const struct target *target) {
    return target->handle && target->handle->is_unclaimed;
}

static void route_new(struct core *core, struct session *session, const struct target *target,
                      const struct incoming *in, struct record record, uint64_t copy_of) {
    char reason[256];
    enum fail_code code = route_may_take(core, session, reason);
    if (code == FAIL_NONE && route_is_mail(target) &&
        !mail_may_send(core, session->user, target->handle, in->text.n, reason))
        code = FAIL_LIMIT;
    if (code != FAIL_NONE) {
        route_refuse(core, session, in->id, code, reason);
        return;
    }
    struct log_entry *entry = NULL;
    if (persist_needs(core, session, target)) {
        answer_find_thread(core, &in->author, &record);
        answer_number(core, session->user, &record);
        record.seq = ++core->seq;
        entry = persist_message(core, session, &record, in->flags);
    }
    if (!entry) {
        route_refuse(core, session, in->id, FAIL_LIMIT, NO_MEMORY);
        return;
    }
    session->last_seq = record.seq;
    if (route_is_mail(target))
        mail_note_sent(core, session->user, target->handle, &record);
    pace_note_sent(core, session, in->text.n);
    /* As long as the first copy is in the log, everybody gets that one. */
    bool is_delivered = copy_of != 0 && copy_of >= core->log.first_seq;
    entry->copy_of = copy_of;
    note_newest(session, target, record.seq);
    if (!is_delivered)
        deliver_message(core, session, target, &record);
    if (!is_delivered && in->place.also)
        route_to_also(core, session, target, in->place.also, &record);
    if (record.kind == KIND_REACT)
        react_note(core, &record);
    else if (target->room && target->room->people)
        people_note_said(core, session, target->room);
    core->counters.messages++;
    account_note_message(&session->user->account, in->text.n);
    if (!core->config.durable && mend_is(record.kind))
        mend_stored(core, entry);
    (void)recent_note(&session->user->recent, in->id, record.seq, recent_digest(&record));
    if (!core->config.durable)
        ack_stored(core, session, in->id, record.seq, in->flags);
}

/* Under this number it is found when it is sent again. */
static void note_stored(struct core *core, const struct record *record, uint64_t seq) {
    struct user *user = core_user(core, record->uid);
    if (user)
        recent_change(&user->recent, &record->id, seq);
}

void route_not_stored(struct core *core, struct session *session, const struct record *record,
                      const char *reason) {
    note_stored(core, record, record->seq | NOT_STORED);
    if (record->kind == KIND_REACT)
        react_undo(core, record);
    if (session && reason)
        route_refuse(core, session, &record->id, FAIL_NOT_STORED, reason);
    else if (session)
        route_refuse(core, session, &record->id, FAIL_NOT_PERMITTED, ROUTE_ID_USED);
}

void route_stored_before(struct core *core, const struct record *record, uint64_t seq) {
    note_stored(core, record, seq);
}

/*
 * The id of what a handle gets of a message to all: no other message of the sender has it. The time
 * in front stays, so that all of them lie side by side in the store's index.
 */
static struct uuid wall_id(const struct uuid *whole, uint32_t handle) {
    struct uuid id = *whole;
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, XXH3_128bits_withSeed(whole->b, sizeof whole->b, handle));
    memcpy(id.b + UUID_TIME_BYTES, canonical.digest, sizeof id.b - UUID_TIME_BYTES);
    return id;
}

/*
 * A message to all: one of its own for each handle that listens when it comes. It is given out in
 * steps, for there may be thousands: after WALL_SLICE of them the lock is left, and the core is due
 * again at once. Whoever sends it pays. If his session ends meanwhile, the rest is dropped; DONE,
 * which says that all have it, was not said then.
 */

#define WALL_SLICE 128
#define WALL_GIVE_NS 1500 /* what giving it to one handle takes, about */

struct wall {
    uint64_t session, before; /* the number of the latest message when it came */
    struct user *payer;
    uint32_t request;
    struct uuid id;
    size_t n_bytes; /* of all this */
    size_t n_text;
    unsigned n, at;   /* handles, and those that have it */
    char reason[256]; /* why some of it was not stored; empty: it was, or will be */
    struct wall *next;
    uint32_t handles[]; /* their numbers; behind them, the text */
};

static char *wall_text(struct wall *wall) {
    return (char *)(wall->handles + wall->n);
}

static void wall_drop(struct core *core, struct wall *wall) {
    LL_DELETE(core->walls, wall);
    account_give_back(&wall->payer->account, ACCOUNT_MEMORY, wall->n_bytes);
    free(wall);
}

void route_drop_walls(struct core *core) {
    while (core->walls)
        wall_drop(core, core->walls);
}

/* Some of the messages up to `upto` could not be stored. */
void route_walls_not_stored(struct core *core, uint64_t upto, const char *reason) {
    struct wall *wall;
    LL_FOREACH(core->walls, wall) {
        if (upto > wall->before)
            snprintf(wall->reason, sizeof wall->reason, "%s", reason);
    }
}

static unsigned wall_count(const struct core *core, const struct session *session) {
    unsigned n = 0;
    for (const struct handle *handle = core->handles; handle; handle = handle->hh.next)
        n += handle->n_listening > 0 && handle != session->handle;
    return n;
}

static void wall_note_handles(const struct core *core, const struct session *session,
                              struct wall *wall) {
    unsigned n = 0;
    for (const struct handle *handle = core->handles; handle; handle = handle->hh.next)
        if (handle->n_listening > 0 && handle != session->handle)
            wall->handles[n++] = handle->number;
}

/* NULL: it is refused. */
static struct wall *wall_new(struct core *core, struct session *session,
                             const struct frame_wall *frame) {
    struct account *account = &session->user->account;
    unsigned n = wall_count(core, session);
    size_t n_bytes = sizeof(struct wall) + n * sizeof(uint32_t) + frame->body.n;
    char reason[256] = NO_MEMORY;
    bool is_charged = account_charge(account, ACCOUNT_MEMORY, n_bytes);
    struct wall *wall = is_charged ? malloc(n_bytes) : NULL;
    if (!wall) {
        if (is_charged)
            account_give_back(account, ACCOUNT_MEMORY, n_bytes);
        else
            account_reason(account, ACCOUNT_MEMORY, reason);
        session_fail(core, session, frame->request, FAIL_LIMIT, reason);
        return NULL;
    }
    *wall = (struct wall){.session = session->number,
                          .before = core->seq,
                          .payer = session->user,
                          .request = frame->request,
                          .id = frame->id,
                          .n_bytes = n_bytes,
                          .n_text = frame->body.n,
                          .n = n};
    wall_note_handles(core, session, wall);
    memcpy(wall_text(wall), frame->body.data, frame->body.n);
    LL_APPEND(core->walls, wall);
    return wall;
}

bool route_notice(struct core *core, struct session *session, struct handle *handle,
                  const struct uuid *id, struct bytes text) {
    static const struct uuid none;
    struct incoming in = {.id = id,
                          .reply_to = &none,
                          .kind = KIND_NOTICE,
                          .to = name_bytes(&handle->name),
                          .text = text};
    struct target target = {.handle = handle};
    if (!persist_needs(core, session, &target))
        return false;
    struct record record = make_record(core, session, &target, &in);
    struct encoded encoded;
    record.seq = ++core->seq;
    struct log_entry *entry = persist_message(core, session, &record, 0);
    struct names names = names_for(session, &target);
    if (!entry)
        return false;
    encode_message(core, &record, &names, 0, &encoded);
    entry->session = 0; /* DONE answers for all of them */
    handle->last_direct = record.seq;
    run_close(core);
    core->counters.messages++;
    core->counters.deliveries += handle_deliver(core, handle, session, &encoded, record.seq);
    return true;
}

/* Gives it to the next handles. False: the rest is refused, and its sender was told. */
static bool wall_give(struct core *core, struct session *session, struct wall *wall) {
    unsigned n = 0;
    for (; wall->at < wall->n && n < WALL_SLICE; wall->at++, n++) {
        struct handle *handle = handle_of_number(core, wall->handles[wall->at]);
        if (!handle || handle->n_listening == 0 || handle == session->handle)
            continue;
        if (!persist_may_number(core)) {
            session_fail(core, session, wall->request, FAIL_BUSY, NO_NUMBERS);
            return false;
        }
        struct uuid id = wall_id(&wall->id, handle->number);
        if (!route_notice(core, session, handle, &id,
                          (struct bytes){wall_text(wall), wall->n_text})) {
            session_fail(core, session, wall->request, FAIL_LIMIT, NO_MEMORY);
            return false;
        }
    }
    return true;
}

/* The turn of the first in the list. */
static void wall_step(struct core *core, struct wall *wall) {
    struct session *session = core_session(core, wall->session);
    bool goes_on = session && !session->condemned && wall_give(core, session, wall);
    if (goes_on && wall->at < wall->n) { /* behind the others */
        LL_DELETE(core->walls, wall);
        LL_APPEND(core->walls, wall);
        return;
    }
    if (goes_on && wall->reason[0])
        session_fail(core, session, wall->request, FAIL_NOT_STORED, wall->reason);
    else if (goes_on)
        persist_answer_after(core, session, wall->request, wall->before);
    wall_drop(core, wall);
}

void route_walls_tick(struct core *core) {
    if (core->walls) {
        struct user *payer = core->walls->payer;
        wall_step(core, core->walls);
        core_spend_time(core, payer, (int64_t)WALL_SLICE * WALL_GIVE_NS);
    }
    core->walls_due.ns = core->walls ? core->now.ns : 0;
}

void route_wall(struct core *core, struct session *session, const struct frame *frame) {
    char reason[256];
    if (!session->may_wall) {
        session_fail(core, session, frame->wall.request, FAIL_NOT_PERMITTED,
                     "only root, the hub's owner and the members of its --wall-group may write to "
                     "everybody");
        return;
    }
    if (!persist_may_wait(core, session->user, reason)) {
        session_fail(core, session, frame->wall.request, FAIL_LIMIT, reason);
        return;
    }
    struct wall *wall = wall_new(core, session, &frame->wall);
    if (wall)
        account_note_message(&session->user->account, frame->wall.body.n);
    if (wall)
        wall_step(core, wall);
    core->walls_due.ns = core->walls ? core->now.ns : 0;
}

/* Sent again. */

struct known {
    enum stored what;
    uint64_t seq; /* SAME: where it is; NOTHING: NOT_STORED and its number, or 0 */
};

/*
 * What is known under the id of a message. Its sender says so when it may be a repeat (after a
 * reconnection, or because a program chose the id). Of two that came under one id without saying
 * so, and not close behind each other, both are delivered, and the store finds out, see struct
 * verdict.
 */
static struct known find_known(struct core *core, struct session *session,
                               const struct record *record) {
    struct known known = {STORED_NOTHING, 0};
    const struct recent_entry *recent = recent_find(&session->user->recent, &record->id);
    if (recent && recent_is_like(recent, record)) {
        known.seq = recent->seq;
        known.what = recent->seq & NOT_STORED ? STORED_NOTHING : STORED_SAME;
        return known;
    }
    if (core->config.find_stored)
        known.what = core->config.find_stored(core->config.find_arg, record, &known.seq);
    if (known.what == STORED_NOTHING && recent && !(recent->seq & NOT_STORED))
        known.what = STORED_OTHER;
    return known;
}

/* Its sender may have been away when the receipts for the first copy came. */
static void tell_state_again(struct core *core, struct session *session, const struct incoming *in,
                             const struct handle *to, uint64_t seq) {
    if (!(in->flags & FRAME_WANT_RECEIPT) || !to || to->direct < seq)
        return;
    uint8_t state = to->read >= seq ? STATE_READ : STATE_DELIVERED;
    session_answer(
        core, session,
        &(struct frame){.type = FRAME_STATE, .state = {*in->id, state, name_bytes(&to->name)}});
}

static void route_repeat(struct core *core, struct session *session, const struct incoming *in,
                         const struct handle *to, uint64_t seq) {
    uint64_t after = seq > session->last_seq ? seq : session->last_seq;
    char reason[256];
    if (after <= core->persist.committed)
        ack_stored(core, session, in->id, seq, in->flags);
    else if (!persist_may_wait(core, session->user, reason))
        route_refuse(core, session, in->id, FAIL_BUSY, reason);
    else if (!persist_repeat(core, session, in->id, seq, after, in->flags))
        session_break(core, session);
    tell_state_again(core, session, in, to, seq);
}

/* Nobody has the handle; if it is the login name of somebody who never joined, he gets it then. */
static enum fail_code route_to_account(struct core *core, struct session *session,
                                       const struct incoming *in, struct target *target,
                                       char reason[256]) {
    enum fail_code code = mail_look(core, session->user, in->to, reason);
    if (code == FAIL_NONE)
        code = route_may_take(core, session, reason);
    if (code == FAIL_NONE && !mail_may_send(core, session->user, NULL, in->text.n, reason))
        code = FAIL_LIMIT;
    return code == FAIL_NONE ? handle_make_unclaimed(core, session->user, &target->handle, reason)
                             : code;
}

/* There is no such room; its sender may want it to be made by its first message. */
static enum fail_code route_to_new_room(struct core *core, struct session *session,
                                        const struct incoming *in, struct target *target,
                                        char reason[256]) {
    struct name name, key;
    target->room = NULL;
    if (!(in->flags & FRAME_MAKE_ROOM) || name_parse(&name, in->to) != NAME_OK) {
        target_reason(in->to, FAIL_NO_ROOM, reason);
        return FAIL_NO_ROOM;
    }
    name_key(&key, &name);
    if (room_find_invitation(session->user, &key)) {
        snprintf(reason, 256,
                 "you are invited to a private room %.100s: join it first, or leave it (/part) to "
                 "make an open one",
                 name.s);
        return FAIL_NOT_MEMBER;
    }
    enum fail_code code = route_may_take(core, session, reason);
    return code == FAIL_NONE ? room_find_or_make(core, session, &name, &target->room, reason)
                             : code;
}

static enum fail_code route_to_nobody(struct core *core, struct session *session,
                                      const struct incoming *in, enum fail_code code,
                                      struct target *target, char reason[256]) {
    if (mend_is(in->kind)) /* the why is there */
        return code;
    if (code == FAIL_NO_USER)
        return route_to_account(core, session, in, target, reason);
    if (code == FAIL_NO_ROOM)
        return route_to_new_room(core, session, in, target, reason);
    target_reason(in->to, code, reason);
    return code;
}

static enum fail_code route_find(struct core *core, struct session *session, struct incoming *in,
                                 struct target *target, char reason[256]) {
    struct mend mend = {in->kind, in->reply_to, in->to, in->text};
    if (!mend_is(in->kind))
        return target_find(core, session, in->to, target);
    enum fail_code code = mend_judge(core, session, &mend, &in->place, reason);
    *target = in->place.target;
    if (code != FAIL_NONE)
        in->place = (struct mend_place){0};
    return code;
}

/* The line of an answer is no part of the text. False: there is none. */
static bool route_take_author(struct incoming *in) {
    if (!(in->kind & KIND_ANSWER))
        return true;
    in->kind &= (uint8_t)~KIND_ANSWER;
    in->author.is_told = true;
    return answer_take_author(&in->author.uid, &in->text) && !uuid_is_nil(in->reply_to);
}

static void route_message(struct core *core, struct session *session, struct incoming *in) {
    struct target target = {0};
    struct known known = {STORED_NOTHING, 0};
    char reason[256];
    if (!route_take_author(in)) {
        core->broken_rule = "an answer that does not say whose message it answers";
        return;
    }
    enum fail_code code = route_find(core, session, in, &target, reason);
    if (code != FAIL_NONE)
        target = (struct target){0};
    struct record record = route_make_record(core, session, &target, in);
    if ((in->flags & FRAME_REPEAT) || recent_may_know(&session->user->recent, in->id))
        known = find_known(core, session, &record);
    if (known.what == STORED_SAME) {
        route_repeat(core, session, in, target.handle, known.seq);
        return;
    }
    if (known.what == STORED_OTHER) {
        route_refuse(core, session, in->id, FAIL_NOT_PERMITTED, ROUTE_ID_USED);
        return;
    }
    if (session->user->sanctions && sanction_holds(core, session->user, SANCTION_MUTE, reason)) {
        route_refuse(core, session, in->id, FAIL_NOT_PERMITTED, reason);
        return;
    }
    if (code == FAIL_NONE && target.room && !room_is_alive(target.room))
        code = FAIL_NO_ROOM;
    if (code != FAIL_NONE) {
        code = route_to_nobody(core, session, in, code, &target, reason);
        record = route_make_record(core, session, &target, in);
    }
    if (code == FAIL_NONE && target.room &&
        (target.room->is_closed || target.room->announces || target.room->orders) &&
        !room_may_speak(core, session, target.room, reason))
        code = FAIL_NOT_PERMITTED;
    if (code == FAIL_NONE && in->place.is_vain)
        route_repeat(core, session, in, NULL, in->place.vain_seq);
    else if (code == FAIL_NONE)
        route_new(core, session, &target, in, record, known.seq & ~NOT_STORED);
    else
        route_refuse(core, session, in->id, code, reason);
    if (code == FAIL_NONE && target.room && !room_is_alive(target.room))
        room_settle(core, target.room);
}

/* Frames in. */

/* NULL: it is refused. */
static struct assembly *assembly_new(struct core *core, struct session *session,
                                     const struct frame_send *send) {
    struct account *account = &session->user->account;
    size_t n = sizeof(struct assembly) + send->total;
    char reason[256] = NO_MEMORY;
    bool is_charged = account_charge(account, ACCOUNT_MEMORY, n);
    struct assembly *assembly = is_charged ? malloc(n) : NULL;
    if (assembly)
        return assembly;
    if (is_charged)
        account_give_back(account, ACCOUNT_MEMORY, n);
    else
        account_reason(account, ACCOUNT_MEMORY, reason);
    session->skips_parts = true;
    route_refuse(core, session, &send->id, FAIL_LIMIT, reason);
    return NULL;
}

static void begin_assembly(struct core *core, struct session *session, const struct frame *frame) {
    const struct frame_send *send = &frame->send;
    struct assembly *assembly = assembly_new(core, session, send);
    if (!assembly)
        return;
    *assembly = (struct assembly){.id = send->id,
                                  .reply_to = send->reply_to,
                                  .kind = send->kind,
                                  .flags = frame->flags,
                                  .total = send->total,
                                  .n = (uint32_t)send->body.n};
    assembly->to.n = (uint8_t)send->to.n;
    memcpy(assembly->to.s, send->to.data, send->to.n);
    memcpy(assembly->text, send->body.data, send->body.n);
    session->assembly = assembly;
}

void route_send(struct core *core, struct session *session, const struct frame *frame) {
    const struct frame_send *send = &frame->send;
    if (session->assembly) { /* the next acknowledgement would cover it, if it was dropped */
        core->broken_rule = "a message between the parts of another one";
        return;
    }
    session->skips_parts = false;
    if (frame->flags & FRAME_MORE_PARTS) {
        begin_assembly(core, session, frame);
        return;
    }
    route_message(core, session,
                  &(struct incoming){.id = &send->id,
                                     .reply_to = &send->reply_to,
                                     .kind = send->kind,
                                     .flags = frame->flags,
                                     .to = send->to,
                                     .text = send->body});
}

void route_part(struct core *core, struct session *session, const struct frame *frame) {
    struct assembly *assembly = session->assembly;
    struct bytes body = frame->part.body;
    bool last = !(frame->flags & FRAME_MORE_PARTS);
    if (!assembly) {
        if (!session->skips_parts)
            core->broken_rule = "a part of a message without its beginning";
        session->skips_parts = session->skips_parts && !last;
        return;
    }
    if (body.n > assembly->total - assembly->n ||
        last != (assembly->n + body.n == assembly->total)) {
        core->broken_rule = "the parts of a message do not add up to the length that was announced";
        return;
    }
    struct bytes begin = {assembly->text, assembly->n};
    if (((frame->flags & FRAME_BINARY) != 0) != body_is_binary(assembly->kind, begin)) {
        core->broken_rule = "a part of a text in a file, or of a file in a text";
        return;
    }
    memcpy(assembly->text + assembly->n, body.data, body.n);
    assembly->n += (uint32_t)body.n;
    if (!last)
        return;
    session->assembly = NULL;
    account_give_back(&session->user->account, ACCOUNT_MEMORY, assembly_bytes(assembly));
    route_message(core, session,
                  &(struct incoming){.id = &assembly->id,
                                     .reply_to = &assembly->reply_to,
                                     .kind = assembly->kind,
                                     .flags = assembly->flags,
                                     .to = name_bytes(&assembly->to),
                                     .text = {assembly->text, assembly->n}});
    free(assembly);
}

enum receipt_worth {
    RECEIPT_FALSE,
    RECEIPT_PERHAPS, /* the hub does not remember the message; its sender's client does */
    RECEIPT_TRUE,    /* by the user to whom a direct message was sent */
};

/* The message of this user under this id; NULL: it is not in the log in memory any more. */
static const struct record *receipt_record(const struct core *core, struct user *sender,
                                           const struct uuid *id) {
    const struct recent_entry *recent = recent_find(&sender->recent, id);
    const struct log_entry *entry =
        recent ? log_entry_of(&core->log, recent->seq & ~NOT_STORED) : NULL;
    return entry ? &entry->record : NULL;
}

/* One that could not be stored may come again, and is not to be mended before that. */
struct log_entry *route_find_in_log(const struct core *core, struct user *user,
                                    const struct uuid *id) {
    const struct recent_entry *recent = recent_find(&user->recent, id);
    return recent && !(recent->seq & NOT_STORED) ? log_entry_of(&core->log, recent->seq) : NULL;
}

/*
 * Whether who says that may have got the message. Of a direct one it is the user who matters: the
 * handle may have another name by now, and the session another handle.
 */
static enum receipt_worth receipt_judge(struct core *core, const struct session *session,
                                        struct user *sender, const struct uuid *id) {
    const struct record *record = receipt_record(core, sender, id);
    if (!record)
        return RECEIPT_PERHAPS;
    if (conv_is_room(record->conv)) {
        const struct room *room = room_of_number(core, record->to);
        return room && membership_find(session->handle, room) ? RECEIPT_PERHAPS : RECEIPT_FALSE;
    }
    const struct handle *handle = handle_of_number(core, record->to);
    return handle && handle->user == session->user ? RECEIPT_TRUE : RECEIPT_FALSE;
}

/*
 * A receipt goes to the session that sent the message, under the name of whoever sends the
 * receipt. The hub says nothing that it knows to be false, and the sender's client knows the rest.
 */
void route_receipt(struct core *core, struct session *session, const struct frame *frame) {
    const struct frame_receipt *receipt = &frame->receipt;
    struct session *sender = session_of_link(core, receipt->uid, receipt->link);
    enum receipt_worth worth =
        sender ? receipt_judge(core, session, sender->user, &receipt->id) : RECEIPT_FALSE;
    if (worth == RECEIPT_FALSE)
        return;
    run_close(core);
    work_begin_delivery(core);
    (void)session_notify(core, session->user, sender, NOTICE_MAY_BE_MISSED,
                         &(struct frame){.type = FRAME_STATE,
                                         .flags = worth == RECEIPT_TRUE ? FRAME_RECIPIENT : 0,
                                         .state = {receipt->id, receipt->state,
                                                   name_bytes(&session->handle->name)}});
}
