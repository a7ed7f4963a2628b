/*
 * What somebody does with a room, besides talking in it: makes it, changes it, invites into it,
 * asks about it. Each act is asked for in the table of permissions, and each refusal of what the
 * asker may not see is the one for a room that is not there.
 */

#include <stdio.h>
#include <string.h>
#include <utlist.h>

#include "base/text.h"
#include "core/internal.h"
#include "core/room/group.h"
#include "core/room/name.h"
#include "core/room/order.h"
#include "core/room/room.h"

#define PRIVATE_MEMBERS_MAX 1024 /* users who see one private room */

#define NO_MEMORY_LEFT "the hub is out of memory; try again later"

static enum fail_code refuse_no_room(char reason[256]) {
    snprintf(reason, 256, ROOM_NOT_THERE);
    return FAIL_NO_ROOM;
}

static enum fail_code refuse_no_memory(char reason[256]) {
    snprintf(reason, 256, NO_MEMORY_LEFT);
    return FAIL_LIMIT;
}

static enum fail_code refuse_of_people(char reason[256]) {
    snprintf(reason, 256,
             "this is a direct conversation: its people stay the same, and it is nobody's alone");
    return FAIL_NOT_PERMITTED;
}

/* Whether the session may do that; else the why. `who` may. */
static enum fail_code room_check(const struct core *core, const struct session *session,
                                 const struct room *room, enum room_act act, const char *who,
                                 char reason[256]) {
    switch (core_permission(core, session, room, act)) {
    case PERMISSION_ALLOWED:
        return FAIL_NONE;
    case PERMISSION_INVISIBLE:
        return refuse_no_room(reason);
    default:
        if (room->form == ROOM_DIRECT)
            return refuse_of_people(reason);
        if (room_order_holds(core, room, session->user, LAID_MUTE, reason) ||
            room_order_holds(core, room, session->user, LAID_BAN, reason))
            return FAIL_NOT_PERMITTED;
        snprintf(reason, 256, "only %s may do this in %.100s", who, room->name.s);
        return FAIL_NOT_PERMITTED;
    }
}

#define OWNER_ONLY "its owner"
#define OWNER_OR_ADMINISTRATOR "its owner (or root, or the hub's owner)"

/* Making. */

/* Who makes a room is in it. */
static enum fail_code room_make_and_join(struct core *core, struct session *session,
                                         const struct name *name, enum room_form form,
                                         char reason[256]) {
    struct room *room;
    if (form == ROOM_OPEN)
        return room_join(core, session, name, false, reason);
    if (!user_may_charge(session->user, ROOM_BYTES + ADMISSION_BYTES, reason))
        return FAIL_LIMIT;
    enum fail_code code = room_make(core, session, name, form, &room, reason);
    if (code != FAIL_NONE)
        return code;
    struct admission *admission = admission_new(core, room, session->handle, session->user, 0);
    if (!admission || admission_join(core, admission, NULL) != 0 ||
        !persist_room(core, session->user, room) ||
        !persist_admission(core, session->user, admission, true)) {
        if (admission)
            admission_free(core, admission);
        room_settle(core, room);
        return refuse_no_memory(reason);
    }
    code = room_join(core, session, name, false, reason);
    if (code != FAIL_NONE)
        admission_end(core, admission);
    return code;
}

static enum fail_code room_become_private(struct core *core, struct session *session,
                                          struct room *room, char reason[256]) {
    enum fail_code code = room_check(core, session, room, ACT_CHANGE_FORM, OWNER_ONLY, reason);
    if (code != FAIL_NONE || room->form == ROOM_PRIVATE)
        return code;
    if (room->n_members > PRIVATE_MEMBERS_MAX) {
        snprintf(reason, 256, "%.100s has %u members, and a private room at most %d", room->name.s,
                 room->n_members, PRIVATE_MEMBERS_MAX);
        return FAIL_LIMIT;
    }
    if (!membership_find(session->handle, room) &&
        (code = room_join(core, session, &room->name, false, reason)) != FAIL_NONE)
        return code;
    return room_make_private(core, session->user, room) ? FAIL_NONE : refuse_no_memory(reason);
}

static enum fail_code change_form(struct core *core, struct session *session, struct room *room,
                                  const struct name *name, enum room_form form, char reason[256]) {
    if (!room)
        return room_make_and_join(core, session, name, form, reason);
    if (form == ROOM_PRIVATE)
        return room_become_private(core, session, room, reason);
    if (room->form == ROOM_OPEN)
        return FAIL_NONE;
    snprintf(reason, 256,
             "%.100s stays private: what was said there was meant for its members; make another",
             room->name.s);
    return FAIL_NOT_PERMITTED;
}

/* Changing. */

static struct handle *handle_named(struct core *core, struct bytes text) {
    struct name name, key;
    if (name_parse(&name, text) != NAME_OK || name_is_room(&name))
        return NULL;
    name_key(&key, &name);
    return handle_find(core, &key);
}

static enum fail_code refuse_no_handle(struct bytes text, char reason[256]) {
    int n = (int)text_cut(text, NAME_BYTES_MAX);
    snprintf(reason, 256, "%.*s is nobody's handle; `earshot who --all` shows all of them", n,
             text.data);
    return FAIL_NO_USER;
}

static enum fail_code change_owner(struct core *core, struct session *session, struct room *room,
                                   struct bytes to, char reason[256]) {
    enum fail_code code =
        room_check(core, session, room, ACT_PASS_ON, OWNER_OR_ADMINISTRATOR, reason);
    struct handle *handle = code == FAIL_NONE ? handle_named(core, to) : NULL;
    if (code != FAIL_NONE)
        return code;
    if (!handle)
        return refuse_no_handle(to, reason);
    bool is_in = room->form == ROOM_OPEN ? membership_find(handle, room) != NULL
                                         : admission_has_joined(handle->user, room);
    if (!is_in) {
        snprintf(reason, 256, "%.64s is not in %.100s; a room is passed on to a member",
                 handle->name.s, room->name.s);
        return FAIL_NOT_MEMBER;
    }
    struct handle *was = room->owner;
    room->owner = handle;
    core->epoch++;
    if (persist_room(core, session->user, room))
        return FAIL_NONE;
    room->owner = was;
    return refuse_no_memory(reason);
}

static enum fail_code change_name(struct core *core, struct session *session, struct room *room,
                                  struct bytes to, char reason[256]) {
    struct name name, key;
    enum name_outcome problem = name_parse(&name, to);
    enum fail_code code =
        room_check(core, session, room, ACT_RENAME, OWNER_OR_ADMINISTRATOR, reason);
    if (code != FAIL_NONE)
        return code;
    if (problem != NAME_OK || !name_is_room(&name) || name_has_owner(&name)) {
        snprintf(reason, 256, "the new name %s",
                 problem != NAME_OK ? name_problem(problem) : "must be that of a room, with a #");
        return FAIL_BAD_NAME;
    }
    name_key(&key, &name);
    struct room *other = room_find_for(core, session->user, &key);
    if (other && other != room) {
        snprintf(reason, 256, "there is a room %.100s already", other->name.s);
        return FAIL_NOT_PERMITTED;
    }
    if (!other && room->form == ROOM_OPEN && room_find(core, &key))
        return refuse_no_memory(reason);
    code = room_check_looks(core, &name, reason);
    if (code != FAIL_NONE)
        return code;
    return room_rename(core, session->user, room, &name, &key) ? FAIL_NONE
                                                               : refuse_no_memory(reason);
}

static enum fail_code change_end(struct core *core, struct session *session, struct room *room,
                                 char reason[256]) {
    enum fail_code code =
        room_check(core, session, room, ACT_CLOSE, OWNER_OR_ADMINISTRATOR, reason);
    if (code == FAIL_NONE)
        room_close(core, session->user, room);
    return code;
}

/* One of two words, "on" or "off". False: it is neither. */
static bool take_choice(struct bytes text, const char *yes, const char *no, bool *is_yes,
                        char reason[256]) {
    *is_yes = bytes_equal(text, bytes_of(yes));
    if (*is_yes || bytes_equal(text, bytes_of(no)))
        return true;
    snprintf(reason, 256, "it can be %s or %s", yes, no);
    return false;
}

static enum fail_code change_rule(struct core *core, struct session *session, struct room *room,
                                  bool *rule, bool is_on, char reason[256]) {
    bool was = *rule;
    *rule = is_on;
    if (persist_room(core, session->user, room))
        return FAIL_NONE;
    *rule = was;
    return refuse_no_memory(reason);
}

static enum fail_code change_announce(struct core *core, struct session *session, struct room *room,
                                      struct bytes text, char reason[256]) {
    bool is_on;
    enum fail_code code =
        room_check(core, session, room, ACT_SET_ANNOUNCE, "its owner and operators", reason);
    if (code == FAIL_NONE && !take_choice(text, "on", "off", &is_on, reason))
        code = FAIL_BAD_TEXT;
    return code == FAIL_NONE ? change_rule(core, session, room, &room->announces, is_on, reason)
                             : code;
}

static enum fail_code change_past(struct core *core, struct session *session, struct room *room,
                                  struct bytes text, char reason[256]) {
    bool is_all;
    enum fail_code code = room_check(core, session, room, ACT_CHANGE_FORM, OWNER_ONLY, reason);
    if (code == FAIL_NONE && !take_choice(text, "all", "invited", &is_all, reason))
        code = FAIL_BAD_TEXT;
    if (code == FAIL_NONE && room->form != ROOM_PRIVATE) {
        snprintf(reason, 256, "%.100s is open: everybody sees its past", room->name.s);
        code = FAIL_NOT_PERMITTED;
    }
    return code == FAIL_NONE ? change_rule(core, session, room, &room->shows_all, is_all, reason)
                             : code;
}

/* The room that is to be changed; NULL: there is none, for this user. */
static struct room *room_to_change(const struct core *core, const struct user *user,
                                   const struct name *name) {
    struct name key;
    name_key(&key, name);
    struct room *room = room_find_for(core, user, &key);
    return room && room->creator && (room_is_alive(room) || room->is_closed) ? room : NULL;
}

static enum fail_code room_change(struct core *core, struct session *session,
                                  const struct frame_change *change, const struct name *name,
                                  char reason[256]) {
    struct room *room = room_to_change(core, session->user, name);
    if (room && room->is_closed) {
        snprintf(reason, 256, "the room %.100s was closed", room->name.s);
        return FAIL_NOT_PERMITTED;
    }
    if (change->what == ROOM_MAKE_GROUP)
        return group_make(core, session, room, name, change->argument, reason);
    if (!room && change->what != ROOM_MAKE_OPEN && change->what != ROOM_MAKE_PRIVATE)
        return refuse_no_room(reason);
    switch ((enum room_change)change->what) {
    case ROOM_MAKE_OPEN:
        return change_form(core, session, room, name, ROOM_OPEN, reason);
    case ROOM_MAKE_PRIVATE:
        return change_form(core, session, room, name, ROOM_PRIVATE, reason);
    case ROOM_SET_OWNER:
        return change_owner(core, session, room, change->argument, reason);
    case ROOM_SET_NAME:
        return change_name(core, session, room, change->argument, reason);
    case ROOM_CLOSE:
        return change_end(core, session, room, reason);
    case ROOM_SET_ANNOUNCE:
        return change_announce(core, session, room, change->argument, reason);
    case ROOM_SET_PAST:
        return change_past(core, session, room, change->argument, reason);
    case ROOM_MAKE_GROUP:
    case ROOM_CHANGE_END:
        break;
    }
    return refuse_no_room(reason);
}

void room_receive_change(struct core *core, struct session *session, const struct frame *frame) {
    const struct frame_change *change = &frame->change;
    struct name name;
    char reason[256];
    enum name_outcome problem = name_parse(&name, change->room);
    enum fail_code code = FAIL_LIMIT;
    if (problem != NAME_OK || !name_is_room(&name)) {
        snprintf(reason, sizeof reason, "the room's name %s",
                 problem != NAME_OK ? name_problem(problem) : "must begin with #");
        code = FAIL_BAD_NAME;
    } else if (persist_may_change(core, session->user, reason)) {
        code = room_change(core, session, change, &name, reason);
    }
    persist_finish(core, session, change->request, code, reason);
}

/* Inviting. */

unsigned invitations_between(const struct user *from, const struct user *to) {
    const struct admission *admission;
    unsigned n = 0;
    DL_FOREACH2(to->admissions, admission, next_of_user) {
        n += admission->is_unanswered && admission->payer == from;
    }
    return n;
}

/* Whether one may be made; else the why. */
static enum fail_code may_invite(struct session *session, const struct room *room,
                                 const struct handle *handle, char reason[256]) {
    struct account *account = &session->user->account;
    if (room->n_admissions >= PRIVATE_MEMBERS_MAX) {
        snprintf(reason, 256, "%.100s has %u members, as many as a private room may have",
                 room->name.s, room->n_admissions);
        return FAIL_LIMIT;
    }
    if (invitations_between(session->user, handle->user) >= INVITATIONS_PER_PAIR_MAX) {
        snprintf(reason, 256, "%.64s has %d invitations of yours to answer first", handle->name.s,
                 INVITATIONS_PER_PAIR_MAX);
        return FAIL_LIMIT;
    }
    if (account_left(account, ACCOUNT_INVITATIONS) == 0) {
        account_refuse(account, ACCOUNT_INVITATIONS, reason);
        return FAIL_LIMIT;
    }
    return user_may_charge(session->user, ADMISSION_BYTES, reason) ? FAIL_NONE : FAIL_LIMIT;
}

static enum fail_code room_admit_guest(struct core *core, struct session *session,
                                       struct room *room, struct handle *handle, char reason[256]) {
    struct admission *admission = admission_find(handle->user, room);
    if (room->form != ROOM_PRIVATE || admission)
        return FAIL_NONE;
    enum fail_code code = may_invite(session, room, handle, reason);
    if (code != FAIL_NONE)
        return code;
    admission = admission_new(core, room, handle, session->user, room->shows_all ? 0 : core->seq);
    if (admission && persist_admission(core, session->user, admission, true))
        return FAIL_NONE;
    if (admission)
        admission_free(core, admission);
    return refuse_no_memory(reason);
}

/* He is told by a message, so that he hears of it whenever he comes. */
static bool tell_invited(struct core *core, struct session *session, const struct room *room,
                         struct handle *handle, const struct uuid *id) {
    struct name name;
    char text[512];
    bool is_private = room->form == ROOM_PRIVATE;
    struct bytes called =
        is_private ? room_name_for(handle->user, room, &name) : name_bytes(&room->name);
    int n = snprintf(text, sizeof text, "you are invited to the %s room %s: /join %.*s%s",
                     is_private ? "private" : "open", room->name.s, (int)called.n, called.data,
                     is_private ? ", or /part it to decline" : "");
    if (!route_notice(core, session, handle, id, (struct bytes){text, (size_t)n}))
        return false;
    account_note_message(&session->user->account, (size_t)n);
    return true;
}

static enum fail_code room_invite(struct core *core, struct session *session,
                                  const struct frame_invite *invite, struct room *room,
                                  char reason[256]) {
    enum fail_code code = room_check(core, session, room, ACT_INVITE, "its members", reason);
    struct handle *handle = code == FAIL_NONE ? handle_named(core, invite->handle) : NULL;
    if (code != FAIL_NONE)
        return code;
    if (!handle || handle->is_unclaimed)
        return refuse_no_handle(invite->handle, reason);
    if (room->form == ROOM_PRIVATE ? admission_has_joined(handle->user, room)
                                   : membership_find(handle, room) != NULL) {
        snprintf(reason, 256, "%.64s is in %.100s already", handle->name.s, room->name.s);
        return FAIL_NOT_PERMITTED;
    }
    if (room_order_holds(core, room, handle->user, LAID_BAN, reason))
        return FAIL_NOT_PERMITTED;
    if (!persist_may_number(core)) {
        snprintf(reason, 256, "the hub cannot write to its store; try again later");
        return FAIL_BUSY;
    }
    code = room_admit_guest(core, session, room, handle, reason);
    if (code == FAIL_NONE && !tell_invited(core, session, room, handle, &invite->id))
        code = refuse_no_memory(reason);
    return code;
}

void room_receive_invite(struct core *core, struct session *session, const struct frame *frame) {
    const struct frame_invite *invite = &frame->invite;
    struct room *room = room_named(core, session, invite->request, invite->room);
    char reason[256];
    if (!room)
        return;
    uint64_t before = core->seq;
    enum fail_code code = FAIL_LIMIT;
    if (persist_may_change(core, session->user, reason))
        code = room_invite(core, session, invite, room, reason);
    if (code == FAIL_NONE)
        persist_answer_after(core, session, invite->request, before);
    else
        persist_finish(core, session, invite->request, code, reason);
}

/* Asking. */

static void room_put(struct core *core, struct session *session, uint32_t request,
                     const struct room *room, struct bytes operators) {
    struct name name;
    char owner[32];
    const struct admission *admission =
        room->form == ROOM_OPEN ? NULL : admission_find(session->user, room);
    uid_t uid = room->owner ? room->owner->user->uid : room->creator->uid;
    snprintf(owner, sizeof owner, "uid%u", uid);
    struct frame frame = {
        .type = FRAME_ABOUT,
        .about = {.request = request,
                  .room = room_name_for(session->user, room, &name),
                  .form = room->form,
                  .rules = (uint8_t)(room_rules(room) |
                                     (admission && !admission->has_joined ? ROOM_INVITED : 0)),
                  .owner = room->owner ? name_bytes(&room->owner->name) : bytes_of(owner),
                  .owner_uid = uid,
                  .members = room->n_members,
                  .group = name_bytes(&room->group),
                  .topic = bytes_of(room->topic ? room->topic : ""),
                  .operators = operators}};
    session_answer(core, session, &frame);
}

void room_put_about(struct core *core, struct session *session, uint32_t request,
                    const struct room *room) {
    char operators[OPERATORS_BYTES_MAX + 1];
    (void)room_operators(core, room, operators);
    room_put(core, session, request, room, bytes_of(operators));
}

void room_put_listed(struct core *core, struct session *session, uint32_t request,
                     const struct room *room) {
    room_put(core, session, request, room, (struct bytes){0});
}

void room_tell_about(struct core *core, struct session *session, uint32_t request,
                     struct bytes text) {
    const struct room *room = room_named(core, session, request, text);
    if (!room)
        return;
    if (core_permission(core, session, room, ACT_SEE) != PERMISSION_ALLOWED) {
        session_fail(core, session, request, FAIL_NO_ROOM, ROOM_NOT_THERE);
        return;
    }
    room_put_about(core, session, request, room);
    session_done(core, session, request);
}
