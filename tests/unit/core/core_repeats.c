/*
 * A message that is sent again, with a store: its acknowledgement says "and everything before it",
 * so it waits until that is true.
 */
#include "unit/core/fake_store.h"

#define LOG_BYTES ((size_t)1024 * 1024)

static struct client *alice, *bob;

static void setup(void) {
    durable_begin(LOG_BYTES);
    alice = join(ALICE, "alice", HERE);
    bob = join(BOB, "bob", HERE);
    settle();
    pass_ms(NEWS_DELAY_MS);
}

TestSuite(core_repeats, .init = setup, .fini = durable_end);

static void expect_ack(struct uuid id) {
    const struct frame *frame = expect(alice, FRAME_ACK);
    cr_assert(uuid_equal(&frame->ack.id, &id));
}

static struct uuid stored_message(void) {
    struct uuid id = new_id();
    give_send(alice, id, "bob", "stored", FRAME_ACK_NOW);
    settle();
    expect_ack(id);
    expect_text(bob, "stored");
    return id;
}

Test(core_repeats, 01_does_not_acknowledge_what_is_before_it_and_not_stored) {
    struct uuid old = stored_message(), new = new_id();
    give_send(alice, new, "bob", "new", 0);
    give_send(alice, old, "bob", "stored", FRAME_REPEAT | FRAME_ACK_NOW);
    pass_ms(ACK_DELAY_MS);
    expect_nothing(alice);
    settle();
    expect_ack(new);
    expect_ack(old);
    expect_nothing(alice);
}

Test(core_repeats, 02_waits_for_a_later_batch_of_the_store) {
    struct uuid first = new_id(), second = new_id();
    give_send(alice, first, "bob", "first", 0);
    commit_take();
    give_send(alice, second, "bob", "second", 0);
    give_send(alice, first, "bob", "first", FRAME_REPEAT | FRAME_ACK_NOW);
    commit_finish(); /* with the first one alone */
    pass_ms(ACK_DELAY_MS);
    expect_ack(first);
    pass_ms(ACK_DELAY_MS);
    expect_nothing(alice);
    settle();
    pass_ms(ACK_DELAY_MS);
    expect_ack(second);
    expect_ack(first);
    expect_nothing(alice);
}

Test(core_repeats, 03_is_acknowledged_after_what_is_before_it_was_refused) {
    struct uuid old = stored_message(), new = new_id();
    fake.fails = true;
    give_send(alice, new, "bob", "new", 0);
    give_send(alice, old, "bob", "stored", FRAME_REPEAT | FRAME_ACK_NOW);
    commit_all();
    expect_refused(alice, new, FAIL_NOT_STORED);
    expect_ack(old);
    expect_nothing(alice);
}

Test(core_repeats, 04_is_refused_with_the_one_that_it_repeats) {
    struct uuid first = new_id(), second = new_id();
    fake.fails = true;
    give_send(alice, first, "bob", "first", 0);
    commit_take();
    give_send(alice, second, "bob", "second", 0);
    give_send(alice, first, "bob", "first", FRAME_REPEAT);
    commit_finish();
    expect_refused(alice, first, FAIL_NOT_STORED);
    expect_refused(alice, first, FAIL_NOT_STORED);
    expect_nothing(alice);
}
