#include "lib/source_known.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool source_is_exposed(const struct stat *directory) {
    bool is_ours = directory->st_uid == geteuid() || directory->st_uid == 0;
    return !is_ours || (directory->st_mode & (S_IWGRP | S_IWOTH));
}

static struct source_identity identity_of(const struct stat *status) {
    return (struct source_identity){.device = (uint64_t)status->st_dev,
                                    .inode = (uint64_t)status->st_ino,
                                    .uid = status->st_uid,
                                    .type = status->st_mode & S_IFMT};
}

int source_known_add(struct source_known *known, const struct stat *status) {
    if (known->n == SOURCE_KNOWN_MAX)
        return 0;
    if (known->n == known->size) {
        size_t size = known->size > 0 ? 2 * known->size : 64;
        struct source_identity *ids = reallocarray(known->ids, size, sizeof *ids);
        if (!ids)
            return -ENOMEM;
        known->ids = ids;
        known->size = size;
    }
    known->ids[known->n++] = identity_of(status);
    return 0;
}

static int identity_compare(const void *a, const void *b) {
    return memcmp(a, b, sizeof(struct source_identity));
}

void source_known_sort(struct source_known *known) {
    if (known->n > 0)
        qsort(known->ids, known->n, sizeof *known->ids, identity_compare);
}

bool source_known_has(const struct source_known *known, const struct stat *status) {
    struct source_identity wanted = identity_of(status);
    return known->n > 0 &&
           bsearch(&wanted, known->ids, known->n, sizeof wanted, identity_compare) != NULL;
}

void source_known_free(struct source_known *known) {
    free(known->ids);
    *known = (struct source_known){0};
}
