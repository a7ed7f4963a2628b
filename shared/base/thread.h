/*
 * Threads of the library: they block every signal, so that signals reach the threads of the
 * program. And the descriptors (eventfd(2)) with which they wake one another.
 */
#pragma once

#include <pthread.h>

/* 0 or -errno. */
int thread_start(pthread_t *thread, void *(*run)(void *arg), void *arg);

/* A non-blocking eventfd(2), or -errno. */
int event_open(void);
void event_set(int fd);
void event_clear(int fd);
