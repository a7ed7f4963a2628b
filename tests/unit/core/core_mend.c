/* Edits and removals: who may, who hears of it, and what the log has of the text then. */
#include <stdio.h>
#include <stdlib.h>

#include "base/macro.h"
#include "proto/mend.h"
#include "unit/core/fake_store.h"

#define KNOWS (HERE | ABILITY_LINES | ABILITY_MENDS)
#define ROOT 0
#define LOG_BYTES ((size_t)1024 * 1024)

static struct client *alice, *bob, *carol, *old, *root;
static bool is_durable;

static void setup_people(void) {
    alice = join(ALICE, "alice", KNOWS);
    bob = join(BOB, "bob", KNOWS);
    carol = join(CAROL, "carol", KNOWS);
    old = join(1004, "old", HERE);
    root = join(ROOT, "root", KNOWS);
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

TestSuite(core_mend, .init = setup_ephemeral, .fini = world_end);
TestSuite(core_mend_stored, .init = setup_durable, .fini = durable_end);

static void work(void) {
    if (is_durable)
        settle();
    else
        drain();
}

/* As the hub does it: what the log does not have is looked for in the store. */
static struct uuid send_mend(struct client *from, uint8_t kind, struct uuid target, const char *to,
                             const char *text, unsigned flags) {
    struct record like;
    struct frame frame = {.type = FRAME_SEND,
                          .flags = (uint8_t)flags,
                          .send = {.id = new_id(),
                                   .kind = kind,
                                   .to = bytes_of(to),
                                   .reply_to = target,
                                   .total = (uint32_t)strlen(text),
                                   .body = bytes_of(text)}};
    core.target = (struct core_target){0};
    if (core_awaits_target(&core, from->session, &frame, &like))
        fake_find_target(&like, &core.target);
    cr_assert_null(give(from, &frame));
    core.target = (struct core_target){0};
    return frame.send.id;
}

static struct uuid edit(struct client *from, struct uuid target, const char *text) {
    return send_mend(from, KIND_EDIT, target, MEND_TO, text, 0);
}

static struct uuid take_back(struct client *from, struct uuid target, unsigned uid) {
    char body[64];
    snprintf(body, sizeof body, "%u\nwhy", uid);
    return send_mend(from, KIND_REMOVE, target, MEND_TO, body, 0);
}

static void expect_mend(struct client *client, uint8_t kind, struct uuid target, const char *text) {
    const struct frame *frame = expect(client, FRAME_MESSAGE);
    cr_assert_eq(frame->message.kind, kind);
    cr_assert(uuid_equal(&frame->message.reply_to, &target));
    cr_assert(bytes_equal(frame->message.body, bytes_of(text)), "%.*s", (int)frame->message.body.n,
              frame->message.body.data);
}

static void expect_not(struct client *from, struct uuid id) {
    work();
    const struct frame *frame;
    while ((frame = next_frame(from)) && frame->type != FRAME_REFUSED)
        ;
    cr_assert(frame && uuid_equal(&frame->refused.id, &id), "it is refused");
    cr_assert_eq(frame->refused.code, FAIL_NOT_PERMITTED);
}

/* The newest of the past with alice, or in the room. */
static const struct frame *newest(struct client *client, const char *conv) {
    struct frame history = {.type = FRAME_HISTORY,
                            .history = {.request = 3, .limit = 1, .conv = bytes_of(conv)}};
    work();
    while (next_frame(client))
        ;
    give(client, &history);
    work();
    return expect(client, FRAME_PAST);
}

static void everybody_hears_of_it(void) {
    struct uuid target = say(alice, "#tea", "one");
    expect_text(bob, "one");
    expect_text(old, "one");
    edit(alice, target, "two");
    expect_mend(bob, KIND_EDIT, target, "two");
    expect_mend(old, KIND_NOTICE, target, "edited: two");
    take_back(alice, target, ALICE);
    expect_mend(bob, KIND_REMOVE, target, "1001\nwhy");
    expect_mend(old, KIND_NOTICE, target, "removed a message: why");
}

Test(core_mend, 01_everybody_hears_of_it) {
    everybody_hears_of_it();
}

Test(core_mend_stored, 01_everybody_hears_of_it) {
    everybody_hears_of_it();
}

static void the_past_shows_what_it_is_now(void) {
    struct uuid target = say(alice, "#tea", "one");
    edit(alice, target, "two");
    const struct frame *past = newest(bob, "#tea");
    cr_assert_eq(past->past.kind, KIND_TEXT | KIND_EDITED);
    cr_assert(bytes_equal(past->past.body, bytes_of("two")));
    cr_assert(bytes_equal(newest(old, "#tea")->past.body, bytes_of("two")));
    take_back(alice, target, ALICE);
    past = newest(bob, "#tea");
    cr_assert_eq(past->past.kind, KIND_TEXT | KIND_REMOVED);
    cr_assert(bytes_equal(past->past.body, bytes_of("alice")));
    past = newest(old, "#tea");
    cr_assert_eq(past->past.kind, KIND_NOTICE);
    cr_assert(bytes_equal(past->past.body, bytes_of("removed by alice")));
}

Test(core_mend, 02_the_past_shows_what_it_is_now) {
    the_past_shows_what_it_is_now();
}

Test(core_mend_stored, 02_the_past_shows_what_it_is_now) {
    the_past_shows_what_it_is_now();
}

/* Who may do what: to a message in a room, and to one of alice's to bob. */
struct right {
    struct client **who;
    bool edits, removes;
};

static void rights_to(const char *conv) {
    bool is_room = conv[0] == '#';
    const struct right rights[] = {
        {&alice, true, true},     {&bob, false, false}, /* who has got it */
        {&carol, false, is_room},                       /* whose room it is, or a stranger to it */
        {&old, false, false},     {&root, false, true},
    };
    for (size_t i = 0; i < ARRAY_LEN(rights); i++) {
        struct client *who = *rights[i].who;
        struct uuid target = say(alice, conv, "one");
        struct uuid by = edit(who, target, "two");
        if (!rights[i].edits)
            expect_not(who, by);
        by = take_back(who, target, ALICE);
        if (!rights[i].removes)
            expect_not(who, by);
        work();
        const struct frame *past = newest(bob, is_room ? conv : "alice");
        cr_assert_eq((past->past.kind & KIND_REMOVED) != 0, rights[i].removes, "%zu", i);
    }
}

Test(core_mend, 03_rights_in_a_room) {
    rights_to("#tea");
}

Test(core_mend_stored, 03_rights_in_a_room) {
    rights_to("#tea");
}

Test(core_mend, 04_rights_in_a_direct_conversation) {
    rights_to("bob");
}

Test(core_mend_stored, 04_rights_in_a_direct_conversation) {
    rights_to("bob");
}

Test(core_mend, 05_what_an_administrator_removes_between_two_is_told_to_both) {
    struct uuid target = say(alice, "bob", "one");
    expect_text(bob, "one");
    take_back(root, target, ALICE);
    expect_mend(alice, KIND_REMOVE, target, "1001\nwhy");
    expect_mend(bob, KIND_REMOVE, target, "1001\nwhy");
}

/* All refusals that are about something which one may not see are the same. */
static void it_tells_nothing(void) {
    struct uuid theirs = say(bob, "#tea", "bob's"), secret = say(bob, "carol", "between us");
    struct uuid mine = say(alice, "#tea", "mine"), by = edit(alice, mine, "mine again");
    char first[256] = "";
    work();
    while (next_frame(alice))
        ;
    struct uuid ids[] = {
        edit(alice, theirs, "forged"),
        edit(alice, secret, "forged"),
        edit(alice, new_id(), "forged"),
        edit(alice, by, "of an edit"),
        take_back(alice, theirs, BOB),
        take_back(alice, secret, BOB),
        take_back(alice, new_id(), BOB),
        take_back(alice, new_id(), 4711),
        take_back(alice, mine, BOB), /* bob has no such message */
        send_mend(alice, KIND_EDIT, mine, "bob", "elsewhere", 0),
        send_mend(alice, KIND_EDIT, mine, "#nowhere", "elsewhere", 0),
        send_mend(alice, KIND_REMOVE, mine, MEND_TO, "no number", 0),
        send_mend(alice, KIND_EDIT, (struct uuid){{0}}, MEND_TO, "of nothing", 0),
    };
    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        const struct frame *frame = expect(alice, FRAME_REFUSED);
        cr_assert(uuid_equal(&frame->refused.id, &ids[i]));
        cr_assert_eq(frame->refused.code, FAIL_NOT_PERMITTED);
        char text[256];
        snprintf(text, sizeof text, "%.*s", (int)frame->refused.reason.n,
                 frame->refused.reason.data);
        if (i == 0)
            memcpy(first, text, sizeof first);
        cr_assert_str_eq(text, first);
    }
}

Test(core_mend, 06_a_refusal_tells_nothing) {
    it_tells_nothing();
}

Test(core_mend_stored, 06_a_refusal_tells_nothing) {
    it_tells_nothing();
}

static void age_ms(int64_t ms) {
    core_set_time(&core, core.now, (wall_time){core.wall.ms + ms});
}

Test(core_mend, 07_only_for_a_while_but_administrators_always) {
    struct uuid target = say(alice, "#tea", "one");
    age_ms(core.config.mend_ms);
    edit(alice, target, "two");
    cr_assert_eq(newest(bob, "#tea")->past.kind, KIND_TEXT | KIND_EDITED);
    age_ms(2);
    expect_not(alice, edit(alice, target, "three"));
    expect_not(alice, take_back(alice, target, ALICE));
    take_back(root, target, ALICE);
    cr_assert_eq(newest(bob, "#tea")->past.kind, KIND_TEXT | KIND_REMOVED);
    expect_not(root, take_back(root, target, ALICE)); /* once */
}

Test(core_mend, 08_a_file_can_be_removed_only) {
    struct frame file = {.type = FRAME_SEND,
                         .send = {.id = new_id(),
                                  .kind = KIND_FILE,
                                  .to = bytes_of("bob"),
                                  .total = 4,
                                  .body = bytes_of("AQID")}};
    give(alice, &file);
    expect_not(alice, edit(alice, file.send.id, "text"));
    take_back(alice, file.send.id, ALICE);
    const struct frame *past = newest(bob, "alice");
    cr_assert_eq(past->past.kind, KIND_TEXT | KIND_REMOVED);
}

/* Who was away gets the text that it has now, and the last edit; of what was removed only that. */
static void who_was_away(void) {
    core_end(&core, bob->session);
    struct uuid kept = say(alice, "bob", "one"), gone = say(alice, "bob", "secret");
    edit(alice, kept, "two");
    edit(alice, gone, "more secret");
    work();
    edit(alice, kept, "three");
    take_back(alice, gone, ALICE);
    work();
    bob = join(BOB, "bob", KNOWS);
    work();
    expect_late(bob, "three");
    expect_mend(bob, KIND_EDIT, kept, "three");
    expect_mend(bob, KIND_REMOVE, gone, "1001\nwhy");
}

Test(core_mend, 09_who_was_away_is_told_the_end_of_it) {
    who_was_away();
}

Test(core_mend_stored, 09_who_was_away_is_told_the_end_of_it) {
    who_was_away();
}

static bool log_has(const char *text) {
    for (const struct log_block *block = core.log.head; block; block = block->next)
        if (memmem(block->bytes, block->size, text, strlen(text)))
            return true;
    return false;
}

static void the_log_has_nothing_of_it(void) {
    struct uuid target = say(alice, "#tea", "first secret"),
                gone = say(alice, "#tea", "second secret");
    edit(alice, target, "third secret");
    edit(alice, gone, "fourth secret, and longer than it was");
    work();
    cr_assert(log_has("third secret"));
    edit(alice, target, "harmless");
    take_back(alice, gone, ALICE);
    work();
    cr_assert_not(log_has("secret"));
    cr_assert(log_has("harmless"));
}

Test(core_mend, 10_the_log_has_nothing_of_it_any_more) {
    the_log_has_nothing_of_it();
}

Test(core_mend_stored, 10_the_log_has_nothing_of_it_any_more) {
    the_log_has_nothing_of_it();
}

Test(core_mend_stored, 11_while_it_is_being_stored_the_log_does_not_change) {
    struct uuid target = say(alice, "#tea", "one");
    commit_take();
    edit(alice, target, "two");
    cr_assert(log_has("one"), "the store reads it just now");
    commit_finish();
    cr_assert(log_has("one"), "and will read the edit only now");
    work();
    cr_assert_not(log_has("one"));
}

Test(core_mend_stored, 12_what_is_not_in_the_log_is_asked_of_the_store) {
    struct uuid target = say(alice, "#tea", "one");
    work();
    hub_crash();
    setup_people();
    edit(alice, target, "two");
    work();
    cr_assert(bytes_equal(newest(bob, "#tea")->past.body, bytes_of("two")));
    expect_not(bob, edit(bob, target, "forged"));
    take_back(alice, target, ALICE);
    cr_assert_eq(newest(bob, "#tea")->past.kind, KIND_TEXT | KIND_REMOVED);
}

static uint64_t ack_of(struct client *client, struct uuid id) {
    const struct frame *frame;
    do
        frame = expect(client, FRAME_ACK);
    while (!uuid_equal(&frame->ack.id, &id));
    return frame->ack.seq;
}

Test(core_mend_stored, 13_sent_again_it_is_acknowledged_and_done_once) {
    struct uuid target = say(alice, "#tea", "one");
    struct frame frame = {.type = FRAME_SEND,
                          .flags = FRAME_WANT_SEQ,
                          .send = {.id = new_id(),
                                   .kind = KIND_REMOVE,
                                   .to = bytes_of(MEND_TO),
                                   .reply_to = target,
                                   .total = 5,
                                   .body = bytes_of("1001\n")}};
    give(alice, &frame);
    work();
    uint64_t seq = ack_of(alice, frame.send.id);
    frame.flags |= FRAME_REPEAT;
    give(alice, &frame);
    work();
    cr_assert_eq(ack_of(alice, frame.send.id), seq, "of the first one");
    expect_text(bob, "one");
    expect_mend(bob, KIND_REMOVE, target, "1001\n");
    expect_nothing(bob);
}

/* Nothing was done under this id but something else: to say that it is stored would be false. */
Test(core_mend_stored, 18_under_a_used_id_of_what_is_not_there_it_is_no_repeat) {
    struct uuid used = say(alice, "#tea", "one");
    struct frame frame = {.type = FRAME_SEND,
                          .flags = FRAME_REPEAT,
                          .send = {.id = used,
                                   .kind = KIND_EDIT,
                                   .to = bytes_of(MEND_TO),
                                   .reply_to = new_id(),
                                   .total = 3,
                                   .body = bytes_of("two")}};
    work();
    give(alice, &frame);
    expect_not(alice, used);
    work();
    frame.send.kind = KIND_TEXT;
    frame.send.reply_to = (struct uuid){{0}};
    frame.send.to = bytes_of("nobody");
    give(alice, &frame);
    expect_not(alice, used);
}

/* The store is asked when the last part is there. */
Test(core_mend_stored, 19_an_edit_in_parts) {
    struct uuid target = say(alice, "#tea", "one");
    struct record like;
    struct frame first = {.type = FRAME_SEND,
                          .flags = FRAME_MORE_PARTS,
                          .send = {.id = new_id(),
                                   .kind = KIND_EDIT,
                                   .to = bytes_of("#tea"),
                                   .reply_to = target,
                                   .total = 4,
                                   .body = bytes_of("tw")}};
    struct frame last = {.type = FRAME_PART, .part = {bytes_of("o.")}};
    work();
    cr_assert_not(core_awaits_target(&core, alice->session, &last, &like), "of nothing");
    cr_assert_not(core_awaits_target(&core, alice->session, &first, &like), "not yet");
    cr_assert_null(give(alice, &first));
    cr_assert_not(core_awaits_target(&core, alice->session, &last, &like), "the log has it");
    cr_assert_null(give(alice, &last));
    expect_text(bob, "one");
    expect_mend(bob, KIND_EDIT, target, "two.");
}

/* Where it was said can be named; another place is none. */
Test(core_mend_stored, 20_in_another_conversation_it_is_not_there) {
    struct uuid target = say(alice, "#tea", "one"), direct = say(alice, "bob", "psst");
    work();
    enter(alice, "#other", 0);
    work();
    expect_not(alice, send_mend(alice, KIND_EDIT, target, "#other", "two", 0));
    expect_not(alice, send_mend(alice, KIND_EDIT, target, "bob", "two", 0));
    expect_not(alice, send_mend(alice, KIND_EDIT, target, "#nowhere", "two", 0));
    expect_not(alice, send_mend(alice, KIND_EDIT, direct, "carol", "two", 0));
    (void)send_mend(alice, KIND_EDIT, direct, "bob", "hush", 0);
    (void)send_mend(alice, KIND_EDIT, target, "#tea", "two", 0);
    work();
    expect_text(bob, "one");
    expect_text(bob, "psst");
    expect_mend(bob, KIND_EDIT, direct, "hush");
    expect_mend(bob, KIND_EDIT, target, "two");
}

Test(core_mend_stored, 14_what_could_not_be_stored_is_mended_in_no_log) {
    struct uuid target = say(alice, "#tea", "one");
    work();
    fake.fails = true;
    edit(alice, target, "two");
    commit_take();
    commit_finish();
    cr_assert(log_has("one"));
    fake.fails = false;
}

Test(core_mend_stored, 15_it_is_not_unread_and_nothing_removed_is) {
    struct frame ask = {.type = FRAME_UNREAD, .unread = {.request = 9, .conv = bytes_of("alice")}};
    struct uuid kept = say(alice, "bob", "one"), gone = say(alice, "bob", "two");
    for (int i = 0; i < 10; i++)
        edit(alice, kept, "edited");
    take_back(alice, gone, ALICE);
    work();
    while (next_frame(bob))
        ;
    give(bob, &ask);
    work();
    cr_assert_eq(expect(bob, FRAME_COUNT)->count.unread, 1);
}

/* Page by page; each has its numbers in order. */
static unsigned n_in_all_pages(bool forward, size_t n_text) {
    struct frame ask = {.type = FRAME_HISTORY,
                        .history = {.request = 3, .limit = 100, .conv = bytes_of("#tea")}};
    unsigned n = 0;
    ask.history.after = forward ? 1 : 0; /* before it the first message has none */
    for (unsigned n_before = 1; n != n_before;) {
        uint64_t first = 0, last = 0;
        const struct frame *frame;
        n_before = n;
        while (next_frame(bob))
            ;
        give(bob, &ask);
        while ((frame = next_frame(bob)) && frame->type != FRAME_DONE) {
            if (frame->type != FRAME_PAST)
                continue;
            cr_assert_gt(frame->past.seq, last);
            cr_assert_eq(frame->past.total, n_text);
            first = first ? first : frame->past.seq;
            last = frame->past.seq;
            n++;
        }
        if (forward)
            ask.history.after = last ? last : ask.history.after;
        else
            ask.history.before = first ? first : ask.history.before;
    }
    return n;
}

/* Many short messages, each with a long text by now: more than one slice of the log holds. */
Test(core_mend, 16_the_past_of_edited_messages_comes_in_order_and_whole) {
    enum { N = 40 };
    static char text[20001];
    memset(text, 'x', sizeof text - 1);
    say(carol, "bob", "so that none of them is the first");
    for (int i = 0; i < N; i++) {
        char what[8];
        snprintf(what, sizeof what, "%03d", i);
        memcpy(text, what, 3);
        struct uuid target = say(carol, "#tea", what);
        struct frame part = {.type = FRAME_PART, .part = {{text + 500, sizeof text - 501}}};
        struct frame first = {.type = FRAME_SEND,
                              .flags = FRAME_MORE_PARTS,
                              .send = {.id = new_id(),
                                       .kind = KIND_EDIT,
                                       .to = bytes_of(MEND_TO),
                                       .reply_to = target,
                                       .total = sizeof text - 1,
                                       .body = {text, 500}}};
        give(carol, &first);
        for (size_t at = 500; at < sizeof text - 1; at += 500) {
            size_t left = sizeof text - 1 - at, n = left < 500 ? left : 500;
            part.part.body = (struct bytes){text + at, n};
            part.flags = left > n ? FRAME_MORE_PARTS : 0;
            give(carol, &part);
        }
        work();
    }
    for (int forward = 0; forward < 2; forward++)
        cr_assert_eq(n_in_all_pages(forward, sizeof text - 1), N);
}
