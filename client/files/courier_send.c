/* The sender's half of a courier. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <utlist.h>

#include "files/courier_inside.h"
#include "ipc/shm.h"

#define SMALL_BYTES                                                                                \
    (4 * 1024 * 1024) /* below this a small ring is made sooner than it is filled                  \
                       */
#define SMALL_SLOT_BYTES (64 * 1024)

/* The thread. */

static void courier_commit(struct ring *ring, const struct item *item) {
    if (item->kind == ITEM_HOLE)
        ring_producer_commit_hole(ring, item->hole);
    else if (item->kind == ITEM_END)
        ring_producer_commit_end(ring, item->has_grown ? COURIER_END_GROWN : 0, item->n);
    else
        ring_producer_commit(ring, item->kind == ITEM_DATA ? RING_DATA : RING_RECORD, item->n);
}

/* A stream may be silent for long; meanwhile the other side may go. */
static int await_stream(struct courier *courier) {
    struct pollfd fds = {.fd = source_fd(courier->source), .events = POLLIN};
    void *slot;
    int r = RING_OK;
    while (fds.fd >= 0 && r == RING_OK && poll(&fds, 1, RING_TICK_MS) == 0) {
        r = ring_producer_acquire(&courier->ring, RING_NOW, &slot);
        if (r == RING_OK && ring_peer_is_dead(&courier->ring))
            r = RING_PEER_DEAD;
    }
    return r;
}

/* Everything into the ring, and the recipient's word that it is well. */
static enum courier_reason send_items(struct courier *courier) {
    struct ring *ring = &courier->ring;
    struct item item = {0};
    void *slot;
    while (item.kind != ITEM_END) {
        int r = ring_producer_acquire(ring, RING_FOREVER, &slot);
        if (r == RING_OK)
            r = await_stream(courier);
        if (r != RING_OK)
            return courier_reason_of_ring(ring, r);
        r = source_next(courier->source, slot, ring->layout.slot_bytes, &item);
        if (r != 0) {
            courier_set_where(courier, source_where(courier->source), r);
            return courier_reason_of_source(r);
        }
        courier_commit(ring, &item);
        atomic_store(&courier->n_bytes, source_totals(courier->source).n_bytes);
    }
    uint32_t result = 0;
    int r = ring_producer_await(ring, RING_FOREVER, &result);
    if (r != RING_OK)
        return courier_reason_of_ring(ring, r);
    return result < COURIER_REASON_END ? (enum courier_reason)result : COURIER_PEER_BROKEN;
}

/*
 * What is read from a stream is gone; so nothing is before the recipient has come for it, and the
 * offer can be made anew until then.
 */
static int await_recipient(struct courier *courier) {
    long us = 100;
    void *slot;
    int r = RING_OK;
    while (r == RING_OK && !ring_is_met(&courier->ring)) {
        nanosleep(&(struct timespec){.tv_nsec = us * 1000}, NULL);
        us = us < 10000 ? us * 2 : us;
        r = ring_producer_acquire(&courier->ring, RING_NOW, &slot);
        if (r == RING_OK && ring_peer_is_dead(&courier->ring))
            r = RING_PEER_DEAD;
    }
    return r;
}

static void *send_thread(void *arg) {
    struct courier *courier = arg;
    enum courier_reason reason = COURIER_OK;
    if (source_fd(courier->source) >= 0)
        reason = courier_reason_of_ring(&courier->ring, await_recipient(courier));
    if (reason == COURIER_OK && courier->prefix.offset > 0) {
        struct digest digest;
        memcpy(digest.bytes, courier->prefix.digest, sizeof digest.bytes);
        int r = source_resume(courier->source, courier->prefix.offset, digest);
        courier->is_resumed = r == 0;
        reason = r == SOURCE_DIFFERS ? COURIER_OK : courier_reason_of_source(r);
        if (reason != COURIER_OK)
            courier_set_where(courier, source_where(courier->source), r);
    }
    if (reason == COURIER_OK)
        reason = send_items(courier);
    courier->n_skipped = source_totals(courier->source).n_skipped;
    courier->has_grown = source_has_grown(courier->source);
    if (reason == COURIER_OK)
        digest_text(courier->digest, source_digest(courier->source));
    courier_end(courier, reason);
    return NULL;
}

/* Life. */

/* Called by the source, in the thread. What is beyond the number that is kept is counted. */
static void note_skipped(void *arg, const char *path, enum source_skip why, int error) {
    struct courier *courier = arg;
    size_t n = strlen(path) + 1;
    struct skip *skip = malloc(sizeof *skip + n);
    if (skip) {
        memcpy(skip->path, path, n);
        skip->what = (struct courier_skip){.path = skip->path, .why = why, .error = error};
    }
    pthread_mutex_lock(&courier->lock);
    bool is_kept = skip && courier->n_skips < SKIPS_KEPT_MAX;
    if (is_kept) {
        DL_APPEND(courier->skips, skip);
        courier->n_skips++;
    } else {
        courier->n_unnamed[why]++;
    }
    pthread_mutex_unlock(&courier->lock);
    if (is_kept)
        courier->wake(courier->arg);
    else
        free(skip);
}

/* Told when all that have a name were. */
static bool next_unnamed(struct courier *courier, struct courier_skip *skip) {
    for (unsigned why = 0; why < SKIP_END; why++) {
        if (courier->n_unnamed[why] == 0)
            continue;
        *skip = (struct courier_skip){.why = why, .more = courier->n_unnamed[why]};
        courier->n_unnamed[why] = 0;
        return true;
    }
    return false;
}

bool courier_next_skip(struct courier *courier, struct courier_skip *skip) {
    bool is_over = courier_is_over(courier); /* asked before: then nothing follows */
    bool is_unnamed = false;
    free(courier->told);
    pthread_mutex_lock(&courier->lock);
    courier->told = courier->skips;
    if (courier->told) {
        DL_DELETE(courier->skips, courier->told);
        courier->n_skips--;
    } else if (is_over) {
        is_unnamed = next_unnamed(courier, skip);
    }
    pthread_mutex_unlock(&courier->lock);
    if (courier->told)
        *skip = courier->told->what;
    return courier->told != NULL || is_unnamed;
}

void courier_skips_free(struct courier *courier) {
    struct courier_skip skip;
    while (courier_next_skip(courier, &skip)) {
    }
}

struct courier_offer courier_offer_of(const struct source *source) {
    const struct item_offer *found = source_offer(source);
    struct courier_offer offer = {.kind = (unsigned)found->kind,
                                  .size = found->size,
                                  .mode = found->mode,
                                  .mtime_ns = found->mtime_ns};
    snprintf(offer.name, sizeof offer.name, "%s", found->name);
    return offer;
}

static struct ring_layout layout_for(uint64_t size) {
    if (size < SMALL_BYTES)
        return (struct ring_layout){RING_N_SLOTS, SMALL_SLOT_BYTES};
    return (struct ring_layout){RING_N_SLOTS, RING_SLOT_BYTES};
}

static int make_ring(struct courier *courier, uid_t uid, pid_t pid,
                     struct courier_passage *passage) {
    struct ring_layout layout = layout_for(source_offer(courier->source)->size);
    int r = ring_create(&courier->ring, layout, uid);
    if (r != 0)
        return r > 0 ? COURIER_NO_SEGMENT : r;
    courier->has_ring = true;
    courier->shmid = courier->ring.shmid;
    *passage = (struct courier_passage){courier->ring.shmid, layout.n_slots, layout.slot_bytes};
    r = ring_watch(&courier->ring, pid);
    return r == -ESRCH ? COURIER_PEER_DIED : r;
}

int courier_send(struct courier **out, const struct source *what, uid_t uid, pid_t pid,
                 const struct courier_prefix *prefix, struct courier_passage *passage,
                 courier_wake *wake, void *arg) {
    struct courier *courier = courier_new(wake, arg);
    if (!courier)
        return -ENOMEM;
    courier->prefix = *prefix;
    struct source_options options = {
        .stop = &courier->stop, .skipped = note_skipped, .context = courier};
    int r = source_again(&courier->source, what, &options);
    if (r == 0)
        courier->size = source_offer(courier->source)->size;
    if (r == 0)
        r = make_ring(courier, uid, pid, passage);
    if (r == 0)
        r = courier_start(courier, send_thread);
    if (r != 0) {
        courier_free(courier);
        return r;
    }
    *out = courier;
    return 0;
}

bool courier_is_met(const struct courier *courier) {
    struct shm_segment segment;
    return shm_stat(courier->shmid, &segment) == 0 && segment.n_attached >= 2;
}
