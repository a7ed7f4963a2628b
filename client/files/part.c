#include "files/part.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cursor.h"
#include "base/error.h"
#include "files/attributes.h"
#include "files/remove.h"
#include "files/sink.h"

#define ATTRIBUTE "user.earshot"
#define MARK_VERSION 1
#define N_CHOICES 9999

/* How a try of one choice of a name ends, besides 0 (it is ours now) and -errno. */
enum choice_outcome { CHOICE_TAKEN = 1, CHOICE_DISTURBED };

/* --- the mark --- */

static void mark_put_version(struct part *part, uint64_t size, int64_t mtime_ns) {
    struct cursor_out out =
        cursor_out_of(part->mark + part->n_same, sizeof part->mark - part->n_same);
    cursor_put_u64(&out, size);
    cursor_put_u64(&out, (uint64_t)mtime_ns);
    assert(!out.bad);
    part->n_mark = part->n_same + cursor_out_used(&out);
}

/* What must be the same comes first: version, kind, sender, name. Then size and time. */
static int part_make_mark(struct part *part, const struct item_offer *offer, uid_t from) {
    struct digest_state *state = digest_new();
    if (!state)
        return -ENOMEM;
    digest_add(state, offer->name, strlen(offer->name));
    struct digest name = digest_value(state);
    digest_free(state);
    struct cursor_out out = cursor_out_of(part->mark, sizeof part->mark);
    cursor_put_u8(&out, MARK_VERSION);
    cursor_put_u8(&out, (uint8_t)offer->kind);
    cursor_put_u32(&out, from);
    cursor_put(&out, name.bytes, sizeof name.bytes);
    part->n_same = cursor_out_used(&out);
    mark_put_version(part, offer->size, offer->mtime_ns);
    return 0;
}

static void part_set_mark(struct part *part) {
    part->is_marked = fsetxattr(part->fd, ATTRIBUTE, part->mark, part->n_mark, 0) == 0;
}

/* Compares what is there. Without attributes on this file system only a private file is tried. */
static bool part_is_recognised(struct part *part, const struct stat *status) {
    uint8_t mark[PART_MARK_BYTES];
    ssize_t n = fgetxattr(part->fd, ATTRIBUTE, mark, sizeof mark);
    if (n < 0)
        return errno == EOPNOTSUPP && !part->is_directory && (status->st_mode & 07777) == 0600;
    if ((size_t)n != part->n_mark || memcmp(mark, part->mark, part->n_same) != 0)
        return false;
    part->is_marked = true;
    part->is_changed = memcmp(mark, part->mark, part->n_mark) != 0;
    return true;
}

/* --- the name --- */

static void part_set_choice(struct part *part, unsigned n, struct filename *final) {
    part->choice = n;
    filename_choice(final, &part->clean, n, part->is_directory);
    filename_part(&part->name, final);
}

/* Returns 1, 0 or -errno. */
static int name_exists(int dir, const char *name) {
    struct stat status;
    if (fstatat(dir, name, &status, AT_SYMLINK_NOFOLLOW) == 0)
        return 1;
    return errno == ENOENT ? 0 : error_errno();
}

/* Whether this name is that of what we have open. */
static bool part_has_name(const struct part *part, const char *name) {
    struct stat named, open;
    return fstatat(part->dir, name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
           fstat(part->fd, &open) == 0 && named.st_dev == open.st_dev &&
           named.st_ino == open.st_ino;
}

/* Whether another process has it. File systems that have no locks say nothing. */
static bool file_is_locked(int fd) {
    return flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK;
}

/* --- finding and making --- */

static int part_open_name(const struct part *part, int flags) {
    int kind =
        part->is_directory ? O_RDONLY | O_DIRECTORY : O_RDWR | O_APPEND | O_NONBLOCK | O_NOCTTY;
    return openat(part->dir, part->name.s, kind | O_NOFOLLOW | O_CLOEXEC | flags, 0600);
}

static void part_leave(struct part *part) {
    close(part->fd);
    part->fd = -1;
    part->is_changed = part->is_marked = false;
}

static bool part_is_plain(const struct part *part, const struct stat *status) {
    if (status->st_uid != geteuid())
        return false;
    return part->is_directory ? S_ISDIR(status->st_mode)
                              : S_ISREG(status->st_mode) && status->st_nlink == 1;
}

/* A directory does not go on where it stopped. */
static int part_empty(struct part *part) {
    part->is_changed = false;
    if (fchmod(part->fd, 0700) < 0)
        return error_errno();
    part_set_mark(part);
    return remove_below(part->fd);
}

/* Looks at what has the name already. */
static int part_try_old(struct part *part) {
    part->fd = part_open_name(part, 0);
    if (part->fd < 0)
        return CHOICE_TAKEN;
    struct stat status;
    if (fstat(part->fd, &status) < 0 || !part_is_plain(part, &status) || file_is_locked(part->fd) ||
        !part_has_name(part, part->name.s) || !part_is_recognised(part, &status)) {
        part_leave(part);
        return CHOICE_TAKEN;
    }
    if (part->is_directory)
        return part_empty(part);
    part->is_old = true;
    part->offset = part->is_changed ? 0 : (uint64_t)status.st_size;
    return 0;
}

/* What mkdir made, and not something that was put in its place. */
static bool directory_is_new(int fd) {
    struct stat status;
    return fstat(fd, &status) == 0 && status.st_uid == geteuid() && remove_is_empty(fd) == 1;
}

static int part_make_new(struct part *part) {
    if (part->is_directory && mkdirat(part->dir, part->name.s, 0700) < 0)
        return errno == EEXIST ? CHOICE_TAKEN : error_errno();
    part->fd = part_open_name(part, part->is_directory ? 0 : O_CREAT | O_EXCL);
    if (part->fd < 0 && !part->is_directory)
        return errno == EEXIST ? CHOICE_TAKEN : error_errno();
    if (part->fd < 0)
        return CHOICE_DISTURBED;
    if (part->is_directory && !directory_is_new(part->fd)) {
        part_leave(part); /* and nothing in it is touched */
        return CHOICE_DISTURBED;
    }
    if (file_is_locked(part->fd)) { /* another process of ours found it before we locked it */
        part_leave(part);
        return CHOICE_TAKEN;
    }
    part_set_mark(part);
    return 0;
}

/* One choice of a name: what is there if it is ours, or something new. */
static int part_try_choice(struct part *part, unsigned n) {
    struct filename final;
    part_set_choice(part, n, &final);
    int r = name_exists(part->dir, part->name.s);
    if (r != 0)
        return r < 0 ? r : part_try_old(part);
    r = name_exists(part->dir, final.s);
    if (r != 0)
        return r < 0 ? r : CHOICE_TAKEN;
    return part_make_new(part);
}

static int part_search(struct part *part, unsigned first) {
    part->is_old = false;
    part->offset = 0;
    for (unsigned n = first; n <= N_CHOICES; n++) {
        int r = part_try_choice(part, n);
        if (r == CHOICE_DISTURBED)
            return TRANSFER_DISTURBED;
        if (r != CHOICE_TAKEN)
            return r;
    }
    return TRANSFER_NO_NAME;
}

int part_open(struct part *part, int dir, const struct item_offer *offer, uid_t from) {
    *part = (struct part){.fd = -1, .is_directory = offer->kind == ENTRY_DIRECTORY};
    part->dir = fcntl(dir, F_DUPFD_CLOEXEC, 0);
    if (part->dir < 0)
        return error_errno();
    int r = filename_clean(&part->clean, bytes_of(offer->name));
    if (r == 0)
        r = part_make_mark(part, offer, from);
    if (r == 0)
        r = part_search(part, 1);
    if (part->fd < 0)
        part->name.s[0] = '\0';
    return r;
}

int part_restart(struct part *part) {
    if (part->is_old && !part->is_marked && part->offset > 0) {
        part_leave(part);
        return part_search(part, part->choice + 1);
    }
    part->offset = 0;
    if (ftruncate(part->fd, 0) < 0)
        return error_errno();
    part_set_mark(part);
    return 0;
}

void part_set_version(struct part *part, uint64_t size, int64_t mtime_ns) {
    uint8_t before[PART_MARK_BYTES];
    if (part->fd < 0)
        return;
    memcpy(before, part->mark, part->n_mark);
    mark_put_version(part, size, mtime_ns);
    if (memcmp(before, part->mark, part->n_mark) != 0)
        part_set_mark(part);
}

/* --- the end --- */

int part_sync(const struct part *part) {
    int r = part->is_directory ? syncfs(part->fd) : fsync(part->fd);
    return r < 0 && errno != EINVAL ? error_errno() : 0; /* EINVAL: nothing to sync there */
}

/* Where renaming cannot be told not to replace: a second link cannot replace, and a directory
 * replaces at most an empty one. */
static int part_rename_otherwise(const struct part *part, const char *final) {
    if (part->is_directory) {
        int r = name_exists(part->dir, final);
        if (r != 0)
            return r < 0 ? r : -EEXIST;
        return renameat(part->dir, part->name.s, part->dir, final) < 0 ? error_errno() : 0;
    }
    if (linkat(part->dir, part->name.s, part->dir, final, 0) < 0)
        return error_errno();
    return unlinkat(part->dir, part->name.s, 0) < 0 ? error_errno() : 0;
}

static int part_rename_to(const struct part *part, const char *final) {
    if (renameat2(part->dir, part->name.s, part->dir, final, RENAME_NOREPLACE) == 0)
        return 0;
    return errno == EINVAL || errno == ENOSYS ? part_rename_otherwise(part, final) : error_errno();
}

static int part_give_name(struct part *part) {
    if (!part_has_name(part, part->name.s))
        return TRANSFER_DISTURBED;
    for (unsigned n = 1; n <= N_CHOICES; n++) {
        filename_choice(&part->final, &part->clean, n, part->is_directory);
        int r = part_rename_to(part, part->final.s);
        if (r == 0)
            return part_has_name(part, part->final.s) ? 0 : TRANSFER_DISTURBED;
        if (r != -EEXIST && r != -ENOTEMPTY)
            return r == -ENOENT ? TRANSFER_DISTURBED : r;
    }
    return TRANSFER_NO_NAME;
}

int part_finish(struct part *part, mode_t mode, int64_t mtime_ns) {
    if (part->is_marked && fremovexattr(part->fd, ATTRIBUTE) < 0 && errno != ENODATA)
        return error_errno();
    int r = attributes_set(part->fd, mode, mtime_ns);
    if (r == 0)
        r = part_give_name(part);
    if (r == 0)
        part->name.s[0] = '\0';
    else
        part->final.s[0] = '\0';
    return r;
}

int part_sync_name(const struct part *part) {
    return fsync(part->dir) < 0 && errno != EINVAL ? error_errno() : 0;
}

void part_remove(struct part *part) {
    if (part->fd < 0 || !part->name.s[0] || !part_has_name(part, part->name.s))
        return;
    if (part->is_directory) {
        (void)fchmod(part->fd, 0700);
        (void)remove_below(part->fd);
    }
    (void)unlinkat(part->dir, part->name.s, part->is_directory ? AT_REMOVEDIR : 0);
    part->name.s[0] = '\0';
}

bool part_is_worth_keeping(const struct part *part) {
    struct stat status;
    return !part->is_directory && part->fd >= 0 && part->name.s[0] &&
           fstat(part->fd, &status) == 0 && status.st_size > 0 && part_has_name(part, part->name.s);
}

void part_close(struct part *part) {
    if (part->fd >= 0)
        close(part->fd);
    if (part->dir >= 0)
        close(part->dir);
    part->fd = part->dir = -1;
}
