#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/macro.h"
#include "cli/command.h"
#include "cli/interrupt.h"
#include "cli/output.h"
#include "cli/past/past.h"
#include "cli/records.h"
#include "cli/report.h"
#include "cli/words.h"
#include "proto/name.h"

#define AT(member) offsetof(struct cli_options, member)

const struct cli_option cli_tail_options[] = {
    {"count", 0, CLI_COUNT, AT(count), "N", "end after N messages", NULL, 0},
    {"limit", 'n', CLI_COUNT, AT(limit), "N", "first the last N of each conversation", NULL, 0},
    {"since", 0, CLI_SEQ, AT(since), "SEQ", "first what came after this message", NULL, 0},
    {"dm", 0, CLI_FLAG, AT(dm), NULL, "only direct messages", NULL, 0},
    {0},
};

/* A conversation, and which of its messages -n has printed already. */
struct wanted {
    struct name key; /* n 0: all conversations */
    uint64_t from, to;
};

struct tail {
    const struct cli_options *options;
    earshot *link;
    unsigned flags; /* of the link */
    uint64_t after; /* where it begins, with EARSHOT_AFTER */
    struct wanted *wanted;
    size_t n_wanted;
    unsigned long long n_printed;
    bool is_piped; /* our reader can leave, which only poll() tells */
    bool done;
};

static const struct wanted *find_wanted(const struct tail *tail, const char *conv) {
    struct name name, key;
    if (tail->options->dm && conv[0] == '#')
        return NULL;
    if (tail->n_wanted == 1 && tail->wanted->key.n == 0)
        return tail->wanted;
    if (name_parse(&name, bytes_of(conv)) != NAME_OK)
        return NULL;
    name_key(&key, &name);
    for (size_t i = 0; i < tail->n_wanted; i++)
        if (bytes_equal(name_bytes(&tail->wanted[i].key), name_bytes(&key)))
            return &tail->wanted[i];
    return NULL;
}

static int tail_print(struct tail *tail, const struct earshot_event *event) {
    cli_print_message(tail->options, event);
    int code = cli_flush();
    if (code == CLI_DONE)
        earshot_mark_read(tail->link, event);
    else
        earshot_pass_over(tail->link, event);
    tail->n_printed++;
    tail->done = tail->n_printed == tail->options->count;
    return code;
}

/* A message that is not printed stays for whoever joins next under this handle. */
static int tail_take_message(struct tail *tail, const struct earshot_event *event) {
    const struct wanted *wanted = find_wanted(tail, event->message.conv);
    if (!wanted && !event->message.mine)
        earshot_pass_over(tail->link, event);
    if (!wanted || (event->message.seq >= wanted->from && event->message.seq <= wanted->to))
        return CLI_DONE;
    return tail_print(tail, event);
}

static int tail_take(struct tail *tail, const struct earshot_event *event) {
    switch (event->type) {
    case EARSHOT_EVENT_MESSAGE:
        return tail_take_message(tail, event);
    case EARSHOT_EVENT_FAILED:
        return cli_take_failed(tail->options, event);
    case EARSHOT_EVENT_MISSED:
        cli_fail(tail->options, CLI_FAILED, "missed",
                 "up to %llu messages are not in the hub's log any more; they are not shown",
                 (unsigned long long)event->missed);
        return CLI_DONE;
    case EARSHOT_EVENT_LOST:
        cli_tell_lost(tail->options, event, "waiting for it to come back");
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

static int tail_fail_late(const struct tail *tail) {
    return cli_fail(tail->options, CLI_TRY_AGAIN, "timed-out",
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
        int result = wait_event(tail, &event, &closed);
        if (closed)
            return CLI_CLOSED;
        if (result == EARSHOT_OK)
            code = tail_take(tail, &event);
        else if (result != EARSHOT_AGAIN && result != -EINTR)
            code = cli_fail_link(tail->options, tail->link, result);
    }
    return code;
}

/* Joins the rooms named, for this session only; a refusal comes as an event. */
static int tail_join(struct tail *tail, int n_words, char **words) {
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

static struct wanted *add_wanted(struct tail *tail) {
    tail->wanted = cli_grow(tail->wanted, tail->n_wanted, sizeof *tail->wanted);
    struct wanted *wanted = &tail->wanted[tail->n_wanted++];
    *wanted = (struct wanted){.from = UINT64_MAX};
    return wanted;
}

static int check_word(struct tail *tail, const char *word) {
    struct name name;
    bool is_room = word[0] == '#';
    int code = words_check_name(tail->options, word);
    if (code == CLI_DONE && tail->options->dm && is_room)
        code = cli_fail(tail->options, CLI_USAGE, "usage",
                        "--dm is for direct messages; leave it or %s away", word);
    if (code != CLI_DONE)
        return code;
    tail->flags |= is_room ? 0 : EARSHOT_LISTEN;
    name_parse(&name, bytes_of(word));
    name_key(&add_wanted(tail)->key, &name);
    return CLI_DONE;
}

static int tail_check(struct tail *tail, int n_words, char **words) {
    const struct cli_options *options = tail->options;
    bool has_since = options->since != CLI_NOT_GIVEN;
    int code = CLI_DONE;
    if (has_since && options->limit)
        return cli_fail(options, CLI_USAGE, "usage",
                        "tail: -n and --since both say where to begin; leave one away");
    tail->flags = EARSHOT_RECONNECT | (has_since ? EARSHOT_AFTER : 0);
    tail->after = options->since;
    for (int i = 0; code == CLI_DONE && i < n_words; i++)
        code = check_word(tail, words[i]);
    if (n_words == 0) {
        add_wanted(tail);
        tail->flags |= options->dm ? EARSHOT_LISTEN : EARSHOT_LISTEN | EARSHOT_ALL_ROOMS;
    }
    return code;
}

static int print_past(struct tail *tail, earshot *link, const char *conv, struct wanted *wanted) {
    const struct cli_options *options = tail->options;
    unsigned long long left = options->count ? options->count - tail->n_printed : UINT64_MAX;
    struct past past = {
        .options = options,
        .link = link,
        .conv = conv,
        .direct_only = options->dm && !conv,
        .n = options->limit < left ? options->limit : left,
        .newest = true,
    };
    if (left == 0)
        return CLI_DONE;
    int code = past_print(&past);
    tail->n_printed += past.n_printed;
    wanted->from = past.first_seq;
    wanted->to = past.last_seq;
    return code;
}

/*
 * What is live begins behind what was printed, which need not be the hub's newest message: the last
 * ones were perhaps not stored yet. One place serves all conversations, so it is the least of
 * theirs; an empty one does not count unless all are.
 */
static void begin_behind(struct tail *tail) {
    tail->flags |= EARSHOT_AFTER;
    for (size_t i = 0; i < tail->n_wanted; i++) {
        struct wanted *wanted = &tail->wanted[i];
        wanted->from = 0;
        if (wanted->to > 0 && (tail->after == 0 || wanted->to < tail->after))
            tail->after = wanted->to;
    }
}

/*
 * First the last ones of each conversation, then what comes behind them. Older ones that the handle
 * has not received yet would come out of order: they stay for whoever joins next.
 */
static int tail_begin(struct tail *tail, int n_words, char **words) {
    earshot *link;
    int code = cli_open(&link, tail->options, 0);
    if (code != CLI_DONE)
        return code;
    for (size_t i = 0; code == CLI_DONE && i < tail->n_wanted; i++)
        code = print_past(tail, link, n_words > 0 ? words[i] : NULL, &tail->wanted[i]);
    earshot_close(link);
    tail->after = 0;
    begin_behind(tail);
    tail->done = tail->options->count && tail->n_printed >= tail->options->count;
    return code;
}

static bool is_pipe(int fd) {
    struct stat st;
    return fstat(fd, &st) == 0 && (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode));
}

static int tail_run(struct tail *tail, int n_words, char **words) {
    int code = CLI_DONE;
    if (tail->options->limit)
        code = tail_begin(tail, n_words, words);
    if (code == CLI_DONE && !tail->done)
        code = cli_open_after(&tail->link, tail->options, tail->flags, tail->after);
    if (code == CLI_DONE && !tail->done)
        code = tail_join(tail, n_words, words);
    return code == CLI_DONE ? tail_follow(tail) : code;
}

int cli_tail(const struct cli_options *options, int n_words, char **words) {
    struct tail tail = {.options = options, .is_piped = is_pipe(STDOUT_FILENO)};
    int code = tail_check(&tail, n_words, words);
    cli_limit_start(options->timeout_ms);
    if (code == CLI_DONE)
        code = tail_run(&tail, n_words, words);
    earshot_close(tail.link);
    free(tail.wanted);
    return code;
}
