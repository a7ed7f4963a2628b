#include "files/courier.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <utlist.h>

#include "base/error.h"
#include "base/thread.h"
#include "files/sink.h"
#include "files/slot_fill.h"
#include "ipc/ring.h"
#include "ipc/shm.h"

#define SKIPS_KEPT_MAX 1000 /* that the program has not asked for yet; others are counted */

/* Below this a small ring is made sooner than it is filled. */
#define SMALL_BYTES (4 * 1024 * 1024)
#define SMALL_SLOT_BYTES (64 * 1024)

/* The status of RING_END; who does not know it passes over it. */
enum { COURIER_END_GROWN = 1 };

struct skip {
    struct courier_skip what;
    struct skip *prev, *next;
    char path[];
};

struct courier {
    struct source *source; /* the sender's, or */
    struct sink *sink;     /* the recipient's */
    struct ring ring;
    int shmid;
    struct slot_fill fill;
    struct item_prefix prefix;
    pthread_t thread;
    bool has_thread, has_ring;
    atomic_bool stop, is_prepared, is_over;
    atomic_uint_fast64_t n_bytes, size;
    courier_wake *wake;
    void *arg;
    /* Of the recipient, for its first thread: what the sink is opened with, and how that went. */
    struct item_offer offer;
    uid_t from;
    uint64_t n_bytes_max;
    int dir, fd, prepared;
    /* Of the sender: entries of a tree that were left out and not told yet. */
    pthread_mutex_t lock;
    struct skip *skips, *told;
    unsigned n_skips;
    uint64_t n_unnamed[SKIP_END];
    /* Written by the thread before is_over or is_prepared. */
    struct courier_news end;
};

static enum transfer_outcome courier_outcome_of_ring(const struct ring *ring, int r) {
    switch (r) {
    case RING_OK:
        return TRANSFER_OK;
    case RING_STOPPED:
        return TRANSFER_CANCELLED;
    case RING_PEER_CANCELLED: {
        uint32_t code = ring_peer_code(ring);
        return code > 0 && code < TRANSFER_TOLD_END ? (enum transfer_outcome)code
                                                    : TRANSFER_PEER_BROKEN;
    }
    case RING_PEER_DEAD:
        return TRANSFER_PEER_DIED;
    case RING_NO_MEMORY:
        return TRANSFER_NO_MEMORY;
    default:
        return TRANSFER_PEER_BROKEN;
    }
}

/* --- the threads of both sides --- */

/* What the source or the sink failed about, and what to say of it. */
static enum transfer_outcome courier_fail(struct courier *courier, const char *where, int r,
                                          enum transfer_outcome general) {
    courier->end.error = r < 0 ? -r : 0;
    snprintf(courier->end.where, sizeof courier->end.where, "%s", where ? where : "");
    return transfer_outcome_of(r, general);
}

static void courier_end(struct courier *courier, enum transfer_outcome reason) {
    courier->end.reason = reason;
    if (reason != TRANSFER_OK && !courier->ring.final)
        ring_cancel(&courier->ring, reason);
    atomic_store(&courier->is_over, true);
    courier->wake(courier->arg);
    ring_close(&courier->ring); /* while the program wakes up; courier_free waits for it */
}

/* Starts the thread that serves the ring. 0 or -errno. */
static int courier_start(struct courier *courier, void *(*run)(void *)) {
    ring_set_stop(&courier->ring, &courier->stop);
    int r = thread_start(&courier->thread, run, courier);
    courier->has_thread = r == 0;
    return r;
}

/* --- life --- */

static struct courier *courier_new(courier_wake *wake, void *arg) {
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
    bool is_over = courier_is_over(courier);
    *news = is_over ? courier->end : (struct courier_news){0};
    news->is_over = is_over;
    news->n_bytes = atomic_load(&courier->n_bytes);
    news->size = atomic_load(&courier->size);
}

/* --- what the sender leaves out --- */

/* Called by the source, in the thread. What is beyond the number that is kept is counted. */
static void skip_note(void *arg, const char *path, enum source_skip why, int error) {
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
static bool skip_next_unnamed(struct courier *courier, struct courier_skip *skip) {
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
        is_unnamed = skip_next_unnamed(courier, skip);
    }
    pthread_mutex_unlock(&courier->lock);
    if (courier->told)
        *skip = courier->told->what;
    return courier->told != NULL || is_unnamed;
}

static void courier_skips_free(struct courier *courier) {
    struct courier_skip skip;
    while (courier_next_skip(courier, &skip)) {
    }
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
    slot_fill_deinit(&courier->fill);
    sink_free(courier->sink);
    courier_skips_free(courier);
    pthread_mutex_destroy(&courier->lock);
    free(courier);
}

/* --- the sender's side --- */

static void courier_commit(struct ring *ring, const struct item *item) {
    if (item->kind == ITEM_HOLE)
        ring_producer_commit_hole(ring, item->hole);
    else if (item->kind == ITEM_END)
        ring_producer_commit_end(ring, item->has_grown ? COURIER_END_GROWN : 0, item->n);
    else
        ring_producer_commit(ring, item->kind == ITEM_DATA ? RING_DATA : RING_RECORD, item->n);
}

/* A stream may be silent for long; meanwhile the other side may go. */
static int courier_await_stream(struct courier *courier) {
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

/* The next item, in this slot. */
static int courier_fill(struct courier *courier, void *slot, struct item *item) {
    void *buffer = slot_fill_begin(&courier->fill, slot);
    int r = source_next(courier->source, buffer, courier->ring.layout.slot_bytes, item);
    if (r == 0)
        slot_fill_end(&courier->fill, slot, item->n);
    return r;
}

/* Everything into the ring, and the recipient's word that it is well. */
static enum transfer_outcome courier_send_items(struct courier *courier) {
    struct ring *ring = &courier->ring;
    struct item item = {0};
    void *slot;
    while (item.kind != ITEM_END) {
        int r = ring_producer_acquire(ring, RING_FOREVER, &slot);
        if (r == RING_OK)
            r = courier_await_stream(courier);
        if (r != RING_OK)
            return courier_outcome_of_ring(ring, r);
        r = courier_fill(courier, slot, &item);
        if (r != 0)
            return courier_fail(courier, source_where(courier->source), r, TRANSFER_UNREADABLE);
        courier_commit(ring, &item);
        atomic_store(&courier->n_bytes, source_totals(courier->source).n_bytes);
    }
    uint32_t result = 0;
    int r = ring_producer_await(ring, RING_FOREVER, &result);
    if (r != RING_OK)
        return courier_outcome_of_ring(ring, r);
    return result < TRANSFER_TOLD_END ? (enum transfer_outcome)result : TRANSFER_PEER_BROKEN;
}

/*
 * What is read from a stream is gone; so nothing is before the recipient has come for it, and the
 * offer can be made anew until then.
 */
static int courier_await_recipient(struct courier *courier) {
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

static enum transfer_outcome courier_resume(struct courier *courier) {
    int r = source_resume(courier->source, &courier->prefix);
    courier->end.is_resumed = r == 0;
    if (r == 0 || r == TRANSFER_DIFFERS)
        return TRANSFER_OK;
    return courier_fail(courier, source_where(courier->source), r, TRANSFER_UNREADABLE);
}

static void *courier_send_thread(void *arg) {
    struct courier *courier = arg;
    enum transfer_outcome reason = TRANSFER_OK;
    slot_fill_init(&courier->fill, courier->ring.layout.slot_bytes);
    if (source_fd(courier->source) >= 0)
        reason = courier_outcome_of_ring(&courier->ring, courier_await_recipient(courier));
    if (reason == TRANSFER_OK && courier->prefix.offset > 0)
        reason = courier_resume(courier);
    if (reason == TRANSFER_OK)
        reason = courier_send_items(courier);
    courier->end.n_skipped = source_totals(courier->source).n_skipped;
    courier->end.has_grown = source_has_grown(courier->source);
    if (reason == TRANSFER_OK)
        digest_text(courier->end.digest, source_digest(courier->source));
    courier_end(courier, reason);
    return NULL;
}

static struct ring_layout ring_layout_for(uint64_t size) {
    if (size < SMALL_BYTES)
        return (struct ring_layout){RING_N_SLOTS, SMALL_SLOT_BYTES};
    return (struct ring_layout){RING_N_SLOTS, RING_SLOT_BYTES};
}

static int courier_make_ring(struct courier *courier, uid_t uid, pid_t pid,
                             struct courier_passage *passage) {
    struct ring_layout layout = ring_layout_for(source_offer(courier->source)->size);
    int r = ring_create(&courier->ring, layout, uid);
    if (r != 0)
        return r > 0 ? TRANSFER_NO_SEGMENT : r;
    courier->has_ring = true;
    courier->shmid = courier->ring.shmid;
    *passage = (struct courier_passage){courier->ring.shmid, layout.n_slots, layout.slot_bytes};
    r = ring_watch(&courier->ring, pid);
    return r == -ESRCH ? TRANSFER_PEER_DIED : r;
}

/* Called by the source, in the thread. */
static bool courier_is_starved(void *arg) {
    const struct courier *courier = arg;
    return ring_fill(&courier->ring) == 0;
}

int courier_send(struct courier **out, const struct source *what, uid_t uid, pid_t pid,
                 const struct item_prefix *prefix, struct courier_passage *passage,
                 courier_wake *wake, void *arg) {
    struct courier *courier = courier_new(wake, arg);
    if (!courier)
        return -ENOMEM;
    courier->prefix = *prefix;
    struct source_options options = {.stop = &courier->stop,
                                     .skipped = skip_note,
                                     .is_starved = courier_is_starved,
                                     .context = courier};
    int r = source_again(&courier->source, what, &options);
    if (r == 0)
        courier->size = source_offer(courier->source)->size;
    if (r == 0)
        r = courier_make_ring(courier, uid, pid, passage);
    if (r == 0)
        r = courier_start(courier, courier_send_thread);
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

/*
 * --- the recipient's side ---
 *
 * Its first thread opens the sink: what is there already of a large file is read and summed up,
 * which takes seconds. The second one serves the ring.
 */

static struct item courier_item(const struct ring_item *slot) {
    static const enum item_kind kinds[] = {[RING_DATA] = ITEM_DATA,
                                           [RING_HOLE] = ITEM_HOLE,
                                           [RING_RECORD] = ITEM_RECORD,
                                           [RING_END] = ITEM_END};
    return (struct item){.kind = kinds[slot->kind],
                         .n = slot->n,
                         .data = slot->data,
                         .hole = slot->hole,
                         .has_grown = slot->status == COURIER_END_GROWN};
}

static enum transfer_outcome courier_receive_items(struct courier *courier) {
    struct ring *ring = &courier->ring;
    struct ring_item slot;
    for (bool is_end = false; !is_end;) {
        int r = ring_consumer_acquire(ring, RING_FOREVER, &slot);
        if (r != RING_OK)
            return courier_outcome_of_ring(ring, r);
        struct item item = courier_item(&slot);
        r = sink_put(courier->sink, &item);
        if (r != 0) {
            courier->end.has_no_place = transfer_is_about_place(r);
            return courier_fail(courier, sink_where(courier->sink), r, TRANSFER_UNWRITABLE);
        }
        ring_consumer_release(ring);
        is_end = slot.kind == RING_END;
        atomic_store(&courier->n_bytes, sink_totals(courier->sink).n_bytes);
        atomic_store(&courier->size, sink_size(courier->sink));
    }
    ring_consumer_finish(ring, TRANSFER_OK);
    return TRANSFER_OK;
}

static void *courier_receive_thread(void *arg) {
    struct courier *courier = arg;
    enum transfer_outcome reason = courier_receive_items(courier);
    const char *name =
        reason == TRANSFER_OK ? sink_name(courier->sink) : sink_kept_name(courier->sink);
    snprintf(courier->end.name, sizeof courier->end.name, "%s", name ? name : "");
    courier->end.is_resumed = sink_is_resumed(courier->sink);
    courier->end.n_skipped = sink_totals(courier->sink).n_skipped;
    courier->end.has_grown = sink_has_grown(courier->sink);
    if (reason == TRANSFER_OK)
        digest_text(courier->end.digest, sink_digest(courier->sink));
    courier_end(courier, reason);
    return NULL;
}

static int courier_open_sink(struct courier *courier) {
    struct sink_options options = {.dir = courier->dir,
                                   .from = courier->from,
                                   .n_bytes_max = courier->n_bytes_max,
                                   .stop = &courier->stop};
    if (courier->dir < 0)
        return sink_open_stream(&courier->sink, &courier->offer, courier->fd, &options);
    return sink_open(&courier->sink, &courier->offer, &options);
}

static void *courier_prepare_thread(void *arg) {
    struct courier *courier = arg;
    int r = courier_open_sink(courier);
    if (r == 0) {
        courier->prefix = sink_prefix(courier->sink);
        atomic_store(&courier->n_bytes, courier->prefix.offset);
    }
    courier->prepared = r > 0 ? (int)transfer_outcome_of(r, TRANSFER_UNWRITABLE) : r;
    courier->end.has_no_place = transfer_is_about_place(r);
    atomic_store(&courier->is_prepared, true);
    courier->wake(courier->arg);
    return NULL;
}

/* So what is simply not possible is told at once. */
static int courier_open_dir(struct courier *courier, const char *path) {
    courier->dir = open(path, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
    if (courier->dir >= 0 && faccessat(courier->dir, ".", W_OK | X_OK, AT_EACCESS) == 0)
        return 0;
    return errno == EACCES ? TRANSFER_UNWRITABLE : error_errno();
}

int courier_receive(struct courier **out, const struct item_offer *offer, uid_t from,
                    const struct courier_target *target, courier_wake *wake, void *arg) {
    struct courier *courier = courier_new(wake, arg);
    if (!courier)
        return -ENOMEM;
    courier->offer = *offer;
    courier->size = offer->size;
    courier->from = from;
    courier->fd = target->fd;
    courier->n_bytes_max = target->n_bytes_max;
    int r = target->dir ? courier_open_dir(courier, target->dir) : 0;
    if (r == 0)
        r = thread_start(&courier->thread, courier_prepare_thread, courier);
    courier->has_thread = r == 0;
    if (r == 0)
        *out = courier;
    else
        courier_free(courier);
    return r;
}

bool courier_is_prepared(const struct courier *courier) {
    return atomic_load(&courier->is_prepared);
}

bool courier_has_no_place(const struct courier *courier) {
    return courier_is_prepared(courier) && courier->prepared != 0 && courier->end.has_no_place;
}

int courier_prefix(const struct courier *courier, struct item_prefix *prefix) {
    *prefix = courier->prefix;
    return courier->prepared;
}

int courier_attach(struct courier *courier, const struct courier_passage *passage, uid_t uid,
                   pid_t pid) {
    struct ring_layout layout = {passage->n_slots, passage->slot_bytes};
    if (courier->has_ring || !courier_is_prepared(courier) || courier->prepared != 0 ||
        !ring_layout_is_valid(layout))
        return TRANSFER_MALFORMED;
    int r = ring_attach(&courier->ring, passage->shmid, layout, uid, pid);
    if (r != 0)
        return r > 0 ? (r == SHM_GONE ? TRANSFER_PEER_DIED : TRANSFER_NO_SEGMENT) : r;
    courier->has_ring = true;
    pthread_join(courier->thread, NULL);
    courier->has_thread = false;
    return courier_start(courier, courier_receive_thread);
}
