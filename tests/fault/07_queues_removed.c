/*
 * Queues are removed under the living hub, as `ipcrm` or systemd-logind's RemoveIPC do: the
 * well-known one, the lanes, the mailboxes, all. And its key file is deleted. Hub and clients
 * find together again by themselves.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ipc.h>
#include <unistd.h>

#include "harness/stage.h"
#include "harness/talkers.h"

#define COME_BACK_MS 20000
#define N_NUMBERS 10

enum kind { WELL_KNOWN = 1, LANES = 2, MAILBOXES = 4 };

static bool remove_one(void *arg, const struct queue_info *info) {
    int kinds = *(int *)arg;
    enum queue_tag tag = queue_tag_of(info);
    bool chosen = info->key != IPC_PRIVATE   ? kinds & WELL_KNOWN
                  : tag == QUEUE_TAG_LANE    ? kinds & LANES
                  : tag == QUEUE_TAG_MAILBOX ? kinds & MAILBOXES
                                             : false;
    if (chosen)
        queue_remove(info->msqid);
    return true;
}

static void check_removed(struct stage *stage, struct talkers *talkers, int kinds,
                          const char *what) {
    for (int i = 0; i < 5; i++) {
        queue_each(remove_one, &kinds);
        bool talking = talkers_keep_talking(talkers, N_NUMBERS, COME_BACK_MS);
        check(talking && hub_is_alive(&stage->hub), "%s: alice and bob talk again", what);
        if (kinds & WELL_KNOWN)
            check(hub_wait_ready(&stage->hub, COME_BACK_MS), "%s: the hub can be found again",
                  what);
        if (!talking)
            hub_log_show(&stage->hub, 0);
    }
}

static int newcomer(void *arg) {
    const struct stage *stage = arg;
    struct raw raw;
    enum raw_answer answer = raw_join(&raw, stage->dir, "newcomer", 0);
    raw_leave(&raw);
    return (int)answer;
}

static void check_key_file(struct stage *stage, struct talkers *talkers) {
    char path[PATH_MAX];
    int kinds = WELL_KNOWN;
    snprintf(path, sizeof path, "%s/hub", stage->dir);
    unlink(path);
    check(talkers_keep_talking(talkers, N_NUMBERS, COME_BACK_MS),
          "the key file is deleted: who is in goes on");
    queue_each(remove_one, &kinds);
    check(hub_wait_ready(&stage->hub, COME_BACK_MS) &&
              talkers_keep_talking(talkers, N_NUMBERS, COME_BACK_MS),
          "the queue as well: the hub begins anew and they talk again");
}

int main(void) {
    struct stage stage;
    struct talkers talkers;
    stage_prepare(&stage);
    stage_start_hub(&stage, "open");
    talkers_start(&talkers, stage.dir);
    check(talkers_keep_talking(&talkers, N_NUMBERS, COME_BACK_MS), "alice and bob talk");
    check_removed(&stage, &talkers, WELL_KNOWN, "the well-known queue was removed");
    check_removed(&stage, &talkers, LANES, "the lanes were removed");
    check_removed(&stage, &talkers, MAILBOXES, "the mailboxes were removed");
    check_removed(&stage, &talkers, WELL_KNOWN | LANES | MAILBOXES, "all queues were removed");
    check_key_file(&stage, &talkers);
    check(user_run(UID_MALLORY, newcomer, &stage, 20000) == RAW_WELCOME, "a newcomer joins");
    talkers_stop(&talkers);
    return stage_end(&stage);
}
