/*
 * The reader: the thread that makes a mailbox pollable. It blocks in msgrcv(2), queues what comes,
 * through the ring of a channel, too, and raises an eventfd while something is queued. It stops
 * reading while READER_BATCHES_MAX batches wait; the hub then finds no room and keeps the rest.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <sys/types.h>

#include "lib/conduit.h"

#define READER_BATCHES_MAX 64

struct mailbox_reader {
    pthread_t thread;
    bool running;
    struct conduit *conduit; /* its receiving side is the thread's while it runs */
    int ready_fd;            /* an eventfd: something is queued, or the mailbox is gone */
    pthread_mutex_t lock;    /* of all below */
    pthread_cond_t taken;
    struct inbox queue;
    bool stop, gone;
};

/* 0 or -errno. ready_fd is -1 when closed. */
int reader_init(struct mailbox_reader *reader);
void reader_deinit(struct mailbox_reader *reader);

/* Starts reading unless it does already. 0 or -errno. */
int reader_start(struct mailbox_reader *reader, struct conduit *conduit);

/* Stops the thread; what it has queued stays. */
void reader_stop(struct mailbox_reader *reader);

/* The next batch, which the caller now owns; NULL when there is none. */
struct inbox_batch *reader_take(struct mailbox_reader *reader);

/* Whether nothing will come any more. */
bool reader_is_gone(struct mailbox_reader *reader);

/* Whether it does not read, because too many batches wait. */
bool reader_is_full(struct mailbox_reader *reader);
