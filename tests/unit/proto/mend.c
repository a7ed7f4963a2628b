/* What stands in the body of a removal, and which kinds a frame may carry. */
#include "proto/mend.h"

#include <criterion/criterion.h>
#include <string.h>

#include "proto/frame.h"

static bool takes(const char *body, struct mend_removal *removal) {
    return mend_removal_take(removal, bytes_of(body));
}

Test(mend, 01_a_removal_says_whose_and_why) {
    struct mend_removal removal = {4294967295, bytes_of("a password")}, again;
    char body[MEND_REMOVE_MAX];
    size_t n = mend_removal_put(body, &removal);
    cr_assert(mend_removal_take(&again, (struct bytes){body, n}));
    cr_assert_eq(again.uid, removal.uid);
    cr_assert(bytes_equal(again.reason, removal.reason));
    removal = (struct mend_removal){0, {0}};
    n = mend_removal_put(body, &removal);
    cr_assert_eq(n, 2);
    cr_assert(mend_removal_take(&again, (struct bytes){body, n}));
    cr_assert_eq(again.reason.n, 0);
}

Test(mend, 02_the_longest_has_a_place) {
    char reason[MEND_REASON_MAX], body[MEND_REMOVE_MAX];
    memset(reason, 'x', sizeof reason);
    struct mend_removal removal = {UINT32_MAX, {reason, sizeof reason}};
    cr_assert_eq(mend_removal_put(body, &removal), sizeof body);
}

Test(mend, 03_anything_else_is_none) {
    struct mend_removal removal;
    const char *const none[] = {"",     "\n",           "1001",          "a\n",  "-1\n", " 1\n",
                                "1 \n", "4294967296\n", "00000000001\n", "1a\n", "+1\n"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        cr_assert_not(takes(none[i], &removal), "%s", none[i]);
    cr_assert(takes("0000000001\n", &removal));
}

Test(mend, 04_kinds) {
    for (unsigned kind = 0; kind < 256; kind++) {
        bool is = kind == KIND_EDIT || kind == (KIND_EDIT | KIND_HEADED) || kind == KIND_REMOVE ||
                  kind == KIND_REACT;
        cr_assert_eq(mend_is((uint8_t)kind), is, "%u", kind);
    }
}

static enum frame_outcome outcome(struct frame frame, enum frame_from from) {
    uint8_t bytes[BATCH_BYTES_MAX];
    struct cursor_out out = cursor_out_of(bytes, sizeof bytes);
    cr_assert(frame_put(&out, &frame));
    struct cursor_in in = cursor_in_of(bytes, cursor_out_used(&out));
    return frame_take(&in, &frame, from);
}

static enum frame_outcome send_of(uint8_t kind, size_t total, size_t n, uint8_t flags) {
    static char text[MESSAGE_TEXT_MAX];
    memset(text, 'x', sizeof text);
    return outcome((struct frame){.type = FRAME_SEND,
                                  .flags = flags,
                                  .send = {.id = {{1}},
                                           .kind = kind,
                                           .to = bytes_of(MEND_TO),
                                           .reply_to = {{2}},
                                           .total = (uint32_t)total,
                                           .body = {text, n}}},
                   FROM_CLIENT);
}

static enum frame_outcome past_of(uint8_t kind) {
    return outcome((struct frame){.type = FRAME_PAST,
                                  .past = {.request = 1,
                                           .seq = 1,
                                           .id = {{1}},
                                           .kind = kind,
                                           .from = bytes_of("bob"),
                                           .to = bytes_of("#ops"),
                                           .total = 1,
                                           .body = bytes_of("x")}},
                   FROM_HUB);
}

Test(mend, 05_a_removal_is_short_and_in_one_piece) {
    cr_assert_eq(send_of(KIND_REMOVE, MEND_REMOVE_MAX, MEND_REMOVE_MAX, 0), FRAME_OK);
    cr_assert_eq(send_of(KIND_REMOVE, MEND_REMOVE_MAX + 1, MEND_REMOVE_MAX + 1, 0),
                 FRAME_BAD_FIELD);
    cr_assert_eq(send_of(KIND_REMOVE, 20, 10, FRAME_MORE_PARTS), FRAME_BAD_FIELD);
    cr_assert_eq(send_of(KIND_REMOVE | KIND_HEADED, 20, 20, 0), FRAME_BAD_FIELD);
    cr_assert_eq(send_of(KIND_EDIT, 2000, 1000, FRAME_MORE_PARTS), FRAME_OK);
    cr_assert_eq(send_of(KIND_EDIT | KIND_HEADED, 20, 20, 0), FRAME_OK);
}

Test(mend, 06_marks_are_of_the_past_only) {
    cr_assert_eq(past_of(KIND_TEXT | KIND_EDITED), FRAME_OK);
    cr_assert_eq(past_of(KIND_NOTICE | KIND_HEADED | KIND_EDITED), FRAME_OK);
    cr_assert_eq(past_of(KIND_TEXT | KIND_REMOVED), FRAME_OK);
    cr_assert_eq(past_of(KIND_EDIT), FRAME_BAD_FIELD);
    cr_assert_eq(past_of(KIND_REMOVE), FRAME_BAD_FIELD);
    cr_assert_eq(past_of(KIND_TEXT | KIND_REMOVED | KIND_ANSWER), FRAME_BAD_FIELD);
    cr_assert_eq(past_of(KIND_TEXT | KIND_EDITED | KIND_ANSWER), FRAME_OK);
    cr_assert_eq(send_of(KIND_TEXT | KIND_EDITED, 1, 1, 0), FRAME_BAD_FIELD);
    cr_assert_eq(send_of(KIND_TEXT | KIND_REMOVED, 1, 1, 0), FRAME_BAD_FIELD);
}
