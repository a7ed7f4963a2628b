#include "cli/report.h"

#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "cli/interrupt.h"
#include "cli/json.h"
#include "cli/outcome.h"
#include "proto/fail.h"

/* Until options are known, and where none are at hand. */
static bool json_wanted;

void cli_report_json(bool json) {
    json_wanted = json;
}

static void report_print_line(const char *type, const char *code, const char *text) {
    if (json_wanted) {
        json_report(type, code, text);
        return;
    }
    char *safe = text_safe(bytes_of(text), TEXT_ONE_LINE);
    fprintf(stderr, "earshot: %s\n", safe ? safe : "out of memory");
    free(safe);
}

/* Of any length: a path may be in it, and the reason stands behind that. */
static void report_print(const char *type, const char *code, const char *format, va_list args) {
    char *text = NULL;
    int n = vasprintf(&text, format, args);
    report_print_line(type, code, n < 0 ? "out of memory" : text);
    free(n < 0 ? NULL : text);
}

int cli_fail(const struct cli_options *options, unsigned code, const char *format, ...) {
    va_list args;
    if (options)
        json_wanted = options->json_errors;
    va_start(args, format);
    report_print("error", outcome_name(code), format, args);
    va_end(args);
    return outcome_exit_code(code);
}

void cli_remark(const struct cli_options *options, const char *format, ...) {
    va_list args;
    if (options->quiet)
        return;
    va_start(args, format);
    report_print("note", NULL, format, args);
    va_end(args);
}

bool cli_has_reader(const struct cli_options *options) {
    return !options->json && !options->quiet && isatty(STDERR_FILENO);
}

static int report_interrupted(const struct cli_options *options) {
    if (cli_interrupted())
        return cli_interrupted();
    return cli_fail(options, FAIL_TIMED_OUT,
                    "the hub did not answer within %g s; try again, or allow more with --timeout",
                    cli_limit_seconds());
}

int cli_fail_link(const struct cli_options *options, const earshot *link, int result) {
    if (result == -EINTR)
        return report_interrupted(options);
    struct outcome outcome = outcome_of(link, result);
    return cli_fail(options, outcome.code, "%s%s", outcome.is_errno ? "cannot go on: " : "",
                    outcome.text);
}

/* What to do; "" where the sentence says it. */
static const char *report_file_advice(unsigned code, enum outcome_use use, const char *path) {
    if (use == OUTCOME_WRITE)
        return strcmp(path, REPORT_STDOUT) == 0 ? "; check where it goes"
                                                : "; name another directory with --dir";
    return code == OUTCOME_FILE          ? "; check the path"
           : code == OUTCOME_FILE_DENIED ? "; ask its owner for permission"
                                         : "";
}

int cli_fail_file(const struct cli_options *options, const earshot *link, int result,
                  enum outcome_use use, const char *path) {
    if (result == -EINTR)
        return report_interrupted(options);
    struct outcome outcome = outcome_of_file(link, result, use);
    if (!outcome.is_errno)
        return cli_fail(options, outcome.code, "%s", outcome.text);
    return cli_fail(options, outcome.code,
                    use == OUTCOME_WRITE ? "cannot write to %s: %s%s" : "cannot read \"%s\": %s%s",
                    path, outcome.text, report_file_advice(outcome.code, use, path));
}

int cli_take_failed(const struct cli_options *options, const struct earshot_event *event) {
    int code = cli_fail_event(options, event);
    return event->failed.code == FAIL_NOT_STORED ? CLI_DONE : code;
}

void cli_tell_hub(const struct cli_options *options, const struct earshot_event *event,
                  const char *consequence) {
    if (event->type == EARSHOT_EVENT_BACK)
        cli_remark(options, "the hub is back");
    else if (event->type == EARSHOT_EVENT_SHUT_OUT)
        cli_remark(options, "%s", event->lost.reason);
    else if (*event->lost.reason)
        cli_fail(options, FAIL_BAD_FRAME, "%s", event->lost.reason);
    else
        cli_remark(options, "the hub is gone; %s", consequence);
}

int cli_fail_event(const struct cli_options *options, const struct earshot_event *event) {
    struct outcome outcome = outcome_of_event(event);
    return cli_fail(options, outcome.code, "%s", outcome.text);
}
