/* Earshot, through its library, as its users have it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

#include "bench/flood/router.h"
#include "bench/peer.h"

#define OPEN_MS 30000
#define ROOM_MS 30000
#define SETTLE_MS 100

static int earshot_began(struct router *router, int r) {
    router->pid = router->hub.pid;
    return r;
}

static int earshot_start(struct bench *bench, struct router *router) {
    return earshot_began(router, router->is_open ? hub_start_open(bench, &router->hub)
                                                 : hub_start(bench, &router->hub));
}

static int earshot_start_stored(struct bench *bench, struct router *router) {
    return earshot_began(router, hub_start_durable(bench, &router->hub));
}

static void earshot_stop(struct router *router) {
    hub_stop(&router->hub);
}

static int earshot_fail(struct client *client, const char *what, int r) {
    earshot *link = client->own;
    crew_fail(client->arena, "%s: %s (%d)", what, link ? earshot_error(link) : "out of memory", r);
    return CLIENT_FAILED;
}

/* One user has 256 handles at most: a crowd shares some. */
static void earshot_name(const struct client *client, char name[16]) {
    const unsigned n_own = PEER_CROWD_HANDLES, n_shared = 25;
    unsigned shared = client->index % n_shared;
    if (!client->listens)
        snprintf(name, 16, "from%u", shared);
    else
        snprintf(name, 16, "c%u", client->index < n_own ? client->index : n_own + shared);
}

static int earshot_enter(struct client *client) {
    char name[16];
    earshot *link = NULL;
    earshot_name(client, name);
    prctl(PR_SET_NAME, "bench-client");
    struct earshot_options options = {.hub = client->router->hub.dir,
                                      .handle = name,
                                      .flags = client->listens ? EARSHOT_LISTEN : 0,
                                      .timeout_ms = OPEN_MS};
    int r = earshot_open(&link, &options);
    client->own = link;
    return r == EARSHOT_OK ? CLIENT_OK : earshot_fail(client, "join", r);
}

/* What is no message. */
static int earshot_heed(struct client *client, const struct earshot_event *event) {
    switch (event->type) {
    case EARSHOT_EVENT_MISSED:
        client->n_missed += event->missed;
        return CLIENT_OK;
    case EARSHOT_EVENT_REFUSED:
    case EARSHOT_EVENT_FAILED:
        crew_fail(client->arena, "the hub refused: %s (%s)", event->failed.reason,
                  earshot_fail_name(event->failed.code));
        return CLIENT_FAILED;
    case EARSHOT_EVENT_LOST:
        return CLIENT_CUT_OFF;
    default:
        return CLIENT_OK;
    }
}

/* Takes what is there, or waits for it so long; EARSHOT_AGAIN is no trouble. */
static int earshot_take(struct client *client, int timeout_ms, struct earshot_event *event,
                        int *outcome) {
    do
        *outcome = earshot_next(client->own, event, timeout_ms);
    while (*outcome == -EINTR);
    if (*outcome == EARSHOT_AGAIN)
        return CLIENT_OK;
    if (*outcome == EARSHOT_NO_HUB)
        return CLIENT_CUT_OFF;
    return *outcome == EARSHOT_OK ? earshot_heed(client, event)
                                  : earshot_fail(client, "next", *outcome);
}

static int earshot_drain(struct client *client) {
    struct earshot_event event;
    int outcome, r;
    do
        r = earshot_take(client, 0, &event, &outcome);
    while (r == CLIENT_OK && outcome == EARSHOT_OK);
    return r;
}

static int earshot_attend(struct client *client) {
    struct earshot_event event;
    uint32_t request;
    int outcome, r = earshot_join(client->own, "#room", true, &request);
    if (r != EARSHOT_OK)
        return earshot_fail(client, "join #room", r);
    do {
        r = earshot_take(client, ROOM_MS, &event, &outcome);
        if (r == CLIENT_OK && outcome == EARSHOT_AGAIN)
            return earshot_fail(client, "join #room", outcome);
    } while (r == CLIENT_OK && !(event.type == EARSHOT_EVENT_DONE && event.request == request));
    return r;
}

static int earshot_say(struct client *client, int to, const struct load *load) {
    struct earshot_message message = {.to = to == ROUTER_ROOM ? "#room"
                                                              : client_address(client, to, "c%d"),
                                      .text = load->text,
                                      .text_n = load->n,
                                      .flags = client->bulk ? EARSHOT_CORK : 0};
    for (;;) {
        int r = earshot_send(client->own, &message, NULL);
        if (r == EARSHOT_OK)
            return CLIENT_OK;
        r = r == EARSHOT_AGAIN ? earshot_drain(client) : earshot_fail(client, "send", r);
        if (r != CLIENT_OK)
            return r;
    }
}

static int earshot_hand_over(struct client *client) {
    int r = earshot_flush(client->own);
    return r == EARSHOT_OK ? CLIENT_OK : earshot_fail(client, "flush", r);
}

static int earshot_hear(struct client *client, const char **text, size_t *n) {
    struct earshot_event event;
    int outcome, r;
    do
        r = earshot_take(client, -1, &event, &outcome);
    while (r == CLIENT_OK && event.type != EARSHOT_EVENT_MESSAGE);
    *text = event.message.text;
    *n = event.message.text_n;
    return r;
}

static int earshot_await_acks(struct client *client) {
    struct earshot_event event;
    int outcome, r = CLIENT_OK;
    while (r == CLIENT_OK && earshot_n_unacknowledged(client->own) > 0)
        r = earshot_take(client, SETTLE_MS, &event, &outcome);
    return r;
}

int router_earshot_counter(struct client *client, const char *key, uint64_t *value) {
    struct earshot_event event;
    uint32_t request;
    int outcome, r = earshot_ask(client->own, EARSHOT_COUNTERS, NULL, &request);
    if (r != EARSHOT_OK)
        return earshot_fail(client, "ask", r);
    do {
        r = earshot_take(client, -1, &event, &outcome);
        if (r == CLIENT_OK && event.type == EARSHOT_EVENT_COUNTER &&
            strcmp(event.counter.key, key) == 0)
            *value = event.counter.value;
    } while (r == CLIENT_OK && event.type != EARSHOT_EVENT_DONE);
    return r;
}

#define ROUTER_EARSHOT(name_, start_)                                                              \
    {                                                                                              \
        .name = name_, .has_segments = true, .start = start_, .stop = earshot_stop,                \
        .open = earshot_enter, .join = earshot_attend, .send = earshot_say,                        \
        .flush = earshot_hand_over, .receive = earshot_hear, .settle = earshot_await_acks          \
    }

const struct router_kind router_earshot = ROUTER_EARSHOT("earshot", earshot_start);
const struct router_kind router_earshot_stored = ROUTER_EARSHOT("earshot", earshot_start_stored);
