/* The door as a whole: who comes in, and the loop that serves all. */
#pragma once

#include "irc/door.h"

/* `hub_name`: of the hub; the server is called so. Returns 0 or -errno. */
int door_init(struct irc_door *door, const struct cli_options *options, const char *hub_name);
void door_deinit(struct irc_door *door);

/* A socket that listens, and does not block; it stays the caller's. Returns 0 or -errno. */
int door_listen(struct irc_door *door, int fd);

/* Serves this connection, whose descriptor it takes. Returns 0 or -errno. */
int door_serve(struct irc_door *door, int fd);

/* Until a signal comes; without listeners, until all connections have ended. Returns 0 or -errno.
 */
int door_run(struct irc_door *door);
