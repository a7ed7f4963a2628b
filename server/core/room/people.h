/* Direct rooms: conversations of several people, which are found by who they are. */
#pragma once

#include "core/internal.h"

/* GATHER. */
void people_receive_gather(struct core *core, struct session *session, const struct frame *frame);
/* Of those that the user sees, the one of the people whom he names, besides himself or with. */
struct room *people_find_for(const struct core *core, const struct user *user,
                             const struct name *key);
/* "#alice,bob", or with a number for the i-th of that name. False: it is no name. */
bool people_name(const struct core *core, const struct people *people, unsigned i,
                 struct name *name);
/* Something was said there. */
void people_note_said(struct core *core, const struct session *session, const struct room *room);
/* One of them is called otherwise now. */
void people_renamed(struct core *core, struct handle *handle);
void people_text(const struct people *people, struct people_text *text);
/* Returns 0, -EINVAL or -ENOMEM. */
int people_restore(struct room *room, struct bytes text);
