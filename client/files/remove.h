/* Removes what is in a directory that is held open, without following a link. */
#pragma once

#include <stdbool.h>

/* Whether the directory is empty. Returns 0 (it is not), 1 (it is) or -errno. */
int remove_is_empty(int fd);

/* Everything below fd, which stays open. Returns 0 or -errno of the first failure. */
int remove_below(int fd);
