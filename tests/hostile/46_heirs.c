/*
 * A process dies with much that the hub has yet to read, and a crowd of its user's knocks, which is
 * let in when that is done: until then it takes no more of the hub's descriptors than the user's
 * sessions may, and others get in.
 */
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/stage.h"

#define WAIT_MS 60000
#define FILES_MAX 200 /* of the hub; a user's sessions may take half of them */
#define HEIRS 250
#define NAMES 500 /* that are nobody's: more than the hub looks up at once */

static struct stage stage;

struct crowd {
    atomic_int phase; /* 1: all have knocked; 2: others have tried */
};

static bool phase_is_1(void *arg) {
    return atomic_load(&((struct crowd *)arg)->phase) == 1;
}

static bool phase_is_2(void *arg) {
    return atomic_load(&((struct crowd *)arg)->phase) == 2;
}

/* Its work lies in the lane when it is gone. */
static int leave_work(void) {
    struct raw raw;
    struct raw_batch batch;
    struct frame frame;
    char name[32];
    if (raw_join(&raw, stage.dir, "mallory", 0) != RAW_WELCOME)
        return 1;
    raw_batch_start(&batch, raw.session);
    for (unsigned i = 0; i < NAMES; i++) {
        snprintf(name, sizeof name, "zz-nobody%u", i);
        raw_fill_send(&frame, name, "x");
        if (raw_batch_add(&batch, &frame))
            continue;
        if (raw_batch_go(&raw, &batch) != QUEUE_OK)
            return 1;
        raw_batch_start(&batch, raw.session);
        (void)raw_batch_add(&batch, &frame);
    }
    return raw_batch_go(&raw, &batch) == QUEUE_OK ? 0 : 1;
}

static bool knock(struct raw *raw, uint16_t version) {
    struct frame hello;
    if (raw_init(raw, stage.dir) != 0 || raw_make_mailbox(raw) != 0 || raw_give_mailbox(raw) != 0 ||
        raw_put_nonce(raw) != 0)
        return false;
    raw_fill_hello(raw, &hello, "mallory", 0);
    hello.hello.version = version;
    return raw_send_hello(raw, &hello) == 0;
}

/* The last one has no right version, so it is answered at once, when all others were looked at. */
static int heirs(void *arg) {
    static struct raw raws[HEIRS];
    struct crowd *crowd = arg;
    int status = 1;
    pid_t dead = fork();
    if (dead == 0)
        _exit(leave_work());
    if (dead < 0 || waitpid(dead, &status, 0) != dead || status != 0)
        return 2;
    bool have_knocked = true;
    for (int i = 0; i < HEIRS; i++)
        have_knocked &= knock(&raws[i], i + 1 < HEIRS ? PROTO_VERSION : PROTO_VERSION + 1);
    bool is_answered = raw_await_welcome(&raws[HEIRS - 1], WAIT_MS) == RAW_FAILED;
    check_note("the last one: %s", raws[HEIRS - 1].reason);
    atomic_store(&crowd->phase, 1);
    check_until(phase_is_2, crowd, WAIT_MS);
    for (int i = 0; i < HEIRS; i++)
        raw_drop(&raws[i]);
    return have_knocked && is_answered ? 0 : 3;
}

static int newcomer(void *arg) {
    struct raw raw;
    (void)arg;
    bool joined = raw_join(&raw, stage.dir, user_handle(), ABILITY_LISTEN) == RAW_WELCOME;
    check(joined, "another user gets in%s%s", joined ? "" : " not: ", joined ? "" : raw.reason);
    raw_leave(&raw);
    return 0;
}

int main(void) {
    stage_prepare(&stage);
    struct rlimit limit = {FILES_MAX, FILES_MAX};
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
        check_die("setrlimit");
    stage_start_hub(&stage, "open");
    struct crowd *crowd = check_shared(sizeof *crowd);
    pid_t mallory = user_start(UID_MALLORY, heirs, crowd);
    check(check_until(phase_is_1, crowd, WAIT_MS), "a crowd has knocked");
    user_run(UID_ALICE, newcomer, NULL, WAIT_MS);
    atomic_store(&crowd->phase, 2);
    int result = user_wait(mallory, WAIT_MS);
    check(result == 0, "she leaves (%d)", result);
    return stage_end(&stage);
}
