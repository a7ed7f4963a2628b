/* Reading by sequence number: what comes next in a view, and pages of its past. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store/inside.h"
#include "store/merge.h"

static const char doing[] = "read messages";

static int is_to_end(void *arg) {
    return reader_is_cut(arg);
}

static int open_connection(struct store_reader *reader) {
    struct connection *connection = &reader->connection;
    int r = connection_open_reader(connection, reader->store->place.path);
    if (r == 0)
        sqlite3_progress_handler(connection->db, STORE_PROGRESS, is_to_end, reader);
    return r;
}

int store_reader_open(struct store_reader **reader, struct store *store) {
    struct store_reader *new = *reader = calloc(1, sizeof *new);
    if (!new)
        return -ENOMEM;
    new->store = store;
    new->generation = store->generation;
    return open_connection(new);
}

unsigned store_reader_passed_over(const struct store_reader *reader) {
    return reader->connection.n_passed_over;
}

bool reader_is_cut(const struct store_reader *reader) {
    return reader->store->stopping || (reader->cut && reader->cut(reader->cut_arg));
}

void store_reader_set_cut(struct store_reader *reader, store_cut *cut, void *arg) {
    reader->cut = cut;
    reader->cut_arg = arg;
}

/* Before each reading: a database that was made again is another file. */
int reader_refresh(struct store_reader *reader) {
    unsigned generation = reader->store->generation;
    if (reader->generation == generation && reader->connection.db)
        return 0;
    connection_close(&reader->connection);
    reader->generation = generation;
    int r = open_connection(reader);
    if (r != 0) /* tried again the next time */
        connection_close(&reader->connection);
    return r;
}

void store_reader_close(struct store_reader *reader) {
    if (reader) {
        connection_close(&reader->connection);
        fresh_close(&reader->fresh);
    }
    free(reader);
}

const char *store_reader_error(const struct store_reader *reader) {
    return reader->connection.error;
}

static bool take_uuid(sqlite3_stmt *row, int at, struct uuid *id) {
    if (sqlite3_column_bytes(row, at) != sizeof id->b)
        return false;
    memcpy(id->b, sqlite3_column_blob(row, at), sizeof id->b);
    return true;
}

static bool take_uuid_or_none(sqlite3_stmt *row, int at, struct uuid *id) {
    return sqlite3_column_type(row, at) == SQLITE_NULL || take_uuid(row, at, id);
}

/* Who got it follows from the conversation. */
static uint32_t recipient_of(conv_number conv, uint32_t from) {
    return conv_is_room(conv) ? (uint32_t)-conv : conv_other(conv, from);
}

int message_take(struct connection *connection, sqlite3_stmt *row, struct record *record) {
    *record = (struct record){
        .seq = column_number(row, 0),
        .conv = sqlite3_column_int64(row, 2),
        .at_ms = sqlite3_column_int64(row, 3),
        .from = (uint32_t)column_number(row, 4),
        .uid = (uint32_t)column_number(row, 5),
        .kind = (uint8_t)column_number(row, 6),
        .flags = (uint8_t)column_number(row, 7),
        .link = (uint64_t)sqlite3_column_int64(row, 8),
        .text = column_text(row, 10),
        .n = (uint16_t)column_number(row, 12),
        .reactions = column_text(row, 13),
    };
    record->to = recipient_of(record->conv, record->from);
    if (take_uuid(row, 1, &record->id) && take_uuid_or_none(row, 9, &record->reply_to) &&
        take_uuid_or_none(row, 11, &record->thread))
        return 0;
    if (sqlite3_errcode(sqlite3_db_handle(row)) == SQLITE_NOMEM)
        return connection_fail(connection, doing);
    connection->n_passed_over++;
    return STORE_NOT_FOUND;
}

int message_find(struct connection *connection, const struct record *like, uint64_t *seq) {
    struct record found;
    sqlite3_stmt *find = connection_get(connection, ID_FIND);
    if (!find)
        return connection_fail(connection, doing);
    bind_number(find, 1, like->uid);
    sqlite3_bind_blob(find, 2, like->id.b, sizeof like->id.b, SQLITE_STATIC);
    int code = sqlite3_step(find), r = STORE_NOT_FOUND;
    if (code == SQLITE_ROW) {
        r = message_take(connection, find, &found);
        *seq = found.seq;
        if (r >= 0)
            r = r == 0 && record_is_same(&found, like) ? 0 : STORE_OTHER;
    } else if (code != SQLITE_DONE) {
        r = connection_fail(connection, "find a message");
    }
    sqlite3_reset(find);
    return r;
}

/* They outlive the row. */
static int keep_reactions(struct record *record) {
    struct bytes found = record->reactions;
    record->reactions = (struct bytes){0};
    char *copy = found.n > 0 ? malloc(found.n) : NULL;
    if (found.n == 0)
        return 0;
    if (!copy)
        return -ENOMEM;
    memcpy(copy, found.data, found.n);
    record->reactions = (struct bytes){copy, found.n};
    return 0;
}

int message_find_target(struct connection *connection, struct record *record) {
    uint32_t uid = record->uid;
    struct uuid id = record->id;
    sqlite3_stmt *find = connection_get(connection, ID_FIND);
    if (!find)
        return connection_fail(connection, doing);
    bind_number(find, 1, uid);
    sqlite3_bind_blob(find, 2, id.b, sizeof id.b, SQLITE_STATIC);
    int code = sqlite3_step(find), r = STORE_NOT_FOUND;
    if (code == SQLITE_ROW)
        r = message_take(connection, find, record);
    else if (code != SQLITE_DONE)
        r = connection_fail(connection, "find a message");
    record->text = (struct bytes){0};
    if (r == 0)
        r = keep_reactions(record);
    else
        record->reactions = (struct bytes){0};
    sqlite3_reset(find);
    return r;
}

int reading_begin(struct store_reader *reader, struct store_state *state) {
    struct connection *connection = &reader->connection;
    log_reading_begins(reader->store);
    reader->is_reading = true;
    int r = connection_do(connection, BEGIN_READING, doing);
    return r == 0 ? state_read(connection, state) : r;
}

static int transaction_close(struct connection *connection, int outcome) {
    if (!connection->db || sqlite3_get_autocommit(connection->db))
        return outcome;
    sqlite3_stmt *end = connection_get(connection, COMMIT);
    if (end) {
        sqlite3_step(end);
        sqlite3_reset(end);
    } else {
        sqlite3_exec(connection->db, "ROLLBACK", NULL, NULL, NULL);
    }
    return outcome;
}

int reading_end(struct store_reader *reader, int outcome) {
    int r = transaction_close(&reader->connection, outcome);
    if (reader->is_reading)
        log_reading_ends(reader->store);
    reader->is_reading = false;
    return r;
}

int pair_forgotten(struct connection *connection, uint32_t handle, conv_number conv,
                   uint64_t *upto) {
    sqlite3_stmt *row = connection_get(connection, PAIR_FORGOTTEN);
    if (!row)
        return connection_fail(connection, doing);
    bind_number(row, 1, handle);
    sqlite3_bind_int64(row, 2, conv);
    int code = sqlite3_step(row);
    *upto = code == SQLITE_ROW ? column_number(row, 0) : 0;
    int r = code == SQLITE_ROW || code == SQLITE_DONE ? 0 : connection_fail(connection, doing);
    sqlite3_reset(row);
    return r;
}

/* Counts down what is still wanted. */
struct reading {
    struct connection *connection;
    bool is_page; /* of the past, without the messages that only mend others */
    unsigned n_left;
    uint64_t upto;
    store_visit *visit;
    void *arg;
};

static int visit_row(struct reading *reading, sqlite3_stmt *row) {
    struct record record;
    int r = message_take(reading->connection, row, &record);
    if (r == STORE_NOT_FOUND)
        reading->upto = record.seq;
    if (r != 0)
        return r == STORE_NOT_FOUND ? 0 : r;
    reading->upto = record.seq - 1;
    if (!reading->is_page && (r = mend_look(reading->connection, &record)) != 0)
        return r;
    r = reading->visit(reading->arg, &record);
    if (r != 0)
        return r;
    reading->upto = record.seq;
    reading->n_left--;
    return 0;
}

static int read_run(struct reading *reading, const struct merge_run *run) {
    sqlite3_stmt *row = connection_get(reading->connection, reading->is_page ? PAGE_UP : RUN_UP);
    if (!row)
        return connection_fail(reading->connection, doing);
    sqlite3_bind_int64(row, 1, run->source->conv);
    bind_number(row, 2, run->after);
    bind_number(row, 3, run->before);
    bind_number(row, 4, reading->n_left);
    int r = 0, code = SQLITE_DONE;
    while (r == 0 && (code = sqlite3_step(row)) == SQLITE_ROW)
        r = visit_row(reading, row);
    if (r == 0 && code != SQLITE_DONE)
        r = connection_fail(reading->connection, doing);
    sqlite3_reset(row);
    return r;
}

static int read_up(struct reading *reading, const struct store_view *view,
                   const struct merge_range *range, uint64_t last_seq) {
    struct merge merge;
    struct merge_run run;
    int r = merge_open(&merge, reading->connection, view, range);
    while (r == 0 && reading->n_left > 0 && merge_next(&merge, &run)) {
        r = read_run(reading, &run);
        if (r == 0 && reading->n_left > 0)
            r = merge_passed(&merge, &run);
    }
    if (r == 0 && reading->n_left > 0)
        reading->upto = last_seq;
    merge_close(&merge);
    return r;
}

int store_read(struct store_reader *reader, const struct store_view *view, unsigned n_max,
               uint64_t *upto, store_visit *visit, void *arg) {
    struct connection *connection = &reader->connection;
    struct reading reading = {connection, false, n_max, 0, visit, arg};
    struct merge_range range = {.before = UINT64_MAX};
    struct store_state state;
    int r = reader_refresh(reader);
    if (r == 0)
        r = reading_begin(reader, &state);
    if (r == 0)
        r = read_up(&reading, view, &range, state.last_seq);
    *upto = reading.upto;
    return reading_end(reader, r);
}

/* The numbers of the newest messages of a page, the newest first. */
struct message_numbers {
    uint64_t *seqs;
    size_t n, size;
};

static int add_number(struct message_numbers *numbers, uint64_t seq) {
    if (numbers->n == numbers->size) {
        size_t size = numbers->size > 0 ? 2 * numbers->size : 64;
        uint64_t *seqs = reallocarray(numbers->seqs, size, sizeof *seqs);
        if (!seqs)
            return -ENOMEM;
        numbers->seqs = seqs;
        numbers->size = size;
    }
    numbers->seqs[numbers->n++] = seq;
    return 0;
}

static int number_run(struct connection *connection, const struct merge_run *run, size_t n_max,
                      struct message_numbers *numbers) {
    sqlite3_stmt *row = connection_get(connection, RUN_DOWN);
    if (!row)
        return connection_fail(connection, doing);
    sqlite3_bind_int64(row, 1, run->source->conv);
    bind_number(row, 2, run->after);
    bind_number(row, 3, run->before);
    bind_number(row, 4, n_max - numbers->n);
    int r = 0, code = SQLITE_DONE;
    while (r == 0 && (code = sqlite3_step(row)) == SQLITE_ROW)
        r = add_number(numbers, column_number(row, 0));
    if (r == 0 && code != SQLITE_DONE)
        r = connection_fail(connection, doing);
    sqlite3_reset(row);
    return r;
}

static int number_down(struct connection *connection, const struct store_view *view,
                       const struct merge_range *range, size_t n_max,
                       struct message_numbers *numbers) {
    struct merge merge;
    struct merge_run run;
    int r = merge_open(&merge, connection, view, range);
    while (r == 0 && numbers->n < n_max && merge_next(&merge, &run)) {
        r = number_run(connection, &run, n_max, numbers);
        if (r == 0)
            r = merge_passed(&merge, &run);
    }
    merge_close(&merge);
    return r;
}

static int visit_number(struct reading *reading, uint64_t seq) {
    sqlite3_stmt *row = connection_get(reading->connection, MESSAGE_GET);
    if (!row)
        return connection_fail(reading->connection, doing);
    bind_number(row, 1, seq);
    int r = sqlite3_step(row) == SQLITE_ROW ? visit_row(reading, row)
                                            : connection_fail(reading->connection, doing);
    sqlite3_reset(row);
    return r;
}

static int read_down(struct reading *reading, const struct store_view *view,
                     const struct merge_range *range) {
    struct message_numbers numbers = {0};
    int r = number_down(reading->connection, view, range, reading->n_left, &numbers);
    while (r == 0 && numbers.n > 0)
        r = visit_number(reading, numbers.seqs[--numbers.n]);
    free(numbers.seqs);
    return r;
}

int store_history(struct store_reader *reader, const struct store_view *view,
                  const struct store_page *page, store_visit *visit, void *arg) {
    struct connection *connection = &reader->connection;
    struct reading reading = {connection, true, page->n_max, 0, visit, arg};
    struct merge_range range = {
        .conv = page->conv,
        .down = page->after == 0,
        .after = page->after,
        .before = page->before > 0 ? page->before : UINT64_MAX,
    };
    struct store_state state;
    int r = reader_refresh(reader);
    if (r == 0)
        r = reading_begin(reader, &state);
    if (r == 0 && range.down)
        r = read_down(&reading, view, &range);
    else if (r == 0)
        r = read_up(&reading, view, &range, state.last_seq);
    return reading_end(reader, r);
}

static int compare_sources(const void *a, const void *b) {
    conv_number left = ((const struct store_source *)a)->conv;
    conv_number right = ((const struct store_source *)b)->conv;
    return left < right ? -1 : left > right;
}

/* The newest messages of one conversation, down to where it was read. */
static int scan_unread(struct reading *reading, const struct merge_source *source, uint64_t floor,
                       unsigned n_max) {
    sqlite3_stmt *row = connection_get(reading->connection, SCAN_DOWN);
    if (!row)
        return connection_fail(reading->connection, doing);
    sqlite3_bind_int64(row, 1, source->conv);
    bind_number(row, 2, floor > source->floor ? floor : source->floor);
    sqlite3_bind_int64(row, 3, INT64_MAX);
    reading->n_left = n_max;
    int r = 0, code = SQLITE_DONE;
    while (r == 0 && reading->n_left > 0 && (code = sqlite3_step(row)) == SQLITE_ROW)
        r = visit_row(reading, row);
    if (r == 0 && reading->n_left > 0 && code != SQLITE_DONE)
        r = connection_fail(reading->connection, doing);
    sqlite3_reset(row);
    return r;
}

static int compare_merge_sources(const void *a, const void *b) {
    conv_number left = ((const struct merge_source *)a)->conv;
    conv_number right = ((const struct merge_source *)b)->conv;
    return left < right ? -1 : left > right;
}

static uint64_t mark_after(const struct store_marked *marked, conv_number conv) {
    struct store_source key = {.conv = conv};
    const struct store_source *mark =
        marked->n_marks > 0
            ? bsearch(&key, marked->marks, marked->n_marks, sizeof key, compare_sources)
            : NULL;
    return mark ? mark->after : 0;
}

static int scan_all_unread(struct reading *reading, const struct merge *merge,
                           const struct store_marked *marked, conv_number *next) {
    unsigned n_left = marked->n_step;
    for (size_t i = 0; i < merge->n; i++) {
        const struct merge_source *source = &merge->sources[i];
        if (source->conv < *next)
            continue;
        *next = source->conv;
        if (n_left == 0)
            return 0;
        int r = scan_unread(reading, source, mark_after(marked, source->conv), marked->n_max);
        if (r != 0)
            return r;
        unsigned n = marked->n_max - reading->n_left;
        n_left -= n < n_left ? n : n_left;
    }
    *next = STORE_UNREAD_END;
    return 0;
}

int store_unread(struct store_reader *reader, const struct store_view *view,
                 const struct store_marked *marked, conv_number *next, store_visit *visit,
                 void *arg) {
    struct connection *connection = &reader->connection;
    struct reading reading = {connection, true, marked->n_max, 0, visit, arg};
    struct merge_range range = {.conv = marked->conv, .before = UINT64_MAX};
    struct store_state state;
    struct merge merge = {0};
    int r = reader_refresh(reader);
    if (r == 0)
        r = reading_begin(reader, &state);
    if (r == 0)
        r = merge_open(&merge, connection, view, &range);
    if (r == 0 && merge.n > 0)
        qsort(merge.sources, merge.n, sizeof *merge.sources, compare_merge_sources);
    if (r == 0)
        r = scan_all_unread(&reading, &merge, marked, next);
    merge_close(&merge);
    return reading_end(reader, r);
}

int store_usage(struct store_reader *reader, store_usage_visit *visit, void *arg) {
    struct connection *connection = &reader->connection;
    int r = reader_refresh(reader), code = SQLITE_DONE;
    sqlite3_stmt *row = r == 0 ? connection_get(connection, USAGES) : NULL;
    while (row && r == 0 && (code = sqlite3_step(row)) == SQLITE_ROW)
        r = visit(arg, &(struct store_usage){.uid = (uint32_t)column_number(row, 0),
                                             .n_messages = column_number(row, 1),
                                             .n_bytes = column_number(row, 2)});
    if (r == 0 && (!row || code != SQLITE_DONE))
        r = connection_fail(connection, "read what each user has stored");
    sqlite3_reset(row);
    return r;
}

/* Finding by id, which only uid and id together have an index for. */

static bool view_has_room(const struct store_view *view, conv_number conv, uint64_t seq) {
    for (size_t i = 0; i < view->n_rooms; i++)
        if (view->rooms[i].conv == conv)
            return seq > view->rooms[i].after;
    return false;
}

/* Whether the view shows this message of the conversation. */
static int view_shows(struct connection *connection, const struct store_view *view,
                      conv_number conv, uint64_t seq, bool *shows) {
    uint64_t forgotten = 0;
    *shows = conv_is_room(conv)
                 ? view_has_room(view, conv, seq)
                 : view->direct && conv_has(conv, view->handle) && seq > view->direct_after;
    if (!*shows || conv_is_room(conv))
        return 0;
    int r = pair_forgotten(connection, view->handle, conv, &forgotten);
    *shows = seq > forgotten;
    return r;
}

struct finding {
    const struct store_view *view;
    const struct store_find *find;
    struct message_numbers numbers;
};

/* What the statement finds, as far as it is wanted. */
static int find_numbers(struct connection *connection, struct finding *finding,
                        enum statement which) {
    const struct store_find *find = finding->find;
    sqlite3_stmt *row = connection_get(connection, which);
    if (!row)
        return connection_fail(connection, doing);
    sqlite3_bind_blob(row, 1, find->id.b, sizeof find->id.b, SQLITE_STATIC);
    sqlite3_bind_int64(row, 2, find->before > 0 ? (int64_t)find->before : INT64_MAX);
    int r = 0, code = SQLITE_DONE;
    for (unsigned n = 0; r == 0 && n < find->n_max && (code = sqlite3_step(row)) == SQLITE_ROW;) {
        conv_number conv = sqlite3_column_int64(row, 1);
        bool shows = false;
        if (find->conv == 0 || conv == find->conv)
            r = view_shows(connection, finding->view, conv, column_number(row, 0), &shows);
        if (r == 0 && shows)
            r = add_number(&finding->numbers, column_number(row, 0));
        n += shows;
    }
    if (r == 0 && code != SQLITE_DONE && code != SQLITE_ROW)
        r = connection_fail(connection, doing);
    sqlite3_reset(row);
    return r;
}

static int compare_numbers(const void *a, const void *b) {
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return left < right ? -1 : left > right;
}

/* Somebody may give a reply the id that its thread has: it is found twice. */
static int visit_found(struct reading *reading, struct message_numbers *numbers) {
    size_t n = numbers->n, first = n > reading->n_left ? n - reading->n_left : 0;
    int r = 0;
    if (n > 0)
        qsort(numbers->seqs, n, sizeof *numbers->seqs, compare_numbers);
    for (size_t i = first; r == 0 && i < n; i++)
        if (i == first || numbers->seqs[i] != numbers->seqs[i - 1])
            r = visit_number(reading, numbers->seqs[i]);
    return r;
}

int store_find(struct store_reader *reader, const struct store_view *view,
               const struct store_find *find, store_visit *visit, void *arg) {
    struct connection *connection = &reader->connection;
    struct reading reading = {connection, true, find->n_max, 0, visit, arg};
    struct finding finding = {.view = view, .find = find};
    struct store_state state;
    int r = reader_refresh(reader);
    if (r == 0)
        r = reading_begin(reader, &state);
    if (r == 0)
        r = find_numbers(connection, &finding, IDS_FIND);
    if (r == 0 && find->is_thread)
        r = find_numbers(connection, &finding, THREAD_FIND);
    if (r == 0)
        r = visit_found(&reading, &finding.numbers);
    free(finding.numbers.seqs);
    return reading_end(reader, r);
}

static int pick_one(struct reading *reading, const struct store_view *view,
                    struct store_pick *pick) {
    struct connection *connection = reading->connection;
    struct record record = {0};
    bool shows = false;
    sqlite3_stmt *row = connection_get(connection, MESSAGE_GET);
    if (!row)
        return connection_fail(connection, doing);
    bind_number(row, 1, pick->seq);
    int code = sqlite3_step(row), r = 0;
    if (code == SQLITE_ROW)
        r = message_take(connection, row, &record);
    else if (code != SQLITE_DONE)
        r = connection_fail(connection, doing);
    pick->is_gone = r == STORE_NOT_FOUND || (r == 0 && code == SQLITE_DONE) ||
                    (r == 0 && (record.flags & RECORD_REMOVED));
    if (r == 0 && !pick->is_gone)
        r = view_shows(connection, view, record.conv, record.seq, &shows);
    if (r == 0 && shows) {
        r = reading->visit(reading->arg, &record);
        reading->n_left--;
    }
    sqlite3_reset(row);
    return r == STORE_NOT_FOUND ? 0 : r;
}

int store_pick(struct store_reader *reader, const struct store_view *view,
               const struct store_picking *picking, store_visit *visit, void *arg) {
    struct reading reading = {&reader->connection, true, picking->n_max, 0, visit, arg};
    struct store_state state;
    int r = reader_refresh(reader);
    if (r == 0)
        r = reading_begin(reader, &state);
    for (size_t i = 0; r == 0 && i < picking->n && reading.n_left > 0; i++)
        if (picking->before == 0 || picking->picks[i].seq < picking->before)
            r = pick_one(&reading, view, &picking->picks[i]);
    return reading_end(reader, r);
}

int reply_last(struct connection *connection, conv_number conv, uint16_t *n) {
    sqlite3_stmt *row = connection_get(connection, REPLY_LAST);
    *n = 0;
    if (!row)
        return connection_fail(connection, doing);
    sqlite3_bind_int64(row, 1, conv);
    int code = sqlite3_step(row);
    if (code == SQLITE_ROW)
        *n = (uint16_t)column_number(row, 0);
    int r = code == SQLITE_ROW || code == SQLITE_DONE ? 0 : connection_fail(connection, doing);
    sqlite3_reset(row);
    return r;
}
