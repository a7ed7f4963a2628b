/* What rooms are called, and what they are about. */
#pragma once

#include "core/internal.h"

/* Whether a room may be called so; else `reason` says why not. */
enum fail_code room_check_looks(const struct core *core, const struct name *name, char reason[256]);
/* Who comes into one that looks like another is told. */
void room_tell_alike(struct core *core, struct session *session, const struct room *room);
/* TOPIC. Also who keeps order there sets it as a member. */
#define TOPIC_NOT_MEMBER                                                                           \
    "only a handle that is in the room may set its topic; join it first (/join in `earshot chat`)"
void room_receive_topic(struct core *core, struct session *session, const struct frame *frame);
/* There is none any more; as it is stored. Returns 0 or -ENOMEM. */
void room_drop_topic(struct room *room);
int room_restore_topic(struct room *room, struct bytes text);
