/* The store beside bare SQLite: inserts, searches over a million messages, and opening them. */
#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/bare_store.h"
#include "bench/crew.h"
#include "store/store.h"

#define PER_COMMIT 512
#define N_SEARCHES 200
#define N_NEWEST 50
#define TRIES_MAX 1000 /* two words are not often in one message */

/* Inserts. */

enum { INSERT_BARE, INSERT_STORE };

static int fail_store(struct bench *bench, const struct store *store, int r) {
    return r < 0 ? r : bench_fail(bench, "%s", store ? store_error(store) : "out of memory");
}

static int insert_messages(struct store *store, struct chatter *chatter, unsigned n_messages,
                           unsigned n_per_commit) {
    struct record record;
    int r = 0;
    for (unsigned i = 0; r == 0 && i < n_messages; i++) {
        if (i % n_per_commit == 0)
            r = store_begin(store);
        chatter_next(chatter, &record);
        if (r == 0)
            r = store_put_message(store, &record, NULL);
        if (r == 0 && (i % n_per_commit == n_per_commit - 1 || i == n_messages - 1))
            r = store_commit(store);
    }
    return r;
}

static int store_inserts(struct bench *bench, unsigned n_messages, double *per_second) {
    char dir[PATH_MAX];
    struct store *store = NULL;
    struct store_info info;
    struct chatter chatter = {0};
    int r = bench_dir_make(bench, dir);
    if (r != 0)
        return r;
    r = store_open(&store, dir, &info);
    mono_time start = mono_now();
    if (r == 0)
        r = insert_messages(store, &chatter, n_messages, PER_COMMIT);
    *per_second = n_messages * 1e9 / (double)(mono_now().ns - start.ns);
    if (r != 0)
        r = fail_store(bench, store, r);
    store_close(store);
    bench_dir_remove(dir);
    return r;
}

static int measure_inserts(struct bench *bench, const struct scenario *scenario, void *state,
                           unsigned side, double *value) {
    (void)scenario, (void)state;
    unsigned n_messages = bench->options.quick ? 20 * PER_COMMIT : 200 * PER_COMMIT;
    return side == INSERT_BARE
               ? bare_store_inserts(bench, chatter_next, n_messages, PER_COMMIT, value)
               : store_inserts(bench, n_messages, value);
}

static int setup_inserts(struct bench *bench, const struct scenario *scenario, unsigned sides,
                         void **state) {
    (void)bench, (void)scenario, (void)sides, (void)state;
    return 0;
}

static void teardown_inserts(void *state) {
    (void)state;
}

/* Searching and opening. */

enum { BARE_1, STORE_1, BARE_2, STORE_2, OPEN };

struct archive {
    char dir[PATH_MAX];
    struct store *store;
    struct store_reader *reader;
    struct chatter chatter;
    struct archive_search {
        char words[64];
        unsigned n;            /* messages that have them, at most N_NEWEST */
    } searches[2][N_SEARCHES]; /* for one word, for two */
    sqlite3 *db;
    sqlite3_stmt *find;
};

static int open_archive(struct bench *bench, struct archive *archive) {
    struct store_info info;
    int r = store_open(&archive->store, archive->dir, &info);
    if (r == 0)
        r = store_reader_open(&archive->reader, archive->store);
    return r == 0 ? 0 : fail_store(bench, archive->store, r);
}

static void close_archive(struct archive *archive) {
    store_reader_close(archive->reader);
    store_close(archive->store);
    archive->reader = NULL;
    archive->store = NULL;
}

static int open_bare(struct bench *bench, struct archive *archive) {
    static const char find[] =
        "SELECT seq, id, conv, at_ms, sender, uid, kind, flags, link, reply_to, message.text"
        " FROM words JOIN message ON seq = words.rowid WHERE words MATCH ?"
        " ORDER BY words.rowid DESC LIMIT ?";
    char path[PATH_MAX + 16];
    snprintf(path, sizeof path, "%s/earshot.db", archive->dir);
    if (sqlite3_open(path, &archive->db) != SQLITE_OK ||
        sqlite3_exec(archive->db, "PRAGMA cache_size = -4000", NULL, NULL, NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(archive->db, find, -1, &archive->find, NULL) != SQLITE_OK)
        return bench_fail(bench, "bare SQLite: %s", sqlite3_errmsg(archive->db));
    return 0;
}

static void close_bare(struct archive *archive) {
    sqlite3_finalize(archive->find);
    sqlite3_close(archive->db);
    archive->find = NULL;
    archive->db = NULL;
}

static void make_query(struct archive *archive, unsigned n_words, char *text, size_t size) {
    char word[24];
    size_t n = 0;
    for (unsigned i = 0; i < n_words; i++) {
        chatter_word(word, sizeof word, chatter_rank(&archive->chatter));
        n += (size_t)snprintf(text + n, size - n, i > 0 ? " %s" : "%s", word);
    }
}

static int search_bare(struct bench *bench, struct archive *archive, const char *words,
                       unsigned *n_found) {
    int code;
    sqlite3_bind_text(archive->find, 1, words, -1, SQLITE_STATIC);
    sqlite3_bind_int(archive->find, 2, N_NEWEST);
    for (*n_found = 0; (code = sqlite3_step(archive->find)) == SQLITE_ROW; ++*n_found)
        if (!sqlite3_column_text(archive->find, 10))
            break;
    sqlite3_reset(archive->find);
    return code == SQLITE_DONE ? 0
                               : bench_fail(bench, "bare SQLite: %s", sqlite3_errmsg(archive->db));
}

static int count(void *arg, const struct record *record) {
    *(unsigned *)arg += record->text.n > 0;
    return 0;
}

static int search_store(struct bench *bench, struct archive *archive, const char *words,
                        unsigned *n_found) {
    struct store_source rooms[CHATTER_CONVERSATIONS / 2];
    for (unsigned i = 0; i < ARRAY_LEN(rooms); i++)
        rooms[i] = (struct store_source){chatter_conv(2 * i + 1), 0};
    struct store_view view = {
        .handle = 1, .direct = true, .rooms = rooms, .n_rooms = ARRAY_LEN(rooms)};
    struct store_query query = {.words = bytes_of(words), .n_max = N_NEWEST};
    *n_found = 0;
    int r = store_search(archive->reader, &view, &query, count, n_found);
    return r <= 0 ? r : bench_fail(bench, "%s", store_reader_error(archive->reader));
}

static int compare_time(const void *a, const void *b) {
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* Words that somebody has said, as random as they were said. */
static int choose_searches(struct bench *bench, struct archive *archive) {
    int r = 0;
    for (unsigned i = 0; r == 0 && i < 2 * N_SEARCHES; i++) {
        struct archive_search *search = &archive->searches[i % 2][i / 2];
        for (unsigned tries = 0; r == 0 && search->n == 0; tries++) {
            if (tries == TRIES_MAX)
                return bench_fail(bench, "nothing is found of what was said");
            make_query(archive, 1 + i % 2, search->words, sizeof search->words);
            r = search_bare(bench, archive, search->words, &search->n);
        }
    }
    return r;
}

/* The p95 of many searches, the same ones in each round. Both sides must find as many. */
static int measure_search(struct bench *bench, struct archive *archive, unsigned side,
                          double *p95_ms) {
    double times[N_SEARCHES];
    bool bare = side == BARE_1 || side == BARE_2;
    int r = 0;
    for (unsigned i = 0; r == 0 && i < N_SEARCHES; i++) {
        const struct archive_search *search = &archive->searches[side > STORE_1][i];
        unsigned n_found = 0;
        mono_time start = mono_now();
        r = bare ? search_bare(bench, archive, search->words, &n_found)
                 : search_store(bench, archive, search->words, &n_found);
        times[i] = (double)(mono_now().ns - start.ns) / 1e6;
        if (r == 0 && n_found != search->n)
            r = bench_fail(bench, "\"%s\": found %u instead of %u", search->words, n_found,
                           search->n);
    }
    if (r != 0)
        return r;
    qsort(times, N_SEARCHES, sizeof *times, compare_time);
    *p95_ms = times[N_SEARCHES * 95 / 100];
    return 0;
}

static int measure_open(struct bench *bench, struct archive *archive, double *ms) {
    close_archive(archive);
    mono_time start = mono_now();
    int r = open_archive(bench, archive);
    *ms = (double)(mono_now().ns - start.ns) / 1e6;
    return r;
}

static int measure_archive(struct bench *bench, const struct scenario *scenario, void *state,
                           unsigned side, double *value) {
    (void)scenario;
    struct archive *archive = state;
    if (side != OPEN)
        return measure_search(bench, archive, side, value);
    close_bare(archive);
    int r = measure_open(bench, archive, value);
    return r == 0 ? open_bare(bench, archive) : r;
}

static int fill_archive(struct bench *bench, struct archive *archive) {
    unsigned n_messages = bench->options.quick ? 50000 : 1000000;
    int r = insert_messages(archive->store, &archive->chatter, n_messages, 8 * PER_COMMIT);
    bool more = true;
    while (r == 0 && more && !interrupt_came())
        r = store_index(archive->store, PER_COMMIT, &more);
    if (r != 0)
        return fail_store(bench, archive->store, r);
    return interrupt_came() ? -EINTR : 0;
}

static int setup_archive(struct bench *bench, const struct scenario *scenario, unsigned sides,
                         void **state) {
    (void)scenario, (void)sides;
    struct archive *archive = *state = calloc(1, sizeof *archive);
    if (!archive)
        return -ENOMEM;
    int r = bench_dir_make(bench, archive->dir);
    if (r == 0)
        r = open_archive(bench, archive);
    if (r == 0)
        r = fill_archive(bench, archive);
    if (r == 0)
        r = open_bare(bench, archive);
    return r == 0 ? choose_searches(bench, archive) : r;
}

static void teardown_archive(void *state) {
    struct archive *archive = state;
    if (!archive)
        return;
    close_bare(archive);
    close_archive(archive);
    bench_dir_remove(archive->dir);
    free(archive);
}

static const struct row insert_rows[] = {
    {"store-insert",
     "messages stored, 512 per commit",
     INSERT_STORE,
     INSERT_BARE,
     {.has_ratio = true, .ratio = 0.9}},
};

static const struct row archive_rows[] = {
    {"store-search-1",
     "search for one word, newest 50 (p95)",
     STORE_1,
     BARE_1,
     {.has_ratio = true, .ratio = 2}},
    {"store-search-2",
     "search for two words, newest 50 (p95)",
     STORE_2,
     BARE_2,
     {.has_ratio = true, .ratio = 2}},
    {"store-open",
     "open a store of 1,000,000 messages",
     OPEN,
     NO_REFERENCE,
     {.has_value = true, .value = 30}},
};

static const struct scenario scenarios[] = {
    {.unit = "msgs/s",
     .more_is_better = true,
     .sides = {"bare SQLite", "store"},
     .rows = insert_rows,
     .n_rows = ARRAY_LEN(insert_rows),
     .setup = setup_inserts,
     .measure = measure_inserts,
     .teardown = teardown_inserts},
    {.unit = "ms",
     .sides = {"bare SQLite", "store", "bare SQLite", "store", "store"},
     .rows = archive_rows,
     .n_rows = ARRAY_LEN(archive_rows),
     .setup = setup_archive,
     .measure = measure_archive,
     .teardown = teardown_archive},
};

const struct scenario_list row_store = {scenarios, ARRAY_LEN(scenarios)};
