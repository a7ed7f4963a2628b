/*
 * The words of the benchmark. A scenario measures the same thing from several sides (the bare
 * relay, Earshot, Earshot with idle sessions, ...) in interleaved rounds; a row of the report
 * compares two of its sides.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/macro.h"

#define BENCH_TEXT_SIZE 512
#define BENCH_SIDES_MAX 6
#define BENCH_ROUNDS_MAX 101
#define BENCH_HUB_OPTIONS_MAX 16

struct bench_options {
    unsigned n_rounds;
    bool quick; /* small counts, for a first look and for CI */
    bool json;
    bool peers; /* floods also through the servers of other projects, as far as they are there */
    double duration_s; /* how long senders flood; 0: as the row does */
    const char *only;  /* patterns, separated by spaces or commas: rows whose name holds one, or
                          matches it as a glob; NULL for all */
    const char *hub_options[BENCH_HUB_OPTIONS_MAX + 1];
    size_t n_hub_options;
};

struct bench {
    struct bench_options options;
    char failure[BENCH_TEXT_SIZE]; /* why the last measurement failed */
};

/* Measurements return 0, -errno, or this with bench->failure set. */
enum bench_outcome { BENCH_OK = 0, BENCH_FAILED };

/* Sets bench->failure and returns BENCH_FAILED. */
int bench_fail(struct bench *bench, const char *format, ...) PRINTF_LIKE(2, 3);

/* What a row has to reach. */
struct goal {
    bool has_ratio, has_value;
    double ratio; /* subject to reference: at most, or at least when more is better */
    double value; /* of the subject alone, in the unit of the scenario */
};

#define NO_REFERENCE (-1)

struct row {
    const char *name;
    const char *title;
    unsigned subject; /* a side */
    int reference;    /* a side, or NO_REFERENCE */
    struct goal goal;
};

struct scenario;

struct scenario {
    const char *unit;
    bool more_is_better;
    unsigned max_rounds; /* 0: as many as asked for */
    bool is_long;        /* left out with --quick */
    const char *sides[BENCH_SIDES_MAX];
    const struct row *rows;
    size_t n_rows;
    const void *params;

    /* Makes what the rounds share; `sides` is a bit set of the sides that will be measured. */
    int (*setup)(struct bench *bench, const struct scenario *scenario, unsigned sides,
                 void **state);
    int (*measure)(struct bench *bench, const struct scenario *scenario, void *state, unsigned side,
                   double *value);
    void (*teardown)(void *state); /* also after a setup that failed; `state` may be NULL */
};

/* The scenarios of one subject. */
struct scenario_list {
    const struct scenario *scenarios;
    size_t n;
};

extern const struct scenario_list row_rtt, row_throughput, row_fanout, row_joins, row_memory,
    row_command, row_idle, row_ring, row_transfer, row_pipe, row_sizes, row_store, row_durable;
