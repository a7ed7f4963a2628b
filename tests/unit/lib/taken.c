/* From where a link goes on: what had come whole when its session ended. */
#include "unit/lib/batches.h"

static struct earshot *link_;

static void setup(void) {
    link_ = link_new(100);
}

static void teardown(void) {
    link_free(link_);
}

TestSuite(taken, .init = setup, .fini = teardown);

static void put_line(struct inbox_batch *batch, uint16_t seq) {
    batch_put(batch,
              &(struct frame){.type = FRAME_LINE, .line = {.seq = seq, .text = bytes_of("one")}});
}

static void put_origin(struct inbox_batch *batch, uint64_t seq) {
    batch_put(batch, &(struct frame){.type = FRAME_ORIGIN,
                                     .origin = {.from = bytes_of("bob"),
                                                .to = bytes_of("alice"),
                                                .seq = seq & ~0xffffull}});
}

static void put_message(struct inbox_batch *batch, uint64_t seq, bool split) {
    if (!split) {
        put_origin(batch, seq);
        put_line(batch, (uint16_t)seq);
        return;
    }
    batch_put(batch, &(struct frame){.type = FRAME_MESSAGE,
                                     .flags = FRAME_MORE_PARTS,
                                     .message = {.seq = seq,
                                                 .id = {{1}},
                                                 .from = bytes_of("bob"),
                                                 .to = bytes_of("alice"),
                                                 .total = 9,
                                                 .body = bytes_of("one")}});
}

static void put_past(struct inbox_batch *batch, uint64_t seq) {
    batch_put(batch, &(struct frame){.type = FRAME_PAST,
                                     .flags = FRAME_MORE_PARTS,
                                     .past = {.request = 1,
                                              .seq = seq,
                                              .id = {{1}},
                                              .from = bytes_of("bob"),
                                              .to = bytes_of("alice"),
                                              .total = 9,
                                              .body = bytes_of("one")}});
}

static void put_part(struct inbox_batch *batch, bool last) {
    batch_put(batch, &(struct frame){.type = FRAME_PART,
                                     .flags = last ? 0 : FRAME_MORE_PARTS,
                                     .part = {.body = bytes_of("two")}});
}

static void resumes_after(uint64_t seq) {
    uint64_t after = 0;
    taken_end(link_);
    cr_assert_eq(bookmark_is_known(&link_->bookmark, &after), seq > 0);
    cr_assert_eq(after, seq, "after %llu", (unsigned long long)after);
}

Test(taken, 01_nothing_has_come) {
    resumes_after(0);
}

Test(taken, 02_what_was_made_into_events) {
    cr_assert(bookmark_admit(&link_->bookmark, 101, true));
    resumes_after(101);
}

Test(taken, 03_what_is_in_the_inbox_has_come) {
    struct inbox_batch *batch = batch_new(SESSION);
    put_message(batch, 101, false);
    put_message(batch, 103, false);
    inbox_append(&link_->inbox, &batch->item);
    resumes_after(103);
}

Test(taken, 04_the_rest_of_the_batch_under_way_too) {
    link_->current = batch_new(SESSION);
    put_message(link_->current, 101, false);
    resumes_after(101);
}

Test(taken, 05_a_message_whose_parts_are_missing_has_not_come) {
    struct inbox_batch *batch = batch_new(SESSION);
    put_message(batch, 101, false);
    put_message(batch, 102, true);
    put_part(batch, false);
    inbox_append(&link_->inbox, &batch->item);
    resumes_after(101);
}

Test(taken, 06_one_whose_last_part_is_there_has_come) {
    struct inbox_batch *first = batch_new(SESSION), *second = batch_new(SESSION);
    put_message(first, 102, true);
    put_part(second, false);
    put_part(second, true);
    inbox_append(&link_->inbox, &first->item);
    inbox_append(&link_->inbox, &second->item);
    resumes_after(102);
}

Test(taken, 07_the_parts_that_were_taken_already_count) {
    struct inbox_batch *first = batch_new(SESSION), *rest = batch_new(SESSION);
    struct earshot_event event;
    link_->current = first;
    put_message(first, 102, true);
    cr_assert_eq(incoming_next(link_, &event), 0);
    put_part(rest, true);
    inbox_append(&link_->inbox, &rest->item);
    resumes_after(102);
}

Test(taken, 08_a_message_of_the_past_is_not_what_comes_next) {
    struct inbox_batch *batch = batch_new(SESSION);
    put_message(batch, 101, false);
    put_past(batch, 5);
    put_part(batch, true);
    inbox_append(&link_->inbox, &batch->item);
    resumes_after(101);
}

Test(taken, 09_what_an_older_session_left_does_not_count) {
    struct inbox_batch *old = batch_new(SESSION - 1), *batch = batch_new(SESSION);
    put_message(old, 500, false);
    put_message(batch, 101, false);
    inbox_append(&link_->inbox, &old->item);
    inbox_append(&link_->inbox, &batch->item);
    resumes_after(101);
}

Test(taken, 10_the_origin_that_was_taken_already_counts) {
    struct earshot_event event;
    uint64_t seq = (UINT64_C(7) << 16) + 1;
    link_->current = batch_new(SESSION);
    put_origin(link_->current, seq);
    put_line(link_->current, 1);
    put_line(link_->current, 2);
    cr_assert_eq(incoming_next(link_, &event), 1);
    cr_assert_eq(event.message.seq, seq);
    resumes_after(seq + 1);
}
