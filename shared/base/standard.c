#include "base/standard.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/error.h"

/* open() takes the lowest free number, which is fd: those below are held already. */
static int standard_hold_one(int fd, int flags) {
    if (fcntl(fd, F_GETFD) >= 0)
        return 0;
    int held = open("/dev/null", flags);
    // cppcheck-suppress resourceLeak; it stays open
    return held < 0 ? error_errno() : 0;
}

int standard_hold(void) {
    int r = standard_hold_one(STDIN_FILENO, O_WRONLY);
    if (r == 0)
        r = standard_hold_one(STDOUT_FILENO, O_RDONLY);
    if (r == 0)
        r = standard_hold_one(STDERR_FILENO, O_WRONLY);
    return r;
}

void standard_let_go(void) {
    DIR *all = opendir("/proc/self/fd");
    const struct dirent *entry;
    while (all && (entry = readdir(all)) != NULL) {
        int fd = (int)strtol(entry->d_name, NULL, 10); /* 0 for "." and ".." */
        int flags = fd > STDERR_FILENO ? fcntl(fd, F_GETFD) : -1;
        if (flags >= 0 && !(flags & FD_CLOEXEC))
            close(fd);
    }
    if (all)
        closedir(all);
}
