/*
 * Cursors over a bounded buffer. A read or write that does not fit marks the cursor as bad, moves
 * nothing, and yields zero; every later one does the same. So a decoder reads all its fields and
 * asks once, at the end. Numbers are in the machine's byte order: both ends are on one host.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/bytes.h"

struct cursor_in {
    const uint8_t *at;
    const uint8_t *end;
    bool bad;
};

struct cursor_out {
    uint8_t *start;
    uint8_t *at;
    uint8_t *end;
    bool bad;
};

static inline struct cursor_in cursor_in_of(const void *data, size_t n) {
    return (struct cursor_in){.at = data, .end = (const uint8_t *)data + n};
}

static inline struct cursor_out cursor_out_of(void *data, size_t n) {
    return (struct cursor_out){.start = data, .at = data, .end = (uint8_t *)data + n};
}

static inline size_t cursor_in_left(const struct cursor_in *in) {
    return (size_t)(in->end - in->at);
}

static inline size_t cursor_out_left(const struct cursor_out *out) {
    return (size_t)(out->end - out->at);
}

static inline size_t cursor_out_used(const struct cursor_out *out) {
    return (size_t)(out->at - out->start);
}

/* The next n bytes, in place; NULL when there are fewer. */
static inline const uint8_t *cursor_take(struct cursor_in *in, size_t n) {
    if (in->bad || cursor_in_left(in) < n) {
        in->bad = true;
        return NULL;
    }
    const uint8_t *bytes = in->at;
    in->at += n;
    return bytes;
}

static inline void cursor_put(struct cursor_out *out, const void *data, size_t n) {
    if (out->bad || cursor_out_left(out) < n) {
        out->bad = true;
        return;
    }
    if (n > 0)
        memcpy(out->at, data, n);
    out->at += n;
}

#define CURSOR_NUMBER(type, name)                                                                  \
    static inline type cursor_take_##name(struct cursor_in *in) {                                  \
        type value = 0;                                                                            \
        const uint8_t *bytes = cursor_take(in, sizeof value);                                      \
        if (bytes)                                                                                 \
            memcpy(&value, bytes, sizeof value);                                                   \
        return value;                                                                              \
    }                                                                                              \
    static inline void cursor_put_##name(struct cursor_out *out, type value) {                     \
        cursor_put(out, &value, sizeof value);                                                     \
    }

CURSOR_NUMBER(uint8_t, u8)
CURSOR_NUMBER(uint16_t, u16)
CURSOR_NUMBER(uint32_t, u32)
CURSOR_NUMBER(uint64_t, u64)
