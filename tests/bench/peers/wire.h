/* A connection to a server, with what came and what goes: buffered, and blocking. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/macro.h"
#include "bench/flood/router.h"

#define WIRE_IN 65536
#define WIRE_OUT (ROUTER_BATCH + 4096)

struct wire {
    int fd;
    size_t at, n_in, n_out; /* what came and is not used: in[at] to in[n_in] */
    unsigned n_due;         /* answers that are expected and may be passed over */
    char in[WIRE_IN], out[WIRE_OUT];
};

/* Descriptors, or -1. */
int wire_dial_port(int port);
int wire_dial_path(const char *path);

/* Waits for more, or looks whether there is more; false when the connection is gone. */
bool wire_fill(struct wire *wire);
bool wire_look(struct wire *wire, bool *more);

static inline size_t wire_n(const struct wire *wire) {
    return wire->n_in - wire->at;
}

/* The next line, without its end and with a NUL; NULL when it is not all there. */
char *wire_line(struct wire *wire, size_t *n);
void wire_put(struct wire *wire, const void *data, size_t n);
void wire_print(struct wire *wire, const char *format, ...) PRINTF_LIKE(2, 3);
bool wire_flush(struct wire *wire);

/* Sends it, and waits for a line that holds one of these; b may be NULL. A client_outcome. */
int wire_ask(struct wire *wire, const char *a, const char *b);

/* After a message was put: at once, or in bulk when a batch is full. A client_outcome. */
int wire_sent(struct client *client);
int wire_hand_over(struct client *client);
