/*
 * Somebody else's queue on the hub's key: before the hub starts (it takes the next project id),
 * on all keys (it says so and ends), and in place of a queue that was removed (clients refuse it).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <unistd.h>

#include "harness/stage.h"
#include "lib/earshot.h"

#define FREE_PROJ 7

struct squat {
    const struct stage *stage;
    int from, to, except; /* project ids */
};

static key_t key_of(const struct stage *stage, int proj) {
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/hub", stage->dir);
    return ftok(path, proj);
}

static int squat_main(void *arg) {
    const struct squat *squat = arg;
    for (int proj = squat->from; proj <= squat->to; proj++) {
        key_t key = key_of(squat->stage, proj);
        if (proj != squat->except && msgget(key, IPC_CREAT | IPC_EXCL | 0666) < 0)
            return 1;
    }
    return 0;
}

/* Its key is known beforehand when a key file is there, as after a crash. */
static void make_key_file(const struct stage *stage) {
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/hub", stage->dir);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0 || fchown(fd, UID_HUB, UID_HUB) < 0)
        check_die("%s: %s", path, strerror(errno));
    close(fd);
}

static bool remove_foreign(void *arg, const struct queue_info *info) {
    (void)arg;
    if (info->cuid == UID_MALLORY)
        queue_remove(info->msqid);
    return true;
}

static bool count_messages(void *arg, const struct queue_info *info) {
    if (info->cuid == UID_MALLORY)
        *(size_t *)arg += info->n_messages + (info->sent_at != 0);
    return true;
}

static void next_proj(struct stage *stage) {
    struct squat squat = {stage, 1, 255, FREE_PROJ};
    make_key_file(stage);
    check(user_run(UID_MALLORY, squat_main, &squat, 10000) == 0, "mallory has 254 of 255 keys");
    stage_start_hub(stage, "open");
    check(stage->hub.record.proj == FREE_PROJ, "the hub takes the project id that is free (%d)",
          stage->hub.record.proj);
    check(bystanders_start(&stage->pair, stage->dir, 1000), "alice and bob find it and talk");
    size_t n = 0;
    queue_each(count_messages, &n);
    check(n == 0, "nothing was ever sent to the squatter's queues");
    bystanders_stop(&stage->pair);
    check(hub_stop(&stage->hub) == 0, "the hub ends cleanly");
}

static void no_proj(struct stage *stage) {
    queue_each(remove_foreign, NULL);
    struct squat squat = {stage, 1, 255, 0};
    make_key_file(stage);
    check(user_run(UID_MALLORY, squat_main, &squat, 10000) == 0, "mallory has all 255 keys");
    long mark = hub_log_mark(&stage->hub);
    struct hub_options options = {
        .uid = UID_HUB, .dir = stage->dir, .mode = "open", .log = stage->log};
    check(!hub_start(&stage->hub, &options) && stage->hub.exit_code == 73,
          "the hub cannot start: exit code %d", stage->hub.exit_code);
    check(hub_log_has(&stage->hub, mark, "keys", NULL, 1000),
          "and it says that the keys are taken");
    queue_each(remove_foreign, NULL);
}

static int victim(void *arg) {
    const struct stage *stage = arg;
    struct rendezvous_record record;
    struct earshot_options options = {.hub = stage->dir, .handle = "alice", .timeout_ms = 3000};
    earshot *link = NULL;
    check(rendezvous_find(stage->dir, (uid_t)-1, &record) == RENDEZVOUS_IMPOSTOR,
          "a client sees that the queue is not the hub's");
    int r = earshot_open(&link, &options);
    check(r == EARSHOT_NOT_TRUSTED, "the library refuses it: %s", earshot_error(link));
    earshot_close(link);
    return 0;
}

/* The hub is stopped while its queue is taken away, so that mallory is first. */
static void replaced(struct stage *stage) {
    stage_start_hub(stage, "open");
    int proj = stage->hub.record.proj;
    struct squat squat = {stage, proj, proj, 0};
    hub_pause(&stage->hub);
    queue_remove(stage->hub.record.msqid);
    check(user_run(UID_MALLORY, squat_main, &squat, 10000) == 0,
          "mallory has the key of a queue that was removed");
    user_run(UID_ALICE, victim, stage, 20000);
    hub_resume(&stage->hub);
    check(hub_wait_ready(&stage->hub, 10000) && stage->hub.record.proj != proj,
          "the hub makes a new queue with project id %d", stage->hub.record.proj);
    check(bystanders_start(&stage->pair, stage->dir, 1000), "alice and bob find it and talk");
    stage_check_talk(stage, "a squatter on the old key");
    queue_each(remove_foreign, NULL);
}

int main(void) {
    struct stage stage;
    stage_prepare(&stage);
    next_proj(&stage);
    no_proj(&stage);
    replaced(&stage);
    return stage_end(&stage);
}
