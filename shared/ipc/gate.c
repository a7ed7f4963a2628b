#include "ipc/gate.h"

#include "base/clock.h"
#include "base/error.h"
#include "ipc/shm.h"

_Static_assert(sizeof(sem_t) <= SHM_MARK_BYTES, "nothing else is in the segment");

int gate_create(struct gate *gate, uid_t owner) {
    int shmid;
    void *memory;
    int r = shm_create(&shmid, &memory, SHM_MARK_BYTES, owner);
    if (r != 0)
        return r;
    *gate = (struct gate){shmid, memory};
    r = sem_init(gate->pass, 1, 1);
    assert(r == 0);
    return 0;
}

int gate_attach(struct gate *gate, int shmid, uid_t creator) {
    const struct shm_expectation expected = {.size = SHM_MARK_BYTES, .creator = creator};
    void *memory;
    int r = shm_attach(shmid, &memory, &expected, NULL);
    if (r != 0)
        return r;
    gate_close(gate);
    *gate = (struct gate){shmid, memory};
    return 0;
}

bool gate_size_is_marked(size_t size) {
    return size == SHM_MARK_BYTES;
}

void gate_close(struct gate *gate) {
    shm_detach(gate->pass);
    *gate = (struct gate){0};
}

void gate_enter(struct gate *gate) {
    if (!gate->pass)
        return;
    mono_time until = mono_add_ms(mono_now(), GATE_WAIT_MS);
    struct timespec at = {until.ns / NS_PER_S, until.ns % NS_PER_S};
    sem_clockwait(gate->pass, CLOCK_MONOTONIC, &at);
}

/* The pass of a dead process is made up for by who went in without one, and there is one only. */
void gate_leave(struct gate *gate) {
    int n;
    if (gate->pass && sem_getvalue(gate->pass, &n) == 0 && n == 0)
        sem_post(gate->pass);
}
