/*
 * `put`: an offer is one path for one recipient, a handle or a room. A few are open at a time, so
 * that neither the hub's limit for one user nor the number of open files is reached.
 */
#include "cli/put.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/background.h"
#include "cli/command.h"
#include "cli/interrupt.h"
#include "cli/json.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/put_room.h"
#include "cli/report.h"
#include "cli/words.h"

#define OPEN_MAX_OFFERS 32
#define AT(member) offsetof(struct cli_options, member)

const struct cli_option cli_put_options[] = {
    {"no-wait", 0, CLI_FLAG, AT(no_wait), NULL, "offer in the background; do not wait", NULL, 0},
    {"progress", 0, CLI_CHOICE, AT(progress), "auto|none|json", "how far it is, on standard error",
     progress_choices, 0},
    {0},
};

enum offer_phase { OFFER_UNMADE, OFFER_ASKED, OFFER_OPEN, OFFER_CLOSED };

struct offer {
    const char *to, *path;
    enum offer_phase phase;
    uint32_t request;
    char id[EARSHOT_ID_SIZE];
    struct earshot_transfer post; /* a small file, sent as a message */
    char *post_name;              /* NULL: it is no post */
    struct put_room room;         /* of a room: who has not taken it yet */
    unsigned n_running;
};

struct put {
    const struct cli_options *options;
    const char *stream_name;
    earshot *link;
    char self[256];
    struct progress progress;
    struct offer *offers;
    size_t n_offers, first_open, n_open; /* every offer before first_open is closed */
    bool in_background;                  /* and somebody waits until all offers stand */
    int code;                            /* of the first that failed */
};

static bool is_room(const struct offer *offer) {
    return offer->to[0] == '#';
}

static bool is_stream(const struct offer *offer) {
    return strcmp(offer->path, "-") == 0;
}

static void note_failure(struct put *put, int code) {
    if (put->code == CLI_DONE)
        put->code = code;
}

static void close_offer(struct put *put, struct offer *offer) {
    if (offer->phase == OFFER_OPEN && is_room(offer) && !offer->post_name)
        earshot_cancel(put->link, offer->id); /* it would stay open for those who come later */
    offer->phase = OFFER_CLOSED;
    put->n_open--;
}

/* Telling. */

static int print_json(struct put *put, const struct cli_file *file) {
    if (!put->options->json)
        return CLI_DONE;
    json_file(stdout, file);
    return cli_flush();
}

static int tell_posted(struct put *put, const struct offer *offer) {
    struct cli_file file = file_of(&offer->post, put->self);
    file.state = FILE_OFFERED;
    file.name = offer->post_name;
    file.to = offer->to;
    file.path = file.xxh3 = file.error = "";
    file.via = "message";
    return print_json(put, &file);
}

static int tell_offered(struct put *put, const struct offer *offer) {
    struct cli_file file = {
        .id = offer->id,
        .state = FILE_OFFERED,
        .name = is_stream(offer) ? put->stream_name : offer->path,
        .size = EARSHOT_SIZE_UNKNOWN,
        .from = put->self,
        .to = offer->to,
        .path = "",
        .xxh3 = "",
        .via = "shm",
        .error = "",
    };
    struct earshot_transfer known;
    if (earshot_offered(put->link, offer->id, &known) == EARSHOT_OK) {
        file.name = known.name;
        file.size = known.size;
    }
    return print_json(put, &file);
}

static int tell(struct put *put, const struct earshot_transfer *transfer, const char *via) {
    struct cli_file file = file_of(transfer, put->self);
    file.via = via;
    char size[FILE_SIZE_TEXT];
    progress_clear(&put->progress);
    int code = print_json(put, &file);
    file_size_text(transfer->bytes, size);
    if (transfer->state == EARSHOT_TRANSFER_DONE && !put->options->json)
        cli_remark(put->options, "%s has %s (%s%s)", transfer->peer, transfer->name, size,
                   transfer->resumed ? ", resumed" : "");
    if (transfer->state == EARSHOT_TRANSFER_DECLINED)
        note_failure(put, cli_fail(put->options, CLI_FAILED, "declined", "%s does not want %s%s%s",
                                   transfer->peer, transfer->name, *transfer->error ? ": " : "",
                                   transfer->error));
    if (transfer->state == EARSHOT_TRANSFER_FAILED)
        note_failure(put, cli_fail(put->options, CLI_FAILED, "transfer", "%s for %s: %s",
                                   transfer->name, transfer->peer, transfer->error));
    return code;
}

/* Making offers. */

static int file_exit_code(int error) {
    return error == EACCES || error == EPERM ? CLI_NOT_PERMITTED : CLI_DATA;
}

static int fail_offer(struct put *put, struct offer *offer, int result) {
    close_offer(put, offer);
    if (result < 0 && result != -EINTR && result != -ENOMEM)
        return cli_fail(put->options, file_exit_code(-result), "file", "cannot read \"%s\": %s",
                        offer->path, strerror(-result));
    if (result == EARSHOT_REFUSED)
        return cli_fail(put->options, CLI_DATA, "file", "%s", earshot_error(put->link));
    return cli_fail_link(put->options, put->link, result);
}

/* EARSHOT_LIMIT: it is no small file. */
static int post(struct put *put, struct offer *offer) {
    int result = earshot_post(put->link, offer->to, offer->path, &offer->post);
    if (result == EARSHOT_OK) {
        offer->post_name = cli_copy(offer->post.name);
        memcpy(offer->id, offer->post.id, sizeof offer->id);
    }
    return result;
}

static void make_offer(struct put *put, struct offer *offer) {
    struct earshot_source source = {.path = offer->path};
    if (is_stream(offer))
        source =
            (struct earshot_source){.path = NULL, .fd = STDIN_FILENO, .name = put->stream_name};
    int result = is_stream(offer) ? EARSHOT_LIMIT : post(put, offer);
    if (result == EARSHOT_AGAIN)
        return; /* events must be taken first */
    if (result == EARSHOT_LIMIT)
        result = earshot_offer(put->link, offer->to, &source, offer->id, &offer->request);
    put->n_open++;
    offer->phase = OFFER_ASKED;
    if (result != EARSHOT_OK)
        note_failure(put, fail_offer(put, offer, result));
}

static void make_more(struct put *put) {
    for (size_t i = put->first_open; i < put->n_offers && put->n_open < OPEN_MAX_OFFERS; i++) {
        struct offer *offer = &put->offers[i];
        if (offer->phase == OFFER_UNMADE)
            make_offer(put, offer);
        if (i == put->first_open && offer->phase == OFFER_CLOSED)
            put->first_open++;
    }
}

static struct offer *offer_of(struct put *put, const char *id, uint32_t request) {
    for (size_t i = put->first_open; i < put->n_offers; i++) {
        struct offer *offer = &put->offers[i];
        if (offer->phase == OFFER_ASKED && request && offer->request == request)
            return offer;
        if (offer->phase != OFFER_UNMADE && id && strcmp(offer->id, id) == 0)
            return offer;
    }
    return NULL;
}

/* Events. */

static bool all_are_made(const struct put *put) {
    for (size_t i = put->first_open; i < put->n_offers; i++)
        if (put->offers[i].phase < OFFER_OPEN)
            return false;
    return true;
}

static int take_answer(struct put *put, const struct earshot_event *event) {
    struct offer *offer = offer_of(put, NULL, event->request);
    if (!offer)
        return CLI_DONE;
    if (event->type == EARSHOT_EVENT_FAILED) {
        close_offer(put, offer);
        note_failure(put, cli_fail_event(put->options, event));
        return CLI_DONE;
    }
    offer->phase = OFFER_OPEN;
    return tell_offered(put, offer);
}

static int take_transfer(struct put *put, const struct earshot_transfer *transfer) {
    struct offer *offer = offer_of(put, transfer->id, 0);
    if (!offer)
        return CLI_DONE;
    bool is_end = transfer->state != EARSHOT_TRANSFER_RUNNING;
    bool has_run = transfer->state == EARSHOT_TRANSFER_DONE ||
                   (transfer->state == EARSHOT_TRANSFER_FAILED && offer->n_running > 0);
    offer->n_running += !is_end;
    offer->n_running -= has_run;
    if (is_end && is_room(offer))
        put_room_drop(&offer->room, transfer->peer);
    int code = tell(put, transfer, "shm");
    if (is_end && (!is_room(offer) || (put_room_is_done(&offer->room) && offer->n_running == 0)))
        close_offer(put, offer);
    return code;
}

static int take_read(struct put *put, struct offer *offer, const char *by) {
    struct earshot_transfer done = offer->post;
    done.state = EARSHOT_TRANSFER_DONE;
    done.bytes = done.size;
    done.name = offer->post_name;
    done.peer = by;
    done.path = done.error = "";
    if (is_room(offer))
        put_room_drop(&offer->room, by);
    int code = tell(put, &done, "message");
    if (!is_room(offer) || put_room_is_done(&offer->room))
        close_offer(put, offer);
    return code;
}

/* How far a post is. Somebody may have it before the hub says that it is stored. */
static int take_state(struct put *put, const struct earshot_event *event) {
    struct offer *offer = offer_of(put, event->state.id, 0);
    int code = CLI_DONE;
    if (!offer || !offer->post_name || offer->phase == OFFER_CLOSED)
        return CLI_DONE;
    if (offer->phase == OFFER_ASKED) {
        offer->phase = OFFER_OPEN;
        code = tell_posted(put, offer);
    }
    if (code == CLI_DONE && event->state.state == EARSHOT_READ)
        code = take_read(put, offer, event->state.by);
    else if (put->options->no_wait)
        close_offer(put, offer);
    return code;
}

static void take_refusal(struct put *put, const struct earshot_event *event) {
    struct offer *offer = offer_of(put, event->failed.id, 0);
    if (!offer || offer->phase == OFFER_CLOSED)
        return;
    close_offer(put, offer);
    note_failure(put, cli_fail_event(put->options, event));
}

static int take(struct put *put, const struct earshot_event *event) {
    switch (event->type) {
    case EARSHOT_EVENT_STATE:
        return take_state(put, event);
    case EARSHOT_EVENT_REFUSED:
        take_refusal(put, event);
        return CLI_DONE;
    case EARSHOT_EVENT_DONE:
    case EARSHOT_EVENT_FAILED:
        return take_answer(put, event);
    case EARSHOT_EVENT_TRANSFER:
        return take_transfer(put, &event->transfer);
    case EARSHOT_EVENT_LOST:
        progress_clear(&put->progress);
        cli_remark(put->options, "the hub is gone; what is under way goes on");
        return CLI_DONE;
    case EARSHOT_EVENT_BACK:
        cli_remark(put->options, "the hub is back");
        return CLI_DONE;
    default:
        return CLI_DONE;
    }
}

static unsigned n_running(const struct put *put) {
    unsigned n = 0;
    for (size_t i = put->first_open; i < put->n_offers; i++)
        n += put->offers[i].n_running;
    return n;
}

static int cancel_all(struct put *put) {
    progress_clear(&put->progress);
    for (size_t i = put->first_open; i < put->n_offers; i++)
        if (put->offers[i].phase == OFFER_ASKED || put->offers[i].phase == OFFER_OPEN)
            earshot_cancel(put->link, put->offers[i].id);
    if (cli_interrupted())
        return cli_interrupted();
    return cli_fail(put->options, CLI_TRY_AGAIN, "timed-out",
                    "not everything was taken within %g s; offer it again, or allow more with "
                    "--timeout",
                    cli_limit_seconds());
}

static int follow(struct put *put) {
    struct earshot_event event;
    int code = CLI_DONE;
    while (code == CLI_DONE) {
        make_more(put);
        if (put->in_background && all_are_made(put)) {
            background_let_go(put->code);
            put->in_background = false;
        }
        if (put->first_open == put->n_offers)
            return CLI_DONE;
        if (put->n_open == 0 && put->offers[put->first_open].phase != OFFER_UNMADE)
            continue;
        if (cli_interrupted() || cli_limit_passed())
            return cancel_all(put);
        progress_tick(&put->progress);
        int result =
            earshot_next(put->link, &event, progress_timeout(&put->progress, n_running(put) > 0));
        if (result == EARSHOT_OK)
            code = take(put, &event);
        else if (result != EARSHOT_AGAIN && result != -EINTR)
            code = cli_fail_link(put->options, put->link, result);
    }
    return code;
}

/* What is to be offered. */

static int check(const struct cli_options *options, int n_to, int n_paths, char **paths) {
    for (int i = 0; i < n_paths; i++) {
        if (strcmp(paths[i], "-") != 0)
            continue;
        if (n_to > 1 || n_paths > 1)
            return cli_fail(options, CLI_USAGE, "usage",
                            "standard input can be read once: give one recipient and no other "
                            "PATH; tee(1) can make a file of it");
        if (options->no_wait)
            return cli_fail(options, CLI_USAGE, "usage",
                            "standard input is read as it is taken; leave --no-wait away");
    }
    return CLI_DONE;
}

static int prepare(struct put *put, char **names, int n_names, int n_paths, char **paths) {
    int code = CLI_DONE;
    put->offers = cli_allocate((size_t)n_names * (size_t)n_paths * sizeof *put->offers);
    for (int i = 0; code == CLI_DONE && i < n_names; i++) {
        for (int j = 0; code == CLI_DONE && j < n_paths; j++) {
            struct offer *offer = &put->offers[put->n_offers++];
            *offer = (struct offer){.to = names[i], .path = paths[j]};
            if (is_room(offer))
                code = put_room_ask(&offer->room, put->options, put->link, names[i], put->self);
        }
    }
    return code;
}

static void free_offer(struct offer *offer) {
    put_room_free(&offer->room);
    free(offer->post_name);
}

static int run(struct put *put, char **names, int n_names, int n_paths, char **paths) {
    struct earshot_hub_info hub;
    int code = cli_open(&put->link, put->options, put->in_background ? 0 : EARSHOT_RECONNECT);
    if (code != CLI_DONE)
        return code;
    earshot_hub(put->link, &hub);
    snprintf(put->self, sizeof put->self, "%s", hub.handle);
    progress_init(&put->progress, put->options, put->link, put->self);
    code = prepare(put, names, n_names, n_paths, paths);
    cli_limit_start(put->options->timeout_ms);
    if (code == CLI_DONE)
        code = follow(put);
    progress_free(&put->progress);
    earshot_close(put->link);
    for (size_t i = 0; i < put->n_offers; i++)
        free_offer(&put->offers[i]);
    free(put->offers);
    return code != CLI_DONE ? code : put->code;
}

int put_all(const struct cli_options *options, const char *list, int n_paths, char **paths,
            const char *stream_name) {
    struct put put = {.options = options, .stream_name = stream_name};
    char *copy = cli_copy(list), *rest = copy, *name, **names = NULL;
    size_t n_names = 0;
    int code = CLI_DONE;
    while (code == CLI_DONE && (name = strsep(&rest, ","))) {
        code = words_check_name(options, name);
        names = cli_grow(names, n_names, sizeof *names);
        names[n_names++] = name;
    }
    if (code == CLI_DONE)
        code = check(options, (int)n_names, n_paths, paths);
    bool is_parent = false;
    if (code == CLI_DONE && options->no_wait) {
        code = background_begin(options, &is_parent);
        put.in_background = true;
    }
    if (code == CLI_DONE && !is_parent) {
        code = run(&put, names, (int)n_names, n_paths, paths);
        if (put.in_background)
            background_let_go(code);
    }
    free(names);
    free(copy);
    return code;
}

int cli_put(const struct cli_options *options, int n_words, char **words) {
    return put_all(options, words[0], n_words - 1, words + 1, "stdin");
}
