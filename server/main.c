/* earshotd: the hub. */

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/log.h"
#include "base/standard.h"
#include "io/daemon.h"
#include "io/hub.h"
#include "io/notify.h"
#include "io/options.h"
#include "ipc/process.h"

#define STOP_WAIT_MS 30000

static int exit_code_of(int result) {
    switch (result) {
    case 0:
        return EX_OK;
    case RENDEZVOUS_DENIED:
    case RENDEZVOUS_NOT_TRUSTED:
    case -EACCES:
    case -EPERM:
        return EX_NOPERM;
    default:
        return EX_CANTCREAT;
    }
}

static void explain(const struct hub *hub, const char *dir, int result) {
    const struct rendezvous_record *record = &hub->rendezvous.record;
    if (result == RENDEZVOUS_TAKEN && record->pid > 0)
        fprintf(stderr,
                "earshotd: a hub is running in %s already: pid %d of uid %u; "
                "stop it with earshotd --dir %s --stop, or name another --dir\n",
                dir, record->pid, record->uid, dir);
    else if (result == HUB_NO_STORE)
        fprintf(stderr,
                "earshotd: cannot start in %s: the store cannot be used, see above; name "
                "another --state DIR, or start with --ephemeral\n",
                dir);
    else
        fprintf(stderr, "earshotd: cannot start in %s: %s\n", dir,
                result > 0 ? rendezvous_outcome_text((enum rendezvous_outcome)result)
                           : strerror(-result));
}

/* The log of a hub in the background; "" when there is none. */
static void log_path(const struct options *options, char path[PATH_MAX]) {
    path[0] = '\0';
    if (options->foreground || !options->state[0])
        return;
    for (char *slash = strchr(options->state + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        char parent[PATH_MAX];
        snprintf(parent, sizeof parent, "%.*s", (int)(slash - options->state), options->state);
        (void)mkdir(parent, 0700);
    }
    if (mkdir(options->state, 0700) < 0 && errno != EEXIST)
        log_warning("cannot make %s: %s; the hub keeps no log", options->state, strerror(errno));
    if (snprintf(path, PATH_MAX, "%s/earshotd.log", options->state) >= PATH_MAX)
        path[0] = '\0';
}

static int serve(const struct options *options) {
    static struct hub hub;
    struct hub_options hub_options = {.dir = options->dir,
                                      .mode = options->mode,
                                      .gid = options->gid,
                                      .wall_gid = options->wall_gid,
                                      .name = options->name,
                                      .state = options->state,
                                      .keep_days = options->keep_days,
                                      .keep_bytes = options->keep_bytes};
    char log[PATH_MAX];
    int parent = options->foreground ? -1 : daemon_fork();
    if (!options->foreground && parent < 0) {
        fprintf(stderr, "earshotd: cannot go into the background: %s\n", strerror(-parent));
        return EX_OSERR;
    }
    umask(022);
    if (options->foreground)
        notify_init();
    int r = hub_start(&hub, &hub_options), code = exit_code_of(r);
    if (r != 0)
        explain(&hub, options->dir, r);
    else
        log_path(options, log);
    if (parent >= 0)
        daemon_tell(parent, code, code == EX_OK && log[0] ? log : NULL);
    if (r == 0) {
        notify_send("READY=1");
        hub_run(&hub);
    } else {
        hub_deinit(&hub);
    }
    notify_deinit();
    return code;
}

static int wait_until_ended(int pidfd, pid_t pid) {
    struct pollfd poll_fd = {.fd = pidfd, .events = POLLIN};
    if (poll(&poll_fd, 1, STOP_WAIT_MS) == 1)
        return EX_OK;
    fprintf(stderr, "earshotd: the hub (pid %d) does not end; if it hangs: kill -9 %d\n", pid, pid);
    return EX_TEMPFAIL;
}

static int stop(const char *dir) {
    struct rendezvous_record record = {0};
    int pidfd = -1;
    int r = rendezvous_find(dir, (uid_t)-1, &record);
    if (r != 0) {
        fprintf(stderr, "earshotd: no hub to stop in %s: %s\n", dir,
                r > 0 ? rendezvous_outcome_text((enum rendezvous_outcome)r) : strerror(-r));
        return r == RENDEZVOUS_DENIED || r == RENDEZVOUS_NOT_TRUSTED ? EX_NOPERM : EX_UNAVAILABLE;
    }
    if (process_open(record.pid, &pidfd) < 0)
        return EX_OK; /* it has ended this moment */
    int code = EX_OK;
    if (syscall(SYS_pidfd_send_signal, pidfd, SIGTERM, NULL, 0) < 0 && errno != ESRCH) {
        fprintf(stderr, "earshotd: cannot stop the hub (pid %d of uid %u): %s\n", record.pid,
                record.uid, strerror(errno));
        code = EX_NOPERM;
    }
    if (code == EX_OK)
        code = wait_until_ended(pidfd, record.pid);
    close(pidfd);
    return code;
}

int main(int argc, char **argv) {
    struct options options;
    if (standard_hold() < 0)
        return EX_OSERR; /* and nowhere to say why */
    int code = options_read(&options, argc, argv);
    if (code >= 0)
        return code;
    return options.stop ? stop(options.dir) : serve(&options);
}
