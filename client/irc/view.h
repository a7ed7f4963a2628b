/* What a connection knows of people and rooms. Nothing here asks the hub or says anything. */
#pragma once

#include "irc/door.h"

#define SOURCE_SIZE (SPELL_SIZE + USER_SIZE + 64)

/* NULL: not known. */
struct person *person_find(const struct conn *conn, const char *handle);
struct person *person_of_nick(const struct conn *conn, const char *nick);

/* Makes it known; NULL when memory is out, or it is no handle. */
struct person *person_know(struct conn *conn, const char *handle, uid_t uid);
void person_set_state(struct person *person, enum earshot_presence state, const char *away);

/* Another name for the same; who had that one before is forgotten. */
void person_rename(struct conn *conn, struct person *person, const char *handle);

static inline bool person_is_here(const struct person *person) {
    return person->state != EARSHOT_OFFLINE;
}

/* Whether the connection itself is meant. */
bool person_is_self(const struct conn *conn, const struct person *person);

/* The connection of this door under this handle that is registered; NULL: none. */
struct conn *person_conn(const struct conn *conn, const struct person *person);

/* nick!user@host: the login of a user that the kernel has proved; behind a ~ what a client of this
 * door calls itself. */
const char *person_source(const struct conn *conn, const struct person *person,
                          char out[SOURCE_SIZE]);
const char *person_user(const struct conn *conn, const struct person *person,
                        char out[USER_SIZE + 1]);
const char *person_host(const struct person *person, char out[32]);
const char *person_realname(const struct conn *conn, const struct person *person);
const char *conn_source(const struct conn *conn, char out[SOURCE_SIZE]);
const char *conn_user(const struct conn *conn, char out[USER_SIZE + 1]);
const char *conn_host(char out[32]);

/* A login name, remembered. */
const char *view_login(uid_t uid);

struct irc_channel *channel_find(const struct conn *conn, const char *name);
struct irc_channel *channel_enter(struct conn *conn, const char *name);
void channel_leave(struct conn *conn, struct irc_channel *channel);
void channel_rename(struct conn *conn, struct irc_channel *channel, const char *name);

/* Copies of what the hub says it is. */
void channel_describe(struct irc_channel *channel, const struct earshot_event *event);
void channel_set_topic(struct irc_channel *channel, const char *topic, const char *by_nick);

struct member *member_find(const struct irc_channel *channel, const struct person *person);
bool member_add(struct irc_channel *channel, struct person *person);
void member_remove(struct irc_channel *channel, const struct person *person);

/* The owner and the operators of a room; a client of this door may have been given, or have given
 * up, what its user has: see order.h. So with a voice. */
bool channel_has_operator(const struct conn *conn, const struct irc_channel *channel,
                          const struct person *person);
bool channel_gives_voice(const struct conn *conn, const struct irc_channel *channel,
                         const struct person *person);
void channel_set_operator(struct irc_channel *channel, const struct person *person, bool is_one);

/* The two share a channel. */
bool view_shares_channel(const struct conn *conn, const struct person *person);

void view_free(struct conn *conn);
