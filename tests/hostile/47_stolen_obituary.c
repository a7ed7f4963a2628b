/*
 * A user may read his own lanes. When a process of his dies he takes away what the hub has put
 * there in its name, so that the session does not end. It ends soon after he is through with that,
 * and nothing of it is left.
 */
#include <stdio.h>
#include <sys/msg.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/stage.h"

#define WAIT_MS 60000

static struct stage stage;

static void steal(int lane) {
    struct queue_message message;
    (void)msgrcv(lane, &message, sizeof message.data, OBITUARY_MTYPE, 0);
}

/* In msgrcv(2). */
static bool thief_waits(void *arg) {
    const pid_t *pid = arg;
    char path[64], state = 0;
    snprintf(path, sizeof path, "/proc/%d/stat", *pid);
    FILE *file = fopen(path, "re");
    if (!file)
        return false;
    int n = fscanf(file, "%*d %*s %c", &state);
    fclose(file);
    return n == 1 && state == 'S';
}

static uint64_t n_sessions(struct raw *raw) {
    struct frame frame = {.type = FRAME_LIST, .list = {1, LIST_COUNTERS, bytes_of("")}};
    uint64_t n = 0;
    if (raw_send(raw, &frame) != QUEUE_OK)
        return 0;
    while (raw_next(raw, &frame, WAIT_MS) == QUEUE_OK && frame.type != FRAME_DONE)
        if (frame.type == FRAME_COUNTER && bytes_equal(frame.counter.key, bytes_of("sessions")))
            n = frame.counter.value;
    return n;
}

static bool is_alone(void *arg) {
    return n_sessions(arg) == 1;
}

static void die(int lane) {
    struct raw raw;
    bool joined = raw_join(&raw, stage.dir, user_handle(), 0) == RAW_WELCOME;
    _exit(joined && raw.lane == lane ? 0 : 1);
}

static int mallory(void *arg) {
    struct raw raw;
    int status = 1;
    (void)arg;
    if (raw_join(&raw, stage.dir, user_handle(), 0) != RAW_WELCOME)
        return 2;
    pid_t thief = fork();
    if (thief == 0) {
        steal(raw.lane);
        _exit(0);
    }
    bool waits = thief > 0 && check_until(thief_waits, &thief, WAIT_MS);
    if (!waits || n_sessions(&raw) != 1) /* then the hub waits behind the thief */
        return 3;
    pid_t dead = fork();
    if (dead == 0)
        die(raw.lane);
    if (dead < 0 || waitpid(dead, &status, 0) != dead || status != 0)
        return 4;
    if (waitpid(thief, &status, 0) != thief || status != 0)
        return 5;
    check(n_sessions(&raw) == 2, "what was to end the session is stolen");
    check(check_until(is_alone, &raw, WAIT_MS), "it ends all the same");
    raw_leave(&raw);
    return 0;
}

int main(void) {
    stage_prepare(&stage);
    stage_start_hub(&stage, "open");
    int result = user_run(UID_MALLORY, mallory, NULL, 3 * WAIT_MS);
    check(result == 0, "she leaves (%d)", result);
    return stage_end(&stage);
}
