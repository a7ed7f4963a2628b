/* A text that is long for a line: in the user's editor by Ctrl-X Ctrl-E, or as a file. */
#pragma once

#include "chat/chat.h"

/*
 * Writes the text into a file, runs $VISUAL, $EDITOR or vi on it, and returns what stands in it
 * then, without line ends at its end; the caller frees it. NULL: it did not end well, and the user
 * was told. The terminal has to be as the shell has it. Meanwhile the hub is answered.
 */
char *compose_edit(struct chat *chat, const char *text);

/*
 * Hands a pasted text over to where plain lines go, as a file that stands nowhere else. What is
 * wrong is told.
 */
void compose_put(struct chat *chat, const char *text);
