/*
 * Intake: what clients have sent into a lane is received, checked and given to the core. After a
 * slice of work the lock is left to whoever waits for it; and whoever sends more than his share is
 * read later, so that he blocks in his own msgsnd(2).
 */
#pragma once

#include "io/lane.h"

/* For intake_free() when the thread has ended; NULL: memory is out. */
struct intake *intake_new(struct lane *lane);
/* Safe on NULL. */
void intake_free(struct intake *intake);

/* The lane's thread: until the queue is gone for good. */
void intake_run(struct intake *intake);
