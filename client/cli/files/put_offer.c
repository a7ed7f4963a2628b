/* One path for one recipient: how it is offered, and what is said about it. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/files/put_inside.h"
#include "cli/interrupt.h"
#include "cli/json.h"
#include "cli/output.h"
#include "cli/report.h"

#define TRANSFER_FDS 2 /* a second descriptor of the file, and one of the other process */
#define SPARE_FDS 8

bool offer_is_room(const struct offer *offer) {
    return offer->to[0] == '#';
}

bool offer_is_stream(const struct offer *offer) {
    return strcmp(offer->path, "-") == 0;
}

void put_note_failure(struct put *put, int code) {
    if (put->code == CLI_DONE)
        put->code = code;
}

void put_close(struct put *put, struct offer *offer) {
    if (offer->phase == OFFER_OPEN && offer_is_room(offer) && !offer->post_name)
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

int put_tell_offered(struct put *put, const struct offer *offer) {
    if (offer->post_name)
        return tell_posted(put, offer);
    struct cli_file file = {
        .id = offer->id,
        .state = FILE_OFFERED,
        .name = offer_is_stream(offer) ? put->stream_name : offer->path,
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

int put_tell(struct put *put, const struct earshot_transfer *transfer, const char *via) {
    struct cli_file file = file_of(transfer, put->self);
    file.via = via;
    char size[SIZE_TEXT], change[FILE_CHANGE_TEXT];
    progress_clear(&put->progress);
    int code = print_json(put, &file);
    file_size_text(transfer->bytes, size);
    file_change_text(transfer, change);
    if (transfer->state == EARSHOT_TRANSFER_DONE && !put->options->json)
        cli_remark(put->options, "%s has %s (%s%s)%s", transfer->peer, transfer->name, size,
                   transfer->resumed ? ", resumed" : "", change);
    if (transfer->state == EARSHOT_TRANSFER_DECLINED)
        put_note_failure(put, cli_fail(put->options, CLI_FAILED, "declined",
                                       "%s does not want %s%s%s", transfer->peer, transfer->name,
                                       *transfer->error ? ": " : "", transfer->error));
    if (transfer->state == EARSHOT_TRANSFER_FAILED)
        put_note_failure(put, cli_fail(put->options, CLI_FAILED, "transfer", "%s for %s: %s",
                                       transfer->name, transfer->peer, transfer->error));
    return code;
}

/* What stands in a directory, but is nothing that could be sent, is only remarked on. */
static bool is_failure(enum earshot_skip why) {
    return why != EARSHOT_SKIP_SPECIAL && why != EARSHOT_SKIP_VANISHED;
}

int put_tell_skipped(struct put *put, const struct earshot_event *event) {
    char text[FILE_SKIP_TEXT];
    progress_clear(&put->progress);
    file_skip_text(event, text);
    if (put->options->json)
        json_skipped(event, file_skip_word(event->skipped.why));
    if (is_failure(event->skipped.why))
        put_note_failure(put, cli_fail(put->options, CLI_FAILED, "skipped", "%s", text));
    else
        cli_remark(put->options, "%s", text);
    return put->options->json ? cli_flush() : CLI_DONE;
}

/* Making offers. */

static bool is_limit(int error) {
    return error == EMFILE || error == ENFILE;
}

static int file_exit_code(int error) {
    if (is_limit(error))
        return CLI_TRY_AGAIN;
    return error == EACCES || error == EPERM ? CLI_NOT_PERMITTED : CLI_DATA;
}

static bool is_pipe(const char *path) {
    struct stat status;
    return stat(path, &status) == 0 && S_ISFIFO(status.st_mode);
}

static int fail_offer(struct put *put, struct offer *offer, int result) {
    put_close(put, offer);
    if (result == -EINTR && !cli_interrupted() && is_pipe(offer->path))
        return cli_fail(put->options, CLI_TRY_AGAIN, "timed-out",
                        "nobody opened the pipe \"%s\" to write into it within %g s", offer->path,
                        cli_limit_seconds());
    if (result < 0 && result != -EINTR && result != -ENOMEM)
        return cli_fail(put->options, file_exit_code(-result), "file", "cannot read \"%s\": %s%s",
                        offer->path, strerror(-result),
                        is_limit(-result) ? "; each offer needs one, see `ulimit -n`" : "");
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

void put_raise_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

/* Whether one more leaves enough for the transfers of those that stand, and for what else is open
 * for a moment. */
static bool has_descriptors(const struct put *put, unsigned long long *n_max) {
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

/* This one, and all behind it. */
static void refuse_rest(struct put *put, struct offer *first, unsigned long long n_max) {
    size_t n = 0;
    for (struct offer *offer = first; offer < put->offers + put->n_offers; offer++) {
        offer->phase = OFFER_CLOSED;
        n++;
    }
    put_note_failure(put, cli_fail(put->options, CLI_TRY_AGAIN, "limit",
                                   "%zu are not offered, \"%s\" and what follows: each offer needs "
                                   "an open file, and %llu may be open here (ulimit -n); raise "
                                   "that, or offer a directory that has them in it",
                                   n, first->path, n_max));
}

static int put_hand_over(struct put *put, struct offer *offer) {
    struct earshot_source source = {.path = offer->path};
    if (offer_is_stream(offer))
        source =
            (struct earshot_source){.path = NULL, .fd = STDIN_FILENO, .name = put->stream_name};
    int result = offer_is_stream(offer) ? EARSHOT_LIMIT : post(put, offer);
    if (result == EARSHOT_LIMIT)
        result = earshot_offer(put->link, offer->to, &source, offer->id, &offer->request);
    return result;
}

bool put_make(struct put *put, struct offer *offer) {
    unsigned long long n_max = 0;
    if (!has_descriptors(put, &n_max)) {
        refuse_rest(put, offer, n_max);
        return true;
    }
    int result = put_hand_over(put, offer);
    if (result == EARSHOT_AGAIN)
        return false;
    put->n_open++;
    offer->phase = OFFER_ASKED;
    if (result != EARSHOT_OK)
        put_note_failure(put, fail_offer(put, offer, result));
    return true;
}
