/*
 * Where the window begins: in the conversation where the last one of this handle was, and knowing
 * the rooms that the hub delivers to it. There is no list of one's own rooms, so the members of
 * each are asked for, of a bounded number of rooms.
 */
#pragma once

#include "chat/chat.h"

/* Asks. `tells`: no room was named, so the last conversation is gone to, and a hint says where one
 * is. */
void begin_start(struct chat *chat, bool tells);
void begin_deinit(struct chat *chat);

/* A line of the list of rooms, and its end. */
void begin_room(struct chat *chat, const char *room, unsigned n_members);
void begin_rooms_done(struct chat *chat);

/* The members of one were told, and whether the user is among them. */
void begin_room_done(struct chat *chat, const char *room, bool is_member);
