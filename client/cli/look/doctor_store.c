#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "cli/interrupt.h"
#include "cli/look/doctor.h"
#include "cli/report.h"
#include "cli/request.h"

#define ANSWER_MS 10000
#define MIB (UINT64_C(1) << 20)
#define DISK_LITTLE (256 * MIB)
#define DISK_NOTHING (8 * MIB)
#define DATABASE "earshot.db"
#define SYSTEM_STATE_DIR "/var/lib/earshot"

struct numbers {
    uint64_t messages, bytes, trouble, clock, log_bytes, keep_days, keep_bytes, sessions, rejected;
};

static void add_counter(void *arg, const struct earshot_event *event) {
    struct numbers *numbers = arg;
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
static bool doctor_ask_hub(struct doctor *doctor, struct numbers *numbers) {
    const struct cli_options *options = doctor->options;
    int ms = options->timeout_ms >= 0 ? options->timeout_ms : ANSWER_MS;
    earshot *link;
    uint32_t request = 0;
    int r = earshot_open(
        &link,
        &(struct earshot_options){.hub = options->hub, .handle = options->name, .timeout_ms = ms});
    if (r == EARSHOT_OK) {
        cli_limit_start(ms);
        r = earshot_ask(link, EARSHOT_COUNTERS, NULL, &request);
        r = cli_request_wait(link, options, r, request, add_counter, numbers);
        if (r != CLI_DONE)
            doctor_say(doctor, DOCTOR_PROBLEM, "join", "see the hub's log, or start it again",
                       "the hub took us in and then did not answer");
    } else {
        doctor_say_sentence(doctor, DOCTOR_PROBLEM, "join",
                            link ? earshot_error(link) : "the machine has no memory left");
    }
    earshot_close(link);
    cli_limit_stop();
    return r == EARSHOT_OK;
}

static void say_bound(const struct numbers *numbers, char *text, size_t size) {
    char days[64] = "for ever", bytes[64] = "";
    if (numbers->keep_days > 0)
        snprintf(days, sizeof days, "for %llu days", (unsigned long long)numbers->keep_days);
    if (numbers->keep_bytes > 0)
        snprintf(bytes, sizeof bytes, ", at most %llu MiB",
                 (unsigned long long)(numbers->keep_bytes / MIB));
    snprintf(text, size, "%s%s", days, bytes);
}

static void check_store(struct doctor *doctor, const struct numbers *numbers) {
    char bound[160];
    say_bound(numbers, bound, sizeof bound);
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

static void check_clock(struct doctor *doctor, const struct numbers *numbers) {
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
static bool database_dir(pid_t pid, char dir[PATH_MAX]) {
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

static void check_disk(struct doctor *doctor) {
    char dir[PATH_MAX];
    struct statvfs disk;
    if (!database_dir(doctor->record.pid, dir)) {
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
    struct numbers numbers = {0};
    if (doctor->found != RENDEZVOUS_OK || !doctor_ask_hub(doctor, &numbers))
        return;
    doctor_say(doctor, DOCTOR_OK, "join", NULL,
               "the hub answers; sessions now: %llu, batches rejected so far: %llu",
               (unsigned long long)numbers.sessions, (unsigned long long)numbers.rejected);
    check_store(doctor, &numbers);
    check_clock(doctor, &numbers);
    if (numbers.bytes > 0)
        check_disk(doctor);
}
