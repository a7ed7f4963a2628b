#include "cli/report.h"

#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "cli/interrupt.h"
#include "cli/json.h"
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
static void print_format(const char *type, const char *code, const char *format, va_list args) {
    char *text = NULL;
    int n = vasprintf(&text, format, args);
    report_print_line(type, code, n < 0 ? "out of memory" : text);
    free(n < 0 ? NULL : text);
}

int cli_fail(const struct cli_options *options, int exit_code, const char *code, const char *format,
             ...) {
    va_list args;
    if (options)
        json_wanted = options->json;
    va_start(args, format);
    print_format("error", code, format, args);
    va_end(args);
    return exit_code;
}

void cli_remark(const struct cli_options *options, const char *format, ...) {
    va_list args;
    if (options->quiet)
        return;
    va_start(args, format);
    print_format("note", NULL, format, args);
    va_end(args);
}

static int fail_interrupted(const struct cli_options *options) {
    if (cli_interrupted())
        return cli_interrupted();
    return cli_fail(options, CLI_TRY_AGAIN, "timed-out",
                    "the hub did not answer within %g s; try again, or allow more with --timeout",
                    cli_limit_seconds());
}

struct outcome_row {
    int exit_code;
    const char *code;
};

static const struct outcome_row outcomes[] = {
    [EARSHOT_AGAIN] = {CLI_TRY_AGAIN, "timed-out"},
    [EARSHOT_NO_HUB] = {CLI_NO_HUB, "no-hub"},
    [EARSHOT_NOT_PERMITTED] = {CLI_NOT_PERMITTED, "not-permitted"},
    [EARSHOT_NOT_TRUSTED] = {CLI_NOT_PERMITTED, "not-trusted"},
    [EARSHOT_OTHER_VERSION] = {CLI_NO_HUB, "version"},
    [EARSHOT_OTHER_NAMESPACE] = {CLI_NO_HUB, "other-namespace"},
    [EARSHOT_BAD_NAME] = {CLI_USAGE, "bad-name"},
    [EARSHOT_BAD_TEXT] = {CLI_DATA, "bad-text"},
    [EARSHOT_LIMIT] = {CLI_TRY_AGAIN, "limit"},
    [EARSHOT_BAD_ARGUMENT] = {CLI_USAGE, "bad-argument"},
};

int cli_fail_link(const struct cli_options *options, const earshot *link, int result) {
    if (result == -EINTR)
        return fail_interrupted(options);
    const char *text = link ? earshot_error(link) : "";
    if (result == EARSHOT_REFUSED) {
        unsigned code = earshot_fail_code(link);
        return cli_fail(options, earshot_fail_exit_code(code), earshot_fail_name(code), "%s", text);
    }
    if (result > 0 && (size_t)result < ARRAY_LEN(outcomes) && outcomes[result].code)
        return cli_fail(options, outcomes[result].exit_code, outcomes[result].code, "%s", text);
    if (*text)
        return cli_fail(options, CLI_FAILED, "internal", "%s", text);
    return cli_fail(options, CLI_FAILED, "internal", "cannot go on: %s", strerror(-result));
}

int cli_take_failed(const struct cli_options *options, const struct earshot_event *event) {
    int code = cli_fail_event(options, event);
    return event->failed.code == FAIL_NOT_STORED ? CLI_DONE : code;
}

void cli_tell_lost(const struct cli_options *options, const struct earshot_event *event,
                   const char *consequence) {
    if (*event->lost.reason)
        cli_fail(options, CLI_FAILED, "bad-frame", "%s", event->lost.reason);
    else
        cli_remark(options, "the hub is gone; %s", consequence);
}

int cli_fail_event(const struct cli_options *options, const struct earshot_event *event) {
    unsigned code = event->failed.code;
    return cli_fail(options, earshot_fail_exit_code(code), earshot_fail_name(code), "%s",
                    event->failed.reason);
}
