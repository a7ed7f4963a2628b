/*
 * The 1st, 2nd, 3rd ... system call of a hub on the files of its state directory fails, or only
 * half of it is done; each n in a hub of its own, which begins with no database, or with the one
 * that a killed hub left. A shim that is loaded into it (disk_faults_shim.c) sees to that. Alice
 * and Bob write to each other and to a room with the real client, the hub is killed, and started
 * again without faults: what was acknowledged as stored must be there, once and in order; what was
 * not was told; and what was refused can be sent again under its id. The room's topic that was set
 * is there. A hub that refuses to start
 * because of the fault must say why and have left no harm.
 *
 * EVERY=1: all n, not a few; FAULT: only the one of this name, and AT: only this n. SEED: as
 * printed by an earlier run.
 * test: timeout=1800 (for EVERY=1; a few take some seconds)
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include "harness/database.h"
#include "harness/disk.h"
#include "harness/program.h"
#include "harness/stage.h"

#define ROOM "#ops"
#define ROOM_LINE 1 /* a message to it, see below */
#define TOPIC "it is kept"
#define N_FEW 3    /* points of each fault, when not all are wanted */
#define N_MISSES 3 /* then there are no more calls */
#define TOLD_MAX 20
#define ANSWER_MS 20000
#define ENDS_MS 5000
#define TIMEOUT "15" /* seconds; a hub that needs so long has not answered */
#define TIMEOUT_MS 15000

#define CHANGES (DISK_WRITE | DISK_SIZE | DISK_OPEN)
#define ALL (CHANGES | DISK_READ | DISK_SYNC | DISK_NAMES)

static const struct fault {
    const char *name;
    struct disk_fault fault;
} faults[] = {
    {"EIO", {ALL, EIO, false, 0}},
    {"EIO-from-then-on", {ALL, EIO, true, 0}},
    {"ENOSPC", {CHANGES, ENOSPC, false, 0}},
    {"ENOSPC-from-then-on", {CHANGES, ENOSPC, true, 0}},
    {"EINTR", {CHANGES | DISK_READ | DISK_SYNC, EINTR, false, 0}},
    {"short-write", {DISK_WRITE, 0, false, 0}},
};

static const struct disk_fault NO_FAULT;

/* What is said, in this order. Its number is its text. */
static const struct line {
    uid_t uid;
    const char *from, *to;
} lines[] = {
    {UID_ALICE, "alice", "bob"}, {UID_ALICE, "alice", ROOM}, {UID_BOB, "bob", "alice"},
    {UID_ALICE, "alice", "bob"}, {UID_BOB, "bob", ROOM},     {UID_ALICE, "alice", ROOM},
    {UID_BOB, "bob", "alice"},
};
#define N_LINES ARRAY_LEN(lines)
#define N_OLD 3     /* of these, said before: in a database that was there */
#define FIRST_OLD 1 /* their numbers */
#define FIRST_NEW 11

enum fate { NOT_SENT, STORED, REFUSED };

struct play {
    struct stage stage;
    struct disk disk;
    char template[PATH_MAX / 2];
    struct program reader, client;
    bool every;
    unsigned n_points, n_unborn, n_refused, n_stored, n_topics, n_wrong;
    /* The one that is played: */
    const struct fault *fault;
    bool used; /* there was a database */
    unsigned at;
    long mark;
    enum fate fates[N_LINES], topic;
};

/* What must not be. */
static void wrong(struct play *play, const char *format, ...) PRINTF_LIKE(2, 3);
static void wrong(struct play *play, const char *format, ...) {
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (play->n_wrong++ < TOLD_MAX) {
        check_note("%s at %u, %s database: %s", play->fault->name, play->at,
                   play->used ? "used" : "new", text);
        hub_log_show(&play->stage.hub, play->mark);
    }
}

/* The client's exit code; -1: it does not end. */
static bool client_ended(void *arg) {
    return !program_runs(arg);
}

static int run_client(struct play *play, uid_t uid, const char *const *argv) {
    play->client.uid = uid;
    program_start(&play->client, argv, NULL);
    if (check_until(client_ended, &play->client, ANSWER_MS))
        return play->client.code;
    user_kill(play->client.pid);
    play->client.pid = 0;
    return -1;
}

static void id_of(char id[40], size_t number) {
    snprintf(id, 40, "5eed0000-0000-4000-8000-%012zu", number);
}

static int send_line(struct play *play, size_t i, size_t number) {
    char id[40], text[16];
    const struct line *line = &lines[i];
    id_of(id, number);
    snprintf(text, sizeof text, "%zu", number);
    const char *const argv[] = {"earshot", "--hub",     play->stage.dir, "--name", line->from,
                                "send",    "--timeout", TIMEOUT,         "--wait", "stored",
                                "--id",    id,          line->to,        text,     NULL};
    return run_client(play, line->uid, argv);
}

struct trial {
    struct play *play;
    size_t i, number;
    int code;
};

/* Until the room is there and the handle is known, which others see to at this moment. */
static bool sent_or_refused(void *arg) {
    struct trial *trial = arg;
    trial->code = send_line(trial->play, trial->i, trial->number);
    return trial->code != EX_NOUSER || !hub_is_alive(&trial->play->stage.hub) ||
           !program_runs(&trial->play->reader);
}

static bool hub_has_ended(void *arg) {
    return !hub_is_alive(arg);
}

static enum fate say(struct play *play, size_t i, size_t number) {
    struct hub *hub = &play->stage.hub;
    struct trial trial = {play, i, number, 0};
    int64_t begun = mono_now().ns;
    (void)check_until(sent_or_refused, &trial, ANSWER_MS);
    int64_t took = mono_now().ns - begun;
    bool reader_gone = !program_runs(&play->reader); /* it was told that it cannot be here */
    if (trial.code == 0)
        return STORED;
    if (trial.code == EX_UNAVAILABLE && check_until(hub_has_ended, hub, ENDS_MS))
        return REFUSED; /* whether it may end is judged elsewhere */
    if (took > TIMEOUT_MS * NS_PER_MS)
        wrong(play, "message %zu: no answer in time (exit code %d)", number, trial.code);
    else if (trial.code != EX_TEMPFAIL && !(trial.code == EX_NOUSER && reader_gone))
        wrong(play, "message %zu: exit code %d", number, trial.code);
    else if (!program_said(&play->client, "earshot: "))
        wrong(play, "message %zu: refused without a word", number);
    return REFUSED;
}

/* Bob is in the room. */
static void start_reader(struct play *play) {
    const char *const argv[] = {
        "earshot", "--hub", play->stage.dir, "--name", "bob", "--json", "tail", ROOM, NULL};
    program_start(&play->reader, argv, NULL);
}

static void stop_reader(struct play *play) {
    if (play->reader.pid > 0)
        user_kill(play->reader.pid);
    play->reader.pid = 0;
}

/* Bob's, who is in the room; alone with a message in it the room outlives its listeners. */
static int run_topic(struct play *play, const char *text) {
    const char *const argv[] = {"earshot",   "--hub", play->stage.dir, "--name", "bob",
                                "--timeout", TIMEOUT, "topic",         ROOM,     text,
                                NULL};
    return run_client(play, UID_BOB, argv);
}

static void set_topic(struct play *play) {
    int code = run_topic(play, TOPIC);
    play->topic = code == 0 ? STORED : REFUSED;
    if (code == -1)
        wrong(play, "setting the topic: no answer");
    else if (code != 0 && !program_said(&play->client, "earshot: "))
        wrong(play, "setting the topic: refused without a word");
}

/* Until the room is shown, because the reader is there again. */
static bool topic_told(void *arg) {
    struct trial *trial = arg;
    trial->code = run_topic(trial->play, NULL);
    return trial->code != EX_NOUSER;
}

static void check_topic(struct play *play) {
    struct trial trial = {play, 0, 0, 0};
    if (play->topic != STORED || play->fates[ROOM_LINE] != STORED)
        return;
    play->n_topics++;
    if (!check_until(topic_told, &trial, ANSWER_MS) || trial.code != 0)
        wrong(play, "the topic cannot be seen (exit code %d)", trial.code);
    else if (!program_said(&play->client, TOPIC))
        wrong(play, "the topic was set, and is not there");
}

/* Hubs. */

/* It can be found before it has opened its store. */
static void check_unborn(struct play *play) {
    struct hub *hub = &play->stage.hub;
    play->n_unborn++;
    if (hub->pid > 0)
        wrong(play, "the hub neither starts nor ends");
    else if (hub->exit_code != EX_CANTCREAT && hub->exit_code != EX_NOPERM)
        wrong(play, "the hub ends with exit code %d", hub->exit_code);
    else if (!hub_log_has(hub, play->mark, "cannot start in", NULL, 0) ||
             !hub_log_has(hub, play->mark, "cannot start in", play->stage.state, 0))
        wrong(play, "the hub does not say why it does not start");
    hub_kill(hub);
}

static void say_all(struct play *play) {
    struct hub *hub = &play->stage.hub;
    unsigned n_stored = 0;
    bool ended = false;
    start_reader(play);
    for (size_t i = 0; i < N_LINES && !ended; i++) {
        play->fates[i] = say(play, i, FIRST_NEW + i);
        play->n_refused += play->fates[i] == REFUSED;
        n_stored += play->fates[i] == STORED;
        ended = !hub_is_alive(hub);
    }
    play->n_stored += n_stored;
    if (!ended && program_runs(&play->reader))
        set_topic(play);
    stop_reader(play);
    if (ended)
        (void)hub_stop(hub); /* for its exit code */
    if (ended && n_stored > 0)
        wrong(play, "the hub has ended (exit code %d)", hub->exit_code);
    else if (ended)
        check_unborn(play);
    hub_kill(hub);
}

/* What is there. */

struct finding {
    unsigned n_found[FIRST_NEW + N_LINES]; /* of each number */
    bool disorder;
};

static void read_history(struct play *play, const char *conv, struct finding *finding) {
    const char *const argv[] = {"earshot",   "--hub", play->stage.dir, "--name", "alice", "--json",
                                "--timeout", TIMEOUT, "history",       conv,     NULL};
    int code = run_client(play, UID_ALICE, argv);
    FILE *file = fopen(play->client.log, "re");
    char line[2048];
    unsigned long last = 0;
    while (file && fgets(line, sizeof line, file)) {
        const char *text = strstr(line, "\"text\":\"");
        unsigned long number = text ? strtoul(text + 8, NULL, 10) : 0;
        if (number == 0 || number >= ARRAY_LEN(finding->n_found))
            continue;
        finding->n_found[number]++;
        finding->disorder |= number < last;
        last = number;
    }
    if (file)
        fclose(file);
    if (code != 0 && code != EX_NOUSER) /* when nothing was stored there is no such conversation */
        wrong(play, "history %s: exit code %d", conv, code);
}

static void check_fate(struct play *play, const struct finding *finding, enum fate fate,
                       size_t number, const char *when) {
    unsigned n = finding->n_found[number];
    if (fate == STORED && n != 1)
        wrong(play, "%s: message %zu was acknowledged and is there %u times", when, number, n);
    if (n > 1)
        wrong(play, "%s: message %zu is there %u times", when, number, n);
}

static void check_history(struct play *play, bool in_order, const char *when) {
    struct finding finding = {0};
    read_history(play, "bob", &finding);
    read_history(play, ROOM, &finding);
    for (size_t i = 0; i < N_LINES; i++)
        check_fate(play, &finding, play->fates[i], FIRST_NEW + i, when);
    for (size_t i = 0; play->used && i < N_OLD; i++)
        check_fate(play, &finding, STORED, FIRST_OLD + i, when);
    if (in_order && finding.disorder)
        wrong(play, "%s: not in order", when);
}

/* Under the same id: it is stored now, once, also if it had been and only the answer was lost. */
static void say_again(struct play *play) {
    start_reader(play);
    check_topic(play);
    for (size_t i = 0; i < N_LINES; i++)
        if (play->fates[i] != STORED)
            play->fates[i] = say(play, i, FIRST_NEW + i);
    for (size_t i = 0; i < N_LINES; i++)
        if (play->fates[i] != STORED)
            wrong(play, "message %zu cannot be stored without a fault", FIRST_NEW + i);
    stop_reader(play);
}

static void check_afterwards(struct play *play) {
    char why[256];
    if (disk_has_damaged(play->stage.state))
        wrong(play, "a whole database was set aside");
    if (!disk_start_hub(&play->disk, &play->stage, &NO_FAULT)) {
        wrong(play, "the hub does not start again (exit code %d)", play->stage.hub.exit_code);
        hub_kill(&play->stage.hub);
        return;
    }
    check_history(play, true, "after the kill");
    say_again(play);
    check_history(play, false, "said again");
    int code = hub_stop(&play->stage.hub);
    if (code != 0)
        wrong(play, "the hub ends with exit code %d", code);
    if (disk_has_damaged(play->stage.state))
        wrong(play, "a whole database was set aside at the next start");
    if (!database_is_whole(play->stage.state, why, sizeof why))
        wrong(play, "the database: %s", why);
}

/* One point. Returns the number of calls. */
static unsigned play_point(struct play *play, unsigned at) {
    struct disk_fault fault = play->fault->fault;
    play->at = fault.at = at;
    play->mark = hub_log_mark(&play->stage.hub);
    memset(play->fates, 0, sizeof play->fates);
    play->topic = NOT_SENT;
    disk_copy_state(play->used ? play->template : NULL, play->stage.state);
    if (disk_start_hub(&play->disk, &play->stage, &fault))
        say_all(play);
    else
        check_unborn(play);
    unsigned n = atomic_load(&play->disk.orders->n);
    check_afterwards(play);
    return n;
}

static void play_fault(struct play *play, const struct fault *fault) {
    play->fault = fault;
    unsigned n_points = 0, n_misses = 0, only = (unsigned)check_env("AT", 0);
    unsigned n_before = play->n_wrong, n_calls = play_point(play, only);
    unsigned step = play->every ? 1 : n_calls / N_FEW + 1;
    unsigned at = play->every ? 1 : 1 + (unsigned)random() % step;
    for (; only == 0 && n_misses < N_MISSES && (play->every || n_points < N_FEW); at += step) {
        bool hit = play_point(play, at) >= at;
        n_points += hit;
        n_misses += !hit;
    }
    play->n_points += n_points;
    check(play->n_wrong == n_before, "%s, %s database: %u points of about %u calls", fault->name,
          play->used ? "used" : "new", n_points, n_calls);
}

/* What a killed hub leaves, as the start of others. */
static void make_template(struct play *play) {
    play->fault = &faults[0];
    if (!disk_start_hub(&play->disk, &play->stage, &NO_FAULT))
        check_die("the hub does not start (exit code %d)", play->stage.hub.exit_code);
    start_reader(play);
    for (size_t i = 0; i < N_OLD; i++)
        if (say(play, i, FIRST_OLD + i) != STORED)
            check_die("message %zu is not stored", i);
    stop_reader(play);
    hub_kill(&play->stage.hub);
    disk_copy_state(play->stage.state, play->template);
}

static void begin(struct play *play) {
    const char *sanitizer = getenv("SANITIZE");
    stage_prepare(&play->stage);
    if (sanitizer && *sanitizer)
        check_skip("a sanitizer stands in front of the same functions");
    unsigned seed = (unsigned)check_env("SEED", (long)(time(NULL) % 1000000));
    srandom(seed);
    play->every = check_env("EVERY", 0) != 0;
    check_note("SEED=%u%s", seed, play->every ? " EVERY=1" : "");
    disk_prepare(&play->disk, &play->stage);
    play->reader.uid = UID_BOB;
    snprintf(play->reader.log, sizeof play->reader.log, "%s/reader.log", play->stage.root);
    snprintf(play->client.log, sizeof play->client.log, "%s/client.log", play->stage.root);
    snprintf(play->template, sizeof play->template, "%s/template", play->stage.root);
    play->stage.hub.options.log = play->stage.log;
    make_template(play);
}

int main(void) {
    static struct play play;
    const char *only = getenv("FAULT");
    begin(&play);
    for (int used = 0; used < 2; used++)
        for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
            play.used = used != 0;
            if (!only || strcmp(only, faults[i].name) == 0)
                play_fault(&play, &faults[i]);
        }
    check_note("%u points: %u hubs did not start, and said why; %u messages acknowledged, %u "
               "refused",
               play.n_points, play.n_unborn, play.n_stored, play.n_refused);
    check(play.n_topics > 0, "%u times the topic was set before the kill", play.n_topics);
    check(play.n_wrong == 0, "%u violations", play.n_wrong);
    stage_remove_nameless();
    stage_check_nothing_left("after the hub's stop");
    return check_end();
}
