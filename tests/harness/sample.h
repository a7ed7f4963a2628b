/*
 * One valid frame of any type, with its fields at their least, at usual values or at their most;
 * generated from the field lists, so that a new type or field is covered by itself. The views
 * point to static storage.
 */
#pragma once

#include "base/macro.h"
#include "proto/frame.h"

enum sample_size { SAMPLE_LEAST, SAMPLE_USUAL, SAMPLE_MOST, SAMPLE_SIZE_END };

#define SAMPLE_TEXT_MOST 4000
#define SAMPLE_PIDS_MOST 1000

static inline struct bytes sample_text(enum sample_size size, size_t least, size_t most) {
    static char longest[SAMPLE_TEXT_MOST];
    if (size == SAMPLE_LEAST)
        return (struct bytes){"a", least};
    if (size == SAMPLE_USUAL)
        return bytes_of("gr\u00fc\u00df \u4f60\u597d \U0001f600");
    for (size_t i = 0; i < sizeof longest; i++)
        longest[i] = (char)('a' + i % 26);
    return (struct bytes){longest, most};
}

static inline uint64_t sample_number(enum sample_size size, uint64_t most) {
    return size == SAMPLE_LEAST ? 0 : size == SAMPLE_USUAL ? 1 : most;
}

static inline struct uuid sample_id(enum sample_size size) {
    struct uuid id = {{0}};
    if (size == SAMPLE_USUAL)
        memcpy(id.b, "0123456789abcdef", sizeof id.b);
    else if (size == SAMPLE_MOST)
        memset(id.b, 0xff, sizeof id.b);
    return id;
}

static inline struct bytes sample_pids(enum sample_size size) {
    static uint32_t pids[SAMPLE_PIDS_MOST];
    for (size_t i = 0; i < ARRAY_LEN(pids); i++)
        pids[i] = (uint32_t)i + 1;
    size_t n = size == SAMPLE_LEAST ? 0 : size == SAMPLE_USUAL ? 2 : ARRAY_LEN(pids);
    return (struct bytes){(const char *)pids, n * sizeof pids[0]};
}

static inline struct signal sample_said_kind(enum signal_what what, enum sample_size size) {
    struct signal signal = {.what = (uint8_t)what};
    switch (what) {
    case SIGNAL_ACCEPT:
        signal.accept = (struct signal_accept){sample_number(size, UINT64_MAX), sample_id(size),
                                               sample_number(size, UINT64_MAX)};
        break;
    case SIGNAL_ATTACH:
        signal.attach = (struct signal_attach){
            (uint32_t)sample_number(size, INT32_MAX), (uint32_t)sample_number(size, UINT32_MAX),
            (uint32_t)sample_number(size, UINT32_MAX), sample_number(size, UINT64_MAX)};
        break;
    default:
        signal.reason = sample_text(size, 0, OFFER_NAME_MAX);
    }
    return signal;
}

static inline struct signal sample_said(enum sample_size size) {
    static const enum signal_what usual[] = {SIGNAL_DECLINE, SIGNAL_ATTACH, SIGNAL_CANCEL};
    return sample_said_kind(usual[size], size);
}

#define SAMPLE_u8(size) (uint8_t) sample_number(size, UINT8_MAX)
#define SAMPLE_u16(size) (uint16_t) sample_number(size, UINT16_MAX)
#define SAMPLE_u32(size) (uint32_t) sample_number(size, UINT32_MAX)
#define SAMPLE_u64(size) sample_number(size, UINT64_MAX)
#define SAMPLE_id(size) sample_id(size)
#define SAMPLE_opt_id(size) sample_id(size)
#define SAMPLE_name(size) sample_text(size, 1, 128)
#define SAMPLE_label(size) sample_text(size, 0, 255)
#define SAMPLE_text(size) sample_text(size, 0, SAMPLE_TEXT_MOST)
#define SAMPLE_rest(size) SAMPLE_text(size)
#define SAMPLE_body(size) SAMPLE_text(size)
#define SAMPLE_pids(size) sample_pids(size)
#define SAMPLE_signal(size) sample_said(size)

/* The same for questions about the past, and for offers. */
static inline void sample_bound_past(struct frame *frame, enum sample_size size) {
    uint16_t limit = (uint16_t)(size == SAMPLE_MOST ? PAGE_MESSAGES_MAX : 1);
    switch (frame->type) {
    case FRAME_PAST:
        frame->past.kind = (uint8_t)sample_number(size, KIND_FILE);
        frame->past.total = (uint32_t)frame->past.body.n;
        break;
    case FRAME_HISTORY:
        frame->history.limit = limit;
        break;
    case FRAME_FIND:
        frame->find.what = (uint8_t)sample_number(size, FIND_END - 1);
        frame->find.limit = limit;
        break;
    case FRAME_SEARCH:
        frame->search.limit = limit;
        frame->search.words = sample_text(size, 1, SEARCH_BYTES_MAX);
        break;
    case FRAME_OFFER:
        frame->offer.kind = (uint8_t)sample_number(size, OFFER_KIND_END - 1);
        frame->offer.name = sample_text(size, 0, OFFER_NAME_MAX);
        break;
    case FRAME_OFFERED:
        frame->offered.kind = (uint8_t)sample_number(size, OFFER_KIND_END - 1);
        frame->offered.name = sample_text(size, 0, OFFER_NAME_MAX);
        break;
    case FRAME_SWITCH:
        frame->switch_to.to = (uint8_t)sample_number(size, SWITCH_TO_END - 1);
        break;
    case FRAME_WITHDRAWN:
        frame->withdrawn.why = (uint8_t)sample_number(size, WITHDRAW_END - 1);
        break;
    case FRAME_WITHDRAW:
        frame->withdraw.why = (uint8_t)sample_number(size, WITHDRAW_END - 1);
        break;
    case FRAME_ORDER:
        frame->order.what = (uint8_t)sample_number(size, ORDER_END - 1);
        frame->order.reason = sample_text(size, 0, ORDER_REASON_MAX);
        frame->order.value = sample_number(size, ORDER_RATE_MAX);
        break;
    case FRAME_CLAIMED:
        frame->claimed.state = (uint8_t)sample_number(size, CLAIM_STATE_END - 1);
        break;
    case FRAME_CHANGE:
        frame->change.what = (uint8_t)sample_number(size, ROOM_CHANGE_END - 1);
        break;
    case FRAME_GOVERN:
        frame->govern.what = (uint8_t)sample_number(size, ORDER_KICK);
        frame->govern.reason = sample_text(size, 0, ORDER_REASON_MAX);
        break;
    case FRAME_LAID:
        frame->laid.what = (uint8_t)sample_number(size, LAID_END - 1);
        frame->laid.reason = sample_text(size, 0, ORDER_REASON_MAX);
        break;
    case FRAME_PIN:
        frame->pin.what = (uint8_t)sample_number(size, PIN_END - 1);
        break;
    case FRAME_ABOUT:
        frame->about.form = (uint8_t)sample_number(size, ROOM_FORM_END - 1);
        frame->about.topic = sample_text(size, 0, TOPIC_BYTES_MAX);
        frame->about.operators = sample_text(size, 0, OPERATORS_BYTES_MAX);
        break;
    case FRAME_GATHER:
        frame->gather.people = sample_text(size, 1, PEOPLE_BYTES_MAX);
        break;
    case FRAME_WALL:
        frame->wall.body = sample_text(size, 1, SAMPLE_TEXT_MOST);
        break;
    default:
        break;
    }
}

/* Zeros where the LINEs have something: see proto/line.h. */
static inline void sample_bound_origin(struct frame_origin *origin) {
    origin->seq &= ~(uint64_t)UINT16_MAX;
    origin->at_ms &= ~(uint64_t)UINT16_MAX;
}

/* The fields that a type bounds more tightly than their own type does. */
static inline void sample_bound(struct frame *frame, enum sample_size size) {
    switch (frame->type) {
    case FRAME_SEND:
        frame->send.kind = (uint8_t)sample_number(size, KIND_EDIT);
        frame->send.total = (uint32_t)frame->send.body.n;
        break;
    case FRAME_PART:
        frame->part.body = sample_text(size, 1, SAMPLE_TEXT_MOST);
        break;
    case FRAME_TOPIC:
        frame->topic.topic = sample_text(size, 0, TOPIC_BYTES_MAX);
        break;
    case FRAME_AWAY:
        frame->away.away = (uint8_t)sample_number(size, 1);
        break;
    case FRAME_LIST:
        frame->list.what = (uint8_t)sample_number(size, LIST_END - 1);
        break;
    case FRAME_RECEIPT:
        frame->receipt.state = size == SAMPLE_LEAST ? STATE_DELIVERED : STATE_READ;
        break;
    case FRAME_WELCOME:
        frame->welcome.mode = (uint8_t)sample_number(size, HUB_MODE_END - 1);
        break;
    case FRAME_MESSAGE:
        frame->message.kind = (uint8_t)sample_number(size, KIND_EDIT);
        frame->message.total = (uint32_t)frame->message.body.n;
        break;
    case FRAME_ORIGIN:
        sample_bound_origin(&frame->origin);
        break;
    case FRAME_STATE:
        frame->state.state = (uint8_t)sample_number(size, STATE_END - 1);
        break;
    case FRAME_USER:
        frame->user.state = (uint8_t)sample_number(size, PRESENCE_END - 1);
        break;
    case FRAME_OBJECT:
        frame->object.role = (uint8_t)sample_number(size, OBJECT_END - 1);
        break;
    case FRAME_NEWS:
        frame->news.what = (uint8_t)sample_number(size, NEWS_END - 1);
        break;
    default:
        sample_bound_past(frame, size);
        break;
    }
}

#define SAMPLE_FIELD(type, name) fields->name = SAMPLE_##type(size);
#define SAMPLE_TYPE(number, NAME, name, from, cost)                                                \
    static inline void sample_##name(struct frame *frame, enum sample_size size) {                 \
        struct frame_##name *fields = &frame->name;                                                \
        (void)fields, (void)size;                                                                  \
        FRAME_##NAME##_FIELDS(SAMPLE_FIELD)                                                        \
    }
FRAME_TYPES(SAMPLE_TYPE)
#undef SAMPLE_TYPE

static inline struct frame sample_frame(unsigned type, enum sample_size size) {
    struct frame frame;
    memset(&frame, 0, sizeof frame);
    frame.type = (uint8_t)type;
    switch (type) {
#define SAMPLE_CASE(number, NAME, name, from, cost)                                                \
    case FRAME_##NAME:                                                                             \
        sample_##name(&frame, size);                                                               \
        break;
        FRAME_TYPES(SAMPLE_CASE)
#undef SAMPLE_CASE
    default:
        break;
    }
    sample_bound(&frame, size);
    return frame;
}
