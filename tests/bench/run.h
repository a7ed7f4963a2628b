/* Runs scenarios: interleaved rounds over all sides that a wanted row needs. */
#pragma once

#include "bench/bench.h"

struct tally {
    unsigned n_rows, n_failed, n_missed;
};

/* Returns 0, or -EINTR when a signal asked to stop. What fails is reported and counted. */
int run_scenario(struct bench *bench, const struct scenario *scenario, struct tally *tally);

bool run_wants(const struct bench_options *options, const char *row);
