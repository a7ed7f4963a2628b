/* A command that goes on in the background once it has said how it began. */
#pragma once

#include "cli/options.h"

/*
 * Before anything is opened. In the parent, returns when the child lets go, with the exit code it
 * gave and *is_parent set (an interrupt ends both); in the child at once, with CLI_DONE.
 */
int background_begin(const struct cli_options *options, bool *is_parent);

/*
 * Child: the parent may end with this exit code. From now on nothing is printed, and no file that
 * we were started with is held.
 */
void background_let_go(int code);
