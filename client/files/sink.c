#include "files/sink.h"

#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/macro.h"
#include "files/attributes.h"
#include "files/sink_inside.h"

const char *sink_outcome_text(enum sink_outcome outcome) {
    static const char *const texts[] = {
        [SINK_OK] = "success",
        [SINK_MALFORMED] = "the sender breaks the rules of the transfer",
        [SINK_TOO_MUCH] = "the sender sends more than was agreed",
        [SINK_DAMAGED] = "the content is not what the sender read",
        [SINK_NO_SPACE] = "no space is left on the disk, or in the quota",
        [SINK_TOO_LARGE] = "it is larger than files can be here",
        [SINK_DENIED] = "writing there is not permitted",
        [SINK_NO_NAME] = "no name could be found for it",
        [SINK_DISTURBED] = "somebody changes files in the destination meanwhile",
        [SINK_READER_GONE] = "nobody reads it any more",
        [SINK_STOPPED] = "stopped",
    };
    return (size_t)outcome < ARRAY_LEN(texts) ? texts[outcome] : "unknown";
}

int sink_outcome_of(int r) {
    switch (r) {
    case -ENOSPC:
    case -EDQUOT:
        return SINK_NO_SPACE;
    case -EFBIG:
        return SINK_TOO_LARGE;
    case -EACCES:
    case -EPERM:
    case -EROFS:
        return SINK_DENIED;
    case -EPIPE:
        return SINK_READER_GONE;
    case -ENAMETOOLONG:
    case -EILSEQ:
        return SINK_NO_NAME;
    default:
        return r;
    }
}

/* --- the top entry --- */

/* The sender goes on behind the prefix, or begins anew. */
static int place_start(struct sink *sink, uint64_t start) {
    if (start > 0 && start != sink->prefix.offset)
        return SINK_MALFORMED;
    sink->is_resumed = start > 0;
    sink->totals.n_bytes = start;
    if (sink->is_resumed || sink->content.is_pipe)
        return 0;
    digest_reset(sink->sum);
    return part_restart(&sink->part);
}

static int begin_top_content(struct sink *sink, const struct record_entry *entry) {
    if (entry->kind == ENTRY_FILE && entry->size > sink->left)
        return SINK_TOO_MUCH;
    int r = place_start(sink, entry->start);
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

static int put_top(struct sink *sink, const struct record_entry *entry) {
    if (entry->path.n > 0 || entry->kind != sink->offer.kind)
        return SINK_MALFORMED;
    sink->top_mode = entry->mode & sink->allowed;
    sink->top_mtime_ns = entry->mtime_ns;
    if (entry->kind != ENTRY_DIRECTORY)
        return begin_top_content(sink, entry);
    sink_tree_open(&sink->tree, sink->part.fd);
    sink->totals.n_directories++;
    sink->state = SINK_AT_ENTRY;
    return 0;
}

/* --- entries of a tree --- */

static int begin_file(struct sink *sink, const struct record_entry *entry) {
    if (entry->start != 0)
        return SINK_MALFORMED;
    if (entry->size > sink->left)
        return SINK_TOO_MUCH;
    sink->left -= entry->size;
    sink->mode = entry->mode & sink->allowed;
    sink->mtime_ns = entry->mtime_ns;
    sink->content = (struct sink_content){.fd = -1, .end = entry->size};
    int r = sink_tree_make_file(&sink->tree, &sink->content.fd);
    sink->state = SINK_AT_CONTENT;
    return r;
}

static int put_tree_entry(struct sink *sink, const struct record_entry *entry) {
    if (entry->path.n == 0)
        return SINK_MALFORMED;
    if (sink->n_entries_left-- == 0)
        return SINK_TOO_MUCH;
    int r = sink_tree_go(&sink->tree, entry->path);
    if (r != 0)
        return r;
    switch (entry->kind) {
    case ENTRY_FILE:
        return begin_file(sink, entry);
    case ENTRY_DIRECTORY:
        sink->totals.n_directories++;
        return sink_tree_make_directory(&sink->tree, entry->mode & sink->allowed, entry->mtime_ns);
    case ENTRY_LINK:
        sink->totals.n_links++;
        return sink_tree_make_link(&sink->tree, entry->target, entry->mtime_ns);
    default:
        return SINK_MALFORMED;
    }
}

/* --- the end of an entry --- */

/* A file of a tree that is not to be kept. */
static int void_tree_file(struct sink *sink) {
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
static int end_tree_file(struct sink *sink) {
    int r = attributes_set(sink->content.fd, sink->mode, sink->mtime_ns);
    close(sink->content.fd);
    sink->content.fd = -1;
    digest_reset(sink->sum);
    sink->state = SINK_AT_ENTRY;
    return r;
}

static int put_entry_end(struct sink *sink, const struct record_entry_end *end) {
    const struct sink_content *content = &sink->content;
    bool is_in_tree = sink->offer.kind == ENTRY_DIRECTORY;
    if (sink->state == SINK_AT_CONTENT && is_in_tree && end->size == ENTRY_END_VOID)
        return void_tree_file(sink);
    if (sink->state != SINK_AT_CONTENT || end->size != content->position)
        return SINK_MALFORMED;
    if (sink->offer.kind != ENTRY_STREAM && content->position != content->end)
        return SINK_MALFORMED;
    sink->digest = digest_value(sink->sum);
    if (!digest_equal(sink->digest, end->digest))
        return SINK_DAMAGED;
    sink->totals.n_files++;
    int r = sink_write_end(sink);
    if (r != 0)
        return r;
    if (is_in_tree)
        return end_tree_file(sink);
    sink->state = SINK_AT_END;
    return 0;
}

/* --- the end of all --- */

static bool are_equal(const struct item_totals *a, const struct item_totals *b) {
    return a->n_files == b->n_files && a->n_directories == b->n_directories &&
           a->n_links == b->n_links && a->n_bytes == b->n_bytes;
}

static int complete(struct sink *sink) {
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

static int put_end(struct sink *sink, const struct record_end *end, bool has_grown) {
    enum sink_state wanted = sink->offer.kind == ENTRY_DIRECTORY ? SINK_AT_ENTRY : SINK_AT_END;
    if (sink->state != wanted)
        return SINK_MALFORMED;
    struct digest digest = digest_value(sink->records);
    if (!digest_equal(digest, end->digest) || !are_equal(&sink->totals, &end->totals))
        return SINK_DAMAGED;
    sink->totals.n_skipped = end->totals.n_skipped;
    sink->has_grown = has_grown;
    if (sink->offer.kind == ENTRY_DIRECTORY)
        sink->digest = digest;
    int r = complete(sink);
    if (r == 0)
        sink->state = SINK_DONE;
    return r;
}

/* --- items --- */

static int put_entry(struct sink *sink, const struct record_entry *entry) {
    switch (sink->state) {
    case SINK_AT_TOP:
        return put_top(sink, entry);
    case SINK_AT_ENTRY:
        return put_tree_entry(sink, entry);
    default:
        return SINK_MALFORMED;
    }
}

/* The bytes may be changed by the sender at any time: a private copy is decoded. */
static int put_record(struct sink *sink, const struct item *item) {
    uint8_t bytes[RECORD_BYTES_MAX];
    struct record record;
    if (item->n > sizeof bytes)
        return SINK_MALFORMED;
    memcpy(bytes, item->data, item->n);
    if (!record_decode(&record, bytes, item->n))
        return SINK_MALFORMED;
    if ((item->kind == ITEM_END) != (record.type == RECORD_END))
        return SINK_MALFORMED;
    if (record.type == RECORD_END)
        return put_end(sink, &record.end, item->has_grown);
    digest_add(sink->records, bytes, item->n);
    return record.type == RECORD_ENTRY ? put_entry(sink, &record.entry)
                                       : put_entry_end(sink, &record.entry_end);
}

static int put(struct sink *sink, const struct item *item) {
    if (sink->options.stop && *sink->options.stop)
        return SINK_STOPPED;
    switch (item->kind) {
    case ITEM_RECORD:
    case ITEM_END:
        return put_record(sink, item);
    case ITEM_DATA:
        if (sink->state != SINK_AT_CONTENT || item->n == 0)
            return SINK_MALFORMED;
        return sink_write(sink, item->data, item->n);
    case ITEM_HOLE:
        if (sink->state != SINK_AT_CONTENT || item->hole == 0 || item->hole > ITEM_HOLE_MAX)
            return SINK_MALFORMED;
        return sink_write_hole(sink, item->hole);
    }
    return SINK_MALFORMED;
}

/* What this attempt wrote is of no use. What was there before it still is, as far as it is there:
 * all of it, if nothing was begun, or what it went on behind. */
static bool sink_spoil(const struct sink *sink) {
    if (sink->state == SINK_AT_TOP)
        return false;
    return !sink->is_resumed || ftruncate(sink->part.fd, (off_t)sink->prefix.offset) < 0;
}

int sink_put(struct sink *sink, const struct item *item) {
    int r = sink_outcome_of(put(sink, item));
    if (r == SINK_MALFORMED || r == SINK_DAMAGED || r == SINK_TOO_MUCH)
        sink->is_spoiled = sink_spoil(sink);
    if (r != 0)
        sink->state = SINK_FAILED;
    return r;
}

/* --- what is told --- */

static const char *name_or_null(const char *name) {
    return name[0] ? name : NULL;
}

struct sink_prefix sink_prefix(const struct sink *sink) {
    return sink->prefix;
}

const char *sink_name(const struct sink *sink) {
    return name_or_null(sink->part.final.s);
}

const char *sink_part_name(const struct sink *sink) {
    return name_or_null(sink->part.name.s);
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
