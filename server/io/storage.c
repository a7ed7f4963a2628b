#include "io/storage.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/error.h"
#include "base/log.h"
#include "base/thread.h"
#include "core/past/past.h"
#include "io/archive.h"
#include "io/rows.h"
#include "store/store.h"

#define RETRY_MS 1000  /* after a failure, when nothing new comes */
#define INDEX_STEP 512 /* messages, at most, and at least: */
#define INDEX_STEP_MIN 8
#define HOUSE_NS (2 * NS_PER_MS)  /* whoever waits for the disk waits so long for what can wait, */
#define DELETE_NS (8 * NS_PER_MS) /* but not for deleting, which ends then */
#define FAILURES_MAX 64           /* in a row, before the writer rests */
#define EXPIRE_STEP 256           /* messages, at most, and to begin with: */
#define EXPIRE_STEP_MIN 8
#define EXPIRE_EVERY_MS (3600 * 1000)
#define ANSWER_MS_MAX 2000 /* a question is read for so long; between two looks at the clock */
#define LOOK_MS_MAX 200    /* not more than this counts: then the hub, or its disk, stood still */
#define WANTED_EVERY_MS 50 /* and after so long it is looked whether somebody waits for it */
#define PURGE_PAUSE                                                                                \
    10 /* rewriting the indexes for an edit or a removal rests so many times as long               \
          as it took the last time */
/* What was forgotten goes in the background: after so much of it, which takes no rest, it takes one
 * processor's time to this part at most. */
#define CLEAN_FREE_NS (200 * NS_PER_MS)
#define CLEAN_PART 8
#define STOP_MS_MAX 3000 /* what waits to be stored is stored for so long when the hub stops */

/* One that reads for the core: for those who lag, or for those who ask. */
struct storage_reader {
    struct hub *hub;
    bool feeds;
    struct store_reader *store;
    pthread_t thread;
    bool has_thread;
    pthread_cond_t questions; /* with the hub's lock */
};

struct storage {
    struct store *store;
    struct storage_reader readers[2];
    pthread_t writer_thread;
    bool has_writer;
    pthread_cond_t work; /* with the hub's lock, as is: */
    pthread_cond_t committed;
    mono_time stop_by; /* when it is stopping */
    bool stopping, has_failed;
    bool is_retrying; /* the writer rests before it tries again what could not be stored */
    /* The writer's own. */
    bool index_is_due, expire_is_due;
    mono_time expire_at, purge_at; /* purge_at: not before */
    int64_t purge_ns;              /* what rewriting the indexes has taken this time */
    mono_time cleaned_to;          /* until then what was cleaned is enough; see CLEAN_PART */
    unsigned index_steps[STEP_KINDS], expire_step; /* messages */
    struct store_bounds bounds;
    unsigned n_failures; /* of commits since the last good one, or since it rested */
};

/* Loading. */

/* A row that is damaged must not keep the others from being loaded. */
static int pass_over(int r, const char *what, uint32_t number) {
    if (r != -EINVAL && r != -EEXIST)
        return r;
    log_error("the store: %s %u is damaged, and passed over", what, number);
    return 0;
}

static int load_handle(void *arg, const struct store_handle *handle) {
    int r = core_restore_handle(arg, handle->number, handle->uid, handle->name, handle->login,
                                handle->direct, handle->rooms, handle->read);
    if (r == 0)
        core_restore_seen(arg, handle->number, handle->seen);
    if (r == 0 && handle->is_unclaimed)
        core_restore_unclaimed(arg, handle->number);
    return pass_over(r, "handle", handle->number);
}

static int load_mail(void *arg, const struct store_mail *mail) {
    return core_restore_mail(arg, mail->handle, mail->uid, mail->n, mail->n_bytes, mail->last_seq,
                             mail->last_ms);
}

static int load_mark(void *arg, const struct store_mark *mark) {
    return core_restore_mark(arg, mark->handle, mark->conv, mark->seq);
}

static int load_room(void *arg, const struct store_room *room) {
    struct room_restored restored = {.number = room->number,
                                     .creator = room->creator,
                                     .owner = room->owner,
                                     .name = room->name,
                                     .topic = room->topic,
                                     .people = room->people,
                                     .form = room->form,
                                     .rules = room->rules,
                                     .private_since = room->private_since,
                                     .group = room->group,
                                     .last_seq = room->last_seq};
    int r = core_restore_room(arg, &restored);
    return pass_over(r, "room", room->number);
}

static int load_member(void *arg, const struct store_member *member) {
    int r = core_restore_member(arg, member->room, member->handle, member->since);
    return r == -EINVAL ? 0 : r; /* of a room that is gone */
}

static int load_sanction(void *arg, const struct store_sanction *row) {
    struct sanction sanction = {
        .what = row->what, .until_ms = row->until_ms, .rate = row->rate, .by = row->by};
    if (name_parse(&sanction.by_name, row->by_name) != NAME_OK || row->why.n > ORDER_REASON_MAX)
        return pass_over(-EINVAL, "what is laid on uid", row->uid);
    if (row->why.n > 0)
        memcpy(sanction.why, row->why.data, row->why.n);
    return pass_over(core_restore_sanction(arg, row->uid, &sanction), "what is laid on uid",
                     row->uid);
}

static int load_admission(void *arg, const struct store_admission *admission) {
    int r = core_restore_admission(arg, admission->room, admission->handle, admission->payer,
                                   admission->after, admission->has_joined, admission->name);
    return r == -EINVAL ? 0 : r;
}

static int load_room_order(void *arg, const struct store_room_order *row) {
    struct room_order order = {.key = {row->uid, row->what},
                               .handle = row->handle,
                               .until_ms = row->until_ms,
                               .by = row->by};
    if (name_parse(&order.by_name, row->by_name) != NAME_OK || row->why.n > ORDER_REASON_MAX)
        return 0;
    if (row->why.n > 0)
        memcpy(order.why, row->why.data, row->why.n);
    int r = core_restore_room_order(arg, row->room, &order);
    return r == -EINVAL ? 0 : r; /* of a room that is gone */
}

static int load_pin(void *arg, const struct store_pin *pin) {
    int r = core_restore_pin(arg, pin->handle, pin->conv, pin->seq, pin->by, pin->at_ms);
    return r == -EINVAL ? 0 : r; /* where there is no room any more, or by nobody */
}

/* Where the messages of this id are, for the core; the index answers within microseconds. */
static enum stored find_stored(void *arg, const struct record *like, uint64_t *seq) {
    int r = store_find_id(arg, like, seq);
    if (r == STORE_OTHER)
        return STORED_OTHER;
    return r == 0 ? STORED_SAME : STORED_NOTHING;
}

static int storage_load(struct hub *hub, struct store *store, const struct store_info *info) {
    struct core *core = &hub->core;
    struct store_visitor visitor = {
        core,        load_handle,   load_mail,      load_mark,       load_room,
        load_member, load_sanction, load_admission, load_room_order, load_pin};
    core_restore_seq(core, info->seq_limit > info->last_seq ? info->seq_limit : info->last_seq);
    int r = store_load(store, &visitor);
    if (r == 0)
        r = core_restored(core);
    calendar_begin(&core->calendar, mono_now(), wall_now(), &info->clock, info->newest_ms);
    core->calendar.is_told = !calendar_is_trouble(&core->calendar);
    core->last_handle = info->last_handle;
    core->last_room = info->last_room;
    core->config.find_stored = find_stored;
    core->config.find_arg = store;
    return r;
}

static int open_store(struct hub *hub, struct storage *storage) {
    struct store_info info;
    int r = store_open(&storage->store, hub->options.state, &info);
    if (r != 0) {
        snprintf(hub->no_store, sizeof hub->no_store, "the store in %s: %s", hub->options.state,
                 storage->store ? store_error(storage->store) : strerror(ENOMEM));
        return r;
    }
    if (info.set_aside[0])
        log_error("the store was damaged; it was set aside as %s, and a new one begun: what "
                  "was said before is not shown any more",
                  info.set_aside);
    r = storage_load(hub, storage->store, &info);
    for (size_t i = 0; r == 0 && i < ARRAY_LEN(storage->readers); i++)
        r = store_reader_open(&storage->readers[i].store, storage->store);
    if (r != 0)
        snprintf(hub->no_store, sizeof hub->no_store, "the store in %s cannot be read: %s",
                 hub->options.state, r > 0 ? store_error(storage->store) : strerror(-r));
    return r;
}

/* Writing. */

static int put_messages(struct store *store, struct commit *commit, const struct log_span *span) {
    size_t at = 0;
    int r = 0;
    for (const struct log_entry *entry; r == 0 && (entry = log_span_next(span, &at));) {
        uint64_t seq = 0;
        r = store_put_message(store, &entry->record, &seq);
        if (r == 0 && seq != entry->record.seq)
            r = commit_judge(commit, entry->record.seq, seq);
    }
    return r;
}

static int put_commit(struct store *store, struct commit *commit) {
    int r = 0;
    commit->n_verdicts = 0;
    for (size_t i = 0; r == 0 && i < commit->n_spans; i++)
        r = put_messages(store, commit, &commit->spans[i]);
    for (size_t i = 0; r == 0 && i < commit->changes.n; i++)
        r = rows_put(store, &commit->changes.list[i]);
    if (r == 0 && commit->seq_limit)
        r = store_put_seq_limit(store, commit->seq_limit);
    return r;
}

static int try_commit(struct store *store, struct commit *commit) {
    int r = store_begin(store);
    if (r != 0)
        return r;
    r = put_commit(store, commit);
    if (r == 0)
        return store_commit(store);
    store_rollback(store);
    return r;
}

/* When there is no room, the store gives back what its log takes: that may be enough. */
static int write_commit(struct store *store, struct commit *commit) {
    int r = try_commit(store, commit);
    return r == STORE_FULL ? try_commit(store, commit) : r;
}

static void tell_trouble(struct storage *storage, int r) {
    const char *rescued = store_rescued(storage->store);
    if (rescued)
        log_error("the store: %s", rescued);
    if (r != 0 && !storage->has_failed)
        log_error("messages cannot be stored: %s; they are still delivered to who is here, and "
                  "their senders are told",
                  r > 0 ? store_error(storage->store) : strerror(-r));
    if (r == 0 && storage->has_failed)
        log_warning("messages are stored again");
    storage->has_failed = r != 0;
    storage->n_failures = r != 0 ? storage->n_failures + 1 : 0;
}

static const char *trouble_of(int r) {
    if (r == 0)
        return NULL;
    return r == STORE_FULL ? "the hub's disk is full" : "the hub cannot write to its store";
}

/* For status. With the lock held, or before there is anybody to need it. */
static void note_stats(struct hub *hub, struct store *store) {
    struct store_stats stats;
    store_stats(store, &stats);
    hub->core.persist.n_messages = stats.n_messages;
    hub->core.persist.n_bytes = stats.n_bytes;
}

/*
 * Before the first message the numbers that it and the next ones get are reserved. If that fails
 * the hub takes no messages until the writer succeeds with it.
 */
static void reserve_numbers(struct hub *hub, struct storage *storage) {
    struct commit commit;
    core_take_commit(&hub->core, &commit);
    int r = write_commit(storage->store, &commit);
    tell_trouble(storage, r);
    note_stats(hub, storage->store);
    core_committed(&hub->core, &commit, trouble_of(r));
}

int storage_open(struct hub *hub) {
    struct storage *storage = calloc(1, sizeof *storage);
    if (!storage)
        return -ENOMEM;
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&storage->work, &attributes);
    pthread_cond_init(&storage->committed, &attributes);
    for (size_t i = 0; i < ARRAY_LEN(storage->readers); i++) {
        storage->readers[i] = (struct storage_reader){.hub = hub, .feeds = i == 0};
        pthread_cond_init(&storage->readers[i].questions, &attributes);
    }
    pthread_condattr_destroy(&attributes);
    storage->index_is_due = storage->expire_is_due = true;
    for (size_t i = 0; i < STEP_KINDS; i++)
        storage->index_steps[i] = INDEX_STEP_MIN;
    storage->expire_step = EXPIRE_STEP_MIN;
    hub->storage = storage;
    int r = open_store(hub, storage);
    if (r == 0)
        reserve_numbers(hub, storage);
    return r;
}

/* The clock: once when it leaps, and once when it is believed again. */
static void tell_clock(struct calendar *calendar, wall_time wall) {
    char text[32] = "";
    struct tm tm;
    time_t seconds = (time_t)(wall.ms / 1000);
    int64_t leap_ms = calendar->memory.leap_ms;
    calendar->is_told = true;
    if (gmtime_r(&seconds, &tm))
        strftime(text, sizeof text, "%F %T UTC", &tm);
    if (calendar_is_trouble(calendar))
        log_warning("the clock says %s, which is %lld days %s what was expected: nothing is "
                    "deleted for its age until it has gone on like that for %lld hours; set it "
                    "(timedatectl, or date) if it is wrong",
                    text, (long long)(llabs((long long)leap_ms) / CALENDAR_DAY_MS),
                    leap_ms < 0 ? "behind" : "ahead of",
                    (long long)(CALENDAR_SETTLE_MS / (3600 * 1000)));
    else
        log_info("the clock says %s, and is believed again", text);
}

/* What the writer needs to know of the time; what is known of it outlives the hub. With the lock.
 */
static void look_at_clock(struct hub *hub, struct storage *storage) {
    struct calendar *calendar = &hub->core.calendar;
    wall_time wall = wall_now();
    calendar_observe(calendar, mono_now(), wall);
    int64_t now_ms = calendar_age_now(calendar, wall);
    int64_t keep_ms = (int64_t)hub->options.keep_days * CALENDAR_DAY_MS;
    storage->bounds = (struct store_bounds){
        .before_ms = now_ms > keep_ms && keep_ms > 0 ? now_ms - keep_ms : 0,
        .now_ms = now_ms,
        .keep_bytes = hub->options.keep_bytes,
    };
    store_set_clock(storage->store, &calendar->memory);
    if (!calendar->is_told)
        tell_clock(calendar, wall);
}

/* With the lock held; gives it back meanwhile. */
static void commit_now(struct hub *hub) {
    struct storage *storage = hub->storage;
    struct commit commit;
    core_set_time(&hub->core, mono_now(), wall_now());
    core_take_commit(&hub->core, &commit);
    store_call(storage->store, false);
    lock_give(&hub->lock);
    int r = write_commit(storage->store, &commit);
    tell_trouble(storage, r);
    hub_enter(hub);
    note_stats(hub, storage->store);
    core_committed(&hub->core, &commit, trouble_of(r));
    pthread_cond_broadcast(&storage->committed);
    hub_leave(hub);
    lock_take(&hub->lock);
    storage->index_is_due |= r == 0;
    storage->expire_is_due |= r == STORE_FULL; /* perhaps there is more than is to be kept */
}

/*
 * How long a step takes depends on the texts and on the disk: so the next one is as large as fits.
 * One that found less to do than it might have done says nothing of how long a larger one takes.
 */
static void fit_step(unsigned *step, unsigned min, unsigned max, int64_t ns, int64_t ns_max,
                     bool more) {
    if (ns > ns_max && *step > min)
        *step /= 2;
    else if (more && ns < ns_max / 2 && *step < max)
        *step *= 2;
}

/* Deleting takes room, too, for a moment: where there is little, less is deleted at once. */
static bool delete_old(struct storage *storage) {
    bool more = false;
    mono_time began = mono_now();
    int r = store_expire(storage->store, &storage->bounds, storage->expire_step, &more);
    if (r == STORE_FULL && storage->expire_step > 1) {
        storage->expire_step /= 2;
        return true;
    }
    if (r == 0)
        fit_step(&storage->expire_step, 1, EXPIRE_STEP, mono_now().ns - began.ns, DELETE_NS, more);
    return r == 0 && more;
}

/* Whoever edits all the time does not keep the writer at rewriting all the time. */
static void note_purge(struct storage *storage, bool was_purging, mono_time began, mono_time now) {
    if (was_purging)
        storage->purge_ns += now.ns - began.ns;
    if (!was_purging || store_is_purging(storage->store))
        return;
    storage->purge_at.ns = now.ns + PURGE_PAUSE * storage->purge_ns;
    storage->purge_ns = 0;
}

/* Whether the next step is to delete what was forgotten, or to rewrite the indexes after that. */
static bool is_cleaning(enum store_step kind) {
    return kind == STEP_DELETE || kind == STEP_REWRITE;
}

static bool clean_rests(const struct storage *storage, mono_time now) {
    return is_cleaning(store_next_step(storage->store)) && !storage->has_failed &&
           storage->cleaned_to.ns > now.ns;
}

/* What was not used up before counts for CLEAN_FREE_NS at most. */
static void note_cleaned(struct storage *storage, mono_time now, int64_t ns) {
    int64_t from = now.ns - CLEAN_PART * CLEAN_FREE_NS;
    if (storage->cleaned_to.ns < from)
        storage->cleaned_to.ns = from;
    storage->cleaned_to.ns += CLEAN_PART * ns;
}

static bool index_some(struct storage *storage) {
    bool more = false, was_purging = store_is_purging(storage->store);
    mono_time began = mono_now();
    enum store_step kind = store_next_step(storage->store);
    unsigned *step = &storage->index_steps[kind];
    int r = store_index(storage->store, *step, &more);
    mono_time now = mono_now();
    int64_t ns = now.ns - began.ns;
    if (is_cleaning(kind))
        note_cleaned(storage, now, ns);
    note_purge(storage, was_purging && kind == STEP_REWRITE, began, now);
    more &= r == 0;
    fit_step(step, INDEX_STEP_MIN, INDEX_STEP, ns, kind == STEP_DELETE ? DELETE_NS : HOUSE_NS,
             more && store_next_step(storage->store) == kind);
    return more;
}

/* What was edited or removed goes from the log, and from the indexes. */
static void erase_some(struct storage *storage) {
    (void)store_erase(storage->store);
    if (!store_is_to_purge(storage->store) || mono_now().ns < storage->purge_at.ns)
        return;
    store_purge(storage->store);
    storage->index_is_due = true;
}

/* A step of what can wait; false: there is nothing. Without the lock. */
static bool keep_house(struct storage *storage) {
    erase_some(storage);
    if (storage->index_is_due && !clean_rests(storage, mono_now())) {
        storage->index_is_due = index_some(storage);
        return true;
    }
    if (!storage->expire_is_due && mono_now().ns < storage->expire_at.ns)
        return false;
    storage->expire_is_due = delete_old(storage);
    if (!storage->expire_is_due)
        storage->expire_at = mono_add_ms(mono_now(), EXPIRE_EVERY_MS);
    /* Each commit that a full disk fails makes it due again: a few times that helps. */
    return storage->expire_is_due || storage->n_failures < FAILURES_MAX;
}

static void storage_rest(struct hub *hub, pthread_cond_t *cond, mono_time until) {
    struct timespec at = {until.ns / NS_PER_S, until.ns % NS_PER_S};
    lock_wait(&hub->lock, cond, &at);
}

static void writer_rest(struct hub *hub, struct storage *storage) {
    storage->is_retrying = core_has_commit(&hub->core);
    bool is_short = storage->is_retrying || store_is_to_erase(storage->store);
    mono_time until = mono_add_ms(mono_now(), is_short ? RETRY_MS : EXPIRE_EVERY_MS);
    if (store_is_to_purge(storage->store) && storage->purge_at.ns < until.ns)
        until = storage->purge_at;
    if (storage->index_is_due && storage->cleaned_to.ns < until.ns)
        until = storage->cleaned_to;
    storage_rest(hub, &storage->work, until);
    storage->is_retrying = false;
    storage->n_failures = 0;
}

/* With the lock held; gives it back meanwhile. */
static void copy_log(struct hub *hub, struct storage *storage) {
    lock_give(&hub->lock);
    if (!store_is_to_erase(storage->store) || !store_erase(storage->store))
        store_copy_log(storage->store);
    lock_take(&hub->lock);
}

/* One step of either kind; false: there is nothing to do. With the lock held. */
static bool storage_work(struct hub *hub, struct storage *storage) {
    bool has_commit = core_has_commit(&hub->core);
    look_at_clock(hub, storage);
    if (has_commit)
        commit_now(hub);
    if (store_log_is_long(storage->store))
        copy_log(hub, storage);
    if (has_commit && (!storage->has_failed || storage->stopping))
        return true;
    lock_give(&hub->lock);
    bool busy = keep_house(storage);
    lock_take(&hub->lock);
    return busy || store_log_is_long(storage->store) || core_has_messages(&hub->core) ||
           (core_has_commit(&hub->core) && !storage->has_failed);
}

/* What is not stored by then is not acknowledged, and its sender says it again. */
static bool storage_goes_on(const struct hub *hub, const struct storage *storage) {
    return !storage->stopping ||
           (core_has_commit(&hub->core) && mono_now().ns < storage->stop_by.ns);
}

static void *writer_thread(void *arg) {
    struct hub *hub = arg;
    struct storage *storage = hub->storage;
    thread_prefer_latency();
    lock_take(&hub->lock);
    while (storage_goes_on(hub, storage)) {
        bool more = storage_work(hub, storage);
        if (storage->stopping && storage->has_failed)
            break;
        if (!more && !storage->stopping)
            writer_rest(hub, storage);
    }
    lock_give(&hub->lock);
    return NULL;
}

/* Reading. */

/* When to give up an answer in the middle. */
struct patience {
    struct hub *hub;
    const struct ask *ask;
    int64_t left_ns;
    mono_time looked, look_at;
};

static bool is_cut(void *arg) {
    struct patience *patience = arg;
    mono_time now = mono_now();
    int64_t ns = now.ns - patience->looked.ns;
    patience->looked = now;
    patience->left_ns -= ns < LOOK_MS_MAX * NS_PER_MS ? ns : LOOK_MS_MAX * NS_PER_MS;
    if (patience->left_ns < 0)
        return true;
    if (now.ns < patience->look_at.ns)
        return false;
    patience->look_at = mono_add_ms(now, WANTED_EVERY_MS);
    lock_take(&patience->hub->lock);
    bool is_wanted = core_ask_is_wanted(&patience->hub->core, patience->ask);
    lock_give(&patience->hub->lock);
    return !is_wanted;
}

static void read_page(const struct storage_reader *reader, struct ask *ask,
                      struct archive_page *page) {
    mono_time now = mono_now();
    struct patience patience = {.hub = reader->hub,
                                .ask = ask,
                                .left_ns = reader->feeds ? INT64_MAX : ANSWER_MS_MAX * NS_PER_MS,
                                .looked = now,
                                .look_at = mono_add_ms(now, WANTED_EVERY_MS)};
    store_reader_set_cut(reader->store, is_cut, &patience);
    archive_read(reader->store, ask, page);
    store_reader_set_cut(reader->store, NULL, NULL);
}

/* Without the lock; takes over the question. */
static void storage_answer(const struct storage_reader *reader, struct ask *ask) {
    struct hub *hub = reader->hub;
    struct archive_page page;
    mono_time asked = mono_now();
    read_page(reader, ask, &page);
    hub_enter(hub);
    struct user *user = ask->user;
    mono_time began = mono_now();
    if (!reader->feeds)
        core_note_reading(&hub->core, user, began.ns - asked.ns);
    bool goes_on = ask->what == ASK_UNREAD && ask->goes_on && !page.reason;
    if (goes_on)
        core_count_on(&hub->core, ask);
    else if (reader->feeds)
        core_fed(&hub->core, ask, page.records, page.n, page.upto, page.reason);
    else if (ask->what == ASK_UNREAD)
        core_counted(&hub->core, ask, page.reason);
    else
        core_answered(&hub->core, ask, page.records, page.n, page.reason);
    core_spend_time(&hub->core, user, mono_now().ns - began.ns);
    hub_leave(hub);
    archive_free(&page);
    if (!goes_on)
        ask_free(ask);
}

static void *reader_thread(void *arg) {
    struct storage_reader *reader = arg;
    struct hub *hub = reader->hub;
    lock_take(&hub->lock);
    while (!hub->storage->stopping) {
        struct ask *ask = core_take_ask(&hub->core, reader->feeds);
        if (!ask) {
            lock_wait(&hub->lock, &reader->questions, NULL);
            continue;
        }
        lock_give(&hub->lock);
        storage_answer(reader, ask);
        lock_take(&hub->lock);
    }
    lock_give(&hub->lock);
    return NULL;
}

void storage_find_target(struct hub *hub, const struct record *like, struct core_target *target) {
    struct store *store = hub->storage ? hub->storage->store : NULL;
    *target = (struct core_target){.record = *like, .conv = like->conv};
    if (store && !uuid_is_nil(&like->id) && store_find_message(store, &target->record) == 0)
        target->conv = target->record.conv;
    else
        target->record.seq = 0;
    if (!store || target->conv == 0 || store_last_n(store, target->conv, &target->last_n) != 0)
        target->conv = 0;
}

/* Life. */

int storage_start(struct hub *hub) {
    struct storage *storage = hub->storage;
    if (!storage)
        return 0;
    int r = pthread_create(&storage->writer_thread, NULL, writer_thread, hub);
    storage->has_writer = r == 0;
    for (size_t i = 0; r == 0 && i < ARRAY_LEN(storage->readers); i++) {
        struct storage_reader *reader = &storage->readers[i];
        r = pthread_create(&reader->thread, NULL, reader_thread, reader);
        reader->has_thread = r == 0;
    }
    return -r;
}

void storage_wait_for_disk(struct hub *hub, mono_time until) {
    storage_rest(hub, &hub->storage->committed, until);
    core_set_time(&hub->core, mono_now(), wall_now());
}

void storage_end_waits(struct hub *hub) {
    if (hub->storage)
        pthread_cond_broadcast(&hub->storage->committed);
}

/* What could not be stored is tried again after RETRY_MS, or with the next message. */
static bool writer_is_wanted(const struct storage *storage, const struct core *core) {
    if (storage->is_retrying)
        return core_has_messages(core);
    return core_has_commit(core) || !core->calendar.is_told;
}

void storage_wake(struct hub *hub) {
    struct storage *storage = hub->storage;
    if (!storage)
        return;
    if (writer_is_wanted(storage, &hub->core)) {
        store_call(storage->store, true);
        pthread_cond_signal(&storage->work);
    }
    for (size_t i = 0; i < ARRAY_LEN(storage->readers); i++)
        if (core_has_ask(&hub->core, storage->readers[i].feeds))
            pthread_cond_signal(&storage->readers[i].questions);
}

/* Nothing was lost, so nothing need be left out in the numbers. */
static void put_last_seq(struct hub *hub, struct store *store) {
    int r = store_begin(store);
    if (r == 0)
        r = store_put_seq_limit(store, core_last_seq(&hub->core));
    if (r == 0)
        r = store_commit(store);
    else
        store_rollback(store);
    if (r != 0)
        log_warning("the store: %s", r > 0 ? store_error(store) : strerror(-r));
}

static void begin_to_stop(struct hub *hub, struct storage *storage) {
    lock_take(&hub->lock);
    hub->core.persist.flush_positions |=
        hub->core.persist.moved != NULL || hub->core.persist.moved_marks != NULL;
    storage->stopping = true;
    storage->stop_by = mono_add_ms(mono_now(), STOP_MS_MAX);
    pthread_cond_signal(&storage->work);
    for (size_t i = 0; i < ARRAY_LEN(storage->readers); i++)
        pthread_cond_signal(&storage->readers[i].questions);
    lock_give(&hub->lock);
    if (storage->store)
        store_hurry(storage->store);
}

void storage_stop(struct hub *hub) {
    struct storage *storage = hub->storage;
    if (!storage)
        return;
    begin_to_stop(hub, storage);
    for (size_t i = 0; i < ARRAY_LEN(storage->readers); i++)
        if (storage->readers[i].has_thread)
            pthread_join(storage->readers[i].thread, NULL);
    if (storage->has_writer)
        pthread_join(storage->writer_thread, NULL);
    if (storage->has_writer && !storage->has_failed)
        put_last_seq(hub, storage->store);
    for (size_t i = 0; i < ARRAY_LEN(storage->readers); i++) {
        store_reader_close(storage->readers[i].store);
        pthread_cond_destroy(&storage->readers[i].questions);
    }
    store_close(storage->store);
    pthread_cond_destroy(&storage->work);
    pthread_cond_destroy(&storage->committed);
    free(storage);
    hub->storage = NULL;
}
