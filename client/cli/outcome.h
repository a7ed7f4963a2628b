/*
 * What came of a call or a request, for scripts and people: the one place for commands and window.
 * A code says the exit code and the name in --json; the sentence is that of whoever knows more,
 * else that of the code.
 */
#pragma once

#include <stdbool.h>

#include "lib/earshot.h"
#include "proto/fail.h"

/* sysexits.h, as far as the program uses it, and the shell's numbers. */
enum cli_exit {
    CLI_DONE = 0,
    CLI_FAILED = 1,
    CLI_USAGE = 64,
    CLI_DATA = 65,
    CLI_NO_NAME = 67,
    CLI_NO_HUB = 69,
    CLI_CANNOT_CREATE = 73,
    CLI_TRY_AGAIN = 75,
    CLI_NOT_PERMITTED = 77,
    CLI_CONFIGURATION = 78,
    CLI_NOT_RUNNABLE = 126,
    CLI_NOT_FOUND = 127,
    CLI_INTERRUPTED = 130,
};

/* What the program itself finds; the codes of hub and library are those of proto/fail.h. */
/* clang-format off */
#define OUTCOME_CODES(R)                                                                           \
    R(USAGE, CLI_USAGE, "usage")                                                                   \
    R(CONFIGURATION, CLI_CONFIGURATION, "configuration")                                           \
    R(FILTER, CLI_DATA, "jq")                     /* it does not fit an object */                  \
    R(OUTPUT, CLI_FAILED, "output")                                                                \
    R(MISSED, CLI_FAILED, "missed")                                                                \
    R(REFUSED, CLI_FAILED, "refused")             /* of many messages */                           \
    R(FILE, CLI_DATA, "file")                     /* it cannot be read */                          \
    R(FILE_DENIED, CLI_NOT_PERMITTED, "file")                                                      \
    R(FILE_LIMIT, CLI_TRY_AGAIN, "file")                                                           \
    R(FILE_PLACE, CLI_CANNOT_CREATE, "file")      /* it cannot be written */                       \
    R(NO_FILE, CLI_NO_NAME, "no-file")                                                             \
    R(DECLINED, CLI_FAILED, "declined")                                                            \
    R(SKIPPED, CLI_FAILED, "skipped")                                                              \
    R(TRANSFER, CLI_FAILED, "transfer")                                                            \
    R(TRANSFER_PLACE, CLI_CANNOT_CREATE, "transfer")                                               \
    R(NO_PROCESS, CLI_NO_NAME, "no-process")                                                       \
    R(COMMAND, CLI_NOT_RUNNABLE, "command")                                                        \
    R(NO_COMMAND, CLI_NOT_FOUND, "command")
/* clang-format on */

enum outcome_code {
    OUTCOME_START = FAIL_END,
#define OUTCOME_ENUM(NAME, exit_code, json) OUTCOME_##NAME,
    OUTCOME_CODES(OUTCOME_ENUM)
#undef OUTCOME_ENUM
        OUTCOME_END
};

int outcome_exit_code(unsigned code);
const char *outcome_name(unsigned code);

struct outcome {
    unsigned code;
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
