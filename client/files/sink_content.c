#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "files/sink_inside.h"

/* The kernel begins to write to the disk when so much is there. */
#define BEGIN_BYTES ((uint64_t)8 * 1024 * 1024)

/*
 * As much as is written at a time. A file system that gets more asks for larger pieces of memory,
 * which may take longer to find than to fill: 1 GiB takes half as long again then.
 */
#define WRITE_BYTES ((size_t)128 * 1024)

static size_t piece_of(size_t n) {
    return n < WRITE_BYTES ? n : WRITE_BYTES;
}

/* What can be written now: to a pipe, which may not be ready and may be interrupted, or a file. */
static ssize_t write_some(const struct sink_content *content, const char *data, size_t n) {
    if (!content->is_pipe)
        return pwrite(content->fd, data, n, (off_t)content->position);
    ssize_t written = write(content->fd, data, n);
    if (written >= 0 || errno != EAGAIN)
        return written;
    struct pollfd ready = {.fd = content->fd, .events = POLLOUT};
    poll(&ready, 1, -1);
    errno = EINTR;
    return -1;
}

/*
 * Files are open for appending, so a file ends where we have written it to. If not, another process
 * of ours has cut it or written to it, and what we add makes no whole of it.
 */
static int check_undisturbed(const struct sink_content *content) {
    struct stat status;
    if (content->is_pipe)
        return 0;
    if (fstat(content->fd, &status) < 0)
        return error_errno();
    return (uint64_t)status.st_size == content->written ? 0 : SINK_DISTURBED;
}

/* What was left out of the file becomes a hole in it. */
static int fill_up(struct sink_content *content) {
    if (content->is_pipe || content->written == content->position)
        return 0;
    int r = check_undisturbed(content);
    if (r == 0 && ftruncate(content->fd, (off_t)content->position) < 0)
        r = error_errno();
    content->written = content->position;
    return r;
}

static int write_all(struct sink *sink, const void *data, size_t n) {
    const char *at = data;
    int r = fill_up(&sink->content);
    if (r != 0)
        return r;
    while (n > 0) {
        ssize_t written = write_some(&sink->content, at, piece_of(n));
        if (written < 0 && errno != EINTR)
            return error_errno();
        if (written < 0 && sink->options.stop && *sink->options.stop)
            return SINK_STOPPED;
        if (written < 0)
            continue;
        at += written;
        n -= (size_t)written;
        sink->content.position += (uint64_t)written;
    }
    sink->content.written = sink->content.position;
    return check_undisturbed(&sink->content);
}

static bool is_too_much(const struct sink *sink, uint64_t n) {
    return n > sink->content.end - sink->content.position;
}

/*
 * Else the disk idles until fsync() at the end, which then waits for all: with this a large file is
 * there, and synced, a quarter sooner. A failure does not matter here, fsync() tells it.
 */
static void begin_sync(struct sink *sink) {
    struct sink_content *content = &sink->content;
    if (content->is_pipe || sink->options.is_unsynced ||
        content->written < content->on_way + BEGIN_BYTES)
        return;
    (void)sync_file_range(content->fd, (off_t)content->on_way,
                          (off_t)(content->written - content->on_way), SYNC_FILE_RANGE_WRITE);
    content->on_way = content->written;
}

/* Each piece is summed up right after it was written: the processor's cache holds it then. */
static int write_and_sum(struct sink *sink, const void *data, size_t n) {
    const char *at = data;
    while (n > 0) {
        size_t piece = piece_of(n);
        int r = write_all(sink, at, piece);
        if (r != 0)
            return r;
        digest_add(sink->sum, at, piece);
        at += piece;
        n -= piece;
    }
    return 0;
}

int sink_write(struct sink *sink, const void *data, size_t n) {
    if (is_too_much(sink, n))
        return SINK_TOO_MUCH;
    int r = write_and_sum(sink, data, n);
    if (r != 0)
        return r;
    begin_sync(sink);
    sink->totals.n_bytes += n;
    return 0;
}

static int write_zeros(struct sink *sink, uint64_t n) {
    static const char zeros[16 * 1024];
    int r = 0;
    while (r == 0 && n > 0) {
        size_t part = n < sizeof zeros ? (size_t)n : sizeof zeros;
        r = write_all(sink, zeros, part);
        n -= part;
    }
    return r;
}

int sink_write_hole(struct sink *sink, uint64_t n) {
    if (is_too_much(sink, n))
        return SINK_TOO_MUCH;
    digest_add_zeros(sink->sum, n);
    if (sink->content.is_pipe) {
        int r = write_zeros(sink, n);
        if (r != 0)
            return r;
    } else {
        sink->content.position += n;
    }
    sink->totals.n_bytes += n;
    return 0;
}

int sink_write_end(struct sink *sink) {
    int r = fill_up(&sink->content);
    return r == 0 ? check_undisturbed(&sink->content) : r;
}
