/*
 * What happens to people and rooms: as the hub tells it, and as one connection of this door tells
 * the others at once. Both change the view of a connection and say so to its client; what is known
 * already is not said again.
 */
#pragma once

#include "irc/command.h"

/* A NEWS event, and the loss and the return of the hub. */
void news_take(struct conn *conn, const struct earshot_event *event);
void news_take_lost(struct conn *conn);
void news_take_back(struct conn *conn);

/* The room that the client is not in any more, if the hub has not said that it was put out. */
void news_tell_lost_room(struct conn *conn);

/* A USER event of a list; `channel`: of its members, or NULL. */
void news_take_user(struct conn *conn, const struct earshot_event *event,
                    struct irc_channel *channel);

/* Somebody whom only a message tells of is here. */
struct person *news_heard(struct conn *conn, const char *handle, uid_t uid);

/* The client is in this room from now on: JOIN, topic and names. */
void news_show_channel(struct conn *conn, struct irc_channel *channel);
void news_say_join(struct conn *conn, const struct irc_channel *channel,
                   const struct person *person, bool is_answer);

/* What this connection has done, for the others of the door. */
void news_tell_online(struct conn *conn);
void news_tell_quit(struct conn *conn, const char *reason);
void news_tell_renamed(struct conn *conn, const char *handle);
void news_tell_setname(struct conn *conn);
void news_tell_away(struct conn *conn);
void news_tell_joined(struct conn *conn, const char *room);
void news_tell_left(struct conn *conn, const char *room, const char *reason);
void news_tell_topic(struct conn *conn, const char *room, const char *topic);
void news_tell_invited(struct conn *conn, const char *room, const char *nick);

/* The other connection behind `other` that may be told, from NULL on; NULL: none. */
struct conn *news_next(struct conn *conn, struct conn *other);

/* A login, for the account tag and its like; NULL: a client of this door that has not said
 * EXTERNAL.
 */
const char *news_account(const struct conn *conn, const struct person *person);
const char *news_own_account(const struct conn *conn);
