/*
 * Commits: what the store is to write in one transaction, and what its outcome means to whoever
 * waits for it.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "core/internal.h"

/* Numbers are reserved in the store before they are used: what was delivered, but not committed
 * when the hub was killed, must not give its number to another message. */
#define SEQ_AHEAD (UINT64_C(1) << 24)

static uint64_t seq_ahead(const struct core *core, uint64_t n) {
    return core->seq < SEQ_MAX - n ? core->seq + n : SEQ_MAX;
}

static bool needs_numbers(const struct core *core) {
    return core->persist.seq_limit < seq_ahead(core, SEQ_AHEAD / 2);
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
    persist->waits_since = core->now;
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
    else if (mend_is(record->kind))
        mend_stored(core, entry);
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
        release_storing(core, entry->record.uid, persist_cost(entry));
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
            release_storing(core, entry->record.uid, persist_cost(entry));
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
    core->counters.commits += !trouble;
    persist->waits_since = core->now;
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
    persist_trim(core);
}
