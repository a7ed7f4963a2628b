#include "lib/conduit.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/thread.h"
#include "lib/link.h"

#define SWITCH_BYTES (FRAME_HEADER_BYTES + 1)
#define RING_TRIES 100 /* of a bell for which the kernel has no memory, each RING_PAUSE_MS */
#define RING_PAUSE_MS 1

static enum conduit_state down_state(const struct conduit *conduit) {
    return (enum conduit_state)atomic_load_explicit(&conduit->down, memory_order_acquire);
}

static void down_become(struct conduit *conduit, enum conduit_state state) {
    atomic_store_explicit(&conduit->down, state, memory_order_release);
}

/*
 * Without its bell the hub might sleep on. A queue that is full needs none; that memory is out
 * passes, or else all is lost.
 */
static int conduit_ring(const struct conduit *conduit) {
    int r = QUEUE_NO_MEMORY;
    for (int i = 0; i < RING_TRIES && r == QUEUE_NO_MEMORY; i++) {
        r = queue_ring_bell(conduit->lane, HUB_MTYPE, conduit->session);
        if (r == QUEUE_NO_MEMORY)
            poll(NULL, 0, RING_PAUSE_MS);
    }
    return r == QUEUE_OK || r == QUEUE_FULL ? QUEUE_OK : QUEUE_GONE;
}

/* --- receiving --- */

static int conduit_break(struct conduit *conduit) {
    conduit->is_broken = true;
    return QUEUE_GONE;
}

bool conduit_is_bell(const struct inbox_batch *batch) {
    struct cursor_in in = cursor_in_of(batch->message.data, batch->n);
    struct envelope envelope;
    return envelope_take(&in, &envelope) && envelope.n_frames == 0;
}

static uint16_t length_at(const uint8_t *data) {
    uint16_t length;
    memcpy(&length, data, sizeof length);
    return length;
}

/* Whether the last of its frames begins there. */
static bool is_last_frame(const struct inbox_batch *batch, size_t last) {
    struct cursor_in in = cursor_in_of(batch->message.data, batch->n);
    struct envelope envelope;
    if (!envelope_take(&in, &envelope))
        return false;
    size_t at = ENVELOPE_BYTES;
    for (unsigned i = 1; i < envelope.n_frames && at < last; i++)
        at += length_at(batch->message.data + at);
    return at == last;
}

/* The SWITCH that ends it, or negative. Few batches look so, and only those are walked through. */
static int batch_switch(const struct inbox_batch *batch) {
    if (batch->n < ENVELOPE_BYTES + SWITCH_BYTES)
        return -1;
    size_t last = batch->n - SWITCH_BYTES;
    const uint8_t *frame = batch->message.data + last;
    if (length_at(frame) != SWITCH_BYTES || frame[2] != FRAME_SWITCH || !is_last_frame(batch, last))
        return -1;
    return frame[FRAME_HEADER_BYTES];
}

static int take_ring(struct conduit *conduit, struct inbox_batch *batch) {
    int r = batch_ring_take(&conduit->channel.down, batch->message.data, &batch->n);
    if (r == BATCH_RING_EMPTY)
        return QUEUE_EMPTY;
    if (r != BATCH_RING_OK)
        return conduit_break(conduit);
    if (batch_ring_is_writer_due(&conduit->channel.down) && conduit_ring(conduit) != QUEUE_OK)
        return QUEUE_GONE;
    int to = batch_switch(batch);
    if (to == SWITCH_TO_QUEUE)
        down_become(conduit, CONDUIT_LEFT);
    return to > SWITCH_TO_QUEUE ? conduit_break(conduit) : QUEUE_OK;
}

static int take_mailbox(struct conduit *conduit, struct inbox_batch *batch, bool wait) {
    int r = queue_receive(conduit->mailbox, &batch->message, conduit->pid, &batch->n, wait);
    int to = r == QUEUE_OK ? batch_switch(batch) : -1;
    conduit_tell_room(conduit);
    if (to < 0)
        return r;
    if (down_state(conduit) != CONDUIT_ASKED)
        return conduit_break(conduit);
    down_become(conduit, to == SWITCH_TO_CHANNEL ? CONDUIT_CHANNEL : CONDUIT_REFUSED);
    return r;
}

/* From the mailbox, while the ring is to be read. */
static int hold_batch(struct conduit *conduit, const struct inbox_batch *batch) {
    conduit->held = malloc(sizeof *batch);
    if (!conduit->held)
        return conduit_break(conduit);
    memcpy(conduit->held, batch, sizeof *batch);
    return QUEUE_OK;
}

static int take_held(struct conduit *conduit, struct inbox_batch *batch) {
    batch->n = conduit->held->n;
    memcpy(batch->message.data, conduit->held->message.data, batch->n);
    free(conduit->held);
    conduit->held = NULL;
    return QUEUE_OK;
}

/*
 * While the channel is read. EMPTY: the ring is, and nothing is to be waited for; or there is
 * something in it now.
 */
static int receive_bell(struct conduit *conduit, struct inbox_batch *batch, enum conduit_wait how) {
    struct batch_ring *down = &conduit->channel.down;
    if (how == CONDUIT_WAIT && !batch_ring_reader_sleeps(down))
        return take_ring(conduit, batch);
    int r = queue_receive(conduit->mailbox, &batch->message, conduit->pid, &batch->n, true);
    batch_ring_reader_wakes(down);
    conduit_tell_room(conduit);
    if (r == QUEUE_OK && !conduit_is_bell(batch)) {
        r = hold_batch(conduit, batch);
        return r == QUEUE_OK ? conduit_receive(conduit, batch, how) : r;
    }
    if (r != QUEUE_GONE && r != QUEUE_DENIED)
        return r;
    int last = take_ring(conduit, batch); /* what it has said before it removed the mailbox */
    return last == QUEUE_EMPTY ? r : last;
}

static int receive_channel(struct conduit *conduit, struct inbox_batch *batch,
                           enum conduit_wait how) {
    if (how != CONDUIT_FOR_ROOM || conduit->held) {
        int r = take_ring(conduit, batch);
        if (r == QUEUE_EMPTY && conduit->held) /* without a SWITCH before it */
            return conduit_break(conduit);
        if (r != QUEUE_EMPTY || how == CONDUIT_NOW)
            return r;
    }
    return receive_bell(conduit, batch, how);
}

int conduit_receive(struct conduit *conduit, struct inbox_batch *batch, enum conduit_wait how) {
    if (conduit->is_broken)
        return QUEUE_GONE;
    if (down_state(conduit) == CONDUIT_CHANNEL)
        return receive_channel(conduit, batch, how);
    if (conduit->held)
        return take_held(conduit, batch);
    return take_mailbox(conduit, batch, how != CONDUIT_NOW);
}

/* --- sending --- */

int conduit_ask(struct conduit *conduit, uid_t hub) {
    assert(down_state(conduit) == CONDUIT_QUEUE && conduit->up == CONDUIT_QUEUE);
    int r = channel_create(&conduit->channel, hub);
    if (r == 0)
        down_become(conduit, CONDUIT_ASKED);
    return r;
}

int conduit_put(struct conduit *conduit, const void *batch, size_t n) {
    struct batch_ring *up = &conduit->channel.up;
    int r = batch_ring_put(up, batch, n);
    if (r == BATCH_RING_FULL)
        return QUEUE_FULL;
    if (r != BATCH_RING_OK)
        return QUEUE_GONE;
    return batch_ring_is_reader_due(up) ? conduit_ring(conduit) : QUEUE_OK;
}

/* awaits_room comes first: the bell can come as soon as the hub knows. */
bool conduit_wait_for_room(struct conduit *conduit, size_t n, bool tells) {
    atomic_store(&conduit->awaits_room, tells);
    if (batch_ring_writer_waits(&conduit->channel.up, n))
        return true;
    atomic_store(&conduit->awaits_room, false);
    return false;
}

void conduit_tell_room(struct conduit *conduit) {
    if (atomic_load(&conduit->awaits_room) && atomic_exchange(&conduit->awaits_room, false))
        event_set(conduit->room_fd);
}

int conduit_owes(const struct conduit *conduit) {
    enum conduit_state down = down_state(conduit);
    if (down != CONDUIT_CHANNEL && down != CONDUIT_LEFT)
        return -1;
    if (conduit->up == CONDUIT_QUEUE)
        return SWITCH_TO_CHANNEL;
    return down == CONDUIT_LEFT ? SWITCH_TO_QUEUE : -1;
}

bool conduit_is_settled(const struct conduit *conduit) {
    return conduit_owes(conduit) < 0 && down_state(conduit) != CONDUIT_REFUSED;
}

static void channel_forget(struct conduit *conduit) {
    channel_close(&conduit->channel);
    conduit->up = CONDUIT_QUEUE;
    atomic_store(&conduit->awaits_room, false);
    down_become(conduit, CONDUIT_QUEUE);
}

void conduit_switched(struct conduit *conduit) {
    if (conduit->up == CONDUIT_QUEUE)
        conduit->up = CONDUIT_CHANNEL;
    else
        channel_forget(conduit);
}

static void ask_not_before(struct conduit *conduit) {
    conduit->ask_at = mono_add_ms(mono_coarse(), CONDUIT_REFUSED_MS);
    conduit->n_busy = 0;
}

void conduit_settle(struct conduit *conduit) {
    if (down_state(conduit) != CONDUIT_REFUSED)
        return;
    channel_forget(conduit);
    ask_not_before(conduit);
}

void conduit_close(struct conduit *conduit) {
    channel_forget(conduit);
    free(conduit->held);
    conduit->held = NULL;
    conduit->is_broken = false;
    conduit->n_busy = 0;
}

/* --- when a link asks --- */

/* That it goes on with queues is no failure: the program need not know. */
static void link_ask_channel(struct earshot *link) {
    struct conduit *conduit = &link->conduit;
    if (!control_has_room(&link->control))
        return;
    conduit->lane = atomic_load(&link->lane);
    conduit->session = link->session;
    if (conduit_ask(conduit, link->hub.uid) != 0) {
        ask_not_before(conduit);
        return;
    }
    control_append(
        &link->control, 0,
        &(struct frame){.type = FRAME_CHANNEL, .channel = {(uint32_t)conduit->channel.shmid}});
}

void link_begin_channel(struct earshot *link, bool may_ask) {
    link->conduit.may_ask = may_ask;
    link->conduit.ask_at = WAIT_NOT;
    if (may_ask && (link->flags & EARSHOT_CHANNEL))
        link_ask_channel(link);
}

void link_note_busy(struct earshot *link) {
    struct conduit *conduit = &link->conduit;
    if (!conduit->may_ask || down_state(conduit) != CONDUIT_QUEUE)
        return;
    mono_time now = mono_coarse();
    if (conduit->n_busy == 0 || now.ns - conduit->busy_since.ns > CONDUIT_BUSY_MS * NS_PER_MS) {
        conduit->busy_since = now;
        conduit->n_busy = 0;
    }
    unsigned enough = link->flags & EARSHOT_CHANNEL ? 1 : CONDUIT_BUSY_N;
    if (++conduit->n_busy >= enough && now.ns >= conduit->ask_at.ns) {
        conduit->n_busy = 0;
        link_ask_channel(link);
    }
}
