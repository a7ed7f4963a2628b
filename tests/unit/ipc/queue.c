#include "ipc/queue.h"

#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/time.h>

#include "unit/ipc/child.h"

static int new_queue(void) {
    int msqid = -1;
    cr_assert_eq(queue_create_private(&msqid), 0);
    return msqid;
}

static struct queue_info info_of(int msqid) {
    struct queue_info info;
    cr_assert_eq(queue_stat_any(msqid, &info), 0);
    return info;
}

/* A key that no queue has; ours by the PID in it. */
static key_t free_key(void) {
    key_t key = 0x45000000 | (getpid() << 4);
    int msqid;
    while (queue_find(&msqid, key) != QUEUE_ABSENT)
        key++;
    return key;
}

static struct queue_message message_of(long mtype, const char *text) {
    struct queue_message message = {.mtype = mtype};
    memcpy(message.data, text, strlen(text));
    return message;
}

Test(queue, private_queue_is_ours_and_stamped) {
    int msqid = new_queue();
    struct queue_info info = info_of(msqid);
    cr_expect_eq(info.msqid, msqid);
    cr_expect_eq(info.key, IPC_PRIVATE);
    cr_expect_eq(info.mode, QUEUE_MODE_NEW);
    cr_expect_eq(info.uid, geteuid());
    cr_expect_eq(info.cuid, geteuid());
    cr_expect_eq(info.last_sender, getpid());
    cr_expect_eq(info.last_receiver, getpid());
    cr_expect_eq(info.n_messages, 0);
    cr_expect_eq(queue_remove(msqid), 0);
}

Test(queue, message_arrives_by_type) {
    int msqid = new_queue();
    struct queue_message sent = message_of(7, "seven"), got;
    struct queue_message other = message_of(8, "eight!");
    cr_assert_eq(queue_send(msqid, &other, 6, false), 0);
    cr_assert_eq(queue_send(msqid, &sent, 5, true), 0);
    size_t n = 0;
    cr_assert_eq(queue_receive(msqid, &got, 7, &n, true), 0);
    cr_expect_eq(n, 5);
    cr_expect_eq(got.mtype, 7);
    cr_expect_eq(memcmp(got.data, "seven", 5), 0);
    cr_expect_eq(queue_receive(msqid, &got, 7, &n, false), QUEUE_EMPTY);
    cr_expect_eq(info_of(msqid).n_bytes, 6);
    queue_remove(msqid);
}

Test(queue, bell_is_a_batch_without_a_frame) {
    int msqid = new_queue();
    struct queue_message got;
    struct envelope envelope;
    size_t n = 0;
    cr_assert_eq(queue_ring_bell(msqid, 7, 1234), 0);
    cr_assert_eq(queue_receive(msqid, &got, 7, &n, false), 0);
    struct cursor_in in = cursor_in_of(got.data, n);
    cr_assert(envelope_take(&in, &envelope));
    cr_expect_eq(cursor_in_left(&in), 0);
    cr_expect_eq(envelope.n_frames, 0);
    cr_expect_eq(envelope.session, 1234);
    int r = 0;
    while (r == 0)
        r = queue_ring_bell(msqid, 7, 0);
    cr_expect_eq(r, QUEUE_FULL);
    cr_expect_eq(queue_remove(msqid), 0);
    cr_expect_eq(queue_ring_bell(msqid, 7, 0), QUEUE_GONE);
}

Test(queue, full_queue_refuses_without_wait) {
    int msqid = new_queue();
    static struct queue_message message = {.mtype = 1};
    int n_sent = 0, r;
    while ((r = queue_send(msqid, &message, sizeof message.data, false)) == 0)
        n_sent++;
    cr_expect_eq(r, QUEUE_FULL);
    cr_expect_eq((size_t)n_sent, info_of(msqid).limit / sizeof message.data);
    cr_expect_eq(queue_stamp(msqid), 0, "an empty message still fits");
    queue_remove(msqid);
}

Test(queue, removed_queue_is_gone_for_every_call) {
    int msqid = new_queue();
    cr_assert_eq(queue_remove(msqid), 0);
    struct queue_message message = message_of(1, "x");
    struct queue_info info;
    size_t n;
    cr_expect_eq(queue_send(msqid, &message, 1, true), QUEUE_GONE);
    cr_expect_eq(queue_receive(msqid, &message, 1, &n, true), QUEUE_GONE);
    cr_expect_eq(queue_stat(msqid, &info), QUEUE_GONE);
    cr_expect_eq(queue_stat_any(msqid, &info), QUEUE_GONE);
    cr_expect_eq(queue_set(msqid, geteuid(), (gid_t)-1, 0600, QUEUE_TAG_NONE), QUEUE_GONE);
    cr_expect_eq(queue_reserve(msqid, true), QUEUE_GONE);
    cr_expect_eq(queue_stamp(msqid), QUEUE_GONE);
    cr_expect_eq(queue_remove(msqid), QUEUE_GONE);
}

/* The kernel goes round its table, so one of these queues takes the place of the first one. */
Test(queue, stat_any_tells_a_reused_place) {
    int removed = new_queue();
    queue_remove(removed);
    struct queue_info info;
    for (int i = 0; i < 1000; i++) {
        int msqid = new_queue();
        cr_assert_eq(info_of(msqid).msqid, msqid);
        cr_assert_eq(queue_stat_any(removed, &info), QUEUE_GONE);
        queue_remove(msqid);
    }
}

static void remove_queue_of(void *arg) {
    MUST(queue_remove(*(int *)arg) == 0);
}

Test(queue, removal_wakes_the_receiver) {
    int msqid = new_queue();
    pid_t pid = child_start(AS_OURSELVES, remove_queue_of, &msqid);
    struct queue_message message;
    size_t n;
    cr_expect_eq(queue_receive(msqid, &message, 1, &n, true), QUEUE_GONE);
    cr_expect_eq(child_end(pid), 0);
}

static void on_alarm(int signal_number) {
    (void)signal_number;
}

/* The timer repeats, since its first signal could come before the call. */
Test(queue, signal_interrupts_both_waits) {
    struct sigaction action = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
    sigaction(SIGALRM, &action, NULL);
    struct itimerval timer = {{0, 5000}, {0, 5000}};
    setitimer(ITIMER_REAL, &timer, NULL);
    int msqid = new_queue();
    static struct queue_message message = {.mtype = 1};
    size_t n;
    cr_expect_eq(queue_receive(msqid, &message, 1, &n, true), QUEUE_INTERRUPTED);
    message.mtype = 1;
    int r;
    do
        r = queue_send(msqid, &message, sizeof message.data, true);
    while (r == 0);
    cr_expect_eq(r, QUEUE_INTERRUPTED);
    queue_remove(msqid);
}

Test(queue, key_is_found_and_exclusive) {
    key_t key = free_key();
    int msqid, found;
    cr_assert_eq(queue_create(&msqid, key, 0622), 0);
    cr_expect_eq(queue_find(&found, key), 0);
    cr_expect_eq(found, msqid);
    cr_expect_eq(queue_create(&found, key, 0622), QUEUE_EXISTS);
    cr_expect_eq(info_of(msqid).key, key);
    cr_expect_eq(info_of(msqid).mode, 0622);
    queue_remove(msqid);
    cr_expect_eq(queue_find(&found, key), QUEUE_ABSENT);
}

Test(queue, longer_message_is_truncated) {
    struct queue_limits limits;
    cr_assert_eq(queue_limits_read(&limits), 0);
    if (limits.msgmax <= BATCH_BYTES_MAX)
        cr_skip_test("kernel.msgmax allows no longer message");
    int msqid = new_queue();
    static struct {
        long mtype;
        char data[BATCH_BYTES_MAX + 1];
    } longer = {.mtype = 1};
    /* Past the wrapper, as a stranger would. */
    cr_assert_eq(msgsnd(msqid, &longer, sizeof longer.data, IPC_NOWAIT), 0);
    struct queue_message got;
    size_t n;
    cr_expect_eq(queue_receive(msqid, &got, 1, &n, false), 0);
    cr_expect_eq(n, BATCH_BYTES_MAX);
    cr_expect_eq(queue_receive(msqid, &got, 1, &n, false), QUEUE_EMPTY);
    queue_remove(msqid);
}

Test(queue, limits_leave_room_for_two_batches_and_a_marker) {
    struct queue_limits limits;
    cr_assert_eq(queue_limits_read(&limits), 0);
    cr_expect_leq(limits.batch, limits.msgmax);
    cr_expect_leq(limits.batch, BATCH_BYTES_MAX);
    int msqid = new_queue();
    cr_assert_eq(queue_set(msqid, geteuid(), (gid_t)-1, 0600, QUEUE_TAG_LANE), 0);
    static struct queue_message message = {.mtype = 1};
    cr_expect_eq(queue_send(msqid, &message, limits.batch, false), 0);
    cr_expect_eq(queue_send(msqid, &message, limits.batch, false), 0);
    cr_expect_eq(queue_send(msqid, &message, ENVELOPE_BYTES + FRAME_HEADER_BYTES, false), 0);
    queue_remove(msqid);
}

Test(queue, tags_are_told_from_each_other_with_and_without_reserve) {
    static const enum queue_tag TAGS[] = {QUEUE_TAG_NONE, QUEUE_TAG_MAILBOX, QUEUE_TAG_LANE};
    for (size_t i = 0; i < 3; i++) {
        int msqid = new_queue();
        cr_assert_eq(queue_set(msqid, geteuid(), (gid_t)-1, 0600, TAGS[i]), 0);
        struct queue_info info = info_of(msqid);
        cr_expect_eq(queue_tag_of(&info), TAGS[i]);
        int r = queue_reserve(msqid, true);
        struct queue_info open = info_of(msqid);
        cr_expect_eq(r, TAGS[i] == QUEUE_TAG_NONE ? QUEUE_DENIED : 0);
        cr_expect_eq(queue_tag_of(&open), TAGS[i]);
        queue_remove(msqid);
    }
}

Test(queue, reserve_lets_a_marker_into_a_full_queue) {
    int msqid = new_queue();
    queue_set(msqid, geteuid(), (gid_t)-1, 0600, QUEUE_TAG_MAILBOX);
    size_t limit = info_of(msqid).limit;
    static struct queue_message message = {.mtype = 1};
    while (queue_send(msqid, &message, 1000, false) == 0)
        ;
    while (queue_send(msqid, &message, 1, false) == 0)
        ;
    cr_assert_eq(queue_send(msqid, &message, 16, false), QUEUE_FULL);
    cr_expect_eq(queue_reserve(msqid, true), 0);
    cr_expect_eq(queue_reserve(msqid, true), 0, "opening it twice adds nothing");
    cr_expect_leq(info_of(msqid).limit, limit + 93, "it stays within msgmnb");
    cr_expect_eq(queue_send(msqid, &message, 16, false), 0);
    cr_expect_eq(queue_reserve(msqid, false), 0);
    cr_expect_eq(info_of(msqid).limit, limit);
    queue_remove(msqid);
}

Test(queue, every_outcome_has_a_text) {
    for (int i = QUEUE_OK; i <= QUEUE_NO_MEMORY; i++)
        cr_expect_str_neq(queue_outcome_text((enum queue_outcome)i), "unknown outcome");
    cr_expect(strstr(queue_outcome_text(QUEUE_NO_SPACE), "kernel.msgmni"));
}

static void stranger_is_refused(void *arg) {
    int msqid = *(int *)arg;
    struct queue_message message = message_of(1, "x");
    struct queue_info info;
    size_t n;
    MUST(queue_stat_any(msqid, &info) == 0 && info.cuid == 0);
    MUST(queue_stat(msqid, &info) == QUEUE_DENIED);
    MUST(queue_send(msqid, &message, 1, false) == QUEUE_DENIED);
    MUST(queue_receive(msqid, &message, 1, &n, false) == QUEUE_DENIED);
    MUST(queue_set(msqid, geteuid(), (gid_t)-1, 0666, QUEUE_TAG_NONE) == QUEUE_DENIED);
    MUST(queue_remove(msqid) == QUEUE_DENIED);
}

Test(queue, stranger_is_refused_by_a_private_queue) {
    NEEDS_ROOT("two Unix users");
    int msqid = new_queue();
    cr_expect_eq(child_run(USER_A, stranger_is_refused, &msqid), 0);
    queue_remove(msqid);
}

static void stranger_may_only_send(void *arg) {
    int msqid = *(int *)arg;
    struct queue_message message = message_of(1, "x");
    struct queue_info info;
    size_t n;
    MUST(queue_send(msqid, &message, 1, false) == 0);
    MUST(queue_stat(msqid, &info) == QUEUE_DENIED);
    MUST(queue_receive(msqid, &message, 1, &n, false) == QUEUE_DENIED);
}

Test(queue, stranger_may_only_send_to_an_open_queue) {
    NEEDS_ROOT("two Unix users");
    int msqid = new_queue();
    cr_assert_eq(queue_set(msqid, geteuid(), (gid_t)-1, 0622, QUEUE_TAG_NONE), 0);
    cr_expect_eq(child_run(USER_A, stranger_may_only_send, &msqid), 0);
    cr_expect_eq(info_of(msqid).n_messages, 1);
    queue_remove(msqid);
}

static void hand_over(void *arg) {
    int *msqid = arg;
    MUST(queue_create_private(msqid) == 0);
    MUST(queue_set(*msqid, USER_B, (gid_t)-1, 0600, QUEUE_TAG_MAILBOX) == 0);
    struct queue_info info;
    MUST(queue_stat(*msqid, &info) == 0 && info.cuid == USER_A && info.uid == USER_B);
    MUST(queue_tag_of(&info) == QUEUE_TAG_MAILBOX);
}

static void use_as_owner(void *arg) {
    int msqid = *(int *)arg;
    struct queue_message message = message_of(9, "x");
    MUST(queue_send(msqid, &message, 1, false) == 0);
    MUST(queue_reserve(msqid, true) == 0);
    MUST(queue_reserve(msqid, false) == 0);
    MUST(queue_remove(msqid) == 0);
}

Test(queue, owner_and_creator_both_use_a_mailbox) {
    NEEDS_ROOT("two Unix users");
    int *msqid = share(sizeof *msqid);
    cr_assert_eq(child_run(USER_A, hand_over, msqid), 0);
    cr_expect_eq(child_run(USER_B, use_as_owner, msqid), 0);
}

static bool look_for(void *arg, const struct queue_info *info) {
    int *wanted = arg;
    if (info->msqid == *wanted)
        *wanted = -1;
    return *wanted != -1;
}

Test(queue, each_visits_until_told_to_stop) {
    int msqid = new_queue();
    int wanted = msqid;
    cr_expect_eq(queue_each(look_for, &wanted), 0);
    cr_expect_eq(wanted, -1);
    queue_remove(msqid);
}

static void reach_the_limits(void *arg) {
    (void)arg;
    child_unshare(CLONE_NEWIPC);
    int msqid;
    write_text("/proc/sys/kernel/msgmni", "1");
    MUST(queue_create_private(&msqid) == 0);
    MUST(queue_create_private(&msqid) == QUEUE_NO_SPACE);
    MUST(queue_create(&msqid, 0x45000001, 0600) == QUEUE_NO_SPACE);
    struct queue_limits limits;
    write_text("/proc/sys/kernel/msgmax", "2687");
    MUST(queue_limits_read(&limits) == QUEUE_NO_SPACE);
    write_text("/proc/sys/kernel/msgmax", "2688");
    MUST(queue_limits_read(&limits) == 0 && limits.batch == BATCH_BYTES_MIN && limits.msgmni == 1);
    write_text("/proc/sys/kernel/msgmnb", "5375");
    MUST(queue_limits_read(&limits) == QUEUE_NO_SPACE);
    write_text("/proc/sys/kernel/msgmnb", "5376");
    MUST(queue_limits_read(&limits) == 0 && limits.msgmnb == 5376);
}

Test(queue, limits_of_the_kernel_are_outcomes) {
    NEEDS_ROOT("an IPC namespace");
    int status = child_run(AS_OURSELVES, reach_the_limits, NULL);
    SKIP_IF_CANNOT(status);
    cr_expect_eq(status, 0);
}
