#include "ipc/queue.h"

#include "unit/ipc/child.h"

/* What the sweep is to leave alone and what to take; made by processes that are killed. */
enum { ORPHAN, ORPHAN_OPEN, ORPHAN_NEW, UNTAGGED, OTHER_MODE, KEPT, USED, N_SWEPT };

static int tagged(enum queue_tag tag, mode_t mode) {
    int msqid;
    MUST(queue_create_private(&msqid) == 0);
    MUST(queue_set(msqid, geteuid(), (gid_t)-1, mode, tag) == 0);
    return msqid;
}

/* Whoever leaves a message in it is its last sender. */
static void use(int msqid) {
    struct queue_message message = {.mtype = 1};
    MUST(queue_send(msqid, &message, 1, false) == 0);
}

static void make_orphans(void *arg) {
    int *ids = arg;
    ids[ORPHAN] = tagged(QUEUE_TAG_MAILBOX, 0600);
    ids[ORPHAN_OPEN] = tagged(QUEUE_TAG_LANE, 0600);
    MUST(queue_reserve(ids[ORPHAN_OPEN], true) == 0);
    MUST(queue_create_private(&ids[ORPHAN_NEW]) == 0);
    ids[UNTAGGED] = tagged(QUEUE_TAG_NONE, 0600);
    ids[OTHER_MODE] = tagged(QUEUE_TAG_MAILBOX, 0622);
    ids[KEPT] = tagged(QUEUE_TAG_MAILBOX, 0600);
    ids[USED] = tagged(QUEUE_TAG_LANE, 0600);
    raise(SIGKILL);
}

static void sweep_all_but_kept(void *arg) {
    const int *ids = arg;
    MUST(queue_sweep(&ids[KEPT], 1) >= 3);
}

static void sweep_orphans(void *arg) {
    int *ids = arg;
    MUST(child_run(AS_OURSELVES, make_orphans, ids) == 128 + SIGKILL);
    use(ids[USED]); /* by us, who live while the child sweeps */
    MUST(child_run(AS_OURSELVES, sweep_all_but_kept, ids) == 0);
    struct queue_info info;
    for (int i = 0; i < N_SWEPT; i++) {
        bool is_gone = queue_stat_any(ids[i], &info) == QUEUE_GONE;
        MUST(is_gone == (i <= ORPHAN_NEW));
    }
    for (int i = UNTAGGED; i < N_SWEPT; i++)
        MUST(queue_remove(ids[i]) == 0);
}

Test(queue_sweep, takes_orphans_and_nothing_else) {
    uid_t uid = geteuid() == 0 ? USER_SWEEP : AS_OURSELVES;
    cr_expect_eq(child_run(uid, sweep_orphans, share(N_SWEPT * sizeof(int))), 0);
}

static void make_foreign_orphan(void *arg) {
    *(int *)arg = tagged(QUEUE_TAG_MAILBOX, 0600);
}

static void sweep_nothing(void *arg) {
    struct queue_info info;
    MUST(queue_sweep(NULL, 0) >= 0);
    MUST(queue_stat_any(*(int *)arg, &info) == 0);
}

Test(queue_sweep, leaves_other_users_orphans) {
    NEEDS_ROOT("two Unix users");
    int *msqid = share(sizeof *msqid);
    cr_assert_eq(child_run(USER_A, make_foreign_orphan, msqid), 0);
    cr_expect_eq(child_run(USER_B, sweep_nothing, msqid), 0);
    cr_expect_eq(queue_remove(*msqid), 0);
}

static void sweep_in_pid_namespace(void *arg) {
    child_unshare(CLONE_NEWPID);
    MUST(child_run(USER_HIDDEN, sweep_nothing, arg) == 0);
}

/* From there the kernel shows PID 0 for the queue's users, who may live. */
Test(queue_sweep, leaves_queues_of_another_pid_namespace) {
    NEEDS_ROOT("a PID namespace");
    int *msqid = share(sizeof *msqid);
    cr_assert_eq(child_run(USER_HIDDEN, make_foreign_orphan, msqid), 0);
    int status = child_run(AS_OURSELVES, sweep_in_pid_namespace, msqid);
    cr_expect_eq(queue_remove(*msqid), 0);
    SKIP_IF_CANNOT(status);
    cr_expect_eq(status, 0);
}
