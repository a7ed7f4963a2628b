#include "store/fresh.h"

#include <errno.h>

#include "store/connection.h"
#include "store/store.h"

#define CREATE                                                                                     \
    "CREATE VIRTUAL TABLE fresh USING fts5 (text, content = '',"                                   \
    " tokenize = 'unicode61 remove_diacritics 2')"
#define ADD "INSERT INTO fresh (rowid, text) VALUES (?1, ?2)"
#define FIND "SELECT rowid FROM fresh WHERE fresh MATCH ?1 ORDER BY rowid DESC"

static int fresh_fail(struct fresh *fresh, struct connection *teller) {
    int code = fresh->db ? sqlite3_errcode(fresh->db) : SQLITE_NOMEM;
    return connection_tell(teller, code == SQLITE_NOMEM ? -ENOMEM : STORE_FAILED,
                           "cannot search: %s",
                           fresh->db ? sqlite3_errmsg(fresh->db) : "out of memory");
}

void fresh_close(struct fresh *fresh) {
    sqlite3_finalize(fresh->add);
    sqlite3_finalize(fresh->find);
    sqlite3_close(fresh->db);
    *fresh = (struct fresh){0};
}

static int fresh_open(struct fresh *fresh, struct connection *teller) {
    int code =
        sqlite3_open_v2(":memory:", &fresh->db,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_exec(fresh->db, CREATE, NULL, NULL, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_prepare_v2(fresh->db, ADD, -1, &fresh->add, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_prepare_v2(fresh->db, FIND, -1, &fresh->find, NULL);
    int r = code == SQLITE_OK ? 0 : fresh_fail(fresh, teller);
    if (r != 0)
        fresh_close(fresh);
    return r;
}

/* What a transaction has added is gone with it. */
int fresh_begin(struct fresh *fresh, struct connection *teller) {
    int r = fresh->db ? 0 : fresh_open(fresh, teller);
    if (r != 0)
        return r;
    fresh_end(fresh); /* an earlier one that failed */
    return sqlite3_exec(fresh->db, "BEGIN", NULL, NULL, NULL) == SQLITE_OK
               ? 0
               : fresh_fail(fresh, teller);
}

int fresh_add(struct fresh *fresh, struct connection *teller, uint64_t seq, struct bytes text) {
    bind_number(fresh->add, 1, seq);
    bind_text(fresh->add, 2, text);
    int code = sqlite3_step(fresh->add);
    int r = code == SQLITE_DONE ? 0 : fresh_fail(fresh, teller);
    sqlite3_reset(fresh->add);
    return r;
}

int fresh_find(struct fresh *fresh, struct connection *teller, const char *expression) {
    int code = sqlite3_bind_text(fresh->find, 1, expression, -1, SQLITE_STATIC);
    return code == SQLITE_OK ? 0 : fresh_fail(fresh, teller);
}

int fresh_next(struct fresh *fresh, struct connection *teller, uint64_t *seq) {
    int code = sqlite3_step(fresh->find);
    *seq = code == SQLITE_ROW ? column_number(fresh->find, 0) : 0;
    return code == SQLITE_ROW || code == SQLITE_DONE ? 0 : fresh_fail(fresh, teller);
}

void fresh_end(struct fresh *fresh) {
    sqlite3_reset(fresh->find);
    sqlite3_reset(fresh->add);
    if (fresh->db && !sqlite3_get_autocommit(fresh->db))
        sqlite3_exec(fresh->db, "ROLLBACK", NULL, NULL, NULL);
}
