#include "cli/files/background.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/standard.h"
#include "cli/interrupt.h"
#include "cli/report.h"

static int parent_fd = -1;

/* The child has a terminal session of its own: what interrupts us is handed on, once. */
static int background_await(pid_t pid, int fd) {
    unsigned char code;
    bool is_told = false;
    ssize_t n;
    while ((n = read(fd, &code, 1)) < 0 && errno == EINTR) {
        if (!cli_interrupted())
            continue;
        if (is_told)
            return cli_interrupted(); /* it is stopped, perhaps */
        is_told = kill(pid, cli_interrupted() - 128) == 0;
    }
    close(fd);
    return n == 1 ? code : CLI_FAILED; /* it died, and has said why */
}

int background_begin(const struct cli_options *options, bool *is_parent) {
    int fds[2];
    pid_t pid = -1;
    *is_parent = false;
    if (pipe2(fds, O_CLOEXEC) == 0)
        pid = fork();
    if (pid < 0)
        return cli_fail(options, FAIL_LIMIT, "cannot go into the background: %s", strerror(errno));
    if (pid == 0) {
        close(fds[0]);
        parent_fd = fds[1];
        setsid();
        return CLI_DONE;
    }
    close(fds[1]);
    *is_parent = true;
    return background_await(pid, fds[0]);
}

void background_let_go(int code) {
    unsigned char byte = (unsigned char)code;
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    fflush(NULL);
    for (int fd = 0; null >= 0 && fd <= 2; fd++)
        dup2(null, fd);
    if (null > 2)
        close(null);
    standard_let_go();
    ssize_t n = write(parent_fd, &byte, 1);
    (void)n; /* nobody waits */
    close(parent_fd);
    parent_fd = -1;
}
