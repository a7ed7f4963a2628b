#include "ipc/rendezvous.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/macro.h"
#include "ipc/process.h"
#include "ipc/rendezvous_record.h"

#define PROJ_FIRST 'E'
#define PROJ_LAST 255

/* How often the key file or a queue may change under our hands before we give up. */
#define TRIES 64

static const mode_t QUEUE_MODES[HUB_MODE_END] = {
    [HUB_PRIVATE] = 0600,
    [HUB_GROUP] = 0620,
    [HUB_OPEN] = 0622,
};

/* Opens the directory, after making it; a symbolic link is not followed to a private one. */
static int open_directory(const char *dir, enum hub_mode mode, int *fd) {
    bool made = mkdir(dir, 0700) == 0;
    if (!made && errno != EEXIST)
        return rendezvous_outcome_of_directory(errno);
    int no_links = mode == HUB_PRIVATE || made ? O_NOFOLLOW : 0;
    *fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC | no_links);
    if (*fd < 0)
        return rendezvous_outcome_of_directory(errno);
    struct stat status;
    if ((made && mode != HUB_PRIVATE && fchmod(*fd, 0755) < 0) || fstat(*fd, &status) < 0)
        return error_errno();
    bool is_ours = status.st_uid == geteuid() || status.st_uid == 0;
    if (!is_ours || !is_closed_to_others(&status))
        return RENDEZVOUS_NOT_TRUSTED;
    return mode == HUB_PRIVATE ? RENDEZVOUS_OK : rendezvous_check_way(dir, &status);
}

/* Opens the key file, after making it, and checks that it is a file of ours. */
static int open_key_file(int dir_fd, int *fd) {
    int flags = O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
    *fd = openat(dir_fd, RENDEZVOUS_KEY_FILE, flags, 0644);
    if (*fd < 0) {
        if (errno == ELOOP)
            return RENDEZVOUS_NOT_TRUSTED;
        return errno == EISDIR ? RENDEZVOUS_BAD_RECORD : rendezvous_outcome_of_directory(errno);
    }
    struct stat status;
    if (fstat(*fd, &status) < 0)
        return error_errno();
    if (!S_ISREG(status.st_mode))
        return RENDEZVOUS_BAD_RECORD;
    if (status.st_uid != geteuid() || !is_closed_to_others(&status))
        return RENDEZVOUS_NOT_TRUSTED;
    return fchmod(*fd, 0644) < 0 ? error_errno() : RENDEZVOUS_OK;
}

/* Whether the name still leads to the open key file: a hub that stops removes it. */
static bool is_in_place(int dir_fd, int fd) {
    struct stat open_file, named;
    return fstat(fd, &open_file) == 0 &&
           fstatat(dir_fd, RENDEZVOUS_KEY_FILE, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
           open_file.st_dev == named.st_dev && open_file.st_ino == named.st_ino;
}

static bool lives_with_queue(const struct rendezvous_record *record) {
    struct queue_info info;
    return process_exists(record->pid) && queue_stat_any(record->msqid, &info) == QUEUE_OK;
}

/*
 * The hub that holds the lock may just be starting: wait a little for its record. Or just ending:
 * then its queue is gone already.
 */
static int read_taken(int fd, struct rendezvous_record *record) {
    mono_time end = mono_add_ms(mono_now(), RENDEZVOUS_GRACE_MS);
    for (;;) {
        bool locked;
        int r = record_is_locked(fd, &locked);
        if (r < 0)
            return r;
        if (!locked)
            return RENDEZVOUS_OK;
        r = record_read(fd, record);
        if (r < 0)
            return r;
        if ((r == RENDEZVOUS_OK && lives_with_queue(record)) || mono_now().ns >= end.ns)
            return RENDEZVOUS_TAKEN;
        rendezvous_pause();
    }
}

/* What a queue with our key is to us. */
enum queue_class {
    CLASS_ABSENT,
    CLASS_STALE,   /* left by a hub of ours that is dead: adopt it */
    CLASS_LIVE,    /* of a living program of ours: another hub, whose key collides */
    CLASS_FOREIGN, /* somebody else's */
};

static bool is_queue_mode(mode_t mode) {
    for (size_t i = 0; i < ARRAY_LEN(QUEUE_MODES); i++)
        if (QUEUE_MODES[i] == mode)
            return true;
    return false;
}

/*
 * `old` is the record of the hub that held our lock before and so is dead (or is ourselves). Its
 * queue is stale if nobody else took it over. A queue that it does not name is stale if it looks
 * like a hub's and its receiver is dead; PID 0 there may be a process of another PID namespace.
 */
static enum queue_class queue_classify(const struct queue_info *info, int proj,
                                       const struct rendezvous_record *old) {
    if (info->cuid != geteuid())
        return CLASS_FOREIGN;
    bool is_named = old->proj == proj && old->msqid == info->msqid;
    if (is_named && (info->last_receiver == old->pid || info->received_at == 0))
        return CLASS_STALE;
    if (!is_queue_mode(info->mode) || info->last_receiver == 0)
        return CLASS_LIVE;
    return process_exists(info->last_receiver) ? CLASS_LIVE : CLASS_STALE;
}

/*
 * No hub holds the lock, and still we did not get it. Either it has just been let go, or a
 * stranger holds a read lock on a file that a dead hub left: then that one is replaced.
 */
static int evict_reader(int dir_fd, int fd) {
    bool locked, is_hub;
    struct rendezvous_record old;
    struct queue_info info;
    int r = record_lock(fd, &locked);
    if (r == 0)
        r = record_is_locked(fd, &is_hub);
    if (r != 0 || locked || is_hub || !is_in_place(dir_fd, fd))
        return r;
    /* A new file has a new key: nobody would find the dead hub's queue again. */
    if (record_read(fd, &old) == RENDEZVOUS_OK && queue_stat_any(old.msqid, &info) == 0 &&
        queue_classify(&info, old.proj, &old) == CLASS_STALE)
        (void)queue_remove(old.msqid);
    unlinkat(dir_fd, RENDEZVOUS_KEY_FILE, 0);
    return r;
}

/* One try to open and lock the key file; *fd is -1 when something changed meanwhile. */
static int try_lock(int dir_fd, int *fd, struct rendezvous_record *taken_by) {
    CLEANUP_CLOSE int opened = -1;
    int r = open_key_file(dir_fd, &opened);
    bool locked = false;
    if (r == 0)
        r = record_lock(opened, &locked);
    if (r != 0)
        return r;
    if (locked && is_in_place(dir_fd, opened)) {
        *fd = opened;
        opened = -1;
        return RENDEZVOUS_OK;
    }
    if (locked)
        return RENDEZVOUS_OK;
    r = read_taken(opened, taken_by);
    if (r != RENDEZVOUS_OK)
        return r;
    return evict_reader(dir_fd, opened);
}

static int lock_key_file(int dir_fd, struct rendezvous *rendezvous) {
    for (int i = 0; i < TRIES; i++) {
        int fd = -1;
        int r = try_lock(dir_fd, &fd, &rendezvous->record);
        if (r != RENDEZVOUS_OK)
            return r;
        if (fd >= 0) {
            rendezvous->lock_fd = fd;
            return RENDEZVOUS_OK;
        }
    }
    return -EBUSY;
}

static int find_class(key_t key, int proj, const struct rendezvous_record *old, int *msqid,
                      enum queue_class *class) {
    struct queue_info info;
    int r = queue_find(msqid, key);
    if (r == 0)
        r = queue_stat_any(*msqid, &info);
    if (r < 0)
        return r;
    if (r == QUEUE_ABSENT || r == QUEUE_GONE)
        *class = CLASS_ABSENT;
    else
        *class = r == 0 ? queue_classify(&info, proj, old) : CLASS_FOREIGN;
    return 0;
}

/* Gives the queue its owner, group and mode, and makes the kernel note that it is ours. */
static int take_queue(const struct rendezvous *rendezvous, int msqid, gid_t gid) {
    enum hub_mode mode = rendezvous->record.mode;
    gid_t group = mode == HUB_GROUP ? gid : getegid();
    int r = queue_set(msqid, geteuid(), group, QUEUE_MODES[mode], QUEUE_TAG_NONE);
    if (r != 0)
        return r;
    r = queue_stamp(msqid);
    return r == QUEUE_FULL ? 0 : r;
}

/* A new queue; 0600 at first, until its group is set. */
static int make_queue(struct rendezvous *rendezvous, key_t key, gid_t gid) {
    int msqid;
    int r = queue_create(&msqid, key, 0600);
    if (r != 0)
        return r;
    r = take_queue(rendezvous, msqid, gid);
    if (r != 0) {
        queue_remove(msqid);
        return r;
    }
    rendezvous->record.msqid = msqid;
    rendezvous->adopted = false;
    return 0;
}

/* One project id: 0 when it gave us a queue, QUEUE_EXISTS when the next one is to be tried. */
static int try_proj(struct rendezvous *rendezvous, int proj, const struct rendezvous_record *old,
                    gid_t gid) {
    key_t key = record_key(rendezvous->dir, proj);
    if (key == -1)
        return QUEUE_EXISTS;
    int msqid;
    enum queue_class class;
    int r = find_class(key, proj, old, &msqid, &class);
    if (r != 0)
        return r;
    rendezvous->record.proj = proj;
    if (class == CLASS_ABSENT)
        return make_queue(rendezvous, key, gid);
    if (class != CLASS_STALE)
        return QUEUE_EXISTS;
    r = take_queue(rendezvous, msqid, gid);
    rendezvous->record.msqid = msqid;
    rendezvous->adopted = true;
    return r;
}

/* The old project id first, for the frames that wait there, then all, once round. */
static int choose_queue(struct rendezvous *rendezvous, const struct rendezvous_record *old,
                        gid_t gid) {
    int first = old->proj > 0 ? old->proj : PROJ_FIRST;
    for (int i = 0; i < PROJ_LAST; i++) {
        int proj = (first - 1 + i) % PROJ_LAST + 1;
        int r = QUEUE_GONE;
        for (int tries = 0; r == QUEUE_GONE && tries < TRIES; tries++)
            r = try_proj(rendezvous, proj, old, gid);
        if (r <= 0)
            return r;
        if (r == QUEUE_NO_SPACE || r == QUEUE_NO_MEMORY)
            return RENDEZVOUS_NO_QUEUE;
        if (r == QUEUE_DENIED)
            return RENDEZVOUS_DENIED;
    }
    return RENDEZVOUS_NO_KEY;
}

static void lock_release(struct rendezvous *rendezvous) {
    close(rendezvous->lock_fd);
    rendezvous->lock_fd = -1;
}

/* With the lock held: finds or makes the queue and writes the record. */
static int move_in(struct rendezvous *rendezvous, int dir_fd, gid_t gid) {
    struct rendezvous_record *record = &rendezvous->record;
    struct rendezvous_record old;
    int r = record_read(rendezvous->lock_fd, &old);
    if (r < 0)
        return r;
    bool is_new = r == RENDEZVOUS_BAD_RECORD;
    if (is_new)
        old = (struct rendezvous_record){.pid = -1, .msqid = -1};
    record->pid = getpid();
    record->uid = geteuid();
    r = choose_queue(rendezvous, &old, gid);
    if (r == RENDEZVOUS_OK) {
        r = record_write(rendezvous->lock_fd, record);
        if (r != RENDEZVOUS_OK && !rendezvous->adopted)
            queue_remove(record->msqid);
    }
    if (r != RENDEZVOUS_OK && is_new)
        unlinkat(dir_fd, RENDEZVOUS_KEY_FILE, 0);
    return r;
}

/* Locks the key file of the open directory and moves in. */
static int take_directory(struct rendezvous *rendezvous, int dir_fd, gid_t gid) {
    enum hub_mode mode = rendezvous->record.mode;
    struct uuid instance = rendezvous->record.instance;
    int r = lock_key_file(dir_fd, rendezvous);
    if (r != RENDEZVOUS_OK)
        return r;
    rendezvous->record = (struct rendezvous_record){.mode = mode, .instance = instance};
    r = move_in(rendezvous, dir_fd, gid);
    if (r != RENDEZVOUS_OK)
        lock_release(rendezvous);
    return r;
}

int rendezvous_open(struct rendezvous *rendezvous, const char *dir, enum hub_mode mode, gid_t gid) {
    assert(mode < HUB_MODE_END);
    *rendezvous = (struct rendezvous){.lock_fd = -1};
    CLEANUP_CLOSE int dir_fd = -1;
    int r = open_directory(dir, mode, &dir_fd);
    if (r != RENDEZVOUS_OK)
        return r;
    /* The hub changes its working directory later on. */
    if (!realpath(dir, rendezvous->dir))
        return rendezvous_outcome_of_directory(errno);
    rendezvous->record.mode = mode;
    rendezvous->record.instance = uuid_random();
    return take_directory(rendezvous, dir_fd, gid);
}

/* If the key file was taken away as well, all begins anew. */
int rendezvous_renew(struct rendezvous *rendezvous, gid_t gid) {
    assert(rendezvous->lock_fd >= 0);
    CLEANUP_CLOSE int dir_fd = -1;
    int r = open_directory(rendezvous->dir, rendezvous->record.mode, &dir_fd);
    if (r != RENDEZVOUS_OK)
        return r;
    if (is_in_place(dir_fd, rendezvous->lock_fd))
        return move_in(rendezvous, dir_fd, gid);
    lock_release(rendezvous);
    return take_directory(rendezvous, dir_fd, gid);
}

void rendezvous_close(struct rendezvous *rendezvous) {
    if (rendezvous->dir[0] == '\0' || rendezvous->lock_fd < 0)
        return;
    queue_remove(rendezvous->record.msqid);
    CLEANUP_CLOSE int dir_fd = open(rendezvous->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir_fd >= 0 && is_in_place(dir_fd, rendezvous->lock_fd))
        unlinkat(dir_fd, RENDEZVOUS_KEY_FILE, 0);
    lock_release(rendezvous);
}
