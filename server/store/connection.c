#include "store/connection.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/error.h"
#include "base/fold.h"
#include "store/inside.h"
#include "store/store.h"

static int wait_a_little(void *arg, int n) {
    const struct connection *connection = arg;
    bool hurried = connection->hurry && *connection->hurry;
    if (n >= (int)connection->waits_max || (hurried && n >= CONNECTION_WAITS_HURRIED))
        return 0;
    nanosleep(&(struct timespec){.tv_nsec = CONNECTION_WAIT_MS * 1000000L}, NULL);
    return 1;
}

void connection_wait_for_others(struct connection *connection, bool waits) {
    connection->waits_max = waits ? CONNECTION_WAITS_MAX : 0;
    sqlite3_busy_handler(connection->db, wait_a_little, connection);
}

/* Nobody asks SQLite how much memory it has; counting that takes a mutex for each piece of it. */
static void library_set_up(void) {
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

/* folded(text): what the index of parts has of it. */
static void call_folded(sqlite3_context *context, int n, sqlite3_value **values) {
    const struct connection *connection = sqlite3_user_data(context);
    if (n == 1 && connection->keeps_accents) {
        sqlite3_result_value(context, values[0]);
        return;
    }
    const char *text = (const char *)sqlite3_value_text(values[0]);
    size_t n_text = (size_t)sqlite3_value_bytes(values[0]);
    char *to = text ? sqlite3_malloc64(FOLDED_MAX(n_text) + 1) : NULL;
    if (!to) {
        sqlite3_result_error_nomem(context);
        return;
    }
    size_t n_folded = text_fold(to, (struct bytes){text, n_text});
    sqlite3_result_text64(context, to, n_folded, sqlite3_free, SQLITE_UTF8);
}

static int add_functions(struct connection *connection) {
    return sqlite3_create_function_v2(connection->db, "folded", 1,
                                      SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY,
                                      connection, call_folded, NULL, NULL, NULL);
}

int connection_open(struct connection *connection, const char *path) {
    static pthread_once_t set_up = PTHREAD_ONCE_INIT;
    (void)pthread_once(&set_up, library_set_up);
    *connection = (struct connection){.path = path};
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE;
    int code = sqlite3_open_v2(path, &connection->db, flags, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_extended_result_codes(connection->db, 1);
    if (code == SQLITE_OK)
        code = sqlite3_db_config(connection->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    if (code == SQLITE_OK)
        code = add_functions(connection);
    if (code == SQLITE_OK)
        connection_wait_for_others(connection, true);
    return code == SQLITE_OK ? 0 : connection_fail(connection, "open it");
}

void connection_leave_log(struct connection *connection) {
    if (connection->db)
        sqlite3_db_config(connection->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
}

int connection_open_reader(struct connection *connection, const char *path) {
    int r = connection_open(connection, path);
    connection_leave_log(connection);
    return r == 0 ? connection_run(connection,
                                   "PRAGMA query_only = ON; PRAGMA temp_store = MEMORY;"
                                   "PRAGMA cache_size = -1000; PRAGMA trusted_schema = OFF;"
                                   "PRAGMA cell_size_check = ON",
                                   "open it")
                  : r;
}

void connection_close(struct connection *connection) {
    for (size_t i = 0; i < N_STATEMENTS; i++)
        sqlite3_finalize(connection->statements[i]);
    memset(connection->statements, 0, sizeof connection->statements);
    sqlite3_close(connection->db);
    connection->db = NULL;
}

static int outcome_of_io(int code, int error) {
    if (error == ENOSPC || error == EDQUOT || error == EFBIG)
        return STORE_FULL;
    if ((code & 0xff) == SQLITE_CANTOPEN && (error == EACCES || error == EPERM || error == EROFS))
        return STORE_DENIED;
    return STORE_FAILED;
}

static int outcome_of(int code, int error) {
    if (code == SQLITE_IOERR_NOMEM)
        return -ENOMEM;
    switch (code & 0xff) {
    case SQLITE_NOMEM:
        return -ENOMEM;
    case SQLITE_FULL:
        return STORE_FULL;
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_READONLY:
        return STORE_DENIED;
    case SQLITE_INTERRUPT:
        return STORE_CUT;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return STORE_IN_USE;
    default:
        return outcome_of_io(code, error);
    }
}

static const char *advice_of(int outcome) {
    switch (outcome) {
    case STORE_FULL:
        return "; make room on the disk, or raise the quota";
    case STORE_DENIED:
        return "; file and directory must belong to the hub's user and be writable";
    case STORE_IN_USE:
        return "; end the other program that has it open";
    default:
        return "";
    }
}

static const char damage_advice[] = "; the database is damaged. Start the hub again: it looks at "
                                    "all of it, sets it aside and begins a new one";

/* The next start reads the whole database because of this. If it cannot be made, so be it. */
static void note_damage(struct connection *connection) {
    char path[PATH_MAX + sizeof STORE_MARK];
    if (connection->damaged)
        return;
    connection->damaged = true;
    snprintf(path, sizeof path, "%s%s", connection->path, STORE_MARK);
    CLEANUP_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    (void)fd;
}

int connection_fail(struct connection *connection, const char *doing) {
    sqlite3 *db = connection->db;
    int code = db ? sqlite3_extended_errcode(db) : SQLITE_NOMEM, kind = code & 0xff;
    int error = db ? sqlite3_system_errno(db) : 0, outcome = outcome_of(code, error);
    bool damaged = kind == SQLITE_CORRUPT || kind == SQLITE_NOTADB;
    bool by_errno = error != 0 && (kind == SQLITE_IOERR || kind == SQLITE_CANTOPEN);
    if (damaged)
        note_damage(connection);
    return connection_tell(connection, outcome, "%s: cannot %s: %s%s%s%s", connection->path, doing,
                           db ? sqlite3_errmsg(db) : "out of memory", by_errno ? ": " : "",
                           by_errno ? strerrordesc_np(error) : "",
                           damaged ? damage_advice : advice_of(outcome));
}

int connection_tell_damage(struct connection *connection, const char *what) {
    note_damage(connection);
    return connection_tell(connection, STORE_FAILED, "%s %s%s", connection->path, what,
                           damage_advice);
}

int connection_tell(struct connection *connection, int outcome, const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(connection->error, sizeof connection->error, format, args);
    va_end(args);
    return outcome;
}

int connection_run(struct connection *connection, const char *sql, const char *doing) {
    int code = sqlite3_exec(connection->db, sql, NULL, NULL, NULL);
    return code == SQLITE_OK ? 0 : connection_fail(connection, doing);
}

int connection_number(struct connection *connection, const char *sql, int64_t *number) {
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(connection->db, sql, -1, &statement, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_step(statement);
    if (code == SQLITE_ROW)
        *number = sqlite3_column_int64(statement, 0);
    int outcome = code == SQLITE_ROW ? 0 : connection_fail(connection, "read it");
    sqlite3_finalize(statement);
    return outcome;
}

sqlite3_stmt *connection_get(struct connection *connection, enum statement which) {
    sqlite3_stmt **statement = &connection->statements[which];
    if (!*statement)
        sqlite3_prepare_v3(connection->db, statement_sql[which], -1, SQLITE_PREPARE_PERSISTENT,
                           statement, NULL);
    return *statement;
}

int connection_finish(struct connection *connection, sqlite3_stmt *statement, const char *doing) {
    int code;
    do
        code = sqlite3_step(statement);
    while (code == SQLITE_ROW);
    int outcome = code == SQLITE_DONE ? 0 : connection_fail(connection, doing);
    sqlite3_reset(statement);
    return outcome;
}

int connection_do(struct connection *connection, enum statement which, const char *doing) {
    sqlite3_stmt *statement = connection_get(connection, which);
    return statement ? connection_finish(connection, statement, doing)
                     : connection_fail(connection, doing);
}
