/*
 * redis-server: publish and subscribe, in the third version of its protocol, which can do both on
 * one connection: https://redis.io/docs/latest/develop/reference/protocol-spec/
 */
#include <stdlib.h>
#include <string.h>

#include "bench/peers/server.h"

#define LOOK_EVERY 64 /* answers that are due: what has come of them is taken */
#define DUE_MAX 512   /* more are waited for */

static int redis_start(struct bench *bench, struct router *router) {
    char path[SERVER_PATH_SIZE];
    int r = server_prepare(bench, router);
    server_path(router, path, SERVER_SOCKET);
    if (r != 0)
        return r;
    return server_start(bench, router,
                        (const char *const[]){"--port", "0", "--unixsocket", path, "--save", "",
                                              "--appendonly", "no", "--dir", router->hub.dir,
                                              NULL});
}

static int redis_subscribe(struct wire *wire, const char *channel) {
    wire_print(wire, "SUBSCRIBE %s\r\nPING\r\n", channel);
    return wire_ask(wire, "+PONG", NULL);
}

static int redis_open(struct client *client) {
    int r = server_dial(client);
    if (r != CLIENT_OK)
        return r;
    wire_print(client->own, "HELLO 3\r\n");
    return redis_subscribe(client->own, client_address(client, (int)client->index, "c%d"));
}

static int redis_join(struct client *client) {
    return redis_subscribe(client->own, "room");
}

/* The line at `at` of what came, which moves behind it. */
static const char *redis_line(const struct wire *wire, size_t *at) {
    const char *line = wire->in + *at;
    const char *end = memchr(line, '\n', wire->n_in - *at);
    if (end)
        *at = (size_t)(end - wire->in) + 1;
    return end ? line : NULL;
}

enum redis_reply { REDIS_PART, REDIS_OTHER, REDIS_MESSAGE };

/* A push of three: what it is, its channel, its text (a number for subscriptions). */
static enum redis_reply redis_push(struct wire *wire, size_t at, const char **text, size_t *n) {
    *n = 0;
    for (int i = 0; i < 3; i++) {
        const char *line = redis_line(wire, &at);
        if (!line)
            return REDIS_PART;
        if (*line != '$')
            continue;
        *n = strtoul(line + 1, NULL, 10);
        *text = wire->in + at;
        if (wire->n_in - at < *n + 2)
            return REDIS_PART;
        at += *n + 2;
        if (i == 0 && strncmp(*text, "message", 7) != 0)
            *n = 0;
    }
    wire->at = at;
    return *n > 0 ? REDIS_MESSAGE : REDIS_OTHER;
}

static enum redis_reply redis_next(struct wire *wire, const char **text, size_t *n) {
    size_t at = wire->at;
    const char *line = redis_line(wire, &at);
    if (!line)
        return REDIS_PART;
    if (*line == '>')
        return redis_push(wire, at, text, n);
    wire->at = at;
    if (*line == ':' && wire->n_due > 0)
        wire->n_due--;
    return REDIS_OTHER;
}

/* Takes what has been answered to a sender. */
static int redis_take_answers(struct wire *wire) {
    const char *text;
    size_t n;
    bool more;
    do {
        while (redis_next(wire, &text, &n) != REDIS_PART)
            continue;
        if (wire->n_due > DUE_MAX ? !wire_fill(wire) : !wire_look(wire, &more))
            return CLIENT_CUT_OFF;
    } while (wire->n_due > DUE_MAX);
    while (redis_next(wire, &text, &n) != REDIS_PART)
        continue;
    return CLIENT_OK;
}

static int redis_send(struct client *client, int to, const struct load *load) {
    struct wire *wire = client->own;
    const char *channel = client_address(client, to, "c%d");
    wire_print(wire, "*3\r\n$7\r\nPUBLISH\r\n$%zu\r\n%s\r\n$%u\r\n", strlen(channel), channel,
               load->n);
    wire_put(wire, load->text, load->n);
    wire_put(wire, "\r\n", 2);
    wire->n_due++;
    int r = wire_sent(client);
    if (r == CLIENT_OK && !client->listens && wire->n_out == 0 && wire->n_due >= LOOK_EVERY)
        r = redis_take_answers(wire);
    return r;
}

static int redis_receive(struct client *client, const char **text, size_t *n) {
    struct wire *wire = client->own;
    for (;;) {
        enum redis_reply reply = redis_next(wire, text, n);
        if (reply == REDIS_MESSAGE)
            return CLIENT_OK;
        if (reply == REDIS_PART && !wire_fill(wire))
            return CLIENT_CUT_OFF;
    }
}

const struct router_kind router_redis = {
    .name = "redis-server",
    .program = "redis-server",
    .start = redis_start,
    .stop = server_stop,
    .open = redis_open,
    .join = redis_join,
    .send = redis_send,
    .flush = wire_hand_over,
    .receive = redis_receive,
};
