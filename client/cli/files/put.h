/* The course of `put` and `pipe TO`. */
#pragma once

#include "cli/options.h"

/*
 * Offers each path to each recipient and waits until all are taken. A path of "-" is standard
 * input, offered under `stream_name`. Returns an exit code; errors have been reported.
 */
int put_all(const struct cli_options *options, const char *list, int n_paths, char **paths,
            const char *stream_name);
