/* What several scenarios measure of a hub. 0, -errno or BENCH_FAILED. */
#pragma once

#include "bench/bare.h"
#include "bench/hub.h"

/* The median round trip of a direct message, in microseconds. */
int rtt_of_hub(struct bench *bench, const struct hub *hub, unsigned n_trips, double *p50_us);

/* Messages per second between pairs of processes. */
int throughput_of_hub(struct bench *bench, const struct hub *hub, const struct throughput *params,
                      double *per_second);

/* The median time of one `earshot send --wait ...`, start of the process included. */
int command_of_hub(struct bench *bench, const struct hub *hub, const char *wait, unsigned n,
                   double *ms);
