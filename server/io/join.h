/* The handshake, the hub's side. */
#pragma once

#include "io/hub.h"

struct claim;
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
 * sent by him; NULL: it is refused. Each of the others ends with the claim, or passes it to
 * entrance_answered(), for join_go_on(), when the user database has answered.
 */
struct claim *join_knock(struct hub *hub, const struct frame_hello *hello);
uid_t join_uid(const struct claim *claim);
void join_admit(struct claim *claim, struct entrance *entrance);
void join_go_on(struct claim *claim);
void join_drop(struct claim *claim);
void join_end(struct claim *claim); /* without a word */

/* The link of a claim in a list; the entrance's. */
struct claim **join_next(struct claim *claim);
