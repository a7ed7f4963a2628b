/* Messages of the past, page by page: any number of them in little memory. */
#pragma once

#include "cli/options.h"

struct past {
    const struct cli_options *options;
    earshot *link;
    const char *conv;       /* a handle or #room; NULL: all that one may see */
    bool direct_only;       /* leave rooms out */
    uint64_t before, after; /* these two are left out; before 0: up to now */
    uint64_t n;             /* that many of them, 0: all; */
    bool newest;            /* the newest ones, else the oldest */

    /* Only those with all of these words, and of this handle, or NULL; for past_print_found(). */
    const char *words, *from;
    /* Only the thread of the message with this id, or NULL; for past_print_thread(). */
    const char *thread;

    /* Results. */
    uint64_t first_seq, last_seq; /* of the oldest and the newest one printed; 0: none */
    uint64_t n_printed;
};

/* Prints them, oldest first. Returns an exit code, or CLI_CLOSED. */
int past_print(struct past *past);

/* Prints the newest n of the thread (0: as many as come at once), oldest first. The same. */
int past_print_thread(struct past *past);

/* Prints the newest n that have the words, the newest first. Returns the same. */
int past_print_found(struct past *past);
