/* Programs that are started: no shell, signals as our own shell gave them to us. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

/*
 * What becomes the child's standard input, output and error; -1: nothing (/dev/null). A child
 * without input gets no other file that we were started with, either: it may outlive us.
 */
struct child_files {
    int in, out, err;
};

/*
 * Starts argv[0], found in PATH, with our environment. `group`: as the leader of a process group
 * of its own, so that all it starts can be ended with it. Returns 0 or -errno.
 */
int child_start(pid_t *pid, char *const argv[], const struct child_files *files, bool group);

/*
 * The same with our own files, but it gets SIGTERM when we end without having waited for it,
 * killed, for example. A program that changes its user (setuid) does not. Call it from the main
 * thread: the kernel watches the thread, not the process.
 */
int child_start_bound(pid_t *pid, char *const argv[]);

/* Ended: its exit code as a shell tells it, 128 + n for signal n. */
int child_exit_code(int status);
