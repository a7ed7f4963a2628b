/*
 * Frames with somebody else's session number: over the lane of another uid, over another lane of
 * the same uid, over the well-known queue, with guessed numbers. Whatever was taken for alice's
 * would reach bob, who answers it, and alice would see an answer to what she never wrote; a BYE
 * would end her session.
 */
#include <string.h>

#include "harness/stage.h"

#define N_GUESSES 20000
#define N_SESSIONS 16

static void send_as(struct raw *raw, uint64_t session, int msqid, const struct frame *frame) {
    struct raw_batch batch;
    raw_batch_start(&batch, session);
    raw_batch_add(&batch, frame);
    raw_batch_send(&batch, msqid, HUB_MTYPE);
    (void)raw;
}

/* One of everything that would do harm under another's name. */
static void misuse(struct raw *raw, uint64_t session, int msqid) {
    struct frame frame;
    raw_fill_send(&frame, "bob", "not from alice");
    send_as(raw, session, msqid, &frame);
    frame = (struct frame){.type = FRAME_NICK, .nick = {1, bytes_of("puppet")}};
    send_as(raw, session, msqid, &frame);
    frame = (struct frame){.type = FRAME_BYE};
    send_as(raw, session, msqid, &frame);
}

static int from_other_uid(void *arg) {
    const struct stage *stage = arg;
    uint64_t session = atomic_load(&stage->pair.talk->alice_session);
    struct raw raw;
    if (raw_join(&raw, stage->dir, user_handle(), 0) != RAW_WELCOME)
        return 1;
    check(raw.session != session && raw.session != 0 && session != 0,
          "two sessions have two numbers");
    misuse(&raw, session, raw.lane);
    misuse(&raw, session, raw.hub.msqid);
    check(raw_is_served(&raw), "alice's number on another's lane: that one's own session goes on");
    raw_leave(&raw);
    return 0;
}

static int from_dead_session(void *arg) {
    const struct stage *stage = arg;
    struct raw raw, dead;
    if (raw_join(&dead, stage->dir, user_handle(), 0) != RAW_WELCOME ||
        raw_join(&raw, stage->dir, user_handle(), 0) != RAW_WELCOME)
        return 1;
    uint64_t session = dead.session;
    int lane = dead.lane;
    raw_leave(&dead);
    check(raw_is_served(&raw), "a session of the same user ended");
    misuse(&raw, session, lane);
    misuse(&raw, 0, raw.lane);
    check(raw_is_served(&raw), "frames of an ended session and of session 0 change nothing");
    raw_leave(&raw);
    return 0;
}

/* As a flood of guesses over the own lane. */
static int guess(void *arg) {
    const struct stage *stage = arg;
    uint64_t session = atomic_load(&stage->pair.talk->alice_session);
    struct raw raw;
    struct frame bye = {.type = FRAME_BYE};
    if (raw_join(&raw, stage->dir, user_handle(), 0) != RAW_WELCOME)
        return 1;
    for (uint64_t i = 1; i < N_GUESSES; i++) {
        uint64_t number = i % 2 ? session + i : i << 48 | (session & 0xffff);
        if (number != raw.session)
            send_as(&raw, number, raw.lane, &bye);
    }
    check(raw_is_served(&raw), "%d guessed numbers: the guesser's own session goes on", N_GUESSES);
    raw_leave(&raw);
    return 0;
}

/* As alice: enough sessions to be given a second lane, then her first session's number on it. */
static int from_other_lane(void *arg) {
    const struct stage *stage = arg;
    uint64_t session = atomic_load(&stage->pair.talk->alice_session);
    int lane = atomic_load(&stage->pair.talk->alice_lane);
    static struct raw raws[N_SESSIONS];
    int n = 0;
    while (n < N_SESSIONS && raw_join(&raws[n], stage->dir, "alice", 0) == RAW_WELCOME &&
           raws[n++].lane == lane)
        ;
    if (check(n > 0 && raws[n - 1].lane != lane, "session %d of one user is on a second lane",
              n + 1)) {
        misuse(&raws[n - 1], session, raws[n - 1].lane);
        check(raw_is_served(&raws[n - 1]), "a number on another lane of the same uid is refused");
    }
    while (n > 0)
        raw_leave(&raws[--n]);
    return 0;
}

static void play(struct stage *stage, uid_t uid, user_main run, const char *what) {
    long mark = hub_log_mark(&stage->hub);
    check(user_run(uid, run, stage, 60000) == 0, "%s: done", what);
    stage_check_talk(stage, what);
    stage_check_logged(stage, mark, uid, 0, what);
}

int main(void) {
    struct stage stage;
    stage_begin(&stage);
    play(&stage, 61101, from_other_uid, "another user's session number");
    play(&stage, 61102, from_dead_session, "the number of an ended session");
    play(&stage, 61103, guess, "guessed session numbers");
    play(&stage, UID_ALICE, from_other_lane, "a session number on another lane");
    return stage_end(&stage);
}
