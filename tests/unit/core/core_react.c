/* Reactions: who may, one of each person and kind, and what the past has of them. */
#include <stdio.h>
#include <stdlib.h>

#include "base/macro.h"
#include "core/past/reacted.h"
#include "unit/core/fake_store.h"

#define KNOWS (HERE | ABILITY_LINES | ABILITY_MENDS | ABILITY_ROOMS | ABILITY_REACTS)
#define DAVE 1004
#define LOG_BYTES ((size_t)1024 * 1024)

static struct client *alice, *bob, *carol, *old;
static bool is_durable;

static void setup_people(void) {
    alice = join(ALICE, "alice", KNOWS);
    bob = join(BOB, "bob", KNOWS);
    carol = join(CAROL, "carol", KNOWS);
    old = join(DAVE, "old", HERE | ABILITY_LINES | ABILITY_MENDS);
    struct client *all[] = {carol, alice, bob, old}; /* the first one owns the room */
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        enter(all[i], "#tea", 0);
    drain();
}

static void setup_ephemeral(void) {
    is_durable = false;
    world_begin();
    setup_people();
}

static void setup_durable(void) {
    is_durable = true;
    durable_begin(LOG_BYTES);
    setup_people();
    settle();
}

TestSuite(core_react, .init = setup_ephemeral, .fini = world_end);
TestSuite(core_react_stored, .init = setup_durable, .fini = durable_end);

#define BOTH(name, function)                                                                       \
    Test(core_react, name) {                                                                       \
        function();                                                                                \
    }                                                                                              \
    Test(core_react_stored, name) {                                                                \
        function();                                                                                \
    }

static void work(void) {
    if (is_durable)
        settle();
    else
        drain();
}

static void send_react(struct client *from, struct uuid id, struct uuid target, const char *body,
                       unsigned flags) {
    struct record like;
    struct frame frame = {.type = FRAME_SEND,
                          .flags = (uint8_t)flags,
                          .send = {.id = id,
                                   .kind = KIND_REACT,
                                   .to = bytes_of(MEND_TO),
                                   .reply_to = target,
                                   .total = (uint32_t)strlen(body),
                                   .body = bytes_of(body)}};
    core.target = (struct core_target){0};
    if (core_awaits_target(&core, from->session, &frame, &like))
        fake_find_target(&like, &core.target);
    cr_assert_null(give(from, &frame));
    core.target = (struct core_target){0};
}

static struct uuid react(struct client *from, struct uuid target, const char *body) {
    struct uuid id = new_id();
    send_react(from, id, target, body, FRAME_WANT_SEQ);
    return id;
}

static void forget_frames(struct client *client) {
    work();
    while (next_frame(client))
        ;
}

static unsigned n_told(struct client *client, const char *body) {
    const struct frame *frame;
    unsigned n = 0;
    work();
    while ((frame = next_frame(client)))
        n += frame->type == FRAME_MESSAGE && frame->message.kind == KIND_REACT &&
             bytes_equal(frame->message.body, bytes_of(body));
    return n;
}

static void expect_stored(struct client *from, struct uuid id) {
    const struct frame *frame;
    work();
    while ((frame = next_frame(from)) && frame->type != FRAME_REFUSED)
        if (frame->type == FRAME_ACK && uuid_equal(&frame->ack.id, &id))
            return;
    cr_assert_fail("it is not acknowledged");
}

static void expect_no(struct client *from, struct uuid id, enum fail_code code) {
    const struct frame *frame;
    work();
    while ((frame = next_frame(from)) && frame->type != FRAME_REFUSED)
        ;
    cr_assert(frame && uuid_equal(&frame->refused.id, &id), "it is refused");
    cr_assert_eq(frame->refused.code, (uint16_t)code, "%u", frame->refused.code);
}

/* The reactions to the newest message there, with a comma between. */
static void expect_past(struct client *client, const char *conv, const char *all) {
    struct frame history = {.type = FRAME_HISTORY,
                            .history = {.request = 3, .limit = 1, .conv = bytes_of(conv)}};
    char is[1024] = "";
    size_t n = 0;
    forget_frames(client);
    give(client, &history);
    work();
    const struct frame *frame;
    while ((frame = expect(client, FRAME_PAST))->past.kind == KIND_REACT)
        n += (size_t)snprintf(is + n, sizeof is - n, "%s%.*s", n > 0 ? "," : "",
                              (int)frame->past.body.n, frame->past.body.data);
    cr_assert_str_eq(is, all);
}

static void they_are_told_and_counted(void) {
    struct uuid target = say(alice, "#tea", "one");
    forget_frames(bob);
    forget_frames(old);
    expect_stored(bob, react(bob, target, "1001\n+👍"));
    cr_assert_eq(n_told(alice, "1001\n+👍"), 1);
    work();
    while (next_frame(old))
        cr_assert_fail("who does not know reactions hears nothing");
    react(carol, target, "1001\n+👍");
    react(carol, target, "1001\n+🎉");
    react(alice, target, "1001\n+🎉");
    expect_past(bob, "#tea", "2 👍 bob carol,2 🎉 carol alice");
    expect_past(old, "#tea", "");
    react(carol, target, "1001\n-🎉");
    expect_past(bob, "#tea", "2 👍 bob carol,1 🎉 alice");
}
BOTH(01_they_are_told_and_counted, they_are_told_and_counted)

static void there_is_one_of_each_person_and_kind(void) {
    struct uuid target = say(alice, "#tea", "one"), id;
    forget_frames(alice);
    react(bob, target, "1001\n+❤");
    cr_assert_eq(n_told(alice, "1001\n+❤"), 1);
    id = react(bob, target, "1001\n+❤");
    cr_assert_eq(n_told(alice, "1001\n+❤"), 0, "nobody is told twice");
    expect_stored(bob, id);
    id = react(bob, target, "1001\n+❤️");
    cr_assert_eq(n_told(alice, "1001\n+❤️"), 0, "nor of the same one in colours");
    expect_stored(bob, id);
    id = react(carol, target, "1001\n-❤");
    cr_assert_eq(n_told(alice, "1001\n-❤"), 0, "what was not there is not taken back");
    expect_stored(carol, id);
    expect_past(alice, "#tea", "1 ❤ bob");
    react(bob, target, "1001\n-❤");
    cr_assert_eq(n_told(alice, "1001\n-❤"), 1);
    expect_past(alice, "#tea", "");
}
BOTH(02_there_is_one_of_each_person_and_kind, there_is_one_of_each_person_and_kind)

static void one_sent_again_is_one(void) {
    struct uuid target = say(alice, "#tea", "one"), id = new_id();
    forget_frames(alice);
    send_react(bob, id, target, "1001\n+👍", FRAME_WANT_SEQ);
    expect_stored(bob, id);
    react(bob, target, "1001\n-👍");
    work();
    send_react(bob, id, target, "1001\n+👍", FRAME_WANT_SEQ | FRAME_REPEAT);
    expect_stored(bob, id);
    cr_assert_eq(n_told(alice, "1001\n+👍"), 1);
    expect_past(alice, "#tea", "");
}
BOTH(03_one_sent_again_is_one, one_sent_again_is_one)

static void whoever_reads_it_and_may_speak_there(void) {
    struct uuid between = say(alice, "bob", "one"), in_room = say(alice, "#tea", "two"),
                nothing = new_id();
    struct client *dave = join(1005, "dave", KNOWS);
    work();
    expect_stored(bob, react(bob, between, "1001\n+👍"));
    expect_stored(alice, react(alice, between, "1001\n+👍"));
    expect_no(carol, react(carol, between, "1001\n+👍"), FAIL_NOT_PERMITTED);
    expect_stored(dave, react(dave, in_room, "1001\n+👍")); /* an open room */
    expect_no(dave, react(dave, nothing, "1001\n+👍"), FAIL_NOT_PERMITTED);
    expect_no(bob, react(bob, in_room, "1002\n+👍"), FAIL_NOT_PERMITTED);
    expect_no(bob, react(bob, (struct uuid){{0}}, "1001\n+👍"), FAIL_NOT_PERMITTED);
    struct frame announce = {.type = FRAME_CHANGE,
                             .change = {7, bytes_of("#tea"), ROOM_SET_ANNOUNCE, bytes_of("on")}};
    give(carol, &announce);
    work();
    expect_no(bob, react(bob, in_room, "1001\n+🎉"), FAIL_NOT_PERMITTED);
    expect_stored(carol, react(carol, in_room, "1001\n+🎉"));
}
BOTH(04_whoever_reads_it_and_may_speak_there, whoever_reads_it_and_may_speak_there)

static void only_to_what_is_there(void) {
    struct uuid target = say(alice, "#tea", "one");
    struct uuid own = react(bob, target, "1001\n+👍");
    work();
    expect_no(alice, react(alice, own, "1002\n+👍"), FAIL_NOT_PERMITTED); /* no message */
    static const char *const bodies[] = {"1001\n+x", "1001\n+👍👍", "1001\n👍", "1001\n+"};
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++)
        expect_no(bob, react(bob, target, bodies[i]), FAIL_BAD_TEXT);
    struct frame removal = {.type = FRAME_SEND,
                            .send = {.id = new_id(),
                                     .kind = KIND_REMOVE,
                                     .to = bytes_of(MEND_TO),
                                     .reply_to = target,
                                     .total = 5,
                                     .body = bytes_of("1001\n")}};
    give(alice, &removal);
    expect_past(bob, "#tea", "");
    expect_no(bob, react(bob, target, "1001\n+🎉"), FAIL_NOT_PERMITTED);
}
BOTH(05_only_to_what_is_there, only_to_what_is_there)

static void they_are_bounded(void) {
    struct uuid target = say(alice, "#tea", "one");
    for (unsigned i = 0; i < REACTION_KINDS_MAX; i++) {
        char body[32];
        snprintf(body, sizeof body, "1001\n+\xf0\x9f\x8d%c", (char)(0x80 + i));
        expect_stored(bob, react(bob, target, body));
    }
    expect_no(bob, react(bob, target, "1001\n+👍"), FAIL_LIMIT);
    expect_stored(carol, react(carol, target, "1001\n+\xf0\x9f\x8d\x80"));
    expect_stored(bob, react(bob, target, "1001\n-\xf0\x9f\x8d\x81"));
    expect_stored(bob, react(bob, target, "1001\n+👍"));
}
BOTH(06_they_are_bounded, they_are_bounded)

static void they_are_nothing_unread_and_nothing_to_find(void) {
    struct uuid target = say(alice, "#tea", "one");
    work();
    react(bob, target, "1001\n+👍");
    forget_frames(alice);
    struct frame unread = {.type = FRAME_UNREAD, .unread = {.request = 4}};
    give(alice, &unread);
    work();
    const struct frame *frame;
    while ((frame = next_frame(alice)) && frame->type != FRAME_DONE)
        cr_assert_neq(frame->type, FRAME_COUNT);
    struct frame search = {.type = FRAME_SEARCH,
                           .search = {.request = 5, .limit = 9, .words = bytes_of("👍")}};
    give(alice, &search);
    work();
    while ((frame = next_frame(alice)) && frame->type != FRAME_DONE)
        cr_assert_neq(frame->type, FRAME_PAST);
}
BOTH(07_they_are_nothing_unread_and_nothing_to_find, they_are_nothing_unread_and_nothing_to_find)

Test(core_react_stored, 08_after_a_restart_the_store_says_which_there_are) {
    struct uuid target = say(alice, "#tea", "one");
    react(bob, target, "1001\n+👍");
    work();
    hub_crash();
    alice = join(ALICE, "alice", KNOWS);
    bob = join(BOB, "bob", KNOWS);
    forget_frames(alice);
    expect_stored(bob, react(bob, target, "1001\n+👍"));
    cr_assert_eq(n_told(alice, "1001\n+👍"), 0);
    expect_past(alice, "#tea", "1 👍 bob");
    react(bob, target, "1001\n-👍");
    expect_past(alice, "#tea", "");
}

Test(core_react, 09_lines_of_a_damaged_store_are_passed_over) {
    struct bytes text = bytes_of("👍 1001 1 5\nx\n👍 1\n👍 1 2 3 4\n\n👍 99999999999 1 1\n🎉 1001 1 6");
    struct reacted reacted;
    cr_assert(reacted_next(&text, &reacted));
    cr_assert(reacted.uid == 1001 && reacted.handle == 1 && reacted.seq == 5);
    cr_assert(reacted_next(&text, &reacted));
    cr_assert(bytes_equal(reacted.emoji, bytes_of("🎉")) && reacted.seq == 6);
    cr_assert_not(reacted_next(&text, &reacted));
}
