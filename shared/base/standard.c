#include "base/standard.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/error.h"

/* The lowest free number is the one that open() takes. */
static int hold(int fd, int flags) {
    if (fcntl(fd, F_GETFD) >= 0)
        return 0;
    return open("/dev/null", flags) == fd ? 0 : error_errno();
}

int standard_hold(void) {
    int r = hold(STDIN_FILENO, O_WRONLY);
    if (r == 0)
        r = hold(STDOUT_FILENO, O_RDONLY);
    if (r == 0)
        r = hold(STDERR_FILENO, O_WRONLY);
    return r;
}
