/*
 * A disk that takes long: what is synced does not come back. Two users who only talk to each other,
 * and wait for no acknowledgement, hear each other all the time, although far more of what they say
 * waits for the disk than each of them may have waiting beside others. When the disk is there again
 * all of it is stored.
 */
#include <stdlib.h>

#include "harness/database.h"
#include "harness/disk.h"
#include "harness/stage.h"

#define ROUNDS 400 /* each has a message of either */
#define WAIT_MS 60000

struct goal {
    const char *state;
    int64_t n;
};

static bool are_stored(void *arg) {
    const struct goal *goal = arg;
    return database_number(goal->state, "SELECT count(*) FROM message") >= goal->n;
}

int main(void) {
    static const struct disk_fault NO_FAULT;
    struct stage stage = {0};
    struct disk disk;
    check_begin();
    user_need_root();
    const char *sanitizer = getenv("SANITIZE");
    if (sanitizer && *sanitizer)
        check_skip("a sanitizer stands in front of the same functions");
    stage_prepare(&stage);
    disk_prepare(&disk, &stage);
    if (!disk_start_hub(&disk, &stage, &NO_FAULT) ||
        !bystanders_start(&stage.pair, stage.dir, 1000))
        check_die("the hub is not there: %s", stage.pair.talk ? stage.pair.talk->wrong : "");
    atomic_store(&disk.orders->is_hung, true);
    check(bystanders_keep_talking(&stage.pair, ROUNDS, WAIT_MS),
          "%d rounds while the disk does not answer", ROUNDS);
    unsigned long n = atomic_load(&stage.pair.talk->n_rounds);
    atomic_store(&disk.orders->is_hung, false);
    stage_check_talk(&stage, "when it answers again");
    struct goal goal = {stage.state, (int64_t)(2 * n)};
    check(check_until(are_stored, &goal, WAIT_MS), "all that was said meanwhile is stored");
    return stage_end(&stage);
}
