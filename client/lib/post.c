/* Small files as messages. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "lib/parcel.h"
#include "lib/transfer.h"

_Static_assert(EARSHOT_POST_MAX == PARCEL_CONTENT_MAX, "");
_Static_assert(PARCEL_BODY_MAX <= MESSAGE_TEXT_MAX, "");

/* Strings of `file` are kept in link->transfers until the next event. */
static void fill(struct earshot *link, struct earshot_transfer *file, const struct parcel *parcel,
                 const char *peer, bool outgoing) {
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
                                      .path = transfers->path,
                                      .error = transfers->error};
    digest_text(file->xxh3, parcel->digest);
}

/* Sending. */

/* The whole content; EARSHOT_LIMIT when it has another size than it had. */
static int read_content(struct parcel *parcel, const char *path, uint64_t size) {
    uint8_t more;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return error_errno();
    parcel->n = 0;
    ssize_t n = 1;
    while (n > 0 && parcel->n < size) {
        n = read(fd, parcel->content + parcel->n, (size_t)size - parcel->n);
        parcel->n += n > 0 ? (size_t)n : 0;
    }
    int r = n < 0 ? error_errno() : 0;
    if (r == 0 && (parcel->n != size || read(fd, &more, 1) != 0))
        r = EARSHOT_LIMIT;
    close(fd);
    return r;
}

static int pack(struct earshot *link, struct parcel *parcel, const char *path) {
    struct courier_offer what;
    int r = courier_look(
        &(struct courier_source){.path = path, .fd = -1, .no_wait = link->pollable}, &what);
    if (r != 0)
        return r > 0 ? EARSHOT_LIMIT : r; /* an offer tells what is wrong */
    if (what.kind != OFFER_FILE || what.size > PARCEL_CONTENT_MAX)
        return EARSHOT_LIMIT;
    r = read_content(parcel, path, what.size);
    struct digest_state *sum = r == 0 ? digest_new() : NULL;
    if (!sum)
        return r == 0 ? -ENOMEM : r;
    digest_add(sum, parcel->content, parcel->n);
    parcel->digest = digest_value(sum);
    digest_free(sum);
    snprintf(parcel->name, sizeof parcel->name, "%s", what.name);
    parcel->mode = what.mode & 0777;
    parcel->mtime_ns = what.mtime_ns;
    parcel->link = link->number;
    return 0;
}

int earshot_post(earshot *link, const char *to, const char *path, struct earshot_transfer *file) {
    struct parcel *parcel = malloc(sizeof *parcel);
    char *body = malloc(PARCEL_BODY_MAX);
    int r = parcel && body && transfers_of(link) ? pack(link, parcel, path) : -ENOMEM;
    if (r == 0) {
        struct earshot_message message = {
            .to = to,
            .text = body,
            .text_n = parcel_encode(parcel, body),
            .kind = (enum earshot_kind)KIND_FILE,
            .flags = EARSHOT_WANT_SEQ | EARSHOT_WANT_RECEIPT | EARSHOT_ACK_NOW,
        };
        fill(link, file, parcel, to, true);
        r = earshot_send(link, &message, file->id);
    }
    free(body);
    free(parcel);
    return r;
}

/* Saving. */

static int write_file(struct earshot *link, const struct parcel *parcel, uid_t from,
                      const struct earshot_target *target, struct earshot_transfer *file) {
    int r = parcel_save(parcel, from, target->dir, target->fd, link->transfers->path);
    file->state = r == 0 ? EARSHOT_TRANSFER_DONE : EARSHOT_TRANSFER_FAILED;
    if (r == 0)
        return 0;
    file->reason = r == COURIER_READER_GONE ? EARSHOT_REASON_READER_GONE : EARSHOT_REASON_OTHER;
    snprintf(link->transfers->error, sizeof link->transfers->error, "%s",
             r > 0 ? courier_reason_text((enum courier_reason)r) : strerror(-r));
    return r > 0 ? EARSHOT_REFUSED : r;
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
static int unpack(struct earshot *link, const struct earshot_event *event, struct parcel *parcel,
                  struct earshot_transfer *file) {
    struct bytes body = {event->message.file, event->message.file_n};
    bool is_whole = event->message.file && parcel_decode(parcel, body);
    if (is_whole)
        fill(link, file, parcel, event->message.from, false);
    else
        *file = (struct earshot_transfer){.state = EARSHOT_TRANSFER_FAILED,
                                          .peer = event->message.from,
                                          .name = "a file",
                                          .path = "",
                                          .error = "it is damaged"};
    memcpy(file->id, event->message.id, sizeof file->id);
    return is_whole ? EARSHOT_OK : EARSHOT_REFUSED;
}

int earshot_posted(earshot *link, const struct earshot_event *event,
                   struct earshot_transfer *file) {
    struct parcel *parcel = malloc(sizeof *parcel);
    int r = parcel && transfers_of(link) ? unpack(link, event, parcel, file) : -ENOMEM;
    free(parcel);
    return r;
}

int earshot_save(earshot *link, const struct earshot_event *event,
                 const struct earshot_target *target, struct earshot_transfer *file) {
    struct parcel *parcel = malloc(sizeof *parcel);
    int r = parcel && transfers_of(link) ? unpack(link, event, parcel, file) : -ENOMEM;
    if (r == EARSHOT_OK) {
        r = write_file(link, parcel, event->message.uid, target, file);
        if (r == 0)
            tell_sender(link, event, parcel->link, STATE_READ);
    }
    free(parcel);
    return r;
}

int earshot_refuse(earshot *link, const struct earshot_event *event) {
    struct parcel *parcel = malloc(sizeof *parcel);
    if (!parcel)
        return -ENOMEM;
    if (event->message.file &&
        parcel_decode(parcel, (struct bytes){event->message.file, event->message.file_n}))
        tell_sender(link, event, parcel->link, STATE_DECLINED);
    free(parcel);
    return EARSHOT_OK;
}
