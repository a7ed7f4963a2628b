/* Standard output: what goes there, and when it ends. */
#pragma once

#include "cli/options.h"

/*
 * What a command returns when whoever read its output has left: no error is printed, and the
 * program ends as if it were done.
 */
#define CLI_CLOSED (-1)

/* A MESSAGE or PAST event, as --json says. */
void cli_print_message(const struct cli_options *options, const struct earshot_event *event);

/* Writes out what stdio holds. Returns 0, CLI_CLOSED, CLI_FAILED after reporting the error,
 * or what the expression of --jq ends the program with. */
int cli_flush(void);

/* The rows of the terminal that standard output is; 0: as below. */
int cli_height(void);

/* The columns of the terminal that standard output is; 0: it is none, or does not tell. */
int cli_width(void);
