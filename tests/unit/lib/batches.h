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
    link->place.counts = true;
    place_begin(&link->place, seq);
    return link;
}

static inline void link_free(struct earshot *link) {
    inbox_deinit(&link->inbox);
    assembly_deinit(&link->assembly);
    event_store_deinit(&link->store);
    free(link->current);
    free(link->spare);
    free(link);
}

static inline struct batch *batch_new(uint64_t session) {
    struct batch *batch = calloc(1, sizeof *batch);
    cr_assert_not_null(batch);
    batch->session = session;
    return batch;
}

static inline void batch_put(struct batch *batch, const struct frame *frame) {
    struct cursor_out out =
        cursor_out_of(batch->message.data + batch->n, sizeof batch->message.data - batch->n);
    cr_assert(frame_put(&out, frame));
    batch->n += cursor_out_used(&out);
    batch->n_frames++;
    batch->in = cursor_in_of(batch->message.data, batch->n);
}
