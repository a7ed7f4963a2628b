/*
 * Nonces that were taken out of a mailbox for a HELLO that did not match. A nonce can be taken out
 * only once, and a stranger's false HELLO for a fresh mailbox may come before the true one.
 *
 * Each uid has so many places for its own mailboxes; whoever makes more than that loses his own
 * oldest ones. So nobody can push out what is noted for others. For the one thread that admits
 * mailboxes.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/uuid.h"

#define NOTED_PER_USER_MAX 4096 /* as many as a user may have sessions */

/* What was found in this mailbox of this uid, whose nonce was sent by pid. */
void noted_put(uid_t uid, int msqid, pid_t pid, const struct uuid *nonce);

/* Takes it off. False: nothing is noted. */
bool noted_take(uid_t uid, int msqid, pid_t pid, struct uuid *nonce);

/* Forgets all. */
void noted_deinit(void);
