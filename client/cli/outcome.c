#include "cli/outcome.h"

#include <stdbool.h>
#include <string.h>

#include "base/macro.h"
#include "proto/fail.h"

/* By enum earshot_result: why it is, where the result says it all. */
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

struct outcome outcome_of_event(const struct earshot_event *event) {
    return outcome_with(event->failed.code, event->failed.reason ? event->failed.reason : "");
}
