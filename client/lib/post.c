/* Small files as messages. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "files/parcel.h"
#include "files/source.h"
#include "lib/check.h"
#include "lib/transfer.h"

_Static_assert(EARSHOT_POST_MAX == PARCEL_CONTENT_MAX, "");
_Static_assert(PARCEL_BODY_MAX <= MESSAGE_TEXT_MAX, "");

/* Strings of `file` are kept in link->transfers until the next event. */
static void post_fill(struct earshot *link, struct earshot_transfer *file,
                      const struct file_body *body, const char *peer, bool outgoing) {
    struct transfers *transfers = link->transfers;
    struct digest digest;
    snprintf(transfers->peer, sizeof transfers->peer, "%s", peer);
    snprintf(transfers->name, sizeof transfers->name, "%.*s", (int)body->name.n, body->name.data);
    transfers->path[0] = transfers->error[0] = '\0';
    *file = (struct earshot_transfer){.state = EARSHOT_TRANSFER_RUNNING,
                                      .outgoing = outgoing,
                                      .peer = transfers->peer,
                                      .name = transfers->name,
                                      .bytes = outgoing ? 0 : body->content.n,
                                      .size = body->content.n,
                                      .offered = body->content.n,
                                      .path = transfers->path,
                                      .error = transfers->error};
    memcpy(digest.bytes, body->digest.b, sizeof digest.bytes);
    digest_text(file->xxh3, digest);
}

/* Sending. */

/* What is sent, and what it is made of. */
struct posted {
    char content[PARCEL_CONTENT_MAX];
    char body[PARCEL_BODY_MAX];
    char name[PARCEL_NAME_SIZE];
    struct file_body file;
};

static int post_read(struct posted *posted, struct source *source) {
    size_t n;
    int r = source_snapshot(source, posted->content, sizeof posted->content, &n);
    if (r != 0)
        return r;
    const struct item_offer *offer = source_offer(source);
    snprintf(posted->name, sizeof posted->name, "%s", offer->name);
    posted->file = (struct file_body){.mode = offer->mode & 0777,
                                      .mtime_ns = (uint64_t)offer->mtime_ns,
                                      .name = bytes_of(posted->name),
                                      .content = {posted->content, n}};
    return 0;
}

static int post_send(struct earshot *link, const char *to, struct posted *posted,
                     struct earshot_transfer *file) {
    bool as_text = link->phase != LINK_JOINED || !link->hub_takes_files;
    posted->file.link = link->number;
    struct earshot_message message = {
        .to = to,
        .text = posted->body,
        .text_n = parcel_pack(&posted->file, as_text, posted->body),
        .kind = (enum earshot_kind)KIND_FILE,
        .flags = EARSHOT_WANT_SEQ | EARSHOT_WANT_RECEIPT | EARSHOT_ACK_NOW,
    };
    post_fill(link, file, &posted->file, to, true);
    return send_message(link, &message, file->id);
}

int post_source(struct earshot *link, const char *to, struct source *source,
                struct earshot_transfer *file, bool *is_small) {
    struct posted *posted = malloc(sizeof *posted);
    int r = posted ? post_read(posted, source) : -ENOMEM;
    *is_small = r <= 0;
    if (r == 0)
        r = post_send(link, to, posted, file);
    free(posted);
    return r;
}

static int check_post(struct earshot *link, const char *to, const char *path,
                      const struct earshot_transfer *file) {
    struct name name;
    int r = check_conv(link, to, "the recipient", &name);
    if (r == 0)
        r = check_pointer(link, path, "the path");
    return r == 0 ? check_pointer(link, file, "the file") : r;
}

int earshot_post(earshot *link, const char *to, const char *path, struct earshot_transfer *file) {
    int bad = check_post(link, to, path, file);
    if (bad != 0)
        return bad;
    struct source *source = NULL;
    struct source_options options = {.only_files = true}; /* nothing else is opened */
    int r = transfers_of(link) ? source_open(&source, path, &options) : -ENOMEM;
    bool is_small = r <= 0;
    if (r == 0)
        r = post_source(link, to, source, file, &is_small);
    source_free(source);
    return is_small ? r
                    : link_fail(link, EARSHOT_LIMIT, FAIL_LIMIT,
                                "%s is no regular file of at most %d bytes; offer it instead", path,
                                EARSHOT_POST_MAX);
}

/* Saving. */

static int write_file(struct earshot *link, const struct file_body *body, uid_t from,
                      const struct earshot_target *target, struct earshot_transfer *file) {
    int error = 0;
    int r = parcel_save(body, from, target->dir, target->fd, link->transfers->path, &error);
    file->state = r == 0 ? EARSHOT_TRANSFER_DONE : EARSHOT_TRANSFER_FAILED;
    if (r == 0)
        return 0;
    bool has_no_place = r == TRANSFER_NO_SPACE || r == TRANSFER_UNWRITABLE; /* it is a small file */
    file->reason = r == TRANSFER_READER_GONE ? EARSHOT_REASON_READER_GONE
                   : has_no_place            ? EARSHOT_REASON_PLACE
                                             : EARSHOT_REASON_OTHER;
    transfer_error_text(link->transfers->error, sizeof link->transfers->error, r, error);
    return r < 0 ? r
                 : link_fail(link, EARSHOT_REFUSED, FAIL_INTERNAL, "%s from %s: %s", file->name,
                             file->peer, link->transfers->error);
}

static void tell_sender(struct earshot *link, const struct earshot_event *event, uint64_t to,
                        enum message_state state) {
    struct frame frame = {
        .type = FRAME_RECEIPT,
        .receipt = {.state = (uint8_t)state, .link = to, .uid = event->message.uid}};
    if (link->phase == LINK_JOINED && uuid_from_text(&frame.receipt.id, event->message.id) &&
        outgoing_control(link, &frame))
        (void)outgoing_send(link, OUTGOING_LATER, true);
}

/* EARSHOT_REFUSED: it is damaged, as `file` says then. */
static int post_unpack(struct earshot *link, const struct earshot_event *event,
                       struct file_body *body, struct earshot_transfer *file) {
    if (!transfers_of(link))
        return -ENOMEM;
    bool is_whole = parcel_open(body, (struct bytes){event->message.file, event->message.file_n});
    if (is_whole)
        post_fill(link, file, body, event->message.from, false);
    else
        *file = (struct earshot_transfer){.state = EARSHOT_TRANSFER_FAILED,
                                          .peer = event->message.from,
                                          .name = "a file",
                                          .size = EARSHOT_SIZE_UNKNOWN,
                                          .offered = EARSHOT_SIZE_UNKNOWN,
                                          .path = "",
                                          .reason = EARSHOT_REASON_DAMAGED,
                                          .error = "it is damaged, and cannot be had any more"};
    memcpy(file->id, event->message.id, sizeof file->id);
    return is_whole ? EARSHOT_OK
                    : link_fail(link, EARSHOT_REFUSED, FAIL_BAD_TEXT, "%s from %s: %s", file->name,
                                file->peer, file->error);
}

static int check_file(struct earshot *link, const struct earshot_event *event,
                      const struct earshot_transfer *file) {
    int r = check_message(link, event, true);
    return r == 0 ? check_pointer(link, file, "the file") : r;
}

int earshot_event_file(earshot *link, const struct earshot_event *event,
                       struct earshot_transfer *file) {
    struct file_body body;
    int bad = check_file(link, event, file);
    return bad != 0 ? bad : post_unpack(link, event, &body, file);
}

int earshot_save(earshot *link, const struct earshot_event *event,
                 const struct earshot_target *target, struct earshot_transfer *file) {
    struct file_body body;
    int r = check_file(link, event, file);
    if (r == 0)
        r = check_target(link, target);
    if (r == 0)
        r = post_unpack(link, event, &body, file);
    if (r != EARSHOT_OK)
        return r;
    r = write_file(link, &body, event->message.uid, target, file);
    if (r == 0)
        tell_sender(link, event, body.link, STATE_READ);
    return r;
}

int earshot_refuse(earshot *link, const struct earshot_event *event) {
    struct file_body body;
    int bad = check_message(link, event, true);
    if (bad != 0)
        return bad;
    bool is_whole = parcel_open(&body, (struct bytes){event->message.file, event->message.file_n});
    tell_sender(link, event, is_whole ? body.link : event->message.link, STATE_DECLINED);
    return EARSHOT_OK;
}
