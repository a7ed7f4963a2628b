#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/macro.h"
#include "cli/command.h"
#include "cli/interrupt.h"
#include "cli/json.h"
#include "cli/output.h"
#include "cli/report.h"
#include "cli/text.h"
#include "cli/words.h"
#include "proto/name.h"

#define AT(member) offsetof(struct cli_options, member)

const struct cli_option cli_tail_options[] = {
    {"count", 0, CLI_COUNT, AT(count), "N", "end after N messages", NULL, 0},
    {"dm", 0, CLI_FLAG, AT(dm), NULL, "only direct messages", NULL, 0},
    {0},
};

struct tail {
    const struct cli_options *options;
    earshot *link;
    struct name *wanted; /* keys of the conversations named; none: all */
    size_t n_wanted;
    unsigned long long n_printed;
    bool is_piped; /* our reader can leave, which only poll() tells */
    bool done;
};

static bool is_wanted(const struct tail *tail, const char *conv) {
    struct name name, key;
    if (tail->options->dm && conv[0] == '#')
        return false;
    if (tail->n_wanted == 0)
        return true;
    if (name_parse(&name, bytes_of(conv)) != NAME_OK)
        return false;
    name_key(&key, &name);
    for (size_t i = 0; i < tail->n_wanted; i++)
        if (bytes_equal(name_bytes(&tail->wanted[i]), name_bytes(&key)))
            return true;
    return false;
}

static int take_message(struct tail *tail, const struct earshot_event *event) {
    if (!is_wanted(tail, event->message.conv))
        return CLI_DONE;
    if (tail->options->json)
        json_message(event);
    else
        text_message(tail->options, event);
    int code = cli_flush();
    if (code != CLI_DONE)
        return code;
    if (event->message.wants_receipt)
        earshot_mark_read(tail->link, event);
    tail->n_printed++;
    tail->done = tail->n_printed == tail->options->count;
    return CLI_DONE;
}

static int take(struct tail *tail, const struct earshot_event *event) {
    switch (event->type) {
    case EARSHOT_EVENT_MESSAGE:
        return take_message(tail, event);
    case EARSHOT_EVENT_FAILED:
        return cli_fail_event(tail->options, event);
    case EARSHOT_EVENT_MISSED:
        cli_fail(tail->options, CLI_FAILED, "missed",
                 "%llu messages are lost: they came faster than they were read here",
                 (unsigned long long)event->missed);
        return CLI_DONE;
    case EARSHOT_EVENT_LOST:
        cli_remark(tail->options, "the hub is gone; waiting for it to come back");
        return CLI_DONE;
    case EARSHOT_EVENT_BACK:
        cli_remark(tail->options, "the hub is back");
        return CLI_DONE;
    default:
        return CLI_DONE;
    }
}

/* Sleeps until there is an event or the reader of our output has left. */
static int poll_both(struct tail *tail, bool *closed) {
    struct pollfd fds[] = {{earshot_fd(tail->link), POLLIN, 0}, {STDOUT_FILENO, 0, 0}};
    if (fds[0].fd < 0)
        return fds[0].fd;
    if (poll(fds, ARRAY_LEN(fds), -1) < 0)
        return -errno;
    *closed = fds[1].revents & (POLLERR | POLLHUP);
    return EARSHOT_AGAIN;
}

static int wait_event(struct tail *tail, struct earshot_event *event, bool *closed) {
    if (!tail->is_piped)
        return earshot_next(tail->link, event, -1);
    int result = earshot_next(tail->link, event, 0);
    return result == EARSHOT_AGAIN ? poll_both(tail, closed) : result;
}

static int fail_late(const struct tail *tail) {
    return cli_fail(tail->options, CLI_TRY_AGAIN, "timed-out",
                    "%llu messages came within %g s; allow more with --timeout", tail->n_printed,
                    cli_limit_seconds());
}

static int follow(struct tail *tail) {
    struct earshot_event event;
    int code = CLI_DONE;
    while (code == CLI_DONE && !tail->done) {
        bool closed = false;
        if (cli_interrupted())
            return cli_interrupted();
        if (cli_limit_passed())
            return fail_late(tail);
        int result = wait_event(tail, &event, &closed);
        if (closed)
            return CLI_CLOSED;
        if (result == EARSHOT_OK)
            code = take(tail, &event);
        else if (result != EARSHOT_AGAIN && result != -EINTR)
            code = cli_fail_link(tail->options, tail->link, result);
    }
    return code;
}

/* Joins the rooms named, for this session only; a refusal comes as an event. */
static int join(struct tail *tail, int n_words, char **words) {
    uint32_t request;
    for (int i = 0; i < n_words; i++) {
        if (words[i][0] != '#')
            continue;
        int result = earshot_join(tail->link, words[i], true, &request);
        if (result != EARSHOT_OK)
            return cli_fail_link(tail->options, tail->link, result);
    }
    return CLI_DONE;
}

static int check_words(struct tail *tail, int n_words, char **words, unsigned *flags) {
    const struct cli_options *options = tail->options;
    *flags = EARSHOT_RECONNECT;
    if (n_words == 0)
        *flags |= options->dm ? EARSHOT_LISTEN : EARSHOT_LISTEN | EARSHOT_ALL_ROOMS;
    for (int i = 0; i < n_words; i++) {
        struct name name;
        int code = words_check_name(options, words[i]);
        if (code == CLI_DONE && options->dm && words[i][0] == '#')
            code = cli_fail(options, CLI_USAGE, "usage",
                            "--dm is for direct messages; leave it or %s away", words[i]);
        if (code != CLI_DONE)
            return code;
        if (words[i][0] != '#')
            *flags |= EARSHOT_LISTEN;
        name_parse(&name, bytes_of(words[i]));
        tail->wanted = cli_grow(tail->wanted, tail->n_wanted, sizeof *tail->wanted);
        name_key(&tail->wanted[tail->n_wanted++], &name);
    }
    return CLI_DONE;
}

static bool is_pipe(int fd) {
    struct stat st;
    return fstat(fd, &st) == 0 && (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode));
}

int cli_tail(const struct cli_options *options, int n_words, char **words) {
    struct tail tail = {.options = options, .is_piped = is_pipe(STDOUT_FILENO)};
    unsigned flags;
    int code = check_words(&tail, n_words, words, &flags);
    cli_limit_start(options->timeout_ms);
    if (code == CLI_DONE)
        code = cli_open(&tail.link, options, flags);
    if (code == CLI_DONE)
        code = join(&tail, n_words, words);
    if (code == CLI_DONE)
        code = follow(&tail);
    earshot_close(tail.link);
    free(tail.wanted);
    return code;
}
