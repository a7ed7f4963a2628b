#include "core/core.h"

#include <stdio.h>

#include "unit/core/world.h"

TestSuite(core, .init = world_begin, .fini = world_end);

/* Sessions and handles. */

Test(core, 01_welcome_tells_who_and_where) {
    enum fail_code code;
    struct client *alice = try_join(ALICE, "Alice", HERE, &code);
    const struct frame *frame = expect(alice, FRAME_WELCOME);
    cr_assert_eq(frame->welcome.version, PROTO_VERSION);
    cr_assert_eq(frame->welcome.lane, 42);
    cr_assert_eq(frame->welcome.mode, HUB_OPEN);
    cr_assert(bytes_equal(frame->welcome.handle, bytes_of("Alice")));
    cr_assert(bytes_equal(frame->welcome.hub_name, bytes_of("test")));
    expect_nothing(alice);
}

Test(core, 01_welcome_says_that_the_hub_takes_channels_to_who_knows_them) {
    enum fail_code code;
    struct client *alice = try_join(ALICE, "alice", HERE | ABILITY_CHANNEL, &code);
    cr_assert_eq(expect(alice, FRAME_WELCOME)->flags, FRAME_TAKES_CHANNEL);
    struct client *bob = try_join(BOB, "bob", HERE, &code);
    cr_assert_eq(expect(bob, FRAME_WELCOME)->flags, 0);
}

Test(core, 02_a_session_is_found_by_its_whole_number_only) {
    struct client *alice = join(ALICE, "alice", HERE);
    cr_assert_eq(core_session(&core, alice->number), alice->session);
    cr_assert_null(core_session(&core, alice->number ^ (UINT64_C(1) << 40)));
    cr_assert_null(core_session(&core, alice->number + 1));
    cr_assert_null(core_session(&core, 0));
    give(alice, &(struct frame){.type = FRAME_BYE});
    cr_assert(is_over(alice));
    cr_assert_eq(core.ended, &alice->seat);
}

Test(core, 03_a_handle_belongs_to_its_uid_for_ever) {
    enum fail_code code;
    uid_t uid = 0;
    struct name name;
    struct client *alice = join(ALICE, "Alice", HERE);
    join(ALICE, "alice", HERE);
    cr_assert_null(try_join(BOB, "aLICE", HERE, &code));
    cr_assert_eq(code, FAIL_HANDLE_TAKEN);
    core_end(&core, alice->session);
    cr_assert_null(try_join(BOB, "alice", HERE, &code));
    cr_assert_eq(code, FAIL_HANDLE_TAKEN);
    const struct name login = {0};
    name_key(&name, &(struct name){5, "ALICE"});
    cr_assert_eq(core_handle_holder(&core, &name, BOB, &login, &uid), HANDLE_IS_OTHERS);
    cr_assert_eq(uid, ALICE);
    cr_assert_eq(core_handle_holder(&core, &name, ALICE, &login, &uid), HANDLE_IS_OWN);
}

Test(core, 04_handles_of_a_user_are_limited) {
    enum fail_code code;
    char handle[16];
    for (int i = 0; i < (int)core.limits.max[ACCOUNT_HANDLES]; i++) {
        snprintf(handle, sizeof handle, "h%d", i);
        core_end(&core, join(ALICE, handle, 0)->session);
    }
    cr_assert_null(try_join(ALICE, "another", 0, &code));
    cr_assert_eq(code, FAIL_LIMIT);
    cr_assert_not_null(try_join(ALICE, "h7", 0, &code));
    cr_assert_not_null(try_join(BOB, "another", 0, &code));
}

Test(core, 05_sessions_of_a_user_are_limited) {
    enum fail_code code;
    struct client *client = join(ALICE, "alice", HERE);
    for (unsigned i = 1; i < core.config.sessions_per_user; i++)
        client = join(ALICE, "alice", HERE);
    cr_assert_null(try_join(ALICE, "alice", HERE, &code));
    cr_assert_eq(code, FAIL_LIMIT);
    core_end(&core, client->session);
    cr_assert_not_null(try_join(ALICE, "alice", HERE, &code));
}

Test(core, 06_nick_takes_a_free_handle_and_no_other) {
    struct client *alice = join(ALICE, "alice", HERE);
    struct client *bob = join(BOB, "bob", HERE);
    give(alice, &(struct frame){.type = FRAME_NICK, .nick = {3, bytes_of("bob")}});
    cr_assert_eq(expect(alice, FRAME_FAIL)->fail.code, FAIL_HANDLE_TAKEN);
    give(alice, &(struct frame){.type = FRAME_NICK, .nick = {4, bytes_of("#room")}});
    cr_assert_eq(expect(alice, FRAME_FAIL)->fail.code, FAIL_BAD_NAME);
    give(alice, &(struct frame){.type = FRAME_NICK, .nick = {5, bytes_of("eve")}});
    cr_assert_eq(expect(alice, FRAME_DONE)->done.request, 5);
    say(bob, "eve", "hello");
    expect_text(alice, "hello");
    say(bob, "alice", "still there?");
    expect_nothing(alice);
    expect_text(join(ALICE, "alice", HERE), "still there?");
}

Test(core, 07_a_session_that_never_says_ready_ends) {
    enum fail_code code;
    struct client *first = try_join(ALICE, "alice", HERE, &code);
    struct client *good = join(BOB, "bob", HERE);
    pass_ms(CONFIRM_MS / 2);
    struct client *second = try_join(ALICE, "alice", HERE, &code);
    pass_ms(CONFIRM_MS / 2 - 1);
    cr_assert_not(is_over(first));
    pass_ms(1);
    cr_assert(is_over(first));
    cr_assert_not(is_over(second));
    cr_assert_eq(mono_ms_until(core.now, core.ending_due), CONFIRM_MS / 2);
    pass_ms(CONFIRM_MS / 2);
    cr_assert(is_over(second));
    cr_assert_not(is_over(good));
    cr_assert_eq(core.n_sessions, 1);
}

/* Its READY lies in the lane, but nobody has looked there. */
Test(core, 07b_while_the_hub_stands_still_nobody_is_too_late) {
    enum fail_code code;
    struct client *slow = try_join(ALICE, "alice", HERE, &code);
    struct client *silent = try_join(ALICE, "alice", HERE, &code);
    stand_still_ms(10 * CONFIRM_MS);
    cr_assert_not(is_over(slow));
    ready(slow);
    pass_ms(CONFIRM_MS / 2 - 1);
    cr_assert_not(is_over(silent));
    pass_ms(1);
    cr_assert(is_over(silent));
    cr_assert_not(is_over(slow));
    core_condemn(&core, slow->session, "a rule");
    stand_still_ms(10 * CONDEMNED_MS);
    cr_assert_not(is_over(slow), "it may read why");
    pass_ms(CONDEMNED_MS / 2);
    cr_assert(is_over(slow));
}

Test(core, 08_a_mailbox_id_given_away_ends_the_older_session) {
    struct client *alice = join(ALICE, "alice", HERE);
    struct client *bob = join(BOB, "bob", HERE);
    core_evict_mailbox(&core, alice->seat.msqid);
    cr_assert(is_over(alice));
    cr_assert_eq(alice->seat.msqid, -1);
    cr_assert_not(is_over(bob));
}

Test(core, 08_slots_and_mailboxes_are_found_again_in_any_order) {
    enum { N = 90 };
    struct client *each[N];
    for (int i = 0; i < N; i++)
        each[i] = join(ALICE, "alice", HERE);
    for (int i = 0; i < N; i += 3)
        core_end(&core, each[i]->session);
    for (int i = 0; i < N; i += 3)
        each[i] = join(ALICE, "alice", HERE);
    cr_assert_eq(core.n_slots, N, "slots that were given back are used again");
    core_evict_mailbox(&core, each[0]->seat.msqid + N);
    for (int i = 0; i < N; i++)
        cr_assert_not(is_over(each[i]));
    for (int i = 0; i < N; i += 2)
        core_evict_mailbox(&core, each[i]->seat.msqid);
    for (int i = 0; i < N; i++)
        cr_assert_eq(is_over(each[i]), i % 2 == 0);
    cr_assert_eq(core.n_sessions, N / 2);
}

/* A mailbox that was removed, and a session that ends while somebody sends for it. */

Test(core, 09_a_session_whose_mailbox_is_gone_ends) {
    struct delivery delivery;
    struct client *alice = join(ALICE, "alice", HERE);
    struct client *bob = join(BOB, "bob", HERE);
    drain();
    say(bob, "alice", "lost");
    cr_assert_eq(core_take(&core, &delivery, 1), 1);
    cr_assert_eq(delivery.session, alice->session);
    delivery.gone = true;
    core_returned(&core, &delivery, 1);
    cr_assert(is_over(alice));
    cr_assert_eq(core.pool.n_used, 0);
}

Test(core, 10_a_session_that_ends_in_flight_is_freed_afterwards) {
    struct delivery delivery;
    struct client *alice = join(ALICE, "alice", HERE);
    struct client *bob = join(BOB, "bob", HERE);
    drain();
    say(bob, "alice", "lost");
    cr_assert_eq(core_take(&core, &delivery, 1), 1);
    core_end(&core, alice->session);
    cr_assert(is_over(alice));
    cr_assert_eq(core.n_sessions, 2);
    core_returned(&core, &delivery, 1);
    cr_assert_eq(core.n_sessions, 1);
    cr_assert_eq(core.pool.n_used, 0);
}

Test(core, 11_bye_goes_to_everybody) {
    struct client *alice = join(ALICE, "alice", HERE);
    struct client *bob = join(BOB, "bob", 0);
    core_say_bye(&core);
    expect(alice, FRAME_BYE);
    expect(bob, FRAME_BYE);
}

/* Direct messages. */

Test(core, 12_a_direct_message_has_all_its_fields) {
    struct client *alice = join(ALICE, "alice", HERE);
    struct client *bob = join(BOB, "Bob", HERE);
    struct uuid id = new_id(), about = new_id();
    give(alice,
         &(struct frame){.type = FRAME_SEND,
                         .flags = FRAME_WANT_RECEIPT,
                         .send = {id, KIND_ACTION, bytes_of("BOB"), about, 2, bytes_of("hi")}});
    const struct frame *frame = expect(bob, FRAME_MESSAGE);
    cr_assert_eq(frame->flags, FRAME_WANT_RECEIPT);
    cr_assert(uuid_equal(&frame->message.id, &id));
    cr_assert(uuid_equal(&frame->message.reply_to, &about));
    cr_assert_eq(frame->message.kind, KIND_ACTION);
    cr_assert_eq(frame->message.uid, ALICE);
    cr_assert_eq(frame->message.at_ms, (uint64_t)core.wall.ms);
    cr_assert(bytes_equal(frame->message.from, bytes_of("alice")));
    cr_assert(bytes_equal(frame->message.to, bytes_of("Bob")));
    cr_assert(bytes_equal(frame->message.body, bytes_of("hi")));
}

Test(core, 13_to_all_listening_sessions_of_both_but_the_sending_one) {
    struct client *alice = join(ALICE, "alice", HERE), *alice2 = join(ALICE, "alice", HERE);
    struct client *deaf = join(ALICE, "alice", 0), *eve = join(ALICE, "eve", HERE);
    struct client *bob = join(BOB, "bob", HERE), *bob2 = join(BOB, "bob", ABILITY_LISTEN);
    struct client *deaf_bob = join(BOB, "bob", 0);
    say(alice, "bob", "hello");
    expect_text(bob, "hello");
    expect_text(bob2, "hello");
    expect_text(alice2, "hello");
    struct client *others[] = {alice, deaf, eve, deaf_bob, bob, bob2, alice2};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        expect_nothing(others[i]);
}

Test(core, 14_a_message_to_oneself_comes_once_to_each_other_session) {
    struct client *alice = join(ALICE, "alice", HERE), *alice2 = join(ALICE, "alice", HERE);
    say(alice, "alice", "note");
    expect_text(alice2, "note");
    expect_nothing(alice2);
    expect_nothing(alice);
}

Test(core, 15_numbers_ascend_in_the_order_of_arrival) {
    struct client *alice = join(ALICE, "alice", HERE), *bob = join(BOB, "bob", HERE);
    struct client *carol = join(1003, "carol", HERE);
    uint64_t last = 0;
    for (int i = 0; i < 200; i++)
        say(i % 3 ? alice : carol, "bob", i % 3 ? "from alice" : "from carol");
    for (int i = 0; i < 200; i++) {
        const struct frame *frame = expect(bob, FRAME_MESSAGE);
        cr_assert_eq(frame->message.uid, i % 3 ? ALICE : 1003);
        cr_assert_gt(frame->message.seq, last);
        last = frame->message.seq;
    }
    expect_nothing(bob);
}

Test(core, 16_a_receipt_goes_to_the_session_that_sent) {
    struct client *alice = join(ALICE, "alice", HERE), *alice2 = join(ALICE, "alice", HERE);
    struct client *bob = join(BOB, "bob", HERE);
    struct uuid id = say(alice, "bob", "hello");
    const struct frame_message *message = &expect(bob, FRAME_MESSAGE)->message;
    uint64_t link = message->link;
    uint32_t uid = message->uid;
    expect_text(alice2, "hello");
    give(bob, &(struct frame){.type = FRAME_RECEIPT, .receipt = {id, STATE_READ, link, uid}});
    give(bob, &(struct frame){.type = FRAME_RECEIPT, .receipt = {id, STATE_READ, 9999, 0}});
    const struct frame *frame = expect(alice, FRAME_STATE);
    cr_assert(uuid_equal(&frame->state.id, &id));
    cr_assert_eq(frame->state.state, STATE_READ);
    cr_assert(bytes_equal(frame->state.by, bytes_of("bob")));
    expect(alice, FRAME_ACK); /* goes with it */
    expect_nothing(alice);
    expect_nothing(alice2);
}
