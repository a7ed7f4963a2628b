#include "files/courier.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/thread.h"
#include "files/courier_inside.h"

const char *courier_reason_text(enum courier_reason reason) {
    static const char *const texts[COURIER_REASON_END] = {
        [COURIER_OK] = "done",
        [COURIER_CANCELLED] = "it was cancelled",
        [COURIER_CHANGED] = "the file was written to while it was sent; send it again, or a copy",
        [COURIER_UNREADABLE] = "the file cannot be read",
        [COURIER_NO_FILE] = "this is neither a file nor a directory nor a pipe",
        [COURIER_MALFORMED] = "the sender's program broke the rules of the transfer",
        [COURIER_TOO_MUCH] =
            "it is more than the recipient takes, or far more than was offered; offer it again",
        [COURIER_DAMAGED] = "the content is not what was sent: the digests differ",
        [COURIER_NO_SPACE] = "the recipient's disk is full; make room and get it again",
        [COURIER_UNWRITABLE] = "the recipient may not write there",
        [COURIER_NO_NAME] = "no name is free for it in the destination",
        [COURIER_DISTURBED] = "somebody changed the destination meanwhile",
        [COURIER_READER_GONE] = "nobody reads the other end any more",
        [COURIER_PEER_DIED] = "the program on the other side ended",
        [COURIER_PEER_BROKEN] = "the other side broke the rules of the ring",
        [COURIER_NO_SEGMENT] = "no shared memory could be had; see `ipcs -lm`",
        [COURIER_NO_MEMORY] = "out of memory",
        [COURIER_SPENT] = "it can be read only once, and somebody else has it",
    };
    return reason < COURIER_REASON_END ? texts[reason] : "unknown";
}

/* Outcomes of the layers below as reasons. */

enum courier_reason courier_reason_of_source(int r) {
    switch (r) {
    case SOURCE_OK:
        return COURIER_OK;
    case SOURCE_CHANGED:
        return COURIER_CHANGED;
    case SOURCE_STOPPED:
        return COURIER_CANCELLED;
    case SOURCE_NO_FILE:
        return COURIER_NO_FILE;
    default:
        return r == -ENOMEM ? COURIER_NO_MEMORY : COURIER_UNREADABLE;
    }
}

enum courier_reason courier_reason_of_sink(int r) {
    static const enum courier_reason reasons[] = {
        [SINK_OK] = COURIER_OK,
        [SINK_MALFORMED] = COURIER_MALFORMED,
        [SINK_TOO_MUCH] = COURIER_TOO_MUCH,
        [SINK_DAMAGED] = COURIER_DAMAGED,
        [SINK_NO_SPACE] = COURIER_NO_SPACE,
        [SINK_TOO_LARGE] = COURIER_NO_SPACE,
        [SINK_DENIED] = COURIER_UNWRITABLE,
        [SINK_NO_NAME] = COURIER_NO_NAME,
        [SINK_DISTURBED] = COURIER_DISTURBED,
        [SINK_READER_GONE] = COURIER_READER_GONE,
        [SINK_STOPPED] = COURIER_CANCELLED,
    };
    if (r >= 0 && (size_t)r < sizeof reasons / sizeof *reasons)
        return reasons[r];
    return r == -ENOMEM ? COURIER_NO_MEMORY : COURIER_UNWRITABLE;
}

bool courier_is_about_place(int r) {
    return r == SINK_NO_SPACE || r == SINK_DENIED || r == -EIO || r == -EMFILE || r == -ENFILE ||
           r == -ENOMEM;
}

enum courier_reason courier_reason_of_ring(const struct ring *ring, int r) {
    switch (r) {
    case RING_OK:
        return COURIER_OK;
    case RING_STOPPED:
        return COURIER_CANCELLED;
    case RING_PEER_CANCELLED: {
        uint32_t code = ring_peer_code(ring);
        return code > 0 && code < COURIER_REASON_END ? (enum courier_reason)code
                                                     : COURIER_PEER_BROKEN;
    }
    case RING_PEER_DEAD:
        return COURIER_PEER_DIED;
    case RING_NO_MEMORY:
        return COURIER_NO_MEMORY;
    default:
        return COURIER_PEER_BROKEN;
    }
}

/* For the threads. */

void courier_set_where(struct courier *courier, const char *where, int r) {
    courier->error = r < 0 ? -r : 0;
    snprintf(courier->where, sizeof courier->where, "%s", where ? where : "");
}

void courier_end(struct courier *courier, enum courier_reason reason) {
    courier->reason = reason;
    if (reason != COURIER_OK && !courier->ring.final)
        ring_cancel(&courier->ring, reason);
    atomic_store(&courier->is_over, true);
    courier->wake(courier->arg);
    ring_close(&courier->ring); /* while the program wakes up; courier_free waits for it */
}

int courier_start(struct courier *courier, void *(*run)(void *)) {
    ring_set_stop(&courier->ring, &courier->stop);
    int r = thread_start(&courier->thread, run, courier);
    courier->has_thread = r == 0;
    return r;
}

/* Life. */

struct courier *courier_new(courier_wake *wake, void *arg) {
    struct courier *courier = calloc(1, sizeof *courier);
    if (courier) {
        courier->wake = wake;
        courier->arg = arg;
        courier->dir = courier->fd = courier->shmid = -1;
        courier->size = UINT64_MAX;
        pthread_mutex_init(&courier->lock, NULL);
    }
    return courier;
}

void courier_cancel(struct courier *courier) {
    atomic_store(&courier->stop, true);
}

bool courier_is_over(const struct courier *courier) {
    return atomic_load(&courier->is_over);
}

void courier_news(const struct courier *courier, struct courier_news *news) {
    *news = (struct courier_news){.n_bytes = atomic_load(&courier->n_bytes),
                                  .size = atomic_load(&courier->size),
                                  .is_over = courier_is_over(courier)};
    if (!news->is_over)
        return;
    news->reason = courier->reason;
    news->error = courier->error;
    news->has_no_place = courier->has_no_place;
    news->is_resumed = courier->is_resumed;
    news->has_grown = courier->has_grown;
    news->n_skipped = courier->n_skipped;
    memcpy(news->digest, courier->digest, sizeof news->digest);
    memcpy(news->name, courier->name, sizeof news->name);
    memcpy(news->where, courier->where, sizeof news->where);
}

void courier_free(struct courier *courier) {
    if (!courier)
        return;
    courier_cancel(courier);
    if (courier->has_thread)
        pthread_join(courier->thread, NULL);
    if (courier->has_ring)
        ring_close(&courier->ring);
    if (courier->dir >= 0)
        close(courier->dir);
    source_free(courier->source);
    sink_free(courier->sink);
    courier_skips_free(courier);
    pthread_mutex_destroy(&courier->lock);
    free(courier);
}
