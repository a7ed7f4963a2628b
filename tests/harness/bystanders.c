#include "harness/bystanders.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "harness/check.h"
#include "harness/raw.h"
#include "harness/user.h"

static void bystanders_note_wrong(struct bystanders_talk *talk, const char *who, const char *what) {
    if (atomic_fetch_add(&talk->n_wrong, 1) == 0)
        snprintf(talk->wrong, sizeof talk->wrong, "%s: %s", who, what);
}

/* A message under the name of a bystander must come from its uid. */
static bool bystanders_is_forged(const struct frame_message *message) {
    return (bytes_equal(message->from, bytes_of("alice")) && message->uid != UID_ALICE) ||
           (bytes_equal(message->from, bytes_of("bob")) && message->uid != UID_BOB);
}

/* The next message from `from`; anything from others is passed over. */
static int bystanders_next_from(struct raw *raw, struct bystanders_talk *talk, const char *me,
                                const char *from, struct frame *frame) {
    for (;;) {
        int r = raw_next(raw, frame, -1);
        if (r != QUEUE_OK) {
            bystanders_note_wrong(talk, me, raw_result_text(r));
            return r;
        }
        if (frame->type == FRAME_MESSAGE && bystanders_is_forged(&frame->message))
            bystanders_note_wrong(talk, me,
                                  "got a message under a name that its sender does not own");
        if (frame->type == FRAME_REFUSED)
            bystanders_note_wrong(talk, me, "a message was refused");
        if (frame->type == FRAME_MESSAGE && bytes_equal(frame->message.from, bytes_of(from)))
            return QUEUE_OK;
    }
}

static bool bystanders_join(struct raw *raw, struct bystanders_talk *talk, const char *handle) {
    if (raw_join_link(raw, talk->dir, handle, ABILITY_LISTEN, getuid()) != RAW_WELCOME) {
        bystanders_note_wrong(talk, handle, "could not join");
        return false;
    }
    atomic_fetch_add(&talk->n_here, 1);
    return true;
}

static int bystanders_bob_main(void *arg) {
    struct bystanders_talk *talk = arg;
    struct raw raw;
    struct frame frame;
    if (!bystanders_join(&raw, talk, "bob"))
        return 1;
    while (bystanders_next_from(&raw, talk, "bob", "alice", &frame) == QUEUE_OK) {
        char text[64];
        snprintf(text, sizeof text, "%.*s", (int)frame.message.body.n, frame.message.body.data);
        raw_say(&raw, "alice", text, NULL);
    }
    return 1;
}

static bool bystanders_talk_once(struct raw *raw, struct bystanders_talk *talk,
                                 unsigned long round) {
    char text[64];
    struct frame frame;
    snprintf(text, sizeof text, "round %lu", round);
    mono_time begin = mono_now();
    if (raw_say(raw, "bob", text, NULL) != QUEUE_OK ||
        bystanders_next_from(raw, talk, "alice", "bob", &frame) != QUEUE_OK)
        return false;
    if (!bytes_equal(frame.message.body, bytes_of(text)))
        bystanders_note_wrong(talk, "alice", "the answer was not what bob was sent");
    if (round < BYSTANDER_SAMPLES)
        talk->round_ns[round] = mono_now().ns - begin.ns;
    atomic_store(&talk->n_rounds, round + 1);
    return true;
}

static bool bystanders_both_here(void *arg) {
    struct bystanders_talk *talk = arg;
    return atomic_load(&talk->n_here) == 2 || atomic_load(&talk->n_wrong) > 0;
}

static int bystanders_alice_main(void *arg) {
    struct bystanders_talk *talk = arg;
    struct timespec pause = {.tv_nsec = talk->pause_us * 1000L};
    struct raw raw;
    if (!bystanders_join(&raw, talk, "alice"))
        return 1;
    atomic_store(&talk->alice_session, raw.session);
    atomic_store(&talk->alice_lane, raw.lane);
    atomic_store(&talk->alice_mailbox, raw.mailbox);
    atomic_store(&talk->alice_pid, raw.pid);
    check_until(bystanders_both_here, talk, 10000);
    for (unsigned long round = 0; bystanders_talk_once(&raw, talk, round); round++)
        nanosleep(&pause, NULL);
    bystanders_note_wrong(talk, "alice", "cannot talk any more");
    return 1;
}

bool bystanders_start(struct bystanders *pair, const char *dir, int pause_us) {
    pair->talk = check_shared(sizeof *pair->talk);
    snprintf(pair->talk->dir, sizeof pair->talk->dir, "%s", dir);
    pair->talk->pause_us = pause_us;
    pair->bob = user_start(UID_BOB, bystanders_bob_main, pair->talk);
    pair->alice = user_start(UID_ALICE, bystanders_alice_main, pair->talk);
    return bystanders_keep_talking(pair, 10, 10000);
}

struct bystanders_goal {
    struct bystanders_talk *talk;
    unsigned long n_rounds;
};

static bool bystanders_reached(void *arg) {
    const struct bystanders_goal *goal = arg;
    return atomic_load(&goal->talk->n_rounds) >= goal->n_rounds ||
           atomic_load(&goal->talk->n_wrong) > 0;
}

bool bystanders_keep_talking(struct bystanders *pair, unsigned long n, int ms) {
    struct bystanders_goal goal = {pair->talk, atomic_load(&pair->talk->n_rounds) + n};
    if (!check_until(bystanders_reached, &goal, ms)) {
        check_note("bystanders: only %lu of %lu rounds", atomic_load(&pair->talk->n_rounds),
                   goal.n_rounds);
        return false;
    }
    if (atomic_load(&pair->talk->n_wrong) > 0)
        check_note("bystanders: %s", pair->talk->wrong);
    return atomic_load(&pair->talk->n_wrong) == 0;
}

int64_t bystanders_percentile(const struct bystanders *pair, unsigned long from, double p) {
    unsigned long to = atomic_load(&pair->talk->n_rounds);
    if (to > BYSTANDER_SAMPLES)
        to = BYSTANDER_SAMPLES;
    if (from >= to)
        return 0;
    CLEANUP_FREE int64_t *samples = malloc((to - from) * sizeof *samples);
    if (!samples)
        check_die("out of memory");
    memcpy(samples, pair->talk->round_ns + from, (to - from) * sizeof *samples);
    return check_percentile(samples, to - from, p);
}

void bystanders_stop(struct bystanders *pair) {
    if (pair->alice > 0)
        user_kill(pair->alice);
    if (pair->bob > 0)
        user_kill(pair->bob);
    pair->alice = pair->bob = 0;
}
