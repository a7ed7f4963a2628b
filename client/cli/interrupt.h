/*
 * What ends a blocking call early: signals from the user, and the time limit. Both make the call
 * return with EINTR; afterwards these functions tell which it was.
 *
 * A signal that comes just before the call blocks would be missed, so both are repeated by a
 * timer until the program ends or the limit is lifted.
 */
#pragma once

#include <stdbool.h>

/* Catches SIGINT, SIGTERM and, unless it was ignored, SIGHUP; ignores SIGPIPE. */
void cli_interrupt_setup(void);

/* The exit code for the signal that came (130 for SIGINT); 0 when none has. */
int cli_interrupted(void);

/*
 * For what is no blocking call, and may have no end: as long as it is on, a signal and the limit
 * end the program there and then.
 */
void cli_interrupt_at_once(bool on);

/* Ends blocking calls after so many milliseconds; negative: never. */
void cli_limit_start(int ms);
void cli_limit_stop(void);

/* Whether the limit has passed, and what it was, in seconds. */
bool cli_limit_passed(void);
double cli_limit_seconds(void);
