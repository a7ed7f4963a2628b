/* The gate before a queue: one passes at a time, and nobody waits for ever. */
#include "ipc/gate.h"

#include "base/clock.h"
#include "ipc/shm.h"
#include "unit/ipc/child.h"

static struct gate gate;

static void begin(void) {
    cr_assert_eq(gate_create(&gate, geteuid()), 0);
}

static void end(void) {
    gate_close(&gate);
}

TestSuite(gate, .init = begin, .fini = end);

static int n_passes(void) {
    int n;
    cr_assert_eq(sem_getvalue(gate.pass, &n), 0);
    return n;
}

Test(gate, 01_without_one_everybody_passes) {
    struct gate none = {0};
    cr_expect_not(gate_is_there(&none));
    gate_enter(&none);
    gate_leave(&none);
    gate_close(&none);
}

Test(gate, 02_one_is_inside) {
    cr_expect_eq(n_passes(), 1);
    gate_enter(&gate);
    cr_expect_eq(n_passes(), 0);
    gate_leave(&gate);
    cr_expect_eq(n_passes(), 1);
}

/* Somebody inside was stopped or has died. */
Test(gate, 03_who_waited_long_enough_passes_and_leaves_it_open) {
    gate_enter(&gate);
    mono_time before = mono_now();
    gate_enter(&gate);
    cr_expect_geq(mono_now().ns - before.ns, GATE_WAIT_MS * NS_PER_MS);
    gate_leave(&gate);
    cr_expect_eq(n_passes(), 1);
    gate_leave(&gate); /* the other one goes on after all */
    cr_expect_eq(n_passes(), 1, "there is one pass only");
}

static int entered[2];

static void enter_and_tell(void *arg) {
    struct gate ours = {0};
    (void)arg;
    MUST(gate_attach(&ours, gate.shmid, geteuid()) == 0);
    gate_enter(&ours);
    MUST(write(entered[1], "x", 1) == 1);
    gate_leave(&ours);
}

Test(gate, 04_it_is_the_same_one_in_another_process) {
    char byte;
    cr_assert_eq(pipe(entered), 0);
    gate_enter(&gate);
    pid_t child = child_start(AS_OURSELVES, enter_and_tell, NULL);
    gate_leave(&gate);
    cr_expect_eq(read(entered[0], &byte, 1), 1);
    cr_expect_eq(child_end(child), 0);
    cr_expect_eq(n_passes(), 1);
}

Test(gate, 05_one_of_somebody_else_is_not_taken) {
    struct gate ours = {0};
    cr_expect_eq(gate_attach(&ours, gate.shmid, geteuid() + 1), SHM_UNEXPECTED);
    cr_expect_not(gate_is_there(&ours));
    cr_expect_eq(gate_attach(&ours, -1, geteuid()), SHM_GONE);
}

Test(gate, 06_a_segment_of_another_size_is_none) {
    struct gate ours = {0};
    void *memory;
    int shmid;
    cr_assert_eq(shm_create(&shmid, &memory, SHM_MARK_BYTES + 1, geteuid()), 0);
    cr_expect_eq(gate_attach(&ours, shmid, geteuid()), SHM_UNEXPECTED);
    shm_detach(memory);
    cr_expect(gate_size_is_marked(SHM_MARK_BYTES));
    cr_expect_not(gate_size_is_marked(SHM_MARK_BYTES + 4096));
}

Test(gate, 07_nothing_of_it_is_left) {
    struct shm_segment segment;
    int shmid = gate.shmid;
    gate_close(&gate);
    gate_close(&gate);
    cr_expect_eq(shm_stat_any(shmid, &segment), SHM_GONE);
}

static void attach_it(void *arg) {
    struct gate ours = {0};
    int r = gate_attach(&ours, *(int *)arg, 0);
    MUST(r == (geteuid() == USER_A ? 0 : SHM_DENIED));
}

Test(gate, 08_only_its_owner_attaches) {
    NEEDS_ROOT("to be two users");
    struct gate theirs;
    cr_assert_eq(gate_create(&theirs, USER_A), 0);
    cr_expect_eq(child_run(USER_A, attach_it, &theirs.shmid), 0);
    cr_expect_eq(child_run(USER_B, attach_it, &theirs.shmid), 0);
    gate_close(&theirs);
}
