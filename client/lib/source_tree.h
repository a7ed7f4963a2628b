/*
 * Walks a directory depth first, the names of each directory in the order of their bytes. What is
 * opened is opened by one name below a directory that is held open, and never through a link.
 */
#pragma once

#include <stddef.h>
#include <sys/stat.h>

#include "lib/item.h"
#include "lib/source.h"

struct dirent;

struct tree_level {
    int fd;
    struct dirent **names;
    size_t n_names, n_taken;
    size_t n_path; /* the length of its path; 0 of the top */
};

/* The fields are private, but for the path of the entry found last. Zeroed means closed. */
struct tree {
    struct tree_level levels[ENTRY_DEPTH_MAX + 1];
    size_t n_levels;
    char path[ENTRY_PATH_MAX + 1];
    char target[ENTRY_TARGET_MAX + 1];
    const struct source_options *options;
    bool is_silent;
    uint64_t n_skipped;
};

struct tree_entry {
    enum entry_kind kind; /* ENTRY_STREAM: none, the walk is over */
    struct stat status;
    int fd;              /* of a file: open for reading, now the caller's; else -1 */
    struct bytes target; /* of a link; valid until the next call */
};

/*
 * Begins at this open directory, which stays the caller's. What is skipped is counted, and told to
 * options->skipped unless the walk is silent. Returns 0 or -errno.
 */
int tree_open(struct tree *tree, int fd, const struct source_options *options, bool is_silent);

/* Safe on the zero state and twice. */
void tree_close(struct tree *tree);

/* The next entry. Returns 0, -errno, or SOURCE_STOPPED. */
int tree_next(struct tree *tree, struct tree_entry *entry);
