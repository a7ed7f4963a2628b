/*
 * Channels, and those who misuse them: segments that are not what they should be, SWITCH at the
 * wrong moment, rings full of nonsense, floods of bells, a ring that nobody reads, and as many of
 * them as there may be. What breaks the protocol ends the session, and nobody else notices.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <unistd.h>

#include "harness/stage.h"
#include "ipc/shm.h"

#define UID_PLAYERS 61200
#define ANSWER_MS 10000
#define PLAY_MS 120000
#define HERE (ABILITY_LISTEN | ABILITY_ALL_ROOMS | ABILITY_LINES | ABILITY_CHANNEL)

/* Where in the segment they stand, see ipc/channel.c. */
#define RING_LINE 128
#define RING_BYTES (4 * RING_LINE + CHANNEL_RING_BYTES)
#define AT_HEAD 0
#define AT_TAIL RING_LINE
#define AT_BYTES (4 * RING_LINE)

static struct stage stage;
static struct raw raw, other;

static void play_join(struct raw *player, unsigned abilities) {
    while (raw_join(player, stage.dir, user_handle(), abilities) != RAW_WELCOME)
        raw_drop(player);
}

/* With a channel in both directions. */
static void play_join_by_channel(void) {
    play_join(&raw, HERE);
    if (raw_take_channel(&raw, ANSWER_MS) != QUEUE_OK)
        check_die("no channel is to be had");
}

/* What a play comes to. */
enum { PLAY_GOES_ON, PLAY_IS_ENDED, PLAY_IS_WRONG };

static bool is_ended(void *arg) {
    struct queue_info info;
    (void)arg;
    return queue_stat(raw.mailbox, &info) != QUEUE_OK;
}

/* The session goes on if the hub answers, and is over when its mailbox is gone. */
static int play_outcome(void) {
    if (raw_is_served(&raw))
        return PLAY_GOES_ON;
    return check_until(is_ended, NULL, ANSWER_MS) ? PLAY_IS_ENDED : PLAY_IS_WRONG;
}

static void ring(void) {
    (void)queue_ring_bell(raw.lane, HUB_MTYPE, raw.session);
}

/* The hub is to see the lie before anything else is written over it. */
static int lie_outcome(void) {
    ring();
    return check_until(is_ended, NULL, ANSWER_MS) ? PLAY_IS_ENDED : PLAY_IS_WRONG;
}

static void say_switch(enum switch_to to) {
    struct frame frame = {.type = FRAME_SWITCH, .switch_to = {(uint8_t)to}};
    (void)raw_send(&raw, &frame);
}

static void *up_at(size_t at) {
    return (uint8_t *)raw.channel.memory + at;
}

static void *down_at(size_t at) {
    return (uint8_t *)raw.channel.memory + RING_BYTES + at;
}

static void set_word(void *at, uint32_t word) {
    atomic_store((_Atomic uint32_t *)at, word);
}

static uint32_t word_at(void *at) {
    return atomic_load((_Atomic uint32_t *)at);
}

/* Segments and switches. */

static int play_well(void) {
    play_join_by_channel();
    return play_outcome();
}

static int play_without_ability(void) {
    play_join(&raw, HERE & ~(unsigned)ABILITY_CHANNEL);
    (void)raw_offer_channel(&raw);
    return play_outcome();
}

static int offer_segment(int shmid) {
    struct frame frame = {.type = FRAME_CHANNEL, .channel = {(uint32_t)shmid}};
    play_join(&raw, HERE);
    raw.never_switches = true;
    (void)raw_send(&raw, &frame);
    if (raw_await(&raw, &frame, FRAME_SWITCH, ANSWER_MS) != QUEUE_OK ||
        frame.switch_to.to != SWITCH_TO_QUEUE)
        return PLAY_IS_WRONG;
    return play_outcome();
}

static int play_size(void) {
    int shmid;
    void *memory;
    if (shm_create(&shmid, &memory, channel_bytes() - 1, UID_HUB) != 0)
        return PLAY_IS_WRONG;
    return offer_segment(shmid);
}

static int play_not_given(void) {
    int shmid;
    void *memory;
    if (shm_create(&shmid, &memory, channel_bytes(), getuid()) != 0)
        return PLAY_IS_WRONG;
    return offer_segment(shmid);
}

/* To touch one of its pages may be SIGBUS. Only a group may have them: that of root, by default. */
static int play_huge_pages(void) {
    int shmid =
        shmget(IPC_PRIVATE, channel_bytes(), IPC_CREAT | 0600 | SHM_HUGETLB | SHM_NORESERVE);
    struct shmid_ds ds = {.shm_perm = {.uid = UID_HUB, .gid = getgid(), .mode = 0600}};
    if (shmid < 0)
        check_note("no huge pages here");
    else if (shmat(shmid, NULL, 0) == NULL || shmctl(shmid, IPC_RMID, NULL) < 0 ||
             shmctl(shmid, IPC_SET, &ds) < 0)
        return PLAY_IS_WRONG;
    return offer_segment(shmid);
}

static int foreign_shmid; /* our own, who are root */

static int play_foreign(void) {
    return offer_segment(foreign_shmid);
}

static int play_any_number(void) {
    return offer_segment(-1) == PLAY_GOES_ON ? offer_segment(123456789) : PLAY_IS_WRONG;
}

static int play_second(void) {
    play_join_by_channel();
    struct frame frame = {.type = FRAME_CHANNEL, .channel = {(uint32_t)raw.channel.shmid}};
    (void)raw_send(&raw, &frame);
    return play_outcome();
}

static int play_second_at_once(void) {
    play_join(&raw, HERE);
    raw.never_switches = true;
    (void)raw_offer_channel(&raw);
    struct frame frame = {.type = FRAME_CHANNEL, .channel = {(uint32_t)raw.channel.shmid}};
    (void)raw_send(&raw, &frame);
    return play_outcome();
}

static int play_switch_without(void) {
    play_join(&raw, HERE);
    say_switch(SWITCH_TO_CHANNEL);
    return play_outcome();
}

static int play_switch_twice(void) {
    play_join_by_channel();
    say_switch(SWITCH_TO_CHANNEL);
    return play_outcome();
}

static int play_switch_unasked(void) {
    play_join_by_channel();
    say_switch(SWITCH_TO_QUEUE);
    return play_outcome();
}

static int play_behind_switch(void) {
    struct raw_batch batch;
    struct frame frame = {.type = FRAME_SWITCH, .switch_to = {SWITCH_TO_CHANNEL}};
    struct frame ready = {.type = FRAME_READY};
    play_join(&raw, HERE);
    raw.never_switches = true;
    (void)raw_offer_channel(&raw);
    (void)raw_await(&raw, &ready, FRAME_SWITCH, ANSWER_MS);
    raw_batch_start(&batch, raw.session);
    raw_batch_add(&batch, &frame);
    raw_batch_add(&batch, &(struct frame){.type = FRAME_READY});
    (void)raw_batch_send(&batch, raw.lane, HUB_MTYPE);
    return play_outcome();
}

static int play_lane_meanwhile(void) {
    play_join_by_channel();
    raw.by_up = false;
    return play_outcome();
}

/* Rings. */

static int play_up_index(void) {
    play_join_by_channel();
    set_word(up_at(AT_HEAD), word_at(up_at(AT_HEAD)) + 2 * CHANNEL_RING_BYTES);
    return lie_outcome();
}

static int play_up_back(void) {
    play_join_by_channel();
    set_word(up_at(AT_HEAD), word_at(up_at(AT_HEAD)) - 100);
    return lie_outcome();
}

static int lie_about_length(uint32_t length) {
    play_join_by_channel();
    uint32_t head = word_at(up_at(AT_HEAD));
    memcpy(up_at(AT_BYTES + head % CHANNEL_RING_BYTES), &length, sizeof length);
    set_word(up_at(AT_HEAD), head + 100);
    return lie_outcome();
}

static int play_length_zero(void) {
    return lie_about_length(0);
}

static int play_length_long(void) {
    return lie_about_length(UINT32_MAX - 3);
}

static int play_length_beyond(void) {
    return lie_about_length(97);
}

static int put_bytes(const void *bytes, size_t n) {
    play_join_by_channel();
    (void)batch_ring_put(&raw.channel.up, bytes, n);
    ring();
    return play_outcome();
}

static int play_no_envelope(void) {
    static const uint8_t bytes[7] = {PROTO_VERSION};
    return put_bytes(bytes, sizeof bytes);
}

static int play_no_frame(void) {
    uint8_t bytes[ENVELOPE_BYTES + 40] = {0};
    play_join_by_channel();
    struct cursor_out out = cursor_out_of(bytes, sizeof bytes);
    envelope_put(&out, &(struct envelope){PROTO_VERSION, 1, raw.session});
    (void)batch_ring_put(&raw.channel.up, bytes, sizeof bytes);
    ring();
    return play_outcome();
}

/* A second session of the same user, on the same lane, says nothing: in its name. */
static int play_other_envelope(void) {
    struct raw_batch batch;
    struct frame frame;
    play_join_by_channel();
    play_join(&other, HERE);
    raw_batch_start(&batch, other.session);
    raw_fill_send(&frame, "alice", "in another name");
    raw_batch_add(&batch, &frame);
    (void)raw_batch_go(&raw, &batch);
    bool is_other_served = raw_is_served(&other);
    raw_leave(&other);
    return is_other_served ? play_outcome() : PLAY_IS_WRONG;
}

/* The hub has put in what it does not believe to have been taken out. */
static int play_down_index(void) {
    play_join_by_channel();
    set_word(down_at(AT_TAIL), word_at(down_at(AT_HEAD)) + 2 * CHANNEL_RING_BYTES);
    for (int i = 0; i < 100; i++) {
        struct frame frame = {.type = FRAME_LIST, .list = {1, LIST_COUNTERS, bytes_of("")}};
        if (raw_send(&raw, &frame) != QUEUE_OK)
            break;
    }
    return lie_outcome();
}

/*
 * Pages that are taken away come back when they are touched, full of zeros: that is a lie like any
 * other. It is no SIGBUS, for the segment keeps its size.
 */
static int punch(void) {
    return madvise(raw.channel.memory, channel_bytes(), MADV_REMOVE);
}

/* Else there is no lie: a ring full of zeros is one that was never used. */
static bool is_taken(void *arg) {
    (void)arg;
    return word_at(up_at(AT_TAIL)) == word_at(up_at(AT_HEAD));
}

static int play_holes(void) {
    struct raw_batch batch;
    play_join_by_channel();
    raw_batch_start(&batch, raw.session);
    raw_batch_add(&batch, &(struct frame){.type = FRAME_READY});
    for (int i = 0; i < 10; i++)
        (void)raw_batch_go(&raw, &batch);
    return check_until(is_taken, NULL, ANSWER_MS) && punch() == 0 ? lie_outcome() : PLAY_IS_WRONG;
}

static void *punch_on(void *is_over) {
    while (!atomic_load((atomic_bool *)is_over) && punch() == 0)
        while (!atomic_load((atomic_bool *)is_over) && word_at(up_at(AT_TAIL)) == 0)
            ; /* the hub is to have taken something in between */
    return NULL;
}

/* While the hub reads and writes there. */
static int play_holes_meanwhile(void) {
    struct raw_batch batch;
    pthread_t thread;
    atomic_bool is_over = false;
    play_join_by_channel();
    raw_batch_start(&batch, raw.session);
    while (raw_batch_add(&batch, &(struct frame){.type = FRAME_READY}))
        ;
    if (pthread_create(&thread, NULL, punch_on, &is_over) != 0)
        return PLAY_IS_WRONG;
    mono_time until = mono_add_ms(mono_now(), ANSWER_MS);
    while (!is_ended(NULL) && mono_now().ns < until.ns) {
        (void)batch_ring_put(&raw.channel.up, batch.message.data, cursor_out_used(&batch.out));
        ring();
    }
    atomic_store(&is_over, true);
    pthread_join(thread, NULL);
    return is_ended(NULL) ? PLAY_IS_ENDED : PLAY_IS_WRONG;
}

/* The flags are set all the time, and the queues are full of bells. */
static int play_bells(void) {
    play_join_by_channel();
    for (int i = 0; i < 200000; i++)
        ring();
    return play_outcome();
}

static int play_empty_batches(void) {
    struct raw_batch batch;
    play_join_by_channel();
    raw_batch_start(&batch, raw.session);
    for (int i = 0; i < 100000; i++)
        (void)raw_batch_go(&raw, &batch);
    return play_outcome();
}

/* Refused as long as too many lists wait for being read. */
static bool is_served(void *arg) {
    (void)arg;
    return raw_is_served(&raw);
}

static int play_never_read(void) {
    struct frame frame = {.type = FRAME_LIST, .list = {1, LIST_COUNTERS, bytes_of("")}};
    play_join_by_channel();
    for (int i = 0; i < 20000; i++)
        (void)raw_send(&raw, &frame);
    return check_until(is_served, NULL, ANSWER_MS) ? PLAY_GOES_ON : play_outcome();
}

/* Every channel that the user may have; the next one is refused, and no harm done. */
static int play_many(void) {
    static struct raw many[200];
    size_t n = 0;
    for (; n < ARRAY_LEN(many); n++) {
        play_join(&many[n], HERE);
        if (raw_take_channel(&many[n], ANSWER_MS) != QUEUE_OK)
            break;
    }
    check_note("one user has %zu channels", n);
    bool is_served = n > 99 && n < ARRAY_LEN(many) && raw_is_served(&many[n]);
    for (size_t i = 0; i <= n && i < ARRAY_LEN(many); i++)
        raw_leave(&many[i]);
    play_join_by_channel();
    return is_served ? play_outcome() : PLAY_IS_WRONG;
}

static const struct play {
    const char *name;
    int (*run)(void);
    bool ends; /* else the session goes on */
} plays[] = {
    {"a channel like any other", play_well, false},
    {"a channel without the ability", play_without_ability, true},
    {"a segment of another size", play_size, false},
    {"a segment that was not given to the hub", play_not_given, false},
    {"a segment of another user", play_foreign, false},
    {"a segment of huge pages", play_huge_pages, false},
    {"any number for a segment", play_any_number, false},
    {"a second channel", play_second, true},
    {"a second channel before the first one is used", play_second_at_once, true},
    {"a switch without a channel", play_switch_without, true},
    {"a switch twice", play_switch_twice, true},
    {"a switch back that nobody asked for", play_switch_unasked, true},
    {"a frame behind a switch", play_behind_switch, true},
    {"frames in the lane meanwhile", play_lane_meanwhile, true},
    {"an index far ahead", play_up_index, true},
    {"an index that went back", play_up_back, true},
    {"a length of zero", play_length_zero, true},
    {"a length of 4 GiB", play_length_long, true},
    {"a length beyond what is there", play_length_beyond, true},
    {"a batch without an envelope", play_no_envelope, true},
    {"a frame of no length", play_no_frame, true},
    {"a batch of another session", play_other_envelope, true},
    {"more taken than was there", play_down_index, true},
    {"pages that are taken away", play_holes, true},
    {"pages that are taken away all the time", play_holes_meanwhile, true},
    {"a flood of bells", play_bells, false},
    {"a flood of empty batches", play_empty_batches, false},
    {"answers that nobody reads", play_never_read, false},
    {"as many channels as there may be", play_many, false},
};

/* Until it is killed: messages to itself, through as many rings as one lane's thread reads. */
static int flood_main(void *arg) {
    static struct raw many[8];
    struct raw_batch batch;
    struct frame frame;
    (void)arg;
    for (size_t i = 0; i < ARRAY_LEN(many); i++) {
        play_join(&many[i], HERE & ~(unsigned)ABILITY_LISTEN);
        if (raw_take_channel(&many[i], ANSWER_MS) != QUEUE_OK)
            check_die("no channel is to be had");
    }
    for (size_t i = 0;; i = (i + 1) % ARRAY_LEN(many)) {
        raw_batch_start(&batch, many[i].session);
        do
            raw_fill_send(&frame, user_handle(), "the same again");
        while (raw_batch_add(&batch, &frame));
        (void)raw_batch_go(&many[i], &batch);
        while (raw_next(&many[i], &frame, 0) == QUEUE_OK)
            ;
    }
}

static void check_flood(void) {
    pid_t pid = user_start(UID_PLAYERS + ARRAY_LEN(plays), flood_main, NULL);
    for (int i = 0; i < 20; i++)
        if (!bystanders_keep_talking(&stage.pair, 50, ANSWER_MS))
            check_die("alice and bob have fallen silent");
    stage_check_talk(&stage, "under a flood through eight rings of another user");
    user_kill(pid);
}

static int play_main(void *arg) {
    const struct play *play = arg;
    int outcome = play->run();
    raw_drop(&raw);
    play_join(&raw, HERE);
    raw_leave(&raw);
    return outcome;
}

static void check_play(const struct play *play) {
    uid_t uid = UID_PLAYERS + (uid_t)(play - plays);
    gid_t gid = play->run == play_huge_pages ? 0 : uid;
    int r = user_wait(user_start_in_group(uid, gid, play_main, (void *)(uintptr_t)play), PLAY_MS);
    check(r == (play->ends ? PLAY_IS_ENDED : PLAY_GOES_ON), "%s: the session %s (%d)", play->name,
          play->ends ? "is ended, and the next one is given" : "goes on", r);
    stage_check_talk(&stage, play->name);
}

int main(void) {
    void *memory;
    stage_prepare(&stage);
    stage.more[0] = "--channel-quiet";
    stage.more[1] = "3600";
    stage_start_hub(&stage, "open");
    if (!bystanders_start(&stage.pair, stage.dir, 1000))
        check_die("the bystanders cannot talk: %s", stage.pair.talk->wrong);
    if (shm_create(&foreign_shmid, &memory, channel_bytes(), UID_HUB) != 0)
        check_die("no segment can be made");
    for (size_t i = 0; i < ARRAY_LEN(plays); i++)
        check_play(&plays[i]);
    check_flood();
    shm_detach(memory);
    stage_check_no_segment("after all plays", ANSWER_MS);
    return stage_end(&stage);
}
