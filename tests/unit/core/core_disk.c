/*
 * A disk that is full, and one that hangs: what a user has waiting is bounded, he is told why more
 * is refused, his lanes are read on, and all is right again when there is room.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/internal.h"
#include "unit/core/fake_store.h"

#define STORING_MAX (2 * ACCOUNT_STORING_BYTES + 16 * 1024) /* and what one frame may add */
#define FULL "no room on the disk"                          /* as the fake store calls it */

static struct client *alice, *bob;
static uint32_t last_request = 100;

static void setup(void) {
    durable_begin_with_two(&alice, &bob);
    enter(alice, "#tea", 0);
    settle();
}

TestSuite(core_disk, .init = setup, .fini = durable_end);

static void ask(struct client *client, struct frame frame) {
    frame.join.request = ++last_request; /* the first field of every request */
    give(client, &frame);
}

static void ask_join(struct client *client, unsigned number, unsigned flags) {
    char room[32];
    snprintf(room, sizeof room, "#full-%u", number);
    ask(client, (struct frame){
                    .type = FRAME_JOIN, .flags = (uint8_t)flags, .join = {.room = bytes_of(room)}});
}

static void ask_topic(struct client *client, unsigned number) {
    ask(client, (struct frame){.type = FRAME_TOPIC,
                               .topic = {.room = bytes_of("#tea"),
                                         .topic = bytes_of(number % 2 ? "green" : "black")}});
}

static void ask_nick(struct client *client, unsigned number) {
    const char *handle = number % 2 ? "alice" : "alice.two";
    ask(client, (struct frame){.type = FRAME_NICK, .nick = {.handle = bytes_of(handle)}});
}

static void ask_wall(struct client *client, unsigned number) {
    (void)number;
    client->session->may_wall = true;
    ask(client,
        (struct frame){.type = FRAME_WALL, .wall = {.id = new_id(), .body = bytes_of("all")}});
}

static void say_much(struct client *client, unsigned number) {
    static char text[4000];
    memset(text, 'x', sizeof text - 1);
    (void)number;
    say(client, "alice", text);
}

static void say_again(struct client *client, unsigned number) {
    static struct uuid id;
    if (number == 0)
        id = say(client, "bob", "x");
    else
        give_send(client, id, "bob", "x", FRAME_REPEAT);
}

/* The answer to the last request. */
static const struct frame *answer(struct client *client) {
    for (const struct frame *frame; (frame = next_frame(client));) {
        bool is_answer = frame->type == FRAME_DONE || frame->type == FRAME_FAIL;
        if (is_answer && frame->done.request == last_request)
            return frame;
    }
    cr_assert_fail("no answer");
    return NULL;
}

static void expect_fail(struct client *client, enum fail_code code, const char *words) {
    const struct frame *frame = answer(client);
    cr_assert_eq(frame->type, FRAME_FAIL);
    cr_assert_eq(frame->fail.code, code, "%s", fail_name(frame->fail.code));
    cr_assert(memmem(frame->fail.reason.data, frame->fail.reason.n, words, strlen(words)), "%.*s",
              (int)frame->fail.reason.n, frame->fail.reason.data);
}

static struct user *alices(void) {
    return alice->session->user;
}

/* Joins rooms until there is no place for more; returns how many. */
static unsigned join_until_refused(void) {
    unsigned n = 0;
    for (;; n++) {
        cr_assert_lt(n, 1000);
        ask_join(alice, n, 0);
        commit_all();
        cr_assert_not(core_awaits_disk(&core, alices()), "her lanes are read");
        const struct frame *frame = answer(alice);
        cr_assert_eq(frame->type, FRAME_FAIL);
        if (frame->fail.code != FAIL_NOT_STORED)
            return n;
    }
}

Test(core_disk, 01_on_a_full_disk_changes_are_refused_and_all_else_goes_on) {
    fake.fails = true;
    unsigned n = join_until_refused();
    cr_assert_gt(n, 50);
    ask_join(alice, 9999, 0);
    expect_fail(alice, FAIL_LIMIT, FULL);
    ask_topic(alice, 0);
    expect_fail(alice, FAIL_LIMIT, FULL);
    ask_nick(alice, 0);
    expect_fail(alice, FAIL_LIMIT, FULL);
    drain();
    bob->at = bob->n_in;

    struct uuid id = say(alice, "bob", "still here");
    expect_text(bob, "still here");
    commit_all();
    expect_refused(alice, id, FAIL_NOT_STORED);
    say(bob, "alice", "so am I");
    expect_text(alice, "so am I");
    ask_join(alice, 9999, FRAME_SESSION_ONLY); /* which is stored nowhere */
    cr_assert_eq(answer(alice)->type, FRAME_DONE);
    ask_join(bob, 0, 0); /* another user's affair */
    commit_all();
    expect_fail(bob, FAIL_NOT_STORED, FULL);
    ask(alice, (struct frame){.type = FRAME_LEAVE, .leave = {.room = bytes_of("#full-0")}});
    commit_all();
    expect_fail(alice, FAIL_NOT_STORED, "holds for now");
    cr_assert_leq(alices()->account.used[ACCOUNT_STORING], 256 * 1024);
}

Test(core_disk, 02_when_there_is_room_again_all_of_it_is_stored) {
    fake.fails = true;
    unsigned n = join_until_refused();
    fake.fails = false;
    pass_ms(1000);
    settle();
    cr_assert_eq(alices()->unstored, 0);
    cr_assert_eq(alices()->account.used[ACCOUNT_STORING], 0);
    cr_assert_eq(fake.n_members, n + 1);
    ask_join(alice, 9999, 0);
    commit_all();
    cr_assert_eq(answer(alice)->type, FRAME_DONE);
    cr_assert_eq(fake.n_members, n + 2);
}

Test(core_disk, 03_who_ends_and_comes_again_has_no_more) {
    fake.fails = true;
    (void)join_until_refused();
    uint64_t unstored = alices()->unstored;
    core_end(&core, alice->session);
    alice = join(ALICE, "alice", HERE);
    ask_topic(alice, 0);
    expect_fail(alice, FAIL_LIMIT, FULL);
    cr_assert_eq(alices()->unstored, unstored);
    enum fail_code code = FAIL_NONE;
    cr_assert_null(try_join(ALICE, "alice.three", HERE, &code), "a handle is stored, too");
    cr_assert_eq(code, FAIL_LIMIT);
    cr_assert_not_null(try_join(1003, "carol", HERE, &code), "nobody else is kept out");
    fake.fails = false;
}

/* What is asked for again and again while one commit does not come back. */
static const struct {
    const char *what;
    void (*ask)(struct client *client, unsigned number);
} floods[] = {
    {"send", say_much}, {"repeat", say_again}, {"topic", ask_topic},
    {"nick", ask_nick}, {"wall", ask_wall},
};

static void flood(struct client *client, void (*ask_for)(struct client *, unsigned)) {
    struct account *account = &client->session->user->account;
    uint64_t refused = account->n_refused[ACCOUNT_STORING];
    for (unsigned i = 0; account->n_refused[ACCOUNT_STORING] < refused + 100; i++) {
        cr_assert_lt(i, 1000000);
        ask_for(client, i);
        cr_assert_leq(account->used[ACCOUNT_STORING], STORING_MAX);
        if (i % 64 == 0)
            drain();
        client->at = client->n_in;
    }
}

Test(core_disk, 04_on_a_disk_that_hangs_what_waits_is_bounded) {
    for (size_t i = 0; i < sizeof floods / sizeof *floods; i++) {
        say(bob, "alice", "it is at work on this");
        commit_take();
        flood(alice, floods[i].ask);
        cr_assert_not(core_awaits_disk(&core, alices()), "%s: she is read", floods[i].what);
        cr_assert_not(core_awaits_disk(&core, bob->session->user), "%s: not bob", floods[i].what);
        ask(alice, (struct frame){.type = FRAME_LEAVE, .leave = {.room = bytes_of("#tea")}});
        commit_finish();
        settle();
        cr_assert_eq(alices()->account.used[ACCOUNT_STORING], 0, "%s", floods[i].what);
        cr_assert_eq(core.persist.uncommitted, 0);
        settle();
        alice->at = alice->n_in;
        bob->at = bob->n_in;
        enter(alice, "#tea", 0);
    }
}

Test(core_disk, 05_before_more_is_refused_she_is_read_later) {
    commit_take();
    unsigned n = 0;
    for (; !core_awaits_disk(&core, alices()); n++)
        say_much(alice, n);
    cr_assert_eq(alices()->account.n_refused[ACCOUNT_STORING], 0);
    say_much(alice, n);
    cr_assert_eq(alices()->account.n_refused[ACCOUNT_STORING], 0);
    commit_finish();
    settle();
    cr_assert_not(core_awaits_disk(&core, alices()));
    cr_assert_eq(fake.n_messages, n + 1);
}

static unsigned room_of(unsigned user, unsigned i) {
    return 1000 * (user + 1) + i;
}

/* As many as they can; the marks of all of them are more than one commit takes. */
static void fill_disk_of(struct client **clients, unsigned n_clients) {
    unsigned n = 0;
    for (unsigned user = 0; user < n_clients; user++)
        for (unsigned i = 0; i < 200; i++, n++) {
            ask_join(clients[user], room_of(user, i), 0);
            if (i % 32 == 0)
                commit_all();
        }
    cr_assert_gt(n, COMMIT_CHANGES_MAX);
}

Test(core_disk, 06_what_others_could_not_store_keeps_nobody_waiting) {
    struct client *clients[6];
    char name[16];
    for (unsigned i = 0; i < 6; i++) {
        snprintf(name, sizeof name, "u%u", i);
        clients[i] = join(2000 + i, name, HERE);
    }
    settle();
    fake.fails = true;
    fill_disk_of(clients, 6);
    for (unsigned i = 0; i < 40; i++) {
        ask_join(bob, i, 0);
        say(clients[0], "alice", "meanwhile");
        for (int tries = 0; tries < 8; tries++)
            commit_all();
        expect_fail(bob, FAIL_NOT_STORED, FULL);
        cr_assert_not(core_awaits_disk(&core, bob->session->user));
    }
    fake.fails = false;
    say(bob, "#full-39", "whose row is needed now");
    settle();
    cr_assert_eq(bob->session->user->account.used[ACCOUNT_STORING], 0);
    cr_assert_eq(core.persist.uncommitted, 0);
}

/* What it is charged for one more message with this id. */
static uint64_t cost_of_id(struct uuid id) {
    uint64_t before = alices()->account.used[ACCOUNT_STORING];
    give_send(alice, id, "bob", "hi", 0);
    return alices()->account.used[ACCOUNT_STORING] - before;
}

Test(core_disk, 07_an_id_without_its_time_costs_a_page) {
    struct uuid_source ids = {0};
    commit_take();
    uint64_t usual = cost_of_id(new_id());
    cr_assert_lt(usual, 1024);
    cr_assert_eq(cost_of_id(uuid_random()), usual + 4096);
    cr_assert_eq(cost_of_id(uuid_next(&ids, (wall_time){core.wall.ms - 60000})), usual + 4096);
    cr_assert_eq(cost_of_id(uuid_next(&ids, (wall_time){core.wall.ms + 60000})), usual + 4096);
    commit_finish();
    settle();
    cr_assert_eq(alices()->account.used[ACCOUNT_STORING], 0);
    cr_assert_eq(core.persist.uncommitted, 0);
}

/* Messages of 1,000 bytes, until her lanes are read later. */
static size_t say_until_awaited(void) {
    static char text[1000];
    size_t n = 0;
    memset(text, 'x', sizeof text - 1);
    for (; !core_awaits_disk(&core, alices()); n++)
        say(alice, "bob", text);
    return n;
}

Test(core_disk, 08_who_only_talks_does_not_wait_for_a_commit_that_takes_long) {
    say(bob, "alice", "he stores something, too");
    say(alice, "bob", "and she");
    commit_take();
    size_t n = say_until_awaited(), n_turn = 0;
    cr_assert_gt(n, 1);
    for (unsigned turn = 0; turn < 10; turn++) {
        say(bob, "alice", "still");
        say(alice, "bob", "still");
        pass_ms(CORE_DISK_TURN_MS);
        n_turn = say_until_awaited();
        cr_assert_gt(n_turn, n / 2, "turn %u: %zu and %zu", turn, n_turn, n);
        cr_assert_lt(n_turn, 2 * n);
    }
    commit_finish();
    settle();
    cr_assert_lt(say_until_awaited(), 2 * n, "as before");
    settle();
    cr_assert_eq(core.persist.uncommitted, 0);
}
