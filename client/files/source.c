#include "files/source.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/macro.h"
#include "files/attributes.h"
#include "files/snapshot.h"
#include "files/source_inside.h"

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

/* --- reading --- */

static void begin_content(struct source *source, int fd, const struct stat *status, uint64_t size) {
    source->content = (struct source_content){
        .fd = fd,
        .status = *status,
        .extent = extent_of(fd, source->start, size, extent_has_holes(status)),
        .n_read = source->start};
    posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
}

/* Sums up the first `n` bytes of a file. */
static int sum_up(const struct source *source, int fd, uint64_t n, const struct stat *status,
                  struct digest_state *sum) {
    static const int outcomes[] = {
        [EXTENT_SHORT] = SOURCE_CHANGED, [EXTENT_STOPPED] = SOURCE_STOPPED};
    int r = extent_sum(fd, n, status, source->options.stop, sum);
    return r > 0 ? outcomes[r] : r;
}

/* Whether what was read is what is there: it may be that only the time was set. */
static int check_again(const struct source *source, const struct stat *now) {
    const struct source_content *content = &source->content;
    struct digest_state *sum = digest_new();
    if (!sum)
        return -ENOMEM;
    int r = sum_up(source, content->fd, content->n_read, now, sum);
    if (r == 0 && !digest_equal(digest_value(sum), digest_value(source->sum)))
        r = SOURCE_CHANGED;
    digest_free(sum);
    return r;
}

/*
 * Whether the file still is what it was when it was opened. In a tree it may have grown: a log that
 * is written to must not fail all others, so it is sent as it was, and that is told. Who offers one
 * file alone means all of it.
 */
static int check_unchanged(struct source *source) {
    const struct source_content *content = &source->content;
    struct stat now;
    if (fstat(content->fd, &now) < 0)
        return error_errno();
    if (snapshot_is_same(&now, &content->status))
        return SOURCE_OK;
    if (now.st_size < content->status.st_size)
        return SOURCE_CHANGED;
    if (source->offer.kind == ENTRY_FILE && now.st_size > content->status.st_size)
        return SOURCE_CHANGED;
    int r = check_again(source, &now);
    if (r == 0 && now.st_size > content->status.st_size)
        source->has_grown = true;
    return r;
}

int source_resume(struct source *source, uint64_t offset, struct digest digest) {
    assert(source->phase == PHASE_TOP);
    int r = source_refresh(source);
    if (r < 0)
        return r;
    if (source->offer.kind != ENTRY_FILE || offset > source->offer.size)
        return SOURCE_DIFFERS;
    r = sum_up(source, source->top, offset, &source->status, source->sum);
    if (r != 0)
        return r;
    if (!digest_equal(digest_value(source->sum), digest)) {
        digest_reset(source->sum);
        return SOURCE_DIFFERS;
    }
    source->start = offset;
    return 0;
}

int source_snapshot(struct source *source, void *buffer, size_t capacity, size_t *n) {
    assert(source->phase == PHASE_TOP && source->top >= 0);
    static const int outcomes[] = {[SNAPSHOT_OK] = SOURCE_OK,
                                   [SNAPSHOT_LARGER] = SOURCE_TOO_SMALL,
                                   [SNAPSHOT_CHANGED] = SOURCE_CHANGED};
    int r = source_refresh(source);
    if (r == 0)
        r = snapshot_read(source->top, buffer, capacity, n, &source->status);
    source->is_fresh = true;
    source->offer.mtime_ns = attributes_pack_time(source->status.st_mtim);
    return r < 0 ? r : outcomes[r];
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

/* What was read already goes out in pieces. */
static int read_memory(struct source *source, void *buffer, size_t capacity, size_t *n) {
    struct source_content *content = &source->content;
    size_t left = content->n_memory - (size_t)content->n_read;
    *n = left < capacity ? left : capacity;
    memcpy(buffer, content->memory + content->n_read, *n);
    return 0;
}

static int read_endless(struct source *source, void *buffer, size_t capacity, size_t *n) {
    ssize_t got;
    do
        got = pread(source->content.fd, buffer, capacity, (off_t)source->content.n_read);
    while (got < 0 && errno == EINTR);
    *n = got > 0 ? (size_t)got : 0;
    return got < 0 ? error_errno() : 0;
}

static int read_content(struct source *source, void *buffer, size_t capacity, size_t *n,
                        uint64_t *hole) {
    *hole = 0;
    if (source->content.is_stream)
        return read_stream(source, buffer, capacity, n);
    if (source->content.memory)
        return read_memory(source, buffer, capacity, n);
    if (source->content.is_endless)
        return read_endless(source, buffer, capacity, n);
    int r = extent_next(&source->content.extent, buffer, capacity, n, hole);
    if (r < 0 || *n > 0 || *hole > 0)
        return r;
    if (!extent_is_done(&source->content.extent))
        return SOURCE_CHANGED;
    return check_unchanged(source);
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
    item->has_grown = kind == ITEM_END && source->has_grown;
    if (kind == ITEM_RECORD)
        digest_add(source->records, buffer, n);
    return 0;
}

static int begin_tree(struct source *source) {
    source->totals.n_directories++;
    source->phase = PHASE_WALK;
    return tree_open(&source->tree, source->top, &source->options, source->known);
}

static void begin_top_content(struct source *source) {
    if (source->top >= 0 && !source->content.is_stream)
        begin_content(source, source->top, &source->status, source->offer.size);
    source->content.is_endless = source->is_endless;
    source->totals.n_bytes = source->start;
    source->phase = PHASE_CONTENT;
}

static int give_top(struct source *source, void *buffer, size_t capacity, struct item *item) {
    const struct item_offer *offer = &source->offer;
    int r = source_refresh(source);
    if (r < 0)
        return r;
    struct record record = {.type = RECORD_ENTRY,
                            .entry = {.kind = offer->kind,
                                      .mode = offer->mode,
                                      .mtime_ns = offer->mtime_ns,
                                      .size = offer->kind == ENTRY_DIRECTORY ? 0 : offer->size,
                                      .start = source->start}};
    if (offer->kind == ENTRY_DIRECTORY)
        r = begin_tree(source);
    else
        begin_top_content(source);
    return r < 0 ? r : give_record(source, &record, buffer, capacity, item);
}

/* --- files of a tree --- */

/* It is small: all of it, before anything is said about it. */
static int take_small(struct source *source, struct tree_entry *entry, bool *is_taken) {
    size_t n = 0;
    if (!source->small)
        source->small = malloc(SOURCE_SMALL_BYTES);
    if (!source->small)
        return -ENOMEM;
    int r = snapshot_read(entry->fd, source->small, SOURCE_SMALL_BYTES, &n, &entry->status);
    *is_taken = r == 0;
    if (r != 0)
        return r < 0 ? r : 0;
    entry->status.st_size = (off_t)n;
    source->content =
        (struct source_content){.fd = entry->fd, .memory = source->small, .n_memory = n};
    return 0;
}

/* It has content, and no size. */
static int take_endless(struct source *source, struct tree_entry *entry) {
    int copy;
    size_t n;
    int r = snapshot_copy(entry->fd, SOURCE_ENDLESS_MAX, &copy, &n);
    if (r != 0)
        return r;
    close(entry->fd);
    entry->fd = copy;
    struct stat status;
    if (fstat(copy, &status) < 0)
        return error_errno();
    entry->status.st_size = status.st_size;
    begin_content(source, copy, &status, n);
    return 0;
}

/* A file cannot be read after all, as those of /proc may say only now. The walk goes on. */
static int leave_out(struct source *source, struct tree_entry *entry, int r) {
    bool is_about_us = r == -ENOMEM || r == -EMFILE || r == -ENFILE;
    close(entry->fd);
    entry->fd = source->content.fd = -1;
    if (is_about_us)
        return r;
    tree_skip(&source->tree, r < 0 ? SKIP_DENIED : SKIP_ENDLESS, r < 0 ? -r : 0);
    return 0;
}

/* *is_taken: its content is next. */
static int enter_file(struct source *source, struct tree_entry *entry, bool *is_taken) {
    int r = take_small(source, entry, is_taken);
    if (r == 0 && !*is_taken && entry->status.st_size == 0)
        r = take_endless(source, entry);
    else if (r == 0 && !*is_taken)
        begin_content(source, entry->fd, &entry->status, (uint64_t)entry->status.st_size);
    *is_taken = r == 0;
    if (r != 0)
        return leave_out(source, entry, r);
    source->phase = PHASE_CONTENT;
    return 0;
}

/* The next entry that is not left out. */
static int next_entry(struct source *source, struct tree_entry *entry) {
    for (bool is_taken = false; !is_taken;) {
        int r = tree_next(&source->tree, entry);
        if (r != 0)
            return r;
        if (entry->kind != ENTRY_FILE)
            return 0;
        r = enter_file(source, entry, &is_taken);
        if (r != 0)
            return r;
    }
    return 0;
}

static int give_entry(struct source *source, void *buffer, size_t capacity, struct item *item) {
    struct tree_entry entry;
    int r = next_entry(source, &entry);
    if (r != 0)
        return r;
    struct record record = {.type = RECORD_ENTRY,
                            .entry = {.kind = entry.kind,
                                      .mode = entry.status.st_mode & 07777,
                                      .mtime_ns = attributes_pack_time(entry.status.st_mtim),
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

/* --- content --- */

static int end_entry(struct source *source, const struct record_entry_end *end, void *buffer,
                     size_t capacity, struct item *item) {
    struct record record = {.type = RECORD_ENTRY_END, .entry_end = *end};
    int r = give_record(source, &record, buffer, capacity, item);
    if (r != 0)
        return r;
    source_close_content(source);
    digest_reset(source->sum);
    source->phase = source->offer.kind == ENTRY_DIRECTORY ? PHASE_WALK : PHASE_END;
    return 0;
}

static int give_entry_end(struct source *source, void *buffer, size_t capacity, struct item *item) {
    source->digest = digest_value(source->sum);
    int r = end_entry(source, &(struct record_entry_end){source->content.n_read, source->digest},
                      buffer, capacity, item);
    source->totals.n_files += r == 0;
    return r;
}

/* What came of a file of a tree is a mixture of before and after: the recipient drops it. */
static int give_void(struct source *source, void *buffer, size_t capacity, struct item *item) {
    tree_skip(&source->tree, SKIP_CHANGED, 0);
    source->totals.n_bytes -= source->content.n_read;
    return end_entry(source, &(struct record_entry_end){.size = ENTRY_END_VOID}, buffer, capacity,
                     item);
}

static int give_content(struct source *source, void *buffer, size_t capacity, struct item *item) {
    size_t n;
    uint64_t hole;
    int r = read_content(source, buffer, capacity, &n, &hole);
    if (r == SOURCE_CHANGED && source->offer.kind == ENTRY_DIRECTORY)
        return give_void(source, buffer, capacity, item);
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
    return source->content.is_stream ? source->content.fd : -1;
}

const struct left_out *source_left_out(const struct source *source, const struct left_out *after) {
    return after ? after->hh.next : source->found.left_out.first;
}

uint64_t source_n_unnamed(const struct source *source, enum source_skip why) {
    return source->found.left_out.n_unnamed[why];
}

const char *source_where(const struct source *source) {
    return source->tree.path[0] ? source->tree.path : source->name.s;
}

struct item_totals source_totals(const struct source *source) {
    struct item_totals totals = source->totals;
    totals.n_skipped = source->tree.n_skipped;
    return totals;
}

bool source_has_grown(const struct source *source) {
    return source->has_grown;
}

struct digest source_digest(const struct source *source) {
    return source->digest;
}
