#include "base/standard.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/error.h"

/* open() takes the lowest free number, which is fd: those below are held already. */
static int hold(int fd, int flags) {
    if (fcntl(fd, F_GETFD) >= 0)
        return 0;
    int held = open("/dev/null", flags);
    // cppcheck-suppress resourceLeak; it stays open
    return held < 0 ? error_errno() : 0;
}

int standard_hold(void) {
    int r = hold(STDIN_FILENO, O_WRONLY);
    if (r == 0)
        r = hold(STDOUT_FILENO, O_RDONLY);
    if (r == 0)
        r = hold(STDERR_FILENO, O_WRONLY);
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
