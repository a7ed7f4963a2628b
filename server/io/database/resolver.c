#include "io/database/resolver.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>
#include <utlist.h>

#include "base/clock.h"
#include "base/error.h"

/*
 * One user has one question at a time. A directory that hangs may take half a minute for it; so as
 * many users as there are threads could keep all others from being asked for, and nobody could join
 * whoever it is. Therefore threads are made as they are needed, and end when nothing waits.
 */
#define THREADS_KEPT 1
#define THREADS_MAX 64
#define STACK_BYTES ((size_t)512 * 1024)
#define KEPT_MAX 512

/* One uid that asks. It is in the ring while it has a job that nobody works on. */
struct asker {
    uid_t uid;
    struct resolver_job *jobs;
    unsigned n_jobs;
    bool is_asking, in_ring;
    struct asker *next, *prev;
    UT_hash_handle hh;
};

struct kept {
    struct login_question question;
    struct login_answer answer;
    mono_time until; /* ns 0: free */
};

/*
 * `work` has one for each asker in the ring. It is no condition variable: with several threads that
 * wait for one, glibc before 2.41 may lose a signal, and then hangs in the next
 * (https://sourceware.org/bugzilla/show_bug.cgi?id=25847). Nobody could join any more.
 */
static struct {
    pthread_mutex_t guard;
    sem_t work;
    pthread_cond_t answered;
    bool stopping;
    unsigned n_threads, n_free; /* of these, those that wait for work */
    unsigned n_in_ring;
    struct asker *askers, *ring;
    struct kept kept[KEPT_MAX];
} resolver = {.guard = PTHREAD_MUTEX_INITIALIZER};

/* What is kept. */

static bool is_same_question(const struct login_question *a, const struct login_question *b) {
    if (a->name.n != b->name.n || memcmp(a->name.s, b->name.s, a->name.n) != 0)
        return false;
    return a->name.n > 0 ||
           (a->uid == b->uid && a->gid == b->gid && a->group.n == b->group.n &&
            memcmp(a->group.s, b->group.s, a->group.n) == 0 && a->wants_groups == b->wants_groups);
}

static struct kept *kept_place(const struct login_question *question) {
    uint32_t hash = UINT32_C(2166136261); /* FNV-1a */
    for (size_t i = 0; i < question->name.n; i++)
        hash = (hash ^ (uint8_t)question->name.s[i]) * UINT32_C(16777619);
    if (question->name.n == 0)
        hash = (hash ^ question->uid) * UINT32_C(2654435761);
    return &resolver.kept[(hash >> 8) % KEPT_MAX];
}

static bool kept_find(const struct login_question *question, struct login_answer *answer) {
    const struct kept *kept = kept_place(question);
    if (question->is_fresh || kept->until.ns <= mono_now().ns ||
        !is_same_question(&kept->question, question))
        return false;
    *answer = kept->answer;
    return true;
}

/* That there is nobody is not kept: the account may be made this moment. */
static void kept_put(const struct login_question *question, const struct login_answer *answer) {
    if (question->name.n > 0 ? answer->uid == LOGIN_NOBODY : answer->login.n == 0)
        return;
    *kept_place(question) =
        (struct kept){*question, *answer, mono_add_ms(mono_now(), RESOLVER_KEEP_MS)};
}

void resolver_forget(void) {
    pthread_mutex_lock(&resolver.guard);
    memset(resolver.kept, 0, sizeof resolver.kept);
    pthread_mutex_unlock(&resolver.guard);
}

bool resolver_knows(const struct login_question *question, struct login_answer *answer) {
    pthread_mutex_lock(&resolver.guard);
    bool knows = kept_find(question, answer);
    pthread_mutex_unlock(&resolver.guard);
    return knows;
}

/* Whose turn it is. With the guard held. */

static struct asker *asker_get(uid_t uid) {
    struct asker *asker;
    HASH_FIND(hh, resolver.askers, &uid, sizeof uid, asker);
    if (asker)
        return asker;
    asker = calloc(1, sizeof *asker);
    if (!asker)
        return NULL;
    asker->uid = uid;
    HASH_ADD(hh, resolver.askers, uid, sizeof asker->uid, asker);
    if (asker->hh.tbl)
        return asker;
    free(asker);
    return NULL;
}

static int thread_add(void);

static void asker_settle(struct asker *asker) {
    bool wants_turn = asker->jobs && !asker->is_asking;
    if (wants_turn && !asker->in_ring) {
        DL_APPEND(resolver.ring, asker);
        resolver.n_in_ring++;
        (void)sem_post(&resolver.work);
        if (resolver.n_in_ring > resolver.n_free && resolver.n_threads < THREADS_MAX)
            (void)thread_add(); /* else it waits until one is free */
    }
    asker->in_ring = wants_turn;
    if (asker->jobs || asker->is_asking)
        return;
    HASH_DELETE(hh, resolver.askers, asker);
    free(asker);
}

static struct resolver_job *take_job(struct asker **asker) {
    *asker = resolver.ring;
    DL_DELETE(resolver.ring, *asker);
    resolver.n_in_ring--;
    (*asker)->in_ring = false;
    (*asker)->is_asking = true;
    struct resolver_job *job = (*asker)->jobs;
    DL_DELETE((*asker)->jobs, job);
    (*asker)->n_jobs--;
    return job;
}

/* Gives the guard away while there is nothing to do. False: the thread ends. */
static bool work_await(void) {
    if (resolver.n_in_ring == 0 && resolver.n_threads > THREADS_KEPT)
        return false;
    resolver.n_free++;
    pthread_mutex_unlock(&resolver.guard);
    while (sem_wait(&resolver.work) < 0)
        ; /* a signal came */
    pthread_mutex_lock(&resolver.guard);
    resolver.n_free--;
    return !resolver.stopping;
}

static void *resolver_thread(void *arg) {
    pthread_mutex_lock(&resolver.guard);
    while (!resolver.stopping && work_await()) {
        struct asker *asker;
        struct resolver_job *job = take_job(&asker);
        if (!kept_find(&job->question, &job->answer)) {
            struct login_question question = job->question;
            pthread_mutex_unlock(&resolver.guard);
            login_look_up(&question, &job->answer);
            pthread_mutex_lock(&resolver.guard);
            kept_put(&question, &job->answer);
        }
        asker->is_asking = false;
        asker_settle(asker);
        job->answered(job);
    }
    resolver.n_threads--;
    pthread_mutex_unlock(&resolver.guard);
    return arg;
}

static int thread_add(void) {
    pthread_attr_t attributes;
    pthread_t thread;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    int r = pthread_create(&thread, &attributes, resolver_thread, NULL);
    pthread_attr_destroy(&attributes);
    resolver.n_threads += r == 0;
    return -r;
}

int resolver_start(void) {
    pthread_condattr_t clock;
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_cond_init(&resolver.answered, &clock);
    pthread_condattr_destroy(&clock);
    pthread_mutex_lock(&resolver.guard);
    int r = thread_add();
    pthread_mutex_unlock(&resolver.guard);
    return r;
}

void resolver_stop(void) {
    pthread_mutex_lock(&resolver.guard);
    resolver.stopping = true;
    for (unsigned i = 0; i < resolver.n_threads; i++)
        (void)sem_post(&resolver.work);
    pthread_cond_broadcast(&resolver.answered);
    pthread_mutex_unlock(&resolver.guard);
}

void resolver_drop(void) {
    pthread_mutex_lock(&resolver.guard);
    while (resolver.ring) {
        struct asker *asker;
        struct resolver_job *job = take_job(&asker);
        asker->is_asking = false;
        asker_settle(asker);
        job->answered(job);
    }
    pthread_mutex_unlock(&resolver.guard);
}

static bool resolver_enqueue(struct resolver_job *job) {
    struct asker *asker = resolver.stopping ? NULL : asker_get(job->asker);
    bool has_room = asker && asker->n_jobs < RESOLVER_WAITING_MAX;
    if (has_room) {
        DL_APPEND(asker->jobs, job);
        asker->n_jobs++;
    }
    if (asker)
        asker_settle(asker);
    return has_room;
}

bool resolver_ask(struct resolver_job *job) {
    pthread_mutex_lock(&resolver.guard);
    bool is_asked = resolver_enqueue(job);
    pthread_mutex_unlock(&resolver.guard);
    return is_asked;
}

/* Waiting. */

struct resolver_waiter {
    struct resolver_job job; /* first */
    bool is_answered, is_given_up;
};

static void wake_waiter(struct resolver_job *job) {
    struct resolver_waiter *waiter = (struct resolver_waiter *)job;
    waiter->is_answered = true;
    if (waiter->is_given_up)
        free(waiter);
    pthread_cond_broadcast(&resolver.answered);
}

/* With the guard held. */
static void answer_await_for(const struct resolver_waiter *waiter, int ms) {
    mono_time end = mono_add_ms(mono_now(), ms);
    struct timespec until = {end.ns / NS_PER_S, end.ns % NS_PER_S};
    int r = 0;
    while (!waiter->is_answered && !resolver.stopping && r == 0)
        r = pthread_cond_timedwait(&resolver.answered, &resolver.guard, &until);
}

/* The same. In two halves: while the hub stood still nobody could answer. */
static bool answer_await(struct resolver_waiter *waiter, int ms) {
    if (!resolver_enqueue(&waiter->job)) {
        waiter->is_answered = true; /* nobody else has it */
        return false;
    }
    answer_await_for(waiter, ms / 2);
    answer_await_for(waiter, ms - ms / 2);
    return waiter->is_answered;
}

bool resolver_wait(uid_t asker, const struct login_question *question, struct login_answer *answer,
                   int ms) {
    if (resolver_knows(question, answer))
        return true;
    struct resolver_waiter *waiter = calloc(1, sizeof *waiter);
    if (!waiter)
        return false;
    waiter->job =
        (struct resolver_job){.asker = asker, .question = *question, .answered = wake_waiter};
    pthread_mutex_lock(&resolver.guard);
    bool came = answer_await(waiter, ms);
    if (came)
        *answer = waiter->job.answer;
    bool is_ours = waiter->is_answered;
    waiter->is_given_up = !is_ours;
    pthread_mutex_unlock(&resolver.guard);
    if (is_ours)
        free(waiter);
    return came;
}
