/* Opening what a path names, once, for a source that owns the descriptor from then on. */
#pragma once

#include <sys/stat.h>

#include "files/filename.h"
#include "files/source.h"

/* The descriptor, for reading, or -errno; -ENXIO: it is something that the options refuse. */
int source_path_open(const char *path, struct stat *status, const struct source_options *options);

/* Its last name, cleaned; for a path that ends in "..", "." or "/" that of what is open. */
int source_path_name(struct filename *name, const char *path, int fd);
