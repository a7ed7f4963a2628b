/*
 * Why no batch is lost, doubled or torn
 *
 * Head and tail count the bytes that were ever written and read, modulo 2^32; byte i lies in place
 * i % CHANNEL_RING_BYTES. Each side keeps its own position in private memory, publishes it by a
 * release store, and loads the other's with acquire. The writer writes behind its head only what
 * is free by the tail that it has seen, the reader reads only up to the head that it has seen. As
 * neither position ever goes back, a batch is whole when it can be seen, and not overwritten
 * before the reader has left it. (The same at more length: ring.c.)
 *
 * Why nobody sleeps for ever
 *
 *      sleeper                                  other side
 *      flag = 1            (seq. consistent)    position = ...      (release)
 *      fence                                    fence
 *      look at the position: nothing new        exchange(flag, 0): ring the bell if it was 1
 *      sleep in msgrcv(2)
 *
 * One of the two fences comes first. If it is the sleeper's, the other side sees the flag; if it is
 * the other side's, the sleeper sees the position. The bell may come early or for nothing: then it
 * lies in the queue, and one look was in vain. tests/model/bells.pml is the same in Promela.
 *
 * What the other side is trusted with
 *
 * Nothing. Its position is loaded once and must lie within the ring; a record is copied to private
 * memory before its length is looked at. What we have written we never read back. A flag costs us
 * a bell at most.
 */
#include "ipc/channel.h"

#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "ipc/shm.h"

#define LINE_BYTES 128 /* two cache lines: neighbours are fetched in pairs */

/* Each word is written by one side, but for the flags, which the other side takes away. */
struct batch_ring_memory {
    _Alignas(LINE_BYTES) _Atomic uint32_t head;          /* the writer's */
    _Alignas(LINE_BYTES) _Atomic uint32_t tail;          /* the reader's */
    _Alignas(LINE_BYTES) _Atomic uint32_t reader_sleeps; /* set by the reader */
    _Alignas(LINE_BYTES) _Atomic uint32_t writer_waits;  /* set by the writer */
    _Alignas(LINE_BYTES) uint8_t bytes[CHANNEL_RING_BYTES];
};

struct channel_memory {
    struct batch_ring_memory up, down;
};

_Static_assert(ATOMIC_INT_LOCK_FREE == 2, "no lock hidden in a library may be shared");
_Static_assert((CHANNEL_RING_BYTES & (CHANNEL_RING_BYTES - 1)) == 0, "positions wrap");
_Static_assert(CHANNEL_RING_BYTES / 2 >= BATCH_RECORD_HEAD + BATCH_BYTES_MAX,
               "a writer that waits has room when half of the ring is free");

/* Marked as one of ours, so that what a killed client left behind is swept (ring_sweep). */
size_t channel_bytes(void) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    return (sizeof(struct channel_memory) + page - 1) / page * page + SHM_MARK_BYTES;
}

static void channel_init(struct channel *channel, int shmid, void *memory) {
    struct channel_memory *rings = memory;
    *channel = (struct channel){.shmid = shmid,
                                .memory = memory,
                                .up = {.memory = &rings->up},
                                .down = {.memory = &rings->down}};
}

int channel_create(struct channel *channel, uid_t owner) {
    int shmid;
    void *memory;
    int r = shm_create(&shmid, &memory, channel_bytes(), owner);
    if (r != 0)
        return r;
    r = shm_touch(memory, channel_bytes());
    if (r != 0) {
        shm_detach(memory);
        return r;
    }
    channel_init(channel, shmid, memory);
    return 0;
}

int channel_attach(struct channel *channel, int shmid, uid_t creator) {
    const struct shm_expectation expected = {.size = channel_bytes(), .creator = creator};
    void *memory;
    int r = shm_attach(shmid, &memory, &expected, NULL);
    if (r != 0)
        return r;
    channel_init(channel, shmid, memory);
    return 0;
}

void channel_close(struct channel *channel) {
    shm_detach(channel->memory);
    *channel = (struct channel){0};
}

/*
 * The fence between a position and this flag. ThreadSanitizer knows none, so there it is a write
 * that changes nothing.
 */
static void flag_fence(_Atomic uint32_t *flag) {
#if defined(__SANITIZE_THREAD__)
    (void)atomic_fetch_add_explicit(flag, 0, memory_order_seq_cst);
#else
    (void)flag;
    atomic_thread_fence(memory_order_seq_cst);
#endif
}

/* Bytes. */

static uint32_t bytes_to_end(uint32_t position) {
    return CHANNEL_RING_BYTES - position % CHANNEL_RING_BYTES;
}

static void bytes_write(struct batch_ring_memory *memory, uint32_t at, const void *from, size_t n) {
    size_t first = bytes_to_end(at) < n ? bytes_to_end(at) : n;
    memcpy(memory->bytes + at % CHANNEL_RING_BYTES, from, first);
    if (first < n)
        memcpy(memory->bytes, (const uint8_t *)from + first, n - first);
}

static void bytes_read(const struct batch_ring_memory *memory, uint32_t at, void *to, size_t n) {
    size_t first = bytes_to_end(at) < n ? bytes_to_end(at) : n;
    memcpy(to, memory->bytes + at % CHANNEL_RING_BYTES, first);
    if (first < n)
        memcpy((uint8_t *)to + first, memory->bytes, n - first);
}

static int ring_break(struct batch_ring *ring) {
    ring->is_broken = true;
    return BATCH_RING_BROKEN;
}

/* The reader's side. */

/* How many bytes are there; what the writer says is looked at again. */
static uint32_t reader_look(struct batch_ring *ring) {
    ring->peer = atomic_load_explicit(&ring->memory->head, memory_order_acquire);
    uint32_t n = ring->peer - ring->own;
    if (n > CHANNEL_RING_BYTES)
        ring->is_broken = true;
    return ring->is_broken ? 0 : n;
}

/* How many bytes are known to be there; looks only when none are. */
static uint32_t reader_known(struct batch_ring *ring) {
    return ring->peer != ring->own ? ring->peer - ring->own : reader_look(ring);
}

static void reader_advance(struct batch_ring *ring, size_t n) {
    ring->own += (uint32_t)n;
    atomic_store_explicit(&ring->memory->tail, ring->own, memory_order_release);
}

static bool record_is_whole(uint32_t batch, size_t n_left) {
    return batch > 0 && batch <= BATCH_BYTES_MAX && BATCH_RECORD_HEAD + batch <= n_left;
}

int batch_ring_take(struct batch_ring *ring, void *batch, size_t *n) {
    uint32_t n_there = ring->is_broken ? 0 : reader_known(ring), n_batch = 0;
    if (ring->is_broken)
        return BATCH_RING_BROKEN;
    if (n_there == 0)
        return BATCH_RING_EMPTY;
    if (n_there >= BATCH_RECORD_HEAD)
        bytes_read(ring->memory, ring->own, &n_batch, sizeof n_batch);
    if (!record_is_whole(n_batch, n_there))
        return ring_break(ring);
    bytes_read(ring->memory, ring->own + BATCH_RECORD_HEAD, batch, n_batch);
    reader_advance(ring, BATCH_RECORD_HEAD + n_batch);
    *n = n_batch;
    return BATCH_RING_OK;
}

/* How many of the bytes are whole records. */
static size_t records_whole(const uint8_t *records, size_t n) {
    size_t at = 0;
    uint32_t n_batch;
    while (n - at >= BATCH_RECORD_HEAD) {
        memcpy(&n_batch, records + at, sizeof n_batch);
        if (!record_is_whole(n_batch, n - at))
            break;
        at += BATCH_RECORD_HEAD + n_batch;
    }
    return at;
}

/* `size` holds the largest record, so if not even one is whole, the writer lies. */
int batch_ring_take_records(struct batch_ring *ring, void *records, size_t size, size_t *n) {
    uint32_t n_there = ring->is_broken ? 0 : reader_look(ring);
    assert(size >= BATCH_RECORD_HEAD + BATCH_BYTES_MAX);
    if (ring->is_broken)
        return BATCH_RING_BROKEN;
    if (n_there == 0)
        return BATCH_RING_EMPTY;
    size_t n_copied = n_there < size ? n_there : size;
    bytes_read(ring->memory, ring->own, records, n_copied);
    *n = records_whole(records, n_copied);
    if (*n == 0)
        return ring_break(ring);
    reader_advance(ring, *n);
    return BATCH_RING_OK;
}

bool batch_record_next(const void *records, size_t n, size_t *at, struct bytes *batch) {
    const uint8_t *record = (const uint8_t *)records + *at;
    uint32_t n_batch;
    if (*at >= n)
        return false;
    memcpy(&n_batch, record, sizeof n_batch);
    *batch = (struct bytes){(const char *)record + BATCH_RECORD_HEAD, n_batch};
    *at += BATCH_RECORD_HEAD + n_batch;
    return true;
}

uint32_t batch_ring_fill(struct batch_ring *ring) {
    return reader_look(ring);
}

/* What broke the ring must be seen, too, so then it does not sleep. */
bool batch_ring_reader_sleeps(struct batch_ring *ring) {
    atomic_store_explicit(&ring->memory->reader_sleeps, 1, memory_order_seq_cst);
    flag_fence(&ring->memory->reader_sleeps);
    if (reader_look(ring) == 0 && !ring->is_broken)
        return true;
    batch_ring_reader_wakes(ring);
    return false;
}

void batch_ring_reader_wakes(struct batch_ring *ring) {
    atomic_store_explicit(&ring->memory->reader_sleeps, 0, memory_order_relaxed);
}

/* The flag is looked at first, since it is seldom set, and an exchange costs more. */
static bool flag_take(_Atomic uint32_t *flag) {
    flag_fence(flag);
    return atomic_load_explicit(flag, memory_order_relaxed) != 0 &&
           atomic_exchange_explicit(flag, 0, memory_order_relaxed) != 0;
}

/* More may have come than was seen; then the writer is not the one who waits, or waits again. */
bool batch_ring_is_writer_due(struct batch_ring *ring) {
    uint32_t n_there = ring->peer - ring->own;
    return n_there <= CHANNEL_RING_BYTES / 2 && flag_take(&ring->memory->writer_waits);
}

/* The writer's side. */

static bool writer_has_room(struct batch_ring *ring, size_t n) {
    uint32_t n_used = ring->own - ring->peer;
    return BATCH_RECORD_HEAD + n <= CHANNEL_RING_BYTES - n_used;
}

static void writer_look(struct batch_ring *ring) {
    uint32_t tail = atomic_load_explicit(&ring->memory->tail, memory_order_acquire);
    if (ring->own - tail > ring->own - ring->peer) /* it went back, or beyond what was written */
        ring->is_broken = true;
    else
        ring->peer = tail;
}

int batch_ring_put(struct batch_ring *ring, const void *batch, size_t n) {
    uint32_t n_batch = (uint32_t)n;
    assert(n > 0 && n <= BATCH_BYTES_MAX);
    if (!writer_has_room(ring, n))
        writer_look(ring);
    if (ring->is_broken)
        return BATCH_RING_BROKEN;
    if (!writer_has_room(ring, n))
        return BATCH_RING_FULL;
    bytes_write(ring->memory, ring->own, &n_batch, sizeof n_batch);
    bytes_write(ring->memory, ring->own + BATCH_RECORD_HEAD, batch, n);
    ring->own += (uint32_t)(BATCH_RECORD_HEAD + n);
    atomic_store_explicit(&ring->memory->head, ring->own, memory_order_release);
    return BATCH_RING_OK;
}

bool batch_ring_writer_waits(struct batch_ring *ring, size_t n) {
    atomic_store_explicit(&ring->memory->writer_waits, 1, memory_order_seq_cst);
    flag_fence(&ring->memory->writer_waits);
    writer_look(ring);
    if (!ring->is_broken && !writer_has_room(ring, n))
        return true;
    batch_ring_writer_goes_on(ring);
    return false;
}

void batch_ring_writer_goes_on(struct batch_ring *ring) {
    atomic_store_explicit(&ring->memory->writer_waits, 0, memory_order_relaxed);
}

bool batch_ring_is_reader_due(struct batch_ring *ring) {
    return flag_take(&ring->memory->reader_sleeps);
}
