/* The key file: its text, its lock and its place. For the files of ipc/rendezvous only. */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <sys/stat.h>

#include "ipc/rendezvous.h"

/* How long a hub that is starting or replacing its queue may take, and how often to look. */
#define RENDEZVOUS_GRACE_MS 200
#define RENDEZVOUS_LOOK_MS 5

/*
 * Who lives here: the hub holds a write lock on the key file, of the kind that belongs to the open
 * file (F_OFD_SETLK, fcntl(2)). Such a lock needs a descriptor open for writing, so only the
 * owner and root can hold one; and whether it is held can be asked without taking it, so a client
 * that looks never stands in the way of a hub that starts. The flock(2) beside it decides
 * nothing, since anybody who can read the file can take one; it shows the PID in lslocks(8).
 */
int record_lock(int fd, bool *locked);

/* Whether a hub holds the lock. 0 or -errno. */
int record_is_locked(int fd, bool *locked);

/* Reads and parses the key file: RENDEZVOUS_OK, RENDEZVOUS_BAD_RECORD or -errno. */
int record_read(int fd, struct rendezvous_record *record);

/* Writes it in place: RENDEZVOUS_OK, RENDEZVOUS_FULL or another outcome, or -errno. */
int record_write(int fd, const struct rendezvous_record *record);

/* The key that ftok gives for the key file in `dir`; -1 when there is none. */
key_t record_key(const char *dir, int proj);

/* Waits RENDEZVOUS_LOOK_MS. */
void rendezvous_pause(void);

/* `dir` and `name` behind it. 0, or -ENAMETOOLONG. */
int rendezvous_put_path(char path[PATH_MAX], const char *dir, const char *name);

/* Whether a private hub of our own lives in `dir`. */
bool rendezvous_is_ours(const char *dir);

/* A directory or file into which only its owner and root can write. */
static inline bool is_closed_to_others(const struct stat *status) {
    return (status->st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

/*
 * Whether only the directory's owner, root and this user could have led the path to this directory:
 * RENDEZVOUS_OK, RENDEZVOUS_EXPOSED, the outcome of opening it, or -errno.
 */
int rendezvous_check_way(const char *dir, const struct stat *status);

/* The outcome for an errno of opening a directory or a file in it; -errno for an unknown one. */
int rendezvous_outcome_of_directory(int errno_value);
