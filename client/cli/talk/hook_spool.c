#include "cli/talk/hook_spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/records.h"
#include "proto/name.h"

#define SPOOL_NEW ".new" /* until it takes the place of the other; no conversation is called so */
#define SPOOL_OPEN_BYTES 12 /* of an id; the others are its seal */
#define SPOOL_MAGIC 0x31306b6f6f6853ULL
#define SPOOL_REST_MAX                                                                             \
    (4 * HOOK_SPOOL_BYTES) /* no file of ours is larger; offsets have 24 bits                      \
                            */

/* What lies there under this name, and is no file of ours, is removed. */
static int spool_open_file(int dir, const char *name, int flags) {
    struct stat status;
    for (int attempt = 0; attempt < 2; attempt++) {
        int fd = openat(dir, name, flags | O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
        if (fd >= 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode) &&
            status.st_uid == geteuid())
            return fd;
        int error = fd >= 0 ? EEXIST : errno;
        if (fd >= 0)
            close(fd);
        if (error == ENOENT || unlinkat(dir, name, 0) < 0)
            return -error;
    }
    return -EEXIST;
}

static bool spool_write(int fd, const void *data, size_t n, uint64_t at) {
    for (size_t done = 0; done < n;) {
        ssize_t r = pwrite(fd, (const char *)data + done, n - done, (off_t)(at + done));
        if (r < 0 && errno == EINTR)
            continue;
        if (r <= 0)
            return false;
        done += (size_t)r;
    }
    return true;
}

static uint64_t spool_place(uint64_t offset) {
    return sizeof(struct hook_spool_head) + offset;
}

static void spool_make_head(struct hook_spool *spool, bool goes_on) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    int64_t ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / NS_PER_MS, old = spool->head.made_ms;
    spool->head = (struct hook_spool_head){
        .magic = SPOOL_MAGIC, .made_ms = ms > old ? ms : old + 1, .goes_on = goes_on};
    spool->end = 0;
}

/* A new file with this content, in the place of one that may be there. */
static int spool_begin(struct hook_spool *spool, struct bytes data, bool goes_on) {
    hook_spool_close(spool);
    spool_make_head(spool, goes_on);
    int fd = spool_open_file(spool->dir, SPOOL_NEW, O_CREAT | O_TRUNC);
    if (fd < 0)
        return fd;
    if (!spool_write(fd, &spool->head, sizeof spool->head, 0) ||
        !spool_write(fd, data.data, data.n, spool_place(0)) ||
        renameat(spool->dir, SPOOL_NEW, spool->dir, spool->name) < 0) {
        int error = errno ? errno : ENOSPC;
        close(fd);
        unlinkat(spool->dir, SPOOL_NEW, 0);
        return -error;
    }
    spool->fd = fd;
    return 0;
}

int hook_spool_add(struct hook_spool *spool, struct bytes data, bool goes_on) {
    int r = 0;
    if (spool->end == 0) {
        spool->is_broken = false;
        r = spool_begin(spool, data, goes_on);
    } else if (!spool->is_broken &&
               !spool_write(spool->fd, data.data, data.n, spool_place(spool->end))) {
        r = errno ? -errno : -ENOSPC;
        (void)!ftruncate(spool->fd, (off_t)spool_place(spool->end));
    }
    spool->end += data.n;
    spool->is_broken = spool->is_broken || r < 0;
    return r;
}

void hook_spool_note(struct hook_spool *spool) {
    if (spool->fd >= 0 && !spool->is_broken)
        (void)spool_write(spool->fd, &spool->head, sizeof spool->head, 0);
}

void hook_spool_taken(struct hook_spool *spool) {
    spool->head.taken = spool->end;
    hook_spool_note(spool);
}

void hook_spool_restart(struct hook_spool *spool, struct bytes data, bool goes_on) {
    if (data.n > 0) {
        spool->is_broken = spool_begin(spool, data, goes_on) < 0;
    } else {
        if (spool->fd >= 0)
            unlinkat(spool->dir, spool->name, 0);
        hook_spool_close(spool);
    }
    spool->end = data.n;
    hook_spool_taken(spool);
}

/* Of version 7: the time of the file, the offset, and what only this directory can tell of both and
 * the conversation. */
static void spool_seal(const struct hook_spool *spool, struct uuid *id) {
    uint8_t text[SPOOL_OPEN_BYTES + NAME_BYTES_MAX];
    size_t n = strnlen(spool->name, NAME_BYTES_MAX);
    memcpy(text, id->b, SPOOL_OPEN_BYTES);
    memcpy(text + SPOOL_OPEN_BYTES, spool->name, n);
    uint64_t seal = siphash(spool->secret, text, SPOOL_OPEN_BYTES + n);
    memcpy(id->b + SPOOL_OPEN_BYTES, &seal, sizeof id->b - SPOOL_OPEN_BYTES);
}

void hook_spool_id(const struct hook_spool *spool, uint64_t offset, char id[UUID_TEXT_SIZE]) {
    uint64_t ms = (uint64_t)spool->head.made_ms;
    struct uuid uuid = {{0}};
    for (unsigned i = 0; i < UUID_TIME_BYTES; i++)
        uuid.b[i] = (uint8_t)(ms >> (8 * (UUID_TIME_BYTES - 1 - i)));
    uuid.b[6] = 0x70;
    uuid.b[8] = 0x80;
    for (unsigned i = 0; i < SPOOL_OPEN_BYTES - 9; i++)
        uuid.b[9 + i] = (uint8_t)(offset >> (8 * i));
    spool_seal(spool, &uuid);
    uuid_format(&uuid, id);
}

bool hook_spool_is_own(const struct hook_spool *spool, const char *id) {
    struct uuid uuid, own;
    if (!uuid_from_text(&uuid, id))
        return false;
    own = uuid;
    spool_seal(spool, &own);
    return uuid_equal(&uuid, &own);
}

/* What an earlier process has left. */

static ssize_t spool_read(int fd, char *data, size_t n, uint64_t at) {
    size_t done = 0;
    while (done < n) {
        ssize_t r = pread(fd, data + done, n - done, (off_t)(at + done));
        if (r < 0 && errno == EINTR)
            continue;
        if (r <= 0)
            break;
        done += (size_t)r;
    }
    return (ssize_t)done;
}

static bool spool_load_head(struct hook_spool *spool) {
    struct stat status;
    struct hook_spool_head *head = &spool->head;
    if (fstat(spool->fd, &status) < 0 ||
        spool_read(spool->fd, (char *)head, sizeof *head, 0) != sizeof *head ||
        (uint64_t)status.st_size > SPOOL_REST_MAX)
        return false;
    spool->end = (uint64_t)status.st_size - sizeof *head;
    return head->magic == SPOOL_MAGIC && head->taken <= spool->end &&
           head->answered <= spool->end && head->sent <= spool->end;
}

/* Its end was written down, and is still in the FIFO, from where it comes again. */
static bool spool_is_in_fifo(const struct hook_spool *spool, const char *data,
                             struct bytes peeked) {
    uint64_t n = spool->end - spool->head.taken;
    return n > 0 && n <= peeked.n && memcmp(data + spool->head.taken, peeked.data, n) == 0;
}

/* All of it; NULL: there is nothing that was written by a hook. */
static char *spool_load(struct hook_spool *spool, struct bytes peeked) {
    if (spool->fd < 0 || !spool_load_head(spool))
        return NULL;
    char *data = cli_allocate(spool->end + 1);
    uint64_t n = (uint64_t)spool_read(spool->fd, data, spool->end, spool_place(0));
    spool->end = n;
    if (spool->head.taken <= n && spool_is_in_fifo(spool, data, peeked))
        spool->end = spool->head.taken;
    (void)!ftruncate(spool->fd, (off_t)spool_place(spool->end));
    return data;
}

char *hook_spool_open(struct hook_spool *spool, struct bytes peeked, size_t *n, bool *goes_on) {
    spool->fd = spool_open_file(spool->dir, spool->name, 0);
    char *data = spool_load(spool, peeked);
    uint64_t from = spool->head.answered;
    if (!data || from >= spool->end) {
        free(data);
        hook_spool_restart(spool, (struct bytes){NULL, 0}, false);
        return NULL;
    }
    hook_spool_taken(spool);
    *goes_on = from > 0 ? data[from - 1] != '\n' : spool->head.goes_on;
    *n = spool->end - from;
    memmove(data, data + from, *n);
    return data;
}

void hook_spool_close(struct hook_spool *spool) {
    if (spool->fd >= 0)
        close(spool->fd);
    spool->fd = -1;
}
