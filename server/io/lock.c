#include "io/lock.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PATIENCE_NS NS_PER_MS /* who has waited longer is given it by whoever leaves next */

enum { WAITER_SLEEPS, WAITER_IS_WOKEN };

/* On the stack of a thread that waits. */
struct lock_waiter {
    _Atomic uint32_t state; /* the futex that it sleeps at */
    mono_time since;
    bool is_given; /* it holds the lock */
    struct lock_waiter *next;
};

/*
 * Who finds it free takes it, and who gives it back with nobody waiting does that, with one atomic
 * operation. From the first waiter on everybody has to come by the guard, until the queue is empty.
 */
#define LOCK_FREE 0u
#define LOCK_HELD 1u
#define LOCK_BY_GUARD 2u

static bool lock_change(struct lock *lock, uint32_t from, uint32_t to) {
    return atomic_compare_exchange_strong(&lock->state, &from, to);
}

void lock_init(struct lock *lock) {
    *lock = (struct lock){0};
    pthread_mutex_init(&lock->guard, NULL);
}

void lock_deinit(struct lock *lock) {
    pthread_mutex_destroy(&lock->guard);
}

static void lock_note_first(struct lock *lock) {
    int64_t since_ns = lock->first ? lock->first->since.ns : 0;
    atomic_store_explicit(&lock->waits_since_ns, since_ns, memory_order_relaxed);
}

static void lock_enlist(struct lock *lock, struct lock_waiter *waiter) {
    if (lock->last)
        lock->last->next = waiter;
    else
        lock->first = waiter;
    lock->last = waiter;
    lock_note_first(lock);
}

static void lock_unlist_first(struct lock *lock) {
    lock->first = lock->first->next;
    if (!lock->first)
        lock->last = NULL;
    lock_note_first(lock);
}

bool lock_is_due(struct lock *lock, mono_time now) {
    int64_t since_ns = atomic_load_explicit(&lock->waits_since_ns, memory_order_relaxed);
    return since_ns != 0 && now.ns - since_ns > PATIENCE_NS;
}

/*
 * A waiter is woken up when the guard is free again, or it would run into that first. By then it
 * may be gone, for it may have found out by itself: then nobody sleeps at that address, or somebody
 * who looks again whatever wakes him, as futex(2) demands.
 */

static void waiter_sleep(struct lock_waiter *waiter) {
    syscall(SYS_futex, &waiter->state, FUTEX_WAIT_PRIVATE, WAITER_SLEEPS, NULL, NULL, 0);
}

static void waiter_wake(struct lock_waiter *waiter) {
    if (waiter)
        syscall(SYS_futex, &waiter->state, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

bool lock_is_held(struct lock *lock) {
    return (atomic_load(&lock->state) & LOCK_HELD) != 0;
}

/* The rest with the guard held. */

static void lock_hold(struct lock *lock) {
    atomic_store(&lock->state, LOCK_HELD | (lock->first ? LOCK_BY_GUARD : 0));
}

/* Only the first of those who wait is woken up, and only it can be given the lock. */
static void lock_queue(struct lock *lock) {
    struct lock_waiter self = {.since = mono_now()};
    lock_enlist(lock, &self);
    while (!self.is_given) {
        if (!lock_is_held(lock) && lock->first == &self) {
            lock_unlist_first(lock);
            lock_hold(lock);
            break;
        }
        self.state = WAITER_SLEEPS;
        pthread_mutex_unlock(&lock->guard);
        waiter_sleep(&self);
        pthread_mutex_lock(&lock->guard);
    }
}

/* True: it was waited for. */
static bool lock_acquire(struct lock *lock) {
    bool waits = (atomic_fetch_or(&lock->state, LOCK_BY_GUARD) & LOCK_HELD) != 0;
    if (waits)
        lock_queue(lock);
    else
        lock_hold(lock);
    return waits;
}

/* `free` is what it becomes when nobody waits for it. Returns whom to wake up. */
static struct lock_waiter *lock_release(struct lock *lock, uint32_t free) {
    struct lock_waiter *first = lock->first;
    if (first && lock_is_due(lock, mono_now())) {
        lock_unlist_first(lock);
        first->is_given = true;
        lock_hold(lock);
    } else {
        atomic_store(&lock->state, first ? LOCK_BY_GUARD : free);
    }
    if (!first || atomic_exchange(&first->state, WAITER_IS_WOKEN) == WAITER_IS_WOKEN)
        return NULL;
    return first;
}

bool lock_take(struct lock *lock) {
    if (lock_change(lock, LOCK_FREE, LOCK_HELD))
        return false;
    pthread_mutex_lock(&lock->guard);
    bool waited = lock_acquire(lock);
    pthread_mutex_unlock(&lock->guard);
    return waited;
}

void lock_give(struct lock *lock) {
    if (lock_change(lock, LOCK_HELD, LOCK_FREE))
        return;
    pthread_mutex_lock(&lock->guard);
    struct lock_waiter *next = lock_release(lock, LOCK_FREE);
    pthread_mutex_unlock(&lock->guard);
    waiter_wake(next);
}

/* Whoever takes it next, and may signal, does so by the guard, which this thread leaves asleep. */
void lock_wait(struct lock *lock, pthread_cond_t *cond, const struct timespec *until) {
    pthread_mutex_lock(&lock->guard);
    waiter_wake(lock_release(lock, LOCK_BY_GUARD));
    if (until)
        (void)pthread_cond_timedwait(cond, &lock->guard, until);
    else
        (void)pthread_cond_wait(cond, &lock->guard);
    (void)lock_acquire(lock);
    pthread_mutex_unlock(&lock->guard);
}
