/*
 * Threads of the library: they block every signal, so that signals reach the threads of the
 * program. And descriptors: with which they wake one another (eventfd(2)), and by which a thread
 * gets its signals (signalfd(2)).
 */
#pragma once

#include <pthread.h>

/* 0 or -errno. */
int thread_start(pthread_t *thread, void *(*run)(void *arg), void *arg);

/*
 * The calling thread does little at a time, and others wait for it: among threads that always have
 * work it is to run soon, for a short slice, rather than long. It gets no more of the processor.
 * Linux 6.12 and later (sched_setattr(2), EEVDF); before that nothing changes.
 */
void thread_prefer_latency(void);

/*
 * Blocks these signals (up to 0) in the calling thread, and in those that it starts later: they
 * come through a non-blocking signalfd(2), which is returned; or -errno.
 */
int signals_open(const int *signals);

/* A non-blocking eventfd(2), or -errno. */
int event_open(void);
void event_set(int fd);
void event_clear(int fd);
