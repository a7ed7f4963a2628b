/*
 * What mallory may do to the queues that are hers by the kernel's rules: her mailbox (creator) and
 * her lane (owner). She removes them, gives them away, changes mode and size, fills them, and never
 * reads. It may cost her own sessions; nobody else notices.
 */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <unistd.h>

#include "harness/stage.h"

static int change(int msqid, uid_t owner, mode_t mode, unsigned long qbytes) {
    struct msqid_ds ds;
    if (msgctl(msqid, IPC_STAT, &ds) < 0)
        return -errno;
    ds.msg_perm.uid = owner == (uid_t)-1 ? ds.msg_perm.uid : owner;
    ds.msg_perm.mode = (unsigned short)(mode == (mode_t)-1 ? ds.msg_perm.mode : mode);
    ds.msg_qbytes = qbytes ? qbytes : ds.msg_qbytes;
    return msgctl(msqid, IPC_SET, &ds) < 0 ? -errno : 0;
}

#define SAME_OWNER ((uid_t)-1)
#define SAME_MODE ((mode_t)-1)

static int remove_mailbox(struct raw *raw) {
    return queue_remove(raw->mailbox);
}

static int own_mailbox(struct raw *raw) {
    return change(raw->mailbox, UID_MALLORY, SAME_MODE, 0);
}

static int mailbox_to_bob(struct raw *raw) {
    return change(raw->mailbox, UID_BOB, SAME_MODE, 0);
}

static int mailbox_mode_0(struct raw *raw) {
    return change(raw->mailbox, SAME_OWNER, 0, 0);
}

static int mailbox_mode_666(struct raw *raw) {
    return change(raw->mailbox, SAME_OWNER, 0666, 0);
}

static int mailbox_tiny(struct raw *raw) {
    return change(raw->mailbox, SAME_OWNER, SAME_MODE, 1);
}

/* Full of the hub's own kind of message, so that nothing of the hub's fits. */
static int mailbox_full(struct raw *raw) {
    static const uint8_t junk[500];
    while (raw_send_bytes(raw->mailbox, 12345, junk, sizeof junk) == QUEUE_OK)
        ;
    return 0;
}

static int mailbox_full_of_nothing(struct raw *raw) {
    while (raw_send_bytes(raw->mailbox, 12345, NULL, 0) == QUEUE_OK)
        ;
    return 0;
}

static int remove_lane(struct raw *raw) {
    return queue_remove(raw->lane);
}

static int lane_to_bob(struct raw *raw) {
    return change(raw->lane, UID_BOB, SAME_MODE, 0);
}

static int lane_mode_0(struct raw *raw) {
    return change(raw->lane, SAME_OWNER, 0, 0);
}

static int lane_mode_666(struct raw *raw) {
    return change(raw->lane, SAME_OWNER, 0666, 0);
}

static int lane_tiny(struct raw *raw) {
    return change(raw->lane, SAME_OWNER, SAME_MODE, 1);
}

/* Types that the hub is not addressed by, up to the brim. */
static int lane_full_of_strays(struct raw *raw) {
    static const uint8_t junk[100];
    int n = 0;
    while (n < 5000 &&
           raw_send_bytes(raw->lane, n % 2 ? LONG_MAX : 77, junk, sizeof junk) == QUEUE_OK)
        n++;
    return 0;
}

/* Steals what her own user's other sessions send. */
static int read_lane(struct raw *raw) {
    struct queue_message message;
    size_t n;
    for (int i = 0; i < 2000; i++)
        queue_receive(raw->lane, &message, HUB_MTYPE, &n, false);
    return 0;
}

static const struct deed {
    const char *name;
    int (*run)(struct raw *raw);
    bool is_logged; /* the hub must have seen it; of each kind one a minute is told */
} deeds[] = {
    {"removing one's own mailbox", remove_mailbox, true},
    {"taking back one's own mailbox", own_mailbox, false},
    {"giving one's own mailbox to bob", mailbox_to_bob, false},
    {"mode 0 on one's own mailbox", mailbox_mode_0, false},
    {"mode 0666 on one's own mailbox", mailbox_mode_666, false},
    {"a mailbox of one byte", mailbox_tiny, false},
    {"a full mailbox, never read", mailbox_full, false},
    {"a mailbox full of empty messages", mailbox_full_of_nothing, false},
    {"removing one's own lane", remove_lane, true},
    {"giving one's own lane to bob", lane_to_bob, false},
    {"mode 0 on one's own lane", lane_mode_0, false},
    {"mode 0666 on one's own lane", lane_mode_666, false},
    {"a lane of one byte", lane_tiny, false},
    {"a lane full of stray types", lane_full_of_strays, false},
    {"reading one's own lane", read_lane, false},
};

struct play {
    const struct stage *stage;
    const struct deed *deed;
    atomic_int *phase; /* 1: the deed is done; 2: the test has looked */
    atomic_int *mailbox;
};

static bool looked_at(void *arg) {
    return atomic_load((atomic_int *)arg) == 2;
}

/*
 * Makes the hub write to the mailbox, and read the lane if that is possible. What was written to
 * mallory before fills the mailbox, so the hub waits for READY before it writes again.
 */
static void provoke(struct raw *raw) {
    static uint8_t batch[64];
    struct cursor_out out = cursor_out_of(batch, sizeof batch);
    struct envelope envelope = {PROTO_VERSION, 2, raw->session};
    struct frame ready = {.type = FRAME_READY};
    struct frame list = {.type = FRAME_LIST, .list = {5, LIST_USERS, {"", 0}}};
    envelope_put(&out, &envelope);
    frame_put(&out, &ready);
    frame_put(&out, &list);
    for (int i = 0; i < 200; i++)
        raw_send_bytes(raw->lane, HUB_MTYPE, batch, cursor_out_used(&out));
}

static int do_it(void *arg) {
    const struct play *play = arg;
    struct raw raw, friend;
    if (raw_join(&raw, play->stage->dir, "mallory", ABILITY_LISTEN) != RAW_WELCOME ||
        raw_join(&friend, play->stage->dir, "mallory", ABILITY_LISTEN) != RAW_WELCOME)
        return 1;
    atomic_store(play->mailbox, raw.mailbox);
    int r = play->deed->run(&raw);
    if (r != 0)
        check_note("%s: %s", play->deed->name, raw_result_text(r));
    provoke(&raw);
    atomic_store(play->phase, 1);
    check_until(looked_at, play->phase, 30000);
    queue_remove(friend.mailbox);
    return r == 0 ? 0 : 2;
}

/* Writes to mallory, so that her mailbox is used. */
static int write_to_mallory(void *arg) {
    const struct stage *stage = arg;
    struct raw raw;
    if (raw_join(&raw, stage->dir, "bobs-bot", 0) != RAW_WELCOME)
        return 1;
    for (int i = 0; i < 200; i++)
        raw_say(&raw, "mallory", "hello", NULL);
    bool served = raw_is_served(&raw);
    raw_leave(&raw);
    return !served;
}

static int join_again(void *arg) {
    const struct stage *stage = arg;
    struct raw raw;
    bool joined = raw_join(&raw, stage->dir, "mallory", ABILITY_LISTEN) == RAW_WELCOME;
    bool served = joined && raw_is_served(&raw);
    raw_leave(&raw);
    return served ? 0 : 1;
}

/* The hub needs a moment to see that her sessions have ended. */
static bool can_join_again(void *arg) {
    return user_run(UID_MALLORY, join_again, arg, 3000) == 0;
}

static bool is_done(void *arg) {
    return atomic_load((atomic_int *)arg) == 1;
}

static void check_deed(struct stage *stage, const struct deed *deed) {
    struct play play = {stage, deed, check_shared(sizeof(atomic_int)),
                        check_shared(sizeof(atomic_int))};
    long mark = hub_log_mark(&stage->hub);
    pid_t pid = user_start(UID_MALLORY, do_it, &play);
    check(check_until(is_done, play.phase, 20000), "%s: done", deed->name);
    check(user_run(UID_BOB, write_to_mallory, stage, 20000) == 0,
          "%s: who writes to her is served all the same", deed->name);
    stage_check_talk(stage, deed->name);
    if (deed->is_logged)
        stage_check_logged(stage, mark, UID_MALLORY, 0, deed->name);
    atomic_store(play.phase, 2);
    check(user_wait(pid, 20000) == 0, "%s: the kernel let her", deed->name);
    check(check_until(can_join_again, stage, 15000), "%s: afterwards she can join again",
          deed->name);
    /* One that the hub may not remove any more is hers to remove. */
    struct queue_info info;
    int mailbox = atomic_load(play.mailbox);
    if (queue_stat_any(mailbox, &info) == QUEUE_OK && info.uid != UID_HUB)
        queue_remove(mailbox);
}

#define N_JAMMED 40

/* Many sessions whose lanes take no message any more, not even from the hub. */
static int jam(void *arg) {
    const struct play *play = arg;
    static struct raw raws[N_JAMMED];
    for (int i = 0; i < N_JAMMED; i++)
        if (raw_join(&raws[i], play->stage->dir, "mallory", ABILITY_LISTEN) != RAW_WELCOME)
            return 1;
    for (int i = 0; i < N_JAMMED; i++)
        lane_tiny(&raws[i]);
    atomic_store(play->phase, 1);
    pause();
    return 0;
}

static int carol_main(void *arg) {
    const struct play *play = arg;
    struct raw raw;
    if (raw_join(&raw, play->stage->dir, "carol", ABILITY_LISTEN) == RAW_WELCOME)
        atomic_store(play->phase, 2);
    pause();
    return 0;
}

/* The next kill is seen in time, and an acknowledgement that may wait a little does not wait long.
 */
static int look(void *arg) {
    const struct stage *stage = arg;
    struct raw raw;
    struct frame frame;
    if (raw_join(&raw, stage->dir, "watcher", 0) != RAW_WELCOME)
        return 1;
    raw_fill_send(&frame, "bob", "hello");
    frame.flags = 0;
    raw_send(&raw, &frame);
    check(raw_await(&raw, &frame, FRAME_ACK, 1000) == QUEUE_OK,
          "jammed lanes die: an acknowledgement comes within a second");
    stage_check_roster(&raw, 2, 3000, "jammed lanes die: other deaths are seen at once");
    raw_leave(&raw);
    return 0;
}

static void check_jam(struct stage *stage) {
    struct play play = {.stage = stage, .phase = check_shared(sizeof(atomic_int))};
    pid_t mallory = user_start(UID_MALLORY, jam, &play);
    check(check_until(is_done, play.phase, 20000), "%d sessions with jammed lanes", N_JAMMED);
    pid_t carol = user_start(UID_BOB, carol_main, &play);
    check(check_until(looked_at, play.phase, 20000), "carol is here");
    user_kill(mallory);
    user_kill(carol);
    check(user_run(UID_BOB, look, stage, 60000) == 0, "jammed lanes die: a newcomer joins");
    stage_check_talk(stage, "jammed lanes die");
}

int main(void) {
    struct stage stage;
    stage_begin(&stage);
    for (size_t i = 0; i < ARRAY_LEN(deeds); i++)
        check_deed(&stage, &deeds[i]);
    check_jam(&stage);
    return stage_end(&stage);
}
