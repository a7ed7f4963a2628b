/* Users: their beginning and end, their memory, and their share of the hub's time. */

#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "core/internal.h"
#include "core/room/group.h"

struct user *core_user(struct core *core, uid_t uid) {
    struct user *user;
    HASH_FIND(hh, core->users, &uid, sizeof uid, user);
    if (user)
        return user;
    user = calloc(1, sizeof *user);
    if (!user)
        return NULL;
    user->uid = uid;
    account_init(&user->account, &core->limits, uid, core->now);
    recent_init(&user->recent, core->config.secret);
    HASH_ADD(hh, core->users, uid, sizeof user->uid, user);
    if (user->hh.tbl)
        return user;
    free(user);
    return NULL;
}

void user_free(struct core *core, struct user *user) {
    assert(core->users);
    HASH_DEL(core->users, user);
    user_give_back(user, recent_bytes(&user->recent));
    sanction_free_all(user);
    group_forget(user);
    recent_deinit(&user->recent);
    account_deinit(&user->account);
    free(user);
}

/* Memory. */

bool user_may_charge(struct user *user, size_t n, char reason[256]) {
    struct account *account = &user->account;
    uint64_t max = account->limits->max[ACCOUNT_MEMORY] - OTHERS_LEAVE(account);
    uint64_t used = account->used[ACCOUNT_MEMORY];
    if (n == 0 || (used <= max && n <= max - used))
        return true;
    account->n_refused[ACCOUNT_MEMORY]++;
    snprintf(reason, 256,
             "uid %u uses %llu bytes of the hub's memory, and may use %llu for sessions, rooms and "
             "the like (three quarters of limit_memory); end or leave some first",
             user->uid, (unsigned long long)used, (unsigned long long)max);
    return false;
}

bool user_charge(struct user *user, size_t n, char reason[256]) {
    if (!user_may_charge(user, n, reason))
        return false;
    account_spend(&user->account, ACCOUNT_MEMORY, n);
    return true;
}

void user_give_back(struct user *user, size_t n) {
    account_give_back(&user->account, ACCOUNT_MEMORY, n);
}

/*
 * Time: who has used how much of it, and who is therefore read later. Alone, a user gets
 * as much as there is. As soon as others are at work, each has an equal share of the time under the
 * lock; whoever has used up his share is read later, and so blocks in his own msgsnd(2) and in
 * nobody else's way. (The same holds for whoever has much that is not stored yet: persist.c.)
 *
 * Who is at work is seen in stretches of time: whoever was charged in this one or in the one
 * before.
 */

#define STRETCH_NS (50 * NS_PER_MS)

static void work_turn_stretch(struct core *core) {
    int64_t stretch = core->now.ns / STRETCH_NS;
    if (stretch == core->stretch)
        return;
    core->n_before = stretch == core->stretch + 1 ? core->n_at_work : 0;
    core->n_at_work = 0;
    core->stretch = stretch;
}

static void work_see(struct core *core, struct user *user) {
    work_turn_stretch(core);
    if (user->at_work == core->stretch)
        return;
    user->at_work = core->stretch;
    core->n_at_work++;
}

static unsigned work_n_sharing(const struct core *core) {
    unsigned n = core->n_at_work > core->n_before ? core->n_at_work : core->n_before;
    return n > 0 ? n : 1;
}

/*
 * A delivery costs about as much for each session. The sender pays for one to each user; if a user
 * has many sessions, that is his own affair. But what others have him charged only takes of what he
 * has left, and half of that stays: nobody is read later because of others.
 */

void work_begin_delivery(struct core *core) {
    core->delivery++;
}

void work_note(struct core *core, struct user *user) {
    if (user->n_work++ > 0)
        return;
    user->next_worked = core->worked;
    core->worked = user;
}

void work_note_delivery(struct core *core, struct user *user) {
    if (user->delivery == core->delivery) {
        work_note(core, user);
        return;
    }
    user->delivery = core->delivery;
    core->n_own_work++;
}

static void work_spend(struct core *core, struct user *user, uint64_t ns) {
    work_see(core, user);
    account_wear_off(&user->account, core->now, work_n_sharing(core));
    account_spend(&user->account, ACCOUNT_TIME, ns);
    account_turn(&user->account, core->now);
}

/* Charges him at most up to half of his limit. Returns how much. */
static uint64_t work_pass_on(struct core *core, struct user *user, uint64_t ns) {
    struct account *account = &user->account;
    account_wear_off(account, core->now, work_n_sharing(core));
    uint64_t used = account->used[ACCOUNT_TIME], max = account->limits->max[ACCOUNT_TIME] / 2;
    uint64_t left = used < max ? max - used : 0;
    if (ns > left)
        ns = left;
    account_spend(account, ACCOUNT_TIME, ns);
    return ns;
}

static uint64_t work_total(const struct core *core) {
    uint64_t n = core->n_own_work + 1;
    for (const struct user *user = core->worked; user; user = user->next_worked)
        n += user->n_work;
    return n;
}

void core_spend_time(struct core *core, struct user *user, int64_t ns) {
    uint64_t total = ns > 0 ? (uint64_t)ns : 0, rest = total, n = work_total(core);
    while (core->worked) {
        struct user *other = core->worked;
        core->worked = other->next_worked;
        if (other != user)
            rest -= work_pass_on(core, other, total / n * other->n_work);
        other->n_work = 0;
    }
    core->n_own_work = 0;
    if (user)
        work_spend(core, user, rest);
}

int64_t core_throttle_ns(struct core *core, struct user *user) {
    work_see(core, user);
    unsigned n_sharing = work_n_sharing(core);
    account_wear_off(&user->account, core->now, n_sharing);
    return account_wait_ns(&user->account, n_sharing);
}
