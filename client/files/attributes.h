/* Modes and times of what was received. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

/*
 * A time as records, offers and parcels carry it: nanoseconds since 1970, from 1823 to 2116. What
 * lies beyond, as far as +-14,600 years, goes on from there in steps of 100 ns, so that it arrives,
 * too; every value is a time. Everybody who packs or unpacks one does it with these.
 */
int64_t attributes_pack_time(struct timespec time);
struct timespec attributes_unpack_time(int64_t packed); /* tv_nsec is never negative */

/* The permission bits that a new file may have: what the umask of the process leaves. */
mode_t attributes_allowed(void);

#define ATTRIBUTES_NO_TIME INT64_MIN /* attributes_pack_time() never says this */

/*
 * Sets permissions and modification time, unless it is ATTRIBUTES_NO_TIME. A file system that knows
 * neither is no error. Returns 0 or -errno.
 */
int attributes_set(int fd, mode_t mode, int64_t mtime_ns);

/* The time of the link itself; as far as it can be set. */
void attributes_set_link(int dir, const char *name, int64_t mtime_ns);
