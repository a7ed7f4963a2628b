/* The clients of a measurement: who they are, what they do, and what they share with the parent. */
#pragma once

#include "base/clock.h"
#include "bench/flood/contest.h"

#define FLOOD_TEXT 120 /* bytes of a message */
#define FLOOD_PHASES 4
#define FLOOD_SAMPLES 50000

struct flood;

/* What a client does once it is there; until it is killed, or the router cuts it off. */
typedef int (*flood_role)(struct client *client, struct flood *flood);

struct flood_member {
    flood_role role;
    int to;              /* whom it sends to */
    unsigned from;       /* whom it hears */
    unsigned n_per_turn; /* what a sender sends in each turn; 0: until it is told to stop */
    bool listens, joins, bulk;
    uid_t uid; /* 0: as this process */
};

/* One for each client, who alone writes to it. */
struct flood_slot {
    _Alignas(64) atomic_ullong n; /* messages sent, or received */
    atomic_ullong n_missed, n_disorder;
    atomic_uint turn; /* the last one that is done */
    atomic_bool is_cut_off;
};

struct flood_samples {
    atomic_uint n;
    float us[FLOOD_SAMPLES];
};

struct flood {
    struct router router;
    struct crew crew;
    struct router_memory memory;
    unsigned n_looks;
    bool is_late;
    unsigned n_members;
    struct flood_member members[ROUTER_CLIENTS_MAX];
    /* Shared words. */
    atomic_uint turn;  /* senders begin with the next one */
    atomic_uint stop;  /* and end it */
    atomic_uint phase; /* which samples are taken */
    struct flood_slot slots[ROUTER_CLIENTS_MAX];
    struct flood_samples samples[FLOOD_PHASES];
};

/* Shared memory and a router that runs; n_clients that will come; is_open: of several users. */
int flood_open(struct bench *bench, struct flood **flood, const struct router_kind *kind,
               unsigned n_clients, bool is_open);
void flood_close(struct flood *flood); /* safe on NULL */

/* Adds a member, before they are started; its number and address. */
unsigned flood_add(struct flood *flood, const struct flood_member *member);
int flood_start(struct bench *bench, struct flood *flood);

/* The parent: 0, -EINTR or BENCH_FAILED. The router's memory is looked at meanwhile. */
int flood_wait(struct bench *bench, struct flood *flood, double seconds);
void flood_next_turn(struct flood *flood);
/* Until the sender has done its turn, or that long: it may hang on a router that stands still. */
int flood_await_turn(struct bench *bench, struct flood *flood, unsigned member, double seconds);
/* Until all flood_source have, that long each. */
int flood_await_sources(struct bench *bench, struct flood *flood, double seconds);
/*
 * Until so many messages were received by all, or none came for `quiet` seconds, or it takes more
 * than `most` seconds, and then what is missing is late, not lost; *last: when one was seen last.
 */
int flood_settle(struct bench *bench, struct flood *flood, uint64_t n, double quiet, double most,
                 mono_time *last);

/* By all flood_source, and by all flood_sink. */
uint64_t flood_sent(const struct flood *flood);
uint64_t flood_received(const struct flood *flood);
/* Of the trips that began in this phase; it fails when there are none. */
int flood_percentile(struct bench *bench, const struct flood *flood, unsigned phase, double share,
                     double *us);
/* Loss, disorder and disconnections, when so many messages ought to have been received. */
void flood_judge(const struct flood *flood, uint64_t n_due, struct contest_result *result);

/* In a client: until that turn, from 1 on. */
void flood_await_next(struct flood *flood, unsigned turn);

/* Roles. */
int flood_sink(struct client *client, struct flood *flood);   /* receives, and checks */
int flood_source(struct client *client, struct flood *flood); /* sends as fast as it can */
int flood_echo(struct client *client, struct flood *flood);   /* answers each message */
int flood_ping(struct client *client, struct flood *flood);   /* one trip a millisecond, for ever */
int flood_trips(struct client *client, struct flood *flood);  /* n_per_turn, one after the other */
