/*
 * `put`: an offer is one path for one recipient, a handle or a room. All paths are opened at once,
 * so that what goes over is what had that name then. Small files go as messages; of the others the
 * library tells the hub a few at a time.
 */
#include "cli/files/put.h"
#include "base/macro.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/files/background.h"
#include "cli/files/progress.h"
#include "cli/interrupt.h"
#include "cli/json.h"
#include "cli/near.h"
#include "cli/output.h"
#include "cli/records.h"
#include "cli/report.h"
#include "cli/request.h"
#include "cli/words.h"

#define TRANSFER_FDS 2 /* a second descriptor of the file, and one of the other process */
#define SPARE_FDS 8

const struct cli_option cli_put_options[] = {
    {"no-wait", 0, CLI_FLAG, CLI_AT(no_wait), NULL, "offer in the background; do not wait", NULL,
     0},
    {"progress", 0, CLI_CHOICE, CLI_AT(progress), "auto|none|json",
     "how far it is, on standard error", progress_choices, 0},
    {0},
};

/* Who in a room is expected to take what is offered to it. */
struct put_room {
    char **names; /* who has not answered yet */
    size_t n;
};

enum put_phase { PUT_UNMADE, PUT_ASKED, PUT_OPEN, PUT_CLOSED };

struct put_offer {
    const char *to, *path;
    enum put_phase phase;
    uint32_t request;
    char id[EARSHOT_ID_SIZE];
    struct earshot_transfer file; /* when it was made; then its strings, but for the id, are gone */
    char *name;
    bool is_post;         /* a small file, sent as a message */
    struct put_room room; /* of a room: who has not taken it yet */
    unsigned n_running;
};

struct put {
    const struct cli_options *options;
    const char *stream_name;
    earshot *link;
    char self[256];
    struct progress progress;
    struct put_offer *offers;
    size_t n_offers, first_open, n_open; /* every offer before first_open is closed */
    bool are_made;                       /* none is PUT_UNMADE */
    bool is_wait_told;                   /* for whom it waits */
    bool in_background;                  /* and somebody waits until the offers stand */
    int code;                            /* of the first that failed */
};

/* Rooms. */

struct put_asking {
    struct put_room here, away;
    const char *self;
};

static void put_room_add(void *arg, const struct earshot_event *event) {
    struct put_asking *asking = arg;
    struct put_room *room = event->user.state == EARSHOT_OFFLINE ? &asking->away : &asking->here;
    if (strcmp(event->user.handle, asking->self) == 0)
        return;
    room->names = cli_grow(room->names, room->n, sizeof *room->names);
    room->names[room->n++] = cli_copy(event->user.handle);
}

static void put_room_free(struct put_room *room) {
    for (size_t i = 0; i < room->n; i++)
        free(room->names[i]);
    free(room->names);
    *room = (struct put_room){0};
}

static int put_room_ask(struct put_room *room, const struct cli_options *options, earshot *link,
                        const char *name, const char *self) {
    struct put_asking asking = {.self = self};
    uint32_t request = 0;
    int result = earshot_ask(link, EARSHOT_USERS, name, &request);
    int code = cli_request_wait(link, options, result, request, put_room_add, &asking);
    if (code == CLI_DONE && asking.here.n + asking.away.n == 0)
        code = cli_fail(options, FAIL_NO_USER,
                        "nobody else is in %s who could take it; name a handle, or wait "
                        "until somebody joins",
                        name);
    if (code == CLI_DONE && asking.here.n == 0)
        cli_remark(options, "nobody of %s is here; waiting for all of its members", name);
    *room = asking.here.n > 0 ? asking.here : asking.away;
    put_room_free(asking.here.n > 0 ? &asking.away : &asking.here);
    return code;
}

static void put_room_drop(struct put_room *room, const char *handle) {
    for (size_t i = 0; i < room->n; i++) {
        if (strcmp(room->names[i], handle) != 0)
            continue;
        free(room->names[i]);
        room->names[i] = room->names[--room->n];
        return;
    }
}

static bool put_offer_is_room(const struct put_offer *offer) {
    return offer->to[0] == '#';
}

static bool put_offer_is_stream(const struct put_offer *offer) {
    return strcmp(offer->path, "-") == 0;
}

static void put_note_failure(struct put *put, int code) {
    if (put->code == CLI_DONE)
        put->code = code;
}

static void put_close(struct put *put, struct put_offer *offer) {
    if (offer->phase == PUT_OPEN && put_offer_is_room(offer) && !offer->is_post)
        earshot_cancel(put->link, offer->id); /* it would stay open for those who come later */
    offer->phase = PUT_CLOSED;
    put->n_open--;
}

/* If everybody who is waited for has taken it, or will not. */
static void put_close_if_taken(struct put *put, struct put_offer *offer) {
    if (!put_offer_is_room(offer) || (offer->room.n == 0 && offer->n_running == 0))
        put_close(put, offer);
}

/* Telling. */

static int put_print(struct put *put, const struct cli_file *file) {
    if (!put->options->json)
        return CLI_DONE;
    json_file(stdout, file);
    return cli_flush();
}

static int put_tell_offered(struct put *put, const struct put_offer *offer) {
    struct cli_file file = file_of(&offer->file, put->self);
    file.state = FILE_OFFERED;
    file.name = offer->name;
    file.to = offer->to;
    file.path = file.xxh3 = file.error = "";
    file.via = offer->is_post ? "message" : "shm";
    return put_print(put, &file);
}

static int put_tell(struct put *put, const struct earshot_transfer *transfer, const char *via) {
    struct cli_file file = file_of(transfer, put->self);
    file.via = via;
    char size[PROGRESS_TEXT], change[FILE_CHANGE_TEXT];
    progress_clear(&put->progress);
    int code = put_print(put, &file);
    if (transfer->state == EARSHOT_TRANSFER_RUNNING)
        progress_begin(&put->progress, transfer);
    progress_end_text(&put->progress, transfer, size);
    file_change_text(transfer, change);
    if (transfer->state == EARSHOT_TRANSFER_DONE && !put->options->json)
        cli_remark(put->options, "%s has %s (%s%s)%s", transfer->peer, transfer->name, size,
                   transfer->resumed ? ", resumed" : "", change);
    if (transfer->state == EARSHOT_TRANSFER_DECLINED)
        put_note_failure(put, cli_fail(put->options, OUTCOME_DECLINED, "%s does not want %s%s%s",
                                       transfer->peer, transfer->name, *transfer->error ? ": " : "",
                                       transfer->error));
    if (transfer->state == EARSHOT_TRANSFER_FAILED)
        put_note_failure(put,
                         cli_fail(put->options, OUTCOME_TRANSFER, "%s for %s: %s%s", transfer->name,
                                  transfer->peer, transfer->error, file_advice(transfer)));
    return code;
}

/* A socket in a directory, or a file that is gone, is worth a remark and no more. */
static bool put_is_failure(enum earshot_skip why) {
    return why != EARSHOT_SKIP_SPECIAL && why != EARSHOT_SKIP_VANISHED;
}

static int put_tell_skipped(struct put *put, const struct earshot_event *event) {
    char text[FILE_SKIP_TEXT];
    progress_clear(&put->progress);
    file_skip_text(event, text);
    if (put->options->json)
        json_skipped(event, file_skip_word(event->skipped.why));
    if (put_is_failure(event->skipped.why))
        put_note_failure(put, cli_fail(put->options, OUTCOME_SKIPPED, "%s", text));
    else
        cli_remark(put->options, "%s", text);
    return put->options->json ? cli_flush() : CLI_DONE;
}

/* Making offers. */

static bool put_is_pipe(const char *path) {
    struct stat status;
    return stat(path, &status) == 0 && S_ISFIFO(status.st_mode);
}

static int put_fail_offer(struct put *put, struct put_offer *offer, int result) {
    put_close(put, offer);
    if (result == -EINTR && !cli_interrupted() && put_is_pipe(offer->path))
        return cli_fail(put->options, FAIL_TIMED_OUT,
                        "nobody opened the pipe \"%s\" to write into it within %g s", offer->path,
                        cli_limit_seconds());
    return cli_fail_file(put->options, put->link, result, OUTCOME_READ, offer->path);
}

static void put_raise_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

/* Whether one more leaves enough for the transfers of those that stand, and for what else is open
 * for a moment. */
static bool put_has_descriptors(const struct put *put, unsigned long long *n_max) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur == RLIM_INFINITY)
        return true;
    *n_max = limit.rlim_cur;
    size_t n_standing = put->n_open < EARSHOT_STANDING_MAX ? put->n_open + 1 : EARSHOT_STANDING_MAX;
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (fd >= 0)
        close(fd);
    return fd >= 0 && (rlim_t)fd + n_standing * TRANSFER_FDS + SPARE_FDS < limit.rlim_cur;
}

/* Gives up this offer, and all behind it. */
static void put_refuse_rest(struct put *put, struct put_offer *first, unsigned long long n_max) {
    size_t n = (size_t)(put->offers + put->n_offers - first);
    for (size_t i = 0; i < n; i++)
        first[i].phase = PUT_CLOSED;
    put_note_failure(put, cli_fail(put->options, FAIL_LIMIT,
                                   "%zu are not offered, \"%s\" and what follows: each offer needs "
                                   "an open file, and %llu may be open here (ulimit -n); raise "
                                   "that, or offer a directory that has them in it",
                                   n, first->path, n_max));
}

static int put_hand_over(struct put *put, struct put_offer *offer) {
    struct earshot_source file = {.path = offer->path};
    struct earshot_source stream = {.fd = STDIN_FILENO, .name = put->stream_name};
    int result = earshot_put(put->link, offer->to, put_offer_is_stream(offer) ? &stream : &file,
                             &offer->file, &offer->request);
    if (result == EARSHOT_OK) {
        offer->is_post = offer->request == 0;
        offer->name = cli_copy(offer->file.name);
        if (!put_offer_is_stream(offer) && file_is_renamed(offer->path, offer->name))
            cli_remark(put->options, "%s is called %s there", offer->path, offer->name);
        memcpy(offer->id, offer->file.id, sizeof offer->id);
    }
    return result;
}

static bool put_make(struct put *put, struct put_offer *offer) {
    unsigned long long n_max = 0;
    if (!put_has_descriptors(put, &n_max)) {
        put_refuse_rest(put, offer, n_max);
        return true;
    }
    int result = put_hand_over(put, offer);
    if (result == EARSHOT_AGAIN)
        return false;
    put->n_open++;
    offer->phase = PUT_ASKED;
    if (result != EARSHOT_OK)
        put_note_failure(put, put_fail_offer(put, offer, result));
    return true;
}

static void put_make_more(struct put *put) {
    for (size_t i = put->first_open; i < put->n_offers && !put->are_made; i++) {
        struct put_offer *offer = &put->offers[i];
        if (offer->phase == PUT_UNMADE && !put_make(put, offer))
            return; /* events must be taken first */
    }
    put->are_made = true;
    while (put->first_open < put->n_offers && put->offers[put->first_open].phase == PUT_CLOSED)
        put->first_open++;
}

static struct put_offer *put_find(struct put *put, const char *id, uint32_t request) {
    for (size_t i = put->first_open; i < put->n_offers; i++) {
        struct put_offer *offer = &put->offers[i];
        if (offer->phase == PUT_ASKED && request && offer->request == request)
            return offer;
        if (offer->phase != PUT_UNMADE && id && strcmp(offer->id, id) == 0)
            return offer;
    }
    return NULL;
}

/* Events. */

/* How many of the small files, or of the others, are in this phase. */
static size_t put_count(const struct put *put, enum put_phase phase, bool is_post) {
    size_t n = 0;
    for (size_t i = put->first_open; i < put->n_offers; i++)
        n += put->offers[i].phase == phase && put->offers[i].is_post == is_post;
    return n;
}

/* Whether all small files are stored, and as many offers stand as can stand at a time. */
static bool put_all_stand(const struct put *put) {
    return put->are_made && put_count(put, PUT_ASKED, true) == 0 &&
           (put_count(put, PUT_ASKED, false) == 0 ||
            put_count(put, PUT_OPEN, false) >= EARSHOT_STANDING_MAX);
}

static int put_take_answer(struct put *put, const struct earshot_event *event) {
    struct put_offer *offer = put_find(put, NULL, event->request);
    if (!offer)
        return CLI_DONE;
    if (event->type == EARSHOT_EVENT_FAILED) {
        put_close(put, offer);
        int code = cli_fail_event(put->options, event);
        if (code == CLI_NO_NAME)
            near_tell(put->options, offer->to);
        put_note_failure(put, code);
        return CLI_DONE;
    }
    offer->phase = PUT_OPEN;
    return put_tell_offered(put, offer);
}

/* A small file was refused. In a room others may still take it. */
static int put_take_refused_post(struct put *put, struct put_offer *offer,
                                 const struct earshot_transfer *transfer) {
    struct earshot_transfer refused = *transfer;
    if (offer->phase == PUT_CLOSED)
        return CLI_DONE;
    refused.name = offer->name;
    refused.size = offer->file.size;
    if (put_offer_is_room(offer))
        put_room_drop(&offer->room, transfer->peer);
    int code = put_tell(put, &refused, "message");
    put_close_if_taken(put, offer);
    return code;
}

static int put_take_transfer(struct put *put, const struct earshot_transfer *transfer) {
    struct put_offer *offer = put_find(put, transfer->id, 0);
    if (!offer)
        return CLI_DONE;
    if (offer->is_post)
        return put_take_refused_post(put, offer, transfer);
    bool is_end = transfer->state != EARSHOT_TRANSFER_RUNNING;
    bool is_room = transfer->peer[0] == '#'; /* nobody else will get it; some still may */
    bool has_run = transfer->state == EARSHOT_TRANSFER_DONE ||
                   (transfer->state == EARSHOT_TRANSFER_FAILED && offer->n_running > 0 && !is_room);
    offer->n_running += !is_end;
    offer->n_running -= has_run;
    if (is_room)
        put_room_free(&offer->room);
    else if (is_end && put_offer_is_room(offer))
        put_room_drop(&offer->room, transfer->peer);
    int code = put_tell(put, transfer, "shm");
    if (is_end)
        put_close_if_taken(put, offer);
    return code;
}

static int put_take_read(struct put *put, struct put_offer *offer, const char *by) {
    struct earshot_transfer done = offer->file;
    done.state = EARSHOT_TRANSFER_DONE;
    done.bytes = done.size;
    done.name = offer->name;
    done.peer = by;
    done.path = done.error = "";
    if (put_offer_is_room(offer))
        put_room_drop(&offer->room, by);
    int code = put_tell(put, &done, "message");
    put_close_if_taken(put, offer);
    return code;
}

/* How far a post is. Somebody may have it before the hub says that it is stored. */
static int put_take_state(struct put *put, const struct earshot_event *event) {
    struct put_offer *offer = put_find(put, event->state.id, 0);
    int code = CLI_DONE;
    if (!offer || !offer->is_post || offer->phase == PUT_CLOSED)
        return CLI_DONE;
    if (offer->phase == PUT_ASKED) {
        offer->phase = PUT_OPEN;
        code = put_tell_offered(put, offer);
    }
    if (code == CLI_DONE && event->state.state == EARSHOT_READ)
        code = put_take_read(put, offer, event->state.by);
    else if (put->options->no_wait)
        put_close(put, offer);
    return code;
}

static void put_take_refusal(struct put *put, const struct earshot_event *event) {
    struct put_offer *offer = put_find(put, event->failed.id, 0);
    if (!offer || offer->phase == PUT_CLOSED)
        return;
    put_close(put, offer);
    put_note_failure(put, near_fail_refused(put->options, event));
}

static int put_take(void *arg, const struct earshot_event *event) {
    struct put *put = arg;
    switch (event->type) {
    case EARSHOT_EVENT_STATE:
        return put_take_state(put, event);
    case EARSHOT_EVENT_REFUSED:
        put_take_refusal(put, event);
        return CLI_DONE;
    case EARSHOT_EVENT_DONE:
    case EARSHOT_EVENT_FAILED:
        return put_take_answer(put, event);
    case EARSHOT_EVENT_TRANSFER:
        return put_take_transfer(put, &event->transfer);
    case EARSHOT_EVENT_SKIPPED:
        return put_tell_skipped(put, event);
    case EARSHOT_EVENT_LOST:
    case EARSHOT_EVENT_SHUT_OUT:
    case EARSHOT_EVENT_BACK:
        progress_clear(&put->progress);
        cli_tell_hub(put->options, event,
                     "what is under way goes on, and the offers are made again when it is back");
        return CLI_DONE;
    default:
        return CLI_DONE;
    }
}

/* Takes the events that have come: they tell what is left out of the offers that stand. */
static int put_take_known(struct put *put) {
    struct earshot_event event;
    int code = CLI_DONE;
    while (code == CLI_DONE && earshot_next(put->link, &event, 0) == EARSHOT_OK)
        code = put_take(put, &event);
    return code;
}

/* The shell goes on, so from here on nobody hears of errors. */
static int put_let_go(struct put *put) {
    int code = put_take_known(put);
    if (code != CLI_DONE)
        return code;
    size_t n_later = put_count(put, PUT_ASKED, false);
    if (n_later > 0)
        cli_remark(put->options,
                   "%zu are offered now, %zu more as these are taken; process %d sees to it",
                   put_count(put, PUT_OPEN, false), n_later, (int)getpid());
    background_let_go(put->code);
    put->in_background = false;
    return CLI_DONE;
}

static unsigned put_n_running(const struct put *put) {
    unsigned n = 0;
    for (size_t i = put->first_open; i < put->n_offers; i++)
        n += put->offers[i].n_running;
    return n;
}

static int put_cancel_all(struct put *put) {
    progress_clear(&put->progress);
    for (size_t i = put->first_open; i < put->n_offers; i++)
        if (put->offers[i].phase == PUT_ASKED || put->offers[i].phase == PUT_OPEN)
            earshot_cancel(put->link, put->offers[i].id);
    if (cli_interrupted())
        return cli_interrupted();
    put_note_failure(put, cli_fail(put->options, FAIL_TIMED_OUT,
                                   "not everything was taken within %g s; offer it again, or allow "
                                   "more with --timeout",
                                   cli_limit_seconds()));
    return put->code;
}

/* "bob and 2 others to take big.iso and 1 more"; the caller frees it. */
static char *put_wait_text(const struct put *put, const struct put_offer *first) {
    size_t n_others = 0, n_more = 0;
    char others[40] = "", more[40] = "", *text = NULL;
    for (size_t i = put->first_open; i < put->n_offers; i++) {
        const struct put_offer *offer = &put->offers[i];
        if (offer == first || offer->phase != PUT_OPEN)
            continue;
        n_others += strcmp(offer->path, first->path) == 0;
        n_more += strcmp(offer->to, first->to) == 0;
    }
    if (n_others > 0)
        snprintf(others, sizeof others, " and %zu other%s", n_others, n_others == 1 ? "" : "s");
    if (n_more > 0)
        snprintf(more, sizeof more, " and %zu more", n_more);
    if (asprintf(&text, "%s%s%s to take %s%s", first->to,
                 near_presence_text(put->options, first->to), others, first->name, more) < 0)
        return cli_copy(first->to);
    return text;
}

/* Once, to a person: why nothing happens. */
static void put_tell_wait(struct put *put) {
    const struct put_offer *first = NULL;
    if (put->is_wait_told || put->options->no_wait || !cli_has_reader(put->options) ||
        !put_all_stand(put) || put_n_running(put) > 0)
        return;
    for (size_t i = put->first_open; i < put->n_offers && !first; i++)
        if (put->offers[i].phase == PUT_OPEN)
            first = &put->offers[i];
    if (!first)
        return;
    put->is_wait_told = true;
    CLEANUP_FREE char *whom = put_wait_text(put, first);
    if (put_offer_is_stream(first))
        cli_remark(
            put->options,
            "waiting for %s (earshot pipe --from %s, or earshot get --stdout); Ctrl-C ends it",
            whom, put->self);
    else
        cli_remark(put->options,
                   "waiting for %s (earshot get, or /get in the window); Ctrl-C ends it", whom);
}

static int put_follow(struct put *put) {
    int code = CLI_DONE;
    while (code == CLI_DONE) {
        put_make_more(put);
        if (put->in_background && put_all_stand(put))
            code = put_let_go(put);
        if (code != CLI_DONE)
            return code;
        if (put->first_open == put->n_offers)
            return CLI_DONE;
        if (put->n_open == 0 && put->offers[put->first_open].phase != PUT_UNMADE)
            continue;
        if (cli_interrupted() || cli_limit_passed())
            return put_cancel_all(put);
        put_tell_wait(put);
        progress_tick(&put->progress);
        code =
            cli_take_next(put->link, put->options,
                          progress_timeout(&put->progress, put_n_running(put) > 0), put_take, put);
    }
    return code;
}

/* What is to be offered. */

static bool put_can_read_input(void) {
    int flags = fcntl(STDIN_FILENO, F_GETFL);
    return flags >= 0 && (flags & O_ACCMODE) != O_WRONLY;
}

static int put_check(const struct cli_options *options, size_t n_to, int n_paths, char **paths) {
    for (int i = 0; i < n_paths; i++) {
        if (strcmp(paths[i], "-") != 0)
            continue;
        if (n_to > 1 || n_paths > 1)
            return cli_fail(options, OUTCOME_USAGE,
                            "standard input can be read once: give one recipient and no other "
                            "PATH; tee(1) can make a file of it");
        if (options->no_wait)
            return cli_fail(options, OUTCOME_USAGE,
                            "standard input is read as it is taken; leave out --no-wait");
        if (!put_can_read_input())
            return cli_fail(options, OUTCOME_FILE, "cannot read standard input: %s",
                            strerror(EBADF));
    }
    return CLI_DONE;
}

static int put_prepare(struct put *put, const struct words_list *to, int n_paths, char **paths) {
    int code = CLI_DONE;
    put->offers = cli_allocate(to->n * (size_t)n_paths * sizeof *put->offers);
    for (size_t i = 0; code == CLI_DONE && i < to->n; i++) {
        for (int j = 0; code == CLI_DONE && j < n_paths; j++) {
            struct put_offer *offer = &put->offers[put->n_offers++];
            *offer = (struct put_offer){.to = to->words[i], .path = paths[j]};
            if (put_offer_is_room(offer))
                code = put_room_ask(&offer->room, put->options, put->link, to->words[i], put->self);
        }
    }
    return code;
}

static void put_offer_free(struct put_offer *offer) {
    put_room_free(&offer->room);
    free(offer->name);
}

static int put_run(struct put *put, const struct words_list *to, int n_paths, char **paths) {
    struct earshot_hub_info hub;
    int code = cli_open(&put->link, put->options, put->in_background ? 0 : EARSHOT_RECONNECT);
    if (code != CLI_DONE)
        return code;
    earshot_hub(put->link, &hub);
    snprintf(put->self, sizeof put->self, "%s", hub.handle);
    progress_init(&put->progress, put->options, put->link, put->self);
    code = put_prepare(put, to, n_paths, paths);
    cli_limit_start(put->options->timeout_ms);
    if (code == CLI_DONE)
        code = put_follow(put);
    progress_free(&put->progress);
    earshot_close(put->link);
    for (size_t i = 0; i < put->n_offers; i++)
        put_offer_free(&put->offers[i]);
    free(put->offers);
    return code != CLI_DONE ? code : put->code;
}

int put_all(const struct cli_options *options, const char *list, int n_paths, char **paths,
            const char *stream_name) {
    struct put put = {.options = options, .stream_name = stream_name};
    struct words_list to;
    int code = words_split_names(&to, options, list, true);
    if (code == CLI_DONE)
        code = put_check(options, to.n, n_paths, paths);
    bool is_parent = false;
    put_raise_limit();
    if (code == CLI_DONE && options->no_wait) {
        code = background_begin(options, &is_parent);
        put.in_background = true;
    }
    if (code == CLI_DONE && !is_parent) {
        code = put_run(&put, &to, n_paths, paths);
        if (put.in_background)
            background_let_go(code);
    }
    words_list_free(&to);
    return code;
}

int cli_put(const struct cli_options *options, int n_words, char **words) {
    return put_all(options, words[0], n_words - 1, words + 1, "stdin");
}
