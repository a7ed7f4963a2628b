#include "core/account.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#define DEBT_NS_MAX NS_PER_S /* nobody is read later by more than about this */

static const struct {
    const char *name;
    enum account_sort sort;
    uint64_t max;
    uint64_t per_second; /* of a rate */
    const char *what, *advice;
} kinds[ACCOUNT_KIND_END] = {
#define ACCOUNT_ROW(NAME, name, sort, max, per_second, what, advice)                               \
    [ACCOUNT_##NAME] = {name, sort, max, per_second, what, advice},
    ACCOUNT_KINDS(ACCOUNT_ROW)};

/* A bit for each kind that wears off; there are few, which are looked at for each message. */
#define RATE_BIT(NAME, name, sort, ...) | ((sort) == ACCOUNT_RATE ? 1u << ACCOUNT_##NAME : 0u)
static const unsigned rates = 0u ACCOUNT_KINDS(RATE_BIT);
_Static_assert(ACCOUNT_KIND_END <= 32, "rates has a bit for each kind");

#define FOR_EACH_RATE(left) for (unsigned left = rates; left != 0; left &= left - 1)

static const int64_t quarter_ns[ACCOUNT_SPANS] = {
    [ACCOUNT_MINUTE] = 15 * NS_PER_S,
    [ACCOUNT_HOUR] = 15 * 60 * NS_PER_S,
    [ACCOUNT_DAY] = 6 * 3600 * NS_PER_S,
};

static enum account_kind rate_first(unsigned left) {
    return (enum account_kind)__builtin_ctz(left);
}

void account_limits_init(struct account_limits *limits) {
    for (int kind = 0; kind < ACCOUNT_KIND_END; kind++)
        limits->max[kind] = kinds[kind].max;
}

void account_init(struct account *account, const struct account_limits *limits, uid_t uid,
                  mono_time now) {
    *account = (struct account){.limits = limits, .uid = uid, .worn_at = now};
    for (int span = 0; span < ACCOUNT_SPANS; span++)
        account->marks[span].last = now.ns / quarter_ns[span];
}

void account_deinit(struct account *account) {
    for (int kind = 0; kind < ACCOUNT_KIND_END; kind++)
        assert(kinds[kind].sort == ACCOUNT_RATE || account->used[kind] == 0);
    *account = (struct account){0};
}

const char *account_name(enum account_kind kind) {
    return kinds[kind].name;
}

bool account_charge(struct account *account, enum account_kind kind, uint64_t n) {
    assert(kinds[kind].sort == ACCOUNT_STOCK);
    if (n > account_left(account, kind)) {
        account->n_refused[kind]++;
        return false;
    }
    account->used[kind] += n;
    return true;
}

void account_spend(struct account *account, enum account_kind kind, uint64_t n) {
    account->used[kind] += n;
    account->spent[kind] += n;
}

void account_refuse(struct account *account, enum account_kind kind, char reason[256]) {
    account->n_refused[kind]++;
    account_reason(account, kind, reason);
}

void account_give_back(struct account *account, enum account_kind kind, uint64_t n) {
    assert(kinds[kind].sort == ACCOUNT_STOCK && account->used[kind] >= n);
    account->used[kind] -= n;
}

/* The hub's time is shared by those who are at work; the other rates are everybody's own. */
static uint64_t rate_per_second(enum account_kind kind, unsigned n_sharing) {
    return kind == ACCOUNT_TIME ? kinds[kind].per_second / (n_sharing ? n_sharing : 1)
                                : kinds[kind].per_second;
}

static uint64_t scale_by(uint64_t n, uint64_t times, uint64_t by) {
    return (uint64_t)((double)n * (double)times / (double)by);
}

/* How much wears off in this time. What is less than 1 counts the next time: whoever does much is
 * looked at every few microseconds. */
static uint64_t rate_wear(struct account *account, enum account_kind kind, uint64_t rate,
                          int64_t ns) {
    double off = (double)rate * (double)ns / (double)NS_PER_S + account->rest[kind];
    uint64_t whole = (uint64_t)off;
    account->rest[kind] = off - (double)whole;
    return whole;
}

void account_wear_off(struct account *account, mono_time now, unsigned n_sharing) {
    int64_t ns = now.ns - account->worn_at.ns;
    if (ns <= 0)
        return;
    account->worn_at = now;
    account->owed_ns = account->owed_ns > ns ? account->owed_ns - ns : 0;
    FOR_EACH_RATE(left) {
        enum account_kind kind = rate_first(left);
        if (account->used[kind] == 0)
            continue;
        uint64_t rate = rate_per_second(kind, n_sharing);
        uint64_t max = account->limits->max[kind] + scale_by(rate, DEBT_NS_MAX, NS_PER_S);
        uint64_t off = rate_wear(account, kind, rate, ns);
        uint64_t used = account->used[kind] < max ? account->used[kind] : max;
        account->used[kind] = used > off ? used - off : 0;
    }
}

int64_t account_wait_ns(const struct account *account, unsigned n_sharing) {
    uint64_t longest = account->owed_ns > NS_PER_S ? (uint64_t)(account->owed_ns - NS_PER_S) : 0;
    FOR_EACH_RATE(left) {
        enum account_kind kind = rate_first(left);
        uint64_t used = account->used[kind], max = account->limits->max[kind];
        if (used <= max)
            continue;
        uint64_t ns = scale_by(used - max, NS_PER_S, rate_per_second(kind, n_sharing));
        if (ns > longest)
            longest = ns;
    }
    return longest < DEBT_NS_MAX ? (int64_t)longest : DEBT_NS_MAX;
}

void account_reason(const struct account *account, enum account_kind kind, char reason[256]) {
    snprintf(reason, 256, "uid %u has %" PRIu64 " %s, and may have %" PRIu64 " (limit_%s); %s",
             account->uid, account->used[kind], kinds[kind].what, account->limits->max[kind],
             kinds[kind].name, kinds[kind].advice);
}

/* Messages in a second. What was sent in one second is sent at once, what is more one by one. */

void account_set_rate(struct account *account, uint32_t messages_per_second) {
    account->message_ns = messages_per_second > 0 ? NS_PER_S / messages_per_second : 0;
    account->owed_ns = 0;
}

/* What was done in a minute, an hour, a day. */

static void marks_turn(struct account_marks *marks, int64_t quarter,
                       const struct account_use *seen) {
    int64_t first = marks->last + 1;
    if (quarter - first >= ACCOUNT_QUARTERS + 1)
        first = quarter - ACCOUNT_QUARTERS;
    for (int64_t i = first; i <= quarter; i++)
        marks->at[i % (ACCOUNT_QUARTERS + 1)] = *seen;
    marks->last = quarter;
}

/* Quarters of an hour and of a day begin with one of a minute. */
void account_turn(struct account *account, mono_time now) {
    if (now.ns / quarter_ns[ACCOUNT_MINUTE] > account->marks[ACCOUNT_MINUTE].last)
        for (int span = 0; span < ACCOUNT_SPANS; span++)
            marks_turn(&account->marks[span], now.ns / quarter_ns[span], &account->seen);
    account->use.lock_ns = account->spent[ACCOUNT_TIME];
    account->seen = account->use;
}

/* Between what was at the end of two quarters. */
static uint64_t use_between(uint64_t earlier, uint64_t later, double share) {
    return earlier + (uint64_t)((double)(later - earlier) * share);
}

struct account_use account_used_in(struct account *account, enum account_span span, mono_time now) {
    const struct account_marks *marks = &account->marks[span];
    account_turn(account, now);
    const struct account_use *use = &account->use;
    const struct account_use *from = &marks->at[(marks->last + 1) % (ACCOUNT_QUARTERS + 1)];
    const struct account_use *to = &marks->at[(marks->last + 2) % (ACCOUNT_QUARTERS + 1)];
    double share = (double)(now.ns % quarter_ns[span]) / (double)quarter_ns[span];
    return (struct account_use){
        .messages = use->messages - use_between(from->messages, to->messages, share),
        .bytes = use->bytes - use_between(from->bytes, to->bytes, share),
        .refused = use->refused - use_between(from->refused, to->refused, share),
        .lock_ns = use->lock_ns - use_between(from->lock_ns, to->lock_ns, share),
    };
}
