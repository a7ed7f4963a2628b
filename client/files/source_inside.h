/* The inside of a source: opened in source_open.c, read in source.c. */
#pragma once

#include <sys/stat.h>

#include "files/extent.h"
#include "files/filename.h"
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
    uint8_t *small; /* SOURCE_SMALL_BYTES of a file in a tree, or NULL */
    struct tree tree;
    struct tree_memory found;           /* when it was opened */
    const struct tree_memory *known;    /* that of the source that was opened, perhaps our own */
    struct digest_state *records, *sum; /* of all records, of the content */
    struct digest digest;
    struct item_totals totals;
};

/* Closes the file of the entry that was under way. */
void source_close_content(struct source *source);

/* The offer gets the present size, mode and time of what is open. 0 or -errno. */
int source_refresh(struct source *source);
