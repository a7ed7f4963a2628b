#include "files/left_out.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

static struct left_out *left_out_find(const struct left_out_list *list, const char *path) {
    struct left_out *found;
    HASH_FIND_STR(list->first, path, found);
    return found;
}

static bool left_out_name(struct left_out_list *list, const char *path, enum source_skip why,
                          int error) {
    size_t size = strlen(path) + 1;
    struct left_out *added =
        HASH_COUNT(list->first) < LEFT_OUT_KEPT_MAX ? malloc(sizeof *added + size) : NULL;
    if (!added)
        return false;
    *added = (struct left_out){.why = why, .error = error};
    memcpy(added->path, path, size);
    HASH_ADD_STR(list->first, path, added);
    bool is_added = added->hh.tbl != NULL;
    if (!is_added)
        free(added);
    return is_added;
}

static uint64_t left_out_digest(const char *path) {
    return XXH3_64bits(path, strlen(path));
}

static void left_out_count(struct left_out_list *list, const char *path, enum source_skip why) {
    list->n_unnamed[why]++;
    if (list->n_digests == LEFT_OUT_COUNTED_MAX)
        return;
    if (list->n_digests == list->size) {
        size_t size = list->size > 0 ? 2 * list->size : 64;
        uint64_t *unnamed = reallocarray(list->unnamed, size, sizeof *unnamed);
        if (!unnamed)
            return;
        list->unnamed = unnamed;
        list->size = size;
    }
    list->unnamed[list->n_digests++] = left_out_digest(path);
}

void left_out_add(struct left_out_list *list, const char *path, enum source_skip why, int error) {
    list->n++;
    if (!left_out_name(list, path, why, error))
        left_out_count(list, path, why);
}

static int left_out_compare(const void *a, const void *b) {
    uint64_t first = *(const uint64_t *)a, second = *(const uint64_t *)b;
    return first < second ? -1 : first > second;
}

void left_out_sort(struct left_out_list *list) {
    if (list->n_digests > 0)
        qsort(list->unnamed, list->n_digests, sizeof *list->unnamed, left_out_compare);
}

bool left_out_has(const struct left_out_list *list, const char *path) {
    uint64_t digest = list->n_digests > 0 ? left_out_digest(path) : 0;
    return left_out_find(list, path) ||
           (list->n_digests > 0 && bsearch(&digest, list->unnamed, list->n_digests, sizeof digest,
                                           left_out_compare) != NULL);
}

bool left_out_is_same(const struct left_out_list *a, const struct left_out_list *b) {
    const struct left_out *each;
    if (a->n != b->n || a->n_digests != b->n_digests ||
        (a->n_digests > 0 &&
         memcmp(a->unnamed, b->unnamed, a->n_digests * sizeof *a->unnamed) != 0))
        return false;
    for (each = a->first; each; each = each->hh.next) {
        if (!left_out_find(b, each->path))
            return false;
    }
    return true;
}

void left_out_free(struct left_out_list *list) {
    struct left_out *each, *next;
    HASH_ITER(hh, list->first, each, next) {
        HASH_DEL(list->first, each);
        free(each);
    }
    free(list->unnamed);
    *list = (struct left_out_list){0};
}
