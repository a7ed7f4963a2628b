/*
 * The writer: the thread that blocks in msgsnd(2) while a lane is full, so that the link need
 * not. It takes one batch at a time and raises an eventfd when the lane took it.
 *
 * A batch that still fills is left with it: the writer sends it when it is due, unless the link has
 * taken it back before. So what a program has sent leaves the process, whatever the program does
 * next. The link leaves and takes back with every message of a flood, so that costs no system call:
 * while batches are left the thread looks every WRITER_LOOK_MS, and only for a while after that.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/clock.h"
#include "ipc/queue.h"

#define WRITER_LOOK_MS 1
#define WRITER_LOOKS 8 /* with nothing left with it; then it sleeps until it is woken */

enum writer_state { WRITER_IDLE, WRITER_BUSY, WRITER_DONE };

struct writer {
    pthread_t thread;
    bool running;
    bool given;           /* the caller's view: a batch was given and not reaped; */
    bool has_left;        /* one was left, and not taken back */
    int done_fd;          /* an eventfd */
    int old_cancel_state; /* the thread's */
    pthread_mutex_t lock; /* of all below */
    pthread_cond_t changed;
    enum writer_state state;
    bool stop;
    int lane, result;
    struct queue_message message;
    size_t n;
    const struct queue_message *left; /* NULL: none */
    int left_lane;
    size_t left_n;
    mono_time left_due;
    unsigned n_looks; /* since there was one */
    bool is_looking;  /* it wakes up by itself */
};

/* 0 or -errno. done_fd is -1 when closed. */
int writer_init(struct writer *writer);
void writer_deinit(struct writer *writer);

/* Hands over a batch; the writer must have none. Starts the thread if need be. 0 or -errno. */
int writer_give(struct writer *writer, int lane, const struct queue_message *message, size_t n);

/*
 * Leaves a batch, which stays the caller's and must not be touched until writer_take_back(). The
 * writer may be busy with another one: then it comes after that. Starts the thread if need be. 0 or
 * -errno.
 */
int writer_leave(struct writer *writer, int lane, const struct queue_message *message, size_t n,
                 mono_time due);
/* False: it is on its way, as if it had been given. */
bool writer_take_back(struct writer *writer);

/* Whether the batch is on its way still; else *result is the queue_outcome of its sending. */
bool writer_is_busy(struct writer *writer, int *result);

/* Stops the thread, also in the middle of sending; the batch is forgotten. */
void writer_stop(struct writer *writer);
