#include "lib/control.h"

#include <stdlib.h>

#include "base/error.h"

int control_init(struct control *control) {
    *control = (struct control){.bytes = malloc(CONTROL_BYTES_MAX)};
    return control->bytes ? 0 : -ENOMEM;
}

void control_deinit(struct control *control) {
    free(control->bytes);
    *control = (struct control){0};
}

void control_clear(struct control *control) {
    control->head = control->tail = 0;
}

bool control_append(struct control *control, uint64_t position, const struct frame *frame) {
    if (control->head > 0 && CONTROL_BYTES_MAX - control->tail < CONTROL_FRAME_MAX) {
        memmove(control->bytes, control->bytes + control->head, control->tail - control->head);
        control->tail -= control->head;
        control->head = 0;
    }
    struct cursor_out out =
        cursor_out_of(control->bytes + control->tail, CONTROL_BYTES_MAX - control->tail);
    cursor_put_u64(&out, position);
    if (out.bad || !frame_put(&out, frame))
        return false;
    control->tail += cursor_out_used(&out);
    return true;
}

bool control_next(const struct control *control, uint64_t position, struct bytes *frame) {
    if (control_is_empty(control))
        return false;
    const uint8_t *record = control->bytes + control->head;
    uint64_t own;
    uint16_t length;
    memcpy(&own, record, sizeof own);
    memcpy(&length, record + sizeof own, sizeof length);
    *frame = (struct bytes){(const char *)record + sizeof own, length};
    return own <= position;
}

void control_advance(struct control *control, size_t n) {
    control->head += sizeof(uint64_t) + n;
    if (control_is_empty(control))
        control_clear(control);
}
