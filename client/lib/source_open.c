/* Opening and closing; the items come from source.c. */
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/macro.h"
#include "lib/source_inside.h"

#define PIPE_BYTES (1024 * 1024) /* what an ordinary user may ask for */

int64_t source_nanoseconds(struct timespec time) {
    int64_t ns;
    if (__builtin_mul_overflow((int64_t)time.tv_sec, (int64_t)1000000000, &ns) ||
        __builtin_add_overflow(ns, (int64_t)time.tv_nsec, &ns))
        return time.tv_sec < 0 ? INT64_MIN : INT64_MAX;
    return ns;
}

static struct source *source_new(const struct source_options *options) {
    struct source *source = calloc(1, sizeof *source);
    if (!source)
        return NULL;
    source->top = source->content.fd = -1;
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
    if (source->top >= 0)
        close(source->top);
    digest_free(source->records);
    digest_free(source->sum);
    free(source);
}

/* A name for a path that ends in "..", "." or "/": that of what it leads to. */
static int name_of_path(struct filename *name, const char *path) {
    CLEANUP_FREE char *copy = strdup(path);
    if (!copy)
        return -ENOMEM;
    const char *base = basename(copy);
    if (strcmp(base, ".") != 0 && strcmp(base, "..") != 0)
        return filename_clean(name, bytes_of(base));
    CLEANUP_FREE char *real = realpath(path, NULL);
    if (!real)
        return error_errno();
    return filename_clean(name, bytes_of(basename(real)));
}

static bool is_refused(const struct stat *status, bool no_wait) {
    return S_ISSOCK(status->st_mode) || (no_wait && S_ISFIFO(status->st_mode));
}

/*
 * A pipe waits for its writer, if it may; whatever else must not make us wait. What it is can
 * change before it is open.
 */
static int open_path(const char *path, struct stat *status, bool no_wait) {
    if (stat(path, status) < 0)
        return error_errno();
    if (is_refused(status, no_wait))
        return -ENXIO;
    int flags = S_ISFIFO(status->st_mode) ? 0 : O_NONBLOCK;
    int fd = open(path, O_RDONLY | O_NOCTTY | O_CLOEXEC | flags);
    if (fd < 0)
        return error_errno();
    int r = fstat(fd, status) < 0 ? error_errno() : 0;
    if (r == 0 && is_refused(status, no_wait))
        r = -ENXIO;
    if (r == 0)
        return fd;
    close(fd);
    return r;
}

static void begin_stream(struct source *source, int fd) {
    source->offer.kind = ENTRY_STREAM;
    source->offer.size = ITEM_SIZE_UNKNOWN;
    source->offer.mode = 0666;
    source->offer.mtime_ns = 0;
    source->content = (struct source_content){.fd = fd, .is_stream = true};
    fcntl(fd, F_SETPIPE_SZ, PIPE_BYTES); /* fewer, larger reads; it need not be a pipe */
}

/* Adds up what a directory has in it. */
static int measure(struct source *source) {
    int r = tree_open(&source->tree, source->top, &source->options, true);
    source->offer.size = 0;
    struct tree_entry entry = {.kind = ENTRY_FILE};
    while (r == 0 && entry.kind != ENTRY_STREAM) {
        r = tree_next(&source->tree, &entry);
        if (r == 0 && entry.kind == ENTRY_FILE) {
            source->offer.size += (uint64_t)entry.status.st_size;
            close(entry.fd);
        }
    }
    tree_close(&source->tree);
    return r;
}

static int begin_top(struct source *source) {
    source->offer.mode = source->status.st_mode & 07777;
    source->offer.mtime_ns = source_nanoseconds(source->status.st_mtim);
    if (S_ISREG(source->status.st_mode)) {
        source->offer.kind = ENTRY_FILE;
        source->offer.size = (uint64_t)source->status.st_size;
        return 0;
    }
    if (S_ISDIR(source->status.st_mode)) {
        source->offer.kind = ENTRY_DIRECTORY;
        return measure(source);
    }
    int flags = fcntl(source->top, F_GETFL);
    if (flags < 0 || fcntl(source->top, F_SETFL, flags & ~O_NONBLOCK) < 0)
        return error_errno();
    begin_stream(source, source->top);
    return 0;
}

static int begin_path(struct source *source, const char *path) {
    int r = name_of_path(&source->name, path);
    if (r < 0)
        return r;
    source->top = open_path(path, &source->status, source->options.no_wait);
    if (source->top < 0)
        return source->top == -ENXIO ? SOURCE_NO_FILE : source->top;
    r = begin_top(source);
    source->offer.name = source->name.s;
    source->left = source->offer.size;
    return r;
}

int source_open(struct source **source, const char *path, const struct source_options *options) {
    *source = source_new(options);
    if (!*source)
        return -ENOMEM;
    int r = begin_path(*source, path);
    if (r != 0) {
        source_free(*source);
        *source = NULL;
    }
    return r;
}

int source_open_stream(struct source **source, int fd, const char *name,
                       const struct source_options *options) {
    struct source *made = source_new(options);
    *source = NULL;
    if (!made || filename_clean(&made->name, bytes_of(name)) < 0) {
        source_free(made);
        return -ENOMEM;
    }
    made->offer.name = made->name.s;
    begin_stream(made, fd);
    *source = made;
    return 0;
}
