/* What people say: to the hub, and from it. */
#pragma once

#include "irc/command.h"

/* A MESSAGE event. */
void message_take(struct conn *conn, const struct earshot_event *event);

/* An EDITED or REMOVED event. */
void message_take_mend(struct conn *conn, const struct earshot_event *event);

/* A STATE or REFUSED event: of the message that a command waits for, or of an earlier one. */
void message_take_outcome(struct conn *conn, const struct earshot_event *event);

/* Says a MESSAGE or PAST event; `batch`: the one it is in, or NULL. */
void message_say(struct conn *conn, const struct earshot_event *event, bool is_answer,
                 const char *batch);

/* Whose message this is, as far as the client has seen it lately; else our own, and *handle is
 * NULL. */
uid_t message_author(const struct conn *conn, const char *id, const char **handle);
