/* The main thread's wait: signals, deaths of clients, the core's timer. */
#pragma once

#include "io/hub.h"

/* Opens epoll, timer and signal descriptors; blocks SIGTERM and SIGINT. 0 or -errno. */
int watch_init(struct hub *hub);
void watch_deinit(struct hub *hub);

/* Returns when the hub is to stop. */
void watch_run(struct hub *hub);
