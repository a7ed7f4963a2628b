/*
 * Dave and Carol, two more bystanders: Dave writes to Carol, who mostly is away, and waits until
 * each letter is stored; Carol comes, takes what was written meanwhile, searches, and leaves. What
 * is told as stored must be there, once and in order.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define WITNESS_SAMPLES (1 << 14)

enum { UID_CAROL = 61004, UID_DAVE = 61005 };

/* How long something took, each time; and since when one is under way (ns, 0: none). */
struct witness_times {
    atomic_uint n;
    _Atomic int64_t since;
    int64_t ns[WITNESS_SAMPLES];
};

/* In memory that they share with the test. */
struct witness_talk {
    char dir[4096];
    atomic_ulong n_stored, n_fetched; /* letters */
    atomic_int n_wrong;
    char wrong[640];
    struct witness_times acks, joins, fetches, searches;
};

struct witness {
    struct witness_talk *talk;
    pid_t carol, dave;
};

/* Starts both, and waits until Carol has had a letter. */
bool witness_start(struct witness *witness, const char *dir);
void witness_stop(struct witness *witness);

/* Something begins, and ends. */
void witness_times_begin(struct witness_times *times);
void witness_times_end(struct witness_times *times);

/* From the sample `from` on, that under way included, in ns. */
int64_t witness_longest(const struct witness_times *times, unsigned from);
int64_t witness_percentile(const struct witness_times *times, unsigned from, double p);
