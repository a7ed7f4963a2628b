/*
 * Where a hostile or fault test plays: an IPC namespace of its own (so "nothing is left" is exact),
 * a directory of its own, a hub and two bystanders.
 */
#pragma once

#include <limits.h>

#include "harness/bystanders.h"
#include "harness/check.h"
#include "harness/hub.h"
#include "harness/raw.h"
#include "harness/user.h"

struct stage {
    char root[PATH_MAX / 4]; /* removed by stage_end() */
    char dir[PATH_MAX / 2];  /* the rendezvous directory, owned by UID_HUB */
    char log[PATH_MAX / 2];
    char state[PATH_MAX / 2]; /* where a durable hub keeps its store, owned by the same */
    bool durable;             /* stage_start_hub() gives it this state directory */
    const char *more[3];      /* arguments for stage_start_hub(), up to NULL */
    uid_t uid_hub;            /* UID_HUB; our own when we are not root */
    struct hub hub;
    struct bystanders pair;
};

/* Needs root, else skips. Makes the namespace and the directories; starts nothing. */
void stage_prepare(struct stage *stage);

/*
 * The same, but for everybody: who is not root plays alone, under one uid and in the namespace
 * that is there.
 */
void stage_prepare_somehow(struct stage *stage);

/* Starts the hub in this mode as UID_HUB; ends the test when it does not come up. */
void stage_start_hub(struct stage *stage, const char *mode);

/* Both of the above with an open hub, and the bystanders. */
void stage_begin(struct stage *stage);

/* One line: the bystanders still talk (and the hub lives) after or during `what`. */
void stage_check_talk(struct stage *stage, const char *what);

/* One line: within `ms` LIST shows so many users, each with one session. */
void stage_check_roster(struct raw *raw, int n_users, int ms, const char *what);

/* For user_run(): a newcomer to the stage sees the two bystanders, and soon nobody else. */
int stage_look_for_two(void *stage);

/* One line: a line of the log after the mark names this uid and this PID; 0: not asked for. */
void stage_check_logged(struct stage *stage, long mark, uid_t uid, pid_t pid, const char *what);

/* One line: the hub's memory grew by less than the bound (printed only under a sanitizer). */
void stage_check_growth(const struct stage *stage, long before_kib, long bound_kib,
                        const char *what);

/* The queues of the namespace now; those with this tag. */
size_t stage_n_queues(void);
size_t stage_n_tagged(enum queue_tag tag);

/*
 * Removes what a process left that was killed after it had made a private queue and before it gave
 * it its tag, a few microseconds later; the next hub or `doctor` would. Says how many.
 */
void stage_remove_nameless(void);

/* One line: no queue of ours is left; tells which. Removes them. */
void stage_check_nothing_left(const char *when);

/* One line: within `ms` no shared memory segment is left in the namespace. */
void stage_check_no_segment(const char *when, int ms);

/* Stops everything, checks the clean stop and that nothing is left; the exit code of the test. */
int stage_end(struct stage *stage);
