#include "files/source_tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"

#define NS 1000000000U
#define KNOWN_MAX 1000000 /* others of such a tree are left out later */

/* --- which files are known --- */

/* Whether somebody else can put files into this directory. */
static bool directory_is_exposed(const struct stat *directory) {
    bool is_ours = directory->st_uid == geteuid() || directory->st_uid == 0;
    return !is_ours || (directory->st_mode & (S_IWGRP | S_IWOTH));
}

/*
 * Of `name` in the directory `fd`, itself if it is a link; name "": of what `fd` is open on.
 * `status` was asked for before. 0 or -errno.
 */
static int known_identify(struct source_identity *id, int fd, const char *name,
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

static int known_add(struct source_known *known, const struct source_identity *id) {
    if (known->n == KNOWN_MAX)
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

static int known_compare(const void *a, const void *b) {
    return memcmp(a, b, sizeof(struct source_identity));
}

static void known_sort(struct source_known *known) {
    if (known->n > 0)
        qsort(known->ids, known->n, sizeof *known->ids, known_compare);
}

static bool known_has(const struct source_known *known, const struct source_identity *id) {
    return known->n > 0 && bsearch(id, known->ids, known->n, sizeof *id, known_compare) != NULL;
}

static bool known_is_same(const struct source_known *a, const struct source_known *b) {
    return a->n == b->n && (a->n == 0 || memcmp(a->ids, b->ids, a->n * sizeof *a->ids) == 0);
}

static void known_free(struct source_known *known) {
    free(known->ids);
    *known = (struct source_known){0};
}

/* --- the names of a directory --- */

/* By their bytes, whatever the locale says. */
static int level_compare_names(const struct dirent **a, const struct dirent **b) {
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int level_has_entry(const struct dirent *found) {
    return strcmp(found->d_name, ".") != 0 && strcmp(found->d_name, "..") != 0;
}

static int level_list(struct tree_level *level) {
    int n = scandirat(level->fd, ".", &level->names, level_has_entry, level_compare_names);
    if (n < 0)
        return error_errno();
    level->n_names = (size_t)n;
    return 0;
}

/* --- levels --- */

static struct tree_level *tree_top(struct tree *tree) {
    return &tree->levels[tree->n_levels - 1];
}

static void tree_pop(struct tree *tree) {
    struct tree_level *level = &tree->levels[--tree->n_levels];
    for (size_t i = 0; i < level->n_names; i++)
        free(level->names[i]);
    free(level->names);
    close(level->fd);
    *level = (struct tree_level){0};
}

/* Takes the fd, also when it fails. */
static int tree_push(struct tree *tree, int fd, size_t n_path, bool is_exposed) {
    struct tree_level *level = &tree->levels[tree->n_levels++];
    *level = (struct tree_level){.fd = fd, .n_path = n_path, .is_exposed = is_exposed};
    int r = level_list(level);
    if (r < 0)
        tree_pop(tree);
    return r;
}

static int tree_begin(struct tree *tree, int fd) {
    struct stat status;
    tree->self = geteuid();
    if (fstat(fd, &status) < 0)
        return error_errno();
    int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    return own < 0 ? error_errno() : tree_push(tree, own, 0, directory_is_exposed(&status));
}

int tree_explore(struct tree *tree, int fd, const struct source_options *options,
                 struct tree_memory *found) {
    *tree = (struct tree){.options = options, .found = found};
    return tree_begin(tree, fd);
}

int tree_open(struct tree *tree, int fd, const struct source_options *options,
              const struct tree_memory *known) {
    *tree = (struct tree){.options = options, .known = known};
    return tree_begin(tree, fd);
}

void tree_close(struct tree *tree) {
    while (tree->n_levels > 0)
        tree_pop(tree);
}

void tree_memory_sort(struct tree_memory *memory) {
    known_sort(&memory->known);
    left_out_sort(&memory->left_out);
}

bool tree_memory_is_same(const struct tree_memory *a, const struct tree_memory *b) {
    return a == b ||
           (known_is_same(&a->known, &b->known) && left_out_is_same(&a->left_out, &b->left_out));
}

void tree_memory_free(struct tree_memory *memory) {
    left_out_free(&memory->left_out);
    known_free(&memory->known);
}

/* --- what is left out --- */

void tree_skip(struct tree *tree, enum source_skip why, int error) {
    tree->n_skipped++;
    if (tree->found)
        left_out_add(&tree->found->left_out, tree->path, why, error);
    else if (tree->options->skipped && !left_out_has(&tree->known->left_out, tree->path))
        tree->options->skipped(tree->options->context, tree->path, why, error);
}

/* 0, since the walk goes on. */
static int tree_leave_out(struct tree *tree, enum source_skip why, int error) {
    tree_skip(tree, why, error);
    return 0;
}

/* What a failure to look at an entry means: it is left out, or the walk ends. */
static int tree_failed(struct tree *tree, int r) {
    switch (-r) {
    case ENOENT:
    case ELOOP:   /* now it is a link */
    case ENOTDIR: /* or something else */
    case ENXIO:
    case ESRCH: /* below /proc */
        return tree_leave_out(tree, SKIP_VANISHED, -r);
    case EINTR:
    case EMFILE:
    case ENFILE:
    case ENOMEM: /* it has nothing to do with the entry */
        return r;
    default:
        return tree_leave_out(tree, SKIP_DENIED, -r);
    }
}

/* --- whose it is --- */

static bool entry_is_for_everybody(const struct stat *status) {
    mode_t wanted = S_ISDIR(status->st_mode) ? S_IROTH | S_IXOTH : S_IROTH;
    return (status->st_mode & wanted) == wanted;
}

/* In the first walk notes that it was there. Later tells whether it was, if that matters. */
static int tree_know(struct tree *tree, int fd, const char *name, const struct stat *status,
                     bool *is_known) {
    struct source_identity id;
    *is_known = true;
    if (!tree_top(tree)->is_exposed)
        return 0;
    int r = known_identify(&id, fd, name, status);
    *is_known = tree->found != NULL;
    if (r < 0) /* it is gone by now: what is there later is another one */
        return 0;
    if (tree->found)
        return known_add(&tree->found->known, &id);
    *is_known = known_has(&tree->known->known, &id);
    return 0;
}

/* --- entries --- */

/* Opens what was of this type a moment ago. */
static int level_open(const struct tree_level *level, const char *name, int flags, mode_t type,
                      struct stat *status) {
    int fd = openat(level->fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | flags);
    if (fd < 0)
        return error_errno();
    int r = fstat(fd, status) < 0 ? error_errno() : 0;
    if (r == 0 && (status->st_mode & S_IFMT) != type)
        r = -ENOENT;
    if (r < 0)
        close(fd);
    return r < 0 ? r : fd;
}

/* Its owner's bits are the last word on what the owner may do (acl(5)); others are asked for. */
static bool tree_may_read(const struct tree *tree, const struct stat *status) {
    return status->st_uid == tree->self && (status->st_mode & S_IRUSR);
}

static int tree_find_file(struct tree *tree, const char *name, struct tree_entry *entry,
                          bool *is_found) {
    bool is_known;
    if (!tree_may_read(tree, &entry->status) &&
        faccessat(tree_top(tree)->fd, name, R_OK, AT_EACCESS) < 0)
        return tree_failed(tree, error_errno());
    entry->kind = ENTRY_FILE;
    *is_found = true;
    return tree_know(tree, tree_top(tree)->fd, name, &entry->status, &is_known);
}

static int tree_take_file(struct tree *tree, const char *name, struct tree_entry *entry,
                          bool *is_found) {
    bool is_known;
    int fd = level_open(tree_top(tree), name, O_NOCTTY, S_IFREG, &entry->status);
    if (fd < 0)
        return tree_failed(tree, fd);
    int r = tree_know(tree, fd, "", &entry->status, &is_known);
    if (r == 0 && (is_known || entry_is_for_everybody(&entry->status))) {
        entry->kind = ENTRY_FILE;
        entry->fd = fd;
        *is_found = true;
        return 0;
    }
    close(fd);
    return r < 0 ? r : tree_leave_out(tree, SKIP_REPLACED, 0);
}

static int tree_take_directory(struct tree *tree, const char *name, struct tree_entry *entry,
                               bool *is_found) {
    bool is_known;
    if (tree->n_levels == ENTRY_DEPTH_MAX + 1)
        return tree_leave_out(tree, SKIP_TOO_DEEP, ENAMETOOLONG);
    int fd = level_open(tree_top(tree), name, O_DIRECTORY, S_IFDIR, &entry->status);
    if (fd < 0)
        return tree_failed(tree, fd);
    int r = tree_know(tree, fd, "", &entry->status, &is_known);
    if (r < 0 || (!is_known && !entry_is_for_everybody(&entry->status))) {
        close(fd);
        return r < 0 ? r : tree_leave_out(tree, SKIP_REPLACED, 0);
    }
    r = tree_push(tree, fd, strlen(tree->path), !is_known || directory_is_exposed(&entry->status));
    if (r < 0)
        return tree_failed(tree, r);
    entry->kind = ENTRY_DIRECTORY;
    *is_found = true;
    return 0;
}

static int tree_take_link(struct tree *tree, const char *name, struct tree_entry *entry,
                          bool *is_found) {
    ssize_t n = readlinkat(tree_top(tree)->fd, name, tree->target, sizeof tree->target);
    if (n < 0 && errno == EINVAL)
        return tree_leave_out(tree, SKIP_VANISHED, EINVAL);
    if (n < 0)
        return tree_failed(tree, error_errno());
    if (n == 0 || (size_t)n > ENTRY_TARGET_MAX)
        return tree_leave_out(tree, SKIP_TOO_DEEP, ENAMETOOLONG);
    entry->kind = ENTRY_LINK;
    entry->target = (struct bytes){tree->target, (size_t)n};
    *is_found = true;
    return 0;
}

static int tree_take_type(struct tree *tree, const char *name, mode_t type,
                          struct tree_entry *entry, bool *is_found) {
    switch (type) {
    case S_IFREG:
        return tree->found ? tree_find_file(tree, name, entry, is_found)
                           : tree_take_file(tree, name, entry, is_found);
    case S_IFDIR:
        return tree_take_directory(tree, name, entry, is_found);
    case S_IFLNK:
        return tree_take_link(tree, name, entry, is_found);
    default:
        return tree_leave_out(tree, SKIP_SPECIAL, 0);
    }
}

/* What is opened anyway is asked then. */
static int tree_take(struct tree *tree, const struct dirent *found, struct tree_entry *entry,
                     bool *is_found) {
    const char *name = found->d_name;
    if (found->d_type == DT_DIR)
        return tree_take_directory(tree, name, entry, is_found);
    if (found->d_type == DT_REG && !tree->found)
        return tree_take_file(tree, name, entry, is_found);
    if (fstatat(tree_top(tree)->fd, name, &entry->status, AT_SYMLINK_NOFOLLOW) < 0)
        return tree_failed(tree, error_errno());
    return tree_take_type(tree, name, entry->status.st_mode & S_IFMT, entry, is_found);
}

/* Writes the path of a name in the directory on top. Returns false when it is too long; then it
 * is cut. */
static bool tree_set_path(struct tree *tree, const char *name) {
    size_t at = tree_top(tree)->n_path;
    if (at > 0 && at < ENTRY_PATH_MAX)
        tree->path[at++] = '/';
    size_t length = strlen(name), room = ENTRY_PATH_MAX - at;
    size_t n = length < room ? length : room;
    memcpy(tree->path + at, name, n);
    tree->path[at + n] = '\0';
    return n == length && n > 0;
}

int tree_next(struct tree *tree, struct tree_entry *entry) {
    *entry = (struct tree_entry){.kind = ENTRY_STREAM, .fd = -1};
    while (tree->n_levels > 0) {
        if (tree->options->stop && *tree->options->stop)
            return TRANSFER_CANCELLED;
        struct tree_level *level = tree_top(tree);
        if (level->n_taken == level->n_names) {
            tree_pop(tree);
            continue;
        }
        const struct dirent *found = level->names[level->n_taken++];
        bool is_found = false;
        int r = tree_set_path(tree, found->d_name)
                    ? tree_take(tree, found, entry, &is_found)
                    : tree_leave_out(tree, SKIP_TOO_DEEP, ENAMETOOLONG);
        if (r < 0 || is_found)
            return r;
    }
    tree->path[0] = '\0';
    return 0;
}

/* --- going on somewhere --- */

bool tree_is_inside(const struct tree *tree) {
    return tree->n_levels > 1 && tree->levels[tree->n_levels - 1].n_path == strlen(tree->path);
}

/* What comes next in the directory on top is behind this name. */
static void tree_pass(struct tree *tree, const char *name) {
    struct tree_level *level = tree_top(tree);
    while (level->n_taken < level->n_names &&
           strcmp(level->names[level->n_taken]->d_name, name) <= 0)
        level->n_taken++;
}

/* One name of the path. *is_found: it is a directory, and is on top now. */
static int tree_go_behind(struct tree *tree, const char *name, bool is_directory, bool *is_found) {
    struct tree_entry entry;
    *is_found = false;
    tree_pass(tree, name);
    (void)tree_set_path(tree, name);
    return is_directory ? tree_take_directory(tree, name, &entry, is_found) : 0;
}

int tree_open_behind(struct tree *tree, int fd, const struct source_options *options,
                     const struct tree_memory *known, const char *path, bool is_inside) {
    int r = tree_open(tree, fd, options, known);
    bool is_found = true;
    for (const char *at = path; r == 0 && is_found && *at;) {
        char name[ENTRY_NAME_MAX + 1];
        size_t n = strcspn(at, "/");
        bool is_last = at[n] == '\0';
        snprintf(name, sizeof name, "%.*s", (int)n, at);
        r = tree_go_behind(tree, name, !is_last || is_inside, &is_found);
        at += is_last ? n : n + 1;
    }
    return r;
}
