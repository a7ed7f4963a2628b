/* Who is read for next, the log in memory in slices, and what is forgotten there. */

#include <stdio.h>
#include <stdlib.h>

#include "unit/core/fake_store.h"

#define MALLORY 1004

static uint64_t used(const struct client *client, enum account_kind kind) {
    return client->session->user->account.used[kind];
}

static void ask_history(struct client *client, const char *conv) {
    give(client, &(struct frame){.type = FRAME_HISTORY,
                                 .history = {5, bytes_of(conv), 0, 0, (uint16_t)100}});
}

static void ask_search(struct client *client, const char *words) {
    give(client,
         &(struct frame){.type = FRAME_SEARCH, .search = {5, {0}, {0}, 0, 100, bytes_of(words)}});
}

static void give_forget(struct client *client, const char *conv) {
    give(client, &(struct frame){.type = FRAME_FORGET, .forget = {6, bytes_of(conv)}});
}

/* Until DONE; how many messages. */
static size_t n_past(struct client *client) {
    size_t n = 0;
    const struct frame *frame;
    while ((frame = next_frame(client)) && frame->type != FRAME_DONE)
        n += frame->type == FRAME_PAST;
    cr_assert_not_null(frame, "DONE did not come");
    return n;
}

/* Questions, with a store. */

static struct client *alice, *bob, *mallory[5];

static void setup_durable(void) {
    durable_begin(1024 * 1024);
    alice = join(ALICE, "alice", HERE);
    bob = join(BOB, "bob", HERE);
    for (int i = 0; i < 5; i++)
        mallory[i] = join(MALLORY, "mallory", HERE);
    settle();
}

TestSuite(core_past_turns, .init = setup_durable, .fini = durable_end);

static void flood(void) {
    for (int i = 0; i < 32; i++)
        ask_history(mallory[i / 8], "mallory");
    cr_assert_eq(used(mallory[0], ACCOUNT_QUESTIONS), 32);
}

static void take_for(const struct client *client, bool feed) {
    struct ask *ask = core_take_ask(&core, feed);
    cr_assert_not_null(ask);
    cr_assert_eq(ask->session, client->number, "somebody else's turn");
    if (feed)
        core_fed(&core, ask, NULL, 0, core.persist.committed, NULL);
    else
        core_answered(&core, ask, NULL, 0, NULL);
    ask_free(ask);
}

Test(core_past_turns, 01_users_are_read_for_in_turn_and_each_one_s_questions_in_order) {
    flood();
    ask_history(bob, "bob");
    ask_history(bob, "bob");
    ask_history(alice, "alice");
    take_for(mallory[0], false);
    take_for(bob, false);
    take_for(alice, false);
    take_for(mallory[0], false);
    take_for(bob, false);
    for (int i = 2; i < 32; i++)
        take_for(mallory[i / 8], false);
    cr_assert_not(core_has_ask(&core, false));
    cr_assert_eq(used(mallory[0], ACCOUNT_QUESTIONS), 0);
    drain();
    cr_assert_eq(kept_besides(mallory[0]), 0);
}

/* A turn is worth ten milliseconds. */
Test(core_past_turns, 01b_who_had_much_read_for_him_is_passed_over_for_others) {
    flood();
    for (int i = 0; i < 8; i++)
        ask_history(bob, "bob");
    take_for(mallory[0], false);
    core_note_reading(&core, mallory[0]->session->user, 55 * NS_PER_MS);
    for (int i = 0; i < 6; i++)
        take_for(bob, false);
    take_for(mallory[0], false);
    core_note_reading(&core, mallory[0]->session->user, 10 * NS_PER_S);
    for (int i = 0; i < 2; i++)
        take_for(bob, false);
    take_for(mallory[0], false);
    ask_history(bob, "bob");
    take_for(bob, false);
    pass_ms(20000);
    core_note_reading(&core, mallory[0]->session->user, 1);
    ask_history(bob, "bob");
    take_for(mallory[0], false);
}

Test(core_past_turns, 02_a_user_has_so_many_and_the_refusal_names_the_limit) {
    flood();
    ask_history(mallory[4], "mallory");
    const struct frame *frame = expect(mallory[4], FRAME_FAIL);
    cr_assert_eq(frame->fail.code, FAIL_BUSY);
    cr_assert_not_null(memmem(frame->fail.reason.data, frame->fail.reason.n, "uid 1004", 8));
    cr_assert_not_null(memmem(frame->fail.reason.data, frame->fail.reason.n, "32", 2));
    ask_history(bob, "bob");
    cr_assert_null(next_frame(bob), "others are not refused");
    settle();
    cr_assert_eq(n_past(bob), 0);
}

Test(core_past_turns, 03_questions_of_who_is_gone_are_dropped) {
    flood();
    struct ask *taken = core_take_ask(&core, false);
    cr_assert(core_ask_is_wanted(&core, taken));
    const struct user *user = mallory[0]->session->user;
    for (int i = 0; i < 4; i++)
        core_end(&core, mallory[i]->session);
    cr_assert_not(core_has_ask(&core, false));
    cr_assert_not(core_ask_is_wanted(&core, taken));
    cr_assert_eq(user->account.used[ACCOUNT_QUESTIONS], 1, "the reader still has one");
    core_answered(&core, taken, NULL, 0, NULL);
    ask_free(taken);
    cr_assert_eq(user->account.used[ACCOUNT_QUESTIONS], 0);
    cr_assert_eq(kept_besides(mallory[4]), 0);
}

/* Sessions that lag behind what the log in memory holds. */
static void lag(void) {
    struct client *laggards[] = {mallory[0], mallory[1], mallory[2], bob};
    for (int i = 0; i < 4; i++)
        laggards[i]->is_full = true;
    char text[5000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    for (int i = 0; i < 400; i++) {
        say(alice, i % 2 ? "bob" : "mallory", text);
        drain();
        commit_all();
    }
    for (int i = 0; i < 4; i++) {
        laggards[i]->is_full = false;
        ready(laggards[i]);
        drain();
    }
}

Test(core_past_turns, 04_feeding_has_a_queue_of_its_own_with_turns) {
    flood();
    lag();
    cr_assert(core_has_ask(&core, true));
    cr_assert(mallory[0]->session->awaits_feed && bob->session->awaits_feed);
    take_for(mallory[0], true);
    take_for(bob, true);
    core_end(&core, mallory[1]->session);
    take_for(mallory[2], true);
    cr_assert_not(core_has_ask(&core, true));
    cr_assert(core_has_ask(&core, false));
}

Test(core_past_turns, 05_a_feed_for_other_conversations_than_now_is_not_wanted) {
    lag();
    struct ask *ask = core_take_ask(&core, true);
    cr_assert(core_ask_is_wanted(&core, ask));
    give(mallory[0], &(struct frame){.type = FRAME_JOIN, .join = {7, bytes_of("#ops")}});
    cr_assert_not(core_ask_is_wanted(&core, ask));
    core_fed(&core, ask, NULL, 0, 0, NULL);
    ask_free(ask);
    settle();
    size_t n = 0;
    for (const struct frame *frame; (frame = next_frame(mallory[0])); settle())
        n += frame->type == FRAME_MESSAGE;
    cr_assert_eq(n, 200, "everything comes, %zu", n);
}

/* The log in memory. */

static void setup(void) {
    world_begin_with((size_t)8 * LOG_BLOCK_BYTES, false);
    alice = join(ALICE, "alice", HERE);
    bob = join(BOB, "bob", HERE);
    mallory[0] = join(MALLORY, "mallory", HERE);
}

TestSuite(core_past_log, .init = setup, .fini = world_end);

static void fill_log(unsigned n_blocks) {
    char text[8000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    for (size_t n = 0; n < n_blocks * LOG_BLOCK_BYTES; n += sizeof text) {
        struct frame frame = {.type = FRAME_SEND,
                              .send = {.id = new_id(),
                                       .to = bytes_of("mallory"),
                                       .total = sizeof text - 1,
                                       .body = {text, sizeof text - 1}}};
        cr_assert_null(core_receive(&core, mallory[0]->session, &frame));
    }
}

Test(core_past_log, 01_a_search_through_all_of_it_goes_in_steps_and_others_have_their_turn) {
    say(alice, "bob", "needle one");
    fill_log(4);
    say(alice, "bob", "a needle more");
    drain();
    ask_search(mallory[0], "needle");
    ask_search(bob, "NEEDLE");
    unsigned n = 0;
    while (read_log())
        n++;
    cr_assert_geq(n, 8, "%u slices", n);
    cr_assert_eq(n_past(mallory[0]), 0, "not for it");
    while (next_frame(bob)->type != FRAME_PAST) {
    }
    cr_assert_eq(n_past(bob), 1, "and the one before");
}

Test(core_past_log, 02_what_is_near_is_answered_before_what_is_far) {
    fill_log(4);
    say(alice, "bob", "hello");
    drain();
    ask_search(mallory[0], "nowhere");
    give(bob, &(struct frame){.type = FRAME_HISTORY, .history = {5, bytes_of("alice"), 0, 0, 1}});
    cr_assert(read_log());
    cr_assert(read_log());
    cr_assert_eq(bob->session->n_asks, 0, "one slice holds it");
    cr_assert_eq(mallory[0]->session->n_asks, 1);
}

Test(core_past_log, 03_the_log_may_be_trimmed_in_the_middle) {
    say(alice, "bob", "needle");
    fill_log(4);
    ask_search(bob, "needle");
    cr_assert(read_log());
    fill_log(12);
    while (read_log()) {
    }
    drain();
    while (next_frame(bob)->type != FRAME_DONE) {
    }
    cr_assert_eq(used(bob, ACCOUNT_QUESTIONS), 0);
}

Test(core_past_log, 04_a_question_in_the_middle_goes_with_its_session) {
    fill_log(4);
    ask_search(mallory[0], "nothing");
    cr_assert(read_log());
    core_end(&core, mallory[0]->session);
    cr_assert_not(read_log());
}

/* Forgetting. */

Test(core_past_log, 05_forgotten_is_what_was_said_up_to_then_and_by_who_forgot) {
    say(alice, "bob", "before");
    say(bob, "alice", "answer");
    give_forget(bob, "alice");
    say(alice, "bob", "after");
    while (next_frame(bob)) {
    }
    ask_history(bob, "alice");
    cr_assert_eq(n_past(bob), 1);
    while (next_frame(alice)) {
    }
    ask_history(alice, "bob");
    cr_assert_eq(n_past(alice), 3);
    cr_assert_eq(kept_besides(alice), 0);
    cr_assert_gt(kept_besides(bob), 0, "it is remembered for bob");
}

Test(core_past_log, 06_forgetting_again_takes_no_more) {
    say(alice, "bob", "before");
    give_forget(bob, "alice");
    drain();
    uint64_t before = used(bob, ACCOUNT_MEMORY);
    say(alice, "bob", "between");
    for (int i = 0; i < 100; i++)
        give_forget(bob, "alice");
    drain();
    cr_assert_eq(used(bob, ACCOUNT_MEMORY), before);
    while (next_frame(bob)) {
    }
    ask_history(bob, "alice");
    cr_assert_eq(n_past(bob), 0);
}

Test(core_past_log, 07_it_is_remembered_as_long_as_the_log_has_it) {
    say(alice, "bob", "before");
    give_forget(bob, "alice");
    give_forget(bob, "mallory");
    fill_log(12);
    give_forget(alice, "mallory");
    drain();
    cr_assert_eq(kept_besides(bob), 0);
    cr_assert_gt(kept_besides(alice), 0);
}

Test(core_past_log, 08_who_lags_does_not_get_what_the_handle_has_forgotten) {
    fill_until_behind(alice, bob, "bob");
    say(alice, "bob", "forgotten");
    give_forget(bob, "alice");
    say(alice, "bob", "kept");
    bob->is_full = false;
    ready(bob);
    bool kept = false;
    for (const struct frame *frame; (frame = next_frame(bob));)
        if (frame->type == FRAME_MESSAGE) {
            cr_assert_not(bytes_equal(frame->message.body, bytes_of("forgotten")));
            kept |= bytes_equal(frame->message.body, bytes_of("kept"));
        }
    cr_assert(kept);
}

/* The most that an account's memory allows is refused with the limit's name, and frees nothing. */
Test(core_past_log, 09_it_is_bounded_by_the_account) {
    account_spend(&bob->session->user->account, ACCOUNT_MEMORY, ACCOUNT_MEMORY_BYTES);
    give_forget(bob, "alice");
    const struct frame *frame = expect(bob, FRAME_FAIL);
    cr_assert_eq(frame->fail.code, FAIL_LIMIT);
    cr_assert_not_null(memmem(frame->fail.reason.data, frame->fail.reason.n, "memory", 6));
    account_give_back(&bob->session->user->account, ACCOUNT_MEMORY, ACCOUNT_MEMORY_BYTES);
}
