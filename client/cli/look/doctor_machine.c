/* The machine: limits of the kernel, what the dead have left, what happens at logout, versions. */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/text.h"
#include "cli/child.h"
#include "cli/look/doctor.h"
#include "cli/records.h"
#include "cli/start.h"
#include "ipc/queue.h"
#include "ipc/ring.h"
#include "ipc/shm.h"

#define FEW_SESSIONS 50 /* less room than this is worth a warning */
#define NAMED_MAX 3     /* holders that are named */
#define LEFT_FIX "run `earshot doctor --fix`, which removes what is yours and dead"
#define SYSTEM_UID_MAX 999 /* logind spares system users: systemd's SYSTEM_UID_MAX */
#define VERSION_SIZE 128

/* One user's share of the queues or segments of this IPC namespace. */
struct holder {
    uid_t uid;
    size_t n;
};

struct holders {
    struct holder *all;
    size_t n, n_objects;
};

static void holders_count(struct holders *holders, uid_t uid) {
    size_t i = 0;
    while (i < holders->n && holders->all[i].uid != uid)
        i++;
    if (i == holders->n) {
        holders->all = cli_grow(holders->all, holders->n, sizeof *holders->all);
        holders->all[holders->n++] = (struct holder){.uid = uid};
    }
    holders->all[i].n++;
    holders->n_objects++;
}

/* By creator: a mailbox is its client's, although it was handed to the hub. */
static bool holders_count_queue(void *arg, const struct queue_info *info) {
    holders_count(arg, info->cuid);
    return true;
}

static bool holders_count_segment(void *arg, const struct shm_segment *segment) {
    holders_count(arg, segment->cuid);
    return true;
}

/* Four sessions need a mailbox each and one lane. */
static size_t limits_sessions_in(size_t n_queues) {
    return n_queues * SESSIONS_PER_LANE / (SESSIONS_PER_LANE + 1);
}

static void limits_check_queues(struct doctor *doctor, size_t n_used) {
    struct queue_limits limits;
    int r = queue_limits_read(&limits);
    if (r != 0) {
        doctor_say_sentence(doctor, DOCTOR_PROBLEM, "queue-limits",
                            r > 0 ? "messages cannot be long enough to work with; raise "
                                    "kernel.msgmax (at least 2688) and kernel.msgmnb (at least "
                                    "5376) with sysctl(8)"
                                  : "the kernel does not tell its limits on queues");
        return;
    }
    size_t n_free = limits.msgmni > n_used ? limits.msgmni - n_used : 0;
    size_t n_sessions = limits_sessions_in(n_free);
    enum doctor_state state = n_sessions == 0             ? DOCTOR_PROBLEM
                              : n_sessions < FEW_SESSIONS ? DOCTOR_WARNING
                                                          : DOCTOR_OK;
    const char *fix = state == DOCTOR_OK
                          ? NULL
                          : "raise kernel.msgmni with sysctl(8), or see who holds so many queues";
    doctor_say(doctor, state, "queue-limits", fix,
               "%zu of %zu queues are in use; there is room for about %zu more programs that join "
               "(msgmni %zu, msgmax %zu, msgmnb %zu)",
               n_used, limits.msgmni, n_sessions, limits.msgmni, limits.msgmax, limits.msgmnb);
}

#define NO_LIMIT ((size_t)1 << 60) /* the kernel's default is above this */

static const char *limits_text(size_t limit, char text[32]) {
    snprintf(text, 32, "%zu", limit);
    return limit > NO_LIMIT ? "unlimited" : text;
}

static size_t limits_at_most(size_t a, size_t b) {
    return a < b ? a : b;
}

static void limits_check_segments(struct doctor *doctor) {
    struct shm_limits limits;
    char shmmax[32], shmall[32];
    if (shm_limits_read(&limits) != 0) {
        doctor_say(doctor, DOCTOR_PROBLEM, "segment-limits", NULL,
                   "the kernel does not tell its limits on shared memory");
        return;
    }
    /* A ring has its slots and a little for the two indexes. */
    size_t need = (RING_N_SLOTS + 1) * (size_t)RING_SLOT_BYTES;
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t pages = limits.shmall > limits.n_pages ? limits.shmall - limits.n_pages : 0;
    size_t ids = limits.shmmni > limits.n_segments ? limits.shmmni - limits.n_segments : 0;
    size_t room = limits.shmmax < need ? 0 : limits_at_most(ids, pages / (need / page));
    const char *fix =
        room == 0 ? "raise kernel.shmmax, kernel.shmall or kernel.shmmni with sysctl(8)" : NULL;
    doctor_say(doctor, room == 0 ? DOCTOR_WARNING : DOCTOR_OK, "segment-limits", fix,
               "%zu of %zu segments are in use; there is room for %zu more large files on their "
               "way at once (shmmni %zu, shmmax %s, shmall %s)",
               limits.n_segments, limits.shmmni, room, limits.shmmni,
               limits_text(limits.shmmax, shmmax), limits_text(limits.shmall, shmall));
}

void doctor_check_limits(struct doctor *doctor) {
    struct holders holders = {0};
    queue_each(holders_count_queue, &holders);
    limits_check_queues(doctor, holders.n_objects);
    limits_check_segments(doctor);
    free(holders.all);
}

static int holders_by_most(const void *a, const void *b) {
    const struct holder *x = a, *y = b;
    return (x->n < y->n) - (x->n > y->n);
}

/* "root 12, alice 3, 2 others" */
static void holders_text(const struct holders *holders, char *text, size_t size) {
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < holders->n && i < NAMED_MAX && used < size; i++) {
        char login[LOGIN_SIZE];
        cli_login(holders->all[i].uid, login);
        used += (size_t)snprintf(text + used, size - used, "%s%s %zu", i > 0 ? ", " : ": ", login,
                                 holders->all[i].n);
    }
    if (holders->n > NAMED_MAX && used < size)
        snprintf(text + used, size - used, ", and %zu more users", holders->n - NAMED_MAX);
}

static void holders_say(struct doctor *doctor, const char *name, const char *what,
                        struct holders *holders, size_t limit) {
    char text[512], login[LOGIN_SIZE], fix[256];
    if (holders->n > 1)
        qsort(holders->all, holders->n, sizeof *holders->all, holders_by_most);
    holders_text(holders, text, sizeof text);
    bool is_much = holders->n > 0 && holders->all[0].n > limit / 2;
    if (is_much) {
        cli_login(holders->all[0].uid, login);
        snprintf(fix, sizeof fix,
                 "%s holds more than half of the %zu that this machine allows: ask what for, and "
                 "see ipcs(1) and ipcrm(1)",
                 login, limit);
    }
    doctor_say(doctor, is_much ? DOCTOR_WARNING : DOCTOR_OK, name, is_much ? fix : NULL,
               "%s in use on this machine, by creator%s%s", what, holders->n == 0 ? ": none" : "",
               text);
    free(holders->all);
}

void doctor_check_holders(struct doctor *doctor) {
    struct holders queues = {0}, segments = {0};
    struct queue_limits queue_limits = {0};
    struct shm_limits shm_limits = {0};
    queue_each(holders_count_queue, &queues);
    shm_each(holders_count_segment, &segments);
    if (queue_limits_read(&queue_limits) >= 0)
        holders_say(doctor, "queues", "queues", &queues, queue_limits.msgmni);
    if (shm_limits_read(&shm_limits) == 0)
        holders_say(doctor, "segments", "segments", &segments, shm_limits.shmmni);
}

/*
 * What dead hubs and clients left: mailboxes and lanes, which carry our tag, and key files that no
 * hub holds a lock on, with the queue that belongs to them. Only what is ours is looked for.
 */

static void left_check_queues(struct doctor *doctor) {
    bool fix = doctor->options->fix;
    int n = fix ? queue_sweep(NULL, 0) : queue_orphans();
    if (n < 0)
        doctor_say(doctor, DOCTOR_WARNING, "leftover-queues", "try again as the user of the hub",
                   "the queues of this machine cannot be listed");
    else if (n == 0)
        doctor_say(doctor, DOCTOR_OK, "leftover-queues", NULL,
                   "no queue of yours is left by a dead hub or client");
    else if (fix)
        doctor_say(doctor, DOCTOR_OK, "leftover-queues", NULL,
                   "removed queues of yours that a dead hub or client had left: %d", n);
    else
        doctor_say(doctor, DOCTOR_WARNING, "leftover-queues", LEFT_FIX,
                   "queues of yours that a dead hub or client has left: %d", n);
}

/* A key file of ours without a hub. */
static bool left_has_dead_hub(const char *dir) {
    char path[PATH_MAX];
    struct stat status;
    struct rendezvous_record record;
    int n = snprintf(path, sizeof path, "%s/" RENDEZVOUS_KEY_FILE, dir);
    if (n >= (int)sizeof path || lstat(path, &status) < 0 || status.st_uid != geteuid() ||
        !S_ISREG(status.st_mode))
        return false;
    /* A living hub whose queue is missing has its record read. */
    return rendezvous_find(dir, (uid_t)-1, &record) == RENDEZVOUS_NO_HUB && record.pid == 0;
}

/* As a hub that begins and ends at once: it adopts the queue, so that the end removes it, too. */
static int left_remove_dead_hub(const char *dir) {
    struct rendezvous rendezvous;
    int r = rendezvous_open(&rendezvous, dir, HUB_PRIVATE, getegid());
    if (r == RENDEZVOUS_OK)
        rendezvous_close(&rendezvous);
    return r;
}

/* Returns whether there was something. */
static bool left_check_directory(struct doctor *doctor, const char *dir) {
    if (!left_has_dead_hub(dir))
        return false;
    if (!doctor->options->fix) {
        doctor_say(doctor, DOCTOR_WARNING, "leftover-hub",
                   "start a hub there again, which takes over what is left; or " LEFT_FIX,
                   "a hub that died has left its key file in %s", dir);
        return true;
    }
    int r = left_remove_dead_hub(dir);
    if (r == RENDEZVOUS_OK || r == RENDEZVOUS_TAKEN)
        doctor_say(doctor, DOCTOR_OK, "leftover-hub", NULL,
                   "removed what a hub that died had left in %s", dir);
    else
        doctor_say(doctor, DOCTOR_WARNING, "leftover-hub", "remove it by hand: see ipcs(1)",
                   "what a hub that died has left in %s cannot be removed", dir);
    return true;
}

static bool left_is_ours(const char *dir) {
    struct stat status;
    return lstat(dir, &status) == 0 && S_ISDIR(status.st_mode) && status.st_uid == geteuid();
}

/* Where our private hub is when there is no XDG_RUNTIME_DIR, as for a job of cron(8). */
static bool left_check_other_place(struct doctor *doctor) {
    char dir[64];
    if (doctor->origin == RENDEZVOUS_NAMED)
        return false;
    snprintf(dir, sizeof dir, "/tmp/earshot-%u", (unsigned)geteuid());
    if (strcmp(dir, doctor->dir) == 0 || !left_is_ours(dir) || !left_check_directory(doctor, dir))
        return false;
    if (doctor->options->fix)
        (void)rmdir(dir); /* unless something else is in it */
    return true;
}

void doctor_check_left(struct doctor *doctor) {
    left_check_queues(doctor);
    bool found = left_check_directory(doctor, doctor->dir);
    if (!left_check_other_place(doctor) && !found)
        doctor_say(doctor, DOCTOR_OK, "leftover-hub", NULL,
                   "no key file is left by a hub of yours that died");
}

/* What systemd-logind does at logout. */

static int logind_take(void *arg, const char *section, const char *key, const char *value) {
    if (strcmp(section, "Login") == 0 && strcmp(key, "RemoveIPC") == 0)
        *(bool *)arg = strcasecmp(value, "no") != 0 && strcasecmp(value, "false") != 0 &&
                       strcasecmp(value, "off") != 0 && strcmp(value, "0") != 0;
    return 1;
}

/*
 * logind.conf(5): the file of the highest place, then the drop-ins of all places in the order
 * of their names, the later ones win.
 */
static const char *const logind_places[] = {"/usr/lib/systemd", "/run/systemd", "/etc/systemd"};

static int logind_by_name(const void *a, const void *b) {
    const char *x = *(const char *const *)a, *y = *(const char *const *)b;
    return strcmp(strrchr(x, '/'), strrchr(y, '/'));
}

/* RemoveIPC is yes unless a file says otherwise. */
static bool logind_removes_ipc(void) {
    bool removes = true;
    char path[128];
    glob_t names = {0};
    for (size_t i = 0; i < ARRAY_LEN(logind_places); i++) {
        snprintf(path, sizeof path, "%s/logind.conf", logind_places[i]);
        (void)ini_parse(path, logind_take, &removes);
        snprintf(path, sizeof path, "%s/logind.conf.d/*.conf", logind_places[i]);
        (void)glob(path, i > 0 ? GLOB_APPEND : 0, NULL, &names);
    }
    if (names.gl_pathc > 1)
        qsort(names.gl_pathv, names.gl_pathc, sizeof *names.gl_pathv, logind_by_name);
    for (size_t i = 0; i < names.gl_pathc; i++)
        (void)ini_parse(names.gl_pathv[i], logind_take, &removes);
    globfree(&names);
    return removes;
}

/* Who lingers is never logged out, as far as logind is concerned. */
static bool logind_lingers(const char *login) {
    char path[128];
    snprintf(path, sizeof path, "/var/lib/systemd/linger/%s", login);
    return access(path, F_OK) == 0;
}

void doctor_check_logout(struct doctor *doctor) {
    char login[LOGIN_SIZE], fix[256];
    uid_t uid = doctor_hub_uid(doctor);
    cli_login(uid, login);
    if (access("/run/systemd/system", F_OK) != 0)
        doctor_say(doctor, DOCTOR_OK, "logout", NULL,
                   "no systemd runs here that would remove queues at logout");
    else if (uid <= SYSTEM_UID_MAX)
        doctor_say(doctor, DOCTOR_OK, "logout", NULL,
                   "%s is a system user, whose queues stay after logout", login);
    else if (logind_lingers(login) || !logind_removes_ipc())
        doctor_say(doctor, DOCTOR_OK, "logout", NULL, "the queues of %s stay after logout", login);
    else {
        snprintf(fix, sizeof fix,
                 "loginctl enable-linger %s, or RemoveIPC=no in /etc/systemd/logind.conf, or use a "
                 "system hub",
                 login);
        doctor_say(doctor, DOCTOR_WARNING, "logout", fix,
                   "the queues of %s, and so the hub's, are removed when %s logs out everywhere "
                   "(RemoveIPC=yes in logind.conf)",
                   login, login);
    }
}

/* Which versions are installed. */

static int versions_read(int fd, char *text, size_t size) {
    size_t used = 0;
    ssize_t n;
    while ((n = read(fd, text + used, size - 1 - used)) > 0 || (n < 0 && errno == EINTR))
        used += n > 0 ? (size_t)n : 0;
    text[used] = '\0';
    text[strcspn(text, "\n")] = '\0';
    return used > 0 ? 0 : -ENODATA;
}

/* What `earshotd --version` prints: "earshotd 1.2". Returns 0 or -errno. */
static int versions_ask(const char *program, char version[VERSION_SIZE]) {
    char path[PATH_MAX], option[] = "--version";
    char *argv[] = {path, option, NULL};
    int ends[2];
    pid_t pid;
    snprintf(path, sizeof path, "%s", program);
    if (pipe2(ends, O_CLOEXEC) < 0)
        return -errno;
    int r = child_start(&pid, argv, &(struct child_files){-1, ends[1], -1}, false);
    close(ends[1]);
    if (r == 0) {
        r = versions_read(ends[0], version, VERSION_SIZE);
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    close(ends[0]);
    return r;
}

/* Whether the program of a process has been replaced on the disk; no when it may not be seen. */
static bool versions_is_replaced(pid_t pid) {
    static const char mark[] = " (deleted)";
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/%d/exe", (int)pid);
    ssize_t n = readlink(link, path, sizeof path);
    size_t n_mark = sizeof mark - 1;
    return n > (ssize_t)n_mark && memcmp(path + n - n_mark, mark, n_mark) == 0;
}

void doctor_check_versions(struct doctor *doctor) {
    char path[PATH_MAX], version[VERSION_SIZE];
    int r = versions_ask(cli_hub_program(path), version);
    if (r != 0)
        doctor_say(doctor, DOCTOR_WARNING, "versions", "install the hub, too",
                   "this is earshot %s; no earshotd is beside it or in PATH", EARSHOT_VERSION);
    else if (strcmp(version, "earshotd " EARSHOT_VERSION) != 0)
        doctor_say(doctor, DOCTOR_WARNING, "versions", "install the same release of both",
                   "this is earshot %s, and the hub installed is %s", EARSHOT_VERSION, version);
    else
        doctor_say(doctor, DOCTOR_OK, "versions", NULL,
                   "earshot and earshotd %s, protocol version %d", EARSHOT_VERSION,
                   EARSHOT_PROTOCOL_VERSION);
    if (doctor->found == RENDEZVOUS_OK && versions_is_replaced(doctor->record.pid))
        doctor_say(doctor, DOCTOR_WARNING, "running-version",
                   "start the hub again: earshotd --stop, with its --dir",
                   "the hub runs, but its program was replaced since it started");
}
