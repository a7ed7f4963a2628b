#include "bench/report.h"

#include <math.h>
#include <stdio.h>

#include "bench/samples.h"

struct summary {
    double median, least, most;
};

/* A row's figures. Ratios are of subject to reference; NAN without a reference. */
struct figures {
    struct summary subject, reference;
    double ratio;  /* of the medians */
    double paired; /* the median of the ratios of neighbouring rounds */
    bool met;
};

static struct summary summary_of(const double *values, unsigned n) {
    struct summary summary = {median_of(values, n), INFINITY, 0};
    for (unsigned i = 0; i < n; i++) {
        summary.least = fmin(summary.least, values[i]);
        summary.most = fmax(summary.most, values[i]);
    }
    return summary;
}

static bool reaches(const struct scenario *scenario, double value, double goal) {
    return scenario->more_is_better ? value >= goal : value <= goal;
}

static bool goal_met(const struct scenario *scenario, const struct goal *goal,
                     const struct figures *figures) {
    if (goal->has_ratio && !reaches(scenario, figures->paired, goal->ratio))
        return false;
    return !goal->has_value || reaches(scenario, figures->subject.median, goal->value);
}

static struct figures figures_of(const struct scenario *scenario, const struct row *row,
                                 const struct results *results) {
    const double *subject = results->values[row->subject];
    double ratios[BENCH_ROUNDS_MAX];
    struct figures figures = {.ratio = NAN, .paired = NAN};
    figures.subject = summary_of(subject, results->n_rounds);
    if (row->reference != NO_REFERENCE) {
        const double *reference = results->values[row->reference];
        for (unsigned i = 0; i < results->n_rounds; i++)
            ratios[i] = subject[i] / reference[i];
        figures.reference = summary_of(reference, results->n_rounds);
        figures.ratio = figures.subject.median / figures.reference.median;
        figures.paired = median_of(ratios, results->n_rounds);
    }
    figures.met = goal_met(scenario, &row->goal, &figures);
    return figures;
}

void report_number(char *text, size_t n, double value) {
    if (value >= 100000)
        snprintf(text, n, "%.0fk", value / 1000);
    else
        snprintf(text, n, value >= 1000 ? "%.0f" : "%.4g", value);
}

static void summary_text(char *text, size_t n, const struct summary *summary) {
    char median[24], least[24], most[24];
    report_number(median, sizeof median, summary->median);
    report_number(least, sizeof least, summary->least);
    report_number(most, sizeof most, summary->most);
    snprintf(text, n, "%s (%s-%s)", median, least, most);
}

void report_summary(char *text, size_t n, const double *values, unsigned n_values) {
    struct summary summary = summary_of(values, n_values);
    if (n_values > 1)
        summary_text(text, n, &summary);
    else
        report_number(text, n, summary.median);
}

static void goal_text(char *text, size_t n, const struct scenario *scenario,
                      const struct goal *goal, bool met) {
    const char *sign = scenario->more_is_better ? ">=" : "<=";
    char ratio[32] = "", value[32] = "";
    if (goal->has_ratio)
        snprintf(ratio, sizeof ratio, " %s %.2f", sign, goal->ratio);
    if (goal->has_value) {
        char number[24];
        report_number(number, sizeof number, goal->value);
        snprintf(value, sizeof value, " %s %s", sign, number);
    }
    snprintf(text, n, "%s%s%s", goal->has_ratio || goal->has_value ? met ? "met" : "MISSED" : "",
             ratio, value);
}

void report_head(const struct bench_options *options) {
    if (!options->json)
        printf("%-24s %-12s %-26s %-26s %6s %6s  %s\n", "row", "unit", "beside", "earshot", "ratio",
               "paired", "goal");
}

static void print_table_row(const struct scenario *scenario, const struct row *row,
                            const struct figures *figures, const char *note) {
    char subject[80], reference[80] = "-", goal[96], ratio[16] = "-", paired[16] = "-";
    summary_text(subject, sizeof subject, &figures->subject);
    if (row->reference != NO_REFERENCE) {
        summary_text(reference, sizeof reference, &figures->reference);
        snprintf(ratio, sizeof ratio, "%.2f", figures->ratio);
        snprintf(paired, sizeof paired, "%.2f", figures->paired);
    }
    goal_text(goal, sizeof goal, scenario, &row->goal, figures->met);
    printf("%-24s %-12s %-26s %-26s %6s %6s  %s%s\n", row->name, scenario->unit, reference, subject,
           ratio, paired, goal, note ? note : "");
}

static json_t *side_json(const struct scenario *scenario, unsigned side,
                         const struct summary *summary, const struct results *results) {
    json_t *values = json_array();
    for (unsigned i = 0; i < results->n_rounds; i++)
        json_array_append_new(values, json_real(results->values[side][i]));
    return json_pack("{s:s, s:f, s:f, s:f, s:o}", "side", scenario->sides[side], "median",
                     summary->median, "min", summary->least, "max", summary->most, "rounds",
                     values);
}

static json_t *goal_json(const struct scenario *scenario, const struct goal *goal, bool met) {
    if (!goal->has_ratio && !goal->has_value)
        return json_null();
    return json_pack("{s:s, s:o, s:o, s:b}", "is", scenario->more_is_better ? "least" : "most",
                     "ratio", goal->has_ratio ? json_real(goal->ratio) : json_null(), "value",
                     goal->has_value ? json_real(goal->value) : json_null(), "met", met);
}

void report_json(json_t *object) {
    json_dumpf(object, stdout, JSON_COMPACT | JSON_REAL_PRECISION(8));
    putchar('\n');
    json_decref(object);
}

static void print_json_row(const struct scenario *scenario, const struct row *row,
                           const struct figures *figures, const struct results *results) {
    bool beside = row->reference != NO_REFERENCE;
    report_json(json_pack(
        "{s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:s?, s:n}", "type", "bench", "row",
        row->name, "title", row->title, "unit", scenario->unit, "earshot",
        side_json(scenario, row->subject, &figures->subject, results), "beside",
        beside ? side_json(scenario, (unsigned)row->reference, &figures->reference, results)
               : json_null(),
        "ratio", beside ? json_real(figures->ratio) : json_null(), "ratio_paired",
        beside ? json_real(figures->paired) : json_null(), "goal",
        goal_json(scenario, &row->goal, figures->met), "note", results->note, "failed"));
}

static void print_failure(const struct bench_options *options, const struct row *row,
                          const char *failure) {
    if (options->json)
        report_json(json_pack("{s:s, s:s, s:s, s:s}", "type", "bench", "row", row->name, "title",
                              row->title, "failed", failure));
    else
        printf("%-24s FAIL: %s\n", row->name, failure);
}

bool report_row(const struct bench_options *options, const struct scenario *scenario,
                const struct row *row, const struct results *results) {
    bool met = false;
    if (results->failure) {
        print_failure(options, row, results->failure);
    } else {
        struct figures figures = figures_of(scenario, row, results);
        met = figures.met;
        if (options->json)
            print_json_row(scenario, row, &figures, results);
        else
            print_table_row(scenario, row, &figures, results->note);
    }
    fflush(stdout);
    return met;
}

void report_list(const struct scenario *scenario, const struct row *row) {
    printf("%-26s %s (%s)", row->name, row->title, scenario->unit);
    if (row->reference != NO_REFERENCE)
        printf(", beside: %s", scenario->sides[row->reference]);
    putchar('\n');
}
