/* How SQLite goes about each statement (https://sqlite.org/eqp.html): none looks at all messages.
 */
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "base/macro.h"
#include "store/statement.h"
#include "unit/store/shelf.h"

TestSuite(store_plans, .init = shelf_begin, .fini = shelf_end);

/* What may be looked at from one end to the other: at the start, or because it is small, or with a
 * bound. Everything else has an index. */
static const struct {
    enum statement statement;
    const char *scan;
} allowed[] = {
    {HANDLES, "SCAN handle"},
    {HANDLES_EMPTY, "SCAN handle"},
    {HANDLES_EMPTY, "SCAN member"},
    {MAILS, "SCAN handle"},
    {MARKS, "SCAN mark"},
    {MARKS_OLD, "SCAN mark"},
    {ROOMS, "SCAN room"},
    {MEMBERS, "SCAN member"},
    {SANCTIONS, "SCAN sanction"},
    {ADMISSIONS, "SCAN admission"},
    {ROOM_ORDERS, "SCAN room_order"},
    {PINS, "SCAN pin"},
    {PINS_OLD, "SCAN pin"},
    {LAST_NUMBERS, "SCAN CONSTANT ROW"},
    {LAST_NUMBERS, "SCAN message"}, /* its last one */
    {DOOMED_FIRST, "SCAN doomed"},
    {USAGE_GREATEST, "SCAN usage"},
    {USAGES, "SCAN usage"},
    {IDS_FIND, "SCAN usage"}, /* as many as there are users */
    {STATE_READ, "SCAN state"},
    {STATE_WRITE, "SCAN state"},
    {MESSAGES_OLDEST, "SCAN message"}, /* up to a LIMIT */
    {MESSAGES_OLDEST_OF, "SCAN (subquery"},
    {MESSAGE_DATED, "SCAN (subquery"},
    {WORDS_FIND, "SCAN words VIRTUAL TABLE INDEX"},
    {PARTS_FIND, "SCAN parts VIRTUAL TABLE INDEX"},
    {FILES_FIND, "SCAN message USING COVERING INDEX message_file"},
    {PAGES_USED, "SCAN pragma_"},
};

static bool is_allowed(enum statement statement, const char *detail) {
    for (size_t i = 0; i < ARRAY_LEN(allowed); i++)
        if (allowed[i].statement == statement &&
            strncmp(detail, allowed[i].scan, strlen(allowed[i].scan)) == 0)
            return true;
    return false;
}

static void expect_plan(sqlite3 *db, enum statement statement) {
    char sql[4096];
    sqlite3_stmt *plan = NULL;
    snprintf(sql, sizeof sql, "EXPLAIN QUERY PLAN %s", statement_sql[statement]);
    cr_assert_eq(sqlite3_prepare_v2(db, sql, -1, &plan, NULL), SQLITE_OK, "%s: %s",
                 statement_sql[statement], sqlite3_errmsg(db));
    while (sqlite3_step(plan) == SQLITE_ROW) {
        const char *detail = (const char *)sqlite3_column_text(plan, 3);
        cr_assert(strncmp(detail, "SCAN", 4) != 0 || is_allowed(statement, detail), "%s: %s",
                  detail, statement_sql[statement]);
        bool sorts = statement == USAGES || statement == MAILS;
        cr_assert_null(strstr(detail, "TEMP B-TREE") && !sorts ? detail : NULL, "%s: %s", detail,
                       statement_sql[statement]);
    }
    sqlite3_finalize(plan);
}

static void call_nothing(sqlite3_context *context, int n, sqlite3_value **values) {
    (void)context, (void)n, (void)values;
}

static bool has_plan(enum statement statement) {
    const char *sql = statement_sql[statement];
    return strncmp(sql, "BEGIN", 5) != 0 && strncmp(sql, "PRAGMA", 6) != 0 &&
           strcmp(sql, "COMMIT") != 0 && strcmp(sql, "ROLLBACK") != 0;
}

Test(store_plans, 01_nothing_looks_at_everything) {
    sqlite3 *db;
    unsigned n = 0;
    cr_assert_eq(sqlite3_open(shelf_path("earshot.db"), &db), SQLITE_OK);
    /* No plan calls it. */
    cr_assert_eq(
        sqlite3_create_function(db, "folded", 1, SQLITE_UTF8, NULL, call_nothing, NULL, NULL),
        SQLITE_OK);
    for (int i = 0; i < N_STATEMENTS; i++) {
        cr_assert_not_null(statement_sql[i]);
        if (!has_plan((enum statement)i))
            continue;
        expect_plan(db, (enum statement)i);
        n++;
    }
    cr_assert_gt(n, 40);
    sqlite3_close(db);
}
