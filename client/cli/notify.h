/*
 * Notifications by a command of the user's choice, `notify-send` style: the sender and the text
 * are its last two arguments, and no shell sees them. One runs at a time and seldom; what comes in
 * between is counted and told with the next one.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/clock.h"

struct notify {
    pid_t pid; /* of the command that runs; 0 for none */
    mono_time started;
    unsigned n_held_back;
};

/* Whether it is time for another one; counts it if not. Also for other ways to notify. */
bool notify_is_due(struct notify *notify, mono_time now);

/*
 * Runs the command of the configuration, if there is one, with EARSHOT_CONV in its environment.
 * Strings need not be safe. A command that cannot be run is no error of the window.
 */
void notify_run(struct notify *notify, const char *from, const char *conv, const char *text,
                mono_time now);

/* After SIGCHLD. */
void notify_reap(struct notify *notify);

/* Ends a command that still runs. */
void notify_deinit(struct notify *notify);
