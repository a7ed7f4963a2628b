/*
 * The hub is stopped while it has much to do: its database comes from an older version and is
 * large, nothing of it is indexed, half of it is too old, somebody floods, somebody searches for
 * what takes long. It ends soon, and what it called stored is there.
 */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "harness/database.h"
#include "harness/stage.h"
#include "lib/earshot.h"

#define N_OLD 60000
#define ROUNDS 3
#define STOP_MS 10000 /* it promises 5 s; the machine may be busy */
#define WAIT_MS 60000

struct play {
    struct stage stage;
    atomic_ulong n_acked, n_searches;
    char sql[PATH_MAX];
};

/* A small database of the version before, and many messages in a room, half of them very old. */
static void make_database(struct play *play) {
    static char small[1 << 16];
    FILE *from = fopen("tests/unit/store/schema-3.sql", "re"), *to = fopen(play->sql, "we");
    size_t n = from ? fread(small, 1, sizeof small, from) : 0;
    if (n == 0 || n == sizeof small || !to || fwrite(small, 1, n, to) != n)
        check_die("%s cannot be made", play->sql);
    fprintf(
        to,
        "BEGIN; WITH RECURSIVE i(n) AS (SELECT 10 UNION ALL SELECT n + 1 FROM i LIMIT %d)"
        " INSERT INTO message SELECT n, randomblob(16), -1, CASE WHEN n %% 2 THEN"
        " 1700000000000 ELSE strftime('%%s', 'now') * 1000 END, 1, %u, 0, 0, 0, NULL,"
        " 'old words ' || hex(randomblob(200)) FROM i;"
        " UPDATE state SET last_seq = 10 + %d, n_messages = 5 + %d, seq_limit = 100 + %d; COMMIT;",
        N_OLD, UID_ALICE, N_OLD, N_OLD, N_OLD);
    if (fclose(to) != 0)
        check_die("%s cannot be written", play->sql);
    fclose(from);
    database_make(play->stage.state, play->sql);
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/earshot.db", play->stage.state);
    if (chown(path, play->stage.uid_hub, play->stage.uid_hub) < 0)
        check_die("%s: chown", path);
}

static earshot *join(struct play *play, const char *handle) {
    struct earshot_options options = {
        .hub = play->stage.dir, .handle = handle, .timeout_ms = WAIT_MS};
    earshot *link = NULL;
    if (earshot_open(&link, &options) == EARSHOT_OK)
        return link;
    earshot_close(link);
    return NULL;
}

/* As fast as it can, until the hub is gone. */
static int flood(void *arg) {
    struct play *play = arg;
    struct earshot_event event;
    earshot *link = join(play, "flooder");
    struct earshot_message message = {
        .to = "#ops", .text = "flood", .text_n = 5, .flags = EARSHOT_ACK_NOW | EARSHOT_WANT_SEQ};
    int r = link ? 0 : -1;
    for (unsigned n = 0; r == 0; n++) {
        r = earshot_send(link, &message, NULL);
        while (r == 0 && (r = earshot_next(link, &event, n % 64 ? 0 : 1)) == EARSHOT_OK)
            if (event.type == EARSHOT_EVENT_STATE && event.state.state == EARSHOT_STORED)
                atomic_fetch_add(&play->n_acked, 1);
        if (r == EARSHOT_AGAIN)
            r = 0;
    }
    earshot_close(link);
    return link ? 0 : 1;
}

/* One word in all of it that is nowhere, again and again. */
static int search(void *arg) {
    struct play *play = arg;
    struct earshot_event event;
    earshot *link = join(play, "seeker");
    uint32_t request;
    int r = link ? 0 : -1;
    while (r == 0) {
        r = earshot_search(link, "zz", "#ops", NULL, 0, 50, &request);
        atomic_fetch_add(&play->n_searches, 1);
        while (r == 0 && (r = earshot_next(link, &event, -1)) == EARSHOT_OK)
            if (event.type == EARSHOT_EVENT_DONE || event.type == EARSHOT_EVENT_FAILED)
                break;
    }
    earshot_close(link);
    return link ? 0 : 1;
}

static bool is_at_work(void *arg) {
    struct play *play = arg;
    return atomic_load(&play->n_acked) > 500 && atomic_load(&play->n_searches) > 0;
}

static void play_round(struct play *play, int round) {
    struct stage *stage = &play->stage;
    atomic_store(&play->n_acked, 0);
    atomic_store(&play->n_searches, 0);
    int64_t before =
        database_number(stage->state, "SELECT count(*) FROM message WHERE text = 'flood'");
    stage_start_hub(stage, "open");
    pid_t flooder = user_start(UID_ALICE, flood, play);
    pid_t seeker = user_start(UID_BOB, search, play);
    check(check_until(is_at_work, play, WAIT_MS), "round %d: it is at work", round);
    mono_time begin = mono_now();
    int code = hub_stop(&stage->hub);
    int64_t ms = (mono_now().ns - begin.ns) / NS_PER_MS;
    check(code == 0 && ms < STOP_MS, "round %d: it has ended after %lld ms (exit code %d)", round,
          (long long)ms, code);
    user_wait(flooder, WAIT_MS);
    user_wait(seeker, WAIT_MS);
    int64_t n = database_number(stage->state, "SELECT count(*) FROM message WHERE text = 'flood'");
    check(n - before >= (int64_t)atomic_load(&play->n_acked),
          "round %d: %lu were called stored, and %lld are", round, atomic_load(&play->n_acked),
          (long long)(n - before));
}

int main(void) {
    char why[256];
    check_begin();
    struct play *play = check_shared(sizeof *play);
    stage_prepare(&play->stage);
    play->stage.durable = true;
    snprintf(play->sql, sizeof play->sql, "%s/old.sql", play->stage.root);
    make_database(play);
    for (int round = 1; round <= ROUNDS; round++)
        play_round(play, round);
    check(database_is_whole(play->stage.state, why, sizeof why), "the database is whole: %s", why);
    stage_check_nothing_left("after the stops");
    return check_end();
}
