#include "base/uuid.h"

#include <uuid/uuid.h>

static void seed(struct uuid_source *source, int64_t ms) {
    struct uuid random = uuid_random();
    memcpy(&source->tail, random.b, sizeof source->tail);
    memcpy(&source->head, random.b + 8, sizeof source->head);
    source->tail &= UINT64_MAX >> 3; /* the top bit of 62 stays free for counting */
    source->last_ms = ms;
    source->seeded = true;
}

struct uuid uuid_next(struct uuid_source *source, wall_time now) {
    struct uuid id;
    if (!source->seeded)
        seed(source, now.ms);
    if (now.ms > source->last_ms) /* a clock that was set back keeps the last stamp */
        source->last_ms = now.ms;
    uint64_t tail = source->tail++;

    for (int i = 0; i < 6; i++)
        id.b[i] = (uint8_t)(source->last_ms >> (40 - 8 * i));
    id.b[6] = (uint8_t)(0x70 | ((source->head >> 8) & 0x0f));
    id.b[7] = (uint8_t)source->head;
    for (int i = 0; i < 8; i++)
        id.b[8 + i] = (uint8_t)(tail >> (56 - 8 * i));
    id.b[8] = (uint8_t)(0x80 | (id.b[8] & 0x3f));
    return id;
}

struct uuid uuid_random(void) {
    struct uuid id;
    uuid_generate_random(id.b);
    return id;
}

void uuid_format(const struct uuid *id, char text[UUID_TEXT_SIZE]) {
    uuid_unparse_lower(id->b, text);
}

bool uuid_from_text(struct uuid *id, const char *text) {
    return uuid_parse(text, id->b) == 0;
}
