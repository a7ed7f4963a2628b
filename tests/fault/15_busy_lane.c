/*
 * A lane that never sleeps, for two sessions of it pour into their channels without a pause. A
 * third one there reads from its own again after that was full: it gets all that waits, and soon,
 * though the bell that tells of the room ends no sleep.
 */
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "harness/stage.h"

#define WAIT_MS 20000
#define POURING 2 /* with the reader and the writer they fill one lane */
#define MESSAGES 400
#define TEXT_BYTES 1000 /* of a message: all are several times what a ring holds */
#define POURED_MAX 4000 /* while it reads; before the hub looked for room there were 40,000 */
#define HERE (ABILITY_LINES | ABILITY_CHANNEL)

struct lane_play {
    struct stage stage;
    atomic_int n_pouring;
    atomic_ulong n_poured; /* batches */
    struct raw reader, writer;
};

static void lane_join(struct lane_play *play, struct raw *raw, unsigned abilities) {
    if (raw_join(raw, play->stage.dir, user_handle(), abilities) != RAW_WELCOME)
        check_die("no session is to be had: %s", raw->reason);
}

/* Until it is killed. */
static int pour_main(void *arg) {
    struct lane_play *play = arg;
    static struct raw raw;
    struct raw_batch batch;
    lane_join(play, &raw, HERE);
    if (raw_take_channel(&raw, WAIT_MS) != QUEUE_OK)
        check_die("no channel is to be had");
    raw_batch_start(&batch, raw.session);
    while (raw_batch_add(&batch, &(struct frame){.type = FRAME_READY}))
        ;
    size_t n = cursor_out_used(&batch.out);
    for (bool counts = false;; counts = true) {
        while (batch_ring_put(&raw.channel.up, batch.message.data, n) != BATCH_RING_OK)
            ; /* waiting for room would give the lane time to sleep */
        if (batch_ring_is_reader_due(&raw.channel.up))
            (void)queue_ring_bell(raw.lane, HUB_MTYPE, raw.session);
        atomic_fetch_add(&play->n_poured, 1);
        if (!counts)
            atomic_fetch_add(&play->n_pouring, 1);
    }
}

static bool all_pour(void *arg) {
    const struct lane_play *play = arg;
    return atomic_load(&play->n_pouring) == POURING;
}

static bool writer_writes(struct lane_play *play) {
    char text[TEXT_BYTES + 1];
    struct frame frame;
    struct uuid last;
    memset(text, 'x', TEXT_BYTES);
    text[TEXT_BYTES] = '\0';
    for (int i = 0; i < MESSAGES; i++)
        if (raw_say(&play->writer, user_handle(), text, &last) != QUEUE_OK)
            return false;
    do {
        if (raw_await(&play->writer, &frame, FRAME_ACK, WAIT_MS) != QUEUE_OK)
            return false;
    } while (memcmp(&frame.ack.id, &last, sizeof last) != 0);
    return true;
}

static int reader_reads(struct lane_play *play) {
    struct frame frame;
    int n = 0;
    while (n < MESSAGES && raw_next(&play->reader, &frame, WAIT_MS) == QUEUE_OK)
        n += frame.type == FRAME_MESSAGE || frame.type == FRAME_LINE;
    return n;
}

static int lane_main(void *arg) {
    struct lane_play *play = arg;
    pid_t pids[POURING];
    lane_join(play, &play->reader, HERE | ABILITY_LISTEN);
    if (raw_take_channel(&play->reader, WAIT_MS) != QUEUE_OK)
        check_die("no channel is to be had");
    lane_join(play, &play->writer, HERE);
    for (int i = 0; i < POURING; i++)
        pids[i] = user_start(geteuid(), pour_main, play);
    check(check_until(all_pour, play, WAIT_MS), "%d sessions pour into their channels", POURING);
    check(writer_writes(play), "what another one writes meanwhile is acknowledged");
    unsigned long before = atomic_load(&play->n_poured);
    int n = reader_reads(play);
    unsigned long n_poured = atomic_load(&play->n_poured) - before;
    check(n == MESSAGES && n_poured < POURED_MAX,
          "who reads again gets %d of %d messages, while %lu batches are poured", n, MESSAGES,
          n_poured);
    for (int i = 0; i < POURING; i++)
        user_kill(pids[i]);
    raw_leave(&play->reader);
    raw_leave(&play->writer);
    return 0;
}

int main(void) {
    struct stage stage;
    stage_prepare(&stage);
    struct lane_play *play = check_shared(sizeof *play);
    stage_start_hub(&stage, "open");
    play->stage = stage;
    check(user_run(UID_MALLORY, lane_main, play, 4 * WAIT_MS) == 0, "the lane lives");
    return stage_end(&play->stage);
}
