#include "core/persist.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <utlist.h>

#include "base/error.h"
#include "core/internal.h"

/* Numbers are reserved in the store before they are used: what was delivered, but not committed
 * when the hub was killed, must not give its number to another message. */
#define SEQ_AHEAD (UINT64_C(1) << 24)

/* Positions. */

void persist_position(struct core *core, struct handle *handle) {
    if (!core->config.durable || handle->is_moved)
        return;
    handle->is_moved = true;
    DL_APPEND2(core->persist.moved, handle, prev_moved, next_moved);
    if (core->positions_due.ns == 0)
        core->positions_due = mono_add_ms(core->now, POSITIONS_DELAY_MS);
}

void persist_tick(struct core *core) {
    core->positions_due.ns = 0;
    core->persist.flush_positions = true;
}

/* Numbers of messages. */

void persist_init(struct core *core) {
    core->persist.taken = core->persist.committed = core->seq;
    core->persist.seq_limit = core->persist.seq_stored = core->seq;
    log_init(&core->log, core->seq + 1);
}

void persist_deinit(struct core *core) {
    free(core->persist.repeats);
    log_deinit(&core->log);
}

void core_restore_seq(struct core *core, uint64_t seq_limit) {
    core->seq = seq_limit;
    log_deinit(&core->log);
    persist_init(core);
}

uint64_t core_last_seq(const struct core *core) {
    return core->seq;
}

/* Messages. */

/*
 * While others store something, too, a user may have less waiting for the disk: what he has waiting
 * goes in one commit with theirs, and they wait for all of it, and for all of the commit before it.
 * This is about a hundred short messages, which SQLite writes in about the time of a sync.
 */
#define STORING_SHARED_BYTES ((uint64_t)16 * 1024)
#define STORING_SHARED_MS 1000
/* And so much that a full disk could not take. */
#define STORING_UNSTORED_BYTES ((uint64_t)128 * 1024)
/*
 * Who has as much waiting as he may is read later, but not never: what he reads is told through the
 * same lanes. So on a disk that hangs what waits would grow for ever. With twice as much more is
 * refused; then his lanes are read as always, for nothing waits any more.
 *
 * What a full disk could not take does not wait in this sense: messages are refused, changes hold
 * for now and are tried again; and these have a bound of their own.
 */
#define STORING_REFUSED_TIMES 2

static bool is_disk_shared(const struct core *core) {
    mono_time at = core->persist.shared_at;
    return at.ns != 0 && mono_add_ms(at, STORING_SHARED_MS).ns > core->now.ns;
}

void persist_note_storing(struct core *core, const struct user *user) {
    struct persist *persist = &core->persist;
    if (persist->last_storing && persist->last_storing != user)
        persist->shared_at = core->now;
    persist->last_storing = user;
}

/* What the store could not take is tried again, but nothing waits for it. */
static uint64_t storing_waits(const struct user *user) {
    return user->account.used[ACCOUNT_STORING] - user->unstored;
}

static uint64_t storing_refused_from(const struct core *core) {
    return STORING_REFUSED_TIMES * core->limits.max[ACCOUNT_STORING];
}

bool core_awaits_disk(const struct core *core, const struct user *user) {
    uint64_t waits = storing_waits(user), max = core->limits.max[ACCOUNT_STORING];
    if (waits >= storing_refused_from(core))
        return false;
    if (is_disk_shared(core) && waits >= STORING_SHARED_BYTES)
        return true;
    return waits >= max || (core->persist.uncommitted >= UNCOMMITTED_MAX && waits >= max / 32);
}

bool persist_may_wait(const struct core *core, struct user *user, char reason[256]) {
    if (!core->config.durable || storing_waits(user) < storing_refused_from(core))
        return true;
    account_refuse(&user->account, ACCOUNT_STORING, reason);
    return false;
}

bool persist_may_change(const struct core *core, struct user *user, char reason[256]) {
    const char *trouble = core->persist.trouble;
    uint64_t used = user->account.used[ACCOUNT_STORING];
    if (!trouble || used < STORING_UNSTORED_BYTES)
        return persist_may_wait(core, user, reason);
    user->account.n_refused[ACCOUNT_STORING]++;
    snprintf(reason, 256,
             "%s, and %" PRIu64 " bytes of uid %u wait for room there: until there is some it can "
             "change no more; try again later",
             trouble, used, user->uid);
    return false;
}

/* Of messages that go in a row many are of the same two. */
struct gone {
    struct core *core;
    struct handle *to, *from;
};

static struct handle *gone_handle(struct core *core, struct handle *last, uint32_t number) {
    return last && last->number == number ? last : handle_of_number(core, number);
}

static void note_gone(void *arg, const struct log_entry *entry) {
    struct gone *gone = arg;
    const struct record *record = &entry->record;
    bool is_of_room = conv_is_room(record->conv);
    struct room *room = is_of_room ? room_of_number(gone->core, record->to) : NULL;
    if (room)
        room_lose(gone->core, room, record->seq);
    if (is_of_room)
        return;
    gone->to = gone_handle(gone->core, gone->to, record->to);
    gone->from = gone_handle(gone->core, gone->from, record->from);
    if (gone->to)
        gone->to->lost_to = record->seq;
    if (gone->from)
        gone->from->lost_from = record->seq;
}

static void trim_log(struct core *core) {
    struct gone gone = {.core = core};
    log_trim(&core->log, core->persist.committed, core->config.log_bytes_max,
             core->config.durable ? NULL : note_gone, &gone);
}

struct log_entry *persist_message(struct core *core, const struct session *session,
                                  const struct record *record, unsigned ack_flags) {
    struct log_entry *entry = log_append(&core->log, record);
    if (!entry)
        return NULL;
    entry->session = session->number;
    entry->ack_flags = (uint8_t)ack_flags;
    if (core->config.durable) {
        account_spend(&session->user->account, ACCOUNT_STORING, entry->size);
        core->persist.uncommitted += entry->size;
        persist_note_storing(core, session->user);
    } else {
        core->persist.taken = core->persist.committed = record->seq;
    }
    trim_log(core);
    return entry;
}

/* It is answered after what was sent before it: the acknowledgement covers that, too. */
bool persist_repeat(struct core *core, const struct session *session, const struct uuid *id,
                    uint64_t seq, uint64_t after, unsigned flags) {
    struct persist *persist = &core->persist;
    if (persist->n_repeats == persist->repeats_size) {
        size_t size = persist->repeats_size ? 2 * persist->repeats_size : 64;
        struct repeat *repeats = realloc(persist->repeats, size * sizeof *repeats);
        if (!repeats)
            return false; /* no acknowledgement: it will be sent again */
        persist->repeats = repeats;
        persist->repeats_size = size;
    }
    persist->repeats[persist->n_repeats++] =
        (struct repeat){session->number, seq, after, *id, session->user->uid, (uint8_t)flags};
    account_spend(&session->user->account, ACCOUNT_STORING, sizeof(struct repeat));
    persist->uncommitted += sizeof(struct repeat);
    return true;
}

/* Batches. */

static uint64_t seq_ahead(const struct core *core, uint64_t n) {
    return core->seq < SEQ_MAX - n ? core->seq + n : SEQ_MAX;
}

static bool needs_numbers(const struct core *core) {
    return core->persist.seq_limit < seq_ahead(core, SEQ_AHEAD / 2);
}

bool persist_may_number(const struct core *core) {
    return core->seq < (core->config.durable ? core->persist.seq_stored : SEQ_MAX);
}

bool core_has_commit(const struct core *core) {
    const struct persist *persist = &core->persist;
    return core->config.durable &&
           (persist->taken < core->seq || persist->urgent || persist->dirty_users ||
            persist->flush_positions || needs_numbers(core));
}

bool core_has_messages(const struct core *core) {
    return core->persist.taken < core->seq;
}

/* Messages from the first one on that is not taken, as many as fit. */
static void take_messages(struct core *core, struct commit *commit) {
    struct log_place place = log_find(&core->log, core->persist.taken + 1);
    commit->n_spans = log_spans(&place, commit->spans, COMMIT_SPANS_MAX);
    const struct log_entry *entry = log_next(&place);
    commit->upto = entry ? entry->record.seq - 1 : core->seq;
}

void core_take_commit(struct core *core, struct commit *commit) {
    struct persist *persist = &core->persist;
    run_close(core);
    *commit = (struct commit){0};
    take_messages(core, commit);
    if (!changes_take(core, &commit->changes, commit->upto)) { /* memory is out */
        commit->n_spans = 0;
        commit->upto = persist->taken;
    }
    commit->has_messages = commit->n_spans > 0;
    persist->taken = commit->upto;
    if (needs_numbers(core)) {
        persist->seq_limit = seq_ahead(core, SEQ_AHEAD);
        commit->seq_limit = persist->seq_limit;
    }
}

int commit_judge(struct commit *commit, uint64_t seq, uint64_t first_seq) {
    if (commit->n_verdicts == commit->verdicts_size) {
        size_t size = commit->verdicts_size ? 2 * commit->verdicts_size : 16;
        struct verdict *verdicts = reallocarray(commit->verdicts, size, sizeof *verdicts);
        if (!verdicts)
            return -ENOMEM;
        commit->verdicts = verdicts;
        commit->verdicts_size = size;
    }
    commit->verdicts[commit->n_verdicts++] = (struct verdict){seq, first_seq};
    return 0;
}

static int verdict_compare(const void *key, const void *element) {
    const uint64_t *seq = key;
    const struct verdict *verdict = element;
    return (*seq > verdict->seq) - (*seq < verdict->seq);
}

/* The number under which this message is stored; 0: its id is another message's. */
static uint64_t stored_seq(const struct commit *commit, uint64_t seq) {
    const struct verdict *verdict = commit->n_verdicts == 0
                                        ? NULL
                                        : bsearch(&seq, commit->verdicts, commit->n_verdicts,
                                                  sizeof *commit->verdicts, verdict_compare);
    return verdict ? verdict->first_seq : seq;
}

/* The sentence for whoever sent it. NULL: it is stored. */
static const char *not_stored_reason(const char *trouble, char reason[256]) {
    if (!trouble)
        return NULL;
    snprintf(reason, 256,
             "%s: the message reached who is here now, but it is not stored; send it again later",
             trouble);
    return reason;
}

static void answer_message(struct core *core, const struct commit *commit,
                           const struct log_entry *entry, const char *reason) {
    const struct record *record = &entry->record;
    struct session *session = core_session(core, entry->session);
    uint64_t seq = stored_seq(commit, record->seq);
    if (reason || seq == 0) {
        route_not_stored(core, session, record, reason);
        return;
    }
    if (seq != record->seq)
        route_stored_before(core, record, seq);
    if (session)
        ack_stored(core, session, &record->id, seq, entry->ack_flags);
}

static void release_storing(struct core *core, uint32_t uid, size_t n) {
    struct user *user = core_user(core, uid);
    if (user)
        account_give_back(&user->account, ACCOUNT_STORING, n);
    core->persist.uncommitted -= n;
}

void persist_give_up(struct core *core) {
    struct persist *persist = &core->persist;
    struct log_place place = log_find(&core->log, persist->committed + 1);
    if (!core->config.durable)
        return;
    changes_give_up(core);
    for (const struct log_entry *entry; (entry = log_next(&place));)
        release_storing(core, entry->record.uid, entry->size);
    for (size_t i = 0; i < persist->n_repeats; i++)
        release_storing(core, persist->repeats[i].uid, sizeof persist->repeats[i]);
    persist->n_repeats = 0;
    persist->committed = persist->taken = core->seq;
}

static void answer_messages(struct core *core, const struct commit *commit, const char *reason) {
    for (size_t i = 0; i < commit->n_spans; i++) {
        size_t at = 0;
        for (const struct log_entry *entry; (entry = log_span_next(&commit->spans[i], &at));) {
            answer_message(core, commit, entry, reason);
            release_storing(core, entry->record.uid, entry->size);
        }
    }
}

/*
 * What became of the first copy is known with its batch, which began after `before`; the repeat may
 * have to wait for a later one. True: it is answered now, from *repeat.
 */
static bool judge_repeat(const struct persist *persist, const struct commit *commit,
                         struct repeat *repeat, uint64_t before, const char *reason) {
    bool is_here = repeat->seq > before && repeat->seq <= persist->committed;
    if (is_here && reason)
        return true;
    if (is_here)
        repeat->seq = stored_seq(commit, repeat->seq);
    return repeat->seq == 0 || repeat->after <= persist->committed;
}

static void answer_repeat(struct core *core, const struct repeat *repeat, uint64_t before,
                          const char *reason) {
    struct session *session = core_session(core, repeat->session);
    if (!session)
        return;
    if (repeat->seq == 0)
        route_refuse(core, session, &repeat->id, FAIL_NOT_PERMITTED, ROUTE_ID_USED);
    else if (reason && repeat->seq > before)
        route_refuse(core, session, &repeat->id, FAIL_NOT_STORED, reason);
    else
        ack_stored(core, session, &repeat->id, repeat->seq, repeat->flags);
}

#define REPEATS_KEPT 1024 /* places for these are not worth being freed */

/* What was committed until now began after `before`. */
static void answer_repeats(struct core *core, const struct commit *commit, uint64_t before,
                           const char *reason) {
    struct persist *persist = &core->persist;
    size_t n_left = 0;
    for (size_t i = 0; i < persist->n_repeats; i++) {
        struct repeat repeat = persist->repeats[i];
        if (!judge_repeat(persist, commit, &repeat, before, reason)) {
            persist->repeats[n_left++] = repeat;
            continue;
        }
        release_storing(core, repeat.uid, sizeof repeat);
        answer_repeat(core, &repeat, before, reason);
    }
    persist->n_repeats = n_left;
    if (n_left > 0 || persist->repeats_size < REPEATS_KEPT)
        return;
    free(persist->repeats);
    persist->repeats = NULL;
    persist->repeats_size = 0;
}

void core_committed(struct core *core, struct commit *commit, const char *trouble) {
    struct persist *persist = &core->persist;
    uint64_t before = persist->committed;
    char text[256];
    const char *reason = not_stored_reason(trouble, text);
    persist->committed = commit->upto;
    persist->trouble = trouble;
    if (commit->seq_limit && trouble)
        persist->seq_limit = persist->seq_stored; /* once more with the next batch */
    else if (commit->seq_limit)
        persist->seq_stored = commit->seq_limit;
    answer_messages(core, commit, reason);
    answer_repeats(core, commit, before, reason);
    if (reason)
        route_walls_not_stored(core, commit->upto, reason);
    changes_answer_walls(core, reason);
    free(commit->verdicts);
    commit->verdicts = NULL;
    commit->n_verdicts = commit->verdicts_size = 0;
    changes_committed(core, &commit->changes, trouble);
    trim_log(core);
}
