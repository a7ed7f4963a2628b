/* Offers: who hears of one, who may take it, what the two sides can say to each other, its end. */

#include <stdio.h>

#include "unit/core/world.h"

#define REQUEST 5

static struct client *alice, *bob;

static void setup(void) {
    world_begin_with_two(&alice, &bob);
}

TestSuite(core_offers, .init = setup, .fini = world_end);

static struct uuid give_offer(struct client *client, const char *to) {
    struct uuid id = new_id();
    cr_assert_null(give(client, &(struct frame){.type = FRAME_OFFER,
                                                .offer = {.request = REQUEST,
                                                          .id = id,
                                                          .to = bytes_of(to),
                                                          .kind = OFFER_DIRECTORY,
                                                          .size = 4711,
                                                          .mode = 0750,
                                                          .mtime_ns = 99,
                                                          .mime = bytes_of("text/plain"),
                                                          .name = bytes_of("photos")}}));
    return id;
}

/* Made, and told to its sender. */
static struct uuid make_offer(struct client *client, const char *to) {
    struct uuid id = give_offer(client, to);
    cr_assert_eq(expect(client, FRAME_DONE)->done.request, REQUEST);
    return id;
}

static void expect_offered(struct client *client, struct uuid id, uint32_t request) {
    const struct frame *frame = expect(client, FRAME_OFFERED);
    cr_assert(uuid_equal(&frame->offered.id, &id));
    cr_assert_eq(frame->offered.request, request);
}

static void expect_withdrawn(struct client *client, struct uuid id, enum withdraw_why why) {
    const struct frame *frame = expect(client, FRAME_WITHDRAW);
    cr_assert(uuid_equal(&frame->withdraw.offer, &id));
    cr_assert_eq(frame->withdraw.why, why);
}

static void expect_failed(struct client *client, enum fail_code code) {
    const struct frame *frame = expect(client, FRAME_FAIL);
    cr_assert_eq(frame->fail.request, REQUEST);
    cr_assert_eq(frame->fail.code, code, "%s", fail_name(frame->fail.code));
}

static struct signal signal_of(enum signal_what what) {
    switch (what) {
    case SIGNAL_ACCEPT:
        return (struct signal){.what = SIGNAL_ACCEPT, .accept = {7, {"sixteen"}, 8}};
    case SIGNAL_ATTACH:
        return (struct signal){.what = SIGNAL_ATTACH, .attach = {5, 6, 7, 8}};
    default:
        return (struct signal){.what = (uint8_t)what, .reason = bytes_of("so")};
    }
}

/* To somebody about this offer; returns the rule that it breaks. */
static const char *tell(struct client *from, const struct client *to, uint32_t uid, struct uuid id,
                        enum signal_what what) {
    return give(
        from, &(struct frame){
                  .type = FRAME_SIGNAL,
                  .signal = {.offer = id, .uid = uid, .link = to->link, .said = signal_of(what)}});
}

static void expect_said(const struct signal *said, enum signal_what what) {
    cr_assert_eq(said->what, what);
    switch (what) {
    case SIGNAL_ACCEPT:
        cr_assert_eq(said->accept.n_have, 7);
        cr_assert_str_eq((const char *)said->accept.digest.b, "sixteen");
        cr_assert_eq(said->accept.attempt, 8);
        break;
    case SIGNAL_ATTACH:
        cr_assert_eq(said->attach.shmid, 5);
        cr_assert_eq(said->attach.n_slots, 6);
        cr_assert_eq(said->attach.slot_bytes, 7);
        cr_assert_eq(said->attach.attempt, 8);
        break;
    default:
        cr_assert(bytes_equal(said->reason, bytes_of("so")));
    }
}

static void expect_signalled(struct client *client, const struct client *by, uint32_t uid,
                             const char *handle, enum signal_what what) {
    const struct frame_signalled *signalled = &expect(client, FRAME_SIGNALLED)->signalled;
    cr_assert_eq(signalled->uid, uid);
    cr_assert_eq(signalled->link, by->link);
    cr_assert_eq(signalled->pid, (uint32_t)by->session->pid);
    cr_assert(bytes_equal(signalled->by, bytes_of(handle)));
    expect_said(&signalled->said, what);
}

static void withdraw(struct client *client, struct uuid id) {
    give(client, &(struct frame){.type = FRAME_WITHDRAW, .withdraw = {id, WITHDRAW_CANCELLED}});
}

static size_t n_listed(struct client *client) {
    size_t n = 0;
    give(client, &(struct frame){.type = FRAME_LIST, .list = {9, LIST_OFFERS, bytes_of("")}});
    for (const struct frame *frame; (frame = next_frame(client)); n++) {
        if (frame->type == FRAME_DONE)
            return n;
        cr_assert_eq(frame->type, FRAME_OFFERED);
        cr_assert_eq(frame->offered.request, 9);
    }
    cr_assert_fail("the list has no end");
    return 0;
}

static uint64_t n_open(const struct client *client) {
    return client->session->user->account.used[ACCOUNT_OFFERS];
}

/* Making. */

Test(core_offers, 01_the_recipient_is_told_everything) {
    struct uuid id = make_offer(alice, "bob");
    const struct frame_offered *offered = &expect(bob, FRAME_OFFERED)->offered;
    cr_assert(uuid_equal(&offered->id, &id));
    cr_assert_eq(offered->request, 0);
    cr_assert(bytes_equal(offered->from, bytes_of("alice")));
    cr_assert_eq(offered->uid, ALICE);
    cr_assert_eq(offered->link, alice->link);
    cr_assert(bytes_equal(offered->to, bytes_of("bob")));
    cr_assert_eq(offered->kind, OFFER_DIRECTORY);
    cr_assert_eq(offered->size, 4711);
    cr_assert_eq(offered->mode, 0750);
    cr_assert_eq(offered->mtime_ns, 99);
    cr_assert(bytes_equal(offered->mime, bytes_of("text/plain")));
    cr_assert(bytes_equal(offered->name, bytes_of("photos")));
    cr_assert_eq(n_open(alice), 1);
}

Test(core_offers, 02_who_does_not_listen_or_is_not_meant_hears_nothing) {
    struct client *deaf = join(BOB, "bob", 0), *carol = join(CAROL, "carol", HERE);
    pass_ms(NEWS_DELAY_MS);
    struct uuid id = make_offer(alice, "bob");
    expect_offered(bob, id, 0);
    expect_nothing(deaf);
    expect_nothing(carol);
    expect_nothing(alice);
    cr_assert_eq(n_listed(carol), 0);
    cr_assert_eq(n_listed(alice), 0);
}

Test(core_offers, 03_to_oneself_it_goes_to_the_other_sessions) {
    struct client *other = join(ALICE, "alice", HERE);
    struct uuid id = make_offer(alice, "alice");
    expect_offered(other, id, 0);
    expect_nothing(alice);
}

Test(core_offers, 04_to_a_room_it_goes_to_all_who_are_in_it) {
    struct client *carol = join(CAROL, "carol", HERE);
    enter(alice, "#ops", 0);
    enter(bob, "#ops", 0);
    struct uuid id = make_offer(alice, "#ops");
    const struct frame *frame = expect(bob, FRAME_OFFERED);
    cr_assert(uuid_equal(&frame->offered.id, &id));
    cr_assert(bytes_equal(frame->offered.to, bytes_of("#ops")));
    expect_nothing(carol);
    expect_nothing(alice);
}

Test(core_offers, 05_to_nobody_or_to_an_empty_room_it_fails) {
    enter(bob, "#ops", 0);
    say(bob, "#ops", "so that it has a past");
    leave(bob, "#ops");
    give_offer(alice, "nobody");
    expect_failed(alice, FAIL_NO_USER);
    give_offer(alice, "#ops");
    expect_failed(alice, FAIL_NO_ROOM);
    give_offer(alice, "#nothing");
    expect_failed(alice, FAIL_NO_ROOM);
    cr_assert_eq(n_open(alice), 0);
}

static void offer_again(struct client *client, struct uuid id, const char *to) {
    give(client, &(struct frame){.type = FRAME_OFFER,
                                 .offer = {.request = REQUEST, .id = id, .to = bytes_of(to)}});
}

Test(core_offers, 06_an_id_cannot_be_used_twice_but_by_another) {
    struct uuid id = make_offer(alice, "bob");
    expect_offered(bob, id, 0);
    offer_again(alice, id, "bob");
    expect_failed(alice, FAIL_LIMIT);
    cr_assert_eq(n_open(alice), 1);
    offer_again(bob, id, "alice");
    expect(bob, FRAME_DONE);
    expect_offered(alice, id, 0);
    withdraw(bob, id);
    expect_withdrawn(alice, id, WITHDRAW_CANCELLED);
    cr_assert_eq(n_listed(bob), 1, "alice's is another one");
}

Test(core_offers, 07_so_many_and_no_more) {
    uint64_t max = core.limits.max[ACCOUNT_OFFERS];
    struct uuid first = make_offer(alice, "bob");
    for (uint64_t i = 1; i < max; i++)
        make_offer(alice, "bob");
    give_offer(alice, "bob");
    expect_failed(alice, FAIL_LIMIT);
    withdraw(alice, first);
    make_offer(alice, "bob");
    cr_assert_eq(n_open(alice), max);
}

/* The end. */

Test(core_offers, 08_its_sender_takes_it_back) {
    struct uuid id = make_offer(alice, "bob");
    expect_offered(bob, id, 0);
    withdraw(alice, id);
    expect_withdrawn(bob, id, WITHDRAW_CANCELLED);
    cr_assert_eq(n_listed(bob), 0);
    cr_assert_eq(n_open(alice), 0);
    withdraw(alice, id); /* once more is nothing */
    expect_nothing(bob);
}

Test(core_offers, 09_nobody_else_can) {
    struct uuid id = make_offer(alice, "bob");
    expect_offered(bob, id, 0);
    withdraw(bob, id);
    expect_nothing(alice);
    cr_assert_eq(n_listed(bob), 1);
}

Test(core_offers, 10_with_its_session_it_is_lost) {
    struct uuid id = make_offer(alice, "bob");
    struct user *user = alice->session->user;
    expect_offered(bob, id, 0);
    core_end(&core, alice->session);
    expect_withdrawn(bob, id, WITHDRAW_LOST);
    cr_assert_eq(user->account.used[ACCOUNT_OFFERS], 0);
    cr_assert_null(tell(bob, alice, ALICE, id, SIGNAL_ACCEPT));
    expect_withdrawn(bob, id, WITHDRAW_LOST);
}

/* Taking. */

Test(core_offers, 11_one_session_takes_it_the_others_are_told) {
    struct client *other = join(BOB, "bob", HERE);
    struct uuid id = make_offer(alice, "bob");
    expect_offered(bob, id, 0);
    expect_offered(other, id, 0);
    cr_assert_null(tell(bob, alice, ALICE, id, SIGNAL_ACCEPT));
    expect_signalled(alice, bob, BOB, "bob", SIGNAL_ACCEPT);
    expect_withdrawn(other, id, WITHDRAW_TAKEN);
    expect_nothing(bob);
    cr_assert_null(tell(other, alice, ALICE, id, SIGNAL_ACCEPT));
    expect_withdrawn(other, id, WITHDRAW_TAKEN);
    expect_nothing(alice);
    cr_assert_null(tell(bob, alice, ALICE, id, SIGNAL_ACCEPT)); /* again, after an interruption */
    expect_signalled(alice, bob, BOB, "bob", SIGNAL_ACCEPT);
    expect_nothing(other);
    cr_assert_eq(n_listed(other), 0, "what is taken is not offered any more");
}

Test(core_offers, 12_when_who_took_it_is_gone_another_may) {
    struct client *other = join(BOB, "bob", HERE);
    struct uuid id = make_offer(alice, "bob");
    expect_offered(bob, id, 0);
    expect_offered(other, id, 0);
    tell(bob, alice, ALICE, id, SIGNAL_ACCEPT);
    expect_signalled(alice, bob, BOB, "bob", SIGNAL_ACCEPT);
    expect_withdrawn(other, id, WITHDRAW_TAKEN);
    core_end(&core, bob->session);
    cr_assert_eq(n_listed(other), 1);
    tell(other, alice, ALICE, id, SIGNAL_ACCEPT);
    expect_signalled(alice, other, BOB, "bob", SIGNAL_ACCEPT);
}

Test(core_offers, 13_declined_it_is_over) {
    struct client *other = join(BOB, "bob", HERE);
    struct uuid id = make_offer(alice, "bob");
    expect_offered(bob, id, 0);
    expect_offered(other, id, 0);
    tell(bob, alice, ALICE, id, SIGNAL_DECLINE);
    expect_signalled(alice, bob, BOB, "bob", SIGNAL_DECLINE);
    expect_withdrawn(other, id, WITHDRAW_TAKEN);
    cr_assert_eq(n_open(alice), 0);
    cr_assert_null(tell(other, alice, ALICE, id, SIGNAL_ACCEPT));
    expect_withdrawn(other, id, WITHDRAW_LOST);
}

Test(core_offers, 14_cancelled_by_the_recipient_it_stays_on_offer) {
    struct uuid id = make_offer(alice, "bob");
    expect_offered(bob, id, 0);
    tell(bob, alice, ALICE, id, SIGNAL_CANCEL);
    expect_signalled(alice, bob, BOB, "bob", SIGNAL_CANCEL);
    cr_assert_eq(n_listed(bob), 1);
}

Test(core_offers, 15_each_member_of_a_room_may_take_it) {
    struct client *carol = join(CAROL, "carol", HERE);
    enter(alice, "#ops", 0);
    enter(bob, "#ops", 0);
    enter(carol, "#ops", 0);
    struct uuid id = make_offer(alice, "#ops");
    expect_offered(bob, id, 0);
    expect_offered(carol, id, 0);
    tell(bob, alice, ALICE, id, SIGNAL_ACCEPT);
    expect_signalled(alice, bob, BOB, "bob", SIGNAL_ACCEPT);
    tell(carol, alice, ALICE, id, SIGNAL_DECLINE);
    expect_signalled(alice, carol, CAROL, "carol", SIGNAL_DECLINE);
    expect_nothing(bob);
    cr_assert_eq(n_listed(bob), 1);
}

Test(core_offers, 16_who_has_left_the_room_is_not_asked_any_more) {
    enter(alice, "#ops", 0);
    enter(bob, "#ops", 0);
    struct uuid id = make_offer(alice, "#ops");
    expect_offered(bob, id, 0);
    leave(bob, "#ops");
    cr_assert_eq(n_listed(bob), 0);
    cr_assert_null(tell(bob, alice, ALICE, id, SIGNAL_ACCEPT), "he may have been asked before");
    expect_withdrawn(bob, id, WITHDRAW_LOST);
    expect_nothing(alice);
}

/* Saying. */

Test(core_offers, 17_its_sender_speaks_to_who_is_meant_only) {
    struct client *carol = join(CAROL, "carol", HERE);
    struct uuid id = make_offer(alice, "bob");
    expect_offered(bob, id, 0);
    cr_assert_null(tell(alice, bob, BOB, id, SIGNAL_ATTACH));
    expect_signalled(bob, alice, ALICE, "alice", SIGNAL_ATTACH);
    cr_assert_null(tell(alice, bob, BOB, id, SIGNAL_CANCEL));
    expect_signalled(bob, alice, ALICE, "alice", SIGNAL_CANCEL);
    cr_assert_null(tell(alice, carol, CAROL, id, SIGNAL_ATTACH));
    expect_nothing(carol);
    cr_assert_null(tell(alice, bob, CAROL, id, SIGNAL_ATTACH)); /* bob's link is not carol's */
    cr_assert_null(tell(alice, bob, 4711, id, SIGNAL_ATTACH));
    expect_nothing(bob);
    expect_nothing(carol);
}

Test(core_offers, 18_each_side_says_its_own_part) {
    struct uuid id = make_offer(alice, "bob");
    expect_offered(bob, id, 0);
    cr_assert_not_null(tell(alice, bob, BOB, id, SIGNAL_ACCEPT));
    cr_assert_not_null(tell(bob, alice, ALICE, id, SIGNAL_ATTACH));
}

Test(core_offers, 19_a_stranger_reaches_nobody) {
    struct client *carol = join(CAROL, "carol", HERE);
    struct uuid id = make_offer(alice, "bob");
    expect_offered(bob, id, 0);
    cr_assert_null(tell(carol, alice, ALICE, id, SIGNAL_ACCEPT));
    expect_withdrawn(carol, id, WITHDRAW_LOST);
    expect_nothing(alice);
    cr_assert_eq(n_listed(bob), 1);
}

Test(core_offers, 20_an_answer_to_an_earlier_offer_of_this_id_is_not_for_this_one) {
    struct uuid id = make_offer(alice, "bob");
    expect_offered(bob, id, 0);
    cr_assert_null(tell(bob, bob, ALICE, id, SIGNAL_ACCEPT));
    expect_withdrawn(bob, id, WITHDRAW_LOST);
    cr_assert_null(tell(bob, alice, CAROL, id, SIGNAL_ACCEPT));
    expect_withdrawn(bob, id, WITHDRAW_LOST);
    expect_nothing(alice);
}

Test(core_offers, 21_without_a_link_nothing_can_be_offered_or_taken) {
    struct client *plain = join(CAROL, "carol", HERE), *again;
    again = arrive(&(struct arrival){CAROL, "carol", HERE, plain->link, 0, false});
    ready(again); /* it has taken the link over */
    drain();
    cr_assert_eq(plain->session->link, 0);
    plain->at = plain->n_in;
    give_offer(plain, "bob");
    expect_failed(plain, FAIL_LIMIT);
    struct uuid id = make_offer(alice, "carol");
    expect_offered(plain, id, 0);
    expect_offered(again, id, 0);
    cr_assert_null(tell(plain, alice, ALICE, id, SIGNAL_ACCEPT));
    expect_withdrawn(plain, id, WITHDRAW_LOST);
    expect_nothing(alice);
}

Test(core_offers, 22_a_list_shows_each_to_whom_it_is_for) {
    struct uuid first = make_offer(alice, "bob"), second = make_offer(alice, "bob");
    expect_offered(bob, first, 0);
    expect_offered(bob, second, 0);
    struct uuid third = make_offer(bob, "alice");
    expect_offered(alice, third, 0);
    cr_assert_eq(n_listed(alice), 1);
    cr_assert_eq(n_listed(bob), 2);
    withdraw(alice, first);
    expect_withdrawn(bob, first, WITHDRAW_CANCELLED);
    cr_assert_eq(n_listed(bob), 1);
}

/* Who has seen an id may use it for an offer of his own; whose is over must be said. */
Test(core_offers, 23_two_users_offers_with_one_id) {
    struct client *carol = join(CAROL, "carol", HERE);
    struct client *dave = join(1004, "dave", HERE | ABILITY_WITHDRAWN);
    struct uuid id = make_offer(alice, "dave");
    struct frame same = {.type = FRAME_OFFER,
                         .offer = {.request = REQUEST,
                                   .id = id,
                                   .to = bytes_of("dave"),
                                   .kind = OFFER_STREAM,
                                   .name = bytes_of("mine")}};
    give(carol, &same);
    expect(carol, FRAME_DONE);
    expect_offered(dave, id, 0);
    expect_offered(dave, id, 0);
    withdraw(carol, id);
    const struct frame *frame = expect(dave, FRAME_WITHDRAWN);
    cr_assert(uuid_equal(&frame->withdrawn.offer, &id));
    cr_assert_eq(frame->withdrawn.uid, CAROL);
    cr_assert_eq(frame->withdrawn.why, WITHDRAW_CANCELLED);
    cr_assert_eq(n_listed(dave), 1);
    cr_assert_null(tell(dave, carol, CAROL, id, SIGNAL_ACCEPT));
    cr_assert_eq(expect(dave, FRAME_WITHDRAWN)->withdrawn.uid, CAROL);
    cr_assert_null(tell(dave, alice, ALICE, id, SIGNAL_ACCEPT));
    expect_signalled(alice, dave, 1004, "dave", SIGNAL_ACCEPT);
}
