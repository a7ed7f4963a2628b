#include "harness/database.h"

#include <limits.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"
#include "harness/check.h"

static sqlite3 *open_database(const char *state, int flags) {
    char path[PATH_MAX];
    sqlite3 *db = NULL;
    snprintf(path, sizeof path, "%s/earshot.db", state);
    if (sqlite3_open_v2(path, &db, flags, NULL) == SQLITE_OK)
        return db;
    check_note("%s: %s", path, sqlite3_errmsg(db));
    sqlite3_close(db);
    return NULL;
}

/* The first column of the first row. */
static bool database_ask(const char *state, const char *query, char *answer, size_t size) {
    sqlite3 *db = open_database(state, SQLITE_OPEN_READWRITE);
    sqlite3_stmt *statement = NULL;
    bool ok = db && sqlite3_prepare_v2(db, query, -1, &statement, NULL) == SQLITE_OK &&
              sqlite3_step(statement) == SQLITE_ROW;
    if (ok)
        snprintf(answer, size, "%s", (const char *)sqlite3_column_text(statement, 0));
    else
        snprintf(answer, size, "%s", db ? sqlite3_errmsg(db) : "cannot be opened");
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return ok;
}

bool database_is_whole(const char *state, char *why, size_t size) {
    return database_ask(state, "PRAGMA integrity_check", why, size) && strcmp(why, "ok") == 0;
}

int64_t database_number(const char *state, const char *query) {
    char answer[256];
    if (database_ask(state, query, answer, sizeof answer))
        return strtoll(answer, NULL, 10);
    check_note("%s: %s", query, answer);
    return -1;
}

void database_make(const char *state, const char *sql_path) {
    static char sql[1 << 18];
    FILE *file = fopen(sql_path, "re");
    size_t n = file ? fread(sql, 1, sizeof sql - 1, file) : 0;
    if (n == 0)
        check_die("%s cannot be read", sql_path);
    fclose(file);
    sql[n] = '\0';
    sqlite3 *db = open_database(state, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
    if (!db || sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        check_die("%s: %s", sql_path, db ? sqlite3_errmsg(db) : "no database");
    sqlite3_close(db);
}
