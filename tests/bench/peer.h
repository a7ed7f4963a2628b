/* A link to the hub under test, in a worker process; every problem fails the worker. */
#pragma once

#include "bench/load.h"
#include "lib/earshot.h"

#define PEER_NAME_SIZE 32
#define PEER_CROWD_HANDLES 200 /* one uid owns 256 handles at most: a crowd shares these */

struct peer {
    struct crew_arena *arena;
    earshot *link;
};

int peer_open(struct peer *peer, struct crew_arena *arena, const char *dir, const char *handle,
              unsigned flags);
void peer_close(struct peer *peer);

/* Sends the text of the load, and counts the load up. */
int peer_send(struct peer *peer, const char *to, struct load *load, unsigned flags);

/* Waits until the hub has acknowledged everything. */
int peer_settle(struct peer *peer);

/* Waits for the next event; one of trouble fails. */
int peer_next(struct peer *peer, struct earshot_event *event);

/* Waits for the next message; states of one's own messages are passed over. */
int peer_receive(struct peer *peer, struct earshot_event *event);

/* Waits for the next message and checks that it is the one expected. */
int peer_expect(struct peer *peer, struct load *expected);

/* Joins a room and waits until the hub says so. */
int peer_join(struct peer *peer, const char *room);

/* How many queues lead into the hub just now: the well-known one and the lanes. */
int peer_count_lanes(struct peer *peer, unsigned *n);
