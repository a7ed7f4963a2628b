/* The outputs of the program that `earshot run` runs, between it and ours. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "cli/child.h"

/* The program writes to a terminal of its own where ours is one, else to a pipe. */
struct run_output {
    int from;  /* our end; -1 when it has ended */
    int child; /* the program's end; -1 once it is started */
    int to;    /* STDOUT_FILENO or STDERR_FILENO */
};

#define RUN_OUTPUTS 2

/*
 * Opens all RUN_OUTPUTS of them, and tells what the program gets. Where our output and error are
 * one file, so are the program's, and outputs[1] stays closed. 0 or -errno.
 */
int run_outputs_open(struct run_output *outputs, struct child_files *files);

/* These take all RUN_OUTPUTS of them. The program has its ends now. */
void run_outputs_started(struct run_output *outputs);
void run_outputs_close(struct run_output *outputs);

/*
 * Reads once and writes the same to where it belongs. Returns how many bytes there were; 0: it has
 * ended, or nobody takes it any more, and it is closed; -EAGAIN.
 */
int run_output_copy(struct run_output *output, char *buffer, size_t size);

/* Our terminal has another size. */
void run_outputs_resize(const struct run_output *outputs);
