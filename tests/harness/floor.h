/*
 * The floor of the storms. The same processes, with a relay without rules in the hub's place: what
 * three talkers suffer there is what the kernel and the scheduler do to them. And beside each hub a
 * writer of letters, each of which a bare relay appends to a file and syncs before it answers: what
 * he suffers is what the disk and the scheduler do to anybody at that time.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

struct floor_figures {
    int64_t silence_ns; /* the longest round trip of anybody */
    int64_t p99_ns;
};

/* While so many processes of another user send as fast as they can; in the test's namespace. */
void floor_measure(int n_storming, int ms, struct floor_figures *figures);

struct witness_times;

struct letters {
    struct witness_times *times; /* of each letter, until it was answered */
    struct letters_shared *shared;
    pid_t relay, writer;
};

/* `dir` is on the disk of the hub's store. */
void letters_start(struct letters *letters, const char *dir);
void letters_stop(struct letters *letters);
