/*
 * The hub: the pure core, and around it the threads that touch the kernel.
 *
 *   lane threads   one per queue: receive, check, hand to the core, flush
 *   main thread    waits for signals, deaths (pidfd) and the core's timer
 *   store threads  write and read the store, see storage.h; or
 *   reader         reads the log in memory, see reader.h
 *
 * Lock order: there is one lock. Whoever needs the core calls hub_enter() and hub_leave(); what
 * the core put into outboxes in between is sent by hub_leave(), outside the lock.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>

#include "core/core.h"
#include "io/lock.h"
#include "ipc/gate.h"
#include "ipc/queue.h"
#include "ipc/rendezvous.h"

#define SESSIONS_FOR_GATE 8  /* from so many on a lane has a gate */
#define LANES_PER_USER_MIN 2 /* for a busy user; at most */
#define LANES_PER_USER_MAX 8 /* as many as there are processors */

struct options;

struct hub_options {
    const char *dir; /* the rendezvous directory */
    enum hub_mode mode;
    gid_t gid;      /* HUB_GROUP */
    gid_t wall_gid; /* its members may write to everybody; (gid_t)-1: nobody but the usual */
    struct name wall_group;  /* the same group; and */
    struct name admin_group; /* whose members keep order. n 0: none. These two change by SIGHUP */
    const struct options *given; /* where these are read again from */
    const char *name;
    const char *state;  /* the store's directory; "": ephemeral, nothing on disk */
    unsigned keep_days; /* messages are kept so long, and so many bytes of them; 0: no bound */
    uint64_t keep_bytes;
    int64_t mend_ms;          /* so long its author may edit or remove a message */
    int64_t channel_quiet_ms; /* see struct core_config; 0: there are no channels */
    unsigned end_after_s;     /* of nobody being there; 0: never */
};

/* A queue into the hub, and the thread that reads it. Guarded by the lock but for the constants. */
struct lane {
    struct hub *hub;       /* constant */
    struct user *user;     /* constant: whose frames come here; NULL: HELLO only */
    bool is_well_known;    /* constant */
    struct intake *intake; /* constant, its thread's; NULL: HELLO only */
    int msqid;             /* changes only when the well-known queue was removed by somebody */
    struct gate gate;      /* when many send into it */
    unsigned n_sessions;
    unsigned n_dying;    /* sessions whose process is dead, see seat->dies_at */
    uint64_t n_received; /* batches */
    struct seat *dead;   /* sessions whose process is dead and which have not ended, by death */
    struct road *roads;  /* of its sessions, see road.h */
    unsigned n_roads;
    bool closed;                              /* no new sessions: it is being removed */
    bool thread_ended;                        /* the last session frees it */
    struct lane *next, *prev;                 /* of all lanes of the hub */
    struct lane *next_of_user, *prev_of_user; /* of user->lanes */
};

struct hub {
    struct hub_options options;
    struct queue_limits limits;
    struct rendezvous rendezvous;

    struct lock lock;
    struct core core;
    struct lane *lanes;
    unsigned lanes_per_user; /* constant */
    unsigned n_lane_threads;
    pthread_cond_t no_lane_threads;
    struct road *left;    /* roads that nobody uses any more, to be closed */
    uint64_t n_deaths;    /* of clients */
    struct knock *called; /* those who waited for the dead, and go on */
    atomic_bool has_called;
    unsigned n_flushing; /* threads that leave and send just now */
    mono_time armed;     /* what the timer is set to; ns 0: not set */
    wall_time wall;      /* as it was read last, */
    mono_time wall_read_at;
    bool claim_key_is_saved; /* see hub_save_claim_key() */
    bool stopping;
    atomic_ullong n_turned_away; /* HELLOs and more at the well-known queue; not counted yet */
    char no_store[1024];         /* why the store cannot be used */
    struct storage *storage;     /* NULL: nothing is stored, and there is */
    struct log_reader *reader;   /* this one instead */
    struct rounds *rounds;       /* see database/rounds.h */
    mono_time swept_at;          /* used by the well-known queue's thread only */

    int epoll_fd, timer_fd, signal_fd, tell_fd, end_fd, dead_fd;
};

/* Besides what rendezvous.h has: the store cannot be used, and hub->no_store says why. */
#define HUB_NO_STORE 1000
#define HUB_STORE_IN_USE 1001 /* another hub uses it */

/*
 * Opens the rendezvous, starts the threads. Returns 0, -errno, HUB_NO_STORE,
 * HUB_STORE_IN_USE, or a rendezvous_outcome. The hub answers when it returns.
 */
int hub_start(struct hub *hub, const struct hub_options *options);

/* Serves until SIGTERM or SIGINT; then stops cleanly and frees everything. */
int hub_run(struct hub *hub);

/* Frees what hub_start() made, if it failed half way. */
void hub_deinit(struct hub *hub);

/* With the lock held, before anything that is sealed is sent: the first time the key is written. */
void hub_save_claim_key(struct hub *hub);

/* Takes the lock and tells the core the time, */
void hub_enter(struct hub *hub);
/* at which the caller has just looked. */
void hub_enter_at(struct hub *hub, mono_time now);

/*
 * Sends what is to be sent, releases ended sessions, sets the timer, gives the lock back. When
 * several threads leave at once, it is the last one of them that sends the last of it.
 */
void hub_leave(struct hub *hub);

/* The same, and goes on until nothing is left, also when others leave meanwhile. */
void hub_leave_with_all(struct hub *hub);

/*
 * The same in a flood: a mailbox that is full is not marked with MORE, which costs a READY, but
 * tried again when anybody leaves the hub the next time. So the caller must do that before it
 * waits for anything.
 */
void hub_leave_for_now(struct hub *hub);
