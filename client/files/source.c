#include "files/source.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/macro.h"
#include "files/attributes.h"
#include "files/extent.h"
#include "files/filename.h"
#include "files/read_group.h"
#include "files/snapshot.h"
#include "files/source_inside.h"
#include "files/source_path.h"

#define PIPE_BYTES (1024 * 1024) /* what an ordinary user may ask for */

static bool source_is_stopped(const struct source *source) {
    return source->options.stop && *source->options.stop;
}

/* --- life --- */

static struct source *source_new(const struct source_options *options) {
    struct source *source = calloc(1, sizeof *source);
    if (!source)
        return NULL;
    source->top = source->content.fd = -1;
    source->known = &source->found;
    if (options)
        source->options = *options;
    source->records = digest_new();
    source->sum = digest_new();
    if (source->records && source->sum)
        return source;
    source_free(source);
    return NULL;
}

/* Closes the file of the entry that was under way. */
static void source_close_content(struct source *source) {
    if (source->content.fd >= 0 && source->content.fd != source->top && !source->content.is_stream)
        close(source->content.fd);
    source->content.fd = -1;
}

void source_free(struct source *source) {
    if (!source)
        return;
    read_member_leave(source->member);
    read_group_drop(source->group, source->use);
    source_close_content(source);
    tree_close(&source->tree);
    tree_memory_free(&source->found);
    if (source->top >= 0)
        close(source->top);
    digest_free(source->records);
    digest_free(source->sum);
    free(source->small);
    free(source);
}

/* --- what it is --- */

static void source_begin_stream(struct source *source, int fd) {
    source->offer.kind = ENTRY_STREAM;
    source->offer.size = ITEM_SIZE_UNKNOWN;
    source->offer.mode = 0666;
    source->offer.mtime_ns = 0;
    source->content = (struct source_content){.fd = fd, .is_stream = true};
    fcntl(fd, F_SETPIPE_SZ, PIPE_BYTES); /* fewer, larger reads; it need not be a pipe */
}

/* Adds up what a directory has in it, and finds out what will be left out. */
static int source_measure(struct source *source) {
    int r = tree_explore(&source->tree, source->top, &source->options, &source->found);
    source->offer.size = 0;
    struct tree_entry entry = {.kind = ENTRY_FILE};
    while (r == 0 && entry.kind != ENTRY_STREAM) {
        r = tree_next(&source->tree, &entry);
        if (r == 0 && entry.kind == ENTRY_FILE)
            source->offer.size += (uint64_t)entry.status.st_size;
    }
    tree_close(&source->tree);
    tree_memory_sort(&source->found);
    return r;
}

/* Files of /proc have content, and no size. */
static bool file_is_endless(int fd, const struct stat *status) {
    char byte;
    return status->st_size == 0 && pread(fd, &byte, 1, 0) == 1;
}

int source_refresh(struct source *source) {
    if (source->is_fresh || source->top < 0 || source->content.is_stream)
        return 0;
    if (fstat(source->top, &source->status) < 0)
        return error_errno();
    source->is_fresh = true;
    source->offer.mode = source->status.st_mode & 07777;
    if (source->is_endless)
        return 0;
    source->offer.mtime_ns = attributes_pack_time(source->status.st_mtim);
    if (source->offer.kind == ENTRY_FILE)
        source->offer.size = (uint64_t)source->status.st_size;
    return 0;
}

/* Others may read it, too. */
static void source_begin_group(struct source *source) {
    if (!source->options.pool)
        return;
    source->use = source->options.is_for_many ? READ_OFFER_TO_MANY : READ_OFFER;
    source->group = read_group_get(source->options.pool, &source->status, source->use);
}

static int source_begin_file(struct source *source) {
    source->offer.kind = ENTRY_FILE;
    source->is_endless = file_is_endless(source->top, &source->status);
    if (source->is_endless) {
        source->offer.kind = ENTRY_STREAM;
        source->offer.size = ITEM_SIZE_UNKNOWN;
    } else {
        source_begin_group(source);
    }
    return source_refresh(source);
}

static int source_begin_top(struct source *source) {
    if (S_ISREG(source->status.st_mode))
        return source_begin_file(source);
    if (S_ISDIR(source->status.st_mode)) {
        source->offer.kind = ENTRY_DIRECTORY;
        source_begin_group(source);
        int r = source_refresh(source);
        return r == 0 ? source_measure(source) : r;
    }
    int flags = fcntl(source->top, F_GETFL);
    if (flags < 0 || fcntl(source->top, F_SETFL, flags & ~O_NONBLOCK) < 0)
        return error_errno();
    source_begin_stream(source, source->top);
    return 0;
}

static int source_begin_path(struct source *source, const char *path) {
    source->top = source_path_open(path, &source->status, &source->options);
    if (source->top < 0)
        return source->top == -ENXIO ? TRANSFER_NO_FILE : source->top;
    int r = source_path_name(&source->name, path, source->top);
    source->offer.name = source->name.s;
    if (r == 0)
        r = source_begin_top(source);
    source->is_fresh = false;
    return r;
}

/* For source_open and so on: what failed is freed. */
static int source_give(struct source **source, struct source *made, int r) {
    *source = r == 0 ? made : NULL;
    if (r != 0)
        source_free(made);
    return r;
}

int source_open(struct source **source, const char *path, const struct source_options *options) {
    struct source *made = source_new(options);
    return source_give(source, made, made ? source_begin_path(made, path) : -ENOMEM);
}

static int source_share_top(struct source *source, const struct source *opened) {
    source->name = opened->name;
    source->offer = opened->offer;
    source->offer.name = source->name.s;
    source->is_endless = opened->is_endless;
    source->known = opened->known;
    if (opened->content.is_stream)
        source->content = opened->content;
    if (opened->top < 0)
        return 0;
    source->top = fcntl(opened->top, F_DUPFD_CLOEXEC, 0);
    if (source->top < 0)
        return error_errno();
    if (source->content.is_stream)
        source->content.fd = source->top;
    return source_refresh(source);
}

int source_again_alone(struct source **source, const struct source *opened,
                       const struct source_options *options) {
    struct source *made = source_new(options);
    return source_give(source, made, made ? source_share_top(made, opened) : -ENOMEM);
}

int source_again(struct source **source, const struct source *opened,
                 const struct source_options *options) {
    int r = source_again_alone(source, opened, options);
    if (r == 0) {
        (*source)->use = READ_TAKER;
        (*source)->group = read_group_keep(opened->group, READ_TAKER);
    }
    return r;
}

int source_open_memory(struct source **source, const struct item_offer *offer, const void *data,
                       size_t n) {
    struct source *made = source_new(NULL);
    if (made) {
        snprintf(made->name.s, sizeof made->name.s, "%s", offer->name);
        made->offer = *offer;
        made->offer.name = made->name.s;
        made->offer.size = n;
        made->content = (struct source_content){.fd = -1, .memory = data, .n_memory = n};
    }
    return source_give(source, made, made ? 0 : -ENOMEM);
}

int source_open_stream(struct source **source, int fd, const char *name,
                       const struct source_options *options) {
    struct source *made = source_new(options);
    int r = made ? filename_clean(&made->name, bytes_of(name)) : -ENOMEM;
    if (r == 0) {
        made->offer.name = made->name.s;
        source_begin_stream(made, fd);
    }
    return source_give(source, made, r);
}

/* --- reading --- */

static void content_begin(struct source *source, int fd, const struct stat *status, uint64_t size) {
    source->content = (struct source_content){
        .fd = fd,
        .status = *status,
        .extent = extent_of(fd, source->start, size, extent_has_holes(status)),
        .n_read = source->start};
    posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
}

/* Sums up the first `n` bytes of a file. */
static int source_sum_up(const struct source *source, int fd, uint64_t n, const struct stat *status,
                         struct digest_state *sum) {
    static const int outcomes[] = {
        [EXTENT_SHORT] = TRANSFER_CHANGED, [EXTENT_STOPPED] = TRANSFER_CANCELLED};
    int r = extent_sum(fd, n, status, source->options.stop, sum);
    return r > 0 ? outcomes[r] : r;
}

/* Whether what was read is what is there: it may be that only the time was set. */
static int content_check_again(const struct source *source, const struct stat *now) {
    const struct source_content *content = &source->content;
    struct digest_state *sum = digest_new();
    if (!sum)
        return -ENOMEM;
    int r = source_sum_up(source, content->fd, content->n_read, now, sum);
    if (r == 0 && !digest_equal(digest_value(sum), digest_value(source->sum)))
        r = TRANSFER_CHANGED;
    digest_free(sum);
    return r;
}

/*
 * Whether the file still is what it was when it was opened. In a tree it may have grown: a log that
 * is written to must not fail all others, so it is sent as it was, and that is told. Who offers one
 * file alone means all of it.
 */
static int content_check_unchanged(struct source *source) {
    const struct source_content *content = &source->content;
    struct stat now;
    if (fstat(content->fd, &now) < 0)
        return error_errno();
    if (snapshot_is_same(&now, &content->status))
        return TRANSFER_OK;
    if (now.st_size < content->status.st_size)
        return TRANSFER_CHANGED;
    if (source->offer.kind == ENTRY_FILE && now.st_size > content->status.st_size)
        return TRANSFER_CHANGED;
    int r = content_check_again(source, &now);
    if (r == 0 && now.st_size > content->status.st_size)
        source->has_grown = true;
    return r;
}

int source_resume(struct source *source, const struct item_prefix *prefix) {
    assert(source->phase == PHASE_TOP);
    int r = source_refresh(source);
    if (r < 0)
        return r;
    if (source->offer.kind != ENTRY_FILE || prefix->offset > source->offer.size)
        return TRANSFER_DIFFERS;
    r = source_sum_up(source, source->top, prefix->offset, &source->status, source->sum);
    if (r != 0)
        return r;
    if (!digest_equal(digest_value(source->sum), prefix->digest)) {
        digest_reset(source->sum);
        return TRANSFER_DIFFERS;
    }
    source->start = prefix->offset;
    return 0;
}

int source_snapshot(struct source *source, void *buffer, size_t capacity, size_t *n) {
    assert(source->phase == PHASE_TOP);
    if (!S_ISREG(source->status.st_mode))
        return TRANSFER_NO_FILE;
    int r = source_refresh(source);
    if (r == 0)
        r = snapshot_read(source->top, buffer, capacity, n, &source->status);
    if (r != 0)
        return r;
    source->is_fresh = true;
    source->offer.mtime_ns = attributes_pack_time(source->status.st_mtim);
    return 0;
}

static int content_read_stream(struct source *source, void *buffer, size_t capacity, size_t *n) {
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
        if (source_is_stopped(source))
            return TRANSFER_CANCELLED;
    }
}

/* What was read already goes out in pieces. */
static int content_read_memory(struct source *source, void *buffer, size_t capacity, size_t *n) {
    struct source_content *content = &source->content;
    size_t left = content->n_memory - (size_t)content->n_read;
    *n = left < capacity ? left : capacity;
    memcpy(buffer, content->memory + content->n_read, *n);
    return 0;
}

static int content_read_endless(struct source *source, void *buffer, size_t capacity, size_t *n) {
    ssize_t got;
    do
        got = pread(source->content.fd, buffer, capacity, (off_t)source->content.n_read);
    while (got < 0 && errno == EINTR);
    *n = got > 0 ? (size_t)got : 0;
    return got < 0 ? error_errno() : 0;
}

static int content_read_extent(struct source *source, void *buffer, size_t capacity, size_t *n,
                               uint64_t *hole) {
    int r = extent_next(&source->content.extent, buffer, capacity, n, hole);
    if (r < 0 || *n > 0 || *hole > 0)
        return r;
    if (!extent_is_done(&source->content.extent))
        return TRANSFER_CHANGED;
    return content_check_unchanged(source);
}

/* Whatever is next of it, and sums it up. */
static int content_read(struct source *source, void *buffer, size_t capacity, size_t *n,
                        uint64_t *hole) {
    int r;
    *n = 0;
    *hole = 0;
    if (source->content.is_stream)
        r = content_read_stream(source, buffer, capacity, n);
    else if (source->content.memory)
        r = content_read_memory(source, buffer, capacity, n);
    else if (source->content.is_endless)
        r = content_read_endless(source, buffer, capacity, n);
    else
        r = content_read_extent(source, buffer, capacity, n, hole);
    if (r != 0)
        return r;
    digest_add(source->sum, buffer, *n);
    digest_add_zeros(source->sum, *hole);
    return 0;
}

/* --- items --- */

/* Makes the item that is this record. */
static int give_record(struct source *source, const struct item_record *record, void *buffer,
                       size_t capacity, struct item *item) {
    size_t n = record_encode(record, buffer, capacity);
    if (n == 0)
        return TRANSFER_TOO_SMALL;
    enum item_kind kind = record->type == RECORD_END ? ITEM_END : ITEM_RECORD;
    *item = (struct item){.kind = kind, .n = n, .data = buffer};
    item->has_grown = kind == ITEM_END && source->has_grown;
    if (kind == ITEM_RECORD)
        digest_add(source->records, buffer, n);
    return 0;
}

static int source_begin_tree(struct source *source) {
    source->totals.n_directories++;
    source->phase = PHASE_WALK;
    return tree_open(&source->tree, source->top, &source->options, source->known);
}

static void source_begin_content(struct source *source) {
    if (source->top >= 0 && !source->content.is_stream)
        content_begin(source, source->top, &source->status, source->offer.size);
    source->content.is_endless = source->is_endless;
    source->totals.n_bytes = source->start;
    source->phase = PHASE_CONTENT;
}

static int give_top(struct source *source, void *buffer, size_t capacity, struct item *item) {
    const struct item_offer *offer = &source->offer;
    int r = source_refresh(source);
    if (r < 0)
        return r;
    struct item_record record = {.type = RECORD_ENTRY,
                                 .entry = {.kind = offer->kind,
                                           .mode = offer->mode,
                                           .mtime_ns = offer->mtime_ns,
                                           .size = offer->kind == ENTRY_DIRECTORY ? 0 : offer->size,
                                           .start = source->start}};
    if (offer->kind == ENTRY_DIRECTORY)
        r = source_begin_tree(source);
    else
        source_begin_content(source);
    return r < 0 ? r : give_record(source, &record, buffer, capacity, item);
}

/* --- files of a tree --- */

/* It is small: all of it, before anything is said about it. */
static int file_take_small(struct source *source, struct tree_entry *entry, bool *is_taken) {
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
static int file_take_endless(struct source *source, struct tree_entry *entry) {
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
    content_begin(source, copy, &status, n);
    return 0;
}

/* A file cannot be read after all, as those of /proc may say only now. The walk goes on. */
static int file_leave_out(struct source *source, struct tree_entry *entry, int r) {
    bool is_about_us = r == -ENOMEM || r == -EMFILE || r == -ENFILE;
    close(entry->fd);
    entry->fd = source->content.fd = -1;
    if (is_about_us)
        return r;
    tree_skip(&source->tree, r < 0 ? SKIP_DENIED : SKIP_ENDLESS, r < 0 ? -r : 0);
    return 0;
}

/* *is_taken: its content is next. */
static int file_enter(struct source *source, struct tree_entry *entry, bool *is_taken) {
    int r = file_take_small(source, entry, is_taken);
    if (r == 0 && !*is_taken && entry->status.st_size == 0)
        r = file_take_endless(source, entry);
    else if (r == 0 && !*is_taken)
        content_begin(source, entry->fd, &entry->status, (uint64_t)entry->status.st_size);
    *is_taken = r == 0;
    if (r != 0)
        return file_leave_out(source, entry, r);
    source->phase = PHASE_CONTENT;
    return 0;
}

/* The next entry that is not left out. */
static int source_next_entry(struct source *source, struct tree_entry *entry) {
    for (bool is_taken = false; !is_taken;) {
        int r = tree_next(&source->tree, entry);
        if (r != 0)
            return r;
        if (entry->kind != ENTRY_FILE)
            return 0;
        r = file_enter(source, entry, &is_taken);
        if (r != 0)
            return r;
    }
    return 0;
}

static int give_entry(struct source *source, void *buffer, size_t capacity, struct item *item) {
    struct tree_entry entry;
    int r = source_next_entry(source, &entry);
    if (r != 0)
        return r;
    struct item_record record = {.type = RECORD_ENTRY,
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

static int content_end(struct source *source, const struct record_entry_end *end, void *buffer,
                       size_t capacity, struct item *item) {
    struct item_record record = {.type = RECORD_ENTRY_END, .entry_end = *end};
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
    int r = content_end(source, &(struct record_entry_end){source->content.n_read, source->digest},
                        buffer, capacity, item);
    source->totals.n_files += r == 0;
    return r;
}

/* What came of a file of a tree is a mixture of before and after: the recipient drops it. */
static int give_void(struct source *source, void *buffer, size_t capacity, struct item *item) {
    tree_skip(&source->tree, SKIP_CHANGED, 0);
    source->totals.n_bytes -= source->content.n_read;
    return content_end(source, &(struct record_entry_end){.size = ENTRY_END_VOID}, buffer, capacity,
                       item);
}

static int give_content(struct source *source, void *buffer, size_t capacity, struct item *item) {
    size_t n;
    uint64_t hole;
    int r = content_read(source, buffer, capacity, &n, &hole);
    if (r == TRANSFER_CHANGED && source->offer.kind == ENTRY_DIRECTORY)
        return give_void(source, buffer, capacity, item);
    if (r != 0)
        return r;
    if (n == 0 && hole == 0)
        return give_entry_end(source, buffer, capacity, item);
    *item = n > 0 ? (struct item){.kind = ITEM_DATA, .n = n, .data = buffer}
                  : (struct item){.kind = ITEM_HOLE, .hole = hole};
    source->content.n_read += n + hole;
    source->totals.n_bytes += n + hole;
    return 0;
}

static int give_end(struct source *source, void *buffer, size_t capacity, struct item *item) {
    source->totals.n_skipped = source->tree.n_skipped;
    struct item_record record = {
        .type = RECORD_END,
        .end = {.totals = source->totals, .digest = digest_value(source->records)}};
    if (source->offer.kind == ENTRY_DIRECTORY)
        source->digest = record.end.digest;
    source->phase = PHASE_DONE;
    return give_record(source, &record, buffer, capacity, item);
}

int source_next_alone(struct source *source, void *buffer, size_t capacity, struct item *item) {
    int r = 0;
    *item = (struct item){0};
    if (source_is_stopped(source))
        return TRANSFER_CANCELLED;
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

int source_next(struct source *source, void *buffer, size_t capacity, struct item *item) {
    *item = (struct item){0};
    if (source_is_stopped(source))
        return TRANSFER_CANCELLED;
    int r = source_join(source, capacity);
    if (r == 0 && source->member)
        r = source_next_together(source, buffer, capacity, item);
    if (r != 0 || item->kind != 0)
        return r;
    return source_next_alone(source, buffer, capacity, item);
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
