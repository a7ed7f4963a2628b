/* The two sides in two processes: waiting, dying, two users. */
#include <errno.h>
#include <sys/resource.h>

#include "unit/ipc/ring_pair.h"

#define N_STREAM 3000
#define AWHILE_MS 20000

/* What the test and its child share besides the ring. */
struct scene {
    struct ring_layout layout;
    int shmid, outcome;
    pid_t producer;
    uid_t creator;
    uint32_t seed, result;
    volatile int is_ready, n_taken;
    int64_t woken_ns;
};

static struct scene *scene_make(struct ring *producer, uint32_t n_slots) {
    struct scene *scene = share(sizeof *scene);
    *scene =
        (struct scene){.layout = layout_of(n_slots, 1), .producer = getpid(), .creator = geteuid()};
    cr_assert_eq(ring_create(producer, scene->layout, geteuid()), 0);
    scene->shmid = producer->shmid;
    return scene;
}

static void wait_for(const volatile int *word) {
    mono_time deadline = within_ms(AWHILE_MS);
    while (!*word) {
        MUST(mono_now().ns < deadline.ns);
        usleep(1000);
    }
}

static struct ring attach_in_child(const struct scene *scene) {
    struct ring ring = {0};
    MUST(ring_attach(&ring, scene->shmid, scene->layout, scene->creator, scene->producer) == 0);
    return ring;
}

/* The same sequence on both sides. */
static uint32_t next_random(uint32_t *state) {
    *state = *state * 1664525 + 1013904223;
    return *state >> 8;
}

static size_t next_length(uint32_t *state, const struct ring *ring) {
    return 1 + next_random(state) % ring->layout.slot_bytes;
}

static void pause_sometimes(uint32_t *state) {
    if (next_random(state) % 64 == 0)
        usleep(next_random(state) % 3000);
}

static void consume_stream(void *arg) {
    struct scene *scene = arg;
    struct ring ring = attach_in_child(scene);
    uint32_t state = scene->seed, pauses = 1;
    for (uint32_t i = 0; i < N_STREAM; i++) {
        struct ring_item item;
        MUST(ring_consumer_acquire(&ring, within_ms(AWHILE_MS), &item) == 0);
        MUST(item.kind == RING_DATA && item.n == next_length(&state, &ring));
        const unsigned char *bytes = item.data;
        for (uint32_t j = 0; j < item.n; j++)
            MUST(bytes[j] == (unsigned char)(i + j));
        pause_sometimes(&pauses);
        ring_consumer_release(&ring);
    }
    struct ring_item item;
    MUST(ring_consumer_acquire(&ring, within_ms(AWHILE_MS), &item) == 0);
    MUST(item.kind == RING_END && item.status == 4711);
    ring_consumer_finish(&ring, 815);
    ring_close(&ring);
}

static void produce_stream(struct ring *ring, uint32_t state) {
    uint32_t pauses = 2;
    void *slot = NULL;
    for (uint32_t i = 0; i < N_STREAM; i++) {
        cr_assert_eq(ring_producer_acquire(ring, within_ms(AWHILE_MS), &slot), 0);
        size_t n = next_length(&state, ring);
        for (size_t j = 0; j < n; j++)
            ((unsigned char *)slot)[j] = (unsigned char)(i + j);
        pause_sometimes(&pauses);
        ring_producer_commit(ring, RING_DATA, n);
    }
    cr_assert_eq(ring_producer_acquire(ring, within_ms(AWHILE_MS), &slot), 0);
    ring_producer_commit_end(ring, 4711, 0);
}

static void stream(uint32_t n_slots, uint32_t seed) {
    struct ring ring;
    uint32_t result = 0;
    struct scene *scene = scene_make(&ring, n_slots);
    scene->seed = seed;
    pid_t pid = child_start(AS_OURSELVES, consume_stream, scene);
    cr_assert_eq(ring_watch(&ring, pid), 0);
    produce_stream(&ring, seed);
    cr_expect_eq(ring_producer_await(&ring, within_ms(AWHILE_MS), &result), 0);
    cr_expect_eq(result, 815);
    cr_expect_eq(child_end(pid), 0);
    ring_close(&ring);
}

Test(ring_processes, stream_through_two_slots) {
    stream(2, 1);
}

Test(ring_processes, stream_through_eight_slots) {
    stream(8, 2);
}

Test(ring_processes, stream_through_sixty_four_slots) {
    stream(64, 3);
}

static void consume_until_it_ends(void *arg) {
    struct scene *scene = arg;
    struct ring ring = attach_in_child(scene);
    struct ring_item item;
    scene->is_ready = 1;
    while ((scene->outcome = ring_consumer_acquire(&ring, within_ms(AWHILE_MS), &item)) == 0) {
        ring_consumer_release(&ring);
        scene->n_taken++;
    }
    scene->woken_ns = mono_now().ns;
    scene->result = ring_peer_code(&ring);
    ring_close(&ring);
}

Test(ring_processes, a_sleeping_consumer_is_woken_by_cancel) {
    struct ring ring;
    struct scene *scene = scene_make(&ring, 4);
    pid_t pid = child_start(AS_OURSELVES, consume_until_it_ends, scene);
    wait_for(&scene->is_ready);
    mono_time deadline = within_ms(AWHILE_MS);
    while (ring.memory->consumer.waits == 0 && mono_now().ns < deadline.ns)
        usleep(100);
    ring_cancel(&ring, 9);
    cr_expect_eq(child_end(pid), 0);
    cr_expect_eq(scene->outcome, RING_PEER_CANCELLED);
    cr_expect_eq(scene->result, 9);
    ring_close(&ring);
}

static void produce_until_it_ends(void *arg) {
    struct scene *scene = arg;
    struct ring ring;
    void *slot = NULL;
    MUST(ring_create(&ring, scene->layout, scene->creator) == 0);
    scene->shmid = ring.shmid;
    scene->is_ready = 1;
    while ((scene->outcome = ring_producer_acquire(&ring, within_ms(AWHILE_MS), &slot)) == 0) {
        ring_producer_commit(&ring, RING_DATA, 1);
        scene->n_taken++;
    }
    scene->result = ring_peer_code(&ring);
    ring_close(&ring);
}

static struct scene *start_producer(pid_t *pid, struct ring *ring) {
    struct scene *scene = share(sizeof *scene);
    *scene = (struct scene){.layout = layout_of(4, 1), .creator = geteuid()};
    *pid = child_start(AS_OURSELVES, produce_until_it_ends, scene);
    wait_for(&scene->is_ready);
    cr_assert_eq(ring_attach(ring, scene->shmid, scene->layout, geteuid(), *pid), 0);
    mono_time deadline = within_ms(AWHILE_MS);
    while (ring->memory->producer.waits == 0 && mono_now().ns < deadline.ns)
        usleep(100);
    return scene;
}

Test(ring_processes, a_sleeping_producer_is_woken_by_cancel) {
    struct ring ring = {0};
    pid_t pid;
    struct scene *scene = start_producer(&pid, &ring);
    ring_cancel(&ring, 11);
    cr_expect_eq(child_end(pid), 0);
    cr_expect_eq(scene->outcome, RING_PEER_CANCELLED);
    cr_expect_eq(scene->result, 11);
    cr_expect_eq(scene->n_taken, 4);
    ring_close(&ring);
}

Test(ring_processes, what_a_dead_producer_had_committed_still_arrives) {
    struct ring ring = {0};
    pid_t pid;
    start_producer(&pid, &ring);
    child_kill(pid);
    for (int i = 0; i < 4; i++)
        cr_expect_geq(take(&ring), 0);
    struct ring_item item;
    mono_time start = mono_now();
    cr_expect_eq(ring_consumer_acquire(&ring, RING_FOREVER, &item), RING_PEER_DEAD);
    cr_expect_lt(mono_ms_until(start, mono_now()), 1000);
    cr_expect_eq(ring_consumer_acquire(&ring, RING_NOW, &item), RING_PEER_DEAD);
    ring_close(&ring);
}

Test(ring_processes, killed_while_the_other_sleeps) {
    struct ring ring;
    struct scene *scene = scene_make(&ring, 4);
    pid_t pid = child_start(AS_OURSELVES, consume_until_it_ends, scene);
    void *slot = NULL;
    int r;
    wait_for(&scene->is_ready);
    cr_assert_eq(ring_watch(&ring, pid), 0);
    kill(pid, SIGSTOP);
    while ((r = ring_producer_acquire(&ring, within_ms(300), &slot)) == 0)
        ring_producer_commit(&ring, RING_DATA, 1);
    cr_expect_eq(r, RING_TIMEOUT, "a stopped peer stalls but is not dead");
    mono_time start = mono_now();
    child_kill(pid);
    cr_expect_eq(ring_producer_acquire(&ring, RING_FOREVER, &slot), RING_PEER_DEAD);
    cr_expect_lt(mono_ms_until(start, mono_now()), 1000);
    ring_close(&ring);
    cr_expect_eq(ring_watch(&ring, pid), -ESRCH);
}

static void die_after_the_end(void *arg) {
    struct scene *scene = arg;
    struct ring ring = attach_in_child(scene);
    struct ring_item item;
    MUST(ring_consumer_acquire(&ring, within_ms(AWHILE_MS), &item) == 0 && item.kind == RING_END);
    if (scene->seed)
        ring_consumer_finish(&ring, 3);
    raise(SIGKILL);
}

static int await_from_one_who_dies(bool finishes) {
    struct ring ring;
    uint32_t result = 0;
    struct scene *scene = scene_make(&ring, 4);
    scene->seed = finishes;
    pid_t pid = child_start(AS_OURSELVES, die_after_the_end, scene);
    cr_assert_eq(ring_watch(&ring, pid), 0);
    put_end(&ring, 0);
    int r = ring_producer_await(&ring, within_ms(AWHILE_MS), &result);
    cr_expect_eq(child_end(pid), 128 + SIGKILL);
    ring_close(&ring);
    return r == 0 ? (int)result : -r;
}

Test(ring_processes, a_result_outlives_who_gave_it) {
    cr_expect_eq(await_from_one_who_dies(true), 3);
    cr_expect_eq(await_from_one_who_dies(false), -RING_PEER_DEAD);
}

static int64_t cpu_us(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (int64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 +
           usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
}

Test(ring_processes, waiting_takes_no_processor_time) {
    struct pair pair = pair_make(2);
    struct ring_item item;
    int64_t before = cpu_us();
    cr_expect_eq(ring_consumer_acquire(&pair.consumer, within_ms(1500), &item), RING_TIMEOUT);
    cr_expect_lt(cpu_us() - before, 50000);
    pair_close(&pair);
}

static void note_signal(int number) {
    (void)number;
}

static atomic_bool stop_now;

static void stop_by_signal(int number) {
    (void)number;
    stop_now = true;
}

Test(ring_processes, signals_end_waiting_only_with_the_stop_flag) {
    struct pair pair = pair_make(2);
    struct ring_item item;
    struct sigaction ignore = {.sa_handler = note_signal}, stop = {.sa_handler = stop_by_signal};
    sigaction(SIGUSR1, &ignore, NULL);
    sigaction(SIGUSR2, &stop, NULL);
    ring_set_stop(&pair.consumer, &stop_now);
    pid_t pid = fork();
    if (pid == 0) {
        for (int i = 0; i < 400; i++) {
            usleep(500);
            kill(getppid(), SIGUSR1);
        }
        kill(getppid(), SIGUSR2);
        _exit(0);
    }
    cr_expect_eq(ring_consumer_acquire(&pair.consumer, RING_FOREVER, &item), RING_STOPPED);
    cr_expect_eq(child_end(pid), 0);
    pair_close(&pair);
}

static void produce_for_another(void *arg) {
    struct scene *scene = arg;
    struct ring ring;
    uint32_t result;
    MUST(ring_create(&ring, scene->layout, USER_B) == 0);
    for (int i = 0; i < 3; i++) {
        void *slot = NULL;
        MUST(ring_producer_acquire(&ring, RING_NOW, &slot) == 0);
        memcpy(slot, "for you", 7);
        ring_producer_commit(&ring, RING_DATA, 7);
    }
    void *slot = NULL;
    MUST(ring_producer_acquire(&ring, RING_NOW, &slot) == 0);
    ring_producer_commit_end(&ring, 0, 0);
    scene->producer = getpid();
    scene->shmid = ring.shmid;
    scene->is_ready = 1;
    MUST(ring_producer_await(&ring, within_ms(AWHILE_MS), &result) == 0 && result == 1);
    ring_close(&ring);
}

static void consume_from_another(void *arg) {
    struct scene *scene = arg;
    struct ring ring = {0};
    struct ring_item item;
    scene->outcome =
        ring_attach(&ring, scene->shmid, scene->layout, scene->creator, scene->producer);
    if (scene->outcome != 0)
        return;
    while (ring_consumer_acquire(&ring, within_ms(AWHILE_MS), &item) == 0 &&
           item.kind == RING_DATA) {
        MUST(item.n == 7 && memcmp(item.data, "for you", 7) == 0);
        ring_consumer_release(&ring);
        scene->n_taken++;
    }
    MUST(item.kind == RING_END);
    ring_consumer_finish(&ring, 1);
    ring_close(&ring);
}

Test(ring_processes, from_one_user_to_another_and_no_third) {
    NEEDS_ROOT("a ring between two other users");
    struct scene *scene = share(sizeof *scene);
    struct ring_view view;
    *scene = (struct scene){.layout = layout_of(4, 1), .creator = USER_A};
    pid_t pid = child_start(USER_A, produce_for_another, scene);
    wait_for(&scene->is_ready);
    cr_expect_eq(child_run(USER_SWEEP, consume_from_another, scene), 0);
    cr_expect_eq(scene->outcome, SHM_DENIED, "a third user, during");
    cr_expect_eq(ring_look(scene->shmid, &view), 0, "root can look");
    cr_expect_eq(view.fill, 4);
    cr_expect_eq(child_run(USER_B, consume_from_another, scene), 0);
    cr_expect_eq(scene->outcome, 0);
    cr_expect_eq(scene->n_taken, 3);
    cr_expect_eq(child_end(pid), 0);
    cr_expect_eq(child_run(USER_SWEEP, consume_from_another, scene), 0);
    cr_expect_eq(scene->outcome, SHM_GONE, "a third user, after");
}
