/* Opening and closing; the items go to sink.c. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "files/attributes.h"
#include "files/extent.h"
#include "files/sink_inside.h"

static uint64_t growth_limit(uint64_t size) {
    uint64_t more = size < SINK_GROWTH ? SINK_GROWTH : size;
    return size > UINT64_MAX - more ? UINT64_MAX : size + more;
}

static struct sink *sink_new(const struct item_offer *offer, const struct sink_options *options) {
    struct sink *sink = calloc(1, sizeof *sink);
    if (!sink)
        return NULL;
    sink->options = *options;
    sink->part.fd = sink->part.dir = sink->content.fd = -1;
    sink->records = digest_new();
    sink->sum = digest_new();
    sink->name = strdup(offer->name);
    sink->offer = *offer;
    sink->offer.name = sink->name;
    sink->allowed = attributes_allowed();
    sink->left = options->n_bytes_max > 0 ? options->n_bytes_max : growth_limit(offer->size);
    sink->n_entries_left = options->n_entries_max > 0 ? options->n_entries_max : SINK_ENTRIES_MAX;
    if (sink->records && sink->sum && sink->name)
        return sink;
    sink_free(sink);
    return NULL;
}

/* Sums up what is there, so that the sum can go on behind it. */
static int read_prefix(struct sink *sink) {
    static const int outcomes[] = {
        [EXTENT_SHORT] = SINK_DISTURBED, [EXTENT_STOPPED] = SINK_STOPPED};
    struct stat status;
    if (fstat(sink->part.fd, &status) < 0)
        return error_errno();
    int r = extent_sum(sink->part.fd, sink->part.offset, &status, sink->options.stop, sink->sum);
    if (r != 0)
        return r < 0 ? r : outcomes[r];
    sink->prefix.offset = sink->part.offset;
    sink->prefix.digest = digest_value(sink->sum);
    return 0;
}

static int look_at_part(struct sink *sink) {
    if (sink->offer.kind != ENTRY_FILE || sink->part.offset > sink->offer.size)
        return 0;
    sink->prefix.is_changed = sink->part.is_changed;
    return sink->part.offset > 0 ? read_prefix(sink) : 0;
}

static int open_outcome(int r) {
    return r == -EINVAL ? SINK_NO_NAME : sink_outcome_of(r);
}

int sink_open(struct sink **sink, const struct item_offer *offer,
              const struct sink_options *options) {
    *sink = sink_new(offer, options);
    if (!*sink)
        return -ENOMEM;
    int r = part_open(&(*sink)->part, options->dir, offer, options->from);
    if (r == 0)
        r = look_at_part(*sink);
    if (r != 0) {
        sink_free(*sink);
        *sink = NULL;
    }
    return open_outcome(r);
}

int sink_open_stream(struct sink **sink, const struct item_offer *offer, int fd,
                     const struct sink_options *options) {
    *sink = NULL;
    if (offer->kind == ENTRY_DIRECTORY)
        return SINK_NO_NAME;
    *sink = sink_new(offer, options);
    if (!*sink)
        return -ENOMEM;
    (*sink)->content = (struct sink_content){.fd = fd, .is_pipe = true};
    return 0;
}

/* A file of a tree that was not completed. The one of the top is the part's. */
static void close_content(struct sink *sink) {
    if (sink->content.fd >= 0 && !sink->content.is_pipe && sink->content.fd != sink->part.fd)
        close(sink->content.fd);
}

void sink_free(struct sink *sink) {
    if (!sink)
        return;
    close_content(sink);
    sink_tree_close(&sink->tree);
    if (!sink_kept_name(sink))
        part_remove(&sink->part);
    part_close(&sink->part);
    digest_free(sink->records);
    digest_free(sink->sum);
    free(sink->name);
    free(sink);
}
