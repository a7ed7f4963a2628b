#include "unit/store/shelf.h"

#include <fcntl.h>
#include <ftw.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct shelf shelf;
struct seen seen;

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *where) {
    (void)status, (void)type, (void)where;
    return remove(path);
}

const char *shelf_path(const char *name) {
    static char paths[4][192];
    static unsigned at;
    char *path = paths[at++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", shelf.dir, name);
    return path;
}

static void make_top(void) {
    const char *temporary = getenv("TMPDIR");
    snprintf(shelf.top, sizeof shelf.top, "%.40s/store-XXXXXX", temporary ? temporary : "/tmp");
    cr_assert_not_null(mkdtemp(shelf.top));
    snprintf(shelf.dir, sizeof shelf.dir, "%s/a/b", shelf.top);
}

int shelf_try_open(void) {
    int r = store_open(&shelf.store, shelf.dir, &shelf.info);
    shelf.seq = shelf.info.last_seq;
    return r;
}

void shelf_open(void) {
    int r = shelf_try_open();
    cr_assert_eq(r, 0, "%d: %s", r, shelf.store ? store_error(shelf.store) : "");
    r = store_reader_open(&shelf.reader, shelf.store);
    cr_assert_eq(r, 0, "%d: %s", r, store_reader_error(shelf.reader));
}

void shelf_close(void) {
    store_reader_close(shelf.reader);
    store_close(shelf.store);
    shelf.reader = NULL;
    shelf.store = NULL;
}

void shelf_begin(void) {
    make_top();
    shelf_open();
}

void shelf_end(void) {
    shelf_close();
    if (shelf.top[0])
        nftw(shelf.top, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

void shelf_reopen(void) {
    shelf_close();
    shelf_open();
}

struct uuid id_of(uint64_t seq) {
    struct uuid id = {{0x01, 0x90}};
    for (int i = 0; i < 8; i++)
        id.b[8 + i] = (uint8_t)(seq >> (56 - 8 * i));
    return id;
}

struct record record_of(uint64_t seq, conv_number conv, uint32_t from, const char *text) {
    return (struct record){
        .seq = seq,
        .at_ms = TIME_DATED_FROM + (int64_t)(seq % 1000000) * 1000,
        .id = id_of(seq),
        .link = 0xfedcba9876543210,
        .conv = conv,
        .from = from,
        .to = conv_is_room(conv) ? (uint32_t)-conv : conv_other(conv, from),
        .uid = 1000 + from,
        .kind = 1,
        .flags = 8,
        .text = bytes_of(text),
    };
}

void put(conv_number conv, uint32_t from, const char *text) {
    struct record record = record_of(++shelf.seq, conv, from, text);
    int r = store_put_message(shelf.store, &record, NULL);
    cr_assert_eq(r, 0, "%d: %s", r, store_error(shelf.store));
}

static void commit(void) {
    int r = store_commit(shelf.store);
    cr_assert_eq(r, 0, "%d: %s", r, store_error(shelf.store));
}

uint64_t say(conv_number conv, uint32_t from, const char *text) {
    cr_assert_eq(store_begin(shelf.store), 0);
    put(conv, from, text);
    commit();
    return shelf.seq;
}

void forget(uint32_t handle, conv_number conv, uint64_t upto) {
    cr_assert_eq(store_begin(shelf.store), 0);
    cr_assert_eq(store_put_forgotten(shelf.store, handle, conv, upto), 0);
    commit();
}

void index_all(void) {
    bool more = true;
    while (more) {
        int r = store_index(shelf.store, 100, &more);
        cr_assert_eq(r, 0, "%d: %s", r, store_error(shelf.store));
    }
}

bool is_there(uint64_t seq, uint32_t from) {
    struct record like = record_of(seq, 0, from, "");
    uint64_t at;
    int r = store_find_id(shelf.store, &like, &at);
    cr_assert(r == 0 || r == STORE_OTHER || r == STORE_NOT_FOUND, "%d", r);
    return r != STORE_NOT_FOUND;
}

int expire(int64_t before_ms, uint64_t keep_bytes, unsigned n_max, bool *more) {
    struct store_bounds bounds = {
        .before_ms = before_ms, .now_ms = INT64_MAX, .keep_bytes = keep_bytes};
    if (before_ms > 0 && before_ms < INT64_MAX)
        bounds.before_ms += TIME_DATED_FROM;
    return store_expire(shelf.store, &bounds, n_max, more);
}

int see(void *arg, const struct record *record) {
    (void)arg;
    cr_assert_lt(seen.n, SHELF_SEEN_MAX);
    struct uuid id = id_of(record->seq);
    cr_assert(uuid_equal(&record->id, &id));
    seen.seqs[seen.n] = record->seq;
    snprintf(seen.texts[seen.n++], sizeof seen.texts[0], "%.*s", (int)record->text.n,
             record->text.data);
    return seen.end_after > 0 && seen.n >= seen.end_after ? seen.end_with : 0;
}

struct store_view view_of(uint32_t handle, const struct store_source *rooms, size_t n_rooms) {
    return (struct store_view){
        .handle = handle, .direct = true, .rooms = rooms, .n_rooms = n_rooms};
}

void expect_seen(const char *texts) {
    char all[SHELF_SEEN_MAX] = "";
    size_t n = 0;
    for (unsigned i = 0; i < seen.n; i++)
        n += (size_t)snprintf(all + n, sizeof all - n, "%s%s", i > 0 ? "|" : "", seen.texts[i]);
    seen = (struct seen){0};
    cr_assert_str_eq(all, texts);
}

void search(const struct store_view *view, const char *words) {
    struct store_query query = {.words = bytes_of(words), .n_max = 50};
    seen = (struct seen){0};
    int r = store_search(shelf.reader, view, &query, see, NULL);
    cr_assert_eq(r, 0, "%d: %s", r, store_reader_error(shelf.reader));
}

struct shelf_file shelf_read_file(const char *path) {
    struct stat status;
    int fd = open(path, O_RDONLY);
    cr_assert_geq(fd, 0, "%s", path);
    cr_assert_eq(fstat(fd, &status), 0);
    struct shelf_file file = {calloc(1, (size_t)status.st_size + 1), (size_t)status.st_size};
    cr_assert_eq(read(fd, file.data, file.n), (ssize_t)file.n);
    close(fd);
    return file;
}

void shelf_run_sql(const char *sql) {
    sqlite3 *db;
    char *error = NULL;
    cr_assert_eq(sqlite3_open(shelf_path("earshot.db"), &db), SQLITE_OK);
    cr_assert_eq(sqlite3_exec(db, sql, NULL, NULL, &error), SQLITE_OK, "%s", error);
    sqlite3_close(db);
}

int64_t shelf_query_number(const char *sql) {
    sqlite3 *db;
    sqlite3_stmt *row;
    cr_assert_eq(sqlite3_open(shelf_path("earshot.db"), &db), SQLITE_OK);
    cr_assert_eq(sqlite3_prepare_v2(db, sql, -1, &row, NULL), SQLITE_OK);
    cr_assert_eq(sqlite3_step(row), SQLITE_ROW);
    int64_t number = sqlite3_column_int64(row, 0);
    sqlite3_finalize(row);
    sqlite3_close(db);
    return number;
}
