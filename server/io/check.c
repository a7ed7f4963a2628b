#include "io/check.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/macro.h"
#include "ipc/queue.h"
#include "ipc/rendezvous.h"
#include "store/store.h"

#define CHECK_DIR_BYTES 4096           /* the key file */
#define CHECK_STATE_BYTES (256 * 1024) /* a new database, with the files beside it */

/* Where SQLite locks: the database (os.h), and its -shm file (https://sqlite.org/walformat.html).
 */
#define SQLITE_PENDING_BYTE 0x40000000
#define SQLITE_LOCK_BYTES 512
#define SQLITE_WAL_WRITE_LOCK_BYTE 120

struct check {
    const struct options *options;
    int code;
};

static void check_tell(struct check *check, int code, const char *format, ...) PRINTF_LIKE(3, 4);

static void check_tell(struct check *check, int code, const char *format, ...) {
    char text[3 * PATH_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    fprintf(stderr, "earshotd: cannot start in %s: %s\n", check->options->dir, text);
    if (check->code == EX_OK)
        check->code = code;
}

/* The directory itself, or the nearest one above it that is there. */
static void check_nearest(const char *dir, char near[PATH_MAX]) {
    snprintf(near, PATH_MAX, "%s", dir);
    while (access(near, F_OK) < 0 && errno == ENOENT) {
        char *slash = strrchr(near, '/');
        if (!slash)
            return;
        slash[slash == near] = '\0';
    }
}

/* What is to be made in it can be made. */
static void check_writable(struct check *check, const char *dir, uint64_t n_bytes,
                           const char *what) {
    char near[PATH_MAX];
    struct statvfs disk;
    check_nearest(dir, near);
    if (faccessat(AT_FDCWD, near, W_OK | X_OK, AT_EACCESS) < 0)
        check_tell(check, errno == EACCES || errno == EPERM ? EX_NOPERM : EX_CANTCREAT,
                   "%s cannot be written to: %s; it is where %s is to be", near, strerror(errno),
                   what);
    else if (statvfs(near, &disk) == 0 && (uint64_t)disk.f_bavail * disk.f_frsize < n_bytes)
        check_tell(check, EX_CANTCREAT,
                   "the disk of %s, where %s is to be, is full: %llu KiB are free; make room there",
                   near, what, (unsigned long long)(disk.f_bavail * disk.f_frsize / 1024));
}

/* Who has a write lock there; 0: nobody, -1: somebody whom the kernel does not name. */
static pid_t check_holder(const char *dir, const char *name, off_t at, off_t n) {
    char path[PATH_MAX + 64];
    struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = at, .l_len = n};
    snprintf(path, sizeof path, "%s/%s", dir, name);
    CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 || fcntl(fd, F_OFD_GETLK, &lock) < 0 || lock.l_type == F_UNLCK)
        return 0;
    // cppcheck-suppress resourceLeak; CLEANUP_CLOSE closes it
    return lock.l_pid > 0 ? lock.l_pid : -1;
}

/* Another hub, or another program that is just writing to the database. */
static void check_locks(struct check *check, const char *state) {
    char other[PATH_MAX];
    if (check_holder(state, STORE_LOCK_FILE, 0, 0) != 0) {
        bool is_noted = rendezvous_noted(state, other);
        check_tell(check, EX_TEMPFAIL, "another hub keeps its messages in %s%s%s", state,
                   is_noted ? "; it is the one in " : "", is_noted ? other : "");
        return;
    }
    pid_t pid = check_holder(state, STORE_FILE, SQLITE_PENDING_BYTE, SQLITE_LOCK_BYTES);
    if (pid == 0)
        pid = check_holder(state, STORE_FILE "-shm", SQLITE_WAL_WRITE_LOCK_BYTE, 1);
    if (pid != 0)
        check_tell(check, EX_TEMPFAIL,
                   "another program (pid %d) is writing to %s/" STORE_FILE "; end it", (int)pid,
                   state);
}

static void check_owner(struct check *check, const char *path, const char *what) {
    struct stat status;
    if (stat(path, &status) < 0)
        return;
    if (!S_ISDIR(status.st_mode))
        check_tell(check, EX_CANTCREAT, "%s, %s, is not a directory", path, what);
    else if (status.st_uid != geteuid() && status.st_uid != 0)
        check_tell(check, EX_NOPERM, "%s, %s, belongs to another user (uid %u)", path, what,
                   (unsigned)status.st_uid);
}

static void check_queues(struct check *check) {
    struct queue_limits limits;
    int r = queue_limits_read(&limits);
    if (r > 0)
        check_tell(check, EX_CANTCREAT, "%s", queue_outcome_text((enum queue_outcome)r));
}

/* Root looks as the user whose hub it is to be. */
static void check_as_owner(const struct options *options) {
    struct stat status;
    if (geteuid() == 0 && stat(options->dir, &status) == 0 && status.st_uid != 0 &&
        (setgroups(0, NULL) < 0 || setegid(status.st_gid) < 0 || seteuid(status.st_uid) < 0))
        fprintf(stderr, "earshotd: looking as root, for want of uid %u: %s\n",
                (unsigned)status.st_uid, strerror(errno));
}

int check_start(const struct options *options) {
    struct check check = {.options = options};
    struct rendezvous_record record;
    check_as_owner(options);
    int r = rendezvous_find(options->dir, (uid_t)-1, &record);
    bool runs = r == RENDEZVOUS_OK;
    if (runs)
        check_tell(&check, EX_CANTCREAT, "a hub is running there already: pid %d of uid %u",
                   (int)record.pid, (unsigned)record.uid);
    check_queues(&check);
    if (options->conf[0] && faccessat(AT_FDCWD, options->conf, R_OK, AT_EACCESS) < 0)
        check_tell(&check, EX_CONFIG, "uid %u cannot read %s: %s", (unsigned)geteuid(),
                   options->conf, strerror(errno));
    check_owner(&check, options->dir, "the directory");
    check_writable(&check, options->dir, CHECK_DIR_BYTES, "the key file");
    if (options->state[0]) {
        check_owner(&check, options->state, "its state directory");
        check_writable(&check, options->state, CHECK_STATE_BYTES, "its store");
    }
    if (options->state[0] && !runs)
        check_locks(&check, options->state);
    if (check.code == EX_OK)
        printf("earshotd: nothing is in the way of a hub in %s\n", options->dir);
    return check.code;
}
