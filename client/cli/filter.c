#include "cli/filter.h"

#include <dlfcn.h>
#include <jq.h>
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"
#include "base/text.h"
#include "cli/interrupt.h"
#include "cli/json.h"
#include "cli/output.h"
#include "cli/records.h"
#include "cli/report.h"

/* A function in the header calls it, which not every compiler leaves out when nobody calls that. */
#pragma weak jv_get_kind

#define LIBRARY "libjq.so.1"
#define EXIT_OF_JQ 5 /* jq(1): of halt_error without a number */

/* clang-format off */
#define FILTER_CALLS(R)                                                                            \
    R(jq_init) R(jq_teardown) R(jq_set_attr) R(jq_set_error_cb) R(jq_set_nomem_handler)            \
    R(jq_format_error) R(jq_compile) R(jq_start) R(jq_next) R(jq_halted) R(jq_get_exit_code)       \
    R(jq_get_error_message) R(jv_get_kind) R(jv_free) R(jv_copy) R(jv_parse) R(jv_string)          \
    R(jv_string_value) R(jv_string_length_bytes) R(jv_number_value) R(jv_dump_string)              \
    R(jv_invalid_has_msg) R(jv_invalid_get_msg) R(jv_array) R(jv_array_append)
/* clang-format on */

static struct {
    void *library;
#define FILTER_MEMBER(name) __typeof__(name) *name;
    FILTER_CALLS(FILTER_MEMBER)
#undef FILTER_MEMBER
} lib;

static struct {
    const struct cli_options *options;
    jq_state *jq;
    char *complaint; /* the first of the compiler; owned */
    bool has_failed; /* for an object at least */
    bool has_halted;
    int code; /* when it has halted */
} filter;

static bool filter_load(void) {
    lib.library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
    if (!lib.library)
        return false;
#define FILTER_FIND(name)                                                                          \
    if (!(lib.name = (__typeof__(name) *)dlsym(lib.library, #name)))                               \
        return false;
    FILTER_CALLS(FILTER_FIND)
#undef FILTER_FIND
    return true;
}

/* "jq: error: WHAT at <top-level>, line 1:" and the expression: only WHAT is news. */
static char *filter_complaint(const char *text) {
    static const char before[] = "jq: error: ", behind[] = " at <top-level>", hint[] = " (Unix";
    if (strncmp(text, before, strlen(before)) == 0)
        text += strlen(before);
    size_t n = strcspn(text, "\n");
    const char *ends[] = {strstr(text, behind), strstr(text, hint)};
    for (size_t i = 0; i < ARRAY_LEN(ends); i++)
        if (ends[i] && (size_t)(ends[i] - text) < n)
            n = (size_t)(ends[i] - text);
    char *copy = cli_copy(text);
    copy[n] = 0;
    return copy;
}

/* Of the compiler; the first says what is wrong. */
static void filter_take_complaint(void *arg, jv message) {
    (void)arg;
    jv text = lib.jq_format_error(message);
    if (!filter.complaint && lib.jv_get_kind(text) == JV_KIND_STRING)
        filter.complaint = filter_complaint(lib.jv_string_value(text));
    lib.jv_free(text);
}

static void filter_out_of_memory(void *arg) {
    (void)arg;
    cli_out_of_memory();
}

/* Where jq(1) looks for modules, too. */
static void filter_set_places(void) {
    static const char *const places[] = {"~/.jq", "$ORIGIN/../lib/jq", "$ORIGIN/../lib"};
    jv list = lib.jv_array();
    for (size_t i = 0; i < ARRAY_LEN(places); i++)
        list = lib.jv_array_append(list, lib.jv_string(places[i]));
    lib.jq_set_attr(filter.jq, lib.jv_string("JQ_LIBRARY_PATH"), list);
    lib.jq_set_attr(filter.jq, lib.jv_string("JQ_ORIGIN"), lib.jv_string("/usr/bin"));
    lib.jq_set_attr(filter.jq, lib.jv_string("PROGRAM_ORIGIN"), lib.jv_string("."));
}

int filter_open(const struct cli_options *options) {
    filter.options = options;
    if (!filter_load())
        return cli_fail(options, OUTCOME_CONFIGURATION,
                        "--jq needs the library %s: install the package libjq1, or give --json "
                        "and use a program of your own",
                        LIBRARY);
    filter.jq = lib.jq_init();
    if (!filter.jq)
        cli_out_of_memory();
    lib.jq_set_nomem_handler(filter.jq, filter_out_of_memory, NULL);
    lib.jq_set_error_cb(filter.jq, filter_take_complaint, NULL);
    filter_set_places();
    cli_interrupt_at_once(true);
    bool compiled = lib.jq_compile(filter.jq, options->jq);
    cli_interrupt_at_once(false);
    if (compiled)
        return CLI_DONE;
    return cli_fail(options, OUTCOME_USAGE, "--jq cannot be \"%s\": %s; see jq(1)", options->jq,
                    filter.complaint ? filter.complaint : "it is no expression");
}

bool filter_is_open(void) {
    return filter.jq;
}

/* With a line feed behind it, as all else that is printed. */
static void filter_print_text(FILE *out, jv text) {
    struct bytes bytes = {lib.jv_string_value(text),
                          (size_t)lib.jv_string_length_bytes(lib.jv_copy(text))};
    CLEANUP_FREE char *safe = text_safe(bytes, TEXT_KEEP_LINES);
    if (!safe)
        cli_out_of_memory();
    else
        fprintf(out, "%s\n", safe);
}

static void filter_print_json(FILE *out, jv value) {
    jv text = lib.jv_dump_string(lib.jv_copy(value), 0);
    json_write_line(out, lib.jv_string_value(text));
    lib.jv_free(text);
}

static void filter_print(FILE *out, jv value) {
    if (lib.jv_get_kind(value) == JV_KIND_STRING)
        filter_print_text(out, value);
    else
        filter_print_json(out, value);
}

/* An error, or what `halt_error` was given; frees it. */
static void filter_report(unsigned code, jv what) {
    bool is_text = lib.jv_get_kind(what) == JV_KIND_STRING;
    jv text = is_text ? what : lib.jv_dump_string(what, 0);
    cli_fail(filter.options, code, "--jq: %s", lib.jv_string_value(text));
    lib.jv_free(text);
}

/* jq(1): without a number `halt` is 0, and `halt_error` 5. */
static void filter_halt(void) {
    jv code = lib.jq_get_exit_code(filter.jq), message = lib.jq_get_error_message(filter.jq);
    filter.has_halted = true;
    filter.code = CLI_CLOSED;
    if (lib.jv_get_kind(code) == JV_KIND_NUMBER)
        filter.code = (int)lib.jv_number_value(code) & 0xFF;
    else if (lib.jv_get_kind(code) != JV_KIND_INVALID)
        filter.code = EXIT_OF_JQ;
    if (filter.code == CLI_DONE)
        filter.code = CLI_CLOSED;
    lib.jv_free(code);
    if (lib.jv_get_kind(message) == JV_KIND_INVALID)
        lib.jv_free(message);
    else
        filter_report(OUTCOME_FILTER, message);
}

/* Why there is no further value: there was none, an error, or it has halted. */
static void filter_end(jv last) {
    if (lib.jq_halted(filter.jq)) {
        lib.jv_free(last);
        filter_halt();
    } else if (lib.jv_invalid_has_msg(lib.jv_copy(last))) {
        filter.has_failed = true;
        filter_report(OUTCOME_FILTER, lib.jv_invalid_get_msg(last));
    } else {
        lib.jv_free(last);
    }
}

/* Until the expression has no more to say, or nobody reads it. */
static void filter_run(FILE *out, const char *json) {
    jv value;
    lib.jq_start(filter.jq, lib.jv_parse(json), 0);
    for (;;) {
        value = lib.jq_next(filter.jq);
        if (lib.jv_get_kind(value) == JV_KIND_INVALID)
            break;
        filter_print(out, value);
        lib.jv_free(value);
        if (ferror(out))
            return; /* cli_flush() tells */
    }
    filter_end(value);
}

void filter_put(FILE *out, const char *json) {
    if (filter.has_halted)
        return;
    cli_interrupt_at_once(true);
    filter_run(out, json);
    cli_interrupt_at_once(false);
}

int filter_verdict(void) {
    return filter.has_halted ? filter.code : CLI_DONE;
}

int filter_close(int code) {
    if (filter.jq)
        lib.jq_teardown(&filter.jq);
    free(filter.complaint);
    return code == CLI_DONE && filter.has_failed ? outcome_exit_code(OUTCOME_FILTER) : code;
}
