/*
 * The full-text indexes are filled behind the commits, in batches, each a transaction that is not
 * synced: after a crash state.words_upto and state.parts_upto tell what has to be done again.
 */
#include <stdio.h>

#include "store/inside.h"

#define PARTS_COST 4 /* as much work as so many messages of the words */

static const char doing[] = "index messages";

/* Where a batch ends that costs as much as n_max short messages after `after`, or a little more;
 * 0: there are none. */
static int batch_end(struct connection *writer, uint64_t after, unsigned n_max, uint64_t *upto) {
    sqlite3_stmt *row = connection_get(writer, BATCH);
    int code = SQLITE_DONE;
    if (!row)
        return connection_fail(writer, doing);
    bind_number(row, 1, after);
    bind_number(row, 2, n_max);
    for (uint64_t n = 0; n < n_max && (code = sqlite3_step(row)) == SQLITE_ROW;) {
        *upto = column_number(row, 0);
        n += step_cost((size_t)column_number(row, 1));
    }
    int r = code == SQLITE_ROW || code == SQLITE_DONE ? 0 : connection_fail(writer, doing);
    sqlite3_reset(row);
    return r;
}

static int add_messages(struct connection *writer, bool parts, uint64_t after, uint64_t upto) {
    sqlite3_stmt *add = connection_get(writer, parts ? PARTS_ADD : WORDS_ADD);
    if (!add)
        return connection_fail(writer, doing);
    bind_number(add, 1, after);
    bind_number(add, 2, upto);
    return connection_finish(writer, add, doing);
}

static uint64_t *index_upto(struct store_state *state, bool parts) {
    return parts ? &state->parts_upto : &state->words_upto;
}

static int index_batch(struct store *store, bool parts, unsigned n_max) {
    uint64_t after = *index_upto(&store->committed, parts), upto = 0;
    int r = transaction_begin(store, false);
    if (r != 0)
        return r;
    if (parts)
        n_max = n_max / PARTS_COST + 1;
    r = batch_end(&store->writer, after, n_max, &upto);
    if (r == 0 && upto > 0)
        r = add_messages(&store->writer, parts, after, upto);
    if (r == 0) /* the newest messages may have been deleted */
        *index_upto(&store->pending, parts) = upto > 0 ? upto : store->pending.last_seq;
    return transaction_end(store, r);
}

static bool is_behind(const struct store_state *state) {
    return state->words_upto < state->last_seq || state->parts_upto < state->last_seq;
}

enum store_step store_next_step(const struct store *store) {
    const struct store_state *state = &store->committed;
    if (is_behind(state))
        return state->words_upto >= state->last_seq ? STEP_PARTS : STEP_WORDS;
    return store->maybe_doomed ? STEP_DELETE : STEP_REWRITE;
}

int store_index(struct store *store, unsigned n_max, bool *more) {
    int r = 0;
    const struct store_state *state = &store->committed;
    if (is_behind(state))
        r = index_batch(store, store_next_step(store) == STEP_PARTS, n_max);
    else if (cleaning_is_due(store))
        r = cleaning_step(store, n_max);
    *more = r == 0 && (is_behind(state) || cleaning_is_due(store));
    r = store_tell(store, r);
    return r;
}
