/*
 * Files, a tree and a stream of random content that are sent to somebody, and the judge of what has
 * come: diff(1) and cmp(1).
 */
#pragma once

#include <limits.h>
#include <stdbool.h>

#include "harness/stage.h"

enum goods_kind { SMALL, MIDDLE, LARGE, TREE, STREAM, N_KINDS };

struct goods_row {
    const char *source, *name; /* the file, and what it is called in the destination */
    long n_bytes;
};

extern const struct goods_row GOODS[N_KINDS];

struct goods {
    char sources[PATH_MAX / 2], target[PATH_MAX / 2]; /* directories */
};

/* Makes them, readable by one user, and a destination for the other. */
void goods_make(struct goods *goods, const struct stage *stage, uid_t from, uid_t to);

/* Empties the destination; `keep`: but for what can go on. */
void goods_clear(const struct goods *goods, bool keep);

/* How many bytes of it have been written; -1: nothing has begun. */
long goods_written(const struct goods *goods, enum goods_kind kind);

/* Whether the path is equal to what was sent; of a .part: is the beginning of it. */
bool goods_are_whole(const struct goods *goods, enum goods_kind kind, const char *path);
bool goods_are_begun(const struct goods *goods, enum goods_kind kind, const char *path);
