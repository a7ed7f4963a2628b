/* A LINE and its ORIGIN say what the MESSAGE says, and only what can be a LINE becomes one. */
#include "proto/line.h"

#include <criterion/criterion.h>
#include <stdlib.h>

static struct frame_message message_new(void) {
    return (struct frame_message){.seq = 0x123456789abcdef0,
                                  .id = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}},
                                  .at_ms = 0x18a0b0c0d0e,
                                  .uid = 1000,
                                  .from = bytes_of("alice"),
                                  .to = bytes_of("#ops"),
                                  .link = 77,
                                  .total = 5,
                                  .body = bytes_of("hello")};
}

static void assert_same(const struct frame_message *a, const struct frame_message *b) {
    cr_assert_eq(a->seq, b->seq);
    cr_assert(uuid_equal(&a->id, &b->id));
    cr_assert_eq(a->at_ms, b->at_ms);
    cr_assert_eq(a->kind, b->kind);
    cr_assert_eq(a->uid, b->uid);
    cr_assert(bytes_equal(a->from, b->from));
    cr_assert(bytes_equal(a->to, b->to));
    cr_assert_eq(a->link, b->link);
    cr_assert(uuid_equal(&a->reply_to, &b->reply_to));
    cr_assert_eq(a->total, b->total);
    cr_assert(bytes_equal(a->body, b->body));
}

static void goes_and_comes(const struct frame_message *message) {
    struct frame_origin origin;
    struct frame_line line;
    struct frame_message back;
    cr_assert(line_from_message(message, &origin, &line));
    cr_assert(line_origin_is_valid(&origin));
    cr_assert_eq(line_seq(&origin, &line), message->seq);
    line_to_message(&origin, &line, &back);
    assert_same(message, &back);
}

Test(line, 01_what_goes_as_a_line_comes_back) {
    struct frame_message message = message_new();
    goes_and_comes(&message);
    message.body.n = message.total = 0;
    goes_and_comes(&message);
}

Test(line, 02_any_id_and_any_numbers) {
    struct frame_message message = message_new();
    srand(1);
    for (int i = 0; i < 10000; i++) {
        for (size_t at = 0; at < sizeof message.id.b; at++)
            message.id.b[at] = (uint8_t)rand();
        message.seq = (uint64_t)rand() << (rand() % 33);
        message.at_ms = (uint64_t)rand() << (rand() % 33);
        goes_and_comes(&message);
    }
}

Test(line, 03_messages_of_one_sender_share_an_origin_whatever_their_ids) {
    struct uuid_source ids = {0};
    struct frame_message message = message_new();
    struct frame_origin first, origin;
    struct frame_line line;
    message.seq = message.at_ms = 1 << 16;
    cr_assert(line_from_message(&message, &first, &line));
    for (int i = 1; i < 60000; i++) {
        message.id = uuid_next(&ids, wall_now());
        message.seq++;
        message.at_ms++;
        cr_assert(line_from_message(&message, &origin, &line));
        cr_assert_eq(origin.seq, first.seq);
        cr_assert_eq(origin.at_ms, first.at_ms);
        cr_assert(uuid_equal(&line.id, &message.id));
    }
}

Test(line, 04_what_says_more_is_no_line) {
    struct frame_origin origin;
    struct frame_line line;
    struct frame_message kind = message_new(), reply = message_new(), part = message_new();
    kind.kind = KIND_ACTION;
    cr_assert_not(line_from_message(&kind, &origin, &line));
    reply.reply_to.b[3] = 1;
    cr_assert_not(line_from_message(&reply, &origin, &line));
    part.total = 6;
    cr_assert_not(line_from_message(&part, &origin, &line));
}
