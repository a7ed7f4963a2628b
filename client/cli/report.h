/*
 * Errors and remarks: everything that goes to standard error is printed here.
 *
 * As text: "earshot: what happened, to what; what to do". With --json an error is
 * {"type":"error","code":"no-hub","text":"..."}. Strings are made safe on the way.
 */
#pragma once

#include "base/macro.h"
#include "cli/options.h"
#include "cli/outcome.h"

/* Whether errors are to be printed as JSON where no options are at hand. */
void cli_report_json(bool json);

/* Prints an error; options may be NULL. Returns the exit code that cli/outcome.h has for `code`. */
int cli_fail(const struct cli_options *options, unsigned code, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* Reports a result of libearshot that is not EARSHOT_OK, also a negative errno. */
int cli_fail_link(const struct cli_options *options, const earshot *link, int result);

/* Reports what the hub refused: a FAILED or REFUSED event. */
int cli_fail_event(const struct cli_options *options, const struct earshot_event *event);

/*
 * The same of a request that was not the command's own affair, such as joining the rooms that are
 * to be heard: CLI_DONE when it was granted, and only could not be stored.
 */
int cli_take_failed(const struct cli_options *options, const struct earshot_event *event);

/* A LOST event, and what it means for the command; or a SHUT_OUT or BACK event. */
void cli_tell_hub(const struct cli_options *options, const struct earshot_event *event,
                  const char *consequence);

#define REPORT_STDOUT "standard output"

/* Reports what came of a file: cannot be read, or be written into that directory, or stdout. */
int cli_fail_file(const struct cli_options *options, const earshot *link, int result,
                  enum outcome_use use, const char *path);

/* Whether a person reads along: standard error is a terminal, and neither -q nor --json is given.
 */
bool cli_has_reader(const struct cli_options *options);

/* A line about what is going on, for people; nothing with -q. */
void cli_remark(const struct cli_options *options, const char *format, ...) PRINTF_LIKE(2, 3);
