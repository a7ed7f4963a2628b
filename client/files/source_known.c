#include "files/source_known.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NS 1000000000U

bool source_is_exposed(const struct stat *directory) {
    bool is_ours = directory->st_uid == geteuid() || directory->st_uid == 0;
    return !is_ours || (directory->st_mode & (S_IWGRP | S_IWOTH));
}

int source_identify(struct source_identity *id, int fd, const char *name,
                    const struct stat *status) {
    struct statx born;
    int flags = AT_SYMLINK_NOFOLLOW | (*name ? 0 : AT_EMPTY_PATH);
    if (statx(fd, name, flags, STATX_INO | STATX_BTIME, &born) < 0)
        return -errno;
    bool is_kept = (born.stx_mask & STATX_BTIME) && born.stx_ino == status->st_ino;
    int64_t ns = is_kept ? (int64_t)born.stx_btime.tv_nsec : (int64_t)status->st_ctim.tv_nsec;
    int64_t seconds = is_kept ? born.stx_btime.tv_sec : (int64_t)status->st_ctim.tv_sec;
    *id = (struct source_identity){.device = (uint64_t)status->st_dev,
                                   .inode = (uint64_t)status->st_ino,
                                   .born_ns = (int64_t)((uint64_t)seconds * NS + (uint64_t)ns),
                                   .uid = status->st_uid,
                                   .type = status->st_mode & S_IFMT};
    return 0;
}

int source_known_add(struct source_known *known, const struct source_identity *id) {
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
    known->ids[known->n++] = *id;
    return 0;
}

static int identity_compare(const void *a, const void *b) {
    return memcmp(a, b, sizeof(struct source_identity));
}

void source_known_sort(struct source_known *known) {
    if (known->n > 0)
        qsort(known->ids, known->n, sizeof *known->ids, identity_compare);
}

bool source_known_has(const struct source_known *known, const struct source_identity *id) {
    return known->n > 0 && bsearch(id, known->ids, known->n, sizeof *id, identity_compare) != NULL;
}

void source_known_free(struct source_known *known) {
    free(known->ids);
    *known = (struct source_known){0};
}
