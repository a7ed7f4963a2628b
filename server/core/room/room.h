/* What the files of rooms do with one. */
#pragma once

#include "core/internal.h"

/* The handle is in it no more, whatever its sessions want; they are told. What is stored of that is
 * the caller's matter, and whether the room is still there afterwards. */
void room_expel(struct core *core, struct handle *handle, struct room *room);
/* Its sessions hear nothing there any more; stays: it is a member as before. */
void room_hush(struct core *core, struct handle *handle, struct room *room, bool stays);
/* Nobody is in it any more, and nobody can be. The room may be freed. */
void room_close(struct core *core, struct user *by, struct room *room);
/* An open room becomes private: who is in it stays. False: memory is out. */
bool room_make_private(struct core *core, struct user *by, struct room *room);
/* Another name; its members are told. False: memory is out, and it is as it was. */
bool room_rename(struct core *core, struct user *by, struct room *room, const struct name *name,
                 const struct name *key);
/* The room that a frame names, if the session may see it, or has been invited; answers the request
 * itself when there is none. */
struct room *room_named(struct core *core, struct session *session, uint32_t request,
                        struct bytes text);
/* Whether what is said there is for the user: not what mends a message that he does not see, for it
 * was said before he was invited. */
bool room_shows(const struct user *user, const struct room *room, const struct record *record);
/* ABOUT it, in a list: without its operators, which take longer to be found. */
void room_put_listed(struct core *core, struct session *session, uint32_t request,
                     const struct room *room);
/* While something goes on with it that may leave it empty. */
void room_hold(struct room *room);
void room_let_go(struct core *core, struct room *room);
/* No handle of this user is in it any more; stored, too. False: none was. */
bool room_throw_out(struct core *core, struct user *user, struct room *room);
