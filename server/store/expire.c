/*
 * Deleting, a little at a time. A deleted message leaves the index as a note that it is gone; its
 * words and their room on the disk go when the index is rewritten, which FTS5 can do in steps
 * (https://sqlite.org/fts5.html, section 6.9).
 */
#include <string.h>

#include "base/error.h"
#include "base/macro.h"
#include "store/inside.h"

#define STEP_MAX 512    /* messages at once */
#define CALLED_MIN 16   /* short ones, or what costs as much, even if the writer is called */
#define MERGE_PAGES 128 /* of an index at once, at most, and at least: */
#define MERGE_PAGES_MIN 4
#define ROUND_PERCENT 10   /* of the messages, before the index must follow */
#define FAIR_PARTS 4       /* a user who has more than this part of all is the first to lose some */
#define WINDOW_ROWS 8      /* are looked at for each message that may go, to find one user's */
#define UNDATED_MAX 100000 /* messages in a row whose times say nothing: further nobody looks */

static const char doing[] = "delete messages";

/* The next messages that may go, the oldest first. */
struct oldest {
    struct {
        uint64_t seq;
        int64_t at_ms;
        uint32_t uid;
        size_t n_text;
    } rows[STEP_MAX];
    unsigned n;
    bool is_all; /* there are no more behind them */
};

/* As many as cost what n_max short ones do. */
static int take_rows(struct connection *writer, sqlite3_stmt *row, unsigned n_max,
                     struct oldest *oldest) {
    int code = SQLITE_DONE;
    uint64_t cost = 0;
    oldest->n = 0;
    while (oldest->n < STEP_MAX && cost < n_max && (code = sqlite3_step(row)) == SQLITE_ROW) {
        oldest->rows[oldest->n].seq = column_number(row, 0);
        oldest->rows[oldest->n].at_ms = sqlite3_column_int64(row, 1);
        oldest->rows[oldest->n].uid = (uint32_t)column_number(row, 2);
        oldest->rows[oldest->n].n_text = (size_t)column_number(row, 3);
        cost += step_cost(oldest->rows[oldest->n++].n_text);
    }
    oldest->is_all = code == SQLITE_DONE;
    int r = code == SQLITE_DONE || code == SQLITE_ROW ? 0 : connection_fail(writer, doing);
    sqlite3_reset(row);
    return r;
}

static unsigned limit_step(unsigned n_max) {
    return n_max < STEP_MAX ? n_max : STEP_MAX;
}

static int run_on(struct connection *writer, enum statement which, uint64_t seq) {
    sqlite3_stmt *statement = connection_get(writer, which);
    if (!statement)
        return connection_fail(writer, doing);
    bind_number(statement, 1, seq);
    return connection_finish(writer, statement, doing);
}

static int delete_message(struct store *store, const struct oldest *oldest, unsigned i) {
    struct connection *writer = &store->writer;
    uint64_t seq = oldest->rows[i].seq;
    int r =
        transaction_charge(store, oldest->rows[i].uid, -1, -message_cost(oldest->rows[i].n_text));
    if (r == 0 && seq <= store->committed.words_upto)
        r = run_on(writer, WORDS_DELETE, seq);
    if (r == 0 && seq <= store->committed.parts_upto)
        r = run_on(writer, PARTS_DELETE, seq);
    if (r == 0)
        r = run_on(writer, MESSAGE_DELETE, seq);
    if (r == 0 && store->pending.n_messages > 0)
        store->pending.n_messages--;
    return r;
}

/* What both of a conversation have forgotten. */

struct doom {
    conv_number conv; /* 0: none */
    uint64_t upto;
};

static int first_doomed(struct connection *writer, struct doom *doom) {
    sqlite3_stmt *row = connection_get(writer, DOOMED_FIRST);
    int code = row ? sqlite3_step(row) : SQLITE_ERROR;
    *doom = (struct doom){0};
    if (code == SQLITE_ROW)
        *doom = (struct doom){sqlite3_column_int64(row, 0), column_number(row, 1)};
    int r = code == SQLITE_ROW || code == SQLITE_DONE ? 0 : connection_fail(writer, doing);
    sqlite3_reset(row);
    return r;
}

static int doomed_rows(struct connection *writer, const struct doom *doom, unsigned n_max,
                       struct oldest *oldest) {
    sqlite3_stmt *row = connection_get(writer, MESSAGES_DOOMED);
    if (!row)
        return connection_fail(writer, doing);
    bind_number(row, 1, n_max);
    sqlite3_bind_int64(row, 2, doom->conv);
    bind_number(row, 3, doom->upto);
    return take_rows(writer, row, n_max, oldest);
}

static int doom_done(struct store *store, const struct doom *doom) {
    sqlite3_stmt *done = connection_get(&store->writer, DOOMED_DONE);
    if (!done)
        return connection_fail(&store->writer, doing);
    sqlite3_bind_int64(done, 1, doom->conv);
    return connection_finish(&store->writer, done, doing);
}

/* The first n of them, or CALLED_MIN when the writer is called: then there are more. */
static int delete_rows(struct store *store, struct oldest *oldest, unsigned n) {
    int r = 0;
    uint64_t cost = 0;
    for (unsigned i = 0; r == 0 && i < n && i < oldest->n; i++) {
        r = delete_message(store, oldest, i);
        cost += step_cost(oldest->rows[i].n_text);
        if (!store->called || store->fails || cost < CALLED_MIN || i + 1 == oldest->n)
            continue;
        oldest->is_all = false;
        oldest->n = i + 1;
    }
    return r;
}

static int delete_doomed(struct store *store, const struct doom *doom, unsigned n_max) {
    struct oldest oldest;
    int r = doomed_rows(&store->writer, doom, n_max, &oldest);
    if (r == 0)
        r = delete_rows(store, &oldest, oldest.n);
    if (r == 0 && oldest.n > 0) /* not for what was forgotten before */
        store->pending.purge = PURGE_WORDS_BEGIN;
    if (r == 0 && oldest.is_all)
        r = doom_done(store, doom);
    return r;
}

/* Rewriting the index. */

static int purge_pages(unsigned n_max) {
    if (n_max < MERGE_PAGES_MIN)
        return MERGE_PAGES_MIN;
    return n_max < MERGE_PAGES ? (int)n_max : MERGE_PAGES;
}

static int purge_step(struct store *store, unsigned n_max) {
    static const enum statement merges[] = {
        [PURGE_WORDS_BEGIN] = WORDS_MERGE,
        [PURGE_WORDS] = WORDS_MERGE,
        [PURGE_PARTS_BEGIN] = PARTS_MERGE,
        [PURGE_PARTS] = PARTS_MERGE,
    };
    static const uint64_t next[] = {
        [PURGE_WORDS_BEGIN] = PURGE_WORDS,
        [PURGE_WORDS] = PURGE_PARTS_BEGIN,
        [PURGE_PARTS_BEGIN] = PURGE_PARTS,
        [PURGE_PARTS] = PURGE_NONE,
    };
    uint64_t purge = purge_stage(&store->pending), again = store->pending.purge & PURGE_AGAIN;
    if (purge == PURGE_NONE || purge >= ARRAY_LEN(merges)) {
        store->pending.purge = PURGE_NONE | again;
        return 0;
    }
    bool begins = purge == PURGE_WORDS_BEGIN || purge == PURGE_PARTS_BEGIN;
    struct connection *writer = &store->writer;
    sqlite3_stmt *merge = connection_get(writer, merges[purge]);
    if (!merge)
        return connection_fail(writer, doing);
    sqlite3_bind_int64(merge, 1, begins ? -purge_pages(n_max) : purge_pages(n_max));
    int n_before = sqlite3_total_changes(writer->db);
    int r = connection_finish(writer, merge, doing);
    /* Fewer than two changes mean that there was nothing to merge. */
    if (r == 0 && (begins || sqlite3_total_changes(writer->db) - n_before < 2))
        store->pending.purge = next[purge] | again;
    store->erases |= purge_stage(&store->pending) == PURGE_NONE; /* what went lies in the log */
    return r;
}

bool store_is_purging(const struct store *store) {
    return store->purge_begins || purge_stage(&store->committed) != PURGE_NONE;
}

bool store_is_to_purge(const struct store *store) {
    return (store->committed.purge & PURGE_AGAIN) && !store_is_purging(store);
}

void store_purge(struct store *store) {
    store->purge_begins = true;
}

bool cleaning_is_due(const struct store *store) {
    return store->maybe_doomed || store_is_purging(store);
}

static int purge_next(struct store *store, unsigned n_max) {
    if (store->purge_begins && purge_stage(&store->pending) == PURGE_NONE)
        store->pending.purge = PURGE_WORDS_BEGIN;
    return purge_step(store, n_max);
}

int cleaning_step(struct store *store, unsigned n_max) {
    struct doom doom = {0};
    int r = transaction_begin(store, false);
    if (r != 0)
        return r;
    store->deletes = true;
    if (store->maybe_doomed)
        r = first_doomed(&store->writer, &doom);
    if (r == 0 && doom.conv != 0)
        r = delete_doomed(store, &doom, limit_step(n_max));
    else if (r == 0)
        r = purge_next(store, n_max);
    r = transaction_end(store, r);
    if (r == 0)
        store->maybe_doomed = doom.conv != 0;
    if (r == 0 && doom.conv == 0)
        store->purge_begins = false;
    return r;
}

/* What is too old, or too much. */

struct sizes {
    uint64_t used, file; /* bytes */
};

static int read_sizes(struct connection *writer, struct sizes *sizes) {
    sqlite3_stmt *row = connection_get(writer, PAGES_USED);
    int r = row && sqlite3_step(row) == SQLITE_ROW ? 0 : connection_fail(writer, doing);
    if (r == 0)
        *sizes = (struct sizes){column_number(row, 0), column_number(row, 1)};
    sqlite3_reset(row);
    return r;
}

/*
 * Whether messages have to go for want of room. While the index still holds the words of those
 * that went before, more would be deleted than needed: so after some of them it is rewritten.
 */
static bool is_too_much(struct store *store) {
    uint64_t n = store->pending.n_messages;
    if (store->round_end == 0)
        store->round_end = n - n * ROUND_PERCENT / 100;
    if (n > store->round_end)
        return true;
    store->round_end = 0;
    if (n > 0)
        store->pending.purge = PURGE_WORDS_BEGIN;
    return false;
}

/* Of all users. */
static int oldest_rows(struct connection *writer, unsigned n_max, struct oldest *oldest) {
    sqlite3_stmt *row = connection_get(writer, MESSAGES_OLDEST);
    if (!row)
        return connection_fail(writer, doing);
    bind_number(row, 1, n_max);
    return take_rows(writer, row, n_max, oldest);
}

/*
 * The oldest of one user have no index, which every message would pay for. They are looked for in
 * the order of all messages, a window at a step; the next step goes on from there. New messages
 * come behind all others, so a place that has been passed need not be looked at again.
 */

static struct walk *walk_of(struct store *store, uint32_t uid) {
    for (size_t i = 0; i < STORE_WALKS; i++)
        if (store->walks[i].uid == uid)
            return &store->walks[i];
    struct walk *walk = &store->walks[store->next_walk++ % STORE_WALKS];
    *walk = (struct walk){.uid = uid};
    return walk;
}

static int window_rows(struct connection *writer, const struct walk *walk, unsigned n_max,
                       struct oldest *oldest) {
    sqlite3_stmt *row = connection_get(writer, MESSAGES_OLDEST_OF);
    if (!row)
        return connection_fail(writer, doing);
    bind_number(row, 1, n_max);
    bind_number(row, 2, walk->uid);
    bind_number(row, 3, walk->seq);
    bind_number(row, 4, (uint64_t)n_max * WINDOW_ROWS);
    return take_rows(writer, row, n_max, oldest);
}

/* Behind a window that has nothing of his; *at_end: it is the last one. */
static int pass_window(struct connection *writer, struct walk *walk, unsigned n_max, bool *at_end) {
    sqlite3_stmt *row = connection_get(writer, MESSAGE_AHEAD);
    if (!row)
        return connection_fail(writer, doing);
    bind_number(row, 1, walk->seq);
    bind_number(row, 2, (uint64_t)n_max * WINDOW_ROWS - 1);
    int code = sqlite3_step(row);
    *at_end = code != SQLITE_ROW;
    if (code == SQLITE_ROW)
        walk->seq = column_number(row, 0);
    int r = code == SQLITE_ROW || code == SQLITE_DONE ? 0 : connection_fail(writer, doing);
    sqlite3_reset(row);
    return r;
}

/* *at_end: there is nothing of his, whatever has been counted. */
static int oldest_rows_of(struct store *store, uint32_t uid, unsigned n_max, struct oldest *oldest,
                          bool *at_end) {
    struct walk *walk = walk_of(store, uid);
    int r = window_rows(&store->writer, walk, n_max, oldest);
    return r == 0 && oldest->n == 0 ? pass_window(&store->writer, walk, n_max, at_end) : r;
}

/* Whose messages go first, because of having more than a fair share; *is_one: there is such a one.
 */
static int greedy_user(struct connection *writer, uint32_t *uid, bool *is_one) {
    sqlite3_stmt *row = connection_get(writer, USAGE_GREATEST);
    int r = row && sqlite3_step(row) == SQLITE_ROW ? 0 : connection_fail(writer, doing);
    if (r == 0) {
        double most = sqlite3_column_double(row, 1), all = sqlite3_column_double(row, 3);
        int64_t n_users = sqlite3_column_int64(row, 2);
        double share = n_users > 0 && n_users < FAIR_PARTS ? (double)n_users : FAIR_PARTS;
        *uid = (uint32_t)column_number(row, 0);
        *is_one = n_users > 1 && most * share > all;
    }
    sqlite3_reset(row);
    return r;
}

static int delete_for_room(struct store *store, unsigned n_max, bool *more) {
    struct oldest oldest = {.n = 0};
    uint32_t uid = 0;
    bool is_one = false, at_end = false;
    int r = greedy_user(&store->writer, &uid, &is_one);
    if (r == 0 && is_one)
        r = oldest_rows_of(store, uid, n_max, &oldest, &at_end);
    if (r == 0 && (!is_one || at_end))
        r = oldest_rows(&store->writer, n_max, &oldest);
    if (r == 0)
        r = delete_rows(store, &oldest, oldest.n);
    if (r == 0 && is_one && !at_end && oldest.n > 0)
        walk_of(store, uid)->seq = oldest.rows[oldest.n - 1].seq;
    *more |= oldest.n > 0 || (is_one && !at_end);
    return r;
}

static bool is_dated(const struct store_bounds *bounds, int64_t at_ms) {
    return at_ms >= TIME_DATED_FROM && at_ms <= bounds->now_ms;
}

/* The time of the first message behind these that has one; 0: there is none within reach. */
static int date_behind(struct connection *writer, const struct store_bounds *bounds,
                       const struct oldest *oldest, int64_t *at_ms) {
    sqlite3_stmt *row = connection_get(writer, MESSAGE_DATED);
    if (!row)
        return connection_fail(writer, doing);
    bind_number(row, 1, oldest->rows[oldest->n - 1].seq);
    sqlite3_bind_int64(row, 2, TIME_DATED_FROM);
    sqlite3_bind_int64(row, 3, bounds->now_ms);
    bind_number(row, 4, UNDATED_MAX);
    int code = sqlite3_step(row);
    *at_ms = code == SQLITE_ROW ? sqlite3_column_int64(row, 0) : 0;
    int r = code == SQLITE_ROW || code == SQLITE_DONE ? 0 : connection_fail(writer, doing);
    sqlite3_reset(row);
    return r;
}

/* How many of these are too old: all before the last one that says so, or before one behind. */
static int count_too_old(struct connection *writer, const struct store_bounds *bounds,
                         const struct oldest *oldest, unsigned *n) {
    int64_t behind = 0;
    *n = 0;
    for (unsigned i = 0; i < oldest->n; i++) {
        if (!is_dated(bounds, oldest->rows[i].at_ms))
            continue;
        if (oldest->rows[i].at_ms >= bounds->before_ms)
            return 0;
        *n = i + 1;
    }
    if (*n > 0 || oldest->n == 0)
        return 0;
    int r = date_behind(writer, bounds, oldest, &behind);
    if (r == 0 && behind != 0 && behind < bounds->before_ms)
        *n = oldest->n;
    return r;
}

static int delete_too_old(struct store *store, const struct store_bounds *bounds, unsigned n_max,
                          bool *more) {
    struct oldest oldest;
    unsigned n = 0;
    int r = oldest_rows(&store->writer, n_max, &oldest);
    if (r == 0)
        r = count_too_old(&store->writer, bounds, &oldest, &n);
    if (r == 0)
        r = delete_rows(store, &oldest, n);
    *more |= n > 0 && !oldest.is_all;
    return r;
}

static int shrink_file(struct store *store, const struct sizes *sizes, uint64_t keep_bytes,
                       bool *more) {
    if (keep_bytes == 0 || sizes->file <= keep_bytes || sizes->used == sizes->file)
        return 0;
    *more = true;
    return connection_do(&store->writer, VACUUM, "shrink the file");
}

static int expire_step(struct store *store, const struct store_bounds *bounds, unsigned n_max,
                       bool *more) {
    struct sizes sizes;
    uint64_t keep_bytes = bounds->keep_bytes;
    int r = read_sizes(&store->writer, &sizes);
    if (r != 0)
        return r;
    bool over = keep_bytes > 0 && sizes.used > keep_bytes;
    bool too_much = over && purge_stage(&store->pending) == PURGE_NONE && is_too_much(store);
    if (!over)
        store->round_end = 0;
    if (too_much)
        r = delete_for_room(store, n_max, more);
    else if (bounds->before_ms > 0)
        r = delete_too_old(store, bounds, n_max, more);
    if (r == 0 && over && purge_stage(&store->pending) != PURGE_NONE) {
        r = purge_step(store, n_max);
        *more = true;
    }
    return r == 0 ? shrink_file(store, &sizes, keep_bytes, more) : r;
}

static int expire_in_transaction(struct store *store, const struct store_bounds *bounds,
                                 unsigned n_max, bool *more) {
    int r = transaction_begin(store, false);
    if (r != 0)
        return r;
    struct walk before[STORE_WALKS];
    memcpy(before, store->walks, sizeof before);
    store->deletes = true;
    r = transaction_end(store, expire_step(store, bounds, n_max, more));
    *more &= r == 0;
    if (r != 0) /* what was passed is there again */
        memcpy(store->walks, before, sizeof before);
    return r;
}

int store_expire(struct store *store, const struct store_bounds *bounds, unsigned n_max,
                 bool *more) {
    *more = false;
    int r = expire_in_transaction(store, bounds, limit_step(n_max), more);
    r = store_tell(store, r);
    return r;
}
