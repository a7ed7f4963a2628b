/*
 * From the pending messages into the lane or, while there is one, into the channel.
 *
 * Frames are gathered in one batch. While the lane has room they go at once, one batch per
 * message if need be: that is the shortest way. When it is full they gather until the batch is
 * full, so that the next system call carries as many as possible. A full batch before a full
 * lane blocks: here, in msgsnd(2), when the program wants that (the watch ends it should the hub
 * die); in the writer when nothing here may block.
 *
 * Whoever found the lane full goes on gathering until some batches in a row have found room at
 * once. Else one message alone would slip in wherever another sender's full batch does not fit, and
 * a flood would mostly travel one by one. What gathers is left with the writer, who sends it when
 * it is GATHER_MS old, whatever the program does.
 *
 * In a channel a batch costs no system call, so nothing gathers; whoever finds no room there waits
 * for the hub's bell.
 */
#include <poll.h>

#include "base/thread.h"
#include "lib/link.h"

#define GATHER_MS 1
#define GATHER_BATCHES 8
#define DEAF_MS 2 /* until room is looked for again, while the reader has too much to read on */

static void start_batch(struct earshot *link) {
    struct outgoing *outgoing = &link->outgoing;
    outgoing->message.mtype = HUB_MTYPE;
    outgoing->n_frames = 0;
    outgoing->ends = false;
    outgoing->due = (mono_time){0};
    outgoing->out = cursor_out_of(outgoing->message.data, link->limits.batch);
    envelope_put(&outgoing->out,
                 &(struct envelope){.version = PROTO_VERSION, .session = link->session});
}

void outgoing_reset(struct earshot *link) {
    link->outgoing.lane_full = link->outgoing.owes_ready = false;
    link->outgoing.n_gather = 0;
    start_batch(link);
}

static bool is_on_channel(const struct earshot *link) {
    return link->conduit.up == CONDUIT_CHANNEL;
}

/* The batch that turned to the channel may have waited for room in the lane. */
bool outgoing_may_try(const struct earshot *link) {
    return link->pollable || link->outgoing.n_gather == 0 || is_on_channel(link);
}

bool outgoing_is_stranded(const struct earshot *link) {
    return !link->pollable && link->phase == LINK_JOINED && is_on_channel(link);
}

enum outgoing_policy outgoing_at_once(const struct earshot *link) {
    if (link->pollable)
        return OUTGOING_LATER;
    return is_on_channel(link) ? OUTGOING_BLOCK : OUTGOING_TRY;
}

static bool outgoing_put(struct outgoing *outgoing, struct bytes frame) {
    if (outgoing->ends || cursor_out_left(&outgoing->out) < frame.n)
        return false;
    cursor_put(&outgoing->out, frame.data, frame.n);
    outgoing->n_frames++;
    return true;
}

void outgoing_ready(struct earshot *link) {
    link->outgoing.owes_ready = true;
}

static bool put_ready(struct outgoing *outgoing) {
    struct frame ready = {.type = FRAME_READY};
    if (outgoing->ends || !frame_put(&outgoing->out, &ready))
        return false;
    outgoing->n_frames++;
    outgoing->owes_ready = false;
    return true;
}

/* Many messages at once, as long as nothing stands between them. */
static void fill_with_run(struct earshot *link) {
    struct outgoing *outgoing = &link->outgoing;
    struct bytes frames;
    if (outgoing->ends || !control_is_empty(&link->control))
        return;
    unsigned n = pending_next_run(&link->pending, cursor_out_left(&outgoing->out), &frames);
    if (n == 0)
        return;
    cursor_put(&outgoing->out, frames.data, frames.n);
    outgoing->n_frames = (uint16_t)(outgoing->n_frames + n);
    pending_advance_run(&link->pending, n, frames.n);
}

bool outgoing_fill(struct earshot *link) {
    struct bytes frame;
    if (link->outgoing.owes_ready && !put_ready(&link->outgoing))
        return true;
    fill_with_run(link);
    for (;;) {
        if (control_next(&link->control, link->pending.unsent, &frame)) {
            if (!outgoing_put(&link->outgoing, frame))
                return true;
            control_advance(&link->control, frame.n);
        } else if (pending_next(&link->pending, &frame)) {
            if (!outgoing_put(&link->outgoing, frame))
                return true;
            pending_advance(&link->pending, frame.n);
        } else {
            return false;
        }
    }
}

bool outgoing_gathers(const struct earshot *link) {
    const struct outgoing *outgoing = &link->outgoing;
    return link->phase == LINK_JOINED && !link->pollable && !outgoing->owes_ready &&
           !outgoing->ends && !link->writer.has_left && !link->writer.given &&
           control_is_empty(&link->control) && conduit_is_settled(&link->conduit) &&
           link->pending.n_unsent < cursor_out_left(&outgoing->out);
}

bool outgoing_has_frames(const struct earshot *link) {
    return link->outgoing.n_frames > 0 || link->outgoing.owes_ready ||
           conduit_owes(&link->conduit) >= 0 || !control_is_empty(&link->control) ||
           link->pending.unsent < link->pending.end;
}

/* The way that batches go now; nothing waits. A queue_outcome. */
static int outgoing_post(struct earshot *link, size_t n) {
    if (is_on_channel(link))
        return conduit_put(&link->conduit, link->outgoing.message.data, n);
    int r = queue_send(atomic_load(&link->lane), &link->outgoing.message, n, false);
    if (r == QUEUE_FULL)
        link_note_busy(link);
    return r;
}

/* The batch is on its way. */
static void next_batch(struct earshot *link) {
    link->outgoing.n_batches++;
    if (link->outgoing.ends) {
        conduit_switched(&link->conduit);
        link->outgoing.n_gather = 0;
    }
    start_batch(link);
}

/* Who blocks goes on gathering, or sends the batch; it may be on its way by now. */
static void take_back_left(struct earshot *link) {
    if (link->writer.has_left && !writer_take_back(&link->writer))
        next_batch(link);
}

int outgoing_leave(struct earshot *link) {
    struct outgoing *outgoing = &link->outgoing;
    if (link->phase != LINK_JOINED || outgoing->n_frames == 0 || is_on_channel(link))
        return 0;
    if (outgoing->due.ns == 0)
        outgoing->due = mono_add_ms(mono_now(), GATHER_MS);
    envelope_set_n_frames(outgoing->message.data, outgoing->n_frames);
    return writer_leave(&link->writer, atomic_load(&link->lane), &outgoing->message,
                        cursor_out_used(&outgoing->out), outgoing->due);
}

/* The lane's answer: 0 sent (or the hub is lost), EARSHOT_AGAIN full, -EINTR. */
static int outgoing_sent(struct earshot *link, int r) {
    switch (r) {
    case QUEUE_OK:
        link->outgoing.lane_full = false;
        if (link->outgoing.n_gather > 0)
            link->outgoing.n_gather--;
        next_batch(link);
        return 0;
    case QUEUE_FULL:
        link->outgoing.lane_full = true;
        if (!is_on_channel(link))
            link->outgoing.n_gather = GATHER_BATCHES;
        return EARSHOT_AGAIN;
    case QUEUE_NO_MEMORY:
        return -ENOMEM;
    case QUEUE_INTERRUPTED:
        return -EINTR;
    default:
        join_lose(link, "removed its queue");
        return 0;
    }
}

/*
 * Waits in msgsnd(2). The watch must not have anything to tell before: see watch.h. What it tells
 * may send, too, as when the writer is through: then this batch is gone, or has another length. So
 * the caller begins anew.
 */
static int send_waiting(struct earshot *link, size_t n) {
    int r = watch_start(&link->watch);
    if (r < 0)
        return r;
    atomic_store(&link->watch.blocked, true);
    if (watch_has_fired(&link->watch)) {
        atomic_store(&link->watch.blocked, false);
        wait_service(link);
        return 0;
    }
    r = queue_send(atomic_load(&link->lane), &link->outgoing.message, n, true);
    atomic_store(&link->watch.blocked, false);
    r = outgoing_sent(link, r);
    link->outgoing.n_gather = GATHER_BATCHES;
    return r;
}

/*
 * Waits once for room in the channel; then it is tried again. The bell comes into the mailbox. What
 * else is there has no place to be in, but behind a change back to queues.
 */
static int await_room(struct earshot *link, size_t n) {
    int r = watch_start(&link->watch);
    if (r < 0 || !conduit_wait_for_room(&link->conduit, n, false))
        return r;
    if (watch_has_fired(&link->watch))
        wait_service(link);
    else
        r = receive_batch(link, CONDUIT_FOR_ROOM, true);
    return r == QUEUE_INTERRUPTED ? -EINTR : r < 0 ? r : 0;
}

static int send_blocking(struct earshot *link, size_t n) {
    int r = outgoing_post(link, n);
    if (r != QUEUE_FULL)
        return outgoing_sent(link, r);
    if (is_on_channel(link))
        return await_room(link, n);
    struct gate *gate = &link->gate;
    gate_enter(gate);
    r = send_waiting(link, n);
    gate_leave(gate);
    return r;
}

void outgoing_gate(struct earshot *link, const struct frame_gate *gate) {
    (void)gate_attach(&link->gate, (int)gate->shmid, link->hub.uid); /* it goes without, too */
}

/* Whether the writer is through; a hub that it found gone is lost. */
static bool writer_is_free(struct earshot *link) {
    int result;
    if (!link->writer.given)
        return true;
    if (writer_is_busy(&link->writer, &result))
        return false;
    link->outgoing.lane_full = false;
    if (link->outgoing.n_gather > 0)
        link->outgoing.n_gather--;
    if (result != QUEUE_OK)
        join_lose(link, "removed its queue");
    return true;
}

int outgoing_wait(struct earshot *link) {
    struct pollfd fds[] = {
        {.fd = link->writer.done_fd, .events = POLLIN},
        {.fd = link->hub_fd, .events = POLLIN},
    };
    if (poll(fds, 2, -1) < 0)
        return error_errno();
    if (fds[1].revents)
        join_lose(link, "died");
    else
        writer_is_free(link);
    return 0;
}

/* The hub's bell makes the descriptor readable, or ends the wait of who blocks. */
static int outgoing_later(struct earshot *link, size_t n) {
    if (!conduit_wait_for_room(&link->conduit, n, link->pollable))
        return 0;
    if (link->pollable && reader_is_full(&link->reader)) /* nobody hears it */
        wait_arm(link, mono_add_ms(mono_now(), DEAF_MS));
    return EARSHOT_AGAIN;
}

static int give_to_writer(struct earshot *link, size_t n) {
    struct outgoing *outgoing = &link->outgoing;
    int r = outgoing_post(link, n);
    if (r != QUEUE_FULL)
        return outgoing_sent(link, r);
    outgoing->lane_full = true;
    if (is_on_channel(link))
        return outgoing_later(link, n);
    r = writer_give(&link->writer, atomic_load(&link->lane), &outgoing->message, n);
    if (r == 0)
        next_batch(link);
    return r;
}

/* A SWITCH that is due ends the batch, if it fits. */
static void put_switch(struct earshot *link) {
    struct outgoing *outgoing = &link->outgoing;
    int to = conduit_owes(&link->conduit);
    struct frame frame = {.type = FRAME_SWITCH, .switch_to = {(uint8_t)to}};
    if (outgoing->ends || to < 0 || !frame_put(&outgoing->out, &frame))
        return;
    outgoing->n_frames++;
    outgoing->ends = true;
}

static int send_batch(struct earshot *link, enum outgoing_policy policy) {
    struct outgoing *outgoing = &link->outgoing;
    if (!writer_is_free(link))
        return policy == OUTGOING_BLOCK ? outgoing_wait(link) : EARSHOT_AGAIN;
    if (link->phase != LINK_JOINED)
        return 0;
    taken_put(link);
    put_switch(link);
    size_t n = cursor_out_used(&outgoing->out);
    envelope_set_n_frames(outgoing->message.data, outgoing->n_frames);
    switch (policy) {
    case OUTGOING_TRY:
        return outgoing_sent(link, outgoing_post(link, n));
    case OUTGOING_LATER:
        return give_to_writer(link, n);
    case OUTGOING_BLOCK:
        return send_blocking(link, n);
    }
    return 0;
}

int outgoing_send(struct earshot *link, enum outgoing_policy policy, bool all) {
    int r = 0;
    take_back_left(link);
    writer_is_free(link);
    conduit_settle(&link->conduit);
    while (r == 0 && link->phase == LINK_JOINED) {
        bool due = outgoing_fill(link) || conduit_owes(&link->conduit) >= 0;
        if (!due && (!all || link->outgoing.n_frames == 0))
            return 0;
        r = send_batch(link, policy);
    }
    return r;
}

bool outgoing_control(struct earshot *link, const struct frame *frame) {
    return control_append(&link->control, link->pending.end, frame);
}
