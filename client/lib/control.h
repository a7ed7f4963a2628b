/*
 * Frames that need no acknowledgement (requests, receipts, READY), in order, each behind the
 * message that was sent before it: it waits until the pending messages are handed out up to its
 * position. A lost hub takes them all away.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "proto/frame.h"

#define CONTROL_BYTES_MAX (32 * 1024)
#define CONTROL_FRAME_MAX 2048 /* the longest frame of this kind */

struct control {
    uint8_t *bytes; /* records: u64 position, the frame */
    size_t head, tail;
};

/* 0 or -ENOMEM. deinit is safe on the zero state. */
int control_init(struct control *control);
void control_deinit(struct control *control);
void control_clear(struct control *control);

/* False: no room. */
bool control_append(struct control *control, uint64_t position, const struct frame *frame);

/* The oldest frame if its position is not behind `position`. */
bool control_next(const struct control *control, uint64_t position, struct bytes *frame);
void control_advance(struct control *control, size_t n);

static inline bool control_is_empty(const struct control *control) {
    return control->head == control->tail;
}

/* Whether one more frame fits for certain. */
static inline bool control_has_room(const struct control *control) {
    return CONTROL_BYTES_MAX - (control->tail - control->head) >= CONTROL_FRAME_MAX;
}
