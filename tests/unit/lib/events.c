#include "lib/events.h"

#include <criterion/criterion.h>

static struct event_store store;
static struct earshot_event event;

static void teardown(void) {
    event_store_deinit(&store);
}

TestSuite(events, .fini = teardown);

static void message(const char *from, const char *to, const char *body, uint8_t flags) {
    struct frame_message fields = {.seq = 9,
                                   .id = {{1}},
                                   .at_ms = 1234,
                                   .kind = KIND_ACTION,
                                   .uid = 1001,
                                   .from = bytes_of(from),
                                   .to = bytes_of(to),
                                   .link = 5,
                                   .total = (uint32_t)strlen(body),
                                   .body = bytes_of(body)};
    cr_assert_eq(event_from_message(&store, &event, &fields, flags, bytes_of("alice")), 0);
}

Test(events, 01_a_direct_message_belongs_to_its_sender) {
    message("bob", "alice", "hello", 0);
    cr_assert_eq(event.type, EARSHOT_EVENT_MESSAGE);
    cr_assert_str_eq(event.message.conv, "bob");
    cr_assert_str_eq(event.message.from, "bob");
    cr_assert_str_eq(event.message.to, "alice");
    cr_assert_str_eq(event.message.text, "hello");
    cr_assert_eq(event.message.text_n, 5);
    cr_assert_eq(event.message.seq, 9);
    cr_assert_eq(event.message.at_ms, 1234);
    cr_assert_eq(event.message.kind, EARSHOT_ACTION);
    cr_assert_eq(event.message.uid, 1001);
    cr_assert_eq(event.message.link, 5);
    cr_assert_str_eq(event.message.id, "01000000-0000-0000-0000-000000000000");
    cr_assert_str_eq(event.message.reply_to, "");
    cr_assert_not(event.message.mine);
}

Test(events, 02_a_direct_message_of_ones_own_belongs_to_its_recipient) {
    message("alice", "bob", "hello", FRAME_WANT_RECEIPT);
    cr_assert(event.message.mine);
    cr_assert_str_eq(event.message.conv, "bob");
    cr_assert_not(event.message.wants_receipt, "nobody confirms his own message");
}

Test(events, 03_a_message_to_a_room_belongs_to_the_room) {
    message("bob", "#ops", "hello", FRAME_WANT_RECEIPT);
    cr_assert_str_eq(event.message.conv, "#ops");
    cr_assert(event.message.wants_receipt);
    message("alice", "#ops", "hello", 0);
    cr_assert_str_eq(event.message.conv, "#ops");
    cr_assert(event.message.mine);
}

Test(events, 04_the_longest_text_is_whole) {
    static char body[MESSAGE_TEXT_MAX + 1];
    memset(body, 'x', MESSAGE_TEXT_MAX);
    message("bob", "alice", body, 0);
    cr_assert_eq(strlen(event.message.text), MESSAGE_TEXT_MAX);
    cr_assert_str_eq(event.message.from, "bob");
}

static void headed(const char *body, uint8_t kind) {
    struct frame_message fields = {.kind = kind,
                                   .from = bytes_of("bob"),
                                   .to = bytes_of("alice"),
                                   .total = (uint32_t)strlen(body),
                                   .body = bytes_of(body)};
    cr_assert_eq(event_from_message(&store, &event, &fields, 0, bytes_of("alice")), 0);
    cr_assert_eq(event.message.kind, EARSHOT_NOTICE);
    cr_assert_eq(event.message.text_n, strlen(event.message.text));
}

Test(events, 14_a_head_is_no_part_of_the_text) {
    headed("[max] Fire\nleave", KIND_NOTICE | KIND_HEADED);
    cr_assert_str_eq(event.message.title, "Fire");
    cr_assert_eq(event.message.priority, EARSHOT_PRIORITY_MAX);
    cr_assert_str_eq(event.message.text, "leave");
    headed("[max] Fire\nleave", KIND_NOTICE);
    cr_assert_str_eq(event.message.title, "");
    cr_assert_eq(event.message.priority, EARSHOT_PRIORITY_DEFAULT);
    cr_assert_str_eq(event.message.text, "[max] Fire\nleave");
    headed("[max] Fire", KIND_NOTICE | KIND_HEADED);
    cr_assert_str_eq(event.message.title, "", "there is no head, whatever the kind says");
    cr_assert_str_eq(event.message.text, "[max] Fire");
}

Test(events, 05_pids_are_numbers) {
    const uint32_t pids[] = {777, 501};
    struct frame_user user = {.request = 3,
                              .handle = bytes_of("bob"),
                              .uid = 1001,
                              .state = PRESENCE_AWAY,
                              .away = bytes_of("lunch"),
                              .idle_s = 60,
                              .pids = {(const char *)pids, sizeof pids}};
    cr_assert_eq(event_from_user(&store, &event, &user), 0);
    cr_assert_eq(event.type, EARSHOT_EVENT_USER);
    cr_assert_eq(event.request, 3);
    cr_assert_eq(event.user.n_pids, 2);
    cr_assert_eq(event.user.pids[0], 777);
    cr_assert_eq(event.user.pids[1], 501);
    cr_assert_eq(event.user.state, EARSHOT_AWAY);
    cr_assert_str_eq(event.user.away, "lunch");
    user.pids = (struct bytes){0};
    cr_assert_eq(event_from_user(&store, &event, &user), 0);
    cr_assert_eq(event.user.n_pids, 0);
}

Test(events, 06_news_and_failures_carry_their_strings) {
    struct frame_news news = {NEWS_TOPIC, bytes_of("bob"), 1001, bytes_of("#ops"),
                              bytes_of("disk full")};
    cr_assert_eq(event_from_news(&store, &event, &news), 0);
    cr_assert_eq(event.news.what, EARSHOT_NEWS_TOPIC);
    cr_assert_str_eq(event.news.who, "bob");
    cr_assert_str_eq(event.news.room, "#ops");
    cr_assert_str_eq(event.news.detail, "disk full");

    struct frame_fail fail = {4, 67, bytes_of("there is no such room")};
    cr_assert_eq(event_from_fail(&store, &event, &fail), 0);
    cr_assert_eq(event.type, EARSHOT_EVENT_FAILED);
    cr_assert_eq(event.request, 4);
    cr_assert_eq(event.failed.code, 67);
    cr_assert_str_eq(event.failed.reason, "there is no such room");
    cr_assert_str_eq(event.failed.id, "");
}

Test(events, 07_lines_of_lists) {
    struct frame_room room = {1, bytes_of("#ops"), 12, bytes_of("")};
    cr_assert_eq(event_from_room(&store, &event, &room), 0);
    cr_assert_str_eq(event.room.name, "#ops");
    cr_assert_str_eq(event.room.topic, "");
    cr_assert_eq(event.room.members, 12);

    struct frame_counter counter = {1, bytes_of("messages"), UINT64_MAX};
    cr_assert_eq(event_from_counter(&store, &event, &counter), 0);
    cr_assert_str_eq(event.counter.key, "messages");
    cr_assert_eq(event.counter.value, UINT64_MAX);

    struct frame_object object = {1, OBJECT_MAILBOX, 32768, 1001, 777, bytes_of("bob")};
    cr_assert_eq(event_from_object(&store, &event, &object), 0);
    cr_assert_eq(event.object.role, EARSHOT_MAILBOX);
    cr_assert_eq(event.object.id, 32768);
    cr_assert_str_eq(event.object.handle, "bob");

    struct frame_state state = {{{2}}, STATE_READ, bytes_of("bob")};
    cr_assert_eq(event_from_state(&store, &event, &state), 0);
    cr_assert_eq(event.state.state, EARSHOT_READ);
    cr_assert_str_eq(event.state.by, "bob");
    cr_assert_not(event.state.up_to);
}

Test(events, 20_a_message_of_the_past_answers_a_request) {
    struct frame_message fields = {.seq = 9,
                                   .id = {{1}},
                                   .from = bytes_of("alice"),
                                   .to = bytes_of("bob"),
                                   .total = 5,
                                   .body = bytes_of("hello")};
    cr_assert_eq(event_from_past(&store, &event, &fields, 7, bytes_of("alice")), 0);
    cr_assert_eq(event.type, EARSHOT_EVENT_PAST);
    cr_assert_eq(event.request, 7);
    cr_assert_eq(event.message.seq, 9);
    cr_assert_str_eq(event.message.conv, "bob");
    cr_assert_str_eq(event.message.text, "hello");
    cr_assert(event.message.mine);
    cr_assert_not(event.message.late);
    cr_assert_not(event.message.wants_receipt);
}

Test(events, 21_a_late_message_says_so) {
    message("bob", "alice", "hello", FRAME_LATE);
    cr_assert(event.message.late);
    message("bob", "alice", "hello", 0);
    cr_assert_not(event.message.late);
}
