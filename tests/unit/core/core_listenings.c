/* Who listens where: both sides know each other's place, whatever came and went. */

#include <stdio.h>
#include <stdlib.h>

#include "core/internal.h"
#include "unit/core/world.h"

#define MALLORY 1004
#define N_ROOMS 200
#define N_SESSIONS 12

static void check_session(const struct session *session) {
    for (unsigned i = 0; i < session->n_listenings; i++) {
        const struct listening *listening = &session->listenings[i];
        const struct room *room = listening->room;
        cr_assert_eq(room->listeners[listening->index], session);
        cr_assert_eq(room->listener_places[listening->index], i);
        cr_assert_eq(listening_find(session, room), listening);
        cr_assert_eq(listening_of(session, room->number), listening);
    }
}

static void check_all(struct client **clients) {
    unsigned n = 0, n_listeners = 0;
    for (int i = 0; i < N_SESSIONS; i++) {
        check_session(clients[i]->session);
        n += clients[i]->session->n_listenings;
    }
    for (const struct room *room = core.rooms; room; room = room->hh.next) {
        n_listeners += room->n_listeners;
        const struct membership *membership = room->memberships;
        for (; membership; membership = membership->next_of_room)
            cr_assert_eq(membership_find(membership->handle, room), membership);
    }
    cr_assert_eq(n, n_listeners);
}

TestSuite(core_listenings, .init = world_begin, .fini = world_end);

Test(core_listenings, 01_places_hold_through_any_order) {
    struct client *clients[N_SESSIONS];
    char name[16];
    srand(7);
    for (int i = 0; i < N_SESSIONS; i++) {
        snprintf(name, sizeof name, "m%d", i / 3);
        clients[i] = join(MALLORY, name, i % 3 == 0 ? 0 : HERE);
    }
    for (int step = 0; step < 20000; step++) {
        struct client *client = clients[rand() % N_SESSIONS];
        snprintf(name, sizeof name, "#r%d", rand() % N_ROOMS);
        if (rand() % 100 < 60)
            give(client, &(struct frame){.type = FRAME_JOIN,
                                         .flags = rand() % 3 ? 0 : FRAME_SESSION_ONLY,
                                         .join = {7, bytes_of(name)}});
        else
            give(client, &(struct frame){.type = FRAME_LEAVE, .leave = {8, bytes_of(name)}});
        if (step % 500 == 0)
            rename_to(client, rand() % 2 ? "m1" : "m2");
        if (step % 100 == 0) {
            check_all(clients);
            drain();
        }
    }
    check_all(clients);
    for (int i = 0; i < N_SESSIONS; i++)
        core_end(&core, clients[i]->session);
    for (const struct room *room = core.rooms; room; room = room->hh.next)
        cr_assert_eq(room->n_listeners, 0);
}

static enum fail_code try_enter(struct client *client, int i) {
    char name[16];
    snprintf(name, sizeof name, "#r%d", i);
    give(client, &(struct frame){.type = FRAME_JOIN, .join = {7, bytes_of(name)}});
    const struct frame *frame = next_frame(client);
    return frame->type == FRAME_DONE ? FAIL_NONE : (enum fail_code)frame->fail.code;
}

Test(core_listenings, 02_a_handle_is_in_so_many_rooms_whichever_session_it_joins_with) {
    struct client *one = join(ALICE, "alice", 0), *other = join(ALICE, "alice", 0);
    for (int i = 0; i < ROOMS_PER_HANDLE_MAX; i++)
        cr_assert_eq(try_enter(i % 2 ? one : other, i), FAIL_NONE);
    cr_assert_eq(try_enter(one, ROOMS_PER_HANDLE_MAX), FAIL_LIMIT);
    cr_assert_eq(try_enter(other, ROOMS_PER_HANDLE_MAX), FAIL_LIMIT);
    leave(one, "#r0");
    cr_assert_eq(try_enter(one, ROOMS_PER_HANDLE_MAX), FAIL_NONE);
}

Test(core_listenings, 03_memory_is_the_user_s_and_given_back) {
    struct client *alice = join(ALICE, "alice", HERE), *second = join(ALICE, "alice", HERE);
    const struct account *account = &alice->session->user->account;
    uint64_t before = account->used[ACCOUNT_MEMORY];
    for (int i = 0; i < 100; i++)
        cr_assert_eq(try_enter(alice, i), FAIL_NONE);
    cr_assert_geq(account->used[ACCOUNT_MEMORY], before + 200 * LISTENING_BYTES);
    core_end(&core, second->session);
    for (int i = 0; i < 100; i++) {
        char name[16];
        snprintf(name, sizeof name, "#r%d", i);
        leave(alice, name);
    }
    pass_ms(NEWS_DELAY_MS);
    cr_assert_leq(account->used[ACCOUNT_MEMORY], before);
}

Test(core_listenings, 04_without_memory_neither_joining_nor_beginning_is_possible_and_says_why) {
    struct client *alice = join(ALICE, "alice", HERE);
    struct account *account = &alice->session->user->account;
    enum fail_code code;
    for (int i = 0; i < 100; i++)
        cr_assert_eq(try_enter(alice, i), FAIL_NONE);
    uint64_t left = account_left(account, ACCOUNT_MEMORY);
    account_spend(account, ACCOUNT_MEMORY, left);
    cr_assert_eq(try_enter(alice, 100), FAIL_LIMIT);
    cr_assert_null(try_join(ALICE, "alice", HERE, &code));
    cr_assert_eq(code, FAIL_LIMIT);
    cr_assert_gt(account->n_refused[ACCOUNT_MEMORY], 0);
    account_give_back(account, ACCOUNT_MEMORY, left);
    cr_assert_not_null(try_join(ALICE, "alice", HERE, &code));
}
