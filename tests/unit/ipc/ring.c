#include "ipc/ring.h"

#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>

#include "unit/ipc/ring_pair.h"

Test(ring, layouts) {
    uint32_t page = (uint32_t)sysconf(_SC_PAGESIZE);
    cr_expect(ring_layout_is_valid((struct ring_layout){RING_N_SLOTS, RING_SLOT_BYTES}));
    cr_expect(ring_layout_is_valid((struct ring_layout){RING_N_SLOTS_MAX, RING_SLOT_BYTES_MAX}));
    cr_expect(ring_layout_is_valid((struct ring_layout){RING_N_SLOTS_MIN, page}));
    static const struct ring_layout REFUSED[] = {
        {0, 262144}, {1, 262144},          {RING_N_SLOTS_MAX + 1, 262144},    {UINT32_MAX, 262144},
        {8, 0},      {8, 262144 + 1},      {8, RING_SLOT_BYTES_MAX + 262144}, {8, UINT32_MAX},
        {8, 100},    {UINT32_MAX / 2, 100}};
    for (size_t i = 0; i < sizeof REFUSED / sizeof REFUSED[0]; i++) {
        cr_expect_not(ring_layout_is_valid(REFUSED[i]), "%zu", i);
        cr_expect_eq(ring_size(REFUSED[i]), 0);
    }
    struct ring_layout layout = {8, 262144};
    cr_expect(ring_size_is_marked(ring_size(layout)));
    cr_expect_not(ring_size_is_marked((size_t)8 * 262144));
    cr_expect_gt(ring_size(layout), (size_t)8 * 262144);
}

Test(ring, first_in_first_out_and_no_more_than_its_slots) {
    struct pair pair = pair_make(3);
    cr_expect_eq(take(&pair.consumer), -RING_TIMEOUT);
    for (int round = 0; round < 10; round++) {
        for (int i = 0; i < 3; i++)
            cr_expect(put(&pair.producer, 10 * round + i, 1));
        cr_expect_not(put(&pair.producer, 99, 1), "it is full");
        cr_expect_eq(ring_fill(&pair.producer), 3);
        cr_expect_eq(ring_fill(&pair.consumer), 3);
        for (int i = 0; i < 3; i++)
            cr_expect_eq(take(&pair.consumer), 10 * round + i);
        cr_expect_eq(take(&pair.consumer), -RING_TIMEOUT);
        cr_expect_eq(ring_fill(&pair.producer), 0);
    }
    pair_close(&pair);
}

Test(ring, a_slot_is_lent_until_it_is_committed_or_released) {
    struct pair pair = pair_make(2);
    void *first = NULL, *again = NULL;
    cr_assert_eq(ring_producer_acquire(&pair.producer, RING_NOW, &first), 0);
    cr_assert_eq(ring_producer_acquire(&pair.producer, RING_NOW, &again), 0);
    cr_expect_eq(first, again);
    ring_producer_commit(&pair.producer, RING_DATA, 1);
    cr_expect(put(&pair.producer, 2, 1));
    struct ring_item item;
    cr_assert_eq(ring_consumer_acquire(&pair.consumer, RING_NOW, &item), 0);
    cr_expect_not(put(&pair.producer, 3, 1), "the consumer still reads the first");
    ring_consumer_release(&pair.consumer);
    cr_expect(put(&pair.producer, 3, 1));
    pair_close(&pair);
}

static bool is_there(const struct ring *ring, uint32_t slot) {
    unsigned char pages[4] = {0};
    size_t n = ring->layout.slot_bytes;
    cr_assert_eq(mincore(ring->slots + (size_t)slot * n, n, pages), 0);
    return (pages[0] & 1) != 0 && (pages[3] & 1) != 0;
}

Test(ring, the_producer_makes_the_pages_of_a_slot_before_it_is_used) {
    struct ring ring;
    void *slot = NULL;
    struct ring_layout layout = layout_of(3, 4);
    cr_assert_eq(ring_create(&ring, layout, geteuid()), 0);
    cr_expect(is_there(&ring, 0) && !is_there(&ring, 1));
    cr_expect(put(&ring, 1, 1));
    cr_expect_not(is_there(&ring, 1));
    cr_expect_eq(ring_producer_acquire(&ring, RING_NOW, &slot), 0);
    cr_expect(is_there(&ring, 1) && !is_there(&ring, 2));
    cr_expect(put(&ring, 2, 1) && put(&ring, 3, 1));
    cr_expect(is_there(&ring, 2));
    ring_close(&ring);
}

static void produce_without_memory(void *arg) {
    struct ring ring;
    void *slot = NULL;
    MUST(ring_create(&ring, layout_of(3, 4), geteuid()) == 0);
    MUST(ring_producer_acquire(&ring, RING_NOW, &slot) == 0);
    ring_producer_commit(&ring, RING_DATA, 1);
    /* Where nothing is mapped no page can be had. */
    MUST(munmap(ring.slots + ring.layout.slot_bytes, ring.layout.slot_bytes) == 0);
    *(int *)arg = ring_producer_acquire(&ring, RING_NOW, &slot);
    ring_close(&ring);
}

Test(ring, a_slot_without_pages_is_not_lent) {
    int *outcome = share(sizeof *outcome);
    cr_assert_eq(child_run(AS_OURSELVES, produce_without_memory, outcome), 0);
    cr_expect_eq(*outcome, RING_NO_MEMORY);
}

Test(ring, every_kind_arrives_as_it_was) {
    struct pair pair = pair_make(4);
    struct ring_item item;
    void *slot = NULL;
    uint32_t result = 0;
    cr_assert_eq(ring_producer_acquire(&pair.producer, RING_NOW, &slot), 0);
    memset(slot, 5, pair.producer.layout.slot_bytes);
    ring_producer_commit(&pair.producer, RING_DATA, pair.producer.layout.slot_bytes);
    cr_assert_eq(ring_producer_acquire(&pair.producer, RING_NOW, &slot), 0);
    ring_producer_commit_hole(&pair.producer, RING_HOLE_MAX);
    cr_assert_eq(ring_producer_acquire(&pair.producer, RING_NOW, &slot), 0);
    memcpy(slot, "name", 4);
    ring_producer_commit(&pair.producer, RING_RECORD, 4);
    put_end(&pair.producer, UINT32_MAX);
    cr_expect_eq(ring_producer_await(&pair.producer, RING_NOW, &result), RING_TIMEOUT);

    cr_assert_eq(ring_consumer_acquire(&pair.consumer, RING_NOW, &item), 0);
    cr_expect_eq(item.kind, RING_DATA);
    cr_expect_eq(item.n, pair.producer.layout.slot_bytes);
    cr_expect_eq(((const unsigned char *)item.data)[item.n - 1], 5);
    ring_consumer_release(&pair.consumer);
    cr_assert_eq(ring_consumer_acquire(&pair.consumer, RING_NOW, &item), 0);
    cr_expect(item.kind == RING_HOLE && item.hole == RING_HOLE_MAX && item.n == 0);
    ring_consumer_release(&pair.consumer);
    cr_assert_eq(ring_consumer_acquire(&pair.consumer, RING_NOW, &item), 0);
    cr_expect(item.kind == RING_RECORD && item.n == 4 && memcmp(item.data, "name", 4) == 0);
    ring_consumer_release(&pair.consumer);
    cr_assert_eq(ring_consumer_acquire(&pair.consumer, RING_NOW, &item), 0);
    cr_expect(item.kind == RING_END && item.n == 3 && item.status == UINT32_MAX);
    ring_consumer_finish(&pair.consumer, 0);
    cr_expect_eq(ring_producer_await(&pair.producer, RING_NOW, &result), 0);
    cr_expect_eq(result, 0);
    pair_close(&pair);
}

Test(ring, cancel_is_seen_by_the_other_side_and_final) {
    struct pair pair = pair_make(2);
    void *slot = NULL;
    cr_expect(put(&pair.producer, 1, 1));
    ring_cancel(&pair.consumer, 77);
    for (int i = 0; i < 2; i++) {
        cr_expect_eq(ring_producer_acquire(&pair.producer, RING_FOREVER, &slot),
                     RING_PEER_CANCELLED);
        cr_expect_eq(ring_peer_code(&pair.producer), 77);
    }
    ring_cancel(&pair.producer, 5);
    cr_expect_eq(take(&pair.consumer), -RING_PEER_CANCELLED, "what is in the ring is void");
    cr_expect_eq(ring_peer_code(&pair.consumer), 5);
    pair_close(&pair);
}

Test(ring, closing_without_a_word_is_a_cancel) {
    struct pair pair = pair_make(2), other = pair_make(2);
    struct ring_item item;
    uint32_t result;
    ring_close(&pair.producer);
    cr_expect_eq(ring_consumer_acquire(&pair.consumer, RING_FOREVER, &item), RING_PEER_CANCELLED);
    cr_expect_eq(ring_peer_code(&pair.consumer), RING_CODE_CLOSED);
    ring_close(&pair.consumer);

    put_end(&other.producer, 0);
    ring_close(&other.consumer);
    cr_expect_eq(ring_producer_await(&other.producer, RING_FOREVER, &result), RING_PEER_CANCELLED);
    cr_expect_eq(ring_peer_code(&other.producer), RING_CODE_CLOSED);
    ring_close(&other.producer);
}

Test(ring, closing_after_the_end_is_none) {
    struct pair pair = pair_make(2), other = pair_make(2);
    struct ring_item item;
    uint32_t result = 0;
    put_end(&pair.producer, 0);
    ring_close(&pair.producer);
    cr_expect_eq(ring_consumer_acquire(&pair.consumer, RING_FOREVER, &item), 0);
    ring_close(&pair.consumer);

    put_end(&other.producer, 0);
    cr_assert_eq(ring_consumer_acquire(&other.consumer, RING_FOREVER, &item), 0);
    ring_consumer_finish(&other.consumer, 4);
    ring_close(&other.consumer);
    cr_expect_eq(ring_producer_await(&other.producer, RING_FOREVER, &result), 0);
    cr_expect_eq(result, 4);
    ring_close(&other.producer);
}

Test(ring, deadlines_and_stop_flags_end_waiting) {
    struct pair pair = pair_make(2);
    struct ring_item item;
    atomic_bool stop = false;
    mono_time start = mono_now();
    cr_expect_eq(ring_consumer_acquire(&pair.consumer, within_ms(250), &item), RING_TIMEOUT);
    int64_t ms = mono_ms_until(start, mono_now());
    cr_expect(ms >= 250 && ms < 5000, "%d ms", (int)ms);
    ring_set_stop(&pair.consumer, &stop);
    stop = true;
    cr_expect_eq(ring_consumer_acquire(&pair.consumer, RING_FOREVER, &item), RING_STOPPED);
    stop = false;
    cr_expect_eq(ring_consumer_acquire(&pair.consumer, RING_NOW, &item), RING_TIMEOUT);
    pair_close(&pair);
}

Test(ring, only_the_right_segment_is_attached) {
    struct ring producer, consumer = {0};
    struct ring_layout layout = layout_of(4, 1), other = layout_of(2, 2);
    cr_assert_eq(ring_create(&producer, layout, geteuid()), 0);
    int shmid = producer.shmid;
    cr_expect_not(ring_is_met(&producer));
    cr_expect_eq(ring_attach(&consumer, shmid, other, geteuid(), 0), 0,
                 "of the same size, which harms nobody");
    cr_expect(ring_is_met(&producer));
    ring_close(&consumer);
    producer.memory->consumer.cancel = 0;
    cr_expect_eq(ring_attach(&consumer, shmid, layout_of(5, 1), geteuid(), 0), SHM_UNEXPECTED);
    cr_expect_eq(ring_attach(&consumer, shmid, layout, geteuid() + 1, 0), SHM_UNEXPECTED);
    cr_expect_eq(ring_attach(&consumer, shmid, layout, geteuid(), getppid()), SHM_UNEXPECTED);
    cr_expect_eq(producer.memory->consumer.cancel, 0, "who is refused does not cancel it");
    cr_expect_not(ring_is_met(&producer));
    ring_close(&producer);
    cr_expect_eq(ring_attach(&consumer, shmid, layout, geteuid(), 0), SHM_GONE);
    cr_expect_null(consumer.memory);
    ring_close(&consumer);
}

Test(ring, can_be_looked_at) {
    struct pair pair = pair_make(4);
    struct ring_view view;
    put(&pair.producer, 1, 1);
    put(&pair.producer, 2, 1);
    put(&pair.producer, 3, 1);
    take(&pair.consumer);
    cr_assert_eq(ring_look(pair.producer.shmid, &view), 0);
    cr_expect(view.layout.n_slots == 4 && view.fill == 2);
    cr_expect(view.n_produced == 3 && view.n_consumed == 1);
    cr_expect_not(view.producer_waits || view.consumer_waits);
    pair.producer.memory->producer.position = 1000;
    cr_assert_eq(ring_look(pair.producer.shmid, &view), 0);
    cr_expect_eq(view.fill, 4, "a liar's ring is at most full");
    pair.producer.memory->n_slots = 3;
    cr_expect_eq(ring_look(pair.producer.shmid, &view), SHM_UNEXPECTED);
    int shmid = pair.producer.shmid;
    pair_close(&pair);
    cr_expect_eq(ring_look(shmid, &view), SHM_GONE);
}

static void leave_behind(void *arg) {
    size_t size = ring_size(layout_of(4, 1));
    *(int *)arg = shmget(IPC_PRIVATE, size, IPC_CREAT | 0600);
    MUST(*(int *)arg >= 0);
}

Test(ring, what_a_killed_producer_left_is_swept) {
    int *shmid = share(2 * sizeof *shmid);
    struct shm_segment segment;
    cr_assert_eq(child_run(AS_OURSELVES, leave_behind, shmid), 0);
    cr_expect_eq(shm_stat_any(*shmid, &segment), 0);
    leave_behind(shmid + 1);
    cr_expect_geq(ring_sweep(), 1);
    cr_expect_eq(shm_stat_any(*shmid, &segment), SHM_GONE);
    cr_expect_eq(shm_stat_any(shmid[1], &segment), 0, "its creator lives: it may be in the making");
    cr_expect_eq(shm_remove(shmid[1]), 0);
}

Test(ring, outcomes_have_texts) {
    for (int i = RING_OK; i <= RING_NO_MEMORY; i++)
        cr_expect_str_neq(ring_outcome_text((enum ring_outcome)i), "unknown outcome");
    cr_expect_str_eq(ring_outcome_text((enum ring_outcome)99), "unknown outcome");
}
