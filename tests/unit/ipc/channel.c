#include "ipc/channel.h"

#include <string.h>

#include "base/macro.h"
#include "ipc/shm.h"
#include "proto/frame.h"
#include "unit/ipc/child.h"

/* Both sides, in one process. */
struct both {
    struct channel client, hub;
};

static struct both both_open(void) {
    struct both both = {0};
    cr_assert_eq(channel_create(&both.client, geteuid()), 0);
    cr_assert_eq(channel_attach(&both.hub, both.client.shmid, geteuid()), 0);
    return both;
}

static void both_close(struct both *both) {
    struct shm_segment segment;
    int shmid = both->client.shmid;
    channel_close(&both->client);
    cr_expect_eq(shm_stat_any(shmid, &segment), SHM_OK, "the other side still has it");
    channel_close(&both->hub);
    channel_close(&both->hub);
    cr_expect_eq(shm_stat_any(shmid, &segment), SHM_GONE);
}

/* Batch number i: its length and its bytes depend on it. */
static size_t batch_of(unsigned i, uint8_t batch[BATCH_BYTES_MAX]) {
    size_t n = 1 + i * 797 % BATCH_BYTES_MAX;
    memset(batch, (int)(i % 251), n);
    return n;
}

static int ring_put(struct batch_ring *ring, unsigned i) {
    uint8_t batch[BATCH_BYTES_MAX];
    size_t n = batch_of(i, batch);
    return batch_ring_put(ring, batch, n);
}

static void expect_batch(unsigned i, const void *batch, size_t n) {
    uint8_t expected[BATCH_BYTES_MAX];
    cr_assert_eq(n, batch_of(i, expected));
    cr_assert_eq(memcmp(batch, expected, n), 0);
}

static void expect_take(struct batch_ring *ring, unsigned i) {
    uint8_t batch[BATCH_BYTES_MAX];
    size_t n = 0;
    cr_assert_eq(batch_ring_take(ring, batch, &n), BATCH_RING_OK);
    expect_batch(i, batch, n);
}

static int ring_take(struct batch_ring *ring) {
    uint8_t batch[BATCH_BYTES_MAX];
    size_t n;
    return batch_ring_take(ring, batch, &n);
}

/* The raw words of a ring, as a hostile other side has them. */
#define LINE 128
static uint32_t *word_of(struct batch_ring *ring, unsigned line) {
    return (uint32_t *)(void *)((uint8_t *)ring->memory + (size_t)line * LINE);
}
enum { WORD_HEAD, WORD_TAIL, WORD_READER_SLEEPS, WORD_WRITER_WAITS, WORD_BYTES };

Test(channel, batches_come_out_in_order_across_the_end_of_the_ring) {
    struct both both = both_open();
    unsigned n_put = 0, n_taken = 0;
    while (n_taken < 1000) {
        while (ring_put(&both.client.up, n_put) == BATCH_RING_OK)
            n_put++;
        expect_take(&both.hub.up, n_taken++);
    }
    while (n_taken < n_put)
        expect_take(&both.hub.up, n_taken++);
    cr_expect_eq(ring_take(&both.hub.up), BATCH_RING_EMPTY);
    cr_expect_eq(ring_take(&both.client.down), BATCH_RING_EMPTY, "the other direction has nothing");
    both_close(&both);
}

Test(channel, positions_wrap) {
    struct both both = both_open();
    uint32_t near = UINT32_MAX - 5000;
    both.hub.down.own = both.hub.down.peer = both.client.down.own = both.client.down.peer = near;
    *word_of(&both.hub.down, WORD_HEAD) = *word_of(&both.hub.down, WORD_TAIL) = near;
    for (unsigned i = 0; i < 100; i++) {
        cr_assert_eq(ring_put(&both.hub.down, i), BATCH_RING_OK);
        expect_take(&both.client.down, i);
    }
    both_close(&both);
}

Test(channel, many_records_are_taken_at_once) {
    static uint8_t records[BATCH_RECORD_HEAD + BATCH_BYTES_MAX];
    struct both both = both_open();
    struct bytes batch;
    unsigned n_put = 0, n_taken = 0;
    while (n_taken < 500) {
        size_t n = 0, at = 0;
        while (ring_put(&both.client.up, n_put) == BATCH_RING_OK)
            n_put++;
        cr_assert_eq(batch_ring_take_records(&both.hub.up, records, sizeof records, &n), 0);
        while (batch_record_next(records, n, &at, &batch))
            expect_batch(n_taken++, batch.data, batch.n);
    }
    both_close(&both);
}

Test(channel, a_full_ring_takes_nothing_until_there_is_room) {
    struct both both = both_open();
    uint8_t batch[BATCH_BYTES_MAX] = {1};
    unsigned n = 0;
    while (batch_ring_put(&both.client.up, batch, sizeof batch) == BATCH_RING_OK)
        n++;
    cr_expect_eq(n, CHANNEL_RING_BYTES / (BATCH_RECORD_HEAD + sizeof batch));
    cr_expect_eq(batch_ring_fill(&both.hub.up), n * (BATCH_RECORD_HEAD + sizeof batch));
    cr_expect_eq(ring_take(&both.hub.up), BATCH_RING_OK);
    cr_expect_eq(batch_ring_put(&both.client.up, batch, sizeof batch), BATCH_RING_OK);
    both_close(&both);
}

Test(channel, who_sleeps_is_due_once) {
    struct both both = both_open();
    cr_expect(!batch_ring_is_reader_due(&both.client.up), "it has not said so");
    cr_expect(batch_ring_reader_sleeps(&both.hub.up));
    cr_assert_eq(ring_put(&both.client.up, 1), BATCH_RING_OK);
    cr_expect(batch_ring_is_reader_due(&both.client.up));
    cr_expect(!batch_ring_is_reader_due(&both.client.up));
    cr_expect(!batch_ring_reader_sleeps(&both.hub.up), "something is there");
    cr_expect(!batch_ring_is_reader_due(&both.client.up), "so it does not sleep");
    both_close(&both);
}

Test(channel, who_waits_for_room_is_due_when_half_of_it_is_free) {
    struct both both = both_open();
    uint8_t batch[BATCH_BYTES_MAX] = {1};
    cr_expect(!batch_ring_writer_waits(&both.hub.down, sizeof batch), "there is room");
    while (batch_ring_put(&both.hub.down, batch, sizeof batch) == BATCH_RING_OK)
        ;
    cr_expect(batch_ring_writer_waits(&both.hub.down, sizeof batch));
    unsigned n_due = 0;
    while (ring_take(&both.client.down) == BATCH_RING_OK) {
        bool is_due = batch_ring_is_writer_due(&both.client.down);
        cr_expect(!is_due || batch_ring_fill(&both.client.down) <= CHANNEL_RING_BYTES / 2);
        n_due += is_due;
    }
    cr_expect_eq(n_due, 1);
    cr_expect(!batch_ring_writer_waits(&both.hub.down, sizeof batch));
    both_close(&both);
}

/* Whatever the other side writes, nothing is read or written outside, and it is noticed. */

Test(channel, a_head_beyond_the_ring_breaks_it) {
    struct both both = both_open();
    *word_of(&both.client.up, WORD_HEAD) = CHANNEL_RING_BYTES + 1;
    cr_expect_eq(ring_take(&both.hub.up), BATCH_RING_BROKEN);
    *word_of(&both.client.up, WORD_HEAD) = 0;
    cr_expect_eq(ring_take(&both.hub.up), BATCH_RING_BROKEN, "it stays so");
    cr_expect(!batch_ring_reader_sleeps(&both.hub.up), "nobody sleeps before a broken ring");
    both_close(&both);
}

Test(channel, a_head_that_goes_back_breaks_it) {
    struct both both = both_open();
    cr_assert_eq(ring_put(&both.client.up, 7), BATCH_RING_OK);
    expect_take(&both.hub.up, 7);
    *word_of(&both.client.up, WORD_HEAD) = 0;
    cr_expect_eq(ring_take(&both.hub.up), BATCH_RING_BROKEN);
    both_close(&both);
}

Test(channel, a_tail_that_lies_breaks_it) {
    const uint32_t lies[] = {1, CHANNEL_RING_BYTES, UINT32_MAX - 70000, 8069};
    for (unsigned i = 0; i < ARRAY_LEN(lies); i++) {
        struct both both = both_open();
        uint8_t batch[BATCH_BYTES_MAX] = {1};
        while (batch_ring_put(&both.hub.down, batch, sizeof batch) == BATCH_RING_OK)
            ;
        *word_of(&both.client.down, WORD_TAIL) = both.hub.down.own + lies[i];
        int r = batch_ring_put(&both.hub.down, batch, sizeof batch);
        cr_expect(r == BATCH_RING_BROKEN, "tail + %u: %d", lies[i], r);
        both_close(&both);
    }
}

Test(channel, a_length_that_lies_breaks_it) {
    static uint8_t records[CHANNEL_RING_BYTES];
    const uint32_t lies[] = {0, BATCH_BYTES_MAX + 1, 100, UINT32_MAX};
    for (unsigned i = 0; i < ARRAY_LEN(lies); i++) {
        struct both both = both_open();
        size_t n;
        memcpy(word_of(&both.client.up, WORD_BYTES), &lies[i], sizeof lies[i]);
        *word_of(&both.client.up, WORD_HEAD) = 50;
        if (i % 2)
            cr_expect_eq(ring_take(&both.hub.up), BATCH_RING_BROKEN);
        else
            cr_expect_eq(batch_ring_take_records(&both.hub.up, records, sizeof records, &n),
                         BATCH_RING_BROKEN);
        both_close(&both);
    }
}

Test(channel, a_record_shorter_than_its_head_breaks_it) {
    struct both both = both_open();
    *word_of(&both.client.up, WORD_HEAD) = 3;
    cr_expect_eq(ring_take(&both.hub.up), BATCH_RING_BROKEN);
    both_close(&both);
}

Test(channel, the_segment_must_be_what_was_promised) {
    struct channel channel = {0};
    void *memory;
    int shmid;
    cr_assert_eq(shm_create(&shmid, &memory, channel_bytes() - 4096, geteuid()), 0);
    cr_expect_eq(channel_attach(&channel, shmid, geteuid()), SHM_UNEXPECTED, "another size");
    shm_detach(memory);
    struct both both = both_open();
    cr_expect_eq(channel_attach(&channel, both.client.shmid, geteuid() + 1), SHM_UNEXPECTED);
    cr_expect(!channel_is_open(&channel));
    both_close(&both);
    cr_expect_eq(channel_attach(&channel, 12345, geteuid()), SHM_GONE);
    cr_expect_eq(channel_attach(&channel, -1, geteuid()), SHM_GONE);
}

/* Two processes, both of which sleep whenever they may; the bells are bytes in pipes. */

#define N_BATCHES 30000

static void bell_ring(int fd) {
    char c = 0;
    MUST(write(fd, &c, 1) == 1);
}

static void bell_await(int fd) {
    char c;
    MUST(read(fd, &c, 1) == 1);
}

struct bells {
    int shmid, to_hub[2], to_client[2];
};

static void put_all(void *arg) {
    const struct bells *bells = arg;
    struct channel channel = {0};
    uint8_t batch[BATCH_BYTES_MAX];
    MUST(channel_attach(&channel, bells->shmid, geteuid()) == 0);
    for (unsigned i = 0; i < N_BATCHES;) {
        size_t n = batch_of(i, batch);
        int r = batch_ring_put(&channel.up, batch, n);
        MUST(r != BATCH_RING_BROKEN);
        if (r == BATCH_RING_FULL) {
            if (batch_ring_writer_waits(&channel.up, n))
                bell_await(bells->to_client[0]);
            continue;
        }
        i++;
        if (batch_ring_is_reader_due(&channel.up))
            bell_ring(bells->to_hub[1]);
    }
    channel_close(&channel);
}

Test(channel, two_processes_sleep_and_wake, .timeout = 120) {
    struct both both = both_open();
    struct bells bells = {.shmid = both.client.shmid};
    cr_assert(pipe(bells.to_hub) == 0 && pipe(bells.to_client) == 0);
    pid_t child = child_start(AS_OURSELVES, put_all, &bells);
    for (unsigned i = 0; i < N_BATCHES;) {
        uint8_t batch[BATCH_BYTES_MAX];
        size_t n;
        int r = batch_ring_take(&both.hub.up, batch, &n);
        cr_assert(r != BATCH_RING_BROKEN);
        if (r == BATCH_RING_EMPTY) {
            if (batch_ring_reader_sleeps(&both.hub.up))
                bell_await(bells.to_hub[0]);
            continue;
        }
        expect_batch(i++, batch, n);
        if (batch_ring_is_writer_due(&both.hub.up))
            bell_ring(bells.to_client[1]);
    }
    cr_expect_eq(child_end(child), 0);
    both_close(&both);
}
