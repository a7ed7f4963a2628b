/*
 * Private rooms: who sees them, since when, and by which name.
 *
 * A user sees a private room by an admission: he was invited, and may have joined. The name of such
 * a room is a matter of those who are in it. So it is not looked up among the rooms of all, but
 * among those of the user who asks, before these: for anybody else there is nothing of that name,
 * and he may make a room of it. Who sees two of one name calls the later one after its owner:
 * "#ops~ann". An invitation takes no name away from anybody: what is open comes before it.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/error.h"
#include "core/internal.h"
#include "core/room/people.h"
#include "core/room/room.h"

/* Of an earlier user who had this uid: it is not for the one who has it now. */
static bool admission_holds(const struct admission *admission) {
    return handle_is_of_user(admission->handle, admission->handle->user);
}

struct admission *admission_find(const struct user *user, const struct room *room) {
    struct admission *admission = NULL;
    if (user->admissions_by_room)
        HASH_FIND(hh_by_room, user->admissions_by_room, &room, sizeof room, admission);
    return admission && admission_holds(admission) ? admission : NULL;
}

bool admission_has_joined(const struct user *user, const struct room *room) {
    const struct admission *admission = admission_find(user, room);
    return admission && admission->has_joined;
}

static struct admission *admission_of_name(const struct user *user, const struct name *key) {
    struct admission *admission = NULL;
    if (user->admissions_by_name)
        HASH_FIND(hh, user->admissions_by_name, key->s, key->n, admission);
    return admission && admission_holds(admission) ? admission : NULL;
}

/* "#ops~ann", "#ops~ann.2", ...; "#room~2" where that would be too long. */
static bool name_with_owner(struct name *name, const struct room *room, unsigned i) {
    char text[3 * NAME_BYTES_MAX], uid[16], count[16] = "";
    snprintf(uid, sizeof uid, "uid%u", room->creator ? room->creator->uid : 0);
    if (i > 1)
        snprintf(count, sizeof count, ".%u", i);
    snprintf(text, sizeof text, "%s~%s%s", room->name.s, room->owner ? room->owner->name.s : uid,
             count);
    if (name_parse(name, bytes_of(text)) == NAME_OK)
        return true;
    snprintf(text, sizeof text, "#room~%u", i);
    return name_parse(name, bytes_of(text)) == NAME_OK;
}

/* "#ops~ann": the room #ops of the owner ann. */
static bool room_is_called(const struct room *room, const struct name *key) {
    struct name whole, whole_key;
    return room->creator && !room->people && name_with_owner(&whole, room, 1) &&
           (name_key(&whole_key, &whole), bytes_equal(name_bytes(&whole_key), name_bytes(key)));
}

/* By its name and owner; with that an administrator finds every room. */
static struct room *room_find_owned(const struct core *core, const struct user *user,
                                    const struct name *key) {
    const struct admission *admission;
    struct room *other;
    struct name plain = {.n = (uint8_t)strcspn(key->s, "~")};
    memcpy(plain.s, key->s, plain.n);
    DL_FOREACH2(user->admissions, admission, next_of_user) {
        if (admission_holds(admission) && room_is_called(admission->room, key))
            return admission->room;
    }
    struct room *room = room_find(core, &plain);
    if (room && room_is_called(room, key))
        return room;
    for (other = user_is_above(core, user) ? core->rooms_by_number : NULL; other;
         other = other->hh_number.next)
        if (!other->is_closed && room_is_called(other, key))
            return other;
    return NULL;
}

struct room *room_find_for(const struct core *core, const struct user *user,
                           const struct name *key) {
    const struct admission *admission = admission_of_name(user, key);
    if (admission)
        return admission->room;
    if (name_is_people(key))
        return people_find_for(core, user, key);
    return strchr(key->s, '~') ? room_find_owned(core, user, key) : room_find(core, key);
}

struct room *room_find_invitation(const struct user *user, const struct name *key) {
    const struct admission *admission;
    DL_FOREACH2(user->admissions, admission, next_of_user) {
        if (!admission->has_joined && admission_holds(admission) &&
            bytes_equal(name_bytes(&admission->room->key), name_bytes(key)))
            return admission->room;
    }
    return NULL;
}

/* A private room of his comes before the open one that is called the same. */
bool room_is_renamed_for(const struct user *user, const struct room *room) {
    if (!user->admissions)
        return false;
    if (room->form == ROOM_OPEN)
        return admission_of_name(user, &room->key) != NULL;
    const struct admission *admission = admission_find(user, room);
    return !admission || !admission->has_joined || !name_is_same(&admission->name, &room->name);
}

struct bytes room_name_for(const struct user *user, const struct room *room, struct name *name) {
    const struct admission *admission = room->form == ROOM_OPEN ? NULL : admission_find(user, room);
    if (admission && admission->has_joined)
        return name_bytes(&admission->name);
    if ((room->form == ROOM_OPEN && !room_is_renamed_for(user, room)) ||
        !name_with_owner(name, room, 1))
        return name_bytes(&room->name);
    return name_bytes(name);
}

bool room_has_renamed(const struct core *core, struct room *room) {
    if (room->named_epoch == core->epoch)
        return room->has_renamed;
    room->named_epoch = core->epoch;
    room->has_renamed = false;
    for (unsigned i = 0; i < room->n_listeners && !room->has_renamed; i++)
        room->has_renamed = room_is_renamed_for(room->listeners[i]->user, room);
    return room->has_renamed;
}

uint64_t room_past_after(const struct user *user, const struct room *room) {
    const struct admission *admission = room->form == ROOM_OPEN ? NULL : admission_find(user, room);
    return admission ? admission->after : 0;
}

bool room_shows(const struct user *user, const struct room *room, const struct record *record) {
    uint64_t after = mend_is(record->kind) ? room_past_after(user, room) : 0;
    return after == 0 || record->about > after;
}

/* Names. */

static bool name_is_free_for(const struct core *core, const struct user *user,
                             const struct name *key) {
    const struct room *open = room_find(core, key);
    return !admission_of_name(user, key) && (!open || !room_is_alive(open));
}

/* What nobody waits for: it is stored with what else there is. */
static void persist_aside(struct core *core, const struct admission *admission) {
    bool was = core->persist.in_request;
    core->persist.in_request = false;
    (void)persist_admission(core, admission->payer, admission, false);
    core->persist.in_request = was;
}

/* The i-th name beside its own. False: that is none. */
static bool room_other_name(const struct core *core, const struct room *room, unsigned i,
                            struct name *name) {
    return room->people ? people_name(core, room->people, i + 1, name)
                        : name_with_owner(name, room, i);
}

/* What the room is to be called for its user. */
static void admission_choose_name(const struct core *core, struct admission *admission) {
    const struct room *room = admission->room;
    const struct user *user = admission->handle->user;
    admission->name = room->name;
    admission->key = room->key;
    for (unsigned i = 1; !name_is_free_for(core, user, &admission->key); i++)
        if (room_other_name(core, room, i, &admission->name))
            name_key(&admission->key, &admission->name);
}

static bool admission_enter_name(struct core *core, struct admission *admission) {
    struct user *user = admission->handle->user;
    core->epoch++;
    HASH_ADD_KEYPTR(hh, user->admissions_by_name, admission->key.s, admission->key.n, admission);
    return admission->hh.tbl != NULL;
}

static void admission_leave_name(struct core *core, struct admission *admission) {
    core->epoch++;
    if (admission->has_joined && admission->hh.tbl)
        HASH_DELETE(hh, admission->handle->user->admissions_by_name, admission);
}

/* The room has got another name. What is called as it is needs no row that says so. */
void admission_rename(struct core *core, struct admission *admission) {
    if (!admission->has_joined)
        return;
    struct name was = admission->name;
    admission_leave_name(core, admission);
    admission_choose_name(core, admission);
    (void)admission_enter_name(core, admission); /* else it is found again after a restart */
    if (name_has_owner(&was) || name_has_owner(&admission->name))
        persist_aside(core, admission);
}

/* Beginning and end. */

struct admission *admission_new(struct core *core, struct room *room, struct handle *handle,
                                struct user *payer, uint64_t after) {
    struct user *user = handle->user;
    struct admission *admission = calloc(1, sizeof *admission);
    if (!admission)
        return NULL;
    admission->room = room;
    admission->handle = handle;
    admission->after = after;
    admission->is_unanswered = true;
    HASH_ADD(hh_by_room, user->admissions_by_room, room, sizeof admission->room, admission);
    if (!admission->hh_by_room.tbl) {
        free(admission);
        return NULL;
    }
    DL_APPEND2(room->admissions, admission, prev_of_room, next_of_room);
    DL_APPEND2(user->admissions, admission, prev_of_user, next_of_user);
    room->n_admissions++;
    user->n_admissions++;
    admission->payer = payer;
    account_spend(&payer->account, ACCOUNT_MEMORY, ADMISSION_BYTES);
    account_spend(&payer->account, ACCOUNT_INVITATIONS, 1);
    core->epoch++;
    return admission;
}

/* Of a direct room: who pays for its user's places there. */
static void admission_pass_members(const struct admission *admission, struct user *payer) {
    struct user *user = admission->handle->user;
    struct membership *membership;
    if (!admission->room->people)
        return;
    DL_FOREACH2(admission->room->memberships, membership, next_of_room) {
        if (membership->handle->user != user || membership->payer == payer)
            continue;
        user_give_back(membership->payer, MEMBERSHIP_BYTES);
        membership->payer = payer;
        account_spend(&payer->account, ACCOUNT_MEMORY, MEMBERSHIP_BYTES);
    }
}

void admission_answer(struct core *core, struct admission *admission) {
    struct user *user = admission->handle->user, *payer = admission->payer;
    if (!admission->is_unanswered)
        return;
    admission->is_unanswered = false;
    account_give_back(&payer->account, ACCOUNT_INVITATIONS, 1);
    user_give_back(payer, ADMISSION_BYTES);
    admission->payer = user;
    account_spend(&user->account, ACCOUNT_MEMORY, ADMISSION_BYTES);
    admission_pass_members(admission, user);
    if (admission->room->people && payer != user)
        persist_aside(core, admission);
}

static int admission_begin(struct core *core, struct admission *admission,
                           const struct name *name) {
    admission_choose_name(core, admission);
    if (name && name->n > 0) { /* as it was called before the hub ended */
        admission->name = *name;
        name_key(&admission->key, name);
    }
    if (!admission_enter_name(core, admission))
        return -ENOMEM;
    admission->has_joined = true;
    admission->room->n_admitted++;
    return 0;
}

int admission_put_in(struct core *core, struct admission *admission, const struct name *name) {
    admission_pass_members(admission, admission->payer);
    return admission_begin(core, admission, name);
}

int admission_join(struct core *core, struct admission *admission, const struct name *name) {
    if (admission->has_joined)
        return 0;
    int r = admission_begin(core, admission, name);
    if (r != 0)
        return r;
    admission_answer(core, admission);
    return 0;
}

void admission_free(struct core *core, struct admission *admission) {
    struct room *room = admission->room;
    struct user *user = admission->handle->user;
    admission_leave_name(core, admission);
    HASH_DELETE(hh_by_room, user->admissions_by_room, admission);
    DL_DELETE2(room->admissions, admission, prev_of_room, next_of_room);
    DL_DELETE2(user->admissions, admission, prev_of_user, next_of_user);
    room->n_admissions--;
    room->n_admitted -= admission->has_joined;
    user->n_admissions--;
    if (admission->is_unanswered)
        account_give_back(&admission->payer->account, ACCOUNT_INVITATIONS, 1);
    user_give_back(admission->payer, ADMISSION_BYTES);
    free(admission);
}

/* Who owned it has left: it belongs to who has been there longest. */
static void room_inherit(struct core *core, struct user *by, struct room *room) {
    struct admission *admission;
    DL_FOREACH2(room->admissions, admission, next_of_room) {
        if (!admission->has_joined)
            continue;
        room->owner = admission->handle;
        (void)persist_room(core, by, room);
        return;
    }
}

void admission_end(struct core *core, struct admission *admission) {
    struct room *room = admission->room;
    struct user *user = admission->handle->user;
    bool was_owner = room_is_owned_by(room, user), had_joined = admission->has_joined;
    if (room->form == ROOM_GROUP) { /* nothing of it is stored, and the room is the group's */
        admission_free(core, admission);
        return;
    }
    (void)persist_no_admission(core, admission); /* when memory is out its row stays behind */
    admission_free(core, admission);
    if (had_joined && room->n_admitted == 0)
        room_close(core, user, room);
    else if (was_owner && had_joined)
        room_inherit(core, user, room);
}

/* Restored. */

int core_restore_admission(struct core *core, uint32_t room_number, uint32_t handle_number,
                           uid_t payer, uint64_t after, bool has_joined, struct bytes text) {
    struct room *room = room_of_number(core, room_number);
    struct handle *handle = handle_of_number(core, handle_number);
    struct user *user = core_user(core, payer);
    struct name name = {0};
    if (!room || !handle || room->form == ROOM_OPEN || room->is_closed ||
        admission_find(handle->user, room))
        return -EINVAL;
    if (text.n > 0 && name_parse(&name, text) != NAME_OK)
        name = (struct name){0};
    struct admission *admission = user ? admission_new(core, room, handle, user, after) : NULL;
    if (!admission)
        return -ENOMEM;
    struct name key;
    name_key(&key, &name);
    const struct name *called = name.n > 0 && !admission_of_name(handle->user, &key) ? &name : NULL;
    if (room->people && has_joined && user != handle->user)
        return admission_put_in(core, admission, called);
    return has_joined ? admission_join(core, admission, called) : 0;
}

/* Who was a member before the room became private sees all of it. */
static int restore_of_member(struct core *core, const struct membership *membership) {
    struct room *room = membership->room;
    struct handle *handle = membership->handle;
    uint64_t after = membership->since <= room->private_since ? 0 : membership->since;
    struct admission *admission = admission_find(handle->user, room);
    if (!admission)
        admission = admission_new(core, room, handle, handle->user, after);
    return admission ? admission_join(core, admission, NULL) : -ENOMEM;
}

int admission_restore_members(struct core *core, struct room *room) {
    const struct membership *membership;
    DL_FOREACH2(room->memberships, membership, next_of_room) {
        int r = restore_of_member(core, membership);
        if (r != 0)
            return r;
    }
    return 0;
}
