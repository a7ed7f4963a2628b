/*
 * What comes while a session is being sent to: its outbox is never idle, but it takes everything
 * in, so it gets everything.
 */

#include <stdio.h>

#include "unit/core/world.h"

#define FLIGHT_MAX 16

static struct client *alice, *bob, *carol;
static struct delivery flight[FLIGHT_MAX];
static size_t n_flight;

static void setup(void) {
    world_begin();
    alice = join(ALICE, "alice", HERE);
    bob = join(BOB, "bob", HERE);
    carol = join(CAROL, "carol", HERE);
    drain();
    pass_ms(NEWS_DELAY_MS);
    drain();
    n_flight = 0;
}

TestSuite(core_delivery, .init = setup, .fini = world_end);

/* What waits is on its way. */
static void take_off(void) {
    n_flight = core_take(&core, flight, FLIGHT_MAX);
}

/* All mailboxes have taken all of it in. */
static void touch_down(void) {
    for (size_t i = 0; i < n_flight; i++) {
        flight[i].sent = flight[i].chunks;
        flight[i].chunks = NULL;
    }
    core_returned(&core, flight, n_flight);
    n_flight = 0;
}

static struct uuid offer_to(struct client *from, const char *to) {
    struct uuid id = new_id();
    cr_assert_null(give(from, &(struct frame){.type = FRAME_OFFER,
                                              .offer = {.request = 5,
                                                        .id = id,
                                                        .to = bytes_of(to),
                                                        .kind = OFFER_DIRECTORY,
                                                        .name = bytes_of("photos")}}));
    expect(from, FRAME_DONE);
    return id;
}

/* Of alice's to bob. */
static void attach(struct uuid id) {
    cr_assert_null(give(alice, &(struct frame){.type = FRAME_SIGNAL,
                                               .signal = {.offer = id,
                                                          .uid = BOB,
                                                          .link = bob->link,
                                                          .said = {.what = SIGNAL_ATTACH}}}));
    cr_assert(outbox_is_idle(&alice->session->outbox), "she is told that it did not arrive");
}

Test(core_delivery, 01_signals_that_were_sent_do_not_count_any_more) {
    struct uuid id = offer_to(alice, "bob");
    say(carol, "bob", "so that he is busy");
    take_off();
    for (int i = 0; i < 300; i++) {
        cr_assert(bob->session->outbox.in_flight);
        attach(id);
        say(carol, "bob", "and goes on to be");
        touch_down();
        take_off();
    }
    touch_down();
}

/* Who stops reading is not the readers' affair: then there is a bound. */
Test(core_delivery, 02_signals_to_who_does_not_read_have_a_bound) {
    struct uuid id = offer_to(alice, "bob");
    bob->is_full = true;
    say(carol, "bob", "into a full mailbox");
    drain();
    cr_assert(bob->session->outbox.stuck);
    for (int i = 0; i < 300; i++)
        give(alice, &(struct frame){.type = FRAME_SIGNAL,
                                    .signal = {.offer = id,
                                               .uid = BOB,
                                               .link = bob->link,
                                               .said = {.what = SIGNAL_ATTACH}}});
    cr_assert_eq(expect(alice, FRAME_SIGNALLED)->signalled.said.what, SIGNAL_CANCEL);
}

static void receipt(struct client *from, struct client *to) {
    cr_assert_null(give(from, &(struct frame){.type = FRAME_RECEIPT,
                                              .receipt = {new_id(), STATE_READ, to->link,
                                                          to->session->user->uid}}));
}

static size_t n_states(const struct client *client, size_t from) {
    size_t n = 0;
    for (size_t i = from; i < client->n_in; i++)
        n += client->in[i].type == FRAME_STATE;
    return n;
}

Test(core_delivery, 03_receipts_that_come_meanwhile_are_not_dropped) {
    say(carol, "alice", "so that she is busy");
    take_off();
    cr_assert(alice->session->outbox.in_flight);
    size_t before = alice->n_in;
    for (int i = 0; i < 6000; i++)
        receipt(bob, alice);
    cr_assert_eq(core.counters.missed, 0);
    touch_down();
    drain();
    cr_assert_eq(n_states(alice, before), 6000);
}

/* Memory bounds it: others leave her a quarter. */
Test(core_delivery, 04_they_leave_her_memory) {
    const struct account *account = &alice->session->user->account;
    say(carol, "alice", "so that she is busy");
    take_off();
    for (int i = 0; i < 200000; i++)
        receipt(bob, alice);
    uint64_t max = account->limits->max[ACCOUNT_MEMORY];
    cr_assert_geq(account_left(account, ACCOUNT_MEMORY), max / 4 - CHUNK_BYTES_MAX);
    cr_assert(!alice->session->broken);
    touch_down();
}

/* To many sessions of one user and to one of another: users take turns. */
Test(core_delivery, 05_one_is_not_sent_to_after_the_many_of_another) {
    enter(alice, "#ops", 0);
    for (int i = 0; i < 30; i++)
        enter(join(CAROL, "carol", HERE), "#ops", FRAME_SESSION_ONLY);
    drain();
    pass_ms(NEWS_DELAY_MS);
    drain();
    say(alice, "#ops", "to all of them");
    say(alice, "bob", "and to you");
    take_off();
    bool is_bob_among = false;
    for (size_t i = 0; i < n_flight; i++)
        is_bob_among |= flight[i].session == bob->session;
    cr_assert_eq(n_flight, FLIGHT_MAX);
    cr_assert(is_bob_among);
    touch_down();
}

/* A crowd that always has something to be sent does not put off who waits for a list. */
Test(core_delivery, 06_steps_have_a_part_of_each_round) {
    unsigned n_bob = 0;
    enter(alice, "#ops", 0);
    for (int i = 0; i < 40; i++) {
        char name[16];
        snprintf(name, sizeof name, "u%d", i);
        enter(join((uid_t)(2000 + i), name, HERE), "#ops", FRAME_SESSION_ONLY);
    }
    drain();
    pass_ms(NEWS_DELAY_MS);
    drain();
    cr_assert_null(
        give(bob, &(struct frame){.type = FRAME_LIST, .list = {.request = 9, .what = LIST_USERS}}));
    for (int i = 0; i < 100; i++) {
        say(alice, "#ops", "to all of them");
        take_off();
        for (size_t k = 0; k < n_flight; k++)
            n_bob += flight[k].session == bob->session;
        touch_down();
    }
    cr_assert_gt(n_bob, 0);
}
