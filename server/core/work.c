/*
 * The hub's time: who has used how much of it, and who is therefore read later. Alone, a user gets
 * as much as there is. As soon as others are at work, each has an equal share of the time under the
 * lock; whoever has used up his share is read later, and so blocks in his own msgsnd(2) and in
 * nobody else's way. The same holds for whoever has much that is not stored yet.
 *
 * Who is at work is seen in stretches of time: whoever was charged in this one or in the one
 * before.
 */

#include "core/internal.h"

#define STRETCH_NS (50 * NS_PER_MS)
#define DISK_NS NS_PER_MS /* the disk is slower than this user: look again */

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

void core_spend_time(struct core *core, struct user *user, int64_t ns) {
    work_see(core, user);
    account_wear_off(&user->account, core->now, work_n_sharing(core));
    account_spend(&user->account, ACCOUNT_TIME, ns > 0 ? (uint64_t)ns : 0);
}

int64_t core_throttle_ns(struct core *core, struct user *user) {
    work_see(core, user);
    unsigned n_sharing = work_n_sharing(core);
    account_wear_off(&user->account, core->now, n_sharing);
    if (!persist_has_room(core, user))
        return DISK_NS;
    return account_wait_ns(&user->account, n_sharing);
}
