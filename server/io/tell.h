/*
 * Lines of the log that a user can cause: of each uid and kind one a minute is written, the others
 * are counted. The count is told with the first line after that minute, or at its end. So nobody
 * fills the disk, and nothing is concealed.
 *
 * Both are bounded for any number of users: where too many are told of at once, the lines of those
 * who come then are counted together.
 *
 * For every thread; holds no lock but its own, and only for an instant.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/clock.h"

#define TELL_EVERY_MS 60000
#define TELL_ENTRIES_MAX 256

enum tell_kind {
    TELL_STRANGER, /* a HELLO for a mailbox that is not its sender's */
    TELL_REFUSED,  /* a join that was refused */
    TELL_DIED,     /* a client that died in the handshake */
    TELL_REJECTED, /* a frame or batch that breaks the protocol */
    TELL_MAILBOX,  /* a mailbox that is gone */
    TELL_LANE,     /* a lane that was removed */
    TELL_KIND_END
};

/* Not known who. */
#define TELL_NOBODY ((uid_t)-1)

/*
 * The timer for what is to be told later, a timerfd(2); -1: only with later lines. Before any
 * other thread.
 */
void tell_init(int timer_fd);

/* Whether the line may be written now. Writes itself how many were left out before. */
bool tell_may(enum tell_kind kind, uid_t uid);

/* The timer has rung, or (the end) all is to be told: writes what was left out. */
void tell_rest(void);

/* For tests: the same with the time. */
bool tell_may_at(enum tell_kind kind, uid_t uid, mono_time now);
void tell_rest_at(mono_time now);
