#include "harness/tape.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <unistd.h>

#include "harness/check.h"
#include "harness/raw.h"

#define SAID "from the first days"
#define TYPE_HELLO 1
#define TYPE_NONCE 2
#define TYPE_WELCOME 14
#define WELCOME_LANE 6 /* in the frame */
#define TAKEN_MS 5000
#define QUIET_MS 500 /* an answer is complete when so long nothing came; only for recording */

bool tape_open(struct tape_end *end, const char *dir) {
    memset(end, 0, sizeof *end);
    end->lane = -1;
    end->dir = dir;
    int r = rendezvous_find(dir, (uid_t)-1, &end->hub);
    if (r == 0)
        r = queue_create_private(&end->mailbox);
    if (r == 0)
        r = queue_set(end->mailbox, end->hub.uid, (gid_t)-1, 0600, QUEUE_TAG_MAILBOX);
    if (r != 0)
        check_note("no mailbox for a tape: %d", r);
    return r == 0;
}

static bool nonce_is_taken(void *arg) {
    const struct tape_end *end = arg;
    struct queue_info info;
    return queue_stat(end->mailbox, &info) != QUEUE_OK || info.last_receiver == end->hub.pid;
}

static int say_today(const struct tape_end *end) {
    struct raw raw;
    enum raw_answer answer = raw_join(&raw, end->dir, "modern", 0);
    int r = answer == RAW_WELCOME ? raw_say(&raw, "veteran", SAID, NULL) : -ECONNREFUSED;
    raw_leave(&raw);
    return r;
}

int tape_send(const struct tape_end *end, const uint8_t *bytes, size_t n) {
    uint8_t batch[TAPE_BATCH_MAX];
    if (n == 0)
        return say_today(end);
    uint8_t type = bytes[TAPE_FRAME + 2];
    memcpy(batch, bytes, n);
    if (type == TYPE_NONCE)
        return raw_send_bytes(end->mailbox, getpid(), batch, n);
    if (type == TYPE_HELLO) {
        memcpy(batch + TAPE_HELLO_MAILBOX, &end->mailbox, sizeof(uint32_t));
        int r = raw_send_bytes(end->hub.msqid, 1, batch, n);
        check_until(nonce_is_taken, (void *)(uintptr_t)end, TAKEN_MS);
        return r;
    }
    memcpy(batch + TAPE_SESSION, &end->session, sizeof end->session);
    return raw_send_bytes(end->lane, 1, batch, n);
}

struct tape_reading {
    struct tape_end *end;
    bool failed;
};

static bool has_batch(void *arg) {
    struct tape_reading *reading = arg;
    struct tape_end *end = reading->end;
    struct {
        long mtype;
        uint8_t data[TAPE_BATCH_MAX];
    } message;
    ssize_t n = msgrcv(end->mailbox, &message, sizeof message.data, getpid(), IPC_NOWAIT);
    if (n <= TAPE_FRAME)
        return false;
    memcpy(end->batch, message.data, (size_t)n);
    end->n = (size_t)n;
    end->at = TAPE_FRAME;
    return true;
}

uint8_t tape_type(const uint8_t *frame) {
    return frame[2];
}

uint16_t tape_length(const uint8_t *frame) {
    uint16_t length;
    memcpy(&length, frame, sizeof length);
    return length;
}

const uint8_t *tape_next(struct tape_end *end, int ms) {
    struct tape_reading reading = {.end = end};
    if (end->at >= end->n && !check_until(has_batch, &reading, ms))
        return NULL;
    const uint8_t *frame = end->batch + end->at;
    size_t left = end->n - end->at, length = left < 4 ? 0 : tape_length(frame);
    if (length < 4 || length > left)
        return NULL;
    end->at += length;
    if (tape_type(frame) == TYPE_WELCOME) {
        memcpy(&end->session, end->batch + TAPE_SESSION, sizeof end->session);
        memcpy(&end->lane, frame + WELCOME_LANE, sizeof(uint32_t));
    }
    return frame;
}

/* --- the recorder ---------------------------------------------------------------------------- */

static void print_bytes(const char *name, const uint8_t *bytes, size_t n) {
    printf("static const uint8_t version_1_%s[] = {", name);
    for (size_t i = 0; i < n; i++)
        printf("%s0x%02x,", i % 16 == 0 ? "\n    " : " ", bytes[i]);
    printf("\n};\n");
}

/* Bodies are how a message ends. */
static void print_frame(const uint8_t *frame) {
    size_t n = tape_length(frame), n_said = sizeof SAID - 1;
    bool ends = n > n_said && memcmp(frame + n - n_said, SAID, n_said) == 0;
    printf("    {%d, %d, %zu, %s},\n", tape_type(frame), frame[3], n,
           ends ? "\"" SAID "\"" : "NULL");
}

static bool record_step(struct tape_end *end, const char *name, const struct frame *frame) {
    struct raw_batch batch;
    raw_batch_start(&batch, 0);
    if (frame->type != FRAME_NONE)
        raw_batch_add(&batch, frame);
    size_t n = frame->type == FRAME_NONE ? 0 : cursor_out_used(&batch.out);
    if (n > 0)
        print_bytes(name, batch.message.data, n);
    if (tape_send(end, batch.message.data, n) != QUEUE_OK)
        return false;
    printf("static const struct tape_frame version_1_%s_answers[] = {\n", name);
    const uint8_t *answer;
    while (frame->type != FRAME_NONCE && (answer = tape_next(end, QUIET_MS)))
        print_frame(answer);
    printf("    {0, 0, 0, NULL},\n};\n");
    return true;
}

static void print_step(const char *name, bool has_bytes) {
    printf("    {\"%s\", ", name);
    if (has_bytes)
        printf("version_1_%s, sizeof version_1_%s, ", name, name);
    else
        printf("NULL, 0, ");
    printf("version_1_%s_answers,\n     sizeof version_1_%s_answers / sizeof(struct tape_frame) - "
           "1},\n",
           name, name);
}

static const struct uuid tape_id = {"tape of version"};

bool tape_record(const char *dir) {
    struct tape_end end;
    struct bytes room = bytes_of("#old"), said = bytes_of(SAID), none = bytes_of("");
    const struct {
        const char *name;
        struct frame frame;
    } steps[] = {
        {"nonce", {.type = FRAME_NONCE, .nonce = {tape_id}}},
        {"hello",
         {.type = FRAME_HELLO,
          .hello = {.version = PROTO_VERSION,
                    .nonce = tape_id,
                    .abilities = ABILITY_LISTEN | ABILITY_ALL_ROOMS,
                    .handle = bytes_of("veteran"),
                    .link = 0x1122334455667788}}},
        {"ready", {.type = FRAME_READY}},
        {"join", {.type = FRAME_JOIN, .join = {1, room}}},
        {"send",
         {.type = FRAME_SEND,
          .flags = FRAME_ACK_NOW | FRAME_WANT_SEQ,
          .send = {.id = tape_id, .to = room, .total = (uint32_t)said.n, .body = said}}},
        {"message", {.type = FRAME_NONE}},
        {"taken", {.type = FRAME_TAKEN, .taken = {2, 2}}},
        {"list", {.type = FRAME_LIST, .list = {2, LIST_USERS, none}}},
        {"rooms", {.type = FRAME_LIST, .list = {3, LIST_ROOMS, none}}},
        {"history", {.type = FRAME_HISTORY, .history = {4, room, 0, 0, 10}}},
        {"topic", {.type = FRAME_TOPIC, .topic = {5, room, said}}},
        {"away", {.type = FRAME_AWAY, .away = {6, 1, bytes_of("out")}}},
        {"part", {.type = FRAME_LEAVE, .leave = {7, room}}},
        {"bye", {.type = FRAME_BYE}},
    };
    bool ok = tape_open(&end, dir);
    printf("/* A client of protocol version %d, recorded with RECORD=1: not to be changed. */\n"
           "#pragma once\n\n#include \"harness/tape.h\"\n\n/* clang-format off */\n",
           PROTO_VERSION);
    for (size_t i = 0; ok && i < ARRAY_LEN(steps); i++)
        ok = record_step(&end, steps[i].name, &steps[i].frame);
    printf("\nstatic const struct tape_step version_1_steps[] = {\n");
    for (size_t i = 0; i < ARRAY_LEN(steps); i++)
        print_step(steps[i].name, steps[i].frame.type != FRAME_NONE);
    printf("};\n/* clang-format on */\n");
    queue_remove(end.mailbox);
    return ok;
}
