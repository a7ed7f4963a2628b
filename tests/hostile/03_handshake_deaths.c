/* A client that is killed in every step of the handshake, many times each. */
#include <signal.h>
#include <stdlib.h>

#include "harness/stage.h"

#define ROUNDS 20

enum step {
    AFTER_MSGGET,
    AFTER_GIVING,
    AFTER_NONCE,
    AFTER_HELLO,
    AFTER_WELCOME,
    AFTER_READY,
    AFTER_HALF_A_MESSAGE,
    N_STEPS
};

static const char *const step_names[N_STEPS] = {
    "after msgget",
    "after giving the mailbox",
    "after the nonce",
    "after HELLO",
    "after WELCOME",
    "after READY",
    "after the first part of a message",
};

struct play {
    struct stage *stage;
    enum step step;
    int *mailboxes; /* shared: those that the hub never hears of */
    int *n_mailboxes;
};

static void note_mailbox(const struct play *play, int msqid) {
    play->mailboxes[(*play->n_mailboxes)++] = msqid;
}

static void send_half(struct raw *raw) {
    struct frame frame;
    raw_fill_send(&frame, "bob", "half");
    frame.flags = FRAME_MORE_PARTS;
    frame.send.total = 60000;
    raw_send(raw, &frame);
}

static void do_step(struct raw *raw, const struct play *play, enum step step) {
    struct frame frame = {.type = FRAME_READY};
    switch (step) {
    case AFTER_MSGGET:
        raw_make_mailbox(raw);
        break;
    case AFTER_GIVING:
        raw_give_mailbox(raw);
        break;
    case AFTER_NONCE:
        raw_put_nonce(raw);
        break;
    case AFTER_HELLO:
        raw_fill_hello(raw, &frame, "mallory", ABILITY_LISTEN);
        raw_send_hello(raw, &frame);
        break;
    case AFTER_WELCOME:
        if (raw_await_welcome(raw, 5000) != RAW_WELCOME)
            check(false, "%s: no WELCOME came", step_names[play->step]);
        break;
    case AFTER_READY:
        raw_send(raw, &frame);
        break;
    default:
        send_half(raw);
    }
}

static int die_at(void *arg) {
    const struct play *play = arg;
    struct raw raw;
    if (raw_init(&raw, play->stage->dir) != RENDEZVOUS_OK)
        return 1;
    for (enum step step = 0; step <= play->step; step++) {
        do_step(&raw, play, step);
        if (step == AFTER_MSGGET && play->step <= AFTER_GIVING)
            note_mailbox(play, raw.mailbox);
    }
    raise(SIGKILL);
    return 1;
}

int main(void) {
    struct stage stage;
    stage_begin(&stage);
    int *shared = check_shared((2 * ROUNDS + 1) * sizeof *shared);
    struct play play = {.stage = &stage, .mailboxes = shared + 1, .n_mailboxes = shared};
    for (play.step = 0; play.step < N_STEPS; play.step++) {
        int n_killed = 0;
        for (int i = 0; i < ROUNDS; i++)
            n_killed += user_run(UID_MALLORY, die_at, &play, 20000) == 128 + SIGKILL;
        check(n_killed == ROUNDS, "%d clients died %s", n_killed, step_names[play.step]);
        stage_check_talk(&stage, step_names[play.step]);
    }
    check(user_run(UID_MALLORY, stage_look_for_two, &stage, 30000) == 0, "a newcomer joins");

    /* Their creator alone knows of these, until they are ten seconds old and can be swept. */
    for (int i = 0; i < *play.n_mailboxes; i++)
        queue_remove(play.mailboxes[i]);
    return stage_end(&stage);
}
