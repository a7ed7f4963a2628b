#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/look/doctor.h"
#include "cli/records.h"
#include "ipc/queue.h"
#include "ipc/ring.h"
#include "ipc/shm.h"

#define SESSIONS_PER_LANE 4
#define FEW_SESSIONS 50 /* less room than this is worth a warning */
#define NAMED_MAX 3     /* holders that are named */

/* One user's share of the queues or segments of this IPC namespace. */
struct holder {
    uid_t uid;
    size_t n;
};

struct holders {
    struct holder *all;
    size_t n, n_objects;
};

static void holders_count(struct holders *holders, uid_t uid) {
    size_t i = 0;
    while (i < holders->n && holders->all[i].uid != uid)
        i++;
    if (i == holders->n) {
        holders->all = cli_grow(holders->all, holders->n, sizeof *holders->all);
        holders->all[holders->n++] = (struct holder){.uid = uid};
    }
    holders->all[i].n++;
    holders->n_objects++;
}

/* By creator: a mailbox is its client's, although it was handed to the hub. */
static bool count_queue(void *arg, const struct queue_info *info) {
    holders_count(arg, info->cuid);
    return true;
}

static bool count_segment(void *arg, const struct shm_segment *segment) {
    holders_count(arg, segment->cuid);
    return true;
}

/* Four sessions need a mailbox each and one lane. */
static size_t sessions_in(size_t n_queues) {
    return n_queues * SESSIONS_PER_LANE / (SESSIONS_PER_LANE + 1);
}

static void check_queues(struct doctor *doctor, size_t n_used) {
    struct queue_limits limits;
    int r = queue_limits_read(&limits);
    if (r != 0) {
        doctor_say_sentence(doctor, DOCTOR_PROBLEM, "queue-limits",
                            r > 0 ? "messages cannot be long enough to work with; raise "
                                    "kernel.msgmax (at least 2688) and kernel.msgmnb (at least "
                                    "5376) with sysctl(8)"
                                  : "the kernel does not tell its limits on queues");
        return;
    }
    size_t n_free = limits.msgmni > n_used ? limits.msgmni - n_used : 0;
    size_t n_sessions = sessions_in(n_free);
    enum doctor_state state = n_sessions == 0             ? DOCTOR_PROBLEM
                              : n_sessions < FEW_SESSIONS ? DOCTOR_WARNING
                                                          : DOCTOR_OK;
    const char *fix = state == DOCTOR_OK
                          ? NULL
                          : "raise kernel.msgmni with sysctl(8), or see who holds so many queues";
    doctor_say(doctor, state, "queue-limits", fix,
               "%zu of %zu queues are in use; there is room for about %zu more programs that join "
               "(msgmni %zu, msgmax %zu, msgmnb %zu)",
               n_used, limits.msgmni, n_sessions, limits.msgmni, limits.msgmax, limits.msgmnb);
}

#define NO_LIMIT ((size_t)1 << 60) /* the kernel's default is above this */

static const char *limit_text(size_t limit, char text[32]) {
    snprintf(text, 32, "%zu", limit);
    return limit > NO_LIMIT ? "unlimited" : text;
}

static size_t at_most(size_t a, size_t b) {
    return a < b ? a : b;
}

static void check_segments(struct doctor *doctor) {
    struct shm_limits limits;
    char shmmax[32], shmall[32];
    if (shm_limits_read(&limits) != 0) {
        doctor_say(doctor, DOCTOR_PROBLEM, "segment-limits", NULL,
                   "the kernel does not tell its limits on shared memory");
        return;
    }
    /* A ring has its slots and a little for the two indexes. */
    size_t need = (RING_N_SLOTS + 1) * (size_t)RING_SLOT_BYTES;
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t pages = limits.shmall > limits.n_pages ? limits.shmall - limits.n_pages : 0;
    size_t ids = limits.shmmni > limits.n_segments ? limits.shmmni - limits.n_segments : 0;
    size_t room = limits.shmmax < need ? 0 : at_most(ids, pages / (need / page));
    const char *fix =
        room == 0 ? "raise kernel.shmmax, kernel.shmall or kernel.shmmni with sysctl(8)" : NULL;
    doctor_say(doctor, room == 0 ? DOCTOR_WARNING : DOCTOR_OK, "segment-limits", fix,
               "%zu of %zu segments are in use; there is room for %zu more large files on their "
               "way at once (shmmni %zu, shmmax %s, shmall %s)",
               limits.n_segments, limits.shmmni, room, limits.shmmni,
               limit_text(limits.shmmax, shmmax), limit_text(limits.shmall, shmall));
}

void doctor_check_limits(struct doctor *doctor) {
    struct holders holders = {0};
    queue_each(count_queue, &holders);
    check_queues(doctor, holders.n_objects);
    check_segments(doctor);
    free(holders.all);
}

static int by_most(const void *a, const void *b) {
    const struct holder *x = a, *y = b;
    return (x->n < y->n) - (x->n > y->n);
}

/* "root 12, alice 3, 2 others" */
static void name_holders(const struct holders *holders, char *text, size_t size) {
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < holders->n && i < NAMED_MAX && used < size; i++) {
        char login[LOGIN_SIZE];
        cli_login(holders->all[i].uid, login);
        used += (size_t)snprintf(text + used, size - used, "%s%s %zu", i > 0 ? ", " : ": ", login,
                                 holders->all[i].n);
    }
    if (holders->n > NAMED_MAX && used < size)
        snprintf(text + used, size - used, ", and %zu more users", holders->n - NAMED_MAX);
}

static void say_holders(struct doctor *doctor, const char *name, const char *what,
                        struct holders *holders, size_t limit) {
    char text[512], login[LOGIN_SIZE], fix[256];
    if (holders->n > 1)
        qsort(holders->all, holders->n, sizeof *holders->all, by_most);
    name_holders(holders, text, sizeof text);
    bool is_much = holders->n > 0 && holders->all[0].n > limit / 2;
    if (is_much) {
        cli_login(holders->all[0].uid, login);
        snprintf(fix, sizeof fix,
                 "%s holds more than half of the %zu that this machine allows: ask what for, and "
                 "see ipcs(1) and ipcrm(1)",
                 login, limit);
    }
    doctor_say(doctor, is_much ? DOCTOR_WARNING : DOCTOR_OK, name, is_much ? fix : NULL,
               "%s in use on this machine, by creator%s%s", what, holders->n == 0 ? ": none" : "",
               text);
    free(holders->all);
}

void doctor_check_holders(struct doctor *doctor) {
    struct holders queues = {0}, segments = {0};
    struct queue_limits queue_limits = {0};
    struct shm_limits shm_limits = {0};
    queue_each(count_queue, &queues);
    shm_each(count_segment, &segments);
    if (queue_limits_read(&queue_limits) >= 0)
        say_holders(doctor, "queues", "queues", &queues, queue_limits.msgmni);
    if (shm_limits_read(&shm_limits) == 0)
        say_holders(doctor, "segments", "segments", &segments, shm_limits.shmmni);
}
