/*
 * Why no byte is lost or doubled
 *
 * The segment (ring_memory.h) has two lines, one for each side, a head for each slot, and slots.
 *
 *   memory                  written by   when
 *   producer.position       producer     after the slot's bytes and head: this hands it over
 *   consumer.position       consumer     after its last look at the slot: this gives it back
 *   head and bytes of a     producer     while it is the producer's, which is from the giving
 *   slot                                 back (or the beginning) to the handing over
 *   producer.*, consumer.*  that side    bell, waits, cancel, result: at any time
 *
 * Positions count slots since the beginning and never wrap (64 bits). Slot number i lies in place
 * i % n_slots. Say P and C are the true positions; each side knows its own exactly, because it
 * keeps it in private memory, and of the other's an earlier value, which is never too large since
 * positions only grow.
 *
 *   1. The producer writes to slot P only when it has seen some C' with P - C' < n_slots. As
 *      C >= C', slot P - n_slots, which lay in the same place, was given back: the consumer does
 *      not look there any more. Its last look came before its release store of the position, the
 *      producer's acquire load comes before the first byte is written: nothing is torn.
 *   2. The consumer looks at slot C only when it has seen some P' > C. As P >= P', the slot was
 *      handed over, and by release and acquire all that was written to it is visible. By 1, nobody
 *      writes there until C passes it: it is not lost.
 *   3. Each side goes forward by one, and only from the position in its own memory. So every slot
 *      is handed over once, and taken once, in order: nothing is doubled.
 *   4. 0 <= P - C <= n_slots always holds, by 1 and 2. A value from the other side that breaks it,
 *      or is smaller than one that was seen before, is a lie.
 *
 * Why nobody sleeps for ever
 *
 * Each side has a bell: a number that it counts up after everything that the other could wait for
 * (a slot, cancel, result). Who finds nothing to do sleeps on the other's bell with the value that
 * it had before the look; the kernel compares it again under its own lock (futex(2)). `waits`
 * says that it sleeps, and for what: for a position of the other side from which on to wake it.
 *
 *      waiting side W                          other side O
 *      b = O.bell                              O.position = ...   (release)
 *      look at O.position: nothing             O.bell = b + 1     (sequentially consistent)
 *      W.waits = ...   (seq. consistent)       look at W.waits    (seq. consistent)
 *      sleep if O.bell is still b              wake, if it is set and reached
 *
 * If O read waits before W set it, in the one order of all such operations, O's bell had changed
 * before that, so W does not fall asleep. If O read it afterwards, it wakes W; or W does not sleep
 * yet, and finds the bell changed. If the position changed after W's look, the bell did so after W
 * had read it. For cancel and result read "position" as those words; they wake in any case.
 *
 * A consumer waits for the next slot. A producer that found the ring full waits until most of
 * it is free, or the two would wake each other for every slot. As the consumer gives back each slot
 * that it gets without asking for more, that position comes.
 *
 * A dead peer rings no bell, so no sleep is longer than RING_TICK_MS, after which W asks the peer's
 * pidfd. That is also what remains when a hostile peer does not ring. When the peer is found dead,
 * W looks once more: what was handed over before the death counts.
 *
 * What the other side is trusted with
 *
 * Nothing. It can write to the whole segment at any time. So we never read back what we have
 * written: own position, bell, layout and peer's last position are in private memory, and stores
 * are of those. What the peer says is loaded once, as an atomic, and checked in that copy: its
 * position by 4, a head by head_is_valid. The rest is harmless at any value: `waits` costs us at
 * most a needless system call per slot, `cancel` and `result` are just numbers. A peer that rings
 * for nothing more often than an honest one can is told from it (N_USELESS_MAX).
 *
 * Bytes are different: they cannot be checked, since the peer may change them after any check. The
 * consumer copies what it has to judge, a record or a digest, and judges the copy; the producer
 * never reads what it has put into a slot to decide anything. (A digest that is taken of a slot
 * at another moment than the slot is written to a file does not bind a peer that plays tricks; but
 * it could have sent any other file as well. A digest is against accidents.)
 *
 * tests/model/ring.pml is the same in Promela, with a death at any step.
 */
#include "ipc/ring.h"

#include <limits.h>
#include <linux/futex.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.h"
#include "ipc/ring_memory.h"
#include "ipc/shm.h"

/* How often a peer may wake us for nothing within a tick. */
#define N_USELESS_MAX 256

/*
 * A producer that found the ring full is woken when one in so many slots is left to be read:
 * seldom, since each wake-up costs the consumer time, and soon enough that the consumer does not
 * run dry.
 */
#define SLOTS_PER_WAKE 4

/* No outcome yet. */
#define NOT_YET RING_TIMEOUT

const char *ring_outcome_text(enum ring_outcome outcome) {
    switch (outcome) {
    case RING_OK:
        return "no error";
    case RING_TIMEOUT:
        return "the other side does nothing";
    case RING_STOPPED:
        return "stopped";
    case RING_PEER_CANCELLED:
        return "the other side has cancelled";
    case RING_PEER_DEAD:
        return "the other side has died";
    case RING_PEER_BROKEN:
        return "the other side does not keep to the rules of the ring";
    case RING_NO_MEMORY:
        return "there is no memory left";
    }
    return "unknown outcome";
}

/* --- the two lines --- */

static struct ring_line *line_of(const struct ring *ring, enum ring_side side) {
    return side == RING_PRODUCER ? &ring->memory->producer : &ring->memory->consumer;
}

static struct ring_line *own_line(const struct ring *ring) {
    return line_of(ring, ring->side);
}

static struct ring_line *peer_line(const struct ring *ring) {
    return line_of(ring, ring->side == RING_PRODUCER ? RING_CONSUMER : RING_PRODUCER);
}

static enum ring_outcome ring_end_with(struct ring *ring, enum ring_outcome outcome) {
    ring->final = outcome;
    return outcome;
}

/* Without FUTEX_PRIVATE_FLAG: the other side is another process. */
static long futex_call(_Atomic uint32_t *word, int operation, uint32_t value,
                       const struct timespec *timeout) {
    return syscall(SYS_futex, word, operation, value, timeout, NULL, 0);
}

/* Rings. `all`: for whatever the other side sleeps, not only for our position. */
static void ring_bell(struct ring *ring, bool all) {
    _Atomic uint32_t *bell = &own_line(ring)->bell;
    atomic_store_explicit(bell, ++ring->bell, memory_order_seq_cst);
    uint64_t waits = atomic_load_explicit(&peer_line(ring)->waits, memory_order_seq_cst);
    if (waits != 0 && (all || ring->position >= waits))
        futex_call(bell, FUTEX_WAKE, INT_MAX, NULL);
}

/* --- waiting --- */

/* How many slots are handed over and not given back; wrong when the peer's position is. */
static uint64_t ring_distance(const struct ring *ring, uint64_t peer_position) {
    return ring->side == RING_PRODUCER ? ring->position - peer_position
                                       : peer_position - ring->position;
}

/* Point 4 of the essay. */
static bool position_is_valid(const struct ring *ring, uint64_t peer_position) {
    uint64_t seen = ring_distance(ring, ring->peer_position);
    uint64_t now = ring_distance(ring, peer_position);
    return ring->side == RING_PRODUCER ? now <= seen : now >= seen && now <= ring->layout.n_slots;
}

static enum ring_outcome look_for_slot(struct ring *ring) {
    uint64_t peer = atomic_load_explicit(&peer_line(ring)->position, memory_order_acquire);
    if (!position_is_valid(ring, peer))
        return ring_end_with(ring, RING_PEER_BROKEN);
    ring->peer_position = peer;
    uint64_t n = ring_distance(ring, peer);
    bool is_there = ring->side == RING_PRODUCER ? n < ring->layout.n_slots : n > 0;
    return is_there ? RING_OK : NOT_YET;
}

static enum ring_outcome look_for_result(struct ring *ring) {
    uint64_t result = atomic_load_explicit(&peer_line(ring)->result, memory_order_acquire);
    if (!(result & RING_RESULT_IS_SET))
        return NOT_YET;
    ring->peer_code = (uint32_t)result;
    return RING_OK;
}

typedef enum ring_outcome (*look_for)(struct ring *ring);

static enum ring_outcome ring_look_for(struct ring *ring, look_for what) {
    uint32_t code = atomic_load_explicit(&peer_line(ring)->cancel, memory_order_acquire);
    if (code == 0)
        return what(ring);
    ring->peer_code = code;
    return ring_end_with(ring, RING_PEER_CANCELLED);
}

static bool ring_is_stopped(const struct ring *ring) {
    return ring->stop && atomic_load_explicit(ring->stop, memory_order_relaxed);
}

bool ring_peer_is_dead(const struct ring *ring) {
    struct pollfd peer = {.fd = ring->peer_pidfd, .events = POLLIN};
    return peer.fd >= 0 && poll(&peer, 1, 0) > 0;
}

struct ring_wait {
    look_for what;
    mono_time deadline;
    mono_time tick;     /* when to see whether the peer lives */
    unsigned n_useless; /* wake-ups since the last tick after which there was nothing */
};

/* Whether something other than what we wait for ends the waiting; then *r tells it. */
static bool wait_is_over(struct ring *ring, struct ring_wait *wait, enum ring_outcome *r) {
    mono_time now = mono_now();
    bool is_late = now.ns >= wait->deadline.ns;
    if (!is_late && now.ns < wait->tick.ns) {
        if (wait->n_useless <= N_USELESS_MAX)
            return false;
        *r = ring_end_with(ring, RING_PEER_BROKEN);
        return true;
    }
    if (ring_peer_is_dead(ring)) {
        *r = ring_look_for(ring, wait->what);
        if (*r == NOT_YET)
            *r = ring_end_with(ring, RING_PEER_DEAD);
        return true;
    }
    wait->tick = mono_add_ms(now, RING_TICK_MS);
    wait->n_useless = 0;
    *r = RING_TIMEOUT;
    return is_late;
}

/* The position of the other side that is worth waking us for. */
static uint64_t position_wanted(const struct ring *ring, look_for what) {
    if (what != look_for_slot)
        return UINT64_MAX;
    if (ring->side == RING_CONSUMER)
        return ring->position + 1;
    uint32_t n_left = ring->layout.n_slots / SLOTS_PER_WAKE;
    return ring->position - (n_left > 0 ? n_left : 1);
}

static void wait_sleep(struct ring *ring, uint32_t bell, struct ring_wait *wait) {
    mono_time now = mono_now();
    int64_t until = wait->deadline.ns < wait->tick.ns ? wait->deadline.ns : wait->tick.ns;
    int64_t ns = until > now.ns ? until - now.ns : 0;
    struct timespec timeout = {.tv_sec = ns / NS_PER_S, .tv_nsec = ns % NS_PER_S};
    _Atomic uint64_t *waits = &own_line(ring)->waits;
    atomic_store_explicit(waits, position_wanted(ring, wait->what), memory_order_seq_cst);
    long r = futex_call(&peer_line(ring)->bell, FUTEX_WAIT, bell, &timeout);
    if (r == 0 || errno == EAGAIN)
        wait->n_useless++;
    atomic_store_explicit(waits, 0, memory_order_relaxed);
}

/* Until the other side has done what we look for; not the first look. */
static enum ring_outcome ring_sleep_until(struct ring *ring, look_for what, mono_time deadline) {
    struct ring_wait wait = {
        .what = what, .deadline = deadline, .tick = mono_add_ms(mono_now(), RING_TICK_MS)};
    for (;;) {
        uint32_t bell = atomic_load_explicit(&peer_line(ring)->bell, memory_order_seq_cst);
        enum ring_outcome r = ring_look_for(ring, what);
        if (r != NOT_YET)
            return r;
        if (ring_is_stopped(ring))
            return RING_STOPPED;
        if (wait_is_over(ring, &wait, &r))
            return r;
        wait_sleep(ring, bell, &wait);
    }
}

static enum ring_outcome ring_await(struct ring *ring, look_for what, mono_time deadline) {
    assert(ring->memory);
    if (ring->final != RING_OK)
        return ring->final;
    if (ring_is_stopped(ring))
        return RING_STOPPED;
    enum ring_outcome r = ring_look_for(ring, what);
    return r == NOT_YET ? ring_sleep_until(ring, what, deadline) : r;
}

/* --- slots --- */

static struct ring_head *own_head(const struct ring *ring) {
    return &ring->memory->heads[ring->position % ring->layout.n_slots];
}

static unsigned char *own_slot(const struct ring *ring) {
    return ring->slots + ring->position % ring->layout.n_slots * ring->layout.slot_bytes;
}

/* Hands over, or gives back, the slot at our position. */
static void slot_pass_on(struct ring *ring) {
    ring->is_holding = false;
    ring->position++;
    atomic_store_explicit(&own_line(ring)->position, ring->position, memory_order_release);
    ring_bell(ring, false);
}

/* In the first round each slot's pages are made before it is used. */
static enum ring_outcome touch_own_slot(struct ring *ring) {
    if (ring->position < ring->n_touched || ring->n_touched == ring->layout.n_slots)
        return RING_OK;
    if (shm_touch(own_slot(ring), ring->layout.slot_bytes) != 0)
        return RING_NO_MEMORY;
    ring->n_touched++;
    return RING_OK;
}

int ring_producer_acquire(struct ring *ring, mono_time deadline, void **data) {
    assert(ring->side == RING_PRODUCER && !ring->is_ended);
    enum ring_outcome r = ring_await(ring, look_for_slot, deadline);
    if (r == RING_OK)
        r = touch_own_slot(ring);
    if (r != RING_OK)
        return (int)r;
    ring->is_holding = true;
    *data = own_slot(ring);
    return 0;
}

static void slot_commit(struct ring *ring, enum ring_kind kind, uint32_t n, uint64_t value) {
    assert(ring->side == RING_PRODUCER && ring->is_holding);
    struct ring_head *head = own_head(ring);
    atomic_store_explicit(&head->kind, (uint32_t)kind, memory_order_relaxed);
    atomic_store_explicit(&head->n, n, memory_order_relaxed);
    atomic_store_explicit(&head->value, value, memory_order_relaxed);
    slot_pass_on(ring);
}

void ring_producer_commit(struct ring *ring, enum ring_kind kind, size_t n) {
    assert(kind == RING_DATA || kind == RING_RECORD);
    assert(n > 0 && n <= ring->layout.slot_bytes);
    slot_commit(ring, kind, (uint32_t)n, 0);
}

void ring_producer_commit_hole(struct ring *ring, uint64_t n) {
    assert(n > 0 && n <= RING_HOLE_MAX);
    slot_commit(ring, RING_HOLE, 0, n);
}

void ring_producer_commit_end(struct ring *ring, uint32_t status, size_t n) {
    assert(n <= RING_END_BYTES_MAX);
    ring->is_ended = ring->is_done = true;
    slot_commit(ring, RING_END, (uint32_t)n, status);
}

int ring_producer_await(struct ring *ring, mono_time deadline, uint32_t *result) {
    assert(ring->side == RING_PRODUCER && ring->is_ended);
    enum ring_outcome r = ring_await(ring, look_for_result, deadline);
    if (r == RING_OK)
        *result = ring->peer_code;
    return (int)r;
}

/* Of our copy of a head. */
static bool head_is_valid(const struct ring *ring, uint32_t kind, uint32_t n, uint64_t value) {
    switch (kind) {
    case RING_DATA:
    case RING_RECORD:
        return n > 0 && n <= ring->layout.slot_bytes && value == 0;
    case RING_HOLE:
        return n == 0 && value > 0 && value <= RING_HOLE_MAX;
    case RING_END:
        return n <= RING_END_BYTES_MAX && value <= UINT32_MAX;
    default:
        return false;
    }
}

/* All pages of a slot at once, when it is first read: a fault for each would take longer. */
static void map_own_slot(struct ring *ring, enum ring_kind kind, uint32_t n) {
    uint64_t place = UINT64_C(1) << ring->position % ring->layout.n_slots;
    if (kind != RING_DATA || (ring->mapped & place) != 0)
        return;
    shm_map(own_slot(ring), n);
    ring->mapped |= place;
}

int ring_consumer_acquire(struct ring *ring, mono_time deadline, struct ring_item *item) {
    assert(ring->side == RING_CONSUMER && !ring->is_ended && !ring->is_holding);
    enum ring_outcome r = ring_await(ring, look_for_slot, deadline);
    if (r != RING_OK)
        return (int)r;
    struct ring_head *head = own_head(ring);
    uint32_t kind = atomic_load_explicit(&head->kind, memory_order_relaxed);
    uint32_t n = atomic_load_explicit(&head->n, memory_order_relaxed);
    uint64_t value = atomic_load_explicit(&head->value, memory_order_relaxed);
    if (!head_is_valid(ring, kind, n, value))
        return (int)ring_end_with(ring, RING_PEER_BROKEN);
    map_own_slot(ring, (enum ring_kind)kind, n);
    *item = (struct ring_item){
        .kind = (enum ring_kind)kind,
        .n = n,
        .data = own_slot(ring),
        .hole = kind == RING_HOLE ? value : 0,
        .status = kind == RING_END ? (uint32_t)value : 0,
    };
    ring->is_holding = true;
    ring->is_ended = kind == RING_END;
    return 0;
}

void ring_consumer_release(struct ring *ring) {
    assert(ring->side == RING_CONSUMER && ring->is_holding);
    slot_pass_on(ring);
}

void ring_consumer_finish(struct ring *ring, uint32_t result) {
    assert(ring->side == RING_CONSUMER && ring->is_ended);
    ring->is_done = true;
    atomic_store_explicit(&own_line(ring)->result, RING_RESULT_IS_SET | result,
                          memory_order_release);
    ring_bell(ring, true);
}

void ring_cancel(struct ring *ring, uint32_t code) {
    assert(ring->memory && code != 0);
    ring->is_done = true;
    atomic_store_explicit(&own_line(ring)->cancel, code, memory_order_release);
    ring_bell(ring, true);
}

uint32_t ring_fill(const struct ring *ring) {
    uint64_t peer = atomic_load_explicit(&peer_line(ring)->position, memory_order_relaxed);
    uint64_t n = ring_distance(ring, position_is_valid(ring, peer) ? peer : ring->peer_position);
    return (uint32_t)n;
}
