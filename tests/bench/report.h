/* The report: a table for people, or one JSON object per row. */
#pragma once

#include <jansson.h>

#include "bench/bench.h"

/* What the rounds of a scenario gave, by side. */
struct results {
    double values[BENCH_SIDES_MAX][BENCH_ROUNDS_MAX];
    unsigned n_rounds;
    const char *failure; /* NULL when all went well */
    const char *note;    /* what is said besides; NULL: nothing */
};

/* The line above the table; nothing with --json. */
void report_head(const struct bench_options *options);

/* 2,345,678 as 2346k; small numbers with the digits that they have. */
void report_number(char *text, size_t n, double value);

/* A median with the least and the most of so many. */
void report_summary(char *text, size_t n, const double *values, unsigned n_values);

/* Prints and frees it. */
void report_json(json_t *object);

/* Returns whether the row reached its goal, or has none. */
bool report_row(const struct bench_options *options, const struct scenario *scenario,
                const struct row *row, const struct results *results);

/* What the rows are called and what they measure, for --list. */
void report_list(const struct scenario *scenario, const struct row *row);
