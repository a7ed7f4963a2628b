/* Replies: threads, numbers, and who hears of them. */
#include <stdio.h>

#include "base/macro.h"
#include "core/past/past.h"
#include "proto/answer.h"
#include "unit/core/fake_store.h"

#define ALL (HERE | ABILITY_LINES | ABILITY_MENDS | ABILITY_ANSWERS)

static struct client *alice, *bob, *old;
static bool is_durable;

static void work(void) {
    if (is_durable)
        settle();
    else
        drain();
}

static void meet(void) {
    alice = join(ALICE, "alice", ALL);
    bob = join(BOB, "bob", ALL);
    old = join(CAROL, "carol", HERE | ABILITY_LINES);
    enter(alice, "#tea", 0);
    enter(bob, "#tea", 0);
    enter(old, "#tea", 0);
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

TestSuite(core_answers, .init = setup_ephemeral, .fini = world_end);
TestSuite(core_answers_stored, .init = setup_durable, .fini = durable_end);

/* What has come until now is not looked at. */
static void pass_over(void) {
    struct client *const all[] = {alice, bob, old};
    work();
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        while (next_frame(all[i]))
            ;
}

/* As the hub does it: what is not in memory is looked for in the store. */
static void give_answer(struct client *from, const struct frame *frame) {
    struct record like;
    core.target = (struct core_target){0};
    if (core_awaits_target(&core, from->session, frame, &like))
        fake_find_target(&like, &core.target);
    cr_assert_null(give(from, frame));
    core.target = (struct core_target){0};
}

static struct uuid answer_as(struct client *from, uint8_t kind, struct uuid to_id, const char *to,
                             const char *body, unsigned flags) {
    struct frame frame = {.type = FRAME_SEND,
                          .flags = (uint8_t)flags,
                          .send = {.id = new_id(),
                                   .kind = kind,
                                   .to = bytes_of(to),
                                   .reply_to = to_id,
                                   .total = (uint32_t)strlen(body),
                                   .body = bytes_of(body)}};
    pass_over();
    give_answer(from, &frame);
    return frame.send.id;
}

static struct uuid answer_to(struct client *from, uint32_t author, struct uuid to_id,
                             const char *to, const char *text) {
    char body[ANSWER_LINE_MAX + 64];
    size_t n = answer_put_author(body, author);
    snprintf(body + n, sizeof body - n, "%s", text);
    return answer_as(from, KIND_TEXT | KIND_ANSWER, to_id, to, body, 0);
}

static const struct frame *next_of(struct client *client, unsigned type) {
    const struct frame *frame;
    work();
    while ((frame = next_frame(client)) && frame->type != type)
        ;
    return frame;
}

static void expect_answer(struct client *client, struct uuid thread, unsigned n, const char *text) {
    const struct frame *frame = next_of(client, FRAME_MESSAGE);
    struct answer answer;
    cr_assert(frame);
    cr_assert_eq(frame->message.kind, KIND_TEXT | KIND_ANSWER);
    struct bytes body = frame->message.body;
    cr_assert(answer_take(&answer, &body));
    cr_assert(uuid_equal(&answer.thread, &thread));
    cr_assert_eq(answer.n, n, "%u", answer.n);
    cr_assert(bytes_equal(body, bytes_of(text)));
}

/* In no thread: the text is all that there is. */
static void expect_plain(struct client *client, const char *text) {
    const struct frame *frame = next_of(client, FRAME_MESSAGE);
    cr_assert(frame);
    cr_assert_eq(frame->message.kind, KIND_TEXT);
    cr_assert(bytes_equal(frame->message.body, bytes_of(text)));
}

static void a_reply_is_in_a_thread(void) {
    struct uuid root = say(alice, "#tea", "root");
    struct uuid one = answer_to(bob, ALICE, root, "#tea", "one");
    expect_answer(alice, root, 10, "one");
    expect_plain(old, "one");
    answer_to(alice, BOB, one, "#tea", "two");
    expect_answer(bob, root, 11, "two");
    struct uuid other = say(bob, "#tea", "other");
    answer_to(alice, BOB, other, "#tea", "three");
    expect_answer(bob, other, 12, "three");
    struct uuid direct = say(alice, "bob", "between us");
    answer_to(bob, ALICE, direct, "alice", "yes");
    expect_answer(alice, direct, 10, "yes");
}

Test(core_answers, 01_a_reply_is_in_a_thread) {
    a_reply_is_in_a_thread();
}

Test(core_answers_stored, 01_a_reply_is_in_a_thread) {
    a_reply_is_in_a_thread();
}

static void what_is_not_there_has_no_thread(void) {
    struct uuid root = say(alice, "#tea", "root");
    struct uuid direct = say(alice, "carol", "between others");
    answer_to(bob, BOB, root, "#tea", "of another user");
    expect_plain(alice, "of another user");
    answer_to(bob, ALICE, direct, "#tea", "of another conversation");
    expect_plain(alice, "of another conversation");
    answer_to(bob, 4242, root, "#tea", "of nobody");
    expect_plain(alice, "of nobody");
    answer_to(bob, ALICE, new_id(), "#tea", "of nothing");
    expect_plain(alice, "of nothing");
    answer_to(bob, ALICE, root, "#tea", "one");
    expect_answer(alice, root, 10, "one");
}

Test(core_answers, 02_what_is_not_there_has_no_thread) {
    what_is_not_there_has_no_thread();
}

Test(core_answers_stored, 02_what_is_not_there_has_no_thread) {
    what_is_not_there_has_no_thread();
}

/* An older client names no author: of two the other one is meant, or oneself. */
Test(core_answers, 03_of_an_older_client) {
    struct uuid root = say(alice, "bob", "root");
    struct uuid one = answer_as(bob, KIND_TEXT, root, "alice", "one", 0);
    expect_answer(alice, root, 10, "one");
    answer_as(bob, KIND_TEXT, one, "alice", "two", 0);
    expect_answer(alice, root, 11, "two");
}

Test(core_answers, 04_a_line_that_is_none_ends_the_session) {
    struct uuid root = say(alice, "#tea", "root");
    struct frame frame = {.type = FRAME_SEND,
                          .send = {.id = new_id(),
                                   .kind = KIND_TEXT | KIND_ANSWER,
                                   .to = bytes_of("#tea"),
                                   .reply_to = root,
                                   .total = 3,
                                   .body = bytes_of("one")}};
    cr_assert_not_null(give(bob, &frame));
    frame.send.id = new_id();
    frame.send.body = bytes_of("1\nx");
    frame.send.reply_to = (struct uuid){{0}};
    cr_assert_not_null(give(alice, &frame));
}

Test(core_answers, 05_numbers_begin_again) {
    struct uuid root = say(alice, "#tea", "root"), last = root;
    for (unsigned n = ANSWER_FIRST; n <= ANSWER_LAST; n++)
        last = answer_to(bob, n == ANSWER_FIRST ? ALICE : BOB, last, "#tea", "again");
    answer_to(bob, BOB, last, "#tea", "one");
    expect_answer(alice, root, ANSWER_FIRST, "one");
}

static void ask_for(struct client *client, const char *conv, struct uuid id, enum find_what what) {
    work();
    while (next_frame(client))
        ;
    struct frame frame = {
        .type = FRAME_FIND,
        .find = {
            .request = 7, .conv = bytes_of(conv), .id = id, .what = (uint8_t)what, .limit = 100}};
    cr_assert_null(give(client, &frame));
}

static void expect_past(struct client *client, const char *text) {
    const struct frame *frame = next_of(client, FRAME_PAST);
    struct answer answer;
    cr_assert(frame, "%s", text);
    struct bytes body = frame->past.body;
    if (frame->past.kind & KIND_ANSWER)
        cr_assert(answer_take(&answer, &body));
    cr_assert(bytes_equal(body, bytes_of(text)), "%.*s", (int)body.n, body.data);
}

static void a_thread_can_be_asked_for(void) {
    struct uuid root = say(alice, "#tea", "root");
    answer_to(bob, ALICE, root, "#tea", "one");
    say(alice, "#tea", "between");
    struct uuid two = answer_to(alice, ALICE, root, "#tea", "two");
    ask_for(bob, "#tea", root, FIND_THREAD);
    expect_past(bob, "root");
    expect_past(bob, "one");
    expect_past(bob, "two");
    cr_assert_null(next_of(bob, FRAME_PAST));
    ask_for(bob, "", two, FIND_MESSAGE);
    expect_past(bob, "two");
    cr_assert_null(next_of(bob, FRAME_PAST));
    struct uuid secret = say(alice, "carol", "between others");
    ask_for(bob, "", secret, FIND_THREAD);
    cr_assert_null(next_of(bob, FRAME_PAST));
    ask_for(bob, "", (struct uuid){{0}}, FIND_THREAD);
    cr_assert_null(next_of(bob, FRAME_PAST));
}

Test(core_answers, 06_a_thread_can_be_asked_for) {
    a_thread_can_be_asked_for();
}

Test(core_answers_stored, 06_a_thread_can_be_asked_for) {
    a_thread_can_be_asked_for();
}

Test(core_answers_stored, 07_a_new_hub_goes_on) {
    struct uuid root = say(alice, "#tea", "root");
    answer_to(bob, ALICE, root, "#tea", "one");
    work();
    hub_crash();
    meet();
    answer_to(bob, ALICE, root, "#tea", "two");
    expect_answer(alice, root, 11, "two");
    struct uuid other = say(alice, "#tea", "other");
    answer_to(bob, ALICE, other, "#tea", "three");
    expect_answer(alice, other, 12, "three");
}

/* Under the number that it had, when it is asked for; and not once more. */
Test(core_answers_stored, 08_what_is_sent_again_has_no_new_number) {
    struct uuid root = say(alice, "#tea", "root");
    char body[ANSWER_LINE_MAX + 8];
    size_t n = answer_put_author(body, ALICE);
    snprintf(body + n, sizeof body - n, "one");
    struct frame frame = {.type = FRAME_SEND,
                          .send = {.id = new_id(),
                                   .kind = KIND_TEXT | KIND_ANSWER,
                                   .to = bytes_of("#tea"),
                                   .reply_to = root,
                                   .total = (uint32_t)strlen(body),
                                   .body = bytes_of(body)}};
    pass_over();
    give_answer(bob, &frame);
    expect_answer(alice, root, 10, "one");
    frame.flags = FRAME_REPEAT;
    give_answer(bob, &frame);
    cr_assert_null(next_of(alice, FRAME_MESSAGE));
    answer_to(bob, ALICE, root, "#tea", "two");
    expect_answer(alice, root, 11, "two");
}

Test(core_answers, 09_of_a_user_without_memory_it_has_no_number) {
    struct uuid root = say(alice, "#tea", "root");
    work();
    use_up_memory(BOB, 64);
    answer_to(bob, ALICE, root, "#tea", "one");
    give_back_memory(BOB);
    expect_answer(alice, root, 0, "one");
    answer_to(bob, ALICE, root, "#tea", "two");
    expect_answer(alice, root, 10, "two");
}
