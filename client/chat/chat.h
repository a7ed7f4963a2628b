/* The chat window: `earshot` and `earshot chat`. */
#pragma once

#include "cli/options.h"

/*
 * Joins the hub and the rooms, talks until the user leaves, and returns an exit code. With a
 * terminal on both sides it is an inline window with a prompt; else lines come from standard
 * input and go to standard output, and the end of the input leaves once the hub has taken all.
 */
int chat_run(const struct cli_options *options, char **rooms, int n_rooms);
