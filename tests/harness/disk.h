/*
 * A disk that fails: system calls of a hub on the files of its state directory. A shim that is
 * loaded into the hub (tests/fault/disk_faults_shim.c) does as it is told in a file that the test
 * and the hub both map; its path is in the environment variable DISK_FAULTS.
 */
#pragma once

#include <limits.h>
#include <stdatomic.h>
#include <stdbool.h>

struct stage;

/* Kinds of calls. */
enum {
    DISK_OPEN = 1,
    DISK_READ = 2,
    DISK_WRITE = 4,
    DISK_SYNC = 8,
    DISK_SIZE = 16,  /* makes a file shorter or longer */
    DISK_NAMES = 32, /* renames or removes a file */
};

struct disk_fault {
    unsigned kinds; /* only these calls are counted, and fail */
    int error;      /* 0: half of the bytes are written */
    bool stays;     /* all later ones fail as well */
    unsigned at;    /* the first call that fails, from 1; 0: none */
};

struct disk_orders {
    char dir[PATH_MAX]; /* only files in this directory, an absolute path without links */
    struct disk_fault fault;
    atomic_uint n;       /* calls until now */
    atomic_bool is_hung; /* fdatasync() does not come back until it is false again */
};

struct disk {
    struct disk_orders *orders; /* shared with the hub */
    char shim[PATH_MAX / 2];
};

/* For the state directory of this stage. */
void disk_prepare(struct disk *disk, const struct stage *stage);

/* An open hub on this disk; fault->at counts from now. As hub_start(). */
bool disk_start_hub(struct disk *disk, struct stage *stage, const struct disk_fault *fault);

/* Makes the state directory `to` what `from` is (NULL: empty), for the hub. */
void disk_copy_state(const char *from, const char *to);

/* Whether a database was set aside as damaged. */
bool disk_has_damaged(const char *state);
