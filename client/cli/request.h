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

/* The whole course of a list, as earshot_ask() has it. Returns an exit code. */
int cli_request_list(const struct cli_options *options, enum earshot_list list, const char *room,
                     request_line *line, void *arg);

/* The whole course of a request that takes one word, which may be NULL, and whose answer is empty.
 */
int cli_request_make(const struct cli_options *options,
                     int (*make)(earshot *link, const char *word, uint32_t *request),
                     const char *word);

/* Who wrote the message with this id in a conversation (NULL: in any that the handle is in), if
 * that can be told. Reports nothing. */
bool cli_request_author(earshot *link, const struct cli_options *options, const char *conv,
                        const char *id, uid_t *author);

typedef int event_taker(void *arg, const struct earshot_event *event);

/*
 * Waits for the next event as earshot_next() does and has it taken. Returns what that returned, an
 * exit code or CLI_CLOSED; CLI_DONE when no event came, also because of a signal or the time limit;
 * else an error has been reported.
 */
int cli_take_next(earshot *link, const struct cli_options *options, int ms, event_taker *take,
                  void *arg);
