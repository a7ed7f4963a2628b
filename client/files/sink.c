#include "files/sink.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/macro.h"
#include "files/attributes.h"
#include "files/extent.h"
#include "files/part.h"
#include "files/sink_tree.h"

/* The kernel begins to write to the disk when so much is there. */
#define BEGIN_BYTES ((uint64_t)8 * 1024 * 1024)

/*
 * As much as is written at a time. A file system that gets more asks for larger pieces of memory,
 * which may take longer to find than to fill: 1 GiB takes half as long again then.
 */
#define WRITE_BYTES ((size_t)128 * 1024)

enum sink_state {
    SINK_AT_TOP,     /* the top entry comes first */
    SINK_AT_CONTENT, /* of the entry under way */
    SINK_AT_ENTRY,   /* entries of the tree, or the end */
    SINK_AT_END,     /* only the end may come */
    SINK_DONE,
    SINK_FAILED,
};

/* The file or stream that is being written. */
struct sink_content {
    int fd;       /* -1: none */
    bool is_pipe; /* or whatever the caller gave: written in order, holes as zeros */
    uint64_t position;
    uint64_t end;     /* where it must end; of a stream, how far it may go */
    uint64_t written; /* so long is the file, what is behind becomes a hole */
    uint64_t on_way;  /* up to here the kernel was asked to begin writing to the disk */
};

struct sink {
    struct sink_options options;
    struct item_offer offer;
    char *name; /* of the offer */
    enum sink_state state;
    bool is_spoiled; /* what is there is of no use */
    bool is_resumed, has_grown;
    mode_t allowed;
    struct part part;
    struct item_prefix prefix;
    struct sink_tree tree;
    struct sink_content content;
    mode_t mode; /* of the entry under way */
    int64_t mtime_ns;
    mode_t top_mode;
    int64_t top_mtime_ns;
    uint64_t left; /* of the bytes that may come */
    uint64_t n_entries_left;
    struct digest_state *records, *sum; /* of all records, of the content */
    struct digest digest;
    struct item_totals totals;
};

/* The outcome that a failed call stands for; the error itself if it stands for none. */
static int sink_outcome_of(int r) {
    switch (r) {
    case -ENOSPC:
    case -EDQUOT:
        return TRANSFER_NO_SPACE;
    case -EFBIG:
        return TRANSFER_TOO_LARGE;
    case -EACCES:
    case -EPERM:
    case -EROFS:
        return TRANSFER_UNWRITABLE;
    case -EPIPE:
        return TRANSFER_READER_GONE;
    case -ENAMETOOLONG:
    case -EILSEQ:
        return TRANSFER_NO_NAME;
    default:
        return r;
    }
}

/* --- life --- */

static uint64_t sink_growth_limit(uint64_t size) {
    uint64_t more = size < SINK_GROWTH ? SINK_GROWTH : size;
    return size > UINT64_MAX - more ? UINT64_MAX : size + more;
}

static struct sink *sink_new(const struct item_offer *offer, const struct sink_options *options) {
    struct sink *sink = calloc(1, sizeof *sink);
    if (!sink)
        return NULL;
    sink->options = *options;
    sink->part.fd = sink->part.dir = sink->content.fd = -1;
    sink->records = digest_new();
    sink->sum = digest_new();
    sink->name = strdup(offer->name);
    sink->offer = *offer;
    sink->offer.name = sink->name;
    sink->allowed = attributes_allowed();
    sink->left = options->n_bytes_max > 0 ? options->n_bytes_max : sink_growth_limit(offer->size);
    sink->n_entries_left = options->n_entries_max > 0 ? options->n_entries_max : SINK_ENTRIES_MAX;
    if (sink->records && sink->sum && sink->name)
        return sink;
    sink_free(sink);
    return NULL;
}

/* Sums up what is there, so that the sum can go on behind it. */
static int sink_read_prefix(struct sink *sink) {
    static const int outcomes[] = {
        [EXTENT_SHORT] = TRANSFER_DISTURBED, [EXTENT_STOPPED] = TRANSFER_CANCELLED};
    struct stat status;
    if (fstat(sink->part.fd, &status) < 0)
        return error_errno();
    int r = extent_sum(sink->part.fd, sink->part.offset, &status, sink->options.stop, sink->sum);
    if (r != 0)
        return r < 0 ? r : outcomes[r];
    sink->prefix.offset = sink->part.offset;
    sink->prefix.digest = digest_value(sink->sum);
    return 0;
}

static int sink_look_at_part(struct sink *sink) {
    if (sink->offer.kind != ENTRY_FILE || sink->part.offset > sink->offer.size)
        return 0;
    sink->prefix.is_changed = sink->part.is_changed;
    return sink->part.offset > 0 ? sink_read_prefix(sink) : 0;
}

static int sink_open_outcome(int r) {
    return r == -EINVAL ? TRANSFER_NO_NAME : sink_outcome_of(r);
}

int sink_open(struct sink **sink, const struct item_offer *offer,
              const struct sink_options *options) {
    *sink = sink_new(offer, options);
    if (!*sink)
        return -ENOMEM;
    int r = part_open(&(*sink)->part, options->dir, offer, options->from);
    if (r == 0)
        r = sink_look_at_part(*sink);
    if (r != 0) {
        sink_free(*sink);
        *sink = NULL;
    }
    return sink_open_outcome(r);
}

int sink_open_stream(struct sink **sink, const struct item_offer *offer, int fd,
                     const struct sink_options *options) {
    *sink = NULL;
    if (offer->kind == ENTRY_DIRECTORY)
        return TRANSFER_NO_NAME;
    *sink = sink_new(offer, options);
    if (!*sink)
        return -ENOMEM;
    (*sink)->content = (struct sink_content){.fd = fd, .is_pipe = true};
    return 0;
}

/* A file of a tree that was not completed. The one of the top is the part's. */
static void sink_close_content(struct sink *sink) {
    if (sink->content.fd >= 0 && !sink->content.is_pipe && sink->content.fd != sink->part.fd)
        close(sink->content.fd);
}

void sink_free(struct sink *sink) {
    if (!sink)
        return;
    sink_close_content(sink);
    sink_tree_close(&sink->tree);
    if (!sink_kept_name(sink))
        part_remove(&sink->part);
    part_close(&sink->part);
    digest_free(sink->records);
    digest_free(sink->sum);
    free(sink->name);
    free(sink);
}

/* --- writing content: 0, -errno or an outcome --- */

static size_t content_piece(size_t n) {
    return n < WRITE_BYTES ? n : WRITE_BYTES;
}

/* What can be written now: to a pipe, which may not be ready and may be interrupted, or a file. */
static ssize_t content_write_some(const struct sink_content *content, const char *data, size_t n) {
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
static int content_check_undisturbed(const struct sink_content *content) {
    struct stat status;
    if (content->is_pipe)
        return 0;
    if (fstat(content->fd, &status) < 0)
        return error_errno();
    return (uint64_t)status.st_size == content->written ? 0 : TRANSFER_DISTURBED;
}

/* What was left out of the file becomes a hole in it. */
static int content_fill_up(struct sink_content *content) {
    if (content->is_pipe || content->written == content->position)
        return 0;
    int r = content_check_undisturbed(content);
    if (r == 0 && ftruncate(content->fd, (off_t)content->position) < 0)
        r = error_errno();
    content->written = content->position;
    return r;
}

static int sink_write_all(struct sink *sink, const void *data, size_t n) {
    const char *at = data;
    int r = content_fill_up(&sink->content);
    if (r != 0)
        return r;
    while (n > 0) {
        ssize_t written = content_write_some(&sink->content, at, content_piece(n));
        if (written < 0 && errno != EINTR)
            return error_errno();
        if (written < 0 && sink->options.stop && *sink->options.stop)
            return TRANSFER_CANCELLED;
        if (written < 0)
            continue;
        at += written;
        n -= (size_t)written;
        sink->content.position += (uint64_t)written;
    }
    sink->content.written = sink->content.position;
    return content_check_undisturbed(&sink->content);
}

static bool sink_is_too_much(const struct sink *sink, uint64_t n) {
    return n > sink->content.end - sink->content.position;
}

/*
 * Else the disk idles until fsync() at the end, which then waits for all: with this a large file is
 * there, and synced, a quarter sooner. A failure does not matter here, fsync() tells it.
 */
static void sink_begin_sync(struct sink *sink) {
    struct sink_content *content = &sink->content;
    if (content->is_pipe || sink->options.is_unsynced ||
        content->written < content->on_way + BEGIN_BYTES)
        return;
    (void)sync_file_range(content->fd, (off_t)content->on_way,
                          (off_t)(content->written - content->on_way), SYNC_FILE_RANGE_WRITE);
    content->on_way = content->written;
}

/* Each piece is summed up right after it was written: the processor's cache holds it then. */
static int sink_write_and_sum(struct sink *sink, const void *data, size_t n) {
    const char *at = data;
    while (n > 0) {
        size_t piece = content_piece(n);
        int r = sink_write_all(sink, at, piece);
        if (r != 0)
            return r;
        digest_add(sink->sum, at, piece);
        at += piece;
        n -= piece;
    }
    return 0;
}

/* Writes, and counts and sums up what was written. */
static int sink_write(struct sink *sink, const void *data, size_t n) {
    if (sink_is_too_much(sink, n))
        return TRANSFER_TOO_MUCH;
    int r = sink_write_and_sum(sink, data, n);
    if (r != 0)
        return r;
    sink_begin_sync(sink);
    sink->totals.n_bytes += n;
    return 0;
}

static int sink_write_zeros(struct sink *sink, uint64_t n) {
    static const char zeros[16 * 1024];
    int r = 0;
    while (r == 0 && n > 0) {
        size_t part = n < sizeof zeros ? (size_t)n : sizeof zeros;
        r = sink_write_all(sink, zeros, part);
        n -= part;
    }
    return r;
}

static int sink_write_hole(struct sink *sink, uint64_t n) {
    if (sink_is_too_much(sink, n))
        return TRANSFER_TOO_MUCH;
    digest_add_zeros(sink->sum, n);
    if (sink->content.is_pipe) {
        int r = sink_write_zeros(sink, n);
        if (r != 0)
            return r;
    } else {
        sink->content.position += n;
    }
    sink->totals.n_bytes += n;
    return 0;
}

/* A hole at the end of the file is made, too. */
static int sink_write_end(struct sink *sink) {
    int r = content_fill_up(&sink->content);
    return r == 0 ? content_check_undisturbed(&sink->content) : r;
}

/* --- the top entry --- */

/* The sender goes on behind the prefix, or begins anew. */
static int sink_set_start(struct sink *sink, uint64_t start) {
    if (start > 0 && start != sink->prefix.offset)
        return TRANSFER_MALFORMED;
    sink->is_resumed = start > 0;
    sink->totals.n_bytes = start;
    if (sink->is_resumed || sink->content.is_pipe)
        return 0;
    digest_reset(sink->sum);
    return part_restart(&sink->part);
}

static int sink_begin_top_content(struct sink *sink, const struct record_entry *entry) {
    if (entry->kind == ENTRY_FILE && entry->size > sink->left)
        return TRANSFER_TOO_MUCH;
    int r = sink_set_start(sink, entry->start);
    if (r != 0)
        return r;
    if (entry->kind == ENTRY_FILE) {
        sink->offer.size = sink->left = entry->size;
        part_set_version(&sink->part, entry->size, entry->mtime_ns);
    }
    if (!sink->content.is_pipe)
        sink->content.fd = sink->part.fd;
    sink->content.position = sink->content.written = sink->content.on_way = entry->start;
    sink->content.end = sink->left;
    sink->state = SINK_AT_CONTENT;
    return 0;
}

static int sink_put_top(struct sink *sink, const struct record_entry *entry) {
    if (entry->path.n > 0 || entry->kind != sink->offer.kind)
        return TRANSFER_MALFORMED;
    sink->top_mode = entry->mode & sink->allowed;
    sink->top_mtime_ns = entry->mtime_ns;
    if (entry->kind != ENTRY_DIRECTORY)
        return sink_begin_top_content(sink, entry);
    sink_tree_open(&sink->tree, sink->part.fd);
    sink->totals.n_directories++;
    sink->state = SINK_AT_ENTRY;
    return 0;
}

/* --- entries of a tree --- */

static int sink_begin_file(struct sink *sink, const struct record_entry *entry) {
    if (entry->start != 0)
        return TRANSFER_MALFORMED;
    if (entry->size > sink->left)
        return TRANSFER_TOO_MUCH;
    sink->left -= entry->size;
    sink->mode = entry->mode & sink->allowed;
    sink->mtime_ns = entry->mtime_ns;
    sink->content = (struct sink_content){.fd = -1, .end = entry->size};
    int r = sink_tree_make_file(&sink->tree, &sink->content.fd);
    sink->state = SINK_AT_CONTENT;
    return r;
}

static int sink_put_tree_entry(struct sink *sink, const struct record_entry *entry) {
    if (entry->path.n == 0)
        return TRANSFER_MALFORMED;
    if (sink->n_entries_left-- == 0)
        return TRANSFER_TOO_MUCH;
    int r = sink_tree_go(&sink->tree, entry->path);
    if (r != 0)
        return r;
    switch (entry->kind) {
    case ENTRY_FILE:
        return sink_begin_file(sink, entry);
    case ENTRY_DIRECTORY:
        sink->totals.n_directories++;
        return sink_tree_make_directory(&sink->tree, entry->mode & sink->allowed, entry->mtime_ns);
    case ENTRY_LINK:
        sink->totals.n_links++;
        return sink_tree_make_link(&sink->tree, entry->target, entry->mtime_ns);
    default:
        return TRANSFER_MALFORMED;
    }
}

/* --- the end of an entry --- */

/* A file of a tree that is not to be kept. */
static int sink_void_tree_file(struct sink *sink) {
    struct sink_content *content = &sink->content;
    int r = sink_tree_remove_file(&sink->tree, content->fd);
    close(content->fd);
    content->fd = -1;
    sink->left += content->end;
    sink->totals.n_bytes -= content->position;
    digest_reset(sink->sum);
    sink->state = SINK_AT_ENTRY;
    return r;
}

/* A file of a tree is complete; what is at the top is completed with the last record. */
static int sink_end_tree_file(struct sink *sink) {
    int r = attributes_set(sink->content.fd, sink->mode, sink->mtime_ns);
    close(sink->content.fd);
    sink->content.fd = -1;
    digest_reset(sink->sum);
    sink->state = SINK_AT_ENTRY;
    return r;
}

static int sink_put_entry_end(struct sink *sink, const struct record_entry_end *end) {
    const struct sink_content *content = &sink->content;
    bool is_in_tree = sink->offer.kind == ENTRY_DIRECTORY;
    if (sink->state == SINK_AT_CONTENT && is_in_tree && end->size == ENTRY_END_VOID)
        return sink_void_tree_file(sink);
    if (sink->state != SINK_AT_CONTENT || end->size != content->position)
        return TRANSFER_MALFORMED;
    if (sink->offer.kind != ENTRY_STREAM && content->position != content->end)
        return TRANSFER_MALFORMED;
    sink->digest = digest_value(sink->sum);
    if (!digest_equal(sink->digest, end->digest))
        return TRANSFER_DAMAGED;
    sink->totals.n_files++;
    int r = sink_write_end(sink);
    if (r != 0)
        return r;
    if (is_in_tree)
        return sink_end_tree_file(sink);
    sink->state = SINK_AT_END;
    return 0;
}

/* --- the end of all --- */

static bool totals_are_equal(const struct item_totals *a, const struct item_totals *b) {
    return a->n_files == b->n_files && a->n_directories == b->n_directories &&
           a->n_links == b->n_links && a->n_bytes == b->n_bytes;
}

static int sink_complete(struct sink *sink) {
    if (sink->content.is_pipe)
        return 0;
    int r = 0;
    if (sink->offer.kind == ENTRY_DIRECTORY)
        r = sink_tree_finish(&sink->tree);
    if (r == 0 && !sink->options.is_unsynced)
        r = part_sync(&sink->part);
    int64_t mtime_ns = sink->offer.kind == ENTRY_STREAM ? ATTRIBUTES_NO_TIME : sink->top_mtime_ns;
    if (r == 0)
        r = part_finish(&sink->part, sink->top_mode, mtime_ns);
    if (r == 0 && !sink->options.is_unsynced)
        r = part_sync_name(&sink->part);
    return r;
}

static int sink_put_end(struct sink *sink, const struct record_end *end, bool has_grown) {
    enum sink_state wanted = sink->offer.kind == ENTRY_DIRECTORY ? SINK_AT_ENTRY : SINK_AT_END;
    if (sink->state != wanted)
        return TRANSFER_MALFORMED;
    struct digest digest = digest_value(sink->records);
    if (!digest_equal(digest, end->digest) || !totals_are_equal(&sink->totals, &end->totals))
        return TRANSFER_DAMAGED;
    sink->totals.n_skipped = end->totals.n_skipped;
    sink->has_grown = has_grown;
    if (sink->offer.kind == ENTRY_DIRECTORY)
        sink->digest = digest;
    int r = sink_complete(sink);
    if (r == 0)
        sink->state = SINK_DONE;
    return r;
}

/* --- items --- */

static int sink_put_entry(struct sink *sink, const struct record_entry *entry) {
    switch (sink->state) {
    case SINK_AT_TOP:
        return sink_put_top(sink, entry);
    case SINK_AT_ENTRY:
        return sink_put_tree_entry(sink, entry);
    default:
        return TRANSFER_MALFORMED;
    }
}

/* The bytes may be changed by the sender at any time: a private copy is decoded. */
static int sink_put_record(struct sink *sink, const struct item *item) {
    uint8_t bytes[RECORD_BYTES_MAX];
    struct item_record record;
    if (item->n > sizeof bytes)
        return TRANSFER_MALFORMED;
    memcpy(bytes, item->data, item->n);
    if (!record_decode(&record, bytes, item->n))
        return TRANSFER_MALFORMED;
    if ((item->kind == ITEM_END) != (record.type == RECORD_END))
        return TRANSFER_MALFORMED;
    if (record.type == RECORD_END)
        return sink_put_end(sink, &record.end, item->has_grown);
    digest_add(sink->records, bytes, item->n);
    return record.type == RECORD_ENTRY ? sink_put_entry(sink, &record.entry)
                                       : sink_put_entry_end(sink, &record.entry_end);
}

static int sink_put_item(struct sink *sink, const struct item *item) {
    if (sink->options.stop && *sink->options.stop)
        return TRANSFER_CANCELLED;
    switch (item->kind) {
    case ITEM_RECORD:
    case ITEM_END:
        return sink_put_record(sink, item);
    case ITEM_DATA:
        if (sink->state != SINK_AT_CONTENT || item->n == 0)
            return TRANSFER_MALFORMED;
        return sink_write(sink, item->data, item->n);
    case ITEM_HOLE:
        if (sink->state != SINK_AT_CONTENT || item->hole == 0 || item->hole > ITEM_HOLE_MAX)
            return TRANSFER_MALFORMED;
        return sink_write_hole(sink, item->hole);
    }
    return TRANSFER_MALFORMED;
}

/* What this attempt wrote is of no use. What was there before it still is, as far as it is there:
 * all of it, if nothing was begun, or what it went on behind. */
static bool sink_spoil(const struct sink *sink) {
    if (sink->state == SINK_AT_TOP)
        return false;
    return !sink->is_resumed || ftruncate(sink->part.fd, (off_t)sink->prefix.offset) < 0;
}

int sink_put(struct sink *sink, const struct item *item) {
    int r = sink_outcome_of(sink_put_item(sink, item));
    if (r == TRANSFER_MALFORMED || r == TRANSFER_DAMAGED || r == TRANSFER_TOO_MUCH)
        sink->is_spoiled = sink_spoil(sink);
    if (r != 0)
        sink->state = SINK_FAILED;
    return r;
}

/* --- what is told --- */

static const char *sink_name_or_null(const char *name) {
    return name[0] ? name : NULL;
}

struct item_prefix sink_prefix(const struct sink *sink) {
    return sink->prefix;
}

const char *sink_name(const struct sink *sink) {
    return sink_name_or_null(sink->part.final.s);
}

const char *sink_part_name(const struct sink *sink) {
    return sink_name_or_null(sink->part.name.s);
}

const char *sink_kept_name(const struct sink *sink) {
    bool is_kept = !sink->is_spoiled && part_is_worth_keeping(&sink->part);
    return is_kept ? sink_part_name(sink) : NULL;
}

uint64_t sink_size(const struct sink *sink) {
    return sink->offer.size;
}

bool sink_is_renamed(const struct sink *sink) {
    const char *name = sink->part.final.s[0] ? sink->part.final.s : sink->part.clean.s;
    return !sink->content.is_pipe && strcmp(name, sink->name) != 0;
}

bool sink_has_grown(const struct sink *sink) {
    return sink->has_grown;
}

bool sink_is_resumed(const struct sink *sink) {
    return sink->is_resumed;
}

const char *sink_where(const struct sink *sink) {
    return sink->tree.path[0] ? sink->tree.path : sink->name;
}

struct item_totals sink_totals(const struct sink *sink) {
    return sink->totals;
}

struct digest sink_digest(const struct sink *sink) {
    return sink->digest;
}
