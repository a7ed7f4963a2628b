/* The kernel objects behind a hub: what it says they are for, and what the kernel says of them. */
#pragma once

#include "cli/records.h"

struct objects {
    struct cli_queue *queues; /* by role: well-known, lanes, mailboxes */
    size_t n_queues;
    struct cli_segment *segments;
    size_t n_segments;
};

/* Asks hub and kernel. Returns an exit code; an error has been reported. Free it in any case. */
int objects_ask(struct objects *objects, earshot *link, const struct cli_options *options);
void objects_free(struct objects *objects);

/* "runs", "sleeps", "stopped", "gone": the state of a process, see proc_pid_stat(5). */
const char *objects_state(pid_t pid);
