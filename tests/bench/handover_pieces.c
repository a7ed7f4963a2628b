/* A large file as messages, as it would be if there were no ring. One recipient. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/macro.h"
#include "bench/handover.h"
#include "bench/peer.h"
#include "files/parcel.h"
#include "proto/frame.h"

_Static_assert(HANDOVER_PIECE_BYTES <= PARCEL_CONTENT_MAX, "a piece fits into a message");

/* --- the sender --- */

static int send_piece(struct peer *peer, const struct parcel *parcel, char *body) {
    struct earshot_message message = {.to = HANDOVER_RECIPIENT,
                                      .text = body,
                                      .text_n = parcel_encode(parcel, body),
                                      .kind = (enum earshot_kind)KIND_FILE};
    int r = earshot_send(peer->link, &message, NULL);
    return r == EARSHOT_OK ? 0
                           : crew_fail(peer->arena, "send: %s (%d)", earshot_error(peer->link), r);
}

/* Each piece carries its digest, which the recipient checks. */
static int send_file(struct peer *peer, int fd, struct parcel *parcel, char *body,
                     struct digest_state *sum) {
    for (;;) {
        ssize_t n = read(fd, parcel->content, HANDOVER_PIECE_BYTES);
        if (n < 0)
            return crew_fail(peer->arena, "read: %s", strerror(errno));
        if (n == 0)
            return 0;
        parcel->n = (size_t)n;
        digest_reset(sum);
        digest_add(sum, parcel->content, parcel->n);
        parcel->digest = digest_value(sum);
        if (send_piece(peer, parcel, body) != 0)
            return 1;
    }
}

int handover_send_pieces(struct peer *peer, const struct handover *handover) {
    CLEANUP_FREE struct parcel *parcel = calloc(1, sizeof *parcel);
    CLEANUP_FREE char *body = malloc(PARCEL_BODY_MAX);
    struct digest_state *sum = digest_new();
    int fd = open(handover->from, O_RDONLY | O_CLOEXEC);
    int r = 1;
    if (fd < 0 || !parcel || !body || !sum) {
        crew_fail(peer->arena, "%s: %s", handover->from, strerror(errno));
    } else {
        snprintf(parcel->name, sizeof parcel->name, "pieces");
        r = send_file(peer, fd, parcel, body, sum);
    }
    digest_free(sum);
    if (fd >= 0)
        close(fd);
    return r;
}

/* --- the recipient --- */

static int write_piece(struct peer *peer, const struct earshot_event *event, int fd,
                       struct parcel *parcel) {
    struct bytes body = {event->message.file, event->message.file_n};
    if (!event->message.file || !parcel_decode(parcel, body))
        return crew_fail(peer->arena, "violation: a piece is damaged");
    if (write(fd, parcel->content, parcel->n) != (ssize_t)parcel->n)
        return crew_fail(peer->arena, "write: %s", strerror(errno));
    return 0;
}

static int take_file(struct peer *peer, const struct handover *handover,
                     const struct earshot_event *first, int fd, struct parcel *parcel) {
    struct earshot_event event = *first;
    for (uint64_t n = 0;;) {
        if (write_piece(peer, &event, fd, parcel) != 0)
            return 1;
        n += parcel->n;
        if (n >= handover->n_bytes)
            return 0;
        if (peer_receive(peer, &event) != 0)
            return 1;
    }
}

static int tell_sender(struct peer *peer) {
    struct earshot_message message = {.to = HANDOVER_SENDER, .text = "all here", .text_n = 8};
    int r = earshot_send(peer->link, &message, NULL);
    return r == EARSHOT_OK ? 0
                           : crew_fail(peer->arena, "send: %s (%d)", earshot_error(peer->link), r);
}

int handover_take_pieces(struct peer *peer, const struct handover *handover,
                         const struct earshot_event *first) {
    char part[PATH_MAX + 16], path[PATH_MAX + 16];
    CLEANUP_FREE struct parcel *parcel = malloc(sizeof *parcel);
    snprintf(part, sizeof part, "%s/pieces.part", handover->dir);
    snprintf(path, sizeof path, "%s/pieces", handover->dir);
    int fd = open(part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    int dir = open(handover->dir, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
    int r = 1;
    if (fd < 0 || dir < 0 || !parcel)
        crew_fail(peer->arena, "%s: %s", part, strerror(errno));
    else
        r = take_file(peer, handover, first, fd, parcel);
    if (r == 0 && (fsync(fd) < 0 || rename(part, path) < 0 || fsync(dir) < 0))
        r = crew_fail(peer->arena, "%s: %s", path, strerror(errno));
    if (fd >= 0)
        close(fd);
    if (dir >= 0)
        close(dir);
    return r == 0 ? tell_sender(peer) : r;
}
