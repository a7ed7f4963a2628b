/* Channels: what each side may say in which state, who pays, and when they go back. */

#include "unit/core/world.h"

static struct client *alice, *bob;

static void setup(void) {
    world_begin();
    alice = join(ALICE, "alice", HERE | ABILITY_CHANNEL);
    bob = join(BOB, "bob", HERE | ABILITY_CHANNEL);
}

TestSuite(core_channels, .init = setup, .fini = world_end);

static const char *give_channel(struct client *client, bool is_there) {
    core.channel_is_there = is_there;
    return give(client, &(struct frame){.type = FRAME_CHANNEL, .channel = {1}});
}

static const char *give_switch(struct client *client, enum switch_to to) {
    return give(client, &(struct frame){.type = FRAME_SWITCH, .switch_to = {(uint8_t)to}});
}

static void expect_switch(struct client *client, enum switch_to to) {
    cr_assert_eq(expect(client, FRAME_SWITCH)->switch_to.to, to);
}

static uint64_t charged(uid_t uid) {
    return core_user(&core, uid)->account.used[ACCOUNT_CHANNELS];
}

/* Brings alice there. */
static void enter_state(enum channel_state state) {
    if (state == CHANNEL_NONE)
        return;
    cr_assert_null(give_channel(alice, true));
    expect_switch(alice, SWITCH_TO_CHANNEL);
    if (state == CHANNEL_OFFERED)
        return;
    cr_assert_null(give_switch(alice, SWITCH_TO_CHANNEL));
    if (state == CHANNEL_USED)
        return;
    pass_ms(CHANNEL_QUIET_MS);
    expect_switch(alice, SWITCH_TO_QUEUE);
}

enum { CHANNEL_FRAME, TO_CHANNEL_FRAME, TO_QUEUE_FRAME };

static const char *give_one(int what) {
    if (what == CHANNEL_FRAME)
        return give_channel(alice, true);
    return give_switch(alice, what == TO_CHANNEL_FRAME ? SWITCH_TO_CHANNEL : SWITCH_TO_QUEUE);
}

/* Everything that is not here breaks the protocol. */
static const struct {
    enum channel_state from;
    int what;
    enum channel_state to;
} allowed[] = {
    {CHANNEL_NONE, CHANNEL_FRAME, CHANNEL_OFFERED},
    {CHANNEL_OFFERED, TO_CHANNEL_FRAME, CHANNEL_USED},
    {CHANNEL_LEFT, TO_QUEUE_FRAME, CHANNEL_NONE},
};

static void check_step(enum channel_state from, int what) {
    bool is_allowed = false;
    world_begin();
    alice = join(ALICE, "alice", HERE | ABILITY_CHANNEL);
    enter_state(from);
    cr_assert_eq(alice->session->channel, from);
    const char *broken = give_one(what);
    for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++)
        if (allowed[i].from == from && allowed[i].what == what) {
            is_allowed = true;
            cr_expect_eq(alice->session->channel, allowed[i].to, "%d, %d", from, what);
        }
    cr_expect_eq(broken == NULL, is_allowed, "%d, %d: %s", from, what, broken);
    world_end();
}

Test(core_channels, 01_each_frame_in_each_state, .init = NULL, .fini = NULL) {
    for (int state = CHANNEL_NONE; state <= CHANNEL_LEFT; state++)
        for (int what = CHANNEL_FRAME; what <= TO_QUEUE_FRAME; what++)
            check_step((enum channel_state)state, what);
}

Test(core_channels, 02_is_paid_for_as_long_as_it_is_there) {
    enter_state(CHANNEL_USED);
    cr_assert_eq(charged(ALICE), CHANNEL_BYTES);
    pass_ms(CHANNEL_QUIET_MS);
    expect_switch(alice, SWITCH_TO_QUEUE);
    cr_assert_eq(charged(ALICE), CHANNEL_BYTES);
    cr_assert_null(give_switch(alice, SWITCH_TO_QUEUE));
    cr_assert_eq(charged(ALICE), 0);
    cr_assert_null(give_channel(alice, true));
    cr_assert_eq(charged(ALICE), CHANNEL_BYTES);
    core_end(&core, alice->session);
    cr_assert_eq(charged(ALICE), 0);
    cr_assert_eq(core.n_channels, 0);
}

Test(core_channels, 03_what_cannot_be_attached_or_paid_is_refused_and_nothing_changes) {
    struct account *account = &core_user(&core, ALICE)->account;
    cr_assert_null(give_channel(alice, false));
    expect_switch(alice, SWITCH_TO_QUEUE);
    cr_assert_eq(account->n_refused[ACCOUNT_CHANNELS], 0);
    account_spend(account, ACCOUNT_CHANNELS, account->limits->max[ACCOUNT_CHANNELS]);
    cr_assert_not(core_channel_may_begin(&core, alice->session));
    cr_assert_null(give_channel(alice, false));
    expect_switch(alice, SWITCH_TO_QUEUE);
    cr_assert_eq(account->n_refused[ACCOUNT_CHANNELS], 1);
    cr_assert_eq(alice->session->channel, CHANNEL_NONE);
    account_give_back(account, ACCOUNT_CHANNELS, account->used[ACCOUNT_CHANNELS]);
    say(bob, "alice", "still here");
    expect_text(alice, "still here");
}

Test(core_channels, 04_breaks_the_protocol_without_the_ability) {
    struct client *carol = join(CAROL, "carol", HERE);
    cr_assert_not(core_channel_may_begin(&core, carol->session));
    cr_assert_not_null(give_channel(carol, true));
}

Test(core_channels, 05_who_moves_enough_stays) {
    enter_state(CHANNEL_USED);
    for (int i = 0; i < 5; i++) {
        core_channel_moved(&core, alice->session, 100);
        pass_ms(CHANNEL_QUIET_MS);
        expect_nothing(alice);
    }
    pass_ms(CHANNEL_QUIET_MS);
    expect_switch(alice, SWITCH_TO_QUEUE);
}

Test(core_channels, 06_nothing_is_due_without_channels) {
    pass_ms(1000);
    cr_assert_eq(core.channels_due.ns, 0);
    enter_state(CHANNEL_LEFT);
    cr_assert_neq(core.channels_due.ns, 0);
    cr_assert_null(give_switch(alice, SWITCH_TO_QUEUE));
    pass_ms(CHANNEL_QUIET_MS);
    cr_assert_eq(core.channels_due.ns, 0);
}

/* What the flights look like: each goes one way, and SWITCH is the last of its own. */
Test(core_channels, 07_the_road_turns_behind_switch) {
    static struct road *const road = (struct road *)&core; /* only compared */
    struct delivery delivery;
    bool is_after_turn = false;
    unsigned n = 0;
    alice->seat.road = road;
    drain();
    for (int i = 0; i < 30; i++)
        say(bob, "alice", "before");
    cr_assert_null(give_channel(alice, true));
    for (int i = 0; i < 30; i++)
        say(bob, "alice", "behind");
    while (core_take(&core, &delivery, 1) == 1) {
        if (delivery.session == alice->session) {
            cr_assert_eq(delivery.road, is_after_turn ? road : NULL);
            for (struct chunk *chunk = delivery.chunks; chunk; chunk = chunk->next) {
                cr_assert(!chunk->turn || !chunk->next);
                cr_assert(!chunk->turn || !chunk->has_more);
                is_after_turn |= chunk->turn == TURN_TO_CHANNEL;
            }
            n++;
        }
        while (delivery.chunks) {
            struct chunk *chunk = delivery.chunks;
            delivery.chunks = chunk->next;
            chunk->next = delivery.sent;
            delivery.sent = chunk;
        }
        core_returned(&core, &delivery, 1);
        if (delivery.session == alice->session)
            ready(alice); /* to MORE, if there was one */
    }
    cr_assert(is_after_turn && n >= 2);
}

Test(core_channels, 08_is_stuck_until_there_is_room_and_needs_no_ready) {
    struct delivery delivery;
    enter_state(CHANNEL_USED);
    say(bob, "alice", "hello");
    do
        cr_assert_eq(core_take(&core, &delivery, 1), 1);
    while (delivery.session != alice->session && (core_returned(&core, &delivery, 1), true));
    delivery.full = true;
    core_returned(&core, &delivery, 1);
    expect_nothing(alice);
    core_channel_has_room(&core, alice->session);
    expect_text(alice, "hello");
}

Test(core_channels, 09_room_that_comes_before_full_is_told_counts) {
    struct delivery delivery;
    enter_state(CHANNEL_USED);
    say(bob, "alice", "hello");
    do
        cr_assert_eq(core_take(&core, &delivery, 1), 1);
    while (delivery.session != alice->session && (core_returned(&core, &delivery, 1), true));
    core_channel_has_room(&core, alice->session);
    delivery.full = true;
    core_returned(&core, &delivery, 1);
    expect_text(alice, "hello");
}

/* It cannot have read what lies in the outbox. */
Test(core_channels, 10_an_answer_to_what_was_not_sent_breaks_the_protocol) {
    enter_state(CHANNEL_USED);
    alice->is_full = true;
    say(bob, "alice", "in the way");
    expect_nothing(alice);
    core_set_time(&core, mono_add_ms(core.now, CHANNEL_QUIET_MS), core.wall);
    core_tick(&core);
    cr_assert_eq(alice->session->channel, CHANNEL_LEFT);
    cr_assert_not_null(give_switch(alice, SWITCH_TO_QUEUE));
}
