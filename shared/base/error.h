/*
 * The error contract
 *
 * Every function that can fail returns an int:
 *
 *   0          success.
 *   negative   fatal: -errno of the call that failed. The caller cannot mend it; it frees what it
 *              owns and hands the number up untouched. main() prints it and exits.
 *   positive   an outcome: something that is expected to happen and that the caller must handle,
 *              such as "the queue is full" or "no such user". Each function documents its own
 *              outcomes as an enum; their numbers mean nothing anywhere else.
 *
 * So `if (r < 0) return r;` is always right, `if (r > 0)` is always a decision, and a positive
 * number is never passed up as if it were one's own.
 *
 * Bugs are not errors: a broken invariant is an assert(), which stays on in release builds.
 */
#pragma once

#include <assert.h>
#include <errno.h>

#ifdef NDEBUG
#error "assertions guard invariants between untrusting processes; do not build with NDEBUG"
#endif

/* -errno of the call that has just failed; never 0, even if the library forgot to set errno. */
static inline int error_errno(void) {
    return errno > 0 ? -errno : -EIO;
}
