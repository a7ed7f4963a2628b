#include "bench/bare_store.h"

#include <ftw.h>
#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Chatter. */

static uint64_t next_random(struct chatter *chatter) {
    uint64_t x = chatter->state + UINT64_C(0x9e3779b97f4a7c15); /* splitmix64, by S. Vigna */
    chatter->state = x;
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

void chatter_word(char *word, size_t size, unsigned rank) {
    static const char *const syllables[] = {"ba", "ke",  "di", "mo", "nu", "pra", "st", "lo",
                                            "ri", "ten", "ga", "us", "fo", "el",  "va", "in"};
    size_t n = 0;
    rank += 16; /* two syllables at least */
    for (word[0] = '\0'; rank > 0 && n + 4 < size; rank /= 16)
        n += (size_t)snprintf(word + n, size - n, "%s", syllables[rank % 16]);
}

/* Zipf's law: the logarithm of the rank is spread evenly. */
unsigned chatter_rank(struct chatter *chatter) {
    double u = (double)(next_random(chatter) >> 11) / (double)(UINT64_C(1) << 53);
    return (unsigned)exp(u * log(CHATTER_WORDS)) - 1;
}

conv_number chatter_conv(unsigned index) {
    return index % 2 ? conv_of_room(1 + index / 2) : conv_of_pair(1, 2 + index / 2);
}

static void chatter_record(struct chatter *chatter, unsigned conv, size_t n,
                           struct record *record) {
    chatter->seq++;
    *record = (struct record){
        .seq = chatter->seq,
        .at_ms = INT64_C(1700000000000) + (int64_t)chatter->seq / CHATTER_PER_MS,
        .conv = chatter_conv(conv % CHATTER_CONVERSATIONS),
        .from = 1,
        .uid = 1000,
        .link = 7,
        .text = {chatter->text, n},
    };
    record->id = uuid_next(&chatter->ids, (wall_time){record->at_ms});
}

void chatter_next(struct chatter *chatter, struct record *record) {
    char word[24];
    size_t n = 0;
    while (n < 110) {
        chatter_word(word, sizeof word, chatter_rank(chatter));
        n += (size_t)snprintf(chatter->text + n, sizeof chatter->text - n, n > 0 ? " %s" : "%s",
                              word);
    }
    chatter_record(chatter, (unsigned)(next_random(chatter) % CHATTER_CONVERSATIONS), n, record);
}

#define FLOOD_TEXT 120
#define FLOOD_RUN 40 /* messages of one sender follow each other, as they do in a batch */

void chatter_flood(struct chatter *chatter, struct record *record) {
    int n =
        snprintf(chatter->text, sizeof chatter->text, "%016llx", (unsigned long long)chatter->seq);
    memset(chatter->text + n, 'x', FLOOD_TEXT - (size_t)n);
    chatter_record(chatter, (unsigned)(chatter->seq / FLOOD_RUN), FLOOD_TEXT, record);
}

/* Directories. */

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw) {
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

int bench_dir_make(struct bench *bench, char dir[PATH_MAX]) {
    const char *temporary = getenv("TMPDIR");
    snprintf(dir, PATH_MAX, "%s/earshot-bench-XXXXXX", temporary ? temporary : "/tmp");
    if (mkdtemp(dir))
        return 0;
    int r = bench_fail(bench, "%s: cannot make a directory", dir);
    dir[0] = '\0';
    return r;
}

void bench_dir_remove(const char *dir) {
    if (dir[0])
        nftw(dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

/* Bare inserts. */

static const char tables[] =
    "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 2000;"
    "CREATE TABLE message (seq INTEGER PRIMARY KEY, id BLOB NOT NULL, conv INTEGER NOT NULL,"
    " at_ms INTEGER NOT NULL, sender INTEGER NOT NULL, uid INTEGER NOT NULL,"
    " kind INTEGER NOT NULL, flags INTEGER NOT NULL, link INTEGER NOT NULL, reply_to BLOB,"
    " text TEXT NOT NULL);"
    "CREATE UNIQUE INDEX message_uid_id ON message (uid, id);"
    "CREATE INDEX message_conv ON message (conv, seq)";

static int insert_one(sqlite3_stmt *insert, const struct record *record) {
    sqlite3_bind_int64(insert, 1, (int64_t)record->seq);
    sqlite3_bind_blob(insert, 2, record->id.b, sizeof record->id.b, SQLITE_STATIC);
    sqlite3_bind_int64(insert, 3, record->conv);
    sqlite3_bind_int64(insert, 4, record->at_ms);
    sqlite3_bind_int64(insert, 5, record->from);
    sqlite3_bind_int64(insert, 6, record->uid);
    sqlite3_bind_int64(insert, 7, record->kind);
    sqlite3_bind_int64(insert, 8, record->flags);
    sqlite3_bind_int64(insert, 9, (int64_t)record->link);
    sqlite3_bind_text(insert, 10, record->text.data, (int)record->text.n, SQLITE_STATIC);
    int code = sqlite3_step(insert);
    sqlite3_reset(insert);
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

static int insert_all(sqlite3 *db, sqlite3_stmt *insert, chatter_maker next, unsigned n_messages,
                      unsigned n_per_commit) {
    struct chatter chatter = {0};
    struct record record;
    int code = SQLITE_OK;
    for (unsigned i = 0; code == SQLITE_OK && i < n_messages; i++) {
        if (i % n_per_commit == 0)
            code = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
        next(&chatter, &record);
        if (code == SQLITE_OK)
            code = insert_one(insert, &record);
        if (code == SQLITE_OK && (i % n_per_commit == n_per_commit - 1 || i == n_messages - 1))
            code = sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
    }
    return code;
}

static int insert_timed(sqlite3 *db, chatter_maker next, unsigned n_messages, unsigned n_per_commit,
                        double *per_second) {
    sqlite3_stmt *insert = NULL;
    int code = sqlite3_exec(db, tables, NULL, NULL, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_prepare_v2(db,
                                  "INSERT INTO message (seq, id, conv, at_ms, sender, uid, kind,"
                                  " flags, link, text) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                                  -1, &insert, NULL);
    mono_time start = mono_now();
    if (code == SQLITE_OK)
        code = insert_all(db, insert, next, n_messages, n_per_commit);
    *per_second = n_messages * 1e9 / (double)(mono_now().ns - start.ns);
    sqlite3_finalize(insert);
    return code;
}

int bare_store_inserts(struct bench *bench, chatter_maker next, unsigned n_messages,
                       unsigned n_per_commit, double *per_second) {
    char dir[PATH_MAX], path[PATH_MAX + 8];
    sqlite3 *db = NULL;
    int r = bench_dir_make(bench, dir);
    if (r != 0)
        return r;
    snprintf(path, sizeof path, "%s/bare.db", dir);
    if (sqlite3_open(path, &db) != SQLITE_OK ||
        insert_timed(db, next, n_messages, n_per_commit, per_second) != SQLITE_OK)
        r = bench_fail(bench, "bare SQLite: %s", db ? sqlite3_errmsg(db) : "out of memory");
    sqlite3_close(db);
    bench_dir_remove(dir);
    return r;
}
