#include "core/core.h"

#include <stdio.h>
#include <stdlib.h>
#include <utlist.h>

#include "base/error.h"
#include "core/internal.h"

#define SLOT_MASK UINT64_C(0xffff)

int core_init(struct core *core, const struct core_config *config, mono_time now) {
    *core = (struct core){.config = *config, .started = now, .now = now};
    account_limits_init(&core->limits);
    if (config->sessions_per_user > 0)
        core->limits.max[ACCOUNT_SESSIONS] = config->sessions_per_user;
    core->slots = calloc(SESSIONS_MAX, sizeof(*core->slots));
    core->free_slots = calloc(SESSIONS_MAX, sizeof *core->free_slots);
    core->scratch = malloc(ENCODED_MAX);
    persist_init(core);
    return core->slots && core->free_slots && core->scratch ? 0 : -ENOMEM;
}

static void user_free(struct core *core, struct user *user) {
    assert(core->users);
    HASH_DEL(core->users, user);
    user_give_back(user, recent_bytes(&user->recent));
    recent_deinit(&user->recent);
    account_deinit(&user->account);
    free(user);
}

bool user_may_charge(struct user *user, size_t n, char reason[256]) {
    struct account *account = &user->account;
    uint64_t max = account->limits->max[ACCOUNT_MEMORY] - OTHERS_LEAVE(account);
    uint64_t used = account->used[ACCOUNT_MEMORY];
    if (n == 0 || (used <= max && n <= max - used))
        return true;
    account->n_refused[ACCOUNT_MEMORY]++;
    snprintf(reason, 256,
             "uid %u has %llu bytes of the hub's memory, of which it may use %llu for sessions, "
             "rooms and what else it makes (three quarters of limit_memory); end or leave some",
             user->uid, (unsigned long long)used, (unsigned long long)max);
    return false;
}

bool user_charge(struct user *user, size_t n, char reason[256]) {
    if (!user_may_charge(user, n, reason))
        return false;
    account_spend(&user->account, ACCOUNT_MEMORY, n);
    return true;
}

void user_give_back(struct user *user, size_t n) {
    account_give_back(&user->account, ACCOUNT_MEMORY, n);
}

void core_deinit(struct core *core) {
    for (uint32_t slot = 0; slot < core->n_slots; slot++)
        if (core->slots[slot])
            core_end(core, core->slots[slot]);
    news_deinit(core);
    route_drop_walls(core);
    forget_deinit(core);
    persist_give_up(core);
    room_free_all(core);
    struct handle *handle, *next_handle;
    HASH_ITER(hh_number, core->handles_by_number, handle, next_handle) {
        handle_free(core, handle);
    }
    struct user *user, *next_user;
    HASH_ITER(hh, core->users, user, next_user) {
        user_free(core, user);
    }
    assert(!core->rooms && core->pool.n_used == 0);
    persist_deinit(core);
    chunk_pool_deinit(&core->pool);
    lookalike_deinit();
    free(core->slots);
    free(core->free_slots);
    free(core->scratch);
    *core = (struct core){0};
}

struct user *core_user(struct core *core, uid_t uid) {
    struct user *user;
    HASH_FIND(hh, core->users, &uid, sizeof uid, user);
    if (user)
        return user;
    user = calloc(1, sizeof *user);
    if (!user)
        return NULL;
    user->uid = uid;
    account_init(&user->account, &core->limits, uid, core->now);
    recent_init(&user->recent, core->config.secret);
    HASH_ADD(hh, core->users, uid, sizeof user->uid, user);
    if (user->hh.tbl)
        return user;
    free(user);
    return NULL;
}

/* Sessions: birth. */

/* One that was given back, else the next that was never used. */
static bool find_slot(const struct core *core, uint32_t *slot) {
    bool has_free = core->n_free_slots > 0;
    *slot = has_free ? core->free_slots[core->n_free_slots - 1] : core->n_slots;
    return has_free || core->n_slots < SESSIONS_MAX;
}

static void take_slot(struct core *core, struct session *session) {
    core->slots[session->slot] = session;
    core->n_sessions++;
    if (session->slot == core->n_slots)
        core->n_slots++;
    else
        core->n_free_slots--;
}

static void give_slot_back(struct core *core, const struct session *session) {
    core->slots[session->slot] = NULL;
    core->n_sessions--;
    core->free_slots[core->n_free_slots++] = (uint16_t)session->slot;
}

/* A link that joins again before its old session has ended takes the place over. */
static bool enter_link(struct session *session) {
    struct session *old;
    if (!session->link)
        return true;
    HASH_REPLACE(hh_link, session->user->links, link, sizeof session->link, session, old);
    if (old)
        old->link = 0;
    return session->hh_link.tbl != NULL;
}

static void leave_link(struct session *session) {
    if (session->link)
        HASH_DELETE(hh_link, session->user->links, session);
    session->link = 0;
}

static struct session *session_new(struct core *core, struct user *user,
                                   const struct core_join *join, uint32_t slot) {
    struct session *session = calloc(1, sizeof *session);
    if (!session)
        return NULL;
    session->user = user;
    session->link = join->link;
    session->mailbox = join->seat->msqid;
    if (!enter_link(session)) {
        free(session);
        return NULL;
    }
    HASH_ADD(hh_mailbox, core->mailboxes, mailbox, sizeof session->mailbox, session);
    if (!session->hh_mailbox.tbl) {
        leave_link(session);
        free(session);
        return NULL;
    }
    session->slot = slot;
    session->number = (join->random & ~SLOT_MASK) | slot;
    session->seat = join->seat;
    session->pid = join->pid;
    session->abilities = join->abilities;
    session->may_wall = join->may_wall || join->uid == 0 || join->uid == core->config.uid;
    session->since = core->now;
    take_slot(core, session);
    return session;
}

/* Sessions that end by themselves: the first of each list is the next one. */

static mono_time earlier_of(mono_time a, mono_time b) {
    if (a.ns == 0 || (b.ns != 0 && b.ns < a.ns))
        return b;
    return a;
}

static mono_time ends_at(const struct session *first) {
    if (!first)
        return (mono_time){0}; /* an idle hub has nothing to wake up for */
    return first->condemned ? mono_add_ms(first->condemned_at, CONDEMNED_MS)
                            : mono_add_ms(first->since, CONFIRM_MS);
}

static void set_ending_due(struct core *core) {
    core->ending_due = earlier_of(ends_at(core->unconfirmed), ends_at(core->condemned));
}

static void await_confirmation(struct core *core, struct session *session) {
    DL_APPEND2(core->unconfirmed, session, prev_ending, next_ending);
    set_ending_due(core);
}

static void session_confirm(struct core *core, struct session *session) {
    if (session->confirmed)
        return;
    session->confirmed = true;
    DL_DELETE2(core->unconfirmed, session, prev_ending, next_ending);
    set_ending_due(core);
}

void core_condemn(struct core *core, struct session *session, const char *rule) {
    struct frame fail = {.type = FRAME_FAIL, .fail = {0, FAIL_BAD_FRAME, bytes_of(rule)}};
    if (session->condemned || session->dead)
        return;
    session_confirm(core, session);
    session->condemned = true;
    session->condemned_at = core->now;
    route_drop_assembly(session);
    DL_APPEND2(core->condemned, session, prev_ending, next_ending);
    set_ending_due(core);
    if (!session_put(core, session, &fail))
        session_break(core, session);
}

/* Asked before the handle is claimed, or a refusal would leave one behind: a new one is in no room.
 */
static bool may_attach_to(struct core *core, struct user *user, unsigned abilities,
                          const struct name *name, char reason[256]) {
    const struct handle *own = handle_of_user(core, user, name);
    return !own || room_may_attach(user, own, abilities, reason);
}

enum fail_code core_join(struct core *core, const struct core_join *join, struct session **session,
                         char reason[256]) {
    uint32_t slot;
    struct handle *handle;
    run_close(core); /* whoever comes now does not hear it */
    struct user *user = core_user(core, join->uid);
    if (!user || !find_slot(core, &slot)) {
        snprintf(reason, 256, "the hub has no room for another session; try again later");
        return FAIL_LIMIT;
    }
    if (!account_charge(&user->account, ACCOUNT_SESSIONS, 1)) {
        account_reason(&user->account, ACCOUNT_SESSIONS, reason);
        return FAIL_LIMIT;
    }
    if (!user_has_one_session(user) && !user_may_charge(user, SESSION_BYTES, reason)) {
        account_give_back(&user->account, ACCOUNT_SESSIONS, 1);
        return FAIL_LIMIT;
    }
    account_spend(&user->account, ACCOUNT_MEMORY, SESSION_BYTES);
    if (join->login.n > 0)
        user->login = join->login;
    enum fail_code code = FAIL_LIMIT;
    if (may_attach_to(core, user, join->abilities, &join->handle, reason))
        code = handle_claim(core, user, &join->handle, &join->right, &handle, reason);
    struct session *new = code == FAIL_NONE ? session_new(core, user, join, slot) : NULL;
    if (!new) {
        account_give_back(&user->account, ACCOUNT_SESSIONS, 1);
        user_give_back(user, SESSION_BYTES);
        if (code == FAIL_NONE)
            snprintf(reason, 256, "the hub is out of memory");
        return code == FAIL_NONE ? FAIL_LIMIT : code;
    }
    core->counters.joins++;
    if (new->abilities & ABILITY_NEWS) {
        DL_APPEND2(core->news_sessions, new, prev_news, next_news);
        core->n_news_sessions++;
    }
    await_confirmation(core, new);
    handle_attach(core, handle, new, join->after);
    *session = new;
    return FAIL_NONE;
}

void core_welcome(struct core *core, struct session *session, int lane_msqid) {
    session_answer(core, session,
                   &(struct frame){.type = FRAME_WELCOME,
                                   .welcome = {.version = PROTO_VERSION,
                                               .lane = (uint32_t)lane_msqid,
                                               .mode = (uint8_t)core->config.mode,
                                               .instance = core->config.instance,
                                               .hub_name = bytes_of(core->config.name),
                                               .handle = name_bytes(&session->handle->name),
                                               .seq = core->seq,
                                               .keep_days = core->config.keep_days,
                                               .keep_bytes = core->config.keep_bytes}});
}

void core_tell_gate(struct core *core, struct session *session, int shmid) {
    if (session->abilities & ABILITY_GATE)
        session_answer(core, session,
                       &(struct frame){.type = FRAME_GATE, .gate = {(uint32_t)shmid}});
}

struct session *core_session(struct core *core, uint64_t number) {
    uint64_t slot = number & SLOT_MASK;
    struct session *session = slot < core->n_slots ? core->slots[slot] : NULL;
    return session && session->number == number && !session->dead ? session : NULL;
}

/* Sessions: death. */

void session_free(struct core *core, struct session *session) {
    assert(session->dead && !session->outbox.in_flight);
    outbox_clear(&session->outbox, &core->pool);
    session_weigh(session);
    give_slot_back(core, session);
    user_give_back(session->user, SESSION_BYTES);
    free(session);
}

void core_end(struct core *core, struct session *session) {
    if (session->dead)
        return;
    run_close(core);
    session_confirm(core, session);
    if (session->condemned)
        DL_DELETE2(core->condemned, session, prev_ending, next_ending);
    set_ending_due(core);
    offer_end_all(core, session);
    ask_drop_of(core, session);
    listing_drop_all(session);
    leave_link(session);
    HASH_DELETE(hh_mailbox, core->mailboxes, session);
    ack_cancel(core, session);
    route_drop_assembly(session);
    session_unlist(core, session);
    if (session->abilities & ABILITY_NEWS) {
        news_forget_session(core, session);
        DL_DELETE2(core->news_sessions, session, prev_news, next_news);
        core->n_news_sessions--;
    }
    room_detach_all(core, session);
    handle_detach(core, session);
    account_give_back(&session->user->account, ACCOUNT_SESSIONS, 1);
    session->seat->next = core->ended;
    core->ended = session->seat;
    session->seat = NULL;
    session->dead = true;
    if (!session->outbox.in_flight)
        session_free(core, session);
}

void core_evict_mailbox(struct core *core, int msqid) {
    struct session *session;
    HASH_FIND(hh_mailbox, core->mailboxes, &msqid, sizeof msqid, session);
    if (!session)
        return;
    session->seat->msqid = -1;
    core_end(core, session);
}

/* Frames in. */

typedef void receive_fn(struct core *core, struct session *session, const struct frame *frame);

static void receive_ready(struct core *core, struct session *session, const struct frame *frame) {
    (void)frame;
    outbox_ready(&session->outbox);
    session_weigh(session);
    feed_ready(core, session);
}

static void receive_taken(struct core *core, struct session *session, const struct frame *frame) {
    feed_taken(core, session, frame->taken.seq, frame->taken.read);
}

static void receive_bye(struct core *core, struct session *session, const struct frame *frame) {
    (void)frame;
    core_end(core, session);
}

static void request_finish(struct core *core, struct session *session, uint32_t request,
                           enum fail_code code, const char *reason) {
    if (code == FAIL_NONE)
        persist_answer(core, session, request);
    else
        session_fail(core, session, request, code, reason);
}

/* The room that a frame names; answers the request itself when there is none. */
static struct room *named_room(struct core *core, struct session *session, uint32_t request,
                               struct bytes text) {
    struct name name, key;
    struct room *room = NULL;
    if (name_parse(&name, text) == NAME_OK && name_is_room(&name)) {
        name_key(&key, &name);
        room = room_find(core, &key);
    }
    if (!room || room->n_members == 0) {
        session_fail(core, session, request, FAIL_NO_ROOM, "there is no such room; see `rooms`");
        return NULL;
    }
    return room;
}

static void receive_join(struct core *core, struct session *session, const struct frame *frame) {
    struct name name;
    char reason[256];
    enum name_outcome problem = name_parse(&name, frame->join.room);
    if (problem != NAME_OK || !name_is_room(&name)) {
        snprintf(reason, sizeof reason, "the room's name %s",
                 problem ? name_problem(problem) : "must begin with #");
        session_fail(core, session, frame->join.request, FAIL_BAD_NAME, reason);
        return;
    }
    bool session_only = (frame->flags & FRAME_SESSION_ONLY) != 0;
    enum fail_code code = FAIL_LIMIT;
    if (session_only || persist_may_change(core, session->user, reason))
        code = room_join(core, session, &name, session_only, reason);
    request_finish(core, session, frame->join.request, code, reason);
}

static void receive_leave(struct core *core, struct session *session, const struct frame *frame) {
    struct room *room = named_room(core, session, frame->leave.request, frame->leave.room);
    if (!room)
        return;
    enum fail_code code = room_leave(core, session, room);
    request_finish(core, session, frame->leave.request, code,
                   code == FAIL_LIMIT ? "the hub is out of memory" : "you are not in this room");
}

static void receive_topic(struct core *core, struct session *session, const struct frame *frame) {
    uint32_t request = frame->topic.request;
    struct bytes text = frame->topic.topic;
    struct room *room = named_room(core, session, request, frame->topic.room);
    if (!room)
        return;
    if (!membership_find(session->handle, room)) {
        session_fail(core, session, request, FAIL_NOT_MEMBER,
                     "only a handle that is in the room may set its topic; join it first (/join in "
                     "`earshot chat`)");
        return;
    }
    char reason[256];
    if (!persist_may_change(core, session->user, reason)) {
        session_fail(core, session, request, FAIL_LIMIT, reason);
        return;
    }
    snprintf(reason, sizeof reason, "the hub is out of memory");
    /* The row that is written has what the topic is then: a mark too many does no harm. */
    if (!persist_room(core, session->user, room) ||
        !room_set_topic(room, session->user, text, reason)) {
        session_fail(core, session, request, FAIL_LIMIT, reason);
        return;
    }
    news_topic(core, session->handle, room);
    persist_answer(core, session, request);
}

static void receive_away(struct core *core, struct session *session, const struct frame *frame) {
    char reason[256];
    enum fail_code code =
        handle_set_away(core, session->handle, frame->away.away, frame->away.reason, reason);
    request_finish(core, session, frame->away.request, code, reason);
}

static void receive_nick(struct core *core, struct session *session, const struct frame *frame) {
    struct name name;
    char reason[256];
    struct handle *handle, *old = session->handle;
    enum name_outcome problem = name_parse(&name, frame->nick.handle);
    if (problem != NAME_OK || name_is_room(&name)) {
        snprintf(reason, sizeof reason, "the handle %s",
                 problem ? name_problem(problem) : "must not begin with #");
        session_fail(core, session, frame->nick.request, FAIL_BAD_NAME, reason);
        return;
    }
    enum fail_code code = FAIL_LIMIT;
    if (persist_may_wait(core, session->user, reason) &&
        (name_is_same(&name, &old->name) ||
         may_attach_to(core, session->user, session->abilities, &name, reason)))
        code = handle_claim(core, session->user, &name, &core->nick_right, &handle, reason);
    if (code == FAIL_NONE && handle != old) {
        bool held = session->held;
        session->abilities &= ~(unsigned)ABILITY_AFTER; /* that was said about the old handle */
        room_detach_all(core, session);
        handle_detach(core, session);
        handle_attach(core, handle, session, 0);
        if (!held)
            feed_ready(core, session);
        news_renamed(core, old, handle);
    }
    core->nick_right = (struct core_right){0};
    request_finish(core, session, frame->nick.request, code, reason);
}

static enum fail_code release_name(struct core *core, struct session *session, struct bytes text,
                                   char reason[256]) {
    struct name name;
    enum name_outcome problem = name_parse(&name, text);
    if (!session_is_administrator(core, session)) {
        snprintf(reason, 256, "only root and the hub's owner may release a name; ask one of them");
        return FAIL_NOT_PERMITTED;
    }
    if (problem != NAME_OK) {
        snprintf(reason, 256, "the name %s", name_problem(problem));
        return FAIL_BAD_NAME;
    }
    return name_is_room(&name) ? room_release(core, session, &name, reason)
                               : handle_release(core, &name, reason);
}

static void receive_release(struct core *core, struct session *session, const struct frame *frame) {
    char reason[256];
    enum fail_code code = FAIL_LIMIT;
    if (persist_may_wait(core, session->user, reason))
        code = release_name(core, session, frame->release.handle, reason);
    request_finish(core, session, frame->release.request, code, reason);
}

/* One handler per frame type that a client with a session may send. */
static receive_fn *const handlers[FRAME_TYPE_END] = {
    [FRAME_READY] = receive_ready,   [FRAME_SEND] = route_send,
    [FRAME_PART] = route_part,       [FRAME_JOIN] = receive_join,
    [FRAME_LEAVE] = receive_leave,   [FRAME_TOPIC] = receive_topic,
    [FRAME_AWAY] = receive_away,     [FRAME_NICK] = receive_nick,
    [FRAME_LIST] = answer_list,      [FRAME_BYE] = receive_bye,
    [FRAME_RECEIPT] = route_receipt, [FRAME_TAKEN] = receive_taken,
    [FRAME_WALL] = route_wall,       [FRAME_OFFER] = offer_make,
    [FRAME_SIGNAL] = offer_signal,   [FRAME_WITHDRAW] = offer_withdraw,
    [FRAME_HISTORY] = past_history,  [FRAME_SEARCH] = past_search,
    [FRAME_FORGET] = past_forget,    [FRAME_RELEASE] = receive_release,
};

const char *core_receive(struct core *core, struct session *session, const struct frame *frame) {
    assert(handlers[frame->type]); /* frame_take() let only FROM_CLIENT types through */
    if (session->condemned)
        return NULL;
    session_confirm(core, session);
    if (frame->type != FRAME_READY && frame->type != FRAME_RECEIPT && frame->type != FRAME_TAKEN)
        session->handle->active = core->now;
    core->broken_rule = NULL;
    room_settle_lost(core);
    if (frame->type != FRAME_SEND || session != core->run.sender)
        run_close(core);
    uint64_t number = session->number;
    persist_begin(core);
    handlers[frame->type](core, session, frame);
    persist_end(core);
    session = core->broken_rule ? core_session(core, number) : NULL;
    if (session)
        core_condemn(core, session, core->broken_rule);
    return core->broken_rule;
}

void core_refuse(struct core *core, struct session *session, uint32_t request, enum fail_code code,
                 const char *reason) {
    session_fail(core, session, request, code, reason);
}

/* Time. */

mono_time core_due(const struct core *core) {
    return earlier_of(earlier_of(core->acks_due, core->positions_due),
                      earlier_of(earlier_of(core->news_due, core->ending_due),
                                 earlier_of(core->steps_due, core->walls_due)));
}

static bool is_due(const struct core *core, mono_time due) {
    return due.ns != 0 && due.ns <= core->now.ns;
}

/* Thousands may be due: after so many the lock is left, and the core is due again at once. */
#define ENDS_AT_ONCE 64

static void end_due(struct core *core) {
    unsigned n = 0;
    for (; n < ENDS_AT_ONCE && core->unconfirmed && is_due(core, ends_at(core->unconfirmed)); n++)
        core_end(core, core->unconfirmed);
    for (; n < ENDS_AT_ONCE && core->condemned && is_due(core, ends_at(core->condemned)); n++)
        core_end(core, core->condemned);
}

void core_tick(struct core *core) {
    run_close(core);
    if (is_due(core, core->acks_due))
        ack_tick(core);
    if (is_due(core, core->steps_due))
        core->steps_due.ns = 0; /* they are taken when the core is left */
    if (is_due(core, core->walls_due))
        route_walls_tick(core);
    if (is_due(core, core->news_due))
        news_tick(core);
    if (is_due(core, core->positions_due))
        persist_tick(core);
    if (is_due(core, core->ending_due))
        end_due(core);
}
