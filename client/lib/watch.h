/*
 * The watch: the thread that ends a wait which the kernel cannot end by itself.
 *
 * A program that waits for a message blocks in msgrcv(2), which knows no timeout and no second
 * thing to wait for. The watch polls everything else (the hub's pidfd, the timer, the writer,
 * earshot_wake()), which hangs on one epoll descriptor. When that becomes readable it sets `fired`
 * and sends an empty batch to the link's own mailbox, so that msgrcv returns; then it leaves the
 * epoll descriptor alone until watch_rearm(). A mailbox that is full needs no batch: msgrcv
 * returns anyhow, and the link looks at `fired` before it blocks again.
 *
 * A program that waits for room in a lane blocks in msgsnd(2). When the hub dies then, the watch
 * removes the lane: it belongs to the same uid, and nobody will read it any more. `blocked` is
 * set before `fired` is looked at, and the watch sets `fired` before it looks at `blocked`, so
 * one of the two sees the other.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>

struct watch {
    pthread_t thread;
    bool running;
    atomic_bool fired, blocked, stop;
    int rearm_fd; /* an eventfd */
    /* What it looks at; does not change while it runs. */
    int epoll_fd, hub_fd, mailbox;
    pid_t pid; /* our own */
    void (*release_lane)(void *arg);
    void *arg;
};

/* 0 or -errno. Zero is the state before; rearm_fd is -1 when closed. */
int watch_init(struct watch *watch);
void watch_deinit(struct watch *watch);

/* Starts the thread unless it runs. 0 or -errno. */
int watch_start(struct watch *watch);
void watch_stop(struct watch *watch);

/* What made it fire was dealt with. */
void watch_rearm(struct watch *watch);

static inline bool watch_has_fired(struct watch *watch) {
    return atomic_load(&watch->fired);
}
