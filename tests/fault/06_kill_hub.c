/*
 * The hub is killed with -9 and started again, under talk; ROUNDS says how often. Its clients come
 * back by themselves each time; afterwards the roster is true and nothing is left.
 * test: timeout=600
 */
#include <stdio.h>
#include <string.h>

#include "harness/stage.h"
#include "harness/talkers.h"

#define COME_BACK_MS 20000
#define N_NUMBERS 5

static bool two_mailboxes(void *arg) {
    (void)arg;
    return stage_n_tagged(QUEUE_TAG_MAILBOX) == 2;
}

int main(void) {
    struct stage stage;
    struct talkers talkers;
    stage_prepare(&stage);
    long n_rounds = check_env("ROUNDS", 20);
    stage_start_hub(&stage, "open");
    talkers_start(&talkers, stage.dir);
    check(talkers_keep_talking(&talkers, N_NUMBERS, COME_BACK_MS), "alice and bob talk");
    int n_back = 0;
    for (long i = 0; i < n_rounds; i++) {
        hub_kill(&stage.hub);
        stage_start_hub(&stage, "open");
        if (!talkers_keep_talking(&talkers, N_NUMBERS, COME_BACK_MS)) {
            hub_log_show(&stage.hub, 0);
            break;
        }
        n_back++;
    }
    check(n_back == n_rounds, "killed and started %d times: each time they talk again", n_back);
    struct talkers_talk *talk = talkers.talk;
    check_note("%lu sent, %lu received, %lu refused, %lu of them late; lost %lu times, back %lu",
               atomic_load(&talk->n_sent), atomic_load(&talk->n_received),
               atomic_load(&talk->n_refused), atomic_load(&talk->n_late),
               atomic_load(&talk->n_lost), atomic_load(&talk->n_back));
    check(check_until(two_mailboxes, NULL, 15000), "%zu mailboxes are there: alice's and bob's",
          stage_n_tagged(QUEUE_TAG_MAILBOX));
    check(user_run(UID_MALLORY, stage_look_for_two, &stage, 20000) == 0, "a newcomer joins");
    check(stage_n_queues() <= 8, "%zu queues in all", stage_n_queues());
    talkers_stop(&talkers);
    return stage_end(&stage);
}
