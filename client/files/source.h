/*
 * What is sent: a file, a directory with all that is in it, or a stream, as items (files/item.h)
 * that are pulled one by one into the buffer of whatever carries them. Files are read(), never
 * mapped: a file that is truncated meanwhile must be an error and not a signal. Memory does not
 * depend on sizes, except for the names of the directories that are open.
 *
 *     source_open(&source, path, &options)      source_offer() goes with the offer
 *     source_again(&one, source, &options)      for each who takes it
 *     [source_resume(one, &prefix)]             the recipient has a part of it already
 *     source_next(one, buffer, capacity, &item) until item.kind == ITEM_END
 *     source_free(one), source_free(source)
 *
 * A source owns its descriptor: the path is looked up once, when it is opened, so what is handed
 * over is what was offered, whatever has that name by then, with the content that it has when it is
 * taken. A source gives its items once, to one recipient; one thread uses it.
 *
 * A file that is written to while it is read is CHANGED, unless its content turns out to be what
 * was read. In a tree one that has only grown goes over as it was when it was opened, and both
 * sides are told (source_has_grown). A stream is read to its end, and so is a file that has content
 * but no size, as in /proc.
 *
 * Of a tree: links travel as links, and only the path that was named is followed if it is one.
 * What is left out is known when it is opened (source_left_out): sockets, pipes, devices, what
 * cannot be read. What is found only later is told by `skipped`: what was written to while it was
 * read, or was put there by somebody else (files/source_tree.h).
 *
 * Functions return 0, -errno or an enum transfer_outcome. After anything but 0 source_where() is
 * what it was about.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "files/item.h"

struct read_pool;
struct source;

enum source_skip {
    SKIP_SPECIAL,  /* a socket, a pipe, a device */
    SKIP_DENIED,   /* it cannot be read: errno tells why */
    SKIP_VANISHED, /* it was in the directory a moment ago */
    SKIP_TOO_DEEP, /* more than ENTRY_DEPTH_MAX levels down, or a path too long */
    SKIP_CHANGED,  /* it was written to while it was read */
    SKIP_REPLACED, /* somebody else may have put it there since it was offered */
    SKIP_ENDLESS,  /* it has no size, and more content than SOURCE_ENDLESS_MAX */
    SKIP_END,
};

#define SOURCE_ENDLESS_MAX ((size_t)64 << 20)

struct source_options {
    const atomic_bool *stop; /* looked at between reads, and when a read was interrupted; NULL */
    /* Called in source_next for each entry that is left out and was not when the source was opened;
     * `path` is relative and raw. */
    void (*skipped)(void *context, const char *path, enum source_skip why, int error);
    /* Whether its recipient has taken all that source_next has given; NULL: yes. */
    bool (*is_starved)(void *context);
    void *context;
    struct read_pool *pool; /* of a file or directory: it is read together with others
                               (read_group.h) */
    bool is_for_many;       /* then: more than one may take it */
    bool no_wait;           /* a pipe is refused: to open one can take for ever */
    bool only_files;        /* so is all but regular files, without opening it */
};

/*
 * Opens a path: a regular file, a directory (which is walked once to add up the sizes), or a pipe
 * or device, which is a stream; to open a pipe waits for its writer. `options` may be NULL; it is
 * copied. Outcomes: NO_FILE, CANCELLED.
 */
int source_open(struct source **source, const char *path, const struct source_options *options);

/*
 * One more of what is open: from its beginning, as it is now. A stream has one beginning, and both
 * read from it. The first one must outlive it.
 */
int source_again(struct source **source, const struct source *opened,
                 const struct source_options *options);

/* A file of `n` bytes that are in memory, as this offer says, whose name is not cleaned again. The
 * bytes are not copied. */
int source_open_memory(struct source **source, const struct item_offer *offer, const void *data,
                       size_t n);

/* A stream of unknown length from fd, which stays the caller's. The name is what it is offered as.
 */
int source_open_stream(struct source **source, int fd, const char *name,
                       const struct source_options *options);

/* Takes NULL, too. */
void source_free(struct source *source);

/*
 * What to say in the offer: the name is base name, cleaned as files/filename.h does, so it is
 * UTF-8. It lives as long as the source.
 */
const struct item_offer *source_offer(const struct source *source);

/* What is left out of a tree, as far as it is known by name: the next after this one, NULL: the
 * first. And how many more there are for that reason. */
struct left_out;
const struct left_out *source_left_out(const struct source *source, const struct left_out *after);
uint64_t source_n_unnamed(const struct source *source, enum source_skip why);

/*
 * All of a regular file at once, *n bytes, instead of source_next(); the offer is then what belongs
 * to them. Outcomes: NO_FILE: it is no regular file; TOO_SMALL; CHANGED: it is written to all the
 * time. After these, too, the source can be offered and handed over.
 */
int source_snapshot(struct source *source, void *buffer, size_t capacity, size_t *n);

/*
 * Before the first source_next, only for a file: goes on behind what the recipient has if its
 * digest is this one, which is found out by reading that much: it can take seconds. Outcomes:
 * DIFFERS, after which it starts at 0; CHANGED; CANCELLED.
 */
int source_resume(struct source *source, const struct item_prefix *prefix);

/*
 * The next item. buffer[0..item->n) is filled, item->data is the buffer. A capacity of
 * RECORD_BYTES_MAX does for everything, of RECORD_TOP_BYTES_MAX for a file or stream; content
 * fills what is there, or less. Of a stream what one read() gave: it blocks while there is
 * nothing (see source_fd). Not to be called after ITEM_END or an
 * error. Outcomes: CHANGED, CANCELLED, TOO_SMALL.
 */
int source_next(struct source *source, void *buffer, size_t capacity, struct item *item);

/* Of a stream: what to poll for reading before source_next, not to block in it; else -1. */
int source_fd(const struct source *source);

/* The path the last error is about, or the entry that is under way: relative to the top, raw
 * bytes; for the top itself the name of the offer. Valid until the next call. */
const char *source_where(const struct source *source);

/* What has passed so far: n_bytes counts what was resumed, too. */
struct item_totals source_totals(const struct source *source);

/* After ITEM_END: whether a file of a tree has grown while it was read. */
bool source_has_grown(const struct source *source);

/* After ITEM_END: of a file or stream the digest of its content, of a directory that of all
 * records. */
struct digest source_digest(const struct source *source);
