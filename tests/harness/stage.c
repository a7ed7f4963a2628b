#include "harness/stage.h"

#include <errno.h>
#include <ftw.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ipc/process.h"
#include "ipc/shm.h"

#define TALK_ROUNDS 20
#define TALK_MS 10000
#define LOG_MS 3000
#define ROSTER_MS 20000
#define LEFT_MS 5000 /* in a namespace that others use, too */

static int remove_entry(const char *path, const struct stat *stat, int type, struct FTW *ftw) {
    (void)stat, (void)type, (void)ftw;
    return remove(path);
}

static char root_to_remove[PATH_MAX / 4];
static pid_t root_owner;

/* Also when the test ends early; children exit as well, and must not do it. */
static void remove_root(void) {
    if (getpid() == root_owner && !getenv("KEEP"))
        nftw(root_to_remove, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static void stage_make_place(const char *path, uid_t owner, mode_t mode) {
    if (mkdir(path, mode) < 0 || (owner != geteuid() && chown(path, owner, owner) < 0))
        check_die("%s: %s", path, strerror(errno));
}

static void stage_make_places(struct stage *stage) {
    umask(022);
    const char *base = getenv("TMPDIR");
    snprintf(stage->root, sizeof stage->root, "%s/stage-XXXXXX", base ? base : "/tmp");
    if (!mkdtemp(stage->root) || chmod(stage->root, 0755) < 0)
        check_die("%s: %s", stage->root, strerror(errno));
    memcpy(root_to_remove, stage->root, sizeof root_to_remove);
    root_owner = getpid();
    atexit(remove_root);
    snprintf(stage->dir, sizeof stage->dir, "%s/rendezvous", stage->root);
    snprintf(stage->state, sizeof stage->state, "%s/state", stage->root);
    snprintf(stage->log, sizeof stage->log, "%s/hub.log", stage->root);
    stage_make_place(stage->dir, stage->uid_hub, 0755);
    stage_make_place(stage->state, stage->uid_hub, 0700);
}

/*
 * As an ordinary user we share the namespace with all that runs on the machine. Ours are only
 * queues that were not there before, and whose last users are dead.
 */
static struct {
    int *all; /* msqids */
    size_t n;
} before;

static bool before_note(void *arg, const struct queue_info *info) {
    (void)arg;
    int *all = reallocarray(before.all, before.n + 1, sizeof *all);
    if (!all)
        check_die("out of memory");
    before.all = all;
    before.all[before.n++] = info->msqid;
    return true;
}

static bool stage_is_ours(const struct queue_info *info) {
    if (geteuid() == 0)
        return true;
    for (size_t i = 0; i < before.n; i++)
        if (before.all[i] == info->msqid)
            return false;
    bool was_used = info->last_sender > 0 || info->last_receiver > 0;
    return info->cuid == geteuid() && was_used && !process_exists(info->last_sender) &&
           !process_exists(info->last_receiver);
}

void stage_prepare_somehow(struct stage *stage) {
    memset(stage, 0, sizeof *stage);
    check_begin();
    bool is_root = geteuid() == 0;
    if (is_root && unshare(CLONE_NEWIPC) < 0)
        check_skip("cannot make an IPC namespace: %s", strerror(errno));
    if (!is_root)
        queue_each(before_note, NULL);
    stage->uid_hub = is_root ? UID_HUB : geteuid();
    stage_make_places(stage);
}

void stage_prepare(struct stage *stage) {
    check_begin();
    user_need_root();
    stage_prepare_somehow(stage);
}

void stage_start_hub(struct stage *stage, const char *mode) {
    struct hub_options options = {
        .uid = stage->uid_hub, .dir = stage->dir, .mode = mode, .log = stage->log};
    memcpy(options.more, stage->more, sizeof options.more);
    if (stage->durable)
        options.state = stage->state;
    if (!hub_start(&stage->hub, &options)) {
        hub_log_show(&stage->hub, 0);
        check_die("the hub did not come up (exit code %d)", stage->hub.exit_code);
    }
}

void stage_begin(struct stage *stage) {
    stage_prepare(stage);
    stage_start_hub(stage, "open");
    if (!bystanders_start(&stage->pair, stage->dir, 1000)) {
        hub_log_show(&stage->hub, 0);
        check_die("the bystanders cannot talk: %s", stage->pair.talk->wrong);
    }
}

void stage_check_talk(struct stage *stage, const char *what) {
    bool alive = hub_is_alive(&stage->hub);
    bool talking = alive && bystanders_keep_talking(&stage->pair, TALK_ROUNDS, TALK_MS);
    check(talking, "%s: %s", what,
          !alive ? "the hub has died" : "alice and bob keep talking, the hub lives");
    if (!talking)
        hub_log_show(&stage->hub, 0);
    if (!alive)
        exit(1);
}

struct stage_roster {
    struct raw *raw;
    int n_wanted, n_users, n_sessions;
};

static bool is_as_wanted(void *arg) {
    struct stage_roster *roster = arg;
    roster->n_users = raw_count_users(roster->raw, &roster->n_sessions);
    return roster->n_users == roster->n_wanted && roster->n_sessions == roster->n_wanted;
}

void stage_check_roster(struct raw *raw, int n_users, int ms, const char *what) {
    struct stage_roster roster = {.raw = raw, .n_wanted = n_users};
    check(check_until(is_as_wanted, &roster, ms), "%s: the roster shows %d users, %d sessions",
          what, roster.n_users, roster.n_sessions);
}

int stage_look_for_two(void *stage) {
    struct raw raw;
    if (raw_join(&raw, ((const struct stage *)stage)->dir, "watcher", 0) != RAW_WELCOME)
        return 1;
    stage_check_roster(&raw, 2, ROSTER_MS, "a newcomer looks");
    raw_leave(&raw);
    return 0;
}

void stage_check_logged(struct stage *stage, long mark, uid_t uid, pid_t pid, const char *what) {
    char uid_text[32] = "", pid_text[32] = "";
    if (uid != 0)
        snprintf(uid_text, sizeof uid_text, "%u", uid);
    if (pid != 0)
        snprintf(pid_text, sizeof pid_text, "%d", pid);
    const char *word = uid != 0 ? uid_text : pid_text;
    const char *other = uid != 0 && pid != 0 ? pid_text : NULL;
    check(hub_log_has(&stage->hub, mark, word, other, LOG_MS), "%s: the log names%s%s%s%s", what,
          uid ? " uid " : "", uid_text, pid ? " PID " : "", pid_text);
}

static bool count_one(void *arg, const struct queue_info *info) {
    *(size_t *)arg += stage_is_ours(info);
    return true;
}

/* Sanitizers keep freed memory, so there the figure says nothing. */
void stage_check_growth(const struct stage *stage, long before_kib, long bound_kib,
                        const char *what) {
    const char *sanitizer = getenv("SANITIZE");
    long growth = hub_rss_kib(&stage->hub) - before_kib;
    if (sanitizer && *sanitizer)
        check_note("%s: the hub grew by %ld KiB (not judged under a sanitizer)", what, growth);
    else
        check(growth < bound_kib, "%s: the hub grew by %ld KiB, below %ld", what, growth,
              bound_kib);
}

size_t stage_n_queues(void) {
    size_t n = 0;
    int r = queue_each(count_one, &n);
    if (r < 0)
        check_die("cannot list the queues: %s", strerror(-r));
    return n;
}

struct tagged {
    enum queue_tag tag;
    size_t n;
};

static bool count_tagged(void *arg, const struct queue_info *info) {
    struct tagged *tagged = arg;
    tagged->n += info->key == IPC_PRIVATE && queue_tag_of(info) == tagged->tag;
    return true;
}

size_t stage_n_tagged(enum queue_tag tag) {
    struct tagged tagged = {.tag = tag};
    int r = queue_each(count_tagged, &tagged);
    if (r < 0)
        check_die("cannot list the queues: %s", strerror(-r));
    return tagged.n;
}

static bool tell_one(void *arg, const struct queue_info *info) {
    (void)arg;
    if (!stage_is_ours(info))
        return true;
    check_note(
        "left: queue %d key 0x%x owner %u creator %u mode %o tag %d last sender %d receiver %d "
        "messages %zu",
        info->msqid, (unsigned)info->key, info->uid, info->cuid, info->mode,
        (int)queue_tag_of(info), info->last_sender, info->last_receiver, info->n_messages);
    return true;
}

struct first {
    int msqid;
    bool any;
};

static bool stage_take_first(void *arg, const struct queue_info *info) {
    if (!stage_is_ours(info))
        return true;
    *(struct first *)arg = (struct first){info->msqid, true};
    return false;
}

static void remove_all(void) {
    struct first first;
    do {
        first.any = false;
        queue_each(stage_take_first, &first);
    } while (first.any && queue_remove(first.msqid) == QUEUE_OK);
}

static bool remove_nameless(void *arg, const struct queue_info *info) {
    bool nameless = geteuid() == 0 && info->key == IPC_PRIVATE && info->mode == QUEUE_MODE_NEW &&
                    info->n_bytes == 0 && info->uid == info->cuid;
    if (nameless && queue_remove(info->msqid) == QUEUE_OK)
        ++*(unsigned *)arg;
    return true;
}

void stage_remove_nameless(void) {
    unsigned n = 0;
    queue_each(remove_nameless, &n);
    if (n > 0)
        check_note("%u queues were left by processes killed in the moment of making them", n);
}

static bool stage_has_no_queue(void *arg) {
    *(size_t *)arg = stage_n_queues();
    return *(size_t *)arg == 0;
}

void stage_check_nothing_left(const char *when) {
    size_t n = 0;
    /* Another test's may look like ours for a moment. */
    check_until(stage_has_no_queue, &n, geteuid() == 0 ? 0 : LEFT_MS);
    check(n == 0, "%s: no queue is left (%zu)", when, n);
    if (n > 0)
        queue_each(tell_one, NULL);
    remove_all();
}

static bool count_segment(void *arg, const struct shm_segment *segment) {
    (void)segment;
    ++*(size_t *)arg;
    return true;
}

static bool has_no_segment(void *arg) {
    size_t *n = arg;
    *n = 0;
    (void)shm_each(count_segment, n);
    return *n == 0;
}

void stage_check_no_segment(const char *when, int ms) {
    size_t n;
    check(check_until(has_no_segment, &n, ms), "%s: no segment is left (%zu)", when, n);
}

int stage_end(struct stage *stage) {
    bystanders_stop(&stage->pair);
    if (stage->hub.pid > 0) {
        bool alive = hub_is_alive(&stage->hub);
        int code = hub_stop(&stage->hub);
        check(alive && code == 0, "the hub ends cleanly (exit code %d)", code);
        if (code != 0)
            hub_log_show(&stage->hub, 0);
    }
    stage_check_nothing_left("after the hub's stop");
    return check_end();
}
