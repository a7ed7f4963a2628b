/* The begin and the end of a connection's session. */
#pragma once

#include "irc/command.h"

/* Begins it when the client has said all that is needed. */
void session_try(struct conn *conn);

/* Says ERROR and closes when that is written. `reason` is told to who shares rooms, unless the hub
 * is told by others that the handle is still here. */
void session_end(struct conn *conn, const char *reason);

/* Tells the others of this door that it has gone. */
void session_leave(struct conn *conn, const char *reason);
