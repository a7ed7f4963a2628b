/*
 * The hub's lock. Like a pthread mutex, but nobody waits long for it: whoever leaves it and wants
 * it back at once would always be faster than a thread that has to be woken up, so after a while
 * the lock is handed over, in the order of coming.
 *
 * Until then it goes to whoever is there: handing it over each time would cost a switch between
 * threads each time, with nobody at work meanwhile.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <time.h>

struct lock_waiter;

struct lock {
    pthread_mutex_t guard; /* of what follows; held for some instructions only */
    bool is_held;
    struct lock_waiter *first, *last; /* those who wait, in the order of coming */
    atomic_uint n_waiting;
};

void lock_init(struct lock *lock);
void lock_deinit(struct lock *lock);

void lock_take(struct lock *lock);
void lock_give(struct lock *lock);

/*
 * As pthread_cond_wait(3), or pthread_cond_timedwait(3) when `until` is not NULL: gives the lock
 * back, waits, takes it again.
 */
void lock_wait(struct lock *lock, pthread_cond_t *cond, const struct timespec *until);

/* Whether somebody waits for it: for its holder, who may leave it earlier. */
static inline bool lock_is_wanted(struct lock *lock) {
    return atomic_load_explicit(&lock->n_waiting, memory_order_relaxed) > 0;
}
