/*
 * The directories that are being filled: the top one, and those on the way to the entry under way,
 * all held open. An entry is made by its last name below the open directory that is its parent, so
 * no path is ever looked up, and no link followed. A directory gets its mode and time when an
 * entry comes that is not in it, and cannot be entered again.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "files/item.h"

struct sink_level {
    int fd;
    mode_t mode;
    int64_t mtime_ns;
    size_t n_path;
};

/* Zeroed means closed. */
struct sink_tree {
    struct sink_level levels[ENTRY_DEPTH_MAX + 1];
    size_t n_levels;
    char path[ENTRY_PATH_MAX + 1]; /* of the entry under way */
    const char *name;              /* the last name in it */
};

/* Begins with the top directory, which stays the caller's. */
void sink_tree_open(struct sink_tree *tree, int top);

/*
 * Goes to the directory that this entry is in, and completes those that are left. Its path and
 * name are then in `tree`. Returns 0, -errno or TRANSFER_MALFORMED: there is no such directory now.
 */
int sink_tree_go(struct sink_tree *tree, struct bytes path);

/* Make what sink_tree_go went to. Return 0, -errno or an enum transfer_outcome: NO_NAME, DISTURBED.
 */
int sink_tree_make_file(struct sink_tree *tree, int *fd);
int sink_tree_make_directory(struct sink_tree *tree, mode_t mode, int64_t mtime_ns);
int sink_tree_make_link(struct sink_tree *tree, struct bytes target, int64_t mtime_ns);

/* Removes the file that was made last and is open, if it still has its name. As above. */
int sink_tree_remove_file(struct sink_tree *tree, int fd);

/* Completes all but the top directory. */
int sink_tree_finish(struct sink_tree *tree);

/* Leaves all as it is. Safe twice. */
void sink_tree_close(struct sink_tree *tree);
