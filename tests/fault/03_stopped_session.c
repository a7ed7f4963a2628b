/*
 * One session is stopped (SIGSTOP) while 100,000 messages go to it and to others, through a hub
 * without a store. The others do not notice; the hub's memory keeps its bound; nothing is refused;
 * and the one that was stopped gets all of it from the hub's log, once and in order.
 * test: alone
 * test: timeout=300
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "harness/stage.h"

#define UID_SENDER 61004
#define UID_READER 61005
#define BURST 25
#define RSS_GROWTH_KIB (96 * 1024) /* the log has 64 MiB of it */
#define ROUND_TRIP_BOUND_NS (1000 * NS_PER_MS)

/* Of one who listens in the room. */
struct tally {
    atomic_ulong n_room, n_direct, n_missed, n_wrong;
    atomic_long last_room, last_direct;
    atomic_bool here, ended;
};

struct play {
    const struct stage *stage;
    long n; /* messages: half to the room, half direct */
    struct tally sleeper, reader;
    atomic_ulong n_acked, n_refused, n_other;
    atomic_bool done;
};

static bool join_room(struct raw *raw, const struct play *play, const char *handle) {
    struct frame join = {.type = FRAME_JOIN, .join = {1, bytes_of("#load")}};
    return raw_join(raw, play->stage->dir, handle, ABILITY_LISTEN | ABILITY_ALL_ROOMS) ==
               RAW_WELCOME &&
           raw_ask(raw, &join, 1, 5000) == 0;
}

static void count_message(struct tally *tally, const struct frame_message *message) {
    char text[200];
    long number;
    bool is_room = bytes_equal(message->to, bytes_of("#load"));
    snprintf(text, sizeof text, "%.*s", (int)message->body.n, message->body.data);
    atomic_long *last = is_room ? &tally->last_room : &tally->last_direct;
    if (strncmp(text, "end", 3) == 0) {
        atomic_store(&tally->ended, true);
        return;
    }
    if (sscanf(text, "%ld", &number) != 1 || number <= atomic_load(last))
        atomic_fetch_add(&tally->n_wrong, 1);
    atomic_store(last, number);
    atomic_fetch_add(is_room ? &tally->n_room : &tally->n_direct, 1);
}

static int listen_main(struct play *play, struct tally *tally, const char *handle) {
    struct raw raw;
    struct frame frame;
    if (!join_room(&raw, play, handle))
        return 1;
    atomic_store(&tally->last_room, -1);
    atomic_store(&tally->last_direct, -1);
    atomic_store(&tally->here, true);
    while (raw_next(&raw, &frame, -1) == QUEUE_OK) {
        if (frame.type == FRAME_MESSAGE)
            count_message(tally, &frame.message);
        if (frame.type == FRAME_MISSED)
            atomic_fetch_add(&tally->n_missed, frame.missed.n);
    }
    return 1;
}

static int sleeper_main(void *arg) {
    struct play *play = arg;
    return listen_main(play, &play->sleeper, "sleeper");
}

static int reader_main(void *arg) {
    struct play *play = arg;
    return listen_main(play, &play->reader, "reader");
}

static void count_answers(struct raw *raw, struct play *play, int ms) {
    struct frame frame;
    while (raw_next(raw, &frame, ms) == QUEUE_OK) {
        if (frame.type == FRAME_REFUSED && frame.refused.code == FAIL_BUSY)
            atomic_fetch_add(&play->n_refused, 1);
        else if (frame.type == FRAME_REFUSED)
            atomic_fetch_add(&play->n_other, 1);
        if (frame.type == FRAME_ACK)
            atomic_fetch_add(&play->n_acked, 1);
        if (frame.type == FRAME_DONE)
            return;
    }
}

/* Even numbers to the room, odd ones to the sleeper: 100 bytes each. */
static int sender_main(void *arg) {
    struct play *play = arg;
    struct raw raw;
    struct raw_batch batch;
    struct frame frame;
    char text[128];
    if (raw_join(&raw, play->stage->dir, "sender", 0) != RAW_WELCOME)
        return 1;
    for (long i = 0; i < play->n;) {
        raw_batch_start(&batch, raw.session);
        for (int j = 0; j < BURST && i < play->n; j++, i++) {
            snprintf(text, sizeof text, "%-100ld", i);
            raw_fill_send(&frame, i % 2 ? "sleeper" : "#load", text);
            frame.flags = 0;
            raw_batch_add(&batch, &frame);
        }
        if (raw_batch_send(&batch, raw.lane, HUB_MTYPE) != QUEUE_OK)
            return 1;
        count_answers(&raw, play, 0);
    }
    frame = (struct frame){.type = FRAME_LIST, .list = {9, LIST_ROOMS, {"", 0}}};
    raw_send(&raw, &frame);
    count_answers(&raw, play, 10000);
    raw_leave(&raw);
    return 0;
}

/* Everything that was sent has been taken, missed or refused. */
static bool all_settled(void *arg) {
    struct play *play = arg;
    unsigned long n = (unsigned long)play->n / 2;
    const struct tally *sleeper = &play->sleeper, *reader = &play->reader;
    return atomic_load(&sleeper->n_room) + atomic_load(&sleeper->n_missed) >= n &&
           atomic_load(&reader->n_room) + atomic_load(&reader->n_missed) >= n &&
           atomic_load(&sleeper->n_direct) + atomic_load(&play->n_refused) >= n;
}

static void forget(struct tally *tally) {
    atomic_store(&tally->n_room, 0);
    atomic_store(&tally->n_direct, 0);
    atomic_store(&tally->n_missed, 0);
    atomic_store(&tally->last_room, -1);
    atomic_store(&tally->last_direct, -1);
}

/* When the sleeper has had time to come to itself, one more message to each kind must pass. */
static int finisher_main(void *arg) {
    struct play *play = arg;
    struct raw raw;
    if (raw_join(&raw, play->stage->dir, "finisher", 0) != RAW_WELCOME)
        return 1;
    for (int tries = 0; tries < 10000 && !atomic_load(&play->sleeper.ended); tries++) {
        raw_say(&raw, "sleeper", "end", NULL);
        raw_say(&raw, "reader", "end", NULL);
        count_answers(&raw, play, 10);
    }
    raw_leave(&raw);
    return 0;
}

static bool both_here(void *arg) {
    struct play *play = arg;
    return atomic_load(&play->sleeper.here) && atomic_load(&play->reader.here);
}

static bool has_ended(void *arg) {
    struct play *play = arg;
    return atomic_load(&play->sleeper.ended) && all_settled(play);
}

static void tell(const char *who, struct tally *tally) {
    check_note("%s: %lu of the room, %lu direct, %lu missed", who, atomic_load(&tally->n_room),
               atomic_load(&tally->n_direct), atomic_load(&tally->n_missed));
}

static void check_books(struct play *play) {
    unsigned long half = (unsigned long)play->n / 2;
    struct tally *sleeper = &play->sleeper, *reader = &play->reader;
    tell("sleeper", sleeper);
    tell("reader", reader);
    check(atomic_load(&play->n_refused) + atomic_load(&play->n_other) == 0, "nothing is refused");
    check(atomic_load(&sleeper->n_missed) + atomic_load(&reader->n_missed) == 0,
          "nothing is missed");
    check(atomic_load(&sleeper->n_room) == half, "room: the sleeper got all that was sent");
    check(atomic_load(&sleeper->n_direct) == half, "direct: the sleeper got all that was sent");
    check(atomic_load(&reader->n_room) == half, "room: the reader got all that was sent");
    check(atomic_load(&sleeper->n_wrong) + atomic_load(&reader->n_wrong) == 0,
          "nothing came twice or out of order");
}

/* The load, and how alice's round trips fare under it. */
static int64_t measure(struct stage *stage, struct play *play, const char *when) {
    unsigned long from = atomic_load(&stage->pair.talk->n_rounds);
    mono_time begin = mono_now();
    check(user_run(UID_SENDER, sender_main, play, 200000) == 0, "%s: %ld messages are sent", when,
          play->n);
    double seconds = (double)(mono_now().ns - begin.ns) / 1e9;
    unsigned long to = atomic_load(&stage->pair.talk->n_rounds);
    int64_t p99 = bystanders_percentile(&stage->pair, from, 99);
    check_note("%s: %.2f s; alice's round trip p50 %.0f us, p99 %.0f us (%lu rounds)", when,
               seconds, (double)bystanders_percentile(&stage->pair, from, 50) / 1e3,
               (double)p99 / 1e3, to - from);
    check(to > from && p99 < ROUND_TRIP_BOUND_NS, "%s: p99 is below one second", when);
    return p99;
}

int main(void) {
    struct stage stage;
    stage_begin(&stage);
    struct play *play = check_shared(sizeof *play);
    play->stage = &stage;
    play->n = check_env("MESSAGES", 100000);
    pid_t sleeper = user_start(UID_MALLORY, sleeper_main, play);
    pid_t reader = user_start(UID_READER, reader_main, play);
    check(check_until(both_here, play, 10000), "sleeper and reader are in the room");
    int64_t before_ns = measure(&stage, play, "before, all reading");
    check(check_until(all_settled, play, 30000), "everything has arrived");
    forget(&play->sleeper);
    forget(&play->reader);
    atomic_store(&play->n_refused, 0);

    long before = hub_rss_kib(&stage.hub);
    kill(sleeper, SIGSTOP);
    int64_t during_ns = measure(&stage, play, "one stopped");
    check_note("p99 with one stopped: %.2f times of before (aim: 3)",
               (double)during_ns / (double)(before_ns > 0 ? before_ns : 1));
    stage_check_growth(&stage, before, RSS_GROWTH_KIB, "a stopped session");
    stage_check_talk(&stage, "a stopped session");

    kill(sleeper, SIGCONT);
    check(user_run(UID_SENDER, finisher_main, play, 60000) == 0, "the sleeper wakes up");
    check(check_until(has_ended, play, 30000), "and has taken what waited for it");
    check_books(play);
    user_kill(sleeper);
    user_kill(reader);
    return stage_end(&stage);
}
