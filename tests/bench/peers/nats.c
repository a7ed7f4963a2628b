/* nats-server: https://docs.nats.io/reference/reference-protocols/nats-protocol */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/peers/server.h"

static int nats_start(struct bench *bench, struct router *router) {
    char port[16];
    int r = server_prepare(bench, router);
    if (r == 0)
        r = server_find_port(bench, router);
    if (r != 0)
        return r;
    snprintf(port, sizeof port, "%d", router->port);
    return server_start(bench, router, (const char *const[]){"-a", "127.0.0.1", "-p", port, NULL});
}

/* What was said before is done when the answer comes. */
static int nats_sync(struct wire *wire) {
    wire_print(wire, "PING\r\n");
    return wire_ask(wire, "PONG", NULL);
}

static int nats_open(struct client *client) {
    int r = server_dial(client);
    if (r != CLIENT_OK)
        return r;
    struct wire *wire = client->own;
    wire_print(wire, "CONNECT {\"verbose\":false,\"pedantic\":false,\"echo\":false}\r\n");
    if (client->listens)
        wire_print(wire, "SUB c%u 1\r\n", client->index);
    return nats_sync(wire);
}

static int nats_join(struct client *client) {
    wire_print(client->own, "SUB room 2\r\n");
    return nats_sync(client->own);
}

static int nats_send(struct client *client, int to, const struct load *load) {
    struct wire *wire = client->own;
    wire_print(wire, "PUB %s %u\r\n", client_address(client, to, "c%d"), load->n);
    wire_put(wire, load->text, load->n);
    wire_put(wire, "\r\n", 2);
    return wire_sent(client);
}

/* A control line; what is no message is dealt with. 0 bytes: none. */
static int nats_control(struct wire *wire, size_t *n) {
    size_t line_n;
    const char *line;
    while (!(line = wire_line(wire, &line_n)))
        if (!wire_fill(wire))
            return CLIENT_CUT_OFF;
    *n = 0;
    if (strncmp(line, "-ERR", 4) == 0)
        return CLIENT_CUT_OFF;
    if (strcmp(line, "PING") == 0) {
        wire_print(wire, "PONG\r\n");
        return wire_flush(wire) ? CLIENT_OK : CLIENT_CUT_OFF;
    }
    if (strncmp(line, "MSG ", 4) == 0)
        *n = strtoul(strrchr(line, ' '), NULL, 10);
    return CLIENT_OK;
}

static int nats_receive(struct client *client, const char **text, size_t *n) {
    struct wire *wire = client->own;
    do {
        int r = nats_control(wire, n);
        if (r != CLIENT_OK)
            return r;
    } while (*n == 0);
    while (wire_n(wire) < *n + 2)
        if (!wire_fill(wire))
            return CLIENT_CUT_OFF;
    *text = wire->in + wire->at;
    wire->at += *n + 2;
    return CLIENT_OK;
}

const struct router_kind router_nats = {
    .name = "nats-server",
    .program = "nats-server",
    .start = nats_start,
    .stop = server_stop,
    .open = nats_open,
    .join = nats_join,
    .send = nats_send,
    .flush = wire_hand_over,
    .receive = nats_receive,
};
