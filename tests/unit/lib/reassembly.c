#include "lib/reassembly.h"

#include <criterion/criterion.h>

static struct reassembly reassembly;

static void teardown(void) {
    reassembly_deinit(&reassembly);
}

TestSuite(reassembly, .fini = teardown);

static void begin(uint32_t total, const char *body) {
    struct frame_message first = {.seq = 7,
                                  .from = bytes_of("bob"),
                                  .to = bytes_of("#ops"),
                                  .total = total,
                                  .body = bytes_of(body)};
    cr_assert_eq(reassembly_begin(&reassembly, &first, FRAME_MORE_PARTS | FRAME_WANT_RECEIPT, 0),
                 0);
}

static enum reassembly_outcome add(const char *body, bool last) {
    struct frame part = {
        .type = FRAME_PART, .flags = last ? 0 : FRAME_MORE_PARTS, .part = {.body = bytes_of(body)}};
    return reassembly_add(&reassembly, &part);
}

Test(reassembly, 01_parts_become_one_text) {
    begin(9, "one");
    cr_assert_eq(add("two", false), REASSEMBLY_MORE);
    cr_assert_eq(add("six", true), REASSEMBLY_WHOLE);
    cr_assert_eq(reassembly.message.seq, 7);
    cr_assert_eq(reassembly.flags & FRAME_WANT_RECEIPT, FRAME_WANT_RECEIPT);
    cr_assert(bytes_equal(reassembly.message.from, bytes_of("bob")));
    cr_assert(bytes_equal(reassembly.message.to, bytes_of("#ops")));
    cr_assert(bytes_equal(reassembly.message.body, bytes_of("onetwosix")));
}

static enum reassembly_outcome add_binary(uint8_t kind, uint8_t flags) {
    struct frame_message first = {.kind = kind,
                                  .from = bytes_of("bob"),
                                  .to = bytes_of("#ops"),
                                  .total = 6,
                                  .body = bytes_of("\x01\xff.")};
    struct frame part = {.type = FRAME_PART, .flags = flags, .part.body = {"\0\xfe.", 3}};
    cr_assert_eq(reassembly_begin(&reassembly, &first, FRAME_MORE_PARTS, 0), 0);
    return reassembly_add(&reassembly, &part);
}

Test(reassembly, 90_a_part_is_of_what_it_belongs_to) {
    cr_assert_eq(add_binary(KIND_FILE, FRAME_BINARY), REASSEMBLY_WHOLE);
    cr_assert_eq(memcmp(reassembly.message.body.data, "\x01\xff.\0\xfe.", 6), 0);
    cr_assert_eq(add_binary(KIND_FILE, 0), REASSEMBLY_DROPPED);
    cr_assert_eq(add_binary(KIND_TEXT, FRAME_BINARY), REASSEMBLY_DROPPED);
}

Test(reassembly, 02_a_part_without_a_beginning_is_dropped) {
    cr_assert_eq(add("x", true), REASSEMBLY_DROPPED);
    begin(6, "one");
    cr_assert_eq(add("two", true), REASSEMBLY_WHOLE);
    cr_assert_eq(add("x", true), REASSEMBLY_DROPPED);
}

Test(reassembly, 03_more_than_was_said_is_dropped) {
    begin(5, "one");
    cr_assert_eq(add("two", false), REASSEMBLY_DROPPED);
    cr_assert_eq(add("x", true), REASSEMBLY_DROPPED, "the rest of it, too");
}

Test(reassembly, 04_less_than_was_said_is_dropped) {
    begin(60, "one");
    cr_assert_eq(add("two", true), REASSEMBLY_DROPPED);
}

Test(reassembly, 05_a_new_message_takes_the_place_of_an_unfinished_one) {
    begin(MESSAGE_TEXT_MAX, "never");
    begin(6, "one");
    cr_assert_eq(add("two", true), REASSEMBLY_WHOLE);
    cr_assert(bytes_equal(reassembly.message.body, bytes_of("onetwo")));
}

Test(reassembly, 06_the_longest_message_fits) {
    static char body[4096 + 1];
    memset(body, 'x', 4096);
    begin(MESSAGE_TEXT_MAX, body);
    for (int i = 2; i < MESSAGE_TEXT_MAX / 4096; i++)
        cr_assert_eq(add(body, false), REASSEMBLY_MORE);
    cr_assert_eq(add(body, true), REASSEMBLY_WHOLE);
    cr_assert_eq(reassembly.message.body.n, MESSAGE_TEXT_MAX);
}

Test(reassembly, 07_a_message_of_the_past_comes_in_parts_too) {
    struct frame_message first = {.seq = 8,
                                  .id = {{1}},
                                  .at_ms = 99,
                                  .kind = KIND_NOTICE,
                                  .uid = 1001,
                                  .from = bytes_of("bob"),
                                  .to = bytes_of("alice"),
                                  .reply_to = {{2}},
                                  .total = 6,
                                  .body = bytes_of("one")};
    cr_assert_eq(reassembly_begin(&reassembly, &first, FRAME_MORE_PARTS, 3), 0);
    cr_assert_eq(reassembly.request, 3);
    cr_assert_eq(add("two", true), REASSEMBLY_WHOLE);
    cr_assert_eq(reassembly.message.seq, 8);
    cr_assert_eq(reassembly.message.at_ms, 99);
    cr_assert_eq(reassembly.message.kind, KIND_NOTICE);
    cr_assert_eq(reassembly.message.uid, 1001);
    cr_assert_eq(reassembly.message.id.b[0], 1);
    cr_assert_eq(reassembly.message.reply_to.b[0], 2);
    cr_assert(bytes_equal(reassembly.message.body, bytes_of("onetwo")));
    begin(6, "one");
    cr_assert_eq(reassembly.request, 0, "a live one is no answer");
}
