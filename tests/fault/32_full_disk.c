/*
 * The disk gets full, and the disk fails. Who is here goes on receiving; what could not be stored
 * is not acknowledged but refused as "not stored"; the hub recovers by itself; nothing that was
 * acknowledged is lost, also not over a restart.
 *
 * The store is on a tmpfs of 48 MiB, of which a ballast takes what is left; and strace(1) lets
 * the store's system calls fail in all the ways that they can.
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
#include <unistd.h>

#include "harness/database.h"
#include "harness/stage.h"
#include "lib/earshot.h"
#include "proto/fail.h"

#define SIZE "size=48m,mode=0700"
#define TEXT_BYTES 2000
#define N_MAX 20000 /* messages: many times what fits */
#define N_AFTER 50
#define N_ROUNDS 3
#define PAUSE_US 1000 /* at least, before the next one after a refusal */
#define WAIT_MS 30000

/* Of the message with this number. */
enum disk_mark { ACKED = 1, REFUSED = 2, READ = 4, TWICE = 8 };

struct play {
    struct stage stage;
    atomic_ulong n_sent, n_acked, n_refused, n_other, n_read, n_wrong;
    atomic_bool here, enough, stop;
    atomic_int round, answer; /* of the mover; 0: DONE */
    atomic_uchar marks[N_MAX];
    char reason[256];
};

static earshot *join(struct play *play, const char *handle, unsigned flags) {
    struct earshot_options options = {.hub = play->stage.dir,
                                      .handle = handle,
                                      .flags = flags | EARSHOT_RECONNECT,
                                      .timeout_ms = 20000};
    earshot *link = NULL;
    if (earshot_open(&link, &options) == EARSHOT_OK)
        return link;
    snprintf(play->reason, sizeof play->reason, "%s", earshot_error(link));
    earshot_close(link);
    return NULL;
}

static void note_read(struct play *play, const struct earshot_event *event) {
    unsigned long number = strtoul(event->message.text, NULL, 10);
    if (number >= N_MAX || event->message.text_n != TEXT_BYTES) {
        atomic_fetch_add(&play->n_wrong, 1);
        return;
    }
    unsigned char before = atomic_fetch_or(&play->marks[number], READ);
    if (before & READ)
        atomic_fetch_or(&play->marks[number], TWICE);
    atomic_fetch_add(&play->n_read, !(before & READ));
}

static int reader_main(void *arg) {
    struct play *play = arg;
    struct earshot_event event;
    earshot *link = join(play, "reader", EARSHOT_LISTEN);
    int r = link ? 0 : 1;
    atomic_store(&play->here, r == 0);
    while (r == 0 && (r = earshot_next(link, &event, -1)) == EARSHOT_OK)
        if (event.type == EARSHOT_EVENT_MESSAGE)
            note_read(play, &event);
    return 1;
}

/* The id of a message has its number in it. */
static unsigned long number_of(const char *id) {
    return strtoul(id + 24, NULL, 16);
}

static void note_answer(struct play *play, const struct earshot_event *event) {
    if (event->type == EARSHOT_EVENT_STATE && event->state.state == EARSHOT_STORED) {
        atomic_fetch_or(&play->marks[number_of(event->state.id) % N_MAX], ACKED);
        atomic_fetch_add(&play->n_acked, 1);
    }
    if (event->type != EARSHOT_EVENT_REFUSED)
        return;
    atomic_fetch_or(&play->marks[number_of(event->failed.id) % N_MAX], REFUSED);
    bool is_expected = earshot_fail_exit_code(event->failed.code) == 75;
    atomic_fetch_add(is_expected ? &play->n_refused : &play->n_other, 1);
    snprintf(play->reason, sizeof play->reason, "%s", event->failed.reason);
}

/* One message, and what the hub says to it. */
static int send_one(struct play *play, earshot *link, unsigned long number) {
    static char text[TEXT_BYTES + 1];
    char id[EARSHOT_ID_SIZE];
    struct earshot_event event;
    snprintf(text, sizeof text, "%-*lu", TEXT_BYTES, number);
    snprintf(id, sizeof id, "%08x-0000-4000-8000-%012lx", (unsigned)play->stage.hub.pid, number);
    struct earshot_message message = {.to = "reader",
                                      .text = text,
                                      .text_n = TEXT_BYTES,
                                      .id = id,
                                      .flags = EARSHOT_ACK_NOW | EARSHOT_WANT_SEQ};
    int r = earshot_send(link, &message, NULL);
    atomic_fetch_add(&play->n_sent, 1);
    unsigned long answers =
        atomic_load(&play->n_acked) + atomic_load(&play->n_refused) + atomic_load(&play->n_other);
    while (r == 0 && atomic_load(&play->n_acked) + atomic_load(&play->n_refused) +
                             atomic_load(&play->n_other) ==
                         answers) {
        r = earshot_next(link, &event, WAIT_MS);
        if (r == EARSHOT_OK)
            note_answer(play, &event);
    }
    return r;
}

static int sender_main(void *arg) {
    struct play *play = arg;
    earshot *link = join(play, "sender", 0);
    int r = link ? 0 : 1;
    while (r == 0 && !atomic_load(&play->stop) && atomic_load(&play->n_sent) < N_MAX) {
        unsigned long n_refused = atomic_load(&play->n_refused);
        int us = PAUSE_US;
        r = send_one(play, link, atomic_load(&play->n_sent));
        if (atomic_load(&play->n_refused) > n_refused) /* the hub is as quick as ever */
            check_pause(&us);
    }
    earshot_close(link);
    return r;
}

struct goal {
    atomic_ulong *count;
    unsigned long n;
};

static bool reached(void *arg) {
    const struct goal *goal = arg;
    return atomic_load(goal->count) >= goal->n;
}

static bool more(atomic_ulong *count, unsigned long n) {
    struct goal goal = {count, atomic_load(count) + n};
    return check_until(reached, &goal, WAIT_MS);
}

static bool is_here(void *arg) {
    return atomic_load((atomic_bool *)arg);
}

static bool all_read(void *arg) {
    struct play *play = arg;
    unsigned long n = atomic_load(&play->n_sent);
    for (unsigned long i = 0; i < n; i++)
        if (!(atomic_load(&play->marks[i]) & READ))
            return false;
    return true;
}

/* What can be expected of every message that was sent. */
static void check_marks(struct play *play, const char *when) {
    unsigned long n_lost = 0, n_twice = 0, n_both = 0, n = atomic_load(&play->n_sent);
    for (unsigned long i = 0; i < n; i++) {
        unsigned char marks = atomic_load(&play->marks[i]);
        n_lost += (marks & ACKED) && !(marks & READ);
        n_twice += (marks & TWICE) != 0;
        n_both += (marks & ACKED) && (marks & REFUSED);
    }
    check_note("%s: %lu sent, %lu acknowledged, %lu refused, %lu read", when, n,
               atomic_load(&play->n_acked), atomic_load(&play->n_refused),
               atomic_load(&play->n_read));
    check(n_lost == 0 && n_twice == 0,
          "%s: what was acknowledged was read, once (%lu lost, %lu "
          "twice)",
          when, n_lost, n_twice);
    check(n_both == 0, "%s: nothing was both acknowledged and refused", when);
    check(atomic_load(&play->n_wrong) + atomic_load(&play->n_other) == 0,
          "%s: nothing else was received or answered", when);
}

static void forget(struct play *play) {
    atomic_store(&play->n_sent, 0);
    atomic_store(&play->n_acked, 0);
    atomic_store(&play->n_refused, 0);
    atomic_store(&play->n_read, 0);
    for (size_t i = 0; i < N_MAX; i++)
        atomic_store(&play->marks[i], 0);
    atomic_store(&play->here, false);
    atomic_store(&play->stop, false);
}

/* What is on the disk agrees with what was said. */
static void check_database(struct play *play, const char *when) {
    char why[256];
    check(database_is_whole(play->stage.state, why, sizeof why), "%s: the database is whole: %s",
          when, why);
    int64_t n = database_number(play->stage.state, "SELECT count(*) FROM message");
    check(n >= (int64_t)atomic_load(&play->n_acked),
          "%s: it has the %lu acknowledged messages (%lld)", when, atomic_load(&play->n_acked),
          (long long)n);
}

struct players {
    pid_t reader, sender;
};

static void begin(struct play *play, struct players *players) {
    players->reader = user_start(UID_BOB, reader_main, play);
    if (!check_until(is_here, &play->here, WAIT_MS))
        check_die("the reader cannot join: %s", play->reason);
    players->sender = user_start(UID_ALICE, sender_main, play);
    check(more(&play->n_acked, N_AFTER), "messages are stored");
}

static void end(struct play *play, struct players *players, const char *when) {
    atomic_store(&play->stop, true);
    check(user_wait(players->sender, WAIT_MS) == 0, "%s: the sender ends", when);
    check(check_until(all_read, play, WAIT_MS), "%s: who is here has received everything", when);
    user_kill(players->reader);
    check_marks(play, when);
}

/* A full disk. */

static void make_disk(struct stage *stage) {
    char options[64];
    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        check_skip("cannot make a mount namespace: %s", strerror(errno));
    snprintf(options, sizeof options, SIZE ",uid=%d,gid=%d", UID_HUB, UID_HUB);
    if (mount("tmpfs", stage->state, "tmpfs", 0, options) < 0)
        check_die("%s: %s", stage->state, strerror(errno));
}

static void ballast_path(const struct stage *stage, char *path, size_t size) {
    snprintf(path, size, "%s/ballast", stage->state);
}

/* Takes what is left. */
static void fill(const struct stage *stage) {
    static const char nothing[4096];
    char path[PATH_MAX];
    ballast_path(stage, path, sizeof path);
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0)
        check_die("%s: %s", path, strerror(errno));
    while (write(fd, nothing, sizeof nothing) == sizeof nothing)
        ;
    close(fd);
}

static void empty(const struct stage *stage) {
    char path[PATH_MAX];
    ballast_path(stage, path, sizeof path);
    if (unlink(path) < 0)
        check_die("%s: %s", path, strerror(errno));
}

/* Joins a room for good. */
static int mover_main(void *arg) {
    struct play *play = arg;
    struct earshot_event event;
    uint32_t request = 0;
    char room[32];
    earshot *link = join(play, "mover", 0);
    snprintf(room, sizeof room, "#full-%d", atomic_load(&play->round));
    int r = link ? earshot_join(link, room, false, &request) : 1;
    while (r == 0) {
        r = earshot_next(link, &event, WAIT_MS);
        if (r != EARSHOT_OK || event.request != request)
            continue;
        bool is_done = event.type == EARSHOT_EVENT_DONE;
        atomic_store(&play->answer, is_done ? 0 : (int)event.failed.code);
        break;
    }
    earshot_close(link);
    return r;
}

/* A small one may just fit. Else it holds, but not for good; nobody asks for it again. */
static void change_while_full(struct play *play, int round) {
    atomic_store(&play->round, round);
    atomic_store(&play->answer, -1);
    int r = user_wait(user_start(UID_ALICE, mover_main, play), WAIT_MS);
    int answer = atomic_load(&play->answer);
    check(r == 0 && (answer == FAIL_NOT_STORED || answer == 0),
          "full, round %d: a change is told to be stored, or to hold for now (%d)", round, answer);
}

static void full_and_empty(struct play *play, int round) {
    struct stage *stage = &play->stage;
    fill(stage);
    check(more(&play->n_refused, N_AFTER), "full, round %d: messages are refused: %s", round,
          play->reason);
    change_while_full(play, round);
    check(more(&play->n_read, N_AFTER), "full, round %d: they are delivered all the same", round);
    empty(stage);
    check(more(&play->n_acked, N_AFTER), "room again, round %d: messages are stored", round);
}

/* Killed while the disk is full, it finds all of it again when there is room. */
static void killed_while_full(struct play *play) {
    struct stage *stage = &play->stage;
    fill(stage);
    hub_kill(&stage->hub);
    check_database(play, "killed on a full disk");
    int64_t n = database_number(stage->state, "SELECT count(*) FROM member JOIN room ON room ="
                                              " number WHERE name LIKE '#full-%'");
    check(n == N_ROUNDS, "what could not be stored was tried again (%lld)", (long long)n);
    empty(stage);
    stage_start_hub(stage, "open");
    int code = hub_stop(&stage->hub);
    check(code == 0, "killed on a full disk: the hub starts and ends again (exit code %d)", code);
    if (code != 0)
        hub_log_show(&stage->hub, 0);
    check_database(play, "and afterwards");
}

static void check_full_disk(struct play *play) {
    struct players players;
    struct stage *stage = &play->stage;
    make_disk(stage);
    stage_start_hub(stage, "open");
    begin(play, &players);
    for (int round = 1; round <= N_ROUNDS; round++)
        full_and_empty(play, round);
    end(play, &players, "a full disk");
    killed_while_full(play);
    umount2(stage->state, MNT_DETACH);
}

/*
 * A disk that fails, in each of these ways, for a while; the numbers are of the calls of one
 * thread, and the one that opens the store makes fewer.
 */
static const struct fault {
    const char *inject;
    bool refuses; /* some messages cannot be stored */
} faults[] = {
    {"fdatasync,fsync:error=EIO:when=30..60", true}, {"pwrite64:error=ENOSPC:when=150..250", true},
    {"pwrite64:error=EIO:when=150..250", true},      {"pwrite64:error=EDQUOT:when=150..250", true},
    {"pwrite64:error=EINTR:when=20+5", false},       {"msgsnd:error=EINTR:when=5+7", false},
    {"msgrcv:error=EINTR:when=5+7", false},
};

static void clear_state(const struct stage *stage) {
    static const char *const names[] = {"earshot.db", "earshot.db-wal", "earshot.db-shm"};
    char path[PATH_MAX];
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        snprintf(path, sizeof path, "%s/%s", stage->state, names[i]);
        unlink(path);
    }
}

static void check_fault(struct play *play, const struct fault *fault) {
    struct stage *stage = &play->stage;
    struct players players;
    struct hub_options options = {.uid = UID_HUB,
                                  .dir = stage->dir,
                                  .mode = "open",
                                  .log = stage->log,
                                  .state = stage->state,
                                  .inject = fault->inject};
    forget(play);
    clear_state(stage);
    if (!check(hub_start(&stage->hub, &options), "%s: the hub starts", fault->inject)) {
        hub_log_show(&stage->hub, 0);
        return;
    }
    begin(play, &players);
    check(more(&play->n_acked, N_AFTER), "%s: later ones are stored", fault->inject);
    end(play, &players, fault->inject);
    check(fault->refuses == (atomic_load(&play->n_refused) > 0), "%s: %lu messages were refused",
          fault->inject, atomic_load(&play->n_refused));
    check(hub_is_alive(&stage->hub) && hub_stop(&stage->hub) == 0, "%s: the hub ends cleanly",
          fault->inject);
    check_database(play, fault->inject);
}

int main(void) {
    struct stage stage;
    stage_prepare(&stage);
    stage.durable = true;
    struct play *play = check_shared(sizeof *play);
    play->stage = stage;
    check_full_disk(play);
    if (hub_can_inject())
        for (size_t i = 0; i < ARRAY_LEN(faults); i++)
            check_fault(play, &faults[i]);
    else
        check_note("SKIPPED: a failing disk, because strace cannot be used here");
    return stage_end(&play->stage);
}
