/* Sending one message at a time into a lane that others fill, too. */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>

#include "base/thread.h"
#include "ipc/queue.h"
#include "ipc/shm.h"
#include "unit/lib/batches.h"

static struct earshot *ours;
static int lane, mailbox;
static struct channel hub;
static bool is_patient; /* what gathers is left with the writer for longer than a test takes */

static void begin(void) {
    ours = link_new(0);
    ours->phase = LINK_JOINED;
    ours->limits.batch = BATCH_BYTES_MAX;
    ours->epoll_fd = ours->timer_fd = ours->wake_fd = -1;
    cr_assert_eq(pending_init(&ours->pending), 0);
    cr_assert_eq(control_init(&ours->control), 0);
    cr_assert_eq(writer_init(&ours->writer), 0);
    cr_assert_eq(queue_create_private(&lane), 0);
    atomic_store(&ours->lane, lane);
    ours->looked_at = mono_coarse();
    outgoing_reset(ours);
}

static void end(void) {
    writer_deinit(&ours->writer);
    cr_expect_eq(queue_remove(lane), 0);
    conduit_close(&ours->conduit);
    channel_close(&hub);
    if (mailbox > 0)
        cr_expect_eq(queue_remove(mailbox), 0);
    pending_deinit(&ours->pending);
    control_deinit(&ours->control);
    link_free(ours);
}

TestSuite(outgoing, .init = begin, .fini = end, .timeout = 60);

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
    if (is_patient && ours->outgoing.due.ns == 0)
        ours->outgoing.due = mono_add_ms(mono_now(), 1000000);
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
    is_patient = true;
    fill_lane();
    send_one();
    send_one();
    cr_expect_eq(ours->outgoing.n_frames, 2);
    cr_expect(earshot_is_waiting(ours));
}

/* Room for less than a full batch is not taken by one message after the other. */
Test(outgoing, 03_gathers_on_while_full_batches_must_wait) {
    is_patient = true;
    fill_lane();
    send_one();
    drop_one();
    unsigned n = send_batch();
    cr_expect_gt(n, 50);
    cr_expect_eq(take(), n);
}

Test(outgoing, 04_at_once_again_when_full_batches_had_room) {
    unsigned n_batches = 0;
    is_patient = true;
    fill_lane();
    send_one();
    while (take_one(&dropped) > 0)
        ;
    while (ours->outgoing.n_gather > 0) {
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

/* Waits for our next batch, and takes it. */
static unsigned await(void) {
    unsigned n;
    while ((n = take()) == 0) {
        size_t size = 0;
        cr_assert_eq(queue_receive(lane, &dropped, 0, &size, true), QUEUE_OK);
        struct cursor_in in = cursor_in_of(dropped.data, size);
        struct envelope envelope = {0};
        envelope_take(&in, &envelope);
        if (envelope.n_frames > 0)
            return envelope.n_frames;
    }
    return n;
}

Test(outgoing, 05_what_has_gathered_leaves_whatever_the_program_does_next) {
    fill_lane();
    send_one();
    cr_expect_eq(await(), 1);
}

Test(outgoing, 06_and_what_comes_then_comes_behind_it) {
    unsigned n = 0, n_sent = 0;
    for (int i = 0; i < 300; i++) {
        if (i % 20 == 0)
            fill_lane();
        for (int k = 0; k < i % 7; k++, n_sent++)
            send_one();
        while (i % 3 == 0 && n < n_sent)
            n += await();
    }
    while (n < n_sent)
        n += await();
    cr_expect_eq(n, n_sent);
    cr_expect_eq(earshot_n_unacknowledged(ours), n_sent);
}

Test(outgoing, 07_corked_it_stays_until_the_flush) {
    struct earshot_message message = {.to = "bob", .text = "a line", .text_n = 6};
    fill_lane();
    message.flags = EARSHOT_CORK;
    cr_assert_eq(earshot_send(ours, &message, NULL), EARSHOT_OK);
    cr_expect_not(ours->writer.has_left);
    cr_expect_not(ours->writer.running);
}

Test(outgoing, 08_a_link_that_is_given_up_takes_what_it_left_along) {
    is_patient = true;
    fill_lane();
    send_one();
    cr_expect(ours->writer.has_left);
    writer_stop(&ours->writer);
    cr_expect_not(ours->writer.has_left);
    while (take_one(&dropped) > 0)
        ;
    outgoing_reset(ours);
    pending_rewind(&ours->pending);
    send_one();
    cr_expect_eq(take(), 2);
}

/* --- what is heard of meanwhile --- */

#define KEPT 1000 /* several batches */

static void keep_one(unsigned number) {
    char text[16];
    struct cursor_out out;
    size_t n = (size_t)snprintf(text, sizeof text, "%u", number);
    struct frame frame = {.type = FRAME_SEND,
                          .send = {.id = uuid_random(),
                                   .kind = KIND_TEXT,
                                   .to = bytes_of("bob"),
                                   .total = (uint32_t)n,
                                   .body = {text, n}}};
    cr_assert(pending_reserve(&ours->pending, 256, &out));
    cr_assert(frame_put(&out, &frame));
    pending_commit(&ours->pending, &frame.send.id, &out);
}

/* Makes room once the watch has been heard. How many came that are not the next one, in `n_wrong`;
 * ends with the last one. */
static void *count_kept(void *n_wrong) {
    static struct queue_message message;
    struct envelope envelope;
    struct frame frame;
    size_t n;
    while (watch_has_fired(&ours->watch))
        sched_yield();
    for (unsigned next = 0; next < KEPT;) {
        if (queue_receive(lane, &message, 0, &n, true) != QUEUE_OK)
            break;
        struct cursor_in in = cursor_in_of(message.data, n);
        if (!envelope_take(&in, &envelope) || envelope.session != SESSION)
            continue; /* a filler */
        while (cursor_in_left(&in) > 0 && frame_take(&in, &frame, FROM_CLIENT) == FRAME_OK) {
            unsigned long number = strtoul(frame.send.body.data, NULL, 10);
            *(unsigned *)n_wrong += number != next;
            if (number >= next)
                next = (unsigned)number + 1;
        }
    }
    return NULL;
}

/* The writer tells that it is through, which this thread knew already: that sends a batch, in the
 * middle of sending one. */
Test(outgoing, 09_what_is_told_while_it_waits_for_room_makes_nothing_come_twice) {
    unsigned n_wrong = 0;
    pthread_t hub_thread;
    cr_assert_eq(reader_init(&ours->reader), 0);
    cr_assert_eq(wait_init(ours), 0);
    cr_assert_eq(watch_init(&ours->watch), 0);
    ours->watch.epoll_fd = ours->epoll_fd;
    ours->watch.hub_fd = ours->watch.mailbox = -1;
    fill_lane();
    for (unsigned i = 0; i < KEPT; i++)
        keep_one(i);
    event_set(ours->writer.done_fd);
    cr_assert_eq(watch_start(&ours->watch), 0);
    while (!watch_has_fired(&ours->watch))
        sched_yield();
    cr_assert_eq(pthread_create(&hub_thread, NULL, count_kept, &n_wrong), 0);
    while (outgoing_has_frames(ours))
        cr_assert_eq(outgoing_send(ours, OUTGOING_BLOCK, true), 0);
    pthread_join(hub_thread, NULL);
    cr_expect_eq(n_wrong, 0);
    cr_expect_eq(take(), 0);
    watch_deinit(&ours->watch);
    wait_deinit(ours);
    reader_deinit(&ours->reader);
}

/* Who is asked for READY gets nothing more before it: neither what the window waits for. */
Test(outgoing, 06_ready_goes_before_what_waits) {
    struct queue_message message;
    struct frame frame;
    ours->pollable = true;
    while (pending_is_half_full(&ours->pending) == false || ours->pending.n_unsent == 0) {
        send_one();
        while (take() > 0)
            ;
    }
    outgoing_ready(ours);
    cr_expect(outgoing_has_frames(ours));
    cr_assert_eq(outgoing_send(ours, OUTGOING_TRY, true), 0);
    size_t n = take_one(&message);
    struct cursor_in in = cursor_in_of(message.data + ENVELOPE_BYTES, n - ENVELOPE_BYTES);
    cr_assert_eq(frame_take(&in, &frame, FROM_CLIENT), FRAME_OK);
    cr_expect_eq(frame.type, FRAME_READY);
    cr_expect_gt(ours->pending.n_unsent, 0);
}

/* --- a channel --- */

static bool asks(void) {
    return channel_is_open(&ours->conduit.channel);
}

static void find_full(unsigned n) {
    for (unsigned i = 0; i < n; i++) {
        ours->outgoing.n_gather = 0;
        send_one();
    }
}

static void may_ask(bool may) {
    ours->hub.uid = geteuid();
    link_begin_channel(ours, may);
}

Test(outgoing, 10_asks_for_a_channel_when_it_was_full_often) {
    fill_lane();
    may_ask(true);
    find_full(CONDUIT_BUSY_N - 1);
    cr_expect_not(asks());
    find_full(1);
    cr_expect(asks());
}

Test(outgoing, 11_asks_no_hub_that_does_not_know_it) {
    fill_lane();
    ours->flags |= EARSHOT_CHANNEL;
    may_ask(false);
    find_full(CONDUIT_BUSY_N);
    cr_expect_not(asks());
}

Test(outgoing, 12_not_for_what_was_long_ago) {
    fill_lane();
    may_ask(true);
    find_full(CONDUIT_BUSY_N - 1);
    ours->conduit.busy_since = mono_add_ms(mono_coarse(), -2 * CONDUIT_BUSY_MS);
    find_full(1);
    cr_expect_not(asks());
    find_full(CONDUIT_BUSY_N - 1);
    cr_expect(asks());
}

static void hub_says(enum switch_to to, bool in_ring) {
    struct queue_message message = {.mtype = ours->conduit.pid};
    struct cursor_out out = cursor_out_of(message.data, sizeof message.data);
    envelope_put(&out, &(struct envelope){PROTO_VERSION, 1, SESSION});
    frame_put(&out, &(struct frame){.type = FRAME_SWITCH, .switch_to = {(uint8_t)to}});
    size_t n = cursor_out_used(&out);
    if (in_ring)
        cr_assert_eq(batch_ring_put(&hub.down, message.data, n), BATCH_RING_OK);
    else
        cr_assert_eq(queue_send(mailbox, &message, n, false), 0);
    cr_assert_eq(receive_batch(ours, CONDUIT_NOW, true), 0);
}

/* The program asks for a channel, and the hub has one for it. */
static void is_offered_one(void) {
    cr_assert_eq(queue_create_private(&mailbox), 0);
    ours->mailbox = ours->conduit.mailbox = mailbox;
    ours->conduit.pid = getpid();
    ours->flags |= EARSHOT_CHANNEL;
    may_ask(true);
    cr_assert(asks());
    cr_assert_eq(channel_attach(&hub, ours->conduit.channel.shmid, geteuid()), 0);
}

/* The type of the last frame of a batch, and how many it has. */
static unsigned last_of(const uint8_t *batch, size_t n, unsigned *n_frames) {
    struct cursor_in in = cursor_in_of(batch, n);
    struct envelope envelope;
    struct frame frame = {0};
    cr_assert(envelope_take(&in, &envelope));
    cr_assert_eq(envelope.session, SESSION);
    for (uint16_t i = 0; i < envelope.n_frames; i++)
        cr_assert_eq(frame_take(&in, &frame, FROM_CLIENT), FRAME_OK);
    *n_frames = envelope.n_frames;
    return frame.type;
}

static unsigned take_ring(unsigned *n_frames) {
    static uint8_t batch[BATCH_BYTES_MAX];
    size_t n;
    *n_frames = 0;
    return batch_ring_take(&hub.up, batch, &n) == BATCH_RING_OK ? last_of(batch, n, n_frames)
                                                                : FRAME_NONE;
}

static unsigned take_lane(unsigned *n_frames) {
    static struct queue_message message;
    size_t n = take_one(&message);
    *n_frames = 0;
    return n > 0 ? last_of(message.data, n, n_frames) : FRAME_NONE;
}

static void go_to_channel(void) {
    unsigned n;
    is_offered_one();
    hub_says(SWITCH_TO_CHANNEL, false);
    send_one();
    cr_assert_eq(take_lane(&n), FRAME_SWITCH);
    cr_assert_eq(n, 3, "CHANNEL, the message, SWITCH");
}

Test(outgoing, 13_each_message_at_once_through_the_channel) {
    unsigned n;
    go_to_channel();
    for (int i = 0; i < 3; i++)
        send_one();
    for (int i = 0; i < 3; i++) {
        cr_expect_eq(take_ring(&n), FRAME_SEND);
        cr_expect_eq(n, 1);
    }
    cr_expect_eq(take_ring(&n), FRAME_NONE);
    cr_expect_eq(take_lane(&n), FRAME_NONE);
}

Test(outgoing, 18_also_when_the_lane_was_full_before) {
    unsigned n;
    go_to_channel();
    ours->outgoing.n_gather = 8; /* the batch with the SWITCH had to wait for room */
    send_one();
    cr_expect_eq(take_ring(&n), FRAME_SEND);
}

/* What waits before a full lane goes before what goes through the channel. */
Test(outgoing, 14_nothing_behind_the_switch_in_its_batch) {
    unsigned n;
    fill_lane();
    is_offered_one();
    send_one();
    hub_says(SWITCH_TO_CHANNEL, false);
    cr_expect_eq(outgoing_send(ours, OUTGOING_TRY, false), EARSHOT_AGAIN);
    cr_expect(ours->outgoing.ends);
    while (take_one(&dropped) > 0)
        ;
    send_one();
    send_one();
    cr_expect_eq(take_lane(&n), FRAME_SWITCH);
    cr_expect_eq(n, 3);
    cr_expect_eq(take_ring(&n), FRAME_SEND);
    cr_expect_eq(n, 1);
    cr_expect_eq(take_ring(&n), FRAME_SEND);
}

Test(outgoing, 15_back_to_the_lane) {
    unsigned n;
    go_to_channel();
    hub_says(SWITCH_TO_QUEUE, true);
    send_one();
    send_one();
    cr_expect_eq(take_ring(&n), FRAME_SWITCH);
    cr_expect_eq(n, 2);
    cr_expect_eq(take_lane(&n), FRAME_SEND);
    cr_expect_not(asks());
}

Test(outgoing, 16_without_anything_to_say) {
    unsigned n;
    is_offered_one();
    hub_says(SWITCH_TO_CHANNEL, false);
    cr_expect(outgoing_has_frames(ours));
    cr_assert_eq(outgoing_send(ours, OUTGOING_LATER, false), 0);
    cr_expect_eq(take_lane(&n), FRAME_SWITCH);
    hub_says(SWITCH_TO_QUEUE, true);
    cr_expect(outgoing_has_frames(ours));
    cr_assert_eq(outgoing_send(ours, OUTGOING_LATER, false), 0);
    cr_expect_eq(take_ring(&n), FRAME_SWITCH);
    cr_expect_not(outgoing_has_frames(ours));
}

Test(outgoing, 17_refused_is_asked_for_later) {
    struct shm_segment segment;
    is_offered_one();
    channel_close(&hub);
    int shmid = ours->conduit.channel.shmid;
    hub_says(SWITCH_TO_QUEUE, false);
    send_one();
    cr_expect_not(asks());
    cr_expect_eq(shm_stat_any(shmid, &segment), SHM_GONE);
    fill_lane();
    find_full(CONDUIT_BUSY_N);
    cr_expect_not(asks());
    ours->conduit.ask_at = mono_coarse();
    find_full(CONDUIT_BUSY_N);
    cr_expect(asks());
}
