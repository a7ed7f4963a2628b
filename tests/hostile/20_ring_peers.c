/*
 * An honest side of a ring against one that writes random values into every field of the header,
 * the heads and the slots, all the time, and rings for nothing. Whatever it does, the honest side
 * gets only what is in bounds, and every call of it ends in time. ROUNDS=n for more: each is some
 * ten thousand changes.
 */
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "harness/check.h"
#include "harness/user.h"
#include "ipc/ring_memory.h"
#include "ipc/shm.h"

#define N_SLOTS 4
#define N_ITEMS_MAX 300 /* of one round */
#define CALL_MS 40      /* deadline of one call */
#define ROUND_MS 150
#define SLACK_MS 8000 /* a loaded machine, a sanitizer */
#define CHANGES_PER_LOOK 64

/* What the honest side and its enemy tell each other, outside of the ring. */
struct arena {
    struct ring_layout layout;
    uid_t honest, enemy;
    _Atomic int shmid;         /* of the round; -1: none */
    _Atomic int creator;       /* its process */
    _Atomic unsigned round;    /* the enemy leaves the ring when this changes */
    _Atomic unsigned attached; /* the round that the enemy plays */
    _Atomic int leave;
    _Atomic uint64_t n_changes;
};

static uint64_t next_random(uint64_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* --- the enemy --- */

/* Every word of the header: how wide it is and where. */
struct field {
    size_t at;
    bool is_wide;
};

#define LINE_FIELDS(line)                                                                          \
    {offsetof(struct ring_memory, line.position), true},                                           \
        {offsetof(struct ring_memory, line.result), true},                                         \
        {offsetof(struct ring_memory, line.waits), true},                                          \
        {offsetof(struct ring_memory, line.bell), false}, {                                        \
        offsetof(struct ring_memory, line.cancel), false                                           \
    }

static const struct field FIELDS[] = {
    LINE_FIELDS(producer),
    LINE_FIELDS(consumer),
    {offsetof(struct ring_memory, magic), false},
    {offsetof(struct ring_memory, n_slots), false},
    {offsetof(struct ring_memory, slot_bytes), false},
    {offsetof(struct ring_memory, heads[0].kind), false},
    {offsetof(struct ring_memory, heads[0].n), false},
    {offsetof(struct ring_memory, heads[0].value), true},
    {offsetof(struct ring_memory, heads[1].kind), false},
    {offsetof(struct ring_memory, heads[1].n), false},
    {offsetof(struct ring_memory, heads[1].value), true},
    {offsetof(struct ring_memory, heads[2].kind), false},
    {offsetof(struct ring_memory, heads[2].n), false},
    {offsetof(struct ring_memory, heads[2].value), true},
    {offsetof(struct ring_memory, heads[3].kind), false},
    {offsetof(struct ring_memory, heads[3].n), false},
    {offsetof(struct ring_memory, heads[3].value), true},
};
#define N_FIELDS ARRAY_LEN(FIELDS)

struct attack {
    struct ring *ring;
    uint64_t state;
    uint64_t fields; /* a bit set: the round's targets */
    uint64_t position;
    unsigned style; /* bits: of what sort the values are */
    uint64_t n_changes;
};

/* Wild, small, near to what is there, or on the edge of what is allowed. */
static uint64_t next_value(struct attack *attack, uint64_t now) {
    static const uint64_t EDGES[] = {0,          1,         N_SLOTS,    N_SLOTS + 1,
                                     UINT32_MAX, INT64_MAX, UINT64_MAX, RING_RESULT_IS_SET};
    uint64_t random = next_random(&attack->state);
    switch ((random >> 60) % (attack->style % 4 + 1)) {
    case 0:
        return now + random % 3 - 1;
    case 1:
        return random % 8;
    case 2:
        return EDGES[random % ARRAY_LEN(EDGES)];
    default:
        return random;
    }
}

static void change_field(struct attack *attack, const struct field *field) {
    attack->n_changes++;
    unsigned char *at = (unsigned char *)attack->ring->memory + field->at;
    if (field->is_wide) {
        _Atomic uint64_t *word = (_Atomic uint64_t *)(void *)at;
        atomic_store_explicit(word, next_value(attack, atomic_load(word)), memory_order_relaxed);
    } else {
        _Atomic uint32_t *word = (_Atomic uint32_t *)(void *)at;
        atomic_store_explicit(word, (uint32_t)next_value(attack, atomic_load(word)),
                              memory_order_relaxed);
    }
}

static void wake(_Atomic uint32_t *bell) {
    syscall(SYS_futex, bell, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

/* Now and then it goes on as an honest one would, so that there is something to spoil. */
static void play_along(struct attack *attack) {
    struct ring_memory *memory = attack->ring->memory;
    bool sends = attack->ring->side == RING_PRODUCER;
    struct ring_line *own = sends ? &memory->producer : &memory->consumer;
    uint64_t theirs = atomic_load(sends ? &memory->consumer.position : &memory->producer.position);
    struct ring_head *head = &memory->heads[attack->position % N_SLOTS];
    if (sends ? attack->position - theirs >= N_SLOTS : attack->position >= theirs)
        return;
    if (sends) {
        atomic_store(&head->kind, RING_DATA);
        atomic_store(&head->n, 1 + (uint32_t)attack->position % attack->ring->layout.slot_bytes);
        atomic_store(&head->value, 0);
    }
    atomic_store(&own->position, ++attack->position);
    atomic_fetch_add(&own->bell, 1);
    wake(&own->bell);
}

static void change_some(struct attack *attack) {
    for (int i = 0; i < CHANGES_PER_LOOK; i++) {
        uint64_t random = next_random(&attack->state);
        size_t n = random % N_FIELDS;
        if (attack->fields & UINT64_C(1) << n)
            change_field(attack, &FIELDS[n]);
        attack->ring->slots[(random >> 20) % ((size_t)N_SLOTS * attack->ring->layout.slot_bytes)] =
            (unsigned char)(random >> 50);
        if ((random >> 40) % 16 == 0)
            play_along(attack);
    }
    if (next_random(&attack->state) % 4 == 0) {
        wake(&attack->ring->memory->producer.bell);
        wake(&attack->ring->memory->consumer.bell);
    }
}

/* What ends a ring at once when it is wrong. */
static bool is_deadly(size_t n) {
    size_t at = FIELDS[n].at;
    return at == offsetof(struct ring_memory, producer.position) ||
           at == offsetof(struct ring_memory, consumer.position) ||
           at == offsetof(struct ring_memory, producer.cancel) ||
           at == offsetof(struct ring_memory, consumer.cancel);
}

/*
 * One field; a random half; in the other rounds mostly what does not end the ring at once, with
 * the heads or without.
 */
static struct attack plan(struct ring *ring, unsigned round) {
    struct attack attack = {.ring = ring, .state = round * UINT64_C(0x9E3779B97F4A7C15) + 1};
    attack.style = (unsigned)(next_random(&attack.state) >> 30);
    attack.fields = UINT64_MAX;
    if (round % 4 == 0)
        attack.fields = UINT64_C(1) << round / 4 % N_FIELDS;
    else if (round % 4 == 1)
        attack.fields = next_random(&attack.state);
    for (size_t n = 0; round % 4 >= 2 && n < N_FIELDS; n++)
        if (is_deadly(n) && round % 16 != 2)
            attack.fields &= ~(UINT64_C(1) << n);
    for (size_t n = 0; round % 4 == 2 && n < N_FIELDS; n++)
        if (FIELDS[n].at >= offsetof(struct ring_memory, heads))
            attack.fields &= ~(UINT64_C(1) << n);
    return attack;
}

static void attack_ring(struct arena *arena, struct ring *ring, unsigned round) {
    struct attack attack = plan(ring, round);
    atomic_store(&arena->attached, round);
    while (atomic_load(&arena->round) == round && !atomic_load(&arena->leave))
        change_some(&attack);
    atomic_fetch_add(&arena->n_changes, attack.n_changes);
}

/* Waits for the next round; false when there is none. */
static bool next_round(struct arena *arena, unsigned *round) {
    int us = 0;
    while (atomic_load(&arena->round) == *round) {
        if (atomic_load(&arena->leave))
            return false;
        check_pause(&us);
    }
    *round = atomic_load(&arena->round);
    return true;
}

static int hostile_consumer(void *arg) {
    struct arena *arena = arg;
    unsigned round = 0;
    while (next_round(arena, &round)) {
        struct ring ring = {0};
        int r = ring_attach(&ring, arena->shmid, arena->layout, arena->honest, arena->creator);
        if (r != 0)
            check_die("the enemy cannot attach: %d", r);
        attack_ring(arena, &ring, round);
        ring_close(&ring);
    }
    return 0;
}

static int hostile_producer(void *arg) {
    struct arena *arena = arg;
    unsigned round = 0;
    while (next_round(arena, &round)) {
        struct ring ring = {0};
        int r = ring_create(&ring, arena->layout, arena->honest);
        if (r != 0)
            check_die("the enemy cannot create a ring: %d", r);
        atomic_store(&arena->creator, getpid());
        atomic_store(&arena->shmid, ring.shmid);
        attack_ring(arena, &ring, round);
        ring_close(&ring);
    }
    return 0;
}

/* --- the honest side --- */

struct tally {
    unsigned n_outcomes[RING_PEER_BROKEN + 1];
    unsigned n_items, n_out_of_bounds;
    int64_t longest_ms; /* call */
};

static bool is_in_bounds(const struct ring *ring, const struct ring_item *item) {
    const unsigned char *from = item->data, *slots = ring->slots;
    size_t all = (size_t)ring->layout.n_slots * ring->layout.slot_bytes;
    switch (item->kind) {
    case RING_DATA:
    case RING_RECORD:
    case RING_END:
        return from >= slots && item->n <= ring->layout.slot_bytes && from + item->n <= slots + all;
    case RING_HOLE:
        return item->hole > 0 && item->hole <= RING_HOLE_MAX && item->n == 0;
    }
    return false;
}

static int note_call(struct tally *tally, mono_time start, int outcome) {
    int64_t ms = mono_ms_until(start, mono_now());
    if (ms > tally->longest_ms)
        tally->longest_ms = ms;
    tally->n_outcomes[outcome]++;
    return outcome;
}

static mono_time call_deadline(void) {
    return mono_add_ms(mono_now(), CALL_MS);
}

static int produce_one(struct ring *ring, struct tally *tally) {
    void *slot = NULL;
    mono_time start = mono_now();
    int r = note_call(tally, start, ring_producer_acquire(ring, call_deadline(), &slot));
    if (r != 0)
        return r;
    memset(slot, 'x', ring->layout.slot_bytes);
    ring_producer_commit(ring, RING_DATA, ring->layout.slot_bytes);
    return 0;
}

static int produce_end(struct ring *ring, struct tally *tally) {
    void *slot = NULL;
    uint32_t result;
    mono_time start = mono_now();
    int r = note_call(tally, start, ring_producer_acquire(ring, call_deadline(), &slot));
    if (r != 0)
        return r;
    ring_producer_commit_end(ring, 0, RING_END_BYTES_MAX);
    start = mono_now();
    return note_call(tally, start, ring_producer_await(ring, call_deadline(), &result));
}

static int consume_one(struct ring *ring, struct tally *tally) {
    static unsigned char copy[RING_SLOT_BYTES_MAX];
    struct ring_item item;
    mono_time start = mono_now();
    int r = note_call(tally, start, ring_consumer_acquire(ring, call_deadline(), &item));
    if (r != 0)
        return r;
    tally->n_items++;
    if (!is_in_bounds(ring, &item)) {
        tally->n_out_of_bounds++;
        return RING_PEER_BROKEN;
    }
    memcpy(copy, item.data, item.n);
    if (item.kind == RING_END) {
        ring_consumer_finish(ring, copy[0]);
        return RING_STOPPED;
    }
    ring_consumer_release(ring);
    return 0;
}

static void await_enemy(struct arena *arena, unsigned round) {
    int us = 0;
    mono_time deadline = mono_add_ms(mono_now(), 20000);
    while (atomic_load(&arena->attached) != round) {
        if (mono_now().ns > deadline.ns)
            check_die("the enemy does not come");
        check_pause(&us);
    }
}

/* Goes on until an outcome is final; one that is late is only late. */
static void talk(struct ring *ring, struct tally *tally) {
    mono_time end = mono_add_ms(mono_now(), ROUND_MS);
    for (int i = 0; i < N_ITEMS_MAX && mono_now().ns < end.ns; i++) {
        int r = ring->side == RING_PRODUCER ? produce_one(ring, tally) : consume_one(ring, tally);
        if (r != 0 && r != RING_TIMEOUT)
            return;
        ring_fill(ring);
    }
    if (ring->side == RING_PRODUCER)
        produce_end(ring, tally);
    ring_cancel(ring, 1);
}

static void start_round(struct arena *arena, unsigned round, struct ring *ring, bool honest_sends) {
    int r = 0;
    if (honest_sends) {
        r = ring_create(ring, arena->layout, arena->enemy);
        atomic_store(&arena->creator, getpid());
        atomic_store(&arena->shmid, ring->shmid);
    }
    atomic_store(&arena->round, round);
    await_enemy(arena, round);
    if (!honest_sends)
        r = ring_attach(ring, arena->shmid, arena->layout, arena->enemy, arena->creator);
    if (r != 0)
        check_die("no ring in round %u: %d", round, r);
}

static int honest_side(struct arena *arena, bool sends, unsigned n_rounds, struct tally *tally) {
    for (unsigned round = 1; round <= n_rounds; round++) {
        struct ring ring = {0};
        struct ring_view view;
        start_round(arena, round, &ring, sends);
        talk(&ring, tally);
        ring_look(ring.shmid, &view);
        ring_close(&ring);
    }
    return 0;
}

/* --- both --- */

struct side {
    struct arena *arena;
    struct tally tally;
    unsigned n_rounds;
    bool sends;
};

static int honest_child(void *arg) {
    struct side *side = arg;
    return honest_side(side->arena, side->sends, side->n_rounds, &side->tally);
}

static void play(bool honest_sends, unsigned n_rounds) {
    struct arena *arena = check_shared(sizeof *arena);
    struct side *side = check_shared(sizeof *side);
    bool is_root = geteuid() == 0;
    arena->layout = (struct ring_layout){N_SLOTS, (uint32_t)sysconf(_SC_PAGESIZE)};
    arena->honest = is_root ? UID_ALICE : geteuid();
    arena->enemy = is_root ? UID_MALLORY : geteuid();
    *side = (struct side){.arena = arena, .n_rounds = n_rounds, .sends = honest_sends};
    const char *name = honest_sends ? "a hostile receiver" : "a hostile sender";

    pid_t enemy =
        user_start(arena->enemy, honest_sends ? hostile_consumer : hostile_producer, arena);
    pid_t honest = user_start(arena->honest, honest_child, side);
    int status = user_wait(honest, 60000 + (int)n_rounds * 4000);
    atomic_store(&arena->leave, 1);
    int enemy_status = user_wait(enemy, 20000);
    const struct tally *tally = &side->tally;
    check(status == 0 && enemy_status == 0, "%s: the honest side comes to its end (%d, %d)", name,
          status, enemy_status);
    check(tally->n_out_of_bounds == 0, "%s: %u items, all in bounds", name, tally->n_items);
    check(tally->longest_ms <= CALL_MS + SLACK_MS, "%s: the longest call took %d ms", name,
          (int)tally->longest_ms);
    check(tally->n_outcomes[RING_PEER_BROKEN] > 0, "%s: found out in %u of %u rounds", name,
          tally->n_outcomes[RING_PEER_BROKEN], n_rounds);
    check_note("%u ok, %u late, %u cancelled; %.2f million changes", tally->n_outcomes[RING_OK],
               tally->n_outcomes[RING_TIMEOUT], tally->n_outcomes[RING_PEER_CANCELLED],
               (double)atomic_load(&arena->n_changes) / 1e6);
}

int main(void) {
    check_begin();
    unsigned n_rounds = (unsigned)check_env("ROUNDS", 120);
    play(true, n_rounds);
    play(false, n_rounds);
    return check_end();
}
