/* Pins and stars: who may, who sees them, how many there are, and what outlives what. */
#include <stdio.h>

#include "core/internal.h"
#include "core/past/pin.h"
#include "unit/core/fake_store.h"

#define ALL (HERE | ABILITY_LINES | ABILITY_NEWS | ABILITY_MENDS | ABILITY_ORDER | ABILITY_PINS)

static struct client *alice, *bob, *carol;
static bool is_durable;

static void work(void) {
    if (is_durable)
        settle();
    else
        drain();
}

static void drop_all(struct client *client) {
    work();
    while (next_frame(client))
        ;
}

static void come(void) {
    alice = join(ALICE, "alice", ALL);
    bob = join(BOB, "bob", ALL);
    carol = join(CAROL, "carol", HERE | ABILITY_NEWS);
    work();
}

static void meet(void) {
    come();
    enter(alice, "#tea", 0);
    enter(bob, "#tea", 0);
    work();
}

static void setup_ephemeral(void) {
    is_durable = false;
    world_begin();
    meet();
}

static void setup_durable(void) {
    is_durable = true;
    durable_begin(1024 * 1024);
    meet();
}

TestSuite(core_pins, .init = setup_ephemeral, .fini = world_end);
TestSuite(core_pins_stored, .init = setup_durable, .fini = durable_end);

/* The answer; everything else that has come is passed over. */
static unsigned answer(struct client *client) {
    const struct frame *frame;
    work();
    while ((frame = next_frame(client)))
        if (frame->type == FRAME_DONE || frame->type == FRAME_FAIL)
            return frame->type == FRAME_DONE ? FAIL_NONE : frame->fail.code;
    cr_assert_fail("there is no answer");
    return FAIL_INTERNAL;
}

/* As the hub does it: what is not in memory is looked for in the store. */
static void ask_pin(struct client *client, struct uuid id, uint32_t uid, enum pin_what what) {
    struct record like;
    struct frame frame = {.type = FRAME_PIN,
                          .pin = {.request = 7, .id = id, .uid = uid, .what = (uint8_t)what}};
    core.target = (struct core_target){0};
    if (core_awaits_target(&core, client->session, &frame, &like))
        fake_find_target(&like, &core.target);
    give(client, &frame);
    core.target = (struct core_target){0};
}

static unsigned pin(struct client *client, struct uuid id, uint32_t uid, enum pin_what what) {
    drop_all(client);
    ask_pin(client, id, uid, what);
    return answer(client);
}

static void ask_pins(struct client *client, const char *conv, enum find_what what, uint64_t before,
                     unsigned limit) {
    drop_all(client);
    give(client, &(struct frame){.type = FRAME_FIND,
                                 .find = {.request = 8,
                                          .conv = bytes_of(conv),
                                          .what = (uint8_t)what,
                                          .before = before,
                                          .limit = (uint16_t)limit}});
    work();
}

/* "alice: text|bob: text", the newest first, or the refusal. */
static const char *listed(struct client *client, const char *conv, enum find_what what,
                          uint64_t before, unsigned limit) {
    static char text[4096];
    size_t n = 0;
    uint64_t seq = 0;
    ask_pins(client, conv, what, before, limit);
    text[0] = '\0';
    for (const struct frame *frame; (frame = next_frame(client)) && frame->type != FRAME_DONE;) {
        if (frame->type == FRAME_FAIL)
            snprintf(text, sizeof text, "refused %d", frame->fail.code);
        if (frame->type == FRAME_FAIL)
            return text;
        if (frame->type == FRAME_PINNED) {
            seq = frame->pinned.seq;
            cr_assert_eq(frame->pinned.request, 8);
            cr_assert_gt(frame->pinned.at_ms, TIME_DATED_FROM);
            n += (size_t)snprintf(text + n, sizeof text - n, "%s%.*s: ", n > 0 ? "|" : "",
                                  (int)frame->pinned.by.n, frame->pinned.by.data);
        }
        if (frame->type == FRAME_PAST) {
            cr_assert_eq(frame->past.seq, seq);
            n += (size_t)snprintf(text + n, sizeof text - n, "%.*s", (int)frame->past.body.n,
                                  frame->past.body.data);
        }
    }
    return text;
}

static const char *pins(struct client *client, const char *conv) {
    return listed(client, conv, FIND_PINS, 0, 100);
}

static const char *stars(struct client *client) {
    return listed(client, "", FIND_STARS, 0, 100);
}

static unsigned n_news(struct client *client) {
    unsigned n = 0;
    pass_ms(NEWS_DELAY_MS + 1);
    for (const struct frame *frame; (frame = next_frame(client));)
        n += frame->type == FRAME_NEWS && frame->news.what == NEWS_PINS;
    return n;
}

static void members_pin_and_all_see_it(void) {
    struct uuid one = say(alice, "#tea", "one"), two = say(bob, "#tea", "two");
    cr_assert_str_eq(pins(bob, "#tea"), "");
    cr_assert_eq(pin(bob, one, ALICE, PIN_ADD), FAIL_NONE);
    cr_assert_eq(pin(alice, two, BOB, PIN_ADD), FAIL_NONE);
    cr_assert_eq(pin(alice, two, BOB, PIN_ADD), FAIL_NONE, "once more");
    cr_assert_str_eq(pins(bob, "#tea"), "alice: two|bob: one");
    cr_assert_str_eq(listed(bob, "#tea", FIND_PINS, 0, 1), "alice: two");
    cr_assert_str_eq(pins(carol, "#tea"), "alice: two|bob: one", "an open room");
    cr_assert_eq(pin(carol, one, ALICE, PIN_REMOVE), FAIL_NOT_MEMBER);
    cr_assert_eq(pin(bob, two, BOB, PIN_REMOVE), FAIL_NONE);
    cr_assert_eq(pin(bob, two, BOB, PIN_REMOVE), FAIL_NONE, "once more");
    cr_assert_str_eq(pins(bob, "#tea"), "bob: one");
}

Test(core_pins, 01_members_pin_and_all_see_it) {
    members_pin_and_all_see_it();
}

Test(core_pins_stored, 01_members_pin_and_all_see_it) {
    members_pin_and_all_see_it();
}

static void a_direct_conversation_is_of_two(void) {
    struct uuid one = say(alice, "bob", "between us");
    cr_assert_eq(pin(bob, one, ALICE, PIN_ADD), FAIL_NONE);
    cr_assert_str_eq(pins(alice, "bob"), "bob: between us");
    cr_assert_str_eq(pins(bob, "alice"), "bob: between us");
    cr_assert_eq(pin(carol, one, ALICE, PIN_ADD), FAIL_NOT_PERMITTED);
    cr_assert_eq(pin(carol, one, ALICE, STAR_ADD), FAIL_NOT_PERMITTED);
    cr_assert_eq(pin(carol, one, ALICE, PIN_REMOVE), FAIL_NOT_PERMITTED);
    cr_assert_str_eq(pins(carol, "alice"), "");
    cr_assert_eq(pin(alice, one, ALICE, PIN_REMOVE), FAIL_NONE);
    cr_assert_str_eq(pins(bob, "alice"), "");
}

Test(core_pins, 02_a_direct_conversation_is_of_two) {
    a_direct_conversation_is_of_two();
}

Test(core_pins_stored, 02_a_direct_conversation_is_of_two) {
    a_direct_conversation_is_of_two();
}

static void stars_are_ones_own(void) {
    struct uuid one = say(alice, "#tea", "one"), two = say(alice, "bob", "two");
    cr_assert_eq(pin(bob, one, ALICE, STAR_ADD), FAIL_NONE);
    cr_assert_eq(pin(bob, two, ALICE, STAR_ADD), FAIL_NONE);
    cr_assert_eq(n_news(alice), 0, "nobody hears of it");
    cr_assert_str_eq(stars(bob), "bob: two|bob: one");
    cr_assert_str_eq(listed(bob, "#tea", FIND_STARS, 0, 9), "bob: one");
    cr_assert_str_eq(stars(alice), "");
    cr_assert_str_eq(pins(bob, "#tea"), "");
    struct client *other = join(BOB, "robot", ALL);
    cr_assert_str_eq(stars(other), "", "of another handle of his");
    cr_assert_eq(pin(carol, one, ALICE, STAR_ADD), FAIL_NONE, "an open room is read by all");
    cr_assert_str_eq(stars(carol), "carol: one");
    cr_assert_eq(pin(bob, two, ALICE, STAR_REMOVE), FAIL_NONE);
    cr_assert_str_eq(stars(bob), "bob: one");
}

Test(core_pins, 03_stars_are_ones_own) {
    stars_are_ones_own();
}

Test(core_pins_stored, 03_stars_are_ones_own) {
    stars_are_ones_own();
}

static void what_is_not_there_is_refused_alike(void) {
    struct uuid one = say(alice, "#tea", "one");
    cr_assert_eq(pin(bob, new_id(), ALICE, PIN_ADD), FAIL_NOT_PERMITTED, "of nothing");
    cr_assert_eq(pin(bob, one, BOB, PIN_ADD), FAIL_NOT_PERMITTED, "of another user");
    cr_assert_eq(pin(bob, one, 4242, STAR_ADD), FAIL_NOT_PERMITTED, "of nobody");
    cr_assert_eq(pin(bob, (struct uuid){{0}}, ALICE, PIN_ADD), FAIL_NOT_PERMITTED);
    char refused[32];
    snprintf(refused, sizeof refused, "refused %d", FAIL_BAD_NAME);
    cr_assert_str_eq(pins(bob, ""), refused);
    snprintf(refused, sizeof refused, "refused %d", FAIL_NO_ROOM);
    cr_assert_str_eq(pins(bob, "#nowhere"), refused);
}

Test(core_pins, 04_what_is_not_there_is_refused_alike) {
    what_is_not_there_is_refused_alike();
}

Test(core_pins_stored, 04_what_is_not_there_is_refused_alike) {
    what_is_not_there_is_refused_alike();
}

static void govern(struct client *client, enum order_what what, uint32_t uid) {
    give(client, &(struct frame){.type = FRAME_GOVERN,
                                 .govern = {.request = 9,
                                            .id = new_id(),
                                            .room = bytes_of("#tea"),
                                            .what = (uint8_t)what,
                                            .uid = uid}});
    cr_assert_eq(answer(client), FAIL_NONE);
}

static void order_holds_for_pins(void) {
    struct uuid one = say(alice, "#tea", "one");
    govern(alice, ORDER_LOCK_TOPIC, 0);
    cr_assert_eq(pin(bob, one, ALICE, PIN_ADD), FAIL_NOT_PERMITTED, "only who sets the topic");
    cr_assert_eq(pin(alice, one, ALICE, PIN_ADD), FAIL_NONE);
    cr_assert_eq(pin(bob, one, ALICE, PIN_REMOVE), FAIL_NOT_PERMITTED);
    cr_assert_eq(pin(bob, one, ALICE, STAR_ADD), FAIL_NONE);
    govern(alice, ORDER_UNLOCK_TOPIC, 0);
    cr_assert_eq(pin(bob, one, ALICE, PIN_REMOVE), FAIL_NONE);
    govern(alice, ORDER_MUTE, BOB);
    cr_assert_eq(pin(bob, one, ALICE, PIN_ADD), FAIL_NOT_PERMITTED, "he is muted");
    govern(alice, ORDER_BAN, BOB);
    cr_assert_eq(pin(bob, one, ALICE, PIN_ADD), FAIL_NOT_PERMITTED);
    cr_assert_str_eq(stars(bob), "", "what he may not read any more");
    govern(alice, ORDER_UNBAN, BOB);
    cr_assert_str_eq(stars(bob), "bob: one", "and may again");
}

Test(core_pins, 05_order_holds_for_pins) {
    order_holds_for_pins();
}

Test(core_pins_stored, 05_order_holds_for_pins) {
    order_holds_for_pins();
}

static void change(struct client *client, const char *room, enum room_change what) {
    give(client, &(struct frame){.type = FRAME_CHANGE,
                                 .change = {71, bytes_of(room), (uint8_t)what, bytes_of("")}});
    cr_assert_eq(answer(client), FAIL_NONE);
}

static void a_private_room_shows_what_one_may_read(void) {
    change(alice, "#secret", ROOM_MAKE_PRIVATE);
    struct uuid before = say(alice, "#secret", "before");
    cr_assert_eq(pin(alice, before, ALICE, PIN_ADD), FAIL_NONE);
    cr_assert_eq(pin(bob, before, ALICE, PIN_ADD), FAIL_NOT_PERMITTED);
    cr_assert_eq(pin(bob, before, ALICE, STAR_ADD), FAIL_NOT_PERMITTED);
    cr_assert_neq(pins(bob, "#secret")[0], 'a');
    give(alice, &(struct frame){.type = FRAME_INVITE,
                                .invite = {72, new_id(), bytes_of("#secret"), bytes_of("bob")}});
    cr_assert_eq(answer(alice), FAIL_NONE);
    cr_assert_eq(pin(bob, before, ALICE, STAR_ADD), FAIL_NOT_PERMITTED, "he has not joined");
    enter(bob, "#secret", 0);
    struct uuid after = say(alice, "#secret", "after");
    cr_assert_eq(pin(alice, after, ALICE, PIN_ADD), FAIL_NONE);
    cr_assert_str_eq(pins(bob, "#secret"), "alice: after", "from his invitation on");
    cr_assert_eq(pin(bob, before, ALICE, PIN_REMOVE), FAIL_NOT_PERMITTED);
    cr_assert_eq(pin(bob, after, ALICE, STAR_ADD), FAIL_NONE);
    cr_assert_str_eq(pins(alice, "#secret"), "alice: after|alice: before");
    leave(bob, "#secret");
    work();
    cr_assert_str_eq(stars(bob), "", "he has left it");
    cr_assert_eq(pin(bob, after, ALICE, PIN_ADD), FAIL_NOT_PERMITTED);
    cr_assert_eq(pin(bob, after, ALICE, STAR_REMOVE), FAIL_NONE, "his star is his own");
    change(alice, "#secret", ROOM_CLOSE);
    if (is_durable)
        for (size_t i = 0; i < fake.n_pins; i++)
            cr_assert_neq(fake.pins[i].handle, 0, "a closed room has no pins");
}

Test(core_pins, 06_a_private_room_shows_what_one_may_read) {
    a_private_room_shows_what_one_may_read();
}

Test(core_pins_stored, 06_a_private_room_shows_what_one_may_read) {
    a_private_room_shows_what_one_may_read();
}

static void fill(unsigned n, enum pin_what what) {
    for (unsigned i = 0; i < n; i++) {
        struct uuid id = say(alice, "#tea", "text");
        ask_pin(alice, id, ALICE, what);
        if (i % 8 == 0)
            drop_all(alice);
    }
    drop_all(alice);
    drop_all(bob);
}

Test(core_pins, 07_a_room_has_so_many) {
    uint64_t kept = kept_besides(alice);
    fill(PINS_PER_CONV_MAX, PIN_ADD);
    struct uuid more = say(bob, "#tea", "more");
    cr_assert_eq(pin(alice, more, BOB, PIN_ADD), FAIL_LIMIT);
    cr_assert_gt(kept_besides(alice), kept, "who pins pays");
    cr_assert_eq(pin(bob, say(bob, "alice", "elsewhere"), BOB, PIN_ADD), FAIL_NONE);
}

Test(core_pins, 08_a_handle_has_so_many_stars) {
    uint64_t kept = kept_besides(alice);
    fill(STARS_PER_HANDLE_MAX, STAR_ADD);
    struct uuid more = say(bob, "#tea", "more");
    cr_assert_eq(pin(alice, more, BOB, STAR_ADD), FAIL_LIMIT);
    cr_assert_gt(kept_besides(alice), kept + 100 * STARS_PER_HANDLE_MAX);
    cr_assert_eq(pin(bob, more, BOB, STAR_ADD), FAIL_NONE, "others have their own");
}

Test(core_pins, 09_who_has_no_memory_left_pins_nothing) {
    struct uuid one = say(alice, "#tea", "one");
    drop_all(alice);
    use_up_memory(ALICE, 0);
    ask_pin(alice, one, ALICE, STAR_ADD);
    give_back_memory(ALICE);
    cr_assert_eq(answer(alice), FAIL_LIMIT);
    cr_assert_str_eq(stars(alice), "");
}

static void remove_message(struct client *client, struct uuid id) {
    give(client, &(struct frame){.type = FRAME_SEND,
                                 .send = {.id = new_id(),
                                          .kind = KIND_REMOVE,
                                          .to = bytes_of(MEND_TO),
                                          .reply_to = id,
                                          .total = 5,
                                          .body = bytes_of("1001\n")}});
    work();
}

static void edit_message(struct client *client, struct uuid id, const char *text) {
    give(client, &(struct frame){.type = FRAME_SEND,
                                 .send = {.id = new_id(),
                                          .kind = KIND_EDIT,
                                          .to = bytes_of(MEND_TO),
                                          .reply_to = id,
                                          .total = (uint32_t)strlen(text),
                                          .body = bytes_of(text)}});
    work();
}

Test(core_pins, 10_what_is_removed_is_pinned_no_more_and_what_is_edited_is_as_it_is_now) {
    struct uuid one = say(alice, "#tea", "one"), two = say(alice, "#tea", "two");
    cr_assert_eq(pin(bob, one, ALICE, PIN_ADD), FAIL_NONE);
    cr_assert_eq(pin(bob, two, ALICE, PIN_ADD), FAIL_NONE);
    cr_assert_eq(pin(bob, two, ALICE, STAR_ADD), FAIL_NONE);
    edit_message(alice, one, "another");
    remove_message(alice, two);
    cr_assert_str_eq(pins(bob, "#tea"), "bob: another");
    cr_assert_str_eq(stars(bob), "");
    cr_assert_eq(pin(bob, two, ALICE, PIN_ADD), FAIL_NOT_PERMITTED);
}

Test(core_pins, 11_it_is_told_once_and_calmly) {
    struct uuid one = say(alice, "#tea", "one"), two = say(alice, "bob", "two");
    drop_all(bob);
    drop_all(carol);
    for (int i = 0; i < 20; i++) {
        ask_pin(alice, one, ALICE, PIN_ADD);
        ask_pin(alice, one, ALICE, PIN_REMOVE);
    }
    cr_assert_eq(n_news(bob), 1);
    cr_assert_eq(n_news(carol), 0, "she is not there, and does not know them");
    ask_pin(alice, two, ALICE, PIN_ADD);
    cr_assert_eq(n_news(bob), 1);
    const struct frame *frame;
    ask_pin(alice, two, ALICE, PIN_REMOVE);
    while ((frame = next_frame(bob)) && frame->type != FRAME_NEWS)
        ;
    cr_assert(frame);
    cr_assert(bytes_equal(frame->news.room, bytes_of("alice")));
    cr_assert(bytes_equal(frame->news.detail, bytes_of("unpinned a message of alice")));
}

Test(core_pins, 12_an_older_client_hears_no_word_that_it_does_not_know) {
    enter(carol, "#tea", 0);
    struct uuid one = say(alice, "#tea", "one");
    drop_all(carol);
    ask_pin(alice, one, ALICE, PIN_ADD);
    cr_assert_eq(n_news(carol), 0);
    cr_assert_eq(n_news(bob), 1);
}

Test(core_pins_stored, 13_they_outlive_the_hub) {
    struct uuid one = say(alice, "#tea", "one"), two = say(bob, "alice", "two");
    cr_assert_eq(pin(bob, one, ALICE, PIN_ADD), FAIL_NONE);
    cr_assert_eq(pin(alice, two, BOB, PIN_ADD), FAIL_NONE);
    cr_assert_eq(pin(alice, one, ALICE, STAR_ADD), FAIL_NONE);
    cr_assert_eq(fake.n_pins, 3);
    hub_crash();
    come();
    cr_assert_str_eq(pins(bob, "#tea"), "bob: one");
    cr_assert_str_eq(pins(bob, "alice"), "alice: two");
    cr_assert_str_eq(stars(alice), "alice: one");
    cr_assert_eq(pin(bob, two, BOB, PIN_REMOVE), FAIL_NONE);
    cr_assert_eq(pin(alice, one, ALICE, STAR_REMOVE), FAIL_NONE);
    cr_assert_eq(fake.n_pins, 1);
    hub_crash();
    come();
    cr_assert_str_eq(pins(bob, "alice"), "");
    cr_assert_str_eq(pins(alice, "#tea"), "bob: one");
}

Test(core_pins_stored, 14_done_follows_the_commit_that_has_message_and_pin) {
    struct uuid one = say(alice, "#tea", "one");
    drain();
    ask_pin(alice, one, ALICE, PIN_ADD);
    drain();
    for (const struct frame *frame; (frame = next_frame(alice));)
        cr_assert_neq(frame->type, FRAME_DONE, "it is not stored");
    fake.fails = true;
    commit_take();
    commit_finish();
    fake.fails = false;
    cr_assert_eq(answer(alice), FAIL_NOT_STORED);
    settle();
    cr_assert_eq(fake.n_pins, 1, "it was tried again");
}

Test(core_pins_stored, 15_what_is_gone_is_dropped_when_that_is_seen) {
    struct uuid one = say(alice, "#tea", "one"), two = say(alice, "#tea", "two");
    cr_assert_eq(pin(bob, one, ALICE, PIN_ADD), FAIL_NONE);
    cr_assert_eq(pin(bob, one, ALICE, STAR_ADD), FAIL_NONE);
    cr_assert_eq(pin(bob, two, ALICE, PIN_ADD), FAIL_NONE);
    fake.messages[0].flags |= RECORD_REMOVED; /* as if it were too old */
    cr_assert_str_eq(pins(bob, "#tea"), "bob: two");
    cr_assert_str_eq(stars(bob), "");
    settle();
    cr_assert_eq(fake.n_pins, 1);
}
