/* What is shown again and again: on a terminal in its place, with keys, else line after line. */
#pragma once

#include <stdio.h>

#include "cli/options.h"

struct live {
    const struct cli_options *options;
    bool is_screen;            /* standard input and output are a terminal */
    unsigned long long n_left; /* times; 0: for ever */
    int key;                   /* that was pressed last, 0: none */
    /* Draws it, as it is now. Returns an exit code. */
    int (*draw)(struct live *live, FILE *out);
    void *arg;
};

#define LIVE_MS 2000 /* between two times, if nothing else is said */

/* Goes on until -n, a signal or the key q. Returns an exit code. */
int live_run(struct live *live);
