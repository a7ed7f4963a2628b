/*
 * dbus-daemon: a signal for each message, to a name, or to all whose match it is. The format is
 * that of the specification, https://dbus.freedesktop.org/doc/dbus-specification.html, in little
 * endian.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bench/peers/server.h"

#define NAME_FORMAT "earshot.bench.c%d"
#define INTERFACE "earshot.Bench"
#define DBUS "org.freedesktop.DBus"
#define FIXED_HEADER 16

enum { DBUS_CALL = 1, DBUS_RETURN = 2, DBUS_ERROR = 3, DBUS_SIGNAL = 4 };
enum { FIELD_PATH = 1, FIELD_INTERFACE, FIELD_MEMBER, FIELD_DESTINATION = 6, FIELD_SIGNATURE = 8 };

/* Of the stock configuration of a session's bus; anybody may talk to anybody. */
static const char config_format[] =
    "<!DOCTYPE busconfig PUBLIC \"-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN\" "
    "\"http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd\">\n"
    "<busconfig><type>session</type><listen>unix:path=%s</listen><auth>EXTERNAL</auth>"
    "<policy context=\"default\"><allow user=\"*\"/><allow own=\"*\"/>"
    "<allow send_destination=\"*\" eavesdrop=\"true\"/><allow eavesdrop=\"true\"/></policy>"
    "<limit name=\"max_incoming_bytes\">1000000000</limit>"
    "<limit name=\"max_outgoing_bytes\">1000000000</limit>"
    "<limit name=\"max_message_size\">1000000000</limit>"
    "<limit name=\"max_completed_connections\">100000</limit>"
    "<limit name=\"max_incomplete_connections\">10000</limit>"
    "<limit name=\"max_connections_per_user\">100000</limit></busconfig>\n";

static int dbus_start(struct bench *bench, struct router *router) {
    char config[2048], path[SERVER_PATH_SIZE], option[SERVER_PATH_SIZE + 32];
    int r = server_prepare(bench, router);
    if (r != 0)
        return r;
    server_path(router, path, SERVER_SOCKET);
    snprintf(config, sizeof config, config_format, path);
    r = server_write(bench, router, path, "bus.conf", config);
    snprintf(option, sizeof option, "--config-file=%s", path);
    return r == 0 ? server_start(bench, router,
                                 (const char *const[]){option, "--nofork", "--nopidfile", NULL})
                  : r;
}

/* A message in the making. */
struct dbus_message {
    size_t n;
    uint8_t data[1024];
};

static void dbus_align(struct dbus_message *message, size_t to) {
    while (message->n % to != 0)
        message->data[message->n++] = 0;
}

static void dbus_put(struct dbus_message *message, const void *data, size_t n) {
    memcpy(message->data + message->n, data, n);
    message->n += n;
}

static void dbus_put_u32(struct dbus_message *message, uint32_t value) {
    dbus_align(message, 4);
    dbus_put(message, &value, sizeof value);
}

static void dbus_put_string(struct dbus_message *message, const char *text, size_t n) {
    dbus_put_u32(message, (uint32_t)n);
    dbus_put(message, text, n);
    dbus_put(message, "", 1);
}

static void dbus_put_field(struct dbus_message *message, uint8_t code, char type,
                           const char *value) {
    size_t n = strlen(value);
    dbus_align(message, 8);
    dbus_put(message, (const uint8_t[]){code, 1, (uint8_t)type, 0}, 4);
    if (type == 'g')
        dbus_put(message, (const uint8_t[]){(uint8_t)n}, 1);
    else
        dbus_put_u32(message, (uint32_t)n);
    dbus_put(message, value, n + 1);
}

/* The header; the length of the body is put in by dbus_end(). */
static void dbus_begin(struct dbus_message *message, uint8_t type, const char *destination,
                       const char *member, const char *signature) {
    bool is_call = type == DBUS_CALL;
    message->n = 0;
    dbus_put(message, (const uint8_t[]){'l', type, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0},
             FIXED_HEADER);
    dbus_put_field(message, FIELD_PATH, 'o', is_call ? "/org/freedesktop/DBus" : "/bench");
    dbus_put_field(message, FIELD_INTERFACE, 's', is_call ? DBUS : INTERFACE);
    dbus_put_field(message, FIELD_MEMBER, 's', member);
    if (destination)
        dbus_put_field(message, FIELD_DESTINATION, 's', destination);
    if (signature)
        dbus_put_field(message, FIELD_SIGNATURE, 'g', signature);
    uint32_t fields = (uint32_t)message->n - FIXED_HEADER;
    memcpy(message->data + 12, &fields, sizeof fields);
    dbus_align(message, 8);
}

static void dbus_end(struct dbus_message *message, size_t body_at, struct wire *wire) {
    uint32_t body = (uint32_t)(message->n - body_at);
    memcpy(message->data + 4, &body, sizeof body);
    wire_put(wire, message->data, message->n);
}

/* The next message of this type, or an error: its body. */
static int dbus_await(struct wire *wire, uint8_t type, const char **body, size_t *n) {
    for (;;) {
        const uint8_t *message = (const uint8_t *)wire->in + wire->at;
        uint32_t body_n = 0, fields = 0;
        if (wire_n(wire) >= FIXED_HEADER) {
            memcpy(&body_n, message + 4, sizeof body_n);
            memcpy(&fields, message + 12, sizeof fields);
        }
        size_t header = FIXED_HEADER + (fields + 7U) / 8 * 8;
        if (wire_n(wire) < FIXED_HEADER || wire_n(wire) < header + body_n) {
            if (!wire_fill(wire))
                return CLIENT_CUT_OFF;
            continue;
        }
        wire->at += header + body_n;
        if (message[1] == DBUS_ERROR)
            return CLIENT_FAILED;
        *body = (const char *)message + header;
        *n = body_n;
        if (message[1] == type)
            return CLIENT_OK;
    }
}

/* Asks the bus itself; the flags are those of RequestName. */
static int dbus_call(struct wire *wire, const char *member, const char *text, bool flags) {
    struct dbus_message message;
    const char *body;
    size_t n;
    dbus_begin(&message, DBUS_CALL, DBUS, member, !text ? NULL : flags ? "su" : "s");
    size_t body_at = message.n;
    if (text)
        dbus_put_string(&message, text, strlen(text));
    if (flags)
        dbus_put_u32(&message, 0);
    dbus_end(&message, body_at, wire);
    return wire_flush(wire) ? dbus_await(wire, DBUS_RETURN, &body, &n) : CLIENT_CUT_OFF;
}

static int dbus_authenticate(struct client *client) {
    struct wire *wire = client->own;
    char uid[16];
    snprintf(uid, sizeof uid, "%u", geteuid());
    wire_put(wire, "", 1);
    wire_print(wire, "AUTH EXTERNAL ");
    for (const char *digit = uid; *digit; digit++)
        wire_print(wire, "%02x", (unsigned)*digit);
    wire_print(wire, "\r\n");
    int r = wire_ask(wire, "OK ", NULL);
    if (r != CLIENT_OK)
        return r;
    wire_print(wire, "BEGIN\r\n");
    return wire_hand_over(client);
}

/* Signals of the bus about the name come before the last answer, and are passed over. */
static int dbus_open(struct client *client) {
    int r = server_dial(client);
    if (r == CLIENT_OK)
        r = dbus_authenticate(client);
    if (r == CLIENT_OK)
        r = dbus_call(client->own, "Hello", NULL, false);
    if (r == CLIENT_OK)
        r = dbus_call(client->own, "RequestName",
                      client_address(client, (int)client->index, NAME_FORMAT), true);
    return r;
}

static int dbus_join(struct client *client) {
    return dbus_call(client->own, "AddMatch", "type='signal',member='Room'", false);
}

static int dbus_send(struct client *client, int to, const struct load *load) {
    struct dbus_message message;
    bool is_room = to == ROUTER_ROOM;
    dbus_begin(&message, DBUS_SIGNAL, is_room ? NULL : client_address(client, to, NAME_FORMAT),
               is_room ? "Room" : "Text", "s");
    size_t body_at = message.n;
    dbus_put_string(&message, load->text, load->n);
    dbus_end(&message, body_at, client->own);
    return wire_sent(client);
}

static int dbus_receive(struct client *client, const char **text, size_t *n) {
    int r = dbus_await(client->own, DBUS_SIGNAL, text, n);
    *text += sizeof(uint32_t);
    *n -= sizeof(uint32_t) + 1; /* its length before, a NUL behind it */
    return r;
}

const struct router_kind router_dbus = {
    .name = "dbus-daemon",
    .program = "dbus-daemon",
    .start = dbus_start,
    .stop = server_stop,
    .open = dbus_open,
    .join = dbus_join,
    .send = dbus_send,
    .flush = wire_hand_over,
    .receive = dbus_receive,
};
