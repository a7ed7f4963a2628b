/* Entering the core, and leaving it: what it wants done is done then, outside the lock. */

#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <utlist.h>

#include "base/error.h"
#include "base/log.h"
#include "io/hub.h"
#include "io/join.h"
#include "io/lane.h"
#include "io/reader.h"
#include "io/road.h"
#include "io/storage.h"
#include "io/tell.h"
#include "io/watch.h"
#include "ipc/process.h"

#define FLUSH_MAX 64 /* mailboxes per round */

/* The time of day is told in milliseconds, and need not be looked at more often. */
static wall_time hub_wall(struct hub *hub, mono_time now) {
    if (now.ns - hub->wall_read_at.ns >= NS_PER_MS) {
        hub->wall = wall_now();
        hub->wall_read_at = now;
    }
    return hub->wall;
}

void hub_enter_at(struct hub *hub, mono_time now) {
    if (lock_take(&hub->lock))
        now = mono_now();
    if (now.ns < hub->core.now.ns) /* others were here since the caller looked */
        now = hub->core.now;
    core_set_time(&hub->core, now, hub_wall(hub, now));
}

void hub_enter(struct hub *hub) {
    hub_enter_at(hub, mono_now());
}

/* Sending. */

/* The session is in flight, so it can be looked at without the lock: it is not freed. */
static void say_gone(struct delivery *delivery, int r) {
    const struct session *session = delivery->session;
    delivery->gone = true;
    if (process_exists(session->pid) &&
        tell_may(TELL_MAILBOX, session->user->uid)) /* else it ended; that is nothing to tell */
        log_warning("uid %u pid %d: %s: its mailbox; the session is ended", session->user->uid,
                    session->pid, r > 0 ? queue_outcome_text((enum queue_outcome)r) : strerror(-r));
}

/*
 * The mailbox is full: MORE goes to its end, so that the client says READY when it gets there. A
 * marker may not fit either, between small messages; then the reserve is opened for it. That
 * fails only if the client has tampered with its own mailbox.
 */
__attribute__((noinline)) static void put_marker(struct delivery *delivery) {
    struct queue_message marker = {.mtype = delivery->chunks->mtype};
    struct cursor_out out = cursor_out_of(marker.data, sizeof marker.data);
    envelope_put(&out, &(struct envelope){PROTO_VERSION, 1, delivery->chunks->session});
    frame_put(&out, &(struct frame){.type = FRAME_MORE});
    size_t n = cursor_out_used(&out);

    int r = queue_send(delivery->msqid, &marker, n, false);
    if (r == QUEUE_FULL) {
        delivery->reserve_opened = true;
        r = queue_reserve(delivery->msqid, true);
        if (r == QUEUE_OK)
            r = queue_send(delivery->msqid, &marker, n, false);
    }
    delivery->full = r == QUEUE_OK;
    if (r != QUEUE_OK)
        say_gone(delivery, r);
}

static void send_next(struct delivery *delivery) {
    struct chunk *chunk = delivery->chunks;
    delivery->chunks = chunk->next;
    chunk->next = delivery->sent;
    delivery->sent = chunk;
}

static void say_broken(struct delivery *delivery) {
    const struct session *session = delivery->session;
    delivery->gone = true;
    if (tell_may(TELL_REJECTED, session->user->uid))
        log_warning("uid %u pid %d: the ring to it makes no sense; the session is ended",
                    session->user->uid, session->pid);
}

/* When the ring is full, the client is asked for a bell; else it gets one, if it sleeps. */
static void send_by_channel(struct delivery *delivery, bool may_defer) {
    struct batch_ring *down = &delivery->road->channel.down;
    struct queue_message scratch;
    while (delivery->chunks && !delivery->full && !delivery->deferred && !delivery->gone) {
        const struct chunk *chunk = delivery->chunks;
        int r = batch_ring_put(down, chunk_message(chunk, &scratch)->data, chunk->n);
        if (r == BATCH_RING_OK)
            send_next(delivery);
        else if (r == BATCH_RING_BROKEN)
            say_broken(delivery);
        else if (may_defer && delivery->may_defer)
            delivery->deferred = true;
        else
            delivery->full = batch_ring_writer_waits(down, chunk->n);
    }
    if (!delivery->sent || !batch_ring_is_reader_due(down))
        return;
    int r = queue_ring_bell(delivery->msqid, delivery->sent->mtype, delivery->sent->session);
    if (r != QUEUE_OK && r != QUEUE_FULL)
        say_gone(delivery, r);
}

/* Not inlined, nor is put_marker(): a lone message needs no stack of 8 KiB, which would be touched.
 */
__attribute__((noinline)) static int send_parts(const struct delivery *delivery,
                                                const struct chunk *chunk) {
    struct queue_message scratch;
    return queue_send(delivery->msqid, chunk_message(chunk, &scratch), chunk->n, false);
}

static int send_chunk(const struct delivery *delivery, const struct chunk *chunk) {
    return chunk->message ? queue_send(delivery->msqid, chunk->message, chunk->n, false)
                          : send_parts(delivery, chunk);
}

static void send_by_mailbox(struct delivery *delivery, bool may_defer) {
    while (delivery->chunks && !delivery->full && !delivery->deferred && !delivery->gone) {
        int r = send_chunk(delivery, delivery->chunks);
        if (r == QUEUE_OK) {
            send_next(delivery);
        } else if (r == QUEUE_FULL && may_defer && delivery->may_defer) {
            delivery->deferred = true;
        } else if (r == QUEUE_FULL) {
            put_marker(delivery);
        } else if (r != QUEUE_INTERRUPTED) {
            say_gone(delivery, r);
        }
    }
}

static void send_one(struct delivery *delivery, bool may_defer) {
    if (delivery->close_reserve)
        (void)queue_reserve(delivery->msqid, false);
    (delivery->road ? send_by_channel : send_by_mailbox)(delivery, may_defer);
}

/* Sessions that have ended: their descriptors and queues. */

/* With the lock held. */
static struct seat *take_ended(struct hub *hub) {
    struct seat *ended = hub->core.ended;
    hub->core.ended = NULL;
    for (struct seat *seat = ended; seat; seat = seat->next) {
        road_leave(hub, seat);
        seat->lane->n_dying -= seat->dies_at != 0;
        if (seat->death > 0) {
            DL_DELETE2(seat->lane->dead, seat, prev_dead, next_dead);
            join_call(hub, seat);
        }
        lane_release(seat->lane);
    }
    if (ended && hub->core.n_sessions == 0)
        watch_nobody_is_here(hub);
    return ended;
}

static void release_seats(struct seat *seat) {
    while (seat) {
        struct seat *next = seat->next;
        close(seat->pidfd);
        if (seat->msqid >= 0)
            (void)queue_remove(seat->msqid);
        free(seat);
        seat = next;
    }
}

static struct road *take_left(struct hub *hub) {
    struct road *left = hub->left;
    hub->left = NULL;
    return left;
}

static void release_roads(struct road *road) {
    while (road) {
        struct road *next = road->next;
        road_free(road);
        road = next;
    }
}

/* The timer. */

static void arm_timer(struct hub *hub) {
    mono_time due = core_due(&hub->core);
    if (due.ns == 0 || (hub->armed.ns != 0 && hub->armed.ns <= due.ns))
        return;
    struct itimerspec when = {
        .it_value = {.tv_sec = due.ns / NS_PER_S, .tv_nsec = due.ns % NS_PER_S}};
    if (timerfd_settime(hub->timer_fd, TFD_TIMER_ABSTIME, &when, NULL) == 0)
        hub->armed = due;
}

/*
 * False: there is nothing to do. The lock is left while mailboxes are written to, and taken again
 * to hand the outboxes back: frames that came for these meanwhile wait for that.
 */
static bool flush_round(struct hub *hub, bool may_defer) {
    struct delivery deliveries[FLUSH_MAX];
    size_t n = core_take(&hub->core, deliveries, FLUSH_MAX);
    for (size_t i = 0; i < n; i++)
        road_lend(deliveries[i].road);
    struct seat *ended = take_ended(hub);
    struct road *left = take_left(hub);
    int well_known = hub->called ? hub->rendezvous.record.msqid : -1;
    if (n == 0 && !ended && !left)
        return false;
    lock_give(&hub->lock);
    if (well_known >= 0) /* when it is full, its thread is awake */
        (void)queue_ring_bell(well_known, HUB_MTYPE, 0);
    for (size_t i = 0; i < n; i++)
        send_one(&deliveries[i], may_defer);
    release_seats(ended);
    release_roads(left);
    lock_take(&hub->lock);
    core_returned(&hub->core, deliveries, n);
    for (size_t i = 0; i < n; i++)
        road_returned(hub, deliveries[i].road);
    return true;
}

/*
 * Whoever leaves does a round of what there is, whoever caused it; the last one, whoever that is,
 * goes on until nothing is left. Else a user's thread would be kept here for as long as others have
 * new messages for thousands. Where memory is short (wants_flush) a round is not enough: it comes
 * back when all that waited has been sent.
 */
static void leave_flushing(struct hub *hub, bool may_defer, bool is_all) {
    unsigned n_rounds = 1;
    if (hub->core.wants_flush)
        n_rounds += hub->core.n_sessions / FLUSH_MAX;
    core_retry_deferred(&hub->core);
    hub_save_claim_key(hub);
    hub->n_flushing++;
    while (flush_round(hub, may_defer) && (is_all || hub->n_flushing == 1 || --n_rounds > 0))
        ;
    hub->n_flushing--;
    arm_timer(hub);
    storage_wake(hub);
    reader_wake(hub);
    lock_give(&hub->lock);
}

void hub_leave(struct hub *hub) {
    leave_flushing(hub, false, false);
}

void hub_leave_with_all(struct hub *hub) {
    leave_flushing(hub, false, true);
}

void hub_leave_for_now(struct hub *hub) {
    leave_flushing(hub, true, false);
}
