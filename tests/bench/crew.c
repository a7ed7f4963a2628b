#include "bench/crew.h"

#include <limits.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"

#define CREW_DEADLINE_MS 600000
#define CREW_LOOK_MS 250 /* how often the parent looks for workers that died */

static volatile sig_atomic_t interrupted;

static void interrupt_note(int number) {
    (void)number;
    interrupted = 1;
}

void interrupt_install(void) {
    struct sigaction action = {.sa_handler = interrupt_note};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
}

bool interrupt_came(void) {
    return interrupted;
}

void *shared_new(size_t n) {
    void *memory = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

void shared_free(void *memory, size_t n) {
    if (memory)
        munmap(memory, n);
}

void futex_wait(atomic_uint *word, unsigned value, int timeout_ms) {
    struct timespec timeout = {timeout_ms / 1000, timeout_ms % 1000 * NS_PER_MS};
    syscall(SYS_futex, word, FUTEX_WAIT, value, timeout_ms < 0 ? NULL : &timeout, NULL, 0);
}

void futex_wake_all(atomic_uint *word) {
    syscall(SYS_futex, word, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

void crew_become_worker(pid_t parent) {
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    signal(SIGHUP, SIG_DFL);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
}

static int crew_init(struct crew *crew, unsigned n) {
    *crew =
        (struct crew){.arena = shared_new(sizeof *crew->arena), .pids = calloc(n, sizeof(pid_t))};
    return crew->arena && crew->pids ? 0 : -ENOMEM;
}

/* Forks until there are n. */
static int crew_grow(struct bench *bench, struct crew *crew, unsigned n, crew_main main,
                     void *arg) {
    atomic_store(&crew->arena->n_expected, n);
    fflush(NULL);
    pid_t parent = getpid();
    for (; crew->n < n; crew->n++) {
        unsigned index = crew->n; /* the crew may lie in memory that the worker shares */
        pid_t pid = fork();
        if (pid < 0)
            return bench_fail(bench, "fork of worker %u: %s", index, strerror(errno));
        if (pid == 0) {
            crew_become_worker(parent);
            _exit(main(crew->arena, index, arg));
        }
        crew->pids[crew->n] = pid;
    }
    return 0;
}

int crew_start(struct bench *bench, struct crew *crew, unsigned n, crew_main main, void *arg) {
    int r = crew_init(crew, n);
    return r == 0 ? crew_grow(bench, crew, n, main, arg) : r;
}

int crew_start_in_steps(struct bench *bench, struct crew *crew, unsigned n, unsigned n_step,
                        crew_main main, void *arg) {
    int r = crew_init(crew, n);
    while (r == 0 && crew->n < n) {
        unsigned n_next = n - crew->n < n_step ? n : crew->n + n_step;
        r = crew_grow(bench, crew, n_next, main, arg);
        if (r == 0)
            r = crew_await_ready(bench, crew, n_next);
    }
    return r;
}

static int tell_failure(struct bench *bench, const struct crew *crew) {
    return bench_fail(bench, "%.*s", BENCH_TEXT_SIZE - 1, crew->arena->failure);
}

/* Whether all that ended did so well; *n_left counts those that live. */
static int look_for_dead(struct bench *bench, struct crew *crew, unsigned *n_left) {
    struct crew_arena *arena = crew->arena;
    *n_left = 0;
    for (unsigned i = 0; i < crew->n; i++) {
        int status = 0;
        if (crew->pids[i] == 0)
            continue;
        if (waitpid(crew->pids[i], &status, WNOHANG) != crew->pids[i]) {
            (*n_left)++;
            continue;
        }
        crew->pids[i] = 0;
        if (atomic_load(&arena->failed))
            break;
        if (WIFSIGNALED(status))
            return bench_fail(bench, "worker %u died of signal %d", i, WTERMSIG(status));
        if (WEXITSTATUS(status) != 0)
            return bench_fail(bench, "worker %u ended with %d", i, WEXITSTATUS(status));
    }
    return atomic_load(&arena->failed) ? tell_failure(bench, crew) : 0;
}

static int await(struct bench *bench, struct crew *crew, atomic_uint *count, unsigned n,
                 const char *what) {
    mono_time deadline = mono_add_ms(mono_now(), CREW_DEADLINE_MS);
    for (;;) {
        unsigned value = atomic_load(count), n_left;
        if (value >= n)
            return 0;
        if (interrupt_came())
            return -EINTR;
        int r = look_for_dead(bench, crew, &n_left);
        if (r != 0)
            return r;
        if (mono_ms_until(mono_now(), deadline) < 0)
            return bench_fail(bench, "timed out: %u of %u workers are %s", value, n, what);
        futex_wait(count, value, CREW_LOOK_MS);
    }
}

int crew_await_ready(struct bench *bench, struct crew *crew, unsigned n) {
    return await(bench, crew, &crew->arena->n_ready, n, "ready");
}

int crew_await_done(struct bench *bench, struct crew *crew, unsigned n) {
    return await(bench, crew, &crew->arena->n_done, n, "done");
}

int crew_await_exit(struct bench *bench, struct crew *crew) {
    mono_time deadline = mono_add_ms(mono_now(), CREW_DEADLINE_MS);
    for (;;) {
        unsigned n_left;
        int r = look_for_dead(bench, crew, &n_left);
        if (r != 0 || n_left == 0)
            return r;
        if (interrupt_came())
            return -EINTR;
        if (mono_ms_until(mono_now(), deadline) < 0)
            return bench_fail(bench, "timed out: %u workers do not end", n_left);
        futex_wait(&crew->arena->failed, 0, 1);
    }
}

static void gate_open(atomic_uint *gate) {
    atomic_store(gate, 1);
    futex_wake_all(gate);
}

static void gate_pass(atomic_uint *gate) {
    while (!atomic_load(gate))
        futex_wait(gate, 0, -1);
}

int crew_check(struct bench *bench, struct crew *crew, bool thoroughly) {
    unsigned n_left;
    if (thoroughly)
        return look_for_dead(bench, crew, &n_left);
    return atomic_load(&crew->arena->failed) ? tell_failure(bench, crew) : 0;
}

void crew_go(struct crew *crew) {
    gate_open(&crew->arena->go);
}

void crew_leave(struct crew *crew) {
    gate_open(&crew->arena->leave);
}

void crew_stop(struct crew *crew) {
    for (unsigned i = 0; i < crew->n; i++)
        if (crew->pids[i] > 0)
            kill(crew->pids[i], SIGKILL);
    for (unsigned i = 0; i < crew->n; i++)
        if (crew->pids[i] > 0)
            waitpid(crew->pids[i], NULL, 0);
    free(crew->pids);
    shared_free(crew->arena, sizeof *crew->arena);
    *crew = (struct crew){0};
}

int crew_run(struct bench *bench, struct crew *crew) {
    int r = crew_await_ready(bench, crew, crew->n);
    if (r != 0)
        return r;
    crew_go(crew);
    r = crew_await_done(bench, crew, crew->n);
    if (r != 0)
        return r;
    crew_leave(crew);
    return crew_await_exit(bench, crew);
}

/* Only the last one wakes the parent, which would disturb the others. */
static void count_up(struct crew_arena *arena, atomic_uint *count) {
    if (atomic_fetch_add(count, 1) + 1 == atomic_load(&arena->n_expected))
        futex_wake_all(count);
}

void crew_joined(struct crew_arena *arena) {
    count_up(arena, &arena->n_ready);
}

void crew_ready(struct crew_arena *arena) {
    count_up(arena, &arena->n_ready);
    gate_pass(&arena->go);
}

void crew_done(struct crew_arena *arena) {
    count_up(arena, &arena->n_done);
    gate_pass(&arena->leave);
}

int crew_fail(struct crew_arena *arena, const char *format, ...) {
    char text[BENCH_TEXT_SIZE];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    unsigned nobody = 0;
    if (atomic_compare_exchange_strong(&arena->claimed, &nobody, 1)) {
        memcpy(arena->failure, text, sizeof text);
        atomic_store(&arena->failed, 1);
    }
    return 1;
}
