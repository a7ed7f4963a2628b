/*
 * A client with a session that sends what no client should: nothing, too much, lying lengths,
 * every type there is and is not, frames that only the hub may send, parts without a beginning and
 * parts without an end.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/stage.h"

#define UID_ATTACKERS 61100
#define RSS_GROWTH_KIB (24 * 1024)

struct play {
    const struct stage *stage;
    struct raw raw;
};

static void hurl(struct play *play, const void *data, size_t n) {
    int us = 0;
    for (int tries = 0; raw_send_bytes(play->raw.lane, HUB_MTYPE, data, n) == QUEUE_FULL; tries++) {
        if (tries > 2000)
            check_die("the own lane stays full");
        check_pause(&us);
    }
}

/* An envelope of the own session, then these bytes. */
static void hurl_frames(struct play *play, uint16_t n_frames, const void *frames, size_t n) {
    uint8_t data[8192];
    struct cursor_out out = cursor_out_of(data, sizeof data);
    struct envelope envelope = {PROTO_VERSION, n_frames, play->raw.session};
    envelope_put(&out, &envelope);
    cursor_put(&out, frames, n);
    if (out.bad)
        check_die("a batch that is too long for the test");
    hurl(play, data, cursor_out_used(&out));
}

static void send_frame(struct play *play, const struct frame *frame) {
    raw_send(&play->raw, frame);
}

static void zero_length(struct play *play) {
    for (int i = 0; i < 1000; i++)
        hurl(play, NULL, 0);
}

static void short_envelopes(struct play *play) {
    uint8_t zeros[ENVELOPE_BYTES] = {PROTO_VERSION};
    for (size_t n = 1; n < sizeof zeros; n++)
        hurl(play, zeros, n);
}

static void eight_kib(struct play *play) {
    uint8_t data[8192];
    for (unsigned fill = 0; fill <= 255; fill += 51) {
        memset(data, (int)fill, sizeof data);
        hurl(play, data, sizeof data);
        hurl_frames(play, 1, data, sizeof data - ENVELOPE_BYTES);
        hurl_frames(play, UINT16_MAX, data, sizeof data - ENVELOPE_BYTES);
    }
}

static void envelopes(struct play *play) {
    struct raw_batch batch;
    struct frame ready = {.type = FRAME_READY};
    for (unsigned version = 0; version <= 255; version += 15) {
        raw_batch_start(&batch, play->raw.session);
        raw_batch_add(&batch, &ready);
        batch.message.data[version == PROTO_VERSION ? 1 : 0] = (uint8_t)version;
        raw_batch_send(&batch, play->raw.lane, HUB_MTYPE);
    }
}

/* A valid READY, but the envelope counts wrongly, or bytes are left over. */
static void lying_counts(struct play *play) {
    uint8_t readies[] = {4, 0, FRAME_READY, 0, 4, 0, FRAME_READY, 0};
    static const uint16_t counts[] = {0, 1, 3, 1000, UINT16_MAX};
    for (size_t i = 0; i < ARRAY_LEN(counts); i++)
        hurl_frames(play, counts[i], readies, sizeof readies);
    hurl_frames(play, 1, readies, 7);
}

static void lying_lengths(struct play *play) {
    struct raw_batch batch;
    struct frame send;
    raw_fill_send(&send, "bob", "a lying length");
    raw_batch_start(&batch, play->raw.session);
    raw_batch_add(&batch, &send);
    size_t n = cursor_out_used(&batch.out) - ENVELOPE_BYTES;
    uint8_t *frame = batch.message.data + ENVELOPE_BYTES;
    const uint16_t lengths[] = {0, 1, 3, 4, 5, (uint16_t)(n - 1), (uint16_t)(n + 1), 8192, 65535};
    for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
        memcpy(frame, &lengths[i], sizeof lengths[i]);
        hurl_frames(play, 1, frame, n);
    }
    for (size_t at = 4; at < n; at++) { /* each inner byte wrong once */
        uint16_t length = (uint16_t)n;
        memcpy(frame, &length, sizeof length);
        frame[at] ^= 0xff;
        hurl_frames(play, 1, frame, n);
        frame[at] ^= 0xff;
    }
}

static void unknown_types(struct play *play) {
    uint8_t frame[64];
    for (unsigned type = 0; type <= 255; type++) {
        if (type > 0 && type < FRAME_TYPE_END)
            continue;
        for (uint16_t n = FRAME_HEADER_BYTES; n <= (uint16_t)sizeof frame; n = (uint16_t)(n * 4)) {
            memset(frame, (int)type, sizeof frame);
            memcpy(frame, &n, sizeof n);
            frame[2] = (uint8_t)type;
            hurl_frames(play, 1, frame, n);
        }
    }
}

static void random_fields(struct play *play) {
    uint8_t frame[300];
    srandom(1);
    for (int i = 0; i < 3000; i++) {
        uint16_t n = (uint16_t)(FRAME_HEADER_BYTES + random() % 200);
        for (size_t j = 0; j < n; j++)
            frame[j] = (uint8_t)(random() % (random() % 2 ? 256 : 8));
        memcpy(frame, &n, sizeof n);
        frame[2] = (uint8_t)(1 + random() % (FRAME_TYPE_END - 1));
        if (frame[2] != FRAME_BYE)
            hurl_frames(play, 1, frame, n);
    }
}

/* Well-formed frames of the hub: to the hub, and straight at alice's mailbox. */
static void hub_frames(struct play *play) {
    struct bytes alice = bytes_of("alice"), bob = bytes_of("bob"), text = bytes_of("forged");
    struct uuid id = uuid_random();
    const struct frame frames[] = {
        {.type = FRAME_HELLO,
         .hello = {PROTO_VERSION, (uint32_t)play->raw.mailbox, id, 1, alice, 1, 0}},
        {.type = FRAME_NONCE, .nonce = {id}},
        {.type = FRAME_WELCOME, .welcome = {1, 1, 2, id, text, alice, 1, 0, 0}},
        {.type = FRAME_MESSAGE,
         .message = {1, id, 1, KIND_TEXT, UID_ALICE, alice, bob, 1, {{0}}, 6, text}},
        {.type = FRAME_ACK, .flags = FRAME_UP_TO, .ack = {id, 1}},
        {.type = FRAME_REFUSED, .refused = {id, FAIL_BUSY, text}},
        {.type = FRAME_STATE, .state = {id, STATE_READ, bob}},
        {.type = FRAME_DONE, .done = {1}},
        {.type = FRAME_FAIL, .fail = {0, FAIL_VERSION, text}},
        {.type = FRAME_USER, .user = {1, alice, UID_ALICE, 1, {"", 0}, 0, {"", 0}}},
        {.type = FRAME_ROOM, .room = {1, bytes_of("#ops"), 1, text}},
        {.type = FRAME_COUNTER, .counter = {1, text, 1}},
        {.type = FRAME_OBJECT, .object = {1, 1, 1, 1, 1, text}},
        {.type = FRAME_NEWS, .news = {NEWS_OFFLINE, alice, UID_ALICE, {"", 0}, {"", 0}}},
        {.type = FRAME_MORE},
        {.type = FRAME_MISSED, .missed = {1000}},
    };
    for (size_t i = 0; i < ARRAY_LEN(frames); i++)
        send_frame(play, &frames[i]);
}

static void fill_part(struct frame *frame, struct bytes body, bool more) {
    *frame = (struct frame){
        .type = FRAME_PART, .flags = more ? FRAME_MORE_PARTS : 0, .part = {.body = body}};
}

static void loose_parts(struct play *play) {
    struct frame frame;
    for (int i = 0; i < 100; i++) {
        fill_part(&frame, bytes_of("without a beginning"), i % 2);
        send_frame(play, &frame);
    }
}

static void begin_long(struct play *play, uint32_t total) {
    struct frame frame;
    raw_fill_send(&frame, "bob", "begin ");
    frame.flags = FRAME_MORE_PARTS;
    frame.send.total = total;
    send_frame(play, &frame);
}

/* Parts that never end, and more of them than the total says: 40 MB. */
static void endless_parts(struct play *play) {
    static char body[4000];
    struct frame frame;
    memset(body, 'x', sizeof body);
    begin_long(play, MESSAGE_TEXT_MAX);
    fill_part(&frame, (struct bytes){body, sizeof body}, true);
    for (int i = 0; i < 10000; i++)
        send_frame(play, &frame);
}

static void broken_parts(struct play *play) {
    struct frame frame;
    begin_long(play, 20);
    fill_part(&frame, bytes_of("more than the twenty bytes that were announced"), false);
    send_frame(play, &frame);
    begin_long(play, 60000);
    fill_part(&frame, bytes_of("less than was announced"), false);
    send_frame(play, &frame);
    for (int i = 0; i < 100; i++) /* begun again and again, never finished */
        begin_long(play, 60000);
    begin_long(play, 8);
    fill_part(&frame, (struct bytes){"\xc3", 1}, true); /* half a code point */
    send_frame(play, &frame);
    raw_say(&play->raw, user_handle(), "in between", NULL);
    fill_part(&frame, (struct bytes){"\xa4", 1}, false);
    send_frame(play, &frame);
}

static void false_totals(struct play *play) {
    static const uint32_t totals[] = {0, 1, 5, 7, MESSAGE_TEXT_MAX + 1, INT32_MAX, UINT32_MAX};
    for (size_t i = 0; i < ARRAY_LEN(totals); i++) {
        begin_long(play, totals[i]);
        struct frame frame;
        raw_fill_send(&frame, "bob", "totals");
        frame.send.total = totals[i];
        send_frame(play, &frame);
    }
}

static void bad_text(struct play *play) {
    static const char *const texts[] = {"\xff", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80",
                                        "cut \xe2\x82"};
    struct frame frame;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        raw_fill_send(&frame, user_handle(), texts[i]);
        send_frame(play, &frame);
        raw_fill_send(&frame, texts[i], "to a bad name");
        send_frame(play, &frame);
    }
    raw_fill_send(&frame, user_handle(), "");
    frame.send.body = (struct bytes){"a\0b", 3};
    frame.send.total = 3;
    send_frame(play, &frame);
    frame.send.kind = 200;
    send_frame(play, &frame);
}

/* Without bound: rooms, handles, receipts for what was never sent, questions. */
static void too_much(struct play *play) {
    char name[32];
    struct frame frame;
    for (uint32_t i = 0; i < 2000; i++) {
        snprintf(name, sizeof name, "#room-%u", i);
        frame = (struct frame){.type = FRAME_JOIN, .join = {i, bytes_of(name)}};
        send_frame(play, &frame);
        frame = (struct frame){.type = FRAME_NICK, .nick = {i, bytes_of(name + 1)}};
        send_frame(play, &frame);
        frame = (struct frame){.type = FRAME_RECEIPT,
                               .receipt = {uuid_random(), STATE_READ, i * 2654435761u, i}};
        send_frame(play, &frame);
        frame = (struct frame){.type = FRAME_LIST, .list = {i, LIST_USERS, {"", 0}}};
        send_frame(play, &frame);
    }
}

/* Whole batches of them, so that the session ends with frames of the same batch behind it. */
static void unread_refusals(struct play *play) {
    uint8_t frames[BATCH_BYTES_MAX - ENVELOPE_BYTES];
    struct frame frame;
    for (unsigned n_sent = 0; n_sent < 60000;) {
        struct cursor_out out = cursor_out_of(frames, sizeof frames);
        uint16_t n = 0;
        do
            raw_fill_send(&frame, "#nowhere", "x");
        while (frame_put(&out, &frame) && ++n);
        out.bad = false;
        hurl_frames(play, n, frames, cursor_out_used(&out));
        n_sent += n;
    }
}

static const struct attack {
    const char *name;
    void (*run)(struct play *play);
    bool is_logged; /* breaks a rule that the hub must notice */
} attacks[] = {
    {"messages of zero length", zero_length, true},
    {"messages shorter than an envelope", short_envelopes, true},
    {"messages of 8 KiB of junk", eight_kib, true},
    {"envelopes of other versions", envelopes, true},
    {"lying frame counts", lying_counts, true},
    {"lying lengths", lying_lengths, true},
    {"unknown frame types", unknown_types, true},
    {"random fields", random_fields, true},
    {"frames that only the hub may send", hub_frames, true},
    {"parts without a beginning", loose_parts, true},
    {"endless parts", endless_parts, true},
    {"parts that do not fit", broken_parts, true},
    {"false totals", false_totals, true},
    {"text that is not UTF-8", bad_text, true},
    {"refusals that it does not read", unread_refusals, false},
    {"thousands of rooms, names, receipts and questions", too_much, false},
};

struct attempt {
    const struct stage *stage;
    const struct attack *attack;
};

/* 0: the session outlived it; 2: the hub ended the session, and a new one could be had. */
static int attack_main(void *arg) {
    const struct attempt *attempt = arg;
    static struct play play;
    play.stage = attempt->stage;
    if (raw_join(&play.raw, attempt->stage->dir, user_handle(), 0) != RAW_WELCOME)
        return 1;
    attempt->attack->run(&play);
    bool served = raw_is_served(&play.raw);
    if (!served) {
        raw_drop(&play.raw);
        if (raw_join(&play.raw, attempt->stage->dir, user_handle(), 0) != RAW_WELCOME)
            return 1;
    }
    raw_leave(&play.raw);
    return served ? 0 : 2;
}

static void check_attack(struct stage *stage, const struct attack *attack) {
    struct attempt attempt = {stage, attack};
    uid_t uid = UID_ATTACKERS + (uid_t)(attack - attacks); /* each a new name in the log */
    long mark = hub_log_mark(&stage->hub), before = hub_rss_kib(&stage->hub);
    pid_t pid = user_start(uid, attack_main, &attempt);
    int r = user_wait(pid, 60000);
    check(r == 0 || r == 2, "%s: harmless, %s", attack->name,
          r == 0   ? "the sender's own session goes on"
          : r == 2 ? "the sender's session was ended, a new one is given"
                   : "but the sender cannot join any more");
    stage_check_growth(stage, before, RSS_GROWTH_KIB, attack->name);
    if (attack->is_logged)
        stage_check_logged(stage, mark, uid, pid, attack->name);
    stage_check_talk(stage, attack->name);
}

int main(void) {
    struct stage stage;
    stage_begin(&stage);
    for (size_t i = 0; i < ARRAY_LEN(attacks); i++)
        check_attack(&stage, &attacks[i]);
    return stage_end(&stage);
}
