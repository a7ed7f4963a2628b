/*
 * What is left out of a tree: found out when the tree is offered, and not told a second time when
 * it is handed over. The first LEFT_OUT_KEPT_MAX are kept by name, others are counted.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define HASH_NONFATAL_OOM 1 /* what could not be added has no hh.tbl */
#include <uthash.h>

#include "lib/source.h"

#define LEFT_OUT_KEPT_MAX 1000

struct left_out {
    enum source_skip why;
    int error;
    UT_hash_handle hh; /* hh.next: in the order in which they were found */
    char path[];       /* below the tree, raw */
};

/* Zeroed is empty. */
struct left_out_list {
    struct left_out *first;
    uint64_t n, n_unnamed; /* n: with these */
};

/* Out of memory it is one without a name. */
void left_out_add(struct left_out_list *list, const char *path, enum source_skip why, int error);

/* True as well of what may be among those without a name. */
bool left_out_has(const struct left_out_list *list, const char *path);

void left_out_free(struct left_out_list *list);
