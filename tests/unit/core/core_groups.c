/* Rooms of Unix groups: who is in the group sees them, and who is in it no more loses them. */

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "core/internal.h"
#include "unit/core/fake_store.h"

#define LAB 500
#define OTHER 501

static struct client *alice, *bob, *carol;

/* What the user database says of a uid; ends with 0. */
static void tell(uid_t uid, ...) {
    struct group_answer answer = {.is_told = true};
    va_list gids;
    va_start(gids, uid);
    for (unsigned gid; (gid = va_arg(gids, unsigned));)
        answer.gids[answer.n++] = gid;
    va_end(gids);
    core_note_groups(&core, uid, &answer);
}

static void tell_gid(const char *group, gid_t gid) {
    struct name name;
    cr_assert_eq(name_parse(&name, bytes_of(group)), NAME_OK);
    core_note_gid(&core, &name, &(struct group_look){true, gid});
}

static void come(void) {
    alice = join(ALICE, "alice", HERE | ABILITY_ORDER);
    bob = join(BOB, "bob", HERE | ABILITY_ORDER);
    carol = join(CAROL, "carol", HERE | ABILITY_ORDER);
    ready(alice);
    ready(bob);
    ready(carol);
    tell(ALICE, OTHER, LAB, 0);
    tell(BOB, LAB, 0);
    tell(CAROL, OTHER, 0);
}

static void setup(void) {
    world_begin();
    come();
}

TestSuite(core_groups, .init = setup, .fini = world_end);
TestSuite(core_groups_kept, .fini = durable_end);

/* FAIL_NONE, or why not. */
static unsigned answered(struct client *client) {
    const struct frame *frame = next_answer(client);
    return frame->type == FRAME_FAIL ? frame->fail.code : FAIL_NONE;
}

static void ask_to_make(struct client *client, const char *room, const char *group) {
    give(client, &(struct frame){.type = FRAME_CHANGE,
                                 .change = {71, bytes_of(room), ROOM_MAKE_GROUP, bytes_of(group)}});
}

/* As the hub does: it has looked the group up. */
static unsigned make(struct client *client, const char *room, const char *group, bool is_told,
                     gid_t gid) {
    core.group_look = (struct group_look){is_told, gid};
    ask_to_make(client, room, group);
    core.group_look.is_told = false;
    return answered(client);
}

static void make_lab(void) {
    cr_assert_eq(make(alice, "#lab", "lab", true, LAB), FAIL_NONE);
}

static unsigned try_enter(struct client *client, const char *room) {
    give(client, &(struct frame){.type = FRAME_JOIN, .join = {72, bytes_of(room)}});
    return answered(client);
}

/* How many messages he sees there; 1000 and a code when that is refused. */
static unsigned n_past(struct client *client, unsigned type, const char *conv) {
    struct frame ask = {.type = (uint8_t)type};
    unsigned n = 0;
    drop_frames(client);
    if (type == FRAME_HISTORY)
        ask.history = (struct frame_history){73, bytes_of(conv), 0, 0, 99};
    else
        ask.search = (struct frame_search){.request = 73, .words = bytes_of("psst"), .limit = 99};
    give(client, &ask);
    for (const struct frame *frame; (frame = next_frame(client)); n += frame->type == FRAME_PAST)
        if (frame->type == FRAME_DONE)
            return n;
        else if (frame->type == FRAME_FAIL)
            return 1000 + frame->fail.code;
    return 2000;
}

static const struct room *find(uid_t uid, const char *room) {
    struct name name, key;
    cr_assert_eq(name_parse(&name, bytes_of(room)), NAME_OK);
    name_key(&key, &name);
    return room_find_for(&core, core_user(&core, uid), &key);
}

/* That his sessions were told something that says this. */
static void expect_told(struct client *client, const char *part) {
    const struct frame *frame;
    while ((frame = next_frame(client)))
        if (frame->type == FRAME_NEWS && frame->news.what == NEWS_ORDER) {
            char text[512] = "";
            memcpy(text, frame->news.detail.data, frame->news.detail.n);
            cr_assert_not_null(strstr(text, part), "%s", text);
            return;
        }
    cr_assert_fail("nothing was told");
}

Test(core_groups, 01_members_of_the_group_join_and_nobody_else_finds_it) {
    make_lab();
    cr_assert_eq(try_enter(alice, "#lab"), FAIL_NONE);
    cr_assert_eq(try_enter(bob, "#lab"), FAIL_NONE);
    drop_frames(alice);
    drop_frames(bob);
    drop_frames(carol);
    say(alice, "#lab", "psst");
    expect_text(bob, "psst");
    expect_nothing(carol);
    cr_assert_eq(n_past(bob, FRAME_HISTORY, "#lab"), 1);
    cr_assert_eq(n_past(bob, FRAME_SEARCH, ""), 1);
    cr_assert_eq(n_past(carol, FRAME_HISTORY, "#lab"), 1000 + FAIL_NO_ROOM);
    cr_assert_eq(n_past(carol, FRAME_SEARCH, ""), 0);
    cr_assert_null(find(CAROL, "#lab"));
    cr_assert_eq(try_enter(carol, "#lab"), FAIL_NONE, "she makes a room of that name");
    cr_assert_neq(find(CAROL, "#lab"), find(BOB, "#lab"));
}

Test(core_groups, 02_who_makes_one_is_a_member_or_above) {
    struct client *root = join(0, "root", HERE);
    ready(root);
    cr_assert_eq(make(carol, "#lab", "lab", true, LAB), FAIL_NOT_PERMITTED);
    cr_assert_eq(make(alice, "#lab", "lab", false, LAB), FAIL_BUSY);
    cr_assert_eq(make(alice, "#lab", "lab", true, GROUP_NONE), FAIL_NO_USER);
    cr_assert_eq(make(alice, "#lab", "#lab", true, LAB), FAIL_BAD_NAME);
    cr_assert_null(find(ALICE, "#lab"));
    cr_assert_eq(make(root, "#lab", "lab", true, LAB), FAIL_NONE);
    cr_assert_not_null(find(ALICE, "#lab"));
    cr_assert_eq(make(root, "#lab", "lab", true, LAB), FAIL_NONE, "it is there");
    cr_assert_eq(make(bob, "#lab", "lab", true, LAB), FAIL_NONE, "it is there");
    cr_assert_eq(core.n_group_rooms, 1);
    cr_assert_eq(try_enter(root, "#lab~root"), FAIL_NOT_PERMITTED, "he is not in the group");
    cr_assert_eq(make(alice, "#lab", "other", true, OTHER), FAIL_NOT_PERMITTED,
                 "it stays the lab's");
    enter(carol, "#open", 0);
    cr_assert_eq(make(carol, "#open", "other", true, OTHER), FAIL_NOT_PERMITTED, "it stays open");
}

Test(core_groups, 03_who_is_in_the_group_no_more_loses_all_of_it_and_is_told) {
    make_lab();
    enter(alice, "#lab", 0);
    enter(bob, "#lab", 0);
    give(alice,
         &(struct frame){.type = FRAME_TOPIC, .topic = {74, bytes_of("#lab"), bytes_of("ours")}});
    struct uuid id = say(bob, "#lab", "psst one");
    drop_frames(bob);
    struct frame offer = offer_of(new_id(), "#lab");
    give(alice, &offer);
    drop_frames(bob);
    cr_assert_eq(offer_count(bob->session), 1);
    tell(BOB, OTHER, 0);
    expect_told(bob, "not in the group lab");
    drop_frames(bob);
    say(alice, "#lab", "psst two");
    expect_nothing(bob);
    cr_assert_eq(n_past(bob, FRAME_HISTORY, "#lab"), 1000 + FAIL_NO_ROOM);
    cr_assert_eq(n_past(bob, FRAME_SEARCH, ""), 0);
    cr_assert_null(find(BOB, "#lab"));
    cr_assert_eq(offer_count(bob->session), 0);
    give(bob, &(struct frame){.type = FRAME_SEND,
                              .send = {.id = new_id(),
                                       .reply_to = id,
                                       .to = bytes_of("#lab"),
                                       .kind = KIND_EDIT,
                                       .total = 4,
                                       .body = bytes_of("edit")}});
    const struct frame *frame = expect(bob, FRAME_REFUSED);
    cr_assert_neq(frame->refused.code, FAIL_NONE);
    cr_assert_eq(n_past(alice, FRAME_SEARCH, ""), 2, "it is as it was");
    tell(BOB, LAB, 0);
    cr_assert_eq(n_past(bob, FRAME_HISTORY, "#lab"), 2, "he is in it again");
    drop_frames(bob);
    say(alice, "#lab", "psst three");
    expect_nothing(bob); /* he has to join it again */
}

Test(core_groups, 04_a_group_that_is_gone_or_another_one_lets_in_who_is_in_it_now) {
    make_lab();
    enter(bob, "#lab", 0);
    tell_gid("lab", GROUP_NONE);
    cr_assert_null(find(BOB, "#lab"));
    cr_assert_null(find(ALICE, "#lab"));
    tell_gid("lab", OTHER);
    cr_assert_null(find(BOB, "#lab"));
    cr_assert_not_null(find(ALICE, "#lab"));
    cr_assert_not_null(find(CAROL, "#lab"));
}

Test(core_groups, 05_what_is_not_told_any_more_is_believed_for_a_while_only) {
    make_lab();
    enter(alice, "#lab", 0);
    enter(bob, "#lab", 0);
    core_note_groups(&core, BOB, &(struct group_answer){.is_told = false});
    pass_ms(GROUP_KEEP_MS - 1000);
    tell(ALICE, LAB, 0);
    core_forget_groups(&core);
    drop_frames(bob);
    say(alice, "#lab", "psst");
    expect_text(bob, "psst");
    pass_ms(2000);
    core_forget_groups(&core);
    expect_told(bob, "does not tell");
    say(alice, "#lab", "psst two");
    drop_frames(alice);
    expect_nothing(bob);
    cr_assert_eq(n_past(bob, FRAME_HISTORY, "#lab"), 1000 + FAIL_NO_ROOM);
    cr_assert_eq(n_past(bob, FRAME_SEARCH, ""), 0);
    cr_assert_eq(try_enter(bob, "#lab"), FAIL_BUSY, "nor does he make an open one by mistake");
    struct client *dave = join(1004, "dave", HERE);
    ready(dave);
    cr_assert_eq(try_enter(dave, "#lab"), FAIL_BUSY, "of him nothing was ever told");
    tell(BOB, LAB, 0);
    drop_frames(bob);
    say(alice, "#lab", "psst three");
    expect_text(bob, "psst three"); /* he was a member all the time */
    cr_assert_eq(n_past(bob, FRAME_HISTORY, "#lab"), 3);
}

Test(core_groups, 06_nobody_is_invited_and_leaving_leaves_the_room_to_the_group) {
    make_lab();
    enter(alice, "#lab", 0);
    give(alice, &(struct frame){.type = FRAME_INVITE,
                                .invite = {75, new_id(), bytes_of("#lab"), bytes_of("carol")}});
    cr_assert_eq(answered(alice), FAIL_NOT_PERMITTED);
    leave(alice, "#lab");
    drop_frames(alice);
    cr_assert_not_null(find(ALICE, "#lab"));
    cr_assert_eq(try_enter(bob, "#lab"), FAIL_NONE);
    give(bob, &(struct frame){.type = FRAME_CHANGE,
                              .change = {76, bytes_of("#lab"), ROOM_CLOSE, bytes_of("")}});
    cr_assert_eq(answered(bob), FAIL_NOT_PERMITTED, "its owner is alice");
    give(alice, &(struct frame){.type = FRAME_CHANGE,
                                .change = {76, bytes_of("#lab"), ROOM_CLOSE, bytes_of("")}});
    cr_assert_eq(answered(alice), FAIL_NONE);
    cr_assert_null(find(BOB, "#lab"));
    cr_assert_eq(core.n_group_rooms, 0);
}

Test(core_groups, 07_a_group_has_so_many_rooms) {
    char room[16];
    for (unsigned i = 0; i < GROUP_ROOMS_EACH; i++) {
        snprintf(room, sizeof room, "#lab%u", i);
        cr_assert_eq(make(alice, room, "lab", true, LAB), FAIL_NONE);
    }
    cr_assert_eq(make(bob, "#lab", "lab", true, LAB), FAIL_LIMIT);
    cr_assert_eq(make(alice, "#lab", "other", true, OTHER), FAIL_NONE);
}

Test(core_groups, 08_two_thousand_members) {
    struct client *clients[2000];
    make_lab();
    enter(bob, "#lab", 0);
    for (unsigned i = 0; i < 2000; i++) {
        char name[16];
        snprintf(name, sizeof name, "user%u", i);
        clients[i] = join(10000 + i, name, HERE);
        ready(clients[i]);
        tell(10000 + i, OTHER, LAB, 0);
        enter(clients[i], "#lab", 0);
    }
    for (unsigned i = 0; i < 2000; i++)
        drop_frames(clients[i]);
    say(bob, "#lab", "psst");
    for (unsigned i = 0; i < 2000; i++)
        expect_text(clients[i], "psst");
    for (unsigned i = 0; i < 2000; i += 2)
        tell(10000 + i, OTHER, 0);
    for (unsigned i = 0; i < 2000; i++)
        drop_frames(clients[i]);
    say(bob, "#lab", "only the others");
    expect_nothing(clients[0]);
    expect_text(clients[1], "only the others");
    cr_assert_eq(find(BOB, "#lab")->n_members, 1001);
}

#define TOLD_TIMES 20000

/* What it takes to be told so often that carol is not in the group. */
static int64_t cpu_ns_of_telling(void) {
    struct timespec begin, end;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &begin);
    for (unsigned i = 0; i < TOLD_TIMES; i++)
        tell(CAROL, OTHER, 0);
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end);
    return (end.tv_sec - begin.tv_sec) * NS_PER_S + end.tv_nsec - begin.tv_nsec;
}

Test(core_groups, 09_who_is_not_in_the_group_costs_the_same_whatever_its_rooms_have_of_members) {
    make_lab();
    enter(bob, "#lab", 0);
    int64_t few_ns = cpu_ns_of_telling();
    for (unsigned i = 0; i < 4000; i++) {
        char name[16];
        snprintf(name, sizeof name, "user%u", i);
        struct client *client = join(10000 + i, name, HERE);
        ready(client);
        tell(10000 + i, LAB, 0);
        enter(client, "#lab", 0);
    }
    cr_assert_eq(find(BOB, "#lab")->n_members, 4001);
    int64_t many_ns = cpu_ns_of_telling();
    cr_assert_lt(many_ns, 10 * few_ns + 10 * NS_PER_MS, "%" PRId64 " and %" PRId64 " ns", few_ns,
                 many_ns);
}

/* Who has many names in a room, and is put out of it, leaves with all of them. */
Test(core_groups, 10_all_handles_of_who_left_the_group_are_out) {
    struct client *second = join(BOB, "bob-2", HERE), *third = join(BOB, "bob-3", HERE);
    ready(second);
    ready(third);
    make_lab();
    enter(bob, "#lab", 0);
    enter(second, "#lab", 0);
    enter(third, "#lab", 0);
    enter(alice, "#lab", 0);
    cr_assert_eq(find(ALICE, "#lab")->n_members, 4);
    tell(BOB, OTHER, 0);
    cr_assert_eq(find(ALICE, "#lab")->n_members, 1);
    drop_frames(second);
    drop_frames(third);
    say(alice, "#lab", "psst");
    expect_nothing(second);
    expect_nothing(third);
}

static void settle_make(void) {
    core.group_look = (struct group_look){true, LAB};
    ask_to_make(alice, "#lab", "lab");
    core.group_look.is_told = false;
    settle();
    cr_assert_eq(answered(alice), FAIL_NONE);
}

Test(core_groups_kept, 01_it_outlives_the_hub_and_who_left_the_group_meanwhile_is_out) {
    durable_begin(1024 * 1024);
    come();
    settle_make();
    give(bob, &(struct frame){.type = FRAME_JOIN, .join = {1, bytes_of("#lab")}});
    settle();
    cr_assert_eq(answered(bob), FAIL_NONE);
    say(bob, "#lab", "psst");
    settle();
    hub_crash();
    bob = join(BOB, "bob", HERE);
    ready(bob);
    cr_assert_null(find(BOB, "#lab"), "nothing is told yet");
    cr_assert_eq(try_enter(bob, "#lab"), FAIL_BUSY);
    tell_gid("lab", LAB);
    tell(BOB, LAB, 0);
    cr_assert_not_null(find(BOB, "#lab"));
    cr_assert_eq(find(BOB, "#lab")->n_joined, 1, "he is still in it");
    hub_crash();
    come();
    tell_gid("lab", LAB);
    tell(BOB, OTHER, 0);
    settle();
    cr_assert_null(find(BOB, "#lab"));
    cr_assert_eq(find(ALICE, "#lab")->n_joined, 0);
    hub_crash();
    come();
    tell_gid("lab", LAB);
    cr_assert_eq(find(ALICE, "#lab")->n_joined, 0, "that is stored");
    cr_assert_str_eq(find(ALICE, "#lab")->group.s, "lab");
}
