#include "io/lane.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/error.h"
#include "base/log.h"
#include "io/entrance.h"
#include "io/intake.h"
#include "io/tell.h"
#include "ipc/shm.h"

#define SLICE_NS NS_PER_MS /* of ending sessions; then the lock is left */

/* In steps. No session begins here meanwhile: it is closed, or its own thread lets them in. */
static void lane_end_sessions(struct lane *lane) {
    struct hub *hub = lane->hub;
    mono_time since = hub->core.now;
    for (uint32_t slot = 0; slot < hub->core.n_slots; slot++) {
        struct session *session = hub->core.slots[slot];
        if (!session || session->dead || session->seat->lane != lane)
            continue;
        core_end(&hub->core, session);
        if (mono_now().ns - since.ns < SLICE_NS)
            continue;
        hub_leave(hub);
        hub_enter(hub);
        since = hub->core.now;
    }
}

/* With the lock held: no new sessions come here. */
static void lane_close(struct lane *lane) {
    if (lane->user && !lane->closed)
        DL_DELETE2(lane->user->lanes, lane, prev_of_user, next_of_user);
    lane->closed = true;
}

/*
 * The queue is gone or cannot be read, and not by us. The well-known one is made again; true when
 * the thread goes on.
 */
bool lane_survive_loss(struct lane *lane, int outcome) {
    const char *how = outcome == QUEUE_GONE ? "removed" : "made unreadable";
    struct hub *hub = lane->hub;
    hub_enter(hub);
    bool goes_on = lane->is_well_known && !hub->stopping && !lane->closed;
    if (!lane->closed && !hub->stopping) {
        if (tell_may(TELL_LANE, lane->user ? lane->user->uid : geteuid()))
            log_warning("the queue %d (uid %u) was %s; its sessions join anew", lane->msqid,
                        lane->user ? lane->user->uid : geteuid(), how);
        (void)queue_remove(lane->msqid);
        if (!goes_on)
            lane_close(lane);
        lane_end_sessions(lane);
    }
    if (goes_on) {
        int r = rendezvous_renew(&hub->rendezvous, hub->options.gid);
        if (r == 0)
            lane->msqid = hub->rendezvous.record.msqid;
        else {
            log_error("the well-known queue cannot be made again: %s; the hub stops",
                      r > 0 ? rendezvous_outcome_text((enum rendezvous_outcome)r) : strerror(-r));
            kill(getpid(), SIGTERM);
            goes_on = false;
        }
    }
    hub_leave(hub);
    return goes_on;
}

static void lane_thread_ends(struct lane *lane) {
    struct hub *hub = lane->hub;
    lock_take(&hub->lock);
    lane_close(lane);
    DL_DELETE(hub->lanes, lane);
    lane->thread_ended = true;
    if (lane->n_sessions == 0)
        free(lane);
    hub->n_lane_threads--;
    pthread_cond_signal(&hub->no_lane_threads);
    lock_give(&hub->lock);
}

/* The well-known queue of many users is no lane for frames. */
static void *lane_thread(void *arg) {
    struct lane *lane = arg;
    struct intake *intake = lane->intake;
    if (intake)
        intake_run(intake);
    else
        entrance_run(lane);
    lane_thread_ends(lane);
    intake_free(intake);
    return NULL;
}

static int lane_start_thread(struct lane *lane) {
    pthread_attr_t attributes;
    pthread_t thread;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, (size_t)512 * 1024);
    int r = pthread_create(&thread, &attributes, lane_thread, lane);
    pthread_attr_destroy(&attributes);
    return -r;
}

/* False: the hub stops. It has removed all queues, and waits for the threads that there are. */
static bool lane_enlist(struct hub *hub, struct lane *lane) {
    lock_take(&hub->lock);
    bool stopping = hub->stopping;
    if (!stopping) {
        DL_APPEND(hub->lanes, lane);
        if (lane->user)
            DL_APPEND2(lane->user->lanes, lane, prev_of_user, next_of_user);
        hub->n_lane_threads++;
    }
    lock_give(&hub->lock);
    return !stopping;
}

int lane_start(struct hub *hub, int msqid, struct user *user, bool is_well_known) {
    struct lane *new = calloc(1, sizeof *new);
    struct intake *intake = new &&user ? intake_new(new) : NULL;
    if (!new || (user && !intake)) {
        free(new);
        return -ENOMEM;
    }
    *new = (struct lane){
        .hub = hub, .user = user, .is_well_known = is_well_known, .msqid = msqid, .intake = intake};
    int r = lane_enlist(hub, new) ? 0 : -ESHUTDOWN;
    if (r < 0) {
        free(new);
        intake_free(intake);
        return r;
    }
    r = lane_start_thread(new);
    if (r < 0) {
        lane_thread_ends(new);
        intake_free(intake);
        return r;
    }
    return 0; /* it may be gone already */
}

static int lane_create(struct hub *hub, struct user *user) {
    int msqid;
    int r = queue_create_private(&msqid);
    if (r != 0)
        return r;
    r = queue_set(msqid, user->uid, (gid_t)-1, 0600, QUEUE_TAG_LANE);
    if (r == 0)
        r = lane_start(hub, msqid, user, false);
    if (r != 0)
        (void)queue_remove(msqid);
    return r;
}

static unsigned lane_n_groups(const struct lane *lane) {
    return lane->n_sessions / SESSIONS_PER_LANE;
}

/*
 * With the lock held: the one with the fewest sessions, and how many there are. Sessions come in
 * groups: those who begin one after the other often talk to each other, and on two lanes each
 * message costs a switch between threads more.
 */
static struct lane *lane_least_busy(const struct user *user, unsigned *n_lanes) {
    struct lane *each, *best = NULL;
    *n_lanes = 0;
    DL_FOREACH2(user->lanes, each, next_of_user) {
        (*n_lanes)++;
        if (!best || lane_n_groups(each) < lane_n_groups(best))
            best = each;
    }
    return best;
}

/* The lane has a session that is about to begin, so it stays. Without a gate it only is slower. */
static void lane_open_gate(struct hub *hub, struct lane *lane) {
    struct gate gate;
    int r = gate_create(&gate, lane->user->uid);
    if (r != 0) {
        log_debug("no gate for uid %u: %s", lane->user->uid,
                  r > 0 ? shm_outcome_text((enum shm_outcome)r) : strerror(-r));
        return;
    }
    hub_enter(hub);
    lane->gate = gate;
    for (uint32_t slot = 0; slot < hub->core.n_slots; slot++) {
        struct session *session = hub->core.slots[slot];
        if (session && !session->dead && session->seat->lane == lane)
            core_tell_gate(&hub->core, session, gate.shmid);
    }
    hub_leave(hub);
}

int lane_for(struct hub *hub, struct user *user, struct lane **lane) {
    bool wants_gate = false;
    unsigned n;
    lock_take(&hub->lock);
    struct lane *best = lane_least_busy(user, &n);
    bool enough = best && (best->n_sessions < SESSIONS_PER_LANE || n >= hub->lanes_per_user);
    lock_give(&hub->lock);
    int r = enough ? 0 : lane_create(hub, user);

    lock_take(&hub->lock);
    best = lane_least_busy(user, &n); /* the new one, or a busy one if none could be made */
    if (best) {
        best->n_sessions++;
        wants_gate = best->n_sessions >= SESSIONS_FOR_GATE && !gate_is_there(&best->gate);
        *lane = best;
    }
    lock_give(&hub->lock);
    if (!best) /* its user may have removed the new one, and its thread freed it */
        return r != 0 ? r : -EIDRM;
    if (wants_gate)
        lane_open_gate(hub, best);
    return 0;
}

void lane_release(struct lane *lane) {
    lane->n_sessions--;
    if (lane->n_sessions > 0)
        return;
    gate_close(&lane->gate);
    if (lane->thread_ended) {
        free(lane);
    } else if (!lane->is_well_known && !lane->closed) {
        lane_close(lane);
        (void)queue_remove(lane->msqid); /* its thread sees that and ends */
    }
}

void lane_list_all(struct hub *hub, struct session *session, uint32_t request) {
    struct lane *lane;
    DL_FOREACH(hub->lanes, lane) {
        core_answer_object(&hub->core, session, request,
                           lane->is_well_known ? OBJECT_WELL_KNOWN : OBJECT_LANE, lane->msqid,
                           lane->user ? lane->user->uid : geteuid(), getpid());
    }
}
