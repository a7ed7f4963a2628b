/* Sending one message at a time into a lane that others fill, too. */
#include <stdatomic.h>

#include "ipc/queue.h"
#include "unit/lib/batches.h"

static struct earshot *ours;
static int lane;

static void begin(void) {
    ours = link_new(0);
    ours->phase = LINK_JOINED;
    ours->limits.batch = BATCH_BYTES_MAX;
    ours->epoll_fd = ours->timer_fd = ours->wake_fd = -1;
    cr_assert_eq(pending_init(&ours->pending), 0);
    cr_assert_eq(queue_create_private(&lane), 0);
    atomic_store(&ours->lane, lane);
    ours->looked_at = mono_coarse();
    outgoing_reset(ours);
}

static void end(void) {
    cr_expect_eq(queue_remove(lane), 0);
    pending_deinit(&ours->pending);
    link_free(ours);
}

TestSuite(outgoing, .init = begin, .fini = end);

/* With batches of others, to the last byte. */
static void fill_lane(void) {
    static struct queue_message filler = {.mtype = HUB_MTYPE};
    const size_t sizes[] = {BATCH_BYTES_MAX, 1};
    for (unsigned i = 0; i < ARRAY_LEN(sizes); i++) {
        int r = QUEUE_OK;
        while (r == QUEUE_OK)
            r = queue_send(lane, &filler, sizes[i], false);
        cr_assert_eq(r, QUEUE_FULL);
    }
}

static size_t take_one(struct queue_message *message) {
    size_t n = 0;
    return queue_receive(lane, message, 0, &n, false) == QUEUE_OK ? n : 0;
}

static struct queue_message dropped;

/* The frames of our next batch in the lane, behind what the others have there; 0: none. */
static unsigned take(void) {
    static struct queue_message message;
    struct envelope envelope = {0};
    size_t n;
    while (envelope.n_frames == 0 && (n = take_one(&message)) > 0) {
        struct cursor_in in = cursor_in_of(message.data, n);
        envelope_take(&in, &envelope);
    }
    return envelope.n_frames;
}

static void drop_one(void) {
    cr_assert_gt(take_one(&dropped), 0);
}

static void send_one(void) {
    struct earshot_message message = {.to = "bob", .text = "a line", .text_n = 6};
    ours->looked_at = mono_coarse(); /* there is no hub to be looked for */
    cr_assert_eq(earshot_send(ours, &message, NULL), EARSHOT_OK);
}

/* Until a batch has gone; how many messages that took. */
static unsigned send_batch(void) {
    uint16_t before;
    unsigned n = 0;
    do {
        before = ours->outgoing.n_frames;
        send_one();
        n++;
    } while (ours->outgoing.n_frames > before);
    return n;
}

Test(outgoing, 01_at_once_while_there_is_room) {
    for (int i = 0; i < 3; i++) {
        send_one();
        cr_expect_eq(take(), 1);
    }
}

Test(outgoing, 02_gathered_while_there_is_none) {
    fill_lane();
    send_one();
    send_one();
    cr_expect_eq(ours->outgoing.n_frames, 2);
    cr_expect(earshot_is_waiting(ours));
}

static void never_try_for_its_age(void) {
    ours->outgoing.tried_at = mono_add_ms(mono_coarse(), 100000);
}

/* Room for less than a full batch is not taken by one message after the other. */
Test(outgoing, 03_gathers_on_while_full_batches_must_wait) {
    fill_lane();
    send_one();
    never_try_for_its_age();
    drop_one();
    unsigned n = send_batch();
    cr_expect_gt(n, 50);
    cr_expect_eq(take(), n);
}

Test(outgoing, 04_at_once_again_when_full_batches_had_room) {
    unsigned n_batches = 0;
    fill_lane();
    send_one();
    while (take_one(&dropped) > 0)
        ;
    while (ours->outgoing.n_gather > 0) {
        never_try_for_its_age();
        unsigned n = send_batch();
        n_batches++;
        cr_expect_gt(n, 50);
        cr_expect_geq(take(), n - 1);
        cr_assert_lt(n_batches, 100);
    }
    cr_expect_gt(n_batches, 1);
    take();
    send_one();
    cr_expect_eq(take(), 1);
}

Test(outgoing, 05_nothing_is_held_back_for_long) {
    fill_lane();
    send_one();
    drop_one();
    never_try_for_its_age();
    send_one();
    cr_expect_eq(ours->outgoing.n_frames, 2);
    ours->outgoing.tried_at = mono_add_ms(mono_coarse(), -1000);
    send_one();
    cr_expect_eq(ours->outgoing.n_frames, 0);
    cr_expect_eq(take(), 3);
}
