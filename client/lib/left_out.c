#include "lib/left_out.h"

#include <stdlib.h>
#include <string.h>

static struct left_out *left_out_find(const struct left_out_list *list, const char *path) {
    struct left_out *found;
    HASH_FIND_STR(list->first, path, found);
    return found;
}

void left_out_add(struct left_out_list *list, const char *path, enum source_skip why, int error) {
    size_t size = strlen(path) + 1;
    struct left_out *added =
        HASH_COUNT(list->first) < LEFT_OUT_KEPT_MAX ? malloc(sizeof *added + size) : NULL;
    list->n++;
    if (added) {
        *added = (struct left_out){.why = why, .error = error};
        memcpy(added->path, path, size);
        HASH_ADD_STR(list->first, path, added);
    }
    if (added && added->hh.tbl)
        return;
    free(added);
    list->n_unnamed++;
}

bool left_out_has(const struct left_out_list *list, const char *path) {
    return list->n_unnamed > 0 || left_out_find(list, path);
}

void left_out_free(struct left_out_list *list) {
    struct left_out *each, *next;
    HASH_ITER(hh, list->first, each, next) {
        HASH_DEL(list->first, each);
        free(each);
    }
    *list = (struct left_out_list){0};
}
