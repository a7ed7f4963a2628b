#include "lib/courier.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "ipc/ring.h"
#include "ipc/shm.h"
#include "lib/sink.h"
#include "lib/source.h"
#include "lib/thread.h"

#define SMALL_BYTES                                                                                \
    (4 * 1024 * 1024) /* below this a small ring is made sooner than it is filled                  \
                       */
#define SMALL_SLOT_BYTES (64 * 1024)

struct courier {
    struct source *source; /* the sender's, or */
    struct sink *sink;     /* the recipient's */
    struct ring ring;
    struct courier_prefix prefix;
    pthread_t thread;
    bool has_thread, has_ring;
    atomic_bool stop, is_over;
    atomic_uint_fast64_t n_bytes;
    courier_wake *wake;
    void *arg;
    /* Written by the thread before is_over. */
    enum courier_reason reason;
    bool is_resumed;
    char digest[33], name[1024], where[1024];
};

const char *courier_reason_text(enum courier_reason reason) {
    static const char *const texts[COURIER_REASON_END] = {
        [COURIER_OK] = "done",
        [COURIER_CANCELLED] = "it was cancelled",
        [COURIER_CHANGED] = "the file was changed while it was sent; send it again",
        [COURIER_UNREADABLE] = "the file cannot be read",
        [COURIER_NO_FILE] = "this is neither a file nor a directory nor a pipe",
        [COURIER_MALFORMED] = "the sender sent something that makes no sense",
        [COURIER_TOO_MUCH] = "more came than was offered",
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
    };
    return reason < COURIER_REASON_END ? texts[reason] : "unknown";
}

/* Outcomes of the layers below as reasons. */

static enum courier_reason of_source(int r) {
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

static enum courier_reason of_ring(const struct ring *ring, int r) {
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
    default:
        return COURIER_PEER_BROKEN;
    }
}

/* The thread. */

static void set_where(struct courier *courier, const char *where) {
    snprintf(courier->where, sizeof courier->where, "%s", where ? where : "");
}

static void end_thread(struct courier *courier, enum courier_reason reason) {
    courier->reason = reason;
    if (reason != COURIER_OK && !courier->ring.final)
        ring_cancel(&courier->ring, reason);
    ring_close(&courier->ring);
    atomic_store(&courier->is_over, true);
    courier->wake(courier->arg);
}

static void commit(struct ring *ring, const struct item *item) {
    if (item->kind == ITEM_HOLE)
        ring_producer_commit_hole(ring, item->hole);
    else if (item->kind == ITEM_END)
        ring_producer_commit_end(ring, 0, item->n);
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
            return of_ring(ring, r);
        r = source_next(courier->source, slot, ring->layout.slot_bytes, &item);
        if (r != 0) {
            set_where(courier, source_where(courier->source));
            return of_source(r);
        }
        commit(ring, &item);
        atomic_store(&courier->n_bytes, source_totals(courier->source).n_bytes);
    }
    uint32_t result = 0;
    int r = ring_producer_await(ring, RING_FOREVER, &result);
    if (r != RING_OK)
        return of_ring(ring, r);
    return result < COURIER_REASON_END ? (enum courier_reason)result : COURIER_PEER_BROKEN;
}

static void *send_thread(void *arg) {
    struct courier *courier = arg;
    enum courier_reason reason = COURIER_OK;
    if (courier->prefix.offset > 0) {
        struct digest digest;
        memcpy(digest.bytes, courier->prefix.digest, sizeof digest.bytes);
        int r = source_resume(courier->source, courier->prefix.offset, digest);
        courier->is_resumed = r == 0;
        reason = r == SOURCE_DIFFERS ? COURIER_OK : of_source(r);
    }
    if (reason == COURIER_OK)
        reason = send_items(courier);
    if (reason == COURIER_OK)
        digest_text(courier->digest, source_digest(courier->source));
    end_thread(courier, reason);
    return NULL;
}

static struct item item_of(const struct ring_item *slot) {
    static const enum item_kind kinds[] = {[RING_DATA] = ITEM_DATA,
                                           [RING_HOLE] = ITEM_HOLE,
                                           [RING_RECORD] = ITEM_RECORD,
                                           [RING_END] = ITEM_END};
    return (struct item){
        .kind = kinds[slot->kind], .n = slot->n, .data = slot->data, .hole = slot->hole};
}

static enum courier_reason receive_items(struct courier *courier) {
    struct ring *ring = &courier->ring;
    struct ring_item slot;
    for (bool is_end = false; !is_end;) {
        int r = ring_consumer_acquire(ring, RING_FOREVER, &slot);
        if (r != RING_OK)
            return of_ring(ring, r);
        struct item item = item_of(&slot);
        r = sink_put(courier->sink, &item);
        if (r != 0) {
            set_where(courier, sink_where(courier->sink));
            return courier_reason_of_sink(r);
        }
        ring_consumer_release(ring);
        is_end = slot.kind == RING_END;
        atomic_store(&courier->n_bytes, sink_totals(courier->sink).n_bytes);
    }
    ring_consumer_finish(ring, COURIER_OK);
    return COURIER_OK;
}

static void *receive_thread(void *arg) {
    struct courier *courier = arg;
    enum courier_reason reason = receive_items(courier);
    const char *name =
        reason == COURIER_OK ? sink_name(courier->sink) : sink_part_name(courier->sink);
    snprintf(courier->name, sizeof courier->name, "%s", name ? name : "");
    courier->is_resumed = sink_is_resumed(courier->sink);
    if (reason == COURIER_OK)
        digest_text(courier->digest, sink_digest(courier->sink));
    end_thread(courier, reason);
    return NULL;
}

static int start(struct courier *courier, void *(*run)(void *)) {
    ring_set_stop(&courier->ring, &courier->stop);
    int r = thread_start(&courier->thread, run, courier);
    courier->has_thread = r == 0;
    return r;
}

/* Life. */

static struct courier *courier_new(courier_wake *wake, void *arg) {
    struct courier *courier = calloc(1, sizeof *courier);
    if (courier) {
        courier->wake = wake;
        courier->arg = arg;
    }
    return courier;
}

static int open_source(struct source **source, const struct courier_source *what,
                       const atomic_bool *stop) {
    struct source_options options = {.stop = stop};
    if (what->path)
        return source_open(source, what->path, &options);
    return source_open_stream(source, what->fd, what->name, &options);
}

int courier_look(const struct courier_source *what, struct courier_offer *offer) {
    struct source *source = NULL;
    int r = open_source(&source, what, NULL);
    if (r == 0) {
        const struct item_offer *found = source_offer(source);
        *offer = (struct courier_offer){.kind = (unsigned)found->kind,
                                        .size = found->size,
                                        .mode = found->mode,
                                        .mtime_ns = found->mtime_ns};
        snprintf(offer->name, sizeof offer->name, "%s", found->name);
    }
    source_free(source);
    return r > 0 ? (int)of_source(r) : r;
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
    *passage = (struct courier_passage){courier->ring.shmid, layout.n_slots, layout.slot_bytes};
    r = ring_watch(&courier->ring, pid);
    return r == -ESRCH ? COURIER_PEER_DIED : r;
}

int courier_send(struct courier **out, const struct courier_source *what, uid_t uid, pid_t pid,
                 const struct courier_prefix *prefix, struct courier_passage *passage,
                 courier_wake *wake, void *arg) {
    struct courier *courier = courier_new(wake, arg);
    if (!courier)
        return -ENOMEM;
    courier->prefix = *prefix;
    int r = open_source(&courier->source, what, &courier->stop);
    r = r > 0 ? (int)of_source(r) : r;
    if (r == 0)
        r = make_ring(courier, uid, pid, passage);
    if (r == 0)
        r = start(courier, send_thread);
    if (r != 0) {
        courier_free(courier);
        return r;
    }
    *out = courier;
    return 0;
}

static int open_sink(struct courier *courier, const struct item_offer *offer, uid_t from,
                     const struct courier_target *target) {
    struct sink_options options = {.dir = -1, .from = from, .stop = &courier->stop};
    if (!target->dir)
        return sink_open_stream(&courier->sink, offer, target->fd, &options);
    int dir = open(target->dir, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
    if (dir < 0)
        return errno == EACCES ? SINK_DENIED : error_errno();
    options.dir = dir;
    int r = sink_open(&courier->sink, offer, &options);
    close(dir);
    return r;
}

int courier_receive(struct courier **out, const struct courier_offer *offer, uid_t from,
                    const struct courier_target *target, struct courier_prefix *prefix,
                    courier_wake *wake, void *arg) {
    struct courier *courier = courier_new(wake, arg);
    struct item_offer item_offer = {.kind = (enum entry_kind)offer->kind,
                                    .name = offer->name,
                                    .size = offer->size,
                                    .mode = offer->mode,
                                    .mtime_ns = offer->mtime_ns};
    if (!courier)
        return -ENOMEM;
    int r = open_sink(courier, &item_offer, from, target);
    if (r != 0) {
        courier_free(courier);
        return r > 0 ? (int)courier_reason_of_sink(r) : r;
    }
    struct sink_prefix found = sink_prefix(courier->sink);
    prefix->offset = found.offset;
    memcpy(prefix->digest, found.digest.bytes, sizeof prefix->digest);
    atomic_store(&courier->n_bytes, found.offset);
    *out = courier;
    return 0;
}

int courier_attach(struct courier *courier, const struct courier_passage *passage, uid_t uid,
                   pid_t pid) {
    struct ring_layout layout = {passage->n_slots, passage->slot_bytes};
    if (courier->has_ring || !ring_layout_is_valid(layout))
        return COURIER_MALFORMED;
    int r = ring_attach(&courier->ring, passage->shmid, layout, uid, pid);
    if (r != 0)
        return r > 0 ? (r == SHM_GONE ? COURIER_PEER_DIED : COURIER_NO_SEGMENT) : r;
    courier->has_ring = true;
    return start(courier, receive_thread);
}

void courier_cancel(struct courier *courier) {
    atomic_store(&courier->stop, true);
}

bool courier_is_over(const struct courier *courier) {
    return atomic_load(&courier->is_over);
}

void courier_news(const struct courier *courier, struct courier_news *news) {
    *news = (struct courier_news){.n_bytes = atomic_load(&courier->n_bytes),
                                  .is_over = courier_is_over(courier)};
    if (!news->is_over)
        return;
    news->reason = courier->reason;
    news->is_resumed = courier->is_resumed;
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
    else if (courier->has_ring)
        ring_close(&courier->ring);
    source_free(courier->source);
    sink_free(courier->sink);
    free(courier);
}
