/*
 * What came of a call or a request, for scripts and people: the one place for commands and window.
 * Codes, exit codes and the sentences that nobody has put better are those of proto/fail.h.
 */
#pragma once

#include <stdbool.h>

#include "lib/earshot.h"

struct outcome {
    int exit_code;
    const char *code; /* in --json */
    const char *text; /* what happened and what to do, without the name of what it happened to */
    bool is_errno;    /* the text is no sentence, but what strerror(3) says */
};

/* Of a result of libearshot that is neither EARSHOT_OK nor -EINTR. `link` may be NULL. */
struct outcome outcome_of(const earshot *link, int result);

/* Of a call that reads a file, or writes one: what the system says is about that file. */
enum outcome_use { OUTCOME_READ, OUTCOME_WRITE };
struct outcome outcome_of_file(const earshot *link, int result, enum outcome_use use);

/* Of a FAILED or REFUSED event. */
struct outcome outcome_of_event(const struct earshot_event *event);
