/* What is acknowledged is stored; what cannot be stored is not acknowledged. */

#include <stdio.h>
#include <stdlib.h>

#include "core/internal.h"
#include "unit/core/fake_store.h"

static struct client *alice, *bob;

static void setup(void) {
    durable_begin_with_two(&alice, &bob);
}

TestSuite(core_persist, .init = setup, .fini = durable_end);

static struct uuid say_now(struct client *client, const char *to, const char *text) {
    struct uuid id = new_id();
    give_send(client, id, to, text, FRAME_ACK_NOW);
    return id;
}

static void expect_ack(struct client *client, struct uuid id) {
    const struct frame *frame = expect(client, FRAME_ACK);
    cr_assert(uuid_equal(&frame->ack.id, &id));
}

Test(core_persist, 01_the_ack_follows_the_commit_the_message_does_not_wait) {
    struct uuid id = say_now(alice, "bob", "x");
    expect_text(bob, "x");
    pass_ms(10 * ACK_DELAY_MS);
    expect_nothing(alice);
    commit_take();
    expect_nothing(alice);
    struct uuid later = say_now(alice, "bob", "y"); /* not in this batch */
    commit_finish();
    expect_ack(alice, id);
    expect_nothing(alice);
    commit_all();
    expect_ack(alice, later);
    cr_assert_eq(fake.n_messages, 2);
}

Test(core_persist, 02_what_could_not_be_stored_is_refused_and_stored_when_it_is_repeated) {
    fake.fails = true;
    struct uuid id = say_now(alice, "bob", "x");
    commit_all();
    expect_text(bob, "x");
    expect_refused(alice, id, FAIL_NOT_STORED);
    expect_nothing(alice);
    fake.fails = false;
    give_send(alice, id, "bob", "x", FRAME_ACK_NOW | FRAME_REPEAT);
    expect_nothing(bob);
    settle();
    expect_ack(alice, id);
    expect_nothing(bob);
    cr_assert_eq(fake.n_messages, 1);
    give_send(alice, id, "bob", "x", FRAME_ACK_NOW | FRAME_REPEAT);
    settle();
    expect_ack(alice, id);
    expect_nothing(bob);
    cr_assert_eq(fake.n_messages, 1);
}

Test(core_persist, 03_a_laggard_gets_the_two_copies_once) {
    bob->is_full = true;
    while (!bob->session->behind) {
        say(alice, "bob", "fill");
        drain();
    }
    settle();
    fake.fails = true;
    struct uuid id = say_now(alice, "bob", "copied");
    commit_all();
    fake.fails = false;
    give_send(alice, id, "bob", "copied", FRAME_ACK_NOW | FRAME_REPEAT);
    settle();
    bob->is_full = false;
    ready(bob);
    settle();
    int n = 0;
    for (const struct frame *frame; (frame = next_frame(bob));)
        n += frame->type == FRAME_MESSAGE && bytes_equal(frame->message.body, bytes_of("copied"));
    cr_assert_eq(n, 1);
}

/* When the first copy is gone, who was away must find the second one. */
Test(core_persist, 04_the_second_copy_is_mail) {
    core_end(&core, bob->session);
    fake.fails = true;
    struct uuid id = say_now(alice, "bob", "copied");
    commit_all();
    fake.fails = false;
    give_send(alice, id, "bob", "copied", FRAME_REPEAT);
    settle();
    hub_crash();
    bob = join(BOB, "bob", HERE);
    settle();
    expect_text(bob, "copied");
    expect_nothing(bob);
}

Test(core_persist, 05_a_repeat_before_the_commit_waits_for_it) {
    struct uuid id = say_now(alice, "bob", "x");
    expect_text(bob, "x");
    core_end(&core, alice->session);
    alice = join(ALICE, "alice", HERE);
    give_send(alice, id, "bob", "x", FRAME_ACK_NOW | FRAME_REPEAT);
    pass_ms(ACK_DELAY_MS);
    expect_nothing(alice);
    expect_nothing(bob);
    settle();
    expect_ack(alice, id);
    cr_assert_eq(fake.n_messages, 1);
    cr_assert_eq(alice->session->user->account.used[ACCOUNT_STORING], 0);
    cr_assert_eq(core.persist.uncommitted, 0);
}

Test(core_persist, 06_a_repeat_of_what_could_not_be_stored_is_refused) {
    fake.fails = true;
    struct uuid id = say_now(alice, "bob", "x");
    core_end(&core, alice->session);
    alice = join(ALICE, "alice", HERE);
    give_send(alice, id, "bob", "x", FRAME_ACK_NOW | FRAME_REPEAT);
    commit_all();
    expect_refused(alice, id, FAIL_NOT_STORED);
    fake.fails = false;
}

Test(core_persist, 07_repeats_count_for_the_users_bound) {
    struct uuid id = say_now(alice, "bob", "x");
    struct user *user = alice->session->user;
    size_t n = 0;
    while (!core_awaits_disk(&core, user)) {
        give_send(alice, id, "bob", "x", FRAME_REPEAT);
        cr_assert_lt(++n, 1000000);
    }
    cr_assert_leq(core.persist.n_repeats * sizeof(struct repeat), ACCOUNT_STORING_BYTES + 1024);
    cr_assert_not(core_awaits_disk(&core, bob->session->user), "not the others'");
    settle();
    cr_assert_eq(user->account.used[ACCOUNT_STORING], 0);
}

Test(core_persist, 08_refusals_are_not_lost_to_a_later_ack) {
    enum { N = 3000 };
    fake.fails = true;
    struct uuid *ids = calloc(N, sizeof *ids);
    for (int i = 0; i < N; i++)
        ids[i] = say(alice, "bob", "x");
    commit_all();
    fake.fails = false;
    struct uuid stored = say_now(alice, "bob", "y");
    commit_all();
    for (int i = 0; i < N; i++)
        expect_refused(alice, ids[i], FAIL_NOT_STORED);
    expect_ack(alice, stored);
    free(ids);
}

Test(core_persist, 09_who_takes_no_refusals_is_ended) {
    fake.fails = true;
    alice->is_full = true;
    for (int i = 0; i < 60 && !is_over(alice); i++) {
        for (int j = 0; j < 2000; j++)
            say(alice, "bob", "x");
        commit_all();
        drain();
        cr_assert_leq(core_user(&core, ALICE)->account.used[ACCOUNT_MEMORY], ACCOUNT_MEMORY_BYTES);
    }
    cr_assert(is_over(alice));
    fake.fails = false;
}

/* It holds, but not for longer than the hub lives; that is told, and tried again. */
static void expect_only_for_now(struct client *client, uint32_t request) {
    const struct frame *frame = expect(client, FRAME_FAIL);
    cr_assert_eq(frame->fail.request, request);
    cr_assert_eq(frame->fail.code, FAIL_NOT_STORED, "%s", fail_name(frame->fail.code));
    cr_assert_gt(frame->fail.reason.n, 0);
}

static void give_topic(struct client *client, uint32_t request, const char *text) {
    give(client, &(struct frame){.type = FRAME_TOPIC,
                                 .topic = {request, bytes_of("#tea"), bytes_of(text)}});
}

static void give_join(struct client *client, uint32_t request, const char *room) {
    give(client, &(struct frame){.type = FRAME_JOIN, .join = {request, bytes_of(room)}});
}

static void give_leave(struct client *client, uint32_t request, const char *room) {
    give(client, &(struct frame){.type = FRAME_LEAVE, .leave = {request, bytes_of(room)}});
}

Test(core_persist, 10_changes_survive_a_failure_and_do_not_grow) {
    fake.fails = true;
    give_join(alice, 4, "#tea");
    commit_all();
    expect_only_for_now(alice, 4);
    for (uint32_t i = 10; i < 200; i++) {
        char topic[24];
        snprintf(topic, sizeof topic, "topic %u", i);
        give_topic(alice, i, topic);
        give_join(bob, i, "#tea");
        give_leave(bob, 1000 + i, "#tea");
        commit_all();
        expect_only_for_now(alice, i);
        drain();
        bob->at = bob->n_in;
    }
    cr_assert_leq(changes_waiting(&core), 4);
    cr_assert_eq(fake.n_members, 0);
    give_join(bob, 5, "#tea");
    fake.fails = false;
    settle();
    cr_assert_eq(expect(bob, FRAME_DONE)->done.request, 5);
    cr_assert_eq(fake.n_members, 2);
    cr_assert_eq(changes_waiting(&core), 0);
    cr_assert_eq(core.persist.uncommitted, 0);
    hub_crash();
    alice = join(ALICE, "alice", HERE);
    bob = join(BOB, "bob", HERE);
    settle();
    say(bob, "#tea", "still a member");
    expect_text(alice, "still a member");
    cr_assert_str_eq(core.rooms->topic, "topic 199");
}

Test(core_persist, 11_a_forgetting_that_fails_is_told_and_tried_again) {
    fake.fails = true;
    give(alice, &(struct frame){.type = FRAME_FORGET, .forget = {3, bytes_of("bob")}});
    expect_nothing(alice);
    commit_all();
    expect_only_for_now(alice, 3);
    fake.fails = false;
    settle();
    cr_assert_eq(fake.n_forgotten, 1);
    expect_nothing(alice);
    give(alice, &(struct frame){.type = FRAME_FORGET, .forget = {4, bytes_of("bob")}});
    expect_nothing(alice);
    settle();
    cr_assert_eq(expect(alice, FRAME_DONE)->done.request, 4);
}

Test(core_persist, 12_no_number_is_used_twice) {
    uint64_t last = 0;
    for (int i = 0; i < 50; i++) {
        alice = join(ALICE, "alice", HERE);
        bob = join(BOB, "bob", HERE);
        fake.fails = i % 3 == 1;
        for (int j = 0; j < i % 7; j++) {
            say(alice, "bob", "x");
            cr_assert_gt(core.seq, last);
            last = core.seq;
            cr_assert_leq(core.seq, fake.seq_limit);
            if (j == 3)
                commit_all();
            if (j == 4 && core_has_commit(&core))
                commit_take();
        }
        drain();
        fake.fails = false;
        hub_crash();
    }
    cr_assert_gt(last, 0);
}

Test(core_persist, 13_without_numbers_nothing_is_taken) {
    fake.fails = true;
    hub_crash();
    alice = join(ALICE, "alice", HERE);
    struct uuid id = say(alice, "bob", "x");
    expect_refused(alice, id, FAIL_BUSY);
    fake.fails = false;
    settle();
    id = say_now(alice, "bob", "x");
    settle();
    expect_ack(alice, id);
}

Test(core_persist, 14_the_bound_of_one_user_is_not_the_others) {
    static char text[900];
    memset(text, 'x', sizeof text - 1);
    struct user *user = alice->session->user;
    size_t n = 0;
    for (; !core_awaits_disk(&core, user); n++)
        say(alice, "alice", text);
    cr_assert_leq(n * sizeof text, ACCOUNT_STORING_BYTES + 2 * sizeof text);
    cr_assert_not(core_awaits_disk(&core, bob->session->user));
    settle();
    cr_assert_not(core_awaits_disk(&core, user));
    cr_assert_eq(core.persist.uncommitted, 0);
}

Test(core_persist, 15_another_users_id_is_nobodys_business) {
    struct uuid id = say(alice, "bob", "hers");
    settle();
    give_send(bob, id, "alice", "his", FRAME_REPEAT | FRAME_ACK_NOW);
    expect_text(bob, "hers");
    expect_text(alice, "his");
    settle();
    expect_ack(bob, id);
    cr_assert_eq(fake.n_messages, 2);
}

Test(core_persist, 16_a_stored_id_is_known_after_a_crash) {
    struct uuid id = say(alice, "bob", "x");
    settle();
    hub_crash();
    alice = join(ALICE, "alice", HERE);
    bob = join(BOB, "bob", HERE);
    settle();
    expect_text(bob, "x");
    give_send(alice, id, "bob", "x", FRAME_ACK_NOW | FRAME_REPEAT);
    settle();
    expect_ack(alice, id);
    expect_nothing(bob);
    cr_assert_eq(fake.n_messages, 1);
}

Test(core_persist, 17_a_room_that_was_made_twice_is_there_once) {
    enter(alice, "#x", 0);
    leave(alice, "#x");
    enter(alice, "#X", 0);
    say(alice, "#x", "still here");
    settle();
    cr_assert_eq(fake.n_rooms, 1);
    hub_crash();
    bob = join(BOB, "bob", HERE);
    enter(bob, "#x", 0);
    say(bob, "#x", "hello");
    alice = join(ALICE, "alice", HERE);
    settle();
    expect_late(alice, "hello");
}

/* Under an id that was used: of a repeat it is said, of another message it is found out. */
static void expect_other_refused(struct uuid id, unsigned flags) {
    give_send(alice, id, "bob", "another", flags);
    settle();
    expect_refused(alice, id, FAIL_NOT_PERMITTED);
    give_send(alice, id, "bob", "another", FRAME_REPEAT);
    settle();
    expect_refused(alice, id, FAIL_NOT_PERMITTED);
    give_send(alice, id, "bob", "first", FRAME_REPEAT | FRAME_ACK_NOW);
    settle();
    expect_ack(alice, id);
    cr_assert_eq(fake.n_messages, 1);
}

/* The id is not known at a glance any more. */
static void come_later(void) {
    struct recent *recent = &alice->session->user->recent;
    memset(recent->marks, 0, sizeof recent->marks);
}

Test(core_persist, 18_another_message_under_a_used_id_is_refused) {
    struct uuid id = say_now(alice, "bob", "first");
    settle();
    expect_text(bob, "first");
    expect_ack(alice, id);
    expect_other_refused(id, FRAME_REPEAT);
    expect_nothing(bob);
}

Test(core_persist, 19_also_when_its_sender_does_not_say_so) {
    struct uuid id = say_now(alice, "bob", "first");
    settle();
    expect_ack(alice, id);
    come_later();
    expect_other_refused(id, 0);
}

Test(core_persist, 23_nor_when_it_comes_at_once) {
    struct uuid id = say_now(alice, "bob", "first");
    settle();
    expect_text(bob, "first");
    expect_ack(alice, id);
    expect_other_refused(id, 0);
    expect_nothing(bob);
    for (int i = 0; i < 3; i++) {
        give_send(alice, id, "bob", "first", FRAME_ACK_NOW);
        expect_ack(alice, id);
    }
    expect_nothing(bob);
}

Test(core_persist, 20_also_in_one_batch_and_the_rest_is_stored) {
    struct uuid id = say(alice, "bob", "first");
    come_later();
    give_send(alice, id, "bob", "another", 0);
    give_send(alice, id, "bob", "another", FRAME_REPEAT); /* waits for the one before it */
    struct uuid last = say_now(alice, "bob", "last");
    settle();
    expect_refused(alice, id, FAIL_NOT_PERMITTED);
    expect_refused(alice, id, FAIL_NOT_PERMITTED);
    expect_ack(alice, last);
    cr_assert_eq(fake.n_messages, 2);
}

Test(core_persist, 21_a_double_without_a_flag_has_the_number_of_the_first) {
    struct uuid id = say_now(alice, "bob", "x");
    settle();
    uint64_t seq = expect(alice, FRAME_ACK)->ack.seq;
    hub_crash();
    alice = join(ALICE, "alice", HERE);
    give_send(alice, id, "bob", "x", FRAME_ACK_NOW);
    settle();
    cr_assert_eq(expect(alice, FRAME_ACK)->ack.seq, seq);
    give_send(alice, id, "bob", "x", FRAME_ACK_NOW | FRAME_REPEAT);
    settle();
    cr_assert_eq(expect(alice, FRAME_ACK)->ack.seq, seq);
    cr_assert_eq(fake.n_messages, 1);
}

/* Its sender has another handle, and its target another name, by the time it is repeated. */
Test(core_persist, 22_a_repeat_under_another_handle) {
    struct uuid id = say_now(alice, "bob", "x");
    settle();
    expect_ack(alice, id);
    hub_crash();
    alice = join(ALICE, "lisa", HERE);
    settle();
    give_send(alice, id, "bob", "x", FRAME_ACK_NOW | FRAME_REPEAT);
    settle();
    expect_ack(alice, id);
    give_send(alice, id, "nobody", "x", FRAME_ACK_NOW | FRAME_REPEAT);
    settle();
    expect_ack(alice, id);
    cr_assert_eq(fake.n_messages, 1);
}
