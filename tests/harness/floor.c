#include "harness/floor.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
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
#include "harness/witness.h"

#define N_TALKERS 3
#define N_LANES (N_TALKERS + 1) /* the last one is the storm's */
#define PROCS_MAX 8
#define BATCH 8000
#define SAMPLES 16384
#define PAUSE_US 5000          /* as Alice, see 40_storms.c */
#define LETTERS_PAUSE_US 10000 /* as Dave, see witness.c */
#define LETTER_BYTES 4096      /* what a small commit writes, at least */

struct floor_message {
    long mtype;
    int to; /* the queue that the relay sends it to */
    char rest[BATCH - sizeof(int)];
};

struct floor_shared {
    int lanes[N_LANES], mailboxes[N_TALKERS + PROCS_MAX];
    atomic_int n_started;
    struct {
        _Atomic int64_t since;
        atomic_uint n;
        int64_t ns[SAMPLES];
    } talkers[N_TALKERS];
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

static int floor_relay(void *arg) {
    pthread_t threads[N_LANES];
    (void)arg;
    for (int i = 0; i < N_LANES; i++)
        if (pthread_create(&threads[i], NULL, floor_relay_lane, &shared->lanes[i]) != 0)
            return 1;
    atomic_fetch_add(&shared->n_started, 1);
    pause();
    return 0;
}

static int floor_talk(void *arg) {
    static struct floor_message message;
    int me = (int)(intptr_t)arg;
    const size_t size = 64;
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
        nanosleep(&(struct timespec){.tv_nsec = PAUSE_US * 1000L}, NULL);
    }
}

static int floor_storm(void *arg) {
    static struct floor_message message, answer;
    int mailbox = shared->mailboxes[N_TALKERS + (int)(intptr_t)arg];
    atomic_fetch_add(&shared->n_started, 1);
    for (;;) {
        message.mtype = 1;
        message.to = mailbox;
        if (msgsnd(shared->lanes[N_TALKERS], &message, sizeof message - sizeof(long), 0) < 0)
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

static void floor_watch(int ms, struct floor_figures *figures) {
    CLEANUP_FREE int64_t *samples = calloc(N_TALKERS * (SAMPLES + 1), sizeof *samples);
    if (!samples)
        check_die("out of memory");
    nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000L}, NULL);
    floor_read(samples, figures);
}

static bool floor_has_started(void *arg) {
    return atomic_load(&shared->n_started) == *(const int *)arg;
}

void floor_measure(int n_storming, int ms, struct floor_figures *figures) {
    pid_t pids[1 + N_TALKERS + PROCS_MAX];
    int n = 0, n_mailboxes = N_TALKERS + n_storming;
    if (n_storming > PROCS_MAX)
        check_die("the floor: %d processes", n_storming);
    shared = check_shared(sizeof *shared);
    for (int i = 0; i < N_LANES; i++)
        shared->lanes[i] = floor_queue();
    for (int i = 0; i < n_mailboxes; i++)
        shared->mailboxes[i] = floor_queue();
    pids[n++] = user_start(UID_HUB, floor_relay, NULL);
    for (int i = 0; i < n_storming; i++)
        pids[n++] = user_start(UID_MALLORY, floor_storm, (void *)(intptr_t)i);
    for (int i = 0; i < N_TALKERS; i++)
        pids[n++] = user_start((uid_t)(UID_ALICE + i), floor_talk, (void *)(intptr_t)i);
    check_until(floor_has_started, &n, 10000);
    floor_watch(ms, figures);
    while (n > 0)
        user_kill(pids[--n]);
    for (int i = 0; i < N_LANES; i++)
        msgctl(shared->lanes[i], IPC_RMID, NULL);
    for (int i = 0; i < n_mailboxes; i++)
        msgctl(shared->mailboxes[i], IPC_RMID, NULL);
}

/* Letters. */

struct letters_shared {
    struct witness_times times;
    int lane, mailbox, file;
};

/* Nothing is answered that is not on the disk: one append and one sync, as a commit in a WAL. */
static int letters_relay_main(void *arg) {
    struct letters_shared *letters = arg;
    static struct floor_message message;
    static const char page[LETTER_BYTES];
    ssize_t n;
    while ((n = msgrcv(letters->lane, &message, sizeof message - sizeof message.mtype, 0, 0)) >= 0)
        if (write(letters->file, page, sizeof page) == sizeof page && fdatasync(letters->file) == 0)
            (void)msgsnd(letters->mailbox, &message, (size_t)n, IPC_NOWAIT);
    return 0;
}

static int letters_writer_main(void *arg) {
    struct letters_shared *letters = arg;
    static struct floor_message message;
    const size_t size = 64;
    for (;;) {
        message.mtype = 1;
        witness_times_begin(&letters->times);
        if (msgsnd(letters->lane, &message, size, 0) < 0 ||
            msgrcv(letters->mailbox, &message, sizeof message - sizeof(long), 0, 0) < 0)
            return 1;
        witness_times_end(&letters->times);
        nanosleep(&(struct timespec){.tv_nsec = LETTERS_PAUSE_US * 1000L}, NULL);
    }
}

void letters_start(struct letters *letters, const char *dir) {
    char path[PATH_MAX];
    struct letters_shared *own = letters->shared = check_shared(sizeof *own);
    letters->times = &own->times;
    snprintf(path, sizeof path, "%s/letters", dir);
    own->lane = floor_queue();
    own->mailbox = floor_queue();
    own->file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (own->file < 0)
        check_die("%s: %s", path, strerror(errno));
    letters->relay = user_start(UID_HUB, letters_relay_main, own);
    letters->writer = user_start(UID_DAVE, letters_writer_main, own);
}

void letters_stop(struct letters *letters) {
    user_kill(letters->writer);
    user_kill(letters->relay);
    msgctl(letters->shared->lane, IPC_RMID, NULL);
    msgctl(letters->shared->mailbox, IPC_RMID, NULL);
    close(letters->shared->file);
}
