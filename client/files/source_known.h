/*
 * Which files a tree had when it was offered, where others may put files into it: there only these
 * are handed over later, or what anybody may read. Else whoever can write to a directory that I
 * offer could move my private files into it, and take the offer. Where only I (or root) can write,
 * what is there was put there by me, and nothing is kept.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

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

#define SOURCE_KNOWN_MAX 1000000 /* others of such a tree are left out later */

/* Whether somebody else can put files into this directory. */
bool source_is_exposed(const struct stat *directory);

/*
 * Of `name` in the directory `fd`, itself if it is a link; name "": of what `fd` is open on.
 * `status` was asked for before. 0 or -errno.
 */
int source_identify(struct source_identity *id, int fd, const char *name,
                    const struct stat *status);

/* 0 or -ENOMEM. */
int source_known_add(struct source_known *known, const struct source_identity *id);

/* After the last source_known_add(), before the first source_known_has(). */
void source_known_sort(struct source_known *known);

bool source_known_has(const struct source_known *known, const struct source_identity *id);

void source_known_free(struct source_known *known);
