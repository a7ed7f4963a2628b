/* ngircd: IRC, as in RFC 2812. Its penalties for those who talk much are turned off. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bench/peers/server.h"

static int irc_start(struct bench *bench, struct router *router) {
    char config[1024], path[SERVER_PATH_SIZE];
    int r = server_prepare(bench, router);
    if (r == 0)
        r = server_find_port(bench, router);
    if (r != 0)
        return r;
    snprintf(config, sizeof config,
             "[Global]\nName=bench.example.net\nInfo=bench\nListen=127.0.0.1\nPorts=%d\n%s"
             "[Limits]\nMaxConnections=0\nMaxConnectionsIP=0\nMaxJoins=0\nMaxPenaltyTime=0\n"
             "PingTimeout=3600\nPongTimeout=3600\n"
             "[Options]\nDNS=no\nIdent=no\nPAM=no\n",
             router->port, geteuid() == 0 ? "ServerUID=nobody\nServerGID=nogroup\n" : "");
    r = server_write(bench, router, path, "ngircd.conf", config);
    return r == 0 ? server_start(bench, router, (const char *const[]){"-n", "-f", path, NULL}) : r;
}

static int irc_open(struct client *client) {
    int r = server_dial(client);
    if (r != CLIENT_OK)
        return r;
    struct wire *wire = client->own;
    wire_print(wire, "NICK c%u\r\nUSER bench 0 * :bench\r\n", client->index);
    return wire_ask(wire, " 376 ", " 422 ");
}

static int irc_join(struct client *client) {
    wire_print(client->own, "JOIN #room\r\n");
    return wire_ask(client->own, " 366 ", NULL);
}

/* What the server says to a sender, who does not listen. */
static int irc_pass_over(struct wire *wire) {
    bool more = true;
    while (more) {
        if (!wire_look(wire, &more))
            return CLIENT_CUT_OFF;
        wire->at = wire->n_in;
    }
    return CLIENT_OK;
}

static int irc_send(struct client *client, int to, const struct load *load) {
    struct wire *wire = client->own;
    wire_print(wire, "PRIVMSG %s%s :", to == ROUTER_ROOM ? "#" : "",
               client_address(client, to, "c%d"));
    wire_put(wire, load->text, load->n);
    wire_put(wire, "\r\n", 2);
    int r = wire_sent(client);
    if (r == CLIENT_OK && !client->listens && load->number % 64 == 0)
        r = irc_pass_over(wire);
    return r;
}

static int irc_receive(struct client *client, const char **text, size_t *n) {
    struct wire *wire = client->own;
    for (;;) {
        size_t line_n;
        char *line = wire_line(wire, &line_n);
        char *body = line ? strstr(line, " PRIVMSG ") : NULL;
        body = body ? strstr(body, " :") : NULL;
        if (body) {
            *text = body + 2;
            *n = line_n - (size_t)(*text - line);
            return CLIENT_OK;
        }
        if (!line && !wire_fill(wire))
            return CLIENT_CUT_OFF;
    }
}

const struct router_kind router_irc = {
    .name = "ngircd",
    .program = "ngircd",
    .sender_joins = true,
    .start = irc_start,
    .stop = server_stop,
    .open = irc_open,
    .join = irc_join,
    .send = irc_send,
    .flush = wire_hand_over,
    .receive = irc_receive,
};
