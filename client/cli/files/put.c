/*
 * `put`: an offer is one path for one recipient, a handle or a room. All are made at once, so that
 * what goes over is what was named; of those that are no small files the library tells the hub a
 * few at a time.
 */
#include "cli/files/put.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/files/background.h"
#include "cli/files/put_inside.h"
#include "cli/interrupt.h"
#include "cli/near.h"
#include "cli/records.h"
#include "cli/report.h"
#include "cli/words.h"

#define AT(member) offsetof(struct cli_options, member)

const struct cli_option cli_put_options[] = {
    {"no-wait", 0, CLI_FLAG, AT(no_wait), NULL, "offer in the background; do not wait", NULL, 0},
    {"progress", 0, CLI_CHOICE, AT(progress), "auto|none|json", "how far it is, on standard error",
     progress_choices, 0},
    {0},
};

static void make_more(struct put *put) {
    for (size_t i = put->first_open; i < put->n_offers && !put->are_made; i++) {
        struct offer *offer = &put->offers[i];
        if (offer->phase == OFFER_UNMADE && !put_make(put, offer))
            return; /* events must be taken first */
    }
    put->are_made = true;
    for (size_t i = put->first_open; i < put->n_offers; i++) {
        struct offer *offer = &put->offers[i];
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

/* Of those of one kind that are in this phase: small files, or others. */
static size_t count_kind(const struct put *put, enum offer_phase phase, bool is_post) {
    size_t n = 0;
    for (size_t i = put->first_open; i < put->n_offers; i++)
        n += put->offers[i].phase == phase && (put->offers[i].post_name != NULL) == is_post;
    return n;
}

/* Whether all small files are stored, and as many offers stand as can stand at a time. */
static bool all_stand(const struct put *put) {
    return put->are_made && count_kind(put, OFFER_ASKED, true) == 0 &&
           (count_kind(put, OFFER_ASKED, false) == 0 ||
            count_kind(put, OFFER_OPEN, false) >= EARSHOT_STANDING_MAX);
}

static int take_answer(struct put *put, const struct earshot_event *event) {
    struct offer *offer = offer_of(put, NULL, event->request);
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
    offer->phase = OFFER_OPEN;
    return put_tell_offered(put, offer);
}

/* Nobody of the recipient wants a small file: of a room others still may. */
static int take_refused_post(struct put *put, struct offer *offer,
                             const struct earshot_transfer *transfer) {
    struct earshot_transfer refused = *transfer;
    if (offer->phase == OFFER_CLOSED)
        return CLI_DONE;
    refused.name = offer->post_name;
    refused.size = offer->post.size;
    if (offer_is_room(offer))
        put_room_drop(&offer->room, transfer->peer);
    int code = put_tell(put, &refused, "message");
    if (!offer_is_room(offer) || put_room_is_done(&offer->room))
        put_close(put, offer);
    return code;
}

static int take_transfer(struct put *put, const struct earshot_transfer *transfer) {
    struct offer *offer = offer_of(put, transfer->id, 0);
    if (!offer)
        return CLI_DONE;
    if (offer->post_name)
        return take_refused_post(put, offer, transfer);
    bool is_end = transfer->state != EARSHOT_TRANSFER_RUNNING;
    bool is_room = transfer->peer[0] == '#'; /* nobody else will get it; some still may */
    bool has_run = transfer->state == EARSHOT_TRANSFER_DONE ||
                   (transfer->state == EARSHOT_TRANSFER_FAILED && offer->n_running > 0 && !is_room);
    offer->n_running += !is_end;
    offer->n_running -= has_run;
    if (is_room)
        put_room_free(&offer->room);
    else if (is_end && offer_is_room(offer))
        put_room_drop(&offer->room, transfer->peer);
    int code = put_tell(put, transfer, "shm");
    if (is_end &&
        (!offer_is_room(offer) || (put_room_is_done(&offer->room) && offer->n_running == 0)))
        put_close(put, offer);
    return code;
}

static int take_read(struct put *put, struct offer *offer, const char *by) {
    struct earshot_transfer done = offer->post;
    done.state = EARSHOT_TRANSFER_DONE;
    done.bytes = done.size;
    done.name = offer->post_name;
    done.peer = by;
    done.path = done.error = "";
    if (offer_is_room(offer))
        put_room_drop(&offer->room, by);
    int code = put_tell(put, &done, "message");
    if (!offer_is_room(offer) || put_room_is_done(&offer->room))
        put_close(put, offer);
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
        code = put_tell_offered(put, offer);
    }
    if (code == CLI_DONE && event->state.state == EARSHOT_READ)
        code = take_read(put, offer, event->state.by);
    else if (put->options->no_wait)
        put_close(put, offer);
    return code;
}

static void take_refusal(struct put *put, const struct earshot_event *event) {
    struct offer *offer = offer_of(put, event->failed.id, 0);
    if (!offer || offer->phase == OFFER_CLOSED)
        return;
    put_close(put, offer);
    put_note_failure(put, near_fail_refused(put->options, event));
}

static int put_take(struct put *put, const struct earshot_event *event) {
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
    case EARSHOT_EVENT_SKIPPED:
        return put_tell_skipped(put, event);
    case EARSHOT_EVENT_LOST:
        progress_clear(&put->progress);
        cli_tell_lost(put->options, event,
                      "what is under way goes on, and the offers are made again when it is back");
        return CLI_DONE;
    case EARSHOT_EVENT_BACK:
        cli_remark(put->options, "the hub is back");
        return CLI_DONE;
    default:
        return CLI_DONE;
    }
}

/* What is known of the offers that stand: what is left out of them. */
static int take_known(struct put *put) {
    struct earshot_event event;
    int code = CLI_DONE;
    while (code == CLI_DONE && earshot_next(put->link, &event, 0) == EARSHOT_OK)
        code = put_take(put, &event);
    return code;
}

/* From here on nobody hears of errors; what is known of the later offers was told. */
static int let_go(struct put *put) {
    int code = take_known(put);
    if (code != CLI_DONE)
        return code;
    size_t n_later = count_kind(put, OFFER_ASKED, false);
    if (n_later > 0)
        cli_remark(put->options,
                   "%zu are offered now, %zu more as these are taken; process %d sees to it",
                   count_kind(put, OFFER_OPEN, false), n_later, (int)getpid());
    background_let_go(put->code);
    put->in_background = false;
    return CLI_DONE;
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
    put_note_failure(put, cli_fail(put->options, CLI_TRY_AGAIN, "timed-out",
                                   "not everything was taken within %g s; offer it again, or allow "
                                   "more with --timeout",
                                   cli_limit_seconds()));
    return put->code;
}

static int follow(struct put *put) {
    struct earshot_event event;
    int code = CLI_DONE;
    while (code == CLI_DONE) {
        make_more(put);
        if (put->in_background && all_stand(put))
            code = let_go(put);
        if (code != CLI_DONE)
            return code;
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
            code = put_take(put, &event);
        else if (result != EARSHOT_AGAIN && result != -EINTR)
            code = cli_fail_link(put->options, put->link, result);
    }
    return code;
}

/* What is to be offered. */

static bool can_read_input(void) {
    int flags = fcntl(STDIN_FILENO, F_GETFL);
    return flags >= 0 && (flags & O_ACCMODE) != O_WRONLY;
}

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
        if (!can_read_input())
            return cli_fail(options, CLI_DATA, "file", "cannot read standard input: %s",
                            strerror(EBADF));
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
            if (offer_is_room(offer))
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

static bool is_named(char **names, size_t n_names, const char *name) {
    for (size_t i = 0; i < n_names; i++)
        if (words_same_name(names[i], name))
            return true;
    return false;
}

/* Each recipient once. */
static int split(const struct cli_options *options, char *list, char ***names, size_t *n_names) {
    char *name;
    int code = CLI_DONE;
    while (code == CLI_DONE && (name = strsep(&list, ","))) {
        code = words_check_name(options, name);
        if (is_named(*names, *n_names, name))
            continue;
        *names = cli_grow(*names, *n_names, sizeof **names);
        (*names)[(*n_names)++] = name;
    }
    return code;
}

int put_all(const struct cli_options *options, const char *list, int n_paths, char **paths,
            const char *stream_name) {
    struct put put = {.options = options, .stream_name = stream_name};
    char *copy = cli_copy(list), **names = NULL;
    size_t n_names = 0;
    int code = split(options, copy, &names, &n_names);
    if (code == CLI_DONE)
        code = check(options, (int)n_names, n_paths, paths);
    bool is_parent = false;
    put_raise_limit();
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
