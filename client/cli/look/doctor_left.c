/*
 * What the dead left behind: mailboxes and lanes, which carry our tag, and key files that no hub
 * holds a lock on, with the queue that belongs to them. Only what is ours is looked for.
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/look/doctor.h"
#include "ipc/queue.h"

#define FIX "run `earshot doctor --fix`, which removes what is yours and dead"

static void check_queues(struct doctor *doctor) {
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
        doctor_say(doctor, DOCTOR_WARNING, "leftover-queues", FIX,
                   "queues of yours that a dead hub or client has left: %d", n);
}

/* A key file of ours without a hub. */
static bool has_dead_hub(const char *dir) {
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
static int remove_dead_hub(const char *dir) {
    struct rendezvous rendezvous;
    int r = rendezvous_open(&rendezvous, dir, HUB_PRIVATE, getegid());
    if (r == RENDEZVOUS_OK)
        rendezvous_close(&rendezvous);
    return r;
}

/* Returns whether there was something. */
static bool check_directory(struct doctor *doctor, const char *dir) {
    if (!has_dead_hub(dir))
        return false;
    if (!doctor->options->fix) {
        doctor_say(doctor, DOCTOR_WARNING, "leftover-hub",
                   "start a hub there again, which takes over what is left; or " FIX,
                   "a hub that died has left its key file in %s", dir);
        return true;
    }
    int r = remove_dead_hub(dir);
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
static bool check_other_place(struct doctor *doctor) {
    char dir[64];
    if (doctor->origin == RENDEZVOUS_NAMED)
        return false;
    snprintf(dir, sizeof dir, "/tmp/earshot-%u", (unsigned)geteuid());
    if (strcmp(dir, doctor->dir) == 0 || !left_is_ours(dir) || !check_directory(doctor, dir))
        return false;
    if (doctor->options->fix)
        (void)rmdir(dir); /* unless something else is in it */
    return true;
}

void doctor_check_left(struct doctor *doctor) {
    check_queues(doctor);
    bool found = check_directory(doctor, doctor->dir);
    if (!check_other_place(doctor) && !found)
        doctor_say(doctor, DOCTOR_OK, "leftover-hub", NULL,
                   "no key file is left by a hub of yours that died");
}
