/*
 * A PID that the kernel gives to another user's process while the hub still has the old one's
 * session or HELLO before it. The hub is stopped meanwhile, so that it cannot be faster.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "harness/stage.h"

struct play {
    struct stage *stage;
    struct raw *victim; /* shared: what the first process had */
    atomic_int *phase;  /* shared */
    uid_t uid;          /* of the victim; each a new name in the log */
    bool with_session;  /* the victim joins before it dies; else it dies after HELLO */
};

static bool phase_is_1(void *arg) {
    return atomic_load((atomic_int *)arg) == 1;
}

static bool phase_is_2(void *arg) {
    return atomic_load((atomic_int *)arg) == 2;
}

/* Waits to be killed. */
static int victim_main(void *arg) {
    const struct play *play = arg;
    struct raw *raw = play->victim;
    struct frame hello;
    if (play->with_session) {
        if (raw_join(raw, play->stage->dir, user_handle(), ABILITY_LISTEN) != RAW_WELCOME)
            return 1;
    } else {
        if (raw_init(raw, play->stage->dir) || raw_make_mailbox(raw) || raw_give_mailbox(raw) ||
            raw_put_nonce(raw))
            return 1;
        raw_fill_hello(raw, &hello, user_handle(), ABILITY_LISTEN);
        if (raw_send_hello(raw, &hello) != QUEUE_OK)
            return 1;
    }
    atomic_store(play->phase, 1);
    pause();
    return 0;
}

static void misuse(const struct raw *own, uint64_t session) {
    struct frame frame;
    struct raw_batch batch;
    raw_fill_send(&frame, "bob", "not from its owner");
    raw_batch_start(&batch, session);
    raw_batch_add(&batch, &frame);
    raw_batch_send(&batch, own->lane, HUB_MTYPE);
}

/* Mallory, with the victim's PID: tries its mailbox, joins by herself, tries its session. */
static int heir_main(void *arg) {
    const struct play *play = arg;
    struct raw old = *play->victim, own;
    struct frame frame;
    old.n_left = 0;
    int r = raw_next(&old, &frame, 0);
    check(r == QUEUE_DENIED || r == QUEUE_GONE,
          "the new owner of PID %d cannot read the old one's mailbox: %s", getpid(),
          raw_result_text(r));
    atomic_store(play->phase, 2);
    if (raw_join(&own, play->stage->dir, "mallory", ABILITY_LISTEN) != RAW_WELCOME)
        return 1;
    if (old.session)
        misuse(&own, old.session);
    stage_check_roster(&own, 3, 5000, "alice, bob and mallory, not the dead one");
    raw_leave(&own);
    return 0;
}

static void check_reuse(struct play *play, const char *what) {
    struct stage *stage = play->stage;
    atomic_store(play->phase, 0);
    if (!play->with_session)
        hub_pause(&stage->hub);
    pid_t pid = user_start(play->uid, victim_main, play);
    check(check_until(phase_is_1, play->phase, 10000), "%s: PID %d is there", what, pid);
    if (play->with_session)
        hub_pause(&stage->hub);
    user_kill(pid);
    pid_t heir = user_start_as_pid(UID_MALLORY, pid, heir_main, play);
    if (heir < 0) {
        hub_resume(&stage->hub);
        bystanders_stop(&stage->pair);
        hub_stop(&stage->hub);
        check_skip("the kernel gives no chosen PID: %s", strerror(-heir));
    }
    check(heir == pid, "%s: mallory's process has PID %d now", what, heir);
    check_until(phase_is_2, play->phase, 10000);
    hub_resume(&stage->hub);
    check(user_wait(heir, 20000) == 0, "%s: mallory gets a session of her own", what);
    stage_check_talk(stage, what);
}

int main(void) {
    struct stage stage;
    stage_begin(&stage);
    struct play play = {.stage = &stage,
                        .victim = check_shared(sizeof *play.victim),
                        .phase = check_shared(sizeof(atomic_int))};
    for (int i = 0; i < 5; i++) {
        play.uid = 61310 + (uid_t)i;
        play.with_session = true;
        check_reuse(&play, "PID of a session");
        play.with_session = false;
        long mark = hub_log_mark(&stage.hub);
        check_reuse(&play, "PID of a HELLO");
        stage_check_logged(&stage, mark, play.uid, 0, "PID of a HELLO");
    }
    return stage_end(&stage);
}
