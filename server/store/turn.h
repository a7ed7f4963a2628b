/*
 * A lock that is given in the order in which it was asked for. A thread that commits again and
 * again would keep others away from a plain mutex for as long as it likes.
 */
#pragma once

#include <pthread.h>

struct turn {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    unsigned next, now; /* the number for the next who comes, and whose turn it is */
};

#define TURN_INITIAL                                                                               \
    { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0 }

static inline void turn_take(struct turn *turn) {
    pthread_mutex_lock(&turn->mutex);
    unsigned mine = turn->next++;
    while (mine != turn->now)
        pthread_cond_wait(&turn->changed, &turn->mutex);
    pthread_mutex_unlock(&turn->mutex);
}

static inline void turn_give(struct turn *turn) {
    pthread_mutex_lock(&turn->mutex);
    turn->now++;
    pthread_cond_broadcast(&turn->changed);
    pthread_mutex_unlock(&turn->mutex);
}
