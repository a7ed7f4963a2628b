/*
 * To the channel and back, again and again: a hub that sends its sessions back to their queues as
 * soon as they are quiet. Nothing is lost, doubled or out of order; who never answers keeps what he
 * has; and who is killed with a full ring has said all that is in it.
 */
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "harness/stage.h"
#include "ipc/shm.h"

#define ANSWER_MS 20000
#define PLAY_MS 240000
#define MESSAGES 30000
#define BURST 500 /* then it is quiet, so long: */
#define QUIET_STEP_NS 30000000L
#define HERE (ABILITY_LISTEN | ABILITY_ALL_ROOMS | ABILITY_LINES | ABILITY_CHANNEL)
#define ROOM "#order"

static struct stage stage;
static struct raw sender, reader;
static unsigned n_taken, n_wrong;

static bool enter(struct raw *raw, const char *handle, unsigned abilities) {
    struct frame frame = {.type = FRAME_JOIN, .join = {1, bytes_of(ROOM)}};
    return raw_join(raw, stage.dir, handle, abilities) == RAW_WELCOME &&
           raw_ask(raw, &frame, 1, ANSWER_MS) == 0;
}

/* A message is its number, and something behind it. False: none has come. */
static bool take_line(int ms) {
    struct frame frame;
    if (raw_await(&reader, &frame, FRAME_LINE, ms) != QUEUE_OK)
        return false;
    n_wrong += (unsigned)strtoul(frame.line.text.data, NULL, 10) != n_taken;
    n_taken++;
    return true;
}

static void say_number(unsigned i, unsigned flags) {
    char text[512];
    struct frame frame;
    snprintf(text, sizeof text, "%u %0*d", i, (int)(1 + i * 7 % 300), 0);
    raw_fill_send(&frame, ROOM, text);
    frame.flags = (uint8_t)flags;
    (void)raw_send(&sender, &frame);
    while (raw_next(&sender, &frame, 0) == QUEUE_OK)
        ;
}

/* A channel whenever it has none; the hub takes it back when it is quiet. */
static void keep_channel(struct raw *raw) {
    if (!channel_is_open(&raw->channel))
        (void)raw_offer_channel(raw);
}

static int switch_again_and_again(void *arg) {
    (void)arg;
    if (!enter(&reader, "reader", HERE) || !enter(&sender, "sender", HERE))
        return 1;
    for (unsigned i = 0; i < MESSAGES; i++) {
        say_number(i, i % 50 == 0 ? FRAME_ACK_NOW : 0);
        while (take_line(0))
            ;
        if (i % BURST == 0)
            nanosleep(&(struct timespec){.tv_nsec = (long)(i / BURST % 6) * QUIET_STEP_NS}, NULL);
        if (i % 3 == 0)
            keep_channel(&sender);
        if (i % 7 == 0)
            keep_channel(&reader);
    }
    while (n_taken < MESSAGES && take_line(ANSWER_MS))
        ;
    check(n_taken == MESSAGES && n_wrong == 0, "%u messages, %u of them out of order", n_taken,
          n_wrong);
    check(sender.n_switches > 20 && reader.n_switches > 20,
          "over %u switches of the sender and %u of the reader", sender.n_switches,
          reader.n_switches);
    raw_leave(&sender);
    raw_leave(&reader);
    return 0;
}

/* The hub goes back to the mailbox, and the client stays. */
static int never_answer(void *arg) {
    struct frame frame;
    (void)arg;
    if (raw_join(&sender, stage.dir, "stays", HERE) != RAW_WELCOME ||
        raw_take_channel(&sender, ANSWER_MS) != QUEUE_OK)
        return 1;
    sender.never_switches = true;
    if (raw_await(&sender, &frame, FRAME_SWITCH, ANSWER_MS) != QUEUE_OK ||
        frame.switch_to.to != SWITCH_TO_QUEUE)
        return 2;
    sender.by_down = false;
    if (!raw_is_served(&sender))
        return 3;
    sender.never_switches = false;
    sender.by_down = true;
    raw_drop(&sender);
    return 0;
}

struct death {
    atomic_int shmid; /* 0: not yet */
    atomic_bool is_paused, is_full;
    atomic_uint n_put;
};

static bool is_paused(void *arg) {
    struct death *death = arg;
    return atomic_load(&death->is_paused);
}

static bool has_channel(void *arg) {
    struct death *death = arg;
    return atomic_load(&death->shmid) != 0;
}

static bool is_full(void *arg) {
    struct death *death = arg;
    return atomic_load(&death->is_full);
}

/* So many numbers that there is no room for more; then it waits for its end. */
static int fill_ring(void *arg) {
    struct death *death = arg;
    struct raw_batch batch;
    struct frame frame;
    char text[32];
    int r = BATCH_RING_OK;
    if (!enter(&sender, "dies", HERE) || raw_take_channel(&sender, ANSWER_MS) != QUEUE_OK)
        return 1;
    atomic_store(&death->shmid, sender.channel.shmid);
    if (!check_until(is_paused, death, ANSWER_MS))
        return 2;
    for (unsigned n = 0; r == BATCH_RING_OK; n++) {
        atomic_store(&death->n_put, n);
        snprintf(text, sizeof text, "%u.", n);
        raw_fill_send(&frame, ROOM, text);
        raw_batch_start(&batch, sender.session);
        (void)raw_batch_add(&batch, &frame);
        r = batch_ring_put(&sender.channel.up, batch.message.data, cursor_out_used(&batch.out));
    }
    atomic_store(&death->is_full, true);
    pause();
    return 3;
}

static bool is_gone(void *arg) {
    const struct death *death = arg;
    struct shm_segment segment;
    return shm_stat_any(atomic_load(&death->shmid), &segment) == SHM_GONE;
}

/* No bell was rung for it: the death itself makes the hub look into the ring. */
static void die_with_a_full_ring(void) {
    struct death *death = check_shared(sizeof *death);
    if (!enter(&reader, "heir", HERE))
        check_die("nobody can read");
    pid_t pid = user_start(UID_MALLORY, fill_ring, death);
    if (!check_until(has_channel, death, ANSWER_MS))
        check_die("no channel is to be had");
    hub_pause(&stage.hub);
    atomic_store(&death->is_paused, true);
    bool was_full = check_until(is_full, death, ANSWER_MS);
    user_kill(pid);
    hub_resume(&stage.hub);
    unsigned n_put = atomic_load(&death->n_put);
    n_taken = n_wrong = 0;
    while (n_taken < n_put && take_line(ANSWER_MS))
        ;
    check(was_full && n_put > 100 && n_taken == n_put && n_wrong == 0,
          "killed with %u messages in its ring: %u arrive, %u out of order", n_put, n_taken,
          n_wrong);
    check(check_until(is_gone, death, ANSWER_MS), "its segment is gone");
    raw_leave(&reader);
}

int main(void) {
    stage_prepare(&stage);
    stage.more[0] = "--channel-quiet";
    stage.more[1] = "0.05";
    stage_start_hub(&stage, "open");
    if (!bystanders_start(&stage.pair, stage.dir, 1000))
        check_die("the bystanders cannot talk: %s", stage.pair.talk->wrong);
    int r = user_run(UID_MALLORY, switch_again_and_again, NULL, PLAY_MS);
    check(r == 0, "to channels and back, again and again (%d)", r);
    r = user_run(UID_MALLORY, never_answer, NULL, PLAY_MS);
    check(r == 0, "who does not follow the hub back to the queues goes on (%d)", r);
    die_with_a_full_ring();
    stage_check_talk(&stage, "after all that");
    stage_check_no_segment("after all that", ANSWER_MS);
    return stage_end(&stage);
}
