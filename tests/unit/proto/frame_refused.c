/* Frames that frame_take() must refuse. */
#include <criterion/criterion.h>

#include "base/macro.h"
#include "proto/frame.h"
#include "unit/proto/wire.h"

static const enum frame_from all_from[] = {FROM_STRANGER, FROM_CLIENT, FROM_HUB, FROM_SELF};

/* Wrong lengths. */

Test(frame_refused, 01_short_buffers_of_every_length) {
    EACH_TYPE(type) {
        size_t n = encode_sample(type, SAMPLE_USUAL);
        for (size_t cut = 0; cut < n; cut++)
            cr_assert_eq(decode(cut, any_sender(type)), FRAME_SHORT, "%s, %zu of %zu",
                         frame_row(type)->name, cut, n);
    }
}

Test(frame_refused, 02_short_frames_of_every_length) {
    EACH_TYPE(type) {
        size_t n = encode_sample(type, SAMPLE_USUAL);
        for (size_t cut = 0; cut < n; cut++) {
            set_length(cut);
            enum frame_outcome wanted = cut < frame_row(type)->min ? FRAME_SHORT : FRAME_BAD_FIELD;
            if (type == FRAME_LINE && cut >= frame_row(type)->min)
                continue; /* its text is shorter, or is cut within a code point */
            cr_assert_eq(decode(n, any_sender(type)), wanted, "%s, %zu of %zu",
                         frame_row(type)->name, cut, n);
        }
    }
}

Test(frame_refused, 03_left_over_bytes) {
    EACH_TYPE(type) {
        EACH_SIZE(size) {
            size_t n = encode_sample(type, size);
            memset(wire + n, 0, 8);
            for (size_t more = 1; more <= 8; more++) {
                set_length(n + more);
                cr_assert_eq(decode(n + more, any_sender(type)), FRAME_BAD_FIELD);
            }
        }
    }
}

Test(frame_refused, 04_lengths_that_lie) {
    EACH_TYPE(type) {
        size_t n = encode_sample(type, SAMPLE_USUAL);
        set_length(n + 1);
        cr_assert_eq(decode(n, any_sender(type)), FRAME_SHORT);
        set_length(UINT16_MAX);
        cr_assert_eq(decode(n, any_sender(type)), FRAME_SHORT);
        set_length(0);
        cr_assert_eq(decode(n, any_sender(type)), FRAME_SHORT);
    }
}

Test(frame_refused, 05_inner_lengths_that_lie) {
    struct frame frame = {.type = FRAME_PART, .part.body = bytes_of("hello")};
    static const uint16_t lies[] = {0, 4, 6, 255, 256, UINT16_MAX};
    for (size_t i = 0; i < ARRAY_LEN(lies); i++) {
        size_t n = encode(&frame);
        memcpy(wire + FRAME_HEADER_BYTES, &lies[i], sizeof lies[i]);
        cr_assert_eq(decode_any(n), FRAME_BAD_FIELD, "%u", lies[i]);
    }
    size_t n = encode_sample(FRAME_USER, SAMPLE_LEAST);
    memset(wire + n - 2, 0xff, 2); /* 65,535 PIDs */
    cr_assert_eq(decode_any(n), FRAME_BAD_FIELD);
}

/* Wrong types and senders. */

Test(frame_refused, 06_unknown_types) {
    for (unsigned type = 0; type <= UINT8_MAX; type++) {
        if (frame_row(type))
            continue;
        size_t n = encode_sample(FRAME_PART, SAMPLE_USUAL);
        wire[2] = (uint8_t)type;
        for (size_t i = 0; i < ARRAY_LEN(all_from); i++)
            cr_assert_eq(decode(n, all_from[i]), FRAME_UNKNOWN);
    }
}

Test(frame_refused, 07_misplaced_senders) {
    EACH_TYPE(type) {
        size_t n = encode_sample(type, SAMPLE_USUAL);
        for (size_t i = 0; i < ARRAY_LEN(all_from); i++) {
            bool may = (frame_row(type)->from & all_from[i]) != 0;
            cr_assert_eq(decode(n, all_from[i]), may ? FRAME_OK : FRAME_MISPLACED, "%s",
                         frame_row(type)->name);
        }
    }
}

/* Fields out of their bounds: frame_put writes them, frame_take must refuse them. */

#define REFUSES(frame_type, member, value)                                                         \
    do {                                                                                           \
        struct frame frame = sample_frame(frame_type, SAMPLE_USUAL);                               \
        cr_assert_eq(pass(&frame), FRAME_OK);                                                      \
        frame.member = value;                                                                      \
        cr_assert_eq(pass(&frame), FRAME_BAD_FIELD, "%s = %s", #member, #value);                   \
    } while (0)

Test(frame_refused, 08_numbers_out_of_bounds) {
    REFUSES(FRAME_SEND, send.kind, KIND_END);
    REFUSES(FRAME_SEND, send.kind, UINT8_MAX);
    REFUSES(FRAME_MESSAGE, message.kind, KIND_END);
    REFUSES(FRAME_AWAY, away.away, 2);
    REFUSES(FRAME_PAST, past.kind, KIND_END);
    REFUSES(FRAME_HISTORY, history.limit, 0);
    REFUSES(FRAME_FIND, find.limit, 0);
    REFUSES(FRAME_FIND, find.limit, PAGE_MESSAGES_MAX + 1);
    REFUSES(FRAME_FIND, find.what, FIND_END);
    REFUSES(FRAME_HISTORY, history.limit, PAGE_MESSAGES_MAX + 1);
    REFUSES(FRAME_SEARCH, search.limit, PAGE_MESSAGES_MAX + 1);
    REFUSES(FRAME_SEARCH, search.words, (struct bytes){0});
    REFUSES(FRAME_OFFER, offer.kind, OFFER_KIND_END);
    REFUSES(FRAME_SIGNAL, signal.said.attach.shmid, UINT32_C(1) << 31);
    REFUSES(FRAME_WITHDRAW, withdraw.why, WITHDRAW_END);
    REFUSES(FRAME_WITHDRAWN, withdrawn.why, WITHDRAW_END);
    REFUSES(FRAME_WALL, wall.body, (struct bytes){0});
    REFUSES(FRAME_LIST, list.what, LIST_END);
    REFUSES(FRAME_CHANGE, change.what, ROOM_CHANGE_END);
    REFUSES(FRAME_ABOUT, about.form, ROOM_FORM_END);
    REFUSES(FRAME_GATHER, gather.people, (struct bytes){0});
    REFUSES(FRAME_GOVERN, govern.what, ORDER_RATE);
    REFUSES(FRAME_GOVERN, govern.what, ORDER_ROOM_END);
    REFUSES(FRAME_LAID, laid.what, LAID_END);
    REFUSES(FRAME_PIN, pin.what, PIN_END);
    REFUSES(FRAME_RECEIPT, receipt.state, STATE_SENT);
    REFUSES(FRAME_RECEIPT, receipt.state, STATE_STORED);
    REFUSES(FRAME_SWITCH, switch_to.to, SWITCH_TO_END);
    REFUSES(FRAME_RECEIPT, receipt.state, STATE_END);
    REFUSES(FRAME_STATE, state.state, STATE_END);
    REFUSES(FRAME_WELCOME, welcome.mode, HUB_MODE_END);
    REFUSES(FRAME_USER, user.state, PRESENCE_END);
    REFUSES(FRAME_OBJECT, object.role, OBJECT_END);
    REFUSES(FRAME_NEWS, news.what, NEWS_END);
    REFUSES(FRAME_ORDER, order.what, ORDER_END);
    REFUSES(FRAME_ORIGIN, origin.seq, 1);
    REFUSES(FRAME_ORIGIN, origin.at_ms, UINT16_MAX);
    REFUSES(FRAME_LINE, flags, FRAME_MORE_PARTS);
    REFUSES(FRAME_CLAIMED, claimed.state, CLAIM_STATE_END);
}

Test(frame_refused, 09_totals_that_do_not_fit_the_body) {
    REFUSES(FRAME_SEND, send.total, 0);
    REFUSES(FRAME_SEND, send.total, UINT32_MAX);
    REFUSES(FRAME_MESSAGE, message.total, MESSAGE_TEXT_MAX);
    REFUSES(FRAME_PART, part.body.n, 0);

    struct frame frame = sample_frame(FRAME_SEND, SAMPLE_USUAL);
    frame.flags = FRAME_MORE_PARTS;
    cr_assert_eq(pass(&frame), FRAME_BAD_FIELD, "more parts, but nothing is missing");
    frame.send.total++;
    cr_assert_eq(pass(&frame), FRAME_OK);
    frame.send.total = MESSAGE_TEXT_MAX;
    cr_assert_eq(pass(&frame), FRAME_OK);
    frame.send.total++;
    cr_assert_eq(pass(&frame), FRAME_BAD_FIELD);
    frame.send.total = MESSAGE_TEXT_MAX;
    frame.send.body.n = 0;
    cr_assert_eq(pass(&frame), FRAME_BAD_FIELD, "a first part that holds nothing");
}

Test(frame_refused, 10_names_and_texts_out_of_bounds) {
    static const char longest[129] = {[0 ... 128] = 'x'};
    static char topic[TOPIC_BYTES_MAX + 1];
    memset(topic, 'x', sizeof topic);
    REFUSES(FRAME_SEND, send.to.n, 0);
    REFUSES(FRAME_SEND, send.to, ((struct bytes){longest, 129}));
    REFUSES(FRAME_TOPIC, topic.topic, ((struct bytes){topic, sizeof topic}));
    REFUSES(FRAME_ORDER, order.reason, ((struct bytes){topic, ORDER_REASON_MAX + 1}));
    REFUSES(FRAME_SEND, send.to, bytes_of("\xff"));
    REFUSES(FRAME_HELLO, hello.handle, bytes_of("\xc3"));
    REFUSES(FRAME_PART, part.body, bytes_of("\xed\xa0\x80"));
    REFUSES(FRAME_PART, part.body, ((struct bytes){"a\0b", 3}));
    REFUSES(FRAME_AWAY, away.reason, bytes_of("\xf0\x9f\x98"));
}

Test(frame_refused, 11_optional_ids) {
    struct frame frame = sample_frame(FRAME_SEND, SAMPLE_USUAL);
    size_t n = encode(&frame);
    size_t at = FRAME_HEADER_BYTES + 16 + 1 + 1 + frame.send.to.n;
    cr_assert_eq(wire[at], 1);
    memset(wire + at + 1, 0, 16);
    cr_assert_eq(decode_any(n), FRAME_BAD_FIELD, "nil has a form of its own");
    encode(&frame);
    wire[at] = 2;
    cr_assert_eq(decode_any(n), FRAME_BAD_FIELD);
}

Test(frame_refused, 12_outcomes_have_words) {
    for (int outcome = FRAME_OK; outcome <= FRAME_BAD_FIELD; outcome++)
        for (int other = FRAME_OK; other < outcome; other++)
            cr_assert_str_neq(frame_outcome_text((enum frame_outcome)outcome),
                              frame_outcome_text((enum frame_outcome)other));
}

/* The u64s, the id and the text that every kind of signal has, where a kind does not use them. */
struct lie {
    enum signal_what what;
    uint64_t first, second, id[2]; /* id: zeros are none */
    const char *reason;
    enum frame_outcome wanted;
};

static const struct lie lies[] = {
    {SIGNAL_ACCEPT, 0, 1, {0, 0}, "", FRAME_OK},
    {SIGNAL_ACCEPT, 5, 1, {7, 7}, "", FRAME_OK},
    {SIGNAL_ACCEPT, 5, 1, {0, 0}, "", FRAME_OK}, /* what is there has this digest: it is none */
    {SIGNAL_ACCEPT, 0, 1, {7, 7}, "", FRAME_BAD_FIELD},
    {SIGNAL_ACCEPT, 0, 1, {0, 0}, "so", FRAME_BAD_FIELD},
    {SIGNAL_DECLINE, 0, 0, {0, 0}, "so", FRAME_OK},
    {SIGNAL_DECLINE, 1, 0, {0, 0}, "so", FRAME_BAD_FIELD},
    {SIGNAL_DECLINE, 0, 1, {0, 0}, "so", FRAME_BAD_FIELD},
    {SIGNAL_DECLINE, 0, 0, {1, 0}, "so", FRAME_BAD_FIELD},
    {SIGNAL_ATTACH, INT32_MAX, 1, {9, 0}, "", FRAME_OK},
    {SIGNAL_ATTACH, INT32_MAX + UINT64_C(1), 1, {9, 0}, "", FRAME_BAD_FIELD},
    {SIGNAL_ATTACH, UINT64_C(1) << 32, 1, {9, 0}, "", FRAME_BAD_FIELD},
    {SIGNAL_ATTACH, 1, 1, {9, 1}, "", FRAME_BAD_FIELD},
    {SIGNAL_ATTACH, 1, 1, {0, 1}, "", FRAME_BAD_FIELD},
    {SIGNAL_ATTACH, 1, 1, {9, 0}, "so", FRAME_BAD_FIELD},
    {SIGNAL_CANCEL, 0, 0, {0, 0}, "so", FRAME_OK},
    {SIGNAL_CANCEL, 5, 1, {7, 7}, "so", FRAME_OK}, /* as an old hub answers an ACCEPT */
    {SIGNAL_END, 0, 0, {0, 0}, "", FRAME_BAD_FIELD},
    {UINT8_MAX, 0, 0, {0, 0}, "", FRAME_BAD_FIELD},
};

static size_t encode_lie(const struct lie *lie) {
    struct frame frame = sample_frame(FRAME_SIGNAL, SAMPLE_LEAST);
    struct cursor_out out = cursor_out_of(wire, sizeof wire);
    bool has_id = lie->id[0] != 0 || lie->id[1] != 0;
    cursor_put(&out, wire, encode(&frame) - 20);
    cursor_put_u8(&out, (uint8_t)lie->what);
    cursor_put_u64(&out, lie->first);
    cursor_put_u64(&out, lie->second);
    cursor_put_u8(&out, has_id);
    cursor_put(&out, lie->id, has_id ? sizeof lie->id : 0);
    cursor_put_u16(&out, (uint16_t)strlen(lie->reason));
    cursor_put(&out, lie->reason, strlen(lie->reason));
    set_length(cursor_out_used(&out));
    return cursor_out_used(&out);
}

Test(frame_refused, 13_what_a_signal_does_not_use_is_zero) {
    for (size_t i = 0; i < ARRAY_LEN(lies); i++)
        cr_assert_eq(decode_any(encode_lie(&lies[i])), lies[i].wanted, "row %zu", i);
}

Test(frame_refused, 14_a_reason_too_long) {
    static char text[OFFER_NAME_MAX + 1];
    memset(text, 'x', sizeof text);
    struct frame frame = sample_frame(FRAME_SIGNAL, SAMPLE_USUAL);
    frame.signal.said = (struct signal){.what = SIGNAL_CANCEL, .reason = {text, sizeof text - 1}};
    cr_assert_eq(pass(&frame), FRAME_OK);
    frame.signal.said.reason.n++;
    cr_assert_eq(pass(&frame), FRAME_BAD_FIELD);
}
