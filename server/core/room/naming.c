/* What rooms are called: names that look alike, and other names. */

#include <stdio.h>
#include <utlist.h>

#include "core/internal.h"
#include "core/room/name.h"
#include "core/room/room.h"

/*
 * A name in ASCII is never refused: a room is nobody's, and whoever made "#genera1" first could
 * keep
 * "#general" from all others. Who comes into one that looks like another is told, see
 * room_tell_alike().
 */
enum fail_code room_check_looks(const struct core *core, const struct name *name,
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

void room_tell_alike(struct core *core, struct session *session, const struct room *room) {
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

/* Another name: it keeps its number, and so its members, its past and its offers. */

static bool room_set_name(struct core *core, struct room *room, const struct name *name,
                          const struct name *key) {
    struct admission *admission;
    lookalike_remove(&core->alike_rooms, &room->alike);
    if (room->hh.tbl)
        HASH_DELETE(hh, core->rooms, room);
    room->name = *name;
    room->key = *key;
    core->epoch++;
    if (room->form != ROOM_OPEN) {
        DL_FOREACH2(room->admissions, admission, next_of_room) {
            admission_rename(core, admission);
        }
        return true;
    }
    lookalike_add(&core->alike_rooms, &room->alike);
    HASH_ADD_KEYPTR(hh, core->rooms, room->key.s, room->key.n, room);
    return room->hh.tbl != NULL;
}

/* All that is known by the name finds the room no more. */
bool room_rename(struct core *core, struct user *by, struct room *room, const struct name *name,
                 const struct name *key) {
    struct name was = room->name, was_key = room->key;
    if (room_set_name(core, room, name, key) && persist_room_first(core, by, room)) {
        news_room_renamed(core, by, room, &was);
        return true;
    }
    (void)room_set_name(core, room, &was,
                        &was_key); /* if that fails as well, it is found by its number only */
    return false;
}

/* It is not found by its name alone any more, but by those who are in it. */
bool room_make_private(struct core *core, struct user *by, struct room *room) {
    room->form = ROOM_PRIVATE;
    room->private_since = core->seq;
    if (!persist_room_first(core, by, room)) {
        room->form = ROOM_OPEN;
        return false;
    }
    listing_leave_room(room);
    lookalike_remove(&core->alike_rooms, &room->alike);
    if (room->hh.tbl)
        HASH_DELETE(hh, core->rooms, room);
    room->hh = (UT_hash_handle){0};
    core->epoch++;
    return admission_restore_members(core, room) == 0;
}

enum fail_code room_release(struct core *core, struct session *session, const struct name *name,
                            char reason[256]) {
    struct name key, away, away_key;
    name_key(&key, name);
    struct room *room = room_find(core, &key);
    if (!room || !room->creator) {
        snprintf(reason, 256, "there is no open room of this name; `earshot rooms` lists them");
        return FAIL_NO_ROOM;
    }
    if (name_set_aside(core, &room->name, room->creator->uid, &away, &away_key) &&
        room_rename(core, session->user, room, &away, &away_key))
        return FAIL_NONE;
    snprintf(reason, 256, "the hub is out of memory; try again later");
    return FAIL_LIMIT;
}
