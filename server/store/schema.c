/*
 * The tables, and how each version came from the one before. A step is never edited once it has
 * been released: databases that were made by it exist.
 */
#include <stdio.h>

#include "store/inside.h"

/*
 * Version 1. A direct conversation has a row in `pair` for each of its two handles, made with its
 * first message. The full-text index keeps no text of its own (https://sqlite.org/fts5.html,
 * section 4.4.3) and is filled behind the commits, up to state.words_upto.
 */
static const char begin[] =
    "CREATE TABLE state (one INTEGER PRIMARY KEY CHECK (one = 1), seq_limit INTEGER NOT NULL,"
    " last_seq INTEGER NOT NULL, n_messages INTEGER NOT NULL, words_upto INTEGER NOT NULL);"
    "INSERT INTO state VALUES (1, 0, 0, 0, 0);"
    "CREATE TABLE handle (number INTEGER PRIMARY KEY, uid INTEGER NOT NULL, name TEXT NOT NULL,"
    " direct INTEGER NOT NULL, rooms INTEGER NOT NULL, read INTEGER NOT NULL);"
    "CREATE TABLE room (number INTEGER PRIMARY KEY, creator INTEGER NOT NULL, name TEXT NOT NULL,"
    " topic TEXT NOT NULL);"
    "CREATE TABLE member (room INTEGER NOT NULL, handle INTEGER NOT NULL, since INTEGER NOT NULL,"
    " PRIMARY KEY (room, handle)) WITHOUT ROWID;"
    "CREATE TABLE pair (handle INTEGER NOT NULL, conv INTEGER NOT NULL,"
    " forgotten INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (handle, conv)) WITHOUT ROWID;"
    "CREATE TABLE message (seq INTEGER PRIMARY KEY, id BLOB NOT NULL, conv INTEGER NOT NULL,"
    " at_ms INTEGER NOT NULL, sender INTEGER NOT NULL, uid INTEGER NOT NULL,"
    " kind INTEGER NOT NULL, flags INTEGER NOT NULL, link INTEGER NOT NULL, reply_to BLOB,"
    " text TEXT NOT NULL);"
    "CREATE UNIQUE INDEX message_id ON message (id);"
    "CREATE INDEX message_conv ON message (conv, seq);"
    "CREATE VIRTUAL TABLE words USING fts5 (text, content = 'message', content_rowid = 'seq',"
    " tokenize = 'unicode61 remove_diacritics 2');";

/*
 * Version 2: an index of all groups of three characters, for parts of words and for scripts
 * without spaces. With detail=none it is a third in size and twice as fast to fill; which
 * messages have the groups in a row is found out from their text. And what both have forgotten
 * is deleted bit by bit.
 */
static const char add_parts[] =
    "CREATE VIRTUAL TABLE parts USING fts5 (text, content = 'message', content_rowid = 'seq',"
    " tokenize = 'trigram', detail = 'none');"
    "CREATE TABLE doomed (conv INTEGER PRIMARY KEY, upto INTEGER NOT NULL);"
    "ALTER TABLE state ADD COLUMN parts_upto INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE state ADD COLUMN purge INTEGER NOT NULL DEFAULT 0;";

/* Version 3: what a question about small files (KIND_FILE) needs to know before it reads one. */
static const char add_files[] =
    "CREATE INDEX message_file ON message (seq, conv, sender) WHERE kind = 3;";

/*
 * Version 4: an id is its user's own, so that nobody can use up the ids of others. What each user
 * has stored is counted: the messages and, about, the bytes that they take (see message_cost()).
 * And the state says what was known of the clock.
 */
#define TEXT_OF(number) #number
#define COST_SQL(overhead) "sum(length(CAST(text AS BLOB)) + " TEXT_OF(overhead) ")"
static const char add_users[] =
    "CREATE UNIQUE INDEX message_uid_id ON message (uid, id);"
    "DROP INDEX message_id;"
    "CREATE INDEX message_uid ON message (uid, seq);"
    "CREATE INDEX room_name ON room (name);"
    "CREATE TABLE usage (uid INTEGER PRIMARY KEY, n_messages INTEGER NOT NULL,"
    " n_bytes INTEGER NOT NULL);"
    "INSERT INTO usage SELECT uid, count(*), " COST_SQL(
        MESSAGE_OVERHEAD) " FROM message GROUP BY uid;"
                          "ALTER TABLE state ADD COLUMN seen_ms INTEGER NOT NULL DEFAULT 0;"
                          "ALTER TABLE state ADD COLUMN leap_ms INTEGER NOT NULL DEFAULT 0;"
                          "ALTER TABLE state ADD COLUMN settled_ms INTEGER NOT NULL DEFAULT 0;";

/*
 * Version 5: a handle belongs to a uid and to the login name that the uid had when it was used
 * first, so that whoever gets the uid later does not get the handle and its mail. Empty: not known
 * yet.
 */
static const char add_logins[] = "ALTER TABLE handle ADD COLUMN login TEXT NOT NULL DEFAULT '';";

/*
 * Version 6: the messages of one user are looked for in the order of all (see expire.c). An index
 * for that alone cost every message more than the search costs when room is short.
 */
static const char drop_message_uid[] = "DROP INDEX message_uid;";

/* Version 7: a small file is no text any more, and an older hub would send it as one. */
static const char files_are_no_text[] = "";

/*
 * Version 8: a handle whose user has never joined, which was made for mail to the login name; and
 * up to where a conversation was read, for counting what is unread.
 */
static const char add_unread[] =
    "ALTER TABLE handle ADD COLUMN unclaimed INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE handle ADD COLUMN seen INTEGER NOT NULL DEFAULT 0;"
    "UPDATE handle SET seen = max(direct, rooms);"
    "CREATE TABLE mark (handle INTEGER NOT NULL, conv INTEGER NOT NULL, seq INTEGER NOT NULL,"
    " PRIMARY KEY (handle, conv)) WITHOUT ROWID;";

/*
 * Version 9: what administrators have laid on a uid (enum sanction_what), until when (0: until it
 * is undone), with which number, by whom and why.
 */
static const char add_sanctions[] =
    "CREATE TABLE sanction (uid INTEGER NOT NULL, what INTEGER NOT NULL, until_ms INTEGER NOT NULL,"
    " rate INTEGER NOT NULL, by_uid INTEGER NOT NULL, by_name TEXT NOT NULL, why TEXT NOT NULL,"
    " PRIMARY KEY (uid, what)) WITHOUT ROWID;";

/*
 * Version 10: a room has a form, an owner and rules (proto/frame.h). An admission is that somebody
 * sees a private room; the name, if it is not empty, is what he calls it.
 */
static const char add_private_rooms[] =
    "ALTER TABLE room ADD COLUMN form INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE room ADD COLUMN rules INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE room ADD COLUMN owner INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE room ADD COLUMN private_since INTEGER NOT NULL DEFAULT 0;"
    "CREATE TABLE admission (room INTEGER NOT NULL, handle INTEGER NOT NULL,"
    " payer INTEGER NOT NULL, after INTEGER NOT NULL, joined INTEGER NOT NULL,"
    " name TEXT NOT NULL, PRIMARY KEY (room, handle)) WITHOUT ROWID;";

/* Version 11: a message may be edited or removed by a later one: see mend.c. */
static const char add_mends[] = "ALTER TABLE message ADD COLUMN mend INTEGER NOT NULL DEFAULT 0;";

/* Version 12: whether the index of parts has them folded: see parts_open(). */
static const char add_parts_folded[] =
    "ALTER TABLE state ADD COLUMN parts_folded INTEGER NOT NULL DEFAULT 0;";

/* Version 13: a reply is in a thread, and has a number in its conversation (core/record.h). */
static const char add_threads[] = "ALTER TABLE message ADD COLUMN thread BLOB;"
                                  "ALTER TABLE message ADD COLUMN n INTEGER NOT NULL DEFAULT 0;";

/* Version 14: whose a direct room is, as the numbers of their handles. */
static const char add_people[] = "ALTER TABLE room ADD COLUMN people TEXT NOT NULL DEFAULT '';";

/*
 * Version 15: what was laid on a uid in a room, or given to him there (enum laid_what), until when
 * (0: until it is undone), by which handle he was named, by whom and why.
 */
static const char add_room_orders[] =
    "CREATE TABLE room_order (room INTEGER NOT NULL, uid INTEGER NOT NULL, what INTEGER NOT NULL,"
    " handle INTEGER NOT NULL, until_ms INTEGER NOT NULL, by_uid INTEGER NOT NULL,"
    " by_name TEXT NOT NULL, why TEXT NOT NULL, PRIMARY KEY (room, uid, what)) WITHOUT ROWID;";

/* Version 16: the Unix group whose room it is. */
static const char add_groups[] = "ALTER TABLE room ADD COLUMN unix_group TEXT NOT NULL DEFAULT '';";

/*
 * Version 17: a message is pinned in its conversation (handle 0), or starred by a handle; by which
 * one, and when.
 */
static const char add_pins[] =
    "CREATE TABLE pin (handle INTEGER NOT NULL, seq INTEGER NOT NULL, conv INTEGER NOT NULL,"
    " by INTEGER NOT NULL, at_ms INTEGER NOT NULL, PRIMARY KEY (handle, seq)) WITHOUT ROWID;";

/* Version 18: the reactions to a message, as lines (core/past/reacted.h). */
static const char add_reactions[] = "ALTER TABLE message ADD COLUMN reactions TEXT;";

/* steps[n] makes version n + 1 of version n. */
static const char *const steps[] = {
    begin,         add_parts,         add_files,         add_users,
    add_logins,    drop_message_uid,  files_are_no_text, add_unread,
    add_sanctions, add_private_rooms, add_mends,         add_parts_folded,
    add_threads,   add_people,        add_room_orders,   add_groups,
    add_pins,      add_reactions};
#define SCHEMA_VERSION ((int64_t)ARRAY_LEN(steps))

/* What the step to version 6 drops only costs time, and what replies are found by only saves some:
 * a hub on a full disk does that when it is started again. Only replies are in these indexes. */
#define SCHEMA_DROPS_INDEX 5
#define INDEXES_LATER                                                                              \
    "DROP INDEX IF EXISTS message_uid;"                                                            \
    "CREATE INDEX IF NOT EXISTS message_thread ON message (thread, seq, conv)"                     \
    " WHERE thread IS NOT NULL;"                                                                   \
    "CREATE INDEX IF NOT EXISTS message_reply ON message (conv, seq, n) WHERE n > 0"

static int schema_step_with(struct connection *connection, int64_t version, const char *step) {
    char end[64];
    snprintf(end, sizeof end, "PRAGMA user_version = %lld; COMMIT", (long long)version + 1);
    int r = connection_run(connection, "BEGIN IMMEDIATE", "upgrade it");
    if (r == 0)
        r = connection_run(connection, step, "upgrade it");
    if (r == 0)
        r = connection_run(connection, end, "upgrade it");
    if (r != 0)
        sqlite3_exec(connection->db, "ROLLBACK", NULL, NULL, NULL);
    return r;
}

/* On a disk that is nearly full a step may need the room that the log of those before it took. */
static void schema_make_room(struct connection *connection) {
    sqlite3_exec(connection->db, "PRAGMA wal_checkpoint(TRUNCATE)", NULL, NULL, NULL);
}

static int schema_step(struct connection *connection, int64_t version) {
    int r = schema_step_with(connection, version, steps[version]);
    if (r != STORE_FULL)
        return r;
    schema_make_room(connection);
    r = schema_step_with(connection, version, steps[version]);
    if (r != STORE_FULL || version != SCHEMA_DROPS_INDEX)
        return r;
    schema_make_room(connection);
    return schema_step_with(connection, version, "");
}

int schema_tell_newer(struct connection *connection, int64_t version) {
    return connection_tell(connection, STORE_NEWER,
                           "%s was made by a newer version of Earshot (schema %lld, this one knows "
                           "%lld); it was not touched. Start that version, or another --state",
                           connection->path, (long long)version, (long long)SCHEMA_VERSION);
}

bool schema_is_newer(int64_t version) {
    return version > SCHEMA_VERSION;
}

int schema_check(struct connection *connection) {
    int64_t version = 0, n_tables = 0;
    int r = connection_number(connection, "PRAGMA user_version", &version);
    if (r == 0 && schema_is_newer(version))
        return schema_tell_newer(connection, version);
    if (r == 0)
        r = connection_number(connection, "SELECT count(*) FROM sqlite_schema", &n_tables);
    if (r == 0 && (version < 0 || (version == 0) != (n_tables == 0)))
        return connection_tell_damage(connection, "is not a database of Earshot");
    return r;
}

/*
 * The index of parts has them without accents (base/fold.h), which the tokenizer of groups cannot
 * leave out. That of an older version is made again behind the commits; on a full disk not before
 * the next start, and until then it is kept as it is.
 */
static int parts_open(struct connection *connection) {
    static const char anew[] =
        "BEGIN IMMEDIATE; DROP TABLE parts;"
        "CREATE VIRTUAL TABLE parts USING fts5 (text, content = 'message', content_rowid = 'seq',"
        " tokenize = 'trigram', detail = 'none');"
        "UPDATE state SET parts_upto = 0, parts_folded = 1; COMMIT";
    int64_t folded = 0;
    int r = connection_number(connection, "SELECT parts_folded FROM state", &folded);
    if (r != 0 || folded)
        return r;
    r = connection_run(connection, anew, "upgrade it");
    if (r != 0)
        sqlite3_exec(connection->db, "ROLLBACK", NULL, NULL, NULL);
    if (r == STORE_FULL)
        schema_make_room(connection);
    connection->keeps_accents = r != 0;
    return r == STORE_FULL ? 0 : r;
}

/* A new one takes all steps at once, which is one sync instead of many. */
static int schema_begin(struct connection *connection) {
    char end[96];
    snprintf(end, sizeof end,
             "UPDATE state SET parts_folded = 1; PRAGMA user_version = %lld; COMMIT",
             (long long)SCHEMA_VERSION);
    int r = connection_run(connection, "BEGIN IMMEDIATE", "make it");
    for (size_t i = 0; r == 0 && i < ARRAY_LEN(steps); i++)
        r = connection_run(connection, steps[i], "make it");
    if (r == 0)
        r = connection_run(connection, end, "make it");
    if (r != 0)
        sqlite3_exec(connection->db, "ROLLBACK", NULL, NULL, NULL);
    return r;
}

int schema_open(struct connection *connection) {
    int64_t version = 0;
    int r = connection_number(connection, "PRAGMA user_version", &version);
    if (r == 0 && version == 0) {
        r = schema_begin(connection);
        version = SCHEMA_VERSION;
    }
    for (; r == 0 && version < SCHEMA_VERSION; version++)
        r = schema_step(connection, version);
    if (r == 0 && connection_run(connection, INDEXES_LATER, "upgrade it") == STORE_FULL)
        schema_make_room(connection);
    return r == 0 ? parts_open(connection) : r;
}
