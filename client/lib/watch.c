#include "lib/watch.h"

#include <poll.h>
#include <unistd.h>

#include "base/error.h"
#include "base/thread.h"
#include "ipc/queue.h"

int watch_init(struct watch *watch) {
    watch->rearm_fd = event_open();
    return watch->rearm_fd < 0 ? watch->rearm_fd : 0;
}

void watch_deinit(struct watch *watch) {
    watch_stop(watch);
    if (watch->rearm_fd >= 0)
        close(watch->rearm_fd);
    watch->rearm_fd = -1;
}

static void watch_fire(struct watch *watch, bool hub_is_dead) {
    atomic_store(&watch->fired, true);
    if (hub_is_dead && atomic_load(&watch->blocked))
        watch->release_lane(watch->arg);
    queue_ring_bell(watch->mailbox, watch->pid, 0);
}

/* poll(2) leaves out what has a negative descriptor. */
static void *watch_run(void *arg) {
    struct watch *watch = arg;
    bool told = false, dead = false;
    while (!atomic_load(&watch->stop)) {
        struct pollfd fds[] = {
            {.fd = watch->rearm_fd, .events = POLLIN},
            {.fd = told ? -1 : watch->epoll_fd, .events = POLLIN},
            {.fd = dead ? -1 : watch->hub_fd, .events = POLLIN},
        };
        if (poll(fds, 3, -1) < 0)
            continue;
        if (fds[0].revents) {
            event_clear(watch->rearm_fd);
            told = false;
        }
        dead = dead || fds[2].revents;
        if (fds[1].revents || fds[2].revents) {
            told = true;
            watch_fire(watch, dead);
        }
    }
    return NULL;
}

int watch_start(struct watch *watch) {
    if (watch->running)
        return 0;
    atomic_store(&watch->stop, false);
    atomic_store(&watch->fired, false);
    int r = thread_start(&watch->thread, watch_run, watch);
    if (r == 0)
        watch->running = true;
    return r;
}

void watch_stop(struct watch *watch) {
    if (!watch->running)
        return;
    atomic_store(&watch->stop, true);
    event_set(watch->rearm_fd);
    pthread_join(watch->thread, NULL);
    event_clear(watch->rearm_fd);
    watch->running = false;
    atomic_store(&watch->fired, false);
}

void watch_rearm(struct watch *watch) {
    atomic_store(&watch->fired, false);
    event_set(watch->rearm_fd);
}
