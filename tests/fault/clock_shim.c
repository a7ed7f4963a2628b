/*
 * Loaded into the hub by LD_PRELOAD: the machine's clock is off by so many seconds as the file says
 * that CLOCK_SHIFT names; it may be written anew at any time.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static time_t clock_shift(void) {
    const char *path = getenv("CLOCK_SHIFT");
    FILE *file = path ? fopen(path, "re") : NULL;
    char line[32] = "";
    if (!file || !fgets(line, sizeof line, file))
        _exit(126); /* a run without it would prove nothing */
    fclose(file);
    return (time_t)strtoll(line, NULL, 10);
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    int r = (int)syscall(SYS_clock_gettime, clock, now);
    if (r == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        now->tv_sec += clock_shift();
    return r;
}

time_t time(time_t *to) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (to)
        *to = now.tv_sec;
    return now.tv_sec;
}
