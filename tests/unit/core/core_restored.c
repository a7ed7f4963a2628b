/* What a hub finds in its store when it begins: what makes no sense is refused, not half taken. */

#include "unit/core/world.h"

static struct client *alice;

TestSuite(core_restored, .init = world_begin, .fini = world_end);

static int restore_room(uint32_t number, const char *name, const char *topic, uint64_t last_seq) {
    return restore_open_room(number, ALICE, bytes_of(name), bytes_of(topic), last_seq);
}

static int restore_handle(uint32_t number, uid_t uid, const char *name) {
    return core_restore_handle(&core, number, uid, bytes_of(name), bytes_of(""), 0, 0, 0);
}

static size_t n_rooms(struct client *client, const char *name, const char *topic) {
    size_t n = 0;
    give(client, &(struct frame){.type = FRAME_LIST, .list = {9, LIST_ROOMS, bytes_of("")}});
    for (const struct frame *frame; (frame = next_frame(client)); n++) {
        if (frame->type == FRAME_DONE)
            return n;
        cr_assert(bytes_equal(frame->room.room, bytes_of(name)));
        cr_assert(bytes_equal(frame->room.topic, bytes_of(topic)));
    }
    cr_assert_fail("the list has no end");
    return 0;
}

Test(core_restored, 01_a_member_is_there_again_with_the_topic) {
    cr_assert_eq(restore_handle(3, ALICE, "alice"), 0);
    cr_assert_eq(restore_room(7, "#ops", "be kind", 0), 0);
    cr_assert_eq(core_restore_member(&core, 7, 3, 0), 0);
    cr_assert_eq(core_restored(&core), 0);
    alice = join(ALICE, "alice", HERE);
    cr_assert_eq(n_rooms(alice, "#ops", "be kind"), 1);
    struct client *bob = join(BOB, "bob", HERE);
    say(bob, "#ops", "hello");
    expect_text(alice, "hello");
}

Test(core_restored, 02_names_that_are_none_are_refused) {
    cr_assert_lt(restore_room(7, "ops", "", 1), 0);
    cr_assert_lt(restore_room(7, "#o ps", "", 1), 0);
    cr_assert_lt(restore_handle(3, ALICE, "#alice"), 0);
    cr_assert_lt(restore_handle(3, ALICE, "al ice"), 0);
}

Test(core_restored, 03_a_room_number_0_is_passed_over) {
    cr_assert_eq(restore_room(0, "#ops", "", 1), 0);
    alice = join(ALICE, "alice", HERE);
    cr_assert_eq(n_rooms(alice, "#ops", ""), 0);
}

Test(core_restored, 04_of_a_room_that_is_there_twice_the_later_one_counts) {
    cr_assert_eq(restore_handle(3, ALICE, "alice"), 0);
    cr_assert_eq(restore_room(7, "#ops", "old", 1), 0);
    cr_assert_eq(restore_room(9, "#Ops", "new", 2), 0);
    cr_assert_eq(restore_room(8, "#ops", "older", 1), 0);
    cr_assert_eq(core_restore_member(&core, 9, 3, 0), 0);
    cr_assert_lt(core_restore_member(&core, 7, 3, 0), 0);
    cr_assert_eq(core_restored(&core), 0);
    alice = join(ALICE, "alice", HERE);
    cr_assert_eq(n_rooms(alice, "#ops", "new"), 1);
}

Test(core_restored, 05_a_member_of_nothing_nobody_or_twice_is_refused) {
    cr_assert_eq(restore_handle(3, ALICE, "alice"), 0);
    cr_assert_eq(restore_room(7, "#ops", "", 0), 0);
    cr_assert_lt(core_restore_member(&core, 6, 3, 0), 0);
    cr_assert_lt(core_restore_member(&core, 7, 4, 0), 0);
    cr_assert_eq(core_restore_member(&core, 7, 3, 0), 0);
    cr_assert_lt(core_restore_member(&core, 7, 3, 0), 0);
}

Test(core_restored, 06_a_room_without_members_and_past_is_gone) {
    cr_assert_eq(restore_room(7, "#empty", "", 0), 0);
    cr_assert_eq(restore_room(8, "#said", "", 5), 0);
    cr_assert_eq(core_restored(&core), 0);
    cr_assert_eq(HASH_COUNT(core.rooms), 1);
    alice = join(ALICE, "alice", HERE);
    cr_assert_eq(n_rooms(alice, "", ""), 0, "nobody is in it");
    struct uuid id = say(alice, "#empty", "hello");
    expect_refused(alice, id, FAIL_NO_ROOM);
    say(alice, "#said", "what has a past can be written to");
    expect_nothing(alice);
}

Test(core_restored, 07_numbers_go_on_behind_the_greatest) {
    cr_assert_eq(restore_handle(30, ALICE, "alice"), 0);
    cr_assert_eq(restore_handle(20, BOB, "bob"), 0);
    cr_assert_eq(restore_room(70, "#a", "", 1), 0);
    cr_assert_eq(restore_room(60, "#b", "", 1), 0);
    cr_assert_eq(core_restored(&core), 0);
    struct client *carol = join(1003, "carol", HERE);
    cr_assert_gt(carol->session->handle->number, 30);
    enter(carol, "#c", 0);
    cr_assert_gt(core.last_room, 70);
}
