/* Handles and rooms whose name an administrator frees: they go on under another one. */

#include <string.h>

#include "unit/core/fake_store.h"

static struct client *alice, *bob, *boss;

static void everybody_joins(void) {
    alice = join(ALICE, "alice", HERE | ABILITY_NEWS);
    bob = join(BOB, "bob", HERE);
    boss = join(0, "boss", HERE);
}

static void begin(void) {
    durable_begin(1024 * 1024);
    everybody_joins();
}

TestSuite(core_release, .init = begin, .fini = durable_end, .timeout = 60);

/* 0: it is done. */
static unsigned release(struct client *client, const char *name) {
    give(client, &(struct frame){.type = FRAME_RELEASE, .release = {77, bytes_of(name)}});
    commit_all();
    for (const struct frame *frame; (frame = next_frame(client));) {
        if (frame->type == FRAME_DONE && frame->done.request == 77)
            return 0;
        if (frame->type == FRAME_FAIL && frame->fail.request == 77)
            return frame->fail.code;
    }
    cr_assert_fail("no answer");
    return 0;
}

static void into(struct client *client, const char *room) {
    give(client, &(struct frame){.type = FRAME_JOIN, .join = {8, bytes_of(room)}});
    settle();
    const struct frame *frame = next_frame(client);
    while (frame && frame->type != FRAME_DONE && frame->type != FRAME_FAIL)
        frame = next_frame(client);
    cr_assert(frame && frame->type == FRAME_DONE, "%s", room);
}

/* The next message; news are passed over. */
static void hears(struct client *client, const char *room, const char *text) {
    settle();
    const struct frame *frame = next_frame(client);
    while (frame && frame->type != FRAME_MESSAGE)
        frame = next_frame(client);
    cr_assert_not_null(frame, "%s: %s", room, text);
    cr_assert(bytes_equal(frame->message.to, bytes_of(room)), "%.*s", (int)frame->message.to.n,
              frame->message.to.data);
    cr_assert(bytes_equal(frame->message.body, bytes_of(text)));
}

Test(core_release, 01_only_an_administrator_may) {
    into(alice, "#ops");
    cr_assert_eq(release(bob, "#ops"), FAIL_NOT_PERMITTED);
    cr_assert_eq(release(bob, "#nowhere"), FAIL_NOT_PERMITTED);
    cr_assert_eq(release(boss, "#nowhere"), FAIL_NO_ROOM);
    cr_assert_eq(release(boss, "#o ps"), FAIL_BAD_NAME);
    cr_assert_eq(release(boss, "#OPS"), 0);
    cr_assert_eq(release(boss, "#ops"), FAIL_NO_ROOM);
}

Test(core_release, 02_members_go_on_and_the_name_is_another_room) {
    into(alice, "#ops");
    into(bob, "#ops");
    say(bob, "#ops", "before");
    hears(alice, "#ops", "before");
    cr_assert_eq(release(boss, "#ops"), 0);
    say(bob, "#ops.1001", "after");
    hears(alice, "#ops.1001", "after");
    expect_refused(bob, say(bob, "#ops", "nowhere"), FAIL_NO_ROOM);
    into(bob, "#ops");
    say(bob, "#ops", "not for alice");
    say(bob, "#ops.1001", "for alice");
    hears(alice, "#ops.1001", "for alice");
}

Test(core_release, 03_who_is_in_it_is_told) {
    into(alice, "#ops");
    pass_ms(10 * NEWS_DELAY_MS);
    while (next_frame(alice))
        ;
    cr_assert_eq(release(boss, "#ops"), 0);
    cr_assert_eq(release(boss, "#ops.1001"), 0); /* the oldest name is the one that is known */
    pass_ms(10 * NEWS_DELAY_MS);
    const struct frame *frame = expect(alice, FRAME_NEWS);
    cr_assert_eq(frame->news.what, NEWS_RENAMED);
    cr_assert(bytes_equal(frame->news.who, bytes_of("#ops")));
    cr_assert(bytes_equal(frame->news.detail, bytes_of("#ops.1001.1001")));
}

Test(core_release, 04_names_given_instead_are_free_and_not_too_long) {
    into(bob, "#ops.1001");
    into(alice, "#ops");
    cr_assert_eq(release(boss, "#ops"), 0);
    say(bob, "#ops.1001.2", "hello");
    hears(alice, "#ops.1001.2", "hello");
    into(alice, "#abcdefghijklmnopqrstuvwxyz01234");
    cr_assert_eq(release(boss, "#abcdefghijklmnopqrstuvwxyz01234"), 0);
    say(bob, "#was.1001", "long");
    hears(alice, "#was.1001", "long");
}

Test(core_release, 05_a_name_is_free_of_what_looks_like_it) {
    static const char cyrillic[] = "#\u0441\u043e\u0441";
    into(alice, "#coc");
    cr_assert_eq(release(boss, "#coc"), 0);
    into(bob, cyrillic);
}

/* Killed at any commit, there are two rooms of two names. */
Test(core_release, 06_all_that_outlives_the_hub) {
    into(alice, "#ops");
    say(alice, "#ops", "old");
    settle();
    give(boss, &(struct frame){.type = FRAME_RELEASE, .release = {77, bytes_of("#ops")}});
    give(bob, &(struct frame){.type = FRAME_JOIN, .join = {8, bytes_of("#ops")}});
    say(bob, "#ops", "new");
    commit_take();
    commit_finish();
    hub_crash();
    everybody_joins();
    say(bob, "#ops.1001", "to the old one");
    hears(alice, "#ops.1001", "to the old one");
    say(alice, "#ops", "to the new one");
    hears(bob, "#ops", "to the new one");
}

/* What is renamed has the first place in a commit, before a room of the old name. */
Test(core_release, 07_the_disk_is_full_meanwhile) {
    into(alice, "#ops");
    fake.fails = true;
    cr_assert_eq(release(boss, "#ops"), FAIL_NOT_STORED);
    say(bob, "#ops.1001", "it holds for now");
    hears(alice, "#ops.1001", "it holds for now");
    fake.fails = false;
    settle();
    hub_crash();
    everybody_joins();
    hears(alice, "#ops.1001", "it holds for now"); /* it is not known whether she had taken it */
    say(bob, "#ops.1001", "and then");
    hears(alice, "#ops.1001", "and then");
}

/* A handle's own sessions are told what it is called now: once, those that know of that. */
static void expect_named(struct client *client, const char *name) {
    const struct frame *frame = expect(client, FRAME_NEWS);
    cr_assert_eq(frame->news.what, NEWS_NAMED);
    cr_assert(bytes_equal(frame->news.who, bytes_of(name)), "%.*s", (int)frame->news.who.n,
              frame->news.who.data);
    cr_assert_eq(frame->news.detail.n, 0);
}

Test(core_release, 08_a_handle_is_told_its_new_name) {
    struct client *carol = join(CAROL, "carol", HERE | ABILITY_NAMED);
    struct client *talks = join(CAROL, "carol", HERE | ABILITY_NAMED | ABILITY_NEWS);
    struct client *sends = join(CAROL, "carol", ABILITY_NAMED);
    struct client *old = join(CAROL, "carol", HERE);
    struct client *other = join(CAROL, "caroline", HERE | ABILITY_NAMED);
    settle();
    pass_ms(10 * NEWS_DELAY_MS);
    while (next_frame(talks))
        ;
    cr_assert_eq(release(boss, "CAROL"), 0);
    expect_named(carol, "carol.1003");
    expect_named(talks, "carol.1003");
    expect_named(sends, "carol.1003");
    pass_ms(10 * NEWS_DELAY_MS);
    settle();
    cr_assert_eq(expect(talks, FRAME_NEWS)->news.what, NEWS_RENAMED, "as everybody else");
    expect_nothing(carol);
    expect_nothing(talks);
    expect_nothing(sends);
    expect_nothing(old);
    expect_nothing(other);
}

/* Whoever was told comes again under that name, and the hub knows it. */
Test(core_release, 09_it_is_told_once_it_is_stored) {
    struct client *carol = join(CAROL, "carol", HERE | ABILITY_NAMED);
    settle();
    say(alice, "carol", "old");
    expect_text(carol, "old");
    take(carol, core.seq, core.seq);
    settle();
    fake.fails = true;
    cr_assert_eq(release(boss, "carol"), FAIL_NOT_STORED);
    expect_nothing(carol);
    fake.fails = false;
    settle();
    expect_named(carol, "carol.1003");
    hub_crash();
    everybody_joins();
    say(bob, "carol.1003", "new");
    carol = join(CAROL, "carol.1003", HERE | ABILITY_NAMED);
    settle();
    expect_late(carol, "new");
    expect_nothing(carol);
}

Test(core_release, 10_of_two_names_only_the_last_is_told) {
    struct client *carol = join(CAROL, "carol", HERE | ABILITY_NAMED);
    settle();
    give(boss, &(struct frame){.type = FRAME_RELEASE, .release = {77, bytes_of("carol")}});
    commit_take();
    give(boss, &(struct frame){.type = FRAME_RELEASE, .release = {78, bytes_of("carol.1003")}});
    commit_finish();
    expect_nothing(carol);
    settle();
    expect_named(carol, "carol.1003.1003");
    expect_nothing(carol);
}
