#include "lib/writer.h"

#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/thread.h"

int writer_init(struct writer *writer) {
    pthread_mutex_init(&writer->lock, NULL);
    pthread_cond_init(&writer->changed, NULL);
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

static bool wait_for_batch(struct writer *writer) {
    pthread_mutex_lock(&writer->lock);
    while (writer->state != WRITER_BUSY && !writer->stop)
        pthread_cond_wait(&writer->changed, &writer->lock);
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
        pthread_mutex_unlock(&writer->lock);
        event_set(writer->done_fd);
    }
    return NULL;
}

int writer_give(struct writer *writer, int lane, const struct queue_message *message, size_t n) {
    if (!writer->running) {
        writer->stop = false;
        writer->state = WRITER_IDLE;
        int r = thread_start(&writer->thread, writer_run, writer);
        if (r < 0)
            return r;
        writer->running = true;
    }
    pthread_mutex_lock(&writer->lock);
    assert(writer->state == WRITER_IDLE);
    writer->lane = lane;
    writer->message.mtype = message->mtype;
    memcpy(writer->message.data, message->data, n);
    writer->n = n;
    writer->state = WRITER_BUSY;
    pthread_cond_signal(&writer->changed);
    pthread_mutex_unlock(&writer->lock);
    writer->given = true;
    return 0;
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
    writer->running = writer->given = false;
}
