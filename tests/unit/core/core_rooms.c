/* Rooms: who hears what, in which order, and when a room ends. */

#include <stdio.h>

#include "base/macro.h"
#include "unit/core/world.h"

TestSuite(core_rooms, .init = world_begin, .fini = world_end);

static void expect_fail(struct client *client, enum fail_code code) {
    const struct frame *frame = expect(client, FRAME_FAIL);
    cr_assert_eq(frame->fail.code, code, "%s", fail_name(frame->fail.code));
}

static void give_leave(struct client *client, const char *room) {
    give(client, &(struct frame){.type = FRAME_LEAVE, .leave = {9, bytes_of(room)}});
}

Test(core_rooms, 01_everybody_in_the_room_hears_but_the_sending_session) {
    struct client *alice = join(ALICE, "alice", HERE), *alice2 = join(ALICE, "alice", HERE);
    struct client *bob = join(BOB, "bob", HERE), *carol = join(1003, "carol", HERE);
    enter(alice, "#Tea", 0);
    enter(bob, "#tea", 0);
    say(alice, "#TEA", "hello");
    const struct frame *frame = expect(bob, FRAME_MESSAGE);
    cr_assert(bytes_equal(frame->message.to, bytes_of("#Tea")));
    expect_text(alice2, "hello"); /* joining took all sessions that want all rooms */
    expect_nothing(alice);
    expect_nothing(bob);
    expect_nothing(carol);
}

Test(core_rooms, 02_sending_needs_no_membership) {
    struct client *alice = join(ALICE, "alice", 0), *bob = join(BOB, "bob", HERE);
    enter(bob, "#tea", 0);
    say(alice, "#tea", "from outside");
    expect_text(bob, "from outside");
}

Test(core_rooms, 03_a_session_alone_listens) {
    struct client *alice = join(ALICE, "alice", HERE), *alice2 = join(ALICE, "alice", HERE);
    struct client *bob = join(BOB, "bob", HERE);
    enter(alice, "#tea", FRAME_SESSION_ONLY);
    say(bob, "#tea", "hello");
    expect_text(alice, "hello");
    expect_nothing(alice2);
    struct client *alice3 = join(ALICE, "alice", HERE);
    say(bob, "#tea", "again");
    expect_text(alice, "again");
    expect_nothing(alice3);
}

Test(core_rooms, 04_a_later_session_of_a_member_hears_too) {
    struct client *alice = join(ALICE, "alice", HERE), *bob = join(BOB, "bob", HERE);
    enter(alice, "#tea", 0);
    struct client *alice2 = join(ALICE, "alice", HERE);
    struct client *only_direct = join(ALICE, "alice", ABILITY_LISTEN);
    say(bob, "#tea", "hello");
    expect_text(alice, "hello");
    expect_text(alice2, "hello");
    expect_nothing(only_direct);
}

Test(core_rooms, 05_joining_twice_is_no_second_copy) {
    struct client *alice = join(ALICE, "alice", HERE), *bob = join(BOB, "bob", HERE);
    enter(alice, "#tea", 0);
    enter(alice, "#TEA", FRAME_SESSION_ONLY);
    say(bob, "#tea", "once");
    expect_text(alice, "once");
    expect_nothing(alice);
}

Test(core_rooms, 06_leaving_silences_all_sessions_of_the_handle) {
    struct client *alice = join(ALICE, "alice", HERE), *alice2 = join(ALICE, "alice", HERE);
    struct client *bob = join(BOB, "bob", HERE);
    enter(alice, "#tea", 0);
    enter(bob, "#tea", 0);
    leave(alice2, "#tea");
    say(bob, "#tea", "alone");
    expect_nothing(alice);
    expect_nothing(alice2);
    expect_nothing(bob);
    give_leave(alice, "#tea");
    expect_fail(alice, FAIL_NOT_MEMBER);
    give_leave(alice, "#coffee");
    expect_fail(alice, FAIL_NO_ROOM);
}

Test(core_rooms, 07_a_room_ends_with_its_last_member) {
    struct client *alice = join(ALICE, "alice", HERE), *bob = join(BOB, "bob", HERE);
    enter(alice, "#tea", 0);
    enter(bob, "#tea", 0);
    say(alice, "#tea", "target remembered");
    expect_text(bob, "target remembered");
    core_end(&core, bob->session);
    say(alice, "#tea", "nobody hears");
    cr_assert_eq(HASH_COUNT(core.rooms), 1);
    leave(alice, "#tea");
    expect(alice, FRAME_ACK);
    cr_assert_eq(HASH_COUNT(core.rooms), 1, "bob is a member, here or not");
    bob = join(BOB, "bob", HERE);
    expect_text(bob, "target remembered"); /* it was never taken */
    expect_text(bob, "nobody hears");
    leave(bob, "#tea");
    say(alice, "#tea", "for whoever reads it later");
    expect_refused(alice, say(alice, "#other", "gone"), FAIL_NO_ROOM);
}

static struct uuid say_first(struct client *from, const char *to) {
    struct uuid id = new_id();
    give_send(from, id, to, "first", FRAME_MAKE_ROOM);
    return id;
}

Test(core_rooms, 30_a_message_may_make_its_room) {
    struct client *alice = join(ALICE, "alice", HERE), *bob = join(BOB, "bob", HERE);
    struct client *carol = join(CAROL, "carol", HERE);
    say_first(alice, "#tea");
    cr_assert_eq(HASH_COUNT(core.rooms), 1);
    cr_assert_eq(alice->session->user->account.used[ACCOUNT_ROOMS], 1);
    say_first(bob, "#tea");
    cr_assert_eq(HASH_COUNT(core.rooms), 1, "now it is there");
    cr_assert_eq(bob->session->user->account.used[ACCOUNT_ROOMS], 0);
    expect_refused(carol, say_first(carol, "nobody"), FAIL_NO_USER);
    expect_refused(carol, say_first(carol, "#"), FAIL_BAD_NAME);
}

Test(core_rooms, 31_nobody_makes_more_rooms_than_by_joining) {
    struct client *alice = join(ALICE, "alice", HERE);
    for (int i = 0; i < (int)core.limits.max[ACCOUNT_ROOMS]; i++) {
        char room[16];
        snprintf(room, sizeof room, "#r%d", i);
        say_first(alice, room);
    }
    size_t n = HASH_COUNT(core.rooms);
    expect_refused(alice, say_first(alice, "#more"), FAIL_LIMIT);
    cr_assert_eq(HASH_COUNT(core.rooms), n, "none is left without anything in it");
}

Test(core_rooms, 08_a_visitor_leaves_with_its_session) {
    struct client *alice = join(ALICE, "alice", HERE), *bob = join(BOB, "bob", HERE);
    enter(alice, "#empty", FRAME_SESSION_ONLY);
    enter(alice, "#tea", FRAME_SESSION_ONLY);
    say(bob, "#tea", "in a run"); /* which is open when the room ends */
    core_end(&core, alice->session);
    cr_assert_eq(HASH_COUNT(core.rooms), 1, "only what has a past is kept");
    expect_refused(bob, say(bob, "#empty", "gone"), FAIL_NO_ROOM);
}

Test(core_rooms, 09_rooms_of_a_user_are_limited) {
    struct client *alice = join(ALICE, "alice", HERE);
    char room[16];
    for (int i = 0; i < (int)core.limits.max[ACCOUNT_ROOMS]; i++) {
        snprintf(room, sizeof room, "#r%d", i);
        enter(alice, room, 0);
        if (i == 0)
            continue; /* one has no past */
        say(alice, room, "x");
        give_leave(alice, room);
        while (next_frame(alice)) /* ACK and DONE */
            ;
    }
    struct client *eve = join(ALICE, "eve", HERE);
    give(eve, &(struct frame){.type = FRAME_JOIN, .join = {9, bytes_of("#another")}});
    expect_fail(eve, FAIL_LIMIT);
    leave(alice, "#r0");
    enter(eve, "#another", 0);
}

Test(core_rooms, 10_a_room_needs_a_room_name) {
    struct client *alice = join(ALICE, "alice", HERE);
    give(alice, &(struct frame){.type = FRAME_JOIN, .join = {9, bytes_of("tea")}});
    expect_fail(alice, FAIL_BAD_NAME);
    expect_refused(alice, say(alice, "#", "x"), FAIL_BAD_NAME);
}

/* Order. */

/* Message n goes to a room, to another or to bob alone, in runs of differing lengths. */
static const char *mixed_target(unsigned n) {
    static const char *const targets[] = {"#tea",  "#tea", "#tea", "bob",   "#milk",
                                          "#milk", "bob",  "#tea", "#milk", "bob"};
    return targets[n % 10];
}

static void assert_mixed(struct client *client, unsigned n_messages, bool with_direct) {
    uint64_t last = 0;
    char text[16];
    for (unsigned n = 0; n < n_messages; n++) {
        if (!with_direct && mixed_target(n)[0] != '#')
            continue;
        const struct frame *frame = expect(client, FRAME_MESSAGE);
        snprintf(text, sizeof text, "%u", n);
        cr_assert(bytes_equal(frame->message.body, bytes_of(text)), "%u: %.*s", n,
                  (int)frame->message.body.n, frame->message.body.data);
        cr_assert_gt(frame->message.seq, last);
        last = frame->message.seq;
    }
    expect_nothing(client);
}

Test(core_rooms, 11_runs_mixed_with_direct_messages_keep_their_order) {
    struct client *alice = join(ALICE, "alice", HERE), *bob = join(BOB, "bob", HERE);
    struct client *carol = join(1003, "carol", HERE);
    char text[16];
    for (int i = 0; i < 2; i++) {
        enter(i ? carol : bob, "#tea", 0);
        enter(i ? carol : bob, "#milk", 0);
    }
    for (unsigned n = 0; n < 300; n++) {
        snprintf(text, sizeof text, "%u", n);
        say(alice, mixed_target(n), text);
    }
    assert_mixed(bob, 300, true);
    assert_mixed(carol, 300, false);
}

Test(core_rooms, 12_two_senders_in_turn_keep_their_order) {
    struct client *alice = join(ALICE, "alice", HERE), *bob = join(BOB, "bob", HERE);
    struct client *carol = join(1003, "carol", HERE);
    char text[16];
    enter(carol, "#tea", 0);
    enter(bob, "#tea", 0);
    for (int n = 0; n < 100; n++) {
        snprintf(text, sizeof text, "%d", n);
        say(n % 7 < 4 ? alice : bob, "#tea", text);
    }
    for (int n = 0; n < 100; n++) {
        snprintf(text, sizeof text, "%d", n);
        expect_text(carol, text);
        if (n % 7 < 4)
            expect_text(bob, text);
    }
    expect(bob, FRAME_ACK);
    expect_nothing(bob);
    expect_nothing(carol);
}

Test(core_rooms, 13_who_joins_after_a_message_does_not_hear_it) {
    struct client *alice = join(ALICE, "alice", HERE), *bob = join(BOB, "bob", HERE);
    struct client *carol = join(1003, "carol", HERE);
    enter(bob, "#tea", 0);
    say(alice, "#tea", "before");
    enter(carol, "#tea", 0);
    say(alice, "#tea", "after");
    expect_text(bob, "before");
    expect_text(bob, "after");
    expect_text(carol, "after");
    expect_nothing(carol);
}

Test(core_rooms, 14_a_session_that_begins_later_gets_what_none_of_its_handle_has_taken) {
    struct client *alice = join(ALICE, "alice", HERE), *bob = join(BOB, "bob", HERE);
    enter(bob, "#tea", 0);
    say(alice, "#tea", "before");
    struct client *bob2 = join(BOB, "bob", HERE);
    expect_text(bob, "before");
    const struct frame *late = expect(bob2, FRAME_MESSAGE);
    cr_assert(late->flags & FRAME_LATE);
    give(bob2, &(struct frame){.type = FRAME_TAKEN, .taken = {late->message.seq, 0}});
    expect_nothing(join(BOB, "bob", HERE));
}

Test(core_rooms, 15_bye_comes_after_what_was_said_before) {
    struct client *alice = join(ALICE, "alice", HERE), *bob = join(BOB, "bob", HERE);
    enter(bob, "#tea", 0);
    say(alice, "#tea", "before");
    core_say_bye(&core);
    expect_text(bob, "before");
    expect(bob, FRAME_BYE);
}

Test(core_rooms, 16_long_messages_close_a_run) {
    static char text[3000];
    struct client *alice = join(ALICE, "alice", HERE), *bob = join(BOB, "bob", HERE);
    memset(text, 'y', 600); /* too long for one part in a batch of this size */
    enter(bob, "#tea", 0);
    say(alice, "#tea", "short");
    say(alice, "#tea", text);
    say(alice, "#tea", "short again");
    expect_text(bob, "short");
    const struct frame *frame = expect(bob, FRAME_MESSAGE);
    cr_assert_eq(frame->flags, FRAME_MORE_PARTS);
    size_t n = frame->message.body.n;
    cr_assert_eq(expect(bob, FRAME_PART)->part.body.n, 600 - n);
    expect_text(bob, "short again");
}

Test(core_rooms, 17_messages_of_one_run_need_not_have_an_origin_in_common) {
    struct client *alice = join(ALICE, "alice", HERE), *bob = join(BOB, "bob", HERE);
    struct uuid ids[40];
    enter(bob, "#tea", 0);
    for (unsigned i = 0; i < ARRAY_LEN(ids); i++) {
        ids[i] = new_id();
        if (i % 3 == 0) /* see proto/line.h */
            core_set_time(&core, core.now, (wall_time){core.wall.ms + 70000});
        give_send(alice, ids[i], "#tea", "text", 0);
    }
    for (unsigned i = 0; i < ARRAY_LEN(ids); i++)
        cr_assert(uuid_equal(&expect(bob, FRAME_MESSAGE)->message.id, &ids[i]), "%u", i);
}

Test(core_rooms, 18_who_is_not_in_a_room_does_not_set_its_topic) {
    struct client *alice = join(ALICE, "alice", HERE), *alice2 = join(ALICE, "alice", 0);
    struct client *bob = join(BOB, "bob", HERE);
    struct frame set = {.type = FRAME_TOPIC, .topic = {9, bytes_of("#tea"), bytes_of("green")}};
    enter(alice, "#tea", 0);
    give(bob, &set);
    expect_fail(bob, FAIL_NOT_MEMBER);
    cr_assert_null(core.rooms->topic);
    give(alice2, &set); /* another session of a member */
    expect(alice2, FRAME_DONE);
    cr_assert_str_eq(core.rooms->topic, "green");
    enter(bob, "#tea", FRAME_SESSION_ONLY); /* who listens is in it */
    set.topic.topic = bytes_of("black");
    give(bob, &set);
    expect(bob, FRAME_DONE);
    cr_assert_str_eq(core.rooms->topic, "black");
    leave(bob, "#tea");
    give(bob, &set);
    expect_fail(bob, FAIL_NOT_MEMBER);
}
