#include "lib/reader.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/error.h"
#include "base/thread.h"

int reader_init(struct mailbox_reader *reader) {
    pthread_mutex_init(&reader->lock, NULL);
    pthread_cond_init(&reader->taken, NULL);
    reader->ready_fd = event_open();
    return reader->ready_fd < 0 ? reader->ready_fd : 0;
}

void reader_deinit(struct mailbox_reader *reader) {
    reader_stop(reader);
    inbox_deinit(&reader->queue);
    if (reader->ready_fd >= 0)
        close(reader->ready_fd);
    reader->ready_fd = -1;
    pthread_cond_destroy(&reader->taken);
    pthread_mutex_destroy(&reader->lock);
}

/* Queues one batch and waits while there are too many. False: stop. */
static bool reader_put(struct mailbox_reader *reader, struct inbox_batch *batch) {
    pthread_mutex_lock(&reader->lock);
    bool was_empty = !reader->queue.head;
    inbox_append(&reader->queue, &batch->item);
    if (was_empty)
        event_set(reader->ready_fd);
    while (!reader->stop && reader->queue.n_batches >= READER_BATCHES_MAX) {
        conduit_tell_room(reader->conduit); /* the bell may come when nobody is there */
        pthread_cond_wait(&reader->taken, &reader->lock);
    }
    bool go_on = !reader->stop;
    pthread_mutex_unlock(&reader->lock);
    return go_on;
}

static void set_gone(struct mailbox_reader *reader) {
    pthread_mutex_lock(&reader->lock);
    reader->gone = true;
    pthread_mutex_unlock(&reader->lock);
    event_set(reader->ready_fd);
}

static bool reader_is_stopped(struct mailbox_reader *reader) {
    pthread_mutex_lock(&reader->lock);
    bool stop = reader->stop;
    pthread_mutex_unlock(&reader->lock);
    return stop;
}

/* The next batch that is more than a bell. NULL: stop, or it is gone. */
static struct inbox_batch *reader_receive(struct mailbox_reader *reader) {
    struct inbox_batch *batch = malloc(sizeof *batch);
    int r = batch ? QUEUE_INTERRUPTED : -ENOMEM;
    while (r == QUEUE_INTERRUPTED) {
        r = conduit_receive(reader->conduit, batch, CONDUIT_WAIT);
        if (r == QUEUE_OK && conduit_is_bell(batch) && !reader_is_stopped(reader))
            r = QUEUE_INTERRUPTED;
    }
    if (r == QUEUE_OK && !conduit_is_bell(batch)) {
        batch->item.is_note = false;
        return batch;
    }
    free(batch);
    if (r != QUEUE_OK)
        set_gone(reader);
    return NULL;
}

/* Without memory nothing can be received; the link joins again when there is some. */
static void *reader_run(void *arg) {
    struct mailbox_reader *reader = arg;
    struct inbox_batch *batch;
    while ((batch = reader_receive(reader)) && reader_put(reader, batch))
        ;
    return NULL;
}

int reader_start(struct mailbox_reader *reader, struct conduit *conduit) {
    if (reader->running)
        return 0;
    reader->conduit = conduit;
    reader->stop = reader->gone = false;
    int r = thread_start(&reader->thread, reader_run, reader);
    if (r == 0)
        reader->running = true;
    return r;
}

/*
 * The thread waits either for the queue to be taken from, which the condition ends, or for a
 * message, which an empty batch ends. When there is no room for that, messages are there.
 */
void reader_stop(struct mailbox_reader *reader) {
    if (!reader->running)
        return;
    pthread_mutex_lock(&reader->lock);
    reader->stop = true;
    pthread_cond_signal(&reader->taken);
    pthread_mutex_unlock(&reader->lock);
    queue_ring_bell(reader->conduit->mailbox, reader->conduit->pid, 0);
    pthread_join(reader->thread, NULL);
    reader->running = reader->gone = false;
    if (!reader->queue.head)
        event_clear(reader->ready_fd);
}

struct inbox_batch *reader_take(struct mailbox_reader *reader) {
    pthread_mutex_lock(&reader->lock);
    bool was_full = reader->queue.n_batches >= READER_BATCHES_MAX;
    struct inbox_item *item = inbox_take(&reader->queue);
    if (was_full)
        pthread_cond_signal(&reader->taken);
    if (!reader->queue.head && !reader->gone)
        event_clear(reader->ready_fd);
    pthread_mutex_unlock(&reader->lock);
    return item ? item_batch(item) : NULL;
}

bool reader_is_gone(struct mailbox_reader *reader) {
    pthread_mutex_lock(&reader->lock);
    bool gone = reader->gone;
    pthread_mutex_unlock(&reader->lock);
    return gone;
}

bool reader_is_full(struct mailbox_reader *reader) {
    pthread_mutex_lock(&reader->lock);
    bool full = reader->queue.n_batches >= READER_BATCHES_MAX;
    pthread_mutex_unlock(&reader->lock);
    return full;
}
