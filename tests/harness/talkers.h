/*
 * Alice and Bob again, but through libearshot, with reconnect: Alice sends numbers, Bob takes them.
 * For tests in which the hub dies and comes back.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>

/* In memory that they share with the test. */
struct talkers_talk {
    char dir[4096];
    atomic_ulong n_sent, n_received, n_refused, n_lost, n_back;
    atomic_ulong last;     /* the number that Bob got last */
    atomic_ulong n_late;   /* numbers that came after a higher one */
    atomic_bool broken[2]; /* Alice, Bob: the link ended */
    char error[2][256];
};

struct talkers {
    struct talkers_talk *talk;
    pid_t alice, bob;
};

void talkers_start(struct talkers *talkers, const char *dir);

/* Waits until Bob has taken `n` more numbers that were sent after now. */
bool talkers_keep_talking(struct talkers *talkers, unsigned long n, int ms);

/* kill -9 to both. */
void talkers_stop(struct talkers *talkers);
