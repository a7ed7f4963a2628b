/*
 * The kernel's walls: another user cannot read, peek at, change, remove or (but for the well-known
 * queue) write to any queue of ours, and in group and private mode not even find the hub's door.
 */
#include <errno.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>

#include "harness/stage.h"

#ifndef MSG_COPY
#define MSG_COPY 040000
#endif

struct try {
    const char *name;
    int (*call)(int msqid);
};

static struct {
    long mtype;
    char data[8192];
} message;

static int try_receive(int msqid) {
    return (int)msgrcv(msqid, &message, sizeof message.data, 0, IPC_NOWAIT | MSG_NOERROR);
}

static int try_copy(int msqid) {
    return (int)msgrcv(msqid, &message, sizeof message.data, 0, IPC_NOWAIT | MSG_COPY);
}

static int try_stat(int msqid) {
    struct msqid_ds ds;
    return msgctl(msqid, IPC_STAT, &ds);
}

static int try_set(int msqid) {
    struct msqid_ds ds = {.msg_qbytes = 1, .msg_perm = {.uid = UID_MALLORY, .mode = 0666}};
    return msgctl(msqid, IPC_SET, &ds);
}

static int try_remove(int msqid) {
    return msgctl(msqid, IPC_RMID, NULL);
}

static int try_send(int msqid) {
    message.mtype = 1;
    return msgsnd(msqid, &message, 16, IPC_NOWAIT);
}

static const struct try tries[] = {
    {"msgrcv", try_receive}, {"MSG_COPY", try_copy},   {"IPC_STAT", try_stat},
    {"IPC_SET", try_set},    {"IPC_RMID", try_remove}, {"msgsnd", try_send},
};

/* The last try, msgsnd, is what everybody may do to the well-known queue. */
static void check_wall(int msqid, const char *whose, size_t n_tries) {
    for (size_t i = 0; i < n_tries; i++) {
        errno = 0;
        int r = tries[i].call(msqid);
        check(r < 0 && (errno == EACCES || errno == EPERM), "%s on %s is refused: %s",
              tries[i].name, whose, r < 0 ? strerror(errno) : "it worked");
    }
}

static int stranger(void *arg) {
    const struct stage *stage = arg;
    struct bystanders_talk *talk = stage->pair.talk;
    for (int i = 0; i < 50; i++) { /* again and again, while messages pass through them */
        try_receive(atomic_load(&talk->alice_mailbox));
        try_receive(atomic_load(&talk->alice_lane));
        try_receive(stage->hub.record.msqid);
    }
    check_wall(atomic_load(&talk->alice_mailbox), "alice's mailbox", ARRAY_LEN(tries));
    check_wall(atomic_load(&talk->alice_lane), "alice's lane", ARRAY_LEN(tries));
    check_wall(stage->hub.record.msqid, "the well-known queue", ARRAY_LEN(tries) - 1);
    return 0;
}

static int newcomer(void *arg) {
    const struct stage *stage = arg;
    struct raw raw;
    enum raw_answer answer = raw_join(&raw, stage->dir, "newcomer", 0);
    raw_leave(&raw);
    return (int)answer;
}

static void check_open(struct stage *stage) {
    stage_start_hub(stage, "open");
    if (!check(bystanders_start(&stage->pair, stage->dir, 1000), "open mode: alice and bob talk"))
        return;
    user_run(UID_MALLORY, stranger, stage, 20000);
    stage_check_talk(stage, "reading and peeking");
    bystanders_stop(&stage->pair);
    check(hub_stop(&stage->hub) == 0, "the hub ends cleanly");
    stage_check_nothing_left("after open mode");
}

static void check_group(struct stage *stage) {
    struct hub_options options = {
        .uid = UID_HUB, .dir = stage->dir, .mode = "group", .group = "users", .log = stage->log};
    check(hub_start(&stage->hub, &options), "group mode: the hub starts");
    int r = user_wait(user_start_in_group(UID_ALICE, 100, newcomer, stage), 20000);
    check(r == RAW_WELCOME, "group mode: a member of the group joins");
    r = user_run(UID_MALLORY, newcomer, stage, 20000);
    check(r == RAW_SILENCE, "group mode: somebody else is refused by the kernel");
    check(hub_stop(&stage->hub) == 0, "the hub ends cleanly");
    stage_check_nothing_left("after group mode");
}

static void check_private(struct stage *stage) {
    stage_start_hub(stage, NULL);
    check(user_run(UID_HUB, newcomer, stage, 20000) == RAW_WELCOME,
          "private mode: the hub's own user joins");
    check(user_run(UID_MALLORY, newcomer, stage, 20000) == RAW_SILENCE,
          "private mode: somebody else is refused by the kernel");
}

int main(void) {
    struct stage stage;
    stage_prepare(&stage);
    check_open(&stage);
    check_group(&stage);
    check_private(&stage);
    return stage_end(&stage);
}
