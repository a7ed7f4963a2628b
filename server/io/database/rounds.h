/*
 * Rounds of questions to the user database: who of those who are here is in which group. A thread
 * of its own asks one after the other, outside the lock, as long as there are rooms of groups and
 * anybody is here; see core/room/group.h.
 */
#pragma once

#include "io/hub.h"

/* Asks for the groups of the rooms that there are, waits for that for some seconds at most, and
 * starts the thread; 0 or -errno. */
int rounds_start(struct hub *hub);
/* With the lock held: a round is due now; or the hub stops. */
void rounds_wake(struct hub *hub);
/* The same, after a session has begun. */
void rounds_note_joined(struct hub *hub);
/* Waits for its end, after resolver_stop(). */
void rounds_stop(struct hub *hub);
