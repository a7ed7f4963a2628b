#include "lib/reassembly.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"

void reassembly_deinit(struct reassembly *reassembly) {
    free(reassembly->buffer);
    *reassembly = (struct reassembly){0};
}

void reassembly_drop(struct reassembly *reassembly) {
    reassembly->active = false;
}

static struct bytes reassembly_copy(char **at, struct bytes source) {
    struct bytes result = {*at, source.n};
    memcpy(*at, source.data, source.n);
    *at += source.n;
    return result;
}

static int reassembly_grow(struct reassembly *reassembly, size_t n) {
    if (n <= reassembly->size)
        return 0;
    char *buffer = realloc(reassembly->buffer, n);
    if (!buffer)
        return -ENOMEM;
    reassembly->buffer = buffer;
    reassembly->size = n;
    return 0;
}

int reassembly_begin(struct reassembly *reassembly, const struct frame_message *first,
                     uint8_t flags, uint32_t request) {
    reassembly->active = false;
    int r = reassembly_grow(reassembly, first->from.n + first->to.n + first->total);
    if (r < 0)
        return r;
    char *at = reassembly->buffer;
    reassembly->message = *first;
    reassembly->message.from = reassembly_copy(&at, first->from);
    reassembly->message.to = reassembly_copy(&at, first->to);
    reassembly->message.body = reassembly_copy(&at, first->body);
    reassembly->request = request;
    reassembly->flags = flags;
    reassembly->active = true;
    return 0;
}

enum reassembly_outcome reassembly_add(struct reassembly *reassembly, const struct frame *part) {
    struct frame_message *message = &reassembly->message;
    struct bytes body = part->part.body;
    bool more = (part->flags & FRAME_MORE_PARTS) != 0;
    bool is_binary = (part->flags & FRAME_BINARY) != 0;
    if (!reassembly->active || body.n > message->total - message->body.n ||
        is_binary != body_is_binary(message->kind, message->body)) {
        reassembly->active = false;
        return REASSEMBLY_DROPPED;
    }
    memcpy(reassembly->buffer + message->from.n + message->to.n + message->body.n, body.data,
           body.n);
    message->body.n += body.n;
    if (more)
        return REASSEMBLY_MORE;
    reassembly->active = false;
    return message->body.n == message->total ? REASSEMBLY_WHOLE : REASSEMBLY_DROPPED;
}
