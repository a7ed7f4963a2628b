/* The past: CHATHISTORY, MARKREAD, REDACT, and what waits at the beginning. */
#pragma once

#include "irc/command.h"

/* The outcome of the removal that REDACT waits for. */
void past_take_outcome(struct conn *conn, const struct earshot_event *event);
