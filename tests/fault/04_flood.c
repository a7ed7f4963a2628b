/*
 * Eight processes of one uid flood the hub, first without reading, then reading; another uid's
 * round trips go on.
 * test: alone
 * test: timeout=300
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "harness/stage.h"

#define N_FLOODERS 8
#define N_ROUNDS 1000
#define TALK_MS 120000
#define ROUND_TRIP_BOUND_NS (1000 * NS_PER_MS)
#define RSS_GROWTH_KIB (96 * 1024) /* the log of a hub without a store has 64 MiB of it */

struct flood {
    const struct stage *stage;
    const char *name;
    const char *to;
    size_t n_text;
    int burst; /* messages per batch */
    bool reads;
    atomic_int *n_here;
    atomic_ulong *n_sent;
};

static int flooder(void *arg) {
    const struct flood *flood = arg;
    struct raw raw;
    struct frame frame, join = {.type = FRAME_JOIN, .join = {1, bytes_of("#flood")}};
    static char text[4000];
    memset(text, 'f', flood->n_text);
    if (raw_join(&raw, flood->stage->dir, "mallory", ABILITY_LISTEN | ABILITY_ALL_ROOMS) !=
            RAW_WELCOME ||
        raw_ask(&raw, &join, 1, 10000) != 0)
        return 1;
    raw.never_ready = !flood->reads;
    atomic_fetch_add(flood->n_here, 1);
    for (;;) {
        struct raw_batch batch;
        raw_batch_start(&batch, raw.session);
        for (int i = 0; i < flood->burst; i++) {
            raw_fill_send(&frame, flood->to, text);
            frame.flags = 0;
            if (!raw_batch_add(&batch, &frame))
                break;
        }
        if (raw_batch_send(&batch, raw.lane, HUB_MTYPE) != QUEUE_OK)
            return 1;
        atomic_fetch_add(flood->n_sent, batch.n_frames);
        while (flood->reads && raw_next(&raw, &frame, 0) == QUEUE_OK)
            ;
    }
}

static const struct flood floods[] = {
    {.name = "small direct messages, not reading", .to = "mallory", .n_text = 16, .burst = 1},
    {.name = "small direct messages, reading",
     .to = "mallory",
     .n_text = 16,
     .burst = 1,
     .reads = true},
    {.name = "bulk to a room, reading", .to = "#flood", .n_text = 120, .burst = 40, .reads = true},
    {.name = "long messages to a room, not reading", .to = "#flood", .n_text = 3900, .burst = 2},
    {.name = "messages to nobody, reading",
     .to = "no-one",
     .n_text = 16,
     .burst = 40,
     .reads = true},
};

static bool all_here(void *arg) {
    return atomic_load((atomic_int *)arg) == N_FLOODERS;
}

static void check_flood(struct stage *stage, struct flood flood) {
    pid_t pids[N_FLOODERS];
    long before = hub_rss_kib(&stage->hub);
    flood.stage = stage;
    flood.n_here = check_shared(sizeof *flood.n_here);
    flood.n_sent = check_shared(sizeof *flood.n_sent);
    for (int i = 0; i < N_FLOODERS; i++)
        pids[i] = user_start(UID_MALLORY, flooder, &flood);
    check(check_until(all_here, flood.n_here, 30000), "%s: %d processes flood", flood.name,
          atomic_load(flood.n_here));
    unsigned long from = atomic_load(&stage->pair.talk->n_rounds);
    unsigned long sent = atomic_load(flood.n_sent);
    mono_time begin = mono_now();
    bool talked = bystanders_keep_talking(&stage->pair, N_ROUNDS, TALK_MS);
    double seconds = (double)(mono_now().ns - begin.ns) / 1e9;
    int64_t p99 = bystanders_percentile(&stage->pair, from, 99);
    check(talked, "%s: alice and bob made %d rounds", flood.name, N_ROUNDS);
    check_note("%s: p50 %.2f ms, p99 %.2f ms (aim: 20 ms), while %.0f messages/s flooded in",
               flood.name, (double)bystanders_percentile(&stage->pair, from, 50) / 1e6,
               (double)p99 / 1e6, (double)(atomic_load(flood.n_sent) - sent) / seconds);
    check(p99 > 0 && p99 < ROUND_TRIP_BOUND_NS, "%s: p99 is below one second", flood.name);
    check(atomic_load(flood.n_sent) > sent, "%s: the flood went on", flood.name);
    stage_check_growth(stage, before, RSS_GROWTH_KIB, flood.name);
    for (int i = 0; i < N_FLOODERS; i++)
        user_kill(pids[i]);
    stage_check_talk(stage, flood.name);
}

int main(void) {
    struct stage stage;
    stage_begin(&stage);
    unsigned long from = atomic_load(&stage.pair.talk->n_rounds);
    check(bystanders_keep_talking(&stage.pair, N_ROUNDS, TALK_MS), "alone: alice and bob talk");
    check_note("alone: p50 %.2f ms, p99 %.2f ms",
               (double)bystanders_percentile(&stage.pair, from, 50) / 1e6,
               (double)bystanders_percentile(&stage.pair, from, 99) / 1e6);
    for (size_t i = 0; i < ARRAY_LEN(floods); i++)
        check_flood(&stage, floods[i]);
    return stage_end(&stage);
}
