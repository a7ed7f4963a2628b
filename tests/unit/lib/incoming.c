/* Batches become events: LINEs belong to the ORIGIN before them in their batch. */
#include "proto/line.h"
#include "unit/lib/batches.h"

static struct earshot *link_;

static void setup(void) {
    link_ = link_new(0);
}

static void teardown(void) {
    link_free(link_);
}

TestSuite(incoming, .init = setup, .fini = teardown);

static struct inbox_batch *new_batch(void) {
    struct inbox_batch *batch = batch_new(SESSION);
    inbox_append(&link_->inbox, &batch->item);
    return batch;
}

static void put_origin(struct inbox_batch *batch, const char *from, const char *to, uint32_t uid) {
    batch_put(batch,
              &(struct frame){
                  .type = FRAME_ORIGIN,
                  .origin = {.uid = uid, .from = bytes_of(from), .to = bytes_of(to), .link = 5}});
}

static void put_line(struct inbox_batch *batch, uint16_t seq, const char *text) {
    batch_put(batch, &(struct frame){
                         .type = FRAME_LINE,
                         .line = {.seq = seq, .id = {{1, (uint8_t)seq}}, .text = bytes_of(text)}});
}

static void comes(const char *from, const char *to, uint32_t uid, const char *text) {
    struct earshot_event event;
    cr_assert_eq(incoming_next(link_, &event), 1);
    cr_assert_eq(event.type, EARSHOT_EVENT_MESSAGE);
    cr_assert_str_eq(event.message.from, from);
    cr_assert_str_eq(event.message.to, to);
    cr_assert_eq(event.message.uid, uid);
    cr_assert_str_eq(event.message.text, text);
}

static void nothing_comes(void) {
    struct earshot_event event;
    cr_assert_eq(incoming_next(link_, &event), 0);
}

Test(incoming, 01_lines_are_of_the_origin_before_them) {
    struct inbox_batch *batch = new_batch();
    put_origin(batch, "bob", "#ops", 1002);
    put_line(batch, 1, "one");
    put_line(batch, 2, "two");
    put_origin(batch, "carol", "alice", 1003);
    put_line(batch, 3, "three");
    comes("bob", "#ops", 1002, "one");
    comes("bob", "#ops", 1002, "two");
    comes("carol", "alice", 1003, "three");
    nothing_comes();
    cr_assert_eq(link_->n_bad, 0);
}

Test(incoming, 02_an_origin_ends_with_its_batch) {
    struct inbox_batch *first = new_batch(), *second = new_batch();
    put_origin(first, "bob", "#ops", 1002);
    put_line(first, 1, "one");
    put_line(second, 2, "whose?");
    put_origin(second, "bob", "#ops", 1002);
    put_line(second, 3, "three");
    comes("bob", "#ops", 1002, "one");
    comes("bob", "#ops", 1002, "three");
    nothing_comes();
    cr_assert_eq(link_->n_bad, 1);
}

/* Next to its text a LINE has only the low bits of its numbers. */
Test(incoming, 03_a_line_is_the_message_that_was_sent) {
    struct inbox_batch *batch = new_batch();
    struct earshot_event event;
    struct frame_message message = {.seq = 0x123456789a,
                                    .at_ms = 0x18a0b0c0d0e,
                                    .uid = 1002,
                                    .from = bytes_of("bob"),
                                    .to = bytes_of("alice"),
                                    .link = 7,
                                    .total = 2,
                                    .body = bytes_of("hi")};
    struct frame origin = {.type = FRAME_ORIGIN};
    struct frame line = {.type = FRAME_LINE, .flags = FRAME_LATE};
    cr_assert(uuid_from_text(&message.id, "01234567-89ab-7cde-8f01-23456789abcd"));
    cr_assert(line_from_message(&message, &origin.origin, &line.line));
    batch_put(batch, &origin);
    batch_put(batch, &line);
    cr_assert_eq(incoming_next(link_, &event), 1);
    cr_assert_eq(event.message.seq, message.seq);
    cr_assert_eq(event.message.at_ms, (int64_t)message.at_ms);
    cr_assert_str_eq(event.message.id, "01234567-89ab-7cde-8f01-23456789abcd");
    cr_assert_str_eq(event.message.reply_to, "");
    cr_assert_str_eq(event.message.conv, "bob");
    cr_assert_eq(event.message.link, 7);
    cr_assert_eq(event.message.text_n, 2);
    cr_assert_not(event.message.wants_receipt);
    cr_assert(event.message.late);
    cr_assert_not(event.message.mine);
    cr_assert_null(event.message.file);
    nothing_comes();
}

Test(incoming, 04_a_long_message_goes_on_in_the_next_batch) {
    struct inbox_batch *first = new_batch(), *second = new_batch();
    put_origin(first, "bob", "#ops", 1002);
    put_line(first, 1, "zero");
    batch_put(first, &(struct frame){.type = FRAME_MESSAGE,
                                     .flags = FRAME_MORE_PARTS,
                                     .message = {.seq = 2,
                                                 .id = {{2}},
                                                 .uid = 1003,
                                                 .from = bytes_of("carol"),
                                                 .to = bytes_of("#ops"),
                                                 .total = 6,
                                                 .body = {"one", 3}}});
    batch_put(second, &(struct frame){.type = FRAME_PART, .part = {.body = {"two", 3}}});
    comes("bob", "#ops", 1002, "zero");
    comes("carol", "#ops", 1003, "onetwo");
    nothing_comes();
}

static void put_whole(struct inbox_batch *batch, uint64_t seq, uint32_t uid, const char *from,
                      const char *text) {
    batch_put(batch, &(struct frame){.type = FRAME_MESSAGE,
                                     .message = {.seq = seq,
                                                 .id = {{9}},
                                                 .uid = uid,
                                                 .from = bytes_of(from),
                                                 .to = bytes_of("#ops"),
                                                 .total = (uint32_t)strlen(text),
                                                 .body = bytes_of(text)}});
}

/* After the hub's death one comes again under another number, and is known by whose it is. */
Test(incoming, 05_a_neighbour_cannot_take_the_id_of_a_message_that_will_come) {
    struct earshot_event event;
    link_->flags = EARSHOT_RECONNECT;
    put_whole(new_batch(), 1, 1003, "mallory", "mine has this id");
    comes("mallory", "#ops", 1003, "mine has this id");
    struct inbox_note *back = note_new(EARSHOT_EVENT_BACK);
    cr_assert_not_null(back);
    back->seq = 1;
    inbox_append(&link_->inbox, &back->item);
    struct inbox_batch *batch = new_batch();
    put_whole(batch, 2, 1003, "mallory", "mine has this id");
    put_whole(batch, 3, 1002, "bob", "so has this one");
    cr_assert_eq(incoming_next(link_, &event), 1);
    cr_assert_eq(event.type, EARSHOT_EVENT_BACK);
    comes("bob", "#ops", 1002, "so has this one");
    nothing_comes();
    received_deinit(&link_->received);
}

/* See lib/receipts.h. */
Test(incoming, 06_a_receipt_of_somebody_else_is_no_event) {
    struct frame frame = {.type = FRAME_STATE,
                          .state = {.id = {{4}}, .state = STATE_READ, .by = bytes_of("mallory")}};
    struct inbox_batch *batch = new_batch();
    struct earshot_event event;
    struct name bob;
    cr_assert_eq(name_parse(&bob, bytes_of("bob")), NAME_OK);
    receipts_want(&link_->receipts, &frame.state.id, &bob);
    batch_put(batch, &frame);
    frame.state.by = bytes_of("bob");
    batch_put(batch, &frame);
    cr_assert_eq(incoming_next(link_, &event), 1);
    cr_assert_eq(event.type, EARSHOT_EVENT_STATE);
    cr_assert_str_eq(event.state.by, "bob");
    nothing_comes();
    receipts_deinit(&link_->receipts);
}

static void put_named(struct inbox_batch *batch, const char *name) {
    batch_put(batch, &(struct frame){.type = FRAME_NEWS,
                                     .news = {.what = NEWS_NAMED, .who = bytes_of(name)}});
}

static void is_called(const char *name) {
    cr_assert_str_eq(link_->handle.s, name);
}

/* The name was taken away: the link goes on, and joins again, with the one that it got instead. */
Test(incoming, 20_another_name_for_the_same_handle) {
    struct earshot_event event;
    cr_assert_eq(name_parse(&link_->handle, bytes_of("bob")), NAME_OK);
    put_named(new_batch(), "bob.7");
    nothing_comes();
    is_called("bob.7");
    link_->flags = EARSHOT_NEWS;
    struct inbox_batch *batch = new_batch();
    put_named(batch, "bob.7");
    put_named(batch, "bob.8");
    cr_assert_eq(incoming_next(link_, &event), 1);
    cr_assert_eq(event.type, EARSHOT_EVENT_NEWS);
    cr_assert_eq(event.news.what, EARSHOT_NEWS_NAMED);
    cr_assert_str_eq(event.news.who, "bob.7");
    cr_assert_str_eq(event.news.detail, "bob.8");
    nothing_comes();
    is_called("bob.8");
}

Test(incoming, 21_a_name_that_an_earlier_session_was_told) {
    cr_assert_eq(name_parse(&link_->handle, bytes_of("bob")), NAME_OK);
    put_named(new_batch(), "bob.7");
    link_->session = SESSION + 1;
    link_->phase = LINK_JOINED;
    nothing_comes();
    is_called("bob");
    put_named(new_batch(), "bob.7");
    link_->session = 0;
    link_->phase = LINK_BACKOFF;
    nothing_comes();
    is_called("bob.7");
}
