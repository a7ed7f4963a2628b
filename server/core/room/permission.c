#include "core/room/permission.h"

#include "core/internal.h"
#include "core/room/order.h"

/* In a column for each actor, in the order of enum room_actor. */
#define A PERMISSION_ALLOWED
#define R PERMISSION_REFUSED
#define I PERMISSION_INVISIBLE

/* clang-format off */
static const unsigned char permissions[ROOM_FORM_END][ACT_END][ACTOR_END] = {
    [ROOM_OPEN] = {         /* stranger, invited, member, operator, owner, administrator, muted, banned */
        [ACT_SEE]           = {A, A, A, A, A, A, A, A},
        [ACT_JOIN]          = {A, A, A, A, A, A, A, R},
        [ACT_LEAVE]         = {R, A, A, A, A, R, A, A},
        [ACT_READ]          = {A, A, A, A, A, A, A, R},
        [ACT_SPEAK]         = {A, A, A, A, A, A, R, R},
        [ACT_ANNOUNCE]      = {R, R, R, A, A, A, R, R},
        [ACT_REACT]         = {A, A, A, A, A, A, R, R},
        [ACT_EDIT_OWN]      = {A, A, A, A, A, A, R, R},
        [ACT_REMOVE]        = {R, R, R, A, A, A, R, R},
        [ACT_INVITE]        = {R, R, A, A, A, A, R, R},
        [ACT_SET_TOPIC]     = {R, R, A, A, A, A, R, R},
        [ACT_LOCKED_TOPIC]  = {R, R, R, A, A, A, R, R},
        [ACT_LOCK_TOPIC]    = {R, R, R, A, A, A, R, R},
        [ACT_SET_ANNOUNCE]  = {R, R, R, A, A, A, R, R},
        [ACT_PIN]           = {R, R, A, A, A, A, R, R},
        [ACT_KICK]          = {R, R, R, A, A, A, R, R},
        [ACT_MUTE]          = {R, R, R, A, A, A, R, R},
        [ACT_BAN]           = {R, R, R, A, A, A, R, R},
        [ACT_MAKE_OPERATOR] = {R, R, R, R, A, A, R, R},
        [ACT_CHANGE_FORM]   = {R, R, R, R, A, R, R, R},
        [ACT_RENAME]        = {R, R, R, R, A, A, R, R},
        [ACT_PASS_ON]       = {R, R, R, R, A, A, R, R},
        [ACT_CLOSE]         = {R, R, R, R, A, A, R, R},
    },
    /* An administrator puts it in order, but through the hub he does not read it. */
    [ROOM_PRIVATE] = {      /* stranger, invited, member, operator, owner, administrator, muted, banned */
        [ACT_SEE]           = {I, A, A, A, A, A, A, I},
        [ACT_JOIN]          = {I, A, A, A, A, R, A, I},
        [ACT_LEAVE]         = {I, A, A, A, A, R, A, I},
        [ACT_READ]          = {I, R, A, A, A, R, A, I},
        [ACT_SPEAK]         = {I, R, A, A, A, R, R, I},
        [ACT_ANNOUNCE]      = {I, R, R, A, A, R, R, I},
        [ACT_REACT]         = {I, R, A, A, A, R, R, I},
        [ACT_EDIT_OWN]      = {I, R, A, A, A, R, R, I},
        [ACT_REMOVE]        = {I, R, R, A, A, A, R, I},
        [ACT_INVITE]        = {I, R, A, A, A, R, R, I},
        [ACT_SET_TOPIC]     = {I, R, A, A, A, R, R, I},
        [ACT_LOCKED_TOPIC]  = {I, R, R, A, A, R, R, I},
        [ACT_LOCK_TOPIC]    = {I, R, R, A, A, R, R, I},
        [ACT_SET_ANNOUNCE]  = {I, R, R, A, A, R, R, I},
        [ACT_PIN]           = {I, R, A, A, A, R, R, I},
        [ACT_KICK]          = {I, R, R, A, A, A, R, I},
        [ACT_MUTE]          = {I, R, R, A, A, A, R, I},
        [ACT_BAN]           = {I, R, R, A, A, A, R, I},
        [ACT_MAKE_OPERATOR] = {I, R, R, R, A, R, R, I},
        [ACT_CHANGE_FORM]   = {I, R, R, R, A, R, R, I},
        [ACT_RENAME]        = {I, R, R, R, A, R, R, I},
        [ACT_PASS_ON]       = {I, R, R, R, A, A, R, I},
        [ACT_CLOSE]         = {I, R, R, R, A, A, R, I},
    },
    /* A member is who is in the Unix group; nobody is invited, and nobody can be. */
    [ROOM_GROUP] = {        /* stranger, invited, member, operator, owner, administrator, muted, banned */
        [ACT_SEE]           = {I, I, A, A, A, A, A, A},
        [ACT_JOIN]          = {I, I, A, A, A, R, A, R},
        [ACT_LEAVE]         = {I, I, A, A, A, R, A, A},
        [ACT_READ]          = {I, I, A, A, A, R, A, R},
        [ACT_SPEAK]         = {I, I, A, A, A, R, R, R},
        [ACT_ANNOUNCE]      = {I, I, R, A, A, R, R, R},
        [ACT_REACT]         = {I, I, A, A, A, R, R, R},
        [ACT_EDIT_OWN]      = {I, I, A, A, A, R, R, R},
        [ACT_REMOVE]        = {I, I, R, A, A, A, R, R},
        [ACT_INVITE]        = {I, I, R, R, R, R, R, R},
        [ACT_SET_TOPIC]     = {I, I, A, A, A, R, R, R},
        [ACT_LOCKED_TOPIC]  = {I, I, R, A, A, R, R, R},
        [ACT_LOCK_TOPIC]    = {I, I, R, A, A, R, R, R},
        [ACT_SET_ANNOUNCE]  = {I, I, R, A, A, R, R, R},
        [ACT_PIN]           = {I, I, A, A, A, R, R, R},
        [ACT_KICK]          = {I, I, R, A, A, A, R, R},
        [ACT_MUTE]          = {I, I, R, A, A, A, R, R},
        [ACT_BAN]           = {I, I, R, A, A, A, R, R},
        [ACT_MAKE_OPERATOR] = {I, I, R, R, A, A, R, R},
        [ACT_CHANGE_FORM]   = {I, I, R, R, R, R, R, R},
        [ACT_RENAME]        = {I, I, R, R, A, A, R, R},
        [ACT_PASS_ON]       = {I, I, R, R, A, A, R, R},
        [ACT_CLOSE]         = {I, I, R, R, A, A, R, R},
    },
    /* All are alike in it, and nobody comes to it. */
    [ROOM_DIRECT] = {       /* stranger, invited, member, operator, owner, administrator, muted, banned */
        [ACT_SEE]           = {I, I, A, A, A, I, I, I},
        [ACT_JOIN]          = {I, I, A, A, A, I, I, I},
        [ACT_LEAVE]         = {I, I, A, A, A, I, I, I},
        [ACT_READ]          = {I, I, A, A, A, I, I, I},
        [ACT_SPEAK]         = {I, I, A, A, A, I, I, I},
        [ACT_ANNOUNCE]      = {I, I, A, A, A, I, I, I},
        [ACT_REACT]         = {I, I, A, A, A, I, I, I},
        [ACT_EDIT_OWN]      = {I, I, A, A, A, I, I, I},
        [ACT_REMOVE]        = {I, I, R, R, R, I, I, I},
        [ACT_INVITE]        = {I, I, R, R, R, I, I, I},
        [ACT_SET_TOPIC]     = {I, I, A, A, A, I, I, I},
        [ACT_LOCKED_TOPIC]  = {I, I, R, R, R, I, I, I},
        [ACT_LOCK_TOPIC]    = {I, I, R, R, R, I, I, I},
        [ACT_SET_ANNOUNCE]  = {I, I, R, R, R, I, I, I},
        [ACT_PIN]           = {I, I, A, A, A, I, I, I},
        [ACT_KICK]          = {I, I, R, R, R, I, I, I},
        [ACT_MUTE]          = {I, I, R, R, R, I, I, I},
        [ACT_BAN]           = {I, I, R, R, R, I, I, I},
        [ACT_MAKE_OPERATOR] = {I, I, R, R, R, I, I, I},
        [ACT_CHANGE_FORM]   = {I, I, R, R, R, I, I, I},
        [ACT_RENAME]        = {I, I, R, R, R, I, I, I},
        [ACT_PASS_ON]       = {I, I, R, R, R, I, I, I},
        [ACT_CLOSE]         = {I, I, R, R, R, I, I, I},
    },
};
/* clang-format on */

#undef A
#undef R
#undef I

enum permission permission_of(enum room_form form, enum room_actor actor, enum room_act act) {
    return (enum permission)permissions[form][act][actor];
}

/* Whether he is something by what was laid on him, or given to him. */
static bool actor_by_order(const struct core *core, const struct session *session,
                           const struct room *room, enum room_actor *actor) {
    if (!room->orders)
        return false;
    if (room_order_find(core, room, session->user, LAID_OPERATOR))
        *actor = ACTOR_OPERATOR;
    else if (room_order_find(core, room, session->user, LAID_BAN))
        *actor = ACTOR_BANNED;
    else if (room_order_find(core, room, session->user, LAID_MUTE))
        *actor = ACTOR_MUTED;
    else
        return false;
    return true;
}

enum room_actor core_actor(const struct core *core, const struct session *session,
                           const struct room *room) {
    enum room_actor actor;
    bool is_open = room->form == ROOM_OPEN;
    const struct admission *admission = is_open ? NULL : admission_find(session->user, room);
    if (!is_open && !admission)
        return ACTOR_STRANGER;
    if (admission && !admission->has_joined)
        return ACTOR_INVITED;
    if (room_is_owned_by(room, session->user))
        return ACTOR_OWNER;
    if (actor_by_order(core, session, room, &actor))
        return actor;
    return !is_open || membership_find(session->handle, room) ? ACTOR_MEMBER : ACTOR_STRANGER;
}

enum permission core_permission(const struct core *core, const struct session *session,
                                const struct room *room, enum room_act act) {
    enum room_form form = (enum room_form)room->form;
    if ((act == ACT_SPEAK || act == ACT_REACT) && room->announces)
        act = ACT_ANNOUNCE;
    if ((act == ACT_SET_TOPIC && room->locks_topic) ||
        (act == ACT_PIN && (room->locks_topic || room->announces)))
        act = ACT_LOCKED_TOPIC;
    enum permission permission = permission_of(form, core_actor(core, session, room), act);
    if (permission == PERMISSION_ALLOWED || !session_is_administrator(core, session))
        return permission;
    enum permission other = permission_of(form, ACTOR_ADMINISTRATOR, act);
    return other < permission ? other : permission;
}
