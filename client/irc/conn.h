/* One client: what comes from it and from the hub, and what is written to it. */
#pragma once

#include "irc/door.h"

/* Takes the descriptor. NULL: memory is out, or there are too many; it is closed then. */
struct conn *conn_new(struct irc_door *door, int fd);
void conn_free(struct conn *conn);

/* Reads what the client has sent. */
void conn_read(struct conn *conn);

/* Takes what has come from the hub, as long as the client reads. */
void conn_hear(struct conn *conn);

/* Does the commands that have come, as far as none waits; then writes. */
void conn_run(struct conn *conn);

/* What epoll is to wait for. */
uint32_t conn_client_events(const struct conn *conn);
