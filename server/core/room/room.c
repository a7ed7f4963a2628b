/*
 * Rooms. A handle is a member by its own wish (joined), until it leaves, here or not; or because
 * a session of it listens there on its own account. Messages go to the sessions that listen: all
 * sessions of a joined handle that want all its rooms, and those that asked for this room.
 */

#include <stdio.h>
#include <stdlib.h>
#include <utlist.h>

#include "base/error.h"
#include "core/internal.h"

static bool room_has_number(const struct core *core, uint32_t number) {
    return room_of_number(core, number) != NULL;
}

static uint32_t room_number_next(const struct core *core) {
    return number_next(core, core->last_room, ROOM_NUMBER_MAX,
                       HASH_CNT(hh_number, core->rooms_by_number), room_has_number);
}

/* A room gets a creator: a new one, or one that was left empty and is made again. */
static void room_begin(struct core *core, struct room *room, struct user *user,
                       const struct name *name) {
    room->name = *name;
    room->creator = user;
    if (room->payer)
        user_give_back(room->payer, ROOM_BYTES);
    room->payer = user;
    account_spend(&user->account, ACCOUNT_MEMORY, ROOM_BYTES);
    room->alike = (struct alike_entry){.name = &room->name, .user = user};
    lookalike_add(&core->alike_rooms, &room->alike);
    account_spend(&user->account, ACCOUNT_ROOMS, 1);
    core->epoch++;
}

static struct room *room_new(struct core *core, struct user *user, const struct name *name,
                             const struct name *key, uint32_t number) {
    struct room *room = calloc(1, sizeof *room);
    if (!room)
        return NULL;
    room->key = *key;
    room->number = core->last_room = number;
    room->born = core->n_born++;
    HASH_ADD_KEYPTR(hh, core->rooms, room->key.s, room->key.n, room);
    if (room->hh.tbl)
        HASH_ADD(hh_number, core->rooms_by_number, number, sizeof room->number, room);
    if (!room->hh_number.tbl) {
        if (room->hh.tbl)
            HASH_DELETE(hh, core->rooms, room);
        free(room);
        return NULL;
    }
    room_begin(core, room, user, name);
    return room;
}

static void room_drop_topic(struct room *room) {
    if (room->topic)
        user_give_back(room->topic_payer, TEXT_BYTES(strlen(room->topic)));
    free(room->topic);
    room->topic = NULL;
}

static void room_put_topic(struct room *room, struct user *payer, char *topic) {
    room->topic = topic;
    room->topic_payer = payer;
    if (topic)
        account_spend(&payer->account, ACCOUNT_MEMORY, TEXT_BYTES(strlen(topic)));
}

static bool room_set_topic(struct room *room, struct user *user, struct bytes text,
                           char reason[256]) {
    char *topic = NULL;
    bool is_his = room->topic && room->topic_payer == user;
    size_t old = is_his ? TEXT_BYTES(strlen(room->topic)) : 0;
    size_t new = text.n > 0 ? TEXT_BYTES(text.n) : 0;
    if (new > old && !user_may_charge(user, new - old, reason))
        return false;
    if (text.n > 0 && !(topic = strndup(text.data, text.n))) {
        snprintf(reason, 256, "the hub is out of memory; try again later");
        return false;
    }
    room_drop_topic(room);
    room_put_topic(room, user, topic);
    return true;
}

static void room_end(struct core *core, struct room *room) {
    if (!room->creator)
        return;
    news_forget_room(core, room);
    account_give_back(&room->creator->account, ACCOUNT_ROOMS, 1);
    core->epoch++;
    lookalike_remove(&core->alike_rooms, &room->alike);
    room_drop_topic(room);
    room->creator = NULL;
}

static void room_unlist_lost(struct core *core, struct room *room) {
    if (room->is_lost)
        DL_DELETE2(core->lost_rooms, room, prev_lost, next_lost);
    room->is_lost = false;
}

static void room_free(struct core *core, struct room *room) {
    assert(room->n_listeners == 0 && !room->memberships && !room->dirty);
    room_end(core, room);
    listing_leave_room(room);
    room_unlist_lost(core, room);
    if (room->hh.tbl)
        HASH_DELETE(hh, core->rooms, room);
    if (room->hh_number.tbl)
        HASH_DELETE(hh_number, core->rooms_by_number, room);
    user_give_back(room->payer, ROOM_BYTES);
    free(room->listeners);
    free(room->listener_places);
    free(room);
}

void room_settle(struct core *core, struct room *room) {
    if (room->n_members > 0 || room->n_offers > 0 || room_has_past(room))
        return;
    if (room->dirty) /* its number is its own until the store has no row of it */
        room_end(core, room);
    else
        room_free(core, room);
}

void room_settle_lost(struct core *core) {
    while (core->lost_rooms) {
        struct room *room = core->lost_rooms;
        room_unlist_lost(core, room);
        room_settle(core, room);
    }
}

/* Memberships. */

/* Memory is paid for by whoever owns the handle; what is restored cannot be refused. */
static struct membership *membership_get(struct core *core, struct handle *handle,
                                         struct room *room) {
    struct membership *membership = membership_find(handle, room);
    if (membership)
        return membership;
    membership = calloc(1, sizeof *membership);
    if (!membership)
        return NULL;
    membership->room = room;
    membership->handle = handle;
    membership->payer = handle->user;
    membership->born = core->n_born++;
    HASH_ADD_PTR(handle->memberships_by_room, room, membership);
    if (!membership->hh.tbl) {
        free(membership);
        return NULL;
    }
    DL_APPEND2(handle->memberships, membership, prev_of_handle, next_of_handle);
    DL_APPEND2(room->memberships, membership, prev_of_room, next_of_room);
    room->n_members++;
    account_spend(&handle->user->account, ACCOUNT_MEMORY, MEMBERSHIP_BYTES);
    return membership;
}

static void membership_free(struct membership *membership) {
    struct room *room = membership->room;
    struct handle *handle = membership->handle;
    listing_leave_member(membership);
    HASH_DEL(handle->memberships_by_room, membership);
    DL_DELETE2(handle->memberships, membership, prev_of_handle, next_of_handle);
    DL_DELETE2(room->memberships, membership, prev_of_room, next_of_room);
    room->n_members--;
    room->n_joined -= membership->joined;
    handle->n_joined -= membership->joined;
    user_give_back(membership->payer, MEMBERSHIP_BYTES);
    free(membership);
}

/* Frees it, if nothing holds it, and the room with it, if there is nothing in it. */
static void membership_release(struct core *core, struct membership *membership) {
    struct room *room = membership->room;
    if (membership->joined || membership->n_listeners > 0)
        return;
    struct handle *handle = membership->handle;
    bool is_told = membership->is_told;
    membership_free(membership);
    if (is_told && room->n_members > 0)
        news_left(core, handle, room);
    room_settle(core, room);
}

void room_free_all(struct core *core) {
    struct room *room, *next_room;
    struct membership *membership, *next;
    HASH_ITER(hh_number, core->rooms_by_number, room, next_room) {
        DL_FOREACH_SAFE2(room->memberships, membership, next, next_of_room) {
            membership_free(membership);
        }
        room_free(core, room);
    }
}

/* Listening. */

/* The session gets the messages of the room after this one. */
static uint64_t room_heard_after(const struct core *core, const struct session *session,
                                 const struct membership *membership) {
    bool resumes = (session->abilities & ABILITY_AFTER) != 0;
    if (!session->held)
        return core->seq;
    if (!membership->joined)
        return resumes ? session->rooms_after : core->seq;
    return membership->since > session->rooms_after ? membership->since : session->rooms_after;
}

static int listen_in(struct core *core, struct session *session, struct membership *membership) {
    if (listening_find(session, membership->room))
        return 0;
    int r = listening_add(session, membership->room, room_heard_after(core, session, membership));
    membership->n_listeners += r == 0;
    return r;
}

static void listening_end(struct core *core, struct session *session, struct listening *listening) {
    struct membership *membership = membership_find(session->handle, listening->room);
    listening_remove(core, session, listening);
    membership->n_listeners--;
    membership_release(core, membership);
}

/* Whether it listens in all rooms that its handle has joined. */
static bool listens_to_all(const struct session *session) {
    unsigned both = ABILITY_LISTEN | ABILITY_ALL_ROOMS;
    return (session->abilities & both) == both;
}

bool room_may_attach(struct user *user, const struct handle *handle, unsigned abilities,
                     char reason[256]) {
    /* each is charged when it is made */
    return !(abilities & ABILITY_ALL_ROOMS) || user_has_one_session(user) ||
           user_may_charge(user, handle->n_joined * LISTENING_BYTES, reason);
}

void room_attach_all(struct core *core, struct session *session) {
    struct membership *membership;
    if (!(session->abilities & ABILITY_ALL_ROOMS))
        return;
    DL_FOREACH2(session->handle->memberships, membership, next_of_handle) {
        if (membership->joined && listen_in(core, session, membership) < 0) {
            session_break(core, session); /* or it would hear less than it believes */
            return;
        }
    }
}

void room_detach_all(struct core *core, struct session *session) {
    while (session->n_listenings > 0)
        listening_end(core, session, &session->listenings[session->n_listenings - 1]);
    listening_deinit(session);
}

/*
 * A name in ASCII is never refused: a room is nobody's, and whoever made "#genera1" first could
 * keep
 * "#general" from all others. Who comes into one that looks like another is told, see
 * room_tell_alike().
 */
static enum fail_code room_check_looks(const struct core *core, const struct name *name,
                                       char reason[256]) {
    if (lookalike_is_ascii(name))
        return FAIL_NONE;
    if (!lookalike_is_plain(name)) {
        snprintf(
            reason, 256,
            "the room's name mixes letters or digits of several alphabets, which could be taken "
            "for another one; keep to one alphabet");
        return FAIL_BAD_NAME;
    }
    const struct alike_entry *other = lookalike_find(core->alike_rooms, name, NULL);
    if (!other)
        return FAIL_NONE;
    snprintf(reason, 256,
             "the room looks like %s, which is there; join that one, choose another, or let an "
             "administrator release it",
             other->name->s);
    return FAIL_BAD_NAME;
}

static void room_tell_alike(struct core *core, struct session *session, const struct room *room) {
    unsigned both = ABILITY_NEWS | ABILITY_ALIKE;
    const struct alike_entry *other = lookalike_other(&room->alike);
    if (!other || (session->abilities & both) != both)
        return;
    struct frame frame = {.type = FRAME_NEWS,
                          .news = {.what = NEWS_ALIKE,
                                   .who = name_bytes(&session->handle->name),
                                   .uid = session->user->uid,
                                   .room = name_bytes(&room->name),
                                   .detail = name_bytes(other->name)}};
    session_notify(core, session->user, session, NOTICE_MAY_BE_MISSED, &frame);
}

enum fail_code room_find_or_make(struct core *core, struct user *user, const struct name *name,
                                 struct room **room, char reason[256]) {
    struct name key;
    name_key(&key, name);
    *room = room_find(core, &key);
    if (*room && (*room)->creator)
        return FAIL_NONE;
    if (sanction_holds(core, user, SANCTION_MUTE, reason)) /* all read its name */
        return FAIL_NOT_PERMITTED;
    if (account_left(&user->account, ACCOUNT_ROOMS) == 0) {
        account_refuse(&user->account, ACCOUNT_ROOMS, reason);
        return FAIL_LIMIT;
    }
    enum fail_code code = room_check_looks(core, name, reason);
    if (code != FAIL_NONE)
        return code;
    if (!user_may_charge(user, ROOM_BYTES, reason)) /* room_begin() charges it */
        return FAIL_LIMIT;
    if (*room) {
        room_begin(core, *room, user, name);
        return FAIL_NONE;
    }
    uint32_t number = room_number_next(core);
    if (number == 0) {
        snprintf(reason, 256, "the hub has as many rooms as it can number; others must leave some");
        return FAIL_LIMIT;
    }
    *room = room_new(core, user, name, &key, number);
    if (*room)
        return FAIL_NONE;
    snprintf(reason, 256, "the hub is out of memory; try again later");
    return FAIL_LIMIT;
}

static void membership_set_joined(struct membership *membership, bool joined) {
    membership->joined = joined;
    membership->room->n_joined += joined ? 1U : -1U;
    membership->handle->n_joined += joined ? 1U : -1U;
}

/* The handle becomes a member for good. */
static int membership_join(struct core *core, struct membership *membership) {
    struct room *room = membership->room;
    if (membership->joined) {
        persist_await_member(core, membership);
        return 0;
    }
    membership_set_joined(membership, true);
    membership->since = core->seq;
    if (persist_room(core, membership->handle->user, room) && persist_member(core, membership))
        return 0;
    membership_set_joined(membership, false);
    return -ENOMEM;
}

/* The handle leaves; the membership stays as long as sessions of it listen. */
static int membership_part(struct core *core, struct membership *membership) {
    struct room *room = membership->room;
    if (!membership->joined)
        return 0;
    membership_set_joined(membership, false);
    if (!persist_member(core, membership)) {
        membership_set_joined(membership, true);
        return -ENOMEM;
    }
    if (!room_is_kept(room)) /* when memory is out its row stays behind, and does no harm */
        (void)persist_no_room(core, membership->handle->user, room->number);
    return 0;
}

static int listen_all(struct core *core, struct session *session, struct membership *membership,
                      bool session_only) {
    bool listens = listening_find(session, membership->room) != NULL;
    int r = listen_in(core, session, membership);
    bool was_joined = membership->joined;
    if (session_only || r < 0)
        return r;
    r = membership_join(core, membership);
    if (was_joined)
        return r;
    if (r < 0) {
        if (!listens)
            listening_end(core, session, listening_find(session, membership->room));
        return r;
    }
    struct session *other;
    DL_FOREACH2(session->handle->sessions, other, next_of_handle) {
        if (listens_to_all(other) && listen_in(core, other, membership) < 0)
            session_break(core, other);
    }
    return 0;
}

/* False: it would be one room too many, or too much memory for all that would listen. */
static bool may_join(struct session *session, bool session_only, char reason[256]) {
    struct handle *handle = session->handle;
    unsigned n = session_only ? session->n_listenings : handle->n_joined;
    n = session->n_listenings > n ? session->n_listenings : n;
    if (n >= ROOMS_PER_HANDLE_MAX) {
        snprintf(reason, 256, "%s is in %u rooms already; leave some first", handle->name.s, n);
        return false;
    }
    size_t n_more = session_only ? 1 : 1 + handle->n_listening;
    size_t bytes = MEMBERSHIP_BYTES + n_more * LISTENING_BYTES;
    return user_may_charge(session->user, bytes, reason); /* each is charged when it is made */
}

/* Who only listens for a while, as a program does that asks a question, is not told of to others.
 */
static enum fail_code room_join(struct core *core, struct session *session, const struct name *name,
                                bool session_only, char reason[256]) {
    struct room *room;
    if (!may_join(session, session_only, reason))
        return FAIL_LIMIT;
    enum fail_code code = room_find_or_make(core, session->user, name, &room, reason);
    if (code != FAIL_NONE)
        return code;
    bool is_new = !membership_find(session->handle, room);
    struct membership *membership = membership_get(core, session->handle, room);
    if (membership)
        membership->n_listeners++; /* it stays until this has ended, one way or the other */
    int r = membership ? listen_all(core, session, membership, session_only) : -ENOMEM;
    if (membership)
        membership->n_listeners--;
    if (r == 0) {
        if (!session_only && !membership->is_told) {
            membership->is_told = true;
            news_joined(core, session->handle, room);
        }
        if (is_new)
            room_tell_alike(core, session, room);
        return FAIL_NONE;
    }
    if (membership)
        membership_release(core, membership);
    else
        room_settle(core, room);
    snprintf(reason, 256, "the hub is out of memory; try again later");
    return FAIL_LIMIT;
}

static enum fail_code room_leave(struct core *core, struct session *session, struct room *room) {
    struct membership *membership = membership_find(session->handle, room);
    if (!membership)
        return FAIL_NOT_MEMBER;
    unsigned left = membership->n_listeners;
    struct session *other;
    if (membership_part(core, membership) < 0)
        return FAIL_LIMIT;
    if (left == 0)
        membership_release(core, membership);
    DL_FOREACH2(session->handle->sessions, other, next_of_handle) {
        struct listening *listening = left ? listening_find(other, room) : NULL;
        if (!listening)
            continue;
        listening_end(core, other, listening); /* the last one frees membership, perhaps the room */
        if (--left == 0)
            break;
    }
    return FAIL_NONE;
}

/* Requests. */

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
        session_fail(core, session, request, FAIL_NO_ROOM,
                     "there is no such room; `earshot rooms` lists them");
        return NULL;
    }
    return room;
}

void room_receive_join(struct core *core, struct session *session, const struct frame *frame) {
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
    persist_finish(core, session, frame->join.request, code, reason);
}

void room_receive_leave(struct core *core, struct session *session, const struct frame *frame) {
    struct room *room = named_room(core, session, frame->leave.request, frame->leave.room);
    if (!room)
        return;
    enum fail_code code = room_leave(core, session, room);
    persist_finish(core, session, frame->leave.request, code,
                   code == FAIL_LIMIT ? "the hub is out of memory; try again later"
                                      : "you are not in this room");
}

void room_receive_topic(struct core *core, struct session *session, const struct frame *frame) {
    uint32_t request = frame->topic.request;
    struct bytes text = frame->topic.topic;
    struct room *room = named_room(core, session, request, frame->topic.room);
    if (!room)
        return;
    if (core_permission(core, session, room, ACT_SET_TOPIC) != PERMISSION_ALLOWED) {
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
    snprintf(reason, sizeof reason, "the hub is out of memory; try again later");
    /* The row that is written has what the topic is then: a mark too many does no harm. */
    if (!persist_room(core, session->user, room) ||
        !room_set_topic(room, session->user, text, reason)) {
        session_fail(core, session, request, FAIL_LIMIT, reason);
        return;
    }
    news_topic(core, session->handle, room);
    persist_answer(core, session, request);
}

/* Another name: it keeps its number, and so its members, its past and its offers. */

static bool room_set_name(struct core *core, struct room *room, const struct name *name,
                          const struct name *key) {
    lookalike_remove(&core->alike_rooms, &room->alike);
    if (room->hh.tbl)
        HASH_DELETE(hh, core->rooms, room);
    room->name = *name;
    room->key = *key;
    lookalike_add(&core->alike_rooms, &room->alike);
    HASH_ADD_KEYPTR(hh, core->rooms, room->key.s, room->key.n, room);
    core->epoch++;
    return room->hh.tbl != NULL;
}

/* All that is known by the name finds the room no more. False: memory is out, and it is as it was.
 */
static bool room_rename(struct core *core, struct user *by, struct room *room,
                        const struct name *name, const struct name *key) {
    struct name was = room->name, was_key = room->key;
    if (room_set_name(core, room, name, key) && persist_room_first(core, by, room)) {
        news_room_renamed(core, by, room, &was);
        return true;
    }
    (void)room_set_name(core, room, &was,
                        &was_key); /* if that fails as well, it is found by its number only */
    return false;
}

enum fail_code room_release(struct core *core, struct session *session, const struct name *name,
                            char reason[256]) {
    struct name key, away, away_key;
    name_key(&key, name);
    struct room *room = room_find(core, &key);
    if (!room || !room->creator) {
        snprintf(reason, 256, "there is no room of this name; `earshot rooms` lists them");
        return FAIL_NO_ROOM;
    }
    if (name_set_aside(core, &room->name, room->creator->uid, &away, &away_key) &&
        room_rename(core, session->user, room, &away, &away_key))
        return FAIL_NONE;
    snprintf(reason, 256, "the hub is out of memory; try again later");
    return FAIL_LIMIT;
}

/*
 * Of an earlier version: a room that was given up empty and made again is there twice. The later
 * one counts, and the earlier one is removed.
 */
static int restore_again(struct core *core, struct room *room, uint32_t number) {
    uint32_t earlier = room->number;
    if (number < earlier)
        return -EEXIST;
    HASH_DELETE(hh_number, core->rooms_by_number, room);
    room->number = number;
    HASH_ADD(hh_number, core->rooms_by_number, number, sizeof room->number, room);
    if (room->hh_number.tbl &&
        (room_has_past(room) || persist_no_room(core, room->creator, earlier)))
        return 0;
    room_free(core, room);
    return -ENOMEM;
}

static int restore_room(struct core *core, uint32_t number, struct user *user,
                        const struct name *name, struct room **room) {
    struct name key;
    name_key(&key, name);
    *room = room_find(core, &key);
    if (*room)
        return restore_again(core, *room, number);
    uint32_t last = core->last_room;
    *room = room_new(core, user, name, &key, number);
    if (last > core->last_room)
        core->last_room = last;
    return *room ? 0 : -ENOMEM;
}

/* It was there before, so it is taken over even beyond the limit of its creator. */
static int room_restore_topic(struct room *room, struct bytes text) {
    room_drop_topic(room);
    if (text.n == 0)
        return 0;
    char *topic = strndup(text.data, text.n);
    if (!topic)
        return -ENOMEM;
    room_put_topic(room, room->creator, topic);
    return 0;
}

int core_restore_room(struct core *core, uint32_t number, uid_t creator, struct bytes text,
                      struct bytes topic, uint64_t last_seq) {
    struct name name;
    struct room *room;
    struct user *user = core_user(core, creator);
    if (number == 0) /* of a version that let numbers wrap: it cannot be told from no number */
        return 0;
    if (name_parse(&name, text) != NAME_OK || !name_is_room(&name))
        return -EINVAL;
    int r = user ? restore_room(core, number, user, &name, &room) : -ENOMEM;
    if (r != 0)
        return r == -EEXIST ? 0 : r;
    room->last_seq = last_seq;
    return room_restore_topic(room, topic);
}

int core_restore_member(struct core *core, uint32_t room_number, uint32_t handle_number,
                        uint64_t since) {
    struct room *room = room_of_number(core, room_number);
    struct handle *handle = handle_of_number(core, handle_number);
    if (!room || !handle || membership_find(handle, room))
        return -EINVAL;
    struct membership *membership = membership_get(core, handle, room);
    if (!membership)
        return -ENOMEM;
    membership_set_joined(membership, true);
    membership->is_told = true;
    membership->since = since;
    return 0;
}

int core_restored(struct core *core) {
    struct room *room, *next;
    HASH_ITER(hh, core->rooms, room, next) {
        if (room_is_kept(room))
            continue;
        if (!persist_no_room(core, room->creator, room->number))
            return -ENOMEM;
        room_settle(core, room);
    }
    return 0;
}
