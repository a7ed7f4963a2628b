/*
 * A hub whose log goes to a pipe that nobody reads, and that is full: whoever breaks the protocol,
 * which is logged, holds up nobody. When it is read again, all of it is there, in order.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/macro.h"
#include "harness/stage.h"

#define WAIT_MS 60000

static struct stage stage;
static int pipe_fd;

/* The way is open at both ends, and takes nothing more. */
static void make_full_pipe(void) {
    static const char filling[4096];
    (void)unlink(stage.log);
    if (mkfifo(stage.log, 0666) < 0 || chmod(stage.log, 0666) < 0)
        check_die("%s: %s", stage.log, strerror(errno));
    pipe_fd = open(stage.log, O_RDWR | O_CLOEXEC | O_NONBLOCK);
    if (pipe_fd < 0)
        check_die("%s: %s", stage.log, strerror(errno));
    for (size_t n = sizeof filling; n > 0;)
        if (write(pipe_fd, filling, n) < 0)
            n /= 2;
}

static int break_rules(void *arg) {
    struct raw raw;
    (void)arg;
    for (int i = 0; i < 20; i++) {
        if (raw_join(&raw, stage.dir, "mallory", 0) != RAW_WELCOME)
            return 1;
        if (raw_send_bytes(raw.lane, 1, "this is no batch at all", 23) != 0)
            return 2;
        raw_leave(&raw);
    }
    return 0;
}

/* Everything that was written; it ends with the hub. */
static char *read_pipe(void) {
    size_t n = 0, size = 1 << 20;
    char *all = calloc(1, size);
    struct pollfd poll_fd = {.fd = pipe_fd, .events = POLLIN};
    if (!all)
        check_die("out of memory");
    while (n < size - 1 && !memmem(all, n, "stopping on", 11) && poll(&poll_fd, 1, WAIT_MS) == 1) {
        ssize_t got = read(pipe_fd, all + n, size - 1 - n);
        n += got > 0 ? (size_t)got : 0;
    }
    for (size_t i = 0; i < n; i++) /* what the pipe was filled with */
        if (all[i] == '\0')
            all[i] = '\n';
    return all;
}

int main(void) {
    check_begin();
    user_need_root();
    stage_prepare(&stage);
    make_full_pipe();
    stage_start_hub(&stage, "open");
    check(bystanders_start(&stage.pair, stage.dir, 1000), "alice and bob talk");
    check(user_run(UID_MALLORY, break_rules, NULL, WAIT_MS) == 0, "mallory breaks the rules");
    stage_check_talk(&stage, "with a log that nobody reads");
    bystanders_stop(&stage.pair);
    kill(stage.hub.pid, SIGTERM);
    CLEANUP_FREE char *all = read_pipe();
    const char *started = strstr(all, " info hub "), *broken = strstr(all, "rejected from uid");
    const char *stopping = strstr(all, "stopping on");
    check(started && broken && stopping && started < broken && broken < stopping,
          "then all is in the log, in order");
    check(hub_stop(&stage.hub) == 0, "the hub ends cleanly");
    make_full_pipe();
    stage_start_hub(&stage, "open");
    check(hub_stop(&stage.hub) == 0, "and also when the log is not read at all");
    close(pipe_fd);
    (void)unlink(stage.log);
    return stage_end(&stage);
}
