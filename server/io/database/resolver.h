/*
 * Asks the machine's user database (io/login.h) in threads of its own, so that nobody but the asker
 * waits for it, however slow it is: it may lie on a network that has gone.
 *
 * What one user can make it do is bounded: his questions wait in a queue of his own, one of them is
 * asked at a time, and the queues take turns. Answers are kept for some seconds in a table of fixed
 * size; that there is nobody is not, since the account may be made this moment.
 */
#pragma once

#include <stdbool.h>

#include "io/database/login.h"

#define RESOLVER_WAITING_MAX 1024 /* questions of one uid */
#define RESOLVER_KEEP_MS 5000

struct resolver_job {
    uid_t asker;
    struct login_question question;
    struct login_answer answer;
    /* In a thread of the resolver, which holds its lock: may only pass the job on. */
    void (*answered)(struct resolver_job *job);
    struct resolver_job *next, *prev; /* the resolver's */
};

/* Starts the first thread. 0 or -errno. */
int resolver_start(void);

/* No question is asked any more. Does not wait for those that are being asked. */
void resolver_stop(void);

/* After that: calls answered() for the jobs that wait, though there is no answer. */
void resolver_drop(void);

/* No answer is at hand any more. */
void resolver_forget(void);

/* Whether the answer is at hand. */
bool resolver_knows(const struct login_question *question, struct login_answer *answer);

/* False: too many wait for this uid. Else the job is the resolver's until answered() is called. */
bool resolver_ask(struct resolver_job *job);

/* Waits for the answer, at most so long. False: none came. */
bool resolver_wait(uid_t asker, const struct login_question *question, struct login_answer *answer,
                   int ms);
