/* Messages with a head: marked for who knows heads, plain text for who does not. */
#include "unit/core/world.h"

#define KNOWS (HERE | ABILITY_LINES | ABILITY_HEADS)
#define TEXT "[high] The disk is full\n/srv"

static struct client *alice, *bob, *carol;

static void setup(void) {
    world_begin();
    alice = join(ALICE, "alice", KNOWS);
    bob = join(BOB, "bob", KNOWS);
    carol = join(CAROL, "carol", HERE);
}

TestSuite(core_heads, .init = setup, .fini = world_end);

static void say_headed(struct client *from, const char *to, uint8_t kind) {
    struct frame send = {.type = FRAME_SEND,
                         .send = {.id = new_id(),
                                  .kind = kind | KIND_HEADED,
                                  .to = bytes_of(to),
                                  .total = sizeof TEXT - 1,
                                  .body = bytes_of(TEXT)}};
    cr_assert_null(give(from, &send));
}

static void expect_kind(struct client *client, uint8_t kind) {
    const struct frame *frame = expect(client, FRAME_MESSAGE);
    cr_assert_eq(frame->message.kind, kind);
    cr_assert(bytes_equal(frame->message.body, bytes_of(TEXT)));
}

Test(core_heads, 01_welcome_says_that_the_hub_takes_them) {
    enum fail_code code;
    struct client *knows = try_join(1005, "eve", KNOWS, &code);
    cr_assert_eq(expect(knows, FRAME_WELCOME)->flags, FRAME_TAKES_HEADS);
    knows = try_join(1006, "fred", HERE, &code);
    cr_assert_eq(expect(knows, FRAME_WELCOME)->flags, 0);
}

Test(core_heads, 02_to_each_in_the_form_that_he_reads) {
    say_headed(alice, "bob", KIND_NOTICE);
    expect_kind(bob, KIND_NOTICE | KIND_HEADED);
    say_headed(alice, "carol", KIND_TEXT);
    expect_kind(carol, KIND_TEXT);
}

Test(core_heads, 03_to_a_room_in_order) {
    enter(alice, "#tea", 0);
    enter(bob, "#tea", 0);
    enter(carol, "#tea", 0);
    say(alice, "#tea", "before");
    say_headed(alice, "#tea", KIND_TEXT);
    say(alice, "#tea", "behind");
    expect_text(bob, "before");
    expect_kind(bob, KIND_TEXT | KIND_HEADED);
    expect_text(bob, "behind");
    expect_text(carol, "before");
    expect_kind(carol, KIND_TEXT);
    expect_text(carol, "behind");
}

Test(core_heads, 04_from_the_past) {
    struct frame history = {.type = FRAME_HISTORY,
                            .history = {.request = 3, .limit = 10, .conv = bytes_of("alice")}};
    say_headed(alice, "bob", KIND_ACTION);
    say_headed(alice, "carol", KIND_ACTION);
    expect_kind(bob, KIND_ACTION | KIND_HEADED);
    expect_kind(carol, KIND_ACTION);
    give(bob, &history);
    cr_assert_eq(expect(bob, FRAME_PAST)->past.kind, KIND_ACTION | KIND_HEADED);
    give(carol, &history);
    cr_assert_eq(expect(carol, FRAME_PAST)->past.kind, KIND_ACTION);
}
