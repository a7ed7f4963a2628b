/*
 * `earshot run`: a command whose output a conversation can watch.
 *
 * The command comes first: it never waits for the hub. What the hub does not take in time is left
 * out of the stream, and the stream says so.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/macro.h"
#include "base/text.h"
#include "base/thread.h"
#include "cli/child.h"
#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/near.h"
#include "cli/records.h"
#include "cli/report.h"
#include "cli/talk/run_output.h"
#include "cli/talk/run_text.h"
#include "cli/words.h"
#include "ipc/process.h"

#define RUN_READ_BYTES 16384
#define READS_AT_ONCE 64 /* when the command has ended: what others still write is cut here */
#define TITLE_BYTES 200
#define BEGIN_MS 30000 /* for the hub to take the first message */
#define END_MS 10000   /* and the last one, without --timeout */

const struct cli_option cli_run_options[] = {
    {"to", 0, CLI_STRING, CLI_AT(to), "CONV", "who may watch; else only your other sessions", NULL,
     0},
    {0},
};

struct run_stream {
    const struct cli_options *options;
    earshot *link;
    int link_fd; /* -1: the stream has ended early */
    const char *to;
    char title[TITLE_BYTES + 8];
    char last_id[EARSHOT_ID_SIZE]; /* of the message that was sent last */
    pid_t pid;
    int pidfd, signal_fd;
    struct run_output outputs[RUN_OUTPUTS];
    struct run_line lines[RUN_OUTPUTS];
    struct run_batch batch;
    mono_time began;
    bool refused;
    int status; /* of waitpid(2) */
};

/* Messages. */

static int run_say(struct run_stream *run, enum earshot_kind kind, struct bytes text) {
    struct earshot_message message = {
        .to = run->to, .text = text.data, .text_n = text.n, .kind = kind};
    message.flags = kind == EARSHOT_ACTION ? EARSHOT_ACK_NOW : 0;
    return earshot_send(run->link, &message, run->last_id);
}

static bool run_send_batch(void *arg, struct bytes text) {
    struct run_stream *run = arg;
    if (run->link_fd < 0)
        return true; /* nobody to send it to any more */
    while (text.n > 0 && text.data[text.n - 1] == '\n')
        text.n--;
    return text.n == 0 || run_say(run, EARSHOT_NOTICE, text) == EARSHOT_OK;
}

/* The stream cannot go on; the command can. */
static void run_end_stream(struct run_stream *run, const char *why) {
    if (run->link_fd >= 0)
        cli_remark(run->options, "%s sees no more of this: %s", run->to, why);
    run->link_fd = -1;
}

static void run_take(struct run_stream *run, const struct earshot_event *event) {
    if (event->type != EARSHOT_EVENT_REFUSED)
        return;
    run->refused = true;
    run_end_stream(run, event->failed.reason);
}

static void run_take_all(struct run_stream *run) {
    struct earshot_event event;
    int result = EARSHOT_OK;
    while (run->link_fd >= 0 && (result = earshot_next(run->link, &event, 0)) == EARSHOT_OK)
        run_take(run, &event);
    if (result != EARSHOT_OK && result != EARSHOT_AGAIN && result != -EINTR)
        run_end_stream(run, earshot_error(run->link));
}

/* Until everything is acknowledged. CLI_DONE, or the exit code of what was reported. */
static int run_settle(struct run_stream *run) {
    struct earshot_event event;
    while (earshot_n_unacknowledged(run->link) > 0) {
        if (cli_interrupted() || cli_limit_passed())
            return cli_fail_link(run->options, run->link, -EINTR);
        int result = earshot_next(run->link, &event, -1);
        if (result == EARSHOT_OK && event.type == EARSHOT_EVENT_REFUSED)
            return near_fail_refused(run->options, &event);
        if (result != EARSHOT_OK && result != EARSHOT_AGAIN && result != -EINTR)
            return cli_fail_link(run->options, run->link, result);
    }
    return CLI_DONE;
}

/* The first message: whoever cannot get it gets nothing, and the command does not run. */
static int run_announce(struct run_stream *run) {
    char text[TITLE_BYTES + 32];
    snprintf(text, sizeof text, "runs: %s", run->title);
    cli_limit_start(run->options->timeout_ms >= 0 ? run->options->timeout_ms : BEGIN_MS);
    int result = run_say(run, EARSHOT_ACTION, bytes_of(text));
    int code =
        result == EARSHOT_OK ? run_settle(run) : cli_fail_link(run->options, run->link, result);
    cli_limit_stop();
    if (code != CLI_DONE)
        return code;
    run->link_fd = earshot_fd(run->link);
    return run->link_fd >= 0 ? CLI_DONE : cli_fail_link(run->options, run->link, run->link_fd);
}

static void run_conclude(struct run_stream *run) {
    char duration[48], text[TITLE_BYTES + 160];
    run_duration_text(mono_ms_until(run->began, mono_now()), duration);
    if (WIFSIGNALED(run->status))
        snprintf(text, sizeof text, "is done: killed by signal %d (%s) after %s: %s",
                 WTERMSIG(run->status), strsignal(WTERMSIG(run->status)), duration, run->title);
    else
        snprintf(text, sizeof text, "is done: exit code %d after %s: %s", WEXITSTATUS(run->status),
                 duration, run->title);
    mono_time end =
        mono_add_ms(mono_now(), run->options->timeout_ms >= 0 ? run->options->timeout_ms : END_MS);
    bool said = false;
    for (int64_t ms; run->link_fd >= 0 && (ms = mono_ms_until(mono_now(), end)) > 0;) {
        run_batch_tick(&run->batch, mono_now(), true);
        if (!said && run_batch_timeout_ms(&run->batch, mono_now()) < 0)
            said = run_say(run, EARSHOT_ACTION, bytes_of(text)) == EARSHOT_OK;
        if (said && earshot_n_unacknowledged(run->link) == 0)
            return;
        struct pollfd fds[] = {{run->link_fd, POLLIN, 0}};
        poll(fds, 1, ms > 100 ? 100 : (int)ms);
        run_take_all(run);
    }
    run_end_stream(run, "the hub did not take the last of it in time");
}

/* The command. */

static int run_open_signals(struct run_stream *run) {
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH, 0};
    run->signal_fd = signals_open(signals);
    return run->signal_fd >= 0 ? 0 : run->signal_fd;
}

/* Keys signal the command, too, as it is in our process group; other senders know only us. */
static void run_pass_signals(const struct run_stream *run) {
    struct signalfd_siginfo info;
    while (read(run->signal_fd, &info, sizeof info) == (ssize_t)sizeof info) {
        if (info.ssi_signo == SIGWINCH)
            run_outputs_resize(run->outputs);
        else if (info.ssi_code <= 0)
            kill(run->pid, (int)info.ssi_signo);
    }
}

static void run_copy(struct run_stream *run, int i) {
    char buffer[RUN_READ_BYTES];
    int n = run_output_copy(&run->outputs[i], buffer, sizeof buffer);
    if (n > 0)
        run_batch_add(&run->batch, &run->lines[i], (struct bytes){buffer, (size_t)n}, mono_now());
}

/* What is there when the command has ended; processes that it left behind may write on. */
static void run_drain(struct run_stream *run) {
    char buffer[RUN_READ_BYTES];
    for (int i = 0; i < RUN_OUTPUTS; i++) {
        int n = 1;
        for (int j = 0; j < READS_AT_ONCE && run->outputs[i].from >= 0 && n > 0; j++) {
            n = run_output_copy(&run->outputs[i], buffer, sizeof buffer);
            if (n > 0)
                run_batch_add(&run->batch, &run->lines[i], (struct bytes){buffer, (size_t)n},
                              mono_now());
        }
        run_batch_end(&run->batch, &run->lines[i], mono_now());
    }
}

/* One turn. True when the command has ended. */
static bool run_turn(struct run_stream *run) {
    struct pollfd fds[] = {
        {run->pidfd, POLLIN, 0},           {run->signal_fd, POLLIN, 0},
        {run->link_fd, POLLIN, 0},         {run->outputs[0].from, POLLIN, 0},
        {run->outputs[1].from, POLLIN, 0},
    };
    poll(fds, ARRAY_LEN(fds), run_batch_timeout_ms(&run->batch, mono_now()));
    if (fds[1].revents)
        run_pass_signals(run);
    if (fds[2].revents)
        run_take_all(run);
    for (int i = 0; i < RUN_OUTPUTS; i++)
        if (fds[3 + i].revents)
            run_copy(run, i);
    run_batch_tick(&run->batch, mono_now(), false);
    return fds[0].revents && waitpid(run->pid, &run->status, WNOHANG) == run->pid;
}

static int run_start(struct run_stream *run, char **words) {
    struct child_files files = {.in = STDIN_FILENO};
    int r = run_outputs_open(run->outputs, &files);
    if (r == 0)
        r = run_open_signals(run);
    if (r < 0)
        return cli_fail(run->options, FAIL_INTERNAL, "cannot run %s: %s", words[0], strerror(-r));
    run->began = mono_now();
    run_batch_init(&run->batch, run_send_batch, run, run->began);
    r = child_start(&run->pid, words, &files, false);
    if (r == 0)
        r = process_open(run->pid, &run->pidfd);
    run_outputs_started(run->outputs);
    if (r == 0)
        return CLI_DONE;
    return cli_fail(run->options, r == -ENOENT ? OUTCOME_NO_COMMAND : OUTCOME_COMMAND,
                    "cannot run %s: %s", words[0], strerror(-r));
}

static int run_command(struct run_stream *run, char **words) {
    int code = run_start(run, words);
    if (code == CLI_DONE) {
        while (!run_turn(run))
            continue;
        run_drain(run);
        code = child_exit_code(run->status);
    } else {
        run->status = code << 8; /* as if the command had ended so */
    }
    run_conclude(run);
    return code;
}

/* The command in one line, for people. */
static void run_set_title(struct run_stream *run, int n_words, char **words) {
    CLEANUP_FREE char *line = words_join(n_words, words);
    CLEANUP_FREE char *safe = text_safe(bytes_of(line), TEXT_ONE_LINE);
    struct bytes text = bytes_of(safe ? safe : "?");
    size_t n = text_cut(text, text.n < TITLE_BYTES ? text.n : TITLE_BYTES);
    snprintf(run->title, sizeof run->title, "%.*s%s", (int)n, text.data, n < text.n ? "..." : "");
}

static int run_all(struct run_stream *run, int n_words, char **words) {
    struct earshot_hub_info hub;
    int code = cli_open(&run->link, run->options, EARSHOT_RECONNECT);
    if (code != CLI_DONE)
        return code;
    earshot_hub(run->link, &hub);
    CLEANUP_FREE char *handle = cli_copy(hub.handle);
    run->to = run->options->to ? run->options->to : handle;
    run_set_title(run, n_words, words);
    code = run_announce(run);
    return code == CLI_DONE ? run_command(run, words) : code;
}

int cli_run(const struct cli_options *options, int n_words, char **words) {
    struct run_stream *run = cli_allocate(sizeof *run);
    *run = (struct run_stream){.options = options, .link_fd = -1, .pidfd = -1, .signal_fd = -1};
    for (int i = 0; i < RUN_OUTPUTS; i++)
        run->outputs[i] = (struct run_output){-1, -1, -1};
    int code = options->to ? words_check_name(options, options->to) : CLI_DONE;
    if (code == CLI_DONE)
        code = run_all(run, n_words, words);
    run_outputs_close(run->outputs);
    if (run->pidfd >= 0)
        close(run->pidfd);
    if (run->signal_fd >= 0)
        close(run->signal_fd);
    earshot_close(run->link);
    free(run);
    return code;
}
