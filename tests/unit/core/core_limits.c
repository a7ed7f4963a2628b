/* What is refused, dropped, gathered or slowed down. */

#include <stdio.h>

#include "core/internal.h"
#include "unit/core/world.h"

static struct client *alice, *bob;

static void setup(void) {
    world_begin_with_two(&alice, &bob);
}

TestSuite(core_limits, .init = setup, .fini = world_end);

/* Refusals. */

Test(core_limits, 01_unknown_targets) {
    expect_refused(alice, say(alice, "nobody", "x"), FAIL_NO_USER);
    expect_refused(alice, say(alice, "#nowhere", "x"), FAIL_NO_ROOM);
    expect_refused(alice, say(alice, "not a name", "x"), FAIL_BAD_NAME);
    cr_assert_eq(core.counters.refused, 3);
    cr_assert_eq(core.counters.messages, 0);
}

Test(core_limits, 02_a_handle_that_appears_is_found) {
    expect_refused(alice, say(alice, "carol", "x"), FAIL_NO_USER);
    struct client *carol = join(1003, "carol", HERE);
    say(alice, "carol", "x");
    expect_text(carol, "x");
}

/* Sends to bob, who does not read, until he is behind with the last one. Returns how many. */
static unsigned fill_outbox(void) {
    unsigned n = 0;
    bob->is_full = true;
    for (;;) {
        say(alice, "bob", "fill");
        core_close_run(&core);
        if (n == 0)
            drain(); /* from now on it is stuck */
        if (bob->session->behind)
            return n + 1;
        cr_assert_lt(++n, 100000);
    }
}

Test(core_limits, 03_past_the_bound_it_is_fed_from_the_log) {
    unsigned n = fill_outbox();
    cr_assert_geq(bob->session->outbox.n_chunks, OUTBOX_CHUNKS_MAX);
    for (int i = 0; i < 1000; i++)
        say(alice, "bob", "too many");
    cr_assert_leq(bob->session->outbox.n_chunks, OUTBOX_CHUNKS_MAX + 1);
    bob->is_full = false;
    ready(bob);
    for (unsigned i = 0; i < n; i++)
        expect_text(bob, "fill");
    for (int i = 0; i < 1000; i++)
        expect_text(bob, "too many");
    expect_nothing(bob);
    cr_assert(!bob->session->behind);
    say(alice, "bob", "at once");
    expect_text(bob, "at once");
}

Test(core_limits, 04_a_laggard_is_no_burden_to_the_others) {
    unsigned n = fill_outbox();
    struct client *bob2 = join(BOB, "bob", HERE);
    say(alice, "bob", "to the other");
    for (unsigned i = 0; i < n; i++)
        expect_text(bob2, "fill"); /* nobody has taken these yet */
    expect_text(bob2, "to the other");
    cr_assert(bob->session->behind);
}

Test(core_limits, 05_missed_is_told_when_the_log_has_let_go) {
    struct client *carol = join(1003, "carol", HERE);
    enter(bob, "#tea", 0);
    enter(carol, "#tea", 0);
    unsigned n = fill_outbox() - 1;
    uint64_t first_missed = core.seq;
    while (core.log.first_seq <= first_missed) {
        say(alice, "#tea", "missed");
        expect_text(carol, "missed"); /* somebody else's full mailbox is none of hers */
    }
    uint64_t n_left = core.seq + 1 - core.log.first_seq;
    bob->is_full = false;
    ready(bob);
    for (unsigned i = 0; i < n; i++)
        expect_text(bob, "fill");
    cr_assert_eq(expect(bob, FRAME_MISSED)->missed.n, core.log.first_seq - first_missed);
    for (uint64_t i = 0; i < n_left; i++)
        expect_text(bob, "missed");
    say(alice, "#tea", "heard");
    expect_text(bob, "heard");
    ready(bob);
    expect_nothing(bob);
}

Test(core_limits, 06_more_is_followed_by_the_rest) {
    bob->is_silent = true;
    for (int i = 0; i < 100; i++)
        say(alice, "bob", "many messages");
    ready(bob); /* empty: as much as fits, then MORE */
    drain();
    size_t n = bob->n_in - bob->at;
    cr_assert_gt(n, 0);
    cr_assert_lt(n, 100);
    cr_assert(bob->session->outbox.stuck);
    bob->is_silent = false;
    ready(bob);
    for (int i = 0; i < 100; i++)
        expect_text(bob, "many messages");
    expect_nothing(bob);
}

/* Parts. */

static struct uuid begin_parts(uint32_t total, const char *text) {
    struct uuid id = new_id();
    cr_assert_null(give(
        alice,
        &(struct frame){
            .type = FRAME_SEND,
            .flags = FRAME_MORE_PARTS,
            .send = {.id = id, .to = bytes_of("bob"), .total = total, .body = bytes_of(text)}}));
    return id;
}

static const char *give_part(const char *text, unsigned flags) {
    return give(alice, &(struct frame){
                           .type = FRAME_PART, .flags = (uint8_t)flags, .part = {bytes_of(text)}});
}

Test(core_limits, 07_parts_become_one_message) {
    begin_parts(9, "one");
    cr_assert_null(give_part("two", FRAME_MORE_PARTS));
    expect_nothing(bob);
    cr_assert_null(give_part("six", 0));
    expect_text(bob, "onetwosix");
    expect_nothing(bob);
}

/* Breaking the protocol: it is told why, and ends soon. */
static void assert_condemned(struct client *client) {
    const struct frame *fail = expect(client, FRAME_FAIL);
    cr_assert_eq(fail->fail.request, 0);
    cr_assert_eq(fail->fail.code, FAIL_BAD_FRAME);
    cr_assert_gt(fail->fail.reason.n, 0);
    cr_assert(client->session->condemned);
    uint64_t number = client->session->number;
    cr_assert_neq(core_due(&core).ns, 0);
    pass_ms(CONDEMNED_MS);
    cr_assert_null(core_session(&core, number));
}

static void assert_wrong_parts(uint32_t total, const char *text, unsigned flags) {
    begin_parts(total, "one");
    cr_assert_not_null(give_part(text, flags));
    assert_condemned(alice);
    expect_nothing(bob);
    alice = join(ALICE, "alice", HERE);
}

Test(core_limits, 08_parts_that_do_not_add_up_end_the_session) {
    assert_wrong_parts(9, "two", 0);     /* ends early */
    assert_wrong_parts(6, "twofour", 0); /* too long */
    assert_wrong_parts(6, "twofour", FRAME_MORE_PARTS);
    assert_wrong_parts(6, "two", FRAME_MORE_PARTS); /* whole, and more is announced */
    say(alice, "bob", "and on");
    expect_text(bob, "and on");
}

Test(core_limits, 09_a_part_without_a_beginning_ends_the_session) {
    cr_assert_not_null(give_part("x", 0));
    assert_condemned(alice);
}

Test(core_limits, 10_a_message_between_the_parts_of_another_ends_the_session) {
    begin_parts(6, "one");
    struct frame send = {.type = FRAME_SEND, .send = {.id = new_id(), .to = bytes_of("bob")}};
    cr_assert_not_null(give(alice, &send));
    assert_condemned(alice);
    expect_nothing(bob);
}

Test(core_limits, 10_what_a_condemned_session_says_does_not_count_and_is_not_acknowledged) {
    struct uuid before = new_id();
    struct frame send = {.type = FRAME_SEND,
                         .flags = FRAME_ACK_NOW,
                         .send = {.id = new_id(), .to = bytes_of("bob")}};
    give_send(alice, before, "bob", "before", FRAME_ACK_NOW);
    cr_assert(uuid_equal(&expect(alice, FRAME_ACK)->ack.id, &before));
    cr_assert_not_null(give_part("x", 0));
    cr_assert_null(give(alice, &send));
    expect_text(bob, "before");
    expect_nothing(bob);
    assert_condemned(alice);
    expect_nothing(alice);
}

Test(core_limits, 11_the_longest_text_comes_through_in_parts) {
    static char text[MESSAGE_TEXT_MAX], got[MESSAGE_TEXT_MAX];
    enum { PART = 8 * 900 };
    for (size_t i = 0; i < sizeof text; i += 2)
        memcpy(text + i, "\xc3\xa9", 2); /* cut between characters only */
    struct frame frame = {
        .type = FRAME_SEND,
        .flags = FRAME_MORE_PARTS,
        .send = {new_id(), KIND_TEXT, bytes_of("bob"), {{0}}, sizeof text, {text, PART}}};
    cr_assert_null(give(alice, &frame));
    for (size_t at = PART, n; at < sizeof text; at += n) {
        n = sizeof text - at < PART ? sizeof text - at : PART;
        uint8_t flags = at + n < sizeof text ? FRAME_MORE_PARTS : 0;
        cr_assert_null(give(
            alice, &(struct frame){.type = FRAME_PART, .flags = flags, .part = {{text + at, n}}}));
    }
    const struct frame *in = expect(bob, FRAME_MESSAGE);
    cr_assert_eq(in->message.total, sizeof text);
    size_t n = in->message.body.n;
    memcpy(got, in->message.body.data, n);
    while (in->flags & FRAME_MORE_PARTS) {
        in = expect(bob, FRAME_PART);
        cr_assert_leq(n + in->part.body.n, sizeof got);
        memcpy(got + n, in->part.body.data, in->part.body.n);
        n += in->part.body.n;
    }
    cr_assert_eq(n, sizeof text);
    cr_assert_arr_eq(got, text, sizeof text);
}

Test(core_limits, 12_an_unfinished_message_ends_with_its_session) {
    begin_parts(6, "one");
    core_end(&core, alice->session);
    expect_nothing(bob);
}

/* News. */

static const struct frame *expect_news(struct client *client, enum news_what what,
                                       const char *who) {
    const struct frame *frame = expect(client, FRAME_NEWS);
    cr_assert_eq(frame->news.what, what);
    cr_assert(bytes_equal(frame->news.who, bytes_of(who)));
    return frame;
}

static struct client *join_for_news(void) {
    struct client *client = join(1009, "reader", HERE | ABILITY_NEWS);
    pass_ms(NEWS_DELAY_MS);
    expect_news(client, NEWS_ONLINE, "reader");
    return client;
}

Test(core_limits, 13_news_are_gathered) {
    struct client *reader = join_for_news();
    struct client *carol = join(1003, "carol", HERE);
    core_end(&core, join(1004, "dave", HERE)->session); /* came and went: no news */
    core_end(&core, bob->session);
    pass_ms(NEWS_DELAY_MS - 1);
    expect_nothing(reader);
    pass_ms(1);
    expect_news(reader, NEWS_ONLINE, "carol");
    expect_news(reader, NEWS_OFFLINE, "bob");
    expect_nothing(reader);
    expect_nothing(carol);
}

Test(core_limits, 14_away_and_back) {
    struct client *reader = join_for_news();
    give(bob, &(struct frame){.type = FRAME_AWAY, .away = {1, 1, bytes_of("lunch")}});
    pass_ms(NEWS_DELAY_MS);
    const struct frame *frame = expect_news(reader, NEWS_AWAY, "bob");
    cr_assert(bytes_equal(frame->news.detail, bytes_of("lunch")));
    give(bob, &(struct frame){.type = FRAME_AWAY, .away = {.request = 2}});
    pass_ms(NEWS_DELAY_MS);
    expect_news(reader, NEWS_BACK, "bob");
    expect_nothing(reader);
}

Test(core_limits, 15_news_of_a_room_are_for_those_in_it) {
    struct client *reader = join_for_news();
    enter(alice, "#milk", 0);
    enter(bob, "#tea", 0);
    enter(reader, "#tea", 0);
    pass_ms(NEWS_DELAY_MS);
    expect_news(reader, NEWS_JOINED, "bob");
    expect_news(reader, NEWS_JOINED, "reader");
    leave(bob, "#tea");
    pass_ms(NEWS_DELAY_MS);
    const struct frame *frame = expect_news(reader, NEWS_LEFT, "bob");
    cr_assert(bytes_equal(frame->news.room, bytes_of("#tea")));
    expect_nothing(reader);
}

Test(core_limits, 16_a_crowd_is_told_as_a_number) {
    struct client *reader = join_for_news();
    char handle[16];
    for (int i = 0; i < 50; i++) {
        snprintf(handle, sizeof handle, "guest%d", i);
        join(1003, handle, HERE);
    }
    core_end(&core, bob->session);
    pass_ms(NEWS_DELAY_MS);
    const struct frame *frame = expect(reader, FRAME_NEWS);
    cr_assert_eq(frame->news.what, NEWS_MANY);
    cr_assert(bytes_equal(frame->news.detail, bytes_of("50 came, 1 left")));
    expect_nothing(reader);
}

/* Time. */

#define ALONE_MS 1000 /* after which nobody else counts as at work */

Test(core_limits, 17_alone_nobody_waits) {
    struct user *user = alice->session->user;
    core_throttle_ns(&core, user);
    pass_ms(ALONE_MS);
    for (int i = 0; i < 100; i++) {
        pass_ms(10);
        core_spend_time(&core, user, 10 * NS_PER_MS);
        cr_assert_eq(core_throttle_ns(&core, user), 0);
    }
}

Test(core_limits, 18_beside_others_who_has_used_up_the_share_waits) {
    struct user *user = alice->session->user, *other = bob->session->user;
    core_spend_time(&core, other, 1000);
    core_spend_time(&core, user, 100 * NS_PER_MS);
    int64_t ns = core_throttle_ns(&core, user);
    cr_assert_gt(ns, 100 * NS_PER_MS, "half of the time is the other's");
    cr_assert_eq(core_throttle_ns(&core, other), 0, "who used little does not wait");
    for (int64_t passed = 0; passed <= ns / NS_PER_MS; passed += 10) {
        pass_ms(10);
        core_spend_time(&core, other, 1000);
    }
    cr_assert_eq(core_throttle_ns(&core, user), 0, "after the time that was named");
}

Test(core_limits, 19_nobody_waits_for_ever) {
    struct user *user = alice->session->user;
    core_spend_time(&core, user, 100 * NS_PER_S);
    pass_ms(1);
    cr_assert_leq(core_throttle_ns(&core, user), NS_PER_S);
}

Test(core_limits, 20_only_who_knows_gates_is_told_of_one) {
    struct client *dave = join(1004, "dave", HERE | ABILITY_GATE);
    struct client *erin = join(1005, "erin", HERE);
    core_tell_gate(&core, dave->session, 4711);
    core_tell_gate(&core, erin->session, 4712);
    cr_assert_eq(expect(dave, FRAME_GATE)->gate.shmid, 4711);
    expect_nothing(erin);
}

/* Memory. */

/* Sessions of one user that read nothing. */
#define SILENT 60
static struct client *silent[SILENT];

static void join_silent(void) {
    for (int i = 0; i < SILENT; i++) {
        silent[i] = join(CAROL, "carol", HERE);
        silent[i]->is_full = true;
    }
}

Test(core_limits, 21_answers_that_nobody_takes_end_who_asks_before_the_bound_is_passed) {
    struct frame list = {.type = FRAME_LIST, .list = {.request = 1, .what = LIST_COUNTERS}};
    unsigned n_over = 0;
    join_silent();
    for (int round = 0; round < 2000 && n_over == 0; round++)
        for (int i = 0; i < SILENT && n_over == 0; i++) {
            give(silent[i], &list);
            drain();
            n_over += is_over(silent[i]);
            cr_assert_leq(memory_of(CAROL), ACCOUNT_MEMORY_BYTES);
        }
    cr_assert_gt(n_over, 0);
    say(alice, "bob", "the others have theirs");
    expect_text(bob, "the others have theirs");
}

Test(core_limits, 22_messages_that_nobody_takes_keep_the_bound_and_come_from_the_log) {
    join_silent();
    drain();
    use_up_memory(CAROL, ACCOUNT_MEMORY_BYTES / 4 + 20 * CHUNK_BYTES_MAX);
    uint64_t before = memory_of(CAROL);
    for (int i = 0; i < 200; i++) {
        say(alice, "carol", "to all of hers");
        drain();
    }
    cr_assert_leq(memory_of(CAROL), before + (20 + SILENT) * CHUNK_BYTES_MAX);
    for (int i = 0; i < SILENT; i++) {
        cr_assert_not(is_over(silent[i]), "nobody is ended for being slow");
        silent[i]->is_full = false;
        ready(silent[i]);
        for (int j = 0; j < 200; j++)
            expect_text(silent[i], "to all of hers");
        expect_nothing(silent[i]);
    }
    give_back_memory(CAROL);
}

Test(core_limits, 22_what_all_sessions_of_a_user_get_is_kept_once) {
    join_silent();
    drain();
    uint64_t before = memory_of(CAROL);
    unsigned n = 0;
    for (; memory_of(CAROL) < before + 64 * CHUNK_BYTES_MAX && n < 2000; n++) {
        say(alice, "carol", "to each of hers, and to all of them");
        core_close_run(&core);
    }
    cr_assert_gt(n, 300, "a copy for each of %d would have taken more", SILENT);
    for (int i = 0; i < SILENT; i++) {
        cr_assert_not(silent[i]->session->behind);
        silent[i]->is_full = false;
        session_touch(&core, silent[i]->session);
    }
    drain();
    for (int i = 0; i < SILENT; i++) {
        for (unsigned j = 0; j < n; j++)
            expect_text(silent[i], "to each of hers, and to all of them");
        expect_nothing(silent[i]);
    }
    cr_assert_eq(memory_of(CAROL), before);
}

Test(core_limits, 23_beyond_the_bound_what_waits_is_given_back_and_comes_again) {
    join_silent();
    drain();
    use_up_memory(CAROL, 0);
    uint64_t before = memory_of(CAROL);
    for (int i = 0; i < 50; i++) {
        say(alice, "carol", "later");
        drain();
        cr_assert_eq(memory_of(CAROL), before);
    }
    give_back_memory(CAROL);
    for (int i = 0; i < SILENT; i++) {
        cr_assert_not(is_over(silent[i]));
        silent[i]->is_full = false;
        ready(silent[i]);
        for (int j = 0; j < 50; j++)
            expect_text(silent[i], "later");
        expect_nothing(silent[i]);
    }
}

Test(core_limits, 24_parts_that_wait_for_the_rest_are_charged) {
    struct account *account = &alice->session->user->account;
    uint64_t before = account->used[ACCOUNT_MEMORY];
    begin_parts(60000, "one");
    cr_assert_gt(account->used[ACCOUNT_MEMORY], before + 60000);
    core_end(&core, alice->session);
    cr_assert_leq(account->used[ACCOUNT_MEMORY], before);
    alice = join(ALICE, "alice", HERE);
    uint64_t n = account_left(account, ACCOUNT_MEMORY) - 1000;
    account_spend(account, ACCOUNT_MEMORY, n);
    struct uuid id = begin_parts(60000, "one");
    const struct frame *refused = expect(alice, FRAME_REFUSED);
    cr_assert(uuid_equal(&refused->refused.id, &id));
    cr_assert_eq(refused->refused.code, FAIL_LIMIT);
    cr_assert_null(give_part("two", FRAME_MORE_PARTS), "the sender could not know");
    cr_assert_null(give_part("three", 0));
    cr_assert_not_null(give_part("four", 0), "but that was the last one");
    account_give_back(account, ACCOUNT_MEMORY, n);
}

/* Others' attention. */

static void receipt(struct client *from, struct uuid id, struct client *sender) {
    give(from,
         &(struct frame){.type = FRAME_RECEIPT,
                         .receipt = {id, STATE_READ, sender->link, sender->session->user->uid}});
}

Test(core_limits, 25_a_receipt_for_somebody_elses_message_says_nothing) {
    struct client *carol = join(CAROL, "carol", HERE);
    struct uuid id = say(alice, "bob", "x");
    expect_text(bob, "x");
    pass_ms(ACK_DELAY_MS);
    expect(alice, FRAME_ACK);
    receipt(carol, id, alice);
    expect_nothing(alice);
    receipt(bob, id, alice);
    expect(alice, FRAME_STATE);
    enter(bob, "#tea", 0);
    id = say(alice, "#tea", "to all in it");
    expect_text(bob, "to all in it");
    pass_ms(ACK_DELAY_MS);
    expect(alice, FRAME_ACK);
    receipt(carol, id, alice);
    expect_nothing(alice);
    receipt(bob, id, alice);
    expect(alice, FRAME_STATE);
}

static void expect_read(struct client *by, const char *name, uint8_t flags) {
    const struct frame *frame = expect(by, FRAME_STATE);
    cr_assert(bytes_equal(frame->state.by, bytes_of(name)));
    cr_assert_eq(frame->flags & FRAME_RECIPIENT, flags);
}

Test(core_limits, 25_a_receipt_is_its_users_whatever_his_name_is_meanwhile) {
    enum fail_code code;
    struct client *root = join(0, "root", HERE);
    struct uuid first = say(alice, "bob", "x"), second = say(alice, "bob", "y");
    expect_text(bob, "x");
    expect_text(bob, "y");
    pass_ms(ACK_DELAY_MS);
    expect(alice, FRAME_ACK);
    rename_to(bob, "robert");
    receipt(bob, first, alice);
    expect_read(alice, "robert", FRAME_RECIPIENT);
    give(root, &(struct frame){.type = FRAME_RELEASE, .release = {77, bytes_of("bob")}});
    expect(root, FRAME_DONE);
    struct client *other = try_join(CAROL, "bob", HERE, &code);
    cr_assert_not_null(other, "the name is free now");
    receipt(other, second, alice);
    expect_nothing(alice);
    receipt(bob, second, alice);
    expect_read(alice, "robert", FRAME_RECIPIENT);
    receipt(bob, new_id(), alice);
    expect_read(alice, "robert", 0);
}

Test(core_limits, 26_notices_are_charged_and_do_not_hold_up_what_others_say) {
    struct client *carol = join(CAROL, "carol", HERE);
    drain();
    alice->is_full = true;
    say(bob, "alice", "before");
    drain();
    for (int i = 0; i < 10000; i++)
        receipt(carol, new_id(), alice);
    struct account *account = &carol->session->user->account;
    cr_assert_eq(account->spent[ACCOUNT_NOTICES], 10000);
    cr_assert_gt(core_throttle_ns(&core, carol->session->user), 0, "and so she is read later");
    cr_assert_leq(alice->session->outbox.n_chunks, NOTICES_BYTES_MAX / core.config.batch + 4);
    for (int i = 0; i < 100; i++)
        say(bob, "alice", "what others say");
    cr_assert_not(alice->session->behind);
    receipt(alice, new_id(), alice);
    cr_assert_eq(alice->session->user->account.spent[ACCOUNT_NOTICES], 0, "her own attention");
    core_throttle_ns(&core, alice->session->user);
}

/* Offers. */

Test(core_limits, 27_an_offer_is_its_senders_whoever_else_uses_its_id) {
    struct client *carol = join(CAROL, "carol", HERE);
    struct uuid id = new_id();
    struct frame offer = offer_of(id, "alice");
    give(carol, &offer); /* she has seen the id, and is there first */
    expect(carol, FRAME_DONE);
    expect(alice, FRAME_OFFERED);
    give(bob, &offer);
    expect(bob, FRAME_DONE);
    cr_assert_eq(expect(alice, FRAME_OFFERED)->offered.uid, BOB);
    give(alice, &(struct frame){.type = FRAME_SIGNAL,
                                .signal = {.offer = id,
                                           .uid = BOB,
                                           .link = bob->link,
                                           .said = {.what = SIGNAL_ACCEPT}}});
    cr_assert_eq(expect(bob, FRAME_SIGNALLED)->signalled.uid, ALICE);
    expect_nothing(carol);
    give(carol, &(struct frame){.type = FRAME_WITHDRAW, .withdraw = {id, 0}});
    expect(alice, FRAME_WITHDRAW);
    give(bob, &offer);
    cr_assert_eq(expect(bob, FRAME_FAIL)->fail.code, FAIL_LIMIT, "his is open as before");
}

Test(core_limits, 28_an_offer_whose_taker_is_gone_can_be_taken_again) {
    struct uuid id = new_id();
    struct frame offer = offer_of(id, "bob"), accept = {.type = FRAME_SIGNAL};
    struct frame list = {.type = FRAME_LIST, .list = {.request = 3, .what = LIST_OFFERS}};
    struct client *bob2 = join(BOB, "bob", HERE);
    accept.signal = (struct frame_signal){
        .offer = id, .uid = ALICE, .link = alice->link, .said = {.what = SIGNAL_ACCEPT}};
    give(alice, &offer);
    expect(alice, FRAME_DONE);
    expect(bob, FRAME_OFFERED);
    expect(bob2, FRAME_OFFERED);
    give(bob, &accept);
    cr_assert_eq(expect(bob2, FRAME_WITHDRAW)->withdraw.why, WITHDRAW_TAKEN);
    give(bob2, &list);
    expect(bob2, FRAME_DONE);
    core_end(&core, bob->session);
    give(bob2, &list);
    expect(bob2, FRAME_OFFERED);
    expect(bob2, FRAME_DONE);
    core_end(&core, alice->session);
    cr_assert_eq(expect(bob2, FRAME_WITHDRAW)->withdraw.why, WITHDRAW_LOST);
    cr_assert_eq(core_user(&core, ALICE)->account.used[ACCOUNT_OFFERS], 0);
}

/* Who pays. */

Test(core_limits, 29_many_sessions_of_one_user_are_his_own_affair) {
    struct user *speaker = alice->session->user;
    enter(alice, "#tea", 0);
    for (int i = 0; i < 40; i++)
        enter(join(CAROL, "carol", HERE), "#tea", 0);
    drain();
    core_spend_time(&core, NULL, 1);
    pass_ms(1000);
    core_throttle_ns(&core, speaker);
    uint64_t before = speaker->account.spent[ACCOUNT_TIME];
    say(alice, "#tea", "x");
    core_close_run(&core);
    core_spend_time(&core, speaker, NS_PER_MS);
    uint64_t paid = speaker->account.spent[ACCOUNT_TIME] - before;
    cr_assert_lt(paid, NS_PER_MS / 10, "%lu", paid);
    cr_assert_gt(paid, 0);
    struct user *listener = core_user(&core, CAROL);
    cr_assert_gt(listener->account.spent[ACCOUNT_TIME], NS_PER_MS / 10 * 9);
    for (int i = 0; i < 100; i++) {
        say(alice, "#tea", "x");
        core_close_run(&core);
        core_spend_time(&core, speaker, NS_PER_MS);
    }
    cr_assert_eq(core_throttle_ns(&core, listener), 0, "nobody is read later because of others");
    cr_assert_gt(core_throttle_ns(&core, speaker), 0, "but who is loud is");
}

Test(core_limits, 30_a_user_with_many_sessions_is_one_to_be_told) {
    struct account *account = &alice->session->user->account;
    for (int i = 0; i < 40; i++)
        join(CAROL, "carol", HERE);
    drain();
    uint64_t before = account->spent[ACCOUNT_NOTICES];
    struct frame offer = offer_of(new_id(), "carol");
    give(alice, &offer);
    cr_assert_eq(account->spent[ACCOUNT_NOTICES], before + 1);
    struct client *second = join(ALICE, "alice.two", HERE);
    pass_ms(1000);
    cr_assert_leq(account->spent[ACCOUNT_NOTICES], before + 1 + 2 * HASH_COUNT(core.users));
    core_end(&core, second->session);
}

Test(core_limits, 31_what_was_given_back_is_not_passed_over_by_an_older_answer) {
    struct session *session = alice->session;
    struct ask ask = {.what = ASK_FEED, .session = session->number, .view = session->view};
    session->is_asking = true;
    session->feed_next = 50;
    session->behind = true;
    feed_fall_back(session, 7);
    core_fed(&core, &ask, NULL, 0, 100, NULL);
    cr_assert_eq(session->feed_next, 7, "it asks again");
    session->is_asking = true;
    core_fed(&core, &ask, NULL, 0, 0, "it took too long");
    cr_assert(core_session(&core, ask.session), "an answer that is out of date ends nothing");
    drain();
}

Test(core_limits, 32_a_receipt_that_comes_with_many_others_arrives) {
    struct uuid ids[1000];
    for (int i = 0; i < 1000; i++)
        ids[i] = new_id();
    drain();
    for (int i = 0; i < 1000; i++) {
        struct frame frame = {.type = FRAME_RECEIPT,
                              .receipt = {ids[i], STATE_READ, alice->link, ALICE}};
        cr_assert_null(core_receive(&core, bob->session, &frame));
    }
    cr_assert(core.wants_flush, "they are to be sent soon");
    for (int i = 0; i < 1000; i++)
        cr_assert(uuid_equal(&expect(alice, FRAME_STATE)->state.id, &ids[i]));
}

Test(core_limits, 33_a_list_of_queues_for_which_there_is_no_memory_is_refused) {
    struct account *account = &alice->session->user->account;
    struct frame list = {.type = FRAME_LIST, .list = {.request = 1, .what = LIST_OBJECTS}};
    uint64_t before = account->used[ACCOUNT_MEMORY], n = account_left(account, ACCOUNT_MEMORY);
    account_spend(account, ACCOUNT_MEMORY, n);
    for (int i = 0; i < 100; i++)
        core_answer_object(&core, alice->session, 1, OBJECT_LANE, i, ALICE, 1);
    give(alice, &list);
    cr_assert_eq(expect(alice, FRAME_FAIL)->fail.code, FAIL_LIMIT);
    account_give_back(account, ACCOUNT_MEMORY, n);
    cr_assert_eq(account->used[ACCOUNT_MEMORY], before);
    for (int i = 0; i < 100; i++)
        core_answer_object(&core, alice->session, 1, OBJECT_LANE, i, ALICE, 1);
    cr_assert_gt(account->used[ACCOUNT_MEMORY], before);
    give(alice, &list);
    for (int i = 0; i < 102; i++) /* with the mailboxes */
        expect(alice, FRAME_OBJECT);
    expect(alice, FRAME_DONE);
    cr_assert_eq(account->used[ACCOUNT_MEMORY], before);
}
