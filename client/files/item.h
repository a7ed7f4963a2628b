/*
 * What travels when files are shared, whatever carries it. The sender's source (files/source.h)
 * yields items, the recipient's sink (files/sink.h) takes them, in this order:
 *
 *     for each entry, the top one first, every directory before what is in it:
 *         ITEM_RECORD   RECORD_ENTRY: kind, path, mode, time, size, target of a link
 *         ITEM_DATA, ITEM_HOLE ...            only of files and streams: the content in order
 *         ITEM_RECORD   RECORD_ENTRY_END: its size and digest    only of files and streams
 *     ITEM_END          RECORD_END: totals and a digest over all records; nothing follows
 *
 * The kinds have the numbers of the ring's (ipc/ring.h), so a slot of the ring is an item. The
 * path of the top entry is empty: its name is in the offer. The entries of a tree come depth
 * first, those of one directory in the order of their bytes. A directory is complete when an
 * entry comes that is not in it.
 *
 * Records are encoded with the cursors of base/cursor.h, in the machine's byte order, and begin
 * with the version. What was decoded is checked: paths, targets, lengths, kinds; left-over bytes
 * are an error.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "files/digest.h"

enum item_kind {
    ITEM_DATA = 1, /* n bytes of content */
    ITEM_HOLE,     /* `hole` zeros of content, 1 to ITEM_HOLE_MAX, which are not here */
    ITEM_RECORD,   /* n bytes: an encoded record */
    ITEM_END,      /* n bytes, RECORD_END_BYTES_MAX at most: the last record */
};

/* Zeros take time, too, for they go into the digest; so a longer hole is told in parts. */
#define ITEM_HOLE_MAX ((uint64_t)256 << 20)

struct item {
    enum item_kind kind;
    size_t n;
    const void *data;
    uint64_t hole;
    bool has_grown; /* ITEM_END: what was sent is the beginning of what is there by now */
};

/* --- how it goes --- */

/*
 * Why a transfer did not succeed: of a source, a sink, a courier. The numbers up to
 * TRANSFER_TOLD_END go over the ring to the other side.
 */
enum transfer_outcome {
    TRANSFER_OK = 0,
    TRANSFER_CANCELLED,   /* by whoever said so: *options.stop is true */
    TRANSFER_CHANGED,     /* the source was written to, or has shrunk, while it was read */
    TRANSFER_UNREADABLE,  /* the source cannot be read */
    TRANSFER_NO_FILE,     /* a socket or something else that cannot be sent */
    TRANSFER_MALFORMED,   /* the sender sent what no honest sender sends */
    TRANSFER_TOO_MUCH,    /* more than the recipient takes, or far more than was offered */
    TRANSFER_DAMAGED,     /* the content is not what the sender read: digests differ */
    TRANSFER_NO_SPACE,    /* the recipient's disk or quota is full */
    TRANSFER_UNWRITABLE,  /* the recipient may not write there */
    TRANSFER_NO_NAME,     /* all of name, name (2) ... are taken, or it is not a good name there */
    TRANSFER_DISTURBED,   /* somebody changes the files in the destination while it is written */
    TRANSFER_READER_GONE, /* nobody reads the pipe that it is written to */
    TRANSFER_PEER_DIED,
    TRANSFER_PEER_BROKEN, /* the other side broke the rules of the ring */
    TRANSFER_NO_SEGMENT,  /* no shared memory could be had, or attached */
    TRANSFER_NO_MEMORY,
    TRANSFER_SPENT, /* a stream that somebody else has read already */
    TRANSFER_TOLD_END,

    TRANSFER_DIFFERS = TRANSFER_TOLD_END, /* the recipient has something else: from the start */
    TRANSFER_TOO_SMALL, /* the next record, or all of it, does not fit into this capacity */
    TRANSFER_TOO_LARGE, /* for this file system, or for the limit on file sizes */
};

const char *transfer_outcome_text(enum transfer_outcome outcome);

/* What to tell the other side of an outcome or -errno. Most of the latter are the `general` one. */
enum transfer_outcome transfer_outcome_of(int r, enum transfer_outcome general);

/* Whether that is about where it is written, not about what. */
bool transfer_is_about_place(int r);

/* --- the offer --- */

/* The numbers of enum offer_kind in proto/frame.h, and one more that only entries have. */
enum entry_kind { ENTRY_FILE, ENTRY_DIRECTORY, ENTRY_STREAM, ENTRY_LINK, ENTRY_KIND_END };

#define ITEM_SIZE_UNKNOWN UINT64_MAX

/* What is known before anything travels. The name is the sender's word: a sink cleans it. */
struct item_offer {
    enum entry_kind kind; /* not ENTRY_LINK */
    const char *name;
    uint64_t size;    /* in bytes; of a directory: of all files in it; UNKNOWN for streams */
    uint32_t mode;    /* permission bits */
    int64_t mtime_ns; /* since 1970 */
};

/* What the recipient has of it already. offset 0: nothing, and then there is no digest. */
struct item_prefix {
    uint64_t offset;
    struct digest digest;
    bool is_changed; /* there was one of another version (size, time): it starts anew */
};

/* --- records --- */

#define RECORD_VERSION 1

/* Of a path in a tree. Deeper or longer ones are not offered and not taken. */
#define ENTRY_PATH_MAX 4095
#define ENTRY_NAME_MAX 255
#define ENTRY_DEPTH_MAX 128 /* directories below the top one */
#define ENTRY_TARGET_MAX 4095

/* No encoded record is longer; the top entry of a file or stream and the ends are much shorter. */
#define RECORD_BYTES_MAX 8320
#define RECORD_TOP_BYTES_MAX 128
#define RECORD_END_BYTES_MAX 128

enum record_type { RECORD_ENTRY = 1, RECORD_ENTRY_END, RECORD_END };

struct record_entry {
    enum entry_kind kind;
    uint32_t mode; /* permission bits, 07777 */
    int64_t mtime_ns;
    uint64_t size;       /* of a file; UNKNOWN of a stream; else 0 */
    uint64_t start;      /* its content begins here: what is before it is at the recipient's */
    struct bytes path;   /* see entry_path_is_valid; empty: the top entry */
    struct bytes target; /* of a link, else empty; 1 to ENTRY_TARGET_MAX bytes without NUL */
};

/* Of a file in a tree: what came of it is not to be kept, its sender could not read it as it was at
 * one moment. It is not counted in the totals, but among what was left out. */
#define ENTRY_END_VOID UINT64_MAX

struct record_entry_end {
    uint64_t size;        /* all of it, with what was before `start`; or ENTRY_END_VOID */
    struct digest digest; /* of all of it: what xxh128sum says of the file */
};

struct item_totals {
    uint64_t n_files, n_directories, n_links; /* the top entry counts, too; streams are files */
    uint64_t n_skipped;                       /* by the sender: special or unreadable files */
    uint64_t n_bytes;                         /* of content, holes and what was resumed included */
};

struct record_end {
    struct item_totals totals;
    struct digest digest; /* of the bytes of all records before, in their order */
};

struct item_record {
    enum record_type type;
    union {
        struct record_entry entry;
        struct record_entry_end entry_end;
        struct record_end end;
    };
};

/* Returns the encoded length; 0 when it does not fit into n bytes. */
size_t record_encode(const struct item_record *record, void *buffer, size_t n);

/*
 * Decodes and checks; path and target point into `data`, which must therefore be private memory.
 * False: it is not a record of this version, or makes no sense.
 */
bool record_decode(struct item_record *record, const void *data, size_t n);

/*
 * A relative path in a tree: names of 1 to ENTRY_NAME_MAX bytes between single slashes, neither
 * "." nor "..", no NUL; any other byte may be in it.
 */
bool entry_path_is_valid(struct bytes path);
