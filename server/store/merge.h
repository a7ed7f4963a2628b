/*
 * The conversations of a view as one, in the order of their messages: a merge of the index of
 * conversations, each of which is known by its next message. Up from a message, or down from one.
 */
#pragma once

#include "store/inside.h"

struct merge_source {
    conv_number conv;
    uint64_t floor; /* visible after this one */
    uint64_t head;  /* the next message; 0: there is none */
};

struct merge {
    struct connection *connection;
    bool down;
    uint64_t end; /* only messages before this one */
    struct merge_source *sources;
    size_t n, size;
};

struct merge_range {
    conv_number conv;   /* 0: all of the view */
    bool down;          /* the newest first */
    uint64_t after;     /* the messages after this one; 0: all */
    uint64_t before;    /* the messages before this one; UINT64_MAX: all */
    bool ignore_afters; /* of the view */
};

int merge_open(struct merge *merge, struct connection *connection, const struct store_view *view,
               const struct merge_range *range);
void merge_close(struct merge *merge); /* safe on the zero state */

/*
 * The next messages, all of one conversation: those after `after` and before `before` (exclusive),
 * with nothing of another between them. False: there are none left.
 */
struct merge_run {
    struct merge_source *source;
    uint64_t after, before;
};

bool merge_next(const struct merge *merge, struct merge_run *run);
/* The run has been read; finds out what comes next in its conversation. */
int merge_passed(struct merge *merge, const struct merge_run *run);
/* Down only: goes on with what is before that message, in every conversation. */
int merge_seek(struct merge *merge, uint64_t before);
