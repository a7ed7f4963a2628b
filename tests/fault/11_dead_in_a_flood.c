/*
 * Processes that flood the hub are killed while their lanes are full: their sessions end when all
 * that they had sent has been dealt with, and their user can join again. Nothing else is sent into
 * those lanes then, so nothing else would wake the hub for it. ROUNDS=N.
 * test: timeout=120
 */
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>

#include "harness/stage.h"

#define ROUNDS 20
#define CROWD 16
#define BATCHES 40 /* that each has sent when it is killed, at least */
#define WAIT_MS 30000

struct crowd {
    const char *dir;
    atomic_int n_batches, n_failed;
};

static int flooder_pour(void *arg) {
    struct crowd *crowd = arg;
    struct raw raw;
    struct raw_batch batch;
    struct frame frame = {.type = FRAME_READY};
    if (raw_join(&raw, crowd->dir, "mallory", ABILITY_LISTEN) != RAW_WELCOME) {
        check_note("mallory could not join: %s", raw.reason);
        atomic_fetch_add(&crowd->n_failed, 1);
        return 1;
    }
    raw_batch_start(&batch, raw.session);
    while (raw_batch_add(&batch, &frame))
        ;
    int r;
    while ((r = raw_batch_send(&batch, raw.lane, HUB_MTYPE)) == QUEUE_OK || r == QUEUE_FULL) {
        struct frame answer;
        if (r == QUEUE_OK)
            atomic_fetch_add(&crowd->n_batches, 1);
        while (raw_next(&raw, &answer, 0) == QUEUE_OK)
            ;
    }
    return 1;
}

static bool crowd_has_poured(void *arg) {
    const struct crowd *crowd = arg;
    return atomic_load(&crowd->n_batches) >= CROWD * BATCHES || atomic_load(&crowd->n_failed) > 0;
}

static bool crowd_kill(struct crowd *crowd) {
    pid_t pids[CROWD];
    atomic_store(&crowd->n_batches, 0);
    for (int i = 0; i < CROWD; i++)
        pids[i] = user_start(UID_MALLORY, flooder_pour, crowd);
    bool has_poured = check_until(crowd_has_poured, crowd, WAIT_MS);
    for (int i = 0; i < CROWD; i++)
        kill(pids[i], SIGKILL);
    for (int i = 0; i < CROWD; i++)
        (void)user_wait(pids[i], WAIT_MS);
    return has_poured && atomic_load(&crowd->n_failed) == 0;
}

int main(void) {
    struct stage stage;
    stage_begin(&stage);
    struct crowd *crowd = check_shared(sizeof *crowd);
    crowd->dir = stage.dir;
    int n = (int)check_env("ROUNDS", ROUNDS), n_right = 0;
    while (n_right < n && crowd_kill(crowd) &&
           user_run(UID_MALLORY + 1, stage_look_for_two, &stage, WAIT_MS) == 0)
        n_right++;
    check(n_right == n, "%d of %d times all of the dead are gone", n_right, n);
    stage_check_talk(&stage, "floods whose senders die");
    return stage_end(&stage);
}
