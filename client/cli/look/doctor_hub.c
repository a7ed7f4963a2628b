#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/look/doctor.h"
#include "cli/records.h"
#include "ipc/process.h"
#include "ipc/queue.h"

#define NEARLY_FULL 10 /* less than one part in so many is free */

static const char *const modes[] = {"private", "group", "open"};
static const mode_t queue_modes[] = {0600, 0620, 0622};

static void say_no_directory(struct doctor *doctor) {
    if (doctor->origin == RENDEZVOUS_PRIVATE)
        doctor_say(doctor, DOCTOR_OK, "directory", NULL,
                   "%s is not there yet; it is made when your hub starts", doctor->dir);
    else
        doctor_say(doctor, DOCTOR_PROBLEM, "directory", "name another one, or start a hub there",
                   "%s cannot be looked at: %s", doctor->dir, strerror(errno));
}

static bool is_owner_right(const struct doctor *doctor, const struct stat *status) {
    if (doctor->origin == RENDEZVOUS_PRIVATE)
        return status->st_uid == geteuid();
    return status->st_uid == 0 || status->st_uid == doctor_hub_uid(doctor);
}

void doctor_check_directory(struct doctor *doctor) {
    struct stat status;
    char owner[LOGIN_SIZE], fix[PATH_MAX + 64];
    unsigned mode;
    if (lstat(doctor->dir, &status) < 0) {
        say_no_directory(doctor);
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
    } else if (!is_owner_right(doctor, &status))
        doctor_say(doctor, DOCTOR_PROBLEM, "directory",
                   "do not use it unless you know whose it is; name another one with --hub",
                   "%s belongs to %s, who does not own the hub", doctor->dir, owner);
    else
        doctor_say(doctor, DOCTOR_OK, "directory", NULL, "%s belongs to %s, mode %04o", doctor->dir,
                   owner, mode);
}

/* Found through the key file and checked: what rendezvous_find() does not look at. */
static void check_queue(struct doctor *doctor) {
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
static void check_namespace(struct doctor *doctor) {
    char path[64];
    struct stat its, ours;
    snprintf(path, sizeof path, "/proc/%d/ns/ipc", (int)doctor->record.pid);
    if (stat(path, &its) == 0 && stat("/proc/self/ns/ipc", &ours) == 0 &&
        (its.st_dev != ours.st_dev || its.st_ino != ours.st_ino))
        doctor_say(doctor, DOCTOR_PROBLEM, "namespace", "run the client where the hub runs",
                   "the hub is in another IPC namespace");
    else
        doctor_say(doctor, DOCTOR_OK, "namespace", NULL, "the hub is in our IPC namespace");
}

static void say_no_hub(struct doctor *doctor) {
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

void doctor_check_hub(struct doctor *doctor) {
    char owner[LOGIN_SIZE];
    if (doctor->found != RENDEZVOUS_OK) {
        say_no_hub(doctor);
        return;
    }
    cli_login(doctor->record.uid, owner);
    doctor_say(doctor, DOCTOR_OK, "hub", NULL, "PID %d of %s, %s", (int)doctor->record.pid, owner,
               modes[doctor->record.mode]);
    check_queue(doctor);
    check_namespace(doctor);
}
