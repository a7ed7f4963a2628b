/*
 * `earshot listen`: a program for every message.
 *
 * A message is taken from the link only while a job is free, so a flood waits at the hub and not
 * in memory here; the link is tended meanwhile, so that we are here again soon after the hub was
 * restarted. A job gets its message in a file that has no name: it may read it or not, and
 * nobody waits for that. It leads a process group, so that whatever it starts ends with it.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/macro.h"
#include "cli/child.h"
#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/json.h"
#include "cli/report.h"
#include "cli/words.h"
#include "ipc/process.h"

#define JOBS 4        /* without --jobs */
#define JOBS_MAX 256  /* with it */
#define GRACE_MS 3000 /* from SIGTERM to SIGKILL */

const struct cli_option cli_listen_options[] = {
    {"exec", 0, CLI_STRING, CLI_AT(exec), "CMD", "the shell command to run for each message", NULL,
     0},
    {"jobs", 'j', CLI_COUNT, CLI_AT(jobs), "N", "run at most N at a time; else 4", NULL, 0},
    {"count", 0, CLI_COUNT, CLI_AT(count), "N", "end after N messages", NULL, 0},
    {0},
};

struct listen_job {
    pid_t pid;
    int pidfd;
};

struct listen {
    const struct cli_options *options;
    earshot *link;
    int link_fd;
    int n_convs; /* 0: everything */
    char **convs;
    struct listen_job jobs[JOBS_MAX];
    size_t n_jobs, n_jobs_max;
    unsigned long long n_taken;
    bool told_lost;
};

/* Jobs. */

static void listen_tell_exit(const struct listen *listen, int status) {
    int code = child_exit_code(status);
    if (code != 0 && !cli_interrupted())
        cli_remark(listen->options, "the command ended with exit code %d", code);
}

/* Forgets the jobs that have ended. */
static void listen_reap(struct listen *listen) {
    for (size_t i = 0; i < listen->n_jobs;) {
        int status;
        if (waitpid(listen->jobs[i].pid, &status, WNOHANG) == 0) {
            i++;
            continue;
        }
        listen_tell_exit(listen, status);
        close(listen->jobs[i].pidfd);
        listen->jobs[i] = listen->jobs[--listen->n_jobs];
    }
}

static void listen_signal_jobs(const struct listen *listen, int number) {
    for (size_t i = 0; i < listen->n_jobs; i++)
        kill(-listen->jobs[i].pid, number);
}

/* The message as JSON in a file without a name, to be read from its beginning; -1. */
static int listen_message_file(const struct earshot_event *event) {
    int fd = memfd_create("message", MFD_CLOEXEC);
    int copy = fd >= 0 ? fcntl(fd, F_DUPFD_CLOEXEC, 0) : -1;
    FILE *out = copy >= 0 ? fdopen(copy, "w") : NULL;
    if (out)
        json_message_to(out, event);
    bool written = out && fclose(out) == 0 && lseek(fd, 0, SEEK_SET) == 0;
    if (!out && copy >= 0)
        close(copy);
    if (written || fd < 0)
        return fd;
    close(fd);
    return -1;
}

/* What a shell script wants to know without reading JSON. */
static void listen_set_environment(const struct listen *listen, const struct earshot_event *event) {
    struct earshot_hub_info hub;
    earshot_hub(listen->link, &hub);
    setenv("EARSHOT_HUB", hub.dir, 1);
    setenv("EARSHOT_FROM", event->message.from, 1);
    setenv("EARSHOT_CONV", event->message.conv, 1);
    setenv("EARSHOT_ID", event->message.id, 1);
}

static int listen_start_job(struct listen *listen, const struct earshot_event *event) {
    char shell[] = "/bin/sh", option[] = "-c";
    CLEANUP_FREE char *command = cli_copy(listen->options->exec);
    char *argv[] = {shell, option, command, NULL};
    CLEANUP_CLOSE int in = listen_message_file(event);
    struct child_files files = {in, STDOUT_FILENO, STDERR_FILENO};
    struct listen_job *job = &listen->jobs[listen->n_jobs];
    listen_set_environment(listen, event);
    int r = in >= 0 ? child_start(&job->pid, argv, &files, true) : -errno;
    if (r < 0)
        return cli_fail(listen->options, FAIL_INTERNAL, "cannot run the command: %s", strerror(-r));
    r = process_open(job->pid, &job->pidfd);
    if (r == 0) {
        listen->n_jobs++;
        return CLI_DONE;
    }
    kill(-job->pid, SIGKILL);
    waitpid(job->pid, NULL, 0);
    return cli_fail(listen->options, FAIL_INTERNAL, "cannot watch the command: %s", strerror(-r));
}

/* Waits until a job ends, for at most so long; negative: for ever. */
static void listen_wait_job(struct listen *listen, int ms) {
    struct pollfd fds[JOBS_MAX];
    for (size_t i = 0; i < listen->n_jobs; i++)
        fds[i] = (struct pollfd){listen->jobs[i].pidfd, POLLIN, 0};
    poll(fds, (nfds_t)listen->n_jobs, ms);
    listen_reap(listen);
}

/* Ends what still runs, gently first. */
static void listen_end_jobs(struct listen *listen) {
    mono_time end = mono_add_ms(mono_now(), GRACE_MS);
    listen_signal_jobs(listen, SIGTERM);
    for (int64_t ms; listen->n_jobs > 0 && (ms = mono_ms_until(mono_now(), end)) > 0;)
        listen_wait_job(listen, (int)ms);
    listen_signal_jobs(listen, SIGKILL);
    while (listen->n_jobs > 0)
        listen_wait_job(listen, -1);
}

/* Messages. */

/* One's own handle among the words means all that is sent to it. */
static bool listen_is_for_us(const struct listen *listen, const struct earshot_event *event) {
    return !event->message.mine &&
           (listen->n_convs == 0 ||
            words_find(listen->n_convs, listen->convs, event->message.conv) >= 0 ||
            words_find(listen->n_convs, listen->convs, event->message.to) >= 0);
}

static int listen_take_message(struct listen *listen, const struct earshot_event *event) {
    if (!listen_is_for_us(listen, event))
        return CLI_DONE;
    int code = listen_start_job(listen, event);
    if (code != CLI_DONE)
        return code;
    listen->n_taken++;
    earshot_mark_read(listen->link, event);
    return CLI_DONE;
}

static int listen_take(struct listen *listen, const struct earshot_event *event) {
    switch (event->type) {
    case EARSHOT_EVENT_MESSAGE:
        return listen_take_message(listen, event);
    case EARSHOT_EVENT_FAILED:
        return cli_take_failed(listen->options, event);
    case EARSHOT_EVENT_MISSED:
        cli_fail(listen->options, OUTCOME_MISSED,
                 "up to %llu messages are not in the hub's log any more; no command ran for them",
                 (unsigned long long)event->missed);
        return CLI_DONE;
    case EARSHOT_EVENT_SHUT_OUT:
        cli_tell_hub(listen->options, event, "");
        return CLI_DONE;
    default:
        return CLI_DONE;
    }
}

static bool listen_has_enough(const struct listen *listen) {
    return listen->options->count && listen->n_taken >= listen->options->count;
}

static bool listen_is_free(const struct listen *listen) {
    return listen->n_jobs < listen->n_jobs_max && !listen_has_enough(listen);
}

/* The link is asked: a LOST event would wait behind messages that no job is free for. */
static void listen_tell_loss(struct listen *listen) {
    bool is_lost = !earshot_is_joined(listen->link);
    if (is_lost == listen->told_lost)
        return;
    listen->told_lost = is_lost;
    cli_remark(listen->options,
               is_lost ? "the hub is gone; waiting for it to come back" : "the hub is back");
}

/* Sleeps until a message comes that a job is free for, a job ends or the link is to be tended. */
static void listen_wait_any(struct listen *listen) {
    struct pollfd fds[JOBS_MAX + 1];
    fds[0] = (struct pollfd){listen_has_enough(listen) ? -1 : listen->link_fd, POLLIN, 0};
    for (size_t i = 0; i < listen->n_jobs; i++)
        fds[i + 1] = (struct pollfd){listen->jobs[i].pidfd, POLLIN, 0};
    poll(fds, (nfds_t)listen->n_jobs + 1, -1);
    listen_reap(listen);
}

/* Takes what has come, as long as jobs are free. */
static int listen_take_all(struct listen *listen) {
    struct earshot_event event;
    int code = CLI_DONE;
    while (code == CLI_DONE && listen_is_free(listen)) {
        int result = earshot_next(listen->link, &event, 0);
        if (result == EARSHOT_AGAIN || result == -EINTR)
            break;
        code = result == EARSHOT_OK ? listen_take(listen, &event)
                                    : cli_fail_link(listen->options, listen->link, result);
    }
    return code;
}

static int listen_tend(struct listen *listen) {
    if (listen_has_enough(listen) || listen_is_free(listen))
        return CLI_DONE;
    int result = earshot_tend(listen->link);
    return result == EARSHOT_OK ? CLI_DONE : cli_fail_link(listen->options, listen->link, result);
}

static int listen_follow(struct listen *listen) {
    int code = CLI_DONE;
    while (code == CLI_DONE && (!listen_has_enough(listen) || listen->n_jobs > 0)) {
        if (cli_interrupted())
            return cli_interrupted();
        if (cli_limit_passed())
            return cli_fail(listen->options, FAIL_TIMED_OUT,
                            "%llu messages came within %g s; allow more with --timeout",
                            listen->n_taken, cli_limit_seconds());
        code = listen_take_all(listen);
        if (code == CLI_DONE)
            code = listen_tend(listen);
        if (code != CLI_DONE)
            break;
        listen_tell_loss(listen);
        listen_wait_any(listen);
    }
    return code;
}

static int listen_check_options(const struct cli_options *options) {
    if (!options->exec)
        return cli_fail(options, OUTCOME_USAGE,
                        "listen needs --exec CMD; to print what arrives: earshot tail");
    if (options->jobs > JOBS_MAX)
        return cli_fail(options, OUTCOME_USAGE, "--jobs can be at most %d", JOBS_MAX);
    return CLI_DONE;
}

static int listen_run(struct listen *listen, unsigned flags) {
    int code = cli_open(&listen->link, listen->options, flags | EARSHOT_RECONNECT);
    if (code == CLI_DONE)
        code = words_join_rooms(listen->options, listen->link, listen->n_convs, listen->convs);
    if (code != CLI_DONE)
        return code;
    listen->link_fd = earshot_fd(listen->link);
    if (listen->link_fd < 0)
        return cli_fail_link(listen->options, listen->link, listen->link_fd);
    code = listen_follow(listen);
    listen_end_jobs(listen);
    return code;
}

int cli_listen(const struct cli_options *options, int n_words, char **words) {
    struct listen listen = {
        .options = options, .n_convs = n_words, .convs = words, .n_jobs_max = JOBS};
    unsigned flags = 0;
    int code = listen_check_options(options);
    if (options->jobs)
        listen.n_jobs_max = (size_t)options->jobs;
    if (code == CLI_DONE)
        code = words_check_convs(options, n_words, words, &flags);
    cli_limit_start(options->timeout_ms);
    if (code == CLI_DONE)
        code = listen_run(&listen, flags);
    earshot_close(listen.link);
    return code;
}
