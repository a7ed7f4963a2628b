/*
 * `notify`: a line on the user's own terminal when somebody begins to write to them, as long as
 * mesg(1) lets others write there. It listens and reads nothing: all that comes still waits for the
 * window.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"
#include "cli/commands.h"
#include "cli/config.h"
#include "cli/interrupt.h"
#include "cli/output.h"
#include "cli/records.h"
#include "cli/report.h"
#include "cli/words.h"
#include "proto/name.h"

#define NOTICE_SENDERS_MAX 256 /* then all of them are told of again */

struct notice {
    const struct cli_options *options;
    earshot *link;
    int terminal; /* a descriptor */
    char **told;  /* of these conversations, since their messages were read */
    size_t n_told;
};

static void notice_forget_all(struct notice *notice) {
    for (size_t i = 0; i < notice->n_told; i++)
        free(notice->told[i]);
    notice->n_told = 0;
}

/* It was read, in a window. */
static void notice_forget(struct notice *notice, const char *conv) {
    int i = words_find((int)notice->n_told, notice->told, conv);
    if (i < 0)
        return;
    free(notice->told[i]);
    notice->told[i] = notice->told[--notice->n_told];
}

/* mesg y: the terminal's group, which write(1) runs under, may write to it. */
static bool notice_is_allowed(const struct notice *notice) {
    struct stat status;
    return fstat(notice->terminal, &status) == 0 && (status.st_mode & S_IWGRP);
}

/* As in the window: min and low ring for nobody, and max rings in the quiet hours, too. */
static bool notice_is_wanted(const struct earshot_event *event) {
    const char *from = event->message.from;
    const struct cli_config *config = cli_config();
    time_t now = time(NULL);
    struct tm local;
    if (words_find((int)config->ignored.n, config->ignored.words, from) >= 0 ||
        event->message.priority < EARSHOT_PRIORITY_DEFAULT)
        return false;
    if (event->message.priority == EARSHOT_PRIORITY_MAX)
        return true;
    return !localtime_r(&now, &local) || !config_is_quiet(&local) ||
           words_find((int)config->loud.n, config->loud.words, from) >= 0;
}

static int notice_write(const struct notice *notice, const struct earshot_event *event) {
    CLEANUP_FREE char *safe = text_safe(bytes_of(event->message.from), TEXT_ONE_LINE);
    int n =
        dprintf(notice->terminal, "\r\n[%s writes to you%s; to read it: earshot]\r\n",
                safe ? safe : "somebody", conv_is_people(event->message.conv) ? " and others" : "");
    return n < 0 ? CLI_CLOSED : CLI_DONE;
}

static int notice_message(struct notice *notice, const struct earshot_event *event) {
    const char *conv = event->message.conv;
    if (event->message.mine || !conv_is_direct(conv) || !notice_is_allowed(notice) ||
        words_find((int)notice->n_told, notice->told, conv) >= 0 || !notice_is_wanted(event))
        return CLI_DONE;
    if (notice->n_told == NOTICE_SENDERS_MAX)
        notice_forget_all(notice);
    notice->told = cli_grow(notice->told, notice->n_told, sizeof *notice->told);
    notice->told[notice->n_told++] = cli_copy(conv);
    return notice_write(notice, event);
}

static int notice_take_all(struct notice *notice) {
    struct earshot_event event;
    int code = CLI_DONE;
    while (code == CLI_DONE) {
        int result = earshot_next(notice->link, &event, 0);
        if (result == EARSHOT_AGAIN || result == -EINTR)
            return CLI_DONE;
        if (result != EARSHOT_OK)
            return cli_fail_link(notice->options, notice->link, result);
        if (event.type == EARSHOT_EVENT_MESSAGE)
            code = notice_message(notice, &event);
        else if (event.type == EARSHOT_EVENT_SEEN)
            notice_forget(notice, event.unread.conv);
    }
    return code;
}

/* Until the terminal is gone. */
static int notice_follow(struct notice *notice) {
    struct pollfd fds[] = {{.fd = earshot_fd(notice->link), .events = POLLIN},
                           {.fd = notice->terminal, .events = 0}};
    if (fds[0].fd < 0)
        return cli_fail_link(notice->options, notice->link, fds[0].fd);
    for (;;) {
        int code = notice_take_all(notice);
        if (code != CLI_DONE || cli_interrupted())
            return code != CLI_DONE ? code : cli_interrupted();
        (void)poll(fds, 2, -1);
        if (fds[1].revents & (POLLHUP | POLLERR | POLLNVAL))
            return CLI_DONE;
    }
}

int cli_notify(const struct cli_options *options, int n_words, char **words) {
    (void)n_words, (void)words;
    struct notice notice = {.options = options, .terminal = STDERR_FILENO};
    struct earshot_options wanted = {.hub = options->hub,
                                     .handle = options->name,
                                     .flags = EARSHOT_LISTEN | EARSHOT_ALL_ROOMS | EARSHOT_NEWS |
                                              EARSHOT_UNTIL_READ | EARSHOT_RECONNECT,
                                     .timeout_ms =
                                         options->timeout_ms >= 0 ? options->timeout_ms : 0};
    if (!isatty(notice.terminal))
        return cli_fail(options, OUTCOME_USAGE,
                        "notify writes to the terminal that it was started on, and this is none; "
                        "for commands: earshot listen");
    signal(SIGTTOU, SIG_IGN); /* it may stand in the background */
    int r = earshot_open(&notice.link, &wanted);
    int code = r == EARSHOT_OK ? notice_follow(&notice) : cli_fail_link(options, notice.link, r);
    earshot_close(notice.link);
    notice_forget_all(&notice);
    free(notice.told);
    return code;
}
