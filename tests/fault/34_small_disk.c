/*
 * A disk of 6 MiB, which the store's write-ahead log alone could fill. What the log takes is given
 * back by the hub itself: the disk is full only when messages fill it. A hub that may keep only so
 * much deletes the oldest messages then, and goes on; nobody has to look after it.
 * test: timeout=300
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "harness/database.h"
#include "harness/stage.h"
#include "lib/earshot.h"
#include "proto/fail.h"

#define SIZE "size=6m,mode=0700"
#define TEXT_BYTES 2000
#define N_MAX 20000     /* messages: many times what fits */
#define N_FIT 500       /* messages: with their index they take less than the disk */
#define N_TURNOVER 6000 /* messages: twice what fits */
#define N_ROOMS 240     /* more than wait for a full disk */
#define N_TRIES 1000
#define ANSWER_MS 5000
#define JOIN_MS 20000
#define WAIT_MS 30000
#define RUN_MS 120000
#define WATCH_MS 2000
#define CPU_MS_MAX 600 /* under sanitizers, too; who never rests takes all of it */

struct play {
    struct stage stage;
    unsigned long n, n_acked, n_refused; /* n: to be sent, or until the first one is refused: */
    bool until_refused;
    char reason[256];
};

/* One message, and what the hub says to it. */
static int send_one(struct play *play, earshot *link, unsigned long number) {
    char text[TEXT_BYTES + 1];
    struct earshot_event event;
    snprintf(text, sizeof text, "%-*lu", TEXT_BYTES, number);
    struct earshot_message message = {.to = "sender",
                                      .text = text,
                                      .text_n = TEXT_BYTES,
                                      .flags = EARSHOT_ACK_NOW | EARSHOT_WANT_SEQ};
    int r = earshot_send(link, &message, NULL);
    while (r == 0 && (r = earshot_next(link, &event, WAIT_MS)) == EARSHOT_OK) {
        if (event.type == EARSHOT_EVENT_STATE && event.state.state == EARSHOT_STORED) {
            play->n_acked++;
            return 0;
        }
        if (event.type == EARSHOT_EVENT_REFUSED) {
            play->n_refused++;
            snprintf(play->reason, sizeof play->reason, "%s", event.failed.reason);
            return 0;
        }
    }
    snprintf(play->reason, sizeof play->reason, "no answer (%d)", r);
    return 1;
}

static int sender_main(void *arg) {
    struct play *play = arg;
    struct earshot_options options = {
        .hub = play->stage.dir, .handle = "sender", .timeout_ms = JOIN_MS};
    earshot *link = NULL;
    int r = earshot_open(&link, &options);
    for (unsigned long i = 0; r == 0 && i < play->n; i++) {
        r = send_one(play, link, i);
        if (play->until_refused && play->n_refused > 0)
            break;
    }
    earshot_close(link);
    return r;
}

static void send_messages(struct play *play, unsigned long n, bool until_refused) {
    play->n = n;
    play->until_refused = until_refused;
    play->n_acked = play->n_refused = 0;
    int code = user_run(UID_ALICE, sender_main, play, RUN_MS);
    check(code == 0, "the sender has an answer to all (%d): %lu stored, %lu refused%s%s", code,
          play->n_acked, play->n_refused, play->n_refused ? ": " : "",
          play->n_refused ? play->reason : "");
}

static void make_disk(const struct stage *stage) {
    char options[64];
    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        check_skip("cannot make a mount namespace: %s", strerror(errno));
    snprintf(options, sizeof options, SIZE ",uid=%d,gid=%d", UID_HUB, UID_HUB);
    if (mount("tmpfs", stage->state, "tmpfs", 0, options) < 0)
        check_die("%s: %s", stage->state, strerror(errno));
}

static long long size_of(const struct stage *stage, const char *name) {
    struct stat status;
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", stage->state, name);
    return stat(path, &status) == 0 ? (long long)status.st_size : 0;
}

static void start(struct play *play, const char *keep_bytes) {
    struct stage *stage = &play->stage;
    struct hub_options options = {.uid = UID_HUB,
                                  .dir = stage->dir,
                                  .mode = "open",
                                  .log = stage->log,
                                  .state = stage->state,
                                  .more = {keep_bytes ? "--keep-bytes" : NULL, keep_bytes}};
    if (!check(hub_start(&stage->hub, &options), "the hub starts")) {
        hub_log_show(&stage->hub, 0);
        exit(check_end());
    }
}

static void stop(struct play *play, unsigned long n_at_least, const char *when) {
    char why[256];
    int code = hub_stop(&play->stage.hub);
    check(code == 0, "%s: the hub ends cleanly (exit code %d)", when, code);
    check(database_is_whole(play->stage.state, why, sizeof why), "%s: the database is whole: %s",
          when, why);
    int64_t n = database_number(play->stage.state, "SELECT count(*) FROM message");
    check(n >= (int64_t)n_at_least, "%s: it has %lld messages", when, (long long)n);
}

/* Whatever the hub gives back of the disk is taken, until nothing is left. */
static void fill_disk(const struct stage *stage, int fd) {
    static const char zeros[4096];
    while (write(fd, zeros, sizeof zeros) > 0) {
    }
    check(size_of(stage, "fill") > 0 && errno == ENOSPC, "there is no room at all");
}

static long cpu_ms(pid_t pid) {
    clockid_t clock;
    struct timespec at;
    if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &at) < 0)
        check_die("the CPU time of the hub: %s", strerror(errno));
    return at.tv_sec * 1000 + at.tv_nsec / NS_PER_MS;
}

/* A handle that joins is to be written down, which is tried until it succeeds. */
static int newcomer_main(void *arg) {
    const struct play *play = arg;
    struct earshot_options options = {
        .hub = play->stage.dir, .handle = "newcomer", .timeout_ms = JOIN_MS};
    struct earshot_event event;
    earshot *link = NULL;
    if (earshot_open(&link, &options) != EARSHOT_OK)
        return 1;
    long cpu = cpu_ms(play->stage.hub.pid);
    int r = earshot_next(link, &event, WATCH_MS);
    cpu = cpu_ms(play->stage.hub.pid) - cpu;
    earshot_close(link);
    check(r == EARSHOT_AGAIN && cpu < CPU_MS_MAX, "the hub takes %ld ms of CPU time in %d ms", cpu,
          WATCH_MS);
    return 0;
}

/* The next answer to a request, of a room or a message; 0: it is done or stored. */
static int take_answer(struct play *play, earshot *link) {
    struct earshot_event event;
    while (earshot_next(link, &event, ANSWER_MS) == EARSHOT_OK) {
        if (event.type == EARSHOT_EVENT_DONE ||
            (event.type == EARSHOT_EVENT_STATE && event.state.state == EARSHOT_STORED))
            return 0;
        if (event.type != EARSHOT_EVENT_FAILED && event.type != EARSHOT_EVENT_REFUSED)
            continue;
        snprintf(play->reason, sizeof play->reason, "%s", event.failed.reason);
        return (int)event.failed.code;
    }
    return -1;
}

/* Whoever changes much on a full disk is told that it is full, and is listened to nevertheless. */
static int changer_main(void *arg) {
    struct play *play = arg;
    struct earshot_options options = {
        .hub = play->stage.dir, .handle = "changer", .timeout_ms = JOIN_MS};
    earshot *link = NULL;
    uint32_t request;
    char room[32];
    unsigned n_for_now = 0, n_refused = 0, n_other = 0;
    if (earshot_open(&link, &options) != EARSHOT_OK)
        return 1;
    for (unsigned i = 0; i < N_ROOMS; i++) {
        snprintf(room, sizeof room, "#full-%u", i);
        (void)earshot_join(link, room, false, &request);
    }
    for (unsigned i = 0; i < N_ROOMS; i++) {
        int code = take_answer(play, link);
        n_for_now += code == FAIL_NOT_STORED;
        n_refused += code == FAIL_LIMIT && strstr(play->reason, "disk is full");
        n_other += code != FAIL_NOT_STORED && code != FAIL_LIMIT;
    }
    check(n_for_now > 50 && n_refused > 0 && n_other == 0,
          "rooms are joined for now (%u), then refused (%u): %s", n_for_now, n_refused,
          play->reason);
    (void)earshot_part(link, "#full-0", &request);
    int code = take_answer(play, link);
    check(code == FAIL_NOT_STORED, "one is left, for now (%d)", code);
    struct earshot_message message = {
        .to = "sender", .text = "here", .text_n = 4, .flags = EARSHOT_ACK_NOW};
    (void)earshot_send(link, &message, NULL);
    code = take_answer(play, link);
    check(code == FAIL_NOT_STORED, "a message is delivered, and not stored (%d)", code);
    earshot_close(link);
    return 0;
}

/* All is as ever when there is room. */
static int joiner_main(void *arg) {
    struct play *play = arg;
    struct earshot_options options = {
        .hub = play->stage.dir, .handle = "changer", .timeout_ms = JOIN_MS};
    earshot *link = NULL;
    uint32_t request;
    int code = FAIL_LIMIT;
    if (earshot_open(&link, &options) != EARSHOT_OK)
        return 1;
    int us = 1000;
    for (int i = 0; i < N_TRIES && code > 0; i++) { /* the hub looks again by itself */
        if (earshot_join(link, "#again", false, &request) != EARSHOT_OK)
            break;
        code = take_answer(play, link);
        if (code > 0)
            check_pause(&us);
    }
    earshot_close(link);
    return code;
}

static void try_full_disk(struct play *play) {
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/fill", play->stage.state);
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    fill_disk(&play->stage, fd);
    send_messages(play, 1, true); /* its refusal gives the log back */
    fill_disk(&play->stage, fd);
    check(user_run(UID_ALICE, newcomer_main, play, RUN_MS) == 0, "a newcomer joins nevertheless");
    check(user_run(UID_ALICE, changer_main, play, RUN_MS) == 0, "one who changes much is served");
    close(fd);
    unlink(path);
    int code = user_run(UID_ALICE, joiner_main, play, RUN_MS);
    check(code == 0, "when there is room again a room is joined for good (%d)", code);
}

int main(void) {
    struct stage stage;
    stage_prepare(&stage);
    struct play *play = check_shared(sizeof *play);
    play->stage = stage;
    make_disk(&stage);

    start(play, NULL);
    send_messages(play, N_FIT, true);
    check(play->n_refused == 0, "%d messages fit, whatever the log takes meanwhile", N_FIT);
    send_messages(play, N_MAX, true);
    check(play->n_refused > 0, "a disk that is full of messages takes no more");
    check_note("the database has %lld KiB, its log %lld KiB", size_of(&stage, "earshot.db") / 1024,
               size_of(&stage, "earshot.db-wal") / 1024);
    check(size_of(&stage, "earshot.db") > size_of(&stage, "earshot.db-wal"),
          "it is not the log that fills it");
    unsigned long n_acked = play->n_acked;
    try_full_disk(play);
    stop(play, N_FIT + n_acked, "full");

    start(play, "2M");
    send_messages(play, N_TURNOVER, false);
    check(play->n_acked > N_TURNOVER / 2, "the oldest ones go, and new ones are stored");
    unsigned long n_refused = play->n_refused;
    send_messages(play, N_FIT, false);
    check(play->n_acked > 0, "and it goes on so (%lu, %lu refused)", n_refused, play->n_refused);
    stop(play, 1, "with less to keep");
    umount2(stage.state, MNT_DETACH);
    return stage_end(&play->stage);
}
