/* The course of `get` and `pipe --from`. */
#pragma once

#include "cli/options.h"

struct get_wish {
    const char *dir;          /* NULL: to standard output */
    bool streams_only;        /* leave files and directories */
    bool decline;             /* say no instead */
    bool all;                 /* what is offered now, and no more */
    unsigned long long count; /* so many offers, unless all */
};

/* Returns an exit code, or CLI_CLOSED; errors have been reported. */
int get_offers(const struct cli_options *options, const struct get_wish *wish);
