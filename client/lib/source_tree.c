#include "lib/source_tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"

/* --- the names of a directory --- */

/* By their bytes, whatever the locale says. */
static int compare_names(const struct dirent **a, const struct dirent **b) {
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_entry(const struct dirent *found) {
    return strcmp(found->d_name, ".") != 0 && strcmp(found->d_name, "..") != 0;
}

static int list(struct tree_level *level) {
    int n = scandirat(level->fd, ".", &level->names, is_entry, compare_names);
    if (n < 0)
        return error_errno();
    level->n_names = (size_t)n;
    return 0;
}

/* --- levels --- */

static void pop(struct tree *tree) {
    struct tree_level *level = &tree->levels[--tree->n_levels];
    for (size_t i = 0; i < level->n_names; i++)
        free(level->names[i]);
    free(level->names);
    close(level->fd);
    *level = (struct tree_level){0};
}

/* Takes the fd, also when it fails. */
static int push(struct tree *tree, int fd, size_t n_path) {
    struct tree_level *level = &tree->levels[tree->n_levels++];
    *level = (struct tree_level){.fd = fd, .n_path = n_path};
    int r = list(level);
    if (r < 0)
        pop(tree);
    return r;
}

int tree_open(struct tree *tree, int fd, const struct source_options *options, bool is_silent) {
    *tree = (struct tree){.options = options, .is_silent = is_silent};
    int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    return own < 0 ? error_errno() : push(tree, own, 0);
}

void tree_close(struct tree *tree) {
    while (tree->n_levels > 0)
        pop(tree);
}

/* --- entries --- */

/* An entry that is left out; 0, since the walk goes on. */
static int skip(struct tree *tree, enum source_skip why, int error) {
    tree->n_skipped++;
    if (tree->options->skipped && !tree->is_silent)
        tree->options->skipped(tree->options->context, tree->path, why, error);
    return 0;
}

/* What a failure to look at an entry means: it is left out, or the walk ends. */
static int failed(struct tree *tree, int r) {
    switch (-r) {
    case ENOENT:
    case ELOOP:   /* now it is a link */
    case ENOTDIR: /* or something else */
    case ENXIO:
    case ESRCH: /* below /proc */
        return skip(tree, SKIP_VANISHED, -r);
    case EINTR:
    case EMFILE:
    case ENFILE:
    case ENOMEM: /* it has nothing to do with the entry */
        return r;
    default:
        return skip(tree, SKIP_DENIED, -r);
    }
}

/* Opens what was of this type a moment ago. */
static int open_entry(const struct tree_level *level, const char *name, int flags, mode_t type,
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

static int take_file(struct tree *tree, const char *name, struct tree_entry *entry,
                     bool *is_found) {
    int fd = open_entry(&tree->levels[tree->n_levels - 1], name, O_NOCTTY, S_IFREG, &entry->status);
    if (fd < 0)
        return failed(tree, fd);
    entry->kind = ENTRY_FILE;
    entry->fd = fd;
    *is_found = true;
    return 0;
}

static int take_directory(struct tree *tree, const char *name, struct tree_entry *entry,
                          bool *is_found) {
    if (tree->n_levels == ENTRY_DEPTH_MAX + 1)
        return skip(tree, SKIP_TOO_DEEP, ENAMETOOLONG);
    int fd =
        open_entry(&tree->levels[tree->n_levels - 1], name, O_DIRECTORY, S_IFDIR, &entry->status);
    int r = fd < 0 ? fd : push(tree, fd, strlen(tree->path));
    if (r < 0)
        return failed(tree, r);
    entry->kind = ENTRY_DIRECTORY;
    *is_found = true;
    return 0;
}

static int take_link(struct tree *tree, const char *name, struct tree_entry *entry,
                     bool *is_found) {
    const struct tree_level *level = &tree->levels[tree->n_levels - 1];
    ssize_t n = readlinkat(level->fd, name, tree->target, sizeof tree->target);
    if (n < 0)
        return errno == EINVAL ? skip(tree, SKIP_VANISHED, EINVAL) : failed(tree, error_errno());
    if (n == 0 || (size_t)n > ENTRY_TARGET_MAX)
        return skip(tree, SKIP_TOO_DEEP, ENAMETOOLONG);
    entry->kind = ENTRY_LINK;
    entry->target = (struct bytes){tree->target, (size_t)n};
    *is_found = true;
    return 0;
}

static int take(struct tree *tree, const char *name, struct tree_entry *entry, bool *is_found) {
    const struct tree_level *level = &tree->levels[tree->n_levels - 1];
    if (fstatat(level->fd, name, &entry->status, AT_SYMLINK_NOFOLLOW) < 0)
        return failed(tree, error_errno());
    switch (entry->status.st_mode & S_IFMT) {
    case S_IFREG:
        return take_file(tree, name, entry, is_found);
    case S_IFDIR:
        return take_directory(tree, name, entry, is_found);
    case S_IFLNK:
        return take_link(tree, name, entry, is_found);
    default:
        return skip(tree, SKIP_SPECIAL, 0);
    }
}

/* Writes the path of a name in the directory on top. Returns false when it is too long; then it
 * is cut. */
static bool set_path(struct tree *tree, const char *name) {
    size_t at = tree->levels[tree->n_levels - 1].n_path;
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
            return SOURCE_STOPPED;
        struct tree_level *level = &tree->levels[tree->n_levels - 1];
        if (level->n_taken == level->n_names) {
            pop(tree);
            continue;
        }
        const char *name = level->names[level->n_taken++]->d_name;
        bool is_found = false;
        int r = set_path(tree, name) ? take(tree, name, entry, &is_found)
                                     : skip(tree, SKIP_TOO_DEEP, ENAMETOOLONG);
        if (r < 0 || is_found)
            return r;
    }
    tree->path[0] = '\0';
    return 0;
}
