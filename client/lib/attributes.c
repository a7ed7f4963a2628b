#include "lib/attributes.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/error.h"

#define BILLION 1000000000

/* umask() could only be asked by setting it, for all threads. */
mode_t attributes_allowed(void) {
    FILE *status = fopen("/proc/self/status", "re");
    mode_t forbidden = 077;
    if (!status)
        return 0777 & ~forbidden;
    char line[256];
    while (fgets(line, sizeof line, status)) {
        unsigned mask;
        if (sscanf(line, "Umask: %o", &mask) == 1) {
            forbidden = mask & 0777;
            break;
        }
    }
    fclose(status);
    return 0777 & ~forbidden;
}

/* The time of access stays what it is. */
static void times_of(struct timespec times[2], int64_t mtime_ns) {
    int64_t seconds = mtime_ns / BILLION, rest = mtime_ns % BILLION;
    if (rest < 0) {
        seconds--;
        rest += BILLION;
    }
    times[0] = (struct timespec){.tv_nsec = UTIME_OMIT};
    times[1] = (struct timespec){.tv_sec = (time_t)seconds, .tv_nsec = (long)rest};
    if (mtime_ns == ATTRIBUTES_NO_TIME)
        times[1].tv_nsec = UTIME_OMIT;
}

/* Whether this failure means that the file system does not have such a thing. */
static bool is_unknown_here(int error) {
    return error == EPERM || error == EINVAL || error == EOPNOTSUPP;
}

int attributes_set(int fd, mode_t mode, int64_t mtime_ns) {
    if (fchmod(fd, mode) < 0 && !is_unknown_here(errno))
        return error_errno();
    struct timespec times[2];
    times_of(times, mtime_ns);
    if (futimens(fd, times) < 0 && !is_unknown_here(errno))
        return error_errno();
    return 0;
}

void attributes_set_link(int dir, const char *name, int64_t mtime_ns) {
    struct timespec times[2];
    times_of(times, mtime_ns);
    (void)utimensat(dir, name, times, AT_SYMLINK_NOFOLLOW);
}
