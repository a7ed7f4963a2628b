/* `get`: takes offers as they are told, until there were enough. */
#include "cli/files/get_inside.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/config.h"
#include "cli/files/progress.h"
#include "cli/files/received.h"
#include "cli/interrupt.h"
#include "cli/json.h"
#include "cli/output.h"
#include "cli/report.h"
#include "cli/words.h"
#include "proto/fail.h"
#include "proto/name.h"

#define AT(member) offsetof(struct cli_options, member)

const struct cli_option cli_get_options[] = {
    {"from", 0, CLI_STRING, AT(from), "HANDLE", "only what HANDLE offers", NULL, 0},
    {"dir", 0, CLI_STRING, AT(dir), "DIR", "write it there; else where you are", NULL, 0},
    {"count", 0, CLI_COUNT, AT(count), "N", "take N offers; else one", NULL, 0},
    {"all", 'a', CLI_FLAG, AT(all), NULL, "take all that is offered now", NULL, 0},
    {"stdout", 0, CLI_FLAG, AT(to_stdout), NULL, "write one file or stream to standard output",
     NULL, 0},
    {"decline", 0, CLI_FLAG, AT(decline), NULL, "refuse the offers instead of taking them", NULL,
     0},
    {"progress", 0, CLI_CHOICE, AT(progress), "auto|none|json", "how far it is, on standard error",
     progress_choices, 0},
    {0},
};

static unsigned long long n_open(const struct get *get) {
    return get->n_taken - get->n_over;
}

/* One that failed is passed over; but if there is no other one, that is the end, too. */
static bool is_done(const struct get *get) {
    bool is_enough = get->wish->all ? !get->is_unanswered : get_is_enough(get);
    bool is_all = get->n_failed > 0 && !get->is_unanswered;
    return n_open(get) == 0 && get->listing == 0 && get->past.request == 0 && (is_enough || is_all);
}

/* Taking. */

static bool is_wanted(const struct get *get, const struct earshot_event *event) {
    if (get_is_enough(get) || (get->wish->all && event->request == 0))
        return false;
    return get_is_from(get, event->offer.from);
}

static bool is_of_kind(const struct get *get, const struct earshot_event *event) {
    return get->wish->streams_only ? event->offer.kind == EARSHOT_STREAM
                                   : get->wish->dir || event->offer.kind != EARSHOT_DIRECTORY;
}

/* Once: else one waits for something that is there. */
static int tell_kind(struct get *get, const struct earshot_event *event) {
    const char *what = event->offer.kind == EARSHOT_DIRECTORY ? "directory" : "file";
    if (!get->is_kind_told)
        cli_remark(get->options, "%s offers the %s %s, which %s does not take; `earshot get` does",
                   event->offer.from, what, event->offer.name,
                   get->wish->streams_only ? "pipe" : "--stdout");
    get->is_kind_told = true;
    return CLI_DONE;
}

static bool is_taken(const struct get *get, const char *id) {
    for (unsigned long long i = 0; i < get->n_taken; i++)
        if (strcmp(get->taken[i], id) == 0)
            return true;
    return false;
}

/* Another one may have been passed over for it. */
static int look_again(struct get *get) {
    if (get->wish->all)
        return CLI_DONE;
    int result = earshot_offers(get->link, &get->listing);
    return result == EARSHOT_OK ? CLI_DONE : cli_fail_link(get->options, get->link, result);
}

/* If it is offered again, it is another offer. */
static int give_back(struct get *get, const char *id) {
    for (unsigned long long i = 0; i < get->n_taken; i++) {
        if (strcmp(get->taken[i], id) != 0)
            continue;
        memmove(get->taken + i, get->taken + i + 1,
                (size_t)(get->n_taken - i - 1) * sizeof *get->taken);
        get->n_taken--;
        return look_again(get);
    }
    return CLI_DONE;
}

static int take_offer(struct get *get, const struct earshot_event *event) {
    struct earshot_target target = {.dir = get->wish->dir, .fd = get->out};
    char id[EARSHOT_ID_SIZE];
    memcpy(id, event->offer.id, sizeof id);
    if (is_taken(get, id) || !is_wanted(get, event))
        return CLI_DONE;
    if (!is_of_kind(get, event))
        return tell_kind(get, event);
    get->taken = cli_grow(get->taken, get->n_taken, sizeof *get->taken);
    memcpy(get->taken[get->n_taken++], id, sizeof id);
    int result = get->wish->decline ? earshot_decline(get->link, id, "")
                                    : earshot_accept(get->link, id, &target);
    get->n_over += get->wish->decline;
    return result == EARSHOT_OK ? CLI_DONE : get_fail(get, result);
}

/* For one that failed. */
static int take_another(struct get *get) {
    get_note_failed(get);
    if (get->wish->all || get_is_enough(get))
        return CLI_DONE;
    int code = get_past_go_on(get);
    return code == CLI_DONE ? look_again(get) : code;
}

static int take_transfer(struct get *get, const struct earshot_transfer *transfer) {
    if (!is_taken(get, transfer->id))
        return CLI_DONE;
    get->n_over += transfer->state != EARSHOT_TRANSFER_RUNNING;
    int code = get_tell(get, transfer, "shm");
    return transfer->state == EARSHOT_TRANSFER_FAILED && code == CLI_DONE ? take_another(get)
                                                                          : code;
}

/* What is there already; again when the hub died before it had answered. */
static int ask(struct get *get) {
    get->is_unanswered = false;
    int code = get_past_ask(get);
    if (code != CLI_DONE)
        return code;
    int result = earshot_offers(get->link, &get->listing);
    return result == EARSHOT_OK ? CLI_DONE : cli_fail_link(get->options, get->link, result);
}

static int take_failure(struct get *get, const struct earshot_event *event) {
    if (event->failed.code != FAIL_LOST)
        return cli_fail_event(get->options, event);
    get->listing = event->request == get->listing ? 0 : get->listing;
    if (event->request == get->past.request)
        get->past.request = 0;
    get->is_unanswered = true;
    return CLI_DONE;
}

static int take_done(struct get *get, uint32_t request) {
    if (request == get->listing)
        get->listing = 0;
    return request == get->past.request ? get_past_done(get) : CLI_DONE;
}

static int take(struct get *get, const struct earshot_event *event) {
    switch (event->type) {
    case EARSHOT_EVENT_OFFER:
        return take_offer(get, event);
    case EARSHOT_EVENT_WITHDRAWN: /* somebody was faster, or its sender left */
        return give_back(get, event->withdrawn.id);
    case EARSHOT_EVENT_TRANSFER:
        return take_transfer(get, &event->transfer);
    case EARSHOT_EVENT_MESSAGE:
        return get_take_message(get, event);
    case EARSHOT_EVENT_PAST:
        return get_past_take(get, event);
    case EARSHOT_EVENT_DONE:
        return take_done(get, event->request);
    case EARSHOT_EVENT_FAILED:
        return take_failure(get, event);
    case EARSHOT_EVENT_LOST:
        progress_clear(&get->progress);
        cli_tell_lost(get->options, event, "what is under way goes on");
        return CLI_DONE;
    case EARSHOT_EVENT_BACK:
        cli_remark(get->options, "the hub is back");
        return get->is_unanswered ? ask(get) : look_again(get); /* others may be back before us */
    default:
        return CLI_DONE;
    }
}

static int cancel_all(struct get *get) {
    progress_clear(&get->progress);
    for (unsigned long long i = 0; i < get->n_taken && get->wish->dir; i++)
        if (*get->taken[i])
            earshot_cancel(get->link, get->taken[i]);
    if (cli_interrupted())
        return cli_interrupted();
    return cli_fail(get->options, CLI_TRY_AGAIN, "timed-out",
                    "%llu came within %g s; try again, or allow more with --timeout", get->n_over,
                    cli_limit_seconds());
}

static int follow(struct get *get) {
    struct earshot_event event;
    int code = CLI_DONE;
    while (code == CLI_DONE && !is_done(get)) {
        if (cli_interrupted() || cli_limit_passed())
            return cancel_all(get);
        progress_tick(&get->progress);
        int result =
            earshot_next(get->link, &event, progress_timeout(&get->progress, n_open(get) > 0));
        if (result == EARSHOT_OK)
            code = take(get, &event);
        else if (result != EARSHOT_AGAIN && result != -EINTR)
            code = cli_fail_link(get->options, get->link, result);
    }
    if (code == CLI_DONE && get->n_over == 0)
        cli_remark(get->options, "nothing is offered to you");
    return code;
}

static int check_from(struct get *get) {
    const char *from = get->options->from;
    struct name name;
    int code = from ? words_check_name(get->options, from) : CLI_DONE;
    if (!from || code != CLI_DONE)
        return code;
    if (from[0] == '#')
        return cli_fail(get->options, CLI_USAGE, "bad-name",
                        "\"%s\" is a room; --from takes the handle of who offers", from);
    if (name_parse(&name, bytes_of(from)) == NAME_OK)
        name_key(&get->from, &name);
    return CLI_DONE;
}

/* Before anything is waited for. */
static int check_dir(struct get *get) {
    const char *dir = get->wish->dir;
    if (!dir || get->wish->decline)
        return CLI_DONE;
    struct stat status;
    int r = stat(dir, &status) < 0 ? error_errno() : 0;
    if (r == 0 && !S_ISDIR(status.st_mode))
        r = -ENOTDIR;
    if (r == 0 && access(dir, W_OK | X_OK) < 0)
        r = error_errno();
    return r == 0 ? CLI_DONE : get_fail(get, r);
}

/*
 * A pipe is opened once more, for itself and not to block: so the writing thread can be stopped
 * while nobody reads.
 */
static int open_output(void) {
    struct stat st;
    int fd = -1;
    if (fstat(STDOUT_FILENO, &st) == 0 && S_ISFIFO(st.st_mode))
        fd = open("/proc/self/fd/1", O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    return fd < 0 ? STDOUT_FILENO : fd;
}

static int run(struct get *get) {
    struct earshot_hub_info hub;
    int code =
        cli_open(&get->link, get->options, EARSHOT_LISTEN | EARSHOT_ALL_ROOMS | EARSHOT_RECONNECT);
    if (code != CLI_DONE)
        return code;
    earshot_hub(get->link, &hub);
    snprintf(get->self, sizeof get->self, "%s", hub.handle);
    progress_init(&get->progress, get->options, get->link, get->self);
    cli_limit_start(get->options->timeout_ms);
    received_load(&get->received);
    if (get->received.distrust)
        cli_remark(get->options, "%s; until then, what came before may come again",
                   get->received.distrust);
    code = ask(get);
    if (code == CLI_DONE)
        code = follow(get);
    progress_free(&get->progress);
    if (get->wish->dir || code == CLI_DONE)
        earshot_close(get->link); /* else its thread may be waiting for who reads our output */
    return code != CLI_DONE ? code : get->code;
}

int get_offers(const struct cli_options *options, const struct get_wish *wish) {
    struct get get = {.options = options, .wish = wish, .out = -1};
    int code = check_from(&get);
    if (code == CLI_DONE)
        code = check_dir(&get);
    if (!wish->dir)
        get.out = open_output();
    if (code == CLI_DONE)
        code = run(&get);
    received_free(&get.received);
    get_past_free(&get);
    free(get.taken);
    return code;
}

int cli_get(const struct cli_options *options, int n_words, char **words) {
    (void)n_words, (void)words;
    const char *configured = cli_config()->directory;
    struct get_wish wish = {
        .dir = options->dir ? options->dir
               : configured ? configured
                            : ".",
        .decline = options->decline,
        .all = options->all,
        .count = options->count ? options->count : 1,
    };
    if (options->to_stdout && (options->dir || options->all || wish.count > 1))
        return cli_fail(options, CLI_USAGE, "usage",
                        "--stdout takes one file; leave --dir, --all and --count away");
    if (options->to_stdout)
        wish.dir = NULL;
    return get_offers(options, &wish);
}
