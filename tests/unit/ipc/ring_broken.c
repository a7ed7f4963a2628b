/* A peer that writes what no honest one writes is found out, and stays so. */
#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>

#include "base/macro.h"
#include "unit/ipc/ring_pair.h"

static int take_item(struct ring *ring) {
    struct ring_item item;
    return ring_consumer_acquire(ring, RING_NOW, &item);
}

static int acquire_slot(struct ring *ring) {
    void *slot = NULL;
    return ring_producer_acquire(ring, RING_NOW, &slot);
}

Test(ring_broken, positions_of_a_lying_producer) {
    static const uint64_t LIES[] = {5, 6, 100, UINT64_MAX, UINT64_MAX - 1, UINT64_C(1) << 32};
    for (size_t i = 0; i < ARRAY_LEN(LIES); i++) {
        struct pair pair = pair_make(4);
        pair.producer.memory->producer.position = LIES[i];
        cr_expect_eq(take_item(&pair.consumer), RING_PEER_BROKEN, "%zu", i);
        pair.producer.memory->producer.position = 0;
        cr_expect_eq(take_item(&pair.consumer), RING_PEER_BROKEN, "%zu: it stays so", i);
        cr_expect_leq(ring_fill(&pair.consumer), 4);
        pair_close(&pair);
    }
}

Test(ring_broken, a_producer_that_takes_back_a_slot) {
    struct pair pair = pair_make(4);
    put(&pair.producer, 1, 1);
    put(&pair.producer, 2, 1);
    cr_expect_eq(take(&pair.consumer), 1);
    pair.producer.memory->producer.position = 1;
    cr_expect_eq(take_item(&pair.consumer), RING_PEER_BROKEN);
    pair_close(&pair);
}

Test(ring_broken, positions_of_a_lying_consumer) {
    static const uint64_t LIES[] = {3, 4, 100, UINT64_MAX, UINT64_C(1) << 32};
    for (size_t i = 0; i < ARRAY_LEN(LIES); i++) {
        struct pair pair = pair_make(4);
        put(&pair.producer, 1, 1);
        put(&pair.producer, 2, 1);
        pair.consumer.memory->consumer.position = LIES[i];
        cr_expect_eq(acquire_slot(&pair.producer), RING_PEER_BROKEN, "%zu", i);
        pair.consumer.memory->consumer.position = 0;
        cr_expect_eq(acquire_slot(&pair.producer), RING_PEER_BROKEN, "%zu: it stays so", i);
        cr_expect_leq(ring_fill(&pair.producer), 4);
        pair_close(&pair);
    }
}

Test(ring_broken, a_consumer_that_takes_back_a_release) {
    struct pair pair = pair_make(2);
    put(&pair.producer, 1, 1);
    cr_expect_eq(take(&pair.consumer), 1);
    cr_expect_eq(acquire_slot(&pair.producer), 0);
    pair.consumer.memory->consumer.position = 0;
    cr_expect_eq(acquire_slot(&pair.producer), RING_PEER_BROKEN);
    pair_close(&pair);
}

Test(ring_broken, heads) {
    uint32_t slot_bytes = layout_of(4, 1).slot_bytes;
    const struct {
        uint32_t kind, n;
        uint64_t value;
    } LIES[] = {
        {0, 1, 0},
        {5, 1, 0},
        {UINT32_MAX, 1, 0},
        {RING_DATA, 0, 0},
        {RING_DATA, slot_bytes + 1, 0},
        {RING_DATA, UINT32_MAX, 0},
        {RING_DATA, 1, 1},
        {RING_RECORD, 0, 0},
        {RING_RECORD, slot_bytes + 1, 0},
        {RING_HOLE, 0, 0},
        {RING_HOLE, 1, 1},
        {RING_HOLE, 0, RING_HOLE_MAX + 1},
        {RING_HOLE, 0, UINT64_MAX},
        {RING_END, RING_END_BYTES_MAX + 1, 0},
        {RING_END, UINT32_MAX, 0},
        {RING_END, 0, UINT64_C(1) << 32},
    };
    for (size_t i = 0; i < ARRAY_LEN(LIES); i++) {
        struct pair pair = pair_make(4);
        struct ring_head *head = &pair.producer.memory->heads[0];
        put(&pair.producer, 1, 1);
        head->kind = LIES[i].kind;
        head->n = LIES[i].n;
        head->value = LIES[i].value;
        cr_expect_eq(take_item(&pair.consumer), RING_PEER_BROKEN, "%zu", i);
        pair_close(&pair);
    }
}

/* Whatever the peer writes over our own words, we go on from what we know. */
Test(ring_broken, our_own_words_are_not_read_back) {
    struct pair pair = pair_make(2);
    struct ring_memory *memory = pair.producer.memory;
    put(&pair.producer, 1, 1);
    memory->producer.position = 77;
    memory->producer.bell = 1234;
    memory->n_slots = memory->slot_bytes = memory->magic = 0;
    put(&pair.producer, 2, 1);
    cr_expect_eq(take(&pair.consumer), 1);
    memory->consumer.position = 55;
    memory->consumer.waits = UINT64_MAX;
    cr_expect_eq(take(&pair.consumer), 2);
    cr_expect_eq(take(&pair.consumer), -RING_TIMEOUT);
    cr_expect_eq(acquire_slot(&pair.producer), 0);
    pair_close(&pair);
}

struct ringer {
    struct ring_layout layout;
    int shmid;
    pid_t producer;
    volatile int is_ready;
    int rings; /* changes the bell, or only wakes */
};

static void ring_for_nothing(void *arg) {
    struct ringer *ringer = arg;
    struct ring ring = {0};
    MUST(ring_attach(&ring, ringer->shmid, ringer->layout, geteuid(), ringer->producer) == 0);
    ringer->is_ready = 1;
    for (;;) {
        if (ringer->rings)
            ring.memory->consumer.bell++;
        syscall(SYS_futex, &ring.memory->consumer.bell, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
    }
}

static void check_ringer(int rings) {
    struct ringer *ringer = share(sizeof *ringer);
    struct ring ring;
    void *slot = NULL;
    *ringer = (struct ringer){.layout = layout_of(2, 1), .producer = getpid(), .rings = rings};
    cr_assert_eq(ring_create(&ring, ringer->layout, geteuid()), 0);
    ringer->shmid = ring.shmid;
    put(&ring, 1, 1);
    put(&ring, 2, 1);
    pid_t pid = child_start(AS_OURSELVES, ring_for_nothing, ringer);
    mono_time deadline = within_ms(20000);
    while (!ringer->is_ready && mono_now().ns < deadline.ns)
        usleep(1000);
    cr_expect_eq(ring_producer_acquire(&ring, deadline, &slot), RING_PEER_BROKEN);
    child_kill(pid);
    ring_close(&ring);
}

Test(ring_broken, who_rings_for_nothing_does_not_take_our_time) {
    check_ringer(1);
}

Test(ring_broken, who_wakes_for_nothing_does_not_take_our_time) {
    check_ringer(0);
}
