/*
 * The reader of a hub without a store: a thread that answers questions about the past from the log
 * in memory, slice by slice, see core/past.h. It sleeps while there is none.
 */
#pragma once

#include "io/hub.h"

/* Returns 0 or -errno; a hub with a store needs none. */
int reader_start(struct hub *hub);
/* There may be a question. With the lock held. */
void reader_wake(struct hub *hub);
void reader_stop(struct hub *hub);
