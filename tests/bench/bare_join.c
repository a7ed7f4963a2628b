/*
 * Joining, bare: a process makes its mailbox, hands it to the hub's uid, proves itself with a
 * nonce, is looked at with IPC_STAT and a pidfd, gets its welcome, and leaves.
 */
#include <errno.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bench/bare.h"
#include "bench/spawn.h"

struct door {
    int inbox;
    struct spawn_plan plan;
};

struct hello {
    long mtype;
    int mailbox;
    pid_t nonce;
};

#define NONCE_MTYPE 1 /* the mailbox's other types are PIDs of clients, and 1 is none */
#define HELLO_BYTES (sizeof(struct hello) - sizeof(long))

static bool welcome(const struct hello *hello) {
    struct msqid_ds ds;
    struct hello proof;
    if (msgctl(hello->mailbox, IPC_STAT, &ds) < 0)
        return false;
    if (msgrcv(hello->mailbox, &proof, HELLO_BYTES, NONCE_MTYPE, IPC_NOWAIT) < 0)
        return false;
    if (proof.nonce != hello->nonce || ds.msg_lspid != hello->nonce)
        return false;
    long pidfd = syscall(SYS_pidfd_open, hello->nonce, 0);
    proof.mtype = hello->nonce;
    bool sent = msgsnd(hello->mailbox, &proof, HELLO_BYTES, IPC_NOWAIT) == 0;
    close((int)pidfd);
    return sent;
}

static int keep_door(struct crew_arena *arena, const struct door *door) {
    struct hello hello;
    crew_joined(arena);
    while (msgrcv(door->inbox, &hello, HELLO_BYTES, BARE_HUB_MTYPE, 0) >= 0)
        if (!welcome(&hello))
            return crew_fail(arena, "a bare join was not proved");
    return 0;
}

static int join_and_leave(void *arg, unsigned spawner) {
    (void)spawner;
    const struct door *door = arg;
    struct msqid_ds ds;
    int mailbox = msgget(IPC_PRIVATE, 0600);
    struct hello hello = {NONCE_MTYPE, mailbox, getpid()};
    if (mailbox < 0)
        return 1;
    bool joined = msgctl(mailbox, IPC_STAT, &ds) == 0 && msgctl(mailbox, IPC_SET, &ds) == 0 &&
                  msgsnd(mailbox, &hello, HELLO_BYTES, 0) == 0;
    hello.mtype = BARE_HUB_MTYPE;
    joined = joined && msgsnd(door->inbox, &hello, HELLO_BYTES, 0) == 0;
    joined = joined && msgrcv(mailbox, &hello, HELLO_BYTES, getpid(), 0) >= 0;
    msgctl(mailbox, IPC_RMID, NULL);
    return joined ? 0 : 1;
}

static int work(struct crew_arena *arena, unsigned index, void *arg) {
    struct door *door = arg;
    return index == 0 ? keep_door(arena, door) : spawn_all(arena, &door->plan, index - 1);
}

int bare_joins(struct bench *bench, unsigned n_spawners, unsigned n_joins, double *per_second) {
    struct door *door = shared_new(sizeof *door);
    if (!door)
        return -ENOMEM;
    int r = bare_queues_new(bench, &door->inbox, 1);
    if (r == 0) {
        door->plan = (struct spawn_plan){n_spawners, n_joins, join_and_leave, door, {{0}}};
        r = spawn_measure(bench, work, door, &door->plan, 1, per_second);
        bare_queues_remove(&door->inbox, 1);
    }
    shared_free(door, sizeof *door);
    return r;
}
