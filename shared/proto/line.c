#include "proto/line.h"

bool line_from_message(const struct frame_message *message, struct frame_origin *origin,
                       struct frame_line *line) {
    if (message->kind != KIND_TEXT || message->total != message->body.n ||
        !uuid_is_nil(&message->reply_to))
        return false;
    /* One by one: as a whole it would be copied in pieces, and the id read across two of them. */
    line->seq = (uint16_t)(message->seq & LINE_LOW);
    line->at_ms = (uint16_t)(message->at_ms & LINE_LOW);
    line->id = message->id;
    line->text = message->body;
    *origin = (struct frame_origin){.uid = message->uid,
                                    .from = message->from,
                                    .to = message->to,
                                    .link = message->link,
                                    .seq = message->seq & ~LINE_LOW,
                                    .at_ms = message->at_ms & ~LINE_LOW};
    return true;
}

void line_to_message(const struct frame_origin *origin, const struct frame_line *line,
                     struct frame_message *message) {
    *message = (struct frame_message){.seq = line_seq(origin, line),
                                      .id = line->id,
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
    return (origin->seq & LINE_LOW) == 0 && (origin->at_ms & LINE_LOW) == 0;
}
