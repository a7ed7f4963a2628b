#include "files/source_scan.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "files/snapshot.h"
#include "files/source_inside.h"

/* An entry of a tree, with all of a small file: so no place is in the middle of one. */
#define WALK_ROOM_BYTES ((size_t)SOURCE_SMALL_BYTES + 2 * RECORD_BYTES_MAX)
#define WALK_ROOM_ENTRIES 16

struct source_place {
    enum source_phase phase;
    char *path;     /* of the entry found last */
    bool is_inside; /* of that one, a directory */
    bool is_of_top;
    struct source_content content; /* its descriptor is our own, if it is not that of the top */
    struct digest_state *records, *sum;
    struct item_totals totals;
    uint64_t n_skipped;
    bool has_grown;
};

/* --- places --- */

/* A copy of everything. */
static struct source_place *place_new(const struct source_place *like) {
    struct source_place *place = malloc(sizeof *place);
    if (!place)
        return NULL;
    *place = *like;
    place->path = strdup(like->path);
    place->records = digest_new();
    place->sum = digest_new();
    if (like->content.fd >= 0 && !like->is_of_top)
        place->content.fd = fcntl(like->content.fd, F_DUPFD_CLOEXEC, 0);
    if (!place->path || !place->records || !place->sum ||
        (like->content.fd >= 0 && place->content.fd < 0)) {
        source_place_free(place);
        return NULL;
    }
    digest_copy(place->records, like->records);
    digest_copy(place->sum, like->sum);
    return place;
}

struct source_place *source_place_of(const struct source *scan) {
    struct source_place like = {.phase = scan->phase,
                                .path = (char *)scan->tree.path,
                                .is_inside = tree_is_inside(&scan->tree),
                                .is_of_top = scan->content.fd == scan->top,
                                .content = scan->content,
                                .records = scan->records,
                                .sum = scan->sum,
                                .totals = scan->totals,
                                .n_skipped = scan->tree.n_skipped,
                                .has_grown = scan->has_grown};
    return place_new(&like);
}

struct source_place *source_place_copy(const struct source_place *place) {
    return place ? place_new(place) : NULL;
}

void source_place_free(struct source_place *place) {
    if (!place)
        return;
    if (place->content.fd >= 0 && !place->is_of_top)
        close(place->content.fd);
    free(place->path);
    digest_free(place->records);
    digest_free(place->sum);
    free(place);
}

/* Stands where the place is. Takes its descriptor. 0 or -errno. */
static int source_go_to(struct source *source, struct source_place *place) {
    source->phase = place->phase;
    source->totals = place->totals;
    source->has_grown = place->has_grown;
    source->content = place->content;
    if (place->is_of_top)
        source->content.fd = source->top;
    source->content.extent.fd = source->content.fd;
    place->content.fd = -1;
    digest_copy(source->records, place->records);
    digest_copy(source->sum, place->sum);
    if (source->offer.kind != ENTRY_DIRECTORY || place->phase == PHASE_TOP)
        return 0;
    int r = tree_open_behind(&source->tree, source->top, &source->options, source->known,
                             place->path, place->is_inside);
    source->tree.n_skipped += place->n_skipped;
    return r;
}

/* --- scans --- */

static size_t chunk_room(const struct read_chunk *chunk) {
    return chunk->end - chunk->n_bytes;
}

/* Called by the source that is the scan, while it makes the next item. */
static void scan_skip(void *context, const char *path, enum source_skip why, int error) {
    struct source *scan = context;
    struct read_chunk *chunk = scan->filling;
    size_t n = strlen(path) + 1;
    if (chunk->n_entries + WALK_ROOM_ENTRIES > READ_CHUNK_ENTRIES ||
        chunk_room(chunk) < n + WALK_ROOM_BYTES) {
        chunk->is_overfull = true;
        return;
    }
    chunk->end -= n;
    memcpy(chunk->bytes + chunk->end, path, n);
    chunk->entries[chunk->n_entries++] =
        (struct read_entry){.item = {.data = chunk->bytes + chunk->end},
                            .why = why,
                            .error = error,
                            .n_bytes = scan->totals.n_bytes,
                            .n_skipped = scan->tree.n_skipped};
}

struct source *source_scan_new(const struct source *source) {
    struct source *scan;
    struct source_options options = {.skipped = scan_skip};
    if (source_again_alone(&scan, source, &options) != 0)
        return NULL;
    scan->options.context = scan;
    return scan;
}

bool source_scan_is_tree(const struct source *scan) {
    return scan->offer.kind == ENTRY_DIRECTORY;
}

bool source_scan_serves(const struct source *scan, const struct source *taker,
                        const struct source *source) {
    const struct timespec *a = &scan->status.st_ctim, *b = &source->status.st_ctim;
    return snapshot_is_same(&scan->status, &source->status) && a->tv_sec == b->tv_sec &&
           a->tv_nsec == b->tv_nsec && tree_memory_is_same(taker->known, source->known);
}

struct read_chunk *source_scan_chunk(const struct source *scan, size_t capacity) {
    size_t size = source_scan_is_tree(scan) ? capacity + WALK_ROOM_BYTES : capacity;
    struct read_chunk *chunk = malloc(sizeof *chunk + size);
    if (chunk) {
        chunk->n_users = 0;
        chunk->size = size;
    }
    return chunk;
}

/* The content of a file that is not small begins a chunk, so that it is read in whole ones. */
static bool scan_is_at_file(const struct source *scan) {
    return scan->phase == PHASE_CONTENT && !scan->content.memory &&
           scan->content.n_read == scan->start;
}

/* So much room the next item needs. */
static size_t scan_room(const struct source *scan, size_t capacity) {
    if (scan->phase == PHASE_WALK)
        return WALK_ROOM_BYTES;
    if (scan->phase != PHASE_CONTENT || extent_is_done(&scan->content.extent))
        return RECORD_END_BYTES_MAX;
    return capacity;
}

/* Whether what comes next belongs to the next chunk. */
static bool scan_has_filled(const struct source *scan, const struct read_chunk *chunk,
                            size_t capacity) {
    bool is_in_small = scan->phase == PHASE_CONTENT && scan->content.memory;
    if (chunk->n_entries == 0 || scan->phase == PHASE_DONE)
        return scan->phase == PHASE_DONE;
    return !is_in_small &&
           (scan_is_at_file(scan) || chunk_room(chunk) < scan_room(scan, capacity) ||
            chunk->n_entries + WALK_ROOM_ENTRIES > READ_CHUNK_ENTRIES);
}

/* One more item. 0, -errno or an outcome. */
static int scan_read_entry(struct source *scan, struct read_chunk *chunk, size_t capacity) {
    struct item item;
    size_t room = chunk_room(chunk);
    int r = source_next_alone(scan, chunk->bytes + chunk->n_bytes,
                              room < capacity ? room : capacity, &item);
    if (r != 0)
        return r;
    item.data = chunk->bytes + chunk->n_bytes;
    chunk->n_bytes += item.n;
    chunk->entries[chunk->n_entries++] = (struct read_entry){
        .item = item, .n_bytes = scan->totals.n_bytes, .n_skipped = scan->tree.n_skipped};
    return 0;
}

int source_scan_read(struct source *scan, struct read_chunk *chunk, size_t capacity,
                     const struct source *taker) {
    int r = 0;
    chunk->n_entries = chunk->n_bytes = 0;
    chunk->end = chunk->size;
    chunk->is_overfull = false;
    scan->options.stop = taker->options.stop;
    scan->known = scan->tree.known = taker->known;
    scan->filling = chunk;
    while (r == 0 && !scan_has_filled(scan, chunk, capacity))
        r = scan_read_entry(scan, chunk, capacity);
    scan->options.stop = NULL;
    if (r == TRANSFER_CANCELLED && !chunk->is_overfull)
        return chunk->n_entries > 0 ? 0 : SCAN_STOPPED;
    return r != 0 || chunk->is_overfull ? SCAN_FAILED : 0;
}

/* --- taking part --- */

int source_join(struct source *source, size_t capacity) {
    if (source->member || source->is_alone || source->phase != PHASE_TOP)
        return 0;
    source->is_alone = true;
    int r = source->group && source->start == 0 ? source_refresh(source) : 0;
    if (r != 0 || !source->group || source->start > 0)
        return r;
    const struct read_joining joining = {.source = source,
                                         .capacity = capacity,
                                         .stop = source->options.stop,
                                         .is_starved = source->options.is_starved,
                                         .context = source->options.context};
    source->member = read_group_join(source->group, &joining);
    return 0;
}

/* 0 or -errno. */
static int source_part(struct source *source) {
    struct source_place *place = read_member_place(source->member);
    int r = place ? source_go_to(source, place) : -ENOMEM;
    read_member_leave(source->member);
    source->member = NULL;
    return r;
}

static void source_take_end(struct source *source, const struct item *item) {
    struct item_record record;
    if (!record_decode(&record, item->data, item->n))
        return; /* not of our own */
    source->phase = PHASE_DONE;
    source->totals = record.end.totals;
    source->has_grown = item->has_grown;
    source->digest = source->offer.kind == ENTRY_DIRECTORY ? record.end.digest : source->digest;
}

/* Of a file its end has the digest of its content. */
static void source_take_record(struct source *source, const struct item *item) {
    struct item_record record;
    if (record_decode(&record, item->data, item->n) && record.type == RECORD_ENTRY_END)
        source->digest = record.entry_end.digest;
}

static int source_take_entry(struct source *source, const struct read_entry *entry, void *buffer,
                             size_t capacity, struct item *item) {
    source->totals.n_bytes = entry->n_bytes;
    source->tree.n_skipped = entry->n_skipped;
    if (entry->item.n > capacity)
        return TRANSFER_TOO_SMALL;
    *item = entry->item;
    item->data = buffer;
    memcpy(buffer, entry->item.data, entry->item.n);
    if (item->kind == ITEM_RECORD && source->offer.kind == ENTRY_FILE)
        source_take_record(source, item);
    else if (item->kind == ITEM_END)
        source_take_end(source, item);
    return 0;
}

int source_next_together(struct source *source, void *buffer, size_t capacity, struct item *item) {
    const struct read_entry *entry;
    int r;
    while ((r = read_member_next(source->member, &entry)) == 0 && entry->item.kind == 0) {
        source->tree.n_skipped = entry->n_skipped;
        if (source->options.skipped)
            source->options.skipped(source->options.context, entry->item.data, entry->why,
                                    entry->error);
    }
    if (r == READ_STOPPED)
        return TRANSFER_CANCELLED;
    return r == 0 ? source_take_entry(source, entry, buffer, capacity, item) : source_part(source);
}
