/* The handshake, the hub's side. */
#pragma once

#include "io/hub.h"

/*
 * Somebody sent HELLO to the well-known queue. What is not proved by the kernel is refused: by a
 * FAIL frame when the mailbox can be written to, else by a line in the log. Holds no lock.
 */
void join_hello(struct hub *hub, const struct frame_hello *hello);
