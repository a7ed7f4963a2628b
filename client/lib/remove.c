#include "lib/remove.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "lib/item.h"

/* A listing of its own, so that fd keeps its place; NULL with errno. */
static DIR *list(int fd) {
    int own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (own < 0)
        return NULL;
    DIR *listing = fdopendir(own);
    if (!listing)
        close(own);
    return listing;
}

/* The next name; NULL at the end, or with errno. */
static const char *next_name(DIR *listing) {
    const struct dirent *found;
    errno = 0;
    do
        found = readdir(listing);
    while (found && (strcmp(found->d_name, ".") == 0 || strcmp(found->d_name, "..") == 0));
    return found ? found->d_name : NULL;
}

int remove_is_empty(int fd) {
    DIR *listing = list(fd);
    if (!listing)
        return error_errno();
    const char *name = next_name(listing);
    int r = name ? 0 : errno ? error_errno() : 1;
    closedir(listing);
    return r;
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
    DIR *listing = list(fd);
    if (!listing)
        return error_errno();
    int result = 0;
    for (const char *name; (name = next_name(listing));) {
        int r = remove_name(dirfd(listing), name, depth + 1);
        if (result == 0)
            result = r;
    }
    closedir(listing);
    return result;
}

int remove_below(int fd) {
    return remove_from(fd, 0);
}
