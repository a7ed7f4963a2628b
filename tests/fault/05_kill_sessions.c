/*
 * Sessions, each a process of its own, are killed with -9: in the order in which they came, in the
 * reverse order, at random, all at once. Afterwards the roster is true and no mailbox is left.
 * SESSIONS says how many.
 * test: timeout=300
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/stage.h"

#define SESSIONS_MAX_HERE 4000
#define N_HANDLES 40
#define N_UIDS 4
#define WAVE 50 /* sessions that join at the same time */
#define JOIN_MS 120000
#define REAP_MS 60000

struct play {
    const struct stage *stage;
    int n;
    int index; /* of the session that is started next */
    int n_started;
    atomic_int *n_joined, *n_failed;
};

static int session_main(void *arg) {
    const struct play *play = arg;
    struct raw raw;
    struct frame frame, join = {.type = FRAME_JOIN, .join = {1, bytes_of("#crowd")}};
    char handle[32];
    snprintf(handle, sizeof handle, "crowd-%d-%d", play->index % N_UIDS,
             play->index / N_UIDS % N_HANDLES);
    if (raw_join(&raw, play->stage->dir, handle, ABILITY_LISTEN | ABILITY_ALL_ROOMS) !=
            RAW_WELCOME ||
        raw_ask(&raw, &join, 1, 10000) != 0) {
        check_note("%s could not join: %s", handle, raw.reason);
        atomic_fetch_add(play->n_failed, 1);
        return 1;
    }
    atomic_fetch_add(play->n_joined, 1);
    while (raw_next(&raw, &frame, -1) == QUEUE_OK)
        ;
    return 1;
}

static bool all_joined(void *arg) {
    const struct play *play = arg;
    return atomic_load(play->n_joined) + atomic_load(play->n_failed) == play->n_started;
}

enum order { FORWARDS, BACKWARDS, RANDOM, AT_ONCE, N_ORDERS };

static const char *const order_names[N_ORDERS] = {"forwards", "backwards", "at random",
                                                  "all at once"};

static void reorder(pid_t *pids, int n, enum order order) {
    for (int i = 0; i < n; i++) {
        int j = order == RANDOM ? (int)(random() % n) : n - 1 - i;
        if (order == FORWARDS || order == AT_ONCE || (order == BACKWARDS && j <= i))
            return;
        pid_t pid = pids[i];
        pids[i] = pids[j];
        pids[j] = pid;
    }
}

/* Half of them while somebody talks in their room, so that the hub is writing to them. */
static int chatter(void *arg) {
    const struct play *play = arg;
    struct raw raw;
    if (raw_join(&raw, play->stage->dir, "chatter", 0) != RAW_WELCOME)
        return 1;
    for (int us = 0;; check_pause(&us)) { /* a hundred times a second, for each of the crowd */
        struct frame frame;
        raw_say(&raw, "#crowd", "is anybody still there?", NULL);
        while (raw_next(&raw, &frame, 0) == QUEUE_OK)
            ;
    }
}

/* Alice's and bob's. */
static bool two_mailboxes(void *arg) {
    (void)arg;
    return stage_n_tagged(QUEUE_TAG_MAILBOX) == 2;
}

static void start_all(struct play *play, pid_t *pids) {
    atomic_store(play->n_joined, 0);
    for (int i = 0; i < play->n; i++) {
        play->index = i;
        pids[i] = user_start(61010 + (uid_t)(i % N_UIDS), session_main, play);
        play->n_started = i + 1;
        if (play->n_started % WAVE == 0 || play->n_started == play->n)
            check_until(all_joined, play, JOIN_MS);
    }
    check(atomic_load(play->n_joined) == play->n, "%d sessions have joined",
          atomic_load(play->n_joined));
}

static void kill_all(pid_t *pids, int n, enum order order) {
    for (int i = 0; i < n; i++) {
        kill(pids[i], SIGKILL);
        if (order != AT_ONCE)
            waitpid(pids[i], NULL, 0);
    }
    for (int i = 0; order == AT_ONCE && i < n; i++)
        waitpid(pids[i], NULL, 0);
}

static void check_order(struct stage *stage, struct play *play, enum order order) {
    static pid_t pids[SESSIONS_MAX_HERE];
    start_all(play, pids);
    pid_t talker = user_start(UID_BOB, chatter, play);
    stage_check_talk(stage, "a crowd");
    reorder(pids, play->n, order);
    kill_all(pids, play->n, order);
    stage_check_talk(stage, order_names[order]);
    user_kill(talker);
    check(check_until(two_mailboxes, NULL, REAP_MS), "killed %s: %zu mailboxes are left",
          order_names[order], stage_n_tagged(QUEUE_TAG_MAILBOX));
    check(user_run(UID_MALLORY, stage_look_for_two, stage, REAP_MS * 2) == 0,
          "killed %s: a newcomer joins", order_names[order]);
}

int main(void) {
    struct stage stage;
    stage_begin(&stage);
    long n = check_env("SESSIONS", 200);
    struct play play = {.stage = &stage,
                        .n = (int)(n < SESSIONS_MAX_HERE ? n : SESSIONS_MAX_HERE),
                        .n_joined = check_shared(sizeof(atomic_int)),
                        .n_failed = check_shared(sizeof(atomic_int))};
    srandom(7);
    long before = hub_rss_kib(&stage.hub);
    size_t n_files = hub_n_files(&stage.hub);
    for (enum order order = 0; order < N_ORDERS; order++)
        check_order(&stage, &play, order);
    check(hub_n_files(&stage.hub) <= n_files + 2, "the hub has %zu files open, %zu before",
          hub_n_files(&stage.hub), n_files);
    stage_check_growth(&stage, before, 32 * 1024, "a crowd that came and went four times");
    return stage_end(&stage);
}
