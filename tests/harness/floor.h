/*
 * The floor of the storms: the same processes, with a relay without rules in the hub's place. What
 * three talkers suffer there is what the kernel and the scheduler do to them. A fourth one writes
 * letters, which the relay appends to a file and syncs before it answers: what he suffers is what
 * the disk does beside so many busy processes.
 */
#pragma once

#include <stdint.h>

struct floor_figures {
    int64_t silence_ns; /* the longest round trip of anybody */
    int64_t p99_ns;
    int64_t stored_p99_ns; /* of the letters */
};

/*
 * While so many processes of another user send as fast as they can; in the namespace of the test.
 * `dir` is where a hub would have its store. The letters are those of the first `stored_ms`: as
 * many as a storm of that length has.
 */
void floor_measure(int n_storming, const char *dir, int ms, int stored_ms,
                   struct floor_figures *figures);
