#include "cli/talk/hook_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/macro.h"
#include "base/trust.h"
#include "cli/records.h"
#include "cli/report.h"
#include "cli/words.h"

#define HOOK_NAME "/earshot-hook"
#define HOOK_EVENTS                                                                                \
    (IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF |         \
     IN_ONLYDIR)
#define PLACE_FORMAT "%020" PRIu64 "\n"
#define PLACE_BYTES 21
#define SPOOLS_NAME ".sending"
#define PEEK_BYTES 65536 /* at most; a pipe has no more room */

/* The directory. */

static bool hook_is_ours(int fd, mode_t type) {
    struct stat status;
    return fstat(fd, &status) == 0 && (status.st_mode & S_IFMT) == type &&
           status.st_uid == geteuid();
}

static int hook_fail(const struct hook_dir *dir, const char *what, int error) {
    return cli_fail(dir->options, OUTCOME_FILE_PLACE, "%s %s: %s", what, dir->path,
                    strerror(error));
}

/* In $XDG_RUNTIME_DIR, if that is this user's. */
static int hook_put_path(struct hook_dir *dir, const char *path) {
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    struct stat status;
    int n;
    if (path)
        n = snprintf(dir->path, sizeof dir->path, "%s", path);
    else if (runtime && runtime[0] == '/' && stat(runtime, &status) == 0 &&
             status.st_uid == geteuid())
        n = snprintf(dir->path, sizeof dir->path, "%s" HOOK_NAME, runtime);
    else
        n = snprintf(dir->path, sizeof dir->path, "/tmp" HOOK_NAME "-%u", (unsigned)geteuid());
    return n < (int)sizeof dir->path ? CLI_DONE : hook_fail(dir, "cannot use", ENAMETOOLONG);
}

/* Others must neither be able to look into it nor to put another one in its place. */
static int hook_check(const struct hook_dir *dir) {
    struct trust_fault fault;
    struct stat status;
    char text[PATH_MAX + 512];
    int way = trust_reach(dir->path, geteuid(), &fault);
    if (way >= 0)
        close(way);
    if (way == TRUST_FAULTY) {
        trust_text(&fault, dir->path, text, sizeof text);
        return cli_fail(dir->options, FAIL_NOT_TRUSTED, "%s", text);
    }
    if (!hook_is_ours(dir->fd, S_IFDIR) || fstat(dir->fd, &status) < 0)
        return cli_fail(dir->options, FAIL_NOT_TRUSTED,
                        "%s belongs to somebody else; name another directory", dir->path);
    if (status.st_mode & 077)
        return cli_fail(dir->options, FAIL_NOT_TRUSTED,
                        "others may enter %s; take that away (chmod 700), or name another one",
                        dir->path);
    return CLI_DONE;
}

/* A file of ours beside the conversations; -errno. */
static int hook_open_file(const struct hook_dir *dir, const char *name) {
    int fd = openat(dir->fd, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
    if (fd < 0 || hook_is_ours(fd, S_IFREG))
        return fd < 0 ? error_errno() : fd;
    close(fd);
    return -EEXIST;
}

/* Of each handle its own: what one has heard says nothing of another. */
static int hook_open_place(const struct hook_dir *dir) {
    const char *name = dir->options->name;
    char file[NAME_BYTES_MAX + 16];
    bool is_named = name && words_is_name(name);
    snprintf(file, sizeof file, ".place%s%s", is_named ? "." : "", is_named ? name : "");
    return hook_open_file(dir, file);
}

static int hook_lock(struct hook_dir *dir) {
    char pid[16] = "";
    dir->lock = hook_open_file(dir, ".lock");
    if (dir->lock < 0)
        return hook_fail(dir, "cannot make .lock in", -dir->lock);
    if (flock(dir->lock, LOCK_EX | LOCK_NB) < 0) {
        ssize_t n = pread(dir->lock, pid, sizeof pid - 1, 0);
        pid[n > 0 ? n : 0] = '\0';
        return cli_fail(dir->options, OUTCOME_FILE_PLACE,
                        "another hook serves %s, process %s; name another directory", dir->path,
                        pid);
    }
    if (ftruncate(dir->lock, 0) == 0)
        dprintf(dir->lock, "%d", (int)getpid());
    dir->place = hook_open_place(dir);
    return dir->place < 0 ? hook_fail(dir, "cannot make .place in", -dir->place) : CLI_DONE;
}

static int hook_watch(const struct hook_dir *dir, int fd) {
    char path[40];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return inotify_add_watch(dir->inotify, path, HOOK_EVENTS) < 0 ? error_errno() : 0;
}

/* Made once. On a full disk it is another one next time: then some stands in `out` twice. */
static int hook_take_secret(struct hook_dir *dir) {
    struct uuid random = uuid_random();
    CLEANUP_CLOSE int fd = hook_open_file(dir, ".secret");
    if (fd < 0)
        return fd;
    if (pread(fd, dir->secret, sizeof dir->secret, 0) == sizeof dir->secret)
        return 0;
    memcpy(dir->secret, random.b, sizeof dir->secret);
    if (pwrite(fd, dir->secret, sizeof dir->secret, 0) != sizeof dir->secret)
        (void)!ftruncate(fd, 0);
    return 0;
}

static int hook_open_spools(struct hook_dir *dir) {
    if (mkdirat(dir->fd, SPOOLS_NAME, 0700) < 0 && errno != EEXIST)
        return hook_fail(dir, "cannot make " SPOOLS_NAME " in", errno);
    dir->spools = openat(dir->fd, SPOOLS_NAME, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (dir->spools < 0)
        return hook_fail(dir, "cannot use " SPOOLS_NAME " in", errno);
    if (!hook_is_ours(dir->spools, S_IFDIR) || fchmod(dir->spools, 0700) < 0)
        return hook_fail(dir, "cannot use " SPOOLS_NAME " in", EPERM);
    int r = hook_take_secret(dir);
    if (r < 0)
        return hook_fail(dir, "cannot make .secret in", -r);
    if (pipe2(dir->peek, O_NONBLOCK | O_CLOEXEC) < 0)
        return hook_fail(dir, "cannot make a pipe for", errno);
    return CLI_DONE;
}

/* A conversation has two descriptors or three. */
static void hook_raise_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

int hook_dir_open(struct hook_dir *dir, const struct cli_options *options, const char *path) {
    *dir = (struct hook_dir){.options = options,
                             .fd = -1,
                             .lock = -1,
                             .place = -1,
                             .inotify = -1,
                             .spools = -1,
                             .peek = {-1, -1}};
    hook_raise_limit();
    int code = hook_put_path(dir, path);
    if (code == CLI_DONE && mkdir(dir->path, 0700) < 0 && errno != EEXIST)
        return hook_fail(dir, "cannot make", errno);
    if (code == CLI_DONE) {
        dir->fd = open(dir->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        code = dir->fd < 0 ? hook_fail(dir, "cannot use", errno) : hook_check(dir);
    }
    if (code == CLI_DONE)
        code = hook_lock(dir);
    if (code == CLI_DONE)
        code = hook_open_spools(dir);
    if (code != CLI_DONE)
        return code;
    dir->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    int r = dir->inotify < 0 ? error_errno() : hook_watch(dir, dir->fd);
    return r < 0 ? hook_fail(dir, "cannot watch", -r) : CLI_DONE;
}

uint64_t hook_dir_place(const struct hook_dir *dir) {
    char text[PLACE_BYTES + 1] = "";
    ssize_t n = pread(dir->place, text, PLACE_BYTES, 0);
    return n == PLACE_BYTES ? strtoull(text, NULL, 10) : 0;
}

/* In its place: that needs no room on a disk that is full. */
void hook_dir_set_place(struct hook_dir *dir, uint64_t seq) {
    char text[PLACE_BYTES + 1];
    snprintf(text, sizeof text, PLACE_FORMAT, seq);
    if (pwrite(dir->place, text, PLACE_BYTES, 0) != PLACE_BYTES)
        cli_remark(dir->options, "cannot write down in %s what has come: some of it may come twice",
                   dir->path);
}

/* The FIFO of a conversation. */

/* It is there, ours, and the one that is open. */
static bool hook_has_fifo(const struct hook_conv *conv) {
    struct stat there, open;
    return conv->in >= 0 && fstatat(conv->dir, "in", &there, AT_SYMLINK_NOFOLLOW) == 0 &&
           fstat(conv->in, &open) == 0 && there.st_dev == open.st_dev &&
           there.st_ino == open.st_ino;
}

/* One of ours that lies there; else -errno. */
static int hook_open_fifo(const struct hook_conv *conv) {
    int fd = openat(conv->dir, "in", O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return error_errno();
    if (hook_is_ours(fd, S_IFIFO) && fchmod(fd, 0600) == 0)
        return fd;
    close(fd);
    return -EEXIST;
}

static int hook_make_fifo(struct hook_dir *dir, const struct hook_conv *conv) {
    int fd = hook_open_fifo(conv);
    if (fd >= 0)
        return fd;
    if (fd != -ENOENT && unlinkat(conv->dir, "in", 0) == 0)
        cli_remark(dir->options, "what stood in the place of %s/%s/in was no pipe, and is removed",
                   dir->path, conv->name.s);
    if (mkfifoat(conv->dir, "in", 0600) < 0)
        return error_errno();
    return hook_open_fifo(conv);
}

static bool hook_has_something(const struct hook_conv *conv) {
    struct stat status;
    return fstatat(conv->dir, "in", &status, AT_SYMLINK_NOFOLLOW) == 0;
}

static void hook_mend_fifo(struct hook_dir *dir, struct hook_conv *conv) {
    if (hook_has_fifo(conv))
        return;
    int fd = hook_make_fifo(dir, conv);
    if (conv->in >= 0)
        close(conv->in);
    conv->in = fd < 0 ? -1 : fd;
    if (fd < 0 && !conv->is_told)
        cli_remark(dir->options, "cannot make %s/%s/in: %s", dir->path, conv->name.s,
                   strerror(-fd));
    conv->is_told = fd < 0;
}

/* The new one first: so whoever opens it to write meanwhile finds a reader. */
void hook_conv_reopen(struct hook_dir *dir, struct hook_conv *conv) {
    int fd = hook_has_fifo(conv) ? hook_open_fifo(conv) : -1;
    if (conv->in >= 0)
        close(conv->in);
    conv->in = fd < 0 ? -1 : fd;
    if (fd < 0)
        hook_mend_fifo(dir, conv);
}

void hook_conv_unlink(const struct hook_conv *conv) {
    if (hook_has_fifo(conv))
        unlinkat(conv->dir, "in", 0);
}

/* What is read. */

/* What stands in the FIFO, which stays there: 0: nothing, and nobody writes; -1 and errno. */
static ssize_t hook_peek(const struct hook_dir *dir, const struct hook_conv *conv, char *to,
                         size_t room) {
    size_t n_max = room < PEEK_BYTES ? room : PEEK_BYTES, done = 0;
    ssize_t n = tee(conv->in, dir->peek[1], n_max, SPLICE_F_NONBLOCK);
    while (n > 0 && done < (size_t)n) {
        ssize_t r = read(dir->peek[0], to + done, (size_t)n - done);
        if (r > 0)
            done += (size_t)r;
        else if (r == 0 || errno != EINTR)
            return -1;
    }
    return n;
}

static void hook_add(struct hook_dir *dir, struct hook_conv *conv, struct bytes data) {
    int r = hook_spool_add(&conv->spool, data, conv->goes_on);
    if (r < 0 && !dir->is_unsafe_told)
        cli_remark(dir->options,
                   "cannot write down in %s/" SPOOLS_NAME " what is being sent: %s; it is sent all "
                   "the same, but is lost if this process is killed",
                   dir->path, strerror(-r));
    dir->is_unsafe_told = r < 0;
}

static void hook_drop_buffer(struct hook_conv *conv) {
    if (conv->n > 0)
        return;
    free(conv->data);
    conv->data = NULL;
    conv->at = 0;
    conv->is_left = false;
}

ssize_t hook_conv_read(struct hook_dir *dir, struct hook_conv *conv) {
    if (!conv->data) {
        conv->room = HOOK_BUFFER_BYTES;
        conv->data = cli_allocate(conv->room);
    }
    memmove(conv->data, conv->data + conv->at, conv->n);
    conv->at = 0;
    char *to = conv->data + conv->n;
    ssize_t n = hook_peek(dir, conv, to, conv->room - conv->n - 1);
    if (n > 0) {
        hook_add(dir, conv, (struct bytes){to, (size_t)n});
        for (size_t done = 0; done < (size_t)n;) {
            ssize_t r = read(conv->in, to + done, (size_t)n - done);
            if (r == 0 || (r < 0 && errno != EINTR))
                break;
            done += r > 0 ? (size_t)r : 0;
        }
        hook_spool_taken(&conv->spool);
        conv->n += (size_t)n;
    }
    hook_drop_buffer(conv);
    return n;
}

void hook_conv_end_line(struct hook_dir *dir, struct hook_conv *conv) {
    char *end = conv->n > 0 ? conv->data + conv->at + conv->n : NULL;
    if (!end || end[-1] == '\n')
        return;
    *end = '\n';
    hook_add(dir, conv, (struct bytes){end, 1});
    hook_spool_taken(&conv->spool);
    conv->n++;
}

bool hook_conv_has_room(const struct hook_conv *conv) {
    return !conv->is_full && !conv->is_left &&
           (conv->spool.end < HOOK_SPOOL_BYTES || conv->n_flying == 0);
}

/* When nothing is on its way, the file is removed, or has only what is not sent. */
static void hook_tidy_spool(struct hook_conv *conv) {
    bool is_large = conv->spool.end >= HOOK_SPOOL_BYTES;
    if (conv->n_flying > 0 || conv->spool.end == 0 || (conv->n > 0 && !is_large))
        return;
    struct bytes what = {conv->n > 0 ? conv->data + conv->at : NULL, conv->n};
    hook_spool_restart(&conv->spool, what, conv->goes_on);
    conv->start = 0;
}

void hook_conv_sent(struct hook_conv *conv, size_t n) {
    conv->n -= n;
    conv->start += n;
    conv->at += n;
    hook_drop_buffer(conv);
    if (conv->start > conv->spool.head.sent) {
        conv->spool.head.sent = conv->start;
        hook_spool_note(&conv->spool);
    }
    hook_tidy_spool(conv);
}

void hook_conv_answered(struct hook_conv *conv, uint64_t offset) {
    if (offset > conv->spool.head.answered) {
        conv->spool.head.answered = offset;
        hook_spool_note(&conv->spool);
    }
    hook_tidy_spool(conv);
}

/* What a killed process had read. Its last line is a whole one. */
static void hook_take_up_left(struct hook_dir *dir, struct hook_conv *conv) {
    CLEANUP_FREE char *peeked = cli_allocate(PEEK_BYTES);
    ssize_t n_peeked = conv->in < 0 ? 0 : hook_peek(dir, conv, peeked, PEEK_BYTES);
    size_t n = 0;
    conv->spool.dir = dir->spools;
    conv->spool.name = conv->name.s;
    conv->spool.secret = dir->secret;
    char *left =
        hook_spool_open(&conv->spool, (struct bytes){peeked, n_peeked > 0 ? (size_t)n_peeked : 0},
                        &n, &conv->goes_on);
    if (!left)
        return;
    conv->room = n + 1;
    conv->data = cli_allocate(conv->room);
    memcpy(conv->data, left, n);
    free(left);
    conv->n = n;
    conv->start = conv->spool.head.answered;
    conv->is_left = conv->is_full = true; /* sent as soon as there is room */
    hook_conv_end_line(dir, conv);
}

/* Conversations. */

static void hook_conv_free(struct hook_dir *dir, struct hook_conv *conv) {
    if (dir->forget)
        dir->forget(dir->user, conv);
    hook_spool_close(&conv->spool);
    if (conv->in >= 0)
        close(conv->in);
    close(conv->dir);
    free(conv->data);
    free(conv);
}

static struct hook_conv *hook_find(const struct hook_dir *dir, const struct name *key) {
    for (size_t i = 0; i < dir->n_convs; i++)
        if (strcmp(dir->convs[i]->key.s, key->s) == 0)
            return dir->convs[i];
    return NULL;
}

/* Takes up the directory of this name; NULL: it is none of ours. */
static struct hook_conv *hook_take_up(struct hook_dir *dir, const struct name *name,
                                      const struct name *key) {
    int fd = openat(dir->fd, name->s, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    struct hook_conv *conv = cli_allocate(sizeof *conv);
    *conv =
        (struct hook_conv){.name = *name, .key = *key, .dir = fd, .in = -1, .spool = {.fd = -1}};
    int r = hook_is_ours(fd, S_IFDIR) && fchmod(fd, 0700) == 0 ? hook_watch(dir, fd) : -EPERM;
    if (r < 0) {
        cli_remark(dir->options, "cannot use %s/%s: %s", dir->path, name->s, strerror(-r));
        hook_conv_free(dir, conv);
        return NULL;
    }
    hook_mend_fifo(dir, conv);
    hook_take_up_left(dir, conv);
    dir->convs[dir->n_convs++] = conv;
    return conv;
}

static void hook_tell_many(struct hook_dir *dir, size_t n) {
    if (!dir->is_many_told)
        cli_remark(dir->options,
                   "there are %zu conversations in %s; of others nothing is written there: make "
                   "directories for those that you want, or remove some",
                   n, dir->path);
    dir->is_many_told = true;
}

static bool hook_parse(const char *text, struct name *name, struct name *key) {
    if (name_parse(name, bytes_of(text)) != NAME_OK)
        return false;
    name_key(key, name);
    return true;
}

struct hook_conv *hook_dir_conv(struct hook_dir *dir, const char *text) {
    struct name name, key;
    if (!hook_parse(text, &name, &key))
        return NULL;
    struct hook_conv *conv = hook_find(dir, &key);
    if (conv) {
        hook_mend_fifo(dir, conv);
        return conv;
    }
    if (dir->n_convs >= HOOK_CONVS_OTHERS_MAX) {
        hook_tell_many(dir, dir->n_convs);
        return NULL;
    }
    if (mkdirat(dir->fd, name.s, 0700) < 0 && errno != EEXIST)
        return NULL;
    return hook_take_up(dir, &name, &key);
}

/* Whether its directory is still where it was. */
static bool hook_is_there(const struct hook_dir *dir, const struct hook_conv *conv) {
    struct stat there, open;
    return fstatat(dir->fd, conv->name.s, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
           fstat(conv->dir, &open) == 0 && there.st_dev == open.st_dev &&
           there.st_ino == open.st_ino;
}

/* One that was removed stays away until somebody writes to us, so that rm -r comes to its end. */
static void hook_look_again(struct hook_dir *dir, struct hook_conv *conv) {
    if (hook_has_something(conv)) {
        hook_mend_fifo(dir, conv);
    } else if (conv->in >= 0) {
        close(conv->in);
        conv->in = -1;
    }
}

static void hook_mend_all(struct hook_dir *dir) {
    for (size_t i = 0; i < dir->n_convs;) {
        struct hook_conv *conv = dir->convs[i];
        if (hook_is_there(dir, conv)) {
            hook_look_again(dir, conv);
            i++;
            continue;
        }
        hook_spool_restart(&conv->spool, (struct bytes){NULL, 0}, false);
        hook_conv_free(dir, conv);
        dir->convs[i] = dir->convs[--dir->n_convs];
    }
}

/* The name of a directory is that of a conversation only as the hub would spell it. */
static void hook_take_up_new(struct hook_dir *dir) {
    int copy = openat(dir->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *entries = copy < 0 ? NULL : fdopendir(copy);
    struct name name, key;
    const struct dirent *entry;
    while (entries && (entry = readdir(entries))) {
        if (!hook_parse(entry->d_name, &name, &key) || strcmp(name.s, entry->d_name) != 0 ||
            hook_find(dir, &key))
            continue;
        if (dir->n_convs < HOOK_CONVS_MAX)
            (void)hook_take_up(dir, &name, &key);
        else
            hook_tell_many(dir, dir->n_convs);
    }
    if (entries)
        closedir(entries);
    else if (copy >= 0)
        close(copy);
}

int hook_dir_scan(struct hook_dir *dir) {
    char events[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
    struct stat there, open;
    while (read(dir->inotify, events, sizeof events) > 0)
        ;
    if (stat(dir->path, &there) < 0 || fstat(dir->fd, &open) < 0 || there.st_ino != open.st_ino ||
        there.st_dev != open.st_dev)
        return cli_fail(dir->options, OUTCOME_FILE_PLACE,
                        "%s was removed, or something else is in its place", dir->path);
    hook_mend_all(dir);
    hook_take_up_new(dir);
    return CLI_DONE;
}

void hook_dir_close(struct hook_dir *dir) {
    while (dir->n_convs > 0) {
        struct hook_conv *conv = dir->convs[--dir->n_convs];
        hook_conv_unlink(conv);
        hook_conv_free(dir, conv);
    }
    const int fds[] = {dir->inotify, dir->place,   dir->lock,   dir->spools,
                       dir->fd,      dir->peek[0], dir->peek[1]};
    for (size_t i = 0; i < ARRAY_LEN(fds); i++)
        if (fds[i] >= 0)
            close(fds[i]);
}

/* What was said. */

/* At its end; what stands there and is no file of ours is removed. -errno */
static int hook_open_out(const struct hook_conv *conv) {
    const int flags = O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
    for (int attempt = 0; attempt < 2; attempt++) {
        int fd = openat(conv->dir, "out", flags, 0600);
        if (fd >= 0 && hook_is_ours(fd, S_IFREG))
            return fd;
        int error = fd >= 0 ? EEXIST : errno;
        if (fd >= 0)
            close(fd);
        bool is_other = error == EEXIST || error == ELOOP || error == ENXIO;
        if (!is_other || unlinkat(conv->dir, "out", 0) < 0)
            return -error;
    }
    return -EEXIST;
}

int hook_conv_write(const struct hook_conv *conv, const char *text, size_t n) {
    struct stat status;
    CLEANUP_CLOSE int fd = hook_open_out(conv);
    if (fd < 0)
        return fd;
    if (fstat(fd, &status) < 0)
        return error_errno();
    if (status.st_size > 0 && status.st_size + (off_t)n > HOOK_OUT_BYTES) {
        if (renameat(conv->dir, "out", conv->dir, "out.1") < 0)
            return error_errno();
        close(fd);
        fd = hook_open_out(conv);
        if (fd < 0 || fstat(fd, &status) < 0)
            return fd < 0 ? fd : error_errno();
    }
    for (size_t done = 0; done < n;) {
        ssize_t r = write(fd, text + done, n - done);
        if (r < 0 && errno == EINTR)
            continue;
        if (r <= 0) {
            int error = r < 0 ? errno : ENOSPC;
            return done == 0 || ftruncate(fd, status.st_size) == 0 ? -error : 0;
        }
        done += (size_t)r;
    }
    return 0;
}
