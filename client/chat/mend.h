/*
 * Edits and removals in the window: a line tells of each, and what the window has shown before
 * stands where it was, for the lines above are the terminal's. Quotes show the new text.
 */
#pragma once

#include "chat/chat.h"

/* EDITED and REMOVED events. */
void mend_event(struct chat *chat, const struct earshot_event *event);

/* /edit and /delete, of the last message of the user's own in the conversation. */
int mend_edit(struct chat *chat, char *arguments);
int mend_delete(struct chat *chat, char *arguments);
