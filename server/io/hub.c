#include "io/hub.h"

#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utlist.h>

#include "base/error.h"
#include "base/log.h"
#include "base/macro.h"
#include "io/database/resolver.h"
#include "io/database/rounds.h"
#include "io/join.h"
#include "io/lane.h"
#include "io/notify.h"
#include "io/reader.h"
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

/*
 * The key by which a hub seals what it says of claims (core/claim.c), handed on to the next hub in
 * the same place: the file `claims` in the rendezvous directory, which only the hub's owner can
 * read. It is there from the first claim on, until a clean stop at which there is none.
 */

#define KEY_MAGIC "claims 1"
#define KEY_PATH_SIZE (PATH_MAX + 16)

struct claim_key_file {
    char magic[8];
    uint8_t key[SIPHASH_KEY_BYTES];
    uint32_t generation;
};

static void key_path(const struct hub *hub, char path[KEY_PATH_SIZE], const char *suffix) {
    snprintf(path, KEY_PATH_SIZE, "%s/claims%s", hub->rendezvous.dir, suffix);
}

static bool key_read(const struct hub *hub, struct claim_key_file *file) {
    char path[KEY_PATH_SIZE];
    struct stat st;
    key_path(hub, path, "");
    CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    return fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == geteuid() &&
           st.st_size == sizeof *file && read(fd, file, sizeof *file) == sizeof *file &&
           memcmp(file->magic, KEY_MAGIC, sizeof file->magic) == 0;
}

/* For core_init(): the key that a former hub has left, else a new one. 0 or -errno. */
static int claim_key_load(const struct hub *hub, struct core_config *config) {
    struct claim_key_file file;
    config->has_heirlooms = key_read(hub, &file) && file.generation < UINT32_MAX >> 8;
    if (config->has_heirlooms) {
        memcpy(config->claim_key, file.key, sizeof file.key);
        config->generation = file.generation + 1;
        return 0;
    }
    config->generation = 1;
    ssize_t n = getrandom(config->claim_key, sizeof config->claim_key, 0);
    return n == (ssize_t)sizeof config->claim_key ? 0 : -EIO;
}

static int key_write(const struct hub *hub, const struct claim_key_file *file) {
    char path[KEY_PATH_SIZE], new_path[KEY_PATH_SIZE];
    key_path(hub, path, "");
    key_path(hub, new_path, ".new");
    (void)unlink(new_path);
    CLEANUP_CLOSE int fd = open(new_path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return error_errno();
    int r = write(fd, file, sizeof *file) == sizeof *file ? 0 : -ENOSPC;
    if (r == 0 && rename(new_path, path) < 0)
        r = error_errno();
    if (r != 0)
        (void)unlink(new_path);
    // cppcheck-suppress resourceLeak; CLEANUP_CLOSE closes it
    return r;
}

void hub_save_claim_key(struct hub *hub) {
    struct claim_key_file file = {.generation = hub->core.config.generation};
    if (hub->claim_key_is_saved || !hub->core.claims.is_used)
        return;
    hub->claim_key_is_saved = true;
    memcpy(file.magic, KEY_MAGIC, sizeof file.magic);
    memcpy(file.key, hub->core.config.claim_key, sizeof file.key);
    int r = key_write(hub, &file);
    if (r < 0)
        log_warning("%s/claims: %s; the next hub will not know who had which claim",
                    hub->rendezvous.dir, strerror(-r));
}

/* With the lock held: the hub stops, and the sessions have not ended yet. */
static void claim_key_drop(const struct hub *hub) {
    char path[KEY_PATH_SIZE];
    if (hub->core.claims.n > 0)
        return;
    key_path(hub, path, "");
    (void)unlink(path);
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
        .mend_ms = hub->options.mend_ms,
        .channel_bytes = hub->options.channel_quiet_ms > 0 ? channel_bytes() : 0,
        .channel_quiet_ms = hub->options.channel_quiet_ms};
    if (getrandom(&config.secret, sizeof config.secret, 0) != sizeof config.secret)
        return -errno;
    int r = claim_key_load(hub, &config);
    if (r < 0)
        return r;
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
    if (r == 0)
        r = rounds_start(hub);
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
        claim_key_drop(hub);
        core_say_bye(&hub->core);
        hub_leave_with_all(hub); /* BYE comes before the lanes are gone */
        stop_lanes(hub);
        rounds_stop(hub);
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
