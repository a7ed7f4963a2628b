#include "lib/assembly.h"

#include <criterion/criterion.h>

static struct assembly assembly;

static void teardown(void) {
    assembly_deinit(&assembly);
}

TestSuite(assembly, .fini = teardown);

static void begin(uint32_t total, const char *body) {
    struct frame_message first = {.seq = 7,
                                  .from = bytes_of("bob"),
                                  .to = bytes_of("#ops"),
                                  .total = total,
                                  .body = bytes_of(body)};
    cr_assert_eq(assembly_begin(&assembly, &first, FRAME_MORE_PARTS | FRAME_WANT_RECEIPT, 0), 0);
}

static enum assembly_outcome add(const char *body, bool last) {
    struct frame part = {
        .type = FRAME_PART, .flags = last ? 0 : FRAME_MORE_PARTS, .part = {.body = bytes_of(body)}};
    return assembly_add(&assembly, &part);
}

Test(assembly, 01_parts_become_one_text) {
    begin(9, "one");
    cr_assert_eq(add("two", false), ASSEMBLY_MORE);
    cr_assert_eq(add("six", true), ASSEMBLY_WHOLE);
    cr_assert_eq(assembly.message.seq, 7);
    cr_assert_eq(assembly.flags & FRAME_WANT_RECEIPT, FRAME_WANT_RECEIPT);
    cr_assert(bytes_equal(assembly.message.from, bytes_of("bob")));
    cr_assert(bytes_equal(assembly.message.to, bytes_of("#ops")));
    cr_assert(bytes_equal(assembly.message.body, bytes_of("onetwosix")));
}

Test(assembly, 02_a_part_without_a_beginning_is_dropped) {
    cr_assert_eq(add("x", true), ASSEMBLY_DROPPED);
    begin(6, "one");
    cr_assert_eq(add("two", true), ASSEMBLY_WHOLE);
    cr_assert_eq(add("x", true), ASSEMBLY_DROPPED);
}

Test(assembly, 03_more_than_was_said_is_dropped) {
    begin(5, "one");
    cr_assert_eq(add("two", false), ASSEMBLY_DROPPED);
    cr_assert_eq(add("x", true), ASSEMBLY_DROPPED, "the rest of it, too");
}

Test(assembly, 04_less_than_was_said_is_dropped) {
    begin(60, "one");
    cr_assert_eq(add("two", true), ASSEMBLY_DROPPED);
}

Test(assembly, 05_a_new_message_takes_the_place_of_an_unfinished_one) {
    begin(MESSAGE_TEXT_MAX, "never");
    begin(6, "one");
    cr_assert_eq(add("two", true), ASSEMBLY_WHOLE);
    cr_assert(bytes_equal(assembly.message.body, bytes_of("onetwo")));
}

Test(assembly, 06_the_longest_message_fits) {
    static char body[4096 + 1];
    memset(body, 'x', 4096);
    begin(MESSAGE_TEXT_MAX, body);
    for (int i = 2; i < MESSAGE_TEXT_MAX / 4096; i++)
        cr_assert_eq(add(body, false), ASSEMBLY_MORE);
    cr_assert_eq(add(body, true), ASSEMBLY_WHOLE);
    cr_assert_eq(assembly.message.body.n, MESSAGE_TEXT_MAX);
}

Test(assembly, 07_a_message_of_the_past_comes_in_parts_too) {
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
    cr_assert_eq(assembly_begin(&assembly, &first, FRAME_MORE_PARTS, 3), 0);
    cr_assert_eq(assembly.request, 3);
    cr_assert_eq(add("two", true), ASSEMBLY_WHOLE);
    cr_assert_eq(assembly.message.seq, 8);
    cr_assert_eq(assembly.message.at_ms, 99);
    cr_assert_eq(assembly.message.kind, KIND_NOTICE);
    cr_assert_eq(assembly.message.uid, 1001);
    cr_assert_eq(assembly.message.id.b[0], 1);
    cr_assert_eq(assembly.message.reply_to.b[0], 2);
    cr_assert(bytes_equal(assembly.message.body, bytes_of("onetwo")));
    begin(6, "one");
    cr_assert_eq(assembly.request, 0, "a live one is no answer");
}
