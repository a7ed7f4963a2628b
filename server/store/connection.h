/* One connection to the database, with its prepared statements and the sentence about its last
 * failure. Used by one thread at a time. */
#pragma once

#include <limits.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/macro.h"
#include "store/statement.h"

#define CONNECTION_ERROR_SIZE (PATH_MAX + 512)
/* Somebody's sqlite3 shell may hold it for a moment: 5 s, or 0.5 s when the hub stops. */
#define CONNECTION_WAIT_MS 20
#define CONNECTION_WAITS_MAX 250
#define CONNECTION_WAITS_HURRIED 25

struct connection {
    sqlite3 *db;
    const char *path;          /* of the caller */
    const _Atomic bool *hurry; /* NULL: nobody ever is in a hurry */
    unsigned waits_max;        /* for others who have it locked */
    unsigned n_passed_over;    /* messages that cannot be read */
    bool keeps_accents;        /* its index of parts is of an older version */
    bool damaged;              /* something was found that cannot be in a sound database */
    sqlite3_stmt *statements[N_STATEMENTS];
    char error[CONNECTION_ERROR_SIZE];
};

/* Waits for other programs that have the database locked, or does not. */
void connection_wait_for_others(struct connection *connection, bool waits);

/* The file must be there. Sets nothing that is written to the file. */
int connection_open(struct connection *connection, const char *path);
/*
 * One that only reads. It may be closed whatever has become of the files: it never copies the log
 * into the database and removes it, as the last one to be closed does.
 */
int connection_open_reader(struct connection *connection, const char *path);
void connection_leave_log(struct connection *connection); /* makes it so */
void connection_close(struct connection *connection);     /* safe on the zero state */

/*
 * What SQLite's last failure on this connection means: -ENOMEM or a store_outcome; writes the
 * sentence. `doing` completes "cannot ...". A damage leaves a mark beside the file, so that the
 * next start looks at all of it.
 */
int connection_fail(struct connection *connection, const char *doing);
/* The same for what is not SQLite's; returns the outcome. */
int connection_tell(struct connection *connection, int outcome, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* For what SQLite cannot see: notes the damage and returns STORE_FAILED. */
int connection_tell_damage(struct connection *connection, const char *what);

/* Runs SQL that gives no rows. */
int connection_run(struct connection *connection, const char *sql, const char *doing);
/* The number that a PRAGMA or SELECT gives. */
int connection_number(struct connection *connection, const char *sql, int64_t *number);

/* A prepared statement, ready to be bound; NULL: see connection_fail(). */
sqlite3_stmt *connection_get(struct connection *connection, enum statement which);
/* Runs a statement to its end; it is ready for the next time then. */
int connection_finish(struct connection *connection, sqlite3_stmt *statement, const char *doing);
/* For BEGIN and its like, which have nothing to bind. */
int connection_do(struct connection *connection, enum statement which, const char *doing);

/* Bindings; what goes wrong with memory shows when the statement is run. */
static inline int64_t sql_number(uint64_t number) {
    return number > INT64_MAX ? INT64_MAX : (int64_t)number;
}

static inline void bind_number(sqlite3_stmt *statement, int at, uint64_t number) {
    sqlite3_bind_int64(statement, at, sql_number(number));
}

/* The bytes must live until the statement has been run. */
static inline int bind_text(sqlite3_stmt *statement, int at, struct bytes text) {
    return sqlite3_bind_text64(statement, at, text.n > 0 ? text.data : "", text.n, SQLITE_STATIC,
                               SQLITE_UTF8);
}

static inline uint64_t column_number(sqlite3_stmt *statement, int at) {
    int64_t number = sqlite3_column_int64(statement, at);
    return number > 0 ? (uint64_t)number : 0;
}

/* As it lies in the row, without a copy that could fail for want of memory. */
static inline struct bytes column_text(sqlite3_stmt *statement, int at) {
    const char *text = sqlite3_column_blob(statement, at);
    return (struct bytes){text ? text : "", (size_t)sqlite3_column_bytes(statement, at)};
}
