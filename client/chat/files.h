/*
 * Files in the window: what others have for us waits for /get or /decline; transfers show a line
 * at their start and one at their end, and in /files how far they are.
 */
#pragma once

#include "chat/chat.h"

void files_deinit(struct chat *chat);

/* Asks the hub for what was offered to us before. */
void files_ask(struct chat *chat);

/* The answer is complete: tells what was new in it, in few lines. */
void files_tell_listed(struct chat *chat);

/* OFFER, WITHDRAWN, TRANSFER and SKIPPED events. */
void files_event(struct chat *chat, const struct earshot_event *event);

/* The user sees somebody again whom they ignored: their files are told, and taken as the rules
 * say. */
void files_unignored(struct chat *chat);

/* A message that was shown, or whose sender is ignored: if it is a small file, that waits, too. */
void files_message(struct chat *chat, const struct earshot_event *event);

/*
 * A STATE event: if it is of a small file of ours, tells that the hub has it, or who has saved it.
 */
void files_state(struct chat *chat, const struct earshot_event *event);

/* A REFUSED event, for a small file of ours; talk_event() tells of it. */
void files_refused(struct chat *chat, const struct earshot_event *event);

/* The hub has taken the offer of this request. */
void files_offered(struct chat *chat, uint32_t request);

/* For when the window has ended: what it still offered is offered no more. */
void files_tell_ended(struct chat *chat);

/* A path as /put takes it: "~/" is the user's home directory. The caller frees it. */
char *files_expand(const char *path);

/* Offers what has this path to a handle or a room. What is wrong is told. */
void files_put_path(struct chat *chat, const char *to, const char *path);

/* The commands; see command.h. */
int files_put(struct chat *chat, char *arguments);
int files_get(struct chat *chat, char *arguments);
int files_decline(struct chat *chat, char *arguments);
int files_list(struct chat *chat, char *arguments);
