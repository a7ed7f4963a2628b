/* Encoding to a buffer, spoiling it there, and decoding from one of exactly that size. */
#pragma once

#include <criterion/criterion.h>
#include <stdlib.h>

#include "harness/sample.h"
#include "proto/frame.h"

#define EACH_TYPE(type) for (unsigned type = 1; type < FRAME_TYPE_END; type++)
#define EACH_SIZE(size) for (enum sample_size size = SAMPLE_LEAST; size < SAMPLE_SIZE_END; size++)

static uint8_t wire[UINT16_MAX + 1];

static inline enum frame_from any_sender(unsigned type) {
    return (enum frame_from)frame_row(type)->from;
}

/* Encodes into `wire`; returns its bytes. */
static inline size_t encode(const struct frame *frame) {
    struct cursor_out out = cursor_out_of(wire, sizeof wire);
    cr_assert(frame_put(&out, frame));
    return cursor_out_used(&out);
}

static inline size_t encode_sample(unsigned type, enum sample_size size) {
    struct frame frame = sample_frame(type, size);
    return encode(&frame);
}

static inline void set_length(size_t n) {
    uint16_t length = (uint16_t)n;
    memcpy(wire, &length, sizeof length);
}

/* Decodes the first n bytes of `wire` from a buffer of exactly that size. */
static inline enum frame_outcome decode(size_t n, enum frame_from from) {
    uint8_t *exact = malloc(n + (n == 0));
    memcpy(exact, wire, n);
    struct cursor_in in = cursor_in_of(exact, n);
    struct frame frame;
    enum frame_outcome outcome = frame_take(&in, &frame, from);
    free(exact);
    return outcome;
}

static inline enum frame_outcome decode_any(size_t n) {
    return decode(n, (enum frame_from)(FROM_STRANGER | FROM_CLIENT | FROM_HUB | FROM_SELF));
}

/* Whether a frame survives the wire as it is, or is refused as a whole. */
static inline enum frame_outcome pass(const struct frame *frame) {
    return decode_any(encode(frame));
}
