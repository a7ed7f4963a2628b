/*
 * A real hub: $BIN/earshotd as a child, under a uid of its own, with its log in a file.
 */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "ipc/rendezvous.h"

struct hub_options {
    uid_t uid;           /* who runs it */
    const char *dir;     /* --dir */
    const char *mode;    /* --mode; NULL: none given */
    const char *group;   /* --group; NULL: none given */
    const char *log;     /* the file for its standard output and error; appended to */
    long n_files;        /* RLIMIT_NOFILE; 0: as it is */
    const char *state;   /* --state; NULL: --ephemeral */
    const char *more[3]; /* arguments, up to NULL */
    /* An expression for strace's -e inject=, which watches the hub from its first call; or NULL. */
    const char *inject;
};

struct hub {
    pid_t pid;
    struct hub_options options;
    struct rendezvous_record record;
    int exit_code; /* when it has ended: as user_wait() tells */
};

/* A program of $BIN (default build/bin) as this uid: its PID. argv ends with NULL. */
pid_t hub_spawn(uid_t uid, const char *program, const char *const *argv, const char *log,
                long n_files);

/* Starts it, and does not wait. */
void hub_launch(struct hub *hub, const struct hub_options *options);

/* Starts it and waits until it can be found. False: it ended (exit_code) or took too long. */
bool hub_start(struct hub *hub, const struct hub_options *options);

/* Waits until the hub of a running process answers in its directory. */
bool hub_wait_ready(struct hub *hub, int ms);

/* SIGTERM, then waits: the exit code, -1 when it did not end in time. */
int hub_stop(struct hub *hub);

/* kill -9 and reap. */
void hub_kill(struct hub *hub);

/* Whether strace(1) is there and may trace. */
bool hub_can_inject(void);

/* SIGSTOP, until all its threads stand still; SIGCONT. */
void hub_pause(const struct hub *hub);
void hub_resume(const struct hub *hub);

bool hub_is_alive(const struct hub *hub);

/* VmRSS in KiB; 0 when it cannot be told. */
long hub_rss_kib(const struct hub *hub);

/* How many files it has open; 0 when it cannot be told. */
size_t hub_n_files(const struct hub *hub);

/* The size of the log now: a mark for hub_log_has(). */
long hub_log_mark(const struct hub *hub);

/*
 * Whether a line written after `mark` has all of these words (NULL: any), bounded by characters
 * that are not letters or digits. Waits up to `ms` for it.
 */
bool hub_log_has(const struct hub *hub, long mark, const char *word, const char *other, int ms);

/* Prints what was logged after the mark as notes; not more than the last lines. */
void hub_log_show(const struct hub *hub, long mark);
