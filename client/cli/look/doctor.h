/*
 * `doctor`: what it knows, and its checks. Each check looks at one thing, changes nothing unless
 * --fix was given, and says what it found with doctor_say().
 */
#pragma once

#include <limits.h>

#include "base/macro.h"
#include "cli/options.h"
#include "ipc/rendezvous.h"

enum doctor_state { DOCTOR_OK, DOCTOR_WARNING, DOCTOR_PROBLEM };

struct doctor {
    const struct cli_options *options;
    char dir[PATH_MAX]; /* the rendezvous directory */
    enum rendezvous_origin origin;
    int found;                       /* of rendezvous_find(): an outcome or -errno */
    struct rendezvous_record record; /* of the hub, if one was found */
    int n_problems;
};

/* `fix`: what to do; NULL when nothing is to be done. */
void doctor_say(struct doctor *doctor, enum doctor_state state, const char *name, const char *fix,
                const char *format, ...) PRINTF_LIKE(5, 6);

/* A warning or problem as a sentence "what happened; what to do". */
void doctor_say_sentence(struct doctor *doctor, enum doctor_state state, const char *name,
                         const char *sentence);

/* Whose hub it is, or would be: the one that was found, else one of our own. */
uid_t doctor_hub_uid(const struct doctor *doctor);

/* doctor_machine.c: the kernel's limits, and who holds what of them. */
void doctor_check_limits(struct doctor *doctor);
void doctor_check_holders(struct doctor *doctor);

/* What dead hubs and clients left; removed with --fix. */
void doctor_check_left(struct doctor *doctor);

/* What systemd-logind does at logout, and which versions are installed. */
void doctor_check_logout(struct doctor *doctor);
void doctor_check_versions(struct doctor *doctor);

/* doctor_hub.c: the directory, the hub in it, and its queue as the kernel sees it. */
void doctor_check_directory(struct doctor *doctor);
void doctor_check_hub(struct doctor *doctor);
/* What would keep a hub of one's own from starting, and whether the machine's lets everybody in. */
void doctor_check_start(struct doctor *doctor);
void doctor_check_machine(struct doctor *doctor);

/* What the hub itself says; its log, and the disk under it. */
void doctor_check_store(struct doctor *doctor);
