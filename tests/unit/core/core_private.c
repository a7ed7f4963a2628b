/* Private rooms: who sees them, since when, by which name; and what a stranger can find out. */

#include <stdio.h>
#include <string.h>

#include "core/internal.h"
#include "proto/mend.h"
#include "unit/core/fake_store.h"

static struct client *alice, *bob, *carol;

static void setup(void) {
    world_begin_with_two(&alice, &bob);
    carol = join(CAROL, "carol", HERE);
}

TestSuite(core_private, .init = setup, .fini = world_end);

static void change(struct client *client, const char *room, enum room_change what,
                   const char *argument) {
    give(client,
         &(struct frame){.type = FRAME_CHANGE,
                         .change = {71, bytes_of(room), (uint8_t)what, bytes_of(argument)}});
}

static void invite(struct client *client, const char *room, const char *handle) {
    give(client, &(struct frame){.type = FRAME_INVITE,
                                 .invite = {72, new_id(), bytes_of(room), bytes_of(handle)}});
}

static void request_history(struct client *client, const char *conv) {
    give(client, &(struct frame){.type = FRAME_HISTORY, .history = {73, bytes_of(conv), 0, 0, 99}});
}

static void expect_ok(struct client *client) {
    const struct frame *frame = next_answer(client);
    cr_assert_eq(frame->type, FRAME_DONE, "%.*s", (int)frame->fail.reason.n,
                 frame->type == FRAME_FAIL ? frame->fail.reason.data : "");
}

static void expect_fail(struct client *client, enum fail_code code) {
    const struct frame *frame = next_answer(client);
    cr_assert_eq(frame->type, FRAME_FAIL);
    cr_assert_eq(frame->fail.code, code, "%d: %.*s", frame->fail.code, (int)frame->fail.reason.n,
                 frame->fail.reason.data);
}

/* How many messages the answer has. */
static unsigned n_past_answered(struct client *client) {
    unsigned n = 0;
    for (const struct frame *frame; (frame = next_frame(client)); n += frame->type == FRAME_PAST)
        if (frame->type == FRAME_DONE)
            return n;
        else if (frame->type == FRAME_FAIL)
            return 1000 + frame->fail.code;
    return 2000;
}

static unsigned n_past(struct client *client, const char *conv) {
    request_history(client, conv);
    return n_past_answered(client);
}

static void make_secret(void) {
    change(alice, "#secret", ROOM_MAKE_PRIVATE, "");
    expect_ok(alice);
}

static void let_in(struct client *client, const char *handle) {
    invite(alice, "#secret", handle);
    expect_ok(alice);
    drop_frames(client);
    enter(client, "#secret", 0);
}

Test(core_private, 01_members_talk_and_nobody_else_hears_of_it) {
    make_secret();
    let_in(bob, "bob");
    drop_frames(alice);
    drop_frames(carol);
    say(alice, "#secret", "psst");
    expect_text(bob, "psst");
    expect_nothing(carol);
    cr_assert_eq(n_past(bob, "#secret"), 1);
    cr_assert_eq(n_past(carol, "#secret"), 1000 + FAIL_NO_ROOM);
}

Test(core_private, 02_an_invitation_is_a_message_and_joining_accepts_it) {
    make_secret();
    say(alice, "#secret", "before");
    drop_frames(bob);
    invite(alice, "#secret", "bob");
    expect_ok(alice);
    const struct frame *frame;
    do
        cr_assert((frame = next_frame(bob)));
    while (frame->type != FRAME_MESSAGE && frame->type != FRAME_LINE);
    cr_assert_eq(n_past(bob, "#secret"), 1000 + FAIL_NO_ROOM, "he has not joined");
    say(alice, "#secret", "between");
    enter(bob, "#secret", 0);
    cr_assert_eq(n_past(bob, "#secret"), 1, "what was said since the invitation");
    cr_assert_eq(n_past(alice, "#secret"), 2);
    change(alice, "#secret", ROOM_SET_PAST, "all");
    expect_ok(alice);
    let_in(carol, "carol");
    cr_assert_eq(n_past(carol, "#secret"), 2, "all of it");
}

Test(core_private, 03_who_leaves_must_be_invited_again_and_the_last_one_ends_it) {
    make_secret();
    let_in(bob, "bob");
    say(alice, "#secret", "psst");
    leave(alice, "#secret");
    drop_frames(alice);
    drop_frames(bob);
    cr_assert_eq(n_past(alice, "#secret"), 1000 + FAIL_NO_ROOM);
    invite(bob, "#secret", "alice");
    expect_ok(bob);
    change(bob, "#secret", ROOM_SET_PAST, "all");
    expect_ok(bob); /* he has inherited it */
    drop_frames(alice);
    leave(bob, "#secret");
    enter(alice, "#secret", 0);
    cr_assert_eq(n_past(alice, "#secret"), 0, "the invitation went with it: this is another one");
    cr_assert_eq(
        core_actor(&core, alice->session,
                   room_find_for(&core, alice->session->user, &(struct name){7, "#secret"})),
        ACTOR_OWNER);
}

Test(core_private, 04_a_stranger_makes_a_room_of_that_name_for_himself) {
    make_secret();
    let_in(bob, "bob");
    give_send(carol, new_id(), "#secret", "mine", FRAME_MAKE_ROOM);
    enter(carol, "#secret", 0);
    say(alice, "#secret", "ours");
    expect_text(bob, "ours");
    say(carol, "#secret", "nobody hears this");
    drop_frames(bob);
    cr_assert_eq(n_past(carol, "#secret"), 2);
    cr_assert_eq(n_past(bob, "#secret"), 1);
    cr_assert_eq(n_past(bob, "#secret~carol"), 2, "the later one, by its owner");
    enter(bob, "#secret~carol", 0);
    drop_frames(bob);
    say(carol, "#secret", "to you");
    const struct frame *frame;
    while ((frame = next_frame(bob)) && frame->type != FRAME_MESSAGE)
        cr_assert_neq(frame->type, FRAME_LINE);
    cr_assert(frame && bytes_equal(frame->message.to, bytes_of("#secret~carol")));
}

Test(core_private, 05_only_members_may_act_and_only_the_owner_may_change) {
    make_secret();
    let_in(bob, "bob");
    drop_frames(alice);
    change(bob, "#secret", ROOM_SET_NAME, "#other");
    expect_fail(bob, FAIL_NOT_PERMITTED);
    change(bob, "#secret", ROOM_CLOSE, "");
    expect_fail(bob, FAIL_NOT_PERMITTED);
    change(carol, "#secret", ROOM_CLOSE, "");
    expect_fail(carol, FAIL_NO_ROOM);
    invite(carol, "#secret", "carol");
    expect_fail(carol, FAIL_NO_ROOM);
    change(alice, "#secret", ROOM_SET_NAME, "#other");
    expect_ok(alice);
    cr_assert_eq(n_past(bob, "#other"), 0);
    cr_assert_eq(n_past(bob, "#secret"), 1000 + FAIL_NO_ROOM);
    change(alice, "#other", ROOM_SET_OWNER, "bob");
    expect_ok(alice);
    change(alice, "#other", ROOM_CLOSE, "");
    expect_fail(alice, FAIL_NOT_PERMITTED);
    change(bob, "#other", ROOM_CLOSE, "");
    expect_ok(bob);
    cr_assert_eq(n_past(alice, "#other"), 1000 + FAIL_NO_ROOM);
}

Test(core_private, 06_an_open_room_becomes_private_with_who_is_in_it) {
    enter(alice, "#ops", 0);
    enter(bob, "#ops", 0);
    say(alice, "#ops", "before");
    drop_frames(alice);
    drop_frames(bob);
    change(bob, "#ops", ROOM_MAKE_PRIVATE, "");
    expect_fail(bob, FAIL_NOT_PERMITTED);
    change(alice, "#ops", ROOM_MAKE_PRIVATE, "");
    expect_ok(alice);
    cr_assert_eq(n_past(carol, "#ops"), 1000 + FAIL_NO_ROOM);
    cr_assert_eq(n_past(bob, "#ops"), 1);
    change(alice, "#ops", ROOM_MAKE_OPEN, "");
    expect_fail(alice, FAIL_NOT_PERMITTED);
}

Test(core_private, 07_where_announcements_are_made_only_the_owner_speaks) {
    enter(alice, "#news", 0);
    enter(bob, "#news", 0);
    drop_frames(alice);
    change(alice, "#news", ROOM_SET_ANNOUNCE, "on");
    expect_ok(alice);
    say(alice, "#news", "hear");
    expect_text(bob, "hear");
    drop_frames(bob);
    struct uuid id = say(bob, "#news", "me too");
    expect_refused(bob, id, FAIL_NOT_PERMITTED);
    change(alice, "#news", ROOM_CLOSE, "");
    expect_ok(alice);
    drop_frames(alice);
    id = say(alice, "#news", "again");
    expect_refused(alice, id, FAIL_NOT_PERMITTED);
    cr_assert_eq(n_past(bob, "#news"), 1, "what was said there is there");
}

Test(core_private, 08_an_invitation_keeps_what_is_meant_for_the_room_from_an_open_one) {
    make_secret();
    invite(alice, "#secret", "bob");
    drop_frames(bob);
    struct uuid id = new_id();
    give_send(bob, id, "#secret", "the password", FRAME_MAKE_ROOM);
    expect_refused(bob, id, FAIL_NOT_MEMBER);
    leave(bob, "#secret");
    give_send(bob, id, "#secret", "hello", FRAME_MAKE_ROOM);
    enter(bob, "#secret", 0);
    cr_assert_eq(n_past(bob, "#secret"), 1);
}

Test(core_private, 09_a_user_is_the_same_under_each_handle) {
    make_secret();
    struct client *robot = join(ALICE, "robot", HERE);
    drop_frames(robot);
    say(robot, "#secret", "beep");
    expect_text(alice, "beep");
    cr_assert_eq(n_past(robot, "#secret"), 1);
}

Test(core_private, 10_memory_is_given_back) {
    uint64_t before = memory_of(ALICE), bobs = memory_of(BOB);
    make_secret();
    let_in(bob, "bob");
    invite(alice, "#secret", "carol");
    expect_ok(alice);
    leave(bob, "#secret");
    leave(alice, "#secret");
    drop_frames(alice);
    drop_frames(bob);
    drop_frames(carol);
    struct account *account = &alice->session->user->account;
    cr_assert_eq(account->used[ACCOUNT_INVITATIONS], 0);
    cr_assert_eq(account->used[ACCOUNT_ROOMS], 0);
    cr_assert_leq(memory_of(ALICE), before + 65536, "the ids of what she said are kept");
    cr_assert_leq(memory_of(BOB), bobs + 65536);
    cr_assert_null(core.rooms_by_number);
}

/* In this order; code 0: it is done. */
static const struct wish {
    const char *who, *room;
    enum room_change what;
    const char *argument;
    enum fail_code code;
} wishes[] = {
    {"alice", "open", ROOM_MAKE_OPEN, "", FAIL_BAD_NAME},
    {"alice", "#a b", ROOM_MAKE_OPEN, "", FAIL_BAD_NAME},
    {"alice", "#nowhere", ROOM_CLOSE, "", FAIL_NO_ROOM},
    {"alice", "#nowhere", ROOM_SET_OWNER, "bob", FAIL_NO_ROOM},
    {"alice", "#open", ROOM_SET_OWNER, "nobody", FAIL_NO_USER},
    {"alice", "#open", ROOM_SET_OWNER, "#open", FAIL_NO_USER},
    {"alice", "#open", ROOM_SET_OWNER, "no name", FAIL_NO_USER},
    {"alice", "#open", ROOM_SET_OWNER, "carol", FAIL_NOT_MEMBER},
    {"alice", "#secret", ROOM_SET_OWNER, "carol", FAIL_NOT_MEMBER},
    {"bob", "#open", ROOM_SET_OWNER, "bob", FAIL_NOT_PERMITTED},
    {"alice", "#open", ROOM_SET_NAME, "other", FAIL_BAD_NAME},
    {"alice", "#open", ROOM_SET_NAME, "#a b", FAIL_BAD_NAME},
    {"alice", "#open", ROOM_SET_NAME, "#a~b", FAIL_BAD_NAME},
    {"alice", "#open", ROOM_SET_NAME, "#\u043epen", FAIL_BAD_NAME},
    {"alice", "#open", ROOM_SET_NAME, "#secret", FAIL_NOT_PERMITTED},
    {"bob", "#open", ROOM_SET_NAME, "#other", FAIL_NOT_PERMITTED},
    {"alice", "#open", ROOM_SET_ANNOUNCE, "perhaps", FAIL_BAD_TEXT},
    {"bob", "#open", ROOM_SET_ANNOUNCE, "on", FAIL_NOT_PERMITTED},
    {"alice", "#secret", ROOM_SET_PAST, "some", FAIL_BAD_TEXT},
    {"alice", "#open", ROOM_SET_PAST, "all", FAIL_NOT_PERMITTED},
    {"bob", "#secret", ROOM_SET_PAST, "all", FAIL_NOT_PERMITTED},
    {"bob", "#open", ROOM_CLOSE, "", FAIL_NOT_PERMITTED},
    {"alice", "#open", ROOM_MAKE_OPEN, "", FAIL_NONE},
    {"alice", "#secret", ROOM_MAKE_PRIVATE, "", FAIL_NONE},
    {"alice", "#fresh", ROOM_MAKE_OPEN, "", FAIL_NONE},
    {"alice", "#secret", ROOM_SET_ANNOUNCE, "on", FAIL_NONE},
    {"alice", "#secret", ROOM_SET_ANNOUNCE, "off", FAIL_NONE},
    {"alice", "#secret", ROOM_SET_PAST, "all", FAIL_NONE},
    {"alice", "#secret", ROOM_SET_PAST, "invited", FAIL_NONE},
    {"alice", "#open", ROOM_SET_NAME, "#OPEN", FAIL_NONE},
    {"alice", "#open", ROOM_SET_NAME, "#market", FAIL_NONE},
    {"alice", "#market", ROOM_SET_OWNER, "bob", FAIL_NONE},
    {"alice", "#market", ROOM_CLOSE, "", FAIL_NOT_PERMITTED},
    {"bob", "#market", ROOM_CLOSE, "", FAIL_NONE},
    {"bob", "#market", ROOM_CLOSE, "", FAIL_NOT_PERMITTED},
    {"alice", "#market", ROOM_MAKE_PRIVATE, "", FAIL_NOT_PERMITTED},
};

Test(core_private, 11_what_can_be_wished_of_a_room) {
    make_secret();
    let_in(bob, "bob");
    enter(alice, "#open", 0);
    enter(bob, "#open", 0);
    say(alice, "#open", "closed, it is there for its past");
    for (size_t i = 0; i < sizeof wishes / sizeof *wishes; i++) {
        const struct wish *wish = &wishes[i];
        struct client *client = strcmp(wish->who, "bob") == 0 ? bob : alice;
        drop_frames(client);
        change(client, wish->room, wish->what, wish->argument);
        const struct frame *frame = next_answer(client);
        cr_assert_eq(frame->type == FRAME_FAIL ? frame->fail.code : 0, wish->code, "wish %zu", i);
    }
}

static struct room *room_of_alice(const char *name) {
    struct name text = {.n = (uint8_t)strlen(name)};
    memcpy(text.s, name, text.n);
    return room_find_for(&core, alice->session->user, &text);
}

Test(core_private, 12_who_can_be_invited) {
    make_secret();
    let_in(bob, "bob");
    invite(alice, "#secret", "nobody");
    expect_fail(alice, FAIL_NO_USER);
    invite(alice, "#secret", "bob");
    expect_fail(alice, FAIL_NOT_PERMITTED);
    invite(alice, "#secret", "carol");
    expect_ok(alice);
    invite(alice, "#secret", "carol");
    expect_ok(alice);
    cr_assert_eq(alice->session->user->account.used[ACCOUNT_INVITATIONS], 1);
    cr_assert_eq(alice->session->user->account.use.messages, 3, "an invitation is one");
    enter(alice, "#open", 0);
    drop_frames(alice);
    invite(alice, "#open", "bob");
    expect_ok(alice);
    drop_frames(carol);
    invite(carol, "#open", "bob");
    expect_fail(carol, FAIL_NOT_PERMITTED);
    drop_frames(bob);
    enter(bob, "#open", 0);
    invite(alice, "#open", "bob");
    expect_fail(alice, FAIL_NOT_PERMITTED);
}

Test(core_private, 13_how_many_can_be_invited) {
    char name[16];
    for (int i = 0; i < 9; i++) {
        snprintf(name, sizeof name, "#s%d", i);
        change(alice, name, ROOM_MAKE_PRIVATE, "");
        expect_ok(alice);
        invite(alice, name, "carol");
        if (i < 8)
            expect_ok(alice);
        else
            expect_fail(alice, FAIL_LIMIT);
    }
    struct account *account = &alice->session->user->account;
    uint64_t left = account_left(account, ACCOUNT_INVITATIONS);
    account_spend(account, ACCOUNT_INVITATIONS, left);
    invite(alice, "#s0", "bob");
    expect_fail(alice, FAIL_LIMIT);
    account_give_back(account, ACCOUNT_INVITATIONS, left);
    room_of_alice("#s0")->n_admissions += 1024;
    invite(alice, "#s0", "bob");
    expect_fail(alice, FAIL_LIMIT);
    room_of_alice("#s0")->n_admissions -= 1024;
    use_up_memory(ALICE, 100);
    invite(alice, "#s0", "bob");
    expect_fail(alice, FAIL_LIMIT);
    change(alice, "#more", ROOM_MAKE_PRIVATE, "");
    expect_fail(alice, FAIL_LIMIT);
    give_back_memory(ALICE);
    enter(alice, "#open", 0);
    drop_frames(alice);
    room_of_alice("#open")->n_members += 2000;
    change(alice, "#open", ROOM_MAKE_PRIVATE, "");
    expect_fail(alice, FAIL_LIMIT);
    room_of_alice("#open")->n_members -= 2000;
}

static const struct frame *about(struct client *client, const char *room) {
    const struct frame *frame;
    drop_frames(client);
    give(client,
         &(struct frame){.type = FRAME_LIST, .list = {.what = LIST_ROOM, .of = bytes_of(room)}});
    while ((frame = next_frame(client)) && frame->type != FRAME_ABOUT)
        ;
    return frame;
}

Test(core_private, 14_what_is_told_about_a_room) {
    make_secret();
    invite(alice, "#secret", "bob");
    const struct frame *frame = about(alice, "#secret");
    cr_assert(frame && frame->about.form == ROOM_PRIVATE);
    cr_assert(bytes_equal(frame->about.owner, bytes_of("alice")));
    frame = about(bob, "#secret~alice");
    cr_assert(frame && (frame->about.rules & ROOM_INVITED));
    cr_assert_null(about(carol, "#secret"));
    enter(carol, "#open", 0);
    frame = about(bob, "#open");
    cr_assert(frame && frame->about.form == ROOM_OPEN && frame->about.owner_uid == CAROL);
}

Test(core_private, 15_an_administrator_finds_a_room_by_its_owner) {
    struct client *root = join(0, "root", HERE);
    make_secret();
    change(carol, "#secret", ROOM_MAKE_PRIVATE, "");
    expect_ok(carol);
    drop_frames(root);
    change(root, "#secret~nobody", ROOM_CLOSE, "");
    expect_fail(root, FAIL_NO_ROOM);
    change(root, "#secret~alice", ROOM_SET_NAME, "#other");
    expect_fail(root, FAIL_NOT_PERMITTED);
    change(root, "#secret~carol", ROOM_CLOSE, "");
    drop_frames(root);
    change(bob, "#secret~alice", ROOM_CLOSE, "");
    expect_fail(bob, FAIL_NO_ROOM);
    cr_assert_not_null(room_of_alice("#secret"));
}

/* So long that the owner's name does not fit behind it. */
Test(core_private, 16_a_long_name_that_is_there_twice) {
    char name[NAME_BYTES_MAX + 1] = "#";
    memset(name + 1, 'x', 31);
    enter(bob, name, 0);
    change(alice, name, ROOM_MAKE_PRIVATE, "");
    drop_frames(alice);
    change(carol, name, ROOM_MAKE_PRIVATE, "");
    drop_frames(carol);
    cr_assert_not_null(room_of_alice(name));
}

Test(core_private, 17_what_a_store_holds_that_makes_no_sense) {
    make_secret();
    enter(alice, "#open", 0);
    uint32_t secret = room_of_alice("#secret")->number, open = room_of_alice("#open")->number;
    uint32_t handle = bob->session->handle->number;
    struct bytes none = {0};
    cr_assert_neq(core_restore_admission(&core, secret + 100, handle, ALICE, 0, true, none), 0);
    cr_assert_neq(core_restore_admission(&core, open, handle, ALICE, 0, true, none), 0);
    cr_assert_neq(core_restore_admission(&core, secret, handle + 100, ALICE, 0, true, none), 0);
    cr_assert_eq(core_restore_admission(&core, secret, handle, ALICE, 0, true, bytes_of("a b")), 0);
    cr_assert_neq(core_restore_admission(&core, secret, handle, ALICE, 0, true, none), 0);
    cr_assert(admission_has_joined(bob->session->user, room_of_alice("#secret")));
    cr_assert_neq(core_restore_member(&core, secret + 100, handle, 0), 0);
    cr_assert_neq(core_restore_member(&core, secret, handle + 100, 0), 0);
    cr_assert_neq(core_restore_member(&core, open, alice->session->handle->number, 0), 0);
    static const char *const names[] = {"no-room", "#a b", "#a~b"};
    struct room_restored room = {.number = 900, .creator = ALICE};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        room.name = bytes_of(names[i]);
        cr_assert_neq(core_restore_room(&core, &room), 0, "%s", names[i]);
    }
    room.name = bytes_of("#group");
    room.form = ROOM_FORM_END;
    cr_assert_neq(core_restore_room(&core, &room), 0);
    struct bytes dora = bytes_of("dora");
    cr_assert_neq(core_restore_handle(&core, handle, 5001, dora, none, 0, 0, 0), 0);
    cr_assert_neq(core_restore_handle(&core, 0, 5001, dora, none, 0, 0, 0), 0);
    cr_assert_neq(core_restore_handle(&core, 901, 5001, bytes_of("#a"), none, 0, 0, 0), 0);
    cr_assert_neq(core_restore_handle(&core, 901, 5001, bytes_of("a b"), none, 0, 0, 0), 0);
}

/* Names of the wrong kind. */
Test(core_private, 19_a_room_is_no_handle) {
    static const char *const names[] = {"#room", "a b"};
    for (size_t i = 0; i < 2; i++) {
        struct frame nick = {.type = FRAME_NICK, .nick = {7, bytes_of(names[i])}};
        cr_assert_not(core_awaits_right(&core, alice->session, &nick));
        give(alice, &nick);
        expect_fail(alice, FAIL_BAD_NAME);
    }
    give(alice, &(struct frame){.type = FRAME_JOIN, .join = {7, bytes_of("room")}});
    expect_fail(alice, FAIL_BAD_NAME);
    give(alice, &(struct frame){.type = FRAME_JOIN, .join = {7, bytes_of("#a b")}});
    expect_fail(alice, FAIL_BAD_NAME);
    struct client *root = join(0, "root", HERE);
    give(root, &(struct frame){.type = FRAME_RELEASE, .release = {7, bytes_of("nobody")}});
    expect_fail(root, FAIL_NO_USER);
    give(root, &(struct frame){.type = FRAME_RELEASE, .release = {7, bytes_of("a b")}});
    expect_fail(root, FAIL_BAD_NAME);
}

static bool has_news_of(struct client *client, const char *room) {
    bool has = false;
    pass_ms(2 * NEWS_DELAY_MS);
    for (const struct frame *frame; (frame = next_frame(client));)
        has |= frame->type == FRAME_NEWS && bytes_equal(frame->news.room, bytes_of(room));
    return has;
}

/* Who is in two rooms of one name is told the news of each under the name that it has for him. */
Test(core_private, 18_news_of_a_room_that_is_called_otherwise) {
    struct client *dora = join(5001, "dora", HERE | ABILITY_NEWS);
    struct client *erin = join(5002, "erin", HERE | ABILITY_NEWS);
    make_secret();
    let_in(erin, "erin");
    invite(alice, "#secret", "dora");
    drop_frames(alice);
    enter(carol, "#secret", 0);
    drop_frames(dora);
    enter(dora, "#secret", 0);
    drop_frames(dora);
    enter(dora, "#secret~alice", 0);
    (void)has_news_of(dora, "");
    (void)has_news_of(erin, "");
    invite(alice, "#secret", "bob");
    drop_frames(bob);
    enter(bob, "#secret~alice", 0);
    cr_assert(has_news_of(dora, "#secret~alice"));
    cr_assert(has_news_of(erin, "#secret"));
    give(alice, &(struct frame){.type = FRAME_TOPIC,
                                .topic = {7, bytes_of("#secret"), bytes_of("what we plan")}});
    leave(bob, "#secret~alice");
    cr_assert(has_news_of(dora, "#secret~alice"));
    cr_assert(has_news_of(erin, "#secret"));
    change(alice, "#secret", ROOM_SET_NAME, "#other");
    (void)has_news_of(dora, "");
    leave(carol, "#secret");
    cr_assert(has_news_of(dora, "#secret"));
    leave(dora, "#secret");
    change(alice, "#other", ROOM_SET_NAME, "#secret");
    drop_frames(alice);
    say(alice, "#secret", "psst");
    drop_frames(dora);
    cr_assert_eq(n_past(dora, "#secret"), 1);
}

/* The leak test: everything that a stranger is answered, with the room and without it. */

static uint8_t seen[2][65536];
static size_t n_seen[2];

static void note_all(struct client *client, int which) {
    struct cursor_out out =
        cursor_out_of(seen[which] + n_seen[which], sizeof seen[which] - n_seen[which]);
    for (const struct frame *frame; (frame = next_frame(client));) {
        struct frame copy = *frame;
        if (copy.type == FRAME_USER) /* the processes of a test are counted on */
            copy.user.pids = (struct bytes){0};
        cr_assert(frame_put(&out, &copy));
    }
    n_seen[which] += cursor_out_used(&out);
}

static void ask_everything(struct client *client, const char *name, int which) {
    struct bytes room = bytes_of(name), none = bytes_of("");
    const struct frame frames[] = {
        {.type = FRAME_LEAVE, .leave = {1, room}},
        {.type = FRAME_TOPIC, .topic = {2, room, bytes_of("mine")}},
        {.type = FRAME_SEND, .send = {{{1}}, 0, room, {{0}}, 4, bytes_of("text")}},
        {.type = FRAME_HISTORY, .history = {3, room, 0, 0, 9}},
        {.type = FRAME_HISTORY, .history = {3, none, 0, 0, 9}},
        {.type = FRAME_SEARCH, .search = {4, room, none, 0, 9, bytes_of("psst")}},
        {.type = FRAME_SEARCH, .search = {4, none, none, 0, 9, bytes_of("psst")}},
        {.type = FRAME_LIST, .list = {5, LIST_ROOMS, none}},
        {.type = FRAME_LIST, .list = {6, LIST_USERS, room}},
        {.type = FRAME_LIST, .list = {7, LIST_ROOM, room}},
        {.type = FRAME_LIST, .list = {8, LIST_OFFERS, none}},
        {.type = FRAME_UNREAD, .unread = {9, none}},
        {.type = FRAME_UNREAD, .unread = {10, room}},
        {.type = FRAME_READ, .read = {room, 1}},
        {.type = FRAME_FORGET, .forget = {11, room}},
        {.type = FRAME_RELEASE, .release = {12, room}},
        {.type = FRAME_OFFER, .offer = {13, {{2}}, room, 0, 9, 0, 0, none, bytes_of("f")}},
        {.type = FRAME_CHANGE, .change = {14, room, ROOM_SET_OWNER, bytes_of("carol")}},
        {.type = FRAME_CHANGE, .change = {15, room, ROOM_SET_NAME, bytes_of("#other")}},
        {.type = FRAME_CHANGE, .change = {16, room, ROOM_CLOSE, none}},
        {.type = FRAME_CHANGE, .change = {17, room, ROOM_SET_ANNOUNCE, bytes_of("on")}},
        {.type = FRAME_CHANGE, .change = {18, room, ROOM_SET_PAST, bytes_of("all")}},
        {.type = FRAME_INVITE, .invite = {19, {{3}}, room, bytes_of("carol")}},
    };
    for (size_t i = 0; i < sizeof frames / sizeof *frames; i++) {
        cr_assert_null(give(client, &frames[i]));
        note_all(client, which);
    }
}

/* What he makes of the name is his own, and as large as he made it. */
static void use_name(struct client *client, const char *name, int which) {
    const struct frame frames[] = {
        {.type = FRAME_JOIN, .join = {20, bytes_of(name)}},
        {.type = FRAME_TOPIC, .topic = {21, bytes_of(name), bytes_of("topic")}},
        {.type = FRAME_LIST, .list = {22, LIST_ROOMS, bytes_of("")}},
        {.type = FRAME_LIST, .list = {23, LIST_USERS, bytes_of(name)}},
        {.type = FRAME_LIST, .list = {24, LIST_ROOM, bytes_of(name)}},
        {.type = FRAME_LEAVE, .leave = {25, bytes_of(name)}},
        {.type = FRAME_CHANGE, .change = {26, bytes_of(name), ROOM_MAKE_PRIVATE, {0}}},
        {.type = FRAME_LIST, .list = {27, LIST_ROOM, bytes_of(name)}},
        {.type = FRAME_LEAVE, .leave = {28, bytes_of(name)}},
    };
    for (size_t i = 0; i < sizeof frames / sizeof *frames; i++) {
        cr_assert_null(give(client, &frames[i]));
        note_all(client, which);
    }
    pass_ms(1000);
    note_all(client, which);
}

static void stranger_looks(bool has_room, int which) {
    struct client *mallory =
        join(1666, "mallory", HERE | ABILITY_NEWS | ABILITY_ALIKE | ABILITY_READS | ABILITY_ROOMS);
    const char *target = has_room ? "#secret" : "bob";
    n_seen[which] = 0;
    if (has_room) {
        make_secret();
        let_in(bob, "bob");
    } else { /* as many messages, so that the numbers are the same */
        say(alice, "bob", "you are invited");
    }
    for (int i = 0; i < 50; i++)
        say(alice, target, "psst");
    drop_frames(alice);
    drop_frames(bob);
    pass_ms(1000);
    note_all(mallory, which);
    static const char *const names[] = {"#secret", "#SECRET", "#secret~alice", "#secret~bob"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        ask_everything(mallory, names[i], which);
    use_name(mallory, "#secret", which);
}

Test(core_private, 20_a_stranger_sees_the_same_with_the_room_and_without_it) {
    stranger_looks(true, 0);
    world_end();
    setup();
    stranger_looks(false, 1);
    cr_assert_gt(n_seen[0], 1000);
    cr_assert_eq(n_seen[0], n_seen[1]);
    for (size_t i = 0; i < n_seen[0]; i++)
        cr_assert_eq(seen[0][i], seen[1][i], "byte %zu of what he sees: %.*s, and without: %.*s", i,
                     90, (const char *)seen[0] + i, 90, (const char *)seen[1] + i);
}

/* Restarts. */

/* Of alice's; mends it. */
static void mend(struct uuid target, uint8_t kind, const char *text) {
    give(alice, &(struct frame){.type = FRAME_SEND,
                                .send = {.id = new_id(),
                                         .kind = kind,
                                         .to = bytes_of(MEND_TO),
                                         .reply_to = target,
                                         .total = (uint32_t)strlen(text),
                                         .body = bytes_of(text)}});
}

static void edit(struct uuid target, const char *text) {
    mend(target, KIND_EDIT, text);
}

/* What the client has got, up to now, that mends something. */
static unsigned n_mends(struct client *client) {
    unsigned n = 0;
    for (const struct frame *frame; (frame = next_frame(client));)
        n += frame->type == FRAME_MESSAGE && mend_is(frame->message.kind);
    return n;
}

Test(core_private, 21_what_mends_a_message_is_for_who_sees_that_one) {
    make_secret();
    struct client *late = join(1004, "dave", HERE | ABILITY_MENDS);
    struct client *early = join(1005, "erin", HERE | ABILITY_MENDS);
    let_in(early, "erin");
    struct uuid before = say(alice, "#secret", "before he came");
    let_in(late, "dave");
    struct uuid since = say(alice, "#secret", "since he came");
    n_mends(late);
    n_mends(early);
    edit(before, "the secret of before");
    mend(before, KIND_REMOVE, "1001\nno reason");
    cr_assert_eq(n_mends(late), 0);
    cr_assert_eq(n_mends(early), 2);
    edit(since, "and this for all");
    cr_assert_eq(n_mends(late), 1);
    cr_assert_eq(n_mends(early), 1);
}

Test(core_private, 22_nor_is_it_for_who_was_behind_or_away_meanwhile) {
    make_secret();
    struct uuid before = say(alice, "#secret", "before he came");
    struct client *late = join(1004, "dave", HERE | ABILITY_MENDS);
    let_in(late, "dave");
    drop_frames(late);
    core_end(&core, late->session);
    edit(before, "the secret of before");
    say(alice, "#secret", "a word for him");
    late = join(1004, "dave", HERE | ABILITY_MENDS);
    cr_assert_eq(n_mends(late), 0);
}

TestSuite(core_private_kept, .fini = durable_end);

static void come(void) {
    alice = join(ALICE, "alice", HERE);
    bob = join(BOB, "bob", HERE);
    carol = join(CAROL, "carol", HERE);
    settle();
    drop_frames(alice);
    drop_frames(bob);
    drop_frames(carol);
}

static void crash_and_come(void) {
    hub_crash();
    come();
}

static void settle_ok(struct client *client) {
    settle();
    expect_ok(client);
}

static unsigned n_past_settled(struct client *client, const char *conv) {
    drop_frames(client);
    request_history(client, conv);
    settle();
    return n_past_answered(client);
}

Test(core_private_kept, 01_rooms_invitations_and_rules_outlive_the_hub) {
    durable_begin(1024 * 1024);
    come();
    change(alice, "#secret", ROOM_MAKE_PRIVATE, "");
    settle_ok(alice);
    say(alice, "#secret", "one");
    settle();
    invite(alice, "#secret", "bob");
    settle_ok(alice);
    say(alice, "#secret", "two");
    settle();
    crash_and_come();
    cr_assert_eq(n_past_settled(carol, "#secret"), 1000 + FAIL_NO_ROOM);
    cr_assert_eq(n_past_settled(bob, "#secret"), 1000 + FAIL_NO_ROOM);
    give(bob, &(struct frame){.type = FRAME_JOIN, .join = {1, bytes_of("#secret")}});
    settle_ok(bob);
    cr_assert_eq(n_past_settled(bob, "#secret"), 1);
    crash_and_come();
    cr_assert_eq(n_past_settled(bob, "#secret"), 1);
    cr_assert_eq(n_past_settled(alice, "#secret"), 2);
    change(alice, "#secret", ROOM_CLOSE, "");
    settle_ok(alice);
    crash_and_come();
    cr_assert_eq(n_past_settled(alice, "#secret"), 1000 + FAIL_NO_ROOM);
    cr_assert_eq(fake.n_admissions, 0);
}

Test(core_private_kept, 02_who_was_in_it_when_it_became_private_is_in_it_after_a_restart) {
    durable_begin(1024 * 1024);
    come();
    give(alice, &(struct frame){.type = FRAME_JOIN, .join = {1, bytes_of("#ops")}});
    settle_ok(alice);
    say(alice, "#ops", "before");
    settle();
    give(bob, &(struct frame){.type = FRAME_JOIN, .join = {1, bytes_of("#ops")}});
    settle_ok(bob);
    change(alice, "#ops", ROOM_MAKE_PRIVATE, "");
    settle_ok(alice);
    crash_and_come();
    cr_assert_eq(n_past_settled(bob, "#ops"), 1);
    cr_assert_eq(n_past_settled(carol, "#ops"), 1000 + FAIL_NO_ROOM);
    give(bob, &(struct frame){.type = FRAME_LEAVE, .leave = {1, bytes_of("#ops")}});
    settle_ok(bob);
    crash_and_come();
    cr_assert_eq(n_past_settled(bob, "#ops"), 1000 + FAIL_NO_ROOM);
}

Test(core_private_kept, 03_the_later_name_is_the_same_after_a_restart) {
    durable_begin(1024 * 1024);
    come();
    change(alice, "#x", ROOM_MAKE_PRIVATE, "");
    settle_ok(alice);
    change(carol, "#x", ROOM_MAKE_PRIVATE, "");
    settle_ok(carol);
    invite(alice, "#x", "bob");
    settle_ok(alice);
    invite(carol, "#x", "bob");
    settle_ok(carol);
    drop_frames(bob);
    give(bob, &(struct frame){.type = FRAME_JOIN, .join = {1, bytes_of("#x~carol")}});
    settle_ok(bob);
    give(bob, &(struct frame){.type = FRAME_JOIN, .join = {1, bytes_of("#x~alice")}});
    settle_ok(bob);
    say(carol, "#x", "from carol");
    say(carol, "#x", "more of carol");
    say(alice, "#x", "from alice");
    settle();
    for (int i = 0; i < 2; i++) {
        cr_assert_eq(n_past_settled(bob, "#x"), 2);
        cr_assert_eq(n_past_settled(bob, "#x~alice"), 1);
        crash_and_come();
    }
}
