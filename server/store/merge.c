#include "store/merge.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char doing[] = "read messages";

static uint64_t greater_of(uint64_t a, uint64_t b) {
    return a > b ? a : b;
}

static int merge_add(struct merge *merge, struct merge_source source) {
    if (merge->n == merge->size) {
        size_t size = merge->size > 0 ? 2 * merge->size : 16;
        struct merge_source *sources = reallocarray(merge->sources, size, sizeof *sources);
        if (!sources)
            return -ENOMEM;
        merge->sources = sources;
        merge->size = size;
    }
    merge->sources[merge->n++] = source;
    return 0;
}

static bool comes_before(const struct merge *merge, uint64_t a, uint64_t b) {
    return merge->down ? a > b : a < b;
}

/* Finds the next message of a source beyond `from`. */
static int find_head(struct merge *merge, struct merge_source *source, uint64_t from) {
    sqlite3_stmt *find = connection_get(merge->connection, merge->down ? LAST_BEFORE : FIRST_AFTER);
    source->head = 0;
    if (!find)
        return connection_fail(merge->connection, doing);
    if (!merge->down)
        from = greater_of(from, source->floor);
    sqlite3_bind_int64(find, 1, source->conv);
    bind_number(find, 2, from);
    int r = sqlite3_step(find) == SQLITE_ROW ? 0 : connection_fail(merge->connection, doing);
    if (r == 0)
        source->head = column_number(find, 0);
    sqlite3_reset(find);
    if (r == 0 && source->head != 0 && !comes_before(merge, from, source->head))
        r = connection_tell_damage(merge->connection, "has an index out of order");
    if (source->head <= source->floor || source->head >= merge->end)
        source->head = 0;
    return r;
}

static int add_one(struct merge *merge, conv_number conv, uint64_t floor, uint64_t from) {
    struct merge_source source = {.conv = conv, .floor = floor};
    int r = find_head(merge, &source, from);
    return r == 0 && source.head > 0 ? merge_add(merge, source) : r;
}

/* All direct conversations of a handle that have something to show. */
static int add_pairs(struct merge *merge, uint32_t handle, uint64_t floor, uint64_t from) {
    sqlite3_stmt *row = connection_get(merge->connection, merge->down ? PAIRS_BEFORE : PAIRS_AFTER);
    if (!row)
        return connection_fail(merge->connection, doing);
    bind_number(row, 1, handle);
    bind_number(row, 2, merge->down ? from : greater_of(from, floor));
    int r = 0, code = SQLITE_DONE;
    while (r == 0 && (code = sqlite3_step(row)) == SQLITE_ROW) {
        struct merge_source source = {
            .conv = sqlite3_column_int64(row, 0),
            .floor = greater_of(column_number(row, 1), floor),
            .head = column_number(row, 2),
        };
        if (source.head > source.floor && source.head < merge->end)
            r = merge_add(merge, source);
    }
    if (r == 0 && code != SQLITE_DONE)
        r = connection_fail(merge->connection, doing);
    sqlite3_reset(row);
    return r;
}

static int add_pair(struct merge *merge, uint32_t handle, conv_number conv, uint64_t floor,
                    uint64_t from) {
    uint64_t forgotten = 0;
    int r = pair_forgotten(merge->connection, handle, conv, &forgotten);
    return r == 0 ? add_one(merge, conv, greater_of(forgotten, floor), from) : r;
}

static int add_sources(struct merge *merge, const struct store_view *view,
                       const struct merge_range *range) {
    uint64_t from = range->down ? range->before : range->after;
    uint64_t least = range->down ? range->after : 0; /* up, it is where to begin */
    uint64_t floor = greater_of(least, range->ignore_afters ? 0 : view->direct_after);
    int r = 0;
    for (size_t i = 0; r == 0 && i < view->n_rooms; i++)
        if (range->conv == 0 || range->conv == view->rooms[i].conv)
            r = add_one(merge, view->rooms[i].conv,
                        greater_of(least, range->ignore_afters ? 0 : view->rooms[i].after), from);
    if (r != 0 || !view->direct)
        return r;
    if (range->conv == 0)
        return add_pairs(merge, view->handle, floor, from);
    if (conv_has(range->conv, view->handle))
        return add_pair(merge, view->handle, range->conv, floor, from);
    return 0;
}

int merge_open(struct merge *merge, struct connection *connection, const struct store_view *view,
               const struct merge_range *range) {
    *merge = (struct merge){.connection = connection, .down = range->down, .end = range->before};
    return add_sources(merge, view, range);
}

void merge_close(struct merge *merge) {
    free(merge->sources);
    *merge = (struct merge){0};
}

bool merge_next(const struct merge *merge, struct merge_run *run) {
    struct merge_source *first = NULL, *second = NULL;
    for (struct merge_source *at = merge->sources, *end = at + merge->n; at < end; at++) {
        if (at->head == 0)
            continue;
        if (!first || comes_before(merge, at->head, first->head)) {
            second = first;
            first = at;
        } else if (!second || comes_before(merge, at->head, second->head)) {
            second = at;
        }
    }
    if (!first)
        return false;
    *run = merge->down ? (struct merge_run){first, first->floor, first->head + 1}
                       : (struct merge_run){first, first->head - 1, merge->end};
    if (second && merge->down)
        run->after = greater_of(run->after, second->head);
    else if (second)
        run->before = second->head;
    return true;
}

int merge_passed(struct merge *merge, const struct merge_run *run) {
    struct merge_source *source = run->source;
    uint64_t passed = source->head;
    if (!merge->down && run->before == merge->end) {
        source->head = 0;
        return 0;
    }
    int r = find_head(merge, source, merge->down ? run->after + 1 : run->before);
    if (r == 0 && source->head != 0 && !comes_before(merge, passed, source->head))
        r = connection_tell_damage(merge->connection, "has a message in two conversations");
    return r;
}

int merge_seek(struct merge *merge, uint64_t before) {
    int r = 0;
    for (size_t i = 0; r == 0 && i < merge->n; i++)
        if (merge->sources[i].head >= before)
            r = find_head(merge, &merge->sources[i], before);
    return r;
}
