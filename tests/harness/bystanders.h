/*
 * Alice and Bob, two other users who talk to each other all the time: the proof that what a test
 * does to the hub touches nobody else. Alice writes, Bob answers with the same text. Each checks
 * that every message is the expected one, from the right uid and by the right name. The link of
 * each has the number of the uid.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/clock.h"

#define BYSTANDER_SAMPLES (1 << 18)

/* In memory that they share with the test. */
struct bystanders_talk {
    char dir[4096];
    int pause_us; /* between two rounds */
    atomic_int n_here;
    atomic_ulong n_rounds; /* also the number of samples, up to BYSTANDER_SAMPLES */
    atomic_int n_wrong;
    char wrong[256]; /* the first thing that was wrong */
    /* Of Alice's session, for a test that lets somebody misuse it. */
    _Atomic uint64_t alice_session;
    atomic_int alice_lane, alice_mailbox, alice_pid;
    int64_t round_ns[BYSTANDER_SAMPLES];
};

struct bystanders {
    struct bystanders_talk *talk;
    pid_t alice, bob;
};

/* Starts both and waits until they have talked. Alice pauses so long between two rounds. */
bool bystanders_start(struct bystanders *pair, const char *dir, int pause_us);

/* Waits for `n` more rounds without anything wrong, at most `ms`. */
bool bystanders_keep_talking(struct bystanders *pair, unsigned long n, int ms);

/* The p-th percentile of the round trips from round `from` to now, in nanoseconds. */
int64_t bystanders_percentile(const struct bystanders *pair, unsigned long from, double p);

/* kill -9 to both. */
void bystanders_stop(struct bystanders *pair);
