/* Opening and closing; the items come from source.c. */
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/macro.h"
#include "files/attributes.h"
#include "files/snapshot.h"
#include "files/source_inside.h"

#define PIPE_BYTES (1024 * 1024) /* what an ordinary user may ask for */

static struct source *source_new(const struct source_options *options) {
    struct source *source = calloc(1, sizeof *source);
    if (!source)
        return NULL;
    source->top = source->content.fd = -1;
    source->known = &source->found;
    if (options)
        source->options = *options;
    source->records = digest_new();
    source->sum = digest_new();
    if (source->records && source->sum)
        return source;
    source_free(source);
    return NULL;
}

void source_close_content(struct source *source) {
    if (source->content.fd >= 0 && source->content.fd != source->top && !source->content.is_stream)
        close(source->content.fd);
    source->content.fd = -1;
}

void source_free(struct source *source) {
    if (!source)
        return;
    source_close_content(source);
    tree_close(&source->tree);
    tree_memory_free(&source->found);
    if (source->top >= 0)
        close(source->top);
    digest_free(source->records);
    digest_free(source->sum);
    free(source->small);
    free(source);
}

/* --- the path, once --- */

#define PROC_PATH_SIZE 32

static void proc_path(char path[PROC_PATH_SIZE], int fd) {
    snprintf(path, PROC_PATH_SIZE, "/proc/self/fd/%d", fd);
}

/* A name for a path that ends in "..", "." or "/": that of what is open. */
static int name_of_path(struct filename *name, const char *path, int fd) {
    char proc[PROC_PATH_SIZE];
    CLEANUP_FREE char *copy = strdup(path);
    if (!copy)
        return -ENOMEM;
    const char *base = basename(copy);
    if (strcmp(base, ".") != 0 && strcmp(base, "..") != 0)
        return filename_clean(name, bytes_of(base));
    proc_path(proc, fd);
    CLEANUP_FREE char *real = realpath(proc, NULL);
    if (!real)
        return error_errno();
    return filename_clean(name, bytes_of(basename(real)));
}

static bool is_refused(const struct stat *status, const struct source_options *options) {
    return S_ISSOCK(status->st_mode) || (options->no_wait && S_ISFIFO(status->st_mode)) ||
           (options->only_files && !S_ISREG(status->st_mode));
}

/* What `found` is, for reading. Where there is no /proc it is opened by its path and compared. */
static int open_found(int found, const char *path, const struct stat *status, int flags) {
    char proc[PROC_PATH_SIZE];
    struct stat now;
    flags |= O_RDONLY | O_NOCTTY | O_CLOEXEC;
    proc_path(proc, found);
    int fd = open(proc, flags);
    if (fd >= 0)
        return fd;
    int r = error_errno();
    if (access("/proc/self/fd", F_OK) == 0)
        return r;
    fd = open(path, flags);
    if (fd < 0)
        return error_errno();
    if (fstat(fd, &now) == 0 && now.st_dev == status->st_dev && now.st_ino == status->st_ino)
        return fd;
    close(fd);
    return -ESTALE;
}

/*
 * First only found, to see what it is: opening a pipe has consequences for its writer, who waits
 * for a reader and is killed when it goes. It is opened once; that waits for a writer, if it may.
 * Whatever else must not make us wait.
 */
static int open_no_directory(const char *path, struct stat *status,
                             const struct source_options *options) {
    int found = open(path, O_PATH | O_CLOEXEC);
    if (found < 0)
        return error_errno();
    int fd = fstat(found, status) < 0 ? error_errno() : 0;
    if (fd == 0 && is_refused(status, options))
        fd = -ENXIO;
    else if (fd == 0)
        fd = open_found(found, path, status, S_ISFIFO(status->st_mode) ? 0 : O_NONBLOCK);
    close(found);
    return fd;
}

/*
 * A directory is opened by its path: only found (O_PATH), one on which something is to be mounted
 * when it is used, as home directories often are, would stay what is below, which is empty.
 */
static int open_path(const char *path, struct stat *status, const struct source_options *options) {
    int flags = O_RDONLY | O_DIRECTORY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
    int fd = options->only_files ? -1 : open(path, flags);
    if (fd < 0 && (options->only_files || errno == ENOTDIR))
        return open_no_directory(path, status, options);
    if (fd < 0)
        return error_errno();
    if (fstat(fd, status) == 0)
        return fd;
    int r = error_errno();
    close(fd);
    return r;
}

/* --- what it is --- */

static void begin_stream(struct source *source, int fd) {
    source->offer.kind = ENTRY_STREAM;
    source->offer.size = ITEM_SIZE_UNKNOWN;
    source->offer.mode = 0666;
    source->offer.mtime_ns = 0;
    source->content = (struct source_content){.fd = fd, .is_stream = true};
    fcntl(fd, F_SETPIPE_SZ, PIPE_BYTES); /* fewer, larger reads; it need not be a pipe */
}

/* Adds up what a directory has in it, and finds out what will be left out. */
static int measure(struct source *source) {
    int r = tree_explore(&source->tree, source->top, &source->options, &source->found);
    source->offer.size = 0;
    struct tree_entry entry = {.kind = ENTRY_FILE};
    while (r == 0 && entry.kind != ENTRY_STREAM) {
        r = tree_next(&source->tree, &entry);
        if (r == 0 && entry.kind == ENTRY_FILE)
            source->offer.size += (uint64_t)entry.status.st_size;
    }
    tree_close(&source->tree);
    source_known_sort(&source->found.known);
    left_out_sort(&source->found.left_out);
    return r;
}

/* Files of /proc have content, and no size. */
static bool is_endless(int fd, const struct stat *status) {
    char byte;
    return status->st_size == 0 && pread(fd, &byte, 1, 0) == 1;
}

int source_refresh(struct source *source) {
    if (source->is_fresh || source->top < 0 || source->content.is_stream)
        return 0;
    if (fstat(source->top, &source->status) < 0)
        return error_errno();
    source->is_fresh = true;
    source->offer.mode = source->status.st_mode & 07777;
    if (source->is_endless)
        return 0;
    source->offer.mtime_ns = attributes_pack_time(source->status.st_mtim);
    if (source->offer.kind == ENTRY_FILE)
        source->offer.size = (uint64_t)source->status.st_size;
    return 0;
}

static int begin_file(struct source *source) {
    source->offer.kind = ENTRY_FILE;
    source->is_endless = is_endless(source->top, &source->status);
    if (source->is_endless) {
        source->offer.kind = ENTRY_STREAM;
        source->offer.size = ITEM_SIZE_UNKNOWN;
    }
    return source_refresh(source);
}

static int begin_top(struct source *source) {
    if (S_ISREG(source->status.st_mode))
        return begin_file(source);
    if (S_ISDIR(source->status.st_mode)) {
        source->offer.kind = ENTRY_DIRECTORY;
        int r = source_refresh(source);
        return r == 0 ? measure(source) : r;
    }
    int flags = fcntl(source->top, F_GETFL);
    if (flags < 0 || fcntl(source->top, F_SETFL, flags & ~O_NONBLOCK) < 0)
        return error_errno();
    begin_stream(source, source->top);
    return 0;
}

static int begin_path(struct source *source, const char *path) {
    source->top = open_path(path, &source->status, &source->options);
    if (source->top < 0)
        return source->top == -ENXIO ? SOURCE_NO_FILE : source->top;
    int r = name_of_path(&source->name, path, source->top);
    source->offer.name = source->name.s;
    if (r == 0)
        r = begin_top(source);
    source->is_fresh = false;
    return r;
}

/* For source_open and so on: what failed is freed. */
static int give_source(struct source **source, struct source *made, int r) {
    *source = r == 0 ? made : NULL;
    if (r != 0)
        source_free(made);
    return r;
}

int source_open(struct source **source, const char *path, const struct source_options *options) {
    struct source *made = source_new(options);
    return give_source(source, made, made ? begin_path(made, path) : -ENOMEM);
}

static int share_top(struct source *source, const struct source *opened) {
    source->name = opened->name;
    source->offer = opened->offer;
    source->offer.name = source->name.s;
    source->is_endless = opened->is_endless;
    source->known = opened->known;
    if (opened->content.is_stream)
        source->content = opened->content;
    if (opened->top < 0)
        return 0;
    source->top = fcntl(opened->top, F_DUPFD_CLOEXEC, 0);
    if (source->top < 0)
        return error_errno();
    if (source->content.is_stream)
        source->content.fd = source->top;
    return source_refresh(source);
}

int source_again(struct source **source, const struct source *opened,
                 const struct source_options *options) {
    struct source *made = source_new(options);
    return give_source(source, made, made ? share_top(made, opened) : -ENOMEM);
}

int source_open_memory(struct source **source, const struct item_offer *offer, const void *data,
                       size_t n) {
    struct source *made = source_new(NULL);
    if (made) {
        snprintf(made->name.s, sizeof made->name.s, "%s", offer->name);
        made->offer = *offer;
        made->offer.name = made->name.s;
        made->offer.size = n;
        made->content = (struct source_content){.fd = -1, .memory = data, .n_memory = n};
    }
    return give_source(source, made, made ? 0 : -ENOMEM);
}

int source_open_stream(struct source **source, int fd, const char *name,
                       const struct source_options *options) {
    struct source *made = source_new(options);
    int r = made ? filename_clean(&made->name, bytes_of(name)) : -ENOMEM;
    if (r == 0) {
        made->offer.name = made->name.s;
        begin_stream(made, fd);
    }
    return give_source(source, made, r);
}
