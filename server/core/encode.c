/* Records as frames: what a session gets, now, late or as an answer. */

#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "core/internal.h"
#include "core/past/react.h"
#include "core/past/reacted.h"
#include "proto/line.h"
#include "proto/mend.h"

struct bytes encode(const struct frame *frame) {
    static _Thread_local uint8_t scratch[BATCH_BYTES_MAX];
    struct cursor_out out = cursor_out_of(scratch, sizeof scratch);
    bool fits = frame_put(&out, frame);
    assert(fits);
    return (struct bytes){(const char *)scratch, cursor_out_used(&out)};
}

static size_t part_bytes(const struct core *core) {
    return core->config.batch - ENVELOPE_BYTES - FRAME_TEXT_RESERVE;
}

static bool put_parts(const struct core *core, struct cursor_out *out, struct bytes rest,
                      uint8_t flags) {
    bool fits = true;
    while (rest.n > 0 && fits) {
        size_t part = text_cut(rest, part_bytes(core));
        struct frame frame = {.type = FRAME_PART,
                              .flags = flags | (part < rest.n ? FRAME_MORE_PARTS : 0),
                              .part = {{rest.data, part}}};
        fits = frame_put(out, &frame);
        rest = (struct bytes){rest.data + part, rest.n - part};
    }
    return fits;
}

/* Everything that MESSAGE and PAST have in common. */
#define FILL_COMMON(fields, record, names, first_part)                                             \
    (fields)->seq = (record)->seq, (fields)->id = (record)->id,                                    \
    (fields)->at_ms = (uint64_t)(record)->at_ms, (fields)->kind = (record)->kind,                  \
    (fields)->uid = (record)->uid, (fields)->from = (names)->from, (fields)->to = (names)->to,     \
    (fields)->reply_to = (record)->reply_to, (fields)->total = (uint32_t)(record)->text.n,         \
    (fields)->body = (struct bytes) {                                                              \
        (record)->text.data, first_part                                                            \
    }

static size_t first_part_of(const struct core *core, const struct record *record) {
    return text_cut(record->text, part_bytes(core));
}

/*
 * Frames are written behind those of the run that is not closed yet: where this message goes on
 * with it, it stands where it belongs, and need not be copied.
 */
static uint8_t *encode_begin(const struct core *core) {
    return core->frames + (core->run.sender ? core->run.n : 0);
}

/* The frame, which holds the first part of the text, and the other parts; behind n bytes of others.
 */
static void put_behind(const struct core *core, size_t n_before, const struct record *record,
                       struct frame *frame, size_t first_part, enum encoded_what what,
                       struct encoded *encoded) {
    uint8_t *frames = encode_begin(core);
    struct cursor_out out = cursor_out_of(frames + n_before, ENCODED_MAX - n_before);
    struct bytes rest = {record->text.data + first_part, record->text.n - first_part};
    uint8_t flags = body_is_binary(record->kind, record->text) ? FRAME_BINARY : 0;
    if (rest.n > 0)
        frame->flags |= FRAME_MORE_PARTS;
    bool fits = frame_put(&out, frame) && put_parts(core, &out, rest, flags);
    assert(fits);
    *encoded =
        (struct encoded){.frames = frames, .n = n_before + cursor_out_used(&out), .what = what};
}

static void put_all(const struct core *core, const struct record *record, struct frame *frame,
                    size_t first_part, enum encoded_what what, struct encoded *encoded) {
    put_behind(core, 0, record, frame, first_part, what, encoded);
}

/* Behind the frames: what is made of a text for one session. */
static char *encode_scratch(const struct core *core) {
    return (char *)core->frames + BATCH_BYTES_MAX + ENCODED_MAX;
}

/* A reply with its line before the text. */
static struct record record_with_answer(const struct core *core, const struct record *record) {
    struct record answer = *record;
    char *scratch = encode_scratch(core);
    if (!record_has_answer(record))
        return answer;
    size_t n = answer_put(scratch, &(struct answer){record->n, record->thread});
    if (record->text.n > 0)
        memcpy(scratch + n, record->text.data, record->text.n);
    answer.text = (struct bytes){scratch, n + record->text.n};
    answer.kind |= KIND_ANSWER;
    return answer;
}

static void fill_message(const struct core *core, const struct record *record,
                         const struct names *names, struct frame_message *message) {
    *message = (struct frame_message){.link = record->link};
    FILL_COMMON(message, record, names, first_part_of(core, record));
}

void encode_message(const struct core *core, const struct record *record, const struct names *names,
                    uint8_t flags, struct encoded *encoded) {
    struct frame_message message;
    struct frame frame, origin;
    struct record whole = record_with_answer(core, record);
    fill_message(core, &whole, names, &message);
    frame.flags = flags;
    if (line_from_message(&message, &origin.origin, &frame.line)) {
        frame.type = FRAME_LINE;
        put_all(core, &whole, &frame, message.body.n, ENCODED_MESSAGE, encoded);
        origin.type = FRAME_ORIGIN;
        origin.flags = 0;
        struct bytes bytes = encode(&origin);
        encoded->origin = bytes.data;
        encoded->n_origin = bytes.n;
    } else {
        frame.type = FRAME_MESSAGE;
        frame.message = message;
        put_all(core, &whole, &frame, message.body.n, ENCODED_MESSAGE, encoded);
    }
    encoded->needs = encoded_needs(record);
}

size_t encode_line(const struct core *core, const struct record *record, uint8_t *at, size_t n) {
    struct cursor_out out = cursor_out_of(at, n);
    struct frame frame;
    if (record->kind != KIND_TEXT || record->text.n > part_bytes(core) ||
        !uuid_is_nil(&record->reply_to))
        return 0;
    frame.type = FRAME_LINE;
    frame.flags = record->flags;
    frame.line.seq = (uint16_t)(record->seq & LINE_LOW);
    frame.line.at_ms = (uint16_t)((uint64_t)record->at_ms & LINE_LOW);
    frame.line.id = record->id;
    frame.line.text = record->text;
    return frame_put(&out, &frame) ? cursor_out_used(&out) : 0;
}

/* What was mended is told as a notice to who does not know of that. */
static struct record encode_notice(const struct core *core, const struct record *record,
                                   const char *what, struct bytes text) {
    char *scratch = encode_scratch(core);
    size_t n = strlen(what);
    struct record notice = *record;
    notice.kind = KIND_NOTICE;
    memcpy(scratch, what, n);
    text.n = text_cut(text, MESSAGE_TEXT_MAX - n);
    if (text.n > 0)
        memcpy(scratch + n, text.data, text.n);
    notice.text = (struct bytes){scratch, n + text.n};
    return notice;
}

static struct record mend_as_notice(const struct core *core, const struct record *record) {
    struct mend_removal removal;
    if (record->kind != KIND_REMOVE)
        return encode_notice(core, record, "edited: ", record->text);
    if (!mend_removal_take(&removal, record->text) || removal.reason.n == 0)
        return encode_notice(core, record, "removed a message", bytes_of(""));
    return encode_notice(core, record, "removed a message: ", removal.reason);
}

/* Of the past: that it is not what it was. */
static struct record record_with_mark(const struct core *core, const struct record *record,
                                      unsigned abilities) {
    const struct handle *by = handle_of_number(core, (uint32_t)record->link);
    struct bytes name = by ? name_bytes(&by->name) : bytes_of("somebody");
    struct record marked = *record;
    if (!(record->flags & RECORD_REMOVED)) {
        marked.kind |= abilities & ABILITY_MENDS ? KIND_EDITED : 0;
        return marked;
    }
    if (!(abilities & ABILITY_MENDS))
        return encode_notice(core, record, "removed by ", name);
    marked.kind = KIND_TEXT | KIND_REMOVED;
    marked.text = name;
    return marked;
}

/* What is no text is base64 for who reads nothing else, and a head is text. */
static struct record record_for(const struct core *core, const struct record *record,
                                unsigned abilities) {
    struct record text = *record;
    if (mend_is(record->kind) && !(abilities & ABILITY_MENDS))
        return mend_as_notice(core, record);
    if (!(abilities & ABILITY_HEADS))
        text.kind &= (uint8_t)~KIND_HEADED;
    if (abilities & ABILITY_FILES)
        return text;
    char *base64 = encode_scratch(core);
    if (body_is_binary(record->kind, record->text)) {
        assert(record->text.n <= FILE_BODY_MAX); /* body_is_valid() */
        text.text = (struct bytes){base64, base64_encode(base64, record->text)};
    }
    return text;
}

void encode_old_message(const struct core *core, const struct record *record,
                        const struct names *names, uint8_t flags, struct encoded *encoded) {
    struct frame frame = {.type = FRAME_MESSAGE, .flags = flags};
    struct record text = record_for(core, record, 0);
    fill_message(core, &text, names, &frame.message);
    put_all(core, &text, &frame, frame.message.body.n, ENCODED_MESSAGE, encoded);
}

static size_t reaction_names(const struct core *core, const struct reacted_kind *kind,
                             char names[REACTION_COUNT_MAX]) {
    size_t n = 0;
    for (unsigned i = 0; i < kind->n && i < REACTION_NAMES_MAX; i++) {
        const struct handle *handle = handle_of_number(core, kind->handles[i]);
        if (!handle)
            continue;
        if (n > 0)
            names[n++] = ' ';
        memcpy(names + n, handle->name.s, handle->name.n);
        n += handle->name.n;
    }
    return n;
}

/* A PAST for each emoji of the message, before that of the message. Returns their bytes. */
static size_t put_reactions(const struct core *core, const struct record *record,
                            const struct names *names, uint32_t request) {
    struct cursor_out out = cursor_out_of(encode_begin(core), ENCODED_MAX);
    struct bytes text = react_text(core, record);
    struct reacted_kind kinds[REACTION_KINDS_MAX];
    size_t n_kinds = text.n > 0 ? reacted_gather(text, kinds) : 0;
    char body[REACTION_COUNT_MAX], handles[REACTION_COUNT_MAX];
    for (size_t i = 0; i < n_kinds; i++) {
        struct reaction_count count = {kinds[i].n, kinds[i].emoji, {handles, 0}};
        if (!emoji_is_valid(count.emoji)) /* a damaged store */
            continue;
        count.names.n = reaction_names(core, &kinds[i], handles);
        struct record as = *record;
        as.kind = KIND_REACT;
        as.reply_to = (struct uuid){{0}};
        size_t n = reaction_count_put(body, &count);
        as.text = (struct bytes){body, n};
        struct frame past = {.type = FRAME_PAST};
        FILL_COMMON(&past.past, &as, names, as.text.n);
        past.past.request = request;
        bool fits = frame_put(&out, &past);
        assert(fits);
    }
    return cursor_out_used(&out);
}

void encode_past(const struct core *core, const struct record *record, const struct names *names,
                 uint32_t request, unsigned abilities, struct encoded *encoded) {
    size_t n_before = abilities & ABILITY_REACTS ? put_reactions(core, record, names, request) : 0;
    struct frame past = {.type = FRAME_PAST};
    struct record as = record->flags & (RECORD_EDITED | RECORD_REMOVED)
                           ? record_with_mark(core, record, abilities)
                           : *record;
    if (!(record->flags & RECORD_REMOVED))
        as = record_for(core, &as, abilities);
    if (!(record->flags & RECORD_REMOVED) && (abilities & ABILITY_ANSWERS))
        as = record_with_answer(core, &as);
    size_t part = first_part_of(core, &as);
    FILL_COMMON(&past.past, &as, names, part);
    past.past.request = request;
    put_behind(core, n_before, &as, &past, part, ENCODED_ANSWER, encoded);
}
