/*
 * A contest: the same work for several routers, in interleaved rounds, and what each of them lost
 * by it. Earshot is the first of the entrants.
 */
#pragma once

#include "bench/flood/router.h"
#include "bench/run.h"

#define FIGURES_MAX 4
#define ENTRANTS_MAX 9
#define NO_FIGURE (-1)

/* One of the figures that a measurement gives: a row of the report. */
struct figure {
    const char *name, *title, *unit;
    bool more_is_better;
    int beside; /* another figure of the same measurement, or NO_FIGURE: what others reached */
};

struct contest_result {
    double values[FIGURES_MAX];
    uint64_t n_lost;     /* sent and never received */
    uint64_t n_late;     /* still on their way when it was waited for them long enough */
    uint64_t n_missed;   /* of them: the router said so */
    uint64_t n_disorder; /* doubled or out of order */
    unsigned n_cut_off;  /* clients that the router has disconnected */
};

struct contest {
    const struct figure *figures;
    size_t n_figures;
    const struct router_kind *const *entrants; /* ends with NULL */
    bool only_with_peers;                      /* another row has the same without them */
    const char *(*obstacle)(void);             /* why it cannot be measured here; NULL: it can */
    const void *params;

    /* `subject`: what Earshot reached in this round; all zero while that is measured. */
    int (*measure)(struct bench *bench, const struct contest *contest,
                   const struct router_kind *kind, const struct contest_result *subject,
                   struct contest_result *result);
};

struct contest_list {
    const struct contest *contests;
    size_t n;
};

/* Says which of the peers are not there; the head of the table. */
void contest_head(const struct bench_options *options);

/* Returns 0, or -EINTR. What fails, and what Earshot lost, is reported and counted. */
int contest_run(struct bench *bench, const struct contest *contest, struct tally *tally);
void contest_list_rows(const struct bench_options *options, const struct contest *contest);

/* As entrants: Earshot, the peers, and the bare ones. */
extern const struct router_kind *const contest_everybody[];

extern const struct contest_list row_flood, row_stored, row_quiet, row_stopped, row_trip;
