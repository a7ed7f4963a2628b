/*
 * Storms: one user does one thing as fast as he can, with all the sessions that he may have, and
 * three others go on with what they do. A row is a kind of frame (or of death) and a population;
 * every type that a client may send has one, see storm_check_table().
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "harness/raw.h"
#include "harness/stage.h"

#define STORM_PROCS_MAX 4

/* What is there before the storm begins. */
enum storm_population {
    STORM_ONE,     /* a session */
    STORM_CROWD,   /* as many sessions as the user may have, all in one room */
    STORM_ROOMS,   /* a session in 255 rooms, under each of two handles */
    STORM_HANDLES, /* 250 handles of the user, and many of others */
    STORM_LOG,     /* a log that is full of the user's own messages */
    STORM_OFFERS,  /* all the offers that he may make */
    STORM_NOBODY,  /* none: the storm joins, or pretends to */
};

struct storm_row;

/* In memory that all processes of a storm share. */
struct storm_shared {
    char dir[PATH_MAX / 2];
    pid_t hub;
    int well_known;
    const struct storm_row *row;
    long n_sessions, log_bytes; /* of a CROWD; of a LOG */
    atomic_int n_ready, n_over;
    atomic_bool may_begin; /* the processes wait for it when they are ready */
    atomic_ulong n_frames;
};

struct storm_row {
    const char *name;
    enum frame_type type; /* FRAME_NONE: no frame, a death */
    enum storm_population population;
    int n_procs;
    bool is_short; /* also in the round that every change passes */
    bool joins;    /* a thousand sessions join meanwhile */
    /* The i-th frame of a session; NULL: `run` does everything itself. */
    void (*make)(const struct raw *raw, unsigned long i, struct frame *frame);
    void (*run)(struct storm_shared *shared);
};

extern const struct storm_row storm_rows[];
extern const size_t n_storm_rows;

/* One line per type that a client may send: a row stands for it. */
void storm_check_table(void);

/* A process of the storm; arg: the shared memory. Does not return. */
int storm_main(void *arg);

/* As many other users, each with some handles and rooms on the hub. */
void storm_populate(const struct storm_shared *shared, int n_users);
