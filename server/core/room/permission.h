/*
 * Who may do what in a room: one table of actor, act and form of the room, and one question that
 * everything that concerns a room asks. An actor is a user, whom the kernel proves, whatever handle
 * he has.
 *
 * What is INVISIBLE is answered exactly as a room that is not there is: the same sentence and code,
 * by the same way through the code.
 */
#pragma once

#include "proto/frame.h"

struct core;
struct room;
struct session;

/* What somebody is in a room. An administrator is this besides what else he is. */
enum room_actor {
    ACTOR_STRANGER,
    ACTOR_INVITED, /* and not joined yet */
    ACTOR_MEMBER,
    ACTOR_OPERATOR,
    ACTOR_OWNER,
    ACTOR_ADMINISTRATOR, /* root, the hub's owner and the members of its --admin-group */
    ACTOR_MUTED,         /* a member, or in an open room a stranger; */
    ACTOR_BANNED,        /* the same */
    ACTOR_END
};

enum room_act {
    ACT_SEE,  /* that it is there, its form, owner, topic and number of members */
    ACT_JOIN, /* also accepts an invitation */
    ACT_LEAVE,
    ACT_READ,         /* what was said there, and who its members are */
    ACT_SPEAK,        /* messages and offers; */
    ACT_ANNOUNCE,     /* the same, where only announcements are made */
    ACT_REACT,        /* to a message that one may read */
    ACT_EDIT_OWN,     /* also removes it */
    ACT_REMOVE,       /* a message of anybody's */
    ACT_INVITE,       /* somebody into it */
    ACT_SET_TOPIC,    /* and */
    ACT_LOCKED_TOPIC, /* the same, where the topic is locked */
    ACT_LOCK_TOPIC,
    ACT_SET_ANNOUNCE, /* only announcements are made there, or everybody speaks again */
    ACT_PIN,          /* a message there, for all; who may set the topic does this */
    ACT_KICK,
    ACT_MUTE,
    ACT_BAN,
    ACT_MAKE_OPERATOR,
    ACT_CHANGE_FORM, /* open, private; how much of its past is seen */
    ACT_RENAME,
    ACT_PASS_ON, /* to another owner */
    ACT_CLOSE,
    ACT_END
};

enum permission {
    PERMISSION_ALLOWED,
    PERMISSION_REFUSED,   /* it is there, but that is not for this actor */
    PERMISSION_INVISIBLE, /* for this actor there is no such room */
};

/* The table alone. */
enum permission permission_of(enum room_form form, enum room_actor actor, enum room_act act);

/* What the session's user is in the room, besides an administrator. */
enum room_actor core_actor(const struct core *core, const struct session *session,
                           const struct room *room);
/*
 * The one question. It answers for the room as it is now: where only announcements are made,
 * ACT_SPEAK and ACT_REACT are ACT_ANNOUNCE, and where the topic is locked, ACT_SET_TOPIC is
 * ACT_LOCKED_TOPIC; and where either is so, ACT_PIN is this, too.
 */
enum permission core_permission(const struct core *core, const struct session *session,
                                const struct room *room, enum room_act act);
