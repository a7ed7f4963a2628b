#include "io/sweep.h"

#include <stdlib.h>
#include <utlist.h>

#include "base/log.h"

#define SWEEP_EVERY_NS (60 * NS_PER_S)

static void sweep_queues(const int *keep, size_t n_keep) {
    int n_swept = queue_sweep(keep, n_keep);
    if (n_swept > 0)
        log_info("removed %d queues that dead processes had left", n_swept);
}

void sweep_all(void) {
    sweep_queues(NULL, 0);
}

/* The ids of all lanes and mailboxes in use; *n of them. NULL when memory is out. */
static int *ids_in_use(struct hub *hub, size_t *n) {
    struct lane *lane;
    hub_enter(hub);
    int *ids = calloc(hub->core.n_slots + hub->n_lane_threads + 1, sizeof *ids);
    *n = 0;
    if (ids) {
        DL_FOREACH(hub->lanes, lane) {
            ids[(*n)++] = lane->msqid;
        }
        for (uint32_t slot = 0; slot < hub->core.n_slots; slot++)
            if (hub->core.slots[slot] && !hub->core.slots[slot]->dead)
                ids[(*n)++] = hub->core.slots[slot]->seat->msqid;
    }
    hub_leave(hub);
    return ids;
}

void sweep_suspect(struct hub *hub) {
    mono_time now = mono_now();
    size_t n;
    if (hub->swept_at.ns != 0 && now.ns - hub->swept_at.ns < SWEEP_EVERY_NS)
        return;
    hub->swept_at = now;
    CLEANUP_FREE int *ids = ids_in_use(hub, &n);
    if (ids)
        sweep_queues(ids, n);
}
