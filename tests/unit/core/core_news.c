/* What is gathered before it is told, and that telling thousands goes in steps. */

#include <stdio.h>
#include <stdlib.h>
#include <utlist.h>

#include "base/macro.h"
#include "unit/core/world.h"

#define READER 1009
#define MALLORY 1004

static struct client *alice, *bob, *reader;

static void skip(struct client *client) {
    while (next_frame(client)) {
    }
}

/* All that has been gathered is told. Returns in how many steps. */
static unsigned pass_news(void) {
    unsigned n = 1;
    pass_ms(NEWS_DELAY_MS);
    for (; core_due(&core).ns == core.now.ns; n++)
        core_tick(&core);
    return n;
}

static void setup(void) {
    world_begin();
    core.limits.max[ACCOUNT_SESSIONS] = 4096;
    alice = join(ALICE, "alice", HERE);
    bob = join(BOB, "bob", HERE);
    reader = join(READER, "reader", HERE | ABILITY_NEWS);
    enter(alice, "#ops", 0);
    enter(reader, "#ops", 0);
    pass_news();
    skip(reader);
}

TestSuite(core_news, .init = setup, .fini = world_end);

static void set_topic(struct client *client, const char *topic) {
    give(client,
         &(struct frame){.type = FRAME_TOPIC, .topic = {5, bytes_of("#ops"), bytes_of(topic)}});
}

static void set_away(struct client *client, bool away) {
    give(client, &(struct frame){.type = FRAME_AWAY, .away = {5, away, bytes_of("lunch")}});
}

static const struct frame_news *expect_news(struct client *client, enum news_what what,
                                            const char *who) {
    const struct frame *frame = expect(client, FRAME_NEWS);
    cr_assert_eq(frame->news.what, what, "%d instead of %d", frame->news.what, (int)what);
    cr_assert(bytes_equal(frame->news.who, bytes_of(who)), "%.*s instead of %s",
              (int)frame->news.who.n, frame->news.who.data, who);
    return &frame->news;
}

Test(core_news, 01_of_many_topics_the_last_one_is_told) {
    char topic[16];
    for (int i = 0; i <= 1000; i++) {
        snprintf(topic, sizeof topic, "%d", i);
        set_topic(alice, topic);
    }
    pass_news();
    const struct frame_news *news = expect_news(reader, NEWS_TOPIC, "alice");
    cr_assert(bytes_equal(news->detail, bytes_of("1000")));
    expect_nothing(reader);
}

Test(core_news, 02_who_joins_and_leaves_again_makes_none) {
    for (int i = 0; i < 100; i++) {
        enter(bob, "#ops", 0);
        leave(bob, "#ops");
    }
    pass_news();
    expect_nothing(reader);
    enter(bob, "#ops", 0);
    pass_news();
    expect_news(reader, NEWS_JOINED, "bob");
    for (int i = 0; i < 100; i++) {
        leave(bob, "#ops");
        enter(bob, "#ops", 0);
    }
    pass_news();
    expect_nothing(reader);
}

Test(core_news, 03_a_crowd_in_a_room_is_counted) {
    char handle[16];
    for (int i = 0; i < 200; i++) {
        snprintf(handle, sizeof handle, "m%d", i);
        enter(join(MALLORY, handle, ABILITY_ALL_ROOMS), "#ops", 0);
    }
    pass_news();
    const struct frame_news *news = expect_news(reader, NEWS_MANY, "m0");
    cr_assert(bytes_equal(news->detail, bytes_of("200 came, 0 left")), "%.*s", (int)news->detail.n,
              news->detail.data);
    expect_nothing(reader);
}

Test(core_news, 04_who_takes_its_old_name_again_makes_none) {
    for (int i = 0; i < 100; i++) {
        rename_to(bob, "robert");
        rename_to(bob, "bob");
    }
    pass_news();
    expect_nothing(reader);
    rename_to(bob, "robert");
    pass_news();
    expect_news(reader, NEWS_OFFLINE, "bob");
    const struct frame_news *news = expect_news(reader, NEWS_RENAMED, "bob");
    cr_assert(bytes_equal(news->detail, bytes_of("robert")));
    expect_news(reader, NEWS_ONLINE, "robert");
    expect_nothing(reader);
}

static size_t n_news(struct client *client) {
    size_t n = 0;
    for (const struct frame *frame; (frame = next_frame(client));)
        n += frame->type == FRAME_NEWS;
    return n;
}

/* As a program that asks a question, and is gone again. */
Test(core_news, 03_who_only_listens_for_a_while_is_not_told) {
    struct client *carol = join(CAROL, "carol", HERE);
    pass_news();
    skip(reader);
    enter(carol, "#ops", FRAME_SESSION_ONLY);
    pass_news();
    expect_nothing(reader);
    leave(carol, "#ops");
    pass_news();
    expect_nothing(reader);
    enter(carol, "#ops", FRAME_SESSION_ONLY);
    enter(carol, "#ops", 0);
    pass_news();
    expect_news(reader, NEWS_JOINED, "carol");
    leave(carol, "#ops");
    pass_news();
    expect_news(reader, NEWS_LEFT, "carol");
}

Test(core_news, 05_of_one_user_s_many_handles_so_many_are_told_at_a_time_and_the_rest_later) {
    char handle[16];
    struct client *clients[100];
    for (int i = 0; i < 100; i++) {
        snprintf(handle, sizeof handle, "m%d", i);
        clients[i] = join(MALLORY, handle, HERE);
    }
    pass_news();
    skip(reader);
    for (int i = 0; i < 100; i++)
        set_away(clients[i], true);
    set_away(bob, true);
    pass_news();
    cr_assert_eq(n_news(reader), 33, "32 of mallory's, and bob");
    size_t n = 0;
    for (int i = 0; i < 3; i++) {
        pass_news();
        n += n_news(reader);
    }
    cr_assert_eq(n, 68, "%zu", n);
    pass_news();
    expect_nothing(reader);
    cr_assert_eq(core_due(&core).ns, 0, "an idle hub has nothing to wake up for");
}

/* Thousands of listeners. */

static void give_leave(struct client *client) {
    give(client, &(struct frame){.type = FRAME_LEAVE, .leave = {8, bytes_of("#ops")}});
}

#define CROWD 4000
#define CROWD_USERS 16
static struct client *crowd[CROWD];

/* Of so many users that all have memory for what comes to them. */
static void join_crowd(void) {
    char handle[32];
    for (unsigned i = 0; i < CROWD; i++) {
        unsigned user = i % CROWD_USERS;
        snprintf(handle, sizeof handle, "crowd-%u", user);
        crowd[i] = join(2000 + user, handle, ABILITY_ALL_ROOMS | ABILITY_LISTEN | ABILITY_NEWS);
    }
    for (unsigned i = 0; i < CROWD_USERS; i++)
        enter(crowd[i], "#ops", 0);
    pass_news();
    for (int i = 0; i < CROWD; i++)
        skip(crowd[i]);
    skip(reader);
}

static unsigned n_listed(void) {
    unsigned n = 0;
    const struct session *session;
    for (const struct user *user = core.turns[LIST_TOUCHED]; user;
         user = user->turns[LIST_TOUCHED].next)
        DL_FOREACH2(user->turns[LIST_TOUCHED].sessions, session, next_listed) {
            n++;
        }
    return n;
}

Test(core_news, 06_thousands_are_told_in_steps, .timeout = 120) {
    join_crowd();
    set_topic(alice, "steps");
    drain();
    pass_ms(NEWS_DELAY_MS);
    cr_assert_leq(n_listed(), 2000);
    cr_assert_gt(n_listed(), 0);
    cr_assert_eq(core_due(&core).ns, core.now.ns, "it goes on at once");
    uint64_t spent = alice->session->user->account.spent[ACCOUNT_TIME];
    cr_assert_gt(spent, 0, "whoever has changed the topic pays");
    drain();
    /* Of those that were told and of those that were not one leaves, and one comes. */
    give_leave(reader);
    core_end(&core, crowd[0]->session);
    core_end(&core, crowd[CROWD - 1]->session);
    enter(bob, "#ops", 0);
    for (unsigned n = 0; core_due(&core).ns == core.now.ns; n++) {
        core_tick(&core);
        cr_assert_leq(n_listed(), 2000);
        cr_assert_lt(n, 10);
        drain();
    }
    for (int i = 1; i < CROWD - 1; i++) {
        const struct frame *frame = expect(crowd[i], FRAME_NEWS);
        cr_assert_eq(frame->news.what, NEWS_TOPIC);
        expect_nothing(crowd[i]);
    }
}

Test(core_news, 07_a_flood_of_them_costs_the_same_as_one, .timeout = 120) {
    join_crowd();
    for (int i = 0; i < 1000; i++) {
        set_topic(alice, i % 2 ? "one" : "two");
        set_away(bob, i % 2);
        leave(reader, "#ops");
        enter(reader, "#ops", 0);
    }
    skip(alice);
    skip(bob);
    unsigned n = pass_news();
    cr_assert_leq(n, 2 * CROWD / 2000 + 3, "%u steps", n);
    drain();
}

Test(core_news, 08_a_room_may_end_and_sessions_may_end_while_it_is_told, .timeout = 120) {
    join_crowd();
    set_away(bob, true);
    set_topic(alice, "steps");
    pass_ms(NEWS_DELAY_MS);
    while (!core.news.room)
        core_tick(&core);
    core_tick(&core);
    give_leave(alice);
    give_leave(reader);
    for (unsigned i = 0; i < CROWD_USERS; i++)
        give_leave(crowd[i]);
    for (int i = 0; i < CROWD; i++)
        core_end(&core, crowd[i]->session);
    while (core_due(&core).ns == core.now.ns)
        core_tick(&core);
    drain();
    cr_assert_null(core.rooms, "nobody is in it, nothing was said");
}
