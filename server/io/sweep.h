/* Queues that dead processes have left. */
#pragma once

#include "io/hub.h"

/* All of them: before the hub has any of its own, or when it has none any more. */
void sweep_all(void);

/*
 * A handshake failed, so a dead client's mailbox may lie about: removes such, at most once a
 * minute. Only for the well-known queue's thread, which alone makes lanes and admits mailboxes,
 * so that it takes nothing away that is just being made. Holds no lock.
 */
void sweep_suspect(struct hub *hub);
