/*
 * Where files are received: takes items (files/item.h) from a sender who is not trusted and writes
 * them below one directory, and nowhere else.
 *
 *     sink_open(&sink, &offer, &options)     sink_prefix() goes with the acceptance
 *     sink_put(sink, &item) for each item, until it was ITEM_END
 *     sink_name(sink): what it is called now
 *     sink_free(sink)
 *
 * Names. Only the last name of the offer is used, cleaned as files/filename.h says: what is not
 * fit for a name is replaced, never refused, and sink_is_renamed() tells. What exists is never
 * overwritten: "name (2).ext". Inside a directory names stay as they are, odd bytes included.
 *
 * Until it is whole and verified it is called "name.part", mode 0600 (0700 of a directory), marked
 * as ours in the attribute user.earshot and locked; a .part that is not ours is left alone. When
 * ITEM_END is there and all digests agree, it is synced to the disk and renamed without replacing
 * anything. So under its final name a file or a tree is always whole.
 *
 * Modes lose set-user-id, set-group-id, sticky and what the umask forbids. Times are set. Holes
 * stay holes. Links are made as they are and never followed: everything is done relative to
 * directories that are held open, one name at a time, with O_NOFOLLOW and O_EXCL.
 *
 * Size and time are those that the file has when it is sent: they may differ from the offer's. A
 * file of a tree that its sender calls void (ENTRY_END_VOID) is removed.
 *
 * Resuming. If a .part of the same offer (sender's uid, name) is there, sink_prefix() says how
 * much, with its digest. The sender compares and either goes on there or starts anew: the start of
 * the entry tells which (sink_is_resumed()). A directory does not resume: what there is of it is
 * removed at sink_free, or, if we were killed, when it is received again.
 *
 * One thread uses a sink. Functions return 0, -errno or an enum transfer_outcome; after anything
 * but 0 from sink_put there is only sink_free, which leaves the .part of a file that has something
 * in it, or else nothing. What comes to be of no use (MALFORMED, TOO_MUCH, DAMAGED) is taken away,
 * but not what was there before. sink_where() is what it was about.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "files/item.h"

struct sink;

struct sink_options {
    int dir;                 /* the destination, open; only used during sink_open */
    uid_t from;              /* the sender's uid: part of what a .part is recognised by */
    uint64_t n_bytes_max;    /* of content; 0: SINK_GROWTH, of a stream any */
    uint64_t n_entries_max;  /* in a tree; 0: SINK_ENTRIES_MAX */
    bool is_unsynced;        /* does not wait for the disk: fsync() is left out */
    const atomic_bool *stop; /* looked at between pieces of long work; NULL */
};

#define SINK_ENTRIES_MAX 1000000

/*
 * What was offered may have grown until it is taken: so much more is expected, or as much again.
 * Whoever wants more says so, or has it offered anew. Else a small offer could fill the disk.
 */
#define SINK_GROWTH ((uint64_t)64 << 20)

/*
 * Prepares to receive the offer, which is copied. With a .part to resume it reads what is there,
 * which can take seconds. Outcomes: NO_NAME, UNWRITABLE, NO_SPACE, CANCELLED.
 */
int sink_open(struct sink **sink, const struct item_offer *offer,
              const struct sink_options *options);

/*
 * The content of one file or stream goes to fd, which stays the caller's; holes as zeros. Nothing
 * is created, and what was written before an error cannot be taken back. The caller ignores
 * SIGPIPE. options->dir is not used. Outcomes: NO_NAME: it is a directory.
 */
int sink_open_stream(struct sink **sink, const struct item_offer *offer, int fd,
                     const struct sink_options *options);

/* Takes NULL, too. */
void sink_free(struct sink *sink);

/* What is there already. */
struct item_prefix sink_prefix(const struct sink *sink);

/*
 * Takes the next item. item->data may be memory that the sender still writes to: content is
 * written and summed up from there (if it changes in between, it is the sender who spoils it),
 * records are copied first. Holds nothing of it afterwards. Outcomes: all.
 */
int sink_put(struct sink *sink, const struct item *item);

/* After ITEM_END was put: the name in the destination; NULL before, and for a stream to an fd. */
const char *sink_name(const struct sink *sink);

/* The name of the .part while there is one, else NULL; and if it stays after sink_free. */
const char *sink_part_name(const struct sink *sink);
const char *sink_kept_name(const struct sink *sink);

/* What is coming, in bytes: what was offered, until the sender says what it is now. */
uint64_t sink_size(const struct sink *sink);

/* Whether the name is not the one that was offered. */
bool sink_is_renamed(const struct sink *sink);

/* Whether the sender went on behind the prefix; known with the first item. */
bool sink_is_resumed(const struct sink *sink);

/* After ITEM_END: the sender says that there is more of it by now. */
bool sink_has_grown(const struct sink *sink);

/* The entry that is under way or that the last error is about: its path, raw bytes; for the top
 * entry the name of the offer. Valid until the next call. */
const char *sink_where(const struct sink *sink);

/* What has come so far: n_bytes counts what was resumed, too. */
struct item_totals sink_totals(const struct sink *sink);

/* After ITEM_END: of a file or stream the digest of its content, of a directory that of all
 * records. The same as source_digest() says on the other side. */
struct digest sink_digest(const struct sink *sink);
