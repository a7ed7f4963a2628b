#include "bench/peers/wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int wire_connect(int fd, const void *address, socklen_t n) {
    if (fd >= 0 && connect(fd, address, n) == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

int wire_dial_port(int port) {
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = wire_connect(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), &address, sizeof address);
    if (fd >= 0)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    return fd;
}

int wire_dial_path(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    return wire_connect(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), &address, sizeof address);
}

static ssize_t wire_receive(struct wire *wire, int flags) {
    ssize_t n;
    if (wire->at > 0) {
        memmove(wire->in, wire->in + wire->at, wire_n(wire));
        wire->n_in -= wire->at;
        wire->at = 0;
    }
    do
        n = recv(wire->fd, wire->in + wire->n_in, sizeof wire->in - wire->n_in, flags);
    while (n < 0 && errno == EINTR);
    if (n > 0)
        wire->n_in += (size_t)n;
    return n;
}

bool wire_fill(struct wire *wire) {
    return wire_receive(wire, 0) > 0;
}

bool wire_look(struct wire *wire, bool *more) {
    ssize_t n = wire_receive(wire, MSG_DONTWAIT);
    *more = n > 0;
    return n > 0 || (n < 0 && errno == EAGAIN);
}

char *wire_line(struct wire *wire, size_t *n) {
    char *line = wire->in + wire->at;
    char *end = memchr(line, '\n', wire_n(wire));
    if (!end)
        return NULL;
    wire->at += (size_t)(end - line) + 1;
    if (end > line && end[-1] == '\r')
        end--;
    *end = '\0';
    *n = (size_t)(end - line);
    return line;
}

void wire_put(struct wire *wire, const void *data, size_t n) {
    if (n > sizeof wire->out - wire->n_out)
        abort();
    memcpy(wire->out + wire->n_out, data, n);
    wire->n_out += n;
}

void wire_print(struct wire *wire, const char *format, ...) {
    va_list args;
    size_t room = sizeof wire->out - wire->n_out;
    va_start(args, format);
    int n = vsnprintf(wire->out + wire->n_out, room, format, args);
    va_end(args);
    if (n < 0 || (size_t)n >= room)
        abort();
    wire->n_out += (size_t)n;
}

bool wire_flush(struct wire *wire) {
    for (size_t at = 0; at < wire->n_out;) {
        ssize_t n = send(wire->fd, wire->out + at, wire->n_out - at, MSG_NOSIGNAL);
        if (n < 0 && errno != EINTR)
            return false;
        at += n > 0 ? (size_t)n : 0;
    }
    wire->n_out = 0;
    return true;
}

int wire_ask(struct wire *wire, const char *a, const char *b) {
    bool there = wire_flush(wire);
    while (there) {
        size_t n;
        const char *line = wire_line(wire, &n);
        if (line && (strstr(line, a) || (b && strstr(line, b))))
            return CLIENT_OK;
        there = line || wire_fill(wire);
    }
    return CLIENT_CUT_OFF;
}

int wire_hand_over(struct client *client) {
    return wire_flush(client->own) ? CLIENT_OK : CLIENT_CUT_OFF;
}

int wire_sent(struct client *client) {
    const struct wire *wire = client->own;
    return client->bulk && wire->n_out < ROUTER_BATCH ? CLIENT_OK : wire_hand_over(client);
}
