#include "proto/frame.h"
#include "proto/name.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#include "unit/proto/wire.h"

static bool same_said(const struct signal *a, const struct signal *b) {
    switch (a->what) {
    case SIGNAL_ACCEPT:
        return b->what == a->what && a->accept.n_have == b->accept.n_have &&
               uuid_equal(&a->accept.digest, &b->accept.digest) &&
               a->accept.attempt == b->accept.attempt;
    case SIGNAL_ATTACH:
        return b->what == a->what && a->attach.shmid == b->attach.shmid &&
               a->attach.n_slots == b->attach.n_slots &&
               a->attach.slot_bytes == b->attach.slot_bytes &&
               a->attach.attempt == b->attach.attempt;
    default:
        return b->what == a->what && bytes_equal(a->reason, b->reason);
    }
}

/* Comparison, field by field, generated. */
#define SAME_u8(a, b) ((a) == (b))
#define SAME_u16(a, b) ((a) == (b))
#define SAME_u32(a, b) ((a) == (b))
#define SAME_u64(a, b) ((a) == (b))
#define SAME_id(a, b) uuid_equal(&(a), &(b))
#define SAME_opt_id(a, b) uuid_equal(&(a), &(b))
#define SAME_name(a, b) bytes_equal(a, b)
#define SAME_label(a, b) bytes_equal(a, b)
#define SAME_text(a, b) bytes_equal(a, b)
#define SAME_rest(a, b) bytes_equal(a, b)
#define SAME_body(a, b) bytes_equal(a, b)
#define SAME_pids(a, b) bytes_equal(a, b)
#define SAME_signal(a, b) same_said(&(a), &(b))
#define SAME_FIELD(type, name) cr_assert(SAME_##type(fields_a->name, fields_b->name), "%s", #name);
#define SAME_TYPE(number, NAME, name, from, cost)                                                  \
    static void same_##name(const struct frame *a, const struct frame *b) {                        \
        const struct frame_##name *fields_a = &a->name;                                            \
        const struct frame_##name *fields_b = &b->name;                                            \
        (void)fields_a, (void)fields_b;                                                            \
        FRAME_##NAME##_FIELDS(SAME_FIELD)                                                          \
    }
FRAME_TYPES(SAME_TYPE)

static void assert_same(const struct frame *a, const struct frame *b) {
    cr_assert_eq(a->type, b->type);
    cr_assert_eq(a->flags, b->flags);
    switch (a->type) {
#define SAME_CASE(number, NAME, name, from, cost)                                                  \
    case FRAME_##NAME:                                                                             \
        same_##name(a, b);                                                                         \
        break;
        FRAME_TYPES(SAME_CASE)
    default:
        cr_assert_fail("type %u", a->type);
    }
}

/* The table. */

Test(frame, 01_the_table_is_whole) {
    cr_assert_null(frame_row(FRAME_NONE));
    cr_assert_null(frame_row(FRAME_TYPE_END));
    cr_assert_null(frame_row(~0u));
    EACH_TYPE(type) {
        const struct frame_row *row = frame_row(type);
        cr_assert_not_null(row, "the numbers have no gap at %u", type);
        cr_assert_neq(row->from, 0);
        cr_assert_eq(row->from & ~(FROM_STRANGER | FROM_CLIENT | FROM_HUB | FROM_SELF), 0);
        cr_assert_geq(row->min, FRAME_HEADER_BYTES);
        for (unsigned other = 1; other < type; other++)
            cr_assert_str_neq(row->name, frame_row(other)->name);
    }
}

Test(frame, 02_only_one_type_from_a_stranger_and_from_oneself) {
    EACH_TYPE(type) {
        cr_assert_eq((frame_row(type)->from & FROM_STRANGER) != 0, type == FRAME_HELLO);
        cr_assert_eq((frame_row(type)->from & FROM_SELF) != 0, type == FRAME_NONCE);
    }
}

Test(frame, 03_the_least_frame_is_of_the_minimal_length) {
    EACH_TYPE(type) {
        size_t n = encode_sample(type, SAMPLE_LEAST);
        /* whose text is not empty */
        size_t body = type == FRAME_PART || type == FRAME_SEARCH || type == FRAME_WALL ||
                      type == FRAME_GATHER;
        cr_assert_eq(n, frame_row(type)->min + body, "%s: %zu", frame_row(type)->name, n);
    }
}

Test(frame, 04_a_client_pays_for_what_it_sends) {
    EACH_TYPE(type) {
        const struct frame_row *row = frame_row(type);
        if (row->from & (FROM_STRANGER | FROM_CLIENT) && type != FRAME_BYE)
            cr_assert_gt(row->cost, 0, "%s", row->name);
    }
}

/* Round trips. */

Test(frame, 05_round_trip_of_every_type) {
    EACH_TYPE(type) {
        EACH_SIZE(size) {
            struct frame sent = sample_frame(type, size);
            sent.flags = size == SAMPLE_MOST ? 0xfe : 0; /* all but FRAME_MORE_PARTS */
            size_t n = encode(&sent);
            struct cursor_in in = cursor_in_of(wire, n);
            struct frame got;
            cr_assert_eq(frame_take(&in, &got, any_sender(type)), FRAME_OK, "%s",
                         frame_row(type)->name);
            cr_assert_eq(cursor_in_left(&in), 0);
            cr_assert(!in.bad);
            assert_same(&sent, &got);
        }
    }
}

Test(frame, 06_the_longest_frame) {
    static char text[UINT16_MAX];
    memset(text, 'x', sizeof text);
    struct frame frame = {.type = FRAME_PART};
    frame.part.body = (struct bytes){text, UINT16_MAX - frame_row(FRAME_PART)->min};
    cr_assert_eq(encode(&frame), UINT16_MAX);
    cr_assert_eq(decode_any(UINT16_MAX), FRAME_OK);

    frame.part.body.n++;
    struct cursor_out out = cursor_out_of(wire, sizeof wire);
    cr_assert(!frame_put(&out, &frame), "its length does not fit into 16 bits");
    cr_assert_eq(cursor_out_used(&out), 0);
    cr_assert(!out.bad, "the batch can go on without it");
}

Test(frame, 07_text_too_long_for_its_field_is_not_written) {
    static char text[UINT16_MAX + 1];
    memset(text, 'x', sizeof text);
    struct cursor_out out = cursor_out_of(wire, sizeof wire);
    struct frame frame = sample_frame(FRAME_NEWS, SAMPLE_USUAL);
    frame.news.detail = (struct bytes){text, sizeof text};
    cr_assert(!frame_put(&out, &frame));
    frame = sample_frame(FRAME_NEWS, SAMPLE_USUAL);
    frame.news.room = (struct bytes){text, 256};
    cr_assert(!frame_put(&out, &frame));
    frame = sample_frame(FRAME_NEWS, SAMPLE_USUAL);
    frame.news.who = (struct bytes){text, 256};
    cr_assert(!frame_put(&out, &frame));
    cr_assert_eq(cursor_out_used(&out), 0);
}

Test(frame, 08_a_frame_that_does_not_fit_writes_nothing) {
    EACH_TYPE(type) {
        struct frame frame = sample_frame(type, SAMPLE_USUAL);
        size_t n = encode(&frame);
        for (size_t room = 0; room < n; room++) {
            uint8_t *exact = malloc(room + (room == 0));
            struct cursor_out out = cursor_out_of(exact, room);
            cr_assert(!frame_put(&out, &frame));
            cr_assert_eq(cursor_out_used(&out), 0);
            cr_assert(!out.bad);
            free(exact);
        }
    }
}

/* Envelopes and batches. */

Test(frame, 09_envelope_round_trip) {
    const struct envelope sent = {PROTO_VERSION, UINT16_MAX, UINT64_MAX};
    struct cursor_out out = cursor_out_of(wire, sizeof wire);
    envelope_put(&out, &sent);
    cr_assert_eq(cursor_out_used(&out), ENVELOPE_BYTES);
    envelope_set_n_frames(wire, 258);
    struct cursor_in in = cursor_in_of(wire, ENVELOPE_BYTES);
    struct envelope got;
    cr_assert(envelope_take(&in, &got));
    cr_assert_eq(got.version, PROTO_VERSION);
    cr_assert_eq(got.n_frames, 258);
    cr_assert_eq(got.session, UINT64_MAX);
    cr_assert_eq(cursor_in_left(&in), 0);
}

Test(frame, 10_envelopes_that_are_none) {
    const struct envelope good = {PROTO_VERSION, 1, 1};
    struct envelope got;
    for (size_t n = 0; n < ENVELOPE_BYTES; n++) {
        struct cursor_out out = cursor_out_of(wire, sizeof wire);
        envelope_put(&out, &good);
        struct cursor_in in = cursor_in_of(wire, n);
        cr_assert(!envelope_take(&in, &got), "%zu bytes", n);
    }
    for (unsigned version = 0; version <= UINT8_MAX; version++) {
        wire[0] = (uint8_t)version;
        struct cursor_in in = cursor_in_of(wire, ENVELOPE_BYTES);
        cr_assert_eq(envelope_take(&in, &got), version == PROTO_VERSION);
    }
    wire[0] = PROTO_VERSION;
    wire[1] = 1;
    struct cursor_in in = cursor_in_of(wire, ENVELOPE_BYTES);
    cr_assert(!envelope_take(&in, &got), "flags are not used yet");
}

Test(frame, 11_a_batch_of_every_type) {
    struct cursor_out out = cursor_out_of(wire, sizeof wire);
    envelope_put(&out, &(struct envelope){PROTO_VERSION, 0, 7});
    EACH_TYPE(type) {
        struct frame frame = sample_frame(type, SAMPLE_USUAL);
        cr_assert(frame_put(&out, &frame));
    }
    envelope_set_n_frames(wire, FRAME_TYPE_END - 1);
    struct cursor_in in = cursor_in_of(wire, cursor_out_used(&out));
    struct envelope envelope;
    cr_assert(envelope_take(&in, &envelope));
    cr_assert_eq(envelope.n_frames, FRAME_TYPE_END - 1);
    EACH_TYPE(type) {
        struct frame sent = sample_frame(type, SAMPLE_USUAL);
        struct frame got;
        cr_assert_eq(frame_take(&in, &got, any_sender(type)), FRAME_OK);
        assert_same(&sent, &got);
    }
    cr_assert_eq(cursor_in_left(&in), 0);
}

Test(frame, 12_a_message_fits_into_the_smallest_batch) {
    struct frame frame = sample_frame(FRAME_MESSAGE, SAMPLE_MOST);
    frame.message.body = bytes_of("");
    frame.message.total = 0;
    cr_assert_leq(encode(&frame), FRAME_TEXT_RESERVE);
    frame = sample_frame(FRAME_SEND, SAMPLE_MOST);
    frame.send.body = bytes_of("");
    frame.send.total = 0;
    cr_assert_leq(encode(&frame), FRAME_TEXT_RESERVE);
    cr_assert_leq(ENVELOPE_BYTES + FRAME_TEXT_RESERVE, BATCH_BYTES_MIN);
}

/* An outbox puts whole frames into batches. Texts are cut to fit; what cannot be cut must fit. */
Test(frame, 90_what_the_hub_does_not_cut_fits_into_the_least_batch) {
    static char text[OFFER_NAME_MAX], pids[512 * sizeof(uint32_t)];
    memset(text, 'n', sizeof text);
    struct bytes name = {text, NAME_BYTES_MAX}, label = {text, UINT8_MAX},
                 longest = {text, sizeof text};
    const struct frame frames[] = {
        {.type = FRAME_USER, .user = {.handle = name, .away = label, .pids = {pids, sizeof pids}}},
        {.type = FRAME_OFFERED,
         .offered = {.from = name, .to = name, .mime = label, .name = longest}},
        {.type = FRAME_SIGNALLED,
         .signalled = {.by = name, .said = {SIGNAL_CANCEL, .reason = longest}}},
        {.type = FRAME_NEWS,
         .news = {.who = name, .room = label, .detail = {text, TOPIC_BYTES_MAX}}},
        {.type = FRAME_ROOM, .room = {.room = name, .topic = {text, TOPIC_BYTES_MAX}}},
        {.type = FRAME_WELCOME, .welcome = {.hub_name = label, .handle = name}},
    };
    for (size_t i = 0; i < sizeof frames / sizeof *frames; i++) {
        uint8_t batch[BATCH_BYTES_MIN];
        struct cursor_out out = cursor_out_of(batch, sizeof batch - FRAME_HEADER_BYTES);
        envelope_put(&out, &(struct envelope){PROTO_VERSION, 1, 1});
        cr_assert(frame_put(&out, &frames[i]), "%s", frame_row(frames[i].type)->name);
    }
}

Test(frame, 91_round_trip_of_every_signal) {
    for (enum signal_what what = 0; what < SIGNAL_END; what++) {
        EACH_SIZE(size) {
            struct frame sent = sample_frame(FRAME_SIGNAL, size), got;
            sent.signal.said = sample_said_kind(what, size);
            struct cursor_in in = cursor_in_of(wire, encode(&sent));
            cr_assert_eq(frame_take(&in, &got, FROM_CLIENT), FRAME_OK, "%d", what);
            assert_same(&sent, &got);
        }
    }
}

/* On tape: what clients wrote when these fields had no names. */
static const uint8_t tape_accept[] = {
    0,                                                  /* what */
    0x88, 0x13, 0,   0,   0,   0,   0,   0,             /* 5,000 bytes are there; */
    3,    0,    0,   0,   0,   0,   0,   0,             /* said for the third time */
    1,    'a',  'n', ' ', 'o', 'l', 'd', ' ', 'f', 'i', /* digest */
    'l',  'e',  ' ', 'p', 'a', 'r', 't',                /* ... */
    0,    0,                                            /* reason */
};
static const uint8_t tape_attach[] = {
    2,                                     /* what */
    0x67, 0x12, 0, 0, 0,    0, 0, 0,       /* shmid */
    0,    0x40, 0, 0, 0x40, 0, 0, 0,       /* slot_bytes, n_slots */
    1,    3,    0, 0, 0,    0, 0, 0, 0, 0, /* to the third ACCEPT */
    0,    0,    0, 0, 0,    0, 0,          /* ... */
    0,    0,                               /* reason */
};
static const uint8_t tape_cancel[] = {
    3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 'n', 'o',
};

static void check_tape(const uint8_t *tape, size_t n, const struct signal *said) {
    struct frame frame = sample_frame(FRAME_SIGNAL, SAMPLE_LEAST), got;
    frame.signal.said = *said;
    size_t all = encode(&frame);
    cr_assert(memcmp(wire + all - n, tape, n) == 0, "an old client reads it");
    struct cursor_in in = cursor_in_of(wire, all);
    cr_assert_eq(frame_take(&in, &got, FROM_CLIENT), FRAME_OK);
    assert_same(&frame, &got);
}

Test(frame, 92_a_signal_is_what_old_clients_write_and_read) {
    struct signal accept = {.what = SIGNAL_ACCEPT, .accept = {.n_have = 5000, .attempt = 3}};
    memcpy(accept.accept.digest.b, "an old file part", sizeof accept.accept.digest.b);
    check_tape(tape_accept, sizeof tape_accept, &accept);
    check_tape(tape_attach, sizeof tape_attach,
               &(struct signal){
                   .what = SIGNAL_ATTACH,
                   .attach = {.shmid = 0x1267, .n_slots = 64, .slot_bytes = 16384, .attempt = 3}});
    check_tape(tape_cancel, sizeof tape_cancel,
               &(struct signal){.what = SIGNAL_CANCEL, .reason = bytes_of("no")});
}
