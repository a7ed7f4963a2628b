/* Starting a hub in the background. */
#pragma once

#include <limits.h>

#include "cli/options.h"

/* The path of earshotd beside our own program; else its bare name, to be found in PATH. */
const char *cli_hub_program(char path[PATH_MAX]);

/*
 * Starts earshotd for `dir` and returns when it answers. The program is the one beside ours, else
 * the one in PATH. Returns an exit code; when somebody else was first, CLI_DONE.
 */
int cli_start_hub(const struct cli_options *options, const char *dir);
