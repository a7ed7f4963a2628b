/*
 * A file from hand to hand through a real hub: a sender and up to three recipients, each a process
 * with a link of libearshot, as `earshot put` and `earshot get` have. The recipients accept at
 * once.
 */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#include "bench/copies.h"
#include "bench/hub.h"

#define HANDOVER_TIMES_MAX 64
#define HANDOVER_RECIPIENTS_MAX 3
#define HANDOVER_SENDER "bench-giver"
#define HANDOVER_RECIPIENT "bench-taker-0" /* of the first; the others count on */
#define HANDOVER_PIECE_BYTES 32768         /* of a file that is cut into messages */

enum handover_way {
    HANDOVER_RING,    /* offered; received into a directory, so synced and given its name */
    HANDOVER_TO_FD,   /* offered; received into a file that is open, so not synced */
    HANDOVER_MESSAGE, /* as a message: up to EARSHOT_POST_MAX, synced and given its name */
    HANDOVER_PIECES,  /* as many messages, put together into a file, which is synced */
};

/* In memory that the processes share: shared_new(). */
struct handover {
    char hub[HUB_DIR_SIZE];
    char from[PATH_MAX], dir[PATH_MAX]; /* the file; where it goes */
    uint64_t n_bytes;
    enum handover_way way;
    unsigned n_recipients, n_times; /* the same again and again; the copies are removed */
    atomic_uint n_cleared;
    int64_t offered_ns[HANDOVER_TIMES_MAX];
    int64_t accepted_ns[HANDOVER_RECIPIENTS_MAX][HANDOVER_TIMES_MAX];
    int64_t done_ns[1 + HANDOVER_RECIPIENTS_MAX][HANDOVER_TIMES_MAX]; /* 0: the sender */
    uint64_t peak_bytes[1 + HANDOVER_RECIPIENTS_MAX]; /* most memory, ring included */
};

/* Medians of the times, in seconds, until both sides know that all is well. */
struct handover_result {
    double from_offer, from_accept;
    uint64_t peak_bytes; /* of the largest process */
};

/* One like it; the file and the directory are those of the copies. NULL when memory is out. */
struct handover *handover_new(const struct hub *hub, const struct copies *copies,
                              enum handover_way way, unsigned n_recipients, unsigned n_times);

int handover_run(struct bench *bench, struct handover *handover, struct handover_result *result);

/* For the two ends of HANDOVER_PIECES; 0 or 1 when the worker has failed. */
struct peer;
struct earshot_event;
int handover_send_pieces(struct peer *peer, const struct handover *handover);
int handover_take_pieces(struct peer *peer, const struct handover *handover,
                         const struct earshot_event *first);
