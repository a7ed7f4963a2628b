/* The client's side of a channel; the hub's is this process, too. */
#include "lib/conduit.h"

#include <poll.h>
#include <string.h>

#include "base/thread.h"
#include "ipc/shm.h"
#include "unit/lib/batches.h"

static struct conduit conduit;
static struct channel hub;
static struct inbox_batch got;

static void begin(void) {
    conduit = (struct conduit){.pid = getpid(), .session = SESSION};
    cr_assert_eq(queue_create_private(&conduit.mailbox), 0);
    cr_assert_eq(queue_create_private(&conduit.lane), 0);
    conduit.room_fd = event_open();
    cr_assert_eq(conduit_ask(&conduit, geteuid()), 0);
    cr_assert_eq(channel_attach(&hub, conduit.channel.shmid, geteuid()), 0);
}

static void end(void) {
    conduit_close(&conduit);
    channel_close(&hub);
    close(conduit.room_fd);
    cr_expect_eq(queue_remove(conduit.lane), 0);
    queue_remove(conduit.mailbox);
}

TestSuite(conduit, .init = begin, .fini = end);

/* --- the hub --- */

/* A batch of one line, told by its number, and perhaps a SWITCH. */
static size_t make_batch(struct queue_message *message, unsigned number, int to) {
    struct cursor_out out = cursor_out_of(message->data, sizeof message->data);
    uint16_t n_frames = to < 0 ? 1 : 2;
    message->mtype = conduit.pid;
    envelope_put(&out, &(struct envelope){PROTO_VERSION, n_frames, SESSION});
    frame_put(&out, &(struct frame){.type = FRAME_MISSED, .missed = {number}});
    if (to >= 0)
        frame_put(&out, &(struct frame){.type = FRAME_SWITCH, .switch_to = {(uint8_t)to}});
    return cursor_out_used(&out);
}

#define NO_SWITCH (-1)

static void hub_mails(unsigned number, int to) {
    struct queue_message message;
    size_t n = make_batch(&message, number, to);
    cr_assert_eq(queue_send(conduit.mailbox, &message, n, false), 0);
}

static void hub_writes(unsigned number, int to) {
    struct queue_message message;
    size_t n = make_batch(&message, number, to);
    cr_assert_eq(batch_ring_put(&hub.down, message.data, n), BATCH_RING_OK);
}

static void hub_rings(void) {
    cr_assert_eq(queue_ring_bell(conduit.mailbox, conduit.pid, SESSION), 0);
}

static bool hub_hears(void) {
    struct queue_message bell;
    size_t n;
    return queue_receive(conduit.lane, &bell, HUB_MTYPE, &n, false) == QUEUE_OK;
}

/* --- the client --- */

static void expect_batch(enum conduit_wait how, unsigned number) {
    struct envelope envelope;
    struct frame frame;
    cr_assert_eq(conduit_receive(&conduit, &got, how), QUEUE_OK);
    got.in = cursor_in_of(got.message.data, got.n);
    cr_assert(envelope_take(&got.in, &envelope));
    cr_assert_eq(frame_take(&got.in, &frame, FROM_HUB), FRAME_OK);
    cr_assert_eq(frame.missed.n, number);
}

static void expect(unsigned number) {
    expect_batch(CONDUIT_NOW, number);
}

static void expect_outcome(int outcome) {
    cr_assert_eq(conduit_receive(&conduit, &got, CONDUIT_NOW), outcome);
}

static void switch_to_channel(void) {
    hub_mails(0, SWITCH_TO_CHANNEL);
    expect(0);
    cr_assert_eq(conduit_owes(&conduit), SWITCH_TO_CHANNEL);
    conduit_switched(&conduit);
    cr_assert_eq(conduit_owes(&conduit), NO_SWITCH);
}

Test(conduit, 01_there_and_back) {
    hub_mails(1, NO_SWITCH);
    hub_writes(4, NO_SWITCH);
    hub_mails(2, NO_SWITCH);
    hub_mails(3, SWITCH_TO_CHANNEL);
    expect(1);
    cr_expect_eq(conduit_owes(&conduit), NO_SWITCH);
    expect(2);
    expect(3);
    cr_expect_eq(conduit_owes(&conduit), SWITCH_TO_CHANNEL);
    expect(4);
    expect_outcome(QUEUE_EMPTY);
    conduit_switched(&conduit);
    hub_writes(5, SWITCH_TO_QUEUE);
    expect(5);
    cr_expect_eq(conduit_owes(&conduit), SWITCH_TO_QUEUE);
    hub_mails(6, NO_SWITCH);
    expect(6);
    conduit_switched(&conduit);
    cr_expect_not(channel_is_open(&conduit.channel));
    hub_mails(7, NO_SWITCH);
    expect(7);
    cr_expect_eq(conduit_ask(&conduit, geteuid()), 0, "it may be asked again");
}

/* The hub goes back before the client has gone: it has two steps to make. */
Test(conduit, 02_both_switches_are_owed) {
    hub_mails(1, SWITCH_TO_CHANNEL);
    hub_writes(2, SWITCH_TO_QUEUE);
    expect(1);
    expect(2);
    cr_assert_eq(conduit_owes(&conduit), SWITCH_TO_CHANNEL);
    conduit_switched(&conduit);
    cr_assert_eq(conduit_owes(&conduit), SWITCH_TO_QUEUE);
    conduit_switched(&conduit);
    cr_assert_eq(conduit_owes(&conduit), NO_SWITCH);
}

Test(conduit, 03_refused_is_given_back) {
    struct shm_segment segment;
    int shmid = conduit.channel.shmid;
    channel_close(&hub);
    hub_mails(1, SWITCH_TO_QUEUE);
    expect(1);
    cr_expect_eq(conduit_owes(&conduit), NO_SWITCH);
    conduit_settle(&conduit);
    cr_expect_eq(shm_stat_any(shmid, &segment), SHM_GONE);
    cr_expect_gt(conduit.ask_at.ns, mono_coarse().ns);
    hub_mails(2, NO_SWITCH);
    expect(2);
}

/* Whoever finds something in the mailbox takes all first that was sent before it. */
Test(conduit, 04_the_mailbox_waits_for_the_ring) {
    switch_to_channel();
    hub_writes(1, NO_SWITCH);
    hub_writes(2, SWITCH_TO_QUEUE);
    hub_mails(3, NO_SWITCH);
    hub_mails(4, NO_SWITCH);
    expect_batch(CONDUIT_FOR_ROOM, 1);
    expect_batch(CONDUIT_FOR_ROOM, 2);
    expect(3);
    expect(4);
    expect_outcome(QUEUE_EMPTY);
}

Test(conduit, 05_who_waits_for_room_leaves_the_ring_alone) {
    switch_to_channel();
    hub_writes(1, NO_SWITCH);
    hub_rings();
    cr_assert_eq(conduit_receive(&conduit, &got, CONDUIT_FOR_ROOM), QUEUE_OK);
    cr_expect(conduit_is_bell(&got));
    expect(1);
}

Test(conduit, 06_a_bell_ends_a_wait) {
    switch_to_channel();
    hub_rings();
    cr_assert_eq(conduit_receive(&conduit, &got, CONDUIT_WAIT), QUEUE_OK);
    cr_expect(conduit_is_bell(&got));
    cr_expect_not(batch_ring_is_reader_due(&hub.down), "nobody sleeps any more");
    hub_writes(1, NO_SWITCH);
    expect_batch(CONDUIT_WAIT, 1);
}

static void expect_broken(void) {
    expect_outcome(QUEUE_GONE);
    cr_expect(conduit.is_broken);
    expect_outcome(QUEUE_GONE);
}

Test(conduit, 10_mail_without_a_switch_before_it) {
    switch_to_channel();
    hub_writes(1, NO_SWITCH);
    hub_mails(2, NO_SWITCH);
    expect_batch(CONDUIT_FOR_ROOM, 1);
    expect_broken();
}

Test(conduit, 11_a_switch_that_nobody_asked_for) {
    hub_mails(1, SWITCH_TO_QUEUE);
    expect(1);
    conduit_settle(&conduit);
    hub_mails(2, SWITCH_TO_CHANNEL);
    expect_broken();
}

Test(conduit, 12_a_switch_to_where_it_is) {
    switch_to_channel();
    hub_writes(1, SWITCH_TO_CHANNEL);
    expect_broken();
}

Test(conduit, 13_a_ring_that_makes_no_sense) {
    switch_to_channel();
    hub.down.own += CHANNEL_RING_BYTES; /* as if the client had taken so much */
    hub.down.peer += CHANNEL_RING_BYTES;
    hub_writes(1, NO_SWITCH);
    expect_broken();
}

/* Only a whole frame at the end of a batch is one, whatever a text looks like. */
Test(conduit, 14_what_looks_like_a_switch) {
    static const char fake[] = {5, 0, FRAME_SWITCH, 0, SWITCH_TO_CHANNEL};
    struct queue_message message = {.mtype = conduit.pid};
    struct cursor_out out = cursor_out_of(message.data, sizeof message.data);
    envelope_put(&out, &(struct envelope){PROTO_VERSION, 1, SESSION});
    frame_put(&out, &(struct frame){.type = FRAME_PART, .part = {{fake, sizeof fake}}});
    cr_assert_eq(queue_send(conduit.mailbox, &message, cursor_out_used(&out), false), 0);
    expect_outcome(QUEUE_OK);
    cr_expect_eq(conduit_owes(&conduit), NO_SWITCH);
    cr_expect_eq(memcmp(message.data + cursor_out_used(&out) - sizeof fake, fake, sizeof fake), 0);
}

Test(conduit, 15_what_was_said_before_the_mailbox_was_removed) {
    switch_to_channel();
    hub_writes(1, NO_SWITCH);
    cr_assert_eq(queue_remove(conduit.mailbox), 0);
    expect_batch(CONDUIT_WAIT, 1);
    cr_expect_eq(conduit_receive(&conduit, &got, CONDUIT_WAIT), QUEUE_GONE);
    cr_expect_not(conduit.is_broken);
}

/* --- sending --- */

static int put(void) {
    struct queue_message message;
    return conduit_put(&conduit, message.data, make_batch(&message, 1, NO_SWITCH));
}

Test(conduit, 20_the_bell_rings_for_who_sleeps) {
    switch_to_channel();
    cr_assert_eq(put(), QUEUE_OK);
    cr_expect_not(hub_hears());
    cr_assert_eq(batch_ring_take(&hub.up, got.message.data, &got.n), BATCH_RING_OK);
    cr_assert(batch_ring_reader_sleeps(&hub.up));
    cr_assert_eq(put(), QUEUE_OK);
    cr_expect(hub_hears());
    cr_assert_eq(put(), QUEUE_OK);
    cr_expect_not(hub_hears());
}

Test(conduit, 21_the_hub_hears_that_there_is_room) {
    struct queue_message message = {0};
    switch_to_channel();
    while (batch_ring_put(&hub.down, message.data, BATCH_BYTES_MAX) == BATCH_RING_OK)
        ;
    cr_assert(batch_ring_writer_waits(&hub.down, BATCH_BYTES_MAX));
    expect_outcome(QUEUE_OK);
    cr_expect_not(hub_hears());
    for (int i = 0; i < 4; i++)
        expect_outcome(QUEUE_OK);
    cr_expect(hub_hears());
}

static bool room_is_told(void) {
    struct pollfd room = {.fd = conduit.room_fd, .events = POLLIN};
    return poll(&room, 1, 0) > 0;
}

static void hub_takes_all(void) {
    int r = BATCH_RING_OK;
    while (r == BATCH_RING_OK) {
        r = batch_ring_take(&hub.up, got.message.data, &got.n);
        if (batch_ring_is_writer_due(&hub.up))
            hub_rings();
    }
}

Test(conduit, 22_the_hub_rings_when_there_is_room) {
    switch_to_channel();
    int r = QUEUE_OK;
    while (r == QUEUE_OK)
        r = put();
    cr_assert_eq(r, QUEUE_FULL);
    cr_assert(conduit_wait_for_room(&conduit, BATCH_BYTES_MAX, true));
    cr_expect_not(room_is_told());
    hub_takes_all();
    cr_assert_eq(conduit_receive(&conduit, &got, CONDUIT_WAIT), QUEUE_OK);
    cr_expect(conduit_is_bell(&got));
    cr_expect(room_is_told());
    cr_expect_not(conduit_wait_for_room(&conduit, BATCH_BYTES_MAX, true));
    cr_assert_eq(put(), QUEUE_OK);
}

Test(conduit, 23_a_lane_that_is_removed_is_a_lost_hub) {
    switch_to_channel();
    cr_assert(batch_ring_reader_sleeps(&hub.up));
    cr_assert_eq(queue_remove(conduit.lane), 0);
    cr_expect_eq(put(), QUEUE_GONE);
    cr_assert_eq(queue_create_private(&conduit.lane), 0);
}

Test(conduit, 24_a_hub_that_takes_more_than_there_is) {
    switch_to_channel();
    struct queue_message message = {0};
    int r = QUEUE_OK;
    cr_assert_eq(put(), QUEUE_OK);
    *(uint32_t *)(void *)((uint8_t *)hub.up.memory + 128) = CHANNEL_RING_BYTES; /* its position */
    for (int i = 0; i < 16 && r == QUEUE_OK; i++)
        r = conduit_put(&conduit, message.data, BATCH_BYTES_MAX);
    cr_expect_eq(r, QUEUE_GONE);
}
