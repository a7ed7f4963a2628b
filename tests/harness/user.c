#include "harness/user.h"

#include <errno.h>
#include <grp.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/check.h"

const char *user_handle(void) {
    static char handle[32];
    snprintf(handle, sizeof handle, "user-%u", geteuid());
    return handle;
}

void user_need_root(void) {
    if (geteuid() != 0)
        check_skip("needs root, to act as several Unix users");
}

static _Noreturn void user_become(uid_t uid, gid_t gid, user_main run, void *arg) {
    bool is_other = geteuid() != uid || getegid() != gid;
    if (is_other &&
        (setgroups(0, NULL) < 0 || setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0))
        check_die("cannot become uid %u: %s", uid, strerror(errno));
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_DUMPABLE, 1);
    if (getppid() == 1)
        _exit(1);
    _exit(run(arg));
}

pid_t user_start_in_group(uid_t uid, gid_t gid, user_main run, void *arg) {
    pid_t pid = fork();
    if (pid < 0)
        check_die("fork: %s", strerror(errno));
    if (pid == 0)
        user_become(uid, gid, run, arg);
    return pid;
}

pid_t user_start(uid_t uid, user_main run, void *arg) {
    return user_start_in_group(uid, uid, run, arg);
}

pid_t user_start_as_pid(uid_t uid, pid_t pid, user_main run, void *arg) {
    struct clone_args args = {
        .exit_signal = SIGCHLD,
        .set_tid = (uintptr_t)&pid,
        .set_tid_size = 1,
    };
    long child = syscall(SYS_clone3, &args, sizeof args);
    if (child < 0)
        return -errno;
    if (child == 0)
        user_become(uid, uid, run, arg);
    return (pid_t)child;
}

struct waiting {
    pid_t pid;
    int status;
};

static bool has_ended(void *arg) {
    struct waiting *waiting = arg;
    return waitpid(waiting->pid, &waiting->status, WNOHANG) != 0;
}

int user_wait(pid_t pid, int ms) {
    struct waiting waiting = {.pid = pid};
    if (!check_until(has_ended, &waiting, ms)) {
        user_kill(pid);
        return -1;
    }
    if (WIFSIGNALED(waiting.status))
        return 128 + WTERMSIG(waiting.status);
    return WEXITSTATUS(waiting.status);
}

int user_run(uid_t uid, user_main run, void *arg, int ms) {
    return user_wait(user_start(uid, run, arg), ms);
}

void user_kill(pid_t pid) {
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}
