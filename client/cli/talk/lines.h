/* `send --lines`: each line of standard input is one message. */
#pragma once

#include "cli/talk/sending.h"

/*
 * Sends lines as they come to everybody in `to`, until standard input ends or a message is
 * refused, and waits for the last one. Lines that come together go together. Returns an exit code.
 */
int lines_send(struct sending *sending, char **to, size_t n_to);
