#include "harness/raw.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <unistd.h>

#include "harness/check.h"

#define ANSWER_MS 5000

const char *raw_result_text(int result) {
    return result < 0 ? strerror(-result) : queue_outcome_text((enum queue_outcome)result);
}

int raw_init(struct raw *raw, const char *dir) {
    memset(raw, 0, sizeof *raw);
    raw->mailbox = raw->lane = -1;
    raw->pid = getpid();
    raw->nonce = uuid_random();
    return rendezvous_find(dir, (uid_t)-1, &raw->hub);
}

int raw_make_mailbox(struct raw *raw) {
    return queue_create_private(&raw->mailbox);
}

int raw_give_mailbox(struct raw *raw) {
    return queue_set(raw->mailbox, raw->hub.uid, (gid_t)-1, 0600, QUEUE_TAG_MAILBOX);
}

static int send_one(const struct frame *frame, uint64_t session, int msqid, long mtype) {
    struct raw_batch batch;
    raw_batch_start(&batch, session);
    if (!raw_batch_add(&batch, frame))
        return -E2BIG;
    return raw_batch_send(&batch, msqid, mtype);
}

int raw_put_nonce(struct raw *raw) {
    struct frame frame = {.type = FRAME_NONCE, .nonce = {.nonce = raw->nonce}};
    return send_one(&frame, 0, raw->mailbox, raw->pid);
}

void raw_fill_hello(const struct raw *raw, struct frame *hello, const char *handle,
                    unsigned abilities) {
    *hello = (struct frame){
        .type = FRAME_HELLO,
        .hello = {.version = PROTO_VERSION,
                  .mailbox = (uint32_t)raw->mailbox,
                  .nonce = raw->nonce,
                  .abilities = abilities,
                  .handle = bytes_of(handle)},
    };
}

int raw_send_hello(struct raw *raw, const struct frame *hello) {
    return send_one(hello, 0, raw->hub.msqid, HUB_MTYPE);
}

static void keep_text(char *to, size_t size, struct bytes text) {
    snprintf(to, size, "%.*s", (int)text.n, text.data);
}

static bool nonce_taken(void *arg) {
    const struct raw *raw = arg;
    struct queue_info info;
    return queue_stat(raw->mailbox, &info) != QUEUE_OK || info.last_receiver == raw->hub.pid;
}

/* The nonce is addressed to us as well: to receive before the hub did would take it away. */
enum raw_answer raw_await_welcome(struct raw *raw, int ms) {
    mono_time deadline = mono_add_ms(mono_now(), ms);
    check_until(nonce_taken, raw, ms);
    struct frame frame;
    for (;;) {
        int64_t left = mono_ms_until(mono_now(), deadline);
        if (raw_next(raw, &frame, left > 0 ? (int)left : 0) != QUEUE_OK)
            return RAW_SILENCE;
        if (frame.type == FRAME_WELCOME) {
            raw->session = raw->in_session;
            raw->lane = (int)frame.welcome.lane;
            keep_text(raw->handle, sizeof raw->handle, frame.welcome.handle);
            return RAW_WELCOME;
        }
        if (frame.type == FRAME_FAIL && frame.fail.request == 0) {
            raw->fail = frame.fail.code;
            keep_text(raw->reason, sizeof raw->reason, frame.fail.reason);
            return RAW_FAILED;
        }
    }
}

enum raw_answer raw_join_link(struct raw *raw, const char *dir, const char *handle,
                              unsigned abilities, uint64_t link) {
    struct frame frame;
    if (raw_init(raw, dir) != RENDEZVOUS_OK || raw_make_mailbox(raw) != QUEUE_OK ||
        raw_give_mailbox(raw) != QUEUE_OK || raw_put_nonce(raw) != QUEUE_OK)
        return RAW_SILENCE;
    raw_fill_hello(raw, &frame, handle, abilities);
    frame.hello.link = link;
    int sent = raw_send_hello(raw, &frame);
    if (sent != QUEUE_OK) {
        check_note("HELLO: %s", raw_result_text(sent));
        return RAW_SILENCE;
    }
    enum raw_answer answer = raw_await_welcome(raw, ANSWER_MS);
    if (answer == RAW_WELCOME) {
        frame = (struct frame){.type = FRAME_READY};
        raw_send(raw, &frame);
    }
    return answer;
}

enum raw_answer raw_join(struct raw *raw, const char *dir, const char *handle, unsigned abilities) {
    return raw_join_link(raw, dir, handle, abilities, 0);
}

void raw_drop(struct raw *raw) {
    raw_drop_channel(raw);
    if (raw->mailbox >= 0)
        queue_remove(raw->mailbox);
    raw->mailbox = -1;
    raw->session = 0;
}

void raw_leave(struct raw *raw) {
    struct frame frame = {.type = FRAME_BYE};
    if (raw->session)
        raw_send(raw, &frame);
    raw_drop(raw);
}

void raw_batch_start(struct raw_batch *batch, uint64_t session) {
    struct envelope envelope = {.version = PROTO_VERSION, .session = session};
    batch->n_frames = 0;
    batch->out = cursor_out_of(batch->message.data, sizeof batch->message.data);
    envelope_put(&batch->out, &envelope);
}

bool raw_batch_add(struct raw_batch *batch, const struct frame *frame) {
    if (!frame_put(&batch->out, frame))
        return false;
    envelope_set_n_frames(batch->message.data, ++batch->n_frames);
    return true;
}

int raw_batch_send(struct raw_batch *batch, int msqid, long mtype) {
    batch->message.mtype = mtype;
    return queue_send(msqid, &batch->message, cursor_out_used(&batch->out), true);
}

/* The call itself: a message may be longer than any batch of ours, and may have no bytes. */
int raw_send_bytes(int msqid, long mtype, const void *data, size_t n) {
    static struct {
        long mtype;
        uint8_t data[65536];
    } message;
    message.mtype = mtype;
    if (n > 0)
        memcpy(message.data, data, n);
    if (msgsnd(msqid, &message, n, IPC_NOWAIT) == 0)
        return QUEUE_OK;
    return errno == EAGAIN ? QUEUE_FULL : errno == EIDRM ? QUEUE_GONE : -errno;
}

/* Without sleeping: a test that does not go on tells the hub nothing. */
static int put_up(struct raw *raw, const struct raw_batch *batch) {
    struct batch_ring *up = &raw->channel.up;
    int r, us = 0;
    while ((r = batch_ring_put(up, batch->message.data, cursor_out_used(&batch->out))) ==
           BATCH_RING_FULL)
        check_pause(&us);
    if (r != BATCH_RING_OK)
        return -EBADMSG;
    if (!batch_ring_is_reader_due(up))
        return QUEUE_OK;
    r = queue_ring_bell(raw->lane, HUB_MTYPE, raw->session);
    return r == QUEUE_FULL ? QUEUE_OK : r;
}

int raw_batch_go(struct raw *raw, struct raw_batch *batch) {
    return raw->by_up ? put_up(raw, batch) : raw_batch_send(batch, raw->lane, HUB_MTYPE);
}

int raw_send(struct raw *raw, const struct frame *frame) {
    struct raw_batch batch;
    raw_batch_start(&batch, raw->session);
    return raw_batch_add(&batch, frame) ? raw_batch_go(raw, &batch) : -E2BIG;
}

/* Channels. */

int raw_offer_channel(struct raw *raw) {
    struct frame frame = {.type = FRAME_CHANNEL};
    int r = channel_create(&raw->channel, raw->hub.uid);
    frame.channel.shmid = (uint32_t)raw->channel.shmid;
    return r == 0 ? raw_send(raw, &frame) : r;
}

void raw_drop_channel(struct raw *raw) {
    channel_close(&raw->channel);
    raw->by_up = raw->by_down = false;
}

/* What follows goes the way that this one says. */
static void answer_switch(struct raw *raw, bool to_channel) {
    struct frame frame = {.type = FRAME_SWITCH,
                          .switch_to = {to_channel ? SWITCH_TO_CHANNEL : SWITCH_TO_QUEUE}};
    bool is_new = to_channel != raw->by_down;
    raw->n_switches++;
    raw->by_down = to_channel;
    if (is_new)
        (void)raw_send(raw, &frame);
    raw->by_up = to_channel;
    if (!to_channel)
        raw_drop_channel(raw);
}

static bool has_channel(void *arg) {
    struct raw *raw = arg;
    struct frame frame;
    (void)raw_next(raw, &frame, 0);
    return raw->by_up || !channel_is_open(&raw->channel);
}

int raw_take_channel(struct raw *raw, int ms) {
    int r = raw_offer_channel(raw);
    if (r == 0)
        (void)check_until(has_channel, raw, ms);
    return r != 0 || raw->by_up ? r : QUEUE_EMPTY;
}

void raw_fill_send(struct frame *frame, const char *to, const char *text) {
    struct bytes body = bytes_of(text);
    *frame = (struct frame){
        .type = FRAME_SEND,
        .flags = FRAME_ACK_NOW,
        .send = {.id = uuid_random(),
                 .kind = KIND_TEXT,
                 .to = bytes_of(to),
                 .total = (uint32_t)body.n,
                 .body = body},
    };
}

int raw_say(struct raw *raw, const char *to, const char *text, struct uuid *id) {
    struct frame frame;
    raw_fill_send(&frame, to, text);
    if (id)
        *id = frame.send.id;
    return raw_send(raw, &frame);
}

/* From where the next one comes; the ring, if it is empty, is not waited for in the queue. */
static int take_batch(struct raw *raw, size_t *n, bool wait) {
    if (!raw->by_down)
        return queue_receive(raw->mailbox, &raw->in, raw->pid, n, wait);
    int r = batch_ring_take(&raw->channel.down, raw->in.data, n);
    if (r == BATCH_RING_BROKEN)
        return -EBADMSG;
    if (r == BATCH_RING_OK && batch_ring_is_writer_due(&raw->channel.down))
        (void)queue_ring_bell(raw->lane, HUB_MTYPE, raw->session);
    return r == BATCH_RING_OK ? QUEUE_OK : QUEUE_EMPTY;
}

static int raw_receive_batch(struct raw *raw, int ms) {
    mono_time deadline = mono_add_ms(mono_now(), ms);
    int us = 0;
    for (;;) {
        size_t n = 0;
        int r = take_batch(raw, &n, ms < 0);
        if (r == QUEUE_INTERRUPTED)
            continue;
        if (r == QUEUE_EMPTY && (ms < 0 || mono_ms_until(mono_now(), deadline) > 0)) {
            check_pause(&us);
            continue;
        }
        if (r != QUEUE_OK)
            return r;
        struct envelope envelope;
        raw->at = cursor_in_of(raw->in.data, n);
        if (!envelope_take(&raw->at, &envelope))
            return -EBADMSG;
        raw->n_left = envelope.n_frames;
        raw->in_session = envelope.session;
        return QUEUE_OK;
    }
}

int raw_next(struct raw *raw, struct frame *frame, int ms) {
    struct frame ready = {.type = FRAME_READY};
    for (;;) {
        while (raw->n_left == 0) {
            int r = raw_receive_batch(raw, ms);
            if (r != QUEUE_OK)
                return r;
        }
        raw->n_left--;
        enum frame_outcome outcome = frame_take(&raw->at, frame, FROM_HUB | FROM_SELF);
        if (outcome != FRAME_OK)
            return -EBADMSG;
        if (frame->type == FRAME_SWITCH && !raw->never_switches)
            answer_switch(raw, frame->switch_to.to == SWITCH_TO_CHANNEL);
        else if (frame->type != FRAME_MORE || raw->never_ready)
            return QUEUE_OK;
        else if (raw->session)
            raw_send(raw, &ready);
    }
}

int raw_await(struct raw *raw, struct frame *frame, enum frame_type type, int ms) {
    mono_time deadline = mono_add_ms(mono_now(), ms);
    for (;;) {
        int64_t left = mono_ms_until(mono_now(), deadline);
        int r = raw_next(raw, frame, left > 0 ? (int)left : 0);
        if (r != QUEUE_OK || frame->type == type)
            return r;
    }
}

int raw_ask(struct raw *raw, const struct frame *frame, uint32_t request, int ms) {
    mono_time deadline = mono_add_ms(mono_now(), ms);
    struct frame answer;
    int r = raw_send(raw, frame);
    while (r == QUEUE_OK) {
        int64_t left = mono_ms_until(mono_now(), deadline);
        r = raw_next(raw, &answer, left > 0 ? (int)left : 0);
        if (r != QUEUE_OK)
            break;
        if (answer.type == FRAME_DONE && answer.done.request == request)
            return 0;
        if (answer.type == FRAME_FAIL && answer.fail.request == request) {
            keep_text(raw->reason, sizeof raw->reason, answer.fail.reason);
            return answer.fail.code;
        }
    }
    return -ETIMEDOUT;
}

int raw_count_users(struct raw *raw, int *n_sessions) {
    static uint32_t request = 7000000;
    struct frame frame = {.type = FRAME_LIST,
                          .list = {.request = ++request, .what = LIST_USERS, .of = {"", 0}}};
    int n_users = 0;
    *n_sessions = 0;
    int r = raw_send(raw, &frame);
    while (r == QUEUE_OK) {
        r = raw_next(raw, &frame, ANSWER_MS);
        if (r != QUEUE_OK || (frame.type == FRAME_FAIL && frame.fail.request == request))
            break;
        if (frame.type == FRAME_DONE && frame.done.request == request)
            return n_users;
        if (frame.type == FRAME_USER && frame.user.request == request) {
            n_users++;
            *n_sessions += (int)(frame.user.pids.n / sizeof(uint32_t));
        }
    }
    return -1;
}

bool raw_is_served(struct raw *raw) {
    int n_sessions;
    return raw_count_users(raw, &n_sessions) >= 0;
}
