/* Ctrl-X Ctrl-E: the line in the user's editor, for a long message. */
#pragma once

#include "chat/chat.h"

/*
 * Writes the text into a file, runs $VISUAL, $EDITOR or vi on it, and returns what stands in it
 * then, without line ends at its end; the caller frees it. NULL: it did not end well, and the user
 * was told. The terminal has to be as the shell has it. Meanwhile the hub is answered.
 */
char *compose_edit(struct chat *chat, const char *text);
