/*
 * Rooms of Unix groups, see group.h. That somebody sees such a room is an admission, as in private
 * rooms, but nobody is invited and nothing of it is stored: there is one as long as he is known to
 * be in the group.
 */
#include "core/room/group.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/error.h"
#include "base/text.h"
#include "core/internal.h"
#include "core/room/order.h"
#include "core/room/room.h"

/* What was told. */

static bool group_is_fresh(const struct core *core, mono_time told_at) {
    return told_at.ns != 0 && core->now.ns - told_at.ns < GROUP_KEEP_MS * NS_PER_MS;
}

static int gid_order(const void *left, const void *right) {
    gid_t a = *(const gid_t *)left, b = *(const gid_t *)right;
    return a < b ? -1 : a > b;
}

static bool user_has_gid(const struct user *user, gid_t gid) {
    return user->n_gids > 0 &&
           bsearch(&gid, user->gids, user->n_gids, sizeof gid, gid_order) != NULL;
}

void group_forget(struct user *user) {
    user_give_back(user, user->n_gids * sizeof *user->gids);
    free(user->gids);
    user->gids = NULL;
    user->n_gids = 0;
    user->gids_at = (mono_time){0};
}

/* Without memory nothing is known of him. */
static void user_keep_gids(struct core *core, struct user *user,
                           const struct group_answer *answer) {
    size_t n_bytes = answer->n * sizeof *answer->gids;
    group_forget(user);
    if (answer->n > 0 && !(user->gids = malloc(n_bytes)))
        return;
    if (answer->n > 0) {
        memcpy(user->gids, answer->gids, n_bytes);
        qsort(user->gids, answer->n, sizeof *user->gids, gid_order);
    }
    user->n_gids = answer->n;
    user->gids_at = core->now;
    account_spend(&user->account, ACCOUNT_MEMORY, n_bytes); /* so little that he is not asked */
}

/* Coming in, and losing it. */

/* Also one of an earlier user who had this uid. */
static struct admission *admission_there(const struct user *user, const struct room *room) {
    struct admission *admission = NULL;
    if (user->admissions_by_room)
        HASH_FIND(hh_by_room, user->admissions_by_room, &room, sizeof room, admission);
    return admission;
}

bool membership_holds(const struct membership *membership) {
    return membership->room->form != ROOM_GROUP ||
           admission_find(membership->handle->user, membership->room);
}

/* His sessions that are to hear all rooms of their handles hear this one, too. */
static void group_attach(struct core *core, const struct user *user, const struct room *room) {
    struct session *session, *next;
    HASH_ITER(hh_link, user->links, session, next) {
        struct membership *membership =
            session->handle ? membership_find(session->handle, room) : NULL; /* it just begins */
        if (membership && membership->joined && session_listens_to_all(session) &&
            membership_listen(core, session, membership) < 0)
            session_break(core, session);
    }
}

static void group_admit(struct core *core, struct user *user, struct handle *handle,
                        struct room *room) {
    struct admission *admission = admission_there(user, room);
    if (admission)
        admission_free(core, admission);
    admission = admission_new(core, room, handle, user, 0);
    if (admission && admission_join(core, admission, NULL) == 0)
        group_attach(core, user, room);
    else if (admission)
        admission_free(core, admission);
}

static void group_tell_lost(struct core *core, const struct user *user, const struct room *room,
                            bool is_told) {
    struct session *session, *next;
    struct name name;
    char sentence[512];
    snprintf(sentence, sizeof sentence,
             is_told ? "the room %.*s is not yours any more: you are not in the group %.100s"
                     : "the room %.*s is closed to you for now: the user database of this machine "
                       "does not tell whether you are in the group %.100s",
             (int)room_name_for(user, room, &name).n, room_name_for(user, room, &name).data,
             room->group.s);
    HASH_ITER(hh_link, user->links, session, next) {
        if (!session->handle)
            continue;
        struct frame frame = {.type = FRAME_NEWS,
                              .news = {.what = NEWS_ORDER,
                                       .who = name_bytes(&session->handle->name),
                                       .uid = user->uid,
                                       .detail = bytes_of(sentence)}};
        if (!session->dead && !session->condemned && (session->abilities & ABILITY_ORDER))
            (void)session_notify(core, session->user, session, NOTICE_FOR_IT, &frame);
    }
}

/* His handles are in it no more. As long as it is not told that he is out of the group, they are
 * members that hear nothing, and are back as soon as it is told. */
static void group_expel(struct core *core, const struct user *user, struct room *room,
                        bool is_told) {
    struct handle *handle;
    DL_FOREACH2(user->handles, handle, next_of_user) {
        struct membership *membership = membership_find(handle, room);
        if (!membership)
            continue;
        bool was_joined = membership->joined;
        if (is_told && membership_part(core, membership) < 0)
            continue; /* memory is out; it holds for nothing without an admission */
        room_hush(core, handle, room, !is_told && was_joined);
    }
}

/* A room that has lost its last member is there all the same: it is the group's. */
static void group_judge(struct core *core, struct user *user, struct handle *handle,
                        struct room *room) {
    bool is_told = group_is_fresh(core, user->gids_at) && room->gid_at.ns != 0;
    bool is_in = is_told && !room->is_closed && user_has_gid(user, room->gid);
    char reason[256];
    struct admission *admission = admission_there(user, room);
    bool was_in = admission && admission_find(user, room) == admission;
    if (is_in && !was_in && handle && !room_order_holds(core, room, user, LAID_BAN, reason))
        group_admit(core, user, handle, room);
    if (is_in || room->is_closed)
        return;
    if (was_in)
        group_tell_lost(core, user, room, is_told);
    if (admission || is_told)
        group_expel(core, user, room, is_told);
    if (admission)
        admission_free(core, admission);
}

/* One that he is here as; NULL: he is not here. */
static struct handle *user_handle(const struct user *user) {
    return user->links ? user->links->handle : NULL;
}

static void group_judge_all(struct core *core, struct user *user, struct handle *handle) {
    struct room *room, *next;
    DL_FOREACH_SAFE2(core->group_rooms, room, next, next_of_groups) {
        group_judge(core, user, handle, room);
    }
}

void group_note(struct core *core, struct user *user, struct handle *handle,
                const struct group_answer *answer) {
    run_close(core);
    if (answer && answer->is_told)
        user_keep_gids(core, user, answer);
    group_judge_all(core, user, handle);
}

void core_note_groups(struct core *core, uid_t uid, const struct group_answer *answer) {
    struct user *user;
    HASH_FIND(hh, core->users, &uid, sizeof uid, user);
    if (user)
        group_note(core, user, user_handle(user), answer);
}

void core_note_gid(struct core *core, const struct name *group, const struct group_look *look) {
    struct room *room, *next;
    if (!look->is_told)
        return;
    run_close(core);
    DL_FOREACH_SAFE2(core->group_rooms, room, next, next_of_groups) {
        if (strcmp(room->group.s, group->s) != 0)
            continue;
        bool is_new = room->gid_at.ns == 0 || room->gid != look->gid;
        room->gid = look->gid;
        room->gid_at = core->now;
        for (struct user *user = is_new ? core->users : NULL; user; user = user->hh.next)
            group_judge(core, user, user_handle(user), room);
    }
}

void core_forget_groups(struct core *core) {
    struct user *user, *next;
    run_close(core);
    HASH_ITER(hh, core->users, user, next) {
        if (user->admissions)
            group_judge_all(core, user, user_handle(user));
    }
}

/* Rounds. */

bool core_has_groups(const struct core *core) {
    return core->n_group_rooms > 0;
}

static bool group_is_first(const struct core *core, const struct room *room) {
    const struct room *other = core->group_rooms;
    while (other != room && strcmp(other->group.s, room->group.s) != 0)
        other = other->next_of_groups;
    return other == room;
}

unsigned core_list_groups(const struct core *core, struct name *groups, unsigned max) {
    unsigned n = 0;
    for (const struct room *room = core->group_rooms; room; room = room->next_of_groups) {
        if (room->is_closed || !group_is_first(core, room))
            continue;
        if (n < max)
            groups[n] = room->group;
        n++;
    }
    return n;
}

unsigned core_list_uids(const struct core *core, uid_t *uids, unsigned max) {
    unsigned n = 0;
    for (const struct user *user = core->users; user; user = user->hh.next) {
        bool is_here = user->account.used[ACCOUNT_SESSIONS] > 0;
        if (is_here && n < max)
            uids[n] = user->uid;
        n += is_here;
    }
    return n;
}

/* Frames. */

bool core_awaits_groups(struct core *core, struct session *session, const struct frame *frame,
                        struct name *group) {
    struct name name, key;
    *group = (struct name){0};
    if (session->condemned)
        return false;
    if (frame->type == FRAME_CHANGE) {
        if (frame->change.what != ROOM_MAKE_GROUP ||
            name_parse(group, frame->change.argument) != NAME_OK || name_is_room(group))
            return false;
    } else {
        if (frame->type != FRAME_JOIN || name_parse(&name, frame->join.room) != NAME_OK)
            return false;
        name_key(&key, &name);
        const struct room *room = room_find_for(core, session->user, &key);
        if (!room || room->form != ROOM_GROUP)
            return false;
    }
    account_spend(&session->user->account, ACCOUNT_LOOKUPS, 1);
    return true;
}

bool group_may_make(const struct core *core, const struct user *user, char reason[256]) {
    bool is_told = group_is_fresh(core, user->gids_at);
    for (const struct room *room = core->group_rooms; room; room = room->next_of_groups)
        if (!room->is_closed && (!is_told || room->gid_at.ns == 0)) {
            snprintf(
                reason, 256,
                "the user database of this machine does not tell now who is in which group, so "
                "no room can be made; try again later");
            return false;
        }
    return true;
}

/* Making. */

void group_begin_room(struct core *core, struct room *room, const struct name *group) {
    room->group = *group;
    room->gid = GROUP_NONE;
    room->gid_at = (mono_time){0};
    DL_APPEND2(core->group_rooms, room, prev_of_groups, next_of_groups);
    core->n_group_rooms++;
}

void group_end_room(struct core *core, struct room *room) {
    if (room->group.n == 0)
        return;
    DL_DELETE2(core->group_rooms, room, prev_of_groups, next_of_groups);
    core->n_group_rooms--;
    room->group.n = 0;
}

/* Whether who asks may make a room of the group. */
static enum fail_code group_check(const struct core *core, const struct user *user,
                                  const struct name *group, char reason[256]) {
    const struct group_look *look = &core->group_look;
    if (!look->is_told) {
        snprintf(reason, 256,
                 "the user database of this machine does not tell now who is in the group %.100s; "
                 "try again later",
                 group->s);
        return FAIL_BUSY;
    }
    if (look->gid == GROUP_NONE) {
        snprintf(reason, 256, "there is no group %.100s on this machine", group->s);
        return FAIL_NO_USER;
    }
    if (user_is_above(core, user) ||
        (group_is_fresh(core, user->gids_at) && user_has_gid(user, look->gid)))
        return FAIL_NONE;
    snprintf(reason, 256,
             "only its members, root and the hub's owner make rooms of the group %.100s", group->s);
    return FAIL_NOT_PERMITTED;
}

/* The group has a room of this name; and how many it has. */
static bool group_has_room(const struct core *core, const struct name *group,
                           const struct name *key, unsigned *n) {
    bool is_there = false;
    *n = 0;
    for (const struct room *room = core->group_rooms; room; room = room->next_of_groups) {
        if (room->is_closed || strcmp(room->group.s, group->s) != 0)
            continue;
        is_there |= bytes_equal(name_bytes(&room->key), name_bytes(key));
        ++*n;
    }
    return is_there;
}

static enum fail_code group_new_room(struct core *core, struct session *session,
                                     const struct name *name, const struct name *group,
                                     char reason[256]) {
    struct room *room;
    struct group_look look = core->group_look;
    enum fail_code code = room_make(core, session, name, ROOM_GROUP, &room, reason);
    if (code != FAIL_NONE)
        return code;
    group_begin_room(core, room, group);
    if (!persist_room(core, session->user, room)) {
        room->is_closed = true;
        room_settle(core, room);
        snprintf(reason, 256, "the hub is out of memory; try again later");
        return FAIL_LIMIT;
    }
    core_note_gid(core, group, &look);
    core->wants_groups = true;
    return FAIL_NONE;
}

enum fail_code group_make(struct core *core, struct session *session, struct room *room,
                          const struct name *name, struct bytes text, char reason[256]) {
    struct name group, key;
    unsigned n;
    if (name_parse(&group, text) != NAME_OK || name_is_room(&group)) {
        snprintf(reason, 256, "a group whose name could be no handle has no rooms");
        return FAIL_BAD_NAME;
    }
    enum fail_code code = group_check(core, session->user, &group, reason);
    if (code != FAIL_NONE)
        return code;
    name_key(&key, name);
    bool is_there = group_has_room(core, &group, &key, &n);
    if (room ? strcmp(room->group.s, group.s) == 0 : is_there)
        return FAIL_NONE;
    if (room) {
        snprintf(reason, 256, "there is a room %.100s already, and it stays what it is",
                 room->name.s);
        return FAIL_NOT_PERMITTED;
    }
    if (n >= GROUP_ROOMS_EACH || core->n_group_rooms >= GROUP_ROOMS_MAX) {
        snprintf(reason, 256, "%s has as many rooms of groups as there may be; close one first",
                 n >= GROUP_ROOMS_EACH ? group.s : "the hub");
        return FAIL_LIMIT;
    }
    return group_new_room(core, session, name, &group, reason);
}
