#include "io/entrance.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/error.h"
#include "base/log.h"
#include "io/lane.h"
#include "io/noted.h"
#include "io/tell.h"
#include "proto/stranger.h"

#define DRAIN_MAX 256 /* messages between two rounds of HELLOs */
#define ROUND_MAX 4   /* HELLOs in a round */

/* Wakes the thread of the entrance out of msgrcv(2): an empty message, which counts for nothing. */
#define POKE_MTYPE 3

/* One uid whose HELLOs wait. */
struct visitor {
    uid_t uid;
    unsigned n;
    struct knock *first, **end;
    struct visitor *next, *prev; /* of the ring */
    UT_hash_handle hh;
};

struct entrance {
    struct hub *hub;
    struct lane *lane;
    struct visitor *visitors, *ring;
    pthread_mutex_t guard; /* of the next two */
    struct knock *answered;
    bool is_closed; /* nobody takes those any more */
    atomic_int msqid;
};

/* Those who wait. */

static struct visitor *visitor_get(struct entrance *entrance, uid_t uid) {
    struct visitor *visitor;
    HASH_FIND(hh, entrance->visitors, &uid, sizeof uid, visitor);
    if (visitor)
        return visitor;
    visitor = calloc(1, sizeof *visitor);
    if (!visitor)
        return NULL;
    visitor->uid = uid;
    visitor->end = &visitor->first;
    HASH_ADD(hh, entrance->visitors, uid, sizeof visitor->uid, visitor);
    if (visitor->hh.tbl) {
        DL_APPEND(entrance->ring, visitor);
        return visitor;
    }
    free(visitor);
    return NULL;
}

static void visitor_free(struct entrance *entrance, struct visitor *visitor) {
    HASH_DELETE(hh, entrance->visitors, visitor);
    DL_DELETE(entrance->ring, visitor);
    free(visitor);
}

/* Too many of one uid, or no memory: its client hears nothing and says HELLO again. */
static void visitor_wait(struct entrance *entrance, struct knock *knock) {
    struct visitor *visitor = visitor_get(entrance, join_uid(knock));
    if (!visitor || visitor->n >= ENTRANCE_WAITING_MAX) {
        if (tell_may(TELL_REFUSED, join_uid(knock)))
            log_warning("uid %u joins faster than the hub can let it in; a HELLO is left out",
                        join_uid(knock));
        join_drop(knock);
        return;
    }
    *visitor->end = knock;
    visitor->end = join_next(knock);
    visitor->n++;
}

static struct knock *visitor_call(struct entrance *entrance) {
    struct visitor *visitor = entrance->ring;
    struct knock *knock = visitor->first;
    visitor->first = *join_next(knock);
    *join_next(knock) = NULL;
    visitor->n--;
    if (!visitor->first) {
        visitor_free(entrance, visitor);
    } else {
        DL_DELETE(entrance->ring, visitor);
        DL_APPEND(entrance->ring, visitor);
    }
    return knock;
}

static void drop_all(struct entrance *entrance) {
    while (entrance->ring)
        join_drop(visitor_call(entrance));
}

/* The queue. */

static void entrance_reject(const struct entrance *entrance, const char *what) {
    struct queue_info info = {0};
    atomic_fetch_add_explicit(&entrance->hub->n_turned_away, 1, memory_order_relaxed);
    if (!tell_may(TELL_REJECTED, TELL_NOBODY))
        return;
    (void)queue_stat(entrance->lane->msqid, &info);
    log_warning("rejected at the well-known queue (last sender pid %d): %s", info.last_sender,
                what);
}

/* A batch of session 0 holds one HELLO; an empty one nothing, politely. */
static void entrance_take(struct entrance *entrance, const struct queue_message *message,
                          size_t n) {
    struct cursor_in in = cursor_in_of(message->data, n);
    struct envelope envelope;
    struct frame frame;
    struct knock *knock = NULL;
    if (message->mtype == POKE_MTYPE && n == 0)
        return;
    if (message->mtype != HUB_MTYPE) {
        entrance_reject(entrance, "a message that is not addressed to the hub");
    } else if (stranger_hello(message->data, n, &frame.hello)) {
        knock = join_knock(entrance->hub, &frame.hello);
    } else if (!envelope_take(&in, &envelope)) {
        entrance_reject(entrance, "a batch without a valid envelope");
    } else if (envelope.session != 0) {
        entrance_reject(entrance, "a batch for a session that is not the sender's");
    } else if (cursor_in_left(&in) > 0) {
        enum frame_outcome outcome = frame_take(&in, &frame, FROM_STRANGER);
        if (outcome == FRAME_OK)
            knock = join_knock(entrance->hub, &frame.hello);
        else
            entrance_reject(entrance, frame_outcome_text(outcome));
    }
    if (knock)
        visitor_wait(entrance, knock);
}

static struct knock *take_answered(struct entrance *entrance) {
    pthread_mutex_lock(&entrance->guard);
    struct knock *knock = entrance->answered;
    entrance->answered = NULL;
    pthread_mutex_unlock(&entrance->guard);
    return knock;
}

static void go_on(struct knock *knock) {
    while (knock) {
        struct knock *next = *join_next(knock);
        *join_next(knock) = NULL;
        join_go_on(knock);
        knock = next;
    }
}

void entrance_answered(struct entrance *entrance, struct knock *knock) {
    static const struct queue_message poke = {.mtype = POKE_MTYPE};
    pthread_mutex_lock(&entrance->guard);
    bool is_closed = entrance->is_closed;
    if (!is_closed) {
        *join_next(knock) = entrance->answered;
        entrance->answered = knock;
    }
    pthread_mutex_unlock(&entrance->guard);
    if (is_closed) {
        join_end(knock);
        return;
    }
    /* If there is no room, the thread has something to receive, and looks before it waits again. */
    (void)queue_send(atomic_load(&entrance->msqid), &poke, 0, false);
}

/* Waits only when there is nothing else to do. A queue_outcome. */
static int entrance_drain(struct entrance *entrance) {
    static struct queue_message message;
    bool wait = !entrance->ring;
    size_t n;
    int r = QUEUE_OK;
    for (unsigned i = 0; r == QUEUE_OK && i < DRAIN_MAX; i++) {
        r = queue_receive(entrance->lane->msqid, &message, 0, &n, wait);
        if (r == QUEUE_OK)
            entrance_take(entrance, &message, n);
        wait = false;
    }
    return r;
}

static void count_turned_away(struct hub *hub) {
    uint64_t n = atomic_exchange_explicit(&hub->n_turned_away, 0, memory_order_relaxed);
    if (n == 0)
        return;
    lock_take(&hub->lock);
    hub->core.counters.rejected += n;
    lock_give(&hub->lock);
}

static void entrance_serve(struct entrance *entrance) {
    for (;;) {
        int r = entrance_drain(entrance);
        if (r != QUEUE_OK && r != QUEUE_EMPTY && r != QUEUE_INTERRUPTED) {
            drop_all(entrance);
            if (!lane_survive_loss(entrance->lane, r))
                return;
            atomic_store(&entrance->msqid, entrance->lane->msqid);
        }
        count_turned_away(entrance->hub);
        for (int i = 0; i < ROUND_MAX && entrance->ring; i++)
            join_admit(visitor_call(entrance), entrance);
        go_on(take_answered(entrance));
        join_admit_called(entrance->hub);
    }
}

static void entrance_close(struct entrance *entrance) {
    pthread_mutex_lock(&entrance->guard);
    entrance->is_closed = true;
    pthread_mutex_unlock(&entrance->guard);
    for (struct knock *knock = take_answered(entrance), *next; knock; knock = next) {
        next = *join_next(knock);
        join_end(knock);
    }
    drop_all(entrance);
}

/* It outlives its thread: somebody may still ask the database for it. */
static struct entrance the_entrance = {.guard = PTHREAD_MUTEX_INITIALIZER};

void entrance_run(struct lane *lane) {
    the_entrance.hub = lane->hub;
    the_entrance.lane = lane;
    atomic_store(&the_entrance.msqid, lane->msqid);
    the_entrance.is_closed = false;
    entrance_serve(&the_entrance);
    entrance_close(&the_entrance);
    noted_deinit();
}
