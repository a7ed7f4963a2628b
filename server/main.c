/* earshotd: the hub. */

#include <errno.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/home.h"
#include "base/log.h"
#include "base/standard.h"
#include "io/check.h"
#include "io/daemon.h"
#include "io/hub.h"
#include "io/notify.h"
#include "io/options.h"

#define STOP_WAIT_MS 30000

static int exit_code_of(int result) {
    switch (result) {
    case 0:
        return EX_OK;
    case HUB_STORE_IN_USE:
        return EX_TEMPFAIL;
    case RENDEZVOUS_DENIED:
    case RENDEZVOUS_NOT_TRUSTED:
    case RENDEZVOUS_EXPOSED:
    case -EACCES:
    case -EPERM:
        return EX_NOPERM;
    default:
        return EX_CANTCREAT;
    }
}

/* Whether it was the directory above that was not there; `above` is that one then. */
static bool lacks_directory_above(const char *dir, char above[PATH_MAX]) {
    snprintf(above, PATH_MAX, "%s", dir);
    char *slash = strrchr(above, '/');
    if (!slash || slash == above)
        return false;
    *slash = '\0';
    return access(above, F_OK) < 0 && errno == ENOENT;
}

/* What is wrong with the directory. */
static void explain_directory(const char *dir, enum rendezvous_outcome outcome) {
    struct rendezvous_record other;
    char above[PATH_MAX];
    bool is_machine = strcmp(dir, RENDEZVOUS_SYSTEM_DIR) == 0;
    if (outcome == RENDEZVOUS_NO_DIRECTORY && lacks_directory_above(dir, above))
        fprintf(stderr,
                "earshotd: cannot start in %s: there is no directory %s; make it (mkdir -p), or "
                "name another --dir\n",
                dir, above);
    else if (is_machine && rendezvous_find(dir, (uid_t)-1, &other) == RENDEZVOUS_OK)
        fprintf(stderr,
                "earshotd: the machine's hub runs in %s already (pid %d of uid %u); join it with "
                "`earshot`, or name another directory with --dir\n",
                dir, other.pid, other.uid);
    else
        fprintf(stderr, "earshotd: cannot start: %s %s\n", dir, rendezvous_outcome_text(outcome));
}

static void explain_start(const struct hub *hub, const char *dir, int result) {
    const struct rendezvous_record *record = &hub->rendezvous.record;
    char other[PATH_MAX];
    if (result == RENDEZVOUS_TAKEN && record->pid > 0)
        fprintf(stderr,
                "earshotd: a hub is running in %s already: pid %d of uid %u; "
                "stop it with earshotd --dir %s --stop, or name another --dir\n",
                dir, record->pid, record->uid, dir);
    else if (result == HUB_STORE_IN_USE && rendezvous_noted(hub->options.state, other))
        fprintf(stderr, "earshotd: cannot start in %s: %s; it is the one in %s\n", dir,
                hub->no_store, other);
    else if (result == HUB_NO_STORE || result == HUB_STORE_IN_USE)
        fprintf(stderr,
                "earshotd: cannot start in %s: %s; name another --state DIR, or start with "
                "--ephemeral\n",
                dir, hub->no_store);
    else if (result > 0)
        explain_directory(dir, (enum rendezvous_outcome)result);
    else
        fprintf(stderr, "earshotd: cannot start in %s: %s\n", dir, strerror(-result));
}

/* The log of a hub in the background; "" when there is none. */
static void log_path(const struct options *options, char path[PATH_MAX]) {
    path[0] = '\0';
    if (options->foreground || !options->state[0])
        return;
    int r = home_make(options->state);
    if (r != 0)
        log_warning("cannot make %s: %s; the hub keeps no log", options->state,
                    r < 0 ? strerror(-r) : "a directory above it belongs to another user");
    if (snprintf(path, PATH_MAX, "%s/earshotd.log", options->state) >= PATH_MAX)
        path[0] = '\0';
}

/* For those who look for the hub of this user in another environment. */
static void note_place(const struct options *options) {
    int r = options->state[0] ? rendezvous_note(options->state, options->dir) : 0;
    if (r < 0)
        log_warning("cannot write down in %s where this hub is: %s; programs with another "
                    "environment (cron) do not find it",
                    options->state, strerror(-r));
}

/* What the hub is like, for its log. */
static void log_options(const struct options *options) {
    static const char *const modes[] = {"private", "for a group", "open"};
    log_info("earshotd " EARSHOT_VERSION ", %s, %s%s; %s%s", modes[options->mode],
             options->state[0] ? "state in " : "ephemeral", options->state,
             options->conf[0] ? "configuration: " : "no hub.conf", options->conf);
    if (options->mode == HUB_PRIVATE && strcmp(options->dir, RENDEZVOUS_SYSTEM_DIR) == 0)
        log_warning("this hub is in %s, where everybody looks for the machine's, and is private: "
                    "only uid %u can join; for everybody: --mode open",
                    options->dir, (unsigned)geteuid());
}

static int serve_hub(const struct options *options) {
    static struct hub hub;
    struct hub_options hub_options = {.dir = options->dir,
                                      .mode = options->mode,
                                      .gid = options->gid,
                                      .wall_gid = options->wall_gid,
                                      .wall_group = options->wall_group,
                                      .admin_group = options->admin_group,
                                      .given = options,
                                      .name = options->name,
                                      .state = options->state,
                                      .keep_days = options->keep_days,
                                      .keep_bytes = options->keep_bytes,
                                      .mend_ms = options->mend_ms,
                                      .channel_quiet_ms = options->channel_quiet_ms,
                                      .end_after_s = options->end_after_s};
    char log[PATH_MAX];
    int parent = options->foreground ? -1 : daemon_fork();
    if (!options->foreground && parent < 0) {
        fprintf(stderr, "earshotd: cannot go into the background: %s\n", strerror(-parent));
        return EX_OSERR;
    }
    umask(022);
    int unqueued = log_start();
    if (unqueued < 0)
        log_warning("there is no thread for the log: %s; who does not read it holds up the hub",
                    strerror(-unqueued));
    if (options->foreground)
        notify_init(); /* what a service manager opened for us is its business */
    else
        standard_let_go();
    log_options(options);
    int r = hub_start(&hub, &hub_options), code = exit_code_of(r);
    if (r == 0) {
        log_path(options, log);
    } else {
        hub_deinit(&hub); /* whoever hears of the failure finds nothing of it any more */
        log_stop();       /* the reason is told last */
        explain_start(&hub, options->dir, r);
    }
    if (parent >= 0)
        daemon_tell(parent, code, code == EX_OK && log[0] ? log : NULL);
    if (r == 0) {
        note_place(options);
        notify_send("READY=1");
        hub_run(&hub);
    }
    notify_deinit();
    log_stop();
    return code;
}

static int wait_until_ended(int pidfd, pid_t pid) {
    struct pollfd poll_fd = {.fd = pidfd, .events = POLLIN};
    if (poll(&poll_fd, 1, STOP_WAIT_MS) == 1)
        return EX_OK;
    fprintf(stderr, "earshotd: the hub (pid %d) does not end; if it hangs: kill -9 %d\n", pid, pid);
    return EX_TEMPFAIL;
}

/*
 * What the directory says is its owner's word. So root becomes that user first: whatever comes
 * then, the kernel lets no signal through that this user could not have sent. The group is that of
 * the process, whose descriptors could not be looked at under another one (ptrace(2)).
 */
static bool become_owner(const struct rendezvous_record *record) {
    char path[64];
    struct stat process = {0};
    if (geteuid() != 0 || record->uid == 0)
        return true;
    snprintf(path, sizeof path, "/proc/%d", (int)record->pid);
    (void)stat(path, &process);
    gid_t gid = process.st_gid;
    return setgroups(0, NULL) == 0 && setresgid(gid, gid, gid) == 0 &&
           setresuid(record->uid, record->uid, record->uid) == 0;
}

static int explain_stop(const char *dir, int r) {
    if (r == RENDEZVOUS_NO_HUB || r == RENDEZVOUS_NO_DIRECTORY)
        fprintf(stderr, "earshotd: no hub runs in %s\n", dir);
    else if (r > 0)
        fprintf(stderr, "earshotd: nothing was stopped: %s %s\n", dir,
                rendezvous_outcome_text((enum rendezvous_outcome)r));
    else
        fprintf(stderr, "earshotd: nothing was stopped in %s: %s\n", dir, strerror(-r));
    bool is_refused = r == RENDEZVOUS_DENIED || r == RENDEZVOUS_NOT_TRUSTED ||
                      r == RENDEZVOUS_EXPOSED || r == RENDEZVOUS_NOT_PROVED;
    return is_refused ? EX_NOPERM : EX_UNAVAILABLE;
}

static int send_stop(int pidfd, const struct rendezvous_record *record) {
    if (syscall(SYS_pidfd_send_signal, pidfd, SIGTERM, NULL, 0) == 0 || errno == ESRCH)
        return wait_until_ended(pidfd, record->pid);
    fprintf(stderr, "earshotd: cannot stop the hub (pid %d of uid %u): %s\n", record->pid,
            record->uid, strerror(errno));
    return EX_NOPERM;
}

static int stop_hub(const char *dir) {
    struct rendezvous_record record = {0};
    int pidfd = -1;
    int r = rendezvous_find(dir, (uid_t)-1, &record);
    if (r != 0)
        return explain_stop(dir, r);
    if (geteuid() != 0 && geteuid() != record.uid) {
        fprintf(stderr,
                "earshotd: the hub in %s belongs to uid %u; only that user and root stop it\n", dir,
                record.uid);
        return EX_NOPERM;
    }
    if (!become_owner(&record)) {
        fprintf(stderr, "earshotd: cannot become uid %u, whose hub it is: %s\n", record.uid,
                strerror(errno));
        return EX_NOPERM;
    }
    r = rendezvous_process(dir, &record, &pidfd);
    if (r == RENDEZVOUS_NO_HUB)
        return EX_OK; /* it has ended this moment */
    if (r != RENDEZVOUS_OK)
        return explain_stop(dir, r);
    int code = send_stop(pidfd, &record);
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
    if (options.stop)
        return stop_hub(options.dir);
    return options.check ? check_start(&options) : serve_hub(&options);
}
