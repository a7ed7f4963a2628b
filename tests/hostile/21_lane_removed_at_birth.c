/*
 * A lane belongs to its user by the kernel's rules, so he can remove it the moment that it is
 * there: before the session that it was made for has begun. Some joins fail then; the hub lives on,
 * and lets him in when he leaves that be.
 */
#include <stdatomic.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <unistd.h>

#include "harness/stage.h"

#define REMOVERS 2
#define JOINS 400
#define JOIN_MS 20000

/* Whatever is his by now; mailboxes are the hub's. Until he is killed. */
static int lane_remove_all(void *arg) {
    struct msqid_ds ds;
    struct msginfo info;
    int last;
    (void)arg;
    while ((last = msgctl(0, MSG_INFO, (struct msqid_ds *)&info)) >= 0)
        for (int i = 0; i <= last; i++) {
            int msqid = msgctl(i, MSG_STAT_ANY, &ds);
            if (msqid >= 0 && ds.msg_perm.uid == getuid() && ds.msg_perm.cuid != getuid())
                (void)msgctl(msqid, IPC_RMID, NULL);
        }
    return 1;
}

struct count {
    const char *dir;
    atomic_int n_in, n_out;
};

static int join_and_leave(void *arg) {
    struct count *count = arg;
    struct raw raw;
    for (int i = 0; i < JOINS; i++) {
        enum raw_answer answer = raw_join(&raw, count->dir, "mallory", 0);
        atomic_fetch_add(answer == RAW_WELCOME ? &count->n_in : &count->n_out, 1);
        raw_leave(&raw);
    }
    return 0;
}

static int join_once(void *arg) {
    struct raw raw;
    enum raw_answer answer = raw_join(&raw, ((struct count *)arg)->dir, "mallory", 0);
    raw_leave(&raw);
    return answer == RAW_WELCOME ? 0 : 1;
}

int main(void) {
    struct stage stage;
    stage_begin(&stage);
    struct count *count = check_shared(sizeof *count);
    count->dir = stage.dir;
    pid_t removers[REMOVERS];
    for (int i = 0; i < REMOVERS; i++)
        removers[i] = user_start(UID_MALLORY, lane_remove_all, NULL);
    user_run(UID_MALLORY, join_and_leave, count, JOIN_MS * JOINS);
    for (int i = 0; i < REMOVERS; i++)
        user_kill(removers[i]);
    check_note("%d joins, %d not", atomic_load(&count->n_in), atomic_load(&count->n_out));
    check(atomic_load(&count->n_in) + atomic_load(&count->n_out) == JOINS, "each join has an end");
    stage_check_talk(&stage, "lanes that are removed at once");
    check(user_run(UID_MALLORY, join_once, count, JOIN_MS) == 0,
          "mallory joins when she leaves them be");
    return stage_end(&stage);
}
