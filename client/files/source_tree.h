/*
 * Walks a directory depth first, the names of each directory in the order of their bytes. What is
 * opened is opened by one name below a directory that is held open, and never through a link, so
 * nothing outside of the tree can be reached. It is walked once to find out what there is (files
 * are not opened for that), and again whenever it is handed over.
 *
 * Where others may put files into a directory, it is kept which files it had when it was offered:
 * only these are handed over later, or what anybody may read. Else whoever can write to a directory
 * that I offer could move my private files into it, and take the offer. Where only I (or root) can
 * write, what is there was put there by me, and nothing is kept.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "files/item.h"
#include "files/left_out.h"
#include "files/source.h"

struct dirent;

struct tree_level {
    int fd;
    struct dirent **names;
    size_t n_names, n_taken;
    size_t n_path;   /* the length of its path; 0 of the top */
    bool is_exposed; /* others may have put something into it */
};

/*
 * A file system gives the inode of a removed file to the next new one, so a file is also known by
 * when it was made: statx(2). Where that is not kept, by when it was changed last; then one that
 * was written to since counts as another.
 */
struct source_identity {
    uint64_t device, inode;
    int64_t born_ns;
    uint32_t uid, type;
};

/* Zeroed is empty. */
struct source_known {
    struct source_identity *ids;
    size_t n, size;
};

/* What was found out. Zeroed is empty. */
struct tree_memory {
    struct left_out_list left_out;
    struct source_known known;
};

/* The fields are private, but for the path of the entry found last. Zeroed means closed. */
struct tree {
    struct tree_level levels[ENTRY_DEPTH_MAX + 1];
    size_t n_levels;
    char path[ENTRY_PATH_MAX + 1];
    char target[ENTRY_TARGET_MAX + 1];
    const struct source_options *options;
    struct tree_memory *found;       /* the first walk notes things here, or */
    const struct tree_memory *known; /* a later one knows them */
    uint64_t n_skipped;
    uid_t self;
};

struct tree_entry {
    enum entry_kind kind; /* ENTRY_STREAM: none, the walk is over */
    struct stat status;
    int fd;              /* of a file: open for reading, now the caller's; else, and of the first
                            walk, -1 */
    struct bytes target; /* of a link; valid until the next call */
};

/* Begin at this open directory, which stays the caller's. Return 0 or -errno. */
int tree_explore(struct tree *tree, int fd, const struct source_options *options,
                 struct tree_memory *found);
int tree_open(struct tree *tree, int fd, const struct source_options *options,
              const struct tree_memory *known);

/* As tree_open(), and goes on where another walk is, whose path is this one. */
int tree_open_behind(struct tree *tree, int fd, const struct source_options *options,
                     const struct tree_memory *known, const char *path, bool is_inside);

/* Whether the entry found last is a directory, in which the next one is looked for. */
bool tree_is_inside(const struct tree *tree);

/* After the first walk, before the second. */
void tree_memory_sort(struct tree_memory *memory);

/* Whether two first walks found the same, as far as it is remembered; both are sorted. */
bool tree_memory_is_same(const struct tree_memory *a, const struct tree_memory *b);

/* Safe on the zero state and twice. */
void tree_close(struct tree *tree);
void tree_memory_free(struct tree_memory *memory);

/* The next entry. Returns 0, -errno, or TRANSFER_CANCELLED. */
int tree_next(struct tree *tree, struct tree_entry *entry);

/* The entry found last is left out, after all. */
void tree_skip(struct tree *tree, enum source_skip why, int error);
