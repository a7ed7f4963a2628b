/*
 * A router passes messages between processes: Earshot's hub, a relay of a few lines over the bare
 * kernel calls, or the server of another project. All do the same work: texts from one client to
 * another one, or to all in the one room; every client is a process of its own.
 */
#pragma once

#include <sys/types.h>

#include "bench/hub.h"
#include "bench/load.h"

#define ROUTER_CLIENTS_MAX 1100
#define ROUTER_ROOM (-1)
#define ROUTER_BATCH 8192 /* bytes: who sends in bulk gathers so many before they go */

struct router;

/* One client, in its process. */
struct client {
    struct crew_arena *arena;
    const struct router *router;
    unsigned index;    /* and address */
    bool listens;      /* it gets messages, and does not only send them */
    bool bulk;         /* what it sends is gathered to batches, and the rest goes with flush() */
    uint64_t n_missed; /* messages that the router said it has no more */
    int to;            /* whose address is in to_text */
    char to_text[32];
    void *own; /* the kind's */
};

/* What the functions of a client return. */
enum client_outcome {
    CLIENT_OK = 0,
    CLIENT_CUT_OFF, /* the router has ended the connection */
    CLIENT_FAILED,  /* the arena knows why */
};

struct router_kind {
    const char *name;
    const char *program; /* what has to be installed; NULL: nothing */
    bool sender_joins;   /* only who is in the room may send to it */
    bool has_segments;   /* its memory is its own and that of the segments that it attached */

    /* In the parent: until it answers; and the end, safe on the zero state. */
    int (*start)(struct bench *bench, struct router *router);
    void (*stop)(struct router *router);

    /* In the process of a client. The text that was received is valid until the next call. */
    int (*open)(struct client *client);
    int (*join)(struct client *client);
    int (*send)(struct client *client, int to, const struct load *load);
    int (*flush)(struct client *client);
    int (*receive)(struct client *client, const char **text, size_t *n);
    int (*settle)(struct client *client); /* until all is acknowledged; NULL: nothing is */
};

struct router {
    const struct router_kind *kind;
    unsigned n_clients; /* that will come */
    bool is_open;       /* they are of several users */
    pid_t pid;
    struct hub hub; /* of Earshot; of the others its directory, if they need one */
    int port;
    void *own;
};

/* The address of a client, as text. */
const char *client_address(struct client *client, int to, const char *format);

/* Whether the program is there, in $PATH or where Debian puts servers; its path. */
bool router_program(const struct router_kind *kind, char path[PATH_MAX]);

/* The memory of a router, in bytes: now, or the most that it was. */
struct router_memory {
    size_t now, peak;
};
int router_memory(struct bench *bench, const struct router *router, struct router_memory *memory);

/* Kills its process, if there is one, and waits for its end. */
void router_kill(struct router *router);

/* What a bare relay and its clients share: router->own begins with it. */
struct router_shared {
    int ids[1 + ROUTER_CLIENTS_MAX]; /* queues: the relay's, and the clients' */
    unsigned n;
    atomic_bool in_room[ROUTER_CLIENTS_MAX];
};

/* The room's address in a bare frame, where all are (uint16_t)to. */
#define ROUTER_TO_ROOM ((uint16_t)ROUTER_ROOM)

/* Makes the queues and forks the relay, which ends with this process. */
int router_start_relay(struct bench *bench, struct router *router,
                       void (*relay)(struct router *router));
/* Leaves router->own to its kind; it may be NULL. */
void router_stop_relay(struct router *router);
int router_join_relay(struct client *client);

/* One of the hub's counters, asked for by a client of Earshot. */
int router_earshot_counter(struct client *client, const char *key, uint64_t *value);

extern const struct router_kind router_earshot, router_earshot_stored;
extern const struct router_kind router_queues, router_rings;
extern const struct router_kind router_nats, router_redis, router_irc, router_mqtt, router_dbus;
