/*
 * Search. The messages that an index finds come newest first; those that the view does not show
 * are passed over. When many in a row are not shown, the search jumps to the newest message that
 * is, so that somebody who sees little pays for little; a jump that gains nothing makes the next
 * one rarer.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store/merge.h"
#include "store/words.h"

#define JUMP_AFTER 64 /* messages that are not shown */

static const char doing[] = "search";

#define REMEMBERED 64 /* conversations; a power of two */

/* Where a conversation begins to be visible; the zero state is that of none. */
struct beginning {
    conv_number conv;
    uint64_t forgotten;
};

struct store_search {
    struct store_reader *reader;
    struct connection *connection; /* the reader's */
    const struct store_view *view;
    const struct store_query *query;
    struct words words;
    bool parts;                 /* what the index finds has to be looked at */
    struct store_source *rooms; /* of the view, sorted */
    struct merge merge;         /* what the view shows, for jumps */
    bool merging;
    struct beginning beginnings[REMEMBERED]; /* by hash, the last one wins */
    uint64_t end; /* only messages before this one: all, or up to query->before */
    bool goes_on; /* that message was found in this way */
    unsigned n_found;
    store_visit *visit;
    void *arg;
};

static int compare_source(const void *a, const void *b) {
    const struct store_source *x = a, *y = b;
    return (x->conv > y->conv) - (x->conv < y->conv);
}

static int sort_rooms(struct store_search *search) {
    size_t n = search->view->n_rooms;
    search->rooms = calloc(n + 1, sizeof *search->rooms);
    if (!search->rooms)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++)
        search->rooms[i] = search->view->rooms[i];
    qsort(search->rooms, n, sizeof *search->rooms, compare_source);
    return 0;
}

/* A private room is seen from some message on. */
static bool room_is_shown(const struct store_search *search, conv_number conv, uint64_t seq) {
    struct store_source wanted = {.conv = conv};
    const struct store_source *room =
        bsearch(&wanted, search->rooms, search->view->n_rooms, sizeof wanted, compare_source);
    return room && seq > room->after;
}

static int is_shown(struct store_search *search, conv_number conv, uint64_t seq, bool *shown) {
    const struct store_view *view = search->view;
    *shown = false;
    if (search->query->conv != 0 && search->query->conv != conv)
        return 0;
    if (conv_is_room(conv)) {
        *shown = room_is_shown(search, conv, seq);
        return 0;
    }
    if (!view->direct || !conv_has(conv, view->handle))
        return 0;
    struct beginning *beginning = &search->beginnings[conv_other(conv, view->handle) % REMEMBERED];
    int r = 0;
    if (beginning->conv != conv) {
        r = pair_forgotten(search->connection, view->handle, conv, &beginning->forgotten);
        beginning->conv = r == 0 ? conv : 0;
    }
    *shown = seq > beginning->forgotten;
    return r;
}

static int look_at(struct store_search *search, sqlite3_stmt *row, bool *shown) {
    struct record record;
    *shown = false;
    int r = message_take(search->connection, row, &record);
    if (r != 0)
        return r == STORE_NOT_FOUND ? 0 : r;
    r = is_shown(search, record.conv, record.seq, shown);
    if (r == 0 && reader_is_cut(search->reader))
        r = connection_tell(search->connection, STORE_CUT, "the search was ended");
    if (r != 0 || !*shown || (search->words.n > 0 && record.kind == STORE_FILE_KIND) ||
        (search->query->from != 0 && search->query->from != record.from))
        return r;
    int has = search->parts ? words_are_in(&search->words, record.text) : 1;
    if (has <= 0)
        return has;
    search->goes_on |= record.seq == search->query->before;
    if (record.seq == search->query->before)
        return 0;
    search->n_found++;
    return search->visit(search->arg, &record);
}

/* A message that an index names; it is there, in the same snapshot. */
static int look_up(struct store_search *search, enum statement which, uint64_t seq, bool *shown) {
    sqlite3_stmt *row = connection_get(search->connection, which);
    if (!row)
        return connection_fail(search->connection, doing);
    bind_number(row, 1, seq);
    int code = sqlite3_step(row), r = 0;
    if (code == SQLITE_ROW)
        r = look_at(search, row, shown);
    else if (code == SQLITE_DONE)
        r = connection_tell_damage(search->connection, "has an index that does not fit");
    else
        r = connection_fail(search->connection, doing);
    sqlite3_reset(row);
    return r;
}

/* The newest message before `before` that the view shows; 0: none. */
static int newest_shown(struct store_search *search, uint64_t before, uint64_t *seq) {
    struct merge_range range = {search->query->conv, true, 0, before, true};
    struct merge_run run;
    int r = search->merging ? merge_seek(&search->merge, before)
                            : merge_open(&search->merge, search->connection, search->view, &range);
    search->merging = true;
    *seq = r == 0 && merge_next(&search->merge, &run) ? run.source->head : 0;
    return r;
}

static void start_find(sqlite3_stmt *find, const char *expression, uint64_t before) {
    sqlite3_reset(find);
    sqlite3_bind_text(find, 1, expression, -1, SQLITE_STATIC);
    bind_number(find, 2, before);
}

struct jump {
    unsigned n_misses, after;
};

/* Nothing is shown at `seq`: perhaps goes on elsewhere; *end: nothing is shown any more. */
static int jump_miss(struct store_search *search, struct jump *jump, sqlite3_stmt *find,
                     const char *expression, uint64_t seq, bool *end) {
    uint64_t next = 0;
    if (++jump->n_misses < jump->after)
        return 0;
    int r = newest_shown(search, seq, &next);
    *end = r == 0 && next == 0;
    if (r != 0 || *end)
        return r;
    bool pays = seq - next > UINT64_C(4) * jump->after;
    if (pays)
        start_find(find, expression, next + 1);
    *jump = (struct jump){0, pays ? JUMP_AFTER : 2 * jump->after};
    return 0;
}

static int find_by(struct store_search *search, enum statement which, const char *expression) {
    sqlite3_stmt *find = connection_get(search->connection, which);
    if (!find)
        return connection_fail(search->connection, doing);
    struct jump jump = {0, JUMP_AFTER};
    int r = 0, code = SQLITE_DONE;
    bool end = false;
    uint64_t last = search->end;
    start_find(find, expression, last);
    while (r == 0 && !end && search->n_found < search->query->n_max &&
           (code = sqlite3_step(find)) == SQLITE_ROW) {
        uint64_t seq = column_number(find, 0);
        bool shown = false;
        r = seq < last ? look_up(search, MESSAGE_GET, seq, &shown)
                       : connection_tell_damage(search->connection, "has an index out of order");
        last = seq;
        if (shown)
            jump.n_misses = 0;
        else if (r == 0)
            r = jump_miss(search, &jump, find, expression, seq, &end);
    }
    if (r == 0 && code != SQLITE_DONE && code != SQLITE_ROW)
        r = connection_fail(search->connection, doing);
    sqlite3_reset(find);
    return r;
}

/* Only those that the view shows are read, without their content, which is long. */
static int find_files(struct store_search *search) {
    sqlite3_stmt *find = connection_get(search->connection, FILES_FIND);
    if (!find)
        return connection_fail(search->connection, doing);
    bind_number(find, 1, search->end);
    bind_number(find, 2, search->view->handle);
    bind_number(find, 3, search->query->from);
    int r = 0, code = SQLITE_DONE;
    while (r == 0 && search->n_found < search->query->n_max &&
           (code = sqlite3_step(find)) == SQLITE_ROW) {
        uint64_t seq = column_number(find, 0);
        bool shown;
        r = is_shown(search, sqlite3_column_int64(find, 1), seq, &shown);
        if (r == 0 && shown)
            r = look_up(search, FILE_GET, seq, &shown);
    }
    if (r == 0 && code != SQLITE_DONE && code != SQLITE_ROW)
        r = connection_fail(search->connection, doing);
    sqlite3_reset(find);
    return r;
}

/* Words that are too short for the index: everything in the view is looked at. */
static int scan_run(struct store_search *search, const struct merge_run *run) {
    sqlite3_stmt *row = connection_get(search->connection, SCAN_DOWN);
    if (!row)
        return connection_fail(search->connection, doing);
    sqlite3_bind_int64(row, 1, run->source->conv);
    bind_number(row, 2, run->after);
    bind_number(row, 3, run->before);
    int r = 0, code = SQLITE_DONE;
    bool shown;
    while (r == 0 && search->n_found < search->query->n_max &&
           (code = sqlite3_step(row)) == SQLITE_ROW)
        r = look_at(search, row, &shown);
    if (r == 0 && code != SQLITE_DONE && code != SQLITE_ROW)
        r = connection_fail(search->connection, doing);
    sqlite3_reset(row);
    return r;
}

static int search_scan(struct store_search *search) {
    struct merge_run run;
    uint64_t newest;
    int r = newest_shown(search, search->end, &newest);
    while (r == 0 && search->n_found < search->query->n_max && merge_next(&search->merge, &run)) {
        r = scan_run(search, &run);
        if (r == 0)
            r = merge_passed(&search->merge, &run);
    }
    return r;
}

/*
 * What the index does not have yet, the newest first. For parts of words the texts are looked
 * through; for whole words they go into an index of their own, so that both mean the same.
 */
struct unindexed {
    struct store_search *search;
    unsigned n_left;
    size_t n_bytes_left;
};

static int take_unindexed(struct unindexed *unindexed, sqlite3_stmt *row) {
    struct store_search *search = unindexed->search;
    struct bytes text = column_text(row, 10);
    bool shown;
    if (text.n > unindexed->n_bytes_left) {
        unindexed->n_left = 0;
        return 0;
    }
    unindexed->n_left--;
    unindexed->n_bytes_left -= text.n;
    if (search->parts)
        return look_at(search, row, &shown);
    if (column_number(row, 6) == STORE_FILE_KIND)
        return 0;
    return fresh_add(&search->reader->fresh, search->connection, column_number(row, 0), text);
}

static bool wants_unindexed(const struct unindexed *unindexed) {
    const struct store_search *search = unindexed->search;
    return unindexed->n_left > 0 && search->n_found < search->query->n_max;
}

static int take_unindexed_run(struct unindexed *unindexed, const struct merge_run *run) {
    struct connection *connection = unindexed->search->connection;
    sqlite3_stmt *row = connection_get(connection, SCAN_DOWN);
    if (!row)
        return connection_fail(connection, doing);
    sqlite3_bind_int64(row, 1, run->source->conv);
    bind_number(row, 2, run->after);
    bind_number(row, 3, run->before);
    int r = 0, code = SQLITE_DONE;
    while (r == 0 && wants_unindexed(unindexed) && (code = sqlite3_step(row)) == SQLITE_ROW)
        r = take_unindexed(unindexed, row);
    if (r == 0 && code != SQLITE_DONE && code != SQLITE_ROW)
        r = connection_fail(connection, doing);
    sqlite3_reset(row);
    return r;
}

static int take_all_unindexed(struct store_search *search, uint64_t upto) {
    struct unindexed unindexed = {search, SEARCH_FRESH_MAX, SEARCH_FRESH_BYTES};
    struct merge_range range = {search->query->conv, true, upto, search->end, true};
    struct merge merge;
    struct merge_run run;
    int r = merge_open(&merge, search->connection, search->view, &range);
    while (r == 0 && wants_unindexed(&unindexed) && merge_next(&merge, &run)) {
        r = take_unindexed_run(&unindexed, &run);
        if (r == 0)
            r = merge_passed(&merge, &run);
    }
    merge_close(&merge);
    return r;
}

static int find_unindexed(struct store_search *search, uint64_t upto, const char *expression) {
    struct fresh *fresh = &search->reader->fresh;
    if (search->parts)
        return take_all_unindexed(search, upto);
    uint64_t seq = 0;
    bool shown;
    int r = fresh_begin(fresh, search->connection);
    if (r == 0)
        r = take_all_unindexed(search, upto);
    if (r == 0)
        r = fresh_find(fresh, search->connection, expression);
    while (r == 0 && search->n_found < search->query->n_max &&
           (r = fresh_next(fresh, search->connection, &seq)) == 0 && seq != 0)
        r = look_up(search, MESSAGE_GET, seq, &shown);
    fresh_end(fresh);
    return r;
}

static int find_words(struct store_search *search, const struct store_state *state) {
    uint64_t upto = search->parts ? state->parts_upto : state->words_upto;
    CLEANUP_FREE char *expression = NULL;
    int r = search->parts ? words_part_expression(&search->words, state->parts_folded, &expression)
                          : words_expression(&search->words, &expression);
    if (r != 0)
        return r;
    if (!expression)
        return search_scan(search);
    if (upto < state->last_seq && search->end > upto)
        r = find_unindexed(search, upto, expression);
    if (r == 0 && search->n_found < search->query->n_max)
        r = find_by(search, search->parts ? PARTS_FIND : WORDS_FIND, expression);
    return r;
}

static int search_find(struct store_search *search) {
    struct store_state state;
    int r = reading_begin(search->reader, &state);
    if (r == 0)
        r = search->words.n > 0 ? find_words(search, &state) : find_files(search);
    merge_close(&search->merge);
    search->merging = false;
    memset(search->beginnings, 0, sizeof search->beginnings); /* they are of this snapshot */
    return reading_end(search->reader, r);
}

/*
 * Whole words first; parts of words when there are none, or where words have no spaces, or a star
 * asks for them.
 */
static int search_all(struct store_search *search) {
    bool parts_only = search->words.is_unspaced || search->words.wants_parts;
    int r = parts_only ? 0 : search_find(search);
    if (r != 0 || search->n_found > 0 || search->goes_on)
        return r;
    search->parts = true;
    return search_find(search);
}

int store_search(struct store_reader *reader, const struct store_view *view,
                 const struct store_query *query, store_visit *visit, void *arg) {
    struct store_search search = {
        .reader = reader,
        .connection = &reader->connection,
        .view = view,
        .query = query,
        .end = query->before && query->before < UINT64_MAX ? query->before + 1 : UINT64_MAX,
        .visit = visit,
        .arg = arg,
    };
    int r = words_parse(&search.words, query->words);
    if (r == 0)
        r = reader_refresh(reader);
    if (r == 0)
        r = sort_rooms(&search);
    if (r == 0)
        r = search.words.n > 0 ? search_all(&search) : search_find(&search);
    words_free(&search.words);
    free(search.rooms);
    return r;
}
