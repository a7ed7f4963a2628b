/*
 * What is left out of a tree: found out when the tree is offered, and not told a second time when
 * it is handed over. The first LEFT_OUT_KEPT_MAX are kept by name; of the others it is counted how
 * many there are for which reason, and kept, as a digest of the path, that they were told like
 * that.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HASH_NONFATAL_OOM 1 /* what could not be added has no hh.tbl */
#include <uthash.h>

#include "files/source.h"

#define LEFT_OUT_KEPT_MAX 1000
#define LEFT_OUT_COUNTED_MAX 1000000 /* what is beyond is told once more when it is handed over */

struct left_out {
    enum source_skip why;
    int error;
    UT_hash_handle hh; /* hh.next: in the order in which they were found */
    char path[];       /* below the tree, raw */
};

/* Zeroed is empty. */
struct left_out_list {
    struct left_out *first;
    uint64_t n; /* with those that have no name */
    uint64_t n_unnamed[SKIP_END];
    uint64_t *unnamed; /* digests of their paths */
    size_t n_digests, size;
};

/* Out of memory it is one without a name. */
void left_out_add(struct left_out_list *list, const char *path, enum source_skip why, int error);

/* After the last left_out_add(), before the first left_out_has(). */
void left_out_sort(struct left_out_list *list);

/* Whether it is among them, with or without a name. */
bool left_out_has(const struct left_out_list *list, const char *path);

/* Whether both have the same; sorted. */
bool left_out_is_same(const struct left_out_list *a, const struct left_out_list *b);

void left_out_free(struct left_out_list *list);
