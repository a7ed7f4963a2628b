#include "cli/outcome.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/macro.h"
#include "proto/fail.h"

/* By result of the library: the code of one that has only one meaning. */
static const enum fail_code outcome_codes[] = {
    [EARSHOT_NO_HUB] = FAIL_NO_HUB,
    [EARSHOT_NOT_PERMITTED] = FAIL_NOT_PERMITTED,
    [EARSHOT_NOT_TRUSTED] = FAIL_NOT_TRUSTED,
    [EARSHOT_OTHER_VERSION] = FAIL_VERSION,
    [EARSHOT_OTHER_NAMESPACE] = FAIL_OTHER_NAMESPACE,
    [EARSHOT_BAD_NAME] = FAIL_BAD_NAME,
    [EARSHOT_BAD_TEXT] = FAIL_BAD_TEXT,
    [EARSHOT_LIMIT] = FAIL_LIMIT,
    [EARSHOT_BAD_ARGUMENT] = FAIL_BAD_ARGUMENT,
};

static const struct {
    int exit_code;
    const char *name;
} outcome_rows[] = {
#define OUTCOME_ROW(NAME, exit_code, json) [OUTCOME_##NAME - OUTCOME_START] = {exit_code, json},
    OUTCOME_CODES(OUTCOME_ROW)};

int outcome_exit_code(unsigned code) {
    return code > OUTCOME_START && code < OUTCOME_END ? outcome_rows[code - OUTCOME_START].exit_code
                                                      : fail_exit_code(code);
}

const char *outcome_name(unsigned code) {
    return code > OUTCOME_START && code < OUTCOME_END ? outcome_rows[code - OUTCOME_START].name
                                                      : fail_name(code);
}

/* No room just now, or no answer in time: the link says which. */
static unsigned outcome_code(const earshot *link, int result) {
    unsigned said = link ? earshot_fail_code(link) : FAIL_NONE;
    if (result == EARSHOT_REFUSED)
        return said;
    if (result == EARSHOT_AGAIN)
        return said == FAIL_BUSY ? FAIL_BUSY : FAIL_TIMED_OUT;
    return result > 0 && (size_t)result < ARRAY_LEN(outcome_codes) ? outcome_codes[result]
                                                                   : FAIL_NONE;
}

static struct outcome outcome_with(unsigned code, const char *text) {
    return (struct outcome){
        .code = code == FAIL_NONE ? FAIL_INTERNAL : code,
        .text = *text ? text : fail_text(code),
    };
}

/* What the system says, where the link has not put it into a sentence. */
struct outcome outcome_of(const earshot *link, int result) {
    bool is_errno = result < 0 && !(link && earshot_fail_code(link) == FAIL_INTERNAL);
    const char *text = is_errno ? strerror(-result) : link ? earshot_error(link) : "";
    struct outcome outcome = outcome_with(outcome_code(link, result), text);
    outcome.is_errno = is_errno;
    return outcome;
}

/* What a file may meet that is read; any other errno says that it is no such file. */
static const struct {
    int error;
    enum outcome_code code;
    const char *text; /* NULL: what strerror(3) says */
} outcome_reading[] = {
    {EACCES, OUTCOME_FILE_DENIED, NULL},
    {EPERM, OUTCOME_FILE_DENIED, NULL},
    {EMFILE, OUTCOME_FILE_LIMIT, "Too many open files; each offer needs one, see `ulimit -n`"},
    {ENFILE, OUTCOME_FILE_LIMIT, "the machine has too many open files; try again"},
};

struct outcome outcome_of_file(const earshot *link, int result, enum outcome_use use) {
    struct outcome outcome = outcome_of(link, result);
    if (use == OUTCOME_READ && result == EARSHOT_REFUSED)
        outcome.code = OUTCOME_FILE;
    if (result >= 0 || result == -ENOMEM)
        return outcome;
    outcome = (struct outcome){
        .code = use == OUTCOME_WRITE ? OUTCOME_FILE_PLACE : OUTCOME_FILE,
        .text = strerror(-result),
        .is_errno = true,
    };
    for (size_t i = 0; use == OUTCOME_READ && i < ARRAY_LEN(outcome_reading); i++)
        if (outcome_reading[i].error == -result) {
            outcome.code = outcome_reading[i].code;
            outcome.text = outcome_reading[i].text ? outcome_reading[i].text : outcome.text;
        }
    return outcome;
}

struct outcome outcome_of_event(const struct earshot_event *event) {
    return outcome_with(event->failed.code, event->failed.reason ? event->failed.reason : "");
}
