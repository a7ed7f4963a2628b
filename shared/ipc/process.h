/* What the kernel says about a process: proc(5), pidfd_open(2). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "base/clock.h"

#define PROCESS_NAME_SIZE 64
#define PROCESS_TTY_SIZE 64

/* A descriptor that polls readable when the process exits. -ESRCH when it is dead already. */
int process_open(pid_t pid, int *pidfd);

/* Whether a process with this PID lives (also one that we may not signal); not a zombie. */
bool process_exists(pid_t pid);

/* The effective uid of a living process; -ENOENT or -ESRCH when it is gone or hidden. */
int process_uid(pid_t pid, uid_t *uid);

/* Whether it is this user's in every way: real, effective, saved and file system uid. */
bool process_is_wholly_of(pid_t pid, uid_t uid);

/*
 * Whether it holds a write lock of the kind that belongs to the open file (F_OFD_SETLK, fcntl(2))
 * on this file. False as well when its descriptors cannot be seen: only its own user and root may.
 */
bool process_holds_lock(pid_t pid, const struct stat *file);

/* The program's name from /proc/PID/comm, made safe to print; "" when it cannot be told. */
void process_name(pid_t pid, char name[PROCESS_NAME_SIZE]);

/* "pts/3", "tty1"; "" when no terminal is behind it or it cannot be told. */
void process_tty(pid_t pid, char tty[PROCESS_TTY_SIZE]);

/* When it began, to a hundredth of a second or so; ms 0 when it cannot be told. */
wall_time process_began(pid_t pid);

/*
 * The process that a thread belongs to; the number itself when it cannot be told. A queue's
 * msg_lrpid is a thread's number when that thread was waiting in msgrcv(2) as the message came.
 */
pid_t process_of_thread(pid_t thread);
