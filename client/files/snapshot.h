/*
 * A small file as it is at one moment: all of it, read again while others write to it. How long it
 * is shows when it is read: files of /proc and /sys say another size than they have.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

/* Whether a file is what it was, as far as size and time tell. */
bool snapshot_is_same(const struct stat *a, const struct stat *b);

/*
 * *n bytes of it. *status is what fstat() said of it just now, and is then what belongs to this
 * content. Returns 0, -errno or an enum transfer_outcome: TOO_SMALL, of the capacity; CHANGED:
 * somebody writes to it all the time.
 */
int snapshot_read(int fd, void *buffer, size_t capacity, size_t *n, struct stat *status);

/*
 * A copy in memory of what has no length before it is read to its end, as a descriptor. TOO_SMALL:
 * it has more than n_max bytes. Returns the descriptor in *copy and its length in *n.
 */
int snapshot_copy(int fd, size_t n_max, int *copy, size_t *n);
