/*
 * The ring between two threads, for ThreadSanitizer: it sees every plain access to a slot, and
 * complains when positions and bells do not order them. Both threads use one mapping, because it
 * knows memory by its address. Streams of random slots and pauses; cancels at random moments.
 * ROUNDS=n for more.
 */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "harness/check.h"
#include "ipc/ring.h"

#define N_SLOTS_SENT 400
#define PATIENCE_MS 30000
#define CODE_PRODUCER 5
#define CODE_CONSUMER 6
#define DIGEST_BYTES 8

struct side {
    struct ring *ring;
    uint32_t state;     /* of the random numbers; private to the thread */
    uint32_t cancel_at; /* before this slot; N_SLOTS_SENT and more: never */
    uint32_t n_done;
    uint64_t digest;
    int outcome;
    uint32_t result;
};

static uint32_t next_random(uint32_t *state) {
    *state = *state * 1664525 + 1013904223;
    return *state >> 8;
}

static void pause_sometimes(uint32_t *state) {
    uint32_t n = next_random(state) % 32;
    if (n == 0)
        usleep(next_random(state) % 500);
    else if (n < 8)
        sched_yield();
}

static mono_time patience(void) {
    return mono_add_ms(mono_now(), PATIENCE_MS);
}

static uint64_t digest_add(uint64_t digest, const unsigned char *bytes, size_t n) {
    for (size_t i = 0; i < n; i++)
        digest = (digest ^ bytes[i]) * UINT64_C(1099511628211);
    return digest;
}

/* Some bytes of the slot are enough to see a torn one, and quicker under the sanitizer. */
static size_t fill(struct side *side, unsigned char *slot) {
    size_t n = 1 + next_random(&side->state) % 256;
    for (size_t i = 0; i < n; i++)
        slot[i] = (unsigned char)next_random(&side->state);
    side->digest = digest_add(side->digest, slot, n);
    return n;
}

static void *produce(void *arg) {
    struct side *side = arg;
    void *slot = NULL;
    for (; side->n_done < N_SLOTS_SENT; side->n_done++) {
        if (side->n_done == side->cancel_at) {
            ring_cancel(side->ring, CODE_PRODUCER);
            return NULL;
        }
        side->outcome = ring_producer_acquire(side->ring, patience(), &slot);
        if (side->outcome != 0)
            return NULL;
        size_t n = fill(side, slot);
        pause_sometimes(&side->state);
        ring_producer_commit(side->ring, RING_DATA, n);
    }
    side->outcome = ring_producer_acquire(side->ring, patience(), &slot);
    if (side->outcome != 0)
        return NULL;
    memcpy(slot, &side->digest, DIGEST_BYTES);
    ring_producer_commit_end(side->ring, side->n_done, DIGEST_BYTES);
    side->outcome = ring_producer_await(side->ring, patience(), &side->result);
    return NULL;
}

static void *consume(void *arg) {
    struct side *side = arg;
    struct ring_item item;
    for (;; side->n_done++) {
        if (side->n_done == side->cancel_at) {
            ring_cancel(side->ring, CODE_CONSUMER);
            return NULL;
        }
        side->outcome = ring_consumer_acquire(side->ring, patience(), &item);
        if (side->outcome != 0)
            return NULL;
        if (item.kind == RING_END)
            break;
        side->digest = digest_add(side->digest, item.data, item.n);
        pause_sometimes(&side->state);
        ring_consumer_release(side->ring);
    }
    bool same = item.n == DIGEST_BYTES && item.status == side->n_done &&
                memcmp(item.data, &side->digest, DIGEST_BYTES) == 0;
    ring_consumer_finish(side->ring, same ? 0 : 1);
    return NULL;
}

static void run_both(struct side *producer, struct side *consumer) {
    pthread_t threads[2];
    if (pthread_create(&threads[0], NULL, produce, producer) != 0 ||
        pthread_create(&threads[1], NULL, consume, consumer) != 0)
        check_die("no threads");
    pthread_join(threads[0], NULL);
    pthread_join(threads[1], NULL);
}

struct round {
    uint32_t n_slots, seed, cancel_producer, cancel_consumer;
};

static bool is_right(const struct side *producer, const struct side *consumer) {
    bool is_cancelled = producer->cancel_at < N_SLOTS_SENT || consumer->cancel_at <= N_SLOTS_SENT;
    if (!is_cancelled)
        return producer->outcome == 0 && consumer->outcome == 0 && producer->result == 0 &&
               consumer->n_done == N_SLOTS_SENT;
    bool first = producer->outcome == 0 || (producer->outcome == RING_PEER_CANCELLED &&
                                            ring_peer_code(producer->ring) == CODE_CONSUMER);
    bool second = consumer->outcome == 0 || (consumer->outcome == RING_PEER_CANCELLED &&
                                             ring_peer_code(consumer->ring) == CODE_PRODUCER);
    return first && second && consumer->n_done <= producer->n_done;
}

static bool play(const struct round *round) {
    struct ring_layout layout = {round->n_slots, (uint32_t)sysconf(_SC_PAGESIZE)};
    struct ring out, in;
    int r = ring_create(&out, layout, geteuid());
    if (r != 0)
        check_die("ring_create: %d", r);
    in = out; /* the other side, at the same address */
    in.side = RING_CONSUMER;
    struct side producer = {
        .ring = &out, .state = round->seed, .cancel_at = round->cancel_producer};
    struct side consumer = {
        .ring = &in, .state = ~round->seed, .cancel_at = round->cancel_consumer};
    run_both(&producer, &consumer);
    bool ok = is_right(&producer, &consumer);
    if (!ok)
        check_note("%u slots, seed %u: producer %d after %u, consumer %d after %u", round->n_slots,
                   round->seed, producer.outcome, producer.n_done, consumer.outcome,
                   consumer.n_done);
    ring_close(&out);
    return ok;
}

static void play_all(const char *what, unsigned n_rounds, uint32_t never) {
    unsigned n_ok = 0;
    mono_time start = mono_now();
    for (uint32_t i = 0; i < n_rounds; i++) {
        uint32_t state = i + 1;
        struct round round = {.n_slots = 2 + i % 7, .seed = i * 7919 + 1};
        round.cancel_producer = i % 2 == 0 ? never : next_random(&state) % never;
        round.cancel_consumer = i % 3 == 0 ? never : next_random(&state) % never;
        if (never == UINT32_MAX)
            round.cancel_producer = round.cancel_consumer = never;
        n_ok += play(&round);
    }
    check(n_ok == n_rounds, "%s: %u of %u rounds, %d ms", what, n_ok, n_rounds,
          (int)mono_ms_until(start, mono_now()));
}

int main(void) {
    check_begin();
    unsigned n_rounds = (unsigned)check_env("ROUNDS", 24);
    play_all("streams arrive whole and in order", n_rounds, UINT32_MAX);
    play_all("cancelled at random moments, both end", n_rounds, 2 * N_SLOTS_SENT);
    return check_end();
}
