/* A notice to everybody: who may write one, who hears it; and a repeat is told how far it came. */

#include "unit/core/fake_store.h"

#define CAROL 1003
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
