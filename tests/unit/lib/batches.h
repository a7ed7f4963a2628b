/* Batches as the hub sends them, frame by frame. */
#pragma once

#include <criterion/criterion.h>
#include <stdlib.h>

#include "lib/link.h"

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
