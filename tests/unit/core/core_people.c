/* Direct conversations of several: who finds which again, who hears of them, and who pays. */

#include <stdio.h>
#include <string.h>

#include "core/internal.h"
#include "unit/core/fake_store.h"

#define DAVE 1004

static struct client *alice, *bob, *carol;

static void come(void) {
    alice = join(ALICE, "alice", HERE);
    bob = join(BOB, "bob", HERE);
    carol = join(CAROL, "carol", HERE);
    settle();
    drop_frames(alice);
    drop_frames(bob);
    drop_frames(carol);
}

static void setup(void) {
    durable_begin(1024 * 1024);
    come();
}

TestSuite(core_people, .init = setup, .fini = durable_end, .timeout = 60);

/* The name of the room; what the hub knows of logins is found by it. */
static const char *gather_with(struct client *client, const char *people,
                               const struct core_login *logins, unsigned n, enum fail_code *code) {
    static char name[NAME_BYTES_MAX + 1];
    name[0] = '\0';
    *code = FAIL_NONE;
    drop_frames(client);
    core.people_logins = logins;
    core.n_people_logins = n;
    cr_assert_null(
        give(client, &(struct frame){.type = FRAME_GATHER, .gather = {81, bytes_of(people)}}));
    core.n_people_logins = 0;
    settle();
    for (const struct frame *frame; (frame = next_frame(client));) {
        if (frame->type == FRAME_ABOUT)
            snprintf(name, sizeof name, "%.*s", (int)frame->about.room.n, frame->about.room.data);
        if (frame->type == FRAME_FAIL)
            *code = (enum fail_code)frame->fail.code;
        if (frame->type == FRAME_DONE || frame->type == FRAME_FAIL)
            return name;
    }
    cr_assert_fail("there is no answer");
    return NULL;
}

static const char *gather(struct client *client, const char *people) {
    enum fail_code code;
    const char *name = gather_with(client, people, NULL, 0, &code);
    cr_assert_eq(code, FAIL_NONE, "%s: %s", people, fail_name(code));
    return name;
}

static enum fail_code gather_fails(struct client *client, const char *people) {
    enum fail_code code;
    gather_with(client, people, NULL, 0, &code);
    return code;
}

static void say_there(struct client *client, const char *conv, const char *text) {
    say(client, conv, text);
    settle();
}

static void part(struct client *client, const char *conv) {
    give(client, &(struct frame){.type = FRAME_LEAVE, .leave = {82, bytes_of(conv)}});
    settle();
    drop_frames(client);
}

static unsigned n_past(struct client *client, const char *conv) {
    unsigned n = 0;
    drop_frames(client);
    give(client, &(struct frame){.type = FRAME_HISTORY, .history = {83, bytes_of(conv), 0, 0, 99}});
    settle();
    for (const struct frame *frame; (frame = next_frame(client)); n += frame->type == FRAME_PAST)
        if (frame->type == FRAME_DONE)
            return n;
        else if (frame->type == FRAME_FAIL)
            return 1000 + frame->fail.code;
    return 2000;
}

static unsigned n_listed(struct client *client) {
    unsigned n = 0;
    drop_frames(client);
    give(client, &(struct frame){.type = FRAME_LIST, .list = {84, LIST_ROOMS, bytes_of("")}});
    settle();
    for (const struct frame *frame; (frame = next_frame(client)) && frame->type != FRAME_DONE;)
        n += frame->type == FRAME_ROOM;
    return n;
}

static uint64_t used(uid_t uid, enum account_kind kind) {
    return core_user(&core, uid)->account.used[kind];
}

Test(core_people, 01_it_is_found_again_by_its_people_in_any_order) {
    cr_assert_str_eq(gather(alice, "carol,bob"), "#alice,bob,carol");
    uint32_t number = core.last_room;
    gather(alice, "bob carol");
    gather(bob, "carol, ALICE");
    gather(carol, "bob,bob,alice,carol");
    cr_assert_eq(core.last_room, number, "one room");
    drop_frames(bob);
    drop_frames(carol);
    say_there(alice, "#bob,carol", "hello");
    expect_text(bob, "hello");
    expect_text(carol, "hello");
    say_there(bob, "#alice,bob,carol", "yes");
    drop_frames(carol);
    cr_assert_eq(n_past(carol, "#bob,alice"), 2);
    cr_assert_eq(n_past(carol, "#alice,bob,carol"), 2);
    cr_assert_eq(n_listed(carol), 1);
}

Test(core_people, 02_another_set_is_another_room_and_nobody_comes_to_it) {
    struct client *dave = join(DAVE, "dave", HERE);
    gather(alice, "bob,carol");
    say_there(alice, "#alice,bob,carol", "hello");
    cr_assert_eq(n_past(dave, "#alice,bob,carol"), 1000 + FAIL_NO_ROOM);
    static const char *const names[] = {"#alice,bob,carol", "#bob,carol"};
    for (int i = 0; i < 2; i++) {
        drop_frames(dave);
        give(dave, &(struct frame){.type = FRAME_JOIN, .join = {1, bytes_of(names[i])}});
        settle();
        cr_assert_eq(expect(dave, FRAME_FAIL)->fail.code, FAIL_NO_ROOM);
    }
    give(alice,
         &(struct frame){.type = FRAME_INVITE,
                         .invite = {2, new_id(), bytes_of("#alice,bob,carol"), bytes_of("dave")}});
    settle();
    drop_frames(dave);
    cr_assert_eq(n_past(dave, "#alice,bob,carol"), 1000 + FAIL_NO_ROOM);
    for (int what = 0; what < ROOM_CHANGE_END; what++) {
        give(alice, &(struct frame){.type = FRAME_CHANGE,
                                    .change = {3, bytes_of("#alice,bob,carol"), (uint8_t)what,
                                               bytes_of("dave")}});
        settle();
    }
    cr_assert_eq(n_past(bob, "#alice,bob,carol"), 1, "it is as it was");
    cr_assert_eq(n_past(dave, "#alice,bob,carol"), 1000 + FAIL_NO_ROOM);
    cr_assert_str_eq(gather(alice, "bob,carol,dave"), "#alice,bob,carol,dave");
    cr_assert_eq(n_past(dave, "#alice,bob,carol,dave"), 0);
    cr_assert_eq(n_past(dave, "#alice,bob,carol"), 0, "for him that is these three and himself");
}

Test(core_people, 03_an_administrator_does_not_see_it_either) {
    struct client *root = join(0, "root", HERE);
    gather(alice, "bob,carol");
    say_there(alice, "#alice,bob,carol", "hello");
    cr_assert_eq(n_listed(root), 0);
    cr_assert_eq(n_past(root, "#alice,bob,carol"), 1000 + FAIL_NO_ROOM);
    give(root, &(struct frame){.type = FRAME_LIST,
                               .list = {4, LIST_ROOM, bytes_of("#alice,bob,carol~alice")}});
    settle();
    cr_assert_eq(expect(root, FRAME_FAIL)->fail.code, FAIL_NO_ROOM);
}

Test(core_people, 04_who_leaves_hears_nothing_and_comes_back_to_what_is_said_then) {
    gather(alice, "bob,carol");
    say_there(alice, "#alice,bob,carol", "one");
    part(carol, "#alice,bob,carol");
    cr_assert_eq(n_past(carol, "#alice,bob,carol"), 1000 + FAIL_NO_ROOM);
    uint32_t number = core.last_room;
    gather(bob, "alice,carol");
    cr_assert_eq(core.last_room, number, "the same room, and she is not put into it again");
    say_there(bob, "#alice,bob,carol", "behind her back");
    expect_nothing(carol);
    cr_assert_str_eq(gather(carol, "alice,bob"), "#alice,bob,carol");
    cr_assert_eq(core.last_room, number);
    cr_assert_eq(n_past(carol, "#alice,bob,carol"), 0);
    say_there(alice, "#alice,bob,carol", "hello again");
    expect_text(carol, "hello again");
    cr_assert_eq(n_past(carol, "#alice,bob,carol"), 1);
    cr_assert_eq(n_past(bob, "#alice,bob,carol"), 3);
}

Test(core_people, 05_when_all_have_left_it_is_over) {
    gather(alice, "bob,carol");
    say_there(alice, "#alice,bob,carol", "one");
    uint32_t number = core.last_room;
    part(alice, "#alice,bob,carol");
    part(bob, "#alice,bob,carol");
    part(carol, "#alice,bob,carol");
    gather(alice, "bob,carol");
    cr_assert_neq(core.last_room, number, "another one");
    cr_assert_eq(n_past(alice, "#alice,bob,carol"), 0);
}

Test(core_people, 06_it_outlives_the_hub_with_who_has_left_and_who_pays) {
    gather(alice, "bob,carol");
    say_there(alice, "#alice,bob,carol", "one");
    cr_assert_eq(used(ALICE, ACCOUNT_INVITATIONS), 2);
    say_there(bob, "#alice,bob,carol", "two");
    cr_assert_eq(used(ALICE, ACCOUNT_INVITATIONS), 1, "he has answered");
    part(carol, "#alice,bob,carol");
    cr_assert_eq(used(ALICE, ACCOUNT_INVITATIONS), 0);
    gather(alice, "bob,carol"); /* she is not there */
    hub_crash();
    come();
    cr_assert_eq(n_past(bob, "#alice,carol"), 2);
    cr_assert_eq(n_past(carol, "#alice,bob"), 1000 + FAIL_NO_ROOM);
    uint32_t number = core.last_room;
    gather(carol, "alice,bob");
    cr_assert_eq(core.last_room, number, "it is found again by its people");
    struct client *dave = join(DAVE, "dave", HERE);
    settle();
    gather(dave, "alice,bob");
    hub_crash();
    come();
    cr_assert_eq(used(DAVE, ACCOUNT_INVITATIONS), 2, "nobody has answered");
    say_there(alice, "#alice,bob,dave", "I have");
    cr_assert_eq(used(DAVE, ACCOUNT_INVITATIONS), 1);
    hub_crash();
    come();
    cr_assert_eq(used(DAVE, ACCOUNT_INVITATIONS), 1);
}

Test(core_people, 07_who_is_away_finds_it_and_who_has_never_been_here_too) {
    static const struct core_login logins[] = {
        {.what = LOGIN_FOUND, .uid = DAVE, .name = {4, "dave"}, .login = {4, "dave"}}};
    enum fail_code code;
    core_end(&core, carol->session);
    settle();
    struct frame frame = {.type = FRAME_GATHER, .gather = {1, bytes_of("bob,carol,dave")}};
    struct name name;
    cr_assert(core_awaits_person(&core, alice->session, &frame, NULL, 0, &name));
    cr_assert(bytes_equal(name_bytes(&name), bytes_of("dave")));
    cr_assert_not(core_awaits_person(&core, alice->session, &frame, logins, 1, &name));
    cr_assert_str_eq(gather_with(alice, "bob,carol,dave", logins, 1, &code),
                     "#alice,bob,carol,dave");
    cr_assert_eq(code, FAIL_NONE);
    cr_assert_eq(core.n_unclaimed, 1);
    cr_assert_eq(used(ALICE, ACCOUNT_MAILED), 1);
    say_there(bob, "#alice,bob,carol,dave", "to all of you");
    hub_crash();
    cr_assert_eq(core.n_unclaimed, 1);
    carol = join(CAROL, "carol", HERE);
    struct client *dave = try_arrive_with(&(struct arrival){DAVE, "dave", HERE, 0, 0, false},
                                          "dave", &(struct core_right){false, 0}, &code);
    cr_assert_not_null(dave);
    expect(dave, FRAME_WELCOME);
    ready(dave);
    settle();
    expect_late(carol, "to all of you");
    expect_late(dave, "to all of you");
    cr_assert_eq(core.n_unclaimed, 0);
}

Test(core_people, 08_who_gets_a_name_later_is_somebody_else) {
    gather(alice, "bob,carol");
    say_there(alice, "#alice,bob,carol", "one");
    enum fail_code code;
    struct client *new = try_arrive_with(&(struct arrival){2002, "bob", HERE, 0, 0, false}, "bob",
                                         &(struct core_right){true, BOB}, &code);
    cr_assert_not_null(new);
    ready(new);
    settle();
    cr_assert_eq(n_past(new, "#alice,carol"), 1000 + FAIL_NO_ROOM);
    cr_assert_eq(n_past(new, "#alice,bob,carol"), 1000 + FAIL_NO_ROOM);
    uint32_t number = core.last_room;
    cr_assert_str_eq(gather(alice, "bob,carol"), "#alice,bob,carol");
    cr_assert_neq(core.last_room, number, "with this one");
    cr_assert_eq(n_past(new, "#alice,bob,carol"), 0);
    cr_assert_eq(n_past(alice, "#alice,bob.1002,carol"), 1, "and the one of before");
    cr_assert_eq(n_past(bob, "#alice,bob.1002,carol"), 1);
}

Test(core_people, 09_what_is_refused) {
    cr_assert_eq(gather_fails(alice, "bob"), FAIL_BAD_NAME);
    cr_assert_eq(gather_fails(alice, "bob,alice"), FAIL_BAD_NAME);
    cr_assert_eq(gather_fails(alice, ", ,"), FAIL_BAD_NAME);
    cr_assert_eq(gather_fails(alice, "bob,#ops"), FAIL_BAD_NAME);
    cr_assert_eq(gather_fails(alice, "bob,nobody-at-all"), FAIL_NO_USER);
    cr_assert_eq(core.n_unclaimed, 0);
    cr_assert_null(core.rooms_by_number);
    static const struct core_login untold[] = {{.what = LOGIN_UNTOLD}};
    enum fail_code code;
    gather_with(alice, "bob,dave", untold, 1, &code);
    cr_assert_eq(code, FAIL_BUSY);
    char people[PEOPLE_BYTES_MAX] = "";
    for (int i = 0; i < PEOPLE_MAX; i++) {
        char handle[16];
        snprintf(handle, sizeof handle, "h%d", i);
        join((uid_t)(3000 + i), handle, HERE);
        snprintf(people + strlen(people), sizeof people - strlen(people), "%s,", handle);
    }
    settle();
    cr_assert_eq(gather_fails(alice, people), FAIL_LIMIT);
    people[strlen(people) - 4] = '\0';
    cr_assert_eq(gather_fails(alice, people), FAIL_NONE);
}

Test(core_people, 10_nobody_is_put_into_many_and_who_makes_them_pays) {
    uint64_t bobs = memory_of(BOB), carols = memory_of(CAROL);
    for (int i = 0; i < 12; i++) {
        char handle[16], people[32];
        snprintf(handle, sizeof handle, "other%d", i);
        join((uid_t)(3000 + i), handle, HERE);
        settle();
        snprintf(people, sizeof people, "bob,other%d", i);
        cr_assert_eq(gather_fails(alice, people),
                     i < INVITATIONS_PER_PAIR_MAX ? FAIL_NONE : FAIL_LIMIT, "%d", i);
    }
    cr_assert_leq(memory_of(BOB), bobs + 8 * LISTENING_BYTES, "his sessions listen");
    cr_assert_eq(memory_of(CAROL), carols);
    cr_assert_eq(used(ALICE, ACCOUNT_INVITATIONS), 16);
    say_there(bob, "#alice,bob,other3", "yes?");
    cr_assert_eq(gather_fails(alice, "bob,other9"), FAIL_NONE, "he has answered one");
    for (int i = 0; i < 12; i++) {
        char conv[64];
        snprintf(conv, sizeof conv, "#alice,bob,other%d", i);
        part(bob, conv);
        part(alice, conv);
    }
    cr_assert_leq(memory_of(BOB), bobs + 65536);
}

Test(core_people, 11_all_that_is_charged_is_given_back) {
    uint64_t before = memory_of(ALICE);
    gather(alice, "bob,carol");
    gather(bob, "alice,carol");
    part(bob, "#alice,bob,carol");
    part(carol, "#alice,bob,carol");
    part(alice, "#alice,bob,carol");
    settle();
    cr_assert_eq(used(ALICE, ACCOUNT_INVITATIONS), 0);
    cr_assert_eq(used(ALICE, ACCOUNT_ROOMS), 0);
    cr_assert_eq(memory_of(ALICE), before);
    cr_assert_null(core.rooms_by_number);
    cr_assert_eq(fake.n_rooms, 0);
    cr_assert_eq(fake.n_members, 0);
    cr_assert_eq(fake.n_admissions, 0);
}

Test(core_people, 12_names_that_are_too_long_are_counted_and_no_two_are_the_same) {
    char people[512] = "", other[512] = "";
    for (int i = 0; i < 9; i++) {
        char handle[40];
        snprintf(handle, sizeof handle, "a-person-with-a-long-name-%d", i);
        join((uid_t)(3000 + i), handle, HERE);
        settle();
        snprintf((i < 8 ? people : other) + strlen(i < 8 ? people : other), 64, "%s,", handle);
    }
    snprintf(other + strlen(other), sizeof other - strlen(other), "%.300s", people);
    char name[NAME_BYTES_MAX + 1];
    snprintf(name, sizeof name, "%s", gather(alice, people));
    cr_assert_not_null(strstr(name, ",+"), "%s", name);
    cr_assert_str_neq(gather(alice, other), name);
    say_there(alice, name, "to these");
    cr_assert_eq(n_past(alice, name), 1);
    hub_crash();
    come();
    cr_assert_eq(n_past(alice, name), 1);
    cr_assert_eq(n_listed(alice), 2);
}

Test(core_people, 13_one_user_with_several_handles) {
    struct client *robot = join(ALICE, "robot", HERE), *other = join(ALICE, "other", HERE);
    settle();
    drop_frames(robot);
    drop_frames(other);
    cr_assert_str_eq(gather(alice, "robot,other"), "#alice,other,robot");
    cr_assert_eq(used(ALICE, ACCOUNT_INVITATIONS), 0);
    say_there(alice, "#robot,other", "beep");
    expect_text(robot, "beep");
    expect_text(other, "beep");
    part(robot, "#alice,other,robot");
    say_there(alice, "#alice,other,robot", "boop");
    expect_text(other, "boop");
    expect_nothing(robot);
}

Test(core_people, 14_memory_that_runs_out_leaves_nothing_behind) {
    use_up_memory(ALICE, 100);
    cr_assert_eq(gather_fails(alice, "bob,carol"), FAIL_LIMIT);
    give_back_memory(ALICE);
    cr_assert_null(core.rooms_by_number);
    cr_assert_eq(used(ALICE, ACCOUNT_ROOMS), 0);
    cr_assert_str_eq(gather(alice, "bob,carol"), "#alice,bob,carol");
}
