#include "bench/flood/flood.h"

#include <errno.h>
#include <grp.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "bench/samples.h"

#define START_AT_ONCE 32 /* more would overrun what a listening socket holds */
#define LOOK_MS 4
#define MEMORY_EVERY 8 /* looks */
#define DEAD_EVERY 64
#define JUDGE_S 3 /* after so long it is judged by its pace whether it comes to an end in time */

/* The router is started in private memory: a child that is forked for it writes there, too. */
int flood_open(struct bench *bench, struct flood **flood, const struct router_kind *kind,
               unsigned n_clients, bool is_open) {
    struct router router = {.kind = kind, .n_clients = n_clients, .is_open = is_open};
    *flood = shared_new(sizeof **flood);
    if (!*flood)
        return -ENOMEM;
    int r = kind->start(bench, &router);
    (*flood)->router = router;
    return r;
}

void flood_close(struct flood *flood) {
    if (!flood)
        return;
    if (flood->crew.arena)
        crew_stop(&flood->crew);
    flood->router.kind->stop(&flood->router);
    shared_free(flood, sizeof *flood);
}

unsigned flood_add(struct flood *flood, const struct flood_member *member) {
    flood->members[flood->n_members] = *member;
    return flood->n_members++;
}

static int flood_become(struct crew_arena *arena, uid_t uid) {
    if (setgroups(0, NULL) < 0 || setresgid(uid, uid, uid) < 0 || setresuid(uid, uid, uid) < 0)
        return crew_fail(arena, "cannot become uid %u: %s", uid, strerror(errno));
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* forgotten with the old uid */
    return 0;
}

static int flood_work(struct crew_arena *arena, unsigned index, void *arg) {
    struct flood *flood = arg;
    const struct flood_member *member = &flood->members[index];
    const struct router_kind *kind = flood->router.kind;
    struct client client = {.arena = arena,
                            .router = &flood->router,
                            .index = index,
                            .listens = member->listens,
                            .bulk = member->bulk};
    signal(SIGPIPE, SIG_IGN);
    if (member->uid != 0 && flood_become(arena, member->uid) != 0)
        return 1;
    int r = kind->open(&client);
    if (r == CLIENT_OK && member->joins)
        r = kind->join(&client);
    if (r != CLIENT_OK)
        return crew_fail(arena, "client %u cannot join %s", index, kind->name);
    crew_ready(arena); /* not before all are there to be heard and answered */
    r = member->role(&client, flood);
    if (r == CLIENT_FAILED)
        return crew_fail(arena, "client %u of %s failed", index, kind->name);
    atomic_store(&flood->slots[index].is_cut_off, true);
    crew_done(arena);
    return 0;
}

int flood_start(struct bench *bench, struct flood *flood) {
    int r = crew_start_in_steps(bench, &flood->crew, flood->n_members, START_AT_ONCE, flood_work,
                                flood);
    if (r == 0)
        crew_go(&flood->crew);
    return r;
}

/* One look at all that goes on. */
static int flood_look(struct bench *bench, struct flood *flood) {
    unsigned n = flood->n_looks++;
    poll(NULL, 0, LOOK_MS);
    if (interrupt_came())
        return -EINTR;
    int r = crew_check(bench, &flood->crew, n % DEAD_EVERY == 0);
    if (r == 0 && n % MEMORY_EVERY == 0)
        r = router_memory(bench, &flood->router, &flood->memory);
    return r;
}

int flood_wait(struct bench *bench, struct flood *flood, double seconds) {
    mono_time end = mono_add_ms(mono_now(), (int64_t)(seconds * 1000));
    int r = 0;
    while (r == 0 && mono_now().ns < end.ns)
        r = flood_look(bench, flood);
    return r;
}

void flood_next_turn(struct flood *flood) {
    atomic_fetch_add(&flood->turn, 1);
    futex_wake_all(&flood->turn);
}

int flood_await_turn(struct bench *bench, struct flood *flood, unsigned member, double seconds) {
    const struct flood_slot *slot = &flood->slots[member];
    mono_time end = mono_add_ms(mono_now(), (int64_t)(seconds * 1000));
    int r = 0;
    while (r == 0 && mono_now().ns < end.ns) {
        if (atomic_load(&slot->turn) == atomic_load(&flood->turn) || atomic_load(&slot->is_cut_off))
            break;
        r = flood_look(bench, flood);
    }
    return r;
}

int flood_await_sources(struct bench *bench, struct flood *flood, double seconds) {
    int r = 0;
    for (unsigned i = 0; r == 0 && i < flood->n_members; i++)
        if (flood->members[i].role == flood_source)
            r = flood_await_turn(bench, flood, i, seconds);
    return r;
}

static uint64_t flood_sum(const struct flood *flood, flood_role role) {
    uint64_t n = 0;
    for (unsigned i = 0; i < flood->n_members; i++)
        if (flood->members[i].role == role)
            n += atomic_load_explicit(&flood->slots[i].n, memory_order_relaxed);
    return n;
}

uint64_t flood_sent(const struct flood *flood) {
    return flood_sum(flood, flood_source);
}

uint64_t flood_received(const struct flood *flood) {
    return flood_sum(flood, flood_sink);
}

/* Whether it goes on too long, or will at the pace that it had so far. */
static bool flood_is_late(double elapsed_s, double most_s, uint64_t n_so_far, uint64_t n_left) {
    double left_s = elapsed_s * (double)n_left / (double)(n_so_far + 1);
    return elapsed_s > most_s || (elapsed_s > JUDGE_S && elapsed_s + left_s > most_s);
}

int flood_settle(struct bench *bench, struct flood *flood, uint64_t n, double quiet, double most,
                 mono_time *last) {
    mono_time begin = mono_now();
    uint64_t n_begin = flood_received(flood), n_before = UINT64_MAX;
    int r = 0;
    *last = begin;
    while (r == 0) {
        uint64_t n_now = flood_received(flood);
        mono_time now = mono_now();
        if (n_now != n_before)
            *last = now;
        n_before = n_now;
        if (n_now >= n || (double)(now.ns - last->ns) > quiet * NS_PER_S)
            break;
        flood->is_late =
            flood_is_late((double)(now.ns - begin.ns) / NS_PER_S, most, n_now - n_begin, n - n_now);
        if (flood->is_late)
            break;
        r = flood_look(bench, flood);
    }
    return r;
}

static int flood_compare(const void *a, const void *b) {
    const float *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

int flood_percentile(struct bench *bench, const struct flood *flood, unsigned phase, double share,
                     double *us) {
    const struct flood_samples *samples = &flood->samples[phase];
    unsigned n = atomic_load(&samples->n);
    if (n == 0)
        return bench_fail(bench, "%s: no answer came", flood->router.kind->name);
    CLEANUP_FREE float *sorted = calloc(n, sizeof *sorted);
    if (!sorted)
        return -ENOMEM;
    memcpy(sorted, samples->us, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, flood_compare);
    *us = (double)sorted[(unsigned)ceil(share * n) - 1]; /* of few, the longest */
    return 0;
}

void flood_judge(const struct flood *flood, uint64_t n_due, struct contest_result *result) {
    uint64_t n = flood_received(flood);
    *(flood->is_late ? &result->n_late : &result->n_lost) = n_due > n ? n_due - n : 0;
    for (unsigned i = 0; i < flood->n_members; i++) {
        const struct flood_slot *slot = &flood->slots[i];
        result->n_missed += atomic_load(&slot->n_missed);
        result->n_disorder += atomic_load(&slot->n_disorder);
        result->n_cut_off += atomic_load(&slot->is_cut_off);
    }
}
