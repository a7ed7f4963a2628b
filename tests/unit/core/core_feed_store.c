/* What a session gets that lags or was away when there is a store. */

#include <stdio.h>

#include "unit/core/fake_store.h"

static struct client *alice, *bob;

static void setup_durable(void) {
    durable_begin_with_two(&alice, &bob);
}

TestSuite(core_feed_durable, .init = setup_durable, .fini = durable_end);

/* Until the log has let go of everything up to seq. */
static void fill_log(uint64_t seq) {
    static char text[900];
    memset(text, 'x', sizeof text - 1);
    while (core.log.first_seq <= seq) {
        for (int i = 0; i < 200; i++)
            say(alice, "alice", text);
        commit_all();
    }
}

Test(core_feed_durable, 01_mail_survives_the_hub) {
    core_end(&core, bob->session);
    say(alice, "bob", "one");
    say(alice, "bob", "two");
    settle();
    hub_crash();
    expect_nothing(arrive_as("bob", BOB, HERE, 0));
    bob = join(BOB, "bob", HERE);
    settle();
    expect_late(bob, "one");
    expect_late(bob, "two");
    expect_nothing(bob);
    take(bob, core.seq, 0);
    pass_ms(POSITIONS_DELAY_MS);
    settle();
    hub_crash();
    bob = join(BOB, "bob", HERE);
    settle();
    expect_nothing(bob);
}

Test(core_feed_durable, 02_rooms_and_members_survive_the_hub) {
    enter(alice, "#tea", 0);
    say(alice, "#tea", "before");
    enter(bob, "#tea", 0);
    say(alice, "#tea", "one");
    settle();
    hub_crash();
    alice = join(ALICE, "alice", HERE);
    say(alice, "#tea", "two");
    bob = join(BOB, "bob", HERE);
    settle();
    expect_late(bob, "one");
    expect_late(bob, "two");
    expect_nothing(bob);
}

Test(core_feed_durable, 03_a_laggard_is_fed_from_the_store) {
    unsigned n = fill_until_behind(alice, bob, "bob");
    char text[32];
    for (unsigned i = 0; i < 600; i++) {
        snprintf(text, sizeof text, "%u", n++);
        say(alice, "bob", text);
    }
    fill_log(core.seq);
    bob->is_full = false;
    ready(bob);
    settle();
    cr_assert_gt(fake.n_asks, 0);
    expect_numbers(bob, 0, n);
    expect_nothing(bob);
    cr_assert(!bob->session->behind);
}

/* Leaves bob behind, with nothing in the log that he needs, and the store asked for it. */
static struct ask *ask_for_bob(void) {
    fill_log(bob->session->feed_next + 1);
    bob->is_full = false;
    ready(bob);
    drain();
    struct ask *ask = ask_take();
    cr_assert_not_null(ask);
    cr_assert_eq(ask->what, ASK_FEED);
    return ask;
}

static bool has_text(struct client *client, const char *text) {
    for (const struct frame *frame; (frame = next_frame(client));)
        if (frame->type == FRAME_MESSAGE && bytes_equal(frame->message.body, bytes_of(text)))
            return true;
    return false;
}

Test(core_feed_durable, 04_a_room_joined_while_the_store_reads_is_not_passed_over) {
    (void)fill_until_behind(alice, bob, "bob");
    struct ask *ask = ask_for_bob();
    enter(alice, "#tea", 0);
    give(bob, &(struct frame){.type = FRAME_JOIN, .join = {7, bytes_of("#tea")}});
    say(alice, "#tea", "to the room");
    commit_all();
    ask_answer(ask);
    settle();
    cr_assert(has_text(bob, "to the room"));
}

Test(core_feed_durable, 05_another_handle_while_the_store_reads_gets_its_mail) {
    core_end(&core, join(BOB, "robert", 0)->session);
    say(alice, "robert", "for robert");
    (void)fill_until_behind(alice, bob, "bob");
    struct ask *ask = ask_for_bob();
    rename_to(bob, "robert");
    ask_answer(ask);
    settle();
    cr_assert(has_text(bob, "for robert"));
}

Test(core_feed_durable, 06_a_session_that_cannot_be_fed_ends_and_comes_again) {
    (void)fill_until_behind(alice, bob, "bob");
    ask_refuse(ask_for_bob());
    drain();
    cr_assert(is_over(bob));
}

Test(core_feed_durable, 07_an_answer_for_a_session_that_is_over) {
    (void)fill_until_behind(alice, bob, "bob");
    struct ask *ask = ask_for_bob();
    core_end(&core, bob->session);
    ask_answer(ask);
    settle();
}

Test(core_feed_durable, 08_nothing_is_missed) {
    core_end(&core, bob->session);
    say(alice, "bob", "old");
    fill_log(core.seq);
    bob = join(BOB, "bob", HERE);
    settle();
    expect_late(bob, "old");
    expect_nothing(bob);
}

Test(core_feed_durable, 09_what_was_forgotten_does_not_come_late) {
    say(alice, "bob", "secret");
    settle();
    expect_text(bob, "secret");
    give(bob, &(struct frame){.type = FRAME_FORGET, .forget = {3, bytes_of("alice")}});
    settle();
    expect(bob, FRAME_DONE);
    bob = arrive_as("bob", BOB, HERE | ABILITY_AFTER, 0);
    ready(bob);
    settle();
    expect_nothing(bob);
}
