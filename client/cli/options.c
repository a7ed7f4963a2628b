#include "cli/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/macro.h"
#include "cli/near.h"
#include "cli/report.h"

#define OPTIONS_MAX 32   /* of one command, with the global ones */
#define LONG_VALUE 0x100 /* what getopt_long() returns for row i is LONG_VALUE + i */

const struct cli_option cli_global_options[] = {
    {"hub", 0, CLI_STRING, CLI_AT(hub), "DIR", "the hub in this directory", NULL, 0},
    {"name", 0, CLI_STRING, CLI_AT(name), "HANDLE", "your handle; else your login name", NULL, 0},
    {"json", 0, CLI_FLAG, CLI_AT(json), NULL, "one JSON object per line", NULL, 0},
    {"jq", 0, CLI_STRING, CLI_AT(jq), "EXPR", "the same, through an expression of jq(1)", NULL, 0},
    {"quiet", 'q', CLI_FLAG, CLI_AT(quiet), NULL, "no remarks, only data and errors", NULL, 0},
    {"no-color", 0, CLI_FLAG, CLI_AT(no_color), NULL, "no colour", NULL, 0},
    {"timeout", 0, CLI_SECONDS, CLI_AT(timeout_ms), "SECONDS", "give up after so long", NULL, 0},
    {"start", 0, CLI_FLAG, CLI_AT(start), NULL, "start a hub in DIR when none is there", NULL, 0},
    {"help", 'h', CLI_FLAG, CLI_AT(help), NULL, "show help", NULL, 0},
    {"version", 0, CLI_FLAG, CLI_AT(version), NULL, "show the version", NULL, 0},
    {0},
};

struct options_parser {
    struct cli_options *options;
    const struct cli_option *rows[OPTIONS_MAX];
    int n_rows;
    struct option longs[OPTIONS_MAX + 1];
    char letters[2 * OPTIONS_MAX + 3];
};

void cli_options_init(struct cli_options *options) {
    const char *no_color = getenv("NO_COLOR");
    *options = (struct cli_options){
        .timeout_ms = -1,
        .wait = EARSHOT_STORED,
        .priority = EARSHOT_PRIORITY_DEFAULT - EARSHOT_PRIORITY_MIN,
        .since = CLI_NOT_GIVEN,
        .announce = -1,
        .lock = -1,
        .past = -1,
        .no_color = no_color && *no_color,
    };
}

static void options_add_rows(struct options_parser *parser, const struct cli_option *rows) {
    size_t n = strlen(parser->letters);
    for (; rows && rows->name; rows++) {
        assert(parser->n_rows < OPTIONS_MAX);
        int i = parser->n_rows++;
        parser->rows[i] = rows;
        parser->longs[i] = (struct option){
            .name = rows->name,
            .has_arg = rows->argument ? required_argument : no_argument,
            .val = LONG_VALUE + i,
        };
        if (rows->letter) {
            parser->letters[n++] = rows->letter;
            if (rows->argument)
                parser->letters[n++] = ':';
        }
    }
}

static const struct cli_option *options_find_row(const struct options_parser *parser, int value) {
    if (value >= LONG_VALUE)
        return value - LONG_VALUE < parser->n_rows ? parser->rows[value - LONG_VALUE] : NULL;
    for (int i = 0; i < parser->n_rows; i++)
        if (value && parser->rows[i]->letter == value)
            return parser->rows[i];
    return NULL;
}

static int options_bad_value(const struct options_parser *parser, const struct cli_option *row,
                             const char *text, const char *want) {
    return cli_fail(parser->options, OUTCOME_USAGE, "--%s cannot be \"%s\"; give %s", row->name,
                    text, want);
}

static int options_take_seconds(struct options_parser *parser, const struct cli_option *row,
                                const char *text) {
    char *end;
    double seconds = strtod(text, &end);
    if (end == text || *end || !(seconds > 0) || seconds > 2000000)
        return options_bad_value(parser, row, text, "a number of seconds above 0, such as 2.5");
    int ms = (int)(seconds * 1000);
    *(int *)((char *)parser->options + row->offset) = ms > 0 ? ms : 1;
    return CLI_DONE;
}

static int options_take_number(struct options_parser *parser, const struct cli_option *row,
                               const char *text, unsigned long long min, const char *want) {
    char *end;
    errno = 0;
    unsigned long long n = strtoull(text, &end, 10);
    if (end == text || *end || errno || n < min || n > INT64_MAX || strchr(text, '-'))
        return options_bad_value(parser, row, text, want);
    *(unsigned long long *)((char *)parser->options + row->offset) = n;
    return CLI_DONE;
}

static int options_take_choice(struct options_parser *parser, const struct cli_option *row,
                               const char *text) {
    for (int i = 0; row->choices[i]; i++) {
        if (strcmp(row->choices[i], text) == 0) {
            *(int *)((char *)parser->options + row->offset) = i;
            return CLI_DONE;
        }
    }
    return options_bad_value(parser, row, text, row->argument);
}

static int options_take(struct options_parser *parser, const struct cli_option *row,
                        const char *text) {
    char *member = (char *)parser->options + row->offset;
    switch (row->type) {
    case CLI_FLAG:
        *(bool *)member = true;
        return CLI_DONE;
    case CLI_STRING:
        *(const char **)member = text;
        return CLI_DONE;
    case CLI_SET:
        *(int *)member = row->value;
        return CLI_DONE;
    case CLI_SECONDS:
        return options_take_seconds(parser, row, text);
    case CLI_COUNT:
        return options_take_number(parser, row, text, 1, "a whole number above 0");
    case CLI_SEQ:
        return options_take_number(parser, row, text, 0,
                                   "the \"seq\" of a message, as --json shows it");
    case CLI_CHOICE:
        return options_take_choice(parser, row, text);
    }
    return CLI_FAILED;
}

/* For a mistyped "--word" or "--word=value". */
static void options_find_near(const struct options_parser *parser, struct near *near,
                              const char *word) {
    char name[32];
    snprintf(name, sizeof name, "%.*s", (int)strcspn(word + 2, "="), word + 2);
    near_init(near, name);
    for (int i = 0; i < parser->n_rows; i++)
        near_consider(near, parser->rows[i]->name);
}

static int options_bad_option(const struct options_parser *parser, int result, char **argv) {
    const struct cli_option *row = options_find_row(parser, optopt);
    if (row && result == ':')
        return cli_fail(parser->options, OUTCOME_USAGE, "--%s needs a value: %s", row->name,
                        row->argument);
    if (row)
        return cli_fail(parser->options, OUTCOME_USAGE, "--%s takes no value", row->name);
    if (optopt)
        return cli_fail(parser->options, OUTCOME_USAGE,
                        "there is no option -%c; `earshot help` lists them; text that begins with "
                        "a dash goes after --",
                        optopt);
    const char *word = argv[optind - 1];
    struct near near = {0};
    if (strlen(word) > 2)
        options_find_near(parser, &near, word);
    if (near.n > 0)
        return cli_fail(parser->options, OUTCOME_USAGE,
                        "there is no option \"%s\"; did you mean --%s?", word, near_best(&near));
    return cli_fail(parser->options, OUTCOME_USAGE,
                    "there is no option \"%s\"; `earshot help` lists them; text that begins with "
                    "a dash goes after --",
                    word);
}

/* Errors may be printed before --json is reached, so it is looked for first. */
static void options_look_for_json(struct cli_options *options, int argc, char **argv) {
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--json") == 0)
            options->json = options->json_errors = true;
    cli_report_json(options->json_errors);
}

int cli_options_parse(struct cli_options *options, const struct cli_option *own, int argc,
                      char **argv, int *first) {
    struct options_parser parser = {.options = options};
    memcpy(parser.letters, own ? ":" : "+:", own ? 2 : 3);
    options_add_rows(&parser, cli_global_options);
    options_add_rows(&parser, own);
    options_look_for_json(options, argc, argv);
    opterr = 0;
    optind = 0; /* GNU: start anew */
    for (int result;
         (result = getopt_long(argc, argv, parser.letters, parser.longs, NULL)) != -1;) {
        const struct cli_option *row =
            result == '?' || result == ':' ? NULL : options_find_row(&parser, result);
        int code =
            row ? options_take(&parser, row, optarg) : options_bad_option(&parser, result, argv);
        if (code != CLI_DONE)
            return code;
    }
    *first = optind;
    return CLI_DONE;
}
