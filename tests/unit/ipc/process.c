#include "ipc/process.h"

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <utmp.h>

#include "base/error.h"
#include "unit/ipc/child.h"

static void wait_for_kill(void *arg) {
    (void)arg;
    for (;;)
        pause();
}

static bool has_exited(int pidfd, int timeout_ms) {
    struct pollfd exited = {.fd = pidfd, .events = POLLIN};
    return poll(&exited, 1, timeout_ms) == 1;
}

Test(process, descriptor_tells_the_exit) {
    pid_t pid = child_start(AS_OURSELVES, wait_for_kill, NULL);
    int pidfd = -1;
    cr_assert_eq(process_open(pid, &pidfd), 0);
    cr_expect_not(has_exited(pidfd, 0));
    cr_expect(process_exists(pid));
    kill(pid, SIGKILL);
    cr_expect(has_exited(pidfd, 10000));
    cr_expect_not(process_exists(pid), "a zombie does not live");
    child_end(pid);
    cr_expect_not(process_exists(pid));
    cr_expect_eq(process_open(pid, &pidfd), -ESRCH);
    close(pidfd);
}

Test(process, no_pid_is_no_process) {
    int pidfd;
    cr_expect_eq(process_open(0, &pidfd), -ESRCH);
    cr_expect_eq(process_open(-1, &pidfd), -ESRCH);
    cr_expect_not(process_exists(0));
    cr_expect_not(process_exists(-1));
}

static void see_root(void *arg) {
    MUST(process_exists(*(pid_t *)arg));
    int pidfd;
    MUST(process_open(*(pid_t *)arg, &pidfd) == 0);
}

Test(process, processes_of_others_exist_too) {
    NEEDS_ROOT("two Unix users");
    pid_t pid = getpid();
    cr_expect_eq(child_run(USER_A, see_root, &pid), 0);
}

/* Without a descriptor to spare, a living process is still one. */
static void exists_without_descriptors(void *arg) {
    struct rlimit none = {.rlim_cur = 0, .rlim_max = 0};
    MUST(setrlimit(RLIMIT_NOFILE, &none) == 0);
    int pidfd;
    MUST(process_open(*(pid_t *)arg, &pidfd) == -EMFILE);
    MUST(process_exists(*(pid_t *)arg));
}

Test(process, exists_without_descriptors) {
    pid_t pid = getpid();
    cr_expect_eq(child_run(AS_OURSELVES, exists_without_descriptors, &pid), 0);
}

Test(process, uid_is_the_effective_one) {
    uid_t uid = 12345;
    cr_assert_eq(process_uid(getpid(), &uid), 0);
    cr_expect_eq(uid, geteuid());
}

static void tell_other_uid(void *arg) {
    (void)arg;
    uid_t uid;
    MUST(process_uid(getpid(), &uid) == 0 && uid == USER_A);
}

Test(process, uid_of_another_user) {
    NEEDS_ROOT("two Unix users");
    cr_expect_eq(child_run(USER_A, tell_other_uid, NULL), 0);
}

Test(process, nothing_is_told_of_the_dead) {
    pid_t pid = child_start(AS_OURSELVES, wait_for_kill, NULL);
    child_kill(pid);
    uid_t uid;
    char name[PROCESS_NAME_SIZE] = "x", tty[PROCESS_TTY_SIZE] = "x";
    int r = process_uid(pid, &uid);
    cr_expect(r == -ENOENT || r == -ESRCH);
    process_name(pid, name);
    process_tty(pid, tty);
    cr_expect_str_empty(name);
    cr_expect_str_empty(tty);
    cr_expect_eq(process_began(pid).ms, 0);
}

/* As exact as a tick; the clock of the day may be set meanwhile. */
Test(process, began_when_it_was_started) {
    wall_time before = wall_now();
    pid_t pid = child_start(AS_OURSELVES, wait_for_kill, NULL);
    wall_time began = process_began(pid), after = wall_now();
    cr_expect_gt(began.ms, before.ms - 1000);
    cr_expect_lt(began.ms, after.ms + 1000);
    child_kill(pid);
}

Test(process, name_is_made_safe) {
    char name[PROCESS_NAME_SIZE];
    prctl(PR_SET_NAME, "earshot");
    process_name(getpid(), name);
    cr_expect_str_eq(name, "earshot");
    prctl(PR_SET_NAME, "a\033]0;b\n) 1 (");
    process_name(getpid(), name);
    cr_expect_null(strpbrk(name, "\033\n"), "%s", name);
    cr_expect_eq(strncmp(name, "a^[]0;b", 7), 0, "%s", name);
    prctl(PR_SET_NAME, "");
    process_name(getpid(), name);
    cr_expect_str_empty(name);
}

/* The child's name holds what would end the second field of its stat file. */
static void tell_terminal(void *arg) {
    MUST(login_tty(*(int *)arg) == 0);
    prctl(PR_SET_NAME, "x) S 1 1 1 999");
    char tty[PROCESS_TTY_SIZE];
    process_tty(getpid(), tty);
    const char *path = ttyname(0);
    MUST(path && strcmp(path + strlen("/dev/"), tty) == 0);
}

Test(process, terminal_is_named) {
    int leader, terminal;
    if (openpty(&leader, &terminal, NULL, NULL, NULL) < 0)
        cr_skip_test("no pseudo-terminal to be had");
    cr_expect_eq(child_run(AS_OURSELVES, tell_terminal, &terminal), 0);
    close(terminal);
    close(leader);
}

static void tell_no_terminal(void *arg) {
    (void)arg;
    MUST(setsid() > 0);
    char tty[PROCESS_TTY_SIZE] = "x";
    process_tty(getpid(), tty);
    MUST(tty[0] == '\0');
}

Test(process, no_terminal_is_empty) {
    cr_expect_eq(child_run(AS_OURSELVES, tell_no_terminal, NULL), 0);
}
