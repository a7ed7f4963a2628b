/*
 * The independent judge of a cast's books: it knows nothing of hub and library, only what the
 * senders noted as acknowledged and what the readers noted as read.
 */
#pragma once

#include "harness/cast.h"

struct audit {
    unsigned long n_sent, n_acked, n_refused; /* messages */
    unsigned long n_read, n_repeated;         /* entries of readers */
    unsigned long n_processes;
    /* What must not be. */
    unsigned long n_lost;      /* acknowledged and not read */
    unsigned long n_doubled;   /* read twice */
    unsigned long n_disorder;  /* after a later one of the same sender and conversation */
    unsigned long n_misled;    /* somebody else's, or not what was written */
    unsigned long n_backwards; /* sequence numbers that do not ascend */
};

/* Judges, and says one line for each rule; the first few violations are told as notes. */
bool audit_books(const struct cast *cast, struct audit *audit);
