/*
 * Order in rooms: KICK and MODE. Operators, bans and the rest are the hub's, which goes by uid.
 *
 * To the hub all clients of a door are one user, upon whom nobody of them could act. So between
 * them the door keeps order itself, in rooms that are theirs: their nicks can be put out, and be
 * given or lose what their user has (+o) or a voice (+v). That is the client's own, for as long as
 * it is in the room, and nothing to others.
 */
#pragma once

#include "irc/command.h"

/* An act in a room that the hub tells of. */
void order_take(struct conn *conn, const struct earshot_event *event);

/* The nick becomes another one: where it is an operator, so it stays. */
void order_keep(struct conn *conn);

/* The user may what an operator may, and has the nick of another client of this door for that. */
bool order_is_of_another_nick(const struct conn *conn, const struct irc_channel *channel);
