/* Records as frames: what a session gets, now, late or as an answer. */

#include "base/error.h"
#include "base/text.h"
#include "core/internal.h"

struct handle *handle_of_number(const struct core *core, uint32_t number) {
    struct handle *handle;
    HASH_FIND(hh_number, core->handles_by_number, &number, sizeof number, handle);
    return handle;
}

struct room *room_of_number(const struct core *core, uint32_t number) {
    struct room *room;
    HASH_FIND(hh_number, core->rooms_by_number, &number, sizeof number, room);
    return room;
}

struct bytes encode(const struct frame *frame) {
    static _Thread_local uint8_t scratch[BATCH_BYTES_MAX];
    struct cursor_out out = cursor_out_of(scratch, sizeof scratch);
    bool fits = frame_put(&out, frame);
    assert(fits);
    return (struct bytes){(const char *)scratch, cursor_out_used(&out)};
}

/* Room for the parts of the longest text. */
#define ENCODED_MAX (MESSAGE_TEXT_MAX + (size_t)64 * (BATCH_BYTES_MIN))

static size_t part_bytes(const struct core *core) {
    return core->config.batch - ENVELOPE_BYTES - FRAME_TEXT_RESERVE;
}

static bool put_parts(const struct core *core, struct cursor_out *out, struct bytes rest) {
    bool fits = true;
    while (rest.n > 0 && fits) {
        size_t part = text_cut(rest, part_bytes(core));
        struct frame frame = {.type = FRAME_PART,
                              .flags = part < rest.n ? FRAME_MORE_PARTS : 0,
                              .part = {{rest.data, part}}};
        fits = frame_put(out, &frame);
        rest = (struct bytes){rest.data + part, rest.n - part};
    }
    return fits;
}

static struct bytes name_of_sender(const struct core *core, const struct record *record) {
    const struct handle *from = handle_of_number(core, record->from);
    return from ? name_bytes(&from->name) : (struct bytes){0};
}

static struct bytes name_of_target(const struct core *core, const struct record *record) {
    if (conv_is_room(record->conv)) {
        const struct room *room = room_of_number(core, record->to);
        return room ? name_bytes(&room->name) : (struct bytes){0};
    }
    const struct handle *to = handle_of_number(core, record->to);
    return to ? name_bytes(&to->name) : (struct bytes){0};
}

/* Everything that MESSAGE and PAST have in common. */
#define FILL_COMMON(fields, record, from_name, to_name, first_part)                                \
    (fields)->seq = (record)->seq, (fields)->id = (record)->id,                                    \
    (fields)->at_ms = (uint64_t)(record)->at_ms, (fields)->kind = (record)->kind,                  \
    (fields)->uid = (record)->uid, (fields)->from = (from_name), (fields)->to = (to_name),         \
    (fields)->reply_to = (record)->reply_to, (fields)->total = (uint32_t)(record)->text.n,         \
    (fields)->body = (struct bytes) {                                                              \
        (record)->text.data, first_part                                                            \
    }

bool encode_record(const struct core *core, const struct record *record, uint8_t flags,
                   const uint32_t *request, struct encoded *encoded) {
    static _Thread_local uint8_t scratch[ENCODED_MAX];
    struct cursor_out out = cursor_out_of(scratch, sizeof scratch);
    size_t part = text_cut(record->text, part_bytes(core));
    struct bytes from = name_of_sender(core, record), to = name_of_target(core, record);
    struct frame frame = {.flags =
                              (uint8_t)(flags | (part < record->text.n ? FRAME_MORE_PARTS : 0))};
    if (from.n == 0 || to.n == 0)
        return false;
    if (request) {
        frame.type = FRAME_PAST;
        frame.past.request = *request;
        FILL_COMMON(&frame.past, record, from, to, part);
    } else {
        frame.type = FRAME_MESSAGE;
        frame.message.link = record->link;
        FILL_COMMON(&frame.message, record, from, to, part);
    }
    bool fits =
        frame_put(&out, &frame) &&
        put_parts(core, &out, (struct bytes){record->text.data + part, record->text.n - part});
    assert(fits);
    *encoded = (struct encoded){.frames = scratch, .n = cursor_out_used(&out)};
    return fits;
}
