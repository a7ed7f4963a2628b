/* Going into the background, see daemon(7). */
#pragma once

/*
 * Forks. The parent waits until the child tells how its start went, and exits with that code; so
 * whoever started it knows that the hub answers. Returns in the child: a descriptor for
 * daemon_tell(), or -errno.
 */
int daemon_fork(void);

/*
 * In the child: ends the parent with this exit code. With 0 the child also lets go of its
 * terminal: standard error goes to `log` (appended, and begun with what was logged at the start),
 * or nowhere when it is NULL or cannot be had.
 */
void daemon_tell(int fd, int exit_code, const char *log);
