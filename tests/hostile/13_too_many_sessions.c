/*
 * One user takes as many sessions as the hub gives. She is told where it ends, and others still
 * get in.
 * test: timeout=300
 */
#include <stdio.h>
#include <unistd.h>

#include "harness/stage.h"

#define N_WANTED 6000

struct crowd {
    const struct stage *stage;
    atomic_int n_in, phase; /* 1: refused; 2: others have tried */
    unsigned fail;
    char reason[512];
};

static bool phase_is_1(void *arg) {
    return atomic_load(&((struct crowd *)arg)->phase) == 1;
}

static bool phase_is_2(void *arg) {
    return atomic_load(&((struct crowd *)arg)->phase) == 2;
}

/* The numbers of the mailboxes are all that is kept of each. */
static int take_all(void *arg) {
    struct crowd *crowd = arg;
    static int mailboxes[N_WANTED];
    static struct raw raw;
    int n = 0;
    while (n < N_WANTED) {
        enum raw_answer answer = raw_join(&raw, crowd->stage->dir, "mallory", ABILITY_LISTEN);
        mailboxes[n++] = raw.mailbox;
        if (answer != RAW_WELCOME)
            break;
        atomic_fetch_add(&crowd->n_in, 1);
    }
    crowd->fail = raw.fail;
    snprintf(crowd->reason, sizeof crowd->reason, "%s", raw.reason);
    atomic_store(&crowd->phase, 1);
    check_until(phase_is_2, crowd, 60000);
    while (n > 0)
        queue_remove(mailboxes[--n]);
    return 0;
}

static int newcomer(void *arg) {
    const struct stage *stage = arg;
    struct raw raw;
    bool joined = raw_join(&raw, stage->dir, user_handle(), ABILITY_LISTEN) == RAW_WELCOME;
    check(joined, "another user gets in%s%s", joined ? "" : " not: ", joined ? "" : raw.reason);
    raw_leave(&raw);
    return 0;
}

int main(void) {
    struct stage stage;
    stage_begin(&stage);
    struct crowd *crowd = check_shared(sizeof *crowd);
    crowd->stage = &stage;
    long before = hub_rss_kib(&stage.hub), mark = hub_log_mark(&stage.hub);
    pid_t mallory = user_start(UID_MALLORY, take_all, crowd);
    bool refused = check_until(phase_is_1, crowd, 120000) && crowd->fail == FAIL_LIMIT;
    check(refused, "after %d sessions she is refused: %s", atomic_load(&crowd->n_in),
          crowd->reason);
    stage_check_logged(&stage, mark, UID_MALLORY, 0, "too many sessions");
    stage_check_talk(&stage, "too many sessions");
    stage_check_growth(&stage, before, 8L * atomic_load(&crowd->n_in), "8 KiB each");
    user_run(61200, newcomer, &stage, 20000);
    atomic_store(&crowd->phase, 2);
    check(user_wait(mallory, 60000) == 0, "she leaves");
    user_run(61201, newcomer, &stage, 20000);
    stage_check_talk(&stage, "after too many sessions");
    return stage_end(&stage);
}
