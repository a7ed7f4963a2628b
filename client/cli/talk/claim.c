/*
 * `earshot claim`: a name for as long as this process lives, or a command that it runs. The hub
 * gives it to the next one when the process has ended, however that was.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/macro.h"
#include "base/text.h"
#include "base/thread.h"
#include "cli/child.h"
#include "cli/claims.h"
#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/json.h"
#include "cli/output.h"
#include "cli/report.h"
#include "cli/request.h"
#include "cli/words.h"
#include "ipc/process.h"

const struct cli_option cli_claim_options[] = {
    {"note", 0, CLI_STRING, CLI_AT(note), "TEXT", "what for, as others see it", NULL, 0},
    {"wait", 0, CLI_SET, CLI_AT(claim_now), NULL, "wait while somebody else has it (the default)",
     NULL, 0},
    {"no-wait", 0, CLI_SET, CLI_AT(claim_now), NULL, "end with 75 when somebody else has it", NULL,
     1},
    {0},
};

struct claim_run {
    const struct cli_options *options;
    earshot *link;
    const char *name, *note;
    uint32_t request;
    int64_t since_ms; /* it waits, or has it */
    bool is_held;
    struct cli_claim holder; /* who has it, as was told last; handle NULL: nobody was */
    pid_t pid;               /* of the command */
    int pidfd, signal_fd, status;
};

/* Telling. */

/* "bob has it (pid 777 python, for 12 min): training" */
static char *claim_holder_text(const struct claim_run *run) {
    char *text = NULL;
    if (!run->holder.handle)
        return cli_copy("somebody has it");
    if (!*run->holder.handle)
        return cli_copy("the hub has just started, and who had it may come back");
    claims_describe(&run->holder, &text);
    return text;
}

static struct cli_claim claim_of_own(const struct claim_run *run, const char *handle,
                                     unsigned place) {
    struct cli_claim own = {.name = (char *)(uintptr_t)run->name,
                            .handle = (char *)(uintptr_t)handle,
                            .note = (char *)(uintptr_t)run->note,
                            .is_held = run->is_held,
                            .place = place,
                            .uid = geteuid(),
                            .pid = getpid(),
                            .since_ms = run->since_ms};
    process_name(own.pid, own.program);
    return own;
}

static int claim_print(const struct claim_run *run, unsigned place) {
    struct earshot_hub_info hub;
    if (!run->options->json)
        return CLI_DONE;
    earshot_hub(run->link, &hub);
    struct cli_claim own = claim_of_own(run, hub.handle, place);
    json_claim(&own, run->is_held ? NULL : &run->holder);
    return cli_flush();
}

static int claim_tell_wait(const struct claim_run *run, unsigned place) {
    CLEANUP_FREE char *holder = claim_holder_text(run);
    if (place > 1)
        cli_remark(run->options, "waiting for \"%s\": %s; %u wait before you", run->name, holder,
                   place - 1);
    else
        cli_remark(run->options, "waiting for \"%s\": %s; you are the next", run->name, holder);
    return claim_print(run, place);
}

/* What others say comes. */

static int claim_take_state(struct claim_run *run, const struct earshot_event *event) {
    bool was_held = run->is_held;
    if (event->claim.state == EARSHOT_CLAIM_HELD) {
        run->is_held = true;
        run->since_ms = event->claim.since_ms;
        return was_held ? CLI_DONE : claim_print(run, 0);
    }
    claims_free(&run->holder);
    claims_fill(&run->holder, event);
    run->holder.is_held = true;
    /* A hub that has just started lets everybody wait for a moment, and then answers. */
    bool waits = event->claim.state == EARSHOT_CLAIM_WAITING && !run->options->claim_now;
    return waits ? claim_tell_wait(run, event->claim.place) : CLI_DONE;
}

static int claim_take_failed(struct claim_run *run, const struct earshot_event *event) {
    CLEANUP_FREE char *holder = claim_holder_text(run);
    bool was_held = run->is_held;
    run->is_held = false;
    if (event->failed.code != FAIL_TAKEN)
        return cli_fail_event(run->options, event);
    if (!was_held)
        return cli_fail(run->options, FAIL_TAKEN, "\"%s\" is taken: %s; wait for it, or try again",
                        run->name, holder);
    return cli_fail(run->options, FAIL_TAKEN,
                    "\"%s\" is yours no more: the hub was started again, and this came too late; "
                    "%s%s",
                    run->name, holder, run->pid > 0 ? "; the command goes on" : "; claim it again");
}

static int claim_take(void *arg, const struct earshot_event *event) {
    struct claim_run *run = arg;
    switch (event->type) {
    case EARSHOT_EVENT_CLAIM:
        return event->request == run->request ? claim_take_state(run, event) : CLI_DONE;
    case EARSHOT_EVENT_FAILED:
        return event->request == run->request ? claim_take_failed(run, event) : CLI_DONE;
    case EARSHOT_EVENT_LOST:
    case EARSHOT_EVENT_SHUT_OUT:
    case EARSHOT_EVENT_BACK:
        cli_tell_hub(run->options, event, "when it comes back, the claim is shown to it again");
        return CLI_DONE;
    default:
        return CLI_DONE;
    }
}

/* Waiting. */

static int claim_await(struct claim_run *run) {
    int code = CLI_DONE;
    while (code == CLI_DONE && !run->is_held) {
        if (cli_interrupted())
            return cli_interrupted();
        if (cli_limit_passed()) {
            CLEANUP_FREE char *holder = claim_holder_text(run);
            return cli_fail(run->options, FAIL_TAKEN,
                            "\"%s\" was not free within %g s: %s; try "
                            "again, or allow more with --timeout",
                            run->name, cli_limit_seconds(), holder);
        }
        code = cli_take_next(run->link, run->options, -1, claim_take, run);
    }
    cli_limit_stop();
    return code;
}

static int claim_hold(struct claim_run *run) {
    int code = CLI_DONE;
    cli_remark(run->options, "\"%s\" is yours; Ctrl-C gives it up", run->name);
    while (code == CLI_DONE && !cli_interrupted())
        code = cli_take_next(run->link, run->options, -1, claim_take, run);
    return code == CLI_DONE ? cli_interrupted() : code;
}

/* The command. */

/* Keys signal the command, too, as it is in our process group; other senders know only us. */
static void claim_pass_signals(const struct claim_run *run) {
    struct signalfd_siginfo info;
    while (read(run->signal_fd, &info, sizeof info) == (ssize_t)sizeof info)
        if (info.ssi_code <= 0)
            kill(run->pid, (int)info.ssi_signo);
}

/* A link that has ended for good is looked at no more; what became of the claim was told. */
static void claim_take_all(struct claim_run *run, struct pollfd *fd) {
    struct earshot_event event;
    int result;
    while ((result = earshot_next(run->link, &event, 0)) == EARSHOT_OK)
        (void)claim_take(run, &event);
    if (result == EARSHOT_AGAIN || result == -EINTR)
        return;
    (void)cli_fail_link(run->options, run->link, result);
    fd->fd = -1;
}

static int claim_start(struct claim_run *run, char **words) {
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, 0};
    run->signal_fd = signals_open(signals);
    if (cli_interrupted())
        return cli_interrupted();
    int r = run->signal_fd < 0 ? run->signal_fd : child_start_bound(&run->pid, words);
    if (r == 0)
        r = process_open(run->pid, &run->pidfd);
    if (r == 0)
        return CLI_DONE;
    return cli_fail(run->options, r == -ENOENT ? OUTCOME_NO_COMMAND : OUTCOME_COMMAND,
                    "cannot run %s: %s", words[0], strerror(-r));
}

static int claim_command(struct claim_run *run, char **words) {
    struct pollfd fds[] = {{-1, POLLIN, 0}, {-1, POLLIN, 0}, {-1, POLLIN, 0}};
    fds[2].fd = earshot_fd(run->link);
    if (fds[2].fd < 0)
        return cli_fail_link(run->options, run->link, fds[2].fd);
    int code = claim_start(run, words);
    if (code != CLI_DONE)
        return code;
    fds[0].fd = run->pidfd;
    fds[1].fd = run->signal_fd;
    while (!(fds[0].revents && waitpid(run->pid, &run->status, WNOHANG) == run->pid)) {
        if (fds[1].revents)
            claim_pass_signals(run);
        if (fds[2].fd >= 0)
            claim_take_all(run, &fds[2]);
        poll(fds, ARRAY_LEN(fds), -1);
    }
    return child_exit_code(run->status);
}

/* The name of the program; its arguments may be nobody's business. */
static const char *claim_default_note(int n_words, char **words) {
    const char *slash = n_words > 1 ? strrchr(words[1], '/') : NULL;
    return n_words > 1 ? slash ? slash + 1 : words[1] : "";
}

static int claim_run_all(struct claim_run *run, int n_words, char **words) {
    unsigned flags = run->options->claim_now ? 0 : EARSHOT_CLAIM_WAIT;
    cli_limit_start(run->options->timeout_ms);
    int code = cli_open(&run->link, run->options, EARSHOT_RECONNECT);
    if (code != CLI_DONE)
        return code;
    int result = earshot_claim(run->link, run->name, run->note, flags, &run->request);
    code = result == EARSHOT_OK ? claim_await(run) : cli_fail_link(run->options, run->link, result);
    if (code != CLI_DONE)
        return code;
    return n_words > 1 ? claim_command(run, words + 1) : claim_hold(run);
}

int cli_claim(const struct cli_options *options, int n_words, char **words) {
    struct claim_run run = {.options = options,
                            .name = words[0],
                            .note =
                                options->note ? options->note : claim_default_note(n_words, words),
                            .since_ms = wall_now().ms,
                            .pidfd = -1,
                            .signal_fd = -1};
    int code = words_check_text(options, bytes_of(run.note), EARSHOT_NOTE_MAX, "the note");
    if (code == CLI_DONE)
        code = claim_run_all(&run, n_words, words);
    claims_free(&run.holder);
    if (run.pidfd >= 0)
        close(run.pidfd);
    if (run.signal_fd >= 0)
        close(run.signal_fd);
    earshot_close(run.link);
    return code;
}
