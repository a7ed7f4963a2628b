#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/macro.h"
#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/output.h"
#include "cli/past/past.h"
#include "cli/records.h"
#include "cli/report.h"
#include "cli/words.h"
#include "proto/name.h"

const struct cli_option cli_tail_options[] = {
    {"count", 0, CLI_COUNT, CLI_AT(count), "N", "end after N messages", NULL, 0},
    {"limit", 'n', CLI_COUNT, CLI_AT(limit), "N", "first the last N of each conversation", NULL, 0},
    {"since", 0, CLI_SEQ, CLI_AT(since), "SEQ", "first what came after this message", NULL, 0},
    {"dm", 0, CLI_FLAG, CLI_AT(dm), NULL, "only direct messages", NULL, 0},
    {0},
};

/* Which messages of a conversation -n has printed already. */
struct tail_printed {
    uint64_t from, to;
};

struct tail {
    const struct cli_options *options;
    earshot *link;
    unsigned flags; /* of the link */
    uint64_t after; /* where it begins, with EARSHOT_AFTER */
    int n_convs;    /* 0: all conversations */
    char **convs;
    struct tail_printed *printed; /* by conversation; one when they are all */
    int n_printed_convs;
    unsigned long long n_printed;
    bool is_piped; /* our reader can leave, which only poll() tells */
    bool done;
};

/* One's own handle among the words means all that is sent to it. */
static const struct tail_printed *tail_find(const struct tail *tail,
                                            const struct earshot_event *event) {
    const char *conv = event->message.conv;
    if (tail->options->dm && !conv_is_direct(conv))
        return NULL;
    int i = tail->n_convs > 0 ? words_find(tail->n_convs, tail->convs, conv) : 0;
    if (i < 0 && !event->message.mine)
        i = words_find(tail->n_convs, tail->convs, event->message.to);
    return i < 0 ? NULL : &tail->printed[i];
}

static int tail_print(struct tail *tail, const struct earshot_event *event) {
    cli_print_message(tail->options, event);
    int code = cli_flush();
    if (code == CLI_DONE)
        earshot_mark_read(tail->link, event);
    else
        earshot_pass_over(tail->link, event);
    tail->n_printed += event->type == EARSHOT_EVENT_MESSAGE;
    tail->done = tail->options->count && tail->n_printed >= tail->options->count;
    return code;
}

/* A message that is not printed stays for whoever joins next under this handle. */
static int tail_take_message(struct tail *tail, const struct earshot_event *event) {
    const struct tail_printed *printed = tail_find(tail, event);
    if (!printed && !event->message.mine)
        earshot_pass_over(tail->link, event);
    if (!printed || (event->message.seq >= printed->from && event->message.seq <= printed->to))
        return CLI_DONE;
    return tail_print(tail, event);
}

static int tail_take(struct tail *tail, const struct earshot_event *event) {
    switch (event->type) {
    case EARSHOT_EVENT_MESSAGE:
    case EARSHOT_EVENT_EDITED:
    case EARSHOT_EVENT_REMOVED:
    case EARSHOT_EVENT_REACTION:
        return tail_take_message(tail, event);
    case EARSHOT_EVENT_FAILED:
        return cli_take_failed(tail->options, event);
    case EARSHOT_EVENT_MISSED:
        cli_fail(tail->options, OUTCOME_MISSED,
                 "up to %llu messages are not in the hub's log any more; they are not shown",
                 (unsigned long long)event->missed);
        return CLI_DONE;
    case EARSHOT_EVENT_LOST:
    case EARSHOT_EVENT_SHUT_OUT:
    case EARSHOT_EVENT_BACK:
        cli_tell_hub(tail->options, event, "waiting for it to come back");
        return CLI_DONE;
    default:
        return CLI_DONE;
    }
}

/* Sleeps until there is an event or the reader of our output has left. */
static int tail_poll_both(struct tail *tail, bool *closed) {
    struct pollfd fds[] = {{earshot_fd(tail->link), POLLIN, 0}, {STDOUT_FILENO, 0, 0}};
    if (fds[0].fd < 0)
        return fds[0].fd;
    if (poll(fds, ARRAY_LEN(fds), -1) < 0)
        return -errno;
    *closed = fds[1].revents & (POLLERR | POLLHUP);
    return EARSHOT_AGAIN;
}

static int tail_wait(struct tail *tail, struct earshot_event *event, bool *closed) {
    if (!tail->is_piped)
        return earshot_next(tail->link, event, -1);
    int result = earshot_next(tail->link, event, 0);
    return result == EARSHOT_AGAIN ? tail_poll_both(tail, closed) : result;
}

static int tail_fail_late(const struct tail *tail) {
    return cli_fail(tail->options, FAIL_TIMED_OUT,
                    "%llu messages came within %g s; allow more with --timeout", tail->n_printed,
                    cli_limit_seconds());
}

static int tail_follow(struct tail *tail) {
    struct earshot_event event;
    int code = CLI_DONE;
    while (code == CLI_DONE && !tail->done) {
        bool closed = false;
        if (cli_interrupted())
            return cli_interrupted();
        if (cli_limit_passed())
            return tail_fail_late(tail);
        int result = tail_wait(tail, &event, &closed);
        if (closed)
            return CLI_CLOSED;
        if (result == EARSHOT_OK)
            code = tail_take(tail, &event);
        else if (result != EARSHOT_AGAIN && result != -EINTR)
            code = cli_fail_link(tail->options, tail->link, result);
    }
    return code;
}

static int tail_check(struct tail *tail) {
    const struct cli_options *options = tail->options;
    if (options->since != CLI_NOT_GIVEN && options->limit)
        return cli_fail(options, OUTCOME_USAGE,
                        "tail: -n and --since both say where to begin; leave one of them out");
    int code = words_check_convs(options, tail->n_convs, tail->convs, &tail->flags);
    for (int i = 0; code == CLI_DONE && options->dm && i < tail->n_convs; i++)
        if (!conv_is_direct(tail->convs[i]))
            code = cli_fail(options, OUTCOME_USAGE,
                            "--dm is for direct messages; leave out --dm or %s", tail->convs[i]);
    tail->flags |= EARSHOT_RECONNECT | (options->since != CLI_NOT_GIVEN ? EARSHOT_AFTER : 0);
    return code;
}

static int tail_print_past(struct tail *tail, earshot *link, int i) {
    const struct cli_options *options = tail->options;
    const char *conv = tail->n_convs > 0 ? tail->convs[i] : NULL;
    struct earshot_hub_info hub;
    earshot_hub(link, &hub);
    bool is_own = conv && words_same_name(conv, hub.handle);
    if (is_own)
        conv = NULL;
    unsigned long long left = options->count ? options->count - tail->n_printed : UINT64_MAX;
    struct past past = {
        .options = options,
        .link = link,
        .conv = conv,
        .direct_only = is_own || (options->dm && !conv),
        .n = options->limit < left ? options->limit : left,
        .newest = true,
    };
    if (left == 0)
        return CLI_DONE;
    int code = past_print(&past);
    tail->n_printed += past.n_printed;
    tail->printed[i] = (struct tail_printed){past.first_seq, past.last_seq};
    return code;
}

/*
 * Live messages begin behind those that -n has printed. These need not be the hub's newest: the
 * last ones may not have been stored when we asked. The link begins at one number for all
 * conversations, the smallest of theirs; an empty conversation counts only if all are empty.
 */
static void tail_begin_behind(struct tail *tail) {
    tail->flags |= EARSHOT_AFTER;
    tail->after = 0;
    for (int i = 0; i < tail->n_printed_convs; i++) {
        struct tail_printed *printed = &tail->printed[i];
        printed->from = 0;
        if (printed->to > 0 && (tail->after == 0 || printed->to < tail->after))
            tail->after = printed->to;
    }
}

/*
 * First the last ones of each conversation, then what comes behind them. Older ones that the handle
 * has not received yet would come out of order: they stay for whoever joins next.
 */
static int tail_begin(struct tail *tail) {
    earshot *link;
    int code = cli_open(&link, tail->options, 0);
    if (code != CLI_DONE)
        return code;
    for (int i = 0; code == CLI_DONE && i < tail->n_printed_convs; i++)
        code = tail_print_past(tail, link, i);
    earshot_close(link);
    tail_begin_behind(tail);
    tail->done = tail->options->count && tail->n_printed >= tail->options->count;
    return code;
}

static bool tail_is_pipe(int fd) {
    struct stat st;
    return fstat(fd, &st) == 0 && (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode));
}

static int tail_run(struct tail *tail) {
    int code = CLI_DONE;
    if (tail->options->limit)
        code = tail_begin(tail);
    if (code == CLI_DONE && !tail->done)
        code = cli_open_after(&tail->link, tail->options, tail->flags, tail->after);
    if (code == CLI_DONE && !tail->done)
        code = words_join_rooms(tail->options, tail->link, tail->n_convs, tail->convs);
    return code == CLI_DONE ? tail_follow(tail) : code;
}

int cli_tail(const struct cli_options *options, int n_words, char **words) {
    for (int i = 0; i < n_words; i++)
        words_take_conv(words[i]);
    struct tail tail = {
        .options = options,
        .after = options->since,
        .n_convs = n_words,
        .convs = words,
        .n_printed_convs = n_words > 0 ? n_words : 1,
        .is_piped = tail_is_pipe(STDOUT_FILENO),
    };
    tail.printed = cli_allocate((size_t)tail.n_printed_convs * sizeof *tail.printed);
    for (int i = 0; i < tail.n_printed_convs; i++)
        tail.printed[i] = (struct tail_printed){.from = UINT64_MAX};
    int code = tail_check(&tail);
    cli_limit_start(options->timeout_ms);
    if (code == CLI_DONE)
        code = tail_run(&tail);
    earshot_close(tail.link);
    free(tail.printed);
    return code;
}
