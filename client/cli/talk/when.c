/*
 * `earshot when`: waits for the end of a process, anybody's, by its pidfd, and tells of it. How it
 * ended only its parent knows.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/macro.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/json.h"
#include "cli/output.h"
#include "cli/records.h"
#include "cli/report.h"
#include "cli/request.h"
#include "cli/talk/run_text.h"
#include "cli/words.h"

const struct cli_option cli_when_options[] = {
    {"to", 0, CLI_STRING, CLI_AT(to), "CONV", "send it there; else it is printed", NULL, 0},
    {0},
};

static bool when_is_over(int pidfd) {
    struct pollfd fd = {.fd = pidfd, .events = POLLIN};
    return poll(&fd, 1, 0) > 0;
}

static int when_fail_gone(const struct cli_options *options, const char *word) {
    return cli_fail(options, OUTCOME_NO_PROCESS,
                    "there is no process %s (any more); `ps` lists those that there are", word);
}

/* As long as the process that the descriptor is of lives, its number is no other one's. */
static int when_look(const struct cli_options *options, const char *word,
                     struct cli_process *process, int *pidfd) {
    char *end;
    errno = 0;
    long pid = strtol(word, &end, 10);
    if (errno || end == word || *end || pid < 1 || pid > INT32_MAX)
        return cli_fail(options, OUTCOME_USAGE, "\"%s\" is no PID; give the number of a process",
                        word);
    process->pid = (pid_t)pid;
    int r = process_open(process->pid, pidfd);
    if (r == -ESRCH || r == -EINVAL) /* EINVAL: a thread's */
        return when_fail_gone(options, word);
    if (r < 0)
        return cli_fail(options, FAIL_INTERNAL, "cannot watch process %s: %s", word, strerror(-r));
    process_name(process->pid, process->program);
    process->began = process_began(process->pid);
    process->has_uid = process_uid(process->pid, &process->uid) == 0;
    if (when_is_over(*pidfd))
        return when_fail_gone(options, word);
    if (process->has_uid)
        cli_login(process->uid, process->login);
    return CLI_DONE;
}

static int when_wait(const struct cli_options *options, int pidfd) {
    struct pollfd fd = {.fd = pidfd, .events = POLLIN};
    while (poll(&fd, 1, -1) <= 0) {
        if (cli_interrupted())
            return cli_interrupted();
        if (cli_limit_passed())
            return cli_fail(options, FAIL_TIMED_OUT,
                            "the process still runs after %g s; try again, or allow more with "
                            "--timeout",
                            cli_limit_seconds());
    }
    return CLI_DONE;
}

/* "TEXT: python (pid 777, user bob) has ended after 2 h 3 min" */
static char *when_text(const struct cli_process *process, const char *text) {
    char duration[48], *whole = NULL;
    run_duration_text(process->ended.ms - process->began.ms, duration);
    bool is_known = process->began.ms > 0;
    if (asprintf(&whole, "%s%s%s (pid %d%s%s) has ended%s%s", text, *text ? ": " : "",
                 *process->program ? process->program : "a process", (int)process->pid,
                 process->has_uid ? ", user " : "", process->has_uid ? process->login : "",
                 is_known ? " after " : "", is_known ? duration : "") < 0)
        cli_out_of_memory();
    return whole;
}

static int when_tell(const struct cli_options *options, const struct cli_process *process,
                     char *text) {
    char *words[] = {(char *)(uintptr_t)options->to, text, NULL};
    if (options->to)
        return cli_send(options, 2, words);
    CLEANUP_FREE char *safe = text_safe(bytes_of(text), TEXT_ONE_LINE);
    if (options->json)
        json_process(process, text);
    else
        puts(safe ? safe : "");
    return cli_flush();
}

/* Whoever cannot send is told now, and not in hours. */
static int when_check_to(const struct cli_options *options) {
    earshot *link;
    if (!options->to)
        return CLI_DONE;
    int code = words_check_name(options, options->to);
    if (code == CLI_DONE)
        code = cli_request_open(&link, options);
    if (code != CLI_DONE)
        return code;
    earshot_close(link);
    cli_limit_stop();
    return CLI_DONE;
}

int cli_when(const struct cli_options *options, int n_words, char **words) {
    CLEANUP_FREE char *said = words_join(n_words - 1, words + 1), *text = NULL;
    CLEANUP_CLOSE int pidfd = -1;
    struct cli_process process = {0};
    int code = when_look(options, words[0], &process, &pidfd);
    if (code == CLI_DONE)
        code = words_check_text(options, bytes_of(said), EARSHOT_TEXT_MAX / 2, "the text");
    if (code == CLI_DONE)
        code = when_check_to(options);
    if (code != CLI_DONE)
        return code;
    if (cli_has_reader(options))
        cli_remark(options, "waiting for the end of %s (pid %d)",
                   *process.program ? process.program : "the process", (int)process.pid);
    cli_limit_start(options->timeout_ms);
    code = when_wait(options, pidfd);
    cli_limit_stop();
    if (code != CLI_DONE)
        return code;
    process.ended = wall_now();
    text = when_text(&process, said);
    return when_tell(options, &process, text);
}
