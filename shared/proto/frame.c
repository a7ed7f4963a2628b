#include "proto/frame.h"

#include <stddef.h>

#include "base/macro.h"
#include "base/text.h"
#include "proto/line.h"
#include "proto/mend.h"
#include "proto/reaction.h"

/* Fields: read. Each marks the cursor as bad when the value is out of its bounds. */

static struct bytes take_text(struct cursor_in *in, size_t n) {
    const uint8_t *data = cursor_take(in, n);
    struct bytes text = {(const char *)data, data ? n : 0};
    if (data && !text_is_valid(text))
        in->bad = true;
    return text;
}

static void take_id(struct cursor_in *in, struct uuid *id) {
    const uint8_t *data = cursor_take(in, sizeof id->b);
    if (data)
        memcpy(id->b, data, sizeof id->b);
}

static void take_opt_id(struct cursor_in *in, struct uuid *id) {
    uint8_t present = cursor_take_u8(in);
    memset(id, 0, sizeof *id);
    if (present == 1)
        take_id(in, id);
    if (present > 1 || (present == 1 && uuid_is_nil(id)))
        in->bad = true;
}

static void take_name(struct cursor_in *in, struct bytes *name) {
    uint8_t n = cursor_take_u8(in);
    *name = take_text(in, n);
    if (n == 0 || n > 128)
        in->bad = true;
}

static void take_label(struct cursor_in *in, struct bytes *label) {
    *label = take_text(in, cursor_take_u8(in));
}

static void take_body(struct cursor_in *in, struct bytes *text) {
    *text = take_text(in, cursor_take_u16(in));
}

static void take_rest(struct cursor_in *in, struct bytes *text) {
    *text = take_text(in, cursor_in_left(in));
}

/* Any bytes; whether it must be text is found out when the whole frame is known. */
static void take_bytes(struct cursor_in *in, size_t n, struct bytes *bytes) {
    const uint8_t *data = cursor_take(in, n);
    *bytes = (struct bytes){(const char *)data, data ? n : 0};
}

static void take_pids(struct cursor_in *in, struct bytes *pids) {
    take_bytes(in, (size_t)cursor_take_u16(in) * sizeof(uint32_t), pids);
}

/* What every kind of signal is on the wire. */
struct signal_wire {
    uint64_t first, second;
    struct uuid id;
    struct bytes reason;
};

/* The number of an attempt stands in the first half of an id. */
static uint64_t attempt_of_id(const struct uuid *id) {
    uint64_t halves[2];
    memcpy(halves, id->b, sizeof halves);
    return halves[1] == 0 ? halves[0] : 0;
}

static struct uuid id_of_attempt(uint64_t attempt) {
    struct uuid id = {{0}};
    memcpy(id.b, &attempt, sizeof attempt);
    return id;
}

/* Bytes with a nil digest count as none: the sender begins anew. */
static uint64_t n_of_digest(uint64_t n, const struct uuid *digest) {
    return uuid_is_nil(digest) ? 0 : n;
}

static bool signal_read_attach(struct signal *signal, const struct signal_wire *wire) {
    signal->attach = (struct signal_attach){.shmid = (uint32_t)wire->first,
                                            .n_slots = (uint32_t)(wire->second >> 32),
                                            .slot_bytes = (uint32_t)wire->second,
                                            .attempt = attempt_of_id(&wire->id)};
    return wire->first <= INT32_MAX && wire->reason.n == 0 &&
           (signal->attach.attempt > 0 || uuid_is_nil(&wire->id));
}

static bool signal_read(struct signal *signal, const struct signal_wire *wire) {
    switch (signal->what) {
    case SIGNAL_ACCEPT: /* a digest may be nil by chance, or because a sender wants it to be */
        signal->accept =
            (struct signal_accept){n_of_digest(wire->first, &wire->id), wire->id, wire->second};
        return (wire->first > 0 || uuid_is_nil(&wire->id)) && wire->reason.n == 0;
    case SIGNAL_ATTACH:
        return signal_read_attach(signal, wire);
    case SIGNAL_DECLINE:
        signal->reason = wire->reason;
        return wire->first == 0 && wire->second == 0 && uuid_is_nil(&wire->id);
    case SIGNAL_CANCEL: /* an old hub leaves in it what it answers */
        signal->reason = wire->reason;
        return true;
    default:
        return false;
    }
}

static struct signal_wire signal_write(const struct signal *signal) {
    switch (signal->what) {
    case SIGNAL_ACCEPT:
        return (struct signal_wire){.first =
                                        n_of_digest(signal->accept.n_have, &signal->accept.digest),
                                    .second = signal->accept.attempt,
                                    .id = signal->accept.digest};
    case SIGNAL_ATTACH:
        return (struct signal_wire){.first = signal->attach.shmid,
                                    .second = (uint64_t)signal->attach.n_slots << 32 |
                                              signal->attach.slot_bytes,
                                    .id = id_of_attempt(signal->attach.attempt)};
    default:
        return (struct signal_wire){.reason = signal->reason};
    }
}

static void take_signal(struct cursor_in *in, struct signal *signal) {
    struct signal_wire wire;
    *signal = (struct signal){.what = cursor_take_u8(in)};
    wire.first = cursor_take_u64(in);
    wire.second = cursor_take_u64(in);
    take_opt_id(in, &wire.id);
    take_body(in, &wire.reason);
    if (wire.reason.n > OFFER_NAME_MAX || !signal_read(signal, &wire))
        in->bad = true;
}

#define FIELD_TAKE_u8(in, field) *(field) = cursor_take_u8(in)
#define FIELD_TAKE_u16(in, field) *(field) = cursor_take_u16(in)
#define FIELD_TAKE_u32(in, field) *(field) = cursor_take_u32(in)
#define FIELD_TAKE_u64(in, field) *(field) = cursor_take_u64(in)
#define FIELD_TAKE_id(in, field) take_id(in, field)
#define FIELD_TAKE_opt_id(in, field) take_opt_id(in, field)
#define FIELD_TAKE_name(in, field) take_name(in, field)
#define FIELD_TAKE_label(in, field) take_label(in, field)
#define FIELD_TAKE_text(in, field) take_body(in, field)
#define FIELD_TAKE_rest(in, field) take_rest(in, field)
#define FIELD_TAKE_body(in, field) take_bytes(in, cursor_take_u16(in), field)
#define FIELD_TAKE_data(in, field) take_bytes(in, cursor_in_left(in), field)
#define FIELD_TAKE_pids(in, field) take_pids(in, field)
#define FIELD_TAKE_signal(in, field) take_signal(in, field)

/* Fields: write. */

static void put_opt_id(struct cursor_out *out, const struct uuid *id) {
    bool present = !uuid_is_nil(id);
    cursor_put_u8(out, present);
    if (present)
        cursor_put(out, id->b, sizeof id->b);
}

static void put_label(struct cursor_out *out, struct bytes label) {
    if (label.n > UINT8_MAX)
        out->bad = true;
    cursor_put_u8(out, (uint8_t)label.n);
    cursor_put(out, label.data, label.n);
}

static void put_body(struct cursor_out *out, struct bytes text) {
    if (text.n > UINT16_MAX)
        out->bad = true;
    cursor_put_u16(out, (uint16_t)text.n);
    cursor_put(out, text.data, text.n);
}

static void put_pids(struct cursor_out *out, struct bytes pids) {
    cursor_put_u16(out, (uint16_t)(pids.n / sizeof(uint32_t)));
    cursor_put(out, pids.data, pids.n);
}

static void put_signal(struct cursor_out *out, const struct signal *signal) {
    struct signal_wire wire = signal_write(signal);
    cursor_put_u8(out, signal->what);
    cursor_put_u64(out, wire.first);
    cursor_put_u64(out, wire.second);
    put_opt_id(out, &wire.id);
    put_body(out, wire.reason);
}

#define FIELD_PUT_u8(out, field) cursor_put_u8(out, *(field))
#define FIELD_PUT_u16(out, field) cursor_put_u16(out, *(field))
#define FIELD_PUT_u32(out, field) cursor_put_u32(out, *(field))
#define FIELD_PUT_u64(out, field) cursor_put_u64(out, *(field))
#define FIELD_PUT_id(out, field) cursor_put(out, (field)->b, sizeof(field)->b)
#define FIELD_PUT_opt_id(out, field) put_opt_id(out, field)
#define FIELD_PUT_name(out, field) put_label(out, *(field))
#define FIELD_PUT_label(out, field) put_label(out, *(field))
#define FIELD_PUT_text(out, field) put_body(out, *(field))
#define FIELD_PUT_rest(out, field) cursor_put(out, (field)->data, (field)->n)
#define FIELD_PUT_body(out, field) put_body(out, *(field))
#define FIELD_PUT_data(out, field) cursor_put(out, (field)->data, (field)->n)
#define FIELD_PUT_pids(out, field) put_pids(out, *(field))
#define FIELD_PUT_signal(out, field) put_signal(out, field)

/* Values that a type bounds more tightly than its field types do. */

static bool check_none(const struct frame *frame) {
    (void)frame;
    return true;
}

/* Of what is text. */
static size_t body_max(uint8_t kind) {
    if (kind == KIND_REACT)
        return REACTION_BODY_MAX;
    return kind == KIND_REMOVE ? MEND_REMOVE_MAX : MESSAGE_TEXT_MAX;
}

/* `body` is all of it, or its first part. */
static bool body_fits(uint8_t kind, size_t total, struct bytes body) {
    if (body_is_binary(kind, body))
        return total <= FILE_BODY_MAX;
    bool is_headed = kind & KIND_HEADED;
    uint8_t plain = kind & (uint8_t) ~(KIND_HEADED | KIND_ANSWER);
    if (kind & KIND_ANSWER)
        return plain < KIND_FILE && total <= MESSAGE_TEXT_MAX && text_is_valid(body);
    size_t max = body_max(kind);
    return (is_headed ? plain < KIND_FILE || plain == KIND_EDIT : kind < KIND_END) &&
           total <= max && text_is_valid(body);
}

bool body_is_valid(uint8_t kind, struct bytes body) {
    return body_fits(kind, body.n, body);
}

static bool check_body(const struct frame *frame, uint8_t kind, uint32_t total, struct bytes body) {
    bool split = (frame->flags & FRAME_MORE_PARTS) != 0;
    return body_fits(kind, total, body) && (split ? body.n < total : body.n == total);
}

static bool check_send(const struct frame *frame) {
    const struct frame_send *send = &frame->send;
    bool split = (frame->flags & FRAME_MORE_PARTS) != 0;
    return check_body(frame, send->kind, send->total, send->body) &&
           !(split && (send->body.n == 0 || body_max(send->kind) < MESSAGE_TEXT_MAX));
}

static bool check_message(const struct frame *frame) {
    const struct frame_message *message = &frame->message;
    return check_body(frame, message->kind, message->total, message->body);
}

static bool check_origin(const struct frame *frame) {
    return line_origin_is_valid(&frame->origin);
}

static bool check_line(const struct frame *frame) {
    return !(frame->flags & FRAME_MORE_PARTS);
}

static bool check_part(const struct frame *frame) {
    return frame->part.body.n > 0 &&
           ((frame->flags & FRAME_BINARY) || text_is_valid(frame->part.body));
}

static bool check_topic(const struct frame *frame) {
    return frame->topic.topic.n <= TOPIC_BYTES_MAX;
}

static bool check_away(const struct frame *frame) {
    return frame->away.away <= 1;
}

static bool check_list(const struct frame *frame) {
    return frame->list.what < LIST_END;
}

static bool check_past(const struct frame *frame) {
    const struct frame_past *past = &frame->past;
    uint8_t kind = past->kind & (uint8_t)~KIND_MENDED;
    if (past->kind == KIND_REACT)
        return past->total == past->body.n && past->body.n <= REACTION_COUNT_MAX &&
               text_is_valid(past->body);
    return check_body(frame, past->kind & KIND_REMOVED ? KIND_TEXT : kind, past->total,
                      past->body) &&
           !mend_is(kind) && !((past->kind & KIND_REMOVED) && (kind & KIND_ANSWER));
}

static bool check_find(const struct frame *frame) {
    return frame->find.what < FIND_END && frame->find.limit > 0 &&
           frame->find.limit <= PAGE_MESSAGES_MAX;
}

static bool check_pin(const struct frame *frame) {
    return frame->pin.what < PIN_END;
}

static bool check_history(const struct frame *frame) {
    return frame->history.limit > 0 && frame->history.limit <= PAGE_MESSAGES_MAX;
}

static bool check_search(const struct frame *frame) {
    const struct frame_search *search = &frame->search;
    return search->limit > 0 && search->limit <= PAGE_MESSAGES_MAX && search->words.n > 0 &&
           search->words.n <= SEARCH_BYTES_MAX;
}

static bool check_offer(const struct frame *frame) {
    return frame->offer.kind < OFFER_KIND_END && frame->offer.name.n <= OFFER_NAME_MAX;
}

static bool check_offered(const struct frame *frame) {
    return frame->offered.kind < OFFER_KIND_END && frame->offered.name.n <= OFFER_NAME_MAX;
}

static bool check_wall(const struct frame *frame) {
    return frame->wall.body.n > 0;
}

static bool check_withdraw(const struct frame *frame) {
    return frame->withdraw.why < WITHDRAW_END;
}

static bool check_withdrawn(const struct frame *frame) {
    return frame->withdrawn.why < WITHDRAW_END;
}

static bool check_receipt(const struct frame *frame) {
    return frame->receipt.state >= STATE_DELIVERED && frame->receipt.state < STATE_END;
}

static bool check_state(const struct frame *frame) {
    return frame->state.state < STATE_END;
}

static bool check_welcome(const struct frame *frame) {
    return frame->welcome.mode < HUB_MODE_END;
}

static bool check_user(const struct frame *frame) {
    return frame->user.state < PRESENCE_END;
}

static bool check_object(const struct frame *frame) {
    return frame->object.role < OBJECT_END;
}

static bool check_news(const struct frame *frame) {
    return frame->news.what < NEWS_END;
}

static bool check_claimed(const struct frame *frame) {
    return frame->claimed.state < CLAIM_STATE_END;
}

static bool check_switch_to(const struct frame *frame) {
    return frame->switch_to.to < SWITCH_TO_END;
}

static bool check_order(const struct frame *frame) {
    const struct frame_order *order = &frame->order;
    return order->what < ORDER_END && order->reason.n <= ORDER_REASON_MAX &&
           (order->what != ORDER_RATE || order->value <= ORDER_RATE_MAX);
}

static bool check_govern(const struct frame *frame) {
    const struct frame_govern *govern = &frame->govern;
    return govern->what < ORDER_ROOM_END && govern->what != ORDER_RATE &&
           govern->reason.n <= ORDER_REASON_MAX;
}

static bool check_laid(const struct frame *frame) {
    return frame->laid.what < LAID_END && frame->laid.reason.n <= ORDER_REASON_MAX;
}

static bool check_change(const struct frame *frame) {
    return frame->change.what < ROOM_CHANGE_END;
}

static bool check_about(const struct frame *frame) {
    return frame->about.form < ROOM_FORM_END && frame->about.topic.n <= TOPIC_BYTES_MAX &&
           frame->about.operators.n <= OPERATORS_BYTES_MAX;
}

static bool check_gather(const struct frame *frame) {
    size_t n = frame->gather.people.n;
    return n > 0 && n <= PEOPLE_BYTES_MAX;
}

#define check_hello check_none
#define check_nonce check_none
#define check_ready check_none
#define check_join check_none
#define check_leave check_none
#define check_nick check_none
#define check_bye check_none
#define check_gate check_none
#define check_ack check_none
#define check_refused check_none
#define check_done check_none
#define check_fail check_none
#define check_room check_none
#define check_counter check_none
#define check_more check_none
#define check_missed check_none
#define check_taken check_none
#define check_forget check_none
#define check_release check_none
#define check_channel check_none
#define check_unread check_none
#define check_count check_none
#define check_read check_none
#define check_account check_none
#define check_claim check_none
#define check_unclaim check_none
#define check_invite check_none
#define check_takes check_none
#define check_pinned check_none
#define check_signal check_none /* their field is bounded by itself */
#define check_signalled check_none

/* The generated codecs and their table. */

#define FRAME_TAKE_FIELD(type, name) FIELD_TAKE_##type(in, &fields->name);
#define FRAME_PUT_FIELD(type, name) FIELD_PUT_##type(out, &fields->name);
#define FRAME_CODEC(number, NAME, name, from, cost)                                                \
    static void take_fields_##name(struct cursor_in *in, struct frame *frame) {                    \
        struct frame_##name *fields = &frame->name;                                                \
        (void)in, (void)fields;                                                                    \
        FRAME_##NAME##_FIELDS(FRAME_TAKE_FIELD)                                                    \
    }                                                                                              \
    static void put_fields_##name(struct cursor_out *out, const struct frame *frame) {             \
        const struct frame_##name *fields = &frame->name;                                          \
        (void)out, (void)fields;                                                                   \
        FRAME_##NAME##_FIELDS(FRAME_PUT_FIELD)                                                     \
    }
FRAME_TYPES(FRAME_CODEC)

#define FIELD_MIN_u8 1
#define FIELD_MIN_u16 2
#define FIELD_MIN_u32 4
#define FIELD_MIN_u64 8
#define FIELD_MIN_id 16
#define FIELD_MIN_opt_id 1
#define FIELD_MIN_name 2
#define FIELD_MIN_label 1
#define FIELD_MIN_text 2
#define FIELD_MIN_rest 0
#define FIELD_MIN_body 2
#define FIELD_MIN_pids 2
#define FIELD_MIN_signal 20
#define FRAME_ADD_MIN(type, name) +FIELD_MIN_##type

static const struct {
    struct frame_row row;
    void (*take)(struct cursor_in *in, struct frame *frame);
    bool (*check)(const struct frame *frame);
    void (*put)(struct cursor_out *out, const struct frame *frame);
} table[FRAME_TYPE_END] = {
#define FRAME_TABLE_ROW(number, NAME, name, from, cost)                                            \
    [number] = {{#NAME, from, FRAME_HEADER_BYTES FRAME_##NAME##_FIELDS(FRAME_ADD_MIN), cost},      \
                take_fields_##name,                                                                \
                check_##name,                                                                      \
                put_fields_##name},
    FRAME_TYPES(FRAME_TABLE_ROW)};

const struct frame_row *frame_row(unsigned type) {
    return type < ARRAY_LEN(table) && table[type].row.name ? &table[type].row : NULL;
}

const char *frame_outcome_text(enum frame_outcome outcome) {
    static const char *const texts[] = {
        [FRAME_OK] = "valid",
        [FRAME_SHORT] = "has a wrong length",
        [FRAME_UNKNOWN] = "is of an unknown type",
        [FRAME_MISPLACED] = "is not allowed from this sender",
        [FRAME_BAD_FIELD] = "has a field out of bounds",
    };
    return texts[outcome];
}

enum frame_outcome frame_take(struct cursor_in *in, struct frame *frame, enum frame_from from) {
    const uint8_t *start = in->at;
    uint16_t length = cursor_take_u16(in);
    frame->type = cursor_take_u8(in);
    frame->flags = cursor_take_u8(in);
    if (in->bad || length < FRAME_HEADER_BYTES || length > (size_t)(in->end - start))
        return FRAME_SHORT;

    const struct frame_row *row = frame_row(frame->type);
    if (!row)
        return FRAME_UNKNOWN;
    if (!(row->from & from))
        return FRAME_MISPLACED;
    if (length < row->min)
        return FRAME_SHORT;

    struct cursor_in fields = cursor_in_of(in->at, (size_t)length - FRAME_HEADER_BYTES);
    table[frame->type].take(&fields, frame);
    if (fields.bad || cursor_in_left(&fields) != 0 || !table[frame->type].check(frame))
        return FRAME_BAD_FIELD;
    in->at = start + length;
    return FRAME_OK;
}

bool frame_put(struct cursor_out *out, const struct frame *frame) {
    uint8_t *start = out->at;
    bool was_bad = out->bad;
    cursor_put_u16(out, 0);
    cursor_put_u8(out, frame->type);
    cursor_put_u8(out, frame->flags);
    table[frame->type].put(out, frame);
    size_t length = (size_t)(out->at - start);
    if (out->bad || length > UINT16_MAX) {
        out->at = start;
        out->bad = was_bad;
        return false;
    }
    uint16_t wire = (uint16_t)length;
    memcpy(start, &wire, sizeof wire);
    return true;
}

static bool file_name_is_valid(struct bytes name) {
    return name.n > 0 && name.n <= FILE_NAME_MAX && !memchr(name.data, '/', name.n);
}

bool file_body_take(struct file_body *fields, struct bytes body) {
    struct cursor_in cursor = cursor_in_of(body.data, body.n), *in = &cursor;
    FILE_BODY_FIELDS(FRAME_TAKE_FIELD)
    return !in->bad && fields->form == FILE_BODY_FORM && file_name_is_valid(fields->name) &&
           fields->content.n <= FILE_CONTENT_MAX;
}

void file_body_put(struct cursor_out *out, const struct file_body *fields) {
    FILE_BODY_FIELDS(FRAME_PUT_FIELD)
}

void frame_mark_repeated(void *send) {
    ((uint8_t *)send)[3] |= FRAME_REPEAT; /* behind length and type */
}

bool envelope_take(struct cursor_in *in, struct envelope *envelope) {
    envelope->version = cursor_take_u8(in);
    uint8_t flags = cursor_take_u8(in);
    envelope->n_frames = cursor_take_u16(in);
    envelope->session = cursor_take_u64(in);
    return !in->bad && envelope->version == PROTO_VERSION && flags == 0;
}

void envelope_put(struct cursor_out *out, const struct envelope *envelope) {
    cursor_put_u8(out, envelope->version);
    cursor_put_u8(out, 0);
    cursor_put_u16(out, envelope->n_frames);
    cursor_put_u64(out, envelope->session);
}

void envelope_set_n_frames(void *batch, uint16_t n_frames) {
    memcpy((uint8_t *)batch + 2, &n_frames, sizeof n_frames);
}
