/* Servers of other projects: started for one measurement, with a directory of their own. */
#pragma once

#include "base/clock.h"
#include "bench/flood/router.h"
#include "bench/peers/wire.h"

#define SERVER_PATH_SIZE 128
#define SERVER_OPTIONS_MAX 15

/* Makes the directory; to be called first. */
int server_prepare(struct bench *bench, struct router *router);

/* The path of a file in it. */
void server_path(const struct router *router, char path[SERVER_PATH_SIZE], const char *name);
/* Writes it; its path. */
int server_write(struct bench *bench, const struct router *router, char path[SERVER_PATH_SIZE],
                 const char *name, const char *text);

/* A port of 127.0.0.1 that is free just now, in router->port. */
int server_find_port(struct bench *bench, struct router *router);

/*
 * Starts it and waits until it can be connected to, on router->port or, if that is 0, at the
 * socket in its directory, which is then open to all users. `options` end with NULL.
 */
int server_start(struct bench *bench, struct router *router, const char *const *options);
void server_stop(struct router *router);

#define SERVER_SOCKET "socket"

/* Connects a client as above; client->own is its struct wire. */
int server_dial(struct client *client);
