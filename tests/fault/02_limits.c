/*
 * The kernel's limits reached while the hub runs: queues (msgmni), open files, threads; limits too
 * small to work with, and message sizes that change under a living hub. A newcomer is told which
 * limit it is; those inside go on; and when there is room again, newcomers get in.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "harness/stage.h"
#include "lib/earshot.h"

static void set_limit(const char *name, long value) {
    char path[64];
    snprintf(path, sizeof path, "/proc/sys/kernel/%s", name);
    FILE *file = fopen(path, "we");
    bool ok = file && fprintf(file, "%ld\n", value) > 0;
    if (file && fclose(file) != 0)
        ok = false;
    if (!ok)
        check_die("cannot set %s to %ld", path, value);
}

struct visit {
    const struct stage *stage;
    const char *word; /* what the refusal must name; NULL: it must not be refused */
};

/* Through the library, as people see it. */
static int visitor(void *arg) {
    const struct visit *visit = arg;
    struct earshot_options options = {
        .hub = visit->stage->dir, .handle = user_handle(), .timeout_ms = 5000};
    earshot *link = NULL;
    int r = earshot_open(&link, &options);
    const char *error = earshot_error(link);
    bool is_limit =
        r == EARSHOT_LIMIT || (r == EARSHOT_REFUSED && earshot_fail_code(link) == FAIL_LIMIT);
    if (visit->word)
        check(is_limit && strstr(error, visit->word), "a newcomer is told: %s", error);
    else
        check(r == EARSHOT_OK, "a newcomer gets in%s%s", r ? " not: " : "", r ? error : "");
    earshot_close(link);
    return 0;
}

static void visit(const struct stage *stage, uid_t uid, const char *word) {
    struct visit visit = {stage, word};
    check(user_run(uid, visitor, &visit, 15000) == 0, "the newcomer is not left hanging");
}

/* One queue more: enough for the mailbox, not for the first lane of a new user. */
static void queues(struct stage *stage) {
    long n = (long)stage_n_queues();
    set_limit("msgmni", n);
    visit(stage, UID_MALLORY, "msgmni");
    stage_check_talk(stage, "no queue is left for a mailbox");
    set_limit("msgmni", n + 1);
    visit(stage, UID_MALLORY, "msgmni");
    stage_check_talk(stage, "no queue is left for a lane");
    set_limit("msgmni", 32000);
    visit(stage, UID_MALLORY, NULL);
}

#define UID_TRUDY (UID_MALLORY + 1)

struct crowd {
    const struct stage *stage;
    int n_in, n_refused;
    char reason[512];
};

/* Many sessions of one process, until one is refused. */
static int fill_files(void *arg) {
    struct crowd *crowd = arg;
    static struct raw raws[200];
    int n = 0;
    for (; n < (int)ARRAY_LEN(raws); n++) {
        enum raw_answer answer = raw_join(&raws[n], crowd->stage->dir, "trudy", 0);
        if (answer == RAW_WELCOME)
            continue;
        crowd->n_refused += answer == RAW_FAILED && raws[n].fail == FAIL_LIMIT;
        snprintf(crowd->reason, sizeof crowd->reason, "%s", raws[n].reason);
        n++;
        break;
    }
    crowd->n_in = n - crowd->n_refused;
    for (int i = 0; i < n; i++)
        raw_leave(&raws[i]);
    return 0;
}

struct soft {
    pid_t pid;
    __rlimit_resource_t resource;
    rlim_t value; /* RLIM_INFINITY: back to the hard limit */
};

/* As the hub's own user, who needs no privilege for it. */
static int set_soft(void *arg) {
    const struct soft *soft = arg;
    struct rlimit limit;
    if (prlimit(soft->pid, soft->resource, NULL, &limit) < 0)
        return 1;
    limit.rlim_cur = soft->value == RLIM_INFINITY ? limit.rlim_max : soft->value;
    return prlimit(soft->pid, soft->resource, &limit, NULL) < 0;
}

static void limit_hub(const struct stage *stage, __rlimit_resource_t resource, rlim_t value) {
    struct soft soft = {stage->hub.pid, resource, value};
    if (user_run(UID_HUB, set_soft, &soft, 5000) != 0)
        check_die("cannot set the hub's limit");
}

static void files(struct stage *stage) {
    struct crowd *crowd = check_shared(sizeof *crowd);
    crowd->stage = stage;
    long mark = hub_log_mark(&stage->hub);
    limit_hub(stage, RLIMIT_NOFILE, (rlim_t)hub_n_files(&stage->hub) + 5);
    /* Of each uid one refusal a minute is written, and mallory has had hers. */
    check(user_run(UID_TRUDY, fill_files, crowd, 30000) == 0, "sessions until the limit");
    check(crowd->n_refused == 1, "EMFILE: session %d is refused: %s", crowd->n_in + 1,
          crowd->reason);
    check(strstr(crowd->reason, "ulimit -n") != NULL, "EMFILE: the refusal names the limit");
    check(hub_log_has(&stage->hub, mark, NULL, NULL, 5000), "EMFILE: logged");
    stage_check_talk(stage, "EMFILE");
    visit(stage, UID_MALLORY, NULL);
    limit_hub(stage, RLIMIT_NOFILE, RLIM_INFINITY);
}

/* A lane is read by a thread. */
static void threads(struct stage *stage) {
    limit_hub(stage, RLIMIT_NPROC, 1);
    visit(stage, 61007, "thread");
    stage_check_talk(stage, "no thread for another lane");
    limit_hub(stage, RLIMIT_NPROC, RLIM_INFINITY);
    visit(stage, 61007, NULL);
}

/* An administrator raises msgmax: messages come that are longer than any before. */
static int send_long(void *arg) {
    static const uint8_t junk[15000] = {PROTO_VERSION, 0, 1, 0};
    const struct stage *stage = arg;
    struct raw raw;
    if (raw_join(&raw, stage->dir, "mallory", 0) != RAW_WELCOME)
        return 1;
    for (int i = 0; i < 100; i++) {
        raw_send_bytes(raw.lane, HUB_MTYPE, junk, sizeof junk);
        raw_send_bytes(raw.hub.msqid, HUB_MTYPE, junk, sizeof junk);
    }
    bool served = raw_is_served(&raw);
    raw_leave(&raw);
    return !served;
}

static void longer_messages(struct stage *stage) {
    set_limit("msgmax", 65536);
    check(user_run(UID_MALLORY, send_long, stage, 20000) == 0,
          "messages of 15,000 bytes, after msgmax was raised: harmless");
    stage_check_talk(stage, "longer messages");
    set_limit("msgmax", 8192);
    set_limit("msgmnb", 65536);
    visit(stage, 61008, NULL);
    set_limit("msgmnb", 16384);
    visit(stage, 61009, NULL);
}

/* A hub that starts under these limits. */
static void start_with(struct stage *stage, const char *name, long value, long stock) {
    struct hub hub;
    long mark = hub_log_mark(&stage->hub);
    set_limit(name, value);
    bool started = hub_start(&hub, &stage->hub.options);
    check(!started && (hub.exit_code == 73 || hub.exit_code == 78),
          "%s = %ld: the hub cannot start, exit code %d", name, value, hub.exit_code);
    check(hub_log_has(&hub, mark, name, NULL, 0), "%s = %ld: the message names %s", name, value,
          name);
    if (started)
        hub_stop(&hub);
    set_limit(name, stock);
}

/* Everything at a quarter of the stock limits: smaller, but enough. */
static void small_queues(struct stage *stage) {
    set_limit("msgmax", 2688);
    set_limit("msgmnb", 5376);
    stage_start_hub(stage, "open");
    check(bystanders_start(&stage->pair, stage->dir, 1000),
          "msgmax 2688 and msgmnb 5376: alice and bob talk");
    visit(stage, UID_MALLORY, NULL);
    bystanders_stop(&stage->pair);
    check(hub_stop(&stage->hub) == 0, "the hub ends cleanly");
    set_limit("msgmax", 8192);
    set_limit("msgmnb", 16384);
}

int main(void) {
    struct stage stage;
    stage_begin(&stage);
    queues(&stage);
    files(&stage);
    threads(&stage);
    longer_messages(&stage);
    bystanders_stop(&stage.pair);
    check(hub_stop(&stage.hub) == 0, "the hub ends cleanly");
    stage_check_nothing_left("after the limits");
    start_with(&stage, "msgmni", 0, 32000);
    start_with(&stage, "msgmax", 512, 8192);
    start_with(&stage, "msgmnb", 512, 16384);
    small_queues(&stage);
    return stage_end(&stage);
}
