#include "io/reader.h"

#include <errno.h>
#include <stdlib.h>

#include "core/past/past.h"

struct log_reader {
    pthread_t thread;
    pthread_cond_t questions; /* with the hub's lock */
    struct log_slice slice;
    bool stopping;
};

/*
 * One slice for one question; the lock is held before and afterwards, and not between. The time is
 * the asker's, with the lock or without.
 */
static void reader_read(struct hub *hub, struct log_reader *reader, struct ask *ask) {
    struct user *user = ask->user;
    mono_time began = mono_now();
    core_read_log(&hub->core, ask, &reader->slice);
    hub_leave(hub);
    bool is_complete = ask_sift(ask, &reader->slice);
    int64_t ns = mono_now().ns - began.ns;
    hub_enter(hub);
    core_sifted(&hub->core, ask, is_complete);
    core_spend_time(&hub->core, user, ns);
}

static void *reader_thread(void *arg) {
    struct hub *hub = arg;
    struct log_reader *reader = hub->reader;
    hub_enter(hub);
    while (!reader->stopping) {
        struct ask *ask = core_take_ask(&hub->core, false);
        if (ask) {
            reader_read(hub, reader, ask);
            continue;
        }
        hub_leave(hub);
        hub_enter(hub);
        while (!reader->stopping && !core_has_ask(&hub->core, false))
            lock_wait(&hub->lock, &reader->questions, NULL);
    }
    hub_leave(hub);
    return NULL;
}

int reader_start(struct hub *hub) {
    if (hub->storage)
        return 0;
    struct log_reader *reader = calloc(1, sizeof *reader);
    int r = reader ? log_slice_init(&reader->slice) : -ENOMEM;
    if (r < 0) {
        free(reader);
        return r;
    }
    pthread_cond_init(&reader->questions, NULL);
    hub->reader = reader;
    r = pthread_create(&reader->thread, NULL, reader_thread, hub);
    if (r == 0)
        return 0;
    pthread_cond_destroy(&reader->questions);
    log_slice_deinit(&reader->slice);
    free(reader);
    hub->reader = NULL;
    return -r;
}

void reader_wake(struct hub *hub) {
    if (hub->reader && core_has_ask(&hub->core, false))
        pthread_cond_signal(&hub->reader->questions);
}

void reader_stop(struct hub *hub) {
    struct log_reader *reader = hub->reader;
    if (!reader)
        return;
    lock_take(&hub->lock);
    reader->stopping = true;
    pthread_cond_signal(&reader->questions);
    lock_give(&hub->lock);
    pthread_join(reader->thread, NULL);
    pthread_cond_destroy(&reader->questions);
    log_slice_deinit(&reader->slice);
    free(reader);
    hub->reader = NULL;
}
