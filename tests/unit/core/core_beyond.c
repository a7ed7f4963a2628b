/*
 * An account that is beyond its limit of memory, which only restoring can bring about: what a
 * release keeps of a room may have grown. Its user must be able to come, hear and be heard, and to
 * give things up until he is below; he can make nothing new, and a refusal leaves nothing behind.
 */

#include <stdio.h>

#include "core/internal.h"
#include "unit/core/fake_store.h"

#define N_ROOMS 200

static struct client *alice, *bob;

static struct account *alices(void) {
    return &core_user(&core, ALICE)->account;
}

static void restore_rooms(void) {
    static char topic[TOPIC_BYTES_MAX + 1];
    char room[32];
    memset(topic, 't', sizeof topic - 1);
    for (unsigned i = 1; i <= N_ROOMS; i++) {
        snprintf(room, sizeof room, "#room%u", i);
        cr_assert_eq(restore_open_room(i, ALICE, bytes_of(room), bytes_of(topic), 0), 0);
        cr_assert_eq(core_restore_member(&core, i, 1, 0), 0);
    }
}

/* With twice as much as she may have. */
static void setup(void) {
    world_begin();
    cr_assert_eq(
        core_restore_handle(&core, 1, ALICE, bytes_of("alice"), bytes_of("alice"), 0, 0, 0), 0);
    restore_rooms();
    cr_assert_eq(core_restored(&core), 0);
    core.limits.max[ACCOUNT_MEMORY] = alices()->used[ACCOUNT_MEMORY] / 2;
    bob = join(BOB, "bob", HERE);
    alice = join(ALICE, "alice", HERE);
    pass_ms(NEWS_DELAY_MS);
    drain();
    alice->at = alice->n_in;
    bob->at = bob->n_in;
}

TestSuite(core_beyond, .init = setup, .fini = world_end);

static void leave_rooms(unsigned from, unsigned to) {
    char room[32];
    for (unsigned i = from; i <= to; i++) {
        snprintf(room, sizeof room, "#room%u", i);
        leave(alice, room);
    }
}

static void expect_limit(struct client *client) {
    cr_assert_eq(expect(client, FRAME_FAIL)->fail.code, FAIL_LIMIT);
}

static void give_topic(const char *room, const char *topic) {
    give(alice,
         &(struct frame){.type = FRAME_TOPIC, .topic = {9, bytes_of(room), bytes_of(topic)}});
}

Test(core_beyond, 01_the_first_session_hears_all_its_rooms) {
    cr_assert_eq(alice->session->n_listenings, N_ROOMS);
    enter(bob, "#room200", 0);
    say(bob, "#room200", "is she there?");
    expect_text(alice, "is she there?");
    say(alice, "#room200", "she is");
    expect_text(bob, "she is");
}

Test(core_beyond, 02_by_leaving_she_gets_below_and_may_make_something_again) {
    enum fail_code code;
    cr_assert_null(try_join(ALICE, "alice", HERE, &code), "only the first one");
    cr_assert_eq(code, FAIL_LIMIT);
    give(alice, &(struct frame){.type = FRAME_JOIN, .join = {7, bytes_of("#new")}});
    expect_limit(alice);
    leave_rooms(1, 150);
    cr_assert_lt(alices()->used[ACCOUNT_MEMORY], core.limits.max[ACCOUNT_MEMORY] * 3 / 4);
    enter(alice, "#new", 0);
    cr_assert_not_null(try_join(ALICE, "alice", HERE, &code));
}

Test(core_beyond, 03_she_comes_again_as_often_as_she_likes) {
    uint64_t before = alices()->used[ACCOUNT_MEMORY];
    for (int i = 0; i < 10; i++) {
        core_end(&core, alice->session);
        alice = join(ALICE, "alice", HERE);
        drain();
        cr_assert_eq(alice->session->n_listenings, N_ROOMS);
    }
    cr_assert_eq(alices()->used[ACCOUNT_MEMORY], before);
    leave_rooms(1, N_ROOMS);
    cr_assert_eq(kept_besides(alice), 0);
}

Test(core_beyond, 04_a_stall_does_not_end_her_only_session) {
    alice->is_full = true;
    say(bob, "alice", "one");
    give(alice, &(struct frame){.type = FRAME_LEAVE, .leave = {8, bytes_of("#room1")}});
    drain();
    say(bob, "alice", "two");
    drain();
    cr_assert_not(is_over(alice));
    alice->is_full = false;
    ready(alice);
    unsigned n_texts = 0, n_done = 0;
    for (const struct frame *frame; (frame = next_frame(alice));) {
        n_texts += frame->type == FRAME_MESSAGE || frame->type == FRAME_LINE;
        n_done += frame->type == FRAME_DONE;
    }
    cr_assert_eq(n_texts, 2);
    cr_assert_eq(n_done, 1);
}

Test(core_beyond, 05_what_is_refused_leaves_no_handle_behind) {
    enum fail_code code;
    char plain[32];
    snprintf(plain, sizeof plain, "uid%u", ALICE);
    unsigned n = HASH_COUNT(core.handles);
    cr_assert_null(try_join(ALICE, plain, HERE, &code));
    rename_to(alice, "alice.two");
    expect_limit(alice);
    cr_assert_eq(HASH_COUNT(core.handles), n);
    rename_to(alice, plain); /* nobody is to be without that */
    expect(alice, FRAME_DONE);
    cr_assert_eq(HASH_COUNT(core.handles), n + 1);
    rename_to(alice, "alice");
    expect(alice, FRAME_DONE);
    cr_assert_eq(alice->session->n_listenings, N_ROOMS);
}

Test(core_beyond, 06_a_topic_may_become_shorter_but_not_longer) {
    uint64_t before = alices()->used[ACCOUNT_MEMORY];
    give_topic("#room1", "short");
    expect(alice, FRAME_DONE);
    cr_assert_lt(alices()->used[ACCOUNT_MEMORY], before - TOPIC_BYTES_MAX / 2);
    give_topic("#room1", "not so short");
    expect_limit(alice);
    give_topic("#room1", "");
    expect(alice, FRAME_DONE);
    leave_rooms(1, N_ROOMS);
    cr_assert_eq(kept_besides(alice), 0);
}

Test(core_beyond, 07_forgetting_makes_a_place_for_which_she_has_no_memory) {
    say(bob, "alice", "hello");
    expect_text(alice, "hello");
    struct frame forget = {.type = FRAME_FORGET, .forget = {5, bytes_of("bob")}};
    give(alice, &forget);
    expect_limit(alice);
    cr_assert_null(core.forgotten);
    leave_rooms(1, 150);
    give(alice, &forget);
    expect(alice, FRAME_DONE);
    cr_assert_not_null(core.forgotten);
}

/* As many as her client may have unanswered. */
Test(core_beyond, 08_what_is_sent_again_is_known_of_her_too) {
    struct uuid id = say(alice, "bob", "once");
    expect_text(bob, "once");
    for (unsigned i = 1; i < RECENT_ALWAYS; i++) {
        say(alice, "bob", "more");
        expect_text(bob, "more");
    }
    size_t known = recent_bytes(&alice->session->user->recent);
    give_send(alice, id, "bob", "once", FRAME_REPEAT);
    expect_nothing(bob);
    say(alice, "bob", "one too many");
    expect_text(bob, "one too many");
    cr_assert_eq(recent_bytes(&alice->session->user->recent), known);
}

Test(core_beyond, 09_an_acknowledgement_for_which_there_was_no_memory_comes_later) {
    char text[601];
    memset(text, 'x', 600);
    text[600] = '\0';
    leave_rooms(1, N_ROOMS);
    say(alice, "bob", "warm");
    drain();
    pass_ms(ACK_DELAY_MS);
    drain();
    alice->at = alice->n_in;
    struct uuid id = say(alice, "bob", "mine");
    say(bob, "alice", text);
    uint64_t left = account_left(alices(), ACCOUNT_MEMORY);
    account_spend(alices(), ACCOUNT_MEMORY, left);
    pass_ms(ACK_DELAY_MS);
    bool is_told = false;
    for (const struct frame *frame; (frame = next_frame(alice));)
        is_told |= frame->type == FRAME_ACK && uuid_equal(&frame->ack.id, &id);
    cr_assert(is_told);
    account_give_back(alices(), ACCOUNT_MEMORY, left);
}
