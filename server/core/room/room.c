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
#include "core/past/pin.h"
#include "core/room/group.h"
#include "core/room/name.h"
#include "core/room/order.h"
#include "core/room/people.h"
#include "core/room/room.h"

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
    room->owner = NULL;
    room->is_closed = room->announces = room->shows_all = room->locks_topic = false;
    if (room->payer)
        user_give_back(room->payer, ROOM_BYTES);
    room->payer = user;
    account_spend(&user->account, ACCOUNT_MEMORY, ROOM_BYTES);
    room->alike = (struct alike_entry){.name = &room->name, .user = user};
    if (room->form == ROOM_OPEN)
        lookalike_add(&core->alike_rooms, &room->alike);
    account_spend(&user->account, ACCOUNT_ROOMS, 1);
    core->epoch++;
}

/* Only what is open is found by its name alone. */
static struct room *room_new(struct core *core, struct user *user, const struct name *name,
                             enum room_form form, uint32_t number) {
    struct room *room = calloc(1, sizeof *room);
    if (!room)
        return NULL;
    name_key(&room->key, name);
    room->form = (uint8_t)form;
    room->number = core->last_room = number;
    room->born = core->n_born++;
    if (form == ROOM_OPEN)
        HASH_ADD_KEYPTR(hh, core->rooms, room->key.s, room->key.n, room);
    if (form != ROOM_OPEN || room->hh.tbl)
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
    while (room->admissions)
        admission_free(core, room->admissions);
    room_orders_drop(core, room, false);
    room_end(core, room);
    answer_forget(core, conv_of_room(room->number));
    pin_drop_room(core, conv_of_room(room->number));
    listing_leave_room(room);
    room_unlist_lost(core, room);
    group_end_room(core, room);
    if (room->hh.tbl)
        HASH_DELETE(hh, core->rooms, room);
    if (room->hh_number.tbl)
        HASH_DELETE(hh_number, core->rooms_by_number, room);
    user_give_back(room->payer, ROOM_BYTES);
    free(room->people);
    free(room->listeners);
    free(room->listener_places);
    free(room);
}

void room_settle(struct core *core, struct room *room) {
    if (room->n_offers > 0 || room_is_alive(room))
        return;
    room_orders_drop(core, room, true);
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

/* Its memory is the payer's; what is restored cannot be refused. */
static struct membership *membership_get(struct core *core, struct handle *handle,
                                         struct room *room, struct user *payer) {
    struct membership *membership = membership_find(handle, room);
    if (membership)
        return membership;
    membership = calloc(1, sizeof *membership);
    if (!membership)
        return NULL;
    membership->room = room;
    membership->handle = handle;
    membership->payer = payer;
    membership->born = core->n_born++;
    HASH_ADD_PTR(handle->memberships_by_room, room, membership);
    if (!membership->hh.tbl) {
        free(membership);
        return NULL;
    }
    DL_APPEND2(handle->memberships, membership, prev_of_handle, next_of_handle);
    DL_APPEND2(room->memberships, membership, prev_of_room, next_of_room);
    room->n_members++;
    account_spend(&payer->account, ACCOUNT_MEMORY, MEMBERSHIP_BYTES);
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
    uint64_t after =
        membership->joined ? membership->since : room_past_after(session->user, membership->room);
    if (!membership->joined && !resumes)
        return core->seq;
    return after > session->rooms_after ? after : session->rooms_after;
}

int membership_listen(struct core *core, struct session *session, struct membership *membership) {
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

bool session_listens_to_all(const struct session *session) {
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
        if (membership->joined && membership_holds(membership) &&
            membership_listen(core, session, membership) < 0) {
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

/* Whether there is a place for one more of this name, and its user may make it. */
static enum fail_code room_may_make(struct core *core, struct user *user, const struct name *name,
                                    char reason[256]) {
    if (name_has_owner(name)) {
        snprintf(reason, 256, "there is no room %.100s; a new one is named without its owner",
                 name->s);
        return FAIL_NO_ROOM;
    }
    if (sanction_holds(core, user, SANCTION_MUTE, reason)) /* all read its name */
        return FAIL_NOT_PERMITTED;
    if (!group_may_make(core, user, reason))
        return FAIL_BUSY;
    if (account_left(&user->account, ACCOUNT_ROOMS) == 0) {
        account_refuse(&user->account, ACCOUNT_ROOMS, reason);
        return FAIL_LIMIT;
    }
    enum fail_code code = name_is_people(name) ? FAIL_NONE : room_check_looks(core, name, reason);
    if (code != FAIL_NONE)
        return code;
    return user_may_charge(user, ROOM_BYTES, reason) ? FAIL_NONE : FAIL_LIMIT; /* room_begin() */
}

enum fail_code room_make(struct core *core, struct session *session, const struct name *name,
                         enum room_form form, struct room **room, char reason[256]) {
    if (form != ROOM_DIRECT && name_is_people(name)) {
        snprintf(reason, 256,
                 "you have no direct conversation with just these people; /msg to them, or "
                 "`earshot send --together`, begins one");
        return FAIL_NO_ROOM;
    }
    enum fail_code code = room_may_make(core, session->user, name, reason);
    if (code != FAIL_NONE)
        return code;
    uint32_t number = room_number_next(core);
    if (number == 0) {
        snprintf(reason, 256, "the hub has as many rooms as it can number; others must leave some");
        return FAIL_LIMIT;
    }
    *room = room_new(core, session->user, name, form, number);
    if (!*room) {
        snprintf(reason, 256, "the hub is out of memory; try again later");
        return FAIL_LIMIT;
    }
    (*room)->owner = session->handle;
    return FAIL_NONE;
}

enum fail_code room_find_or_make(struct core *core, struct session *session,
                                 const struct name *name, struct room **room, char reason[256]) {
    struct name key;
    name_key(&key, name);
    *room = room_find_for(core, session->user, &key);
    if (*room && (*room)->creator)
        return FAIL_NONE;
    if (!*room)
        return room_make(core, session, name, ROOM_OPEN, room, reason);
    enum fail_code code = room_may_make(core, session->user, name, reason);
    if (code != FAIL_NONE)
        return code;
    room_begin(core, *room, session->user, name);
    (*room)->owner = session->handle;
    return FAIL_NONE;
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
int membership_part(struct core *core, struct membership *membership) {
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
    int r = membership_listen(core, session, membership);
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
        if (session_listens_to_all(other) && membership_listen(core, other, membership) < 0)
            session_break(core, other);
    }
    return 0;
}

struct membership *room_put_in(struct core *core, struct room *room, struct handle *handle,
                               struct user *payer) {
    struct membership *membership = membership_get(core, handle, room, payer);
    struct session *session;
    if (!membership || membership->joined)
        return membership;
    membership_set_joined(membership, true);
    membership->is_told = true;
    membership->since = core->seq;
    DL_FOREACH2(handle->sessions, session, next_of_handle) {
        if (session_listens_to_all(session) && membership_listen(core, session, membership) < 0)
            session_break(core, session);
    }
    return membership;
}

/* Direct rooms that others have put him into, of which he has said nothing: these do not count. */
static unsigned n_put_into(const struct user *user) {
    const struct admission *admission;
    unsigned n = 0;
    DL_FOREACH2(user->admissions, admission, next_of_user) {
        n += admission->has_joined && admission->is_unanswered;
    }
    return n;
}

/* False: it would be one room too many, or too much memory for all that would listen. */
bool room_may_join(const struct session *session, bool session_only, char reason[256]) {
    const struct handle *handle = session->handle;
    unsigned n = session_only ? session->n_listenings : handle->n_joined;
    n = session->n_listenings > n ? session->n_listenings : n;
    if (n >= ROOMS_PER_HANDLE_MAX && n >= ROOMS_PER_HANDLE_MAX + n_put_into(session->user)) {
        snprintf(reason, 256, "%s is in %u rooms already; leave some first", handle->name.s, n);
        return false;
    }
    size_t n_more = session_only ? 1 : 1 + handle->n_listening;
    size_t bytes = MEMBERSHIP_BYTES + n_more * LISTENING_BYTES;
    return user_may_charge(session->user, bytes, reason); /* each is charged when it is made */
}

static enum fail_code refuse_closed(const struct room *room, char reason[256]) {
    snprintf(reason, 256,
             "the room %.100s was closed; its name is free when what was said there has expired",
             room->name.s);
    return FAIL_NOT_PERMITTED;
}

/* Of a private room: the invitation is accepted. */
static enum fail_code room_admit(struct core *core, struct session *session,
                                 const struct room *room, char reason[256]) {
    struct admission *admission = admission_find(session->user, room);
    if (room->is_closed)
        return refuse_closed(room, reason);
    if (room_order_holds(core, room, session->user, LAID_BAN, reason))
        return FAIL_NOT_PERMITTED;
    if (room->form == ROOM_OPEN || (admission && admission->has_joined))
        return FAIL_NONE;
    if (room->form == ROOM_GROUP) {
        snprintf(reason, 256, "the room %.100s is for the members of the group %.100s",
                 room->name.s, room->group.s);
        return FAIL_NOT_PERMITTED;
    }
    if (!admission) { /* an administrator, who knows it by its owner */
        snprintf(reason, 256, "the room %.100s is private, and you are not invited", room->name.s);
        return FAIL_NOT_PERMITTED;
    }
    if (!user_may_charge(session->user, ADMISSION_BYTES, reason))
        return FAIL_LIMIT;
    if (admission_join(core, admission, NULL) == 0 &&
        persist_admission(core, session->user, admission, false))
        return FAIL_NONE;
    snprintf(reason, 256, "the hub is out of memory; try again later");
    return FAIL_LIMIT;
}

/* What is open comes before an invitation, which comes before a room that is to be made. */
static enum fail_code room_find_to_join(struct core *core, struct session *session,
                                        const struct name *name, struct room **room,
                                        char reason[256]) {
    struct name key;
    name_key(&key, name);
    *room = room_find_for(core, session->user, &key);
    if (!*room || !room_is_alive(*room)) {
        struct room *invitation = room_find_invitation(session->user, &key);
        *room = invitation ? invitation : *room;
    }
    enum fail_code code = *room && (*room)->creator
                              ? FAIL_NONE
                              : room_find_or_make(core, session, name, room, reason);
    return code == FAIL_NONE ? room_admit(core, session, *room, reason) : code;
}

/* Who is in it from now on. The room is freed if that fails and it is empty. */
static enum fail_code room_enter(struct core *core, struct session *session, struct room *room,
                                 bool session_only, char reason[256]) {
    bool is_new = !membership_find(session->handle, room);
    struct membership *membership = membership_get(core, session->handle, room, session->user);
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

/* Who only listens for a while, as a program does that asks a question, is not told of to others.
 */
enum fail_code room_join(struct core *core, struct session *session, const struct name *name,
                         bool session_only, char reason[256]) {
    struct room *room;
    if (!room_may_join(session, session_only, reason))
        return FAIL_LIMIT;
    enum fail_code code = room_find_to_join(core, session, name, &room, reason);
    return code == FAIL_NONE ? room_enter(core, session, room, session_only, reason) : code;
}

/* Leaving. */

void room_hold(struct room *room) {
    room->n_offers++;
}

void room_let_go(struct core *core, struct room *room) {
    room->n_offers--;
    room_settle(core, room);
}

static void room_tell_expelled(struct core *core, struct session *session, struct room *room) {
    struct name name;
    struct frame frame = {.type = FRAME_NEWS,
                          .news = {.what = NEWS_LEFT,
                                   .who = name_bytes(&session->handle->name),
                                   .uid = session->user->uid,
                                   .room = room_name_for(session->user, room, &name)}};
    if (session->abilities & ABILITY_NEWS)
        (void)session_notify(core, session->user, session, NOTICE_FOR_IT, &frame);
}

void room_hush(struct core *core, struct handle *handle, struct room *room, bool stays) {
    struct membership *membership = membership_find(handle, room);
    struct session *session;
    if (!membership)
        return;
    membership->n_listeners++; /* it stays until this has ended */
    DL_FOREACH2(handle->sessions, session, next_of_handle) {
        struct listening *listening = listening_find(session, room);
        if (!listening)
            continue;
        room_tell_expelled(core, session, room);
        listening_remove(core, session, listening);
        membership->n_listeners--;
    }
    if (membership->joined && !stays)
        membership_set_joined(membership, false);
    membership->n_listeners--;
    membership_release(core, membership);
}

void room_expel(struct core *core, struct handle *handle, struct room *room) {
    room_hush(core, handle, room, false);
}

/* The first of the user's handles that is in it; NULL: none is. */
static const struct membership *membership_of_user(const struct room *room, const struct user *user,
                                                   bool joined) {
    const struct handle *handle;
    DL_FOREACH2(user->handles, handle, next_of_user) {
        const struct membership *membership = membership_find(handle, room);
        if (membership && (membership->joined || !joined))
            return membership;
    }
    return NULL;
}

bool room_throw_out(struct core *core, struct user *user, struct room *room) {
    const struct membership *membership;
    struct admission *admission = admission_find(user, room);
    bool was_in_request = core->persist.in_request, was_in = admission != NULL;
    while ((membership = membership_of_user(room, user, false))) {
        struct handle *handle = membership->handle;
        was_in = true;
        (void)membership_part(core, membership_find(handle, room)); /* else it comes again */
        core->persist.in_request = false; /* all these rows are written with the first of them */
        room_expel(core, handle, room);
    }
    core->persist.in_request = was_in_request;
    if (admission)
        admission_end(core, admission);
    return was_in;
}

/* When the last of his handles has left a private room, its user sees it no more. */
static void room_leave_private(struct core *core, struct user *user, struct room *room) {
    struct admission *admission = admission_find(user, room);
    const struct membership *membership;
    if (!admission || room->form == ROOM_GROUP || membership_of_user(room, user, true))
        return;
    while ((membership = membership_of_user(room, user, false)))
        room_expel(core, membership->handle, room);
    admission_end(core, admission);
}

void room_close(struct core *core, struct user *by, struct room *room) {
    room_hold(room);
    room->is_closed = true;
    core->epoch++;
    while (room->memberships)
        room_expel(core, room->memberships->handle, room);
    while (room->admissions)
        admission_free(core, room->admissions);
    room_orders_drop(core, room, false);
    pin_drop_room(core, conv_of_room(room->number));
    room_drop_topic(room);
    if (room_is_kept(room)) /* when memory is out it is there again after a restart */
        (void)persist_room(core, by, room);
    else
        (void)persist_no_room(core, by, room->number);
    room_let_go(core, room);
}

static enum fail_code membership_leave(struct core *core, struct session *session,
                                       struct membership *membership) {
    struct room *room = membership->room;
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
        listening_end(core, other, listening); /* the last one frees membership */
        if (--left == 0)
            break;
    }
    return FAIL_NONE;
}

/* Also declines an invitation. */
static enum fail_code room_leave(struct core *core, struct session *session, struct room *room) {
    struct membership *membership = membership_find(session->handle, room);
    if (!membership && !admission_find(session->user, room))
        return FAIL_NOT_MEMBER;
    room_hold(room);
    enum fail_code code = membership ? membership_leave(core, session, membership) : FAIL_NONE;
    if (code == FAIL_NONE)
        room_leave_private(core, session->user, room);
    room_let_go(core, room);
    return code;
}

/* Requests. */

struct room *room_named(struct core *core, struct session *session, uint32_t request,
                        struct bytes text) {
    struct name name, key;
    struct room *room = NULL;
    if (name_parse(&name, text) == NAME_OK && name_is_room(&name)) {
        name_key(&key, &name);
        room = room_find_for(core, session->user, &key);
        if (!room || !room_is_alive(room))
            room = room_find_invitation(session->user, &key);
    }
    if (!room || (room->n_members == 0 && room->n_admitted == 0 && room->form != ROOM_GROUP)) {
        session_fail(core, session, request, FAIL_NO_ROOM, ROOM_NOT_THERE);
        return NULL;
    }
    return room;
}

bool room_may_speak(const struct core *core, const struct session *session, const struct room *room,
                    char reason[256]) {
    if (room->is_closed)
        (void)refuse_closed(room, reason);
    else if (core_permission(core, session, room, ACT_SPEAK) == PERMISSION_ALLOWED)
        return true;
    else if (!room_order_holds(core, room, session->user, LAID_MUTE, reason) &&
             !room_order_holds(core, room, session->user, LAID_BAN, reason))
        snprintf(reason, 256, "in %.100s only its owner and operators speak", room->name.s);
    return false;
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
    struct room *room = room_named(core, session, frame->leave.request, frame->leave.room);
    if (!room)
        return;
    enum fail_code code = room_leave(core, session, room);
    persist_finish(core, session, frame->leave.request, code,
                   code == FAIL_LIMIT ? "the hub is out of memory; try again later"
                                      : "you are not in this room");
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
                        const struct name *name, enum room_form form, struct room **room) {
    struct name key;
    name_key(&key, name);
    *room = form == ROOM_OPEN ? room_find(core, &key) : NULL;
    if (*room)
        return restore_again(core, *room, number);
    uint32_t last = core->last_room;
    *room = room_of_number(core, number) ? NULL : room_new(core, user, name, form, number);
    if (last > core->last_room)
        core->last_room = last;
    return *room ? 0 : -ENOMEM;
}

int core_restore_room(struct core *core, const struct room_restored *restored) {
    struct name name, group;
    struct room *room;
    struct user *user = core_user(core, restored->creator);
    if (restored->number == 0) /* of a version that let numbers wrap: it cannot be told from none */
        return 0;
    if (name_parse(&name, restored->name) != NAME_OK || !name_is_room(&name) ||
        name_has_owner(&name) || name_is_people(&name) != (restored->form == ROOM_DIRECT) ||
        restored->form >= ROOM_FORM_END ||
        (restored->form == ROOM_GROUP && name_parse(&group, restored->group) != NAME_OK))
        return -EINVAL;
    enum room_form form = (enum room_form)restored->form;
    int r = user ? restore_room(core, restored->number, user, &name, form, &room) : -ENOMEM;
    if (r == 0 && form == ROOM_DIRECT)
        r = people_restore(room, restored->people);
    if (r != 0)
        return r == -EEXIST ? 0 : r;
    room->last_seq = restored->last_seq;
    room->owner = handle_of_number(core, restored->owner);
    room->private_since = restored->private_since;
    room->is_closed = (restored->rules & ROOM_CLOSED) != 0;
    room->announces = (restored->rules & ROOM_ANNOUNCES) != 0;
    room->shows_all = (restored->rules & ROOM_SHOWS_ALL) != 0;
    room->locks_topic = (restored->rules & ROOM_LOCKS_TOPIC) != 0;
    if (form == ROOM_GROUP)
        group_begin_room(core, room, &group);
    return room_restore_topic(room, restored->topic);
}

int core_restore_member(struct core *core, uint32_t room_number, uint32_t handle_number,
                        uint64_t since) {
    struct room *room = room_of_number(core, room_number);
    struct handle *handle = handle_of_number(core, handle_number);
    if (!room || !handle || room->is_closed || membership_find(handle, room))
        return -EINVAL;
    struct membership *membership = membership_get(core, handle, room, handle->user);
    if (!membership)
        return -ENOMEM;
    membership_set_joined(membership, true);
    membership->is_told = true;
    membership->since = since;
    return 0;
}

int core_restored(struct core *core) {
    struct room *room, *next;
    HASH_ITER(hh_number, core->rooms_by_number, room, next) {
        if (room->form != ROOM_OPEN && admission_restore_members(core, room) != 0)
            return -ENOMEM;
        if (room_is_kept(room))
            continue;
        if (!persist_no_room(core, room->creator, room->number))
            return -ENOMEM;
        room_settle(core, room);
    }
    return 0;
}
