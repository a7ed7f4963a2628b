/* What a session gets that was not here, is not ready, or lags. */

#include <stdio.h>

#include "unit/core/world.h"

static struct client *alice, *bob;

static void setup(void) {
    world_begin_with_two(&alice, &bob);
}

TestSuite(core_feed, .init = setup, .fini = world_end);

/* Mail. */

Test(core_feed, 01_mail_for_who_is_away_comes_once_and_in_order) {
    core_end(&core, bob->session);
    say(alice, "bob", "one");
    say(alice, "BOB", "two");
    say(alice, "alice", "not his");
    bob = join(BOB, "bob", HERE);
    uint64_t seq = expect_late(bob, "one")->message.seq;
    cr_assert_gt(expect_late(bob, "two")->message.seq, seq);
    expect_nothing(bob);
    say(alice, "bob", "three");
    cr_assert(!(expect(bob, FRAME_MESSAGE)->flags & FRAME_LATE));
    take(bob, core.seq, 0);
    core_end(&core, bob->session);
    expect_nothing(join(BOB, "bob", HERE));
}

Test(core_feed, 02_what_was_not_taken_comes_again_in_the_next_session) {
    say(alice, "bob", "one");
    say(alice, "bob", "two");
    expect_text(bob, "one");
    expect_text(bob, "two");
    take(bob, core.seq - 1, 0);
    core_end(&core, bob->session);
    bob = join(BOB, "bob", HERE);
    expect_late(bob, "two");
    expect_nothing(bob);
}

Test(core_feed, 03_a_new_handle_has_no_mail) {
    say(alice, "bob", "x");
    expect_nothing(join(CAROL, "carol", HERE));
}

Test(core_feed, 04_nothing_before_the_first_ready) {
    struct client *held = arrive_as("bob", BOB, HERE, 0);
    say(alice, "bob", "one");
    take(held, 0, 0); /* confirms the session */
    pass_ms(2 * CONFIRM_MS);
    cr_assert(!is_over(held));
    expect_nothing(held);
    ready(held);
    expect_text(held, "one");
    expect_nothing(held);
    say(alice, "bob", "two");
    expect_text(held, "two");
}

Test(core_feed, 05_all_sessions_of_a_handle_get_everything) {
    struct client *other = join(BOB, "bob", HERE);
    say(alice, "bob", "one");
    say(bob, "alice", "two");
    expect_text(bob, "one");
    expect_text(other, "one");
    expect_text(other, "two"); /* what another session of the handle said */
    take(other, core.seq, 0);
    core_end(&core, bob->session);
    core_end(&core, other->session);
    expect_nothing(join(BOB, "bob", HERE)); /* one of them had it */
}

Test(core_feed, 06_after_says_where_to_begin) {
    uint64_t seq = core.seq;
    say(alice, "bob", "one");
    say(bob, "alice", "own of another link");
    say(alice, "bob", "three");
    take(bob, core.seq, 0);
    struct client *again = arrive_as("bob", BOB, HERE | ABILITY_AFTER, seq + 1);
    ready(again);
    expect_late(again, "own of another link");
    expect_late(again, "three");
    expect_nothing(again);
}

Test(core_feed, 07_own_messages_of_the_link_do_not_come_back) {
    say(bob, "alice", "mine");
    say(alice, "bob", "hers");
    struct client *again =
        arrive(&(struct arrival){BOB, "bob", HERE | ABILITY_AFTER, bob->link, 0, false});
    ready(again);
    expect_late(again, "hers");
    expect_nothing(again);
}

Test(core_feed, 08_own_messages_are_no_mail_but_notes_to_oneself_are) {
    say(bob, "alice", "hers");
    core_end(&core, bob->session);
    bob = join(BOB, "bob", 0); /* `send` */
    say(bob, "bob", "remember");
    say(bob, "alice", "hers, too");
    core_end(&core, bob->session);
    bob = join(BOB, "bob", HERE);
    expect_late(bob, "remember");
    expect_nothing(bob);
}

Test(core_feed, 09_rooms_joined_before_ready_begin_where_the_session_begins) {
    enter(alice, "#tea", 0);
    say(alice, "#tea", "zero");
    uint64_t seq = core.seq;
    say(alice, "#tea", "one");
    struct client *again = arrive_as("bob", BOB, HERE | ABILITY_AFTER, seq);
    enter(again, "#tea", FRAME_SESSION_ONLY);
    ready(again);
    expect_late(again, "one");
    expect_nothing(again);
    struct client *later = arrive_as("bob", BOB, HERE | ABILITY_AFTER, seq);
    ready(later);
    enter(later, "#tea", FRAME_SESSION_ONLY);
    say(alice, "#tea", "two");
    expect_text(later, "two");
    expect_nothing(later);
}

Test(core_feed, 10_a_members_rooms_are_mail) {
    enter(alice, "#tea", 0);
    say(alice, "#tea", "before");
    enter(bob, "#tea", 0);
    core_end(&core, bob->session);
    say(alice, "#tea", "one");
    say(alice, "bob", "two");
    bob = join(BOB, "bob", HERE);
    expect_late(bob, "one");
    expect_late(bob, "two");
    expect_nothing(bob);
}

Test(core_feed, 11_taken_moves_only_what_the_session_gets) {
    enter(alice, "#tea", 0);
    enter(bob, "#tea", 0);
    core_end(&core, bob->session);
    say(alice, "#tea", "room");
    struct client *direct = join(BOB, "bob", ABILITY_LISTEN);
    struct client *deaf = join(BOB, "bob", 0);
    struct client *odd = join(BOB, "bob", ABILITY_ALL_ROOMS); /* gets no rooms without LISTEN */
    say(alice, "bob", "direct");
    expect_text(direct, "direct");
    expect_nothing(odd);
    take(odd, core.seq, 0);
    take(deaf, core.seq, 0);
    take(direct, core.seq, 0);
    bob = join(BOB, "bob", HERE);
    expect_late(bob, "room");
    expect_nothing(bob);
}

Test(core_feed, 12_taking_what_was_never_sent_does_nothing) {
    cr_assert_null(give(bob, &(struct frame){.type = FRAME_TAKEN, .taken = {core.seq + 1, 0}}));
    cr_assert_null(give(bob, &(struct frame){.type = FRAME_TAKEN, .taken = {0, core.seq + 1}}));
    cr_assert_leq(bob->session->handle->direct, core.seq);
    cr_assert_leq(bob->session->handle->read, core.seq);
}

Test(core_feed, 13_a_receipt_finds_the_way_to_the_link_that_came_back) {
    struct uuid id = say(alice, "bob", "x");
    const struct frame *message = expect(bob, FRAME_MESSAGE);
    uint64_t link = message->message.link;
    cr_assert_eq(link, alice->link);
    core_end(&core, alice->session);
    struct frame receipt = {.type = FRAME_RECEIPT, .receipt = {id, STATE_READ, link, ALICE}};
    give(bob, &receipt); /* nobody is here */
    alice = arrive(&(struct arrival){ALICE, "alice", HERE | ABILITY_AFTER, link, core.seq, false});
    give(bob, &receipt);
    const struct frame *state = expect(alice, FRAME_STATE);
    cr_assert(uuid_equal(&state->state.id, &id));
    cr_assert(bytes_equal(state->state.by, bytes_of("bob")));
    receipt.receipt.uid = CAROL; /* the same number, another user's */
    give(bob, &receipt);
    expect_nothing(alice);
}

/* Another handle. */

/* The answer may come before the mail or behind it. */
static void expect_mail_and_done(struct client *client, const char *text) {
    bool done = false, mail = false;
    for (int i = 0; i < 2; i++) {
        const struct frame *frame = next_frame(client);
        cr_assert_not_null(frame);
        done = done || frame->type == FRAME_DONE;
        if (frame->type == FRAME_MESSAGE)
            mail = bytes_equal(frame->message.body, bytes_of(text));
    }
    cr_assert(done && mail);
    expect_nothing(client);
}

static void prepare_mail_for_robert(void) {
    core_end(&core, join(BOB, "robert", 0)->session);
    say(alice, "robert", "old");
    struct client *robert = join(BOB, "robert", HERE);
    expect_text(robert, "old");
    take(robert, core.seq, 0);
    core_end(&core, robert->session);
    say(alice, "robert", "for robert");
}

Test(core_feed, 14_another_handle_brings_its_mail) {
    prepare_mail_for_robert();
    rename_to(bob, "robert");
    expect_mail_and_done(bob, "for robert");
    say(alice, "bob", "for bob");
    expect_nothing(bob);
    say(alice, "robert", "now");
    expect_text(bob, "now");
}

Test(core_feed, 15_a_session_with_after_gets_only_the_mail_of_another_handle) {
    prepare_mail_for_robert();
    bob = arrive_as("bob", BOB, HERE | ABILITY_AFTER, core.seq);
    ready(bob);
    rename_to(bob, "robert");
    expect_mail_and_done(bob, "for robert");
}

Test(core_feed, 16_another_handle_before_ready_does_not_open_the_session) {
    prepare_mail_for_robert();
    bob = arrive_as("bob", BOB, HERE, 0);
    rename_to(bob, "robert");
    expect(bob, FRAME_DONE);
    expect_nothing(bob);
    ready(bob);
    expect_late(bob, "for robert");
}

/* What the program took as bob does not count for robert's mail, which it has not been given. */
Test(core_feed, 17_taken_before_another_handle_does_not_move_its_place) {
    prepare_mail_for_robert();
    say(alice, "bob", "for bob");
    expect_text(bob, "for bob");
    bob->is_full = true;
    rename_to(bob, "robert");
    take(bob, core.seq, 0);
    core_end(&core, bob->session);
    bob = join(BOB, "robert", HERE);
    expect_late(bob, "for robert");
    expect_nothing(bob);
}

/* Laggards. */

Test(core_feed, 18_a_laggard_needs_no_more_memory_than_its_outbox) {
    unsigned n = fill_until_behind(alice, bob, "bob");
    size_t n_used = core.pool.n_used;
    for (int i = 0; i < 20000; i++)
        say(alice, "bob", "more");
    drain();
    cr_assert_leq(core.pool.n_used, n_used + 1);
    cr_assert_leq(core.log.n_bytes, core.config.log_bytes_max + 2 * LOG_BLOCK_BYTES);
    bob->is_full = false;
    ready(bob);
    expect_numbers(bob, 0, n - 1);
}

Test(core_feed, 19_missed_only_when_something_for_the_session_was_lost) {
    core_end(&core, bob->session);
    struct client *carol = join(CAROL, "carol", HERE);
    uint64_t seq = core.seq;
    while (core.log.first_seq <= seq + 1) {
        say(alice, "carol", "not for bob");
        drain();
    }
    say(alice, "bob", "for bob");
    bob = join(BOB, "bob", HERE);
    expect_late(bob, "for bob");
    expect_nothing(bob);
    (void)carol;
}

Test(core_feed, 20_missed_is_told_to_who_was_away) {
    core_end(&core, bob->session);
    say(alice, "bob", "lost");
    uint64_t seq = core.seq;
    while (core.log.first_seq <= seq)
        say(alice, "alice", "fills the log");
    say(alice, "bob", "left");
    bob = join(BOB, "bob", HERE);
    cr_assert_geq(expect(bob, FRAME_MISSED)->missed.n, 1);
    expect_late(bob, "left");
    expect_nothing(bob);
    take(bob, core.seq, 0);
    core_end(&core, bob->session);
    expect_nothing(join(BOB, "bob", HERE));
}

Test(core_feed, 40_a_session_that_begins_later_does_not_take_older_mail) {
    core_end(&core, bob->session);
    say(alice, "bob", "unread");
    bob = arrive_as("bob", BOB, HERE | ABILITY_AFTER, core.seq);
    ready(bob);
    say(alice, "bob", "new");
    uint64_t seq = expect(bob, FRAME_MESSAGE)->message.seq;
    give(bob, &(struct frame){.type = FRAME_TAKEN, .taken = {seq, seq}});
    core_end(&core, bob->session);
    bob = join(BOB, "bob", HERE);
    expect_late(bob, "unread");
    expect_late(bob, "new");
}

Test(core_feed, 41_what_was_taken_before_ready_does_not_come_again) {
    say(alice, "bob", "taken");
    uint64_t seq = expect(bob, FRAME_MESSAGE)->message.seq;
    enum fail_code code;
    struct client *again = try_join(BOB, "bob", HERE, &code);
    expect(again, FRAME_WELCOME);
    give(bob, &(struct frame){.type = FRAME_TAKEN, .taken = {seq, seq}}); /* from another lane */
    ready(again);
    expect_nothing(again);
    say(alice, "bob", "new");
    expect_text(again, "new");
}

Test(core_feed, 42_what_came_while_it_was_held_is_its_own_whoever_else_has_taken_it) {
    struct client *held = arrive_as("bob", BOB, HERE, 0);
    say(alice, "bob", "meanwhile");
    uint64_t seq = expect(bob, FRAME_MESSAGE)->message.seq;
    give(bob, &(struct frame){.type = FRAME_TAKEN, .taken = {seq, seq}});
    ready(held);
    expect_text(held, "meanwhile");
    expect_nothing(held);
}

/* Full mailboxes that are tried again before long. */

/* What is to be sent, and could not be: the hub puts it off if it may. */
static unsigned put_off_all(bool *may_defer) {
    struct delivery deliveries[4];
    size_t n = core_take(&core, deliveries, 4);
    for (size_t i = 0; i < n; i++) {
        *may_defer = deliveries[i].may_defer;
        deliveries[i].deferred = true;
    }
    core_returned(&core, deliveries, n);
    return (unsigned)n;
}

Test(core_feed, 43_a_full_mailbox_is_tried_again_when_the_hub_asks_for_it) {
    bool may_defer = false;
    say(alice, "bob", "one");
    cr_assert_eq(put_off_all(&may_defer), 1);
    cr_assert(may_defer);
    say(alice, "bob", "two");
    expect_nothing(bob); /* nothing touches it meanwhile */
    core_retry_deferred(&core);
    expect_text(bob, "one");
    expect_text(bob, "two");
}

Test(core_feed, 44_after_a_few_times_more_has_to_say_when_there_is_room) {
    bool may_defer = true;
    unsigned n = 0;
    say(alice, "bob", "one");
    for (; may_defer && n < 100; n++) {
        cr_assert_eq(put_off_all(&may_defer), 1);
        core_retry_deferred(&core);
    }
    cr_assert_eq(n, DEFERRED_MAX + 1);
    expect_text(bob, "one");
    say(alice, "bob", "two");
    cr_assert_eq(put_off_all(&may_defer), 1);
    cr_assert(may_defer, "it had room in between");
}

Test(core_feed, 45_a_session_may_end_while_it_is_put_off) {
    bool may_defer = false;
    say(alice, "bob", "one");
    cr_assert_eq(put_off_all(&may_defer), 1);
    core_end(&core, bob->session);
    core_retry_deferred(&core);
    drain();
    bob = join(BOB, "bob", HERE);
    expect_late(bob, "one");
}

Test(core_feed, 46_what_is_marked_with_more_is_not_put_off) {
    struct delivery delivery;
    char text[4000] = "";
    memset(text, 'x', sizeof text - 1);
    ready(bob); /* its mailbox is empty */
    drain();
    ready(bob);
    for (int i = 0; i < 8; i++) /* more than fits into one */
        say(alice, "bob", text);
    cr_assert_eq(core_take(&core, &delivery, 1), 1);
    cr_assert_eq(delivery.session, bob->session);
    cr_assert(bob->session->outbox.has_marked);
    cr_assert(!delivery.may_defer);
    core_returned(&core, &delivery, 1);
}
