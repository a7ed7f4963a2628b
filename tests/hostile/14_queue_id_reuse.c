/*
 * Ids of queues come round again after four million queues: a matter of seconds. Mallory removes
 * her mailbox, and when another user's mailbox has got its id, what the hub does to mallory's
 * session must not hit the other one.
 * test: timeout=300
 */
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "harness/stage.h"

#define TRIES_MAX 20000000L

struct play {
    const struct stage *stage;
    atomic_int mailbox; /* mallory's */
    atomic_int phase;   /* 1: mallory's is removed; 2: carol is in; 3: mallory has died */
};

static bool phase_is_2(void *arg) {
    return atomic_load(&((struct play *)arg)->phase) >= 2;
}

static bool phase_is_1(void *arg) {
    return atomic_load(&((struct play *)arg)->phase) >= 1;
}

static bool phase_is_3(void *arg) {
    return atomic_load(&((struct play *)arg)->phase) >= 3;
}

static int mallory_main(void *arg) {
    struct play *play = arg;
    struct raw raw;
    if (raw_join(&raw, play->stage->dir, "mallory", ABILITY_LISTEN) != RAW_WELCOME)
        return 1;
    check(raw_is_served(&raw), "mallory has a session");
    atomic_store(&play->mailbox, raw.mailbox);
    queue_remove(raw.mailbox);
    atomic_store(&play->phase, 1);
    pause();
    return 0;
}

static bool make_same_id(struct raw *raw, int wanted) {
    for (long i = 0; i < TRIES_MAX; i++) {
        if (raw_make_mailbox(raw) != QUEUE_OK)
            return false;
        if (raw->mailbox == wanted)
            return true;
        queue_remove(raw->mailbox);
    }
    return false;
}

static int carol_main(void *arg) {
    struct play *play = arg;
    struct raw raw;
    struct frame hello;
    if (raw_init(&raw, play->stage->dir) || !make_same_id(&raw, atomic_load(&play->mailbox)))
        return 2;
    raw_give_mailbox(&raw);
    raw_put_nonce(&raw);
    raw_fill_hello(&raw, &hello, "carol", ABILITY_LISTEN);
    raw_send_hello(&raw, &hello);
    check(raw_await_welcome(&raw, 5000) == RAW_WELCOME,
          "carol, whose mailbox has the id that mallory's had, is welcomed");
    hello = (struct frame){.type = FRAME_READY};
    raw_send(&raw, &hello);
    check(raw_is_served(&raw), "carol is served");
    atomic_store(&play->phase, 2);
    check(check_until(phase_is_3, play, 20000) && raw_is_served(&raw),
          "carol is served when mallory has been written to and has died");
    raw_leave(&raw);
    return 0;
}

static int write_to_mallory(void *arg) {
    const struct play *play = arg;
    struct raw raw;
    if (raw_join(&raw, play->stage->dir, "writer", 0) != RAW_WELCOME)
        return 1;
    for (int i = 0; i < 500; i++)
        raw_say(&raw, "mallory", "hello", NULL);
    bool served = raw_is_served(&raw);
    raw_leave(&raw);
    return !served;
}

/* The hub has seen the death when the roster says so. */
static int await_death(void *arg) {
    const struct play *play = arg;
    struct raw raw;
    int n_sessions = 0;
    if (raw_join(&raw, play->stage->dir, "watcher", 0) != RAW_WELCOME)
        return 1;
    for (int i = 0; i < 1000 && raw_count_users(&raw, &n_sessions) > 3; i++) {
        int us = 0;
        check_pause(&us);
    }
    raw_leave(&raw);
    return n_sessions != 3;
}

int main(void) {
    struct stage stage;
    stage_begin(&stage);
    struct play *play = check_shared(sizeof *play);
    play->stage = &stage;
    pid_t mallory = user_start(UID_MALLORY, mallory_main, play);
    check(check_until(phase_is_1, play, 10000), "mallory's mailbox is removed");
    pid_t carol = user_start(UID_BOB, carol_main, play);
    check(check_until(phase_is_2, play, 200000), "another mailbox has its id");
    check(user_run(61004, write_to_mallory, play, 20000) == 0, "somebody writes to mallory");
    user_kill(mallory);
    check(user_run(61004, await_death, play, 20000) == 0, "alice, bob and carol are in the roster");
    atomic_store(&play->phase, 3);
    check(user_wait(carol, 40000) == 0, "carol leaves");
    stage_check_talk(&stage, "an id that came round again");
    return stage_end(&stage);
}
