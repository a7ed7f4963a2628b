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

/* sysexits.h, as far as the program uses it, and the shell's number for SIGINT. */
enum cli_exit {
    CLI_DONE = 0,
    CLI_FAILED = 1,
    CLI_USAGE = 64,
    CLI_DATA = 65,
    CLI_NO_NAME = 67,
    CLI_NO_HUB = 69,
    CLI_CANNOT_CREATE = 73,
    CLI_TRY_AGAIN = 75,
    CLI_NOT_PERMITTED = 77,
    CLI_CONFIGURATION = 78,
    CLI_INTERRUPTED = 130,
};

/* Whether errors are to be printed as JSON where no options are at hand. */
void cli_report_json(bool json);

/* Prints an error; options may be NULL; `code` is its name in --json. Returns exit_code. */
int cli_fail(const struct cli_options *options, int exit_code, const char *code, const char *format,
             ...) PRINTF_LIKE(4, 5);

/* Reports a result of libearshot that is not EARSHOT_OK, also a negative errno. */
int cli_fail_link(const struct cli_options *options, const earshot *link, int result);

/* Reports what the hub refused: a FAILED or REFUSED event. */
int cli_fail_event(const struct cli_options *options, const struct earshot_event *event);

/*
 * The same of a request that was not the command's own affair, such as joining the rooms that are
 * to be heard: CLI_DONE when it was granted, and only could not be stored.
 */
int cli_take_failed(const struct cli_options *options, const struct earshot_event *event);

/* A LOST event, and what it means for the command; or a BACK event. */
void cli_tell_hub(const struct cli_options *options, const struct earshot_event *event,
                  const char *consequence);

/* Reports what came of a file: cannot be read, or be written into that directory. */
int cli_fail_file(const struct cli_options *options, const earshot *link, int result,
                  enum outcome_use use, const char *path);

/* A line about what is going on, for people; nothing with -q. */
void cli_remark(const struct cli_options *options, const char *format, ...) PRINTF_LIKE(2, 3);
