/*
 * The floor of the storms: the same processes, with a relay without rules in the hub's place. What
 * three talkers suffer there is what the kernel and the scheduler do to them.
 */
#pragma once

#include <stdint.h>

struct floor_figures {
    int64_t silence_ns; /* the longest round trip of anybody */
    int64_t p99_ns;
};

/* While so many processes of another user send as fast as they can; in the namespace of the test.
 */
void floor_measure(int n_storming, int ms, struct floor_figures *figures);
