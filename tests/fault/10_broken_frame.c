/*
 * A program whose frame breaks the protocol: the hub ends the session, and the library says so.
 * Without EARSHOT_RECONNECT that is the end; with it the link comes back and sends again what was
 * not acknowledged, so nothing is lost; but when it is that which breaks the protocol, it gives up.
 */
#include <string.h>

#include "harness/stage.h"
#include "lib/link.h"

#define ANSWER_MS 10000
#define RUN_MS 30000
#define KIND_AT (FRAME_HEADER_BYTES + sizeof(struct uuid)) /* of a SEND */

struct play {
    const struct stage *stage;
    unsigned flags;
};

/* Into the lane, past all checks of the library. */
static bool send_broken(struct earshot *link) {
    struct queue_message message = {.mtype = HUB_MTYPE};
    struct cursor_out out = cursor_out_of(message.data, sizeof message.data);
    struct frame frame = {.type = FRAME_SEND, .send = {.kind = 99, .to = bytes_of("alice")}};
    envelope_put(&out, &(struct envelope){PROTO_VERSION, 1, link->session});
    return frame_put(&out, &frame) &&
           queue_send(atomic_load(&link->lane), &message, cursor_out_used(&out), true) == QUEUE_OK;
}

static int open_link(earshot **link, const struct play *play) {
    struct earshot_options options = {
        .hub = play->stage->dir, .handle = "alice", .flags = play->flags};
    return earshot_open(link, &options);
}

/* Ends with the outcome that is not EARSHOT_OK, or at this event. */
static int await_event(earshot *link, enum earshot_event_type type, struct earshot_event *event) {
    int r;
    do {
        r = earshot_next(link, event, ANSWER_MS);
    } while (r == EARSHOT_OK && event->type != type);
    return r;
}

static bool says_why(const char *sentence) {
    return strstr(sentence, "broke the protocol") && strstr(sentence, "report it");
}

static int once(void *arg) {
    struct earshot_event event;
    earshot *link = NULL;
    check(open_link(&link, arg) == EARSHOT_OK && send_broken(link), "a frame breaks the protocol");
    int r = await_event(link, EARSHOT_EVENT_BACK, &event);
    check(r == EARSHOT_REFUSED, "a link that does not reconnect ends: %d, %s", r,
          earshot_error(link));
    check(strcmp(earshot_fail_name(earshot_fail_code(link)), "bad-frame") == 0 &&
              says_why(earshot_error(link)),
          "and says why");
    earshot_close(link);
    return 0;
}

static int comes_back(void *arg) {
    struct earshot_message message = {
        .to = "alice", .text = "still here", .text_n = 10, .flags = EARSHOT_CORK};
    struct earshot_event event;
    earshot *link = NULL;
    check(open_link(&link, arg) == EARSHOT_OK && earshot_send(link, &message, NULL) == EARSHOT_OK &&
              send_broken(link) && earshot_flush(link) == EARSHOT_OK,
          "a message is behind a frame that breaks the protocol");
    check(await_event(link, EARSHOT_EVENT_LOST, &event) == EARSHOT_OK &&
              says_why(event.lost.reason),
          "the session is lost, and the event says why");
    check(await_event(link, EARSHOT_EVENT_BACK, &event) == EARSHOT_OK, "the link comes back");
    check(await_event(link, EARSHOT_EVENT_STATE, &event) == EARSHOT_OK &&
              event.state.state == EARSHOT_STORED,
          "and the message is stored");
    earshot_close(link);
    return 0;
}

static int gives_up(void *arg) {
    struct earshot_message message = {
        .to = "alice", .text = "poison", .text_n = 6, .flags = EARSHOT_CORK};
    struct earshot_event event;
    earshot *link = NULL;
    unsigned n_lost = 0;
    int r = open_link(&link, arg);
    if (!check(r == EARSHOT_OK && earshot_send(link, &message, NULL) == EARSHOT_OK, "a message"))
        return 1;
    link->pending.bytes[link->pending.entries[link->pending.first].at + KIND_AT] = 99;
    pending_rewind(&link->pending);
    outgoing_reset(link); /* it was in the batch already */
    while (r == EARSHOT_OK) {
        r = earshot_next(link, &event, ANSWER_MS);
        n_lost += r == EARSHOT_OK && event.type == EARSHOT_EVENT_LOST;
    }
    check(r == EARSHOT_REFUSED && n_lost == LINK_REJECTED_MAX,
          "what breaks the protocol each time is given up after %u sessions: %d", n_lost, r);
    check(says_why(earshot_error(link)), "and it says why: %s", earshot_error(link));
    earshot_close(link);
    return 0;
}

static void play_one(const struct stage *stage, int (*run)(void *), unsigned flags) {
    struct play play = {stage, flags};
    check(user_run(UID_ALICE, run, &play, RUN_MS) == 0, "the program ends");
}

int main(void) {
    struct stage stage;
    stage_prepare(&stage);
    stage.durable = true;
    stage_start_hub(&stage, "open");
    play_one(&stage, once, 0);
    play_one(&stage, comes_back, EARSHOT_RECONNECT);
    play_one(&stage, gives_up, EARSHOT_RECONNECT);
    return stage_end(&stage);
}
