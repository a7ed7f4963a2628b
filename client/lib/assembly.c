#include "lib/assembly.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"

void assembly_deinit(struct assembly *assembly) {
    free(assembly->buffer);
    *assembly = (struct assembly){0};
}

void assembly_drop(struct assembly *assembly) {
    assembly->active = false;
}

static struct bytes assembly_copy(char **at, struct bytes source) {
    struct bytes result = {*at, source.n};
    memcpy(*at, source.data, source.n);
    *at += source.n;
    return result;
}

static int assembly_grow(struct assembly *assembly, size_t n) {
    if (n <= assembly->size)
        return 0;
    char *buffer = realloc(assembly->buffer, n);
    if (!buffer)
        return -ENOMEM;
    assembly->buffer = buffer;
    assembly->size = n;
    return 0;
}

int assembly_begin(struct assembly *assembly, const struct frame_message *first, uint8_t flags,
                   uint32_t request) {
    assembly->active = false;
    int r = assembly_grow(assembly, first->from.n + first->to.n + first->total);
    if (r < 0)
        return r;
    char *at = assembly->buffer;
    assembly->message = *first;
    assembly->message.from = assembly_copy(&at, first->from);
    assembly->message.to = assembly_copy(&at, first->to);
    assembly->message.body = assembly_copy(&at, first->body);
    assembly->request = request;
    assembly->flags = flags;
    assembly->active = true;
    return 0;
}

enum assembly_outcome assembly_add(struct assembly *assembly, const struct frame *part) {
    struct frame_message *message = &assembly->message;
    struct bytes body = part->part.body;
    bool more = (part->flags & FRAME_MORE_PARTS) != 0;
    if (!assembly->active || body.n > message->total - message->body.n) {
        assembly->active = false;
        return ASSEMBLY_DROPPED;
    }
    memcpy(assembly->buffer + message->from.n + message->to.n + message->body.n, body.data, body.n);
    message->body.n += body.n;
    if (more)
        return ASSEMBLY_MORE;
    assembly->active = false;
    return message->body.n == message->total ? ASSEMBLY_WHOLE : ASSEMBLY_DROPPED;
}
