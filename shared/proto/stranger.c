#include "proto/stranger.h"

#include <string.h>

/* The fields of the one frame of a batch, if it is of this type and without a session. */
static bool fields_of(const void *batch, size_t n, enum frame_type type, struct cursor_in *fields) {
    struct cursor_in in = cursor_in_of(batch, n);
    cursor_take_u32(&in); /* version, flags, n_frames */
    uint64_t session = cursor_take_u64(&in);
    size_t left = cursor_in_left(&in);
    uint16_t length = cursor_take_u16(&in);
    uint8_t found = cursor_take_u8(&in);
    cursor_take_u8(&in); /* flags */
    if (in.bad || session != 0 || found != type || length < FRAME_HEADER_BYTES || length > left)
        return false;
    *fields = cursor_in_of(in.at, (size_t)length - FRAME_HEADER_BYTES);
    return true;
}

static bool take_id(struct cursor_in *in, struct uuid *id) {
    const uint8_t *bytes = cursor_take(in, sizeof id->b);
    if (bytes)
        memcpy(id->b, bytes, sizeof id->b);
    return bytes != NULL;
}

bool stranger_hello(const void *batch, size_t n, struct frame_hello *hello) {
    struct cursor_in in;
    if (!fields_of(batch, n, FRAME_HELLO, &in))
        return false;
    *hello = (struct frame_hello){.version = cursor_take_u16(&in), .mailbox = cursor_take_u32(&in)};
    return take_id(&in, &hello->nonce) && hello->version != PROTO_VERSION;
}

bool stranger_nonce(const void *batch, size_t n, struct uuid *nonce) {
    struct cursor_in in;
    return fields_of(batch, n, FRAME_NONCE, &in) && take_id(&in, nonce);
}
