/* The command line of earshotd, and its hub.conf for what does not stand there. */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

#include "proto/frame.h"
#include "proto/name.h"

struct options {
    char dir[PATH_MAX];   /* the rendezvous directory */
    char state[PATH_MAX]; /* "" with --ephemeral */
    char conf[PATH_MAX];  /* the hub.conf that was read; "": none */
    char name[128];       /* of the hub */
    enum hub_mode mode;
    gid_t gid;                           /* with --mode group */
    gid_t wall_gid;                      /* of --wall-group, or (gid_t)-1 */
    struct name wall_group, admin_group; /* n 0: none */
    bool wall_is_typed, admin_is_typed;  /* they stand on the command line */
    bool foreground, stop, check;
    unsigned keep_days;  /* 0: for ever */
    uint64_t keep_bytes; /* 0: without bound */
    int64_t mend_ms;     /* --edit-for */
    int64_t channel_quiet_ms;
    unsigned end_after_s; /* of nobody being there; 0: never */
};

/*
 * Reads the arguments. Returns -1 to go on, else the exit code: 0 after --help and --version, 64,
 * 78 after a message on standard error.
 */
int options_read(struct options *options, int argc, char **argv);

/* What hub.conf says of the two groups now; what was typed stays. False: it cannot be used, and
 * standard error says why. */
bool options_read_groups(const struct options *options, struct name *wall, struct name *admin);
