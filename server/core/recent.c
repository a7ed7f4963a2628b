#include "core/recent.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#define SIZE_MIN 64

struct recent_entry {
    struct uuid id;
    uint64_t seq;
};

/* Ids are chosen by strangers; the seed keeps them from choosing ones that share a place. */
static size_t place_of(const struct recent_set *set, const struct uuid *id) {
    uint64_t high, low;
    memcpy(&high, id->b, sizeof high);
    memcpy(&low, id->b + 8, sizeof low);
    uint64_t hash = (high ^ set->seed) * UINT64_C(0x9e3779b97f4a7c15);
    hash ^= (hash >> 32) ^ low;
    hash = (hash ^ (hash >> 32)) * UINT64_C(0xd6e8feb86659fd93); /* consecutive ids differ at the top */
    return (size_t)(hash >> 32) & (set->size - 1);
}

static struct recent_entry *probe(const struct recent_set *set, const struct uuid *id) {
    assert(set->entries);
    size_t place = place_of(set, id);
    while (set->entries[place].seq && !uuid_equal(&set->entries[place].id, id))
        place = (place + 1) & (set->size - 1);
    return &set->entries[place];
}

static int resize(struct recent_set *set, size_t size) {
    struct recent_set bigger = {
        .entries = calloc(size, sizeof *bigger.entries), .size = size, .seed = set->seed};
    if (!bigger.entries)
        return -ENOMEM;
    for (size_t i = 0; set->entries && i < set->size; i++)
        if (set->entries[i].seq)
            *probe(&bigger, &set->entries[i].id) = set->entries[i];
    bigger.n = set->n;
    free(set->entries);
    *set = bigger;
    return 0;
}

void recent_init(struct recent *recent, uint64_t seed) {
    *recent = (struct recent){.young.seed = seed, .old.seed = seed};
}

void recent_deinit(struct recent *recent) {
    free(recent->young.entries);
    free(recent->old.entries);
    *recent = (struct recent){0};
}

uint64_t recent_find(const struct recent *recent, const struct uuid *id) {
    uint64_t seq = recent->young.size ? probe(&recent->young, id)->seq : 0;
    if (!seq && recent->old.size)
        seq = probe(&recent->old, id)->seq;
    return seq;
}

int recent_add(struct recent *recent, const struct uuid *id, uint64_t seq) {
    struct recent_set *young = &recent->young;
    if (young->n == RECENT_MAX) {
        struct recent_set forgotten = recent->old;
        recent->old = *young;
        *young = forgotten;
        if (young->entries)
            memset(young->entries, 0, young->size * sizeof *young->entries);
        young->n = 0;
    }
    if (2 * (young->n + 1) > young->size) {
        int r = resize(young, young->size ? 2 * young->size : SIZE_MIN);
        if (r < 0)
            return r;
    }
    *probe(young, id) = (struct recent_entry){*id, seq};
    young->n++;
    return 0;
}
