/*
 * What a message that edits or removes an earlier one does to that one, in the transaction that
 * stores it: the old text goes from the row and from both indexes. SQLite overwrites what it frees
 * (PRAGMA secure_delete), and the log is truncated soon (store_erase()). An index keeps the words
 * of what was deleted until it is rewritten, which begins soon, too.
 *
 * message.mend is the number of the message that mended this one last. An edit keeps its text as
 * long as it is the last one, for who was away gets it; then it has none, and no conversation: it
 * only stays known by its id. So it is with a reaction, when it is taken back or its message is
 * removed.
 */
#include <string.h>

#include "base/error.h"
#include "core/past/reacted.h"
#include "proto/mend.h"
#include "store/inside.h"

static const char doing[] = "change a message";

/* Who wrote what is meant. False: it does not say so. */
static bool mend_author(const struct record *by, uint32_t *uid) {
    struct mend_removal removal = {.uid = by->uid};
    bool is_told = by->kind == STORE_REMOVE_KIND || by->kind == STORE_REACT_KIND;
    bool is_known = !is_told || mend_removal_take(&removal, by->text);
    *uid = removal.uid;
    return is_known;
}

/* The message that is meant. */
struct mended {
    uint64_t seq, by; /* by: what mended it until now; 0: nothing */
    conv_number conv;
    uint8_t kind, flags;
    size_t n_text;
    struct bytes reactions; /* where the caller has room for them */
};

static int mended_find(struct connection *writer, uint32_t uid, const struct uuid *id,
                       struct mended *mended, char *reactions) {
    sqlite3_stmt *row = connection_get(writer, MENDED_FIND);
    *mended = (struct mended){0};
    if (!row)
        return connection_fail(writer, doing);
    bind_number(row, 1, uid);
    sqlite3_bind_blob(row, 2, id->b, sizeof id->b, SQLITE_STATIC);
    int code = sqlite3_step(row);
    if (code == SQLITE_ROW)
        *mended = (struct mended){.seq = column_number(row, 0),
                                  .by = column_number(row, 1),
                                  .conv = sqlite3_column_int64(row, 2),
                                  .kind = (uint8_t)column_number(row, 3),
                                  .flags = (uint8_t)column_number(row, 4),
                                  .n_text = (size_t)column_number(row, 5),
                                  .reactions = column_text(row, 6)};
    if (!reactions || mended->reactions.n > REACTED_BYTES_MAX)
        mended->reactions.n = 0;
    if (mended->reactions.n > 0)
        memcpy(reactions, mended->reactions.data, mended->reactions.n);
    mended->reactions.data = reactions;
    int r = code == SQLITE_ROW || code == SQLITE_DONE ? 0 : connection_fail(writer, doing);
    sqlite3_reset(row);
    return r;
}

static int mend_run(struct connection *writer, enum statement which, uint64_t seq) {
    sqlite3_stmt *statement = connection_get(writer, which);
    if (!statement)
        return connection_fail(writer, doing);
    bind_number(statement, 1, seq);
    return connection_finish(writer, statement, doing);
}

/* In both indexes, as far as they have the message. */
static int mend_index(struct store *store, const struct mended *mended, enum statement words,
                      enum statement parts) {
    struct connection *writer = &store->writer;
    int r = 0;
    if (mended->seq <= store->committed.words_upto)
        r = mend_run(writer, words, mended->seq);
    if (r == 0 && mended->seq <= store->committed.parts_upto)
        r = mend_run(writer, parts, mended->seq);
    return r;
}

/* An edit that counts no more: its text goes as well. */
static int mend_pass(struct store *store, uint64_t seq, int64_t *n_bytes) {
    struct connection *writer = &store->writer;
    sqlite3_stmt *row = connection_get(writer, MEND_LENGTH);
    if (!row)
        return connection_fail(writer, doing);
    bind_number(row, 1, seq);
    if (sqlite3_step(row) == SQLITE_ROW)
        *n_bytes += sqlite3_column_int64(row, 0);
    sqlite3_reset(row);
    return mend_run(writer, MEND_PASSED, seq);
}

static int mend_write(struct store *store, const struct record *by, const struct mended *mended) {
    struct connection *writer = &store->writer;
    bool removes = by->kind == STORE_REMOVE_KIND;
    sqlite3_stmt *change = connection_get(writer, removes ? MEND_REMOVE : MEND_EDIT);
    if (!change)
        return connection_fail(writer, doing);
    bind_number(change, 1, mended->seq);
    bind_number(change, 2, by->seq);
    if (removes) {
        bind_number(change, 3, by->from);
    } else {
        bind_text(change, 3, by->text);
        bind_number(change, 4, by->kind & STORE_HEADED);
    }
    return connection_finish(writer, change, doing);
}

/* Those to a message that is removed: their text goes, too. */
static int mend_pass_reactions(struct store *store, struct bytes reactions) {
    struct reacted reacted;
    int r = 0;
    while (r == 0 && reacted_next(&reactions, &reacted)) {
        int64_t n_passed = 0;
        r = mend_pass(store, reacted.seq, &n_passed);
        if (r == 0)
            r = transaction_charge(store, reacted.uid, 0, -n_passed);
    }
    return r;
}

static int mend_change(struct store *store, const struct record *by, const struct mended *mended,
                       uint32_t uid) {
    size_t n_text = by->kind == STORE_REMOVE_KIND ? 0 : by->text.n;
    int64_t n_passed = 0;
    int r = mend_index(store, mended, WORDS_DELETE, PARTS_DELETE);
    if (r == 0)
        r = mend_write(store, by, mended);
    if (r == 0)
        r = mend_index(store, mended, WORDS_ADD_ONE, PARTS_ADD_ONE);
    if (r == 0 && mended->by > 0)
        r = mend_pass(store, mended->by, &n_passed);
    if (r == 0 && by->kind == STORE_REMOVE_KIND)
        r = mend_pass_reactions(store, mended->reactions);
    if (r == 0)
        r = transaction_charge(store, uid, 0, (int64_t)n_text - (int64_t)mended->n_text - n_passed);
    store->erases = true;
    store->purges |=
        mended->seq <= store->committed.words_upto || mended->seq <= store->committed.parts_upto;
    return r;
}

/* Whether the core let it be done is the core's business; but a damaged row may say anything. */
static bool mend_fits(const struct record *by, const struct mended *mended) {
    return mended->seq > 0 && mended->seq < by->seq && mended->conv == by->conv &&
           !mend_is(mended->kind) && !(mended->flags & RECORD_REMOVED) &&
           (by->kind == STORE_REMOVE_KIND || by->kind == STORE_REACT_KIND ||
            mended->kind != STORE_FILE_KIND);
}

static int react_write(struct connection *writer, uint64_t seq, struct bytes reactions) {
    sqlite3_stmt *change = connection_get(writer, MEND_REACT);
    if (!change)
        return connection_fail(writer, doing);
    bind_number(change, 1, seq);
    if (reactions.n > 0)
        bind_text(change, 2, reactions);
    else
        sqlite3_bind_null(change, 2);
    return connection_finish(writer, change, doing);
}

/* The message's lines are where there is room for one more. */
static int react_change(struct store *store, const struct record *by, const struct mended *mended) {
    struct bytes reactions = mended->reactions;
    struct reaction reaction;
    struct reacted before = {0};
    int64_t n_passed = 0;
    if (!reaction_take(&reaction, by->text))
        return 0;
    bool is_there = reacted_find(reactions, reaction.emoji, by->uid, &before);
    if (is_there == reaction.on || (reaction.on && !reacted_has_place(reactions, reaction.emoji)))
        return 0;
    uint64_t seq_before = before.seq;
    char *text = (char *)reactions.data;
    reactions.n = reaction.on
                      ? reacted_add(text, reactions,
                                    &(struct reacted){reaction.emoji, by->uid, by->from, by->seq})
                      : reacted_remove(text, reactions, reaction.emoji, by->uid);
    int r = react_write(&store->writer, mended->seq, reactions);
    if (r == 0 && !reaction.on)
        r = mend_pass(store, seq_before, &n_passed);
    return r == 0 ? transaction_charge(store, by->uid, 0, -n_passed) : r;
}

int mend_message(struct store *store, const struct record *by) {
    char reactions[REACTED_BYTES_MAX];
    struct mended mended;
    uint32_t uid;
    if (!mend_author(by, &uid))
        return 0;
    int r = mended_find(&store->writer, uid, &by->reply_to, &mended, reactions);
    if (r != 0 || !mend_fits(by, &mended))
        return r;
    return by->kind == STORE_REACT_KIND ? react_change(store, by, &mended)
                                        : mend_change(store, by, &mended, uid);
}

int mend_look(struct connection *connection, struct record *by) {
    struct mended mended;
    uint32_t uid;
    if (!mend_is(by->kind) || !mend_author(by, &uid))
        return 0;
    int r = mended_find(connection, uid, &by->reply_to, &mended, NULL);
    by->about = mended.seq;
    return r;
}
