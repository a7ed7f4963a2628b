/*
 * A road: the channel of a session as the hub's threads see it.
 *
 * The ring `up` is read by the thread of the session's lane, with the hub's lock held. The ring
 * `down` is written by whoever sends for the session, without the lock; there is one at a time, and
 * when there is none, `down` may be looked at with the lock held. A road that is left is closed by
 * whoever leaves the hub next, outside the lock, and not before that one has returned.
 *
 * Who sleeps, and is to be woken up, has a flag in the ring (ipc/channel.h). The thread of the lane
 * says that it sleeps when it has found its queue empty, and looks at all its roads then, so a bell
 * that found the queue full is not missed.
 */
#pragma once

#include "io/hub.h"
#include "ipc/channel.h"

struct road {
    struct channel channel;
    uint64_t session;         /* whose */
    bool is_unwatched;        /* the client was told that `up` is not looked at */
    bool is_written;          /* somebody sends through `down` */
    bool is_left;             /* it is closed when that has returned */
    struct road *next, *prev; /* of lane->roads, or hub->left */
};

/* Attaches what this client has created; NULL: it is not what it should be. Holds no lock. */
struct road *road_new(uint64_t session, int shmid, uid_t creator);
/* Holds no lock. */
void road_free(struct road *road);
/* With the lock held: one that no session has is freed by whoever leaves the hub next. */
void road_put_away(struct hub *hub, struct road *road);

/* With the lock held: it is this session's now. */
void road_begin(struct road *road, struct session *session);
/* With the lock held: its session does not use it any more. Safe without one. */
void road_leave(struct hub *hub, struct seat *seat);

/* With the lock held: before, and after somebody sends through it; NULL: by the mailbox. */
void road_lend(struct road *road);
void road_returned(struct hub *hub, struct road *road);

/* With the lock held: each road of the lane in turn, of which there is one at least. */
struct road *road_next(struct lane *lane);

/* With the lock held, before the lane's thread sleeps. False: something has come. */
bool road_sleep_all(struct lane *lane);
/*
 * With the lock held: whoever sends for the session has found `down` full, and it may not be so any
 * more. The bell that tells of it only ends a sleep, so a lane that never sleeps must look itself.
 */
void road_look_for_room(struct core *core, struct road *road, struct session *session);
/* With the lock held: the client need not wake the hub up. */
void road_wake(struct road *road);
