#include "files/item.h"

#include <errno.h>

#include "base/cursor.h"
#include "base/macro.h"

const char *transfer_outcome_text(enum transfer_outcome outcome) {
    static const char *const texts[] = {
        [TRANSFER_OK] = "done",
        [TRANSFER_CANCELLED] = "it was cancelled",
        [TRANSFER_CHANGED] = "the file was written to while it was sent; send it again, or a copy",
        [TRANSFER_UNREADABLE] = "the file cannot be read",
        [TRANSFER_NO_FILE] = "this is neither a file nor a directory nor a pipe",
        [TRANSFER_MALFORMED] = "the sender's program broke the rules of the transfer",
        [TRANSFER_TOO_MUCH] =
            "it is more than the recipient takes, or far more than was offered; offer it again",
        [TRANSFER_DAMAGED] = "the content is not what was sent: the digests differ",
        [TRANSFER_NO_SPACE] = "the recipient's disk is full; make room there and try again",
        [TRANSFER_UNWRITABLE] = "the recipient may not write there",
        [TRANSFER_NO_NAME] = "no name is free for it in the destination",
        [TRANSFER_DISTURBED] = "somebody changed the destination meanwhile",
        [TRANSFER_READER_GONE] = "nobody reads the other end any more",
        [TRANSFER_PEER_DIED] = "the program on the other side ended",
        [TRANSFER_PEER_BROKEN] = "the other side broke the rules of the ring",
        [TRANSFER_NO_SEGMENT] = "no shared memory could be had; see `ipcs -lm`",
        [TRANSFER_NO_MEMORY] = "out of memory",
        [TRANSFER_SPENT] = "it can be read only once, and somebody else has it",
        [TRANSFER_DIFFERS] = "it differs from what is there already",
        [TRANSFER_TOO_SMALL] = "its path is too long for this way of sending",
        [TRANSFER_TOO_LARGE] = "it is larger than files can be there",
    };
    return (size_t)outcome < ARRAY_LEN(texts) ? texts[outcome] : "unknown";
}

enum transfer_outcome transfer_outcome_of(int r, enum transfer_outcome general) {
    if (r == TRANSFER_TOO_LARGE)
        return TRANSFER_NO_SPACE;
    if (r == -ENOMEM)
        return TRANSFER_NO_MEMORY;
    return r >= 0 && r < TRANSFER_TOLD_END ? (enum transfer_outcome)r : general;
}

bool transfer_is_about_place(int r) {
    return r == TRANSFER_NO_SPACE || r == TRANSFER_UNWRITABLE || r == -EIO || r == -EMFILE ||
           r == -ENFILE || r == -ENOMEM;
}

bool entry_path_is_valid(struct bytes path) {
    if (path.n == 0 || path.n > ENTRY_PATH_MAX || memchr(path.data, '\0', path.n))
        return false;
    const char *at = path.data, *end = path.data + path.n;
    for (size_t depth = 0; depth <= ENTRY_DEPTH_MAX; depth++) {
        const char *slash = memchr(at, '/', (size_t)(end - at));
        struct bytes name = {at, (size_t)((slash ? slash : end) - at)};
        if (name.n == 0 || name.n > ENTRY_NAME_MAX || bytes_equal(name, bytes_of(".")) ||
            bytes_equal(name, bytes_of("..")))
            return false;
        if (!slash)
            return true;
        at = slash + 1;
    }
    return false;
}

/* --- encoding --- */

static void record_put_bytes(struct cursor_out *out, struct bytes bytes) {
    cursor_put_u16(out, (uint16_t)bytes.n);
    cursor_put(out, bytes.data, bytes.n);
}

static void record_put_entry(struct cursor_out *out, const struct record_entry *entry) {
    cursor_put_u8(out, (uint8_t)entry->kind);
    cursor_put_u32(out, entry->mode);
    cursor_put_u64(out, (uint64_t)entry->mtime_ns);
    cursor_put_u64(out, entry->size);
    cursor_put_u64(out, entry->start);
    record_put_bytes(out, entry->path);
    record_put_bytes(out, entry->target);
}

static void record_put_digest(struct cursor_out *out, const struct digest *digest) {
    cursor_put(out, digest->bytes, sizeof digest->bytes);
}

static void record_put_end(struct cursor_out *out, const struct record_end *end) {
    cursor_put_u64(out, end->totals.n_files);
    cursor_put_u64(out, end->totals.n_directories);
    cursor_put_u64(out, end->totals.n_links);
    cursor_put_u64(out, end->totals.n_skipped);
    cursor_put_u64(out, end->totals.n_bytes);
    record_put_digest(out, &end->digest);
}

size_t record_encode(const struct item_record *record, void *buffer, size_t n) {
    struct cursor_out out = cursor_out_of(buffer, n);
    cursor_put_u8(&out, RECORD_VERSION);
    cursor_put_u8(&out, (uint8_t)record->type);
    switch (record->type) {
    case RECORD_ENTRY:
        record_put_entry(&out, &record->entry);
        break;
    case RECORD_ENTRY_END:
        cursor_put_u64(&out, record->entry_end.size);
        record_put_digest(&out, &record->entry_end.digest);
        break;
    case RECORD_END:
        record_put_end(&out, &record->end);
        break;
    }
    return out.bad ? 0 : cursor_out_used(&out);
}

/* --- decoding --- */

static struct bytes record_take_bytes(struct cursor_in *in) {
    size_t n = cursor_take_u16(in);
    const uint8_t *data = cursor_take(in, n);
    return data ? (struct bytes){(const char *)data, n} : (struct bytes){"", 0};
}

static void record_take_digest(struct cursor_in *in, struct digest *digest) {
    const uint8_t *bytes = cursor_take(in, sizeof digest->bytes);
    if (bytes)
        memcpy(digest->bytes, bytes, sizeof digest->bytes);
}

static void record_take_entry(struct cursor_in *in, struct record_entry *entry) {
    entry->kind = (enum entry_kind)cursor_take_u8(in);
    entry->mode = cursor_take_u32(in);
    entry->mtime_ns = (int64_t)cursor_take_u64(in);
    entry->size = cursor_take_u64(in);
    entry->start = cursor_take_u64(in);
    entry->path = record_take_bytes(in);
    entry->target = record_take_bytes(in);
}

static void record_take_end(struct cursor_in *in, struct record_end *end) {
    end->totals.n_files = cursor_take_u64(in);
    end->totals.n_directories = cursor_take_u64(in);
    end->totals.n_links = cursor_take_u64(in);
    end->totals.n_skipped = cursor_take_u64(in);
    end->totals.n_bytes = cursor_take_u64(in);
    record_take_digest(in, &end->digest);
}

static bool entry_has_size(const struct record_entry *entry) {
    switch (entry->kind) {
    case ENTRY_FILE:
        return entry->size <= INT64_MAX && entry->start <= entry->size;
    case ENTRY_STREAM:
        return entry->size == ITEM_SIZE_UNKNOWN && entry->start == 0;
    default:
        return entry->size == 0 && entry->start == 0;
    }
}

static bool entry_has_target(const struct record_entry *entry) {
    if (entry->kind != ENTRY_LINK)
        return entry->target.n == 0;
    return entry->target.n > 0 && entry->target.n <= ENTRY_TARGET_MAX &&
           !memchr(entry->target.data, '\0', entry->target.n);
}

static bool entry_has_path(const struct record_entry *entry) {
    if (entry->path.n == 0)
        return entry->kind != ENTRY_LINK;
    return entry->kind != ENTRY_STREAM && entry_path_is_valid(entry->path);
}

static bool entry_makes_sense(const struct record_entry *entry) {
    return entry->kind < ENTRY_KIND_END && entry->mode <= 07777 && entry_has_size(entry) &&
           entry_has_target(entry) && entry_has_path(entry);
}

bool record_decode(struct item_record *record, const void *data, size_t n) {
    struct cursor_in in = cursor_in_of(data, n);
    bool makes_sense = cursor_take_u8(&in) == RECORD_VERSION;
    *record = (struct item_record){.type = (enum record_type)cursor_take_u8(&in)};
    switch (record->type) {
    case RECORD_ENTRY:
        record_take_entry(&in, &record->entry);
        makes_sense = makes_sense && entry_makes_sense(&record->entry);
        break;
    case RECORD_ENTRY_END:
        record->entry_end.size = cursor_take_u64(&in);
        record_take_digest(&in, &record->entry_end.digest);
        break;
    case RECORD_END:
        record_take_end(&in, &record->end);
        break;
    default:
        return false;
    }
    return makes_sense && !in.bad && cursor_in_left(&in) == 0;
}
