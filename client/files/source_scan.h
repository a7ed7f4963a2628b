/*
 * What several recipients read together: the items of one source. A scan is one more of that
 * source, which reads them in chunks; a place is a point between two chunks, from which anybody can
 * go on alone.
 *
 * Of a tree a place is the path of the entry that was found last: the names of a directory come in
 * a fixed order, so the walk goes on behind that one, whatever else was put there or removed
 * meanwhile. The file whose content is under way stays open.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "files/item.h"
#include "files/source.h"

#define READ_CHUNK_ENTRIES 256

struct read_entry {
    struct item
        item; /* its data are in the chunk. kind 0: something was left out, data: its path */
    enum source_skip why; /* then */
    int error;
    uint64_t n_bytes, n_skipped; /* totals, with this one */
};

struct read_chunk {
    unsigned n_users; /* counted by who keeps it */
    size_t n_entries, n_bytes;
    size_t end, size; /* what is behind `end` are paths */
    bool is_overfull; /* something had no room */
    struct read_entry entries[READ_CHUNK_ENTRIES];
    unsigned char bytes[]; /* size */
};

struct source_place;

/*
 * NULL: memory is out, or there is no descriptor. Freed by source_free(). It may outlive this
 * source: when it reads, it is for a `taker`, one of those who take part, and when it does not, it
 * knows nothing of them.
 */
struct source *source_scan_new(const struct source *source);

/* Whether all that it gives is what this source would give, which has just been opened. */
bool source_scan_serves(const struct source *scan, const struct source *taker,
                        const struct source *source);

/* For chunks of which no item is longer than `capacity`. NULL: memory is out. */
struct read_chunk *source_scan_chunk(const struct source *scan, size_t capacity);

/* Reads until the chunk is full, or to the end. Returns 0: there are entries in it; or one of
 * these. After SCAN_FAILED the scan is of no use any more. */
enum source_scan_outcome { SCAN_STOPPED = 1, SCAN_FAILED };
int source_scan_read(struct source *scan, struct read_chunk *chunk, size_t capacity,
                     const struct source *taker);

bool source_scan_is_tree(const struct source *scan);

/* Where it is. NULL: memory is out, or there is no descriptor. */
struct source_place *source_place_of(const struct source *scan);
struct source_place *source_place_copy(const struct source_place *place);
void source_place_free(struct source_place *place);
