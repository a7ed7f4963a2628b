/*
 * The writer: the thread that blocks in msgsnd(2) while a lane is full, so that the link need
 * not. It takes one batch at a time and raises an eventfd when the lane took it.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "ipc/queue.h"

enum writer_state { WRITER_IDLE, WRITER_BUSY, WRITER_DONE };

struct writer {
    pthread_t thread;
    bool running;
    bool given;           /* the caller's view: a batch was given and not reaped */
    int done_fd;          /* an eventfd */
    int old_cancel_state; /* the thread's */
    pthread_mutex_t lock; /* of all below */
    pthread_cond_t changed;
    enum writer_state state;
    bool stop;
    int lane, result;
    struct queue_message message;
    size_t n;
};

/* 0 or -errno. done_fd is -1 when closed. */
int writer_init(struct writer *writer);
void writer_deinit(struct writer *writer);

/* Hands over a batch; the writer must have none. Starts the thread if need be. 0 or -errno. */
int writer_give(struct writer *writer, int lane, const struct queue_message *message, size_t n);

/* Whether the batch is on its way still; else *result is the queue_outcome of its sending. */
bool writer_is_busy(struct writer *writer, int *result);

/* Stops the thread, also in the middle of sending; the batch is forgotten. */
void writer_stop(struct writer *writer);
