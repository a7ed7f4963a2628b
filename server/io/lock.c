#include "io/lock.h"

#include "base/clock.h"

#define PATIENCE_NS NS_PER_MS /* who has waited longer is given it by whoever leaves next */

/* On the stack of a thread that waits. */
struct lock_waiter {
    pthread_cond_t turn;
    mono_time since;
    bool is_given; /* it holds the lock */
    bool is_awake; /* it was woken up, to try again */
    struct lock_waiter *next;
};

void lock_init(struct lock *lock) {
    *lock = (struct lock){0};
    pthread_mutex_init(&lock->guard, NULL);
}

void lock_deinit(struct lock *lock) {
    pthread_mutex_destroy(&lock->guard);
}

static void lock_enlist(struct lock *lock, struct lock_waiter *waiter) {
    if (lock->last)
        lock->last->next = waiter;
    else
        lock->first = waiter;
    lock->last = waiter;
    atomic_fetch_add_explicit(&lock->n_waiting, 1, memory_order_relaxed);
}

static void lock_unlist_first(struct lock *lock) {
    lock->first = lock->first->next;
    if (!lock->first)
        lock->last = NULL;
    atomic_fetch_sub_explicit(&lock->n_waiting, 1, memory_order_relaxed);
}

/* Only the first of those who wait is woken up, and only it can be given the lock. */
static void lock_queue(struct lock *lock) {
    struct lock_waiter self = {.since = mono_now()};
    pthread_cond_init(&self.turn, NULL);
    lock_enlist(lock, &self);
    while (!self.is_given) {
        if (!lock->is_held && lock->first == &self) {
            lock->is_held = true;
            lock_unlist_first(lock);
            break;
        }
        self.is_awake = false;
        pthread_cond_wait(&self.turn, &lock->guard);
    }
    pthread_cond_destroy(&self.turn);
}

static void lock_acquire(struct lock *lock) {
    if (lock->is_held)
        lock_queue(lock);
    else
        lock->is_held = true;
}

static void lock_release(struct lock *lock) {
    struct lock_waiter *first = lock->first;
    if (first && mono_now().ns - first->since.ns > PATIENCE_NS) {
        lock_unlist_first(lock);
        first->is_given = true; /* is_held stays */
        pthread_cond_signal(&first->turn);
        return;
    }
    lock->is_held = false;
    if (first && !first->is_awake) {
        first->is_awake = true;
        pthread_cond_signal(&first->turn);
    }
}

void lock_take(struct lock *lock) {
    pthread_mutex_lock(&lock->guard);
    lock_acquire(lock);
    pthread_mutex_unlock(&lock->guard);
}

void lock_give(struct lock *lock) {
    pthread_mutex_lock(&lock->guard);
    lock_release(lock);
    pthread_mutex_unlock(&lock->guard);
}

void lock_wait(struct lock *lock, pthread_cond_t *cond, const struct timespec *until) {
    pthread_mutex_lock(&lock->guard);
    lock_release(lock);
    if (until)
        (void)pthread_cond_timedwait(cond, &lock->guard, until);
    else
        (void)pthread_cond_wait(cond, &lock->guard);
    lock_acquire(lock);
    pthread_mutex_unlock(&lock->guard);
}
