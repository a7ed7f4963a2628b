/*
 * --jq EXPR: what would be printed as JSON goes through an expression of jq(1) first.
 *
 * libjq is loaded only where an expression is given: all other commands start without it. The
 * expression is compiled once, and runs in this process: it may take all of its time and memory,
 * but a signal and the time limit end it at any moment (cli_interrupt_at_once()).
 */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "cli/options.h"

/* Compiles options->jq. Returns an exit code; what is wrong with it has been reported. */
int filter_open(const struct cli_options *options);

/* Whether filter_open() has succeeded. */
bool filter_is_open(void);

/*
 * Prints what the expression makes of an object: text as it is, made safe to print, and anything
 * else as JSON on a line. An error of the expression is reported; the next object may fare better.
 */
void filter_put(FILE *out, const char *json);

/* What the objects so far came to: CLI_DONE, or what a command ends with after `halt`. */
int filter_verdict(void);

/* Frees it. Returns the exit code of the program whose command has ended with `code`. */
int filter_close(int code);
