#include "proto/line.h"

#include "base/macro.h"

#define LOW UINT64_C(0xffff)

/* Where the low bits are in an id. */
#define STAMP_AT 4
#define COUNT_AT 14

static uint16_t take_two(const struct uuid *id, unsigned at) {
    return (uint16_t)(id->b[at] << 8 | id->b[at + 1]);
}

static void put_two(struct uuid *id, unsigned at, uint16_t two) {
    id->b[at] = (uint8_t)(two >> 8);
    id->b[at + 1] = (uint8_t)two;
}

bool line_from_message(const struct frame_message *message, struct frame_origin *origin,
                       struct frame_line *line) {
    if (message->kind != KIND_TEXT || message->total != message->body.n ||
        !uuid_is_nil(&message->reply_to))
        return false;
    *line = (struct frame_line){.seq = (uint16_t)(message->seq & LOW),
                                .at_ms = (uint16_t)(message->at_ms & LOW),
                                .stamp = take_two(&message->id, STAMP_AT),
                                .count = take_two(&message->id, COUNT_AT),
                                .text = message->body};
    *origin = (struct frame_origin){.uid = message->uid,
                                    .from = message->from,
                                    .to = message->to,
                                    .link = message->link,
                                    .seq = message->seq & ~LOW,
                                    .at_ms = message->at_ms & ~LOW,
                                    .id = message->id};
    put_two(&origin->id, STAMP_AT, 0);
    put_two(&origin->id, COUNT_AT, 0);
    return true;
}

struct uuid line_id(const struct frame_origin *origin, const struct frame_line *line) {
    struct uuid id = origin->id;
    put_two(&id, STAMP_AT, line->stamp);
    put_two(&id, COUNT_AT, line->count);
    return id;
}

void line_to_message(const struct frame_origin *origin, const struct frame_line *line,
                     struct frame_message *message) {
    *message = (struct frame_message){.seq = line_seq(origin, line),
                                      .id = line_id(origin, line),
                                      .at_ms = origin->at_ms | line->at_ms,
                                      .kind = KIND_TEXT,
                                      .uid = origin->uid,
                                      .from = origin->from,
                                      .to = origin->to,
                                      .link = origin->link,
                                      .total = (uint32_t)line->text.n,
                                      .body = line->text};
}

bool line_origin_is_valid(const struct frame_origin *origin) {
    return (origin->seq & LOW) == 0 && (origin->at_ms & LOW) == 0 &&
           take_two(&origin->id, STAMP_AT) == 0 && take_two(&origin->id, COUNT_AT) == 0;
}
