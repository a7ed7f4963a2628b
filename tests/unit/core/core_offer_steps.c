/*
 * Many offers, many sessions: whose memory is short is nobody else's affair, and no step grows with
 * all that there is.
 */

#include <stdio.h>

#include "core/internal.h"
#include "unit/core/world.h"

#define N_KNOWN 600
#define N_MANY 5000 /* more than one step tells */

static struct client *alice, *bob, *carol;

static void setup(void) {
    world_begin();
    core.limits.max[ACCOUNT_OFFERS] = 2 * N_MANY;
    alice = join(ALICE, "alice", HERE);
    bob = join(BOB, "bob", HERE);
    carol = join(CAROL, "carol", HERE);
    drain();
    pass_ms(NEWS_DELAY_MS);
    drain();
}

TestSuite(core_offer_steps, .init = setup, .fini = world_end);

static struct uuid offer_to(struct client *from, const char *to) {
    struct uuid id = new_id();
    cr_assert_null(give(from, &(struct frame){.type = FRAME_OFFER,
                                              .offer = {.request = 5,
                                                        .id = id,
                                                        .to = bytes_of(to),
                                                        .kind = OFFER_DIRECTORY,
                                                        .name = bytes_of("photos")}}));
    return id;
}

static size_t n_of_type(const struct client *client, unsigned type, uint32_t uid) {
    size_t n = 0;
    for (size_t i = client->at; i < client->n_in; i++)
        n += client->in[i].type == type && (uid == 0 || client->in[i].offered.uid == uid);
    return n;
}

static void stop_reading(struct client *client) {
    client->is_full = true;
    say(bob, client == alice ? "alice" : "carol", "into a full mailbox");
    drain();
    cr_assert(client->session->outbox.stuck);
}

static void read_again(struct client *client) {
    client->at = client->n_in;
    client->is_full = false;
    ready(client);
    drain();
}

Test(core_offer_steps, 01_a_senders_empty_account_hides_nobody_elses_offers) {
    struct account *account = &carol->session->user->account;
    stop_reading(alice);
    offer_to(carol, "alice");
    offer_to(bob, "alice");
    drain();
    uint64_t left = account_left(account, ACCOUNT_MEMORY);
    account_spend(account, ACCOUNT_MEMORY, left);
    read_again(alice);
    cr_assert_eq(n_of_type(alice, FRAME_OFFERED, BOB), 1);
    cr_assert_eq(n_of_type(alice, FRAME_OFFERED, CAROL), 0);
    account_give_back(account, ACCOUNT_MEMORY, left);
    pass_ms(1000);
    say(bob, "alice", "after a while");
    drain();
    cr_assert_eq(n_of_type(alice, FRAME_OFFERED, CAROL), 1, "it is tried again");
    cr_assert_eq(n_of_type(alice, FRAME_OFFERED, BOB), 1, "and what she knows is not told again");
}

/* So many takes tell so many offers at most: what is left of a slice is given to others. */
Test(core_offer_steps, 02_announcing_stops_with_its_slice_and_goes_on_from_there) {
    stop_reading(alice);
    for (int i = 0; i < N_MANY; i++)
        offer_to(bob, "alice");
    bob->at = bob->n_in;
    alice->session->outbox.stuck = false;
    session_weigh(alice->session);
    core.slice = 10;
    offer_step(&core, alice->session);
    cr_assert_eq(alice->session->n_told, 10);
    cr_assert_eq(core.slice, 0);
    cr_assert(alice->session->offers_due);
    core.slice = 10;
    offer_step(&core, alice->session);
    cr_assert_eq(alice->session->n_told, 20, "not from the first one again");
    read_again(alice);
    cr_assert_eq(alice->session->n_told, N_MANY);
    cr_assert_not(alice->session->offers_due);
}

/* The one that it has come to ends. */
Test(core_offer_steps, 03_what_ends_on_the_way_is_passed_over) {
    struct uuid ids[40];
    stop_reading(alice);
    for (int i = 0; i < 40; i++)
        ids[i] = offer_to(bob, "alice");
    alice->session->outbox.stuck = false;
    session_weigh(alice->session);
    core.slice = 10;
    offer_step(&core, alice->session);
    for (int i = 5; i < 20; i++)
        give(bob, &(struct frame){.type = FRAME_WITHDRAW, .withdraw = {ids[i], 0}});
    offer_to(carol, "alice");
    read_again(alice);
    cr_assert_eq(alice->session->n_told, 40 - 15 + 1);
    cr_assert_eq(n_of_type(alice, FRAME_OFFERED, CAROL), 1);
}

/* Its place goes to somebody else, who is not taken for it. */
Test(core_offer_steps, 04_who_gets_the_place_of_a_session_that_knew_of_one_does_not) {
    offer_to(carol, "bob");
    struct uuid id = offer_to(carol, "alice");
    drain();
    cr_assert_eq(alice->session->n_told, 1);
    uint32_t slot = alice->session->slot;
    core_end(&core, alice->session);
    drain();
    struct client *dave = join(1004, "dave", HERE);
    cr_assert_eq(dave->session->slot, slot);
    cr_assert_eq(dave->session->n_told, 0);
    give(carol, &(struct frame){.type = FRAME_WITHDRAW, .withdraw = {id, 0}});
    drain();
    cr_assert_eq(n_of_type(dave, FRAME_WITHDRAW, 0), 0);
    cr_assert_eq(dave->session->n_told, 0);
}

/* What is known is found again, whatever is added and removed meanwhile. */
Test(core_offer_steps, 05_what_a_session_knows_of) {
    static char offers[N_KNOWN]; /* only where they are counts */
    struct session *session = alice->session;
    bool is_in[N_KNOWN] = {false};
    uint64_t used = session->user->account.used[ACCOUNT_MEMORY];
    uint32_t seed = 1;
    for (int i = 0; i < 20000; i++) {
        size_t at = (seed = seed * 1664525 + 1013904223) >> 8;
        at %= N_KNOWN;
        struct offer *offer = (struct offer *)&offers[at];
        cr_assert_eq(known_has(session, offer), is_in[at]);
        if (is_in[at]) {
            known_remove(session, offer);
        } else {
            cr_assert(known_reserve(session));
            known_add(session, offer);
        }
        is_in[at] = !is_in[at];
    }
    known_free(session);
    cr_assert_eq(session->user->account.used[ACCOUNT_MEMORY], used);
}

/* Thousands that never said anything, or broke a rule together, end a few at a time. */
Test(core_offer_steps, 06_sessions_that_are_due_end_in_steps) {
    unsigned n = core.n_sessions;
    for (unsigned i = 0; i < 200; i++) {
        char name[32];
        snprintf(name, sizeof name, "stranger%u", i);
        cr_assert_not_null(arrive(&(struct arrival){5000 + i, name, HERE, 0, 0, false}));
    }
    drain();
    for (unsigned i = 0; i < 4; i++) { /* so many at a time are told that half is over */
        core_set_time(&core, mono_add_ms(core.now, CONFIRM_MS / 2), core.wall);
        core_tick(&core);
        core_set_time(&core, mono_add_ms(core.now, -CONFIRM_MS / 2), core.wall);
    }
    core_set_time(&core, mono_add_ms(core.now, CONFIRM_MS + 1), core.wall);
    unsigned n_ticks = 0;
    for (unsigned before = core.n_sessions; core.n_sessions > n; before = core.n_sessions) {
        core_tick(&core);
        drain();
        cr_assert_leq(before - core.n_sessions, 64);
        cr_assert_lt(core.n_sessions, before);
        n_ticks++;
    }
    cr_assert_geq(n_ticks, 4);
    cr_assert(core.unconfirmed == NULL);
}
