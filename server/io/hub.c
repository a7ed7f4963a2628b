#include "io/hub.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <utlist.h>

#include "base/error.h"
#include "base/log.h"
#include "io/join.h"
#include "io/lane.h"
#include "io/notify.h"
#include "io/reader.h"
#include "io/resolver.h"
#include "io/storage.h"
#include "io/sweep.h"
#include "io/watch.h"
#include "ipc/channel.h"
#include "store/store.h"

#define LOG_BYTES                                                                                  \
    ((size_t)3 * 1024 * 1024) /* what is stored already, for those who lag a little                \
                               */
#define LOG_BYTES_EPHEMERAL ((size_t)64 * 1024 * 1024)

/* One descriptor per client is needed (its pidfd); the soft limit is often 1,024. */
static void raise_descriptor_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
            log_warning("cannot raise the limit of open files: %s", strerror(errno));
    }
}

/*
 * By default each thread has a heap of its own, and what one of them has freed stays with it.
 * Nearly all is allocated with the hub's lock held, so one heap is enough, and gives back what is
 * unused.
 */
static void share_heap(void) {
    (void)mallopt(M_ARENA_MAX, 1);
}

static void init_state(struct hub *hub, const struct hub_options *options) {
    *hub = (struct hub){.options = *options,
                        .epoll_fd = -1,
                        .timer_fd = -1,
                        .signal_fd = -1,
                        .tell_fd = -1,
                        .end_fd = -1,
                        .dead_fd = -1};
    hub->rendezvous.lock_fd = -1;
    lock_init(&hub->lock);
    pthread_cond_init(&hub->no_lane_threads, NULL);
}

/* One user may not take all descriptors that the hub has. */
static unsigned sessions_per_user(enum hub_mode mode) {
    struct rlimit limit = {.rlim_cur = RLIM_INFINITY};
    (void)getrlimit(RLIMIT_NOFILE, &limit);
    rlim_t share = mode == HUB_PRIVATE ? limit.rlim_cur : limit.rlim_cur / 2;
    return share < ACCOUNT_SESSIONS_MAX ? (unsigned)share : ACCOUNT_SESSIONS_MAX;
}

/* More lanes than processors only add wake-ups: whatever the lanes bring meets at one lock. */
static unsigned lanes_per_user(void) {
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    if (n < LANES_PER_USER_MIN)
        return LANES_PER_USER_MIN;
    return n > LANES_PER_USER_MAX ? LANES_PER_USER_MAX : (unsigned)n;
}

/* Without a store the log in memory is all there is. */
static size_t log_bytes(const struct hub *hub) {
    uint64_t n = hub->options.keep_bytes;
    return n == 0 || n > LOG_BYTES_EPHEMERAL ? LOG_BYTES_EPHEMERAL : (size_t)n;
}

static int init_core(struct hub *hub) {
    struct core_config config = {
        .batch = hub->limits.batch,
        .uid = geteuid(),
        .mode = hub->options.mode,
        .sessions_per_user = sessions_per_user(hub->options.mode),
        .instance = hub->rendezvous.record.instance,
        .durable = hub->options.state[0] != '\0',
        .log_bytes_max = hub->options.state[0] ? LOG_BYTES : log_bytes(hub),
        .keep_days = hub->options.state[0] ? hub->options.keep_days : 0,
        .keep_bytes = hub->options.state[0] ? hub->options.keep_bytes : log_bytes(hub),
        .channel_bytes = hub->options.channel_quiet_ms > 0 ? channel_bytes() : 0,
        .channel_quiet_ms = hub->options.channel_quiet_ms};
    if (getrandom(&config.secret, sizeof config.secret, 0) != sizeof config.secret)
        return -errno;
    snprintf(config.name, sizeof config.name, "%s", hub->options.name);
    return core_init(&hub->core, &config, mono_now());
}

/* In a private hub the well-known queue is the lane of its user; else only HELLO may come here. */
static int open_well_known(struct hub *hub) {
    struct user *user = NULL;
    if (hub->options.mode == HUB_PRIVATE) {
        user = core_user(&hub->core, geteuid());
        if (!user)
            return -ENOMEM;
    }
    return lane_start(hub, hub->rendezvous.record.msqid, user, true);
}

/* No number is used twice over restarts, so that a client that comes back misses nothing. */
static int begin_ephemeral(struct hub *hub) {
    core_restore_seq(&hub->core, (uint64_t)wall_now().ms * 1000);
    return 0;
}

int hub_start(struct hub *hub, const struct hub_options *options) {
    init_state(hub, options);
    share_heap();
    raise_descriptor_limit();
    int r = queue_limits_read(&hub->limits);
    if (r > 0) {
        log_error("%s", queue_outcome_text((enum queue_outcome)r));
        return -ENOSPC;
    }
    if (r == 0)
        r = watch_init(hub);
    if (r == 0)
        r = rendezvous_open(&hub->rendezvous, options->dir, options->mode, options->gid);
    if (r != 0)
        return r;
    sweep_all();
    hub->lanes_per_user = lanes_per_user();
    r = resolver_start();
    if (r == 0)
        r = init_core(hub);
    if (r == 0)
        r = options->state[0] ? storage_open(hub) : begin_ephemeral(hub);
    if (r > 0)
        return r == STORE_IN_USE ? HUB_STORE_IN_USE : HUB_NO_STORE;
    if (r == 0)
        r = storage_start(hub);
    if (r == 0)
        r = reader_start(hub);
    if (r != 0)
        return r;
    log_info("hub %s: pid %d, queue %d%s", options->dir, getpid(), hub->rendezvous.record.msqid,
             hub->rendezvous.adopted ? " (adopted)" : "");
    return open_well_known(hub);
}

static void stop_lanes(struct hub *hub) {
    struct lane *lane;
    resolver_stop();
    lock_take(&hub->lock);
    hub->stopping = true;
    storage_end_waits(hub);
    DL_FOREACH(hub->lanes, lane) {
        (void)queue_remove(lane->msqid); /* wakes its thread, which ends */
    }
    while (hub->n_lane_threads > 0)
        lock_wait(&hub->lock, &hub->no_lane_threads, NULL);
    lock_give(&hub->lock);
}

static void end_sessions(struct hub *hub) {
    hub_enter(hub);
    for (uint32_t slot = 0; slot < hub->core.n_slots; slot++)
        if (hub->core.slots[slot])
            core_end(&hub->core, hub->core.slots[slot]);
    hub_leave(hub);
}

void hub_deinit(struct hub *hub) {
    if (hub->core.slots) {
        hub_enter(hub);
        core_say_bye(&hub->core);
        hub_leave_with_all(hub); /* BYE comes before the lanes are gone */
        stop_lanes(hub);
        resolver_drop();
        storage_stop(hub);
        reader_stop(hub);
        end_sessions(hub);
        join_drop_called(hub);
        core_deinit(&hub->core);
    }
    if (hub->rendezvous.lock_fd >= 0)
        rendezvous_close(&hub->rendezvous);
    watch_deinit(hub);
    pthread_cond_destroy(&hub->no_lane_threads);
    lock_deinit(&hub->lock);
}

int hub_run(struct hub *hub) {
    watch_run(hub);
    notify_send("STOPPING=1");
    hub_deinit(hub);
    sweep_all();
    return 0;
}
