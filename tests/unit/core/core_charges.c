/*
 * What a user has made and what is kept for him is charged to him, and given back when it is gone;
 * what would be too much is refused, and not to others.
 */

#include <stdio.h>

#include "core/internal.h"
#include "unit/core/world.h"

static struct client *alice, *bob;

static void setup(void) {
    world_begin_with_two(&alice, &bob);
}

TestSuite(core_charges, .init = setup, .fini = world_end);

/* All that alice may use for what she makes. */
static uint64_t n_filled;

static void fill_up(uid_t uid) {
    struct account *account = &core_user(&core, uid)->account;
    n_filled = account_left(account, ACCOUNT_MEMORY) - OTHERS_LEAVE(account);
    account_spend(account, ACCOUNT_MEMORY, n_filled);
}

static void make_place(uid_t uid) {
    account_give_back(&core_user(&core, uid)->account, ACCOUNT_MEMORY, n_filled);
}

static void expect_limit(struct client *client) {
    const struct frame *frame = expect(client, FRAME_FAIL);
    cr_assert_eq(frame->fail.code, FAIL_LIMIT);
    char reason[256];
    snprintf(reason, sizeof reason, "%.*s", (int)frame->fail.reason.n, frame->fail.reason.data);
    cr_assert_not_null(strstr(reason, "limit_memory"), "%s", reason);
}

Test(core_charges, 01_a_session) {
    enum fail_code code;
    uint64_t before = memory_of(ALICE);
    struct client *more = join(ALICE, "alice", HERE);
    cr_assert_geq(memory_of(ALICE), before + sizeof(struct session));
    core_end(&core, more->session);
    cr_assert_eq(memory_of(ALICE), before);
    fill_up(ALICE);
    cr_assert_null(try_join(ALICE, "alice", HERE, &code));
    cr_assert_eq(code, FAIL_LIMIT);
    cr_assert_not_null(try_join(BOB, "bob", HERE, &code));
    make_place(ALICE);
    cr_assert_eq(memory_of(ALICE), before);
}

static void give_join(struct client *client, const char *room, unsigned flags) {
    give(client, &(struct frame){.type = FRAME_JOIN,
                                 .flags = (uint8_t)flags,
                                 .join = {.request = 7, .room = bytes_of(room)}});
}

Test(core_charges, 02_a_room_is_its_creators) {
    uint64_t before = memory_of(ALICE), bobs = memory_of(BOB);
    enter(alice, "#tea", 0);
    uint64_t with = memory_of(ALICE);
    cr_assert_geq(with, before + sizeof(struct room) + sizeof(struct membership));
    enter(bob, "#tea", 0);
    cr_assert_lt(memory_of(BOB), bobs + sizeof(struct room), "who joins pays for that only");
    leave(alice, "#tea");
    leave(bob, "#tea");
    cr_assert_eq(memory_of(ALICE), before);
    cr_assert_eq(memory_of(BOB), bobs);
    fill_up(ALICE);
    give_join(alice, "#milk", 0);
    expect_limit(alice);
    cr_assert_eq(HASH_COUNT(core.rooms), 0);
    enter(bob, "#milk", 0);
    make_place(ALICE);
    enter(alice, "#milk", 0);
}

static void give_topic(struct client *client, const char *room, struct bytes topic) {
    give(client, &(struct frame){.type = FRAME_TOPIC, .topic = {9, bytes_of(room), topic}});
}

Test(core_charges, 03_a_topic_is_whoevers_who_set_it) {
    static char text[TOPIC_BYTES_MAX];
    struct bytes topic = {text, sizeof text};
    memset(text, 'x', sizeof text);
    enter(alice, "#tea", 0);
    enter(bob, "#tea", 0);
    uint64_t before = memory_of(ALICE), bobs = memory_of(BOB);
    give_topic(bob, "#tea", topic);
    expect(bob, FRAME_DONE);
    cr_assert_geq(memory_of(BOB), bobs + sizeof text);
    cr_assert_eq(memory_of(ALICE), before);
    give_topic(alice, "#tea", topic);
    expect(alice, FRAME_DONE);
    cr_assert_eq(memory_of(BOB), bobs);
    cr_assert_geq(memory_of(ALICE), before + sizeof text);
    give_topic(alice, "#tea", (struct bytes){0});
    expect(alice, FRAME_DONE);
    cr_assert_eq(memory_of(ALICE), before);
    fill_up(ALICE);
    give_topic(alice, "#tea", topic);
    expect_limit(alice);
    give_topic(bob, "#tea", topic);
    expect(bob, FRAME_DONE);
    make_place(ALICE);
}

Test(core_charges, 04_being_away) {
    uint64_t before = memory_of(ALICE);
    struct frame away = {.type = FRAME_AWAY, .away = {1, 1, bytes_of("gone fishing")}};
    give(alice, &away);
    expect(alice, FRAME_DONE);
    cr_assert_gt(memory_of(ALICE), before);
    fill_up(ALICE);
    give(alice, &away); /* which takes the place of the old text */
    expect(alice, FRAME_DONE);
    away.away.reason = bytes_of("gone fishing, and then home");
    give(alice, &away);
    expect_limit(alice);
    make_place(ALICE);
    give(alice, &(struct frame){.type = FRAME_AWAY, .away = {.request = 2}});
    expect(alice, FRAME_DONE);
    cr_assert_eq(memory_of(ALICE), before);
}

Test(core_charges, 05_a_handle_but_never_the_own_login) {
    enum fail_code code;
    struct core_right none = {0};
    uint64_t before = memory_of(CAROL);
    core_end(&core, join(CAROL, "carol.two", HERE)->session);
    cr_assert_geq(memory_of(CAROL), before + sizeof(struct handle));
    fill_up(ALICE);
    rename_to(alice, "alice.two");
    expect_limit(alice);
    make_place(ALICE);
    core_end(&core, join(BOB, "bob.two", ABILITY_LISTEN)->session);
    fill_up(BOB);
    account_give_back(&core_user(&core, BOB)->account, ACCOUNT_MEMORY, SESSION_BYTES);
    n_filled -= SESSION_BYTES;
    cr_assert_not_null(
        try_arrive_with(&(struct arrival){BOB, "robert", 0, 0, 0, false}, "robert", &none, &code));
    make_place(BOB);
}

Test(core_charges, 06_an_offer_and_who_knows_of_it) {
    struct client *carol = join(CAROL, "carol", HERE);
    uint64_t before = memory_of(ALICE), carols = memory_of(CAROL);
    struct frame offer = {
        .type = FRAME_OFFER,
        .offer = {
            .request = 9, .id = new_id(), .to = bytes_of("carol"), .name = bytes_of("big.iso")}};
    give(alice, &offer);
    expect(alice, FRAME_DONE);
    expect(carol, FRAME_OFFERED);
    cr_assert_gt(memory_of(ALICE), before);
    cr_assert_gt(memory_of(CAROL), carols);
    give(alice, &(struct frame){.type = FRAME_WITHDRAW, .withdraw = {offer.offer.id, 0}});
    expect(carol, FRAME_WITHDRAW);
    cr_assert_eq(memory_of(ALICE), before);
    uint64_t n = account_left(&alice->session->user->account, ACCOUNT_MEMORY);
    account_spend(&alice->session->user->account, ACCOUNT_MEMORY, n);
    give(alice, &offer);
    expect_limit(alice);
    account_give_back(&alice->session->user->account, ACCOUNT_MEMORY, n);
    cr_assert_eq(alice->session->user->account.used[ACCOUNT_OFFERS], 0);
}

Test(core_charges, 07_the_ids_of_what_was_said) {
    struct recent *recent = &alice->session->user->recent;
    uint64_t before = memory_of(ALICE);
    say(alice, "bob", "one");
    expect_text(bob, "one");
    cr_assert_eq(memory_of(ALICE), before + recent_bytes(recent));
    fill_up(ALICE);
    for (int i = 0; i < 2 * RECENT_ALWAYS; i++) {
        say(alice, "bob", "more");
        expect_text(bob, "more");
    }
    size_t known = recent_bytes(recent);
    cr_assert_eq(recent->size, RECENT_ALWAYS, "these are known of everybody");
    make_place(ALICE);
    for (int i = 0; i < 2 * RECENT_ALWAYS; i++) {
        say(alice, "bob", "more");
        expect_text(bob, "more");
    }
    cr_assert_gt(recent_bytes(recent), known);
}

Test(core_charges, 08_what_was_listened_in_once_takes_nothing) {
    char room[32];
    for (int i = 0; i < 200; i++) {
        snprintf(room, sizeof room, "#room%d", i);
        enter(alice, room, FRAME_SESSION_ONLY);
    }
    for (int i = 1; i < 200; i++) {
        snprintf(room, sizeof room, "#room%d", i);
        leave(alice, room);
    }
    cr_assert_leq(alice->session->listenings_size, 8);
    cr_assert_eq(alice->session->index_size, 0);
    const struct room *first = core.rooms;
    for (int i = 0; i < 64; i++)
        enter(join(CAROL, "carol", ABILITY_LISTEN), "#room0", FRAME_SESSION_ONLY);
    cr_assert_geq(first->listeners_size, 65);
    while (core_user(&core, CAROL)->account.used[ACCOUNT_SESSIONS] > 0)
        core_end(&core, first->listeners[first->n_listeners - 1]);
    cr_assert_eq(first->n_listeners, 1);
    cr_assert_leq(first->listeners_size, 8);
    say(bob, "#room0", "heard still");
    expect_text(alice, "heard still");
}

Test(core_charges, 09_a_question_with_its_rooms) {
    struct frame search = {.type = FRAME_SEARCH,
                           .search = {.request = 3, .limit = 10, .words = bytes_of("x")}};
    for (int i = 0; i < 20; i++) {
        char room[32];
        snprintf(room, sizeof room, "#room%d", i);
        enter(alice, room, 0);
    }
    uint64_t before = memory_of(ALICE);
    cr_assert_null(give(alice, &search));
    uint64_t with = alice->session->user->account.used[ACCOUNT_MEMORY];
    cr_assert_geq(with, before + PAGE_BYTES_MAX + 20 * sizeof(struct ask_room));
    expect(alice, FRAME_DONE);
    cr_assert_eq(memory_of(ALICE), before);
}

/* Everything at once, as much as there may be: the sum is what a user may have. */
Test(core_charges, 10_in_sum_it_is_the_limit) {
    enum fail_code code;
    char name[32];
    struct client *client = alice;
    unsigned n_rooms = 0;
    core.limits.max[ACCOUNT_SESSIONS] = ACCOUNT_SESSIONS_MAX;
    for (int i = 0; client && i < ACCOUNT_SESSIONS_MAX; i++) {
        snprintf(name, sizeof name, "#r%d", i);
        give_join(client, name, FRAME_SESSION_ONLY);
        const struct frame *frame = next_frame(client);
        n_rooms += frame->type == FRAME_DONE;
        client = try_join(ALICE, "alice", 0, &code);
        if (!client)
            break;
        ready(client);
        expect(client, FRAME_WELCOME);
    }
    struct account *account = &core_user(&core, ALICE)->account;
    cr_assert_leq(account->used[ACCOUNT_MEMORY], ACCOUNT_MEMORY_BYTES / 4 * 3 + 2000,
                  "sessions leave a quarter; a room may take some of that");
    cr_assert_gt(account->used[ACCOUNT_MEMORY], ACCOUNT_MEMORY_BYTES / 4 * 3 - 2000);
    cr_assert_gt(n_rooms, 1000);
    enter(bob, "#of-somebody-else", 0);
}
