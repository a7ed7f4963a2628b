/* Modes and times of what was received. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* The permission bits that a new file may have: what the umask of the process leaves. */
mode_t attributes_allowed(void);

#define ATTRIBUTES_NO_TIME INT64_MIN

/*
 * Sets permissions and modification time, unless it is ATTRIBUTES_NO_TIME. A file system that knows
 * neither is no error. Returns 0 or -errno.
 */
int attributes_set(int fd, mode_t mode, int64_t mtime_ns);

/* The time of the link itself; as far as it can be set. */
void attributes_set_link(int dir, const char *name, int64_t mtime_ns);
