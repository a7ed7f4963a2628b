#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/macro.h"
#include "ipc/process.h"
#include "ipc/rendezvous_record.h"

/* Opens and checks the directory; and the way to it, unless it ends at the user himself. */
static int open_trusted(const char *dir, uid_t only_uid, int *fd, struct stat *status) {
    bool is_private = only_uid != (uid_t)-1;
    *fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC | (is_private ? O_NOFOLLOW : 0));
    if (*fd < 0)
        return rendezvous_outcome_of_directory(errno);
    if (fstat(*fd, status) < 0)
        return error_errno();
    if (!is_closed_to_others(status) || (is_private && status->st_uid != only_uid))
        return RENDEZVOUS_NOT_TRUSTED;
    return status->st_uid == geteuid() ? RENDEZVOUS_OK : rendezvous_check_way(dir, status);
}

/* Opens the key file and checks that only the directory's owner, or root, can have put it there. */
static int open_key_file(int dir_fd, const struct stat *dir, int *fd, uid_t *owner) {
    *fd = openat(dir_fd, RENDEZVOUS_KEY_FILE,
                 O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (*fd < 0) {
        if (errno == ENOENT)
            return RENDEZVOUS_NO_HUB;
        return errno == ELOOP ? RENDEZVOUS_NOT_TRUSTED : rendezvous_outcome_of_directory(errno);
    }
    struct stat status;
    if (fstat(*fd, &status) < 0)
        return error_errno();
    if (!S_ISREG(status.st_mode))
        return RENDEZVOUS_BAD_RECORD;
    bool is_trusted = dir->st_uid == status.st_uid || dir->st_uid == 0;
    if (!is_trusted || !is_closed_to_others(&status))
        return RENDEZVOUS_NOT_TRUSTED;
    *owner = status.st_uid;
    return RENDEZVOUS_OK;
}

/* The key file of a directory that can be trusted, if a hub holds its lock. */
static int open_living(const char *dir, uid_t only_uid, int *fd, uid_t *owner) {
    CLEANUP_CLOSE int dir_fd = -1;
    struct stat status;
    int r = open_trusted(dir, only_uid, &dir_fd, &status);
    if (r == RENDEZVOUS_OK)
        r = open_key_file(dir_fd, &status, fd, owner);
    if (r != RENDEZVOUS_OK)
        return r;
    bool locked;
    r = record_is_locked(*fd, &locked);
    if (r < 0)
        return r;
    return locked ? RENDEZVOUS_OK : RENDEZVOUS_NO_HUB;
}

/* Whether the queue with the hub's key is the one that the hub wrote down, and the hub's. */
static int check_queue(const char *dir, uid_t owner, const struct rendezvous_record *record) {
    key_t key = record_key(dir, record->proj);
    if (key == -1)
        return RENDEZVOUS_NO_HUB;
    int msqid;
    struct queue_info info;
    int r = queue_find(&msqid, key);
    if (r == 0)
        r = queue_stat_any(msqid, &info);
    if (r < 0)
        return r;
    if (r == QUEUE_DENIED)
        return RENDEZVOUS_DENIED;
    if (r != 0)
        return RENDEZVOUS_NO_HUB;
    if (info.cuid != owner)
        return RENDEZVOUS_IMPOSTOR;
    return msqid == record->msqid ? RENDEZVOUS_OK : RENDEZVOUS_NO_HUB;
}

/*
 * One look. *settled is false for what a hub that is just starting, or making its queue again,
 * may be about to mend; `record` is then filled if it could be read.
 */
static int hub_look_once(const char *dir, uid_t only_uid, struct rendezvous_record *record,
                         bool *settled) {
    CLEANUP_CLOSE int fd = -1;
    uid_t owner;
    *settled = true;
    int r = open_living(dir, only_uid, &fd, &owner);
    if (r != RENDEZVOUS_OK)
        return r;
    r = record_read(fd, record);
    if (r == RENDEZVOUS_OK)
        r = record->uid == owner ? check_queue(dir, owner, record) : RENDEZVOUS_BAD_RECORD;
    *settled = r <= 0;
    return r;
}

/* The namespace of somebody else's process cannot be told; then its missing queue tells. */
static bool is_in_our_namespace(pid_t pid) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/ns/ipc", (int)pid);
    struct stat its, ours;
    return stat(path, &its) == 0 && stat("/proc/self/ns/ipc", &ours) == 0 &&
           its.st_dev == ours.st_dev && its.st_ino == ours.st_ino;
}

int rendezvous_find(const char *dir, uid_t only_uid, struct rendezvous_record *record) {
    *record = (struct rendezvous_record){0};
    mono_time end = mono_add_ms(mono_now(), RENDEZVOUS_GRACE_MS);
    bool settled;
    int r = hub_look_once(dir, only_uid, record, &settled);
    while (!settled && mono_now().ns < end.ns) {
        rendezvous_pause();
        r = hub_look_once(dir, only_uid, record, &settled);
    }
    if (!settled && r == RENDEZVOUS_NO_HUB && !is_in_our_namespace(record->pid))
        return RENDEZVOUS_OTHER_NAMESPACE;
    return r;
}

/* Of a process that we do not see: that of a hub which has ended, or of another PID namespace. */
static int judge_unseen(int key_fd) {
    bool locked;
    int r = record_is_locked(key_fd, &locked);
    if (r < 0)
        return r;
    return locked ? RENDEZVOUS_NOT_PROVED : RENDEZVOUS_NO_HUB;
}

/* The pidfd is opened first, and asked last whether the process that was looked at still is there.
 */
static int rendezvous_prove(int key_fd, uid_t owner, pid_t pid, int *pidfd) {
    struct stat key;
    if (fstat(key_fd, &key) < 0)
        return error_errno();
    CLEANUP_CLOSE int opened = -1;
    int r = process_open(pid, &opened);
    if (r < 0)
        return r == -ESRCH ? judge_unseen(key_fd) : r;
    bool is_hub = process_is_wholly_of(pid, owner) && process_holds_lock(pid, &key);
    struct pollfd exited = {.fd = opened, .events = POLLIN};
    if (poll(&exited, 1, 0) > 0)
        return judge_unseen(key_fd);
    if (!is_hub)
        return RENDEZVOUS_NOT_PROVED;
    *pidfd = opened;
    opened = -1;
    return RENDEZVOUS_OK;
}

int rendezvous_process(const char *dir, const struct rendezvous_record *record, int *pidfd) {
    CLEANUP_CLOSE int fd = -1;
    uid_t owner;
    int r = open_living(dir, (uid_t)-1, &fd, &owner);
    return r == RENDEZVOUS_OK ? rendezvous_prove(fd, owner, record->pid, pidfd) : r;
}

bool rendezvous_is_ours(const char *dir) {
    CLEANUP_CLOSE int fd = -1;
    uid_t owner;
    return open_living(dir, geteuid(), &fd, &owner) == RENDEZVOUS_OK;
}

/* Not a private hub of somebody else's, which would only refuse us. */
static bool is_hub_in(const char *dir) {
    CLEANUP_CLOSE int fd = -1;
    uid_t owner;
    struct rendezvous_record record;
    if (open_living(dir, (uid_t)-1, &fd, &owner) != RENDEZVOUS_OK)
        return false;
    return record_read(fd, &record) != RENDEZVOUS_OK || record.mode != HUB_PRIVATE ||
           owner == geteuid();
}

int rendezvous_locate(char path[PATH_MAX], enum rendezvous_origin *origin, const char *named) {
    if (!named)
        named = getenv("EARSHOT_HUB");
    *origin = RENDEZVOUS_NAMED;
    if (named && named[0] != '\0')
        return rendezvous_put_path(path, named, "");
    *origin = RENDEZVOUS_SYSTEM;
    if (is_hub_in(RENDEZVOUS_SYSTEM_DIR))
        return rendezvous_put_path(path, RENDEZVOUS_SYSTEM_DIR, "");
    *origin = RENDEZVOUS_PRIVATE;
    return rendezvous_locate_private(path);
}
