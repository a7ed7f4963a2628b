/* The main thread's wait: signals, deaths of clients, the core's timer. */
#pragma once

#include "io/hub.h"

/* Opens epoll, timer and signal descriptors; blocks SIGTERM and SIGINT. 0 or -errno. */
int watch_init(struct hub *hub);
void watch_deinit(struct hub *hub);

/*
 * Returns when the hub is to stop: on a signal; or of itself, when nobody has been there for as
 * long as it is to wait then, and nothing would be lost with it.
 */
void watch_run(struct hub *hub);

/*
 * Notes all clients that have died by now (lane->dead). Whoever starts a process when another one
 * is dead relies on that order, so the hub knows of the death before it lets in the one. From any
 * thread that holds no lock.
 */
void watch_note_deaths(struct hub *hub);

/* With the lock held: the last session has ended; so that time begins now. */
void watch_nobody_is_here(const struct hub *hub);
