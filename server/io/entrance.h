/*
 * The well-known queue of a hub for many users: only HELLO comes here, and anybody may write to it,
 * so anybody can keep it full. Those who want to come in share it with whoever does that; so it is
 * emptied as fast as possible, and first:
 *
 *   1. everything that is there is taken out. Of a HELLO it is asked whose mailbox it names, which
 * the kernel knows, and whether the nonce is the one in there: what names none, one that is not for
 * us, or somebody else's, costs a call or two and is gone, and takes up nobody's place.
 *   2. then some HELLOs are dealt with, of each uid one in turn, and the queue is emptied again. So
 * a user's own HELLOs wait for each other, and for nobody else's flood.
 *   3. who has to be looked up in the user database waits there (io/resolver.h), and not here.
 *
 * One thread does it all, which alone makes lanes and admits mailboxes. None of it holds the hub's
 * lock but for an instant.
 */
#pragma once

#include "io/join.h"

#define ENTRANCE_WAITING_MAX 1024 /* HELLOs of one uid; about a MiB */

/* In the lane's thread: serves until the queue is gone for good. */
void entrance_run(struct lane *lane);

/* From any thread: the database has answered. The knock is the entrance's again. */
void entrance_answered(struct entrance *entrance, struct knock *knock);
