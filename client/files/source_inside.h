/*
 * The inside of a source, for the two files that it is made of: source.c, which reads, and
 * source_scan.c, by which several read together.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "files/extent.h"
#include "files/filename.h"
#include "files/item.h"
#include "files/read_group.h"
#include "files/source.h"
#include "files/source_tree.h"

#define SOURCE_SMALL_BYTES (64 * 1024) /* of a tree; so much is read before it is told of */

enum source_phase {
    PHASE_TOP,     /* the top entry is next */
    PHASE_CONTENT, /* of the entry under way */
    PHASE_WALK,    /* the next entry of the tree */
    PHASE_END,     /* the last record */
    PHASE_DONE,
};

/* The file or stream that is being read. */
struct source_content {
    int fd; /* -1: none */
    bool is_stream;
    bool is_endless;       /* a file that is read until nothing comes */
    const uint8_t *memory; /* it was read already; then `n_read` goes on up to n_memory */
    size_t n_memory;
    struct stat status; /* as it was when it was opened */
    struct extent extent;
    uint64_t n_read; /* with what was before the start */
};

struct source {
    struct source_options options;
    struct item_offer offer;
    struct filename name;
    enum source_phase phase;
    int top; /* owned; -1: the stream is the caller's, or all is in memory */
    struct stat status;
    bool is_endless, is_fresh; /* is_fresh: the offer says what is there now */
    bool has_grown;            /* something that was read has grown meanwhile */
    struct source_content content;
    uint64_t start;
    struct read_group *group; /* of what others may take, too; NULL: it reads alone */
    enum read_use use;
    bool is_alone;              /* it does not ask others any more */
    struct read_member *member; /* while it reads together with others */
    struct read_chunk *filling; /* of a scan: what is being read */
    uint8_t *small;             /* SOURCE_SMALL_BYTES of a file in a tree, or NULL */
    struct tree tree;
    struct tree_memory found;           /* when it was opened */
    const struct tree_memory *known;    /* that of the source that was opened, perhaps our own */
    struct digest_state *records, *sum; /* of all records, of the content */
    struct digest digest;
    struct item_totals totals;
};

/* source_again() and source_next() of one that has no part in a group. */
int source_again_alone(struct source **source, const struct source *opened,
                       const struct source_options *options);
int source_next_alone(struct source *source, void *buffer, size_t capacity, struct item *item);

/* The offer gets the present size, mode and time of what is open. Returns 0 or -errno. */
int source_refresh(struct source *source);

/* Before the first item: joins others, if there may be any. Returns 0 or -errno. */
int source_join(struct source *source, size_t capacity);

/*
 * As source_next(), of one that has a member: the next of what all read. Without an item
 * (item->kind is 0) it goes on alone from here.
 */
int source_next_together(struct source *source, void *buffer, size_t capacity, struct item *item);
