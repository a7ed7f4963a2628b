/*
 * The hub's log: one line per event on standard error, "TIME LEVEL text". Strings that came from
 * somebody else go through text_safe() before they get here.
 */
#pragma once

#include "base/macro.h"

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* The level from its name ("error", "warning", "info", "debug"); -1 when there is none such. */
int log_level_from_name(const char *name);

void log_set_level(enum log_level level);

/*
 * A process on its way into the background: until log_move() its lines go to standard error, for
 * whoever started it, and are kept (the first 16 KiB).
 */
void log_keep(void);

/* From now on standard error is `fd`, which stays the caller's; what was kept is written there. */
void log_move(int fd);

/*
 * From now on nobody who writes a line waits for whoever reads the log: lines are queued, in order,
 * and written by a thread. What does not fit into 64 KiB is left out and counted. Returns 0 or
 * -errno: then lines are written as before. After the last fork().
 */
int log_start(void);
/* Writes what is queued. Who does not read for a second is not waited for. */
void log_stop(void);

void log_write(enum log_level level, const char *format, ...) PRINTF_LIKE(2, 3);

#define log_error(...) log_write(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_write(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...) log_write(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_write(LOG_LEVEL_DEBUG, __VA_ARGS__)
