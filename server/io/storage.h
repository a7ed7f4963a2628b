/*
 * The hub's threads that touch the disk. The writer takes what the core has to be stored, as much
 * as there is, and commits it in one transaction (group commit); while that lasts the next batch
 * gathers. Two readers answer questions about the past, one of them only for sessions that lag or
 * were away. None holds the hub's lock meanwhile, or waits for another.
 *
 * A stop takes no longer than STOP_MS_MAX, and what one transaction takes: what waits is written
 * until then, questions are dropped, and keeping house ends in the middle.
 */
#pragma once

#include "io/hub.h"

struct storage;

/* Opens the store and hands the core what it holds. A store_outcome, 0 or -errno; says why. */
int storage_open(struct hub *hub);

/* After the core has what the store holds. 0 or -errno. */
int storage_start(struct hub *hub);

/* Stores what is left, ends the threads, closes the store. Without the lock. Safe when not open. */
void storage_stop(struct hub *hub);

/* With the lock held: wakes the threads that have something to do. */
void storage_wake(struct hub *hub);

/* What is stored of what core_awaits_target() has told. Without the lock. */
void storage_find_target(struct hub *hub, const struct record *like, struct core_target *target);

/* Until the next commit is over, or the hub stops, or then. With the lock held, which is left
 * meanwhile; tells the core the time. */
void storage_wait_for_disk(struct hub *hub, mono_time until);
/* With the lock held: whoever waits for the disk is woken up. Safe when there is none. */
void storage_end_waits(struct hub *hub);
