/* Children of tests: as another user, in a namespace, or to be killed. */
#pragma once

#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <criterion/criterion.h>

#define USER_A 61001
#define USER_B 61002
#define USER_SWEEP 61003
#define USER_HIDDEN 61004
#define AS_OURSELVES ((uid_t)-1)

/* How a child says that the machine does not let it do what the test needs. */
#define CHILD_CANNOT 77

/* In a child, where Criterion's assertions do not work. */
#define MUST(condition)                                                                            \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                        \
            _exit(1);                                                                              \
        }                                                                                          \
    } while (0)

#define NEEDS_ROOT(reason)                                                                         \
    do {                                                                                           \
        if (geteuid() != 0)                                                                        \
            cr_skip_test("needs root: " reason);                                                   \
    } while (0)

#define SKIP_IF_CANNOT(status)                                                                     \
    do {                                                                                           \
        if ((status) == CHILD_CANNOT)                                                              \
            cr_skip_test("this machine gives root no namespace of its own");                       \
    } while (0)

static inline void child_become(uid_t uid) {
    if (uid == AS_OURSELVES)
        return;
    MUST(setgroups(0, NULL) == 0);
    MUST(setresgid(uid, uid, uid) == 0);
    MUST(setresuid(uid, uid, uid) == 0);
}

static inline pid_t child_start(uid_t uid, void (*work)(void *arg), void *arg) {
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        child_become(uid);
        work(arg);
        _exit(0);
    }
    return pid;
}

/* The exit code, or 128 and the signal. */
static inline int child_end(pid_t pid) {
    int status;
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static inline int child_run(uid_t uid, void (*work)(void *arg), void *arg) {
    return child_end(child_start(uid, work, arg));
}

static inline void child_kill(pid_t pid) {
    kill(pid, SIGKILL);
    child_end(pid);
}

static inline void child_unshare(int flags) {
    if (unshare(flags) < 0)
        _exit(CHILD_CANNOT);
}

/* Memory that a child and its parent share. */
static inline void *share(size_t size) {
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    cr_assert_neq(memory, MAP_FAILED);
    return memory;
}

/* In a mount namespace of its own. */
static inline void mount_on(const char *path, unsigned long flags, const char *options) {
    child_unshare(CLONE_NEWNS);
    if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        _exit(CHILD_CANNOT); /* in a chroot that is no mount point */
    MUST(mount("none", path, "tmpfs", flags, options) == 0);
}

static inline void write_text(const char *path, const char *text) {
    FILE *file = fopen(path, "w");
    if (!file || fputs(text, file) < 0 || fclose(file) != 0)
        abort();
}
