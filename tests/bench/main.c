/* earshot-bench: how fast, beside what is possible. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench/crew.h"
#include "bench/flood/contest.h"
#include "bench/report.h"
#include "bench/run.h"

#define EXIT_USAGE 64
#define EXIT_INTERRUPTED 130

static const struct scenario_list *const lists[] = {
    &row_rtt,  &row_throughput, &row_fanout, &row_joins, &row_memory, &row_command, &row_idle,
    &row_ring, &row_transfer,   &row_pipe,   &row_sizes, &row_store,  &row_durable,
};

/* What stands first in the report. */
static const struct contest_list *const contests[] = {&row_flood, &row_stored, &row_quiet,
                                                      &row_stopped, &row_trip};

static const char usage[] =
    "Usage: earshot-bench [OPTION...]\n"
    "Measures the hub and the client library beside bare relays over the same kernel calls,\n"
    "in interleaved rounds. Figures are medians, with the least and the most in parentheses;\n"
    "`ratio` is of the medians, `paired` the median of the ratios of neighbouring rounds.\n"
    "\n"
    "  -r, --rounds N       rounds per row (5)\n"
    "  -q, --quick          small counts and 3 rounds, nothing that takes long\n"
    "  -o, --only PATTERNS  the rows whose name holds one of them, or matches it as a glob;\n"
    "                       =NAME is this very row\n"
    "  -p, --peers          the floods, as a table in Markdown, beside the servers of other\n"
    "                       projects that are installed (scripts/install-deps peers)\n"
    "  -d, --duration S     seconds for which senders flood (0.5 to 0.7)\n"
    "  -l, --list           the rows there are\n"
    "  -j, --json           one object per row\n"
    "  -g, --goals          a missed goal makes the exit code 1, as a failed row does\n"
    "      --hub-option OPT another option for the hub under test (repeatable)\n"
    "  -h, --help           this text\n"
    "  -V, --version        the version\n"
    "\n"
    "Files are copied in $TMPDIR, or else /tmp; give a directory on the file system in question.\n"
    "\n"
    "Exit code: 0; 1 when a row failed, that is, something was lost, doubled or reordered or\n"
    "could not be measured; 64 wrong usage; 130 interrupted.\n";

enum { OPTION_HUB = 256 };

static const struct option long_options[] = {
    {"rounds", required_argument, NULL, 'r'},
    {"quick", no_argument, NULL, 'q'},
    {"only", required_argument, NULL, 'o'},
    {"peers", no_argument, NULL, 'p'},
    {"duration", required_argument, NULL, 'd'},
    {"list", no_argument, NULL, 'l'},
    {"json", no_argument, NULL, 'j'},
    {"goals", no_argument, NULL, 'g'},
    {"hub-option", required_argument, NULL, OPTION_HUB},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
    {0},
};

struct command_line {
    struct bench bench;
    bool list, goals;
};

static int fail_usage(const char *what) {
    fprintf(stderr, "earshot-bench: %s; see earshot-bench --help\n", what);
    return EXIT_USAGE;
}

static int take_rounds(struct bench_options *options, const char *text) {
    char *end;
    unsigned long n = strtoul(text, &end, 10);
    if (*text == '\0' || *end != '\0' || n < 1 || n > BENCH_ROUNDS_MAX)
        return fail_usage("--rounds takes a number from 1 to 101");
    options->n_rounds = (unsigned)n;
    return 0;
}

static int take_duration(struct bench_options *options, const char *text) {
    char *end;
    options->duration_s = strtod(text, &end);
    if (*text == '\0' || *end != '\0' || !(options->duration_s > 0 && options->duration_s <= 600))
        return fail_usage("--duration takes seconds, up to 600");
    return 0;
}

static int take_hub_option(struct bench_options *options, const char *text) {
    if (options->n_hub_options == BENCH_HUB_OPTIONS_MAX)
        return fail_usage("too many --hub-option");
    options->hub_options[options->n_hub_options++] = text;
    return 0;
}

/* One option; 0 or the exit code. */
static int take_option(struct command_line *line, int option) {
    struct bench_options *options = &line->bench.options;
    switch (option) {
    case 'r':
        return take_rounds(options, optarg);
    case 'd':
        return take_duration(options, optarg);
    case OPTION_HUB:
        return take_hub_option(options, optarg);
    case 'q':
        options->quick = true;
        break;
    case 'o':
        options->only = optarg;
        break;
    case 'p':
        options->peers = true;
        break;
    case 'l':
        line->list = true;
        break;
    case 'j':
        options->json = true;
        break;
    case 'g':
        line->goals = true;
        break;
    default:
        return EXIT_USAGE;
    }
    return 0;
}

/* 0 to go on, the exit code, or -1 when all is said. */
static int parse(struct command_line *line, int argc, char **argv) {
    for (int option;
         (option = getopt_long(argc, argv, "r:qo:pd:ljghV", long_options, NULL)) >= 0;) {
        if (option == 'h' || option == 'V') {
            fputs(option == 'h' ? usage : "earshot-bench " EARSHOT_VERSION "\n", stdout);
            return -1;
        }
        int r = take_option(line, option);
        if (r != 0)
            return r;
    }
    if (optind < argc)
        return fail_usage("there are no arguments besides options");
    if (line->bench.options.n_rounds == 0)
        line->bench.options.n_rounds = line->bench.options.quick ? 3 : 5;
    return 0;
}

static void list_contests(const struct bench_options *options) {
    for (size_t i = 0; i < ARRAY_LEN(contests); i++)
        for (size_t j = 0; j < contests[i]->n; j++)
            contest_list_rows(options, &contests[i]->contests[j]);
}

static void list_scenarios(const struct bench_options *options) {
    for (size_t i = 0; i < ARRAY_LEN(lists); i++)
        for (size_t j = 0; j < lists[i]->n; j++) {
            const struct scenario *scenario = &lists[i]->scenarios[j];
            for (size_t k = 0; k < scenario->n_rows; k++)
                if (run_wants(options, scenario->rows[k].name))
                    report_list(scenario, &scenario->rows[k]);
        }
}

static int run_contests(struct bench *bench, struct tally *tally) {
    for (size_t i = 0; i < ARRAY_LEN(contests); i++)
        for (size_t j = 0; j < contests[i]->n; j++) {
            int r = contest_run(bench, &contests[i]->contests[j], tally);
            if (r < 0)
                return r;
        }
    return 0;
}

static int run_scenarios(struct bench *bench, struct tally *tally) {
    for (size_t i = 0; i < ARRAY_LEN(lists); i++)
        for (size_t j = 0; j < lists[i]->n; j++) {
            int r = run_scenario(bench, &lists[i]->scenarios[j], tally);
            if (r < 0)
                return r;
        }
    return 0;
}

static int run_all(struct bench *bench, struct tally *tally) {
    interrupt_install();
    if (bench->options.peers) {
        contest_head(&bench->options);
        return run_contests(bench, tally);
    }
    report_head(&bench->options);
    int r = run_contests(bench, tally);
    return r < 0 ? r : run_scenarios(bench, tally);
}

int main(int argc, char **argv) {
    static struct command_line line;
    struct tally tally = {0};
    int r = parse(&line, argc, argv);
    if (r != 0)
        return r < 0 ? 0 : r;
    if (line.list) {
        list_contests(&line.bench.options);
        list_scenarios(&line.bench.options);
        return 0;
    }
    if (run_all(&line.bench, &tally) < 0) {
        fputs("earshot-bench: interrupted\n", stderr);
        return EXIT_INTERRUPTED;
    }
    if (tally.n_rows == 0)
        return fail_usage("no row has such a name; see --list");
    fprintf(stderr, "%u rows, %u failed, %u missed their goal\n", tally.n_rows, tally.n_failed,
            tally.n_missed);
    return tally.n_failed > 0 || (line.goals && tally.n_missed > 0);
}
