#include "io/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"

#define LOG_BYTES_MAX (1024 * 1024) /* a longer log begins anew at the next start */

static void wait_for_child(int fd) {
    uint8_t code;
    ssize_t n;
    do
        n = read(fd, &code, sizeof code);
    while (n < 0 && errno == EINTR);
    _exit(n == sizeof code ? code : EX_OSERR);
}

int daemon_fork(void) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return error_errno();
    pid_t pid = fork();
    if (pid < 0)
        return error_errno();
    if (pid > 0) {
        close(ends[1]);
        wait_for_child(ends[0]);
    }
    close(ends[0]);
    log_keep();
    setsid();
    return chdir("/") < 0 ? error_errno() : ends[1];
}

/* Something else than a file there, such as a pipe, is not waited for. */
static int open_log(const char *log) {
    const int flags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
    struct stat status;
    int fd = log ? open(log, flags, 0600) : -1;
    if (fd >= 0 && (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode))) {
        close(fd);
        return -1;
    }
    if (fd >= 0 && status.st_size > LOG_BYTES_MAX)
        (void)!ftruncate(fd, 0);
    return fd;
}

void daemon_tell(int fd, int exit_code, const char *log) {
    uint8_t code = (uint8_t)exit_code;
    if (exit_code == EX_OK) {
        int null = open("/dev/null", O_RDWR | O_CLOEXEC), errors = open_log(log);
        dup2(null, STDIN_FILENO);
        dup2(null, STDOUT_FILENO);
        log_move(errors >= 0 ? errors : null);
        if (errors >= 0)
            close(errors);
        close(null);
    }
    (void)!write(fd, &code, sizeof code);
    close(fd);
}
