/* What the halves of the courier share: courier.c, courier_send.c, courier_receive.c. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "files/courier.h"
#include "files/sink.h"
#include "files/source.h"
#include "ipc/ring.h"

#define SKIPS_KEPT_MAX 1000 /* that the program has not asked for yet; others are counted */

/* The status of RING_END; who does not know it passes over it. */
enum { COURIER_END_GROWN = 1 };

struct skip {
    struct courier_skip what;
    struct skip *prev, *next;
    char path[];
};

struct courier {
    struct source *source; /* the sender's, or */
    struct sink *sink;     /* the recipient's */
    struct ring ring;
    int shmid;
    struct courier_prefix prefix;
    pthread_t thread;
    bool has_thread, has_ring;
    atomic_bool stop, is_prepared, is_over;
    atomic_uint_fast64_t n_bytes, size;
    courier_wake *wake;
    void *arg;
    /* Of the recipient, for its first thread: what the sink is opened with, and how that went. */
    struct courier_offer offer;
    uid_t from;
    uint64_t n_bytes_max;
    int dir, fd, prepared;
    /* Of the sender: entries of a tree that were left out and not told yet. */
    pthread_mutex_t lock;
    struct skip *skips, *told;
    unsigned n_skips;
    uint64_t n_unnamed[SKIP_END];
    /* Written by the thread before is_over. */
    enum courier_reason reason;
    int error;
    bool is_resumed, has_grown, has_no_place;
    uint64_t n_skipped;
    char digest[33], name[1024], where[1024];
};

enum courier_reason courier_reason_of_ring(const struct ring *ring, int r);

struct courier *courier_new(courier_wake *wake, void *arg);

/* Starts the thread that serves the ring. 0 or -errno. */
int courier_start(struct courier *courier, void *(*run)(void *));

/* For that thread: what it failed about, of which r is the result; its end. */
void courier_set_where(struct courier *courier, const char *where, int r);
void courier_end(struct courier *courier, enum courier_reason reason);

void courier_skips_free(struct courier *courier);
