/* Standard output, and when it ends. */
#pragma once

/*
 * What a command returns when whoever read its output has left: no error is printed, and the
 * program ends as if it were done.
 */
#define CLI_CLOSED (-1)

/* Writes out what stdio holds. Returns 0, CLI_CLOSED, or CLI_FAILED after reporting the error. */
int cli_flush(void);
