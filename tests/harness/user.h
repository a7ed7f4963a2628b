/*
 * Real Unix users: functions that run in a child process under a uid of their own. Only root can
 * do that; a test that needs it is skipped for everybody else.
 */
#pragma once

#include <sys/types.h>

/* No passwd entry has these; so their handles are given explicitly. */
enum { UID_HUB = 61000, UID_ALICE = 61001, UID_BOB = 61002, UID_MALLORY = 61003 };

/* What the child does; its result is the exit code. */
typedef int (*user_main)(void *arg);

/* A handle for the uid of this process: "user-61003". Valid until the next call. */
const char *user_handle(void);

/* Exits with 77 unless this is root. */
void user_need_root(void);

/*
 * Starts a child as this uid, with the gid of the same number and no other group. It dies with its
 * parent. Returns its PID.
 */
pid_t user_start(uid_t uid, user_main run, void *arg);

/* The same with another gid. */
pid_t user_start_in_group(uid_t uid, gid_t gid, user_main run, void *arg);

/* The same with a chosen PID (clone3(2), set_tid); -errno when the kernel refuses. */
pid_t user_start_as_pid(uid_t uid, pid_t pid, user_main run, void *arg);

/*
 * Waits for a child: its exit code, or 128 + the signal that killed it; after `ms` it is killed
 * and the result is -1.
 */
int user_wait(pid_t pid, int ms);

/* Start and wait. */
int user_run(uid_t uid, user_main run, void *arg, int ms);

/* kill -9 and reap. */
void user_kill(pid_t pid);
