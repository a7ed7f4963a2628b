/* The inside of a source: opened in source_open.c, read in source.c. */
#pragma once

#include <sys/stat.h>

#include "lib/extent.h"
#include "lib/filename.h"
#include "lib/source.h"
#include "lib/source_tree.h"

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
    struct stat status; /* as it was when it was opened */
    struct extent extent;
    uint64_t n_read; /* with what was before the start */
};

struct source {
    struct source_options options;
    struct item_offer offer;
    struct filename name;
    enum source_phase phase;
    int top; /* -1: the stream is the caller's */
    struct stat status;
    struct source_content content;
    uint64_t start;
    uint64_t left; /* of the bytes that were offered */
    struct tree tree;
    struct digest_state *records, *sum; /* of all records, of the content */
    struct digest digest;
    struct item_totals totals;
};

/* Closes the file of the entry that was under way. */
void source_close_content(struct source *source);

/* In nanoseconds since 1970, as far as these reach. */
int64_t source_nanoseconds(struct timespec time);
