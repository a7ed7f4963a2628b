/* The ring's beginning and end: its segment, and who is on the other side. */
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "ipc/process.h"
#include "ipc/ring_memory.h"
#include "ipc/shm.h"

static size_t page_size(void) {
    return (size_t)sysconf(_SC_PAGESIZE);
}

static size_t header_size(void) {
    size_t page = page_size();
    return (sizeof(struct ring_memory) + page - 1) / page * page;
}

bool ring_layout_is_valid(struct ring_layout layout) {
    return layout.n_slots >= RING_N_SLOTS_MIN && layout.n_slots <= RING_N_SLOTS_MAX &&
           layout.slot_bytes > 0 && layout.slot_bytes <= RING_SLOT_BYTES_MAX &&
           layout.slot_bytes % page_size() == 0;
}

static size_t used_size(struct ring_layout layout) {
    return header_size() + (size_t)layout.n_slots * layout.slot_bytes;
}

size_t ring_size(struct ring_layout layout) {
    return ring_layout_is_valid(layout) ? used_size(layout) + SHM_MARK_BYTES : 0;
}

bool ring_size_is_marked(size_t size) {
    return size % page_size() == SHM_MARK_BYTES;
}

static void ring_init(struct ring *ring, enum ring_side side, int shmid, void *memory,
                      struct ring_layout layout) {
    *ring = (struct ring){
        .side = side,
        .shmid = shmid,
        .peer_pidfd = -1,
        .memory = memory,
        .slots = (unsigned char *)memory + header_size(),
        .layout = layout,
    };
}

int ring_create(struct ring *ring, struct ring_layout layout, uid_t owner) {
    assert(ring_layout_is_valid(layout));
    int shmid = -1, r = ring_sweep();
    void *memory = NULL;
    if (r >= 0)
        r = shm_create(&shmid, &memory, ring_size(layout), owner);
    if (r != 0)
        return r;
    r = shm_touch(memory, header_size() + layout.slot_bytes);
    if (r != 0) {
        shm_detach(memory);
        return r;
    }
    ring_init(ring, RING_PRODUCER, shmid, memory, layout);
    ring->n_touched = 1;
    atomic_store_explicit(&ring->memory->n_slots, layout.n_slots, memory_order_relaxed);
    atomic_store_explicit(&ring->memory->slot_bytes, layout.slot_bytes, memory_order_relaxed);
    atomic_store_explicit(&ring->memory->magic, RING_MAGIC, memory_order_release);
    return 0;
}

bool ring_is_met(const struct ring *ring) {
    struct shm_segment segment;
    return shm_stat(ring->shmid, &segment) == 0 && segment.n_attached >= 2;
}

/*
 * The kernel notes who has created a segment. Its process is attached as long as it lives, so when
 * somebody besides us still is after the pidfd was opened, that is not the pidfd of a later
 * process with the same number.
 */
static int watch_creator(struct ring *ring, pid_t creator, pid_t wanted) {
    if (wanted != 0 && creator != wanted)
        return SHM_UNEXPECTED;
    int r = creator > 0 ? ring_watch(ring, creator) : -ESRCH;
    if (r == -ESRCH)
        return SHM_GONE;
    if (r == 0 && !ring_is_met(ring))
        return SHM_GONE;
    return r;
}

static void ring_detach(struct ring *ring) {
    if (!ring->memory)
        return;
    shm_detach(ring->memory);
    if (ring->peer_pidfd >= 0)
        close(ring->peer_pidfd);
    memset(ring, 0, sizeof *ring);
}

int ring_attach(struct ring *ring, int shmid, struct ring_layout layout, uid_t creator,
                pid_t creator_pid) {
    assert(ring_layout_is_valid(layout));
    const struct shm_expectation expected = {.size = ring_size(layout), .creator = creator};
    struct shm_segment found;
    void *memory = NULL;
    int r = shm_attach(shmid, &memory, &expected, &found);
    if (r != 0)
        return r;
    ring_init(ring, RING_CONSUMER, shmid, memory, layout);
    r = watch_creator(ring, found.creator, creator_pid);
    if (r != 0)
        ring_detach(ring); // a ring that may be meant for somebody else is not cancelled
    return r;
}

int ring_watch(struct ring *ring, pid_t peer) {
    int pidfd = -1;
    int r = process_open(peer, &pidfd);
    if (r < 0)
        return r;
    if (ring->peer_pidfd >= 0)
        close(ring->peer_pidfd);
    ring->peer_pidfd = pidfd;
    return 0;
}

void ring_set_stop(struct ring *ring, const atomic_bool *stop) {
    ring->stop = stop;
}

void ring_close(struct ring *ring) {
    if (ring->memory && !ring->is_done)
        ring_cancel(ring, RING_CODE_CLOSED);
    ring_detach(ring);
}

struct ring_sweeping {
    int n_removed, error;
};

static bool ring_sweep_one(void *arg, const struct shm_segment *segment) {
    struct ring_sweeping *sweep = arg;
    if (segment->is_removed || segment->n_attached > 0 || !ring_size_is_marked(segment->size) ||
        segment->mode != 0600 || segment->cuid != geteuid() || process_exists(segment->creator))
        return true;
    int r = shm_remove(segment->shmid);
    if (r < 0)
        sweep->error = r;
    else if (r == 0)
        sweep->n_removed++;
    return r >= 0;
}

int ring_sweep(void) {
    struct ring_sweeping sweep = {0};
    int r = shm_each(ring_sweep_one, &sweep);
    if (r == 0)
        r = sweep.error;
    return r < 0 ? r : sweep.n_removed;
}

/* Loads each once; false when they make no sense together, or with the size of the segment. */
static bool view_from(struct ring_view *view, const struct ring_memory *memory, size_t size) {
    if (atomic_load_explicit(&memory->magic, memory_order_acquire) != RING_MAGIC)
        return false;
    *view = (struct ring_view){
        .layout = {.n_slots = atomic_load_explicit(&memory->n_slots, memory_order_relaxed),
                   .slot_bytes = atomic_load_explicit(&memory->slot_bytes, memory_order_relaxed)},
        .n_consumed = atomic_load_explicit(&memory->consumer.position, memory_order_acquire),
        .producer_waits = atomic_load_explicit(&memory->producer.waits, memory_order_relaxed) != 0,
        .consumer_waits = atomic_load_explicit(&memory->consumer.waits, memory_order_relaxed) != 0,
    };
    view->n_produced = atomic_load_explicit(&memory->producer.position, memory_order_acquire);
    if (size != ring_size(view->layout))
        return false;
    uint64_t n = view->n_produced - view->n_consumed;
    view->fill = n > view->layout.n_slots ? view->layout.n_slots : (uint32_t)n;
    return true;
}

/* The consumer may go on between the two loads, so the fill may seem larger than it ever was. */
int ring_look(int shmid, struct ring_view *view) {
    struct shm_segment found;
    const void *memory = NULL;
    int r = shm_attach_to_look(shmid, &memory, &found);
    if (r != 0)
        return r;
    if (found.size < sizeof(struct ring_memory) || !ring_size_is_marked(found.size) ||
        !view_from(view, memory, found.size))
        r = SHM_UNEXPECTED;
    shm_detach(memory);
    return r;
}
