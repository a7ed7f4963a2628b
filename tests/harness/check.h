/*
 * What a test program says: one line "ok - ..." or "not ok - ..." per thing that it proves, "# ..."
 * for figures. The count of failures is shared with all processes that the test forks, so a child
 * may check things as well. Exit codes: 0 all ok, 1 something failed, 77 skipped.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/clock.h"
#include "base/macro.h"

/* Call first. */
void check_begin(void);

/*
 * Prints the line for `ok`, counts a failure, and returns `ok`. That is evaluated before the
 * values that are printed, so they may be what it found.
 */
#define check(ok, ...)                                                                             \
    __extension__({                                                                                \
        bool check_is_ok = (ok);                                                                   \
        check_line(check_is_ok, __VA_ARGS__);                                                      \
    })
bool check_line(bool ok, const char *format, ...) PRINTF_LIKE(2, 3);

void check_note(const char *format, ...) PRINTF_LIKE(1, 2);

/* Prints the reason and exits with 77. */
_Noreturn void check_skip(const char *format, ...) PRINTF_LIKE(1, 2);

/* The harness itself cannot go on: prints why and exits with 1. */
_Noreturn void check_die(const char *format, ...) PRINTF_LIKE(1, 2);

/* Call last; the exit code. */
int check_end(void);

/* Zeroed memory that is shared with all children forked later. Lives as long as the process. */
void *check_shared(size_t n);

/* Waits until state(arg) is true, at most `ms` (longer under a sanitizer); returns whether it is.
 */
typedef bool (*check_state)(void *arg);
bool check_until(check_state state, void *arg, int ms);

/*
 * The pause between two looks at a state: a quarter of a millisecond at first (*us is 0), then
 * longer, up to 10 ms, so that a thousand waiting processes do not take the machine.
 */
void check_pause(int *us);

/* The environment variable as a number, or `otherwise`. */
long check_env(const char *name, long otherwise);

/* The p-th percentile (0-100) of n samples; sorts them. 0 when there are none. */
int64_t check_percentile(int64_t *samples, size_t n, double p);
