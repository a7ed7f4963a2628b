/*
 * The real client program, as a child under a uid of its own, with what it says in a file.
 */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

#include "base/clock.h"

struct program {
    pid_t pid; /* 0: it runs no more */
    uid_t uid;
    char log[PATH_MAX / 2]; /* of standard output and error */
    mono_time ended;        /* when that was seen */
    int code;               /* as user_wait() tells */
};

/*
 * Starts $BIN/earshot; argv ends with NULL. The log is emptied, and written by root or ourselves.
 * input: the file that is its standard input, or NULL.
 */
void program_start(struct program *program, const char *const *argv, const char *input);

/* Whether it still runs; reaps it otherwise. */
bool program_runs(struct program *program);

/* Whether its log has this text. */
bool program_said(const struct program *program, const char *text);

/* Prints its log as notes. */
void program_show(const struct program *program);
