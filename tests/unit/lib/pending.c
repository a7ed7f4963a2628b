#include "lib/pending.h"

#include <criterion/criterion.h>

#include "proto/frame.h"

static struct pending pending;

static void setup(void) {
    cr_assert_eq(pending_init(&pending), 0);
}

static void teardown(void) {
    pending_deinit(&pending);
}

TestSuite(pending, .init = setup, .fini = teardown);

static struct uuid id_of(uint32_t n) {
    struct uuid id = {{1}};
    memcpy(id.b + 1, &n, sizeof n);
    return id;
}

/* A message of n_parts frames, each with `body` bytes of text. False: no room. */
static bool append_parts(uint32_t n, size_t body, unsigned n_parts) {
    static char text[8000];
    memset(text, 'x', sizeof text);
    struct cursor_out out;
    if (!pending_reserve(&pending, n_parts * (body + 100), &out))
        return false;
    struct uuid id = id_of(n);
    struct frame frame = {
        .type = FRAME_SEND,
        .flags = n_parts > 1 ? FRAME_MORE_PARTS : 0,
        .send = {.id = id,
                 .to = bytes_of("bob"),
                 .total = (uint32_t)(body * n_parts),
                 .body = {text, body}},
    };
    cr_assert(frame_put(&out, &frame));
    for (unsigned i = 1; i < n_parts; i++) {
        struct frame part = {.type = FRAME_PART,
                             .flags = i + 1 < n_parts ? FRAME_MORE_PARTS : 0,
                             .part = {.body = {text, body}}};
        cr_assert(frame_put(&out, &part));
    }
    pending_commit(&pending, &id, &out);
    return true;
}

static bool append(uint32_t n, size_t body) {
    return append_parts(n, body, 1);
}

/* The number of the next message handed out; 0 when there is none. */
static uint32_t hand_out(void) {
    struct bytes frame;
    struct frame decoded;
    uint32_t n;
    if (!pending_next(&pending, &frame))
        return 0;
    struct cursor_in in = cursor_in_of(frame.data, frame.n);
    cr_assert_eq(frame_take(&in, &decoded, FROM_CLIENT), FRAME_OK);
    cr_assert_eq(cursor_in_left(&in), 0);
    pending_advance(&pending, frame.n);
    memcpy(&n, decoded.send.id.b + 1, sizeof n);
    return n;
}

static uint64_t find(uint32_t n) {
    uint64_t position = UINT64_MAX;
    struct uuid id = id_of(n);
    pending_find(&pending, &id, &position);
    return position;
}

Test(pending, 01_messages_are_handed_out_once_and_in_order) {
    for (uint32_t n = 1; n <= 3; n++)
        cr_assert(append(n, 10));
    for (uint32_t n = 1; n <= 3; n++)
        cr_assert_eq(hand_out(), n);
    cr_assert_eq(hand_out(), 0);
    cr_assert_eq(pending.n_waiting, 3);
}

Test(pending, 02_all_that_is_kept_is_handed_out_again) {
    for (uint32_t n = 1; n <= 4; n++)
        append(n, 10);
    while (hand_out())
        ;
    pending_done(&pending, find(3));
    pending_done_up_to(&pending, find(1));
    cr_assert_eq(pending.n_waiting, 2);
    pending_rewind(&pending);
    cr_assert_eq(hand_out(), 2);
    cr_assert_eq(hand_out(), 4, "3 was acknowledged on its own");
    cr_assert_eq(hand_out(), 0);
}

Test(pending, 03_parts_follow_each_other) {
    struct bytes frame;
    append_parts(1, 1000, 3);
    append(2, 10);
    for (int i = 0; i < 3; i++) {
        cr_assert(pending_next(&pending, &frame));
        cr_assert_eq(frame.data[2], i == 0 ? FRAME_SEND : FRAME_PART);
        pending_advance(&pending, frame.n);
    }
    cr_assert_eq(hand_out(), 2);
}

Test(pending, 04_a_message_half_handed_out_begins_anew) {
    struct bytes frame;
    append_parts(1, 1000, 3);
    pending_next(&pending, &frame);
    pending_advance(&pending, frame.n);
    pending_rewind(&pending);
    cr_assert(pending_next(&pending, &frame));
    cr_assert_eq(frame.data[2], FRAME_SEND);
}

Test(pending, 05_what_is_done_is_not_found_again) {
    append(1, 10);
    append(2, 10);
    pending_done(&pending, find(2));
    cr_assert_eq(find(2), UINT64_MAX, "done, though 1 keeps its place");
    cr_assert_eq(find(1), 0);
    cr_assert_eq(find(7), UINT64_MAX);
    pending_done(&pending, find(1));
    cr_assert_eq(pending.n_waiting, 0);
    cr_assert_eq(pending.first, pending.end);
    cr_assert_eq(pending.n_bytes, 0);
}

Test(pending, 06_the_recipient_is_known_as_long_as_it_is_kept) {
    struct name to;
    append(1, 10);
    pending_to(&pending, find(1), &to);
    cr_assert_str_eq(to.s, "bob");
}

Test(pending, 07_the_window_has_a_bound_in_messages) {
    uint32_t n = 1;
    while (append(n, 1))
        n++;
    cr_assert_eq(n - 1, PENDING_MESSAGES_MAX);
    pending_done(&pending, find(1));
    cr_assert(append(n, 1));
    cr_assert_not(append(n + 1, 1));
}

Test(pending, 08_the_window_has_a_bound_in_bytes) {
    uint32_t n = 1;
    while (append(n, 7000))
        n++;
    cr_assert_gt(n, PENDING_BYTES_MAX / 7200);
    cr_assert_leq(pending.n_bytes, PENDING_BYTES_MAX);
    cr_assert(pending_is_half_full(&pending));
    cr_assert(pending_fills_window(&pending));
}

/* Handed out and not acknowledged; the last one reaches beyond it. */
Test(pending, 11_no_more_is_handed_out_than_the_window_holds) {
    uint32_t n = 0, n_sent = 0, n_done = 0;
    while (n < 100 && append(n + 1, 7000))
        n++;
    cr_assert_eq(n, 100);
    while (n_done < n) {
        uint32_t before = n_sent;
        while (hand_out())
            n_sent++;
        cr_assert(n_sent == n || (n_sent - n_done) * 7100 >= PENDING_WINDOW_BYTES);
        cr_assert_leq((n_sent - n_done - 1) * 7000, PENDING_WINDOW_BYTES);
        cr_assert(n_sent == n || n_sent > before);
        n_done += 3;
        pending_done_up_to(&pending, find(n_done < n ? n_done : n));
    }
    cr_assert_eq(pending.n_bytes, 0);
    cr_assert_eq(pending.n_unsent, 0);
}

Test(pending, 12_the_window_opens_again_when_all_is_sent_again) {
    uint32_t n_first = 0, n_again = 0;
    for (uint32_t n = 1; n <= 50; n++)
        append(n, 7000);
    while (hand_out())
        n_first++;
    pending_done(&pending, find(2)); /* it keeps its place, and is not sent again */
    pending_rewind(&pending);
    while (hand_out())
        n_again++;
    cr_assert_eq(n_again, n_first - 1);
    pending.is_closing = true;
    while (hand_out())
        n_again++;
    cr_assert_eq(n_again, 49);
}

Test(pending, 13_a_message_that_has_begun_goes_on) {
    for (uint32_t n = 1; n <= 9; n++)
        append_parts(n, 7000, 2);
    append_parts(10, 7000, 9);
    append(11, 1);
    unsigned n_frames = 0;
    struct bytes frame;
    while (pending_next(&pending, &frame)) {
        pending_advance(&pending, frame.n);
        n_frames++;
    }
    cr_assert_eq(n_frames, 9 * 2 + 9);
}

Test(pending, 09_an_acknowledgement_before_it_is_sent_again_skips_it) {
    for (uint32_t n = 1; n <= 3; n++)
        append(n, 10);
    while (hand_out())
        ;
    pending_rewind(&pending);
    pending_done_up_to(&pending, find(2));
    cr_assert_eq(hand_out(), 3);
    cr_assert_eq(hand_out(), 0);
}

/* The buffer wraps many times; sizes and the order of acknowledgements vary, but not by chance. */
Test(pending, 10_wrapping_keeps_every_message_whole) {
    uint32_t appended = 0, taken = 0, done = 0, state = 12345;
    for (int round = 0; round < 200000; round++) {
        state = state * 1103515245 + 12345;
        size_t body = (state >> 16) % 2000 + 1;
        if (append(appended + 1, body))
            appended++;
        while (taken < appended && (state >> 8) % 3 != 0)
            cr_assert_eq(hand_out(), ++taken);
        if ((state >> 20) % 4 == 0 && taken > done) {
            done += (taken - done + 1) / 2;
            pending_done_up_to(&pending, find(done));
        }
        cr_assert_eq(pending.n_waiting, appended - done);
    }
    cr_assert_gt(appended, 10000);
}

/* How many messages come at once, of at most `max` bytes in all. */
static unsigned hand_out_run(size_t max) {
    struct bytes frames;
    unsigned n = pending_next_run(&pending, max, &frames);
    cr_assert_leq(frames.n, max);
    struct cursor_in in = cursor_in_of(frames.data, frames.n);
    struct frame frame;
    for (unsigned i = 0; i < n; i++)
        cr_assert_eq(frame_take(&in, &frame, FROM_CLIENT), FRAME_OK);
    cr_assert_eq(cursor_in_left(&in), 0);
    if (n > 0)
        pending_advance_run(&pending, n, frames.n);
    return n;
}

Test(pending, 14_a_run_is_of_whole_messages_of_one_frame) {
    struct bytes frame;
    cr_assert_eq(hand_out_run(8000), 0);
    for (uint32_t i = 1; i <= 3; i++)
        cr_assert(append(i, 100));
    cr_assert(append_parts(4, 100, 2));
    cr_assert(append(5, 100));
    cr_assert(pending_next(&pending, &frame));
    cr_assert_eq(hand_out_run(frame.n - 1), 0);
    cr_assert_eq(hand_out_run(2 * frame.n + 1), 2);
    cr_assert_eq(hand_out_run(8000), 1);
    cr_assert_eq(hand_out_run(8000), 0, "the next one has parts");
    cr_assert_eq(hand_out(), 4);
    cr_assert_eq(hand_out_run(8000), 0, "nor in its middle");
    cr_assert(pending_next(&pending, &frame));
    pending_advance(&pending, frame.n);
    cr_assert_eq(hand_out_run(8000), 1);
    cr_assert_eq(pending.n_unsent, 0);
    pending_rewind(&pending);
    pending_done(&pending, 1);
    cr_assert_eq(hand_out_run(8000), 1, "what is done is passed over");
    cr_assert_eq(hand_out_run(8000), 1);
}

Test(pending, 15_a_run_ends_where_the_window_does) {
    struct bytes frame;
    uint32_t n = 0;
    while (append(n + 1, 100))
        n++;
    cr_assert(pending_next(&pending, &frame));
    unsigned n_run = hand_out_run(PENDING_BYTES_MAX);
    cr_assert_eq(n_run, (PENDING_WINDOW_BYTES + frame.n - 1) / frame.n);
    cr_assert_eq(hand_out_run(PENDING_BYTES_MAX), 0);
    cr_assert_not(pending_next(&pending, &frame));
}
