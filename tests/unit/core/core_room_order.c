/* Order in rooms: who may do what to whom there, what that does, who hears of it, and what of it
 * outlives the hub. */

#include <string.h>

#include "unit/core/fake_store.h"

#define OWNER_OF_HUB 900
#define DAVE 1004
#define STRANGER 1005
#define SEES (HERE | ABILITY_ORDER | ABILITY_NEWS)
#define REQUEST 77

/* Alice owns #ops, bob is its operator, carol and dave are members. */
static struct client *root, *alice, *bob, *carol, *dave, *stranger;

struct act {
    enum order_what what;
    const char *who; /* or (NULL) */
    uid_t uid;
    uint64_t value;
    const char *reason;
};

/* 0: it is done. What else comes is passed over. */
static unsigned answer_to(struct client *client) {
    settle();
    for (const struct frame *frame; (frame = next_frame(client));) {
        if (frame->type == FRAME_DONE && frame->done.request == REQUEST)
            return 0;
        if (frame->type == FRAME_FAIL && frame->fail.request == REQUEST)
            return frame->fail.code;
    }
    cr_assert_fail("no answer");
    return 0;
}

static unsigned act(struct client *client, const char *room, const struct act *act) {
    give(client, &(struct frame){.type = FRAME_GOVERN,
                                 .govern = {.request = REQUEST,
                                            .id = new_id(),
                                            .room = bytes_of(room),
                                            .what = (uint8_t)act->what,
                                            .who = bytes_of(act->who ? act->who : ""),
                                            .uid = act->uid,
                                            .value = act->value,
                                            .reason = bytes_of(act->reason ? act->reason : "")}});
    return answer_to(client);
}

static unsigned upon(struct client *client, enum order_what what, const char *who) {
    return act(client, "#ops", &(struct act){.what = what, .who = who});
}

static unsigned change(struct client *client, const char *room, enum room_change what) {
    give(client, &(struct frame){.type = FRAME_CHANGE,
                                 .change = {REQUEST, bytes_of(room), (uint8_t)what, bytes_of("")}});
    return answer_to(client);
}

static unsigned try_enter(struct client *client, const char *room) {
    give(client, &(struct frame){.type = FRAME_JOIN, .join = {REQUEST, bytes_of(room)}});
    return answer_to(client);
}

static unsigned topic(struct client *client, const char *text) {
    give(client, &(struct frame){.type = FRAME_TOPIC,
                                 .topic = {REQUEST, bytes_of("#ops"), bytes_of(text)}});
    return answer_to(client);
}

static unsigned invite(struct client *client, const char *room, const char *handle) {
    give(client, &(struct frame){.type = FRAME_INVITE,
                                 .invite = {REQUEST, new_id(), bytes_of(room), bytes_of(handle)}});
    return answer_to(client);
}

static unsigned history(struct client *client, const char *room) {
    give(client,
         &(struct frame){.type = FRAME_HISTORY, .history = {REQUEST, bytes_of(room), 0, 0, 9}});
    return answer_to(client);
}

static void everybody_joins(void) {
    root = join(0, "root", SEES);
    alice = join(ALICE, "alice", SEES);
    bob = join(BOB, "bob", SEES);
    carol = join(CAROL, "carol", SEES);
    dave = join(DAVE, "dave", HERE | ABILITY_NEWS);
    stranger = join(STRANGER, "stranger", SEES);
    settle();
}

static void begin(void) {
    durable_begin(1024 * 1024);
    core.config.uid = OWNER_OF_HUB;
    everybody_joins();
    struct client *const members[] = {alice, bob, carol, dave};
    for (size_t i = 0; i < 4; i++)
        enter(members[i], "#ops", 0);
    cr_assert_eq(upon(alice, ORDER_MAKE_OPERATOR, "bob"), 0);
    pass_ms(1000); /* that is told */
}

TestSuite(core_room_order, .init = begin, .fini = durable_end, .timeout = 60);

static void drop_all(struct client *client) {
    settle();
    while (next_frame(client))
        ;
}

/* The next NEWS_ORDER; NULL: none. */
static const struct frame *seek_news(struct client *client) {
    const struct frame *frame;
    pass_ms(1000);
    settle();
    while ((frame = next_frame(client)))
        if (frame->type == FRAME_NEWS && frame->news.what == NEWS_ORDER)
            return frame;
    return NULL;
}

static bool has(struct bytes text, const char *part) {
    return memmem(text.data, text.n, part, strlen(part)) != NULL;
}

/* 0: it was taken. */
static unsigned say_there(struct client *client, const char *room, const char *text) {
    drop_all(client);
    give_send(client, new_id(), room, text, 0);
    settle();
    for (const struct frame *frame; (frame = next_frame(client));)
        if (frame->type == FRAME_REFUSED)
            return frame->refused.code;
    return 0;
}

/* How many messages of rooms have come. */
static unsigned n_heard(struct client *client) {
    unsigned n = 0;
    settle();
    for (const struct frame *frame; (frame = next_frame(client));)
        n += frame->type == FRAME_MESSAGE || frame->type == FRAME_LINE;
    return n;
}

static struct client *client_of(const char *handle) {
    struct client *const all[] = {root, alice, bob, carol, stranger};
    static const char *const names[] = {"root", "alice", "bob", "carol", "stranger"};
    for (size_t i = 0; i < 5; i++)
        if (strcmp(names[i], handle) == 0)
            return all[i];
    return NULL;
}

/* Actor, upon whom; whether he may. */
static const struct {
    const char *actor, *whom;
    unsigned code;
} rights[] = {
    {"root", "dave", 0},
    {"root", "bob", 0},
    {"root", "alice", 0},
    {"root", "root", FAIL_NOT_PERMITTED},
    {"alice", "dave", 0},
    {"alice", "bob", 0},
    {"alice", "root", FAIL_NOT_PERMITTED},
    {"alice", "alice", FAIL_NOT_PERMITTED},
    {"alice", "nobody", FAIL_NO_USER},
    {"bob", "dave", 0},
    {"bob", "alice", FAIL_NOT_PERMITTED},
    {"bob", "bob", FAIL_NOT_PERMITTED},
    {"bob", "root", FAIL_NOT_PERMITTED},
    {"carol", "dave", FAIL_NOT_PERMITTED},
    {"carol", "carol", FAIL_NOT_PERMITTED},
    {"carol", "nobody", FAIL_NOT_PERMITTED},
    {"stranger", "dave", FAIL_NOT_PERMITTED},
};

Test(core_room_order, 01_rights) {
    static const enum order_what whats[] = {ORDER_MUTE, ORDER_UNMUTE, ORDER_BAN, ORDER_UNBAN,
                                            ORDER_KICK};
    for (size_t what = 0; what < sizeof whats / sizeof *whats; what++) {
        for (size_t i = 0; i < sizeof rights / sizeof *rights; i++) {
            unsigned code = upon(client_of(rights[i].actor), whats[what], rights[i].whom);
            cr_assert_eq(code, rights[i].code, "%s, %d, %s: %u", rights[i].actor, whats[what],
                         rights[i].whom, code);
            durable_end();
            begin();
        }
    }
}

Test(core_room_order, 02_only_the_owner_makes_operators) {
    cr_assert_eq(upon(bob, ORDER_MAKE_OPERATOR, "carol"), FAIL_NOT_PERMITTED);
    cr_assert_eq(upon(carol, ORDER_MAKE_OPERATOR, "carol"), FAIL_NOT_PERMITTED);
    cr_assert_eq(upon(alice, ORDER_MAKE_OPERATOR, "stranger"), FAIL_NOT_MEMBER);
    cr_assert_eq(upon(alice, ORDER_MAKE_OPERATOR, "carol"), 0);
    cr_assert_eq(upon(bob, ORDER_KICK, "carol"), FAIL_NOT_PERMITTED);
    cr_assert_eq(upon(bob, ORDER_NO_OPERATOR, "carol"), FAIL_NOT_PERMITTED);
    cr_assert_eq(upon(alice, ORDER_NO_OPERATOR, "carol"), 0);
    cr_assert_eq(upon(carol, ORDER_KICK, "dave"), FAIL_NOT_PERMITTED);
    cr_assert_eq(upon(bob, ORDER_KICK, "carol"), 0);
}

Test(core_room_order, 03_who_is_removed_as_operator_has_no_right_from_then_on) {
    cr_assert_eq(upon(bob, ORDER_MUTE, "carol"), 0);
    cr_assert_eq(upon(alice, ORDER_NO_OPERATOR, "bob"), 0);
    cr_assert_eq(upon(bob, ORDER_UNMUTE, "carol"), FAIL_NOT_PERMITTED);
    cr_assert_eq(say_there(carol, "#ops", "still muted"), FAIL_NOT_PERMITTED);
    cr_assert_eq(upon(alice, ORDER_MAKE_OPERATOR, "bob"), 0);
    cr_assert_eq(upon(alice, ORDER_MUTE, "bob"), 0);
    cr_assert_eq(upon(bob, ORDER_UNMUTE, "bob"), FAIL_NOT_PERMITTED);
    cr_assert_eq(upon(bob, ORDER_UNMUTE, "carol"), FAIL_NOT_PERMITTED);
}

Test(core_room_order, 04_who_is_muted_hears_and_says_nothing) {
    cr_assert_eq(act(bob, "#ops", &(struct act){ORDER_MUTE, "carol", 0, 60000, "too loud"}), 0);
    struct client *other = join(CAROL, "carol-too", SEES);
    enter(other, "#ops", 0);
    cr_assert_eq(say_there(carol, "#ops", "hello"), FAIL_NOT_PERMITTED);
    cr_assert_eq(say_there(other, "#ops", "hello"), FAIL_NOT_PERMITTED);
    cr_assert_eq(topic(carol, "mine"), FAIL_NOT_PERMITTED);
    cr_assert_eq(invite(carol, "#ops", "stranger"), FAIL_NOT_PERMITTED);
    struct frame offer = offer_of(new_id(), "#ops");
    offer.offer.request = REQUEST;
    give(carol, &offer);
    cr_assert_eq(answer_to(carol), FAIL_NOT_PERMITTED);
    cr_assert_eq(say_there(carol, "bob", "hello"), 0, "elsewhere he may");
    drop_all(carol);
    cr_assert_eq(say_there(alice, "#ops", "hello"), 0);
    cr_assert_eq(n_heard(carol), 1);
    core.wall.ms += 60001;
    cr_assert_eq(say_there(carol, "#ops", "again"), 0, "it was for a time");
}

Test(core_room_order, 05_who_is_banned_is_out_whatever_handle_or_session_he_has) {
    struct client *other = join(CAROL, "carol-too", SEES);
    enter(other, "#ops", 0);
    say_there(alice, "#ops", "before");
    drop_all(carol);
    cr_assert_eq(act(bob, "#ops", &(struct act){.what = ORDER_BAN, .who = "carol", .reason = "x"}),
                 0);
    drop_all(carol);
    drop_all(other);
    cr_assert_eq(say_there(alice, "#ops", "after"), 0);
    cr_assert_eq(n_heard(carol) + n_heard(other), 0);
    struct client *third = join(CAROL, "carol-three", SEES);
    struct client *const all[] = {carol, other, third};
    for (size_t i = 0; i < 3; i++) {
        cr_assert_eq(try_enter(all[i], "#ops"), FAIL_NOT_PERMITTED);
        cr_assert_eq(say_there(all[i], "#ops", "hello"), FAIL_NOT_PERMITTED);
        cr_assert_eq(topic(all[i], "mine"), FAIL_NOT_PERMITTED);
        cr_assert_eq(history(all[i], "#ops"), FAIL_NOT_PERMITTED);
        cr_assert_eq(invite(all[i], "#ops", "stranger"), FAIL_NOT_PERMITTED);
        struct frame offer = offer_of(new_id(), "#ops");
        offer.offer.request = REQUEST;
        give(all[i], &offer);
        cr_assert_eq(answer_to(all[i]), FAIL_NOT_PERMITTED);
    }
    give(third, &(struct frame){.type = FRAME_JOIN,
                                .flags = FRAME_SESSION_ONLY,
                                .join = {REQUEST, bytes_of("#ops")}});
    cr_assert_eq(answer_to(third), FAIL_NOT_PERMITTED, "nor does he listen for a while");
    cr_assert_eq(invite(alice, "#ops", "carol"), FAIL_NOT_PERMITTED);
    cr_assert_eq(act(alice, "#ops", &(struct act){.what = ORDER_UNBAN, .uid = CAROL}), 0);
    cr_assert_eq(try_enter(third, "#ops"), 0);
}

Test(core_room_order, 06_a_uid_that_was_never_here_can_be_banned) {
    cr_assert_eq(act(bob, "#ops", &(struct act){.what = ORDER_BAN, .uid = 4711}), 0);
    struct client *late = join(4711, "late", SEES);
    cr_assert_eq(try_enter(late, "#ops"), FAIL_NOT_PERMITTED);
    cr_assert_eq(act(bob, "#ops", &(struct act){.what = ORDER_BAN, .uid = UINT32_MAX}),
                 FAIL_NO_USER);
}

Test(core_room_order, 07_everybody_concerned_hears_who_and_why) {
    drop_all(alice);
    drop_all(carol);
    drop_all(dave);
    cr_assert_eq(
        act(bob, "#ops", &(struct act){.what = ORDER_MUTE, .who = "carol", .reason = "why"}), 0);
    cr_assert(strstr(core.act, "bob (uid 1002)") && strstr(core.act, "carol (uid 1003)"), "%s",
              core.act);
    struct client *const all[] = {alice, carol};
    for (size_t i = 0; i < 2; i++) {
        const struct frame *news = seek_news(all[i]);
        cr_assert_not_null(news);
        cr_assert(has(news->news.detail, "carol") && has(news->news.detail, "bob") &&
                  has(news->news.detail, "why"));
        cr_assert(has(news->news.room, "#ops"));
        cr_assert_null(seek_news(all[i]), "once");
    }
    cr_assert_null(seek_news(dave), "who does not know it");
    cr_assert_null(seek_news(stranger));
    cr_assert_eq(upon(bob, ORDER_KICK, "carol"), 0);
    cr_assert_not_null(seek_news(carol), "also who is not there any more");
    drop_all(dave);
    cr_assert_eq(upon(bob, ORDER_KICK, "dave"), 0);
    cr_assert_eq(n_heard(dave), 1, "who does not know it is told by a message");
}

Test(core_room_order, 08_the_topic_is_locked) {
    cr_assert_eq(topic(carol, "mine"), 0);
    cr_assert_eq(upon(carol, ORDER_LOCK_TOPIC, NULL), FAIL_NOT_PERMITTED);
    cr_assert_eq(upon(bob, ORDER_LOCK_TOPIC, NULL), 0);
    cr_assert_eq(topic(carol, "mine"), FAIL_NOT_PERMITTED);
    cr_assert_eq(topic(bob, "ours"), 0);
    struct client *other = join(ALICE, "robot", HERE);
    cr_assert_eq(topic(other, "the owner's"), FAIL_NOT_MEMBER, "under a handle that is there");
    cr_assert_eq(topic(alice, "the owner's"), 0);
    cr_assert_eq(topic(stranger, "mine"), FAIL_NOT_MEMBER);
    cr_assert_eq(upon(bob, ORDER_UNLOCK_TOPIC, NULL), 0);
    cr_assert_eq(topic(carol, "mine again"), 0);
}

Test(core_room_order, 09_a_private_room) {
    cr_assert_eq(change(alice, "#plan", ROOM_MAKE_PRIVATE), 0);
    struct client *const guests[] = {bob, carol};
    static const char *const names[] = {"bob", "carol"};
    for (size_t i = 0; i < 2; i++) {
        cr_assert_eq(invite(alice, "#plan", names[i]), 0);
        cr_assert_eq(try_enter(guests[i], "#plan"), 0);
    }
    struct act kick = {.what = ORDER_KICK, .who = "carol"},
               ban = {.what = ORDER_BAN, .who = "carol"};
    cr_assert_eq(act(stranger, "#plan", &kick), FAIL_NO_ROOM, "there is none for a stranger");
    cr_assert_eq(act(bob, "#plan", &kick), FAIL_NOT_PERMITTED);
    cr_assert_eq(act(alice, "#plan", &(struct act){.what = ORDER_MAKE_OPERATOR, .who = "bob"}), 0);
    cr_assert_eq(act(bob, "#plan", &kick), 0);
    cr_assert_eq(act(carol, "#plan", &kick), FAIL_NO_ROOM, "who is put out does not see it");
    cr_assert_eq(invite(bob, "#plan", "carol"), 0, "he can be invited again");
    cr_assert_eq(act(bob, "#plan", &ban), 0);
    cr_assert_eq(history(carol, "#plan"), FAIL_NO_ROOM);
    cr_assert_eq(invite(alice, "#plan", "carol"), FAIL_NOT_PERMITTED);
}

Test(core_room_order, 10_it_outlives_the_hub) {
    cr_assert_eq(upon(bob, ORDER_BAN, "carol"), 0);
    cr_assert_eq(act(bob, "#ops", &(struct act){ORDER_MUTE, "dave", 0, 3600000, "why"}), 0);
    cr_assert_eq(upon(bob, ORDER_LOCK_TOPIC, NULL), 0);
    for (int i = 0; i < 2; i++) {
        hub_crash();
        everybody_joins();
        cr_assert_eq(try_enter(carol, "#ops"), FAIL_NOT_PERMITTED);
        cr_assert_eq(say_there(dave, "#ops", "hello"), FAIL_NOT_PERMITTED);
        cr_assert_eq(topic(bob, "an operator's"), 0);
    }
    cr_assert_eq(upon(bob, ORDER_UNBAN, "carol"), 0);
    hub_crash();
    everybody_joins();
    cr_assert_eq(try_enter(carol, "#ops"), 0);
}

Test(core_room_order, 11_what_was_laid_on_people_ends_with_the_room) {
    cr_assert_eq(change(alice, "#mine", ROOM_MAKE_OPEN), 0);
    cr_assert_eq(act(alice, "#mine", &(struct act){.what = ORDER_BAN, .who = "carol"}), 0);
    leave(alice, "#mine");
    settle();
    cr_assert_eq(try_enter(carol, "#mine"), 0, "there was another one of this name");
    hub_crash();
    everybody_joins();
    cr_assert_eq(history(carol, "#mine"), 0);
    cr_assert_eq(say_there(carol, "#mine", "hello"), 0);
}

Test(core_room_order, 12_its_number_and_memory_are_bounded) {
    uint64_t before = memory_of(BOB);
    for (unsigned i = 0; i + 1 < ROOM_ORDERS_MAX; i++) {
        cr_assert_eq(act(bob, "#ops", &(struct act){.what = ORDER_BAN, .uid = 5000 + i}), 0);
        pass_ms(1000);
        drop_all(alice);
    }
    cr_assert_geq(memory_of(BOB) - before, (ROOM_ORDERS_MAX - 1) * sizeof(struct room_order));
    cr_assert_eq(act(bob, "#ops", &(struct act){.what = ORDER_BAN, .uid = 9999}), FAIL_LIMIT);
    cr_assert_eq(act(bob, "#ops", &(struct act){.what = ORDER_BAN, .uid = 5000}), 0, "instead");
    cr_assert_eq(act(bob, "#ops", &(struct act){.what = ORDER_UNBAN, .uid = 5000}), 0);
    pass_ms(1000);
    cr_assert_eq(act(bob, "#ops", &(struct act){.what = ORDER_BAN, .uid = 9999}), 0);
}

/* Else somebody could fill the log of who is away by muting and unmuting him, at no cost. */
Test(core_room_order, 13_what_waits_for_who_is_away_counts_as_a_message_of_who_did_it) {
    const struct account_use *use = &alice->session->user->account.use;
    uint64_t was = use->messages;
    cr_assert_eq(upon(alice, ORDER_MUTE, "carol"), 0);
    cr_assert_eq(use->messages, was, "she is here, and told at once");
    give(carol, &(struct frame){.type = FRAME_BYE});
    pass_ms(1000);
    cr_assert_eq(upon(alice, ORDER_UNMUTE, "carol"), 0);
    cr_assert_eq(use->messages, was + 1);
    cr_assert_eq(upon(alice, ORDER_UNMUTE, "carol"), 0);
    pass_ms(1000);
    cr_assert_eq(use->messages, was + 1, "nothing was done, and nothing is told");
    cr_assert_eq(upon(alice, ORDER_MUTE, "carol"), 0);
    cr_assert_eq(use->messages, was + 2);
}
