/*
 * Files: what is offered is told with what to type, and taken by a message to *earshot, which is
 * nobody's nick.
 */
#pragma once

#include "irc/command.h"

#define FILES_NICK "*earshot"

/* An OFFER, WITHDRAWN or TRANSFER event. */
void files_take(struct conn *conn, const struct earshot_event *event);

/* A message that is a small file was shown: what to type. */
void files_take_post(struct conn *conn, const struct earshot_event *event);

/* What was written to *earshot. It may put a function into conn->take; then `next` goes on. */
void files_command(struct conn *conn, const char *text, command_handler *next);
