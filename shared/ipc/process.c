#include "ipc/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "base/error.h"
#include "base/macro.h"
#include "base/text.h"

/* Major device numbers of terminals: Linux, Documentation/admin-guide/devices.txt. */
enum { MAJOR_TTY = 4, MAJOR_PTS_FIRST = 136, MAJOR_PTS_LAST = 143, MINOR_SERIAL = 64 };

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

int process_uid(pid_t pid, uid_t *uid) {
    char status[4096];
    ssize_t n = read_proc(pid, "status", status, sizeof status);
    if (n < 0)
        return (int)n;
    const char *line = strstr(status, "\nUid:");
    unsigned real, effective;
    if (!line || sscanf(line, "\nUid: %u %u", &real, &effective) != 2)
        return -ENOENT;
    *uid = effective;
    return 0;
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

/* The name in the second field of stat may hold anything, a ')' too: the last one ends it. */
void process_tty(pid_t pid, char tty[PROCESS_TTY_SIZE]) {
    tty[0] = '\0';
    char stat[1024];
    if (read_proc(pid, "stat", stat, sizeof stat) < 0)
        return;
    const char *fields = strrchr(stat, ')');
    int device = 0;
    if (!fields || sscanf(fields, ") %*c %*d %*d %*d %d", &device) != 1)
        return;
    unsigned bits = (unsigned)device;
    format_tty((bits >> 8) & 0xfff, (bits & 0xff) | ((bits >> 12) & 0xfff00), tty);
}

pid_t process_of_thread(pid_t thread) {
    char status[4096];
    if (read_proc(thread, "status", status, sizeof status) < 0)
        return thread;
    const char *line = strstr(status, "\nTgid:");
    int process;
    return line && sscanf(line, "\nTgid: %d", &process) == 1 ? process : thread;
}
