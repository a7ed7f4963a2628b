/* The handshake, the hub's side. */
#pragma once

#include "io/hub.h"

struct knock;
struct entrance;

/*
 * Somebody sent HELLO to the well-known queue. What is not proved by the kernel is refused: by a
 * FAIL frame when the mailbox can be written to, else by a line in the log. Holds no lock. Waits
 * for the user database: for the lane of a single user.
 */
void join_hello(struct hub *hub, const struct frame_hello *hello);

/*
 * The same in steps, for the entrance of many users, in one thread. join_knock() asks the
 * kernel whose mailbox it is, and compares the nonce, so that what waits in somebody's name was
 * sent by him; NULL: it is refused. Each of the others ends with the knock, or passes it to
 * entrance_answered(), for join_go_on(), when the user database has answered.
 */
struct knock *join_knock(struct hub *hub, const struct frame_hello *hello);
uid_t join_uid(const struct knock *knock);
void join_admit(struct knock *knock, struct entrance *entrance);
void join_go_on(struct knock *knock);
void join_drop(struct knock *knock);
void join_end(struct knock *knock); /* without a word */

/*
 * Who has died before a process says HELLO may still have something in a lane or channel that was
 * not dealt with: its last words. They must come before the first ones of that process, which may
 * be its successor and have another lane. So a knock waits until the sessions of its user's dead
 * have ended; lanes are read whatever happens, so they do.
 */

/* With the lock held: the session of a dead process has ended, and who waited for it is called. */
void join_call(struct hub *hub, struct seat *seat);
/* In the thread of the well-known queue, before it waits for more: those who were called go on. */
void join_admit_called(struct hub *hub);
/* When that thread has ended. */
void join_drop_called(struct hub *hub);

/* The link of a knock in a list; the entrance's. */
struct knock **join_next(struct knock *knock);
