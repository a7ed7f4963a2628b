/* What is written, in transactions. */
#include <string.h>

#include "base/error.h"
#include "base/macro.h"
#include "proto/mend.h"
#include "store/inside.h"

int state_read(struct connection *connection, struct store_state *state) {
    sqlite3_stmt *row = connection_get(connection, STATE_READ);
    if (!row || sqlite3_step(row) != SQLITE_ROW) {
        int r = connection_fail(connection, "read its state");
        sqlite3_reset(row);
        return r;
    }
    *state = (struct store_state){
        .seq_limit = column_number(row, 0),
        .last_seq = column_number(row, 1),
        .n_messages = column_number(row, 2),
        .words_upto = column_number(row, 3),
        .parts_upto = column_number(row, 4),
        .purge = column_number(row, 5),
        .clock = {sqlite3_column_int64(row, 6), sqlite3_column_int64(row, 7),
                  sqlite3_column_int64(row, 8)},
        .parts_folded = column_number(row, 9),
    };
    sqlite3_reset(row);
    return 0;
}

static int state_write(struct connection *connection, const struct store_state *state) {
    sqlite3_stmt *put = connection_get(connection, STATE_WRITE);
    if (!put)
        return connection_fail(connection, "write its state");
    bind_number(put, 1, state->seq_limit);
    bind_number(put, 2, state->last_seq);
    bind_number(put, 3, state->n_messages);
    bind_number(put, 4, state->words_upto);
    bind_number(put, 5, state->parts_upto);
    bind_number(put, 6, state->purge);
    sqlite3_bind_int64(put, 7, state->clock.seen_ms);
    sqlite3_bind_int64(put, 8, state->clock.leap_ms);
    sqlite3_bind_int64(put, 9, state->clock.settled_ms);
    return connection_finish(connection, put, "write its state");
}

void state_publish(struct store *store, const struct store_state *state) {
    store->last_seq = state->last_seq;
    store->n_messages = state->n_messages;
    store->words_upto = state->words_upto;
    store->parts_upto = state->parts_upto;
}

static int set_relaxed(struct store *store, bool relaxed) {
    if (store->relaxed == relaxed)
        return 0;
    int r = connection_run(&store->writer,
                           relaxed ? "PRAGMA synchronous = NORMAL" : "PRAGMA synchronous = FULL",
                           "change how it is synced");
    if (r == 0)
        store->relaxed = relaxed;
    return r;
}

int transaction_begin(struct store *store, bool durable) {
    int r = set_relaxed(store, !durable);
    if (r == 0)
        r = connection_do(&store->writer, BEGIN_WRITING, "begin to write");
    store->pending = store->committed;
    store->pending.clock = store->clock;
    store->deletes = store->erases = store->purges = false;
    store->n_charges = 0;
    return r;
}

/* What each user has stored. */

static int charge_write(struct store *store, const struct charge *charge) {
    static const char doing[] = "count what is stored";
    struct connection *writer = &store->writer;
    sqlite3_stmt *add = connection_get(writer, USAGE_ADD);
    if (!add)
        return connection_fail(writer, doing);
    bind_number(add, 1, charge->uid);
    sqlite3_bind_int64(add, 2, charge->n_messages);
    sqlite3_bind_int64(add, 3, charge->n_bytes);
    int r = connection_finish(writer, add, doing);
    sqlite3_stmt *clear =
        r == 0 && charge->n_messages < 0 ? connection_get(writer, USAGE_CLEAR) : NULL;
    if (r != 0 || charge->n_messages >= 0)
        return r;
    if (!clear)
        return connection_fail(writer, doing);
    bind_number(clear, 1, charge->uid);
    return connection_finish(writer, clear, doing);
}

static int charges_write(struct store *store) {
    int r = 0;
    for (size_t i = 0; r == 0 && i < store->n_charges; i++)
        r = charge_write(store, &store->charges[i]);
    store->n_charges = 0;
    return r;
}

/* Gathered, and written once for each user at the end. */
int transaction_charge(struct store *store, uint32_t uid, int64_t n_messages, int64_t n_bytes) {
    size_t at = store->n_charges;
    while (at > 0 && store->charges[at - 1].uid != uid)
        at--;
    if (at > 0) {
        store->charges[at - 1].n_messages += n_messages;
        store->charges[at - 1].n_bytes += n_bytes;
        return 0;
    }
    int r = store->n_charges == STORE_CHARGES ? charges_write(store) : 0;
    store->charges[store->n_charges++] = (struct charge){uid, n_messages, n_bytes};
    return r;
}

void store_set_clock(struct store *store, const struct calendar_memory *clock) {
    store->clock = *clock;
}

/*
 * What is stored leaves the spare room alone. Deleting may use it, and so make the database larger
 * for a while; until it has given that back, nothing is stored even where there are free pages.
 */
static bool write_fits(const struct store *store, int64_t grows) {
    if (store->deletes)
        return true;
    const struct place *place = &store->place;
    int64_t log = place_size(place, true) - place_size(place, false);
    return grows > 0 ? place_room(place) >= grows + STORE_GROW_BYTES + STORE_SPARE_BYTES
                     : place_room(place) + log >= STORE_SPARE_BYTES / 2;
}

/*
 * The room that the database needs when the -wal file is copied into it is taken before that file
 * grows. So a disk that gets full never keeps the one from being given back by the other.
 */
static int take_room(struct store *store, int64_t n_bytes) {
    struct connection *writer = &store->writer;
    sqlite3_int64 wanted = n_bytes;
    int64_t grows = n_bytes - place_size(&store->place, false);
    bool has_room = write_fits(store, grows);
    if (has_room && (grows <= 0 ||
                     sqlite3_file_control(writer->db, NULL, SQLITE_FCNTL_SIZE_HINT, &wanted) == 0))
        return 0;
    return connection_tell(writer, STORE_FULL,
                           "%s: cannot grow; make room on the disk, or raise the quota",
                           writer->path);
}

static int reserve_room(struct store *store) {
    struct connection *writer = &store->writer;
    sqlite3_stmt *row = connection_get(writer, PAGES);
    int r = row && sqlite3_step(row) == SQLITE_ROW ? 0 : connection_fail(writer, "see its size");
    int64_t n_bytes = r == 0 ? sqlite3_column_int64(row, 0) * store->page_bytes : 0;
    sqlite3_reset(row);
    store->n_bytes = n_bytes;
    return r == 0 ? take_room(store, n_bytes) : r;
}

/*
 * After a transaction for which there was no room: what the log takes is given back, if nobody is
 * reading just now, and can be used again.
 */
static void give_back_log(struct store *store) {
    struct connection *writer = &store->writer;
    connection_wait_for_others(writer, false);
    sqlite3_wal_checkpoint_v2(writer->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    connection_wait_for_others(writer, true);
}

/* Commits when nothing has failed; else undoes everything and returns what failed. */
int transaction_end(struct store *store, int outcome) {
    struct connection *writer = &store->writer;
    if (outcome == 0)
        outcome = charges_write(store);
    if (store->purges)
        store->pending.purge |= PURGE_AGAIN;
    if (outcome == 0 && memcmp(&store->pending, &store->committed, sizeof store->pending) != 0)
        outcome = state_write(writer, &store->pending);
    if (outcome == 0)
        outcome = reserve_room(store);
    if (outcome == 0)
        outcome = connection_do(writer, COMMIT, "commit");
    if (outcome == 0) {
        store->committed = store->pending;
        store->is_to_erase |= store->erases;
        store->place.n_bytes = store->n_bytes;
        state_publish(store, &store->committed);
        return 0;
    }
    /* SQLite has undone some failures by itself. */
    if (!sqlite3_get_autocommit(writer->db))
        sqlite3_exec(writer->db, "ROLLBACK", NULL, NULL, NULL);
    memset(store->known_pairs, 0, sizeof store->known_pairs);
    if (outcome == STORE_FULL)
        give_back_log(store);
    return outcome;
}

int store_begin(struct store *store) {
    int r = store_check_place(store);
    if (r == 0)
        r = transaction_begin(store, true);
    store->writing = r == 0;
    store->outcome = 0;
    if (r != 0) {
        (void)store_tell(store, r);
    }
    return r;
}

static int write_end(struct store *store) {
    int failed = store->outcome, r = transaction_end(store, failed);
    if (r == 0) /* what was committed to a file that is gone is not stored */
        r = store_check_place(store);
    if (failed == 0) /* else it has been told */
        (void)store_tell(store, r);
    store->writing = false;
    store->fails = r != 0;
    return r;
}

int store_commit(struct store *store) {
    assert(store->writing);
    return write_end(store);
}

void store_rollback(struct store *store) {
    if (!store->writing)
        return;
    store->outcome = -ECANCELED; /* any failure */
    (void)write_end(store);
}

/* The statement of a put; NULL when this one or an earlier one failed: see store->outcome. */
static sqlite3_stmt *put_prepare(struct store *store, enum statement which, const char *doing) {
    assert(store->writing);
    if (store->outcome != 0)
        return NULL;
    sqlite3_stmt *put = connection_get(&store->writer, which);
    if (!put)
        store->outcome = store_tell(store, connection_fail(&store->writer, doing));
    return put;
}

static int put_run(struct store *store, sqlite3_stmt *put, const char *doing) {
    store->outcome = store_tell(store, connection_finish(&store->writer, put, doing));
    return store->outcome;
}

static int add_pair(struct store *store, uint32_t handle, conv_number conv) {
    static const char doing[] = "note a conversation";
    sqlite3_stmt *add = put_prepare(store, PAIR_ADD, doing);
    if (!add)
        return store->outcome;
    bind_number(add, 1, handle);
    sqlite3_bind_int64(add, 2, conv);
    return put_run(store, add, doing);
}

/* Costs nothing but the first time. */
static int note_pair(struct store *store, conv_number conv) {
    uint64_t hash = (uint64_t)conv * UINT64_C(0x9e3779b97f4a7c15);
    conv_number *known = &store->known_pairs[hash >> 51];
    _Static_assert(STORE_KNOWN_PAIRS == 1 << (64 - 51), "as many as the hash has values");
    if (conv_is_room(conv) || *known == conv)
        return 0;
    int r = add_pair(store, (uint32_t)(conv >> 32), conv);
    if (r == 0)
        r = add_pair(store, (uint32_t)conv, conv);
    if (r == 0)
        *known = conv;
    return r;
}

static void bind_uuid_or_none(sqlite3_stmt *put, int at, const struct uuid *id) {
    if (uuid_is_nil(id))
        sqlite3_bind_null(put, at);
    else
        sqlite3_bind_blob(put, at, id->b, sizeof id->b, SQLITE_STATIC);
}

static void bind_message(sqlite3_stmt *put, const struct record *record) {
    bind_number(put, 1, record->seq);
    sqlite3_bind_blob(put, 2, record->id.b, sizeof record->id.b, SQLITE_STATIC);
    sqlite3_bind_int64(put, 3, record->conv);
    sqlite3_bind_int64(put, 4, record->at_ms);
    bind_number(put, 5, record->from);
    bind_number(put, 6, record->uid);
    bind_number(put, 7, record->kind);
    bind_number(put, 8, record->flags);
    sqlite3_bind_int64(put, 9, (int64_t)record->link);
    bind_uuid_or_none(put, 10, &record->reply_to);
    if (record->kind == STORE_FILE_KIND) /* which need not be text */
        sqlite3_bind_blob64(put, 11, record->text.data, record->text.n, SQLITE_STATIC);
    else
        bind_text(put, 11, record->text);
    bind_uuid_or_none(put, 12, &record->thread);
    bind_number(put, 13, record->n);
}

static int note_message(struct store *store, const struct record *record) {
    assert(record->seq > store->pending.last_seq);
    store->pending.last_seq = record->seq;
    store->pending.n_messages++;
    int r = transaction_charge(store, record->uid, 1, message_cost(record->text.n));
    if (r == 0 && mend_is(record->kind))
        r = mend_message(store, record);
    if (r != 0)
        store->outcome = store_tell(store, r);
    return r == 0 ? note_pair(store, record->conv) : r;
}

/* Its user has stored something under this id before: the same, or something else. */
static int meet_first(struct store *store, const struct record *record, uint64_t *seq) {
    int r = message_find(&store->writer, record, seq);
    if (r == STORE_OTHER) {
        *seq = 0;
        return 0;
    }
    if (r == STORE_NOT_FOUND)
        r = connection_tell_damage(&store->writer, "has an index that does not fit");
    if (r != 0)
        store->outcome = store_tell(store, r);
    return r;
}

int store_put_message(struct store *store, const struct record *record, uint64_t *seq) {
    static const char doing[] = "store a message";
    uint64_t unwanted, *at = seq ? seq : &unwanted;
    sqlite3_stmt *put = put_prepare(store, MESSAGE_PUT, doing);
    if (!put)
        return store->outcome;
    bind_message(put, record);
    int r = put_run(store, put, doing);
    if (r != 0)
        return r;
    *at = record->seq;
    return sqlite3_changes(store->writer.db) > 0 ? note_message(store, record)
                                                 : meet_first(store, record, at);
}

int store_put_handle(struct store *store, const struct store_handle *handle) {
    static const char doing[] = "store a handle";
    sqlite3_stmt *put = put_prepare(store, HANDLE_PUT, doing);
    if (!put)
        return store->outcome;
    bind_number(put, 1, handle->number);
    bind_number(put, 2, handle->uid);
    bind_text(put, 3, handle->name);
    bind_number(put, 4, handle->direct);
    bind_number(put, 5, handle->rooms);
    bind_number(put, 6, handle->read);
    bind_text(put, 7, handle->login);
    bind_number(put, 8, handle->seen);
    bind_number(put, 9, handle->is_unclaimed);
    return put_run(store, put, doing);
}

int store_put_mark(struct store *store, const struct store_mark *mark) {
    static const char doing[] = "store what was read";
    sqlite3_stmt *put = put_prepare(store, mark->seq > 0 ? MARK_PUT : MARK_REMOVE, doing);
    if (!put)
        return store->outcome;
    bind_number(put, 1, mark->handle);
    sqlite3_bind_int64(put, 2, mark->conv);
    if (mark->seq > 0)
        bind_number(put, 3, mark->seq);
    return put_run(store, put, doing);
}

static int remove_rows(struct store *store, enum statement which, uint32_t room) {
    static const char doing[] = "remove a room";
    sqlite3_stmt *remove = put_prepare(store, which, doing);
    if (!remove)
        return store->outcome;
    bind_number(remove, 1, room);
    return put_run(store, remove, doing);
}

/* Nobody is in it, nobody is invited, and nothing is pinned. */
static int room_empty(struct store *store, uint32_t room) {
    int r = remove_rows(store, ROOM_EMPTY, room);
    if (r == 0)
        r = remove_rows(store, ROOM_UNINVITE, room);
    if (r == 0)
        r = remove_rows(store, ROOM_ORDERS_REMOVE, room);
    return r == 0 ? remove_rows(store, PINS_DELETE, room) : r;
}

int store_put_room(struct store *store, const struct store_room *room) {
    static const char doing[] = "store a room";
    sqlite3_stmt *put = put_prepare(store, ROOM_PUT, doing);
    if (!put)
        return store->outcome;
    bind_number(put, 1, room->number);
    bind_number(put, 2, room->creator);
    bind_text(put, 3, room->name);
    bind_text(put, 4, room->topic);
    bind_number(put, 5, room->form);
    bind_number(put, 6, room->rules);
    bind_number(put, 7, room->owner);
    bind_number(put, 8, room->private_since);
    bind_text(put, 9, room->people);
    bind_text(put, 10, room->group);
    int r = put_run(store, put, doing);
    return r == 0 && room->is_closed ? room_empty(store, room->number) : r;
}

int store_remove_room(struct store *store, uint32_t room) {
    int r = room_empty(store, room);
    return r == 0 ? remove_rows(store, ROOM_REMOVE, room) : r;
}

int store_put_member(struct store *store, const struct store_member *member) {
    static const char doing[] = "store a member of a room";
    sqlite3_stmt *put = put_prepare(store, MEMBER_PUT, doing);
    if (!put)
        return store->outcome;
    bind_number(put, 1, member->room);
    bind_number(put, 2, member->handle);
    bind_number(put, 3, member->since);
    return put_run(store, put, doing);
}

int store_remove_member(struct store *store, uint32_t room, uint32_t handle) {
    static const char doing[] = "remove a member of a room";
    sqlite3_stmt *remove = put_prepare(store, MEMBER_REMOVE, doing);
    if (!remove)
        return store->outcome;
    bind_number(remove, 1, room);
    bind_number(remove, 2, handle);
    return put_run(store, remove, doing);
}

int store_put_sanction(struct store *store, const struct store_sanction *sanction) {
    static const char doing[] = "store what is laid on a user";
    sqlite3_stmt *put = put_prepare(store, SANCTION_PUT, doing);
    if (!put)
        return store->outcome;
    bind_number(put, 1, sanction->uid);
    bind_number(put, 2, sanction->what);
    sqlite3_bind_int64(put, 3, sanction->until_ms);
    bind_number(put, 4, sanction->rate);
    bind_number(put, 5, sanction->by);
    bind_text(put, 6, sanction->by_name);
    bind_text(put, 7, sanction->why);
    return put_run(store, put, doing);
}

int store_remove_sanction(struct store *store, uint32_t uid, uint8_t what) {
    static const char doing[] = "remove what was laid on a user";
    sqlite3_stmt *remove = put_prepare(store, SANCTION_REMOVE, doing);
    if (!remove)
        return store->outcome;
    bind_number(remove, 1, uid);
    bind_number(remove, 2, what);
    return put_run(store, remove, doing);
}

int store_put_room_order(struct store *store, const struct store_room_order *order) {
    static const char doing[] = "store order in a room";
    sqlite3_stmt *put = put_prepare(store, ROOM_ORDER_PUT, doing);
    if (!put)
        return store->outcome;
    bind_number(put, 1, order->room);
    bind_number(put, 2, order->uid);
    bind_number(put, 3, order->what);
    bind_number(put, 4, order->handle);
    sqlite3_bind_int64(put, 5, order->until_ms);
    bind_number(put, 6, order->by);
    bind_text(put, 7, order->by_name);
    bind_text(put, 8, order->why);
    return put_run(store, put, doing);
}

int store_remove_room_order(struct store *store, uint32_t room, uint32_t uid, uint8_t what) {
    static const char doing[] = "remove order in a room";
    sqlite3_stmt *remove = put_prepare(store, ROOM_ORDER_REMOVE, doing);
    if (!remove)
        return store->outcome;
    bind_number(remove, 1, room);
    bind_number(remove, 2, uid);
    bind_number(remove, 3, what);
    return put_run(store, remove, doing);
}

int store_put_admission(struct store *store, const struct store_admission *admission) {
    static const char doing[] = "store who sees a private room";
    sqlite3_stmt *put = put_prepare(store, ADMISSION_PUT, doing);
    if (!put)
        return store->outcome;
    bind_number(put, 1, admission->room);
    bind_number(put, 2, admission->handle);
    bind_number(put, 3, admission->payer);
    bind_number(put, 4, admission->after);
    bind_number(put, 5, admission->has_joined);
    bind_text(put, 6, admission->name);
    return put_run(store, put, doing);
}

int store_remove_admission(struct store *store, uint32_t room, uint32_t handle) {
    static const char doing[] = "remove who sees a private room";
    sqlite3_stmt *remove = put_prepare(store, ADMISSION_REMOVE, doing);
    if (!remove)
        return store->outcome;
    bind_number(remove, 1, room);
    bind_number(remove, 2, handle);
    return put_run(store, remove, doing);
}

int store_put_pin(struct store *store, const struct store_pin *pin) {
    static const char doing[] = "store what is pinned";
    sqlite3_stmt *put = put_prepare(store, PIN_PUT, doing);
    if (!put)
        return store->outcome;
    bind_number(put, 1, pin->handle);
    bind_number(put, 2, pin->seq);
    sqlite3_bind_int64(put, 3, pin->conv);
    bind_number(put, 4, pin->by);
    sqlite3_bind_int64(put, 5, pin->at_ms);
    return put_run(store, put, doing);
}

int store_remove_pin(struct store *store, uint32_t handle, uint64_t seq) {
    static const char doing[] = "remove what is pinned";
    sqlite3_stmt *remove = put_prepare(store, PIN_DELETE, doing);
    if (!remove)
        return store->outcome;
    bind_number(remove, 1, handle);
    bind_number(remove, 2, seq);
    return put_run(store, remove, doing);
}

int store_put_seq_limit(struct store *store, uint64_t seq_limit) {
    assert(store->writing);
    if (store->outcome == 0)
        store->pending.seq_limit = seq_limit;
    return store->outcome;
}

/* Up to where all of the conversation's handles have forgotten it. */
static int forgotten_by_all(struct store *store, conv_number conv, uint64_t *upto) {
    static const char doing[] = "forget a conversation";
    *upto = 0;
    uint32_t first = (uint32_t)(conv >> 32), second = (uint32_t)conv;
    sqlite3_stmt *row = put_prepare(store, PAIR_FORGOTTEN_BY_ALL, doing);
    if (!row)
        return store->outcome;
    sqlite3_bind_int64(row, 1, conv);
    bind_number(row, 2, first);
    bind_number(row, 3, second);
    if (sqlite3_step(row) != SQLITE_ROW)
        store->outcome = store_tell(store, connection_fail(&store->writer, doing));
    else if (sqlite3_column_int(row, 1) == (first == second ? 1 : 2))
        *upto = column_number(row, 0);
    sqlite3_reset(row);
    return store->outcome;
}

int store_put_forgotten(struct store *store, uint32_t handle, conv_number conv, uint64_t seq) {
    static const char doing[] = "forget a conversation";
    uint64_t upto = 0;
    sqlite3_stmt *put = conv_has(conv, handle) ? put_prepare(store, PAIR_FORGET, doing) : NULL;
    if (!put)
        return store->outcome;
    bind_number(put, 1, handle);
    sqlite3_bind_int64(put, 2, conv);
    bind_number(put, 3, seq);
    if (put_run(store, put, doing) != 0 || forgotten_by_all(store, conv, &upto) != 0 || upto == 0)
        return store->outcome;
    put = put_prepare(store, DOOMED_ADD, doing);
    if (!put)
        return store->outcome;
    sqlite3_bind_int64(put, 1, conv);
    bind_number(put, 2, upto);
    store->maybe_doomed = true;
    return put_run(store, put, doing);
}
