/* A parcel takes the way of all files: through a source and a sink. */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/error.h"
#include "files/parcel.h"
#include "files/sink.h"
#include "files/source.h"

/* Its name is kept in `name`. */
static struct item_offer offer_of(const struct file_body *file, char name[PARCEL_NAME_SIZE]) {
    snprintf(name, PARCEL_NAME_SIZE, "%.*s", (int)file->name.n, file->name.data);
    return (struct item_offer){.kind = ENTRY_FILE,
                               .name = name,
                               .size = file->content.n,
                               .mode = file->mode,
                               .mtime_ns = (int64_t)file->mtime_ns};
}

static int open_sink(struct sink **sink, const struct file_body *file, uid_t from, int dir,
                     int fd) {
    struct sink_options options = {.dir = dir, .from = from};
    char name[PARCEL_NAME_SIZE];
    struct item_offer offer = offer_of(file, name);
    return dir < 0 ? sink_open_stream(sink, &offer, fd, &options)
                   : sink_open(sink, &offer, &options);
}

/* An outcome of the sink, or -errno. */
static int parcel_copy(struct source *source, struct sink *sink) {
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

static int parcel_save_to(const struct file_body *file, struct sink *sink) {
    struct source *source = NULL;
    char name[PARCEL_NAME_SIZE];
    struct item_offer offer = offer_of(file, name);
    int r = source_open_memory(&source, &offer, file->content.data, file->content.n);
    if (r == 0)
        r = parcel_copy(source, sink);
    source_free(source);
    return r;
}

int parcel_save(const struct file_body *file, uid_t from, const char *dir, int fd,
                char name[PARCEL_NAME_SIZE], int *error) {
    struct sink *sink = NULL;
    int dir_fd = dir ? open(dir, O_DIRECTORY | O_RDONLY | O_CLOEXEC) : -1;
    if (dir && dir_fd < 0)
        return error_errno();
    int r = open_sink(&sink, file, from, dir_fd, fd);
    if (r == 0)
        r = parcel_save_to(file, sink);
    if (r == 0 && sink_name(sink))
        snprintf(name, PARCEL_NAME_SIZE, "%s", sink_name(sink));
    sink_free(sink);
    if (dir_fd >= 0)
        close(dir_fd);
    *error = r < 0 ? -r : 0;
    return r == 0 ? 0 : (int)transfer_outcome_of(r, TRANSFER_UNWRITABLE);
}
