/* mosquitto: MQTT 3.1.1 (OASIS), quality of service 0, on a Unix socket. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "bench/peers/server.h"

enum { MQTT_CONNACK = 2, MQTT_PUBLISH = 3, MQTT_SUBACK = 9 };

static int mqtt_start(struct bench *bench, struct router *router) {
    char config[512], path[SERVER_PATH_SIZE];
    int r = server_prepare(bench, router);
    if (r != 0)
        return r;
    server_path(router, path, SERVER_SOCKET);
    snprintf(config, sizeof config,
             "listener 0 %s\nallow_anonymous true\npersistence false\nlog_dest none\nuser root\n",
             path);
    r = server_write(bench, router, path, "mosquitto.conf", config);
    return r == 0 ? server_start(bench, router, (const char *const[]){"-c", path, NULL}) : r;
}

/* The fixed header: type and flags, and the length of what follows, below 16 KiB. */
static void mqtt_begin(struct wire *wire, uint8_t first, size_t n) {
    const uint8_t bytes[] = {first, (uint8_t)(n < 128 ? n : (n & 127) | 128), (uint8_t)(n >> 7)};
    wire_put(wire, bytes, n < 128 ? 2 : 3);
}

static void mqtt_put_string(struct wire *wire, const char *text) {
    size_t n = strlen(text);
    wire_put(wire, (const uint8_t[]){(uint8_t)(n >> 8), (uint8_t)n}, 2);
    wire_put(wire, text, n);
}

/* The next packet, and where its content begins and ends; NULL when it is not all there. */
static const uint8_t *mqtt_packet(struct wire *wire, size_t *begin, size_t *end) {
    const uint8_t *packet = (const uint8_t *)wire->in + wire->at;
    size_t n = wire_n(wire), length;
    if (n < 2)
        return NULL;
    *begin = packet[1] & 128 ? 3 : 2;
    if (n < *begin)
        return NULL;
    length = (packet[1] & 127U) | (*begin == 3 ? (size_t)packet[2] << 7 : 0);
    *end = *begin + length;
    if (n < *end)
        return NULL;
    wire->at += *end;
    return packet;
}

static const uint8_t *mqtt_await(struct wire *wire, int type, size_t *begin, size_t *end) {
    for (;;) {
        const uint8_t *packet = mqtt_packet(wire, begin, end);
        if (packet && packet[0] >> 4 == type)
            return packet;
        if (!packet && !wire_fill(wire))
            return NULL;
    }
}

static int mqtt_exchange(struct wire *wire, int answer) {
    size_t begin, end;
    return wire_flush(wire) && mqtt_await(wire, answer, &begin, &end) ? CLIENT_OK : CLIENT_CUT_OFF;
}

static int mqtt_subscribe(struct wire *wire, const char *topic) {
    mqtt_begin(wire, 0x82, 2 + 2 + strlen(topic) + 1);
    wire_put(wire, (const uint8_t[]){0, 1}, 2);
    mqtt_put_string(wire, topic);
    wire_put(wire, (const uint8_t[]){0}, 1);
    return mqtt_exchange(wire, MQTT_SUBACK);
}

static int mqtt_open(struct client *client) {
    int r = server_dial(client);
    if (r != CLIENT_OK)
        return r;
    struct wire *wire = client->own;
    const char *name = client_address(client, (int)client->index, "c%d");
    mqtt_begin(wire, 0x10, 10 + 2 + strlen(name));
    mqtt_put_string(wire, "MQTT");
    wire_put(wire, (const uint8_t[]){4, 2, 0, 0}, 4); /* version, a clean session, no keep-alive */
    mqtt_put_string(wire, name);
    r = mqtt_exchange(wire, MQTT_CONNACK);
    return r == CLIENT_OK && client->listens ? mqtt_subscribe(wire, name) : r;
}

static int mqtt_join(struct client *client) {
    return mqtt_subscribe(client->own, "room");
}

static int mqtt_send(struct client *client, int to, const struct load *load) {
    struct wire *wire = client->own;
    const char *topic = client_address(client, to, "c%d");
    mqtt_begin(wire, MQTT_PUBLISH << 4, 2 + strlen(topic) + load->n);
    mqtt_put_string(wire, topic);
    wire_put(wire, load->text, load->n);
    return wire_sent(client);
}

static int mqtt_receive(struct client *client, const char **text, size_t *n) {
    size_t begin, end;
    const uint8_t *packet = mqtt_await(client->own, MQTT_PUBLISH, &begin, &end);
    if (!packet)
        return CLIENT_CUT_OFF;
    begin += 2 + ((size_t)packet[begin] << 8 | packet[begin + 1]);
    *text = (const char *)packet + begin;
    *n = end - begin;
    return CLIENT_OK;
}

const struct router_kind router_mqtt = {
    .name = "mosquitto",
    .program = "mosquitto",
    .start = mqtt_start,
    .stop = server_stop,
    .open = mqtt_open,
    .join = mqtt_join,
    .send = mqtt_send,
    .flush = wire_hand_over,
    .receive = mqtt_receive,
};
