#include "ipc/rendezvous_record.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ipc.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/macro.h"
#include "base/trust.h"

#define RECORD_FIRST_LINE "earshot-hub 1"
#define RECORD_SIZE 512

static const char *const MODE_NAMES[HUB_MODE_END] = {
    [HUB_PRIVATE] = "private",
    [HUB_GROUP] = "group",
    [HUB_OPEN] = "open",
};

int record_lock(int fd, bool *locked) {
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    *locked = fcntl(fd, F_OFD_SETLK, &lock) == 0;
    if (!*locked && errno != EAGAIN && errno != EACCES)
        return error_errno();
    if (*locked)
        (void)flock(fd, LOCK_EX | LOCK_NB);
    return 0;
}

/* Asked for a read lock: only a write lock, a hub's, is in the way of one. */
int record_is_locked(int fd, bool *locked) {
    struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET};
    if (fcntl(fd, F_OFD_GETLK, &lock) < 0)
        return error_errno();
    *locked = lock.l_type != F_UNLCK;
    return 0;
}

/* The value of the next line, which must be "name value"; NULL when it is not. */
static char *record_take_line(char **at, const char *name) {
    char *line = *at;
    char *end = strchr(line, '\n');
    size_t n = strlen(name);
    if (!end || strncmp(line, name, n) != 0 || line[n] != ' ')
        return NULL;
    *end = '\0';
    *at = end + 1;
    return line + n + 1;
}

/* The same for a decimal number within bounds. */
static bool record_take_number(char **at, const char *name, long min, long max, long *value) {
    const char *text = record_take_line(at, name);
    if (!text || text[0] < '0' || text[0] > '9')
        return false;
    char *end;
    errno = 0;
    *value = strtol(text, &end, 10);
    return errno == 0 && *end == '\0' && *value >= min && *value <= max;
}

static bool record_take_mode(char **at, enum hub_mode *mode) {
    const char *text = record_take_line(at, "mode");
    for (unsigned i = 0; text && i < HUB_MODE_END; i++) {
        if (strcmp(text, MODE_NAMES[i]) == 0) {
            *mode = (enum hub_mode)i;
            return true;
        }
    }
    return false;
}

static bool record_parse(struct rendezvous_record *record, char *text) {
    size_t n = strlen(RECORD_FIRST_LINE);
    if (strncmp(text, RECORD_FIRST_LINE "\n", n + 1) != 0)
        return false;
    char *at = text + n + 1;
    long pid, uid, proj, msqid;
    const char *instance;
    if (!record_take_number(&at, "pid", 1, INT_MAX, &pid) ||
        !record_take_number(&at, "uid", 0, (long)UINT32_MAX - 1, &uid) ||
        !(instance = record_take_line(&at, "instance")) ||
        !uuid_from_text(&record->instance, instance) ||
        !record_take_number(&at, "proj", 1, 255, &proj) ||
        !record_take_number(&at, "msqid", 0, INT_MAX, &msqid) ||
        !record_take_mode(&at, &record->mode))
        return false;
    record->pid = (pid_t)pid;
    record->uid = (uid_t)uid;
    record->proj = (int)proj;
    record->msqid = (int)msqid;
    return true;
}

int record_read(int fd, struct rendezvous_record *record) {
    char text[RECORD_SIZE];
    ssize_t n = pread(fd, text, sizeof text - 1, 0);
    if (n < 0)
        return error_errno();
    text[n] = '\0';
    *record = (struct rendezvous_record){0};
    return record_parse(record, text) ? RENDEZVOUS_OK : RENDEZVOUS_BAD_RECORD;
}

int record_write(int fd, const struct rendezvous_record *record) {
    char instance[UUID_TEXT_SIZE];
    uuid_format(&record->instance, instance);
    char text[RECORD_SIZE];
    int n =
        snprintf(text, sizeof text,
                 RECORD_FIRST_LINE "\npid %d\nuid %u\ninstance %s\nproj %d\nmsqid %d\nmode %s\n",
                 (int)record->pid, (unsigned)record->uid, instance, record->proj, record->msqid,
                 MODE_NAMES[record->mode]);
    assert(n > 0 && (size_t)n < sizeof text);
    if (ftruncate(fd, 0) < 0 || pwrite(fd, text, (size_t)n, 0) < 0)
        return rendezvous_outcome_of_directory(errno);
    return RENDEZVOUS_OK;
}

key_t record_key(const char *dir, int proj) {
    char path[PATH_MAX];
    int n = snprintf(path, sizeof path, "%s/" RENDEZVOUS_KEY_FILE, dir);
    return n < (int)sizeof path ? ftok(path, proj) : -1;
}

void rendezvous_pause(void) {
    struct timespec pause = {.tv_nsec = RENDEZVOUS_LOOK_MS * NS_PER_MS};
    clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
}

int rendezvous_check_way(const char *dir, const struct stat *status) {
    struct trust_fault fault;
    struct stat reached;
    CLEANUP_CLOSE int fd = trust_reach(dir, status->st_uid, &fault);
    if (fd == TRUST_FAULTY)
        return RENDEZVOUS_EXPOSED;
    if (fd < 0)
        return rendezvous_outcome_of_directory(-fd);
    if (fstat(fd, &reached) < 0)
        return error_errno();
    bool is_same = reached.st_dev == status->st_dev && reached.st_ino == status->st_ino;
    return is_same ? RENDEZVOUS_OK : RENDEZVOUS_EXPOSED;
}

int rendezvous_outcome_of_directory(int errno_value) {
    switch (errno_value) {
    case ENOENT:
    case ENAMETOOLONG:
        return RENDEZVOUS_NO_DIRECTORY;
    case ENOTDIR:
    case ELOOP:
        return RENDEZVOUS_NOT_A_DIRECTORY;
    case EACCES:
    case EPERM:
        return RENDEZVOUS_DENIED;
    case EROFS:
        return RENDEZVOUS_READ_ONLY;
    case ENOSPC:
    case EDQUOT:
        return RENDEZVOUS_FULL;
    default:
        return errno_value > 0 ? -errno_value : -EIO;
    }
}

const char *rendezvous_outcome_text(enum rendezvous_outcome outcome) {
    switch (outcome) {
    case RENDEZVOUS_OK:
        return "no error";
    case RENDEZVOUS_NO_DIRECTORY:
        return "does not exist; start a hub there or name another one";
    case RENDEZVOUS_NOT_A_DIRECTORY:
        return "is not a directory, or is a symbolic link; have it removed, or name another one "
               "(XDG_RUNTIME_DIR for a private hub, else --hub)";
    case RENDEZVOUS_DENIED:
        return "may not be entered or written to by you; ask its owner for permission";
    case RENDEZVOUS_NOT_TRUSTED:
        return "is not safe: the directory and its key file must belong to the hub's user (the "
               "directory may belong to root), and nobody else may be able to write to them; have "
               "it "
               "removed, or name another one (XDG_RUNTIME_DIR for a private hub, else --hub)";
    case RENDEZVOUS_EXPOSED:
        return "can be replaced by others: a directory or link on the way to it belongs to "
               "somebody "
               "else than root, you or its owner, or can be written to by others; `namei -l` with "
               "this path shows which";
    case RENDEZVOUS_NO_HUB:
        return "has no hub that lives; start one with earshotd";
    case RENDEZVOUS_TAKEN:
        return "has a hub already; use it, stop it or name another directory";
    case RENDEZVOUS_BAD_RECORD:
        return "has a key file that cannot be understood; remove the file `hub` in it if no hub "
               "of another version runs there";
    case RENDEZVOUS_OTHER_NAMESPACE:
        return "has a hub in another IPC namespace (a container, perhaps); run the client where "
               "the hub runs";
    case RENDEZVOUS_IMPOSTOR:
        return "has a queue that somebody else made, not the owner of the key file; tell the "
               "owner of the hub";
    case RENDEZVOUS_NO_KEY:
        return "gets no queue: other programs' queues have all of its keys; see ipcs -q";
    case RENDEZVOUS_NO_QUEUE:
        return "gets no queue: the kernel's limit on queues or its memory is used up; see "
               "ipcs -q and raise kernel.msgmni";
    case RENDEZVOUS_NOT_PROVED:
        return "has a key file that names a process which is not, or cannot be shown to be, its "
               "hub; ask the owner of the directory";
    case RENDEZVOUS_READ_ONLY:
        return "cannot be written to: it is on a read-only file system; name another one "
               "(XDG_RUNTIME_DIR for a private hub, else --dir)";
    case RENDEZVOUS_FULL:
        return "cannot be written to: its disk is full, or your quota is; make room there";
    }
    return "unknown outcome";
}
