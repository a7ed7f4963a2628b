/*
 * The recipient's half of a courier. Its first thread opens the sink: what is there already of a
 * large file is read and summed up, which takes seconds. The second one serves the ring.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/thread.h"
#include "files/courier_inside.h"
#include "ipc/shm.h"

/* The second thread. */

static struct item item_of(const struct ring_item *slot) {
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

static enum courier_reason receive_items(struct courier *courier) {
    struct ring *ring = &courier->ring;
    struct ring_item slot;
    for (bool is_end = false; !is_end;) {
        int r = ring_consumer_acquire(ring, RING_FOREVER, &slot);
        if (r != RING_OK)
            return courier_reason_of_ring(ring, r);
        struct item item = item_of(&slot);
        r = sink_put(courier->sink, &item);
        if (r != 0) {
            courier_set_where(courier, sink_where(courier->sink), r);
            courier->has_no_place = courier_is_about_place(r);
            return courier_reason_of_sink(r);
        }
        ring_consumer_release(ring);
        is_end = slot.kind == RING_END;
        atomic_store(&courier->n_bytes, sink_totals(courier->sink).n_bytes);
        atomic_store(&courier->size, sink_size(courier->sink));
    }
    ring_consumer_finish(ring, COURIER_OK);
    return COURIER_OK;
}

static void *receive_thread(void *arg) {
    struct courier *courier = arg;
    enum courier_reason reason = receive_items(courier);
    const char *name =
        reason == COURIER_OK ? sink_name(courier->sink) : sink_kept_name(courier->sink);
    snprintf(courier->name, sizeof courier->name, "%s", name ? name : "");
    courier->is_resumed = sink_is_resumed(courier->sink);
    courier->n_skipped = sink_totals(courier->sink).n_skipped;
    courier->has_grown = sink_has_grown(courier->sink);
    if (reason == COURIER_OK)
        digest_text(courier->digest, sink_digest(courier->sink));
    courier_end(courier, reason);
    return NULL;
}

/* The first thread. */

static int open_sink(struct courier *courier) {
    const struct courier_offer *offer = &courier->offer;
    struct item_offer item_offer = {.kind = (enum entry_kind)offer->kind,
                                    .name = offer->name,
                                    .size = offer->size,
                                    .mode = offer->mode,
                                    .mtime_ns = offer->mtime_ns};
    struct sink_options options = {.dir = courier->dir,
                                   .from = courier->from,
                                   .n_bytes_max = courier->n_bytes_max,
                                   .stop = &courier->stop};
    if (courier->dir < 0)
        return sink_open_stream(&courier->sink, &item_offer, courier->fd, &options);
    return sink_open(&courier->sink, &item_offer, &options);
}

static void *prepare_thread(void *arg) {
    struct courier *courier = arg;
    int r = open_sink(courier);
    if (r == 0) {
        struct sink_prefix found = sink_prefix(courier->sink);
        courier->prefix.offset = found.offset;
        memcpy(courier->prefix.digest, found.digest.bytes, sizeof courier->prefix.digest);
        atomic_store(&courier->n_bytes, found.offset);
    }
    courier->prepared = r > 0 ? (int)courier_reason_of_sink(r) : r;
    courier->has_no_place = courier_is_about_place(r);
    atomic_store(&courier->is_prepared, true);
    courier->wake(courier->arg);
    return NULL;
}

/* Life. */

/* So what is simply not possible is told at once. */
static int open_dir(struct courier *courier, const char *path) {
    courier->dir = open(path, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
    if (courier->dir >= 0 && faccessat(courier->dir, ".", W_OK | X_OK, AT_EACCESS) == 0)
        return 0;
    return errno == EACCES ? COURIER_UNWRITABLE : error_errno();
}

int courier_receive(struct courier **out, const struct courier_offer *offer, uid_t from,
                    const struct courier_target *target, courier_wake *wake, void *arg) {
    struct courier *courier = courier_new(wake, arg);
    if (!courier)
        return -ENOMEM;
    courier->offer = *offer;
    courier->size = offer->size;
    courier->from = from;
    courier->fd = target->fd;
    courier->n_bytes_max = target->n_bytes_max;
    int r = target->dir ? open_dir(courier, target->dir) : 0;
    if (r == 0)
        r = thread_start(&courier->thread, prepare_thread, courier);
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
    return courier_is_prepared(courier) && courier->prepared != 0 && courier->has_no_place;
}

int courier_prefix(const struct courier *courier, struct courier_prefix *prefix) {
    *prefix = courier->prefix;
    return courier->prepared;
}

int courier_attach(struct courier *courier, const struct courier_passage *passage, uid_t uid,
                   pid_t pid) {
    struct ring_layout layout = {passage->n_slots, passage->slot_bytes};
    if (courier->has_ring || !courier_is_prepared(courier) || courier->prepared != 0 ||
        !ring_layout_is_valid(layout))
        return COURIER_MALFORMED;
    int r = ring_attach(&courier->ring, passage->shmid, layout, uid, pid);
    if (r != 0)
        return r > 0 ? (r == SHM_GONE ? COURIER_PEER_DIED : COURIER_NO_SEGMENT) : r;
    courier->has_ring = true;
    pthread_join(courier->thread, NULL);
    courier->has_thread = false;
    return courier_start(courier, receive_thread);
}
