/* The keys of the configuration, and what their values may be. */
#pragma once

#include "cli/config.h"

struct config_key {
    const char *section; /* "" for none */
    const char *name;
    const char *want; /* what a right value is: "give ..." */
    bool is_list;     /* further lines in one file add to it */

    /* Takes the value, which it may cut up; `more`: adds to what is there. False: it is wrong. */
    bool (*take)(struct cli_config *config, char *value, bool more);
};

extern const struct config_key config_keys[]; /* name NULL ends it */
