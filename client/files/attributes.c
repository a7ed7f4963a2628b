#include "files/attributes.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/error.h"

#define BILLION 1000000000
#define FINE_S INT64_C(4611686018) /* seconds of 1823 and 2116: so far nanoseconds reach */
#define COARSE_NS 100              /* what one step is beyond */
#define COARSE (BILLION / COARSE_NS)
#define FAR_S (FINE_S + INT64_C(461168601842)) /* more does not fit */

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

int64_t attributes_pack_time(struct timespec time) {
    int64_t seconds = time.tv_sec;
    if (seconds >= FAR_S || seconds < -FAR_S)
        return seconds < 0 ? INT64_MIN + 1 : INT64_MAX;
    if (seconds >= FINE_S)
        return FINE_S * BILLION + (seconds - FINE_S) * COARSE + time.tv_nsec / COARSE_NS;
    if (seconds < -FINE_S)
        return -FINE_S * BILLION + (seconds + FINE_S) * COARSE + time.tv_nsec / COARSE_NS;
    return seconds * BILLION + time.tv_nsec;
}

/* So many seconds and units of 1 / per_second, of which `n` may be negative. */
static struct timespec attributes_split_seconds(int64_t n, int64_t per_second, int64_t from) {
    int64_t seconds = n / per_second, rest = n % per_second;
    if (rest < 0) {
        seconds--;
        rest += per_second;
    }
    return (struct timespec){.tv_sec = (time_t)(from + seconds),
                             .tv_nsec = (long)(rest * (BILLION / per_second))};
}

struct timespec attributes_unpack_time(int64_t packed) {
    const int64_t fine = FINE_S * BILLION;
    if (packed >= fine)
        return attributes_split_seconds(packed - fine, COARSE, FINE_S);
    if (packed < -fine)
        return attributes_split_seconds(packed + fine, COARSE, -FINE_S);
    return attributes_split_seconds(packed, BILLION, 0);
}

/* The time of access stays what it is. */
static void attributes_times(struct timespec times[2], int64_t mtime_ns) {
    times[0] = (struct timespec){.tv_nsec = UTIME_OMIT};
    times[1] = attributes_unpack_time(mtime_ns);
    if (mtime_ns == ATTRIBUTES_NO_TIME)
        times[1].tv_nsec = UTIME_OMIT;
}

/* Whether this failure means that the file system does not have such a thing. */
static bool attributes_are_unknown(int error) {
    return error == EPERM || error == EINVAL || error == EOPNOTSUPP;
}

int attributes_set(int fd, mode_t mode, int64_t mtime_ns) {
    if (fchmod(fd, mode) < 0 && !attributes_are_unknown(errno))
        return error_errno();
    struct timespec times[2];
    attributes_times(times, mtime_ns);
    if (futimens(fd, times) < 0 && !attributes_are_unknown(errno))
        return error_errno();
    return 0;
}

void attributes_set_link(int dir, const char *name, int64_t mtime_ns) {
    struct timespec times[2];
    attributes_times(times, mtime_ns);
    (void)utimensat(dir, name, times, AT_SYMLINK_NOFOLLOW);
}
