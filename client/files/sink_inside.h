/* The inside of a sink: opened in sink_open.c, fed in sink.c, written by sink_content.c. */
#pragma once

#include "files/sink.h"
#include "files/sink_part.h"
#include "files/sink_tree.h"

enum sink_state {
    SINK_AT_TOP,     /* the top entry comes first */
    SINK_AT_CONTENT, /* of the entry under way */
    SINK_AT_ENTRY,   /* entries of the tree, or the end */
    SINK_AT_END,     /* only the end may come */
    SINK_DONE,
    SINK_FAILED,
};

/* The file or stream that is being written. */
struct sink_content {
    int fd;       /* -1: none */
    bool is_pipe; /* or whatever the caller gave: written in order, holes as zeros */
    uint64_t position;
    uint64_t end;     /* where it must end; of a stream, how far it may go */
    uint64_t written; /* so long is the file, what is behind becomes a hole */
    uint64_t on_way;  /* up to here the kernel was asked to begin writing to the disk */
};

struct sink {
    struct sink_options options;
    struct item_offer offer;
    char *name; /* of the offer */
    enum sink_state state;
    bool is_spoiled; /* what is there is of no use */
    bool is_resumed, has_grown;
    mode_t allowed;
    struct part part;
    struct sink_prefix prefix;
    struct sink_tree tree;
    struct sink_content content;
    mode_t mode; /* of the entry under way */
    int64_t mtime_ns;
    mode_t top_mode;
    int64_t top_mtime_ns;
    uint64_t left; /* of the bytes that may come */
    uint64_t n_entries_left;
    struct digest_state *records, *sum; /* of all records, of the content */
    struct digest digest;
    struct item_totals totals;
};

/* The outcome that a failed call stands for; the error itself if it stands for none. */
int sink_outcome_of(int r);

/* Write, and count and sum up what was written. Return 0, -errno or an enum sink_outcome. */
int sink_write(struct sink *sink, const void *data, size_t n);
int sink_write_hole(struct sink *sink, uint64_t n);

/* A hole at the end of the file is made, too. */
int sink_write_end(struct sink *sink);
