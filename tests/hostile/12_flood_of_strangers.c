/*
 * Strangers who fill the well-known queue: with types that the hub is not addressed by, with
 * nothing, with 8 KiB of junk, with HELLOs. Those inside do not notice; a newcomer still gets in.
 */
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "harness/stage.h"

#define N_NEWCOMERS 20
#define NEWCOMER_MS 10000

static void flood(const struct stage *stage, const void *data, size_t n, bool stray) {
    for (unsigned i = 0;; i++)
        raw_send_bytes(stage->hub.record.msqid, stray ? (i % 2 ? LONG_MAX : 2) : HUB_MTYPE, data,
                       n);
}

static int flood_strays(void *arg) {
    static const uint8_t junk[1000];
    flood(arg, junk, sizeof junk, true);
    return 0;
}

static int flood_empty(void *arg) {
    flood(arg, NULL, 0, false);
    return 0;
}

static int flood_empty_strays(void *arg) {
    flood(arg, NULL, 0, true);
    return 0;
}

static int flood_junk(void *arg) {
    static const uint8_t junk[8192] = {PROTO_VERSION, 0, 0xff, 0xff};
    flood(arg, junk, sizeof junk, false);
    return 0;
}

static int flood_hello(void *arg) {
    const struct stage *stage = arg;
    struct raw raw;
    struct raw_batch batch;
    struct frame hello;
    if (raw_init(&raw, stage->dir) || raw_make_mailbox(&raw) || raw_give_mailbox(&raw) ||
        raw_put_nonce(&raw))
        return 1;
    raw.nonce = uuid_random();
    raw_fill_hello(&raw, &hello, "mallory", ABILITY_ALL);
    raw_batch_start(&batch, 0);
    raw_batch_add(&batch, &hello);
    flood(stage, batch.message.data, cursor_out_used(&batch.out), false);
    return 0;
}

static int newcomer(void *arg) {
    const struct stage *stage = arg;
    struct raw raw;
    struct frame hello;
    char handle[32];
    snprintf(handle, sizeof handle, "newcomer-%d", getpid());
    if (raw_init(&raw, stage->dir) || raw_make_mailbox(&raw) || raw_give_mailbox(&raw) ||
        raw_put_nonce(&raw))
        return 1;
    raw_fill_hello(&raw, &hello, handle, 0);
    raw_send_hello(&raw, &hello);
    bool welcomed = raw_await_welcome(&raw, NEWCOMER_MS) == RAW_WELCOME;
    raw_leave(&raw);
    return welcomed ? 0 : 1;
}

/* A mailbox that bob has made for a HELLO which he does not send yet. */
static struct borrowed { atomic_int mailbox; } * borrowed;

static int wait_with_mailbox(void *arg) {
    const struct stage *stage = arg;
    struct raw raw;
    if (raw_init(&raw, stage->dir) || raw_make_mailbox(&raw) || raw_give_mailbox(&raw) ||
        raw_put_nonce(&raw))
        return 1;
    atomic_store(&borrowed->mailbox, raw.mailbox);
    for (;;)
        pause();
}

/* With a nonce that mallory cannot know. */
static int flood_hello_of_bob(void *arg) {
    const struct stage *stage = arg;
    struct raw raw;
    struct raw_batch batch;
    struct frame hello;
    if (raw_init(&raw, stage->dir))
        return 1;
    raw.mailbox = atomic_load(&borrowed->mailbox);
    raw.nonce = uuid_random();
    raw_fill_hello(&raw, &hello, "bob", ABILITY_ALL);
    raw_batch_start(&batch, 0);
    raw_batch_add(&batch, &hello);
    flood(stage, batch.message.data, cursor_out_used(&batch.out), false);
    return 0;
}

static const struct wave {
    const char *name;
    user_main run;
    bool is_logged; /* later ones of one kind are logged ever more rarely */
} waves[] = {
    {"a flood of stray types", flood_strays, true},
    {"a flood of empty messages", flood_empty, false},
    {"a flood of empty messages of stray types", flood_empty_strays, false},
    {"a flood of 8 KiB of junk", flood_junk, false},
    {"a flood of false HELLOs", flood_hello, true},
};

static void check_newcomers(struct stage *stage, const char *what) {
    int64_t times[N_NEWCOMERS];
    int n_in = 0;
    for (int i = 0; i < N_NEWCOMERS; i++) {
        mono_time begin = mono_now();
        if (user_run(UID_BOB, newcomer, stage, NEWCOMER_MS + 2000) == 0)
            times[n_in++] = mono_now().ns - begin.ns;
        if (i == 2 && n_in == 0)
            break; /* enough to know */
    }
    check(n_in == N_NEWCOMERS, "%s: %d of %d newcomers get in", what, n_in, N_NEWCOMERS);
    double median = (double)check_percentile(times, (size_t)n_in, 50) / 1e6;
    check_note("%s: joining takes %.1f ms (median), %.1f ms (longest)", what, median,
               n_in > 0 ? (double)times[n_in - 1] / 1e6 : 0.0);
}

static void check_wave(struct stage *stage, const struct wave *wave) {
    pid_t pids[2];
    long mark = hub_log_mark(&stage->hub), before = hub_rss_kib(&stage->hub);
    unsigned long from = atomic_load(&stage->pair.talk->n_rounds);
    for (size_t i = 0; i < ARRAY_LEN(pids); i++)
        pids[i] = user_start(UID_MALLORY, wave->run, stage);
    stage_check_talk(stage, wave->name);
    check_newcomers(stage, wave->name);
    check_note("%s: alice's round trip p50 %.2f ms, p99 %.2f ms", wave->name,
               (double)bystanders_percentile(&stage->pair, from, 50) / 1e6,
               (double)bystanders_percentile(&stage->pair, from, 99) / 1e6);
    for (size_t i = 0; i < ARRAY_LEN(pids); i++)
        user_kill(pids[i]);
    stage_check_growth(stage, before, 8 * 1024, wave->name);
    if (wave->is_logged)
        check(hub_log_has(&stage->hub, mark, NULL, NULL, 5000), "%s: it is logged", wave->name);
    check(hub_log_mark(&stage->hub) - mark < 1024 * 1024, "%s: the log grew by %ld bytes",
          wave->name, hub_log_mark(&stage->hub) - mark);
    check(user_run(UID_BOB, newcomer, stage, NEWCOMER_MS + 2000) == 0,
          "%s: afterwards a newcomer gets in", wave->name);
}

static bool is_borrowed(void *arg) {
    (void)arg;
    return atomic_load(&borrowed->mailbox) >= 0;
}

/* A stranger's HELLOs for bob's mailbox take up none of the places where bob's own ones wait. */
static void check_places(struct stage *stage) {
    static const struct wave wave = {"a flood of HELLOs in bob's name", flood_hello_of_bob, true};
    borrowed = check_shared(sizeof *borrowed);
    atomic_store(&borrowed->mailbox, -1);
    pid_t bob = user_start(UID_BOB, wait_with_mailbox, stage);
    check(check_until(is_borrowed, NULL, NEWCOMER_MS), "bob has a mailbox");
    long mark = hub_log_mark(&stage->hub);
    check_wave(stage, &wave);
    check(!hub_log_has(&stage->hub, mark, "a HELLO is left out", NULL, 0),
          "none of bob's own is left out");
    user_kill(bob);
}

int main(void) {
    struct stage stage;
    stage_begin(&stage);
    for (size_t i = 0; i < ARRAY_LEN(waves); i++)
        check_wave(&stage, &waves[i]);
    check_places(&stage);
    stage_check_talk(&stage, "after the floods");
    return stage_end(&stage);
}
