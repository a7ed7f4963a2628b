/*
 * A laggard: one session is stopped (SIGSTOP) while MESSAGES (100,000) go to its room, through a
 * hub with a store. The hub's memory keeps its bound, which does not depend on how much the
 * laggard is behind; the others do not notice; and when it goes on it gets all of it, once and in
 * order. A second one comes only afterwards, a member who was away, and gets the same.
 * test: alone
 * test: timeout=600
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/stage.h"
#include "lib/earshot.h"

#define UID_SENDER 61004
#define UID_READER 61005
#define ROOM "#load"
#define TEXT_BYTES 120
/* The log of what is stored already (4 MiB), what waits for the disk (2 MiB for each sender), the
 * outboxes, SQLite's caches and what the allocator keeps of them. */
#define RSS_GROWTH_KIB (32 * 1024)
#define JOIN_MS 20000
#define SEND_MS 300000
#define CATCH_UP_MS 300000

struct listener {
    const char *handle;
    atomic_ulong n, n_wrong, n_late, n_missed;
    atomic_long last;
    atomic_bool here;
};

struct play {
    struct stage stage;
    unsigned long n; /* messages in each of the two loads */
    unsigned long from;
    struct listener laggard, reader;
    atomic_ulong n_refused;
    char error[256];
};

static earshot *join(struct play *play, const char *handle, unsigned flags) {
    struct earshot_options options = {
        .hub = play->stage.dir, .handle = handle, .flags = flags, .timeout_ms = JOIN_MS};
    earshot *link = NULL;
    int r = earshot_open(&link, &options);
    if (r == EARSHOT_OK)
        return link;
    snprintf(play->error, sizeof play->error, "%s: %s", handle, earshot_error(link));
    earshot_close(link);
    return NULL;
}

static void note(struct listener *listener, const struct earshot_event *event) {
    long number = strtol(event->message.text, NULL, 10);
    bool ok = number == atomic_load(&listener->last) + 1 && event->message.uid == UID_SENDER &&
              event->message.text_n == TEXT_BYTES;
    atomic_fetch_add(&listener->n_wrong, !ok);
    atomic_fetch_add(&listener->n_late, event->message.late);
    atomic_store(&listener->last, number);
    atomic_fetch_add(&listener->n, 1);
}

static int listen_to_all(struct play *play, struct listener *listener) {
    struct earshot_event event;
    uint32_t request;
    earshot *link = join(play, listener->handle, EARSHOT_LISTEN | EARSHOT_ALL_ROOMS);
    int r = link ? earshot_join(link, ROOM, false, &request) : 1;
    while (r == 0 && (r = earshot_next(link, &event, -1)) == EARSHOT_OK) {
        if (event.type == EARSHOT_EVENT_MESSAGE)
            note(listener, &event);
        if (event.type == EARSHOT_EVENT_MISSED)
            atomic_fetch_add(&listener->n_missed, event.missed);
        if (event.type == EARSHOT_EVENT_DONE && event.request == request)
            atomic_store(&listener->here, true);
    }
    return 1;
}

static int laggard_main(void *arg) {
    struct play *play = arg;
    return listen_to_all(play, &play->laggard);
}

static int reader_main(void *arg) {
    struct play *play = arg;
    return listen_to_all(play, &play->reader);
}

static int take_answers(struct play *play, earshot *link, int ms) {
    struct earshot_event event;
    int r;
    while ((r = earshot_next(link, &event, ms)) == EARSHOT_OK) {
        if (event.type != EARSHOT_EVENT_REFUSED)
            continue;
        atomic_fetch_add(&play->n_refused, 1);
        snprintf(play->error, sizeof play->error, "%s", event.failed.reason);
    }
    return r == EARSHOT_AGAIN ? 0 : r;
}

static int send_one(struct play *play, earshot *link, unsigned long number) {
    char text[TEXT_BYTES + 1];
    snprintf(text, sizeof text, "%-120lu", number);
    struct earshot_message message = {
        .to = ROOM, .text = text, .text_n = TEXT_BYTES, .flags = EARSHOT_CORK};
    int r;
    while ((r = earshot_send(link, &message, NULL)) == EARSHOT_AGAIN)
        if ((r = take_answers(play, link, 1)) != 0)
            return r;
    return r;
}

/* Ends when all of it is acknowledged. */
static int sender_main(void *arg) {
    struct play *play = arg;
    earshot *link = join(play, "sender", 0);
    int r = link ? 0 : 1;
    for (unsigned long i = 0; r == 0 && i < play->n; i++) {
        r = send_one(play, link, play->from + i);
        if (r == 0 && i % 64 == 0)
            r = take_answers(play, link, 0);
    }
    while (r == 0 && earshot_n_unacknowledged(link) > 0)
        r = (r = earshot_flush(link)) == 0 || r == EARSHOT_AGAIN ? take_answers(play, link, 10) : r;
    earshot_close(link);
    return r != 0;
}

struct goal {
    struct listener *listener;
    unsigned long n;
};

static bool reached(void *arg) {
    const struct goal *goal = arg;
    return atomic_load(&goal->listener->n) >= goal->n || atomic_load(&goal->listener->n_wrong) > 0;
}

static bool both_here(void *arg) {
    struct play *play = arg;
    return atomic_load(&play->laggard.here) && atomic_load(&play->reader.here);
}

static bool got(struct listener *listener, unsigned long n, int ms) {
    struct goal goal = {listener, n};
    return check_until(reached, &goal, ms) && atomic_load(&listener->n) == n;
}

/* The load, and how Alice's round trips fare meanwhile; p99 in nanoseconds. */
static int64_t measure(struct play *play, const char *when) {
    struct stage *stage = &play->stage;
    unsigned long from = atomic_load(&stage->pair.talk->n_rounds);
    mono_time begin = mono_now();
    if (!check(user_run(UID_SENDER, sender_main, play, SEND_MS) == 0,
               "%s: %lu messages are sent and acknowledged", when, play->n))
        check_note("%s", play->error);
    double seconds = (double)(mono_now().ns - begin.ns) / 1e9;
    int64_t p99 = bystanders_percentile(&stage->pair, from, 99);
    check_note("%s: %.2f s, %.0f messages/s; alice's round trip p50 %.0f us, p99 %.0f us", when,
               seconds, (double)play->n / seconds,
               (double)bystanders_percentile(&stage->pair, from, 50) / 1e3, (double)p99 / 1e3);
    play->from += play->n;
    return p99;
}

static void check_listener(struct listener *listener, unsigned long n, const char *what) {
    check(atomic_load(&listener->n) == n && atomic_load(&listener->n_wrong) == 0,
          "%s: %lu of %lu, each once and in order (%lu late, %lu wrong)", what,
          atomic_load(&listener->n), n, atomic_load(&listener->n_late),
          atomic_load(&listener->n_wrong));
    check(atomic_load(&listener->n_missed) == 0, "%s: nothing was missed", what);
}

/* Killed and started again, it gets what its handle has not received. */
static void check_absent(struct play *play, pid_t *laggard) {
    user_kill(*laggard);
    unsigned long before = atomic_load(&play->laggard.n);
    atomic_store(&play->laggard.here, false);
    check(user_run(UID_SENDER, sender_main, play, SEND_MS) == 0, "%lu more, while it is away",
          play->n);
    play->from += play->n;
    *laggard = user_start(UID_MALLORY, laggard_main, play);
    check(got(&play->laggard, before + play->n, CATCH_UP_MS), "it joins again and gets all of it");
    check_listener(&play->laggard, before + play->n, "who was away");
}

/* What it took last counts as received only when the hub was told, a second later. */
static bool is_told(void *arg) {
    struct goal *goal = arg;
    return mono_now().ns > (int64_t)goal->n;
}

int main(void) {
    struct stage stage;
    stage_prepare(&stage);
    stage.durable = true;
    stage_start_hub(&stage, "open");
    struct play *play = check_shared(sizeof *play);
    check(bystanders_start(&stage.pair, stage.dir, 1000), "alice and bob talk");
    play->stage = stage;
    play->n = (unsigned long)check_env("MESSAGES", 100000);
    play->laggard = (struct listener){.handle = "laggard", .last = -1};
    play->reader = (struct listener){.handle = "reader", .last = -1};
    pid_t laggard = user_start(UID_MALLORY, laggard_main, play);
    pid_t reader = user_start(UID_READER, reader_main, play);
    check(check_until(both_here, play, JOIN_MS), "laggard and reader are in the room");
    int64_t before_ns = measure(play, "before, all reading");
    check(got(&play->laggard, play->n, CATCH_UP_MS) && got(&play->reader, play->n, CATCH_UP_MS),
          "everything has arrived");

    long before = hub_rss_kib(&stage.hub);
    kill(laggard, SIGSTOP);
    int64_t during_ns = measure(play, "one stopped");
    check_note("p99 with one stopped: %.2f times of before (aim: 3)",
               (double)during_ns / (double)(before_ns > 0 ? before_ns : 1));
    check(got(&play->reader, 2 * play->n, CATCH_UP_MS), "the reader has everything");
    stage_check_growth(&stage, before, RSS_GROWTH_KIB, "a stopped session");
    stage_check_talk(&stage, "a stopped session");
    mono_time begin = mono_now();
    kill(laggard, SIGCONT);
    check(got(&play->laggard, 2 * play->n, CATCH_UP_MS), "the laggard has caught up");
    check_note("it took %.2f s", (double)(mono_now().ns - begin.ns) / 1e9);
    check_listener(&play->laggard, 2 * play->n, "the laggard");
    check_listener(&play->reader, 2 * play->n, "the reader");
    struct goal told = {NULL, (unsigned long)mono_now().ns + 3 * (unsigned long)NS_PER_S};
    check_until(is_told, &told, 10000);
    check_absent(play, &laggard);
    stage_check_growth(&stage, before, RSS_GROWTH_KIB, "all of it");
    check(atomic_load(&play->n_refused) == 0, "nothing was refused");
    user_kill(laggard);
    user_kill(reader);
    return stage_end(&stage);
}
