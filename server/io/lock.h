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
#include <stdint.h>
#include <time.h>

#include "base/clock.h"

struct lock_waiter;

struct lock {
    _Atomic uint32_t state;           /* see lock.c */
    pthread_mutex_t guard;            /* of what follows; held for some instructions only */
    struct lock_waiter *first, *last; /* those who wait, in the order of coming */
    _Atomic int64_t waits_since_ns;   /* the first of them; 0: nobody waits */
};

void lock_init(struct lock *lock);
void lock_deinit(struct lock *lock);

/* True: somebody else had it, and it was waited for. */
bool lock_take(struct lock *lock);
void lock_give(struct lock *lock);
/* By anybody, at this moment. */
bool lock_is_held(struct lock *lock);

/*
 * As pthread_cond_wait(3), or pthread_cond_timedwait(3) when `until` is not NULL: gives the lock
 * back, waits, takes it again.
 */
void lock_wait(struct lock *lock, pthread_cond_t *cond, const struct timespec *until);

/*
 * For its holder: whether somebody has waited so long that he would be given it now. To leave it
 * earlier is of no use: who has to be woken up first would not get it.
 */
bool lock_is_due(struct lock *lock, mono_time now);
