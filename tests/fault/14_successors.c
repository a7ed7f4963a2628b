/*
 * A process is killed while much of what it has sent still waits in its lane or channel, and
 * another one takes its place, on another lane. What the first one had sent counts, but as what was
 * said before: it changes nothing that the second one was told to be done. ROUNDS=N of each kind.
 * test: timeout=200
 */
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "harness/stage.h"

#define ROUNDS 10
#define NEIGHBOURS 3 /* sessions that fill the first lane together with the one that is killed */
#define BATCHES 24   /* it has sent when it is killed, at least */
#define WORK_BYTES 7000
#define WAIT_MS 30000
#define LOOK_MS 5000
#define STAY_MS 600000 /* longer than all rounds */
#define ROOM "#heirs"
#define TOPIC_OLD "of the dead"
#define TOPIC_NEW "of the living"

struct line {
    struct stage stage;
    uid_t uid;
    const char *handle, *neighbour;
    bool by_channel;
    atomic_int n_batches, n_here;
    atomic_bool has_failed, may_leave;
};

static int line_fail(struct line *line, const char *who, const struct raw *raw) {
    check_note("%s: %s", who, raw->reason);
    atomic_store(&line->has_failed, true);
    return 1;
}

static bool line_may_leave(void *arg) {
    return atomic_load(&((struct line *)arg)->may_leave);
}

static int neighbours_stay(void *arg) {
    static struct raw raw[NEIGHBOURS];
    struct line *line = arg;
    for (int i = 0; i < NEIGHBOURS; i++) {
        if (raw_join(&raw[i], line->stage.dir, line->neighbour, ABILITY_LISTEN) != RAW_WELCOME)
            return line_fail(line, "a neighbour", &raw[i]);
        atomic_fetch_add(&line->n_here, 1);
    }
    check_until(line_may_leave, line, STAY_MS);
    for (int i = 0; i < NEIGHBOURS; i++)
        raw_leave(&raw[i]);
    return 0;
}

static void fill_topic(struct frame *frame, const char *text, uint32_t request) {
    *frame = (struct frame){
        .type = FRAME_TOPIC,
        .topic = {.request = request, .room = bytes_of(ROOM), .topic = bytes_of(text)}};
}

static int line_enter(struct line *line, struct raw *raw) {
    struct frame join = {.type = FRAME_JOIN, .join = {.request = 1, .room = bytes_of(ROOM)}};
    if (raw_join(raw, line->stage.dir, line->handle, ABILITY_LISTEN | ABILITY_CHANNEL) !=
            RAW_WELCOME ||
        raw_ask(raw, &join, 1, WAIT_MS) != 0)
        return line_fail(line, "who comes into the room", raw);
    return 0;
}

/* Messages to be stored, and behind them the topic; until it is killed. */
static int first_pours(void *arg) {
    struct line *line = arg;
    struct raw raw;
    struct frame answer, message, topic;
    if (line_enter(line, &raw) != 0)
        return 1;
    if (line->by_channel && raw_take_channel(&raw, WAIT_MS) != 0)
        return line_fail(line, "no channel", &raw);
    fill_topic(&topic, TOPIC_OLD, 2);
    for (;;) {
        struct raw_batch batch;
        raw_batch_start(&batch, raw.session);
        do
            raw_fill_send(&message, line->neighbour, "to be stored");
        while (raw_batch_add(&batch, &message) && cursor_out_used(&batch.out) < WORK_BYTES);
        raw_batch_add(&batch, &topic);
        if (raw_batch_go(&raw, &batch) != QUEUE_OK)
            return line_fail(line, "who is to be killed", &raw);
        atomic_fetch_add(&line->n_batches, 1);
        while (raw_next(&raw, &answer, 0) == QUEUE_OK)
            ;
    }
}

static bool has_poured(void *arg) {
    struct line *line = arg;
    return atomic_load(&line->n_batches) >= BATCHES || atomic_load(&line->has_failed);
}

static bool neighbours_are_here(void *arg) {
    struct line *line = arg;
    return atomic_load(&line->n_here) == NEIGHBOURS || atomic_load(&line->has_failed);
}

/* The topic that is shown; "": none, or no answer. */
static void look_at_topic(struct raw *raw, char topic[64]) {
    struct frame frame = {.type = FRAME_LIST, .list = {.request = 9, .what = LIST_ROOMS}};
    topic[0] = '\0';
    if (raw_send(raw, &frame) != QUEUE_OK)
        return;
    while (raw_next(raw, &frame, LOOK_MS) == QUEUE_OK) {
        if (frame.type == FRAME_DONE && frame.done.request == 9)
            return;
        if (frame.type == FRAME_ROOM && frame.room.room.n == strlen(ROOM))
            snprintf(topic, 64, "%.*s", (int)frame.room.topic.n,
                     (const char *)frame.room.topic.data);
    }
}

struct crowd {
    struct raw *raw;
    int n_sessions;
};

static bool are_so_many(void *arg) {
    const struct crowd *crowd = arg;
    int n_sessions;
    return raw_count_users(crowd->raw, &n_sessions) >= 0 && n_sessions == crowd->n_sessions;
}

static int second_follows(void *arg) {
    struct line *line = arg;
    struct raw raw;
    struct frame topic;
    char shown[64];
    if (line_enter(line, &raw) != 0)
        return 1;
    fill_topic(&topic, TOPIC_NEW, 3);
    if (raw_ask(&raw, &topic, 3, WAIT_MS) != 0)
        return line_fail(line, "the successor", &raw);
    struct crowd crowd = {&raw, NEIGHBOURS + 1};
    if (!check_until(are_so_many, &crowd, WAIT_MS))
        return line_fail(line, "the dead one stays", &raw);
    look_at_topic(&raw, shown);
    raw_leave(&raw);
    if (strcmp(shown, TOPIC_NEW) == 0)
        return 0;
    check_note("the topic is '%s'", shown);
    return 1;
}

static bool line_round(struct line *line) {
    atomic_store(&line->n_batches, 0);
    pid_t first = user_start(line->uid, first_pours, line);
    bool pours = check_until(has_poured, line, WAIT_MS);
    if (!pours)
        check_note("only %d batches were sent", atomic_load(&line->n_batches));
    user_kill(first);
    return pours && user_run(line->uid, second_follows, line, 2 * WAIT_MS) == 0;
}

static void line_check(struct line *line, bool by_channel, const char *what) {
    int n = (int)check_env("ROUNDS", ROUNDS), n_right = 0;
    line->by_channel = by_channel;
    atomic_store(&line->n_here, 0);
    atomic_store(&line->may_leave, false);
    pid_t neighbours = user_start(line->uid, neighbours_stay, line);
    check_until(neighbours_are_here, line, WAIT_MS);
    for (int i = 0; i < n && !atomic_load(&line->has_failed); i++)
        n_right += line_round(line);
    atomic_store(&line->may_leave, true);
    check(user_wait(neighbours, WAIT_MS) == 0 && n_right == n,
          "%s: %d of %d times the successor's word was the last", what, n_right, n);
}

static void line_begin(struct line *line, uid_t uid, const char *mode, const char *handle,
                       const char *neighbour) {
    line->uid = uid;
    line->handle = handle;
    line->neighbour = neighbour;
    stage_start_hub(&line->stage, mode);
}

int main(void) {
    struct stage stage;
    stage_prepare(&stage);
    stage.durable = true;
    struct line *line = check_shared(sizeof *line);
    line->stage = stage;
    line_begin(line, UID_MALLORY, "open", "heir", "neighbour");
    line_check(line, false, "a lane");
    line_check(line, true, "a channel");
    hub_stop(&line->stage.hub);
    line_begin(line, UID_HUB, NULL, "heir-at-home", "lodger");
    line_check(line, false, "a lane of a private hub");
    line_check(line, true, "a channel of a private hub");
    return stage_end(&line->stage);
}
