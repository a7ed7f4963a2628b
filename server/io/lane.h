/* Lanes: a queue into the hub with a thread that reads it; when they begin and end. */
#pragma once

#include "io/hub.h"

#define LANE_DRAIN_MAX 8 /* batches that a thread takes before it asks the core */

/*
 * Starts a thread on an existing queue. The caller holds no lock. The lane ends, and is freed, when
 * its queue is removed, which its user may do at any time. 0 or -errno; -ESHUTDOWN: the hub stops.
 */
int lane_start(struct hub *hub, int msqid, struct user *user, bool is_well_known);

/*
 * Reserves a lane for the next session of this user: the least busy one, a new one when all are
 * busy. The caller holds no lock; only the well-known queue's thread calls this.
 * 0, -errno or a queue_outcome (NO_SPACE, NO_MEMORY); -EIDRM: it was removed at once.
 */
int lane_for(struct hub *hub, struct user *user, struct lane **lane);

/* With the lock held: one session less. A lane without sessions is removed. */
void lane_release(struct lane *lane);

/* With the lock held: the hub's own queues, which the answer to LIST_OBJECTS tells of, too. */
void lane_list_all(struct hub *hub, struct session *session, uint32_t request);

/*
 * The queue is gone or cannot be read (outcome), and not by us. The well-known one is made again;
 * true when its thread goes on. Holds no lock.
 */
bool lane_survive_loss(struct lane *lane, int outcome);
