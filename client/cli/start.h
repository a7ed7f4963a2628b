/* Starting a hub in the background. */
#pragma once

#include <limits.h>

#include "cli/options.h"

/* The path of earshotd beside our own program; else its bare name, to be found in PATH. */
const char *cli_hub_program(char path[PATH_MAX]);

#define CLI_WHY_SIZE 1100

/*
 * Starts earshotd for `dir` and returns when it answers. The program is the one beside ours, else
 * the one in PATH. Returns an exit code. When it could not take its place (CLI_CANNOT_CREATE) or
 * its store is in use (CLI_TRY_AGAIN), another hub may have been faster: then nothing is told yet,
 * and `why` has the reason, for cli_fail_start(); else it is "".
 */
int cli_start_hub(const struct cli_options *options, const char *dir, char why[CLI_WHY_SIZE]);

/* The last line that the hub printed into that file, or what its wait status says. */
void cli_explain_start(int errors, int status, char *text, size_t size);

/*
 * What earshotd says would keep it from starting, a line for each reason; "": nothing. Returns its
 * exit code, or -errno when it could not be asked.
 */
int cli_check_hub(const char *dir, char *text, size_t size);

/* Tells that the hub did not start, and why. Returns the exit code. */
int cli_fail_start(const struct cli_options *options, const char *dir, const char *why);
