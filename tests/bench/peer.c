#include "bench/peer.h"

#include <errno.h>
#include <sys/prctl.h>

#define OPEN_TIMEOUT_MS 30000

int peer_open(struct peer *peer, struct crew_arena *arena, const char *dir, const char *handle,
              unsigned flags) {
    struct earshot_options options = {
        .hub = dir, .handle = handle, .flags = flags, .timeout_ms = OPEN_TIMEOUT_MS};
    *peer = (struct peer){.arena = arena};
    prctl(PR_SET_NAME, "bench-client"); /* perf(1) and inspect tell it from the bare ones */
    int r = earshot_open(&peer->link, &options);
    if (r == EARSHOT_OK)
        return 0;
    crew_fail(arena, "%s cannot join: %s (%d)", handle ? handle : "a session",
              peer->link ? earshot_error(peer->link) : "out of memory", r);
    peer_close(peer);
    return 1;
}

void peer_close(struct peer *peer) {
    earshot_close(peer->link);
    peer->link = NULL;
}

int peer_send(struct peer *peer, const char *to, struct load *load, unsigned flags) {
    struct earshot_message message = {
        .to = to, .text = load->text, .text_n = load->n, .flags = flags};
    int r = earshot_send(peer->link, &message, NULL);
    if (r != EARSHOT_OK)
        return crew_fail(peer->arena, "send: %s (%d)", earshot_error(peer->link), r);
    load_next(load);
    return 0;
}

/* What must not happen in a benchmark. */
static int peer_complain(struct peer *peer, const struct earshot_event *event) {
    switch (event->type) {
    case EARSHOT_EVENT_REFUSED:
    case EARSHOT_EVENT_FAILED:
        return crew_fail(peer->arena, "the hub refused: %s (%s)", event->failed.reason,
                         earshot_fail_name(event->failed.code));
    case EARSHOT_EVENT_MISSED:
        return crew_fail(peer->arena, "violation: %llu messages are lost (missed)",
                         (unsigned long long)event->missed);
    case EARSHOT_EVENT_TRANSFER:
        if (event->transfer.state != EARSHOT_TRANSFER_FAILED &&
            event->transfer.state != EARSHOT_TRANSFER_DECLINED)
            return 0;
        return crew_fail(peer->arena, "a transfer failed: %s", event->transfer.error);
    case EARSHOT_EVENT_LOST:
        return crew_fail(peer->arena, "the hub is gone: %s", earshot_error(peer->link));
    default:
        return 0;
    }
}

/* The next event that is no trouble; EARSHOT_AGAIN within the timeout is passed on. */
static int next_within(struct peer *peer, struct earshot_event *event, int timeout_ms) {
    int r;
    do
        r = earshot_next(peer->link, event, timeout_ms);
    while (r == -EINTR);
    if (r == EARSHOT_AGAIN && timeout_ms >= 0)
        return EARSHOT_AGAIN;
    if (r != EARSHOT_OK) {
        crew_fail(peer->arena, "next: %s (%d)", earshot_error(peer->link), r);
        return -EIO;
    }
    return peer_complain(peer, event) == 0 ? 0 : -EIO;
}

int peer_next(struct peer *peer, struct earshot_event *event) {
    return next_within(peer, event, -1) != 0;
}

int peer_settle(struct peer *peer) {
    struct earshot_event event;
    int r = earshot_flush(peer->link);
    if (r != EARSHOT_OK)
        return crew_fail(peer->arena, "flush: %s (%d)", earshot_error(peer->link), r);
    while (r >= 0 && earshot_n_unacknowledged(peer->link) > 0)
        r = next_within(peer, &event, 100);
    do /* what came with the last acknowledgement */
        r = r < 0 ? r : next_within(peer, &event, 0);
    while (r == EARSHOT_OK);
    return r < 0;
}

int peer_receive(struct peer *peer, struct earshot_event *event) {
    int r;
    do
        r = next_within(peer, event, -1);
    while (r == 0 && event->type != EARSHOT_EVENT_MESSAGE);
    return r != 0;
}

int peer_expect(struct peer *peer, struct load *expected) {
    struct earshot_event event;
    if (peer_receive(peer, &event) != 0)
        return 1;
    return load_check(expected, peer->arena, event.message.text, event.message.text_n);
}

int peer_join(struct peer *peer, const char *room) {
    struct earshot_event event;
    uint32_t request;
    int r = earshot_join(peer->link, room, false, &request);
    if (r != EARSHOT_OK)
        return crew_fail(peer->arena, "join %s: %s (%d)", room, earshot_error(peer->link), r);
    do
        r = next_within(peer, &event, -1);
    while (r == 0 && !(event.type == EARSHOT_EVENT_DONE && event.request == request));
    return r != 0;
}

int peer_count_lanes(struct peer *peer, unsigned *n) {
    struct earshot_event event;
    uint32_t request;
    int r = earshot_ask(peer->link, EARSHOT_OBJECTS, NULL, &request);
    if (r != EARSHOT_OK)
        return crew_fail(peer->arena, "ask: %s (%d)", earshot_error(peer->link), r);
    *n = 0;
    while ((r = next_within(peer, &event, -1)) == 0 && event.type != EARSHOT_EVENT_DONE)
        if (event.type == EARSHOT_EVENT_OBJECT && event.object.role != EARSHOT_MAILBOX)
            ++*n;
    return r != 0;
}
