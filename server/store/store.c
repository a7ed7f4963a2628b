#include "store/store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/macro.h"
#include "store/inside.h"

#define INDEX_AT_CLOSE 2000 /* messages */
#define LOG_PAGES 500       /* of the -wal file that are copied into the database at once, and: */
#define LOG_PAGES_MAX (4 * LOG_PAGES)
#define LOG_RESTART_BYTES (16LL * 1024 * 1024) /* then it is to begin anew; for this */
#define QUIET_MS 2500    /* a new reading waits at most, which is longer than one may take, */
#define QUIET_LOOK_MS 20 /* and the writer so long at a time, if nobody waits for it */
#define LOG_AT_CLOSE (64LL * 1024 * 1024) /* bytes; a longer one stays for the next start */

static const char *const outcome_texts[] = {
    [STORE_OK] = "all is well",
    [STORE_NEWER] = "the database was made by a newer version",
    [STORE_DENIED] = "no permission for the database",
    [STORE_FULL] = "no room on the disk",
    [STORE_FAILED] = "the database cannot be read or written",
    [STORE_IN_USE] = "another program has the database open",
    [STORE_NOT_FOUND] = "no such message",
    [STORE_OTHER] = "another message has the id",
    [STORE_CUT] = "it was ended before it was done",
    [STORE_GONE] = "the database has vanished",
};

const char *store_outcome_text(enum store_outcome outcome) {
    if ((size_t)outcome >= ARRAY_LEN(outcome_texts))
        return "unknown";
    return outcome_texts[outcome];
}

/* A page that the header promises must be there, once nothing is in the -wal file any more. */
static int check_size(struct store *store) {
    struct connection *writer = &store->writer;
    int64_t busy = 1, n_pages = 0;
    int r = connection_number(writer, "PRAGMA wal_checkpoint(TRUNCATE)", &busy);
    if (r != 0 || busy != 0)
        return writer->damaged ? r : 0; /* no room, perhaps; what is there can still be used */
    r = connection_number(writer, "PRAGMA page_count", &n_pages);
    if (r == 0 && place_size(&store->place, false) < n_pages * store->page_bytes) {
        r = connection_tell_damage(writer, "was cut off");
    }
    return r;
}

/* After SQLite found damage in an earlier run. The indexes can be made again. */
static int check_everything(struct store *store) {
    struct connection *writer = &store->writer;
    int64_t is_sound = 0;
    int r = connection_number(writer, "SELECT quick_check = 'ok' FROM pragma_quick_check(1)",
                              &is_sound);
    if (r == 0 && !is_sound) {
        r = connection_tell_damage(writer, "is damaged");
    }
    if (r == 0)
        r = connection_run(writer,
                           "BEGIN IMMEDIATE;"
                           "INSERT INTO words (words) VALUES ('delete-all');"
                           "INSERT INTO parts (parts) VALUES ('delete-all');"
                           "UPDATE state SET words_upto = 0, parts_upto = 0; COMMIT",
                           "make the index again");
    if (r == 0)
        place_unmark(&store->place);
    return r;
}

static int read_info(struct store *store, struct store_info *info) {
    struct connection *writer = &store->writer;
    int r = state_read(writer, &store->committed);
    if (r != 0)
        return r;
    sqlite3_stmt *row = connection_get(writer, LAST_NUMBERS);
    if (!row || sqlite3_step(row) != SQLITE_ROW)
        return connection_fail(writer, "read it");
    info->seq_limit = store->committed.seq_limit;
    info->last_handle = (uint32_t)column_number(row, 0);
    info->last_room = (uint32_t)column_number(row, 1);
    info->last_seq = column_number(row, 2);
    info->newest_ms = sqlite3_column_int64(row, 3);
    info->clock = store->clock = store->committed.clock;
    sqlite3_reset(row);
    if (info->last_seq > store->committed.last_seq) {
        return connection_tell_damage(writer, "contradicts itself");
    }
    state_publish(store, &store->committed);
    return 0;
}

/* Keeping house ends when the hub stops; what senders wait for does not. */
static int is_to_end(void *arg) {
    const struct store *store = arg;
    return store->stopping && !store->writing;
}

static int pages_to_copy(const struct store *store) {
    return store->log_pages - store->log_pages_copied;
}

bool store_log_is_long(const struct store *store) {
    return pages_to_copy(store) >= LOG_PAGES || store->wants_quiet;
}

/* What readers still need stays, and is copied the next time. */
static void copy_log(struct store *store) {
    sqlite3_wal_checkpoint_v2(store->writer.db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    store->log_pages_copied = store->log_pages;
}

/*
 * SQLite begins the -wal file anew when all of it is in the database and no snapshot needs it any
 * more. Where questions follow each other without a gap there always is one, and it would grow for
 * ever. So when it is long no snapshot begins until those that there are have ended; each of them
 * does before long. What is committed meanwhile does not wait for that.
 */

/* With store->quiet, which it leaves; the error of the wait. */
static int quiet_wait(struct store *store, mono_time until) {
    struct timespec at = {until.ns / NS_PER_S, until.ns % NS_PER_S};
    return pthread_cond_timedwait(&store->quiet_changed, &store->quiet, &at);
}

void log_reading_begins(struct store *store) {
    mono_time until = mono_add_ms(mono_now(), QUIET_MS);
    int r = 0;
    pthread_mutex_lock(&store->quiet);
    while (store->wants_quiet && !store->stopping && r == 0)
        r = quiet_wait(store, until);
    if (r != 0)
        store->wants_quiet = false; /* the next time */
    store->n_readings++;
    pthread_mutex_unlock(&store->quiet);
}

void log_reading_ends(struct store *store) {
    pthread_mutex_lock(&store->quiet);
    if (--store->n_readings == 0)
        pthread_cond_broadcast(&store->quiet_changed);
    pthread_mutex_unlock(&store->quiet);
}

/* Other programs may read it, too: then it is tried again when it is longer, or before long if it
 * holds what was erased. */
static void begin_log_anew(struct store *store) {
    struct connection *writer = &store->writer;
    int mode = store->is_to_erase ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_RESTART;
    connection_wait_for_others(writer, false);
    int code = sqlite3_wal_checkpoint_v2(writer->db, NULL, mode, NULL, NULL);
    connection_wait_for_others(writer, true);
    store->log_pages_copied = store->log_pages;
    store->is_to_erase &= code != SQLITE_OK;
}

static void quiet_try(struct store *store) {
    pthread_mutex_lock(&store->quiet);
    store->wants_quiet = true;
    if (store->n_readings > 0 && !store->called)
        (void)quiet_wait(store, mono_add_ms(mono_now(), QUIET_LOOK_MS));
    if (store->n_readings == 0) {
        begin_log_anew(store);
        store->wants_quiet = false;
        pthread_cond_broadcast(&store->quiet_changed);
    }
    pthread_mutex_unlock(&store->quiet);
}

void store_copy_log(struct store *store) {
    if (pages_to_copy(store) >= LOG_PAGES)
        copy_log(store);
    if (store->wants_quiet || store->log_pages * store->page_bytes >= LOG_RESTART_BYTES)
        quiet_try(store);
}

bool store_is_to_erase(const struct store *store) {
    return store->is_to_erase;
}

bool store_erase(struct store *store) {
    if (store->is_to_erase)
        quiet_try(store);
    return !store->is_to_erase;
}

/* After each commit. */
static int note_log_pages(void *arg, sqlite3 *db, const char *schema, int n_pages) {
    (void)db, (void)schema;
    struct store *store = arg;
    if (n_pages < store->log_pages)
        store->log_pages_copied = 0; /* it has begun anew */
    store->log_pages = n_pages;
    if (pages_to_copy(store) >= LOG_PAGES_MAX)
        copy_log(store);
    return SQLITE_OK;
}

void connection_watch(struct connection *writer, struct store *store) {
    sqlite3_wal_hook(writer->db, note_log_pages, store);
    writer->hurry = &store->stopping;
    connection_wait_for_others(writer, true);
    sqlite3_progress_handler(writer->db, STORE_PROGRESS, is_to_end, store);
}

/* Nothing is written until the version is known. */
int store_open_writer(struct store *store, struct connection *writer) {
    int r = connection_open(writer, store->place.path);
    if (r != 0)
        return r;
    connection_watch(writer, store);
    sqlite3_db_config(writer->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    r = schema_check(writer);
    if (r != 0)
        return r;
    sqlite3_db_config(writer->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
    r = connection_run(writer,
                       "PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL;"
                       "PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY;"
                       "PRAGMA cache_size = -2000; PRAGMA journal_size_limit = 16777216;"
                       "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;"
                       "PRAGMA secure_delete = ON",
                       "open it");
    if (r == 0) /* not before: what is empty is no database */
        sqlite3_file_control(writer->db, NULL, SQLITE_FCNTL_CHUNK_SIZE, &(int){STORE_GROW_BYTES});
    return r == 0 ? connection_number(writer, "PRAGMA page_size", &store->page_bytes) : r;
}

static int open_database(struct store *store, struct store_info *info) {
    enum place_header header = PLACE_EMPTY;
    unsigned version = 0;
    int r = place_look(&store->place, &header, &version);
    if (r != 0)
        return connection_tell(&store->writer, r, "%s", store->place.error);
    store->writer.path = store->place.path;
    if (header == PLACE_DAMAGED) {
        return connection_tell_damage(&store->writer, "is not a database");
    }
    if (schema_is_newer(version))
        return schema_tell_newer(&store->writer, version);
    r = store_open_writer(store, &store->writer);
    if (r == 0)
        r = check_size(store);
    if (r == 0)
        r = schema_open(&store->writer);
    if (r == 0 && place_is_marked(&store->place))
        r = check_everything(store);
    return r == 0 ? read_info(store, info) : r;
}

/* The sentence survives. */
static void close_connections(struct store *store) {
    connection_close(&store->finder);
    connection_close(&store->writer);
}

/* A disk that fails looks like damage to SQLite (SQLITE_IOERR_CORRUPTFS). So it is damage only when
 * all of it can be read, and a second look finds the same. */
static int look_again(struct store *store, struct store_info *info) {
    close_connections(store);
    store->writer.damaged = false;
    int r = place_read_all(&store->place);
    return r == 0 ? open_database(store, info)
                  : connection_tell(&store->writer, r, "%s", store->place.error);
}

static int begin_anew(struct store *store, struct store_info *info) {
    close_connections(store);
    int r = place_set_aside(&store->place, info->set_aside, sizeof info->set_aside);
    return r == 0 ? open_database(store, info)
                  : connection_tell(&store->writer, r, "%s", store->place.error);
}

static int open_all(struct store *store, struct store_info *info) {
    int r = open_database(store, info);
    if (r > 0 && store->writer.damaged)
        r = look_again(store, info);
    if (r > 0 && store->writer.damaged)
        r = begin_anew(store, info);
    if (r != 0)
        return r;
    r = connection_open_reader(&store->finder, store->place.path);
    if (r != 0)
        return connection_tell(&store->writer, r, "%s", store->finder.error);
    r = place_note(&store->place);
    return r == 0 ? 0 : connection_tell(&store->writer, r, "%s", store->place.error);
}

static void quiet_init(struct store *store) {
    pthread_condattr_t attributes;
    pthread_mutex_init(&store->quiet, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&store->quiet_changed, &attributes);
    pthread_condattr_destroy(&attributes);
}

int store_open(struct store **store, const char *dir, struct store_info *info) {
    *info = (struct store_info){0};
    struct store *new = *store = calloc(1, sizeof **store);
    if (!new)
        return -ENOMEM;
    new->maybe_doomed = true;
    new->finding = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
    quiet_init(new);
    int r = place_open(&new->place, dir);
    r = r == 0 ? open_all(new, info) : connection_tell(&new->writer, r, "%s", new->place.error);
    return store_tell(new, r);
}

void store_call(struct store *store, bool is_wanted) {
    store->called = is_wanted;
}

void store_hurry(struct store *store) {
    store->stopping = true;
    pthread_mutex_lock(&store->quiet);
    pthread_cond_broadcast(&store->quiet_changed);
    pthread_mutex_unlock(&store->quiet);
}

void store_close(struct store *store) {
    if (!store)
        return;
    bool more;
    if (store->writing)
        store_rollback(store);
    if (store->finder.db && !store->stopping)
        (void)store_index(store, INDEX_AT_CLOSE, &more);
    if (place_size(&store->place, true) - place_size(&store->place, false) > LOG_AT_CLOSE)
        connection_leave_log(&store->writer);
    close_connections(store);
    place_close(&store->place);
    pthread_cond_destroy(&store->quiet_changed);
    pthread_mutex_destroy(&store->quiet);
    free(store);
}

const char *store_error(const struct store *store) {
    return store->error;
}

int store_tell(struct store *store, int outcome) {
    if (outcome != 0)
        memcpy(store->error, store->writer.error, sizeof store->error);
    return outcome;
}

void store_stats(struct store *store, struct store_stats *stats) {
    long long n_bytes = place_size(&store->place, true);
    *stats = (struct store_stats){
        .n_messages = store->n_messages,
        .n_bytes = n_bytes > 0 ? (uint64_t)n_bytes : 0,
    };
}

int store_find_id(struct store *store, const struct record *like, uint64_t *seq) {
    pthread_mutex_lock(&store->finding);
    int r = message_find(&store->finder, like, seq);
    pthread_mutex_unlock(&store->finding);
    return r;
}

int store_find_message(struct store *store, struct record *record) {
    pthread_mutex_lock(&store->finding);
    int r = message_find_target(&store->finder, record);
    pthread_mutex_unlock(&store->finding);
    return r;
}

int store_last_n(struct store *store, conv_number conv, uint16_t *n) {
    pthread_mutex_lock(&store->finding);
    int r = reply_last(&store->finder, conv, n);
    pthread_mutex_unlock(&store->finding);
    return r;
}

/* What the hub begins with: a row of each table after the other. */

static int visit_handle(sqlite3_stmt *row, const struct store_visitor *visitor) {
    return visitor->handle(visitor->arg, &(struct store_handle){
                                             .number = (uint32_t)column_number(row, 0),
                                             .uid = (uint32_t)column_number(row, 1),
                                             .name = column_text(row, 2),
                                             .direct = column_number(row, 3),
                                             .rooms = column_number(row, 4),
                                             .read = column_number(row, 5),
                                             .login = column_text(row, 6),
                                             .seen = column_number(row, 7),
                                             .is_unclaimed = column_number(row, 8) != 0,
                                         });
}

static int visit_mail(sqlite3_stmt *row, const struct store_visitor *visitor) {
    return visitor->mail(visitor->arg, &(struct store_mail){
                                           .handle = (uint32_t)column_number(row, 0),
                                           .uid = (uint32_t)column_number(row, 1),
                                           .n = (unsigned)column_number(row, 2),
                                           .n_bytes = column_number(row, 3),
                                           .last_seq = column_number(row, 4),
                                           .last_ms = sqlite3_column_int64(row, 5),
                                       });
}

static int visit_mark(sqlite3_stmt *row, const struct store_visitor *visitor) {
    return visitor->mark(visitor->arg, &(struct store_mark){
                                           .handle = (uint32_t)column_number(row, 0),
                                           .conv = sqlite3_column_int64(row, 1),
                                           .seq = column_number(row, 2),
                                       });
}

static int visit_room(sqlite3_stmt *row, const struct store_visitor *visitor) {
    return visitor->room(visitor->arg, &(struct store_room){
                                           .number = (uint32_t)column_number(row, 0),
                                           .creator = (uint32_t)column_number(row, 1),
                                           .name = column_text(row, 2),
                                           .topic = column_text(row, 3),
                                           .last_seq = column_number(row, 4),
                                           .form = (uint8_t)column_number(row, 5),
                                           .rules = (uint8_t)column_number(row, 6),
                                           .owner = (uint32_t)column_number(row, 7),
                                           .private_since = column_number(row, 8),
                                           .people = column_text(row, 9),
                                           .group = column_text(row, 10),
                                       });
}

static int visit_member(sqlite3_stmt *row, const struct store_visitor *visitor) {
    return visitor->member(visitor->arg, &(struct store_member){
                                             .room = (uint32_t)column_number(row, 0),
                                             .handle = (uint32_t)column_number(row, 1),
                                             .since = column_number(row, 2),
                                         });
}

static int visit_sanction(sqlite3_stmt *row, const struct store_visitor *visitor) {
    uint64_t what = column_number(row, 1);
    return visitor->sanction(visitor->arg, &(struct store_sanction){
                                               .uid = (uint32_t)column_number(row, 0),
                                               .what = what < UINT8_MAX ? (uint8_t)what : UINT8_MAX,
                                               .until_ms = sqlite3_column_int64(row, 2),
                                               .rate = (uint32_t)column_number(row, 3),
                                               .by = (uint32_t)column_number(row, 4),
                                               .by_name = column_text(row, 5),
                                               .why = column_text(row, 6),
                                           });
}

static int visit_admission(sqlite3_stmt *row, const struct store_visitor *visitor) {
    return visitor->admission(visitor->arg, &(struct store_admission){
                                                .room = (uint32_t)column_number(row, 0),
                                                .handle = (uint32_t)column_number(row, 1),
                                                .payer = (uint32_t)column_number(row, 2),
                                                .after = column_number(row, 3),
                                                .has_joined = column_number(row, 4) != 0,
                                                .name = column_text(row, 5),
                                            });
}

static int visit_room_order(sqlite3_stmt *row, const struct store_visitor *visitor) {
    uint64_t what = column_number(row, 2);
    return visitor->room_order(visitor->arg,
                               &(struct store_room_order){
                                   .room = (uint32_t)column_number(row, 0),
                                   .uid = (uint32_t)column_number(row, 1),
                                   .what = what < UINT8_MAX ? (uint8_t)what : UINT8_MAX,
                                   .handle = (uint32_t)column_number(row, 3),
                                   .until_ms = sqlite3_column_int64(row, 4),
                                   .by = (uint32_t)column_number(row, 5),
                                   .by_name = column_text(row, 6),
                                   .why = column_text(row, 7),
                               });
}

static int visit_pin(sqlite3_stmt *row, const struct store_visitor *visitor) {
    return visitor->pin(visitor->arg, &(struct store_pin){
                                          .handle = (uint32_t)column_number(row, 0),
                                          .conv = sqlite3_column_int64(row, 1),
                                          .seq = column_number(row, 2),
                                          .by = (uint32_t)column_number(row, 3),
                                          .at_ms = sqlite3_column_int64(row, 4),
                                      });
}

static const struct visited_table {
    enum statement rows;
    int (*visit)(sqlite3_stmt *row, const struct store_visitor *visitor);
    const char *doing;
} visited_tables[] = {
    {HANDLES, visit_handle, "read the handles"},
    {MAILS, visit_mail, "read the mail for those who never joined"},
    {MARKS, visit_mark, "read what was read"},
    {ROOMS, visit_room, "read the rooms"},
    {MEMBERS, visit_member, "read the members of rooms"},
    {SANCTIONS, visit_sanction, "read what administrators have laid on users"},
    {ADMISSIONS, visit_admission, "read who sees private rooms"},
    {ROOM_ORDERS, visit_room_order, "read order in rooms"},
    {PINS, visit_pin, "read what is pinned"},
};

static int visit_table(struct connection *connection, const struct visited_table *table,
                       const struct store_visitor *visitor) {
    int r = 0, code = SQLITE_DONE;
    sqlite3_stmt *row = connection_get(connection, table->rows);
    while (row && r == 0 && (code = sqlite3_step(row)) == SQLITE_ROW)
        r = table->visit(row, visitor);
    if (r == 0 && (!row || code != SQLITE_DONE))
        r = connection_fail(connection, table->doing);
    sqlite3_reset(row);
    return r;
}

/* A full disk may not let it: then they are loaded. */
static void remove_needless(struct connection *connection) {
    static const enum statement needless[] = {HANDLES_EMPTY, MARKS_OLD, PINS_OLD};
    for (size_t i = 0; i < ARRAY_LEN(needless); i++) {
        sqlite3_stmt *remove = connection_get(connection, needless[i]);
        if (remove)
            (void)connection_finish(connection, remove, "remove what is needed no more");
    }
}

int store_load(struct store *store, const struct store_visitor *visitor) {
    remove_needless(&store->writer);
    int r = 0;
    for (size_t i = 0; r == 0 && i < ARRAY_LEN(visited_tables); i++)
        r = visit_table(&store->writer, &visited_tables[i], visitor);
    return store_tell(store, r);
}
