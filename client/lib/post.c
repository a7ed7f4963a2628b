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
                      const struct parcel *parcel, const char *peer, bool outgoing) {
    struct transfers *transfers = link->transfers;
    snprintf(transfers->peer, sizeof transfers->peer, "%s", peer);
    snprintf(transfers->name, sizeof transfers->name, "%s", parcel->name);
    transfers->path[0] = transfers->error[0] = '\0';
    *file = (struct earshot_transfer){.state = EARSHOT_TRANSFER_RUNNING,
                                      .outgoing = outgoing,
                                      .peer = transfers->peer,
                                      .name = transfers->name,
                                      .bytes = outgoing ? 0 : parcel->n,
                                      .size = parcel->n,
                                      .offered = parcel->n,
                                      .path = transfers->path,
                                      .error = transfers->error};
    digest_text(file->xxh3, parcel->digest);
}

/* Sending. */

static int read_content(struct parcel *parcel, struct source *source) {
    int r = source_snapshot(source, parcel->content, sizeof parcel->content, &parcel->n);
    struct digest_state *sum = r == 0 ? digest_new() : NULL;
    if (!sum)
        return r == 0 ? -ENOMEM : r;
    digest_add(sum, parcel->content, parcel->n);
    parcel->digest = digest_value(sum);
    digest_free(sum);
    const struct item_offer *offer = source_offer(source);
    snprintf(parcel->name, sizeof parcel->name, "%s", offer->name);
    parcel->mode = offer->mode & 0777;
    parcel->mtime_ns = offer->mtime_ns;
    return 0;
}

static int post_parcel(struct earshot *link, const char *to, const struct parcel *parcel,
                       struct earshot_transfer *file) {
    char *body = malloc(PARCEL_BODY_MAX);
    if (!body)
        return -ENOMEM;
    struct earshot_message message = {
        .to = to,
        .text = body,
        .text_n = parcel_encode(parcel, body),
        .kind = (enum earshot_kind)KIND_FILE,
        .flags = EARSHOT_WANT_SEQ | EARSHOT_WANT_RECEIPT | EARSHOT_ACK_NOW,
    };
    post_fill(link, file, parcel, to, true);
    int r = send_message(link, &message, file->id);
    free(body);
    return r;
}

int post_source(struct earshot *link, const char *to, struct source *source,
                struct earshot_transfer *file, bool *is_small) {
    struct parcel *parcel = malloc(sizeof *parcel);
    int r = parcel ? read_content(parcel, source) : -ENOMEM;
    *is_small = r <= 0;
    if (r == 0) {
        parcel->link = link->number;
        r = post_parcel(link, to, parcel, file);
    }
    free(parcel);
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

static int write_file(struct earshot *link, const struct parcel *parcel, uid_t from,
                      const struct earshot_target *target, struct earshot_transfer *file) {
    int error = 0;
    int r = parcel_save(parcel, from, target->dir, target->fd, link->transfers->path, &error);
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
                       struct parcel *parcel, struct earshot_transfer *file) {
    struct bytes body = {event->message.file, event->message.file_n};
    bool is_whole = parcel_decode(parcel, body);
    if (is_whole)
        post_fill(link, file, parcel, event->message.from, false);
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
    int bad = check_file(link, event, file);
    if (bad != 0)
        return bad;
    struct parcel *parcel = malloc(sizeof *parcel);
    int r = parcel && transfers_of(link) ? post_unpack(link, event, parcel, file) : -ENOMEM;
    free(parcel);
    return r;
}

int earshot_save(earshot *link, const struct earshot_event *event,
                 const struct earshot_target *target, struct earshot_transfer *file) {
    int bad = check_file(link, event, file);
    if (bad == 0)
        bad = check_target(link, target);
    if (bad != 0)
        return bad;
    struct parcel *parcel = malloc(sizeof *parcel);
    int r = parcel && transfers_of(link) ? post_unpack(link, event, parcel, file) : -ENOMEM;
    if (r == EARSHOT_OK) {
        r = write_file(link, parcel, event->message.uid, target, file);
        if (r == 0)
            tell_sender(link, event, parcel->link, STATE_READ);
    }
    free(parcel);
    return r;
}

int earshot_refuse(earshot *link, const struct earshot_event *event) {
    int bad = check_message(link, event, true);
    if (bad != 0)
        return bad;
    struct parcel *parcel = malloc(sizeof *parcel);
    if (!parcel)
        return -ENOMEM;
    struct bytes body = {event->message.file, event->message.file_n};
    bool is_whole = parcel_decode(parcel, body);
    tell_sender(link, event, is_whole ? parcel->link : event->message.link, STATE_DECLINED);
    free(parcel);
    return EARSHOT_OK;
}
