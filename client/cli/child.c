#include "cli/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"

static void child_add_file(posix_spawn_file_actions_t *actions, int from, int to) {
    if (from >= 0)
        posix_spawn_file_actions_adddup2(actions, from, to);
    else
        posix_spawn_file_actions_addopen(actions, to, "/dev/null", O_RDWR, 0);
}

static void child_set_signals(posix_spawnattr_t *attributes) {
    sigset_t set;
    sigemptyset(&set);
    posix_spawnattr_setsigmask(attributes, &set);
    sigaddset(&set, SIGPIPE);
    posix_spawnattr_setsigdefault(attributes, &set);
}

int child_start(pid_t *pid, char *const argv[], const struct child_files *files, bool group) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int flags = POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK;
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    child_add_file(&actions, files->in, STDIN_FILENO);
    child_add_file(&actions, files->out, STDOUT_FILENO);
    child_add_file(&actions, files->err, STDERR_FILENO);
    if (files->in < 0)
        posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
    child_set_signals(&attributes);
    posix_spawnattr_setflags(&attributes, (short)(flags | (group ? POSIX_SPAWN_SETPGROUP : 0)));
    int error = posix_spawnp(pid, argv[0], &actions, &attributes, argv, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return -error;
}

/* Between fork() and exec(): nothing here may take a lock, which another thread may have had. */
static _Noreturn void child_become(char *const argv[], pid_t parent, int errors) {
    struct sigaction standard = {.sa_handler = SIG_DFL};
    sigset_t none;
    sigemptyset(&none);
    sigaction(SIGPIPE, &standard, NULL);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (getppid() != parent) /* it has ended before it was watched */
        _exit(1);
    execvp(argv[0], argv);
    int error = errno;
    ssize_t n = write(errors, &error, sizeof error);
    _exit(n < 0 ? 1 : 127);
}

int child_start_bound(pid_t *pid, char *const argv[]) {
    int ends[2], error = 0;
    pid_t self = getpid();
    if (pipe2(ends, O_CLOEXEC) < 0)
        return error_errno();
    *pid = fork();
    if (*pid == 0)
        child_become(argv, self, ends[1]);
    error = *pid < 0 ? errno : 0;
    close(ends[1]);
    ssize_t n = *pid > 0 ? TEMP_FAILURE_RETRY(read(ends[0], &error, sizeof error)) : 0;
    close(ends[0]);
    if (n > 0) /* it did not become the program */
        waitpid(*pid, NULL, 0);
    return -error;
}

int child_exit_code(int status) {
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
