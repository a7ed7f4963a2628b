#include "files/sink_tree.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "files/attributes.h"
#include "files/remove.h"
#include "files/sink.h"

static struct sink_level *sink_tree_top(struct sink_tree *tree) {
    return &tree->levels[tree->n_levels - 1];
}

void sink_tree_open(struct sink_tree *tree, int top) {
    *tree = (struct sink_tree){.n_levels = 1};
    tree->levels[0].fd = top;
}

void sink_tree_close(struct sink_tree *tree) {
    while (tree->n_levels > 1)
        close(tree->levels[--tree->n_levels].fd);
    tree->n_levels = 0;
}

/* Completes the directory on top and leaves it. */
static int sink_tree_leave(struct sink_tree *tree) {
    struct sink_level level = tree->levels[--tree->n_levels];
    int r = attributes_set(level.fd, level.mode, level.mtime_ns);
    close(level.fd);
    return r;
}

int sink_tree_finish(struct sink_tree *tree) {
    int r = 0;
    while (r == 0 && tree->n_levels > 1)
        r = sink_tree_leave(tree);
    return r;
}

/* Whether the open directory is on the way to this parent. */
static bool sink_level_is_above(const struct sink_tree *tree, const struct sink_level *level,
                                struct bytes parent) {
    if (level->n_path == 0)
        return true;
    return level->n_path <= parent.n && memcmp(tree->path, parent.data, level->n_path) == 0 &&
           (level->n_path == parent.n || parent.data[level->n_path] == '/');
}

int sink_tree_go(struct sink_tree *tree, struct bytes path) {
    const char *slash = memrchr(path.data, '/', path.n);
    struct bytes parent = {path.data, slash ? (size_t)(slash - path.data) : 0};
    while (!sink_level_is_above(tree, sink_tree_top(tree), parent)) {
        int r = sink_tree_leave(tree);
        if (r < 0)
            return r;
    }
    bool is_there = sink_tree_top(tree)->n_path == parent.n;
    memcpy(tree->path, path.data, path.n);
    tree->path[path.n] = '\0';
    tree->name = tree->path + (slash ? parent.n + 1 : 0);
    return is_there ? 0 : TRANSFER_MALFORMED;
}

/* What a failure to make an entry in the open directory means. */
static int sink_tree_outcome(int error) {
    switch (error) {
    case EEXIST: /* twice the same, or the same for this file system */
    case EILSEQ:
    case EINVAL:
    case ENAMETOOLONG:
        return TRANSFER_NO_NAME;
    case ENOENT:
    case ELOOP:
    case ENOTDIR:
        return TRANSFER_DISTURBED;
    default:
        return error > 0 ? -error : -EIO;
    }
}

int sink_tree_make_file(struct sink_tree *tree, int *fd) {
    int flags = O_RDWR | O_APPEND | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    *fd = openat(sink_tree_top(tree)->fd, tree->name, flags, 0600);
    return *fd < 0 ? sink_tree_outcome(errno) : 0;
}

int sink_tree_remove_file(struct sink_tree *tree, int fd) {
    struct stat named, open;
    int dir = sink_tree_top(tree)->fd;
    if (fstatat(dir, tree->name, &named, AT_SYMLINK_NOFOLLOW) < 0 || fstat(fd, &open) < 0 ||
        named.st_dev != open.st_dev || named.st_ino != open.st_ino)
        return TRANSFER_DISTURBED;
    return unlinkat(dir, tree->name, 0) < 0 ? sink_tree_outcome(errno) : 0;
}

int sink_tree_make_directory(struct sink_tree *tree, mode_t mode, int64_t mtime_ns) {
    if (tree->n_levels == ENTRY_DEPTH_MAX + 1)
        return TRANSFER_MALFORMED;
    int parent = sink_tree_top(tree)->fd;
    if (mkdirat(parent, tree->name, 0700) < 0)
        return sink_tree_outcome(errno);
    int fd = openat(parent, tree->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return sink_tree_outcome(errno);
    struct stat status;
    if (fstat(fd, &status) < 0 || status.st_uid != geteuid() || remove_is_empty(fd) != 1) {
        close(fd); /* it is not what we made */
        return TRANSFER_DISTURBED;
    }
    tree->levels[tree->n_levels++] = (struct sink_level){fd, mode, mtime_ns, strlen(tree->path)};
    return 0;
}

int sink_tree_make_link(struct sink_tree *tree, struct bytes target, int64_t mtime_ns) {
    char text[ENTRY_TARGET_MAX + 1];
    memcpy(text, target.data, target.n);
    text[target.n] = '\0';
    if (symlinkat(text, sink_tree_top(tree)->fd, tree->name) < 0)
        return sink_tree_outcome(errno);
    attributes_set_link(sink_tree_top(tree)->fd, tree->name, mtime_ns);
    return 0;
}
