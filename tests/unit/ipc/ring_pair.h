/* A ring of which both sides, or one, are in the test's process. */
#pragma once

#include "ipc/ring_memory.h"
#include "ipc/shm.h"
#include "unit/ipc/child.h"

struct pair {
    struct ring producer, consumer;
};

static inline mono_time within_ms(int ms) {
    return mono_add_ms(mono_now(), ms);
}

/* The sizes are in pages, as these are 64 KiB on some machines. */
static inline struct ring_layout layout_of(uint32_t n_slots, uint32_t n_pages) {
    return (struct ring_layout){n_slots, n_pages * (uint32_t)sysconf(_SC_PAGESIZE)};
}

static inline struct pair pair_make(uint32_t n_slots) {
    struct pair pair = {0};
    struct ring_layout layout = layout_of(n_slots, 1);
    cr_assert_eq(ring_create(&pair.producer, layout, geteuid()), 0);
    cr_assert_eq(ring_attach(&pair.consumer, pair.producer.shmid, layout, geteuid(), getpid()), 0);
    return pair;
}

static inline void pair_close(struct pair *pair) {
    int shmid = pair->producer.shmid;
    struct shm_segment segment;
    ring_close(&pair->producer);
    ring_close(&pair->consumer);
    ring_close(&pair->consumer);
    cr_expect_eq(shm_stat_any(shmid, &segment), SHM_GONE);
}

/* Puts n bytes of this value in; false when there is no room now. */
static inline bool put(struct ring *ring, int byte, size_t n) {
    void *slot = NULL;
    if (ring_producer_acquire(ring, RING_NOW, &slot) != 0)
        return false;
    memset(slot, byte, n);
    ring_producer_commit(ring, RING_DATA, n);
    return true;
}

static inline void put_end(struct ring *ring, uint32_t status) {
    void *slot = NULL;
    cr_assert_eq(ring_producer_acquire(ring, RING_NOW, &slot), 0);
    memcpy(slot, "bye", 3);
    ring_producer_commit_end(ring, status, 3);
}

/* Takes one out: the first byte, or a negative outcome. */
static inline int take(struct ring *ring) {
    struct ring_item item;
    int r = ring_consumer_acquire(ring, RING_NOW, &item);
    if (r != 0)
        return -r;
    int byte = *(const unsigned char *)item.data;
    ring_consumer_release(ring);
    return byte;
}
