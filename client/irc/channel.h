/* Rooms, as their commands and what comes from the hub show them. */
#pragma once

#include "irc/command.h"

/* 332 and 333; or 331, if none is to be told of, too. */
void channel_say_topic(struct conn *conn, const struct irc_channel *channel, bool also_none);
void channel_say_names(struct conn *conn, const struct irc_channel *channel);

/* "@" and "+", as far as the client wants to see them; "". */
const char *channel_prefix(const struct conn *conn, const struct irc_channel *channel,
                           const struct person *person);

/* Whether a room can be called so; else it is said that there is none. */
bool channel_is_name(struct conn *conn, const char *room);

/* Does the next room that the handle has come to elsewhere. False: there is none. */
bool channel_do_todo(struct conn *conn);
