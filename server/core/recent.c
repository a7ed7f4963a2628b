#include "core/recent.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#define XXH_INLINE_ALL /* half of the time of a short text is the calls */
#include <xxhash.h>

#define SIZE_MIN 64
#define DIGEST_FACTOR UINT64_C(0x9e3779b97f4a7c15)

void recent_init(struct recent *recent, uint64_t seed) {
    *recent = (struct recent){.seed = seed};
}

void recent_deinit(struct recent *recent) {
    free(recent->ring);
    free(recent->index);
    *recent = (struct recent){0};
}

/* Most messages answer nothing, and then a number says what else there is to compare. */
static uint64_t recent_said(const struct record *record) {
    if (uuid_is_nil(&record->reply_to))
        return XXH3_64bits_withSeed(record->text.data, record->text.n, record->kind);
    struct {
        uint64_t kind;
        struct uuid reply_to;
    } head = {record->kind, record->reply_to};
    return XXH3_64bits_withSeed(record->text.data, record->text.n, XXH3_64bits(&head, sizeof head));
}

/* What was said makes the upper half, to whom the lower one. */
uint64_t recent_digest(const struct record *record) {
    uint64_t target = (uint64_t)record_target(record) * DIGEST_FACTOR;
    return (recent_said(record) & ~(uint64_t)UINT32_MAX) | target >> 32;
}

bool recent_is_like(const struct recent_entry *entry, const struct record *record) {
    uint64_t differ = entry->digest ^ recent_digest(record);
    return record->conv == 0 ? differ >> 32 == 0 : differ == 0;
}

static void drop_index(struct recent *recent) {
    free(recent->index);
    recent->index = NULL;
}

static size_t bytes_of_size(size_t size) {
    return size * (sizeof(struct recent_entry) + RECENT_PLACES * sizeof(uint32_t));
}

size_t recent_bytes(const struct recent *recent) {
    return bytes_of_size(recent->size);
}

/* Where the oldest entry is the first one, so that each keeps its place in a longer ring. */
size_t recent_bytes_wanted(const struct recent *recent) {
    size_t size = recent->size;
    if (size == 0)
        return bytes_of_size(SIZE_MIN);
    bool is_at_end = recent->n_noted > 0 && (recent->n_noted & (size - 1)) == 0;
    return is_at_end && size < RECENT_MAX ? bytes_of_size(size) : 0;
}

int recent_grow(struct recent *recent) {
    size_t size = recent->size ? 2 * recent->size : SIZE_MIN;
    struct recent_entry *ring = realloc(recent->ring, size * sizeof *ring);
    if (!ring)
        return -ENOMEM;
    recent->n_noted = recent->size;
    recent->ring = ring;
    recent->size = size;
    drop_index(recent);
    return 0;
}

/*
 * Ids are chosen by strangers: without the seed nobody can choose many that share a place. Not a
 * sum or a product of halves, where ids that differ in the same bits of both share one under every
 * seed.
 */
static uint64_t hash_of(const struct recent *recent, const struct uuid *id) {
    return XXH3_64bits_withSeed(id->b, sizeof id->b, recent->seed);
}

static size_t recent_place(const struct recent *recent, const struct uuid *id) {
    return (size_t)(hash_of(recent, id) >> 32) & (RECENT_PLACES * recent->size - 1);
}

static uint32_t mark_of(uint64_t hash) {
    return (uint32_t)(hash >> 32) | 1;
}

static size_t mark_place(uint64_t hash) {
    return (size_t)(hash ^ (hash >> 17) ^ (hash >> 43)) & (RECENT_MARKS - 1);
}

bool recent_may_know(const struct recent *recent, const struct uuid *id) {
    uint64_t hash = hash_of(recent, id);
    return recent->marks[mark_place(hash)] == mark_of(hash);
}

int recent_note(struct recent *recent, const struct uuid *id, uint64_t seq, uint64_t digest) {
    if (recent->size == 0)
        return -ENOMEM;
    recent->ring[recent->n_noted++ & (recent->size - 1)] = (struct recent_entry){*id, seq, digest};
    uint64_t hash = hash_of(recent, id);
    recent->marks[mark_place(hash)] = mark_of(hash);
    return 0;
}

static uint32_t *recent_probe(struct recent *recent, const struct uuid *id) {
    size_t place = recent_place(recent, id), mask = RECENT_PLACES * recent->size - 1;
    while (recent->index[place] && !uuid_equal(&recent->ring[recent->index[place] - 1].id, id))
        place = (place + 1) & mask;
    return &recent->index[place];
}

/* From nothing, when there is no index or what is out of date fills half of it. */
static int restart_index(struct recent *recent) {
    drop_index(recent);
    recent->index = calloc(RECENT_PLACES * recent->size, sizeof *recent->index);
    recent->n_used = 0;
    recent->n_indexed = recent->n_noted > recent->size ? recent->n_noted - recent->size : 0;
    return recent->index ? 0 : -ENOMEM;
}

static int update_index(struct recent *recent) {
    uint64_t n_new = recent->n_noted - recent->n_indexed;
    if (!recent->index || recent->n_used + n_new > RECENT_PLACES * recent->size / 2) {
        int r = restart_index(recent);
        if (r < 0)
            return r;
    }
    for (; recent->n_indexed < recent->n_noted; recent->n_indexed++) {
        size_t at = recent->n_indexed & (recent->size - 1);
        uint32_t *place = recent_probe(recent, &recent->ring[at].id);
        recent->n_used += *place == 0;
        *place = (uint32_t)at + 1;
    }
    return 0;
}

/* Without the index, for which there is no memory: slow, but right. The latest one counts. */
static struct recent_entry *look_through(const struct recent *recent, const struct uuid *id) {
    uint64_t n = recent->n_noted < recent->size ? recent->n_noted : recent->size;
    for (uint64_t i = 1; i <= n; i++) {
        struct recent_entry *entry = &recent->ring[(recent->n_noted - i) & (recent->size - 1)];
        if (uuid_equal(&entry->id, id))
            return entry;
    }
    return NULL;
}

static struct recent_entry *recent_entry_of(struct recent *recent, const struct uuid *id) {
    if (recent->n_noted == 0)
        return NULL;
    if (update_index(recent) < 0)
        return look_through(recent, id);
    const uint32_t *place = recent_probe(recent, id);
    return *place ? &recent->ring[*place - 1] : NULL;
}

const struct recent_entry *recent_find(struct recent *recent, const struct uuid *id) {
    return recent_entry_of(recent, id);
}

void recent_change(struct recent *recent, const struct uuid *id, uint64_t seq) {
    struct recent_entry *entry = recent_entry_of(recent, id);
    if (entry)
        entry->seq = seq;
}
