/*
 * What `earshot run` streams: the output of a program as calm messages.
 *
 * The output is text with whatever moves or colours it on a terminal taken out. Lines that were
 * overwritten (progress bars) are as they were left. A message holds whole lines. It goes a second
 * after the one before, or when it is full; but who writes without end is cut: what there is no
 * room for is left out, and the message says so.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"
#include "base/clock.h"

#define RUN_MESSAGE_BYTES 16384
#define RUN_LINE_BYTES 4096 /* longer lines are cut into several */
#define RUN_BURST 64        /* full messages that may go without waiting for their second */

/* One of the program's outputs: the line that is not ended yet. */
struct run_line {
    char text[RUN_LINE_BYTES];
    size_t n;
    bool returned; /* a carriage return came: the next character overwrites the line */
    int escape;    /* where in an escape sequence we are; 0: in none */
};

struct run_batch {
    /* Hands a message over; false: not now. */
    bool (*send)(void *arg, struct bytes text);
    void *arg;
    char text[RUN_MESSAGE_BYTES];
    size_t n;
    size_t n_left_out; /* bytes behind the text that had no room */
    mono_time due;     /* when there is something in it */
    mono_time sent_at;
    mono_time credit; /* a full message may go when this lies RUN_BURST seconds back or less */
};

void run_batch_init(struct run_batch *batch, bool (*send)(void *arg, struct bytes text), void *arg,
                    mono_time now);

void run_batch_add(struct run_batch *batch, struct run_line *line, struct bytes output,
                   mono_time now);

/* The output has ended: its last line may lack a newline. */
void run_batch_end(struct run_batch *batch, struct run_line *line, mono_time now);

/* Sends what is due; `all`: whatever there is. */
void run_batch_tick(struct run_batch *batch, mono_time now, bool all);

/* Milliseconds until something is due; -1: nothing is there. */
int run_batch_timeout_ms(const struct run_batch *batch, mono_time now);

/* "3.2 s", "2 min 5 s", "1 h 2 min" */
void run_duration_text(int64_t ms, char text[48]);
