#include "files/remove.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "files/item.h"

static int remove_is_entry(const struct dirent *found) {
    return strcmp(found->d_name, ".") != 0 && strcmp(found->d_name, "..") != 0;
}

static void remove_free_names(struct dirent **names, int n) {
    for (int i = 0; i < n; i++)
        free(names[i]);
    free(names);
}

int remove_is_empty(int fd) {
    struct dirent **names;
    int n = scandirat(fd, ".", &names, remove_is_entry, NULL);
    if (n < 0)
        return error_errno();
    remove_free_names(names, n);
    return n == 0;
}

static int remove_from(int fd, unsigned depth);

/* It may have got a mode already that keeps even us out. */
static int remove_directory(int dir, const char *name, unsigned depth) {
    if (depth > 2 * ENTRY_DEPTH_MAX)
        return -ELOOP; /* nothing so deep was made by us */
    if (fchmodat(dir, name, 0700, AT_SYMLINK_NOFOLLOW) < 0)
        return error_errno();
    int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return error_errno();
    int r = remove_from(fd, depth);
    close(fd);
    if (r == 0 && unlinkat(dir, name, AT_REMOVEDIR) < 0)
        r = error_errno();
    return r;
}

static int remove_name(int dir, const char *name, unsigned depth) {
    if (unlinkat(dir, name, 0) == 0)
        return 0;
    return errno == EISDIR || errno == EPERM ? remove_directory(dir, name, depth) : error_errno();
}

/* Goes on after a failure, to leave as little as possible. */
static int remove_from(int fd, unsigned depth) { // NOLINT(misc-no-recursion): bounded
    struct dirent **names;
    int n = scandirat(fd, ".", &names, remove_is_entry, NULL);
    if (n < 0)
        return error_errno();
    int result = 0;
    for (int i = 0; i < n; i++) {
        int r = remove_name(fd, names[i]->d_name, depth + 1);
        if (result == 0)
            result = r;
    }
    remove_free_names(names, n);
    return result;
}

int remove_below(int fd) {
    return remove_from(fd, 0);
}
