/*
 * Rooms of Unix groups: who is in the group sees them, and for everybody else they are as private
 * rooms are. Who is in which group is what the machine's user database says; the hub asks it, and
 * tells the core:
 *
 *   of a user, when he joins the hub, when he joins such a room, and in each round of questions;
 *   of a group, when a room of it is made, and in each round.
 *
 * While the database does not tell, nobody comes in; who was in a group stays in it for
 * GROUP_KEEP_MS after it has told so last. Who is in it no more loses the room at once, and is told
 * why.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/clock.h"
#include "proto/fail.h"
#include "proto/name.h"

struct core;
struct frame;
struct handle;
struct room;
struct session;
struct user;

#define GROUP_CHECK_MS 30000 /* from one round of questions to the next */
#define GROUP_KEEP_MS 300000 /* what was told is believed so long, if nothing else is told */
#define GROUP_ROOMS_EACH 16  /* rooms of one group */
#define GROUP_ROOMS_MAX 1024 /* in all */
#define GROUP_GIDS_MAX 512   /* of one user; what he has beyond that does not count */
#define GROUP_NONE ((gid_t)-1)

/* Of a user, the groups that he is in, his primary one too. */
struct group_answer {
    bool is_told;
    unsigned n;
    gid_t gids[GROUP_GIDS_MAX];
};

/* Of a group; gid GROUP_NONE: there is none of this name. */
struct group_look {
    bool is_told;
    gid_t gid;
};

/* What the database has told of a user, whether he is here or not; and of a group. */
void core_note_groups(struct core *core, uid_t uid, const struct group_answer *answer);
void core_note_gid(struct core *core, const struct name *group, const struct group_look *look);
/* What nothing was told of for too long holds no more. */
void core_forget_groups(struct core *core);

/* Whether there are rooms of groups; then it has to be asked in rounds, while anybody is here. */
bool core_has_groups(const struct core *core);
/* For a round: the groups of the rooms, each once, and who is here. Returns how many there are, of
 * which it writes `max` at most. */
unsigned core_list_groups(const struct core *core, struct name *groups, unsigned max);
unsigned core_list_uids(const struct core *core, uid_t *uids, unsigned max);

/*
 * Whether the database has to be asked in which groups the session's user is before this frame: he
 * joins such a room, or makes one, and then also for this group (else n 0), of which the hub sets
 * core->group_look. The look-up is charged.
 */
bool core_awaits_groups(struct core *core, struct session *session, const struct frame *frame,
                        struct name *group);

/* For the core itself. It is known of the user, who is about to begin a session as
 * this handle, in which groups he is; NULL: it is not. */
void group_note(struct core *core, struct user *user, struct handle *handle,
                const struct group_answer *answer);
/* What is kept of that ends. */
void group_forget(struct user *user);
/* The room is of this group from now on; or it ends. */
void group_begin_room(struct core *core, struct room *room, const struct name *group);
void group_end_room(struct core *core, struct room *room);
/* Makes one, as core->group_look says; FAIL_NONE, or the why is in `reason`. */
enum fail_code group_make(struct core *core, struct session *session, struct room *room,
                          const struct name *name, struct bytes group, char reason[256]);
/* False: it is not known now which rooms of groups are the user's, so he makes none that may be
 * called as one of these is. */
bool group_may_make(const struct core *core, const struct user *user, char reason[256]);
