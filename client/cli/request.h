/* The course of a command that asks the hub something and ends. */
#pragma once

#include "cli/options.h"

/*
 * Opens a link as cli_open() does and starts the time limit: --timeout, else 30 s. Ends with
 * earshot_close().
 */
int cli_request_open(earshot **link, const struct cli_options *options);

typedef void request_line(void *arg, const struct earshot_event *event);

/*
 * Waits until request number `request` is answered, calling `line` (may be NULL) for every line
 * of the answer. `result` is what the asking function returned. Returns an exit code; an error
 * has been reported.
 */
int cli_request_wait(earshot *link, const struct cli_options *options, int result, uint32_t request,
                     request_line *line, void *arg);

/* The next event, whatever it is. Returns an exit code; an error has been reported. */
int cli_request_next(earshot *link, const struct cli_options *options, struct earshot_event *event);
