/* History, search, forgetting, near names. */

#include <stdio.h>

#include "base/text.h"
#include "unit/core/fake_store.h"

static struct client *alice, *bob, *carol;

static void join_all(void) {
    alice = join(ALICE, "alice", HERE);
    bob = join(BOB, "bob", HERE);
    carol = join(CAROL, "carol", HERE);
}

static void setup(void) {
    world_begin();
    join_all();
    drain();
}

TestSuite(core_past, .init = setup, .fini = world_end);

static void setup_durable(void) {
    durable_begin(1024 * 1024);
    join_all();
    settle();
}

TestSuite(core_past_durable, .init = setup_durable, .fini = durable_end);

static void ask_history(struct client *client, const char *conv, uint64_t before, uint64_t after,
                        unsigned limit) {
    give(client, &(struct frame){.type = FRAME_HISTORY,
                                 .history = {5, bytes_of(conv), before, after, (uint16_t)limit}});
}

static void ask_search(struct client *client, const char *conv, const char *from,
                       const char *words) {
    give(client,
         &(struct frame){.type = FRAME_SEARCH,
                         .search = {5, bytes_of(conv), bytes_of(from), 0, 100, bytes_of(words)}});
}

static struct frame past[2000];

/* Until DONE. Returns how many there are. */
static size_t take_past(struct client *client) {
    size_t n = 0;
    for (const struct frame *frame; (frame = next_frame(client));) {
        if (frame->type == FRAME_PAST) {
            cr_assert_eq(frame->past.request, 5);
            cr_assert_lt(n, 2000);
            past[n++] = *frame;
        } else if (frame->type == FRAME_DONE) {
            cr_assert_eq(frame->done.request, 5);
            return n;
        }
    }
    cr_assert_fail("DONE did not come");
    return 0;
}

static void assert_past(size_t at, const char *text) {
    struct bytes body = past[at].past.body;
    cr_assert(bytes_equal(body, bytes_of(text)), "%.*s instead of %s", (int)body.n, body.data,
              text);
}

static void expect_fail(struct client *client, enum fail_code code, const char *part) {
    const struct frame *frame = expect(client, FRAME_FAIL);
    cr_assert_eq(frame->fail.request, 5);
    cr_assert_eq(frame->fail.code, code, "%s", fail_name(frame->fail.code));
    cr_assert_not_null(memmem(frame->fail.reason.data, frame->fail.reason.n, part, strlen(part)),
                       "%.*s", (int)frame->fail.reason.n, frame->fail.reason.data);
}

static void say_numbers(const char *to, int n) {
    char text[16];
    for (int i = 0; i < n; i++) {
        snprintf(text, sizeof text, "%d", i);
        say(alice, to, text);
    }
}

Test(core_past, 01_pages) {
    say_numbers("bob", 10);
    uint64_t last = core.seq;
    ask_history(bob, "alice", 0, 0, 3);
    cr_assert_eq(take_past(bob), 3);
    assert_past(0, "7");
    assert_past(2, "9");
    ask_history(bob, "alice", last - 2, 0, 3);
    cr_assert_eq(take_past(bob), 3);
    assert_past(0, "4");
    ask_history(bob, "alice", 0, last - 8, 3);
    cr_assert_eq(take_past(bob), 3);
    assert_past(0, "2");
    assert_past(2, "4");
    ask_history(bob, "alice", last - 6, last - 8, 30);
    cr_assert_eq(take_past(bob), 1);
    assert_past(0, "2");
    ask_history(bob, "alice", 0, UINT64_MAX, 3);
    cr_assert_eq(take_past(bob), 0);
    ask_history(bob, "alice", 1, 0, 3);
    cr_assert_eq(take_past(bob), 0);
}

/* Pages of long messages, from the newest on: no message is between two pages. */
static void assert_pages_meet(struct client *client, void (*wait)(void)) {
    uint64_t before = 0, expected = core.seq;
    size_t n_all = 0, n;
    do {
        ask_history(client, "alice", before, 0, 1000);
        wait();
        n = take_past(client);
        for (size_t i = n; i-- > 0; expected--)
            cr_assert_eq(past[i].past.seq, expected);
        if (n > 0)
            before = past[0].past.seq;
        n_all += n;
    } while (n > 0);
    cr_assert_eq(n_all, 400);
}

static void say_long(void) {
    static char text[901];
    memset(text, 'x', sizeof text - 1);
    for (int i = 0; i < 400; i++)
        say(alice, "bob", text);
}

Test(core_past, 02_pages_are_bounded_and_meet) {
    say_long();
    drain();
    assert_pages_meet(bob, drain);
}

Test(core_past_durable, 01_pages_are_bounded_and_meet) {
    say_long();
    settle();
    assert_pages_meet(bob, settle);
}

Test(core_past, 03_nobody_reads_others_direct_conversations) {
    say(alice, "bob", "secret one");
    say(bob, "alice", "secret two");
    say(carol, "carol", "own");
    ask_history(carol, "alice", 0, 0, 100);
    cr_assert_eq(take_past(carol), 0);
    ask_history(carol, "bob", 0, 0, 100);
    cr_assert_eq(take_past(carol), 0);
    ask_history(carol, "", 0, 0, 100);
    cr_assert_eq(take_past(carol), 1);
    ask_search(carol, "", "", "secret");
    cr_assert_eq(take_past(carol), 0);
    ask_search(carol, "alice", "bob", "secret");
    cr_assert_eq(take_past(carol), 0);
    ask_search(bob, "", "", "secret");
    cr_assert_eq(take_past(bob), 2);
    assert_past(0, "secret two"); /* newest first */
}

Test(core_past_durable, 02_nobody_reads_others_direct_conversations) {
    say(alice, "bob", "secret one");
    settle();
    ask_history(carol, "alice", 0, 0, 100);
    ask_search(carol, "", "", "secret");
    ask_history(carol, "", 0, 0, 100);
    settle();
    for (int i = 0; i < 3; i++)
        cr_assert_eq(take_past(carol), 0);
    ask_search(alice, "bob", "", "secret");
    settle();
    cr_assert_eq(take_past(alice), 1);
}

Test(core_past, 04_rooms_are_for_everybody) {
    enter(alice, "#tea", 0);
    say(alice, "#tea", "Green TEA");
    ask_history(carol, "#tea", 0, 0, 100);
    cr_assert_eq(take_past(carol), 1);
    ask_history(carol, "", 0, 0, 100);
    cr_assert_eq(take_past(carol), 0, "but only those one is in belong to `everything`");
    ask_search(carol, "#TEA", "", "tea green");
    cr_assert_eq(take_past(carol), 1);
    ask_search(carol, "#TEA", "", "te* green*");
    cr_assert_eq(take_past(carol), 1, "a star asks for parts of words");
    ask_search(carol, "#tea", "", "tea black");
    cr_assert_eq(take_past(carol), 0);
    ask_search(carol, "#tea", "", "èa GRÉ");
    cr_assert_eq(take_past(carol), 1, "without accents, as with a store");
    ask_search(carol, "#tea", "bob", "tea");
    cr_assert_eq(take_past(carol), 0);
    leave(alice, "#tea");
    ask_history(carol, "#tea", 0, 0, 100);
    cr_assert_eq(take_past(carol), 1, "a room's log outlives its members");
}

Test(core_past, 05_unknown_names) {
    ask_history(alice, "bobb", 0, 0, 10);
    expect_fail(alice, FAIL_NO_USER, "bobb");
    ask_history(alice, "#nowhere", 0, 0, 10);
    expect_fail(alice, FAIL_NO_ROOM, "#nowhere");
    ask_search(alice, "", "carolyn", "x");
    expect_fail(alice, FAIL_NO_USER, "carolyn");
    ask_search(alice, "", "#tea", "x");
    cr_assert_eq(expect(alice, FRAME_FAIL)->fail.request, 5);
    give(alice, &(struct frame){.type = FRAME_FORGET, .forget = {5, bytes_of("zzzzzz")}});
    expect_fail(alice, FAIL_NO_USER, "zzzzzz");
}

Test(core_past, 06_forgetting_is_for_oneself) {
    say(alice, "bob", "one");
    say(bob, "alice", "two");
    expect_text(alice, "two");
    expect(alice, FRAME_ACK);
    give(alice, &(struct frame){.type = FRAME_FORGET, .forget = {5, bytes_of("bob")}});
    expect(alice, FRAME_DONE);
    ask_history(alice, "bob", 0, 0, 100);
    cr_assert_eq(take_past(alice), 0);
    ask_search(alice, "", "", "one");
    cr_assert_eq(take_past(alice), 0);
    ask_history(bob, "alice", 0, 0, 100);
    cr_assert_eq(take_past(bob), 2);
    say(bob, "alice", "three");
    ask_history(alice, "bob", 0, 0, 100);
    cr_assert_eq(take_past(alice), 1);
    enter(alice, "#tea", 0);
    give(alice, &(struct frame){.type = FRAME_FORGET, .forget = {5, bytes_of("#tea")}});
    expect_fail(alice, FAIL_NOT_PERMITTED, "room");
}

static void post(struct client *from, const char *to, const char *text) {
    struct bytes body = bytes_of(text);
    give(from, &(struct frame){.type = FRAME_SEND,
                               .send = {.id = new_id(),
                                        .kind = KIND_FILE,
                                        .to = bytes_of(to),
                                        .total = (uint32_t)body.n,
                                        .body = body}});
}

Test(core_past, 09_small_files_of_others) {
    enter(bob, "#tea", 0);
    post(alice, "bob", "first");
    say(alice, "bob", "a word");
    post(carol, "#tea", "second");
    post(bob, "alice", "his own");
    post(alice, "carol", "of others");
    drain();
    ask_search(bob, "", "", " ");
    cr_assert_eq(take_past(bob), 2);
    assert_past(0, "");
    cr_assert_eq(past[0].past.seq, core.seq - 2);
    cr_assert_eq(past[1].past.seq, core.seq - 4);
    ask_search(bob, "", "alice", " ");
    cr_assert_eq(take_past(bob), 1);
    cr_assert_eq(past[0].past.seq, core.seq - 4);
    ask_search(bob, "", "", "first");
    cr_assert_eq(take_past(bob), 0);
}

Test(core_past_durable, 03_too_many_questions) {
    for (int i = 0; i <= ASKS_PER_SESSION_MAX; i++)
        ask_history(alice, "bob", 0, 0, 10);
    expect_fail(alice, FAIL_BUSY, "8 questions");
    settle();
    for (int i = 0; i < ASKS_PER_SESSION_MAX; i++)
        cr_assert_eq(take_past(alice), 0);
    ask_history(alice, "bob", 0, 0, 10);
    settle();
    cr_assert_eq(take_past(alice), 0);
}

Test(core_past_durable, 04_every_question_is_answered_however_long_the_answers) {
    say_long();
    settle();
    while (next_frame(bob))
        continue;
    for (int i = 0; i < ASKS_PER_SESSION_MAX; i++)
        ask_history(bob, "alice", 0, 0, 1000);
    for (struct ask *ask; (ask = ask_take());)
        ask_answer(ask);
    for (int i = 0; i < ASKS_PER_SESSION_MAX; i++)
        cr_assert_gt(take_past(bob), 0);
    expect_nothing(bob);
}

Test(core_past_durable, 05_a_reading_that_fails_is_told) {
    ask_history(alice, "bob", 0, 0, 10);
    ask_refuse(ask_take());
    expect_fail(alice, FAIL_STORE, "cannot be read");
    ask_history(alice, "bob", 0, 0, 10);
    struct ask *ask = ask_take();
    core_end(&core, alice->session);
    ask_answer(ask);
}

/* Long ones, of other alphabets. */
Test(core_past, 07_sentences_about_wrong_names_are_whole) {
    char wrong[200];
    size_t n = 0;
    for (int j = 0; j < 31; j++)
        n += (size_t)snprintf(wrong + n, sizeof wrong - n, "\xf0\x90\x90\xa8");
    snprintf(wrong + n, sizeof wrong - n, "x");
    struct uuid id = say(alice, wrong, "x");
    const struct frame *frame = expect(alice, FRAME_REFUSED);
    cr_assert(uuid_equal(&frame->refused.id, &id));
    cr_assert_leq(frame->refused.reason.n, 255);
    cr_assert_not_null(memmem(frame->refused.reason.data, frame->refused.reason.n, wrong, 100));
    cr_assert(text_is_valid(frame->refused.reason));
}
