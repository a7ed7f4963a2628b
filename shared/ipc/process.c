#include "ipc/process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "base/error.h"
#include "base/macro.h"
#include "base/text.h"

/* Major device numbers of terminals: Linux, Documentation/admin-guide/devices.txt. */
enum { MAJOR_TTY = 4, MAJOR_PTS_FIRST = 136, MAJOR_PTS_LAST = 143, MINOR_SERIAL = 64 };

#define STAT_SIZE 1024
#define STAT_START 22 /* the field of /proc/PID/stat with its start, in ticks since the boot */

int process_open(pid_t pid, int *pidfd) {
    if (pid <= 0)
        return -ESRCH;
    int fd = pidfd_open(pid, 0);
    if (fd < 0)
        return error_errno();
    *pidfd = fd;
    return 0;
}

/* Without a descriptor to ask with (EMFILE), the process counts as living. */
bool process_exists(pid_t pid) {
    if (pid <= 0 || (kill(pid, 0) < 0 && errno == ESRCH))
        return false;
    CLEANUP_CLOSE int pidfd = -1;
    int r = process_open(pid, &pidfd);
    if (r < 0)
        return r != -ESRCH;
    struct pollfd exited = {.fd = pidfd, .events = POLLIN};
    return poll(&exited, 1, 0) <= 0;
}

/* Reads /proc/PID/name as a string; returns its length or -errno. */
static ssize_t read_proc(pid_t pid, const char *name, char *text, size_t size) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
    CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_errno();
    size_t n = 0;
    while (n < size - 1) {
        ssize_t got = read(fd, text + n, size - 1 - n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return error_errno();
        if (got == 0)
            break;
        n += (size_t)got;
    }
    text[n] = '\0';
    return (ssize_t)n;
}

enum { UID_REAL, UID_EFFECTIVE, UID_SAVED, UID_OF_FILES, N_UIDS };

static int read_uids(pid_t pid, unsigned uids[N_UIDS]) {
    char status[4096];
    ssize_t n = read_proc(pid, "status", status, sizeof status);
    if (n < 0)
        return (int)n;
    const char *line = strstr(status, "\nUid:");
    if (!line || sscanf(line, "\nUid: %u %u %u %u", &uids[UID_REAL], &uids[UID_EFFECTIVE],
                        &uids[UID_SAVED], &uids[UID_OF_FILES]) != N_UIDS)
        return -ENOENT;
    return 0;
}

int process_uid(pid_t pid, uid_t *uid) {
    unsigned uids[N_UIDS];
    int r = read_uids(pid, uids);
    if (r == 0)
        *uid = uids[UID_EFFECTIVE];
    return r;
}

bool process_is_wholly_of(pid_t pid, uid_t uid) {
    unsigned uids[N_UIDS];
    if (read_uids(pid, uids) != 0)
        return false;
    for (size_t i = 0; i < N_UIDS; i++)
        if (uids[i] != uid)
            return false;
    return true;
}

/* A line of /proc/PID/fdinfo/FD (proc(5)): "lock: 1: OFDLCK ADVISORY WRITE -1 00:2f:123 0 EOF". */
static bool has_write_lock(pid_t pid, const char *fd) {
    char name[64], info[4096];
    snprintf(name, sizeof name, "fdinfo/%s", fd);
    if (read_proc(pid, name, info, sizeof info) < 0)
        return false;
    for (const char *line = info; line; line = strchr(line + 1, '\n')) {
        char kind[16], advisory[16], access[16];
        if (sscanf(line, " lock: %*d: %15s %15s %15s", kind, advisory, access) == 3 &&
            strcmp(kind, "OFDLCK") == 0 && strcmp(access, "WRITE") == 0)
            return true;
    }
    return false;
}

bool process_holds_lock(pid_t pid, const struct stat *file) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    DIR *dir = opendir(path);
    bool holds = false;
    for (const struct dirent *entry; dir && !holds && (entry = readdir(dir));) {
        struct stat st;
        holds = fstatat(dirfd(dir), entry->d_name, &st, 0) == 0 && st.st_dev == file->st_dev &&
                st.st_ino == file->st_ino && has_write_lock(pid, entry->d_name);
    }
    if (dir)
        closedir(dir);
    return holds;
}

void process_name(pid_t pid, char name[PROCESS_NAME_SIZE]) {
    name[0] = '\0';
    char comm[PROCESS_NAME_SIZE];
    ssize_t n = read_proc(pid, "comm", comm, sizeof comm);
    if (n <= 0)
        return;
    if (comm[n - 1] == '\n')
        n--;
    CLEANUP_FREE char *safe = text_safe((struct bytes){comm, (size_t)n}, TEXT_ONE_LINE);
    if (!safe)
        return;
    size_t kept = text_cut(bytes_of(safe), PROCESS_NAME_SIZE - 1);
    memcpy(name, safe, kept);
    name[kept] = '\0';
}

static void format_tty(unsigned major, unsigned minor, char tty[PROCESS_TTY_SIZE]) {
    if (major >= MAJOR_PTS_FIRST && major <= MAJOR_PTS_LAST)
        snprintf(tty, PROCESS_TTY_SIZE, "pts/%u", minor + (major - MAJOR_PTS_FIRST) * 256);
    else if (major == MAJOR_TTY && minor < MINOR_SERIAL)
        snprintf(tty, PROCESS_TTY_SIZE, "tty%u", minor);
    else if (major == MAJOR_TTY)
        snprintf(tty, PROCESS_TTY_SIZE, "ttyS%u", minor - MINOR_SERIAL);
}

/*
 * What stands behind the name in the second field of stat, which may hold anything, a ')' too: the
 * last one ends it. NULL: it cannot be told.
 */
static const char *read_stat(pid_t pid, char stat[STAT_SIZE]) {
    return read_proc(pid, "stat", stat, STAT_SIZE) < 0 ? NULL : strrchr(stat, ')');
}

void process_tty(pid_t pid, char tty[PROCESS_TTY_SIZE]) {
    char stat[STAT_SIZE];
    const char *fields = read_stat(pid, stat);
    int device = 0;
    tty[0] = '\0';
    if (!fields || sscanf(fields, ") %*c %*d %*d %*d %d", &device) != 1)
        return;
    unsigned bits = (unsigned)device;
    format_tty((bits >> 8) & 0xfff, (bits & 0xff) | ((bits >> 12) & 0xfff00), tty);
}

wall_time process_began(pid_t pid) {
    char stat[STAT_SIZE];
    const char *at = read_stat(pid, stat);
    struct timespec up;
    for (int field = 2; at && field < STAT_START; field++)
        at = strchr(at + 1, ' ');
    if (!at || clock_gettime(CLOCK_BOOTTIME, &up) < 0)
        return (wall_time){0};
    int64_t ticks_s = sysconf(_SC_CLK_TCK), ticks = strtoll(at, NULL, 10);
    int64_t age_ms = up.tv_sec * 1000 + up.tv_nsec / NS_PER_MS - ticks * 1000 / ticks_s;
    return (wall_time){wall_now().ms - age_ms};
}

pid_t process_of_thread(pid_t thread) {
    char status[4096];
    if (read_proc(thread, "status", status, sizeof status) < 0)
        return thread;
    const char *line = strstr(status, "\nTgid:");
    int process;
    return line && sscanf(line, "\nTgid: %d", &process) == 1 ? process : thread;
}
