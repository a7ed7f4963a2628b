/* What outlives the hub besides messages: DONE means stored, and nothing is written twice. */

#include <stdio.h>
#include <stdlib.h>

#include "base/macro.h"
#include "core/internal.h"
#include "unit/core/fake_store.h"

static struct client *alice, *bob;

static void setup(void) {
    durable_begin_with_two(&alice, &bob);
}

TestSuite(core_changes, .init = setup, .fini = durable_end);

static uint32_t last_request = 100;

static uint32_t ask(struct client *client, struct frame frame) {
    frame.join.request = ++last_request; /* the first field of every request */
    give(client, &frame);
    return last_request;
}

static uint32_t ask_join(struct client *client, const char *room, unsigned flags) {
    return ask(client, (struct frame){.type = FRAME_JOIN,
                                      .flags = (uint8_t)flags,
                                      .join = {.room = bytes_of(room)}});
}

static uint32_t ask_leave(struct client *client, const char *room) {
    return ask(client, (struct frame){.type = FRAME_LEAVE, .leave = {.room = bytes_of(room)}});
}

static uint32_t ask_topic(struct client *client, const char *room, const char *topic) {
    return ask(client, (struct frame){.type = FRAME_TOPIC,
                                      .topic = {.room = bytes_of(room), .topic = bytes_of(topic)}});
}

static uint32_t ask_nick(struct client *client, const char *handle) {
    return ask(client, (struct frame){.type = FRAME_NICK, .nick = {.handle = bytes_of(handle)}});
}

static void expect_done(struct client *client, uint32_t request) {
    cr_assert_eq(expect(client, FRAME_DONE)->done.request, request);
}

static struct room *room_called(const char *name) {
    for (struct room *room = core.rooms; room; room = room->hh.next)
        if (bytes_equal(name_bytes(&room->name), bytes_of(name)))
            return room;
    return NULL;
}

/* Nothing waits, nobody is charged. */
static void expect_clean(void) {
    cr_assert_eq(changes_waiting(&core), 0);
    cr_assert(!core_has_commit(&core));
    cr_assert_eq(core.persist.uncommitted, 0);
}

Test(core_changes, 01_done_of_what_is_stored_follows_its_commit) {
    enter(alice, "#tea", 0);
    alice->session->may_wall = true;
    const struct frame frames[] = {
        {.type = FRAME_JOIN, .join = {.room = bytes_of("#new")}},
        {.type = FRAME_TOPIC, .topic = {.room = bytes_of("#tea"), .topic = bytes_of("green")}},
        {.type = FRAME_LEAVE, .leave = {.room = bytes_of("#tea")}},
        {.type = FRAME_FORGET, .forget = {.conv = bytes_of("bob")}},
        {.type = FRAME_WALL, .wall = {.id = new_id(), .body = bytes_of("to all")}},
        {.type = FRAME_NICK, .nick = {.handle = bytes_of("other")}},
    };
    for (size_t i = 0; i < ARRAY_LEN(frames); i++) {
        uint32_t request = ask(alice, frames[i]);
        expect_nothing(alice);
        commit_take();
        expect_nothing(alice);
        commit_finish();
        expect_done(alice, request);
        expect_clean();
    }
}

Test(core_changes, 02_what_changes_nothing_is_done_at_once) {
    enter(alice, "#tea", 0);
    settle();
    const struct frame frames[] = {
        {.type = FRAME_JOIN, .join = {.room = bytes_of("#tea")}},
        {.type = FRAME_JOIN, .flags = FRAME_SESSION_ONLY, .join = {.room = bytes_of("#short")}},
        {.type = FRAME_LEAVE, .leave = {.room = bytes_of("#short")}},
        {.type = FRAME_AWAY, .away = {.away = 1, .reason = bytes_of("lunch")}},
        {.type = FRAME_NICK, .nick = {.handle = bytes_of("alice")}},
        {.type = FRAME_LIST, .list = {.what = LIST_HANDLES, .of = bytes_of("")}},
    };
    for (size_t i = 0; i < ARRAY_LEN(frames); i++) {
        uint32_t request = ask(alice, frames[i]);
        const struct frame *frame = next_frame(alice);
        while (frame && frame->type == FRAME_USER)
            frame = next_frame(alice);
        cr_assert(frame && frame->type == FRAME_DONE, "%zu", i);
        cr_assert_eq(frame->done.request, request);
        expect_clean();
    }
}

Test(core_changes, 03_that_it_is_so_already_may_not_be_stored_yet) {
    struct client *alice2 = join(ALICE, "alice", HERE);
    uint32_t first = ask_join(alice, "#tea", 0), second = ask_join(alice2, "#tea", 0);
    uint32_t nick = ask_nick(alice, "new"), same = ask_nick(alice2, "new");
    expect_nothing(alice2);
    commit_take();
    uint32_t third = ask_nick(alice2, "new");
    expect_nothing(alice2);
    commit_finish();
    expect_done(alice, first);
    expect_done(alice, nick);
    expect_done(alice2, second);
    expect_done(alice2, same);
    expect_done(alice2, third);
    expect_clean();
}

Test(core_changes, 04_what_changes_during_a_commit_waits_for_the_next) {
    enter(alice, "#tea", 0);
    uint32_t first = ask_topic(alice, "#tea", "one");
    commit_take();
    uint32_t second = ask_topic(alice, "#tea", "two");
    commit_finish();
    expect_done(alice, first);
    expect_nothing(alice);
    cr_assert_str_eq(fake.rooms[0].topic, "one");
    commit_all();
    expect_done(alice, second);
    cr_assert_str_eq(fake.rooms[0].topic, "two");
    expect_clean();
}

Test(core_changes, 05_what_comes_and_goes_between_two_commits_is_not_written) {
    uint64_t n_rows = fake.n_rows;
    for (int i = 0; i < 5000; i++) {
        uint32_t came = ask_join(alice, "#tea", 0), left = ask_leave(alice, "#tea");
        expect_done(alice, came); /* as it was asked for, and nothing is left to be stored */
        expect_done(alice, left);
        expect_clean();
    }
    cr_assert_eq(fake.n_rows, n_rows);
    cr_assert_null(core.rooms);
}

Test(core_changes, 06_each_object_is_written_once) {
    uint32_t request = 0;
    enter(alice, "#tea", 0);
    uint64_t n_rows = fake.n_rows, n_commits = fake.n_commits;
    for (int i = 0; i < 1000; i++) {
        char topic[16];
        snprintf(topic, sizeof topic, "%d", i);
        ask_join(bob, "#tea", 0);
        ask_leave(bob, "#tea");
        ask_join(bob, "#tea", 0);
        request = ask_topic(alice, "#tea", topic);
        cr_assert_leq(changes_waiting(&core), 2);
    }
    commit_all();
    cr_assert_eq(fake.n_rows - n_rows, 2);
    cr_assert_eq(fake.n_commits - n_commits, 1);
    cr_assert_str_eq(fake.rooms[0].topic, "999");
    drain();
    cr_assert_eq(alice->in[alice->n_in - 1].done.request, request);
    alice->at = alice->n_in;
    expect_clean();
}

Test(core_changes, 07_an_empty_room_without_a_past_is_gone) {
    enter(alice, "#tea", 0);
    enter(alice, "#past", 0);
    say(bob, "#past", "something");
    settle();
    expect_text(alice, "something");
    cr_assert_eq(fake.n_rooms, 2);
    leave(alice, "#past");
    leave(alice, "#tea");
    cr_assert_null(room_called("#tea"));
    cr_assert_not_null(room_called("#past"));
    cr_assert_eq(fake.n_rooms, 1);
    cr_assert_eq(alice->session->user->account.used[ACCOUNT_ROOMS], 1);
    expect_clean();
    hub_crash();
    cr_assert_null(room_called("#tea"));
    cr_assert_not_null(room_called("#past"));
}

/* Somebody else makes it while the store still has the old one. */
Test(core_changes, 08_a_room_that_is_made_again_is_another_one) {
    enter(alice, "#tea", 0);
    ask_topic(alice, "#tea", "hers");
    settle();
    uint32_t left = ask_leave(alice, "#tea");
    cr_assert_eq(alice->session->user->account.used[ACCOUNT_ROOMS], 0);
    expect_done(alice, last_request - 1);
    commit_take();
    uint32_t came = ask_join(bob, "#TEA", 0);
    commit_finish();
    expect_done(alice, left);
    expect_nothing(bob);
    commit_all();
    expect_done(bob, came);
    cr_assert_eq(bob->session->user->account.used[ACCOUNT_ROOMS], 1);
    cr_assert_eq(fake.n_rooms, 1);
    cr_assert_eq(fake.rooms[0].uid, BOB);
    cr_assert_null(fake.rooms[0].topic);
    cr_assert_eq(fake.n_members, 1);
    hub_crash();
    cr_assert_eq(room_called("#TEA")->creator->uid, BOB);
    cr_assert_eq(room_called("#TEA")->n_members, 1);
}

/* Rooms of an earlier version, or of listeners that were there when the hub was killed. */
Test(core_changes, 09_rooms_that_nobody_needs_do_not_come_back) {
    for (uint32_t i = 1; i <= 1000; i++) {
        struct change *row = &fake.rooms[fake.n_rooms++];
        *row = (struct change){.what = CHANGE_ROOM, .room = i, .uid = ALICE};
        row->name.n = (uint8_t)snprintf(row->name.s, sizeof row->name.s, "#r%u", i);
    }
    fake.members[fake.n_members++] =
        (struct change){.what = CHANGE_MEMBER, .room = 7, .handle = alice->session->handle->number};
    hub_crash();
    cr_assert_eq(fake.n_rooms, 1);
    cr_assert_eq(fake.rooms[0].room, 7);
    cr_assert_eq(HASH_COUNT(core.rooms), 1);
    cr_assert_eq(core_user(&core, ALICE)->account.used[ACCOUNT_ROOMS], 1);
    expect_clean();
}

Test(core_changes, 09b_a_room_that_is_there_twice_is_there_once) {
    uint32_t handle = alice->session->handle->number;
    for (uint32_t i = 5; i < 8; i++)
        fake.rooms[fake.n_rooms++] =
            (struct change){.what = CHANGE_ROOM, .room = i, .uid = ALICE, .name = {2, "#x"}};
    for (uint32_t i = 5; i < 8; i += 2)
        fake.members[fake.n_members++] =
            (struct change){.what = CHANGE_MEMBER, .room = i, .handle = handle};
    hub_crash();
    cr_assert_eq(HASH_COUNT(core.rooms), 1);
    cr_assert_eq(room_called("#x")->number, 7);
    cr_assert_eq(room_called("#x")->n_joined, 1);
    cr_assert_eq(fake.n_rooms, 1);
    cr_assert_eq(fake.n_members, 1);
    expect_clean();
}

Test(core_changes, 10_listening_alone_stores_no_room_but_a_message_does) {
    uint64_t n_rows = fake.n_rows;
    enter(alice, "#tea", FRAME_SESSION_ONLY);
    uint32_t request = ask_topic(alice, "#tea", "while it lasts");
    expect_done(alice, request);
    commit_all();
    cr_assert_eq(fake.n_rows, n_rows);
    say(bob, "#tea", "hello");
    settle();
    cr_assert_eq(fake.n_rooms, 1);
    cr_assert_str_eq(fake.rooms[0].topic, "while it lasts");
}

/* Its last member leaves; while that is being written somebody speaks to who listens. */
Test(core_changes, 11_a_message_brings_a_room_back_that_is_being_removed) {
    enter(alice, "#tea", FRAME_SESSION_ONLY);
    enter(bob, "#tea", 0);
    cr_assert_eq(fake.n_rooms, 1);
    ask_leave(bob, "#tea");
    commit_take();
    say(bob, "#tea", "hello");
    commit_finish();
    cr_assert_eq(fake.n_rooms, 0);
    commit_all(); /* looks for the room of each message */
    cr_assert_eq(fake.n_rooms, 1);
    cr_assert_eq(fake.n_messages, 1);
}

static void enter_many(struct client *client, char letter, unsigned n_handles) {
    for (unsigned i = 0; i < n_handles; i++) {
        char name[32];
        snprintf(name, sizeof name, "%c%u", letter, i);
        ask_nick(client, name);
        for (unsigned j = 0; j < 200; j++) {
            snprintf(name, sizeof name, "#%c%u.%u", letter, i, j);
            ask_join(client, name, 0);
        }
    }
}

Test(core_changes, 12_a_commit_takes_a_bounded_number_from_each_in_turn) {
    enter_many(alice, 'h', 4);
    size_t n = changes_waiting(&core);
    cr_assert_gt(n, 3 * COMMIT_CHANGES_MAX);
    uint32_t request = ask_join(bob, "#mine", 0);
    uint64_t n_rows = fake.n_rows;
    commit_take();
    commit_finish();
    expect_done(bob, request);
    cr_assert_leq(fake.n_rows - n_rows, COMMIT_CHANGES_MAX + 3);
    cr_assert_geq(fake.n_rows - n_rows, COMMIT_CHANGES_MAX - 3);
    commit_all();
    cr_assert_eq(fake.n_members, 801);
    expect_clean();
}

/* commit_finish() looks for the rows that each message needs. */
Test(core_changes, 13_messages_go_with_their_rows_however_much_waits) {
    enter_many(alice, 'h', 4);
    ask_nick(alice, "last");
    say(alice, "#h3.199", "in a room far behind");
    say(alice, "bob", "from a handle far behind");
    say(bob, "h3", "to one");
    commit_take();
    commit_finish();
    cr_assert_eq(fake.n_messages, 3);
    cr_assert_lt(fake.n_members, 800);
    fake.fails = true;
    ask_nick(bob, "bob2");
    ask_join(bob, "#other", 0);
    say(bob, "#other", "lost");
    enter_many(bob, 'b', 3);
    ask_nick(bob, "bob2");
    for (int i = 0; i < 5; i++)
        commit_all();
    say(bob, "#other", "not lost");
    fake.fails = false;
    commit_take();
    commit_finish();
    cr_assert_eq(fake.n_messages, 4);
    commit_all();
    cr_assert_eq(fake.n_members, 1401);
    expect_clean();
}

static void ask_wall(struct client *client) {
    client->session->may_wall = true;
    ask(client,
        (struct frame){.type = FRAME_WALL, .wall = {.id = new_id(), .body = bytes_of("all")}});
}

Test(core_changes, 14_a_message_to_all_is_done_when_all_of_it_is_stored) {
    ask_wall(alice);
    fake.fails = true;
    commit_all();
    const struct frame *frame = expect(alice, FRAME_FAIL);
    cr_assert_eq(frame->fail.request, last_request);
    cr_assert_eq(frame->fail.code, FAIL_NOT_STORED);
    fake.fails = false;
    commit_take();
    ask_wall(alice); /* not in this one */
    commit_finish();
    expect_nothing(alice);
    commit_all();
    expect_done(alice, last_request);
    expect_clean();
    core_end(&core, bob->session);
    settle();
    ask_wall(alice); /* nobody hears it */
    expect_done(alice, last_request);
}

Test(core_changes, 15_what_waits_is_charged_to_who_asked) {
    struct user *user = alice->session->user;
    enter(alice, "#tea", 0);
    size_t n = 0;
    for (; n < 100000 && !core_awaits_disk(&core, user); n++)
        ask_topic(alice, "#tea", n % 2 ? "green" : "black");
    cr_assert_leq(n, ACCOUNT_STORING_BYTES / 64);
    cr_assert_not(core_awaits_disk(&core, bob->session->user), "not the others'");
    commit_all();
    cr_assert_eq(user->account.used[ACCOUNT_STORING], 0);
    expect_clean();
}

/* A commit is soon over, whatever a flood consists of. */
Test(core_changes, 15_while_others_store_less_waits_for_the_disk) {
    struct user *user = alice->session->user;
    enter(alice, "#tea", 0);
    for (int changes = 0; changes < 2; changes++) {
        say(bob, "bob", "x");
        for (size_t n = 0; !core_awaits_disk(&core, user); n++) {
            cr_assert_lt(n, 1000);
            if (changes)
                ask_topic(alice, "#tea", n % 2 ? "green" : "black");
            else
                say(alice, "alice", "x");
        }
        cr_assert_leq(user->account.used[ACCOUNT_STORING], 17 * 1024);
        cr_assert_not(core_awaits_disk(&core, bob->session->user));
        commit_all();
        cr_assert_not(core_awaits_disk(&core, user));
    }
    expect_clean();
}

Test(core_changes, 16_who_has_gone_is_not_waited_for) {
    ask_join(alice, "#tea", 0);
    commit_take();
    ask_topic(alice, "#tea", "hers");
    core_end(&core, alice->session);
    commit_finish();
    commit_all();
    expect_clean();
    cr_assert_eq(fake.n_members, 1);
}

Test(core_changes, 17_what_is_forgotten_is_stored_before) {
    static char text[6000];
    memset(text, 'x', sizeof text - 1);
    for (int i = 0; i < 600; i++) /* more than one commit takes */
        say(alice, "bob", text);
    uint32_t request =
        ask(alice, (struct frame){.type = FRAME_FORGET, .forget = {.conv = bytes_of("bob")}});
    while (fake.n_forgotten == 0) {
        commit_take();
        commit_finish();
    }
    cr_assert_eq(fake.n_messages, 600);
    cr_assert_eq(fake.forgotten[0].seq, fake.messages[599].seq);
    drain();
    bool is_done = false;
    for (const struct frame *frame; (frame = next_frame(alice));)
        is_done |= frame->type == FRAME_DONE && frame->done.request == request;
    cr_assert(is_done);
}

Test(core_changes, 18_positions_are_taken_step_by_step) {
    struct client *clients[300];
    for (unsigned i = 0; i < ARRAY_LEN(clients); i++) {
        char name[16];
        snprintf(name, sizeof name, "p%u", i);
        clients[i] = join(2000 + i, name, HERE);
    }
    settle();
    for (unsigned i = 0; i < ARRAY_LEN(clients); i++) {
        char name[16];
        snprintf(name, sizeof name, "p%u", i);
        say(alice, name, "hello");
    }
    settle();
    for (unsigned i = 0; i < ARRAY_LEN(clients); i++)
        take(clients[i], core.seq, core.seq);
    fake.fails = true;
    pass_ms(POSITIONS_DELAY_MS);
    commit_all();
    fake.fails = false;
    uint64_t n_rows = fake.n_rows;
    pass_ms(POSITIONS_DELAY_MS);
    commit_take();
    commit_finish();
    cr_assert_leq(fake.n_rows - n_rows, COMMIT_POSITIONS_MAX);
    commit_all();
    for (size_t i = 0; i < fake.n_handles; i++)
        if (fake.handles[i].uid >= 2000)
            cr_assert_eq(fake.handles[i].direct, core.seq);
}

/* Without a store. */

TestSuite(core_ephemeral, .init = world_begin, .fini = world_end);

Test(core_ephemeral, 01_a_room_goes_when_its_last_offer_does) {
    alice = join(ALICE, "alice", HERE);
    enter(alice, "#tea", 0);
    struct uuid id = new_id();
    uint32_t request = ask(alice, (struct frame){.type = FRAME_OFFER,
                                                 .offer = {.id = id,
                                                           .to = bytes_of("#tea"),
                                                           .kind = OFFER_FILE,
                                                           .size = 10,
                                                           .name = bytes_of("a.txt")}});
    expect_done(alice, request);
    leave(alice, "#tea");
    cr_assert_not_null(room_called("#tea"));
    give(alice, &(struct frame){.type = FRAME_WITHDRAW, .withdraw = {.offer = id}});
    cr_assert_null(room_called("#tea"));
    cr_assert_eq(alice->session->user->account.used[ACCOUNT_ROOMS], 0);
}

Test(core_ephemeral, 02_a_room_goes_with_the_last_of_its_past) {
    static char text[4000];
    memset(text, 'x', sizeof text - 1);
    alice = join(ALICE, "alice", HERE);
    bob = join(BOB, "bob", HERE);
    enter(alice, "#tea", 0);
    enter(bob, "#kept", 0);
    say(bob, "#tea", "hello");
    say(bob, "#kept", "hello");
    expect_text(alice, "hello");
    leave(alice, "#tea");
    cr_assert_not_null(room_called("#tea"));
    for (int i = 0; i < 2000; i++) {
        say(alice, "bob", text);
        drain();
        bob->n_in = bob->at = 0;
    }
    give(alice, &(struct frame){.type = FRAME_READY});
    cr_assert_null(room_called("#tea"));
    cr_assert_not_null(room_called("#kept"));
    leave(bob, "#kept");
    cr_assert_null(room_called("#kept"));
    cr_assert_null(core.lost_rooms);
}

/*
 * At random: what was answered DONE last about an object, with nothing asked since, is so after
 * the hub was killed; and nothing is so that nobody asked for.
 */

#define N_ROOMS 5
#define N_PEOPLE 3
#define N_TOPICS 4

struct fact {
    uint32_t request; /* the last one that was to change it; 0: it is stored */
    int value;        /* what that one wanted */
};

static struct client *people[N_PEOPLE];
static struct fact members[N_PEOPLE][N_ROOMS], topics[N_ROOMS];

static const char *person_name(int i) {
    static const char *const names[N_PEOPLE] = {"ann", "ben", "cat"};
    return names[i];
}

static const char *place_name(int i) {
    static const char *const names[N_ROOMS] = {"#a", "#b", "#c", "#d", "#e"};
    return names[i];
}

static void people_come(void) {
    for (int i = 0; i < N_PEOPLE; i++)
        people[i] = join(3000 + (uid_t)i, person_name(i), HERE);
}

static struct fact *fact_of(uint32_t request) {
    for (int j = 0; j < N_ROOMS; j++) {
        if (topics[j].request == request)
            return &topics[j];
        for (int i = 0; i < N_PEOPLE; i++)
            if (members[i][j].request == request)
                return &members[i][j];
    }
    return NULL;
}

static void hear_answers(void) {
    for (int i = 0; i < N_PEOPLE; i++)
        for (const struct frame *frame; (frame = next_frame(people[i]));) {
            struct fact *fact = frame->type == FRAME_DONE ? fact_of(frame->done.request) : NULL;
            if (fact)
                fact->request = 0;
        }
}

static bool person_is_in(int i, int j) {
    struct room *room = room_called(place_name(j));
    struct membership *membership =
        room && room->creator ? membership_find(people[i]->session->handle, room) : NULL;
    return membership && membership->joined;
}

/* Who leaves last takes the topic along. */
static void note_topics(void) {
    for (int j = 0; j < N_ROOMS; j++) {
        struct room *room = room_called(place_name(j));
        if (!room || !room_is_alive(room) || !room_is_kept(room))
            topics[j] = (struct fact){0, 0};
    }
}

static void act_at_random(void) {
    int i = rand() % N_PEOPLE, j = rand() % N_ROOMS, topic = 1 + rand() % N_TOPICS;
    char text[8];
    snprintf(text, sizeof text, "%d", topic);
    switch (rand() % 6) {
    case 0:
    case 1:
        members[i][j] = (struct fact){ask_join(people[i], place_name(j), 0), true};
        break;
    case 2:
        if (person_is_in(i, j))
            members[i][j] = (struct fact){ask_leave(people[i], place_name(j)), false};
        break;
    case 3:
        if (person_is_in(i, j))
            topics[j] = (struct fact){ask_topic(people[i], place_name(j), text), topic};
        break;
    case 4:
        if (rand() % 20 == 0 && person_is_in(i, j))
            say(people[i], place_name(j), "hello");
        break;
    default:
        break;
    }
    note_topics();
}

static void check_facts(void) {
    people_come();
    for (int j = 0; j < N_ROOMS; j++) {
        struct room *room = room_called(place_name(j));
        for (int i = 0; i < N_PEOPLE; i++)
            if (members[i][j].request == 0)
                cr_assert_eq(person_is_in(i, j), members[i][j].value, "%s in %s: not %d",
                             person_name(i), place_name(j), members[i][j].value);
        if (topics[j].request == 0 && topics[j].value && room && room_is_kept(room))
            cr_assert_eq(room->topic ? (int)strtol(room->topic, NULL, 10) : 0, topics[j].value);
        topics[j] = (struct fact){0, room && room->topic ? (int)strtol(room->topic, NULL, 10) : 0};
        for (int i = 0; i < N_PEOPLE; i++)
            members[i][j] = (struct fact){0, person_is_in(i, j)};
    }
    hear_answers();
}

/* Whoever was told that the topic is stored, and is still in the room, finds it. */
Test(core_changes, 30_what_is_done_is_there_after_a_kill, .timeout = 120) {
    bool taken = false;
    srand(4711);
    people_come();
    for (int round = 0; round < 20000; round++) {
        act_at_random();
        int what = rand() % 12;
        if (what < 3 && !taken && core_has_commit(&core)) {
            fake.fails = rand() % 4 == 0;
            commit_take();
            taken = true;
        } else if (what < 6 && taken) {
            commit_finish();
            taken = false;
        }
        hear_answers();
        if (rand() % 200 == 0) {
            fake.fails = false;
            hub_crash();
            taken = false;
            check_facts();
        }
    }
    fake.fails = false;
    if (taken)
        commit_finish();
    commit_all();
    hear_answers();
    expect_clean();
}
