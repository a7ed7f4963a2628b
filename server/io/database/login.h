/* Login names: passwd(5) and whatever else nsswitch.conf(5) names, which may be slow. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "core/room/group.h"
#include "proto/name.h"

#define LOGIN_NOBODY ((uid_t)-1)

/* What is asked: about a uid, or (name.n > 0) whose login name that is, or about a group only. */
struct login_question {
    uid_t uid;
    struct name name;
    gid_t gid;         /* of a uid: is it in this group; (gid_t)-1: not asked for */
    struct name group; /* the same, by the group's name; n 0: not asked for */
    bool wants_groups; /* of a uid: all that he is in. LOGIN_NOBODY: only what number the group has,
                          which is told of a uid, too */
    bool is_fresh;     /* no answer that is kept will do */
};

/* The database may be unable to tell, such as a directory on a network that is down: that is not
 * the same as that there is nobody, whose name another one may have. */
struct login_answer {
    int error;         /* 0; or it could not tell: an errno, and the rest says nothing */
    struct name login; /* of a uid: its login name; n 0: none, or none that can be a handle */
    bool in_group;
    uid_t uid; /* of a name: who logs in under it; LOGIN_NOBODY: nobody */
    struct group_look group;
    struct group_answer groups;
};

/* Asks, and waits for as long as it takes. A name is tried as it is spelled and in its folded form.
 */
void login_look_up(const struct login_question *question, struct login_answer *answer);

/*
 * The uid in a handle "uid1001", which belongs to whoever has that uid; LOGIN_NOBODY: it is none
 * such. From the key of the handle.
 */
uid_t login_uid_of_key(const struct name *key);

/* "uid1001". */
void login_plain_handle(uid_t uid, struct name *handle);
