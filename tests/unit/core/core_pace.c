/* Pace: who floods is held, by whom, for how long, and who is not. */

#include <stdio.h>

#include "unit/core/fake_store.h"

#define LENGTH 200
#define FLOOD 120 /* messages: more than makes a flood, and fills an outbox halfway */
#define TURN_MS 1000

static struct client *alice, *bob, *carol;

static void begin_ephemeral(void) {
    world_begin_with((size_t)64 * 1024 * 1024, false);
    alice = join(ALICE, "alice", HERE);
    bob = join(BOB, "bob", HERE);
    carol = join(CAROL, "carol", HERE);
    drain();
    pass_ms(NEWS_DELAY_MS);
    drain();
}

static void begin_stored(void) {
    durable_begin_with_two(&alice, &bob);
}

TestSuite(core_pace, .init = begin_ephemeral, .fini = world_end);
TestSuite(core_pace_stored, .init = begin_stored, .fini = durable_end);

static const char *text_of(size_t n) {
    static char text[4096];
    memset(text, 'x', n);
    text[n] = '\0';
    return text;
}

/* Nothing is sent meanwhile. */
static void flood_n(struct client *from, const char *to, unsigned n) {
    for (unsigned i = 0; i < n; i++)
        say(from, to, text_of(LENGTH));
}

static void flood(struct client *from, const char *to) {
    flood_n(from, to, FLOOD);
}

static const struct session *held_by(const struct client *client) {
    return client->session->pace ? client->session->pace->by : NULL;
}

static bool is_held(const struct client *client) {
    return held_by(client) != NULL;
}

static bool is_held_by(const struct client *client, const struct client *by) {
    return held_by(client) == by->session;
}

static bool is_stalled(const struct session *session) {
    return session->pace && session->pace->is_stalled;
}

static void set_stalled(struct client *client, bool stalled) {
    struct session *session = client->session;
    if (!session->pace && stalled) {
        session->pace = own_memory(NULL, sizeof *session->pace);
        *session->pace = (struct pace){0};
        account_spend(&session->user->account, ACCOUNT_MEMORY, sizeof *session->pace);
    }
    if (session->pace)
        session->pace->is_stalled = stalled;
}

static unsigned n_acks(struct client *client) {
    unsigned n = 0;
    for (const struct frame *frame; (frame = next_frame(client));)
        n += frame->type == FRAME_ACK;
    return n;
}

/* Its mailbox takes in one delivery, and is full again. */
static void take_some(struct client *client) {
    struct delivery delivery;
    ready(client);
    cr_assert_eq(core_take(&core, &delivery, 1), 1);
    cr_assert_eq(delivery.session, client->session);
    struct chunk *rest = delivery.chunks->next;
    delivery.sent = delivery.chunks;
    delivery.sent->next = NULL;
    delivery.chunks = rest;
    delivery.full = true;
    core_returned(&core, &delivery, 1);
}

static void stop_reading(struct client *client) {
    client->is_full = true;
    drain();
}

static void read_on(struct client *client) {
    client->is_full = false;
    ready(client);
    drain();
}

/* Who is held. */

Test(core_pace, 01_a_flood_is_held_until_it_was_read) {
    flood(alice, "bob");
    cr_assert(is_held_by(alice, bob));
    pass_ms(10 * ACK_DELAY_MS);
    cr_assert_eq(alice->session->outbox.n_chunks, 0, "no acknowledgement, however long ago");
    cr_assert_eq(n_acks(alice), 1, "bob has read all");
    cr_assert(!is_held(alice));
    cr_assert(!bob->session->behind);
}

Test(core_pace, 02_what_is_read_at_once_holds_nobody) {
    for (int i = 0; i < 10 * FLOOD; i++) {
        say(alice, "bob", text_of(LENGTH));
        drain();
        cr_assert(!is_held(alice));
    }
}

/* Bob has much waiting; how much was sent by the one who is looked at, in which steps. */
Test(core_pace, 03_who_sends_little_is_not_held) {
    static const struct {
        unsigned n_messages, n_bytes, pause_ms;
        bool is_held;
    } rows[] = {
        {1, 100, 0, false}, {1, 4000, 0, false}, {3, 4000, 0, false},   {8, 4000, 0, true},
        {1000, 1, 0, true}, {100, 200, 5, true}, {200, 200, 30, false}, {50, 200, 0, false},
    };
    stop_reading(bob);
    flood(carol, "bob");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char name[16];
        snprintf(name, sizeof name, "u%zu", i);
        struct client *sender = join(BOB, name, 0);
        bool was_held = false;
        for (unsigned k = 0; k < rows[i].n_messages; k++) {
            set_stalled(bob, false);
            say(sender, "bob", text_of(rows[i].n_bytes));
            was_held |= is_held(sender);
            pass_ms(rows[i].pause_ms);
        }
        cr_expect_eq(was_held, rows[i].is_held, "row %zu", i);
        core_end(&core, sender->session);
    }
}

Test(core_pace, 04_a_single_message_is_acknowledged_at_once_whoever_is_behind) {
    stop_reading(bob);
    flood(carol, "bob");
    cr_assert(is_held(carol));
    give_send(alice, new_id(), "bob", "hello", FRAME_ACK_NOW);
    cr_assert_eq(n_acks(alice), 1);
    give_send(alice, new_id(), "bob", "hello", FRAME_WANT_SEQ);
    cr_assert_eq(n_acks(alice), 1);
}

Test(core_pace, 05_a_number_that_is_asked_for_is_told_also_to_who_is_held) {
    flood(alice, "bob");
    cr_assert(is_held(alice));
    give_send(alice, new_id(), "bob", "hello", FRAME_WANT_SEQ);
    cr_assert_eq(alice->session->outbox.n_chunks, 1);
    cr_assert(is_held(alice));
}

Test(core_pace, 06_who_has_not_begun_to_read_holds_nobody) {
    struct client *dave = arrive_as("dave", CAROL, HERE, 0);
    flood(alice, "dave");
    cr_assert(dave->session->held && dave->session->behind);
    cr_assert(!is_held(alice));
}

Test(core_pace, 07_only_the_acknowledgements_are_held) {
    stop_reading(bob);
    flood(alice, "bob");
    drain();
    cr_assert(is_held(alice));
    size_t before = alice->n_in;
    say(carol, "alice", "a message");
    struct uuid id = say(alice, "nobody", "refused");
    drain();
    cr_assert_eq(alice->n_in, before + 2);
    expect_text(alice, "a message");
    expect_refused(alice, id, FAIL_NO_USER);
}

/* For how long. */

Test(core_pace, 10_who_takes_nothing_for_a_turn_holds_nobody_any_more) {
    stop_reading(bob);
    flood(alice, "bob");
    drain();
    pass_ms(TURN_MS - 1);
    cr_assert(is_held(alice));
    cr_assert_eq(n_acks(alice), 0);
    pass_ms(1);
    cr_assert(!is_held(alice));
    cr_assert_eq(n_acks(alice), 1);
    flood(alice, "bob");
    flood(carol, "bob");
    cr_assert(!is_held(alice) && !is_held(carol), "a second in all, not for each window");
    read_on(bob);
    cr_assert(!bob->session->behind);
    flood(alice, "bob");
    cr_assert(is_held_by(alice, bob), "it has read all, and counts again");
}

Test(core_pace, 11_the_hub_wakes_up_for_that_and_for_nothing_else) {
    cr_assert_eq(core_due(&core).ns, 0);
    stop_reading(bob);
    flood(alice, "bob");
    drain();
    pass_ms(ACK_DELAY_MS);
    cr_assert_eq(mono_ms_until(core.now, core_due(&core)), TURN_MS / 2 - ACK_DELAY_MS);
    pass_ms(TURN_MS);
    drain();
    pass_ms(ACK_DELAY_MS);
    cr_assert_eq(core_due(&core).ns, 0);
}

/* Or it would be let go although its recipient reads, and lose where there is no store. */
Test(core_pace, 11b_while_the_hub_stands_still_nobody_has_stalled) {
    stop_reading(bob);
    flood(alice, "bob");
    drain();
    stand_still_ms(10 * TURN_MS);
    cr_assert(is_held_by(alice, bob));
    cr_assert(!is_stalled(bob->session));
    take_some(bob);
    pass_ms(TURN_MS / 2);
    cr_assert(!is_held(alice));
    cr_assert(!is_stalled(bob->session), "it reads, if slowly");
}

/* It takes one delivery in each turn: another user's flood waits for one turn, its own for more. */
static unsigned turns_held(struct client *sender, struct client *reader) {
    unsigned n = 0;
    stop_reading(reader);
    flood(sender, name_bytes(&reader->session->handle->name).data);
    drain();
    cr_assert(is_held_by(sender, reader));
    while (is_held(sender)) {
        pass_ms(TURN_MS / 2);
        if (reader->session->outbox.n_chunks > 8)
            take_some(reader);
        pass_ms(TURN_MS / 2);
        n++;
        cr_assert_lt(n, 100);
    }
    cr_assert(!is_stalled(reader->session));
    return n;
}

Test(core_pace, 12_who_reads_slowly_holds_others_for_one_turn) {
    cr_assert_eq(turns_held(alice, bob), 1);
}

Test(core_pace, 13_and_its_own_user_for_some) {
    struct client *own = join(BOB, "own", 0);
    flood_n(own, "bob", 3 * FLOOD); /* so that it has enough to read */
    cr_assert_eq(turns_held(own, bob), 10);
}

/* With a store nothing is lost, so there nobody waits longer than a turn. */
Test(core_pace_stored, 14_with_a_store_a_turn_is_all) {
    struct client *own = join(BOB, "own", 0);
    commit_all();
    stop_reading(bob);
    flood(own, "bob");
    commit_all();
    drain();
    cr_assert(is_held(own));
    cr_assert_eq(n_acks(own), 0, "committed, but not read");
    pass_ms(TURN_MS / 2);
    take_some(bob);
    pass_ms(TURN_MS / 2);
    cr_assert(!is_held(own));
    cr_assert(is_stalled(bob->session));
    cr_assert_eq(n_acks(own), 1);
}

Test(core_pace_stored, 15_an_acknowledgement_follows_the_commit_all_the_same) {
    flood(alice, "bob");
    cr_assert(is_held(alice));
    drain();
    cr_assert(!is_held(alice), "bob has read all");
    pass_ms(TURN_MS);
    cr_assert_eq(n_acks(alice), 0, "read, but not committed");
    commit_all();
    pass_ms(ACK_DELAY_MS);
    cr_assert_eq(n_acks(alice), 1);
}

Test(core_pace, 16_who_fell_behind_holds_until_it_hears_directly_again) {
    struct client *own = join(BOB, "own", 0);
    stop_reading(bob);
    flood_n(own, "bob", 3 * FLOOD);
    drain();
    cr_assert(bob->session->behind);
    cr_assert(is_held_by(own, bob));
    read_on(bob);
    cr_assert(!bob->session->behind);
    cr_assert(!is_held(own));
    cr_assert_eq(n_acks(own), 1);
    say(own, "bob", "directly");
    cr_assert(!bob->session->behind);
}

/* Ends. */

Test(core_pace, 20_the_end_of_the_recipient_lets_all_go) {
    stop_reading(bob);
    flood(alice, "bob");
    flood(carol, "bob");
    drain();
    cr_assert(is_held(alice) && is_held(carol));
    core_end(&core, bob->session);
    cr_assert(!is_held(alice) && !is_held(carol));
    cr_assert_eq(n_acks(alice), 1);
    cr_assert_eq(n_acks(carol), 1);
}

Test(core_pace, 21_the_end_of_the_sender) {
    stop_reading(bob);
    flood(alice, "bob");
    flood(carol, "bob");
    drain();
    core_end(&core, alice->session);
    cr_assert(is_held_by(carol, bob));
    cr_assert_eq(core.held_senders, carol->session);
    core_end(&core, carol->session);
    cr_assert_null(bob->session->pace);
    cr_assert_null(core.held_senders);
}

Test(core_pace, 22_a_hub_that_stops_acknowledges_before) {
    stop_reading(bob);
    flood(alice, "bob");
    drain();
    core_say_bye(&core);
    cr_assert_eq(n_acks(alice), 1);
}

Test(core_pace, 23_two_who_flood_each_other) {
    for (int i = 0; i < 3; i++) {
        flood(alice, "bob");
        flood(bob, "alice");
        cr_assert(is_held_by(alice, bob) && is_held_by(bob, alice));
        drain();
        cr_assert(!is_held(alice) && !is_held(bob));
    }
}

Test(core_pace, 24_what_it_takes_is_charged_and_given_back) {
    uint64_t before = memory_of(ALICE);
    flood(alice, "bob");
    cr_assert(is_held(alice));
    uint64_t held = memory_of(ALICE);
    read_on(bob);
    (void)n_acks(alice);
    cr_assert_null(alice->session->pace);
    cr_assert_null(bob->session->pace);
    cr_assert_eq(memory_of(ALICE), held - sizeof(struct pace));
    cr_assert_geq(memory_of(ALICE), before);
}

/* Rooms. */

static struct client *crowd[40];

static void gather(unsigned n) {
    enter(alice, "#ops", 0);
    for (unsigned i = 0; i < n; i++) {
        char name[16];
        snprintf(name, sizeof name, "m%u", i);
        crowd[i] = join((uid_t)(2000 + i), name, HERE);
        enter(crowd[i], "#ops", FRAME_SESSION_ONLY);
    }
    drain();
    pass_ms(NEWS_DELAY_MS);
    drain();
}

Test(core_pace, 30_in_a_room_a_quarter_of_those_who_read_must_have_much_waiting) {
    static const struct {
        unsigned n_members, n_slow, n_stalled;
        bool is_held;
    } rows[] = {
        {1, 1, 0, true},    {4, 1, 0, true},   {5, 1, 0, false},   {40, 1, 0, false},
        {40, 9, 0, false},  {40, 10, 0, true}, {40, 0, 40, false}, {40, 1, 39, true},
        {40, 1, 30, false}, {40, 1, 36, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        gather(rows[i].n_members);
        for (unsigned k = 0; k < rows[i].n_slow + rows[i].n_stalled; k++) {
            set_stalled(crowd[k], k >= rows[i].n_slow);
            crowd[k]->is_full = true;
        }
        for (unsigned k = 0; k < FLOOD; k++) {
            say(alice, "#ops", text_of(LENGTH));
            drain();
        }
        cr_expect_eq(is_held(alice), rows[i].is_held, "row %zu", i);
        if (is_held(alice))
            cr_expect(!is_stalled(held_by(alice)), "row %zu", i);
        for (unsigned k = 0; k < rows[i].n_members; k++)
            core_end(&core, crowd[k]->session);
        pass_ms(ACK_DELAY_MS);
        (void)n_acks(alice);
        cr_expect(!is_held(alice), "row %zu", i);
    }
}

Test(core_pace, 31_after_one_another_one_may_hold) {
    gather(2);
    crowd[0]->is_full = crowd[1]->is_full = true;
    flood(alice, "#ops");
    drain();
    cr_assert(is_held(alice));
    struct client *first = is_held_by(alice, crowd[0]) ? crowd[0] : crowd[1];
    struct client *second = first == crowd[0] ? crowd[1] : crowd[0];
    read_on(first);
    cr_assert(!is_held(alice));
    say(alice, "#ops", "one more");
    drain();
    cr_assert(is_held_by(alice, second));
}

/* Sessions 0 to n_own of the crowd are one user's. */
static void gather_with_own(unsigned n, unsigned n_own) {
    enter(alice, "#ops", 0);
    for (unsigned i = 0; i < n; i++) {
        char name[16];
        snprintf(name, sizeof name, "m%u", i < n_own ? 0 : i);
        crowd[i] = join((uid_t)(i < n_own ? 2000 : 2000 + i), name, HERE);
        enter(crowd[i], "#ops", FRAME_SESSION_ONLY);
    }
    drain();
    pass_ms(NEWS_DELAY_MS);
    drain();
}

/* What it can be is sent after each message. */
static void flood_sent(struct client *from, const char *to) {
    for (unsigned i = 0; i < FLOOD; i++) {
        say(from, to, text_of(LENGTH));
        drain();
    }
}

Test(core_pace, 33_many_sessions_of_one_user_are_no_crowd) {
    gather_with_own(30, 20);
    for (unsigned i = 0; i < 20; i++)
        crowd[i]->is_full = true;
    flood_sent(alice, "#ops");
    cr_assert(!is_held(alice), "20 sessions of 30, but one user of 11");
    crowd[20]->is_full = crowd[21]->is_full = true;
    flood_sent(alice, "#ops");
    cr_assert(is_held(alice), "three of them");
}

Test(core_pace, 34_who_has_least_waiting_holds) {
    gather(3);
    for (unsigned i = 0; i < 3; i++)
        crowd[i]->is_full = true;
    flood_sent(bob, "m0");
    flood_sent(bob, "m2");
    flood_sent(alice, "#ops");
    cr_assert(is_held_by(alice, crowd[1]), "who has heard of alice only");
}

Test(core_pace, 32_own_copies_count_as_well) {
    struct client *other = join(ALICE, "alice", HERE);
    stop_reading(other);
    flood(alice, "bob");
    drain();
    say(alice, "bob", "bob has read all, and");
    core_close_run(&core);
    cr_assert(is_held_by(alice, other));
    pass_ms(TURN_MS);
    cr_assert(!is_held(alice));
}
