/*
 * The hub is killed at its 1st, 2nd, 3rd ... system call of each kind that matters: while it
 * starts and recovers, while it stores, acknowledges and delivers, while it migrates an older
 * database. It is started again each time, senders and readers go on, and at the end the judge of
 * the kill loop looks at their books. strace(1) kills it, at the entry of the call; it counts for
 * each thread of the hub.
 *
 * FULL=1: all numbers, not a few. SEED: as printed by an earlier run. KIND: only this kind.
 * test: alone
 * test: timeout=300
 */
#include <fcntl.h>
#include <glob.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "harness/audit.h"
#include "harness/database.h"
#include "harness/stage.h"

#define N_MAX 60      /* of each kind; a working hub repeats itself */
#define N_FEW 4       /* of each kind, when not all are wanted, */
#define N_USUAL 24    /* below this one */
#define N_MISSES 3    /* then there are no more calls of this kind */
#define N_CALLS 400   /* more than a migration has, of each kind */
#define WORKS_MS 1000 /* a call that is not made within this time is not made */
#define STARTS_MS 60000
#define TALK_MS 60000
#define FINISH_MS 100000

/* The question mark: not every architecture has it. */
static const char *const kinds[] = {
    "pwrite64",  "fdatasync,fsync",  "write",
    "ftruncate", "?unlink,unlinkat", "?rename,renameat,renameat2",
    "openat",    "pread64",          "fcntl",
    "flock",     "msgget",           "msgsnd",
    "msgrcv",    "msgctl",           "mmap",
    "close",
};

enum fate { AT_START, AT_WORK, NOT_AT_ALL };

struct play {
    struct stage stage;
    struct cast cast;
    bool full;
    unsigned n_kills[3]; /* by enum fate */
    unsigned n_migrations;
    unsigned n_quiet, n_unborn;
};

struct death {
    struct hub *hub;
    mono_time ready_at; /* 0: not yet */
    bool waits;         /* for a death after it was ready, too */
};

static bool dead_or_not(void *arg) {
    struct death *death = arg;
    struct hub *hub = death->hub;
    if (!hub_is_alive(hub))
        return true;
    if (death->ready_at.ns == 0 &&
        rendezvous_find(hub->options.dir, (uid_t)-1, &hub->record) == RENDEZVOUS_OK &&
        hub->record.pid == hub->pid)
        death->ready_at = mono_now();
    return death->ready_at.ns != 0 &&
           (!death->waits || mono_now().ns - death->ready_at.ns > WORKS_MS * NS_PER_MS);
}

/* Starts it without strace; it must come up whatever state the killed one has left. */
static bool start_again(struct play *play, struct hub *hub, const char *what, int n) {
    struct hub_options options = hub->options;
    hub_kill(hub);
    long mark = hub_log_mark(hub);
    if (hub_start(hub, &options))
        return true;
    play->n_unborn++;
    check_note("after %s, number %d: the hub does not come up (exit code %d)", what, n,
               hub->exit_code);
    hub_log_show(hub, mark);
    return false;
}

/* Starts it, to be killed at the n-th call of one of its threads. */
static enum fate kill_at(struct hub *hub, const char *kind, int n, bool works) {
    struct hub_options options = hub->options;
    struct death death = {.hub = hub, .waits = works};
    char expression[128];
    snprintf(expression, sizeof expression, "%s:signal=SIGKILL:when=%d", kind, n);
    options.inject = expression;
    hub_kill(hub);
    hub_launch(hub, &options);
    bool told = check_until(dead_or_not, &death, STARTS_MS);
    hub->options.inject = NULL;
    if (!told)
        check_die("%s, number %d: neither dead nor ready", kind, n);
    if (hub_is_alive(hub))
        return NOT_AT_ALL;
    return death.ready_at.ns == 0 ? AT_START : AT_WORK;
}

static void talk_on(struct play *play, const char *what, int n) {
    if (cast_keep_talking(&play->cast, 10, TALK_MS))
        return;
    play->n_quiet++;
    check_note("after %s, number %d: they do not talk", what, n);
    hub_log_show(&play->stage.hub, 0);
}

/* The i-th number to try: all in turn, or a few at random. 0: no more. */
static int choose(const struct play *play, int i) {
    if (play->full)
        return i < N_MAX ? i + 1 : 0;
    return i < N_FEW ? 1 + (int)(random() % N_USUAL) : 0;
}

/* How many calls it makes depends on what was left and on the talk; so it ends after some misses.
 */
static void kill_at_all(struct play *play, const char *kind) {
    unsigned n_fates[3] = {0};
    int n;
    for (int i = 0; n_fates[NOT_AT_ALL] < N_MISSES && (n = choose(play, i)) > 0; i++) {
        enum fate fate = kill_at(&play->stage.hub, kind, n, true);
        n_fates[fate]++;
        play->n_kills[fate]++;
        if (!start_again(play, &play->stage.hub, kind, n))
            return;
        talk_on(play, kind, n);
    }
    check_note("%s: killed %u times at the start, %u times at work", kind, n_fates[AT_START],
               n_fates[AT_WORK]);
}

/* Migration. */

static void copy_database(const char *from, const char *to) {
    char script[3 * PATH_MAX];
    int status = -1;
    pid_t pid;
    snprintf(script, sizeof script,
             "rm -rf '%s'/* && cp '%s/earshot.db' '%s/earshot.db' && chown -R %u:%u '%s'", to, from,
             to, UID_HUB, UID_HUB, to);
    char *argv[] = {"sh", "-c", script, NULL};
    if (posix_spawn(&pid, "/bin/sh", NULL, NULL, argv, environ) != 0 ||
        waitpid(pid, &status, 0) != pid || status != 0)
        check_die("%s/earshot.db cannot be copied", from);
}

struct migration {
    struct hub hub;
    char template[PATH_MAX / 2], dir[PATH_MAX / 2], state[PATH_MAX / 2];
    int64_t n_messages;
};

static void check_migrated(struct play *play, struct migration *migration, const char *kind,
                           int n) {
    char why[256];
    if (!start_again(play, &migration->hub, kind, n))
        return;
    hub_stop(&migration->hub);
    bool whole = database_is_whole(migration->state, why, sizeof why);
    int64_t found = database_number(migration->state, "SELECT count(*) FROM message");
    if (!whole || found != migration->n_messages)
        check(false, "migration, %s, number %d: %s, %lld of %lld messages", kind, n, why,
              (long long)found, (long long)migration->n_messages);
}

static void migrate(struct play *play, struct migration *migration, const char *kind) {
    for (int n = 1; n < N_CALLS; n++) {
        if (!play->full && n > 2 && random() % 8 != 0)
            continue;
        copy_database(migration->template, migration->state);
        bool killed = kill_at(&migration->hub, kind, n, false) == AT_START;
        play->n_migrations += killed;
        check_migrated(play, migration, kind, n);
        if (!killed || play->n_unborn > 0)
            return;
    }
}

static void make_dir(char *path, size_t size, const struct stage *stage, const char *name) {
    snprintf(path, size, "%s/%s", stage->root, name);
    if (mkdir(path, 0700) < 0 || chown(path, UID_HUB, UID_HUB) < 0)
        check_die("%s cannot be made", path);
}

/* Its messages are old: nothing may be deleted for that. */
static void migrate_from(struct play *play, const char *sql, int i) {
    static struct migration migration;
    char name[32];
    snprintf(name, sizeof name, "older-%d", i);
    make_dir(migration.template, sizeof migration.template, &play->stage, name);
    snprintf(name, sizeof name, "migrated-%d", i);
    make_dir(migration.state, sizeof migration.state, &play->stage, name);
    snprintf(name, sizeof name, "rendezvous-%d", i);
    make_dir(migration.dir, sizeof migration.dir, &play->stage, name);
    database_make(migration.template, sql);
    migration.n_messages = database_number(migration.template, "SELECT count(*) FROM message");
    migration.hub = (struct hub){.options = {.uid = UID_HUB,
                                             .dir = migration.dir,
                                             .log = play->stage.log,
                                             .state = migration.state,
                                             .more = {"--keep-days", "0"}}};
    static const char *const writing[] = {"pwrite64",         "fdatasync,fsync", "ftruncate",
                                          "?unlink,unlinkat", "openat",          "fcntl"};
    for (size_t k = 0; k < ARRAY_LEN(writing); k++)
        migrate(play, &migration, writing[k]);
}

static void migrate_all(struct play *play) {
    const char *harness = getenv("HARNESS");
    char pattern[PATH_MAX];
    glob_t found;
    snprintf(pattern, sizeof pattern, "%s/../unit/store/schema-*.sql",
             harness ? harness : "tests/harness");
    if (glob(pattern, 0, NULL, &found) != 0)
        check_die("no databases of earlier schemas: %s", pattern);
    for (size_t i = 0; i < found.gl_pathc; i++)
        migrate_from(play, found.gl_pathv[i], (int)i);
    globfree(&found);
    check(play->n_migrations > 0, "killed %u times while it migrated: nothing was lost",
          play->n_migrations);
}

static void begin(struct play *play) {
    static char books[PATH_MAX];
    uid_t uids[2] = {UID_ALICE, UID_BOB};
    stage_prepare(&play->stage);
    if (!hub_can_inject())
        check_skip("strace cannot be used here");
    unsigned seed = (unsigned)check_env("SEED", (long)(time(NULL) % 1000000));
    play->full = check_env("FULL", 0) != 0;
    srandom(seed);
    check_note("SEED=%u%s", seed, play->full ? " FULL=1" : "");
    snprintf(books, sizeof books, "%s/books", play->stage.root);
    if (mkdir(books, 0755) < 0 || chmod(books, 01777) < 0)
        check_die("%s cannot be made", books);
    play->stage.durable = true;
    stage_start_hub(&play->stage, "open");
    check(cast_start(&play->cast, play->stage.dir, books, uids, seed), "they talk");
}

int main(void) {
    static struct play play;
    struct audit audit;
    char why[256];
    const char *only = getenv("KIND");
    begin(&play);
    for (size_t k = 0; k < ARRAY_LEN(kinds) && play.n_unborn + play.n_quiet == 0; k++) {
        if (only && strcmp(only, kinds[k]) != 0)
            continue;
        kill_at_all(&play, kinds[k]);
    }
    check(play.n_unborn == 0, "the hub always came up again");
    check(play.n_quiet == 0 && play.cast.n_fallen == 0, "and they talked again");
    check(play.n_kills[AT_START] > 0 && play.n_kills[AT_WORK] > 0,
          "killed %u times while it started, %u at work", play.n_kills[AT_START],
          play.n_kills[AT_WORK]);
    check(cast_finish(&play.cast, FINISH_MS), "all come to an end");
    audit_books(&play.cast, &audit);
    (void)start_again(&play, &play.stage.hub, "everything", 0);
    cast_check_moves(&play.cast, FINISH_MS);
    migrate_all(&play);
    int code = hub_stop(&play.stage.hub);
    check(code == 0, "the hub ends cleanly (exit code %d)", code);
    check(database_is_whole(play.stage.state, why, sizeof why), "the database is whole: %s", why);
    stage_remove_nameless();
    stage_check_nothing_left("after the hub's stop");
    return check_end();
}
