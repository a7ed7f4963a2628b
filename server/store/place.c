#include "store/place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "base/home.h"
#include "base/macro.h"
#include "store/inside.h"
#include "store/store.h"

#define FILE_NAME STORE_FILE
#define LOCK_NAME STORE_LOCK_FILE

#define READ_SIZE (32 * 1024)
#define HEADER_SIZE 100 /* https://sqlite.org/fileformat2.html, section 1.3 */
#define HEADER_VERSION 60
static const char magic[16] = "SQLite format 3";

static int place_tell(struct place *place, int outcome, const char *format, ...) PRINTF_LIKE(3, 4);

static int place_tell(struct place *place, int outcome, const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(place->error, sizeof place->error, format, args);
    va_end(args);
    return outcome;
}

static int tell_errno(struct place *place, const char *doing, const char *what) {
    int error = errno, outcome = STORE_FAILED;
    if (error == ENOMEM)
        outcome = -ENOMEM;
    else if (error == ENOSPC || error == EDQUOT)
        outcome = STORE_FULL;
    else if (error == EACCES || error == EPERM || error == EROFS || error == ELOOP)
        outcome = STORE_DENIED;
    return place_tell(place, outcome, "cannot %s %s: %s", doing, what, strerrordesc_np(error));
}

static int open_directory(struct place *place, const char *dir) {
    struct stat status;
    int r = home_make(dir);
    if (r == HOME_OF_OTHERS)
        return place_tell(place, STORE_DENIED,
                          "%s is not there, and is not made in a directory of another user", dir);
    if (r < 0) {
        errno = -r;
        return tell_errno(place, "make the directory", dir);
    }
    place->dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (place->dir < 0 || fstat(place->dir, &status) < 0)
        return tell_errno(place, "open the directory", dir);
    if (status.st_uid != geteuid())
        return place_tell(place, STORE_DENIED, "%s belongs to another user (uid %u)", dir,
                          (unsigned)status.st_uid);
    if (status.st_mode & (S_IWGRP | S_IWOTH))
        return place_tell(place, STORE_DENIED, "%s is writable by others; chmod 700 it", dir);
    return 0;
}

/* A lock of this open file (fcntl(2), F_OFD_SETLK): it ends with the process, whatever happens. */
static int take_lock(struct place *place, const char *dir) {
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    place->lock = openat(place->dir, LOCK_NAME, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (place->lock < 0)
        return tell_errno(place, "make the file " LOCK_NAME " in", dir);
    if (fcntl(place->lock, F_OFD_SETLK, &lock) == 0)
        return 0;
    if (errno == EAGAIN || errno == EACCES)
        return place_tell(place, STORE_IN_USE, "another hub keeps its messages in %s", dir);
    return tell_errno(place, "lock the file " LOCK_NAME " in", dir);
}

static int open_file(const struct place *place, int flags) {
    return openat(place->dir, FILE_NAME, flags | O_CLOEXEC | O_NOFOLLOW, 0600);
}

/* One of ours that a mode keeps even us from opening. */
static bool mend_mode(const struct place *place) {
    struct stat status;
    return fstatat(place->dir, FILE_NAME, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
           S_ISREG(status.st_mode) && status.st_uid == geteuid() &&
           (status.st_mode & 0600) != 0600 && fchmodat(place->dir, FILE_NAME, 0600, 0) == 0;
}

/* SQLite would follow a link, and take the mode from the umask. */
static int make_file(struct place *place) {
    struct stat status;
    CLEANUP_CLOSE int fd = open_file(place, O_RDWR | O_CREAT);
    if (fd < 0 && errno == EACCES && mend_mode(place))
        fd = open_file(place, O_RDWR | O_CREAT);
    if (fd < 0 || fstat(fd, &status) < 0)
        return tell_errno(place, "open", place->path);
    if (!S_ISREG(status.st_mode) || status.st_uid != geteuid())
        return place_tell(place, STORE_DENIED, "%s is not a file of this user", place->path);
    if ((status.st_mode & 0777) != 0600 && fchmod(fd, 0600) < 0)
        return tell_errno(place, "chmod 600", place->path);
    return 0;
}

int place_open(struct place *place, const char *dir) {
    *place = (struct place){.dir = -1, .lock = -1};
    if (snprintf(place->path, sizeof place->path, "%s/" FILE_NAME, dir) >=
        (int)(sizeof place->path - sizeof "-journal"))
        return place_tell(place, STORE_FAILED, "the name of the directory is too long");
    int r = open_directory(place, dir);
    if (r == 0)
        r = take_lock(place, dir);
    return r == 0 ? make_file(place) : r;
}

/* The first of NAME, NAME-2, NAME-3, ... that is free. */
static int free_name(const struct place *place, const char *why, char *name, size_t size) {
    char date[32];
    time_t now = time(NULL);
    struct tm tm;
    strftime(date, sizeof date, "%Y%m%dT%H%M%SZ", gmtime_r(&now, &tm));
    snprintf(name, size, FILE_NAME "%s-%s", why, date);
    for (unsigned i = 2; faccessat(place->dir, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0; i++)
        snprintf(name, size, FILE_NAME "%s-%s-%u", why, date, i);
    return errno == ENOENT ? 0 : -1;
}

/* Vanishing. */

static const char *const suffixes[PLACE_FILES] = {
    [PLACE_DATABASE] = "", [PLACE_WAL] = "-wal", [PLACE_SHM] = "-shm"};

/* By its whole path, so that a directory that was moved is noticed. */
static int look_up(const struct place *place, size_t which, struct stat *status) {
    char path[PATH_MAX + 16];
    int n_dir = (int)(strlen(place->path) - strlen(FILE_NAME));
    if (which == PLACE_LOCK)
        snprintf(path, sizeof path, "%.*s" LOCK_NAME, n_dir, place->path);
    else
        snprintf(path, sizeof path, "%s%s", place->path, suffixes[which]);
    return lstat(path, status);
}

static bool is_file(const struct place_file *file, const struct stat *status) {
    return file->dev == status->st_dev && file->ino == status->st_ino;
}

int place_note(struct place *place) {
    struct stat status;
    place->is_noted = false;
    for (size_t i = 0; i < PLACE_FILES; i++) {
        if (look_up(place, i, &status) < 0)
            return tell_errno(place, "look at the files of", place->path);
        place->files[i] = (struct place_file){status.st_dev, status.st_ino};
    }
    place->is_noted = true;
    return 0;
}

static int tell_vanished(struct place *place, size_t which, int error) {
    const char *what = which == PLACE_LOCK       ? "its lock"
                       : which == PLACE_DATABASE ? "it"
                                                 : "its log";
    if (error != 0 && error != ENOENT && error != ENOTDIR) {
        errno = error;
        return tell_errno(place, "see", place->path);
    }
    return place_tell(place, STORE_GONE, "%s: %s was %s while the hub had it open", place->path,
                      what, error == 0 ? "replaced" : "removed or moved");
}

int place_check(struct place *place) {
    struct stat status;
    for (size_t i = 0; place->is_noted && i < PLACE_FILES; i++) {
        if (look_up(place, i, &status) < 0)
            return tell_vanished(place, i, errno);
        if (!is_file(&place->files[i], &status))
            return tell_vanished(place, i, 0);
        if (i == PLACE_DATABASE && status.st_size < place->n_bytes)
            return place_tell(
                place, STORE_FAILED,
                "%s: it was cut off while the hub had it open; start the hub again: it "
                "looks at what is left",
                place->path);
    }
    return 0;
}

/* The directory, and the lock, which is given up only when there is another one. */
static int renew_directory(struct place *place) {
    struct stat status;
    struct place new = {.dir = -1, .lock = -1};
    char dir[PATH_MAX];
    if (look_up(place, PLACE_LOCK, &status) == 0 && is_file(&place->files[PLACE_LOCK], &status))
        return 0;
    snprintf(dir, sizeof dir, "%.*s", (int)(strlen(place->path) - strlen("/" FILE_NAME)),
             place->path);
    int r = open_directory(&new, dir);
    if (r == 0)
        r = take_lock(&new, dir);
    if (r == 0 && fstat(new.lock, &status) < 0)
        r = tell_errno(&new, "see the lock in", dir);
    if (r != 0) {
        memcpy(place->error, new.error, sizeof place->error);
        place_close(&new);
        return r;
    }
    place_close(place);
    place->dir = new.dir;
    place->lock = new.lock;
    place->files[PLACE_LOCK] = (struct place_file){status.st_dev, status.st_ino};
    return 0;
}

static int open_new(const struct place *place, int flags) {
    return openat(place->dir, FILE_NAME PLACE_NEW, flags | O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0600);
}

int place_renew(struct place *place) {
    int r = renew_directory(place);
    if (r != 0)
        return r;
    (void)unlinkat(place->dir, FILE_NAME PLACE_NEW "-journal", 0);
    if (unlinkat(place->dir, FILE_NAME PLACE_NEW, 0) < 0 && errno != ENOENT)
        return tell_errno(place, "make again", place->path);
    CLEANUP_CLOSE int fd = open_new(place, O_CREAT | O_EXCL);
    return fd < 0 ? tell_errno(place, "make again", place->path) : 0;
}

/* Something that is not ours, where the database belongs, and its log. */
static int set_found_aside(struct place *place, char *found, size_t size) {
    char name[96], wal[104];
    if (free_name(place, ".found", name, sizeof name) < 0)
        return tell_errno(place, "set aside what is in the place of", place->path);
    snprintf(wal, sizeof wal, "%s-wal", name);
    if ((renameat(place->dir, FILE_NAME "-wal", place->dir, wal) < 0 && errno != ENOENT) ||
        renameat(place->dir, FILE_NAME, place->dir, name) < 0)
        return tell_errno(place, "set aside what is in the place of", place->path);
    snprintf(found, size, "%.*s%s", (int)(strlen(place->path) - strlen(FILE_NAME)), place->path,
             name);
    return 0;
}

int place_put_new(struct place *place, char *found, size_t size) {
    struct stat status;
    CLEANUP_CLOSE int fd = open_new(place, 0);
    int r = fd >= 0 && fsync(fd) == 0 ? 0 : tell_errno(place, "sync the copy of", place->path);
    found[0] = '\0';
    if (r == 0 && look_up(place, PLACE_DATABASE, &status) == 0 &&
        !is_file(&place->files[PLACE_DATABASE], &status))
        r = set_found_aside(place, found, size);
    if (r != 0)
        return r;
    /* Else the log of the vanished one would be taken for that of the new one. */
    if ((unlinkat(place->dir, FILE_NAME "-wal", 0) < 0 && errno != ENOENT) ||
        (unlinkat(place->dir, FILE_NAME "-shm", 0) < 0 && errno != ENOENT) ||
        renameat(place->dir, FILE_NAME PLACE_NEW, place->dir, FILE_NAME) < 0 ||
        fsync(place->dir) < 0)
        return tell_errno(place, "put the copy in the place of", place->path);
    return 0;
}

void place_close(struct place *place) {
    cleanup_closep(&place->lock);
    cleanup_closep(&place->dir);
    place->lock = place->dir = -1;
}

int place_look(struct place *place, enum place_header *header, unsigned *version) {
    uint8_t bytes[HEADER_SIZE];
    CLEANUP_CLOSE int fd = open_file(place, O_RDONLY);
    ssize_t n = fd < 0 ? -1 : pread(fd, bytes, sizeof bytes, 0);
    if (n < 0)
        return tell_errno(place, "read", place->path);
    *version = 0;
    *header = n == 0 ? PLACE_EMPTY : PLACE_DAMAGED;
    if (n == sizeof bytes && memcmp(bytes, magic, sizeof magic) == 0) {
        const uint8_t *at = bytes + HEADER_VERSION;
        *header = PLACE_SOUND;
        *version = (unsigned)at[0] << 24 | (unsigned)at[1] << 16 | (unsigned)at[2] << 8 | at[3];
    }
    return 0;
}

static int read_file(struct place *place, const char *name) {
    uint8_t bytes[READ_SIZE];
    ssize_t n = 1;
    CLEANUP_CLOSE int fd = openat(place->dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0 && errno == ENOENT)
        return 0;
    while (fd >= 0 && n > 0)
        n = TEMP_FAILURE_RETRY(read(fd, bytes, sizeof bytes));
    return fd >= 0 && n == 0 ? 0 : tell_errno(place, "read", place->path);
}

int place_read_all(struct place *place) {
    int r = read_file(place, FILE_NAME);
    return r == 0 ? read_file(place, FILE_NAME "-wal") : r;
}

int place_set_aside(struct place *place, char *to, size_t size) {
    char name[96], wal[104];
    if (free_name(place, ".damaged", name, sizeof name) < 0)
        return tell_errno(place, "set aside the damaged", place->path);
    snprintf(wal, sizeof wal, "%s-wal", name);
    if ((renameat(place->dir, FILE_NAME "-wal", place->dir, wal) < 0 && errno != ENOENT) ||
        renameat(place->dir, FILE_NAME, place->dir, name) < 0)
        return tell_errno(place, "set aside the damaged", place->path);
    unlinkat(place->dir, FILE_NAME "-shm", 0);
    place_unmark(place);
    fsync(place->dir);
    snprintf(to, size, "%.*s%s", (int)(strlen(place->path) - strlen(FILE_NAME)), place->path, name);
    return make_file(place);
}

bool place_is_marked(const struct place *place) {
    return faccessat(place->dir, FILE_NAME STORE_MARK, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

void place_unmark(const struct place *place) {
    unlinkat(place->dir, FILE_NAME STORE_MARK, 0);
}

long long place_size(const struct place *place, bool with_wal) {
    struct stat status;
    long long n = fstatat(place->dir, FILE_NAME, &status, 0) == 0 ? status.st_size : 0;
    if (with_wal && fstatat(place->dir, FILE_NAME "-wal", &status, 0) == 0)
        n += status.st_size;
    return n;
}

long long place_room(const struct place *place) {
    struct statvfs disk;
    if (fstatvfs(place->dir, &disk) < 0)
        return LLONG_MAX;
    unsigned long long n = (unsigned long long)disk.f_bavail * disk.f_frsize;
    return n < LLONG_MAX ? (long long)n : LLONG_MAX;
}
