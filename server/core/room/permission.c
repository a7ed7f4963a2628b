#include "core/room/permission.h"

#include "core/internal.h"

/* In a column for each actor, in the order of enum room_actor. */
#define A PERMISSION_ALLOWED
#define R PERMISSION_REFUSED
#define I PERMISSION_INVISIBLE

/* clang-format off */
static const unsigned char permissions[ROOM_FORM_END][ACT_END][ACTOR_END] = {
    [ROOM_OPEN] = {         /* stranger, invited, member, operator, owner, administrator */
        [ACT_SEE]           = {A, A, A, A, A, A},
        [ACT_JOIN]          = {A, A, A, A, A, A},
        [ACT_LEAVE]         = {R, A, A, A, A, R},
        [ACT_READ]          = {A, A, A, A, A, A},
        [ACT_SPEAK]         = {A, A, A, A, A, A},
        [ACT_ANNOUNCE]      = {R, R, R, A, A, A},
        [ACT_EDIT_OWN]      = {A, A, A, A, A, A},
        [ACT_REMOVE]        = {R, R, R, A, A, A},
        [ACT_INVITE]        = {R, R, A, A, A, A},
        [ACT_SET_TOPIC]     = {R, R, A, A, A, A},
        [ACT_LOCKED_TOPIC]  = {R, R, R, A, A, A},
        [ACT_LOCK_TOPIC]    = {R, R, R, A, A, A},
        [ACT_SET_ANNOUNCE]  = {R, R, R, A, A, A},
        [ACT_KICK]          = {R, R, R, A, A, A},
        [ACT_MUTE]          = {R, R, R, A, A, A},
        [ACT_BAN]           = {R, R, R, A, A, A},
        [ACT_MAKE_OPERATOR] = {R, R, R, R, A, A},
        [ACT_CHANGE_FORM]   = {R, R, R, R, A, R},
        [ACT_RENAME]        = {R, R, R, R, A, A},
        [ACT_PASS_ON]       = {R, R, R, R, A, A},
        [ACT_CLOSE]         = {R, R, R, R, A, A},
    },
    /* An administrator puts it in order, but through the hub he does not read it. */
    [ROOM_PRIVATE] = {      /* stranger, invited, member, operator, owner, administrator */
        [ACT_SEE]           = {I, A, A, A, A, A},
        [ACT_JOIN]          = {I, A, A, A, A, R},
        [ACT_LEAVE]         = {I, A, A, A, A, R},
        [ACT_READ]          = {I, R, A, A, A, R},
        [ACT_SPEAK]         = {I, R, A, A, A, R},
        [ACT_ANNOUNCE]      = {I, R, R, A, A, R},
        [ACT_EDIT_OWN]      = {I, R, A, A, A, R},
        [ACT_REMOVE]        = {I, R, R, A, A, A},
        [ACT_INVITE]        = {I, R, A, A, A, R},
        [ACT_SET_TOPIC]     = {I, R, A, A, A, R},
        [ACT_LOCKED_TOPIC]  = {I, R, R, A, A, R},
        [ACT_LOCK_TOPIC]    = {I, R, R, A, A, R},
        [ACT_SET_ANNOUNCE]  = {I, R, R, A, A, R},
        [ACT_KICK]          = {I, R, R, A, A, A},
        [ACT_MUTE]          = {I, R, R, A, A, A},
        [ACT_BAN]           = {I, R, R, A, A, A},
        [ACT_MAKE_OPERATOR] = {I, R, R, R, A, R},
        [ACT_CHANGE_FORM]   = {I, R, R, R, A, R},
        [ACT_RENAME]        = {I, R, R, R, A, R},
        [ACT_PASS_ON]       = {I, R, R, R, A, A},
        [ACT_CLOSE]         = {I, R, R, R, A, A},
    },
    /* A member is who is in the Unix group; nobody is invited, and nobody can be. */
    [ROOM_GROUP] = {        /* stranger, invited, member, operator, owner, administrator */
        [ACT_SEE]           = {I, I, A, A, A, A},
        [ACT_JOIN]          = {I, I, A, A, A, R},
        [ACT_LEAVE]         = {I, I, A, A, A, R},
        [ACT_READ]          = {I, I, A, A, A, R},
        [ACT_SPEAK]         = {I, I, A, A, A, R},
        [ACT_ANNOUNCE]      = {I, I, R, A, A, R},
        [ACT_EDIT_OWN]      = {I, I, A, A, A, R},
        [ACT_REMOVE]        = {I, I, R, A, A, A},
        [ACT_INVITE]        = {I, I, R, R, R, R},
        [ACT_SET_TOPIC]     = {I, I, A, A, A, R},
        [ACT_LOCKED_TOPIC]  = {I, I, R, A, A, R},
        [ACT_LOCK_TOPIC]    = {I, I, R, A, A, R},
        [ACT_SET_ANNOUNCE]  = {I, I, R, A, A, R},
        [ACT_KICK]          = {I, I, R, A, A, A},
        [ACT_MUTE]          = {I, I, R, A, A, A},
        [ACT_BAN]           = {I, I, R, A, A, A},
        [ACT_MAKE_OPERATOR] = {I, I, R, R, A, A},
        [ACT_CHANGE_FORM]   = {I, I, R, R, R, R},
        [ACT_RENAME]        = {I, I, R, R, A, A},
        [ACT_PASS_ON]       = {I, I, R, R, A, A},
        [ACT_CLOSE]         = {I, I, R, R, A, A},
    },
    /* All are alike in it, and nobody comes to it. */
    [ROOM_DIRECT] = {       /* stranger, invited, member, operator, owner, administrator */
        [ACT_SEE]           = {I, I, A, A, A, I},
        [ACT_JOIN]          = {I, I, A, A, A, I},
        [ACT_LEAVE]         = {I, I, A, A, A, I},
        [ACT_READ]          = {I, I, A, A, A, I},
        [ACT_SPEAK]         = {I, I, A, A, A, I},
        [ACT_ANNOUNCE]      = {I, I, A, A, A, I},
        [ACT_EDIT_OWN]      = {I, I, A, A, A, I},
        [ACT_REMOVE]        = {I, I, R, R, R, I},
        [ACT_INVITE]        = {I, I, R, R, R, I},
        [ACT_SET_TOPIC]     = {I, I, A, A, A, I},
        [ACT_LOCKED_TOPIC]  = {I, I, R, R, R, I},
        [ACT_LOCK_TOPIC]    = {I, I, R, R, R, I},
        [ACT_SET_ANNOUNCE]  = {I, I, R, R, R, I},
        [ACT_KICK]          = {I, I, R, R, R, I},
        [ACT_MUTE]          = {I, I, R, R, R, I},
        [ACT_BAN]           = {I, I, R, R, R, I},
        [ACT_MAKE_OPERATOR] = {I, I, R, R, R, I},
        [ACT_CHANGE_FORM]   = {I, I, R, R, R, I},
        [ACT_RENAME]        = {I, I, R, R, R, I},
        [ACT_PASS_ON]       = {I, I, R, R, R, I},
        [ACT_CLOSE]         = {I, I, R, R, R, I},
    },
};
/* clang-format on */

#undef A
#undef R
#undef I

enum permission permission_of(enum room_form form, enum room_actor actor, enum room_act act) {
    return (enum permission)permissions[form][act][actor];
}

enum room_actor core_actor(const struct session *session, const struct room *room) {
    bool is_open = room->form == ROOM_OPEN;
    const struct admission *admission = is_open ? NULL : admission_find(session->user, room);
    if (!is_open && !admission)
        return ACTOR_STRANGER;
    if (admission && !admission->has_joined)
        return ACTOR_INVITED;
    if (room_is_owned_by(room, session->user))
        return ACTOR_OWNER;
    return !is_open || membership_find(session->handle, room) ? ACTOR_MEMBER : ACTOR_STRANGER;
}

enum permission core_permission(const struct core *core, const struct session *session,
                                const struct room *room, enum room_act act) {
    enum room_form form = (enum room_form)room->form;
    if (act == ACT_SPEAK && room->announces)
        act = ACT_ANNOUNCE;
    enum permission permission = permission_of(form, core_actor(session, room), act);
    if (permission == PERMISSION_ALLOWED || !session_is_administrator(core, session))
        return permission;
    enum permission other = permission_of(form, ACTOR_ADMINISTRATOR, act);
    return other < permission ? other : permission;
}
