/*
 * How far the running transfers of a link are, on standard error: for people one line that is
 * rewritten in place, twice a second at most and only on a terminal; for programs the objects of
 * json_file(), with a rate.
 */
#pragma once

#include "cli/file.h"

enum progress_how { PROGRESS_AUTO, PROGRESS_NONE, PROGRESS_JSON };

extern const char *const progress_choices[]; /* the words of enum progress_how */

struct progress_item;

struct progress {
    earshot *link;
    const char *self; /* one's own handle */
    enum progress_how how;
    mono_time next; /* when to tell again */
    struct progress_item *items;
    size_t n_items;
    bool is_shown; /* a line stands on the terminal */
};

/* `self` must outlive it. */
void progress_init(struct progress *progress, const struct cli_options *options, earshot *link,
                   const char *self);
void progress_free(struct progress *progress);

/* For earshot_next(): when to come back, in milliseconds; -1 when nothing is to be told. */
int progress_timeout(const struct progress *progress, bool is_running);

/* Tells, if it is time. */
void progress_tick(struct progress *progress);

/* This one begins now. */
void progress_begin(struct progress *progress, const struct earshot_transfer *transfer);

/* "4.8 MiB in 1.2 s, 4.0 MiB/s", of one that has ended; without the time where it did not begin. */
#define PROGRESS_TEXT (2 * SIZE_TEXT + 64)
void progress_end_text(struct progress *progress, const struct earshot_transfer *transfer,
                       char text[PROGRESS_TEXT]);

/* Takes the line away, before something else is printed. */
void progress_clear(struct progress *progress);
