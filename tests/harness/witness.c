#include "harness/witness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "harness/check.h"
#include "harness/raw.h"
#include "harness/user.h"

#define DAVE_PAUSE_US 10000
#define CAROL_PAUSE_US 50000
#define START_MS 20000

static void witness_wrong(struct witness_talk *talk, const char *who, const char *what) {
    if (atomic_fetch_add(&talk->n_wrong, 1) == 0)
        snprintf(talk->wrong, sizeof talk->wrong, "%s: %s", who, what);
}

static void witness_pause(long us) {
    nanosleep(&(struct timespec){.tv_nsec = us * 1000}, NULL);
}

void witness_times_begin(struct witness_times *times) {
    atomic_store(&times->since, mono_now().ns);
}

void witness_times_end(struct witness_times *times) {
    unsigned n = atomic_load(&times->n);
    times->ns[n % WITNESS_SAMPLES] = mono_now().ns - atomic_load(&times->since);
    atomic_store(&times->since, 0);
    atomic_store(&times->n, n + 1);
}

static bool witness_join(struct witness_talk *talk, struct raw *raw, const char *handle) {
    enum raw_answer answer = raw_join_link(raw, talk->dir, handle, ABILITY_LISTEN, getuid());
    if (answer != RAW_WELCOME)
        witness_wrong(talk, handle, answer == RAW_FAILED ? raw->reason : "HELLO is not answered");
    return answer == RAW_WELCOME;
}

/* Dave. */

static bool dave_write(struct witness_talk *talk, struct raw *raw, unsigned long n) {
    char text[32];
    struct uuid id;
    struct frame frame;
    snprintf(text, sizeof text, "%lu", n);
    witness_times_begin(&talk->acks);
    if (raw_say(raw, "carol", text, &id) != QUEUE_OK)
        return false;
    do
        if (raw_next(raw, &frame, -1) != QUEUE_OK)
            return false;
    while (frame.type != FRAME_ACK && frame.type != FRAME_REFUSED);
    if (frame.type == FRAME_REFUSED || !uuid_equal(&frame.ack.id, &id)) {
        witness_wrong(talk, "dave", "a letter is refused");
        return false;
    }
    witness_times_end(&talk->acks);
    atomic_store(&talk->n_stored, n);
    return true;
}

static int dave_main(void *arg) {
    struct witness_talk *talk = arg;
    struct raw raw;
    if (!witness_join(talk, &raw, "dave"))
        return 1;
    for (unsigned long n = 1; dave_write(talk, &raw, n); n++)
        witness_pause(DAVE_PAUSE_US);
    witness_wrong(talk, "dave", "cannot write any more");
    return 1;
}

/* Carol. */

static void carol_read(struct witness_talk *talk, const struct frame_message *message,
                       bool has_missed) {
    char text[32];
    snprintf(text, sizeof text, "%.*s", (int)message->body.n, message->body.data);
    unsigned long n = strtoul(text, NULL, 10), wanted = atomic_load(&talk->n_fetched) + 1;
    if (!bytes_equal(message->from, bytes_of("dave")) || message->uid != UID_DAVE)
        return; /* somebody else's */
    if (n < wanted)
        witness_wrong(talk, "carol", "a letter came twice");
    if (n > wanted && !has_missed)
        witness_wrong(talk, "carol", "a letter that was stored is lost");
    atomic_store(&talk->n_fetched, n);
}

/* Takes all letters that are stored by now. */
static bool carol_fetch(struct witness_talk *talk, struct raw *raw) {
    unsigned long wanted = atomic_load(&talk->n_stored);
    uint64_t seq = 0;
    bool has_missed = false;
    struct frame frame;
    witness_times_begin(&talk->fetches);
    while (atomic_load(&talk->n_fetched) < wanted) {
        if (raw_next(raw, &frame, -1) != QUEUE_OK)
            return false;
        has_missed |= frame.type == FRAME_MISSED; /* an ephemeral hub keeps the latest only */
        if (frame.type != FRAME_MESSAGE)
            continue;
        carol_read(talk, &frame.message, has_missed);
        seq = frame.message.seq;
    }
    witness_times_end(&talk->fetches);
    frame = (struct frame){.type = FRAME_TAKEN, .taken = {seq, seq}};
    return seq == 0 || raw_send(raw, &frame) == QUEUE_OK;
}

/* Letters that come meanwhile are read, too. */
static bool carol_search(struct witness_talk *talk, struct raw *raw) {
    struct frame frame = {.type = FRAME_SEARCH,
                          .search = {.request = 5,
                                     .conv = bytes_of(""),
                                     .from = bytes_of(""),
                                     .limit = 10,
                                     .words = bytes_of("1")}};
    uint64_t seq = 0;
    witness_times_begin(&talk->searches);
    if (raw_send(raw, &frame) != QUEUE_OK)
        return false;
    do {
        if (raw_next(raw, &frame, -1) != QUEUE_OK)
            return false;
        if (frame.type != FRAME_MESSAGE)
            continue;
        carol_read(talk, &frame.message, false);
        seq = frame.message.seq;
    } while (frame.type != FRAME_DONE && frame.type != FRAME_FAIL);
    if (frame.type == FRAME_FAIL) {
        char what[300];
        snprintf(what, sizeof what, "a search failed: %.*s", (int)frame.fail.reason.n,
                 frame.fail.reason.data);
        witness_wrong(talk, "carol", what);
    }
    witness_times_end(&talk->searches);
    frame = (struct frame){.type = FRAME_TAKEN, .taken = {seq, seq}};
    return seq == 0 || raw_send(raw, &frame) == QUEUE_OK;
}

/*
 * Until the hub has removed the mailbox, and so has read before what she has taken. What still
 * comes is not read: it comes again.
 */
static void carol_leave(struct raw *raw) {
    struct frame frame = {.type = FRAME_BYE};
    if (raw_send(raw, &frame) == QUEUE_OK)
        while (raw_next(raw, &frame, -1) == QUEUE_OK)
            ;
    raw_drop(raw);
}

static int carol_main(void *arg) {
    struct witness_talk *talk = arg;
    static struct raw raw;
    for (;;) {
        witness_times_begin(&talk->joins);
        if (!witness_join(talk, &raw, "carol"))
            return 1;
        witness_times_end(&talk->joins);
        if (!carol_fetch(talk, &raw) || !carol_search(talk, &raw))
            break;
        carol_leave(&raw);
        witness_pause(CAROL_PAUSE_US);
    }
    witness_wrong(talk, "carol", "cannot read any more");
    return 1;
}

/* Both. */

static bool carol_was_here(void *arg) {
    struct witness_talk *talk = arg;
    return atomic_load(&talk->joins.n) > 0;
}

static bool letter_was_read(void *arg) {
    struct witness_talk *talk = arg;
    return atomic_load(&talk->n_fetched) > 0;
}

bool witness_start(struct witness *witness, const char *dir) {
    struct witness_talk *talk = witness->talk = check_shared(sizeof *talk);
    snprintf(talk->dir, sizeof talk->dir, "%s", dir);
    witness->carol = user_start(UID_CAROL, carol_main, talk);
    if (!check_until(carol_was_here, talk, START_MS))
        return false;
    witness->dave = user_start(UID_DAVE, dave_main, talk);
    return check_until(letter_was_read, talk, START_MS);
}

void witness_stop(struct witness *witness) {
    if (witness->carol > 0)
        user_kill(witness->carol);
    if (witness->dave > 0)
        user_kill(witness->dave);
    witness->carol = witness->dave = 0;
}

/* Figures. */

int64_t witness_longest(const struct witness_times *times, unsigned from) {
    unsigned to = atomic_load(&times->n);
    int64_t since = atomic_load(&times->since);
    int64_t longest = since > 0 ? mono_now().ns - since : 0;
    for (unsigned i = from; i < to; i++)
        if (times->ns[i % WITNESS_SAMPLES] > longest)
            longest = times->ns[i % WITNESS_SAMPLES];
    return longest;
}

int64_t witness_percentile(const struct witness_times *times, unsigned from, double p) {
    unsigned to = atomic_load(&times->n);
    int64_t since = atomic_load(&times->since);
    size_t n = 0;
    CLEANUP_FREE int64_t *samples = malloc((size_t)(to - from + 1) * sizeof *samples);
    if (!samples)
        check_die("out of memory");
    for (unsigned i = from; i < to; i++)
        samples[n++] = times->ns[i % WITNESS_SAMPLES];
    if (n == 0 && since > 0)
        samples[n++] = mono_now().ns - since;
    return check_percentile(samples, n, p);
}
