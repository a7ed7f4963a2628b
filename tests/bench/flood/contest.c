#include "bench/flood/contest.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/crew.h"
#include "bench/report.h"
#include "bench/samples.h"

/* How one entrant did in all rounds. */
struct attempt {
    const struct router_kind *kind;
    double values[FIGURES_MAX][BENCH_ROUNDS_MAX];
    struct contest_result sum; /* of what went wrong */
    char failure[BENCH_TEXT_SIZE];
};

struct attempts {
    struct attempt list[ENTRANTS_MAX];
    size_t n;
    unsigned n_rounds;
};

const struct router_kind *const contest_everybody[] = {
    &router_earshot, &router_nats,  &router_redis,  &router_irc, &router_mqtt,
    &router_dbus,    &router_rings, &router_queues, NULL,
};

/* Which column an entrant stands in; those of the same place share one. */
static const struct router_kind *const columns[] = {
    &router_earshot, &router_nats, &router_redis,  &router_irc,
    &router_mqtt,    &router_dbus, &router_queues, &router_rings,
};

static bool is_peer(const struct router_kind *kind) {
    return kind->program != NULL;
}

static bool is_there(const struct bench_options *options, const struct router_kind *kind) {
    char path[PATH_MAX];
    return !is_peer(kind) || (options->peers && router_program(kind, path));
}

static bool wants_any(const struct bench_options *options, const struct contest *contest) {
    if (contest->only_with_peers && !options->peers)
        return false;
    for (size_t i = 0; i < contest->n_figures; i++)
        if (run_wants(options, contest->figures[i].name))
            return true;
    return false;
}

/* What is told about losses; empty when nothing was lost. */
static void loss_text(char *text, size_t size, const struct contest_result *sum) {
    char number[24];
    size_t n = 0;
    text[0] = '\0';
    const struct {
        const char *what;
        uint64_t value;
    } parts[] = {
        {"lost", sum->n_lost},
        {"late", sum->n_late},
        {"told as missed", sum->n_missed},
        {"doubled or out of order", sum->n_disorder},
        {"cut off", sum->n_cut_off},
    };
    for (size_t i = 0; i < ARRAY_LEN(parts) && n < size; i++) {
        report_number(number, sizeof number, (double)parts[i].value);
        if (parts[i].value > 0)
            n += (size_t)snprintf(text + n, size - n, ", %s %s", number, parts[i].what);
    }
}

/* Running. */

static int attempt_once(struct bench *bench, const struct contest *contest,
                        struct attempts *attempts, size_t i, struct contest_result *earshot) {
    struct attempt *attempt = &attempts->list[i];
    struct contest_result result = {.n_lost = 0};
    bench->failure[0] = '\0';
    int r = contest->measure(bench, contest, attempt->kind, earshot, &result);
    if (interrupt_came())
        return -EINTR;
    if (r != 0) {
        snprintf(attempt->failure, sizeof attempt->failure, "%s",
                 r < 0 ? strerror(-r) : bench->failure);
        return 0;
    }
    for (size_t j = 0; j < contest->n_figures; j++)
        attempt->values[j][attempts->n_rounds] = result.values[j];
    attempt->sum.n_lost += result.n_lost;
    attempt->sum.n_late += result.n_late;
    attempt->sum.n_missed += result.n_missed;
    attempt->sum.n_disorder += result.n_disorder;
    attempt->sum.n_cut_off += result.n_cut_off;
    if (i == 0)
        *earshot = result;
    return 0;
}

static int attempt_round(struct bench *bench, const struct contest *contest,
                         struct attempts *attempts) {
    struct contest_result earshot = {.n_lost = 0};
    for (size_t i = 0; i < attempts->n; i++) {
        int r =
            attempts->list[i].failure[0] ? 0 : attempt_once(bench, contest, attempts, i, &earshot);
        if (r < 0)
            return r;
    }
    attempts->n_rounds++;
    return 0;
}

static int attempt_all(struct bench *bench, const struct contest *contest,
                       struct attempts *attempts) {
    int r = 0;
    attempts->list[0].kind = contest->entrants[0];
    attempts->n = 1;
    for (size_t i = 1; contest->entrants[i]; i++)
        if (is_there(&bench->options, contest->entrants[i]))
            attempts->list[attempts->n++].kind = contest->entrants[i];
    while (r == 0 && attempts->n_rounds < bench->options.n_rounds && !attempts->list[0].failure[0])
        r = attempt_round(bench, contest, attempts);
    return r;
}

/* The report among the other rows: Earshot beside each of the bare ones. */

/* So many characters of a name that the rows beside the second one and so on have it. */
static void row_name(char *name, size_t size, const char *figure, const struct router_kind *beside,
                     bool is_first) {
    const char *word = beside && !is_first ? strrchr(beside->name, ' ') : NULL;
    snprintf(name, size, "%s%s%s", figure, word ? "-" : "", word ? word + 1 : "");
}

static void report_beside(const struct bench *bench, const struct figure *figure, size_t index,
                          const struct attempts *attempts, const struct attempt *beside,
                          bool is_first, const char *loss) {
    const struct attempt *earshot = &attempts->list[0];
    static struct results results;
    char name[64];
    results = (struct results){.n_rounds = attempts->n_rounds, .note = loss[0] ? loss + 2 : NULL};
    if (earshot->failure[0])
        results.failure = earshot->failure;
    else if (beside && beside->failure[0])
        results.failure = beside->failure;
    struct scenario scenario = {.unit = figure->unit,
                                .more_is_better = figure->more_is_better,
                                .sides = {earshot->kind->name}};
    struct row row = {.name = name, .title = figure->title, .reference = NO_REFERENCE};
    row_name(name, sizeof name, figure->name, beside ? beside->kind : NULL, is_first);
    memcpy(results.values[0], earshot->values[index], sizeof results.values[0]);
    if (beside) {
        scenario.sides[1] = beside->kind->name;
        memcpy(results.values[1], beside->values[index], sizeof results.values[1]);
        row.reference = 1;
    } else if (figure->beside != NO_FIGURE) {
        scenario.sides[1] = "earshot, quiet";
        memcpy(results.values[1], earshot->values[figure->beside], sizeof results.values[1]);
        row.reference = 1;
    }
    report_row(&bench->options, &scenario, &row, &results);
}

static void report_plain(const struct bench *bench, const struct contest *contest,
                         const struct attempts *attempts) {
    char loss[160];
    loss_text(loss, sizeof loss, &attempts->list[0].sum);
    for (size_t i = 0; i < contest->n_figures; i++) {
        const struct figure *figure = &contest->figures[i];
        bool is_first = true;
        if (!run_wants(&bench->options, figure->name))
            continue;
        for (size_t j = 1; j < attempts->n && figure->beside == NO_FIGURE; j++, is_first = false)
            report_beside(bench, figure, i, attempts, &attempts->list[j], is_first, loss);
        if (is_first)
            report_beside(bench, figure, i, attempts, NULL, true, loss);
    }
}

/* The table of all. */

static double attempt_median(const struct attempts *attempts, const struct attempt *attempt,
                             size_t figure) {
    return median_of(attempt->values[figure], attempts->n_rounds);
}

static bool is_clean(const struct contest_result *sum) {
    return sum->n_lost == 0 && sum->n_late == 0 && sum->n_disorder == 0 && sum->n_cut_off == 0;
}

static size_t column_of(const struct router_kind *kind) {
    for (size_t i = 0; i < ARRAY_LEN(columns); i++)
        if (columns[i] == kind)
            return i;
    return kind->has_segments ? 0 : ARRAY_LEN(columns) - 1;
}

static const struct attempt *attempt_in(const struct attempts *attempts, size_t column) {
    for (size_t i = 0; i < attempts->n; i++)
        if (column_of(attempts->list[i].kind) == column)
            return &attempts->list[i];
    return NULL;
}

static void print_cell(const struct attempts *attempts, const struct attempt *attempt,
                       size_t figure) {
    char summary[80], loss[160];
    if (!attempt || attempt->failure[0]) {
        printf(" %s |", attempt ? "failed" : "");
        return;
    }
    report_summary(summary, sizeof summary, attempt->values[figure], attempts->n_rounds);
    loss_text(loss, sizeof loss, &attempt->sum);
    printf(" %s%s |", summary, loss);
}

/* The peer that did best without losing anything. */
static const struct attempt *best_peer(const struct attempts *attempts, const struct figure *figure,
                                       size_t index) {
    const struct attempt *best = NULL;
    for (size_t i = 1; i < attempts->n; i++) {
        const struct attempt *attempt = &attempts->list[i];
        if (!is_peer(attempt->kind) || attempt->failure[0] || !is_clean(&attempt->sum))
            continue;
        double mine = attempt_median(attempts, attempt, index);
        double bests = best ? attempt_median(attempts, best, index) : 0;
        if (!best || (figure->more_is_better ? mine > bests : mine < bests))
            best = attempt;
    }
    return best;
}

/* To the best peer, to nats-server, and to the bare ones. */
static void print_ratios(const struct attempts *attempts, const struct figure *figure,
                         size_t index) {
    const struct attempt *best = best_peer(attempts, figure, index);
    double earshot = attempt_median(attempts, &attempts->list[0], index);
    const char *comma = "";
    for (size_t i = 1; i < attempts->n; i++) {
        const struct attempt *attempt = &attempts->list[i];
        double other = attempt_median(attempts, attempt, index);
        if (attempt->failure[0] || other <= 0 ||
            (attempt != best && attempt->kind != &router_nats && is_peer(attempt->kind)))
            continue;
        printf("%s %s %.2f", comma, attempt->kind->name, earshot / other);
        comma = ",";
    }
    if (figure->beside != NO_FIGURE)
        printf("%s quiet %.2f", comma,
               earshot / attempt_median(attempts, &attempts->list[0], (size_t)figure->beside));
}

static void report_table(const struct bench *bench, const struct contest *contest,
                         const struct attempts *attempts) {
    for (size_t i = 0; i < contest->n_figures; i++) {
        const struct figure *figure = &contest->figures[i];
        if (!run_wants(&bench->options, figure->name))
            continue;
        printf("| %s; %s |", figure->title, figure->unit);
        for (size_t j = 0; j < ARRAY_LEN(columns); j++)
            if (is_there(&bench->options, columns[j]))
                print_cell(attempts, attempt_in(attempts, j), i);
        print_ratios(attempts, figure, i);
        printf(" |\n");
    }
    for (size_t i = 0; i < attempts->n; i++)
        if (attempts->list[i].failure[0])
            fprintf(stderr, "%s: %s: %s\n", contest->figures[0].name, attempts->list[i].kind->name,
                    attempts->list[i].failure);
    fflush(stdout);
}

static json_t *attempt_json(const struct attempts *attempts, const struct attempt *attempt,
                            size_t figure) {
    if (attempt->failure[0])
        return json_pack("{s:s, s:s}", "name", attempt->kind->name, "failed", attempt->failure);
    json_t *rounds = json_array();
    for (unsigned i = 0; i < attempts->n_rounds; i++)
        json_array_append_new(rounds, json_real(attempt->values[figure][i]));
    const struct contest_result *sum = &attempt->sum;
    return json_pack("{s:s, s:f, s:o, s:I, s:I, s:I, s:I, s:i}", "name", attempt->kind->name,
                     "median", attempt_median(attempts, attempt, figure), "rounds", rounds, "lost",
                     (json_int_t)sum->n_lost, "late", (json_int_t)sum->n_late, "missed",
                     (json_int_t)sum->n_missed, "disorder", (json_int_t)sum->n_disorder, "cut_off",
                     (int)sum->n_cut_off);
}

static void report_peers_json(const struct bench *bench, const struct contest *contest,
                              const struct attempts *attempts) {
    for (size_t i = 0; i < contest->n_figures; i++) {
        const struct figure *figure = &contest->figures[i];
        if (!run_wants(&bench->options, figure->name))
            continue;
        json_t *list = json_array();
        for (size_t j = 0; j < attempts->n; j++)
            json_array_append_new(list, attempt_json(attempts, &attempts->list[j], i));
        report_json(json_pack("{s:s, s:s, s:s, s:s, s:b, s:o}", "type", "contest", "row",
                              figure->name, "title", figure->title, "unit", figure->unit,
                              "more_is_better", figure->more_is_better, "entrants", list));
    }
    fflush(stdout);
}

void contest_head(const struct bench_options *options) {
    char path[PATH_MAX];
    for (size_t i = 0; i < ARRAY_LEN(columns); i++)
        if (is_peer(columns[i]) && !router_program(columns[i], path))
            fprintf(stderr,
                    "%s is not installed and is left out; scripts/install-deps peers "
                    "installs it\n",
                    columns[i]->program);
    if (options->json)
        return;
    printf("| row |");
    for (size_t i = 0; i < ARRAY_LEN(columns); i++)
        if (is_there(options, columns[i]))
            printf(" %s%s |", i == 0 ? "Earshot" : columns[i]->name,
                   columns[i] == &router_rings ? ", or SQLite" : "");
    printf(" Earshot beside |\n|---|");
    for (size_t i = 0; i < ARRAY_LEN(columns); i++)
        if (is_there(options, columns[i]))
            printf("---|");
    printf("---|\n");
    fflush(stdout);
}

static void tell_obstacle(const struct bench *bench, const struct contest *contest,
                          const char *obstacle) {
    if (bench->options.json)
        report_json(json_pack("{s:s, s:s, s:s}", "type", "bench", "row", contest->figures[0].name,
                              "skipped", obstacle));
    else if (bench->options.peers)
        fprintf(stderr, "%s SKIPPED: %s\n", contest->figures[0].name, obstacle);
    else
        printf("%-24s SKIPPED: %s\n", contest->figures[0].name, obstacle);
}

static void contest_count(const struct bench_options *options, const struct contest *contest,
                          const struct attempts *attempts, struct tally *tally) {
    const struct attempt *earshot = &attempts->list[0];
    for (size_t i = 0; i < contest->n_figures; i++)
        if (run_wants(options, contest->figures[i].name)) {
            tally->n_rows++;
            tally->n_failed += earshot->failure[0] || !is_clean(&earshot->sum);
        }
}

int contest_run(struct bench *bench, const struct contest *contest, struct tally *tally) {
    const char *obstacle = contest->obstacle ? contest->obstacle() : NULL;
    if (!wants_any(&bench->options, contest))
        return 0;
    if (obstacle) {
        tally->n_rows++;
        tell_obstacle(bench, contest, obstacle);
        return 0;
    }
    CLEANUP_FREE struct attempts *attempts = calloc(1, sizeof *attempts);
    if (!attempts)
        return -ENOMEM;
    int r = attempt_all(bench, contest, attempts);
    if (r < 0)
        return r;
    contest_count(&bench->options, contest, attempts, tally);
    if (!bench->options.peers)
        report_plain(bench, contest, attempts);
    else if (bench->options.json)
        report_peers_json(bench, contest, attempts);
    else
        report_table(bench, contest, attempts);
    return 0;
}

void contest_list_rows(const struct bench_options *options, const struct contest *contest) {
    for (size_t i = 0; i < contest->n_figures; i++)
        if (run_wants(options, contest->figures[i].name))
            printf("%-26s %s (%s)%s\n", contest->figures[i].name, contest->figures[i].title,
                   contest->figures[i].unit, contest->only_with_peers ? ", with --peers" : "");
}
