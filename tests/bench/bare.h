/*
 * The bare limits: relays of a few lines over the same kernel calls that Earshot uses, without
 * its checks, identities and frames. What they reach on this machine, in the same run, is what
 * Earshot is held against.
 *
 * A bare batch is the type and a run of frames: u16 length of the text, u16 recipient, text. The
 * recipient is an index; the relay knows the mailboxes.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "base/clock.h"
#include "bench/bench.h"
#include "bench/load.h"

#define BARE_BATCH_MAX 8192 /* msgmax of a stock kernel */
#define BARE_HUB_MTYPE 1

struct bare_batch {
    long mtype;
    uint8_t data[BARE_BATCH_MAX];
};

struct bare_frame {
    uint16_t n, to;
};

/* Private queues, 0600; 0 or BENCH_FAILED. */
int bare_queues_new(struct bench *bench, int *ids, unsigned n);
void bare_queues_remove(const int *ids, unsigned n);

/* Lets other users send and receive: a bare relay has nothing to hide. 0 or -errno. */
int bare_queue_open(int id);

/* Block; false when the queue is gone, which is how the parent ends a relay. */
bool bare_send(int id, const struct bare_batch *batch, size_t n);
bool bare_receive(int id, struct bare_batch *batch, size_t *n);

/* Do not block; false when the queue is full, or empty, or gone. */
bool bare_try_send(int id, const struct bare_batch *batch, size_t n);
bool bare_try_receive(int id, struct bare_batch *batch, size_t *n);

/* Appends a frame at *n; false when it does not fit. */
bool bare_append(struct bare_batch *batch, size_t *n, uint16_t to, const char *text, size_t text_n);

/* The frame at *at; moves *at behind it. */
const char *bare_next(const struct bare_batch *batch, size_t *at, struct bare_frame *frame);

/* Measurements. */
struct throughput {
    bool bulk;                             /* senders fill batches before they send */
    bool acked;                            /* it lasts until the last message is acknowledged */
    unsigned n_pairs, n_bytes, n_messages; /* messages per pair */
};

int bare_rtt(struct bench *bench, unsigned n_trips, double *p50_us);
int bare_relay(struct bench *bench, const struct throughput *params, unsigned n_queues,
               double *per_second);
int bare_fanout(struct bench *bench, unsigned n_members, unsigned n_bytes, unsigned n_messages,
                double *per_second);
int bare_joins(struct bench *bench, unsigned n_spawners, unsigned n_joins, double *per_second);
