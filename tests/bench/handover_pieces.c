/* A large file as messages, as it would be if there were no ring. One recipient. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/macro.h"
#include "bench/handover.h"
#include "bench/peer.h"
#include "files/parcel.h"
#include "proto/frame.h"

_Static_assert(HANDOVER_PIECE_BYTES <= PARCEL_CONTENT_MAX, "a piece fits into a message");

/* --- the sender --- */

/* A file in memory, for each piece is sent as the small file that it is. */
struct piece_file {
    int fd;
    char path[32];
    char content[HANDOVER_PIECE_BYTES];
};

static int piece_open(struct piece_file *piece) {
    piece->fd = memfd_create("pieces", MFD_CLOEXEC);
    snprintf(piece->path, sizeof piece->path, "/proc/self/fd/%d", piece->fd);
    return piece->fd;
}

/* Each piece carries its digest, which the recipient checks. */
static int send_piece(struct peer *peer, const struct piece_file *piece, size_t n) {
    struct earshot_transfer file;
    if (pwrite(piece->fd, piece->content, n, 0) != (ssize_t)n || ftruncate(piece->fd, (off_t)n) < 0)
        return crew_fail(peer->arena, "write: %s", strerror(errno));
    int r = earshot_post(peer->link, HANDOVER_RECIPIENT, piece->path, &file);
    return r == EARSHOT_OK ? 0
                           : crew_fail(peer->arena, "post: %s (%d)", earshot_error(peer->link), r);
}

static int send_file(struct peer *peer, int fd, struct piece_file *piece) {
    for (;;) {
        ssize_t n = read(fd, piece->content, sizeof piece->content);
        if (n < 0)
            return crew_fail(peer->arena, "read: %s", strerror(errno));
        if (n == 0)
            return 0;
        if (send_piece(peer, piece, (size_t)n) != 0)
            return 1;
    }
}

int handover_send_pieces(struct peer *peer, const struct handover *handover) {
    CLEANUP_FREE struct piece_file *piece = calloc(1, sizeof *piece);
    int fd = open(handover->from, O_RDONLY | O_CLOEXEC);
    int r = 1;
    if (fd < 0 || !piece || piece_open(piece) < 0)
        crew_fail(peer->arena, "%s: %s", handover->from, strerror(errno));
    else
        r = send_file(peer, fd, piece);
    if (piece && piece->fd > 0)
        close(piece->fd);
    if (fd >= 0)
        close(fd);
    return r;
}

/* --- the recipient --- */

static int write_piece(struct peer *peer, const struct earshot_event *event, int fd,
                       uint64_t *n_bytes) {
    struct bytes body = {event->message.file, event->message.file_n};
    struct file_body piece;
    if (!event->message.file || !parcel_open(&piece, body))
        return crew_fail(peer->arena, "violation: a piece is damaged");
    if (write(fd, piece.content.data, piece.content.n) != (ssize_t)piece.content.n)
        return crew_fail(peer->arena, "write: %s", strerror(errno));
    *n_bytes += piece.content.n;
    return 0;
}

static int take_file(struct peer *peer, const struct handover *handover,
                     const struct earshot_event *first, int fd) {
    struct earshot_event event = *first;
    for (uint64_t n = 0;;) {
        if (write_piece(peer, &event, fd, &n) != 0)
            return 1;
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
    snprintf(part, sizeof part, "%s/pieces.part", handover->dir);
    snprintf(path, sizeof path, "%s/pieces", handover->dir);
    int fd = open(part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    int dir = open(handover->dir, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
    int r = 1;
    if (fd < 0 || dir < 0)
        crew_fail(peer->arena, "%s: %s", part, strerror(errno));
    else
        r = take_file(peer, handover, first, fd);
    if (r == 0 && (fsync(fd) < 0 || rename(part, path) < 0 || fsync(dir) < 0))
        r = crew_fail(peer->arena, "%s: %s", path, strerror(errno));
    if (fd >= 0)
        close(fd);
    if (dir >= 0)
        close(dir);
    return r == 0 ? tell_sender(peer) : r;
}
