/*
 * The kill loop: senders and readers of two uids talk through a durable hub and movers change
 * rooms, topics and handles, while the hub and all of them are killed with -9 at random and started
 * again. Afterwards an independent judge compares what both ends noted: what was acknowledged was
 * read exactly once, in order, by the right one only; and so with edits and removals; answers are
 * in their threads, with numbers of their own. They go through channels and back to their queues
 * all the time. What movers were told to be DONE they look at after each start.
 *
 * DURATION: seconds (10). KILLS: that many at least (0). SEED: as printed by an earlier run.
 * test: alone
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "harness/audit.h"
#include "harness/database.h"
#include "harness/stage.h"

#define FINISH_MS 60000
#define STEADY_EVERY 400 /* kills: then everybody is left in peace until they have talked */
#define STEADY_MS 60000

struct loop {
    struct stage stage;
    struct cast cast;
    unsigned n_kills[4]; /* hub, senders, readers, movers */
    unsigned n_hub_fallen, n_quiet;
};

static unsigned n_kills(const struct loop *loop) {
    return loop->n_kills[0] + loop->n_kills[1] + loop->n_kills[2] + loop->n_kills[3];
}

/* It is not waited for: the next kill may find it while it starts. */
static void restart_hub(struct loop *loop) {
    struct hub_options options = loop->stage.hub.options;
    hub_kill(&loop->stage.hub);
    hub_launch(&loop->stage.hub, &options);
}

static void kill_one(struct loop *loop) {
    if (random() % 3 == 0) {
        loop->n_kills[0]++;
        restart_hub(loop);
        return;
    }
    int who = (int)(random() % CAST_N);
    loop->n_kills[who < CAST_SENDERS ? 1 : who < CAST_TALKERS ? 2 : 3]++;
    cast_restart(&loop->cast, who);
}

/* Mostly short, so that what is starting is hit as well; sometimes long enough for work. */
static void pause_at_random(void) {
    long us = random() % 8 == 0 ? random() % 200000 : random() % 30000;
    nanosleep(&(struct timespec){.tv_nsec = us * 1000}, NULL);
}

static void look_after(struct loop *loop) {
    cast_look_after(&loop->cast);
    if (hub_is_alive(&loop->stage.hub))
        return;
    check_note("the hub has ended by itself");
    hub_log_show(&loop->stage.hub, 0);
    loop->n_hub_fallen++;
    restart_hub(loop);
}

static void kill_them_all(struct loop *loop, long seconds, unsigned n_wanted) {
    mono_time deadline = mono_add_ms(mono_now(), seconds * 1000);
    while (mono_now().ns < deadline.ns || n_kills(loop) < n_wanted) {
        pause_at_random();
        look_after(loop);
        kill_one(loop);
        if (n_kills(loop) % STEADY_EVERY == 0 && !cast_keep_talking(&loop->cast, 100, STEADY_MS))
            loop->n_quiet++;
        if (loop->n_hub_fallen + loop->cast.n_fallen + loop->n_quiet > 10)
            return;
    }
}

static void make_books(char *books, size_t size, const struct stage *stage) {
    snprintf(books, size, "%s/books", stage->root);
    if (mkdir(books, 0755) < 0 || chmod(books, 01777) < 0)
        check_die("%s cannot be made", books);
}

static void tell(const struct loop *loop, double seconds) {
    check_note("%u kills in %.1f s: hub %u, senders %u, readers %u, movers %u; links came back %lu "
               "times",
               n_kills(loop), seconds, loop->n_kills[0], loop->n_kills[1], loop->n_kills[2],
               loop->n_kills[3], atomic_load(&loop->cast.talk->n_back));
    check(loop->n_hub_fallen == 0, "the hub never ended by itself (%u)", loop->n_hub_fallen);
    check(loop->cast.n_fallen == 0, "nor did anybody else (%u)", loop->cast.n_fallen);
    check(loop->n_quiet == 0, "left in peace, they always talked again");
}

/* Where the numbers of a conversation begin anew is seen by how far they fall. */
static void check_threads(const char *state) {
    check(database_number(state, "SELECT count(*) FROM message WHERE n > 0") > 0 &&
              database_number(state, "SELECT count(*) FROM message r WHERE n > 0 AND NOT EXISTS"
                                     " (SELECT 1 FROM message t WHERE t.uid = r.uid AND t.id ="
                                     " r.thread AND t.conv = r.conv AND t.n = 0)") == 0,
          "each answer is in the thread of what it answers");
    check(database_number(state, "SELECT count(*) FROM (SELECT n, lag(n) OVER (PARTITION BY conv"
                                 " ORDER BY seq) AS was FROM message WHERE n > 0)"
                                 " WHERE n <= was AND NOT (was > 9000 AND n < 1000)") == 0,
          "and has a number that no other one has");
}

static void check_database(const struct loop *loop, const struct audit *audit) {
    char why[256];
    check(database_is_whole(loop->stage.state, why, sizeof why), "the database is whole: %s", why);
    int64_t n = database_number(loop->stage.state, "SELECT count(*) FROM message");
    check(n >= (int64_t)audit->n_acked, "it has %lld messages", (long long)n);
    check(database_number(loop->stage.state, "SELECT n_messages FROM state") == n,
          "and knows how many");
    check(database_number(loop->stage.state, "SELECT count(*) FROM message WHERE flags & 2") > 0 &&
              database_number(loop->stage.state, "SELECT count(*) FROM message WHERE flags & 1") >
                  0,
          "some of them edited, and some removed");
    check(database_number(loop->stage.state, "SELECT count(*) FROM message WHERE flags & 6 <> 0"
                                             " AND text <> ''") == 0,
          "and these have no text any more");
    check_threads(loop->stage.state);
}

int main(void) {
    static struct loop loop;
    struct audit audit;
    char books[PATH_MAX];
    stage_prepare_somehow(&loop.stage);
    long seconds = check_env("DURATION", 10);
    unsigned seed = (unsigned)check_env("SEED", (long)(time(NULL) % 1000000));
    uid_t own[2] = {geteuid(), geteuid()}, two[2] = {UID_ALICE, UID_BOB};
    srandom(seed);
    check_note("SEED=%u DURATION=%ld%s", seed, seconds,
               own[0] == 0 ? "" : " (SKIPPED: a second uid, which needs root)");
    make_books(books, sizeof books, &loop.stage);
    loop.stage.durable = true;
    loop.stage.more[0] = "--channel-quiet";
    loop.stage.more[1] = "0.02";
    stage_start_hub(&loop.stage, own[0] == 0 ? "open" : NULL);
    if (!check(cast_start(&loop.cast, loop.stage.dir, books, own[0] == 0 ? two : own, seed),
               "%d senders and %d readers talk", CAST_SENDERS, CAST_READERS))
        hub_log_show(&loop.stage.hub, 0);
    mono_time begin = mono_now();
    kill_them_all(&loop, seconds, (unsigned)check_env("KILLS", 0));
    tell(&loop, (double)(mono_now().ns - begin.ns) / 1e9);
    check(cast_finish(&loop.cast, FINISH_MS), "all come to an end");
    audit_books(&loop.cast, &audit);
    restart_hub(&loop);
    cast_check_moves(&loop.cast, FINISH_MS);
    int code = hub_stop(&loop.stage.hub);
    check(code == 0, "the hub ends cleanly (exit code %d)", code);
    check_database(&loop, &audit);
    if (own[0] == 0) {
        stage_remove_nameless();
        stage_check_nothing_left("after the hub's stop");
    }
    return check_end();
}
