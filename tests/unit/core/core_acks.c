/* Acknowledgements and messages that are sent again. */

#include "unit/core/world.h"

static struct client *alice, *bob;

static void setup(void) {
    world_begin_with_two(&alice, &bob);
}

TestSuite(core_acks, .init = setup, .fini = world_end);

/* Returns the sequence number. */
static uint64_t expect_ack(struct uuid id, unsigned flags) {
    const struct frame *frame = expect(alice, FRAME_ACK);
    cr_assert(uuid_equal(&frame->ack.id, &id));
    cr_assert_eq(frame->flags, flags);
    return frame->ack.seq;
}

Test(core_acks, 01_gathered_until_the_delay_is_over) {
    struct uuid last = {{0}};
    for (int i = 0; i < 10; i++)
        last = say(alice, "bob", "hello");
    expect_nothing(alice);
    cr_assert_eq(mono_ms_until(core.now, core_due(&core)), ACK_DELAY_MS);
    pass_ms(ACK_DELAY_MS - 1);
    expect_nothing(alice);
    pass_ms(1);
    cr_assert_eq(expect_ack(last, FRAME_UP_TO), core.seq);
    expect_nothing(alice);
    pass_ms(10 * ACK_DELAY_MS);
    expect_nothing(alice);
}

Test(core_acks, 02_at_once_when_the_sender_waits) {
    say(alice, "bob", "hello");
    struct uuid id = new_id();
    give_send(alice, id, "bob", "now", FRAME_ACK_NOW);
    expect_ack(id, FRAME_UP_TO);
    expect_nothing(alice);
}

Test(core_acks, 03_one_of_its_own_with_the_number) {
    say(alice, "bob", "gathered");
    struct uuid id = new_id();
    give_send(alice, id, "bob", "alone", FRAME_WANT_SEQ);
    uint64_t seq = 0;
    for (int i = 0; i < 2; i++) {
        const struct frame *frame = expect(alice, FRAME_ACK);
        if (!(frame->flags & FRAME_UP_TO)) {
            cr_assert(uuid_equal(&frame->ack.id, &id));
            seq = frame->ack.seq;
        }
    }
    cr_assert_neq(seq, 0);
    expect_text(bob, "gathered");
    cr_assert_eq(expect(bob, FRAME_MESSAGE)->message.seq, seq);
}

Test(core_acks, 04_goes_with_what_goes_there_anyway) {
    struct uuid id = say(alice, "bob", "hello");
    say(bob, "alice", "hello yourself");
    expect_text(alice, "hello yourself");
    expect_ack(id, FRAME_UP_TO);
    pass_ms(ACK_DELAY_MS);
    expect_nothing(alice);
}

Test(core_acks, 05_a_second_delay_begins_with_the_next_message) {
    expect_nothing(alice);
    for (int i = 0; i < 3; i++) {
        struct uuid id = say(alice, "bob", "hello");
        pass_ms(ACK_DELAY_MS);
        expect_ack(id, FRAME_UP_TO);
    }
}

Test(core_acks, 06_a_refused_message_is_not_acknowledged) {
    struct uuid id = say(alice, "nobody", "hello");
    expect_refused(alice, id, FAIL_NO_USER);
    pass_ms(ACK_DELAY_MS);
    expect_nothing(alice);
}

Test(core_acks, 07_waits_while_the_mailbox_is_full) {
    alice->is_full = true;
    say(bob, "alice", "does not fit");
    drain();
    struct uuid id = say(alice, "bob", "hello");
    pass_ms(ACK_DELAY_MS);
    expect_nothing(alice);
    alice->is_full = false;
    ready(alice);
    expect_text(alice, "does not fit");
    expect_ack(id, FRAME_UP_TO);
}

/* Sent again. */

static uint64_t send_and_get_seq(struct client *client, struct uuid id, unsigned flags) {
    struct client *was = alice;
    alice = client;
    give_send(client, id, "bob", "once", flags | FRAME_WANT_SEQ);
    uint64_t seq = expect_ack(id, 0);
    alice = was;
    return seq;
}

Test(core_acks, 08_a_repeat_has_the_old_number_and_is_not_delivered_twice) {
    struct uuid id = new_id();
    uint64_t seq = send_and_get_seq(alice, id, 0);
    expect_text(bob, "once");
    send_and_get_seq(alice, new_id(), 0);
    expect_text(bob, "once");
    cr_assert_eq(send_and_get_seq(alice, id, FRAME_REPEAT), seq);
    expect_nothing(bob);
    cr_assert_eq(core.counters.messages, 2);
}

Test(core_acks, 09_a_repeat_in_another_session_of_the_user) {
    struct uuid id = new_id();
    uint64_t seq = send_and_get_seq(alice, id, 0);
    expect_text(bob, "once");
    core_end(&core, alice->session);
    struct client *again = join(ALICE, "alice", HERE);
    cr_assert_eq(send_and_get_seq(again, id, FRAME_REPEAT), seq);
    expect_nothing(bob);
}

Test(core_acks, 10_the_same_id_of_another_user_is_another_message) {
    struct client *carol = join(1003, "carol", HERE);
    struct uuid id = new_id();
    uint64_t seq = send_and_get_seq(alice, id, 0);
    cr_assert_neq(send_and_get_seq(carol, id, FRAME_REPEAT), seq);
    expect_text(bob, "once");
    expect_text(bob, "once");
}

Test(core_acks, 11_a_repeat_of_what_was_refused_is_taken) {
    struct uuid id = new_id();
    give_send(alice, id, "dave", "hello", 0);
    expect_refused(alice, id, FAIL_NO_USER);
    struct client *dave = join(1004, "dave", HERE);
    give_send(alice, id, "dave", "hello", FRAME_REPEAT);
    expect_text(dave, "hello");
}

Test(core_acks, 12_ids_need_not_ascend) {
    struct uuid low = {{1}}, high = {{2}};
    uint64_t seq = send_and_get_seq(alice, high, 0);
    cr_assert_gt(send_and_get_seq(alice, low, 0), seq);
    expect_text(bob, "once");
    expect_text(bob, "once");
}
