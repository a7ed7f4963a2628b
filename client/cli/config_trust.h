/* Whether a configuration file can be believed: it names programs that are run. */
#pragma once

#include <stddef.h>

#define CONFIG_WHY_SIZE 1024

/*
 * Opens the file for reading when it is a regular one that nobody but its user (or root) can have
 * written: the file, its directory and, below the home directory, all directories on the way up to
 * that one belong to the user or root, and others can neither write to them nor (in a directory
 * with the sticky bit) take away what is ours. Never waits, whatever lies there.
 *
 * Returns the descriptor; -errno when it cannot be opened; or CONFIG_NOT_TRUSTED, and the whole
 * sentence in `why`.
 */
#define CONFIG_NOT_TRUSTED (-100000)
int config_open_trusted(const char *path, char why[CONFIG_WHY_SIZE]);
