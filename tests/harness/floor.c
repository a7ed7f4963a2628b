#include "harness/floor.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <time.h>
#include <unistd.h>

#include "harness/check.h"
#include "harness/user.h"

#define N_TALKERS 3
#define WRITER N_TALKERS /* the talker whose letters are stored */
#define N_OTHERS (N_TALKERS + 1)
#define N_LANES (N_OTHERS + 1) /* the last one is the storm's */
#define PROCS_MAX 8
#define BATCH 8000
#define SAMPLES 16384
#define PAUSE_US 5000         /* as Alice, see 40_storms.c */
#define WRITER_PAUSE_US 10000 /* as Dave, see witness.c */

struct floor_message {
    long mtype;
    int to; /* the queue that the relay sends it to */
    char rest[BATCH - sizeof(int)];
};

struct floor_shared {
    int lanes[N_LANES], mailboxes[N_OTHERS + PROCS_MAX];
    char file[4096]; /* of the letters */
    atomic_int n_started;
    struct {
        _Atomic int64_t since;
        atomic_uint n;
        int64_t ns[SAMPLES];
    } talkers[N_OTHERS];
};

static struct floor_shared *shared;

/* The relay: a thread per lane; what does not fit is dropped. */
static void *floor_relay_lane(void *arg) {
    static _Thread_local struct floor_message message;
    int lane = *(const int *)arg;
    ssize_t n;
    while ((n = msgrcv(lane, &message, sizeof message - sizeof message.mtype, 0, 0)) >= 0)
        (void)msgsnd(message.to, &message, (size_t)n, IPC_NOWAIT);
    return NULL;
}

/* Nothing is answered that is not on the disk: one append and one sync, as a commit in a WAL. */
static void *floor_relay_letters(void *arg) {
    static struct floor_message message;
    int lane = *(const int *)arg;
    int file = open(shared->file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    ssize_t n;
    if (file < 0)
        check_die("%s: %s", shared->file, strerror(errno));
    while ((n = msgrcv(lane, &message, sizeof message - sizeof message.mtype, 0, 0)) >= 0)
        if (write(file, &message.to, (size_t)n) == n && fdatasync(file) == 0)
            (void)msgsnd(message.to, &message, (size_t)n, IPC_NOWAIT);
    return NULL;
}

static int floor_relay(void *arg) {
    pthread_t threads[N_LANES];
    (void)arg;
    for (int i = 0; i < N_LANES; i++)
        if (pthread_create(&threads[i], NULL, i == WRITER ? floor_relay_letters : floor_relay_lane,
                           &shared->lanes[i]) != 0)
            return 1;
    atomic_fetch_add(&shared->n_started, 1);
    pause();
    return 0;
}

static int floor_talk(void *arg) {
    static struct floor_message message;
    int me = (int)(intptr_t)arg;
    const size_t size = 64;
    const long pause_us = me == WRITER ? WRITER_PAUSE_US : PAUSE_US;
    atomic_fetch_add(&shared->n_started, 1);
    for (;;) {
        int64_t begin = mono_now().ns;
        unsigned n = atomic_load(&shared->talkers[me].n);
        atomic_store(&shared->talkers[me].since, begin);
        message.mtype = 1;
        message.to = shared->mailboxes[me];
        if (msgsnd(shared->lanes[me], &message, size, 0) < 0 ||
            msgrcv(shared->mailboxes[me], &message, sizeof message - sizeof(long), 0, 0) < 0)
            return 1;
        shared->talkers[me].ns[n % SAMPLES] = mono_now().ns - begin;
        atomic_store(&shared->talkers[me].n, n + 1);
        nanosleep(&(struct timespec){.tv_nsec = pause_us * 1000L}, NULL);
    }
}

static int floor_storm(void *arg) {
    static struct floor_message message, answer;
    int mailbox = shared->mailboxes[N_OTHERS + (int)(intptr_t)arg];
    atomic_fetch_add(&shared->n_started, 1);
    for (;;) {
        message.mtype = 1;
        message.to = mailbox;
        if (msgsnd(shared->lanes[N_OTHERS], &message, sizeof message - sizeof(long), 0) < 0)
            return 1;
        while (msgrcv(mailbox, &answer, sizeof answer - sizeof(long), 0, IPC_NOWAIT) >= 0)
            ;
    }
}

static int floor_queue(void) {
    int queue = msgget(IPC_PRIVATE, 0666);
    if (queue < 0)
        check_die("a queue: %s", strerror(errno));
    return queue;
}

/* The samples of one; returns how many there are with them. */
static size_t floor_read_one(int i, int64_t *samples, size_t n) {
    int64_t since = atomic_load(&shared->talkers[i].since);
    unsigned n_own = atomic_load(&shared->talkers[i].n);
    for (unsigned k = 0; k < n_own && k < SAMPLES; k++)
        samples[n++] = shared->talkers[i].ns[k];
    if (n_own == 0)
        samples[n++] = mono_now().ns - since;
    return n;
}

static void floor_read(int64_t *samples, struct floor_figures *figures) {
    size_t n = 0;
    for (int i = 0; i < N_TALKERS; i++)
        n = floor_read_one(i, samples, n);
    figures->p99_ns = check_percentile(samples, n, 99);
    figures->silence_ns = samples[n - 1]; /* they are sorted now */
}

static void floor_pass_ms(int ms) {
    nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000L}, NULL);
}

static void floor_watch(int ms, int stored_ms, struct floor_figures *figures) {
    CLEANUP_FREE int64_t *samples = calloc(N_TALKERS * (SAMPLES + 1), sizeof *samples);
    if (!samples)
        check_die("out of memory");
    floor_pass_ms(stored_ms);
    figures->stored_p99_ns = check_percentile(samples, floor_read_one(WRITER, samples, 0), 99);
    floor_pass_ms(ms - stored_ms);
    floor_read(samples, figures);
}

static bool floor_has_started(void *arg) {
    return atomic_load(&shared->n_started) == *(const int *)arg;
}

void floor_measure(int n_storming, const char *dir, int ms, int stored_ms,
                   struct floor_figures *figures) {
    pid_t pids[1 + N_OTHERS + PROCS_MAX];
    int n = 0, n_mailboxes = N_OTHERS + n_storming;
    if (n_storming > PROCS_MAX)
        check_die("the floor: %d processes", n_storming);
    shared = check_shared(sizeof *shared);
    snprintf(shared->file, sizeof shared->file, "%s/letters", dir);
    for (int i = 0; i < N_LANES; i++)
        shared->lanes[i] = floor_queue();
    for (int i = 0; i < n_mailboxes; i++)
        shared->mailboxes[i] = floor_queue();
    pids[n++] = user_start(UID_HUB, floor_relay, NULL);
    for (int i = 0; i < n_storming; i++)
        pids[n++] = user_start(UID_MALLORY, floor_storm, (void *)(intptr_t)i);
    for (int i = 0; i < N_OTHERS; i++)
        pids[n++] = user_start((uid_t)(UID_ALICE + i), floor_talk, (void *)(intptr_t)i);
    check_until(floor_has_started, &n, 10000);
    floor_watch(ms, stored_ms, figures);
    if (atomic_load(&shared->talkers[WRITER].n) == 0)
        check_die("the floor: no letter was stored in %s", dir);
    while (n > 0)
        user_kill(pids[--n]);
    for (int i = 0; i < N_LANES; i++)
        msgctl(shared->lanes[i], IPC_RMID, NULL);
    for (int i = 0; i < n_mailboxes; i++)
        msgctl(shared->mailboxes[i], IPC_RMID, NULL);
}
