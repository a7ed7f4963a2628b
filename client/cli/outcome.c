#include "cli/outcome.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/macro.h"
#include "cli/report.h"
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
        .exit_code = fail_exit_code(code),
        .code = code == FAIL_NONE ? fail_name(FAIL_INTERNAL) : fail_name(code),
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
    int error, exit_code;
    const char *text; /* NULL: what strerror(3) says */
} outcome_reading[] = {
    {EACCES, CLI_NOT_PERMITTED, NULL},
    {EPERM, CLI_NOT_PERMITTED, NULL},
    {EMFILE, CLI_TRY_AGAIN, "Too many open files; each offer needs one, see `ulimit -n`"},
    {ENFILE, CLI_TRY_AGAIN, "the machine has too many open files; try again"},
};

struct outcome outcome_of_file(const earshot *link, int result, enum outcome_use use) {
    struct outcome outcome = outcome_of(link, result);
    bool is_of_file =
        (result == EARSHOT_REFUSED && use == OUTCOME_READ) || (result < 0 && result != -ENOMEM);
    if (!is_of_file)
        return outcome;
    outcome.is_errno = result < 0;
    outcome.text = result < 0 ? strerror(-result) : outcome.text;
    outcome.code = "file";
    outcome.exit_code = use == OUTCOME_WRITE ? CLI_CANNOT_CREATE : CLI_DATA;
    for (size_t i = 0; use == OUTCOME_READ && i < ARRAY_LEN(outcome_reading); i++)
        if (outcome_reading[i].error == -result) {
            outcome.exit_code = outcome_reading[i].exit_code;
            outcome.text = outcome_reading[i].text ? outcome_reading[i].text : outcome.text;
        }
    return outcome;
}

struct outcome outcome_of_event(const struct earshot_event *event) {
    return outcome_with(event->failed.code, event->failed.reason ? event->failed.reason : "");
}
