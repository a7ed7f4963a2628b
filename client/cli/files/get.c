/*
 * `get`: takes offers as they are told, until there were enough; and small files, which come as
 * messages.
 */
#include "cli/files/get.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/config.h"
#include "cli/files/progress.h"
#include "cli/files/received.h"
#include "cli/interrupt.h"
#include "cli/json.h"
#include "cli/near.h"
#include "cli/output.h"
#include "cli/records.h"
#include "cli/report.h"
#include "cli/request.h"
#include "cli/words.h"
#include "proto/fail.h"

const struct cli_option cli_get_options[] = {
    {"from", 0, CLI_STRING, CLI_AT(from), "HANDLE", "only what HANDLE offers", NULL, 0},
    {"dir", 0, CLI_STRING, CLI_AT(dir), "DIR", "write it there; else where you are", NULL, 0},
    {"count", 0, CLI_COUNT, CLI_AT(count), "N", "take N offers; else one", NULL, 0},
    {"all", 'a', CLI_FLAG, CLI_AT(all), NULL, "take all that is offered now", NULL, 0},
    {"stdout", 0, CLI_FLAG, CLI_AT(to_stdout), NULL, "write one file or stream to standard output",
     NULL, 0},
    {"decline", 0, CLI_FLAG, CLI_AT(decline), NULL, "refuse the offers instead of taking them",
     NULL, 0},
    {"progress", 0, CLI_CHOICE, CLI_AT(progress), "auto|none|json",
     "how far it is, on standard error", progress_choices, 0},
    {0},
};

/* Small files of the past: first all of them are listed, then those that wait come one by one. */
struct get_past {
    uint32_t request; /* 0: it is done */
    bool is_listing;
    uint64_t last;     /* of a page of the list, the oldest; 0: it was empty */
    size_t n_listed;   /* in all pages */
    uint64_t *waiting; /* their numbers, the newest first */
    size_t n_waiting;
};

struct get {
    const struct cli_options *options;
    const struct get_wish *wish;
    earshot *link;
    char self[256];
    struct progress progress;
    int out;                       /* wish->dir NULL: where it goes */
    struct received_list received; /* files that were messages */
    struct get_past past;
    uint32_t listing;                   /* the request for what is offered now; 0: it is done */
    bool is_unanswered;                 /* the hub died before that */
    char (*taken)[EARSHOT_ID_SIZE];     /* ids of offers; "" for a message */
    unsigned long long n_taken, n_over; /* asked for, ended */
    unsigned long long n_failed;        /* of those that ended: another one is taken for it */
    bool has_no_place;                  /* nothing can be written: no other one is tried */
    bool is_wait_told;                  /* that nothing is offered yet */
    bool is_kind_told;                  /* that there is something which cannot be taken so */
    int code;                           /* of the first that failed */
};

static void get_note_code(struct get *get, int code) {
    if (get->code == CLI_DONE)
        get->code = code;
}

static bool get_is_enough(const struct get *get) {
    return get->has_no_place ||
           (!get->wish->all && get->n_taken - get->n_failed >= get->wish->count);
}

/* A part may be on standard output already: then no other file is taken for one that failed. */
static void get_note_failed(struct get *get) {
    get->n_failed += get->wish->dir != NULL;
}

static bool get_is_from(const struct get *get, const char *handle) {
    return !get->options->from || words_same_name(handle, get->options->from);
}

/* Telling. */

static char *get_full_path(const struct get *get, const char *name) {
    CLEANUP_FREE char *here = get->wish->dir[0] == '/' ? NULL : get_current_dir_name();
    const char *dir = strcmp(get->wish->dir, ".") == 0 ? "" : get->wish->dir;
    char *path = NULL;
    if (asprintf(&path, "%s%s%s%s%s", here ? here : "", here && *dir ? "/" : "", dir,
                 *dir && dir[strlen(dir) - 1] == '/' ? "" : "/", name) < 0)
        return cli_copy(name);
    return path;
}

static int get_print(struct get *get, const struct earshot_transfer *transfer, const char *path,
                     const char *via) {
    struct cli_file file = file_of(transfer, get->self);
    file.via = via;
    FILE *out = get->wish->dir ? stdout : stderr;
    file.path = path;
    if (get->options->json)
        json_file(out, &file);
    else if (transfer->state == EARSHOT_TRANSFER_DONE && get->wish->dir) {
        CLEANUP_FREE char *safe = text_safe(bytes_of(path), TEXT_ONE_LINE);
        puts(safe ? safe : "");
    }
    return cli_flush();
}

/* Whether it is not what was offered, or not all of it. */
static void get_tell_difference(struct get *get, const struct earshot_transfer *transfer) {
    char change[FILE_CHANGE_TEXT];
    file_change_text(transfer, change);
    if (*change)
        cli_remark(get->options, "%s from %s is here%s", transfer->name, transfer->peer, change);
    if (transfer->skipped > 0)
        cli_remark(get->options,
                   "%s from %s is not all of it: %llu of its entries could not be sent",
                   transfer->name, transfer->peer, (unsigned long long)transfer->skipped);
}

static void get_tell_done(struct get *get, const struct earshot_transfer *transfer) {
    char how[PROGRESS_TEXT];
    progress_end_text(&get->progress, transfer, how);
    if (cli_has_reader(get->options))
        cli_remark(get->options, "%s from %s: %s%s", transfer->name, transfer->peer, how,
                   transfer->resumed ? ", resumed" : "");
    get_tell_difference(get, transfer);
}

static int get_tell(struct get *get, const struct earshot_transfer *transfer, const char *via) {
    CLEANUP_FREE char *path =
        get->wish->dir && *transfer->path ? get_full_path(get, transfer->path) : cli_copy("");
    progress_clear(&get->progress);
    int code = get_print(get, transfer, path, via);
    if (transfer->state == EARSHOT_TRANSFER_RUNNING)
        progress_begin(&get->progress, transfer);
    if (transfer->state == EARSHOT_TRANSFER_DONE)
        get_tell_done(get, transfer);
    if (transfer->state != EARSHOT_TRANSFER_FAILED)
        return code;
    if (!get->wish->dir && transfer->reason == EARSHOT_REASON_READER_GONE)
        return CLI_CLOSED;
    bool has_no_place = transfer->reason == EARSHOT_REASON_PLACE;
    bool is_gone = has_no_place && strcmp(via, "shm") == 0; /* a message stays in the history */
    get->has_no_place = get->has_no_place || has_no_place;
    get_note_code(get,
                  cli_fail(get->options, has_no_place ? OUTCOME_TRANSFER_PLACE : OUTCOME_TRANSFER,
                           "%s from %s: %s%s%s%s%s", transfer->name, transfer->peer,
                           transfer->error, is_gone ? "; it must be offered again (put)" : "",
                           *path ? "; what has come is in " : "", path,
                           *path && transfer->size != EARSHOT_SIZE_UNKNOWN
                               ? ", and goes on there when it is offered again"
                               : ""));
    return code;
}

/* A result of the library as an exit code. */
static int get_result(const struct get *get, int result) {
    return result == EARSHOT_OK ? CLI_DONE : cli_fail_link(get->options, get->link, result);
}

/* The same of one that may be about the destination. */
static int get_fail(const struct get *get, int result) {
    const char *dir = get->wish->dir, *where = !dir ? REPORT_STDOUT : *dir ? dir : "\"\"";
    return cli_fail_file(get->options, get->link, result, OUTCOME_WRITE, where);
}

/* Small files come as messages: now, or long ago. */

static bool get_has_file(const struct get *get, const struct earshot_event *event) {
    return event->message.file &&
           received_has_id(&get->received, event->message.id, event->message.uid, get->self);
}

static bool get_is_waiting(const struct get *get, const struct earshot_event *event) {
    return event->message.file && !event->message.mine && !get->wish->streams_only &&
           get_is_from(get, event->message.from) && !get_has_file(get, event);
}

/* The message stays in the history, but is not asked about again. */
static void get_note_received(struct get *get, const struct earshot_event *event) {
    int r = received_add(&get->received, event->message.id, event->message.uid, get->self);
    if (r < 0 && !get->received.distrust)
        cli_remark(get->options, "cannot write down in %s that this file was got: %s",
                   get->received.path ? get->received.path : "the state directory", strerror(-r));
}

/* A message counts as taken, but without its id: an offer may have the same id. */
static void get_count_message(struct get *get) {
    get->taken = cli_grow(get->taken, get->n_taken, sizeof *get->taken);
    get->taken[get->n_taken++][0] = '\0';
}

static int get_refuse_message(struct get *get, const struct earshot_event *event) {
    get_count_message(get);
    get->n_over++;
    int result = earshot_refuse(get->link, event);
    if (result != EARSHOT_OK)
        return get_fail(get, result);
    get_note_received(get, event);
    return CLI_DONE;
}

/* A damaged file can never be saved: its sender is told, and it is not asked about again. */
static void get_drop_damaged(struct get *get, const struct earshot_event *event) {
    (void)earshot_refuse(get->link, event);
    get_note_received(get, event);
    get->n_failed++;
}

static int get_save_message(struct get *get, const struct earshot_event *event) {
    struct earshot_target target = {.dir = get->wish->dir, .fd = get->out};
    struct earshot_transfer file;
    get_count_message(get);
    int result = earshot_save(get->link, event, &target, &file);
    get->n_over++;
    if (result < 0)
        return get_fail(get, result);
    if (result == EARSHOT_OK)
        get_note_received(get, event);
    else if (file.reason == EARSHOT_REASON_DAMAGED)
        get_drop_damaged(get, event);
    else
        get_note_failed(get);
    return get_tell(get, &file, "message");
}

/* A message that is not saved stays for whoever joins next under this handle. */
static int get_take_message(struct get *get, const struct earshot_event *event) {
    if (event->message.mine || get_has_file(get, event))
        return CLI_DONE;
    if (get_is_waiting(get, event) && !get_is_enough(get))
        return get->wish->decline ? get_refuse_message(get, event) : get_save_message(get, event);
    if (event->type != EARSHOT_EVENT_PAST)
        earshot_pass_over(get->link, event);
    return CLI_DONE;
}

/*
 * Small files of the past: somebody may have seen them as messages, so they are not unread any
 * more, but still wait. The hub lists them newest first and without content, and the oldest is to
 * be taken first; so the list is gone through to its end, and then each of those that wait is
 * asked for.
 */

static void get_past_free(struct get *get) {
    free(get->past.waiting);
    get->past = (struct get_past){0};
}

static int get_ask_page(struct get *get) {
    struct get_past *past = &get->past;
    uint64_t before = past->last;
    past->last = 0;
    return get_result(get, earshot_list_posts(get->link, get->options->from, before,
                                              EARSHOT_PAGE_MAX, &past->request));
}

/* Asks for one message: of those before the number behind it, the newest. */
static int get_ask_file(struct get *get) {
    struct get_past *past = &get->past;
    past->request = 0;
    if (past->n_waiting == 0 || get_is_enough(get))
        return CLI_DONE;
    uint64_t seq = past->waiting[--past->n_waiting];
    return get_result(get, earshot_history(get->link, NULL, seq + 1, 0, 1, &past->request));
}

static int get_past_go_on(struct get *get) {
    const struct get_past *past = &get->past;
    return past->request != 0 || past->is_listing ? CLI_DONE : get_ask_file(get);
}

static int get_past_ask(struct get *get) {
    get_past_free(get);
    if (get->wish->streams_only)
        return CLI_DONE;
    get->past.is_listing = true;
    return get_ask_page(get);
}

static int get_past_take(struct get *get, const struct earshot_event *event) {
    struct get_past *past = &get->past;
    if (!past->is_listing)
        return get_take_message(get, event);
    past->last = event->message.seq;
    past->n_listed++;
    if (get_is_waiting(get, event)) {
        past->waiting = cli_grow(past->waiting, past->n_waiting, sizeof *past->waiting);
        past->waiting[past->n_waiting++] = past->last;
    }
    return CLI_DONE;
}

static int get_past_done(struct get *get) {
    struct get_past *past = &get->past;
    bool is_end = past->last == 0 || get_is_enough(get);
    /* Of older ones it is not remembered whether they were got. */
    if (past->is_listing && !is_end && past->n_listed < RECEIVED_FILES_MAX)
        return get_ask_page(get);
    if (past->is_listing && !is_end)
        cli_remark(get->options,
                   "only the newest %d small files were looked at; --from HANDLE looks at those of "
                   "one sender only, and so further back",
                   RECEIVED_FILES_MAX);
    past->is_listing = false;
    return get_ask_file(get);
}

static unsigned long long get_n_open(const struct get *get) {
    return get->n_taken - get->n_over;
}

/* Enough were taken, or one failed and there is no other one to take for it. */
static bool get_is_done(const struct get *get) {
    bool is_enough = get->wish->all ? !get->is_unanswered : get_is_enough(get);
    bool is_all = get->n_failed > 0 && !get->is_unanswered;
    return get_n_open(get) == 0 && get->listing == 0 && get->past.request == 0 &&
           (is_enough || is_all);
}

/* Taking. */

static bool get_is_wanted(const struct get *get, const struct earshot_event *event) {
    if (get_is_enough(get) || (get->wish->all && event->request == 0))
        return false;
    return get_is_from(get, event->offer.from);
}

static bool get_is_of_kind(const struct get *get, const struct earshot_event *event) {
    return get->wish->streams_only ? event->offer.kind == EARSHOT_STREAM
                                   : get->wish->dir || event->offer.kind != EARSHOT_DIRECTORY;
}

/* Said once, or the user would wait for something that is there. */
static int get_tell_kind(struct get *get, const struct earshot_event *event) {
    const char *what = event->offer.kind == EARSHOT_DIRECTORY ? "directory" : "file";
    if (!get->is_kind_told)
        cli_remark(get->options, "%s offers the %s %s, which %s does not take; `earshot get` does",
                   event->offer.from, what, event->offer.name,
                   get->wish->streams_only ? "pipe" : "--stdout");
    get->is_kind_told = true;
    return CLI_DONE;
}

static bool get_is_taken(const struct get *get, const char *id) {
    for (unsigned long long i = 0; i < get->n_taken; i++)
        if (strcmp(get->taken[i], id) == 0)
            return true;
    return false;
}

static int get_ask_offers(struct get *get) {
    return get_result(get, earshot_list_offers(get->link, &get->listing));
}

/* One that was passed over may be wanted now. */
static int get_look_again(struct get *get) {
    return get->wish->all ? CLI_DONE : get_ask_offers(get);
}

/* The offer is gone: another one is taken for it. */
static int get_give_back(struct get *get, const char *id) {
    for (unsigned long long i = 0; i < get->n_taken; i++) {
        if (strcmp(get->taken[i], id) != 0)
            continue;
        memmove(get->taken + i, get->taken + i + 1,
                (size_t)(get->n_taken - i - 1) * sizeof *get->taken);
        get->n_taken--;
        return get_look_again(get);
    }
    return CLI_DONE;
}

static int get_take_offer(struct get *get, const struct earshot_event *event) {
    struct earshot_target target = {.dir = get->wish->dir, .fd = get->out};
    char id[EARSHOT_ID_SIZE];
    memcpy(id, event->offer.id, sizeof id);
    if (get_is_taken(get, id) || !get_is_wanted(get, event))
        return CLI_DONE;
    if (!get_is_of_kind(get, event))
        return get_tell_kind(get, event);
    get->taken = cli_grow(get->taken, get->n_taken, sizeof *get->taken);
    memcpy(get->taken[get->n_taken++], id, sizeof id);
    int result = get->wish->decline ? earshot_decline(get->link, id, "")
                                    : earshot_accept(get->link, id, &target);
    get->n_over += get->wish->decline;
    return result == EARSHOT_OK ? CLI_DONE : get_fail(get, result);
}

/* In place of one that failed. */
static int get_take_another(struct get *get) {
    get_note_failed(get);
    if (get->wish->all || get_is_enough(get))
        return CLI_DONE;
    int code = get_past_go_on(get);
    return code == CLI_DONE ? get_look_again(get) : code;
}

static int get_take_transfer(struct get *get, const struct earshot_transfer *transfer) {
    if (!get_is_taken(get, transfer->id))
        return CLI_DONE;
    get->n_over += transfer->state != EARSHOT_TRANSFER_RUNNING;
    int code = get_tell(get, transfer, "shm");
    return transfer->state == EARSHOT_TRANSFER_FAILED && code == CLI_DONE ? get_take_another(get)
                                                                          : code;
}

/* Asks for what waits already; once more when the hub died before it had answered. */
static int get_ask(struct get *get) {
    get->is_unanswered = false;
    int code = get_past_ask(get);
    return code == CLI_DONE ? get_ask_offers(get) : code;
}

static int get_take_failure(struct get *get, const struct earshot_event *event) {
    if (event->failed.code != FAIL_LOST)
        return cli_fail_event(get->options, event);
    get->listing = event->request == get->listing ? 0 : get->listing;
    if (event->request == get->past.request)
        get->past.request = 0;
    get->is_unanswered = true;
    return CLI_DONE;
}

static int get_take_done(struct get *get, uint32_t request) {
    if (request == get->listing)
        get->listing = 0;
    return request == get->past.request ? get_past_done(get) : CLI_DONE;
}

static int get_take(void *arg, const struct earshot_event *event) {
    struct get *get = arg;
    switch (event->type) {
    case EARSHOT_EVENT_OFFER:
        return get_take_offer(get, event);
    case EARSHOT_EVENT_WITHDRAWN: /* somebody was faster, or its sender left */
        return get_give_back(get, event->withdrawn.id);
    case EARSHOT_EVENT_TRANSFER:
        return get_take_transfer(get, &event->transfer);
    case EARSHOT_EVENT_MESSAGE:
        return get_take_message(get, event);
    case EARSHOT_EVENT_PAST:
        return get_past_take(get, event);
    case EARSHOT_EVENT_DONE:
        return get_take_done(get, event->request);
    case EARSHOT_EVENT_FAILED:
        return get_take_failure(get, event);
    case EARSHOT_EVENT_LOST:
    case EARSHOT_EVENT_SHUT_OUT:
        progress_clear(&get->progress);
        cli_tell_hub(get->options, event, "what is under way goes on");
        return CLI_DONE;
    case EARSHOT_EVENT_BACK: /* others may have offered again before we were back */
        cli_tell_hub(get->options, event, "");
        return get->is_unanswered ? get_ask(get) : get_look_again(get);
    default:
        return CLI_DONE;
    }
}

/* The time is up. */
static int get_fail_late(const struct get *get) {
    unsigned long long n_came = get->n_over - get->n_failed;
    unsigned long long n_wanted = get->wish->all ? get->n_taken - get->n_failed : get->wish->count;
    if (get->n_taken == get->n_failed && !get->is_kind_told)
        return cli_fail(get->options, FAIL_TIMED_OUT,
                        "nothing came within %g s: nothing is offered to you, or not any more; "
                        "who has it must offer it again (earshot put)",
                        cli_limit_seconds());
    return cli_fail(get->options, FAIL_TIMED_OUT,
                    "%llu of %llu came within %g s; get the rest again, or allow more with "
                    "--timeout",
                    n_came, n_wanted, cli_limit_seconds());
}

struct get_running {
    char *name, *from;
    bool is_stream;
};

/* What is under way, while that is known. Returns how many. */
static size_t get_list_running(const struct get *get, struct get_running **running) {
    struct earshot_transfer transfer;
    size_t n = 0;
    *running = NULL;
    while (earshot_progress(get->link, (unsigned)n, &transfer) == EARSHOT_OK) {
        *running = cli_grow(*running, n, sizeof **running);
        (*running)[n++] = (struct get_running){cli_copy(transfer.name), cli_copy(transfer.peer),
                                               transfer.size == EARSHOT_SIZE_UNKNOWN};
    }
    return n;
}

/* Where the beginning of a file is that did not come to its end. */
static void get_tell_part(const struct get *get, const struct get_running *running) {
    CLEANUP_FREE char *file = NULL;
    if (!get->wish->dir || strchr(running->name, '/') ||
        asprintf(&file, "%s.part", running->name) < 0) {
        file = NULL;
        return;
    }
    CLEANUP_FREE char *path = get_full_path(get, file);
    if (access(path, F_OK) != 0)
        return;
    if (running->is_stream)
        cli_remark(get->options, "what has come of %s is in %s", running->name, path);
    else
        cli_remark(get->options,
                   "what has come of %s is in %s, and goes on there when %s offers it again",
                   running->name, path, running->from);
}

static int get_cancel_all(struct get *get) {
    struct get_running *running;
    size_t n = get_list_running(get, &running);
    progress_clear(&get->progress);
    for (unsigned long long i = 0; i < get->n_taken && get->wish->dir; i++)
        if (*get->taken[i])
            earshot_cancel(get->link, get->taken[i]);
    for (size_t i = 0; i < n; i++) {
        get_tell_part(get, &running[i]);
        free(running[i].name);
        free(running[i].from);
    }
    free(running);
    if (cli_interrupted())
        return cli_interrupted();
    return get_fail_late(get);
}

/* Once, to a person: why nothing happens. */
static void get_tell_wait(struct get *get) {
    if (get->is_wait_told || get->is_kind_told || get->n_taken > 0 || get->listing != 0 ||
        get->past.request != 0 || get->is_unanswered || !cli_has_reader(get->options))
        return;
    get->is_wait_told = true;
    const char *from = get->options->from;
    cli_remark(get->options,
               "nothing is offered to you yet: waiting for %s%s to put something (there: earshot "
               "%s %s%s); Ctrl-C ends it",
               from ? from : "somebody", from ? near_presence_text(get->options, from) : "",
               get->wish->streams_only ? "pipe" : "put", get->self,
               get->wish->streams_only ? "" : " PATH");
}

static int get_follow(struct get *get) {
    int code = CLI_DONE;
    while (code == CLI_DONE && !get_is_done(get)) {
        if (cli_interrupted() || cli_limit_passed())
            return get_cancel_all(get);
        get_tell_wait(get);
        progress_tick(&get->progress);
        code = cli_take_next(get->link, get->options,
                             progress_timeout(&get->progress, get_n_open(get) > 0), get_take, get);
    }
    if (code == CLI_DONE && get->n_over == 0)
        cli_remark(get->options, "nothing is offered to you");
    return code;
}

static int get_check_from(struct get *get) {
    const char *from = get->options->from;
    int code = from ? words_check_name(get->options, from) : CLI_DONE;
    if (code == CLI_DONE && from && from[0] == '#')
        code = cli_fail(get->options, FAIL_BAD_NAME,
                        "\"%s\" is a room; --from takes the handle of who offers", from);
    return code;
}

/* Whether it can be written to is found out before an offer is waited for. */
static int get_check_dir(struct get *get) {
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
static int get_open_output(void) {
    struct stat st;
    int fd = -1;
    if (fstat(STDOUT_FILENO, &st) == 0 && S_ISFIFO(st.st_mode))
        fd = open("/proc/self/fd/1", O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    return fd < 0 ? STDOUT_FILENO : fd;
}

static int get_run(struct get *get) {
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
    code = get_ask(get);
    if (code == CLI_DONE)
        code = get_follow(get);
    progress_free(&get->progress);
    if (get->wish->dir || code == CLI_DONE)
        earshot_close(get->link); /* else its thread may be waiting for who reads our output */
    return code != CLI_DONE ? code : get->code;
}

int get_offers(const struct cli_options *options, const struct get_wish *wish) {
    struct get get = {.options = options, .wish = wish, .out = -1};
    int code = get_check_from(&get);
    if (code == CLI_DONE)
        code = get_check_dir(&get);
    if (!wish->dir)
        get.out = get_open_output();
    if (code == CLI_DONE)
        code = get_run(&get);
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
        return cli_fail(options, OUTCOME_USAGE,
                        "--stdout takes one file; leave out --dir, --all and --count");
    if (options->to_stdout)
        wish.dir = NULL;
    return get_offers(options, &wish);
}
