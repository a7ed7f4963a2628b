/* Numbers of handles, rooms and messages at the ends of what they can be. */

#include <stdio.h>

#include "unit/core/fake_store.h"

static void setup(void) {
    durable_begin(1024 * 1024);
}

TestSuite(core_numbers, .init = setup, .fini = durable_end);

static enum fail_code enter_or_not(struct client *client, const char *room) {
    give(client, &(struct frame){.type = FRAME_JOIN, .join = {7, bytes_of(room)}});
    settle();
    const struct frame *frame = next_frame(client);
    cr_assert_not_null(frame);
    if (frame->type == FRAME_DONE)
        return FAIL_NONE;
    cr_assert_eq(frame->type, FRAME_FAIL);
    cr_assert_gt(frame->fail.reason.n, 0);
    return frame->fail.code;
}

static uint32_t number_of(const char *name) {
    for (struct room *room = core.rooms; room; room = room->hh.next)
        if (bytes_equal(name_bytes(&room->name), bytes_of(name)))
            return room->number;
    return 0;
}

Test(core_numbers, 01_after_the_last_number_of_a_room_come_those_that_are_free) {
    struct client *alice = join(ALICE, "alice", HERE);
    cr_assert_eq(restore_open_room(2, ALICE, bytes_of("#two"), (struct bytes){0}, 0), 0);
    cr_assert_eq(
        restore_open_room(ROOM_NUMBER_MAX - 1, ALICE, bytes_of("#far"), (struct bytes){0}, 0), 0);
    const uint32_t expected[] = {ROOM_NUMBER_MAX, 1, 3, 4};
    for (unsigned i = 0; i < 4; i++) {
        char name[8];
        snprintf(name, sizeof name, "#r%u", i);
        cr_assert_eq(enter_or_not(alice, name), FAIL_NONE);
        cr_assert_eq(number_of(name), expected[i]);
    }
}

Test(core_numbers, 02_no_two_rooms_have_one_number_and_without_one_none_is_made) {
    core.config.numbers_max = 5;
    struct client *alice = join(ALICE, "alice", HERE);
    char name[8];
    for (unsigned i = 0; i < 5; i++) {
        snprintf(name, sizeof name, "#r%u", i);
        cr_assert_eq(enter_or_not(alice, name), FAIL_NONE);
    }
    cr_assert_eq(enter_or_not(alice, "#more"), FAIL_LIMIT);
    cr_assert_eq(number_of("#more"), 0);
    give_send(alice, new_id(), "#r3", "has a past", FRAME_ACK_NOW);
    settle();
    expect(alice, FRAME_ACK);
    for (unsigned round = 0; round < 20; round++) { /* one that was said something in stays */
        leave(alice, round % 2 ? "#r1" : "#r3");
        settle();
        enum fail_code expected = round % 2 ? FAIL_NONE : FAIL_LIMIT;
        cr_assert_eq(enter_or_not(alice, "#other"), expected, "%u", round);
        if (round % 2)
            leave(alice, "#other");
        settle();
        cr_assert_eq(enter_or_not(alice, round % 2 ? "#r1" : "#r3"), FAIL_NONE);
        cr_assert_eq(HASH_CNT(hh_number, core.rooms_by_number), 5);
    }
}

Test(core_numbers, 03_handles_have_numbers_that_make_a_pair) {
    core.last_handle = HANDLE_NUMBER_MAX - 1;
    struct client *alice = join(ALICE, "alice", HERE), *bob = join(BOB, "bob", HERE);
    cr_assert_eq(alice->session->handle->number, HANDLE_NUMBER_MAX);
    cr_assert_eq(bob->session->handle->number, 1);
    say(alice, "alice", "to herself");
    say(bob, "alice", "from bob");
    settle();
    expect_text(alice, "from bob");
    cr_assert(!conv_is_room(fake.messages[0].conv) && !conv_is_room(fake.messages[1].conv));
    cr_assert(conv_has(fake.messages[1].conv, 1));
    cr_assert_eq(conv_other(fake.messages[1].conv, 1), HANDLE_NUMBER_MAX);
}

Test(core_numbers, 04_without_a_number_there_is_no_handle) {
    enum fail_code code;
    core.config.numbers_max = 2;
    join(ALICE, "alice", HERE);
    join(BOB, "bob", HERE);
    cr_assert_null(try_join(1003, "carol", HERE, &code));
    cr_assert_eq(code, FAIL_LIMIT);
    cr_assert_eq(core_user(&core, 1003)->account.used[ACCOUNT_HANDLES], 0);
}

Test(core_numbers, 05_a_handle_whose_number_makes_no_pair_can_be_written_to_but_not_used) {
    enum fail_code code;
    fake.handles[fake.n_handles++] = (struct change){
        .what = CHANGE_HANDLE, .handle = UINT32_MAX, .uid = ALICE, .name = {3, "far"}};
    hub_crash();
    core.last_handle = UINT32_MAX;
    struct client *bob = join(BOB, "bob", HERE);
    cr_assert_eq(bob->session->handle->number, 1);
    cr_assert_null(try_join(ALICE, "far", HERE, &code));
    cr_assert_eq(code, FAIL_LIMIT);
    cr_assert_null(try_join(BOB, "far", HERE, &code));
    cr_assert_eq(code, FAIL_HANDLE_TAKEN);
    say(bob, "far", "hello");
    settle();
    cr_assert_eq(fake.messages[0].conv, conv_of_pair(1, UINT32_MAX));
    cr_assert(!conv_is_room(fake.messages[0].conv));
}

Test(core_numbers, 06_at_the_end_of_the_messages_numbers_nothing_is_taken) {
    fake.seq_limit = SEQ_MAX - 2;
    hub_crash();
    struct client *alice = join(ALICE, "alice", HERE), *bob = join(BOB, "bob", HERE);
    cr_assert_eq(core.persist.seq_stored, SEQ_MAX);
    say(alice, "bob", "1");
    say(alice, "bob", "2");
    struct uuid id = say(alice, "bob", "3");
    settle();
    expect_numbers(bob, 1, 3);
    expect_refused(alice, id, FAIL_BUSY);
    cr_assert_eq(core.seq, SEQ_MAX);
    cr_assert(!core_has_commit(&core));
    take(bob, SEQ_MAX, SEQ_MAX);
    pass_ms(POSITIONS_DELAY_MS);
    settle();
    hub_crash();
    bob = join(BOB, "bob", HERE);
    settle();
    expect_nothing(bob);
}

Test(core_numbers, 07_who_took_more_than_there_is_speaks_of_another_log) {
    struct client *alice = join(ALICE, "alice", HERE);
    for (unsigned i = 0; i < 2; i++)
        cr_assert_null(
            give(alice, &(struct frame){.type = FRAME_TAKEN,
                                        .taken = {i ? UINT64_MAX : 0, i ? 0 : UINT64_MAX}}));
    cr_assert_leq(alice->session->handle->direct, core.seq);
    cr_assert_leq(alice->session->handle->read, core.seq);
}

Test(core_numbers, 08_conversations_at_the_extremes) {
    cr_assert_eq(conv_of_room(1), -1);
    cr_assert_eq(conv_of_room(ROOM_NUMBER_MAX), -INT64_C(4294967295));
    cr_assert(conv_is_room(conv_of_room(ROOM_NUMBER_MAX)));
    cr_assert_eq(conv_of_pair(1, UINT32_MAX), conv_of_pair(UINT32_MAX, 1));
    cr_assert_gt(conv_of_pair(HANDLE_NUMBER_MAX, UINT32_MAX), 0);
    cr_assert(conv_has(conv_of_pair(HANDLE_NUMBER_MAX, UINT32_MAX), UINT32_MAX));
    cr_assert_not(conv_has(conv_of_room(1), UINT32_MAX));
}
