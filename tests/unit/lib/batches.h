/* A link without a hub, and batches as one sends them, frame by frame. */
#pragma once

#include <criterion/criterion.h>
#include <stdlib.h>

#include "lib/link.h"

#define SESSION 77

/* Has joined, and had everything up to `seq`. */
static inline struct earshot *link_new(uint64_t seq) {
    struct earshot *link = calloc(1, sizeof *link);
    cr_assert_not_null(link);
    link->session = SESSION;
    link->bookmark.counts = true;
    bookmark_begin(&link->bookmark, seq);
    return link;
}

static inline void link_free(struct earshot *link) {
    inbox_deinit(&link->inbox);
    reassembly_deinit(&link->reassembly);
    event_store_deinit(&link->store);
    free(link->current);
    free(link->spare);
    free(link);
}

static inline struct inbox_batch *batch_new(uint64_t session) {
    struct inbox_batch *batch = calloc(1, sizeof *batch);
    cr_assert_not_null(batch);
    batch->session = session;
    return batch;
}

static inline void batch_put(struct inbox_batch *batch, const struct frame *frame) {
    struct cursor_out out =
        cursor_out_of(batch->message.data + batch->n, sizeof batch->message.data - batch->n);
    cr_assert(frame_put(&out, frame));
    batch->n += cursor_out_used(&out);
    batch->n_frames++;
    batch->in = cursor_in_of(batch->message.data, batch->n);
}
