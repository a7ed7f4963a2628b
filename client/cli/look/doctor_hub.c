/* The hub: its directory and queue as the kernel sees them, and what it says itself. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "cli/interrupt.h"
#include "cli/look/doctor.h"
#include "cli/records.h"
#include "cli/report.h"
#include "cli/request.h"
#include "cli/start.h"
#include "ipc/process.h"
#include "ipc/queue.h"

#define DOCTOR_MS 10000
#define MIB (UINT64_C(1) << 20)
#define DISK_LITTLE (256 * MIB)
#define DISK_NOTHING (8 * MIB)
#define DATABASE "earshot.db"
#define SYSTEM_STATE_DIR "/var/lib/earshot"
#define NEARLY_FULL 10 /* less than one part in so many is free */

static const mode_t queue_modes[] = {0600, 0620, 0622};

static void hub_say_no_directory(struct doctor *doctor) {
    if (doctor->origin == RENDEZVOUS_PRIVATE)
        doctor_say(doctor, DOCTOR_OK, "directory", NULL,
                   "%s is not there yet; it is made when your hub starts", doctor->dir);
    else
        doctor_say(doctor, DOCTOR_PROBLEM, "directory", "name another one, or start a hub there",
                   "%s cannot be looked at: %s", doctor->dir, strerror(errno));
}

static bool hub_has_right_owner(const struct doctor *doctor, const struct stat *status) {
    if (doctor->origin == RENDEZVOUS_PRIVATE)
        return status->st_uid == geteuid();
    return status->st_uid == 0 || status->st_uid == doctor_hub_uid(doctor);
}

void doctor_check_directory(struct doctor *doctor) {
    struct stat status;
    char owner[LOGIN_SIZE], fix[PATH_MAX + 64];
    unsigned mode;
    if (lstat(doctor->dir, &status) < 0) {
        hub_say_no_directory(doctor);
        return;
    }
    /* A link is followed, unless it stands where one's private directory should be. */
    if (S_ISLNK(status.st_mode) && doctor->origin != RENDEZVOUS_PRIVATE)
        (void)stat(doctor->dir, &status);
    cli_login(status.st_uid, owner);
    mode = status.st_mode & 07777;
    if (!S_ISDIR(status.st_mode))
        doctor_say(doctor, DOCTOR_PROBLEM, "directory", "remove it, or name another one with --hub",
                   "%s is not a directory", doctor->dir);
    else if (mode & (S_IWGRP | S_IWOTH)) {
        snprintf(fix, sizeof fix, "chmod go-w %s", doctor->dir);
        doctor_say(doctor, DOCTOR_PROBLEM, "directory", fix,
                   "others can write to %s (mode %04o, owner %s), so anybody could put a false hub "
                   "there and nobody joins it",
                   doctor->dir, mode, owner);
    } else if (!hub_has_right_owner(doctor, &status))
        doctor_say(doctor, DOCTOR_PROBLEM, "directory",
                   "do not use it unless you know whose it is; name another one with --hub",
                   "%s belongs to %s, who does not own the hub", doctor->dir, owner);
    else
        doctor_say(doctor, DOCTOR_OK, "directory", NULL, "%s belongs to %s, mode %04o", doctor->dir,
                   owner, mode);
}

/* Found through the key file and checked: what rendezvous_find() does not look at. */
static void hub_check_queue(struct doctor *doctor) {
    struct queue_info info;
    const struct rendezvous_record *record = &doctor->record;
    char owner[LOGIN_SIZE];
    if (queue_stat_any(record->msqid, &info) != QUEUE_OK) {
        doctor_say(doctor, DOCTOR_PROBLEM, "queue", "try again; else start the hub again",
                   "the hub's queue %d has just been removed", record->msqid);
        return;
    }
    cli_login(info.uid, owner);
    if (info.uid != record->uid || info.mode != queue_modes[record->mode])
        doctor_say(doctor, DOCTOR_PROBLEM, "queue", "stop the hub and start it again",
                   "the hub's queue %d belongs to %s with mode %04o; it should be uid %u and %04o",
                   info.msqid, owner, (unsigned)info.mode, (unsigned)record->uid,
                   (unsigned)queue_modes[record->mode]);
    else if (info.n_bytes > info.limit - info.limit / NEARLY_FULL)
        doctor_say(doctor, DOCTOR_WARNING, "queue",
                   "if it stays so, the hub hangs or is stopped: see its log, start it again",
                   "the hub's queue %d is full: %zu of %zu bytes", info.msqid, info.n_bytes,
                   info.limit);
    else
        doctor_say(doctor, DOCTOR_OK, "queue", NULL,
                   "the hub's queue %d, key 0x%08x, belongs to %s, mode %04o, %zu of %zu bytes",
                   info.msqid, (unsigned)info.key, owner, (unsigned)info.mode, info.n_bytes,
                   info.limit);
}

/* Another user's process does not show its namespace; that its queue is in ours is enough. */
static void hub_check_namespace(struct doctor *doctor) {
    char path[64];
    struct stat its, ours;
    snprintf(path, sizeof path, "/proc/%d/ns/ipc", (int)doctor->record.pid);
    if (stat(path, &its) == 0 && stat("/proc/self/ns/ipc", &ours) == 0 &&
        (its.st_dev != ours.st_dev || its.st_ino != ours.st_ino))
        doctor_say(doctor, DOCTOR_PROBLEM, "namespace", "run the client where the hub runs",
                   "the hub is in another IPC namespace");
    else
        doctor_say(doctor, DOCTOR_OK, "namespace", NULL,
                   "the hub is in the same IPC namespace as this program");
}

static void hub_say_none(struct doctor *doctor) {
    char sentence[PATH_MAX + 256];
    bool is_alive = doctor->record.pid > 0 && process_exists(doctor->record.pid);
    if (doctor->found == RENDEZVOUS_NO_HUB && is_alive) {
        doctor_say(doctor, DOCTOR_PROBLEM, "hub",
                   "wait for a moment: it makes another one; else stop it and start it again",
                   "the hub (PID %d) lives, but its queue was removed", (int)doctor->record.pid);
        return;
    }
    bool is_usual =
        doctor->origin == RENDEZVOUS_PRIVATE &&
        (doctor->found == RENDEZVOUS_NO_HUB || doctor->found == RENDEZVOUS_NO_DIRECTORY);
    if (is_usual) {
        doctor_say(doctor, DOCTOR_OK, "hub", NULL,
                   "none runs; your own is started when you first run earshot");
        return;
    }
    snprintf(sentence, sizeof sentence, "%s %s", doctor->dir,
             doctor->found > 0 ? rendezvous_outcome_text((enum rendezvous_outcome)doctor->found)
                               : strerror(-doctor->found));
    doctor_say_sentence(doctor, DOCTOR_PROBLEM, "hub", sentence);
}

/* Each line of earshotd is a sentence; "earshotd: " in front of it is left out. */
static void hub_say_hindrances(struct doctor *doctor, char *text) {
    static const char head[] = "earshotd: ";
    for (char *line; (line = strsep(&text, "\n"));)
        if (strncmp(line, head, sizeof head - 1) == 0)
            doctor_say_sentence(doctor, DOCTOR_PROBLEM, "start", line + sizeof head - 1);
}

void doctor_check_start(struct doctor *doctor) {
    char text[4096];
    bool may_start = doctor->origin == RENDEZVOUS_PRIVATE ||
                     (doctor->origin == RENDEZVOUS_NAMED && doctor->options->start);
    if (doctor->found == RENDEZVOUS_OK || !may_start)
        return;
    int code = cli_check_hub(doctor->dir, text, sizeof text);
    if (code == CLI_DONE)
        doctor_say(doctor, DOCTOR_OK, "start", NULL, "nothing is in the way of a hub in %s",
                   doctor->dir);
    else if (code > 0 && code != CLI_USAGE) /* an older one has no --check */
        hub_say_hindrances(doctor, text);
}

void doctor_check_machine(struct doctor *doctor) {
    struct rendezvous_record record;
    char owner[LOGIN_SIZE];
    if (doctor->origin != RENDEZVOUS_PRIVATE ||
        access(RENDEZVOUS_SYSTEM_DIR "/" RENDEZVOUS_KEY_FILE, F_OK) < 0)
        return;
    int r = rendezvous_find(RENDEZVOUS_SYSTEM_DIR, (uid_t)-1, &record);
    cli_login(record.uid, owner);
    if (r == RENDEZVOUS_OK && record.mode == HUB_PRIVATE)
        doctor_say(doctor, DOCTOR_WARNING, "machine",
                   "an administrator starts it with --mode open, or for a group: earshotd(8)",
                   "the hub in " RENDEZVOUS_SYSTEM_DIR " is private: only %s may join it", owner);
    else if (r != RENDEZVOUS_OK)
        doctor_say(doctor, DOCTOR_WARNING, "machine",
                   "an administrator starts it again: systemctl restart earshot",
                   "the machine's hub, in " RENDEZVOUS_SYSTEM_DIR ", does not run any more");
}

void doctor_check_hub(struct doctor *doctor) {
    char owner[LOGIN_SIZE];
    if (doctor->found != RENDEZVOUS_OK) {
        hub_say_none(doctor);
        return;
    }
    cli_login(doctor->record.uid, owner);
    doctor_say(doctor, DOCTOR_OK, "hub", NULL, "PID %d of %s, %s", (int)doctor->record.pid, owner,
               cli_mode_words[doctor->record.mode]);
    hub_check_queue(doctor);
    hub_check_namespace(doctor);
}

/* What the hub says. */

struct hub_numbers {
    uint64_t messages, bytes, trouble, clock, log_bytes, keep_days, keep_bytes, sessions, rejected;
};

static void hub_add_counter(void *arg, const struct earshot_event *event) {
    struct hub_numbers *numbers = arg;
    const struct {
        const char *key;
        uint64_t *value;
    } rows[] = {
        {"store_messages", &numbers->messages}, {"store_bytes", &numbers->bytes},
        {"store_trouble", &numbers->trouble},   {"clock_trouble", &numbers->clock},
        {"log_bytes", &numbers->log_bytes},     {"keep_days", &numbers->keep_days},
        {"keep_bytes", &numbers->keep_bytes},   {"sessions", &numbers->sessions},
        {"rejected", &numbers->rejected},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (strcmp(rows[i].key, event->counter.key) == 0)
            *rows[i].value = event->counter.value;
}

/* Joins as anybody would, which is a check by itself. */
static bool hub_ask(struct doctor *doctor, struct hub_numbers *numbers) {
    const struct cli_options *options = doctor->options;
    int ms = options->timeout_ms >= 0 ? options->timeout_ms : DOCTOR_MS;
    earshot *link;
    uint32_t request = 0;
    int r = earshot_open(
        &link,
        &(struct earshot_options){.hub = options->hub, .handle = options->name, .timeout_ms = ms});
    if (r == EARSHOT_OK) {
        cli_limit_start(ms);
        r = earshot_ask(link, EARSHOT_COUNTERS, NULL, &request);
        r = cli_request_wait(link, options, r, request, hub_add_counter, numbers);
        if (r != CLI_DONE)
            doctor_say(doctor, DOCTOR_PROBLEM, "join", "see the hub's log, or start it again",
                       "the hub let this program join, and then did not answer");
    } else {
        doctor_say_sentence(doctor, DOCTOR_PROBLEM, "join",
                            link ? earshot_error(link) : "the machine has no memory left");
    }
    earshot_close(link);
    cli_limit_stop();
    return r == EARSHOT_OK;
}

static void hub_bound_text(const struct hub_numbers *numbers, char *text, size_t size) {
    char days[64] = "for ever", bytes[64] = "";
    if (numbers->keep_days > 0)
        snprintf(days, sizeof days, "for %llu days", (unsigned long long)numbers->keep_days);
    if (numbers->keep_bytes > 0)
        snprintf(bytes, sizeof bytes, ", at most %llu MiB",
                 (unsigned long long)(numbers->keep_bytes / MIB));
    snprintf(text, size, "%s%s", days, bytes);
}

static void hub_check_log(struct doctor *doctor, const struct hub_numbers *numbers) {
    char bound[160];
    hub_bound_text(numbers, bound, sizeof bound);
    if (numbers->trouble)
        doctor_say(doctor, DOCTOR_PROBLEM, "store",
                   "make room on its disk, or see earshotd.log beside its database for the reason",
                   "the hub cannot store messages just now; who sends is told so");
    else if (numbers->bytes == 0)
        doctor_say(doctor, DOCTOR_OK, "store", NULL,
                   "the hub keeps nothing on disk, and %llu KiB of messages in memory",
                   (unsigned long long)(numbers->log_bytes / 1024));
    else
        doctor_say(doctor, DOCTOR_OK, "store", NULL, "%llu messages in %llu KiB; they are kept %s",
                   (unsigned long long)numbers->messages,
                   (unsigned long long)(numbers->bytes / 1024), bound);
}

static void hub_check_clock(struct doctor *doctor, const struct hub_numbers *numbers) {
    char text[64];
    time_t now = time(NULL);
    struct tm tm;
    strftime(text, sizeof text, "%F %T", localtime_r(&now, &tm));
    if (numbers->clock)
        doctor_say(
            doctor, DOCTOR_PROBLEM, "clock",
            "set it if it is wrong; if it is right, nothing need be done",
            "it says %s, and has leapt far from what the hub expected; no message is deleted "
            "for its age until it has gone on like that for a day",
            text);
    else
        doctor_say(doctor, DOCTOR_OK, "clock", NULL, "it says %s, which the hub believes", text);
}

/* The folder of the database that a process has open; false when it may not be seen. */
static bool hub_database_dir(pid_t pid, char dir[PATH_MAX]) {
    char path[64], name[PATH_MAX];
    snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    DIR *files = opendir(path);
    bool found = false;
    // cppcheck-suppress readdirCalled; one stream, one thread
    for (struct dirent *entry; files && !found && (entry = readdir(files));) {
        ssize_t n = readlinkat(dirfd(files), entry->d_name, name, sizeof name - 1);
        name[n > 0 ? n : 0] = '\0';
        char *slash = strrchr(name, '/');
        found = slash && slash > name && strcmp(slash + 1, DATABASE) == 0;
        if (found) {
            *slash = '\0';
            snprintf(dir, PATH_MAX, "%s", name);
        }
    }
    if (files)
        closedir(files);
    return found;
}

static void hub_check_disk(struct doctor *doctor) {
    char dir[PATH_MAX];
    struct statvfs disk;
    if (!hub_database_dir(doctor->record.pid, dir)) {
        if (doctor->origin != RENDEZVOUS_SYSTEM)
            return;
        snprintf(dir, sizeof dir, SYSTEM_STATE_DIR);
    }
    if (statvfs(dir, &disk) < 0)
        return;
    uint64_t free_bytes = (uint64_t)disk.f_bavail * disk.f_frsize;
    enum doctor_state state = free_bytes < DISK_NOTHING  ? DOCTOR_PROBLEM
                              : free_bytes < DISK_LITTLE ? DOCTOR_WARNING
                                                         : DOCTOR_OK;
    doctor_say(doctor, state, "disk",
               state == DOCTOR_OK ? NULL
                                  : "make room there, or start the hub with a lower --keep-bytes",
               "%llu MiB are free where the hub keeps its log, in %s",
               (unsigned long long)(free_bytes / MIB), dir);
}

void doctor_check_store(struct doctor *doctor) {
    struct hub_numbers numbers = {0};
    if (doctor->found != RENDEZVOUS_OK || !hub_ask(doctor, &numbers))
        return;
    doctor_say(doctor, DOCTOR_OK, "join", NULL,
               "the hub answers; sessions now: %llu, batches rejected so far: %llu",
               (unsigned long long)numbers.sessions, (unsigned long long)numbers.rejected);
    hub_check_log(doctor, &numbers);
    hub_check_clock(doctor, &numbers);
    if (numbers.bytes > 0)
        hub_check_disk(doctor);
}
