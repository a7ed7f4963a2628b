/* Lists are answered whole, in steps and in turn; so is who lags far behind. */

#include <stdio.h>
#include <stdlib.h>

#include "unit/core/world.h"

#define MALLORY 1004
#define N_HANDLES 10000

static struct client *alice, *bob;

static void setup(void) {
    world_begin_with((size_t)64 * 1024 * 1024, false);
    core.limits.max[ACCOUNT_SESSIONS] = 4096;
    core.limits.max[ACCOUNT_HANDLES] = N_HANDLES + 10;
    alice = join(ALICE, "alice", HERE);
    bob = join(BOB, "bob", HERE);
}

TestSuite(core_list_steps, .init = setup, .fini = world_end);

static void give_list(struct client *client, uint32_t request, enum list_what what,
                      const char *of) {
    give(client,
         &(struct frame){.type = FRAME_LIST, .list = {request, (uint8_t)what, bytes_of(of)}});
}

static void make_handles(void) {
    char name[16];
    for (unsigned i = 0; i < N_HANDLES; i++) {
        snprintf(name, sizeof name, "h%u", i);
        cr_assert_eq(core_restore_handle(&core, core.last_handle + 1, 5000 + i / 200,
                                         bytes_of(name), bytes_of(""), 0, 0, 0),
                     0);
    }
}

/* Frames of this type for the request, until DONE. */
static size_t n_listed(struct client *client, uint32_t request, unsigned type) {
    size_t n = 0;
    for (const struct frame *frame; (frame = next_frame(client)); n++) {
        if (frame->type == FRAME_DONE) {
            cr_assert_eq(frame->done.request, request);
            return n;
        }
        cr_assert_eq(frame->type, type);
    }
    cr_assert_fail("DONE did not come");
    return 0;
}

Test(core_list_steps, 01_ten_thousand_are_listed_whole) {
    make_handles();
    give_list(bob, 1, LIST_HANDLES, "");
    cr_assert_eq(n_listed(bob, 1, FRAME_USER), N_HANDLES + 2);
    give_list(bob, 2, LIST_USERS, "");
    cr_assert_eq(n_listed(bob, 2, FRAME_USER), 2, "who is here");
    cr_assert_eq(kept_besides(bob), 0);
}

Test(core_list_steps, 02_who_does_not_read_is_waited_for_and_nothing_is_lost) {
    make_handles();
    bob->is_full = true;
    for (unsigned i = 0; i < 64; i++)
        give_list(bob, i, LIST_HANDLES, "");
    drain();
    cr_assert_leq(bob->session->outbox.n_chunks, 20, "its outbox stays small");
    give_list(bob, 64, LIST_HANDLES, "");
    cr_assert_eq(bob->session->n_listings, 64, "one more is refused");
    say(alice, "bob", "meanwhile");
    bob->is_full = false;
    ready(bob);
    size_t n = 0, n_done = 0, n_failed = 0, n_messages = 0;
    for (const struct frame *frame; (frame = next_frame(bob));) {
        n += frame->type == FRAME_USER;
        n_failed += frame->type == FRAME_FAIL;
        n_messages += frame->type == FRAME_MESSAGE;
        if (frame->type == FRAME_DONE)
            cr_assert_eq(frame->done.request, n_done++, "in order");
    }
    cr_assert_eq(n, (size_t)64 * (N_HANDLES + 2), "%zu", n);
    cr_assert_eq(n_done, 64);
    cr_assert_eq(n_failed, 1);
    cr_assert_eq(n_messages, 1);
}

static void enter_many(struct client *client, unsigned n) {
    char room[16];
    for (unsigned i = 0; i < n; i++) {
        snprintf(room, sizeof room, "#r%u", i);
        enter(client, room, 0);
    }
}

Test(core_list_steps, 03_what_ends_meanwhile_is_passed_over) {
    enter_many(alice, 250);
    bob->is_full = true;
    give_list(bob, 1, LIST_ROOMS, "");
    drain();
    for (unsigned i = 100; i < 250; i++) {
        char room[16];
        snprintf(room, sizeof room, "#r%u", i);
        leave(alice, room);
    }
    enter(alice, "#later", 0);
    bob->is_full = false;
    ready(bob);
    size_t n = n_listed(bob, 1, FRAME_ROOM);
    cr_assert_geq(n, 100);
    cr_assert_leq(n, 250);
}

Test(core_list_steps, 04_members_and_a_room_that_is_gone) {
    enter(alice, "#ops", 0);
    enter(bob, "#ops", 0);
    give_list(bob, 1, LIST_USERS, "#ops");
    cr_assert_eq(n_listed(bob, 1, FRAME_USER), 2);
    give_list(bob, 2, LIST_USERS, "#nowhere");
    cr_assert_eq(expect(bob, FRAME_FAIL)->fail.code, FAIL_NO_ROOM);
    give_list(bob, 3, LIST_USERS, "#ops");
    give(alice, &(struct frame){.type = FRAME_LEAVE, .leave = {8, bytes_of("#ops")}});
    give(bob, &(struct frame){.type = FRAME_LEAVE, .leave = {8, bytes_of("#ops")}});
    while (next_frame(bob)->type != FRAME_FAIL) {
    }
    expect_nothing(bob);
}

Test(core_list_steps, 05_the_hub_s_queues_come_before_the_mailboxes) {
    for (int i = 0; i < 3; i++)
        core_answer_object(&core, bob->session, 1, OBJECT_LANE, 100 + i, ALICE, 1);
    give_list(bob, 1, LIST_OBJECTS, "");
    for (unsigned i = 0; i < 3; i++)
        cr_assert_eq(expect(bob, FRAME_OBJECT)->object.id, 100 + i);
    cr_assert_eq(n_listed(bob, 1, FRAME_OBJECT), 2);
    give_list(bob, 2, LIST_OBJECTS, "");
    cr_assert_eq(n_listed(bob, 2, FRAME_OBJECT), 2, "they are not told twice");
}

static size_t take_one(struct delivery *delivery) {
    size_t n = core_take(&core, delivery, 1);
    return n;
}

static void give_back(struct delivery *delivery) {
    delivery->sent = delivery->chunks;
    delivery->chunks = NULL;
    core_returned(&core, delivery, 1);
}

Test(core_list_steps, 06_each_user_has_a_turn) {
    struct client *mallory[50];
    struct delivery delivery;
    make_handles();
    for (int i = 0; i < 50; i++)
        mallory[i] = join(MALLORY, "mallory", HERE);
    drain();
    for (int i = 0; i < 50; i++)
        give_list(mallory[i], 1, LIST_HANDLES, "");
    give_list(bob, 1, LIST_HANDLES, "");
    cr_assert_eq(take_one(&delivery), 1);
    cr_assert_eq(delivery.session, mallory[0]->session);
    give_back(&delivery);
    cr_assert_eq(take_one(&delivery), 1);
    if (delivery.session->user == mallory[0]->session->user) { /* what was written already */
        give_back(&delivery);
        cr_assert_eq(take_one(&delivery), 1);
    }
    cr_assert_eq(delivery.session, bob->session);
    give_back(&delivery);
    for (int i = 0; i < 200 && take_one(&delivery) == 1; i++)
        give_back(&delivery);
}

/* Nobody waits while somebody's long past is looked through. */
Test(core_list_steps, 07_who_lags_is_fed_in_steps_and_pays) {
    struct delivery deliveries[4];
    struct client *mallory = join(MALLORY, "mallory", HERE);
    fill_until_behind(alice, mallory, "mallory");
    for (int i = 0; i < 50000; i++) {
        say(alice, "alice", "x");
        if (i % 100 == 0)
            drain();
    }
    say(alice, "mallory", "last");
    drain();
    mallory->is_full = false;
    mallory->session->outbox.stuck = false;
    outbox_clear(&mallory->session->outbox, &core.pool);
    mallory->session->feed_next = core.log.first_seq;
    while (next_frame(mallory)) {
    }
    mallory->session->behind = true;
    mallory->session->feed_next = core.log.first_seq + 1000;
    uint64_t before = mallory->session->user->account.spent[ACCOUNT_TIME];
    give(mallory, &(struct frame){.type = FRAME_READY});
    unsigned n_steps = 0;
    while (core_take(&core, deliveries, 4) == 0) {
        cr_assert_neq(core.steps_due.ns, 0);
        cr_assert_eq(core_due(&core).ns, core.steps_due.ns);
        cr_assert_lt(n_steps++, 100);
    }
    cr_assert_geq(n_steps, 10);
    cr_assert_eq(deliveries[0].session, mallory->session);
    cr_assert_gt(mallory->session->user->account.spent[ACCOUNT_TIME], before + 1000000);
    deliveries[0].sent = deliveries[0].chunks;
    deliveries[0].chunks = NULL;
    core_returned(&core, deliveries, 1);
    drain();
    cr_assert_not(mallory->session->behind);
}

Test(core_list_steps, 08_a_list_without_memory_is_refused_and_names_it) {
    enter_many(alice, 100);
    struct account *account = &bob->session->user->account;
    uint64_t left = account_left(account, ACCOUNT_MEMORY);
    account_spend(account, ACCOUNT_MEMORY, left);
    give_list(bob, 1, LIST_ROOMS, "");
    const struct frame *frame = expect(bob, FRAME_FAIL);
    cr_assert_not_null(memmem(frame->fail.reason.data, frame->fail.reason.n, "memory", 6));
    account_give_back(account, ACCOUNT_MEMORY, left);
    give_list(bob, 2, LIST_ROOMS, "");
    cr_assert_eq(n_listed(bob, 2, FRAME_ROOM), 100);
}

/* What is answered at once does not keep the list back. */
Test(core_list_steps, 09_a_flood_of_other_requests_does_not_put_it_off) {
    struct delivery delivery;
    size_t n = 0;
    make_handles();
    drain();
    give_list(bob, 1, LIST_HANDLES, "");
    for (int i = 0; bob->session->n_listings > 0; i++) {
        give(bob, &(struct frame){.type = FRAME_AWAY, .away = {5, 0, {0}}});
        n = take_one(&delivery);
        give(bob, &(struct frame){.type = FRAME_AWAY, .away = {5, 0, {0}}});
        if (n == 1)
            give_back(&delivery);
        ready(bob);
        cr_assert_lt(i, 2000);
    }
}

/* Which of the rooms #r0 ... #r249 were listed, each at most once; DONE has come. */
static void note_rooms(struct client *client, bool listed[250]) {
    for (const struct frame *frame; (frame = next_frame(client))->type != FRAME_DONE;) {
        char text[33];
        cr_assert_eq(frame->type, FRAME_ROOM);
        snprintf(text, sizeof text, "%.*s", (int)frame->room.room.n, frame->room.room.data);
        unsigned long number = strtoul(text + 2, NULL, 10);
        cr_assert(text[1] == 'r' && number < 250, "%s", text);
        cr_assert_not(listed[number], "%s twice", text);
        listed[number] = true;
    }
}

Test(core_list_steps, 10_a_place_stays_right_whatever_goes) {
    for (unsigned gone = 0; gone < 250; gone += 3) {
        char room[16];
        bool listed[250] = {false};
        enter_many(alice, 250);
        bob->is_full = true;
        give_list(bob, 1, LIST_ROOMS, "");
        drain();
        for (unsigned i = gone; i < 250; i += 2) {
            snprintf(room, sizeof room, "#r%u", i);
            leave(alice, room);
        }
        enter(alice, "#later", 0);
        leave(alice, "#r1");
        enter(alice, "#r1", 0); /* it is another one now */
        bob->is_full = false;
        ready(bob);
        note_rooms(bob, listed);
        for (unsigned i = 2; i < 250; i++)
            cr_assert(listed[i] || (i >= gone && (i - gone) % 2 == 0), "%u of %u", i, gone);
        for (unsigned i = 0; i < 250; i++) {
            snprintf(room, sizeof room, "#r%u", i);
            if (i < gone || (i - gone) % 2 == 1 || i == 1)
                leave(alice, room);
        }
        leave(alice, "#later");
    }
}

Test(core_list_steps, 11_members_come_and_go_while_they_are_listed) {
    enum { N = 1000 };
    struct client *clients[N];
    char name[16];
    for (unsigned i = 0; i < N; i++) {
        snprintf(name, sizeof name, "m%u", i);
        clients[i] = join(2000 + i, name, HERE);
        enter(clients[i], "#crowd", 0);
    }
    bob->is_full = true;
    give_list(bob, 1, LIST_USERS, "#crowd");
    drain();
    for (unsigned i = 0; i < N; i += 2)
        leave(clients[i], "#crowd");
    for (unsigned i = 0; i < N; i += 4)
        enter(clients[i], "#crowd", 0); /* behind the end of the list */
    bob->is_full = false;
    ready(bob);
    size_t n = n_listed(bob, 1, FRAME_USER);
    cr_assert_geq(n, N / 2);
    cr_assert_lt(n, N);
    for (unsigned i = 0; i < N; i++)
        if (i % 4 != 2)
            leave(clients[i], "#crowd");
    give_list(bob, 2, LIST_USERS, "#crowd");
    cr_assert_eq(expect(bob, FRAME_FAIL)->fail.code, FAIL_NO_ROOM);
}

Test(core_list_steps, 12_all_are_listed_when_numbers_have_gone_round) {
    core.config.numbers_max = 5000;
    core.last_handle = 4990;
    for (unsigned i = 0; i < 100; i++) {
        char name[16];
        snprintf(name, sizeof name, "h%u", i);
        core_end(&core, join(MALLORY, name, HERE)->session);
    }
    drain();
    bob->at = bob->n_in;
    cr_assert_lt(core.last_handle, 4990);
    give_list(bob, 1, LIST_HANDLES, "");
    cr_assert_eq(n_listed(bob, 1, FRAME_USER), 102);
}

Test(core_list_steps, 13_nothing_is_copied) {
    enter_many(alice, 250);
    bob->is_full = true;
    struct account *account = &bob->session->user->account;
    give_list(bob, 1, LIST_ROOMS, "");
    uint64_t before = account->used[ACCOUNT_MEMORY];
    for (unsigned i = 0; i < 10; i++)
        give_list(bob, 2 + i, LIST_ROOMS, "");
    uint64_t each = (account->used[ACCOUNT_MEMORY] - before) / 10;
    cr_assert_lt(each, 512, "%lu bytes", each);
    bob->is_full = false;
}
