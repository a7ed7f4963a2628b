#include "bench/run.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "bench/crew.h"
#include "bench/report.h"

int bench_fail(struct bench *bench, const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(bench->failure, sizeof bench->failure, format, args);
    va_end(args);
    return BENCH_FAILED;
}

static bool name_matches(const char *name, const char *pattern) {
    if (*pattern == '=')
        return strcmp(name, pattern + 1) == 0;
    return strstr(name, pattern) || fnmatch(pattern, name, 0) == 0;
}

bool run_wants(const struct bench_options *options, const char *row) {
    char patterns[BENCH_TEXT_SIZE];
    if (!options->only)
        return true;
    snprintf(patterns, sizeof patterns, "%s", options->only);
    char *rest = patterns;
    for (char *pattern; (pattern = strsep(&rest, " ,"));)
        if (*pattern && name_matches(row, pattern))
            return true;
    return false;
}

static unsigned sides_wanted(const struct bench_options *options, const struct scenario *scenario) {
    unsigned sides = 0;
    for (size_t i = 0; i < scenario->n_rows; i++) {
        const struct row *row = &scenario->rows[i];
        if (!run_wants(options, row->name))
            continue;
        sides |= 1u << row->subject;
        if (row->reference != NO_REFERENCE)
            sides |= 1u << row->reference;
    }
    return sides;
}

static int run_round(struct bench *bench, const struct scenario *scenario, void *state,
                     unsigned sides, struct results *results) {
    for (unsigned side = 0; side < BENCH_SIDES_MAX; side++) {
        if (!(sides & 1u << side))
            continue;
        double *value = &results->values[side][results->n_rounds];
        int r = scenario->measure(bench, scenario, state, side, value);
        if (r != 0)
            return r;
    }
    results->n_rounds++;
    return 0;
}

static int run_rounds(struct bench *bench, const struct scenario *scenario, unsigned sides,
                      struct results *results) {
    unsigned n_rounds = bench->options.n_rounds;
    void *state = NULL;
    if (scenario->max_rounds > 0 && n_rounds > scenario->max_rounds)
        n_rounds = scenario->max_rounds;
    bench->failure[0] = '\0';
    int r = scenario->setup(bench, scenario, sides, &state);
    while (r == 0 && results->n_rounds < n_rounds)
        r = interrupt_came() ? -EINTR : run_round(bench, scenario, state, sides, results);
    scenario->teardown(state);
    if (r < 0)
        bench_fail(bench, "%s", strerror(-r));
    if (r != 0)
        results->failure = bench->failure;
    return r;
}

int run_scenario(struct bench *bench, const struct scenario *scenario, struct tally *tally) {
    struct results results = {.n_rounds = 0};
    unsigned sides = sides_wanted(&bench->options, scenario);
    if (sides == 0 || (scenario->is_long && bench->options.quick))
        return 0;
    run_rounds(bench, scenario, sides, &results);
    if (interrupt_came())
        return -EINTR;
    for (size_t i = 0; i < scenario->n_rows; i++) {
        const struct row *row = &scenario->rows[i];
        if (!run_wants(&bench->options, row->name))
            continue;
        bool met = report_row(&bench->options, scenario, row, &results);
        tally->n_rows++;
        tally->n_failed += results.failure != NULL;
        tally->n_missed += !results.failure && !met;
    }
    return 0;
}
