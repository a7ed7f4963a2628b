/* A store in memory: it keeps the latest messages, answers, is slow, fails. */
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"
#include "semantic/semantic.h"

#define N_KEPT 512
#define N_FORGOTTEN 64
#define N_ASKS 16

static struct record kept[N_KEPT]; /* a ring, ascending */
static size_t n_kept;              /* that ever were */
static struct {
    uint32_t handle;
    conv_number conv;
    uint64_t seq;
} forgotten[N_FORGOTTEN];
static struct commit commit;
static bool is_committing;
static struct ask *asks[N_ASKS];
static uint64_t last_seq;

static bool store_fails(void) {
    return weather.store_fails_one_in > 0 && chance_one_in(weather.store_fails_one_in);
}

/* Writing. */

enum stored store_find(void *arg, const struct record *like, uint64_t *seq) {
    (void)arg;
    for (size_t i = 0; i < N_KEPT; i++) {
        const struct record *found = &kept[i];
        if (found->seq == 0 || found->uid != like->uid || !uuid_equal(&found->id, &like->id))
            continue;
        *seq = found->seq;
        return record_is_same(found, like) ? STORED_SAME : STORED_OTHER;
    }
    return STORED_NOTHING;
}

static void store_drop(struct record *record) {
    memory_own_free((void *)(uintptr_t)record->text.data);
    *record = (struct record){0};
}

/* False: there is no memory for the verdict, so that nothing may be taken for stored. */
static bool store_put(const struct record *record) {
    uint64_t first = 0;
    MUST(record->seq > last_seq);
    enum stored known = store_find(NULL, record, &first);
    if (known != STORED_NOTHING)
        return commit_judge(&commit, record->seq, known == STORED_SAME ? first : 0) == 0;
    struct record *place = &kept[n_kept++ % N_KEPT];
    if (place->seq)
        store_drop(place);
    char *text = memory_own(record->text.n);
    if (record->text.n > 0)
        memcpy(text, record->text.data, record->text.n);
    *place = *record;
    place->text.data = text;
    return true;
}

/* As a transaction that is rolled back. */
static bool store_put_all(void) {
    size_t n_before = n_kept;
    uint64_t newest = last_seq;
    for (size_t i = 0; i < commit.n_spans; i++) {
        size_t at = 0;
        for (const struct log_entry *entry; (entry = log_span_next(&commit.spans[i], &at));) {
            newest = entry->record.seq;
            if (store_put(&entry->record))
                continue;
            while (n_kept > n_before)
                if (kept[--n_kept % N_KEPT].seq)
                    store_drop(&kept[n_kept % N_KEPT]);
            return false;
        }
    }
    last_seq = newest;
    return true;
}

static void store_forget(const struct change *change) {
    unsigned at = (unsigned)((uint64_t)change->conv * 31 + change->handle) % N_FORGOTTEN;
    forgotten[at].handle = change->handle;
    forgotten[at].conv = change->conv;
    forgotten[at].seq = change->seq;
}

static void store_commit_begin(void) {
    core_take_commit(&core, &commit);
    is_committing = true;
}

static void store_commit_end(void) {
    bool fails = store_fails() || !store_put_all();
    is_committing = false;
    for (size_t i = 0; i < commit.changes.n && !fails; i++)
        if (commit.changes.list[i].what == CHANGE_FORGET)
            store_forget(&commit.changes.list[i]);
    core_committed(&core, &commit, fails ? "no room on the disk" : NULL);
}

/* Reading. */

static bool store_is_in_view(const struct ask *ask, const struct record *record) {
    if (record->seq == 0 || (ask->conv && record->conv != ask->conv))
        return false;
    if (!conv_is_room(record->conv)) {
        for (size_t i = 0; i < N_FORGOTTEN; i++)
            if (forgotten[i].handle == ask->handle && forgotten[i].conv == record->conv &&
                record->seq <= forgotten[i].seq)
                return false;
        return ask->direct && conv_has(record->conv, ask->handle) &&
               record->seq > ask->direct_after;
    }
    for (size_t i = 0; i < ask->n_rooms; i++)
        if (ask->rooms[i].conv == record->conv)
            return record->seq > ask->rooms[i].after;
    return false;
}

/* Ascending; the oldest ones for FEED and for HISTORY after some place, else the newest. */
static void store_read(struct ask *ask) {
    static struct record page[N_KEPT];
    bool oldest = ask->what == ASK_FEED || (ask->what == ASK_HISTORY && ask->after);
    uint64_t upto = last_seq;
    size_t n = 0, first = n_kept > N_KEPT ? n_kept - N_KEPT : 0;
    for (size_t i = first; i < n_kept; i++) {
        const struct record *record = &kept[i % N_KEPT];
        bool fits = store_is_in_view(ask, record) && (!ask->before || record->seq < ask->before) &&
                    (ask->what == ASK_FEED || record->seq > ask->after) &&
                    (ask->what != ASK_FIND || ask_finds(ask, record)) &&
                    (ask->what != ASK_PINS || ask_pin_of(ask, record->seq));
        if (!fits)
            continue;
        if (oldest && n == ask->limit)
            break;
        page[n++] = *record;
        if (n == ask->limit && ask->what == ASK_FEED)
            upto = record->seq;
    }
    struct record *begin = n > ask->limit ? page + (n - ask->limit) : page;
    n = n > ask->limit ? ask->limit : n;
    bool is_newest_first = ask->what == ASK_SEARCH || ask->what == ASK_PINS;
    for (size_t i = 0; is_newest_first && i < n / 2; i++) {
        struct record swap = begin[i];
        begin[i] = begin[n - 1 - i];
        begin[n - 1 - i] = swap;
    }
    const char *reason = store_fails() ? "it cannot be read" : NULL;
    if (ask->what == ASK_FEED)
        core_fed(&core, ask, begin, n, upto, reason);
    else
        core_answered(&core, ask, begin, n, reason);
    ask_free(ask);
}

static struct log_slice slice;

static void store_answer(struct ask *ask) {
    if (weather.durable) {
        store_read(ask);
        return;
    }
    core_read_log(&core, ask, &slice);
    core_sifted(&core, ask, ask_sift(ask, &slice));
}

static bool store_take_ask(void) {
    bool feed = chance_one_in(2);
    for (size_t i = 0; i < N_ASKS; i++) {
        if (asks[i])
            continue;
        MUST(core_has_ask(&core, feed) || !core_take_ask(&core, feed));
        asks[i] = core_take_ask(&core, feed);
        if (!asks[i])
            asks[i] = core_take_ask(&core, !feed);
        return asks[i] != NULL;
    }
    return false;
}

static bool store_answer_one(void) {
    unsigned first = chance_below(N_ASKS);
    for (unsigned i = 0; i < N_ASKS; i++) {
        unsigned at = (first + i) % N_ASKS;
        if (!asks[at])
            continue;
        struct ask *ask = asks[at];
        asks[at] = NULL;
        store_answer(ask);
        return true;
    }
    return false;
}

/* Life. */

void store_work(void) {
    switch (chance_below(4)) {
    case 0:
    case 1:
        if (is_committing)
            store_commit_end();
        else if (core_has_commit(&core))
            store_commit_begin();
        break;
    case 2:
        store_take_ask();
        break;
    default:
        store_answer_one();
        break;
    }
}

bool store_settle(void) {
    bool any = is_committing;
    if (is_committing)
        store_commit_end();
    if (weather.durable && core_has_commit(&core)) {
        store_commit_begin();
        store_commit_end();
        any = true;
    }
    while (store_take_ask() || store_answer_one())
        any = true;
    return any;
}

void store_begin(void) {
    memset(forgotten, 0, sizeof forgotten);
    last_seq = 0;
    MUST(log_slice_init(&slice) == 0);
    core_restore_seq(&core, 1 + chance_below(1000));
    MUST(core_restored(&core) == 0);
    if (weather.durable)
        store_settle(); /* numbers are reserved before the first message */
}

/* After the core's end. */
void store_end(void) {
    log_slice_deinit(&slice);
    for (size_t i = 0; i < N_KEPT; i++)
        if (kept[i].seq)
            store_drop(&kept[i]);
    n_kept = 0;
}
