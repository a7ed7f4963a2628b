#include <sys/ipc.h>
#include <unistd.h>

#include "ipc/process.h"
#include "ipc/queue.h"

/* A queue that nobody ever used is an orphan only after this many seconds. */
#define UNUSED_SECONDS 10

struct queue_sweeping {
    uid_t uid;
    size_t msgmnb;
    time_t now;
    const int *keep;
    size_t n_keep;
    bool only_count;
    int n_found; /* and removed, unless they are only counted */
};

/* We ourselves are nobody: what we still need is in `keep`. */
static bool is_dead(pid_t pid) {
    return pid == getpid() || !process_exists(pid);
}

/* Also no when the kernel shows PID 0 for a process of another PID namespace: it may live. */
static bool is_used_by_nobody(const struct queue_sweeping *sweep, const struct queue_info *info) {
    if (info->sent_at == 0 && info->received_at == 0)
        return sweep->now - info->changed_at > UNUSED_SECONDS;
    bool is_hidden = (info->sent_at != 0 && info->last_sender == 0) ||
                     (info->received_at != 0 && info->last_receiver == 0);
    return !is_hidden && is_dead(info->last_sender) && is_dead(info->last_receiver);
}

/* Made by a process that was killed before it could give it a tag. */
static bool is_new(const struct queue_sweeping *sweep, const struct queue_info *info) {
    return info->mode == QUEUE_MODE_NEW && info->limit == sweep->msgmnb && info->n_bytes == 0;
}

/* A limit of msgmnb itself is what every program's queue has, whatever tag that looks like. */
static bool is_tagged(const struct queue_sweeping *sweep, const struct queue_info *info) {
    return info->mode == 0600 && info->limit != sweep->msgmnb &&
           queue_tag_of(info) != QUEUE_TAG_NONE;
}

static bool is_orphan(const struct queue_sweeping *sweep, const struct queue_info *info) {
    if (info->key != IPC_PRIVATE || !(is_tagged(sweep, info) || is_new(sweep, info)))
        return false;
    if (info->uid != sweep->uid && info->cuid != sweep->uid)
        return false;
    for (size_t i = 0; i < sweep->n_keep; i++)
        if (sweep->keep[i] == info->msqid)
            return false;
    return is_used_by_nobody(sweep, info);
}

static bool queue_sweep_one(void *arg, const struct queue_info *info) {
    struct queue_sweeping *sweep = arg;
    if (is_orphan(sweep, info) && (sweep->only_count || queue_remove(info->msqid) == 0))
        sweep->n_found++;
    return true;
}

static int sweep_run(struct queue_sweeping *sweep) {
    struct queue_limits limits;
    int r = queue_limits_read(&limits);
    if (r < 0)
        return r;
    sweep->uid = geteuid();
    sweep->msgmnb = limits.msgmnb;
    sweep->now = time(NULL);
    r = queue_each(queue_sweep_one, sweep);
    return r < 0 ? r : sweep->n_found;
}

int queue_sweep(const int *keep, size_t n_keep) {
    return sweep_run(&(struct queue_sweeping){.keep = keep, .n_keep = n_keep});
}

int queue_orphans(void) {
    return sweep_run(&(struct queue_sweeping){.only_count = true});
}
