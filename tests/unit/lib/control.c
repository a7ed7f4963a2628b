#include "lib/control.h"

#include <criterion/criterion.h>

#include "proto/name.h"

static struct control control;

static void setup(void) {
    cr_assert_eq(control_init(&control), 0);
}

static void teardown(void) {
    control_deinit(&control);
}

TestSuite(control, .init = setup, .fini = teardown);

static bool append(uint64_t position, uint32_t request) {
    struct frame frame = {.type = FRAME_NICK, .nick = {request, bytes_of("bob")}};
    return control_append(&control, position, &frame);
}

/* The request of the next frame at this position; 0 when it must wait. */
static uint32_t take(uint64_t position) {
    struct bytes frame;
    struct frame decoded;
    if (!control_next(&control, position, &frame))
        return 0;
    struct cursor_in in = cursor_in_of(frame.data, frame.n);
    cr_assert_eq(frame_take(&in, &decoded, FROM_CLIENT), FRAME_OK);
    control_advance(&control, frame.n);
    return decoded.nick.request;
}

Test(control, 01_frames_keep_their_order) {
    append(0, 1);
    append(0, 2);
    cr_assert_eq(take(0), 1);
    cr_assert_eq(take(0), 2);
    cr_assert_eq(take(0), 0);
    cr_assert(control_is_empty(&control));
}

Test(control, 02_a_frame_waits_for_the_messages_before_it) {
    append(5, 1);
    cr_assert_eq(take(4), 0);
    cr_assert_eq(take(5), 1);
}

Test(control, 03_room_is_bounded_and_comes_back) {
    uint32_t n = 0, taken = 0;
    while (append(0, n + 1))
        n++;
    cr_assert_gt(n, 500);
    cr_assert_not(control_has_room(&control));
    for (int round = 0; round < 5000; round++) {
        cr_assert_eq(take(0), ++taken);
        if (append(0, n + 1))
            n++;
    }
    while (taken < n)
        cr_assert_eq(take(0), ++taken);
    cr_assert(control_is_empty(&control) && control_has_room(&control));
}

Test(control, 04_the_longest_topic_fits_where_there_is_room) {
    static char topic[TOPIC_BYTES_MAX + 1];
    static char room[NAME_BYTES_MAX + 1];
    memset(topic, 't', TOPIC_BYTES_MAX);
    memset(room, 'r', NAME_BYTES_MAX);
    struct frame frame = {.type = FRAME_TOPIC, .topic = {1, bytes_of(room), bytes_of(topic)}};
    while (control_has_room(&control))
        cr_assert(control_append(&control, 0, &frame));
}
