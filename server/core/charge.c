/*
 * What one user may cost. Alone, as much as the machine gives. As soon as others are at work,
 * each user has a budget that refills with time; whoever has used it up is read later, and so
 * blocks in his own msgsnd(2) and in nobody else's way. The same holds for whoever has much that
 * is not stored yet.
 */

#include "core/internal.h"

#define BUDGET_BYTES_PER_MS 65536 /* per user, while others are at work: 64 MiB/s */
#define BUDGET_BURST (BUDGET_BYTES_PER_MS * 4)
#define CONTENDED_MS 20
#define DISK_NS NS_PER_MS /* the disk is slower than this user: look again */

static void refill(const struct core *core, struct user *user) {
    int64_t ns = core->now.ns - user->budget_at.ns;
    int64_t earned = ns > NS_PER_S ? BUDGET_BURST : ns * BUDGET_BYTES_PER_MS / NS_PER_MS;
    user->budget = user->budget + earned > BUDGET_BURST ? BUDGET_BURST : user->budget + earned;
    user->budget_at = core->now;
}

void core_charge(struct core *core, struct user *user, size_t cost) {
    (void)core;
    user->budget -= (int64_t)cost;
}

int64_t core_throttle_ns(struct core *core, struct user *user) {
    if (core->last_busy != user) {
        core->last_busy = user;
        core->contended_at = core->now;
    }
    refill(core, user);
    bool contended = core->contended_at.ns + CONTENDED_MS * NS_PER_MS > core->now.ns;
    if (!contended && user->budget < 0)
        user->budget = 0;
    if (!persist_has_room(core, user))
        return DISK_NS;
    return user->budget < 0 ? -user->budget * NS_PER_MS / BUDGET_BYTES_PER_MS : 0;
}
