/*
 * What is sent: texts that carry their sender and a running number, so that the receiver sees
 * whatever is lost, doubled, reordered or damaged; and the credit that keeps a sender from
 * running further ahead of its receivers than bounded memory can hold.
 */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#include "bench/crew.h"

#define LOAD_TEXT_MIN 16
#define LOAD_TEXT_MAX 1024

/* A text in the making, or the one that is expected next. */
struct load {
    uint32_t sender, number;
    unsigned n; /* bytes of text */
    char text[LOAD_TEXT_MAX];
};

void load_init(struct load *load, uint32_t sender, unsigned n);
void load_next(struct load *load); /* counts up and writes the number into the text */
/* Writes the same text as a whole, as a program composes what it sends, with printf(3). */
void load_compose(struct load *load);

/*
 * Compares what came with what is expected; then expects the next. When it is something else it
 * tells the arena what, and returns 1.
 */
int load_check(struct load *expected, struct crew_arena *arena, const char *text, size_t n);

/*
 * The same where loss is counted: how many messages were passed over before this one, 0 when it is
 * the expected one; then the one after it is expected. LOAD_DISORDER: an earlier one, doubled or
 * out of order. LOAD_FOREIGN: none of this sender, or damaged.
 */
#define LOAD_DISORDER (-1)
#define LOAD_FOREIGN (-2)
int64_t load_compare(struct load *expected, const char *text, size_t n);

/* Messages on their way: `n` were received by all; the sender stays within the window. */
struct credit {
    _Alignas(64) atomic_uint n;
    _Alignas(64) atomic_uint sleeping;
};

/*
 * Past the hub's outbox a receiver is fed from the log, which costs more: who lags is measured by a
 * test of its own. The bare relays keep the same window, which is counted in bytes of text and
 * what goes with it.
 */
#define CREDIT_BYTES (192 * 1024)
#define CREDIT_FRAME_BYTES 96 /* what goes with a text, about */
#define CREDIT_STEPS 8        /* receivers tell so many times per window */

static inline unsigned credit_window(unsigned n_bytes) {
    return CREDIT_BYTES / (n_bytes + CREDIT_FRAME_BYTES);
}

static inline unsigned credit_step(unsigned n_bytes) {
    return credit_window(n_bytes) / CREDIT_STEPS;
}

void credit_await(struct credit *credit, unsigned n_sent, unsigned window);
void credit_give(struct credit *credit, unsigned n_more);

static inline bool credit_left(struct credit *credit, unsigned n_sent, unsigned window) {
    return n_sent - atomic_load_explicit(&credit->n, memory_order_acquire) < window;
}

/* The same towards many receivers: the last one to have a step gives the credit for it. */
struct crowd_credit {
    struct credit credit;
    unsigned n_members, step;
    _Alignas(64) atomic_uint steps[2 * CREDIT_STEPS]; /* members there; round and round */
};

void crowd_credit_step(struct crowd_credit *credit, unsigned n_steps);

/* Says that one member has received `n` messages by now; call it after each. */
static inline void crowd_credit_give(struct crowd_credit *credit, unsigned n) {
    if (n % credit->step == 0)
        crowd_credit_step(credit, n / credit->step);
}

/* When one sender or receiver began and ended, on the monotonic clock; 0 for did not. */
struct span {
    _Alignas(64) int64_t first_ns;
    int64_t last_ns;
};

/* From the first beginning to the last end, in seconds. */
double spans_seconds(const struct span *spans, unsigned n);
