/* A parcel takes the way of all files: through a source and a sink. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "lib/courier.h"
#include "lib/parcel.h"
#include "lib/sink.h"
#include "lib/source.h"

/* The content as a file that a source can read. */
static int unpack(const struct parcel *parcel) {
    int fd = memfd_create("earshot", MFD_CLOEXEC);
    struct timespec when = {.tv_sec = parcel->mtime_ns / NS_PER_S,
                            .tv_nsec = parcel->mtime_ns % NS_PER_S};
    struct timespec times[] = {when, when};
    if (fd < 0)
        return error_errno();
    if (write(fd, parcel->content, parcel->n) == (ssize_t)parcel->n &&
        fchmod(fd, parcel->mode | S_IRUSR) == 0 && futimens(fd, times) == 0)
        return fd;
    int r = error_errno();
    close(fd);
    return r;
}

static int open_sink(struct sink **sink, const struct parcel *parcel, uid_t from, const char *dir,
                     int fd) {
    struct sink_options options = {.dir = -1, .from = from};
    struct item_offer offer = {.kind = ENTRY_FILE,
                               .name = parcel->name,
                               .size = parcel->n,
                               .mode = parcel->mode,
                               .mtime_ns = parcel->mtime_ns};
    if (!dir)
        return sink_open_stream(sink, &offer, fd, &options);
    int dir_fd = open(dir, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
    if (dir_fd < 0)
        return error_errno();
    options.dir = dir_fd;
    int r = sink_open(sink, &offer, &options);
    close(dir_fd);
    return r;
}

/* An outcome of the sink, or -errno. */
static int copy(struct source *source, struct sink *sink) {
    char buffer[RECORD_BYTES_MAX];
    struct item item = {0};
    int r = 0;
    while (r == 0 && item.kind != ITEM_END) {
        r = source_next(source, buffer, sizeof buffer, &item);
        if (r > 0)
            return -EIO;
        if (r == 0)
            r = sink_put(sink, &item);
    }
    return r;
}

static int save(int from_fd, struct sink *sink) {
    char path[64];
    struct source *source = NULL;
    snprintf(path, sizeof path, "/proc/self/fd/%d", from_fd);
    int r = source_open(&source, path, NULL);
    r = r == 0 ? copy(source, sink) : -EIO;
    source_free(source);
    return r;
}

int parcel_save(const struct parcel *parcel, uid_t from, const char *dir, int fd,
                char name[PARCEL_NAME_SIZE]) {
    struct sink *sink = NULL;
    int memory = unpack(parcel);
    if (memory < 0)
        return memory;
    int r = open_sink(&sink, parcel, from, dir, fd);
    if (r == 0)
        r = save(memory, sink);
    if (r == 0 && sink_name(sink))
        snprintf(name, PARCEL_NAME_SIZE, "%s", sink_name(sink));
    sink_free(sink);
    close(memory);
    return r > 0 ? (int)courier_reason_of_sink(r) : r;
}
