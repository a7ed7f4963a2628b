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

void account_wear_off(struct account *account, mono_time now, unsigned n_sharing) {
    int64_t ns = now.ns - account->worn_at.ns;
    if (ns <= 0)
        return;
    account->worn_at = now;
    FOR_EACH_RATE(left) {
        enum account_kind kind = rate_first(left);
        if (account->used[kind] == 0)
            continue;
        uint64_t rate = rate_per_second(kind, n_sharing);
        uint64_t max = account->limits->max[kind] + scale_by(rate, DEBT_NS_MAX, NS_PER_S);
        uint64_t off = scale_by(rate, (uint64_t)ns, NS_PER_S);
        uint64_t used = account->used[kind] < max ? account->used[kind] : max;
        account->used[kind] = used > off ? used - off : 0;
    }
}

int64_t account_wait_ns(const struct account *account, unsigned n_sharing) {
    uint64_t longest = 0;
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
