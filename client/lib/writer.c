#include "lib/writer.h"

#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/thread.h"

int writer_init(struct writer *writer) {
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&writer->lock, NULL);
    pthread_cond_init(&writer->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    writer->done_fd = event_open();
    return writer->done_fd < 0 ? writer->done_fd : 0;
}

void writer_deinit(struct writer *writer) {
    writer_stop(writer);
    if (writer->done_fd >= 0)
        close(writer->done_fd);
    writer->done_fd = -1;
    pthread_cond_destroy(&writer->changed);
    pthread_mutex_destroy(&writer->lock);
}

/*
 * The only place where the thread can be cancelled: it holds no lock and owns nothing there. The
 * old state is kept off the stack, which AddressSanitizer does not clean after a cancelled thread.
 */
static int send_cancellable(struct writer *writer) {
    int r;
    pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &writer->old_cancel_state);
    do {
        r = queue_send(writer->lane, &writer->message, writer->n, true);
    } while (r == QUEUE_INTERRUPTED);
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &writer->old_cancel_state);
    return r;
}

/* The rest with the lock held. */

static void copy_batch(struct writer *writer, int lane, const struct queue_message *message,
                       size_t n) {
    writer->lane = lane;
    writer->message.mtype = message->mtype;
    memcpy(writer->message.data, message->data, n);
    writer->n = n;
    writer->state = WRITER_BUSY;
}

/* After a batch that could not be sent none is: it would come before the others. */
static bool take_left(struct writer *writer) {
    if (!writer->left || writer->result != QUEUE_OK || mono_now().ns < writer->left_due.ns)
        return false;
    copy_batch(writer, writer->left_lane, writer->left, writer->left_n);
    writer->left = NULL;
    return true;
}

static void writer_sleep(struct writer *writer) {
    mono_time until = writer->left_due;
    if (!writer->left || writer->result != QUEUE_OK) {
        until = mono_add_ms(mono_now(), WRITER_LOOK_MS);
        writer->n_looks++;
    }
    writer->is_looking = writer->n_looks <= WRITER_LOOKS;
    if (writer->is_looking)
        pthread_cond_timedwait(&writer->changed, &writer->lock,
                               &(struct timespec){until.ns / NS_PER_S, until.ns % NS_PER_S});
    else
        pthread_cond_wait(&writer->changed, &writer->lock);
}

/* Not inlined, so that what it has on the stack is gone before the thread can be cancelled. */
__attribute__((noinline)) static bool wait_for_batch(struct writer *writer) {
    pthread_mutex_lock(&writer->lock);
    while (writer->state != WRITER_BUSY && !writer->stop && !take_left(writer))
        writer_sleep(writer);
    bool go_on = !writer->stop;
    pthread_mutex_unlock(&writer->lock);
    return go_on;
}

static void *writer_run(void *arg) {
    struct writer *writer = arg;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &writer->old_cancel_state);
    while (wait_for_batch(writer)) {
        int result = send_cancellable(writer);
        pthread_mutex_lock(&writer->lock);
        writer->result = result;
        writer->state = WRITER_DONE;
        event_set(writer->done_fd); /* before anybody can see that, and clear it */
        pthread_mutex_unlock(&writer->lock);
    }
    return NULL;
}

static int writer_start(struct writer *writer) {
    if (writer->running)
        return 0;
    writer->stop = writer->is_looking = false;
    writer->state = WRITER_IDLE;
    writer->result = QUEUE_OK;
    int r = thread_start(&writer->thread, writer_run, writer);
    writer->running = r == 0;
    return r;
}

int writer_give(struct writer *writer, int lane, const struct queue_message *message, size_t n) {
    int r = writer_start(writer);
    if (r < 0)
        return r;
    pthread_mutex_lock(&writer->lock);
    assert(writer->state == WRITER_IDLE && !writer->left);
    copy_batch(writer, lane, message, n);
    pthread_cond_signal(&writer->changed);
    pthread_mutex_unlock(&writer->lock);
    writer->given = true;
    return 0;
}

int writer_leave(struct writer *writer, int lane, const struct queue_message *message, size_t n,
                 mono_time due) {
    int r = writer_start(writer);
    if (r < 0)
        return r;
    pthread_mutex_lock(&writer->lock);
    writer->left = message;
    writer->left_lane = lane;
    writer->left_n = n;
    writer->left_due = due;
    writer->n_looks = 0;
    if (!writer->is_looking)
        pthread_cond_signal(&writer->changed);
    pthread_mutex_unlock(&writer->lock);
    writer->has_left = true;
    return 0;
}

bool writer_take_back(struct writer *writer) {
    pthread_mutex_lock(&writer->lock);
    bool is_here = writer->left != NULL;
    writer->left = NULL;
    pthread_mutex_unlock(&writer->lock);
    writer->has_left = false;
    writer->given |= !is_here;
    return is_here;
}

bool writer_is_busy(struct writer *writer, int *result) {
    *result = QUEUE_OK;
    if (!writer->given)
        return false;
    pthread_mutex_lock(&writer->lock);
    bool busy = writer->state == WRITER_BUSY;
    if (!busy) {
        *result = writer->result;
        writer->state = WRITER_IDLE;
    }
    pthread_mutex_unlock(&writer->lock);
    if (!busy) {
        writer->given = false;
        event_clear(writer->done_fd);
    }
    return busy;
}

void writer_stop(struct writer *writer) {
    if (!writer->running)
        return;
    pthread_mutex_lock(&writer->lock);
    writer->stop = true;
    pthread_cond_signal(&writer->changed);
    pthread_mutex_unlock(&writer->lock);
    pthread_cancel(writer->thread);
    pthread_join(writer->thread, NULL);
    event_clear(writer->done_fd);
    writer->left = NULL;
    writer->running = writer->given = writer->has_left = false;
}
