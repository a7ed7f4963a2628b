#include "lib/source.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/error.h"
#include "base/macro.h"
#include "lib/source_inside.h"

#define PREFIX_BUFFER_BYTES (256 * 1024)

const char *source_outcome_text(enum source_outcome outcome) {
    static const char *const texts[] = {
        [SOURCE_OK] = "success",
        [SOURCE_CHANGED] = "it was changed while it was sent",
        [SOURCE_DIFFERS] = "it differs from what is there already",
        [SOURCE_STOPPED] = "stopped",
        [SOURCE_NO_FILE] = "it is no file, directory or pipe",
        [SOURCE_TOO_SMALL] = "its path is too long for this way of sending",
    };
    return (size_t)outcome < ARRAY_LEN(texts) ? texts[outcome] : "unknown";
}

static bool is_stopped(const struct source *source) {
    return source->options.stop && *source->options.stop;
}

static bool has_holes(const struct stat *status) {
    return status->st_blocks < (status->st_size + 511) / 512;
}

/* --- reading --- */

static void begin_content(struct source *source, int fd, const struct stat *status) {
    uint64_t size = (uint64_t)status->st_size;
    source->content =
        (struct source_content){.fd = fd,
                                .status = *status,
                                .extent = extent_of(fd, source->start, size, has_holes(status)),
                                .n_read = source->start};
    posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
}

/* Whether the file is still what it was when it was opened. */
static int check_unchanged(int fd, const struct stat *before) {
    struct stat now;
    if (fstat(fd, &now) < 0)
        return error_errno();
    bool same = now.st_size == before->st_size && now.st_mtim.tv_sec == before->st_mtim.tv_sec &&
                now.st_mtim.tv_nsec == before->st_mtim.tv_nsec;
    return same ? SOURCE_OK : SOURCE_CHANGED;
}

/* Sums up the part that the recipient has. */
static int read_prefix(struct source *source, void *buffer, uint64_t offset) {
    struct extent extent = extent_of(source->top, 0, offset, has_holes(&source->status));
    while (!extent_is_done(&extent)) {
        size_t n;
        uint64_t hole;
        int r = extent_next(&extent, buffer, PREFIX_BUFFER_BYTES, &n, &hole);
        if (r < 0)
            return r;
        if (is_stopped(source))
            return SOURCE_STOPPED;
        if (n == 0 && hole == 0)
            return SOURCE_CHANGED;
        digest_add(source->sum, buffer, n);
        digest_add_zeros(source->sum, hole);
    }
    return 0;
}

int source_resume(struct source *source, uint64_t offset, struct digest digest) {
    assert(source->phase == PHASE_TOP);
    if (source->offer.kind != ENTRY_FILE || offset > source->offer.size)
        return SOURCE_DIFFERS;
    CLEANUP_FREE void *buffer = malloc(PREFIX_BUFFER_BYTES);
    if (!buffer)
        return -ENOMEM;
    int r = read_prefix(source, buffer, offset);
    if (r != 0)
        return r;
    if (!digest_equal(digest_value(source->sum), digest)) {
        digest_reset(source->sum);
        return SOURCE_DIFFERS;
    }
    source->start = offset;
    return 0;
}

static int read_stream(struct source *source, void *buffer, size_t capacity, size_t *n) {
    for (;;) {
        ssize_t got = read(source->content.fd, buffer, capacity);
        if (got >= 0) {
            *n = (size_t)got;
            return 0;
        }
        if (errno == EAGAIN) {
            struct pollfd ready = {.fd = source->content.fd, .events = POLLIN};
            poll(&ready, 1, -1);
        } else if (errno != EINTR) {
            return error_errno();
        }
        if (is_stopped(source))
            return SOURCE_STOPPED;
    }
}

static int read_content(struct source *source, void *buffer, size_t capacity, size_t *n,
                        uint64_t *hole) {
    *hole = 0;
    if (source->content.is_stream)
        return read_stream(source, buffer, capacity, n);
    int r = extent_next(&source->content.extent, buffer, capacity, n, hole);
    if (r < 0 || *n > 0 || *hole > 0)
        return r;
    if (!extent_is_done(&source->content.extent))
        return SOURCE_CHANGED;
    return check_unchanged(source->content.fd, &source->content.status);
}

/* --- items --- */

/* Makes the item that is this record. */
static int give_record(struct source *source, const struct record *record, void *buffer,
                       size_t capacity, struct item *item) {
    size_t n = record_encode(record, buffer, capacity);
    if (n == 0)
        return SOURCE_TOO_SMALL;
    enum item_kind kind = record->type == RECORD_END ? ITEM_END : ITEM_RECORD;
    *item = (struct item){.kind = kind, .n = n, .data = buffer};
    if (kind == ITEM_RECORD)
        digest_add(source->records, buffer, n);
    return 0;
}

static int give_top(struct source *source, void *buffer, size_t capacity, struct item *item) {
    const struct item_offer *offer = &source->offer;
    struct record record = {.type = RECORD_ENTRY,
                            .entry = {.kind = offer->kind,
                                      .mode = offer->mode,
                                      .mtime_ns = offer->mtime_ns,
                                      .size = offer->size,
                                      .start = source->start}};
    if (offer->kind == ENTRY_DIRECTORY) {
        record.entry.size = 0;
        source->totals.n_directories++;
        source->phase = PHASE_WALK;
        int r = tree_open(&source->tree, source->top, &source->options, false);
        return r < 0 ? r : give_record(source, &record, buffer, capacity, item);
    }
    if (offer->kind == ENTRY_FILE)
        begin_content(source, source->top, &source->status);
    source->totals.n_bytes = source->start;
    source->phase = PHASE_CONTENT;
    return give_record(source, &record, buffer, capacity, item);
}

/* A file of a tree: no more than was offered. */
static int enter_file(struct source *source, const struct tree_entry *entry) {
    begin_content(source, entry->fd, &entry->status);
    uint64_t size = (uint64_t)entry->status.st_size;
    if (size > source->left)
        return SOURCE_CHANGED;
    source->left -= size;
    source->phase = PHASE_CONTENT;
    return 0;
}

static int give_entry(struct source *source, void *buffer, size_t capacity, struct item *item) {
    struct tree_entry entry;
    int r = tree_next(&source->tree, &entry);
    if (r == 0 && entry.kind == ENTRY_FILE)
        r = enter_file(source, &entry);
    if (r != 0)
        return r;
    struct record record = {.type = RECORD_ENTRY,
                            .entry = {.kind = entry.kind,
                                      .mode = entry.status.st_mode & 07777,
                                      .mtime_ns = source_nanoseconds(entry.status.st_mtim),
                                      .path = bytes_of(source->tree.path),
                                      .target = entry.target}};
    if (entry.kind == ENTRY_FILE)
        record.entry.size = (uint64_t)entry.status.st_size;
    else if (entry.kind == ENTRY_DIRECTORY)
        source->totals.n_directories++;
    else if (entry.kind == ENTRY_LINK)
        source->totals.n_links++;
    else
        source->phase = PHASE_END;
    return source->phase == PHASE_END ? 0 : give_record(source, &record, buffer, capacity, item);
}

static int give_entry_end(struct source *source, void *buffer, size_t capacity, struct item *item) {
    source->digest = digest_value(source->sum);
    struct record record = {
        .type = RECORD_ENTRY_END,
        .entry_end = {.size = source->content.n_read, .digest = source->digest}};
    int r = give_record(source, &record, buffer, capacity, item);
    if (r != 0)
        return r;
    source_close_content(source);
    digest_reset(source->sum);
    source->totals.n_files++;
    source->phase = source->offer.kind == ENTRY_DIRECTORY ? PHASE_WALK : PHASE_END;
    return 0;
}

static int give_content(struct source *source, void *buffer, size_t capacity, struct item *item) {
    size_t n;
    uint64_t hole;
    int r = read_content(source, buffer, capacity, &n, &hole);
    if (r != 0)
        return r;
    if (n == 0 && hole == 0)
        return give_entry_end(source, buffer, capacity, item);
    *item = n > 0 ? (struct item){.kind = ITEM_DATA, .n = n, .data = buffer}
                  : (struct item){.kind = ITEM_HOLE, .hole = hole};
    digest_add(source->sum, buffer, n);
    digest_add_zeros(source->sum, hole);
    source->content.n_read += n + hole;
    source->totals.n_bytes += n + hole;
    return 0;
}

static int give_end(struct source *source, void *buffer, size_t capacity, struct item *item) {
    source->totals.n_skipped = source->tree.n_skipped;
    struct record record = {
        .type = RECORD_END,
        .end = {.totals = source->totals, .digest = digest_value(source->records)}};
    if (source->offer.kind == ENTRY_DIRECTORY)
        source->digest = record.end.digest;
    source->phase = PHASE_DONE;
    return give_record(source, &record, buffer, capacity, item);
}

int source_next(struct source *source, void *buffer, size_t capacity, struct item *item) {
    int r = 0;
    *item = (struct item){0};
    if (is_stopped(source))
        return SOURCE_STOPPED;
    switch (source->phase) {
    case PHASE_TOP:
        return give_top(source, buffer, capacity, item);
    case PHASE_CONTENT:
        return give_content(source, buffer, capacity, item);
    case PHASE_WALK:
        r = give_entry(source, buffer, capacity, item);
        if (r != 0 || source->phase != PHASE_END)
            return r;
        return give_end(source, buffer, capacity, item);
    case PHASE_END:
        return give_end(source, buffer, capacity, item);
    case PHASE_DONE:
        break;
    }
    assert(false); /* nothing comes after the end */
    return -EINVAL;
}

/* --- what is told --- */

const struct item_offer *source_offer(const struct source *source) {
    return &source->offer;
}

int source_fd(const struct source *source) {
    return source->offer.kind == ENTRY_STREAM ? source->content.fd : -1;
}

const char *source_where(const struct source *source) {
    return source->tree.path[0] ? source->tree.path : source->name.s;
}

struct item_totals source_totals(const struct source *source) {
    struct item_totals totals = source->totals;
    totals.n_skipped = source->tree.n_skipped;
    return totals;
}

struct digest source_digest(const struct source *source) {
    return source->digest;
}
