/* A notice to everybody: who may write one, who hears it; and a repeat is told how far it came. */

#include <stdio.h>

#include "unit/core/fake_store.h"

#define REQUEST 5

static struct client *root, *bob;

static void setup(void) {
    world_begin();
    root = join(0, "root", HERE);
    bob = join(BOB, "bob", HERE);
    drain();
    pass_ms(NEWS_DELAY_MS);
}

TestSuite(core_walls, .init = setup, .fini = world_end);

static void give_wall(struct client *client, struct uuid id, const char *text) {
    give(client, &(struct frame){.type = FRAME_WALL, .wall = {REQUEST, id, bytes_of(text)}});
}

Test(core_walls, 01_only_who_may_writes_to_everybody) {
    give_wall(bob, new_id(), "buy this");
    const struct frame *frame = expect(bob, FRAME_FAIL);
    cr_assert_eq(frame->fail.code, FAIL_NOT_PERMITTED);
    cr_assert_eq(frame->fail.request, REQUEST);
    expect_nothing(root);
}

Test(core_walls, 02_everybody_who_listens_hears_it_once_as_a_notice) {
    struct client *carol = join(CAROL, "carol", HERE), *deaf = join(1004, "dave", 0);
    pass_ms(NEWS_DELAY_MS);
    drain();
    give_wall(root, new_id(), "down at six");
    cr_assert_eq(expect(root, FRAME_DONE)->done.request, REQUEST);
    struct client *hearers[] = {bob, carol};
    for (size_t i = 0; i < 2; i++) {
        const struct frame *frame = expect(hearers[i], FRAME_MESSAGE);
        cr_assert_eq(frame->message.kind, KIND_NOTICE);
        cr_assert_eq(frame->message.uid, 0);
        cr_assert(bytes_equal(frame->message.from, bytes_of("root")));
        cr_assert(bytes_equal(frame->message.body, bytes_of("down at six")));
        expect_nothing(hearers[i]);
    }
    expect_nothing(deaf);
    expect_nothing(root);
}

Test(core_walls, 03_each_gets_a_message_with_an_id_of_its_own) {
    struct client *carol = join(CAROL, "carol", HERE);
    struct uuid id = new_id();
    give_wall(root, id, "down at six");
    struct uuid first = expect(bob, FRAME_MESSAGE)->message.id;
    struct uuid second = expect(carol, FRAME_MESSAGE)->message.id;
    cr_assert_not(uuid_equal(&first, &second));
    cr_assert_not(uuid_equal(&first, &id));
}

Test(core_walls, 04_who_was_allowed_to_at_the_join_may_too) {
    enum fail_code code;
    struct client *carol = try_join(CAROL, "carol", HERE, &code);
    carol->session->may_wall = true;
    expect(carol, FRAME_WELCOME);
    ready(carol);
    give_wall(carol, new_id(), "cake");
    expect_text(bob, "cake");
    expect_text(root, "cake");
    expect(carol, FRAME_DONE);
}

/* More than are told in one step. */

#define CROWD 300

static struct client *crowd[CROWD];

static void join_crowd(void) {
    for (unsigned i = 0; i < CROWD; i++) {
        char name[32];
        snprintf(name, sizeof name, "one-of-many-%u", i);
        crowd[i] = join(2000 + i, name, HERE);
    }
    pass_ms(NEWS_DELAY_MS);
    drain();
}

static unsigned n_told(void) {
    unsigned n = 0;
    for (unsigned i = 0; i < CROWD; i++)
        n += crowd[i]->session->outbox.head != NULL;
    return n;
}

Test(core_walls, 05_a_crowd_is_told_in_steps_each_once_and_done_comes_behind_them) {
    unsigned n_steps = 0, before = 0;
    join_crowd();
    core_receive(
        &core, root->session,
        &(struct frame){.type = FRAME_WALL, .wall = {REQUEST, new_id(), bytes_of("down at six")}});
    while (core.walls) {
        unsigned n = n_told();
        n_steps++;
        cr_assert_gt(n, before);
        cr_assert_leq(n - before, CROWD / 2, "others have their turn between");
        cr_assert_eq(core_due(&core).ns, core.now.ns, "it goes on at once");
        cr_assert_null(root->session->outbox.head, "not all have it");
        before = n;
        core_tick(&core);
    }
    cr_assert_geq(n_steps, 2);
    drain();
    for (unsigned i = 0; i < CROWD; i++) {
        expect_text(crowd[i], "down at six");
        expect_nothing(crowd[i]);
    }
    cr_assert_eq(expect(root, FRAME_DONE)->done.request, REQUEST);
    expect_text(bob, "down at six");
}

Test(core_walls, 06_if_its_sender_ends_the_rest_is_dropped_and_paid_back) {
    join_crowd();
    core_receive(
        &core, root->session,
        &(struct frame){.type = FRAME_WALL, .wall = {REQUEST, new_id(), bytes_of("down at six")}});
    cr_assert_not_null(core.walls);
    core_end(&core, root->session);
    core_tick(&core);
    cr_assert_null(core.walls);
    drain();
    expect_nothing(crowd[CROWD - 1]);
}

/* With a store. */

static void setup_durable(void) {
    durable_begin((size_t)1024 * 1024);
    root = join(0, "root", HERE);
    bob = join(BOB, "bob", HERE);
    settle();
    pass_ms(NEWS_DELAY_MS);
}

TestSuite(core_walls_stored, .init = setup_durable, .fini = durable_end);

Test(core_walls_stored, 01_done_follows_the_commit) {
    give_wall(root, new_id(), "down at six");
    expect_text(bob, "down at six");
    expect_nothing(root);
    settle();
    cr_assert_eq(expect(root, FRAME_DONE)->done.request, REQUEST);
}

Test(core_walls_stored, 02_what_could_not_be_stored_fails) {
    fake.fails = true;
    give_wall(root, new_id(), "down at six");
    expect_text(bob, "down at six");
    commit_all();
    cr_assert_eq(expect(root, FRAME_FAIL)->fail.request, REQUEST);
}

Test(core_walls_stored, 02_what_was_not_stored_before_all_had_it_fails) {
    join_crowd();
    settle();
    fake.fails = true;
    core_receive(
        &core, root->session,
        &(struct frame){.type = FRAME_WALL, .wall = {REQUEST, new_id(), bytes_of("down at six")}});
    cr_assert_not_null(core.walls);
    commit_all();
    fake.fails = false;
    while (core.walls)
        core_tick(&core);
    commit_all();
    drain();
    cr_assert_eq(expect(root, FRAME_FAIL)->fail.request, REQUEST);
    expect_nothing(root);
}

/* Repeats. */

static void expect_state(struct client *client, struct uuid id, enum message_state state) {
    const struct frame *frame = expect(client, FRAME_STATE);
    cr_assert(uuid_equal(&frame->state.id, &id));
    cr_assert_eq(frame->state.state, state);
    cr_assert(bytes_equal(frame->state.by, bytes_of("bob")));
}

static void skip_acks(struct client *client) {
    pass_ms(ACK_DELAY_MS);
    drain();
    while (client->at < client->n_in && client->in[client->at].type == FRAME_ACK)
        client->at++;
}

Test(core_walls_stored, 03_a_repeat_is_told_how_far_the_first_one_came) {
    struct uuid id = new_id();
    give_send(root, id, "bob", "are you there?", FRAME_WANT_RECEIPT);
    uint64_t seq = expect(bob, FRAME_MESSAGE)->message.seq;
    settle();
    skip_acks(root);
    give_send(root, id, "bob", "are you there?", FRAME_WANT_RECEIPT | FRAME_REPEAT);
    skip_acks(root);
    expect_nothing(root); /* it was not taken yet */
    take(bob, seq, 0);
    give_send(root, id, "bob", "are you there?", FRAME_WANT_RECEIPT | FRAME_REPEAT);
    expect_state(root, id, STATE_DELIVERED);
    skip_acks(root);
    take(bob, seq, seq);
    give_send(root, id, "bob", "are you there?", FRAME_WANT_RECEIPT | FRAME_REPEAT);
    expect_state(root, id, STATE_READ);
    skip_acks(root);
    give_send(root, id, "bob", "are you there?", FRAME_REPEAT);
    skip_acks(root);
    expect_nothing(root); /* nobody asked */
    expect_nothing(bob);
}

Test(core_walls_stored, 04_another_message_under_a_used_id_is_refused) {
    struct uuid id = new_id();
    give_send(root, id, "bob", "one", 0);
    expect_text(bob, "one");
    settle();
    skip_acks(root);
    give_send(root, id, "bob", "two", FRAME_REPEAT);
    expect_refused(root, id, FAIL_NOT_PERMITTED);
    expect_nothing(bob);
}
