/*
 * The latest messages, in memory, in the order of their sequence numbers.
 *
 * Who lags is fed from here. Where there is a store the log keeps at least what is not committed
 * yet, and the store's thread reads it from here; without one (an ephemeral hub) it is all there
 * is: history, search, mail for those who are away.
 *
 * An entry never moves, and does not change before it is committed, so that the store's thread can
 * read the entries of a span without the core's lock: they stay until log_trim() is told that they
 * are committed. Afterwards its text may be taken away (mend.c).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/record.h"

#define LOG_BLOCK_BYTES ((size_t)256 * 1024)

struct log_entry {
    uint32_t size;        /* of the whole entry, text included */
    uint8_t ack_flags;    /* of the SEND frame */
    uint64_t session;     /* number of the sender's session */
    uint64_t copy_of;     /* the message was delivered under this number, but not stored; 0: none */
    struct record record; /* its text is behind it, or that of the entry of a later edit */
};

struct log_block {
    struct log_block *next, *prev;
    size_t n, size;
    uint64_t first_seq, last_seq;
    _Alignas(16) uint8_t bytes[];
};

struct log {
    struct log_block *head, *tail;
    struct log_block *spare; /* NULL: none */
    size_t n_bytes;          /* of all blocks in use */
    uint64_t first_seq;      /* every message from here on is in the log */
};

/* No message before `next_seq` is or will be in it. */
void log_init(struct log *log, uint64_t next_seq);
void log_deinit(struct log *log);

/* A copy of the record; NULL when memory is out. */
struct log_entry *log_append(struct log *log, const struct record *record);

typedef void log_gone(void *arg, const struct log_entry *entry);

/*
 * Drops the oldest blocks while there are more than n_bytes_max, but nothing after `committed`.
 * gone (or NULL) is told of each entry.
 */
void log_trim(struct log *log, uint64_t committed, size_t n_bytes_max, log_gone *gone, void *arg);

/* A place between two entries. */
struct log_place {
    struct log_block *block;
    size_t at;
};

/* Before the first entry whose number is seq or greater. */
struct log_place log_find(const struct log *log, uint64_t seq);

/* The entry behind the place, which moves on; NULL at the end. */
struct log_entry *log_next(struct log_place *place);

/* The entry with this number; NULL: there is none. */
struct log_entry *log_entry_of(const struct log *log, uint64_t seq);

/* Entries that lie behind each other in one block. */
struct log_span {
    const uint8_t *bytes;
    size_t n;
};

/* The spans behind the place, at most n_max; the place moves behind them. Returns how many. */
size_t log_spans(struct log_place *place, struct log_span *spans, size_t n_max);

/* The next entry of a span, from *at on; NULL at its end. */
static inline const struct log_entry *log_span_next(const struct log_span *span, size_t *at) {
    const struct log_entry *entry = (const struct log_entry *)(const void *)(span->bytes + *at);
    if (*at >= span->n)
        return NULL;
    *at += entry->size;
    return entry;
}
