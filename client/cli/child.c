#include "cli/child.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

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

int child_exit_code(int status) {
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
