/*
 * The gate before a queue that many fill: one of them at a time waits for room in msgsnd(2).
 *
 * With each message that is taken out of a queue msgrcv(2) wakes all senders who wait for room, of
 * whom one finds it; the others have run for nothing (the "thundering herd"). So who finds the
 * queue full first passes the gate, where a futex wakes one for one that leaves.
 *
 * Nothing depends on it. Who has waited for GATE_WAIT_MS passes all the same, since somebody may
 * be stopped or have died inside; and without a gate everybody passes. It is a semaphore in a
 * segment of shared memory that only the creator and the owner can attach, and which ends with the
 * last process that has attached it. See sem_overview(7), futex(7).
 */
#pragma once

#include <semaphore.h>
#include <stdbool.h>
#include <sys/types.h>

#define GATE_WAIT_MS 20

/* All zeros: there is no gate. */
struct gate {
    int shmid;
    sem_t *pass; /* in the segment; 1: nobody is inside */
};

static inline bool gate_is_there(const struct gate *gate) {
    return gate->pass;
}

/* For senders of this uid. Outcomes as shm_create(). */
int gate_create(struct gate *gate, uid_t owner);

/* One that `creator` has made for us; in place of the one before. Outcomes as shm_attach(). */
int gate_attach(struct gate *gate, int shmid, uid_t creator);

/* Whether a segment of this size is a gate. */
bool gate_size_is_marked(size_t size);

/* Safe without one, and twice. */
void gate_close(struct gate *gate);

/* Each enter is followed by a leave. */
void gate_enter(struct gate *gate);
void gate_leave(struct gate *gate);
