/* Batches become events: LINEs belong to the ORIGIN before them in their batch. */
#include "unit/lib/batches.h"

static struct earshot *link_;

static void setup(void) {
    link_ = link_new(0);
}

static void teardown(void) {
    link_free(link_);
}

TestSuite(incoming, .init = setup, .fini = teardown);

static struct batch *new_batch(void) {
    struct batch *batch = batch_new(SESSION);
    inbox_append(&link_->inbox, &batch->item);
    return batch;
}

static void put_origin(struct batch *batch, const char *from, const char *to, uint32_t uid) {
    batch_put(batch, &(struct frame){.type = FRAME_ORIGIN,
                                     .origin = {uid, bytes_of(from), bytes_of(to), 5}});
}

static void put_line(struct batch *batch, uint64_t seq, const char *text) {
    struct bytes body = bytes_of(text);
    batch_put(batch,
              &(struct frame){
                  .type = FRAME_LINE,
                  .line = {.seq = seq, .id = {{1}}, .total = (uint32_t)body.n, .body = body}});
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
    struct batch *batch = new_batch();
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
    struct batch *first = new_batch(), *second = new_batch();
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

Test(incoming, 03_a_long_line_goes_on_in_the_next_batch) {
    struct batch *first = new_batch(), *second = new_batch();
    put_origin(first, "bob", "#ops", 1002);
    batch_put(first,
              &(struct frame){.type = FRAME_LINE,
                              .flags = FRAME_MORE_PARTS,
                              .line = {.seq = 1, .id = {{1}}, .total = 6, .body = {"one", 3}}});
    put_origin(second, "bob", "#ops", 1002);
    batch_put(second, &(struct frame){.type = FRAME_PART, .part = {.body = {"two", 3}}});
    comes("bob", "#ops", 1002, "onetwo");
    nothing_comes();
}
