/* Recorded batches, sent again: at once, after the end of the session, by another user. */
#include <string.h>
#include <unistd.h>

#include "harness/stage.h"

struct recording {
    struct raw_batch batch;
    struct uuid id;
};

/* Messages with this text that come within a short while; `raw` asks for them to be flushed. */
static int count_text(struct raw *raw, const char *text) {
    struct frame frame, list = {.type = FRAME_LIST, .list = {.request = 99, .what = LIST_ROOMS}};
    int n = 0;
    raw_send(raw, &list);
    while (raw_next(raw, &frame, 5000) == QUEUE_OK) {
        if (frame.type == FRAME_MESSAGE && bytes_equal(frame.message.body, bytes_of(text)))
            n++;
        if (frame.type == FRAME_DONE && frame.done.request == 99)
            return n;
    }
    return -1;
}

static void record_message(struct recording *record, uint64_t session, const char *to,
                           const char *text, const struct uuid *id) {
    struct frame frame;
    raw_fill_send(&frame, to, text);
    if (id) { /* as a client does that comes back: it says that it repeats */
        frame.send.id = *id;
        frame.flags |= FRAME_REPEAT;
    }
    record->id = frame.send.id;
    raw_batch_start(&record->batch, session);
    raw_batch_add(&record->batch, &frame);
}

/* All that the sender wrote has been routed once the hub has answered it. */
static void settle(struct raw *sender) {
    check(raw_is_served(sender), "the sender is served");
}

static void replay_hello(struct raw *raw, const char *dir) {
    struct raw other;
    struct frame hello;
    raw_fill_hello(raw, &hello, "carol", ABILITY_LISTEN);
    uint64_t session = raw->session;
    for (int i = 0; i < 5; i++)
        raw_send_hello(raw, &hello);
    check(raw_await_welcome(raw, 300) != RAW_WELCOME && raw->session == session,
          "HELLO again while joined: no second session");
    check(raw_is_served(raw), "and the first one goes on");
    raw_join(&other, dir, "carol2", ABILITY_LISTEN);
    raw_leave(&other);
    raw_fill_hello(&other, &hello, "carol2", ABILITY_LISTEN);
    raw_send_hello(raw, &hello);
    check(raw_is_served(raw), "HELLO of a session that has ended: nothing happens");
}

static int replay_own(void *arg) {
    const struct stage *stage = arg;
    struct raw carol, sender;
    static struct recording record;
    if (raw_join(&carol, stage->dir, "carol", ABILITY_LISTEN) != RAW_WELCOME ||
        raw_join(&sender, stage->dir, "mallory", 0) != RAW_WELCOME)
        return 1;
    replay_hello(&carol, stage->dir);

    record_message(&record, sender.session, "carol", "once", NULL);
    for (int i = 0; i < 10; i++)
        raw_batch_send(&record.batch, sender.lane, HUB_MTYPE);
    settle(&sender);
    check(count_text(&carol, "once") == 1, "a batch sent ten times is delivered once");

    int lane = sender.lane;
    raw_leave(&sender);
    if (raw_join(&sender, stage->dir, "mallory", 0) != RAW_WELCOME)
        return 1;
    raw_batch_send(&record.batch, lane, HUB_MTYPE);
    raw_batch_send(&record.batch, sender.lane, HUB_MTYPE);
    settle(&sender);
    check(count_text(&carol, "once") == 0, "the batch of an ended session is not delivered");

    record_message(&record, sender.session, "carol", "once", &record.id);
    raw_batch_send(&record.batch, sender.lane, HUB_MTYPE);
    settle(&sender);
    check(count_text(&carol, "once") == 0, "the same message by a new session is not doubled");
    raw_leave(&sender);
    raw_leave(&carol);
    return 0;
}

struct relay {
    struct stage *stage;
    struct recording *record; /* shared */
    atomic_int phase;         /* shared, within the relay */
};

static bool phase_is_1(void *arg) {
    return atomic_load(&((struct relay *)arg)->phase) == 1;
}

static bool phase_is_2(void *arg) {
    return atomic_load(&((struct relay *)arg)->phase) == 2;
}

/* Bob's uid replays what mallory recorded: verbatim, and its id under his own session. */
static int thief(void *arg) {
    struct relay *relay = arg;
    struct raw raw;
    if (raw_join(&raw, relay->stage->dir, "bobs-bot", 0) != RAW_WELCOME ||
        !check_until(phase_is_1, relay, 10000))
        return 1;
    raw_batch_send(&relay->record->batch, raw.lane, HUB_MTYPE);
    raw_batch_send(&relay->record->batch, raw.hub.msqid, HUB_MTYPE);
    settle(&raw);
    struct recording own;
    record_message(&own, raw.session, "carol", "from bob", &relay->record->id);
    raw_batch_send(&own.batch, raw.lane, HUB_MTYPE);
    settle(&raw);
    atomic_store(&relay->phase, 2);
    raw_leave(&raw);
    return 0;
}

static int owner(void *arg) {
    struct relay *relay = arg;
    struct raw carol, sender;
    if (raw_join(&carol, relay->stage->dir, "carol", ABILITY_LISTEN) != RAW_WELCOME ||
        raw_join(&sender, relay->stage->dir, "mallory", 0) != RAW_WELCOME)
        return 1;
    record_message(relay->record, sender.session, "carol", "mine", NULL);
    atomic_store(&relay->phase, 1);
    if (!check_until(phase_is_2, relay, 10000))
        return 1;
    check(count_text(&carol, "mine") == 0, "another user's batch, sent verbatim: not delivered");
    raw_batch_send(&relay->record->batch, sender.lane, HUB_MTYPE);
    settle(&sender);
    check(count_text(&carol, "mine") == 1,
          "a message arrives even if another user has used its id before");
    raw_leave(&sender);
    raw_leave(&carol);
    return 0;
}

int main(void) {
    struct stage stage;
    stage_begin(&stage);
    long mark = hub_log_mark(&stage.hub);
    check(user_run(UID_MALLORY, replay_own, &stage, 60000) == 0, "own replays: done");
    stage_check_logged(&stage, mark, UID_MALLORY, 0, "own replays");
    stage_check_talk(&stage, "own replays");

    struct relay *relay = check_shared(sizeof *relay);
    relay->stage = &stage;
    relay->record = check_shared(sizeof *relay->record);
    mark = hub_log_mark(&stage.hub);
    pid_t bob = user_start(UID_BOB, thief, relay);
    check(user_run(UID_MALLORY, owner, relay, 60000) == 0, "another user's replays: done");
    check(user_wait(bob, 20000) == 0, "and the other user's side");
    stage_check_logged(&stage, mark, UID_BOB, 0, "another user's replays");
    stage_check_talk(&stage, "another user's replays");
    return stage_end(&stage);
}
