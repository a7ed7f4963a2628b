#include "cli/talk/run_output.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "base/error.h"
#include "base/macro.h"

static void run_output_close(int *fd) {
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/*
 * Only output goes through this terminal: what is typed, and what the keys do, stays with ours. So
 * it changes nothing on the way.
 */
static int run_output_open_terminal(struct run_output *output) {
    struct termios mode;
    struct winsize size;
    bool has_size = ioctl(output->to, TIOCGWINSZ, &size) == 0;
    if (tcgetattr(output->to, &mode) < 0)
        return error_errno();
    cfmakeraw(&mode);
    if (openpty(&output->from, &output->child, NULL, &mode, has_size ? &size : NULL) < 0)
        return error_errno();
    fcntl(output->child, F_SETFD, FD_CLOEXEC);
    fcntl(output->from, F_SETFD, FD_CLOEXEC);
    return 0;
}

static int run_output_open(struct run_output *output) {
    int ends[2];
    int r = 0;
    if (isatty(output->to)) {
        r = run_output_open_terminal(output);
    } else if (pipe2(ends, O_CLOEXEC) < 0) {
        r = error_errno();
    } else {
        output->from = ends[0];
        output->child = ends[1];
    }
    if (r == 0 && fcntl(output->from, F_SETFL, O_NONBLOCK) < 0)
        r = error_errno();
    return r;
}

static bool run_output_is_same(int a, int b) {
    struct stat x, y;
    return fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

int run_outputs_open(struct run_output *outputs, struct child_files *files) {
    outputs[0] = (struct run_output){-1, -1, STDOUT_FILENO};
    outputs[1] = (struct run_output){-1, -1, STDERR_FILENO};
    int r = run_output_open(&outputs[0]);
    if (r == 0 && !run_output_is_same(STDOUT_FILENO, STDERR_FILENO))
        r = run_output_open(&outputs[1]);
    files->out = outputs[0].child;
    files->err = outputs[1].child >= 0 ? outputs[1].child : outputs[0].child;
    return r;
}

void run_outputs_started(struct run_output *outputs) {
    for (int i = 0; i < RUN_OUTPUTS; i++)
        run_output_close(&outputs[i].child);
}

void run_outputs_close(struct run_output *outputs) {
    run_outputs_started(outputs);
    for (int i = 0; i < RUN_OUTPUTS; i++)
        run_output_close(&outputs[i].from);
}

static bool run_output_write(int fd, const char *data, size_t n) {
    while (n > 0) {
        struct pollfd room = {fd, POLLOUT, 0};
        ssize_t r = write(fd, data, n);
        if (r < 0 && errno == EAGAIN) /* whoever shares it with us may have made it so */
            poll(&room, 1, -1);
        else if (r < 0 && errno != EINTR)
            return false;
        data += r > 0 ? r : 0;
        n -= r > 0 ? (size_t)r : 0;
    }
    return true;
}

int run_output_copy(struct run_output *output, char *buffer, size_t size) {
    ssize_t n = read(output->from, buffer, size);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return -EAGAIN;
    if (n > 0 && run_output_write(output->to, buffer, (size_t)n))
        return (int)n;
    run_output_close(&output->from); /* the end of a terminal is an error, EIO */
    return n > 0 ? (int)n : 0;
}

void run_outputs_resize(const struct run_output *outputs) {
    struct winsize size;
    for (int i = 0; i < RUN_OUTPUTS; i++)
        if (outputs[i].from >= 0 && ioctl(outputs[i].to, TIOCGWINSZ, &size) == 0)
            ioctl(outputs[i].from, TIOCSWINSZ, &size);
}
